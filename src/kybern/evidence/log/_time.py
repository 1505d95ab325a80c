"""Not before, not after: what time-stamps say of when an entry came into the log. Pure, and of nobody's clock but the authorities'.

Not after: a token on a checkpoint that includes the entry shows that the entry was in the log when the token was made.

Not before: a token whose digest stands in the log at or before the entry shows that the entry took its place after the token was made:
nobody knows a token before there is one, and what comes later in the log was put there later. That a token is on an *earlier*
checkpoint shows nothing of the kind: anybody may have an old checkpoint stamped today.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True)
class Stamp:
    """A token that holds: an authority's word that a checkpoint of `size` entries existed at `at`, give or take `accuracy`.

    `logged` is the index of the first entry with the token's digest; None if the token is not in the log.
    """

    authority: str
    size: int
    at: datetime
    accuracy: timedelta
    logged: int | None = None

    @property
    def earliest(self) -> datetime:
        """The moment before which the token was surely not made."""
        return _moved(self.at, -self.accuracy)

    @property
    def latest(self) -> datetime:
        """The moment after which the token was surely not made."""
        return _moved(self.at, self.accuracy)


@dataclass(frozen=True)
class Bounds:
    """When an entry came into the log, as far as time-stamps tell; None where none does."""

    not_before: Stamp | None
    not_after: Stamp | None

    @property
    def contradict(self) -> bool:
        """Tell whether the two leave no moment: then an authority's clock is wrong, or somebody's token is."""
        return self.not_before is not None and self.not_after is not None and self.not_before.earliest > self.not_after.latest


def bounds(index: int, stamps: Iterable[Stamp]) -> Bounds:
    """Give the narrowest bounds that the stamps set for the entry of an index."""
    listed = list(stamps)
    before = [stamp for stamp in listed if stamp.logged is not None and stamp.logged <= index]
    after = [stamp for stamp in listed if stamp.size > index]
    return Bounds(
        max(before, key=lambda stamp: stamp.earliest, default=None),
        min(after, key=lambda stamp: stamp.latest, default=None),
    )


def _moved(at: datetime, by: timedelta) -> datetime:
    """Move a moment; at the calendar's ends it stays there."""
    try:
        return at + by
    except OverflowError:
        return at
