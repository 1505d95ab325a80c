"""How far the evidence there is for one framework carries over to another, entry by entry."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from kybern.assessment._status import Status
from kybern.catalog import Reach

if TYPE_CHECKING:
    from kybern.assessment._assessment import Assessment, Score
    from kybern.catalog import Covered, Crossing, Pair


class Standing(StrEnum):
    """What the sources of an entry come to here and now."""

    CARRIED = "carried over"
    OPEN = "would carry over"
    EVIDENCE = "evidence that may serve"
    NO_EVIDENCE = "no evidence yet"
    UNPROVEN = "unproven"
    UNCOVERED = "uncovered"


@dataclass(frozen=True, slots=True)
class Source:
    """A pair with how its source stands; `score` is None where the source asks nothing itself or does not bear on the subject."""

    pair: Pair
    score: Score | None

    @property
    def has_evidence(self) -> bool:
        """Tell whether something rests under the source that could be shown."""
        return self.score is not None and self.score.evidence > 0


@dataclass(frozen=True, slots=True)
class CarriedOver:
    """An entry of the target: what its sources come to, and how it stands by itself, through the controls that answer it."""

    covered: Covered
    standing: Standing
    sources: tuple[Source, ...]
    own: Score | None


def carry_over(
    assessment: Assessment, crossing: Crossing, subject: str | None = None, *, with_organization: bool = False
) -> tuple[CarriedOver, ...]:
    """Look at every entry of the target that asks something.

    A status carries over where a source that includes the entry is met, and in no other way. Nothing here changes a status of the
    assessment: what is carried over is told beside it. `with_organization` looks at the organisation where a source does not bear on the
    subject: what the house does serves each of its systems. Raises `KeyError` for a subject that is not assessed.
    """
    return tuple(_carried(assessment, covered, subject, with_organization=with_organization) for covered in crossing.coverage)


def _carried(assessment: Assessment, covered: Covered, subject: str | None, *, with_organization: bool) -> CarriedOver:
    def source(ref: str) -> Score | None:
        return _score(assessment, ref, subject) or (_score(assessment, ref, None) if with_organization else None)

    sources = tuple(Source(pair, source(pair.source)) for pair in covered.pairs)
    return CarriedOver(covered, _standing(covered, sources), sources, _score(assessment, covered.ref, subject))


def _score(assessment: Assessment, ref: str, subject: str | None) -> Score | None:
    return assessment.requirement(ref, subject) if assessment.catalog.requirements[ref].normative else None


def _standing(covered: Covered, sources: tuple[Source, ...]) -> Standing:
    if any(one.pair.carries and one.score is not None and one.score.status is Status.MET for one in sources):
        return Standing.CARRIED
    if covered.reach is Reach.NONE:
        return Standing.UNCOVERED
    if covered.reach is Reach.UNPROVEN:
        return Standing.UNPROVEN
    if covered.reach is Reach.CARRIED:
        return Standing.OPEN
    return Standing.EVIDENCE if any(one.has_evidence for one in sources if one.pair.relation) else Standing.NO_EVIDENCE
