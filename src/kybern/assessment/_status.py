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
NOT_APPLICABLE = int(Status.NOT_APPLICABLE)
"""The number alone: a member of an enumeration takes longer to look up than a small column to work out."""


def _combined(values: frozenset[Status]) -> Status:
    """Combine values, of which only the set matters.

    Those not applicable are left out. None left: `UNKNOWN`, or `NOT_APPLICABLE` if there were some. All met: `MET`. Otherwise the
    highest, but never above `PARTLY_MET`. Nothing is met out of nothing.
    """
    live = values - {Status.NOT_APPLICABLE}
    if not live:
        return Status.NOT_APPLICABLE if values else Status.UNKNOWN
    return Status.MET if live == {Status.MET} else min(max(live), Status.PARTLY_MET)


BITS = np.array([1 << value for value in range(VALUES)], np.int64)
"""The bit that says that a value is among those combined."""
_TABLE = np.array([_combined(frozenset(one for one in Status if bits >> one & 1)) for bits in range(1 << VALUES)], np.int8)


def combine_bits(bits: Ints) -> Codes:
    """Combine sets of values, each a sum of `BITS`: (n,) to (n,)."""
    return _TABLE[bits]


def combine_values(values: Codes) -> Codes:
    """Combine values (m,) into one, (1,)."""
    return _TABLE[np.bitwise_or.reduce(BITS[values], keepdims=True)]
