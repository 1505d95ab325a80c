"""An incident in a file of its own: its moments, what is known of it, and facts of the system; read strictly, described as JSON Schema."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Final

from pydantic import AwareDatetime, Field

from kybern.base import InputError, Problem
from kybern.base.suggest import Suggester
from kybern.base.validation import validate
from kybern.catalog._models import Model
from kybern.catalog.applicability import contradictions, facts_schema, load_fact_schema, read_facts
from kybern.catalog.clocks._run import IncidentFacts

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from kybern.base import Place
    from kybern.base.validation import Document
    from kybern.catalog.applicability import FactValue
    from kybern.catalog.clocks._read import Clocks

_FIRST: Final = 1990
_LAST: Final = 2100
_STATE: Final = r"^[A-Z]{2}(-[A-Z0-9]{1,3})?$"
_Values = dict[Annotated[str, Field(max_length=60)], bool | int | float | str | tuple[str | int, ...] | None]


class _SheetFile(Model):
    """The shape of the file; names of moments, facts and clocks are checked against the clocks afterwards."""

    title: Annotated[str, Field(min_length=1, max_length=200)] = "an incident"
    moments: dict[Annotated[str, Field(max_length=60)], AwareDatetime | None] = Field(default_factory=dict)
    member_states: tuple[Annotated[str, Field(pattern=_STATE)], ...] = ()
    incident: _Values = Field(default_factory=dict)
    facts: _Values = Field(default_factory=dict)
    reports: dict[Annotated[str, Field(max_length=80)], AwareDatetime] = Field(default_factory=dict)


@dataclass(frozen=True)
class Sheet:
    """What a file says: of the incident, and of the system and organisation it is about."""

    incident: IncidentFacts
    facts: Mapping[str, FactValue]


def read_sheet(clocks: Clocks, document: Document) -> Sheet:
    """Read an incident from a file. Raises `InputError` with every problem, each at its place."""
    found, problems = validate(_SheetFile, document, whole="A file about an incident")
    if found is None:
        raise InputError(problems)
    moments, wrong = read_moment_values(clocks, found.moments, lambda name: document.place(("moments", name)))
    reports, strange = read_reports(clocks, found.reports, lambda name: document.place(("reports", name)))
    of_incident, unread = read_facts(clocks.schema, found.incident, lambda name: document.place(("incident", name)), _WHERE)
    schema = load_fact_schema()

    def at(name: str) -> Place:
        return document.place(("facts", name))

    of_system, untold = read_facts(schema, found.facts, at)
    against = contradictions(schema, of_system, lambda about: at(next((name for name in about if name in of_system), about[0])))
    if told := [*wrong, *strange, *unread, *untold, *against]:
        raise InputError(told)
    return Sheet(IncidentFacts(found.title, moments, of_incident, found.member_states, reports), of_system)


_WHERE: Final = "`kybern clocks --schema` lists them."


def read_moment_values(
    clocks: Clocks, stated: Mapping[str, datetime | None], place: Callable[[str], Place]
) -> tuple[dict[str, datetime], list[Problem]]:
    """Read the moments of an incident into UTC; null is not known. What began after it became known is a contradiction."""
    problems: list[Problem] = []
    known = {name: value.astimezone(UTC) for name, value in stated.items() if value is not None and _FIRST <= value.year <= _LAST}
    for name, value in stated.items():
        if name not in clocks.moments:
            hint = Suggester().hint(name, clocks.moments, _WHERE)
            problems.append(Problem("unknown-moment", f"There is no moment {name}.", place(name), hint))
        elif value is not None and name not in known:
            problems.append(Problem("wrong-moment", f"{name} lies in the year {value.year}.", place(name), f"{_FIRST} to {_LAST} is read."))
    begun, aware = known.get("occurred_at"), known.get("aware_at")
    if begun is not None and aware is not None and aware < begun:
        hint = "Say in aware_at when you learned of it, in occurred_at when it began."
        problems.append(Problem("contradictory-moments", "Nobody is aware of an incident before it begins.", place("aware_at"), hint))
    return {name: value for name, value in known.items() if name in clocks.moments}, problems


def read_reports(
    clocks: Clocks, stated: Mapping[str, datetime], place: Callable[[str], Place]
) -> tuple[dict[str, datetime], list[Problem]]:
    """Read when reports were made, by clock, into UTC."""
    problems = [
        Problem("unknown-clock", f"There is no clock {name}.", place(name), Suggester().hint(name, clocks.clocks, _WHERE))
        for name in stated
        if name not in clocks.clocks
    ]
    early = [name for name, value in stated.items() if not _FIRST <= value.year <= _LAST]
    problems += [Problem("wrong-moment", f"The report {name} lies in no year from {_FIRST} to {_LAST}.", place(name)) for name in early]
    return {name: value.astimezone(UTC) for name, value in stated.items() if name in clocks.clocks and name not in early}, problems


def sheet_schema(clocks: Clocks) -> dict[str, Any]:
    """Describe the file as JSON Schema (2020-12), with every question."""
    made = {"type": "string", "format": "date-time"}
    moment = {**made, "type": ["string", "null"]}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:kybern:schema:incident:{clocks.schema.version}",
        "title": "An incident, and the system it is about",
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "title": {"type": "string", "minLength": 1, "maxLength": 200},
            "moments": _closed({one.name: {**moment, "title": one.question} for one in clocks.moments.values()}),
            "member_states": {"type": "array", "items": {"type": "string", "pattern": _STATE}},
            "incident": _closed(facts_schema(clocks.schema)["properties"]),
            "facts": _closed(facts_schema(load_fact_schema())["properties"]),
            "reports": _closed({name: {**made, "title": timed.clock.title} for name, timed in clocks.clocks.items()}),
        },
    }


def _closed(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": False, "properties": dict(properties)}
