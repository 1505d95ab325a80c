"""The table that each shipped framework is held against, and where the catalog differs from it with a reason.

A framework that joins the catalog adds its line to `REFERENCES`, and its ids to `reference_ids.yaml`.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import pytest

from kybern.catalog import Catalog, Requirement

Row: TypeAlias = dict[str, str]

TABLES = next((up / "shared" / "reference" for up in Path(__file__).parents if (up / "shared" / "reference").is_dir()), None)
"""The reference tables: they lie beside the repository and are no part of it."""


@dataclass(frozen=True)
class Reference:
    """A framework's table: its file, which column holds what, and of a table of several editions the one meant.

    Columns named `parent` and `kind` are compared where the table has them.
    """

    file: str
    id: str = "id"
    edition: tuple[str, str] | None = None
    title: str | None = "title"
    bound: str | None = None
    penalty: str | None = None
    since: str | None = None
    status: str | None = None
    confidence: str | None = None

    def rows(self) -> list[Row]:
        """Read the rows; a test skips, by name, where the tables are not there."""
        return [row for row in table(self.file) if self.edition is None or row[self.edition[0]] == self.edition[1]]


def _law(file: str, **columns: str) -> Reference:
    return Reference(file, title="short_title", bound="applies_to", **columns)  # type: ignore[arg-type]


def _instruments(file: str) -> Reference:
    return _law(file, penalty="max_penalty", since="effective_from", status="status_2026_11", confidence="confidence")


REFERENCES = {
    "ISO42001": Reference("iso42001.csv", title="short_title"),
    "NIST_AI_RMF": Reference("nist_ai_rmf.csv", title=None),
    "EU_AI_ACT": Reference("eu_ai_act.csv", title="short_title"),
    "GDPR": _law("gdpr.csv", penalty="max_fine"),
    "NIS2": _law("nis2.csv", penalty="max_fine"),
    "DPDP": _law("dpdp.csv", penalty="max_penalty", since="applies_from"),
    "CALIFORNIA": _instruments("california.csv"),
    "US_STATES": _instruments("us_state_ai.csv"),
    "OTHER_REGIMES": _instruments("other_regimes.csv"),
    "NIST_GENAI": Reference("nist_genai_profile.csv"),
    "OECD": Reference("oecd.csv"),
    "UNESCO": Reference("unesco.csv"),
    "OWASP_LLM": Reference("owasp_llm_top10.csv"),
    "OWASP_AGENTIC": Reference("owasp_agentic_top10.csv"),
    "MITRE_ATLAS": Reference("mitre_atlas_tactics.csv", title="name"),
    "IMDA_AGENTIC": Reference("imda_agentic.csv", status="status", confidence="confidence"),
    "IMDA_AI_VERIFY": Reference("imda_ai_verify.csv"),
    "ISO27001": Reference("iso27001.csv", title="short_title"),
    "ISO9001": Reference("iso9001.csv", title=None),
    "ISO_RELATED": Reference("iso_related.csv"),
}
OTHERS = tuple(name for name in REFERENCES if not name.startswith("ISO") and name not in {"NIST_AI_RMF", "EU_AI_ACT"})
"""The laws, principles and lists of threats that have no tests of their own."""

BESIDE = {
    *(f"GDPR:Art.{part}" for part in ("13(2)(f)", "14(2)(g)", "15(1)(h)", "28(3)")),
    *(f"DPDP:{part}" for part in ("S.5(1)", "S.6(1)", "S.6(4)", "S.6(10)", "R.6(1)(e)", "R.13(1)", "R.13(3)")),
}
"""Parts of an entry that asks for more than its parts: they stand beside it, or its status would come from them alone."""
TITLES = {"EU_AI_ACT:Art.77": "the amending act gives Article 77 a new heading too; the table has that of 2024"}
DATES = {
    "Annex.I.A.1": "deleted, so the later date never held for it",
    "Annex.I.B.21": "added by the amending act, so the date of 2024 never held for it",
}
"""Where the catalog knows better than the table, and why (Regulation (EU) 2026/1744, Article 1, points 34(a) and 41)."""
ONE_OF_TWO = {
    **{f"GDPR:{paragraph}": {"controller"} for paragraph in ("Art.30(1)", "Art.33(1)", "Art.33(5)")},
    **{f"GDPR:{paragraph}": {"processor"} for paragraph in ("Art.30(2)", "Art.33(2)")},
}
"""Paragraphs whose article binds both, and the paragraph one of them: the table repeats the article."""
SPELLED_OUT = {"see subsections": "see subsections: INR 50 crore", "as above": "USD 2 500 / 7 500 per violation (CPI-adjusted)"}
"""Penalties that a table gives by pointing elsewhere, and how the catalog begins instead."""
NOT_IN_FORCE = {"CALIFORNIA:CA-SB951", "CALIFORNIA:CA-AB1018", "US_STATES:CO-SB24-205", "OTHER_REGIMES:EU-CoE-225"}
"""Instruments without a day from which they bind: failed, repealed, not confirmed, binding States only."""


def table(name: str) -> list[Row]:
    """Rows of a reference table."""
    if TABLES is None:
        pytest.skip(f"the reference table {name} is not beside the repository; the committed ids are checked instead")
    with (TABLES / name).open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def pairs(laws: Catalog, framework: str) -> Iterator[tuple[str, Requirement, Row]]:
    """Each entry of a framework with its full name, beside its row of the reference table."""
    for entry, row in zip(laws.frameworks[framework].requirements, REFERENCES[framework].rows(), strict=True):
        yield f"{framework}:{entry.id}", entry, row


def cell(row: Row, column: str | None) -> str:
    """What the table says in a column; nothing where it has none."""
    return row[column] if column else ""
