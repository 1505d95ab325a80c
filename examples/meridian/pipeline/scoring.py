"""The scoring service, small but real: schema check, score, decision, and a log in which each line names the one before."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field

import numpy as np
from credit import CreditModel
from metrics import main_reasons
from quality import fits_code_book
from table import CATEGORIES, NUMERIC, Sample

START = "0" * 64


class RefusedBatchError(Exception):
    """A batch that does not fit the code book is not scored."""


@dataclass(slots=True)
class DecisionLog:
    """Lines of JSON, each with the digest of the line before it."""

    lines: list[str] = field(default_factory=list)

    def append(self, entry: dict[str, object]) -> None:
        """Add an entry."""
        self.lines.append(json.dumps(entry | {"previous": self._last()}, sort_keys=True))

    def _last(self) -> str:
        return hashlib.sha256(self.lines[-1].encode()).hexdigest() if self.lines else START

    def intact(self) -> bool:
        """Tell whether every line names the one before it."""
        before = START
        for line in self.lines:
            if json.loads(line)["previous"] != before:
                return False
            before = hashlib.sha256(line.encode()).hexdigest()
        return True


def decide_batch(model: CreditModel, sample: Sample, log: DecisionLog) -> None:
    """Score a batch and log each decision: approved by score, or referred to a person. Raises `RefusedBatchError`."""
    rows = list(zip(sample.numbers.tolist(), sample.categories.tolist(), strict=True))
    if not all(fits_code_book(numbers, codes) for numbers, codes in rows):
        msg = f"batch {sample.name} holds values that are not in the code book"
        raise RefusedBatchError(msg)
    names = (*NUMERIC, *CATEGORIES)
    scored = zip(rows, model.default_probability(sample).tolist(), main_reasons(model, sample).tolist(), strict=True)
    for number, ((numbers, codes), score, reasons) in enumerate(scored):
        entry = {"application": number, "numbers": numbers, "categories": codes, "score": round(score, 9), "model": model.artefact_sha256}
        log.append(entry | {"reasons": [names[i] for i in reasons], "route": "approved" if score < model.cutoff else "underwriter"})


def complete(line: str) -> bool:
    """Tell whether a line of the log has all that tracing a decision takes."""
    entry = json.loads(line)
    return all(
        entry.get(name) not in (None, [], "") for name in ("numbers", "categories", "score", "model", "reasons", "route", "previous")
    )


def reconstruct(model: CreditModel, line: str, sample: Sample) -> bool:
    """Score the logged inputs again and compare with the logged score and route."""
    entry = json.loads(line)
    one = sample.take(np.array([0]), "again")
    again = type(one)("again", np.array([entry["numbers"]]), np.array([entry["categories"]]), one.repaid, one.female, one.young, one.sha256)
    score = float(model.default_probability(again)[0])
    route = "approved" if score < model.cutoff else "underwriter"
    return bool(abs(score - entry["score"]) < 1e-8 and route == entry["route"])  # noqa: PLR2004 - the log keeps nine digits
