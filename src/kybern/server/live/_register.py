"""What follows from the standing and takes its time, made once for each: the register of obligations."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from kybern.assessment import Register, obligations
from kybern.base import Place
from kybern.catalog.applicability import Classification, classify, load_rules
from kybern.records import facts_of, facts_of_organization
from kybern.records.lifecycle import AISystem

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kybern.server.live._standing import Standing


def register_of(standing: Standing, subject: str | None = None) -> Register:
    """Give what binds the organisation and each AI system in scope; of one subject only, if named.

    Facts that contradict each other are told by the linter; here the rest of the facts decides.
    """
    return standing.assessment.once(("register", subject), lambda: _made(standing, subject))


def _made(standing: Standing, subject: str | None) -> Register:
    return obligations(_classified(standing) if subject is None else _classify(standing, subject), standing.assessment)


def _classified(standing: Standing) -> Mapping[str, Classification]:
    """Classify all once: it hangs on records and the day, not on evidence."""
    return standing.assessment.plan.once("classified", lambda: _classify(standing, None))


def _classify(standing: Standing, subject: str | None) -> Mapping[str, Classification]:
    records, day = standing.records, standing.as_of.date()

    def at(ref: str, _: tuple[str | int, ...]) -> Place:
        return Place(ref)

    known = {}
    if records.organization is not None and subject in (None, records.organization.ref):
        known[records.organization.ref] = facts_of_organization(records.organization, at)
    for ref in standing.assessment.systems if subject is None else {subject} & set(standing.assessment.systems):
        known[ref] = facts_of(cast("AISystem", records.get(ref)), records, at)
    return {ref: classify(load_rules(), one.values, day) for ref, one in known.items()}
