"""Lint rules on the facts that decide which law applies: known, well written, not against each other or the stated class."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from kybern.base import Problem, Severity
from kybern.catalog.applicability import load_fact_schema, load_rules, read_facts, truths
from kybern.records import facts_of, incident_of
from kybern.records.assurance import Incident
from kybern.records.leadership import Organization
from kybern.records.lifecycle import AISystem
from kybern.workspace._rules import Context, Finding, rule

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from kybern.base import Place

_CLASSES: Final = {"prohibited": "eu_ai_act.prohibited", "high": "eu_ai_act.high_risk"}
"""Stated classes, the gravest first, with the conclusion that each claims."""


@rule("unknown-fact", "A record states a fact that the fact schema does not have.", Severity.ERROR)
def _unknown_fact(context: Context) -> Iterator[Finding]:
    yield from _told(context, "unknown-fact")


@rule("wrong-fact", "A stated fact has a value that is not of its type.", Severity.ERROR)
def _wrong_fact(context: Context) -> Iterator[Finding]:
    yield from _told(context, "wrong-fact")


@rule("contradictory-facts", "Facts of a system and its organisation cannot stand together.", Severity.ERROR)
def _contradictory_facts(context: Context) -> Iterator[Finding]:
    found = {problem for system in _systems(context) for problem in facts_of(system, context.records, _at(context)).problems}
    yield from (_finding(problem) for problem in found if problem.rule == "contradictory-facts")
    yield from _of_incidents(context, "contradictory-facts")


@rule("unknown-clock", "An incident names a report on a clock that there is not.", Severity.ERROR)
def _unknown_clock(context: Context) -> Iterator[Finding]:
    yield from _of_incidents(context, "unknown-clock")


@rule("contradictory-moments", "An incident became known before it began.", Severity.ERROR)
def _contradictory_moments(context: Context) -> Iterator[Finding]:
    yield from _of_incidents(context, "contradictory-moments")


@rule("wrong-moment", "A moment of an incident lies in a year that nothing is reckoned for.", Severity.ERROR)
def _wrong_moment(context: Context) -> Iterator[Finding]:
    yield from _of_incidents(context, "wrong-moment")


@rule("risk-class-differs", "A system is stated to be of a lower risk class than its facts make it under the EU AI Act.")
def _risk_class_differs(context: Context) -> Iterator[Finding]:
    for system in _systems(context):
        if system.risk_class == "unclassified":
            continue
        known = facts_of(system, context.records, _at(context)).values
        drawn = truths(load_rules(), known, context.as_of)
        graver = next((name for name, conclusion in _CLASSES.items() if drawn[conclusion] is True), None)
        if graver is not None and system.risk_class not in list(_CLASSES)[: list(_CLASSES).index(graver) + 1]:
            message = f"{system.ref} is stated to be {system.risk_class}, its facts make it {graver}."
            hint = f"`kybern classify {system.id}` shows why; set risk_class: {graver}, or correct the facts."
            yield Finding(context.at(system.ref, "risk_class"), message, hint)


def _at(context: Context) -> Callable[[str, tuple[str | int, ...]], Place]:
    return lambda ref, path: context.at(ref, *path)


def _systems(context: Context) -> tuple[AISystem, ...]:
    return cast("tuple[AISystem, ...]", context.records.of_kind("ai_system"))


def _of_incidents(context: Context, slug: str) -> Iterator[Finding]:
    """Check what incidents say of themselves for their clocks."""
    for incident in cast("tuple[Incident, ...]", context.records.of_kind("incident")):
        yield from (_finding(problem) for problem in incident_of(incident, _at(context))[1] if problem.rule == slug)


def _told(context: Context, slug: str) -> Iterator[Finding]:
    """Check the facts that each record states in so many words."""
    yield from _of_incidents(context, slug)
    organizations = cast("tuple[Organization, ...]", context.records.of_kind("organization"))
    records: tuple[AISystem | Organization, ...] = (*_systems(context), *organizations)
    for record in records:
        if record.facts:

            def place(name: str, ref: str = record.ref) -> Place:
                return context.at(ref, "facts", name)

            _, problems = read_facts(load_fact_schema(), record.facts, place)
            yield from (_finding(problem) for problem in problems if problem.rule == slug)


def _finding(problem: Problem) -> Finding:
    return Finding(problem.place, problem.message, problem.hint)
