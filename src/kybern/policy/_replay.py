"""Recorded decisions against other rules: what would have come out otherwise."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from kybern.policy._bundle import Bundle
from kybern.policy._decide import Decision, decide_on
from kybern.policy._record import Recorded


@dataclass(frozen=True)
class Replayed:
    """A recorded decision, and what the other rules make of the same facts."""

    recorded: Recorded
    now: Decision

    @property
    def differs(self) -> bool:
        """Whether another effect comes out."""
        return self.now.effect is not self.recorded.effect


def replay(bundle: Bundle, recorded: Iterable[Recorded]) -> Iterator[Replayed]:
    """Decide again on the facts of each record. Facts that cannot come in any more are denied, as they would be."""
    for one in recorded:
        yield Replayed(one, decide_on(bundle, *one.sources(bundle.schema)))


def tally(replayed: Iterable[Replayed]) -> Counter[tuple[str, str]]:
    """Count how often each effect became which."""
    return Counter((one.recorded.effect.value, one.now.effect.value) for one in replayed)
