"""Quality of the credit data: missing, not in the code book, duplicate, and how far groups in it differ from those in use."""

from __future__ import annotations

import numpy as np
from metrics import Figure
from table import CATEGORIES, COLUMNS, NUMERIC, Sample

CODE_BOOK = {
    "status": 4,
    "credit_history": 5,
    "purpose": 11,
    "savings": 5,
    "present_employment": 5,
    "other_debtors": 3,
    "property": 4,
    "installment_plans": 3,
    "housing": 3,
    "job": 4,
    "telephone": 2,
}
"""How many codes each category has in the table's documentation."""
_PREFIX = {name: f"A{COLUMNS.index(name) + 1}" for name in CODE_BOOK}
_FIRST = {"credit_history": 0, "purpose": 0}
"""Codes start at 1, but for these two at 0."""


def valid_codes(name: str) -> set[str]:
    """List the codes a category may have: `A11` to `A14` for the status of the account."""
    first = _FIRST.get(name, 1)
    return {f"{_PREFIX[name]}{number}" for number in range(first, first + CODE_BOOK[name])}


def missing_share(sample: Sample) -> Figure:
    """Cells that are empty or not a number, over all cells of the inputs."""
    empty = int(np.isnan(sample.numbers).sum()) + int(np.isin(sample.categories, ("", "?", "NA")).sum())
    cells = sample.numbers.size + sample.categories.size
    return Figure(empty / cells, None, None, len(sample))


def invalid_share(sample: Sample) -> Figure:
    """Cells that are not in the code book or, for numbers, not above zero, over all cells of the inputs."""
    wrong = int((sample.numbers <= 0).sum())
    wrong += sum(int((~np.isin(sample.categories[:, i], sorted(valid_codes(name)))).sum()) for i, name in enumerate(CATEGORIES))
    return Figure(wrong / (sample.numbers.size + sample.categories.size), None, None, len(sample))


def duplicate_share(sample: Sample) -> Figure:
    """Rows equal to an earlier row in every field, over all rows."""
    rows = list(zip(map(tuple, sample.numbers.tolist()), map(tuple, sample.categories.tolist()), _kept_apart(sample), strict=True))
    return Figure(1 - len(set(rows)) / len(rows), None, None, len(rows))


def _kept_apart(sample: Sample) -> list[tuple[bool, ...]]:
    return list(zip(sample.female.tolist(), sample.young.tolist(), sample.repaid.tolist(), strict=True))


def representation_gap(sample: Sample, in_use: Sample) -> Figure:
    """Largest difference in the share of women and of applicants under 26 between a data set and those the system is used on."""
    gaps = (abs(float(mine.mean() - theirs.mean())) for mine, theirs in ((sample.female, in_use.female), (sample.young, in_use.young)))
    return Figure(round(max(gaps), 6), None, None, len(sample))


def fits_code_book(numbers: list[float], categories: list[str]) -> bool:
    """Tell whether one application may be scored: every number above zero, every code known."""
    return (
        len(numbers) == len(NUMERIC)
        and len(categories) == len(CATEGORIES)
        and all(np.isfinite(value) and value > 0 for value in numbers)
        and all(code in valid_codes(name) for name, code in zip(CATEGORIES, categories, strict=True))
    )
