"""The German credit table as typed columns, and its split into training, validation and monitoring samples."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

COLUMNS = (
    "status",
    "duration",
    "credit_history",
    "purpose",
    "credit_amount",
    "savings",
    "present_employment",
    "installment_rate",
    "status_sex",
    "other_debtors",
    "present_residence_since",
    "property",
    "age",
    "installment_plans",
    "housing",
    "number_of_existing_credits",
    "job",
    "number_of_people_liable_for",
    "telephone",
    "foreign_worker",
    "credit",
)
PROTECTED = ("status_sex", "age", "foreign_worker")
"""Never an input of the model; sex and age group are kept beside it to measure fairness."""
NUMERIC = (
    "duration",
    "credit_amount",
    "installment_rate",
    "present_residence_since",
    "number_of_existing_credits",
    "number_of_people_liable_for",
)
CATEGORIES = tuple(name for name in COLUMNS if name not in (*PROTECTED, *NUMERIC, "credit"))
FEMALE = ("A92", "A95")
YOUNG = 26
"""Applicants below this age are the young group; the boundary is the one the fairness literature uses on this table."""
MONITORING_ROWS = 200
VALIDATION_ROWS = 250
SPLIT_SEED = 20260216

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Sample:
    """Rows of the table: `numbers` (n, 6), `categories` (n, 11), whether the loan was `repaid`, and the groups kept apart."""

    name: str
    numbers: Floats
    categories: NDArray[np.str_]
    repaid: Bools
    female: Bools
    young: Bools
    sha256: str

    def __len__(self) -> int:
        """Count the rows."""
        return len(self.repaid)

    def take(self, index: NDArray[np.int64], name: str) -> Sample:
        """Choose rows by position."""
        parts = (self.numbers[index], self.categories[index], self.repaid[index], self.female[index], self.young[index])
        return Sample(name, *parts, sha256=_digest(*parts))


@dataclass(frozen=True, slots=True)
class Samples:
    """The three samples and the whole they came from."""

    everything: Sample
    training: Sample
    validation: Sample
    monitoring: Sample


def read(raw: bytes) -> Sample:
    """Parse the space-separated table. Raises `ValueError` if a row does not have 21 fields."""
    rows = [line.split() for line in raw.decode("ascii").splitlines() if line.strip()]
    if any(len(row) != len(COLUMNS) for row in rows):
        msg = f"a row of the credit table does not have {len(COLUMNS)} fields"
        raise ValueError(msg)
    columns = dict(zip(COLUMNS, np.array(rows, dtype=np.str_).T, strict=True))
    numbers = np.column_stack([columns[name].astype(np.float64) for name in NUMERIC])
    categories = np.column_stack([columns[name] for name in CATEGORIES])
    repaid = columns["credit"] == "1"
    female = np.isin(columns["status_sex"], FEMALE)
    young = columns["age"].astype(np.int64) < YOUNG
    return Sample("everything", numbers, categories, repaid, female, young, hashlib.sha256(raw).hexdigest())


def split(everything: Sample) -> Samples:
    """Hold the last rows of the file back as the monitoring sample; divide the rest at random with a fixed seed."""
    earlier = len(everything) - MONITORING_ROWS
    order = np.random.default_rng(SPLIT_SEED).permutation(earlier)
    return Samples(
        everything,
        training=everything.take(order[VALIDATION_ROWS:], "training"),
        validation=everything.take(order[:VALIDATION_ROWS], "validation"),
        monitoring=everything.take(np.arange(earlier, len(everything)), "monitoring"),
    )


def _digest(*parts: NDArray[np.generic]) -> str:
    """SHA-256 over the values as text, so that it does not hang on how numpy lays them out."""
    state = hashlib.sha256()
    for part in parts:
        state.update("\n".join(map(str, part.ravel().tolist())).encode())
    return state.hexdigest()
