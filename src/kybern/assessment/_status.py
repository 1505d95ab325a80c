"""The values a status takes, and the one way several of them combine."""

from __future__ import annotations

from enum import IntEnum

import numpy as np
import numpy.typing as npt

Codes = npt.NDArray[np.int8]
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


class Status(IntEnum):
    """A status, ordered from low to high; `NOT_APPLICABLE` stands outside the order and is left out of every sum."""

    UNKNOWN = 0
    NOT_MET = 1
    EXPIRED = 2
    PARTLY_MET = 3
    MET = 4
    NOT_APPLICABLE = 5

    @property
    def slug(self) -> str:
        """The value as JSON has it: `partly_met`."""
        return self.name.lower()

    @property
    def label(self) -> str:
        """The value as a person reads it: `partly met`."""
        return self.slug.replace("_", " ")


VALUES = len(Status)


def combine_counts(counts: Ints) -> Codes:
    """Combine values that were counted: `counts` is (n, 6), one column a `Status`; the result is (n,).

    Those not applicable are left out. None left: `UNKNOWN`, or `NOT_APPLICABLE` if there were some. All met: `MET`. Otherwise the
    highest, but never above `PARTLY_MET`. Nothing is met out of nothing.
    """
    not_applicable = counts[:, Status.NOT_APPLICABLE]
    live = counts[:, : Status.NOT_APPLICABLE].sum(axis=1)
    some = counts[:, : Status.NOT_APPLICABLE] > 0
    highest = VALUES - 2 - np.argmax(some[:, ::-1], axis=1)
    status = np.minimum(highest, Status.PARTLY_MET)
    status = np.where(counts[:, Status.MET] == live, Status.MET, status)
    nothing = np.where(not_applicable > 0, Status.NOT_APPLICABLE, Status.UNKNOWN)
    return np.where(live == 0, nothing, status).astype(np.int8)


def combine_values(values: Codes) -> Codes:
    """Combine values (m,) into one, (1,)."""
    return combine_counts(np.bincount(values, minlength=VALUES)[None, :])
