"""From an incident's record to what its clocks start from. Only what the record says is known; what it leaves open stays open."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from kybern.base import Problem
from kybern.catalog.applicability import read_facts
from kybern.catalog.clocks import IncidentFacts, load_clocks, read_moment_values, read_reports

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime

    from kybern.base import Place
    from kybern.catalog.applicability import FactValue
    from kybern.records.assurance import Incident

    At = Callable[[str, tuple[str | int, ...]], Place]

_MOMENTS: Final = {
    "occurred_at": "occurred_at",
    "aware_at": "aware_at",
    "causal_link_at": "causal_link_at",
    "determined_at": "determined_at",
    "corrected_at": "corrected_at",
    "handled_at": "resolved_at",
}
"""The moments of clocks, with the fields of the record that say them."""


def incident_of(incident: Incident, at: At) -> tuple[IncidentFacts, tuple[Problem, ...]]:
    """Gather what an incident's record says, and what is wrong with it; `at` finds the place of a field."""
    clocks = load_clocks()
    stated: dict[str, datetime | None] = {name: getattr(incident, field) for name, field in _MOMENTS.items()}
    moments, wrong = read_moment_values(clocks, stated, lambda name: at(incident.ref, (_MOMENTS.get(name, name),)))
    facts, unread = read_facts(
        clocks.schema, incident.facts or {}, lambda name: at(incident.ref, ("facts", name)), "`kybern clocks --schema` lists the facts."
    )
    listed = sorted(enumerate(incident.reports or ()), key=lambda pair: pair[1].at, reverse=True)
    made = {report.clock: index for index, report in listed}  # of several on one clock the earliest, which comes last here
    first = {report.clock: report.at for _, report in listed}
    reports, strange = read_reports(clocks, first, lambda name: at(incident.ref, ("reports", made[name], "clock")))
    harms: dict[str, FactValue] = {} if incident.harms is None else {"harms": frozenset(incident.harms)}
    problems = (*wrong, *unread, *strange, *_differing(incident, facts, harms, at))
    return IncidentFacts(incident.title, moments, {**harms, **facts}, incident.member_states or (), reports), problems


def _differing(incident: Incident, facts: Mapping[str, FactValue], harms: Mapping[str, FactValue], at: At) -> Iterator[Problem]:
    """Tell where harms are stated twice and differ."""
    if "harms" in facts and harms and facts["harms"] != harms["harms"]:
        place = at(incident.ref, ("facts", "harms"))
        yield Problem("contradictory-facts", "harms is another here than in the field of that name.", place, "Leave it out here.")
