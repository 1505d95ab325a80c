"""From records to facts: what an AI system and its organisation say of themselves, as facts that law is applied to.

Only what a record really says becomes a fact. What it leaves open stays open: it is asked for, and never assumed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from kybern.base import Problem
from kybern.catalog.applicability import contradictions, load_fact_schema, read_facts, written

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from kybern.base import Place
    from kybern.catalog.applicability import FactValue
    from kybern.records._set import RecordSet
    from kybern.records.leadership import Organization
    from kybern.records.lifecycle import AISystem

    Spot = tuple[str, tuple[str | int, ...]]
    At = Callable[[str, tuple[str | int, ...]], Place]

ROLES: Final = {
    "provider": ("provider",),
    "deployer": ("deployer",),
    "user": ("deployer",),
    "importer": ("importer",),
    "distributor": ("distributor",),
    "developer": ("develops",),
}
"""What a stated role says for certain. A provider may use the system too: the other roles stay open."""

_BEFORE: Final = {"concept", "design", "development", "validation"}


@dataclass(frozen=True)
class KnownFacts:
    """Facts of a system with its organisation, where each comes from (record and path), and what is wrong with those stated."""

    values: Mapping[str, FactValue]
    sources: Mapping[str, Spot]
    problems: tuple[Problem, ...]


def facts_of(system: AISystem, records: RecordSet, at: At) -> KnownFacts:
    """Gather the facts of a system: what its record and the organisation's say, and the facts stated there in so many words.

    `at` finds the place of a record's field. What is stated under `facts` goes before what follows from other fields; where both
    speak and differ, that is a problem of its own.
    """
    organization = records.organization
    derived: dict[str, tuple[FactValue, Spot]] = {**dict(_of_data(system, records)), **dict(_of_system(system))}
    stated: dict[str, tuple[object, Spot]] = {}
    if organization is not None:
        derived |= _of_organization(organization)
        stated |= {name: (value, (organization.ref, ("facts", name))) for name, value in (organization.facts or {}).items()}
    stated |= {name: (value, (system.ref, ("facts", name))) for name, value in (system.facts or {}).items()}
    return _joined(derived, stated, at)


def facts_of_organization(organization: Organization, at: At) -> KnownFacts:
    """Gather the facts of the organisation alone: what holds of it whatever system is asked about."""
    stated: dict[str, tuple[object, Spot]] = {
        name: (value, (organization.ref, ("facts", name))) for name, value in (organization.facts or {}).items()
    }
    return _joined(_of_organization(organization), stated, at)


def _joined(
    derived: Mapping[str, tuple[FactValue, Spot]],
    stated: Mapping[str, tuple[object, Spot]],
    at: At,
) -> KnownFacts:
    schema = load_fact_schema()
    read, problems = read_facts(schema, {name: value for name, (value, _) in stated.items()}, lambda name: at(*stated[name][1]))
    values = {name: value for name, (value, _) in derived.items()} | read
    sources = {name: spot for name, (_, spot) in derived.items()} | {name: stated[name][1] for name in read}
    against = contradictions(schema, values, lambda about: at(*_first(about, sources)))
    return KnownFacts(values, sources, (*problems, *_differing(derived, read, stated, at), *against))


def _differing(
    derived: Mapping[str, tuple[FactValue, Spot]],
    read: Mapping[str, FactValue],
    stated: Mapping[str, tuple[object, Spot]],
    at: At,
) -> Iterator[Problem]:
    """Tell where a stated fact says otherwise than a field of the records."""
    for name, value in read.items():
        if name in derived and derived[name][0] != value:
            other, (ref, path) = derived[name]
            field = ".".join(map(str, path))
            message = f"{name} is {_shown(value)} here, and {_shown(other)} by the field {field} of {ref}."
            yield Problem(
                "contradictory-facts", message, at(*stated[name][1]), f"Correct one of them; where the field says it, {name} can go."
            )


def _shown(value: FactValue) -> str:
    said = written(value)
    return ", ".join(said) if isinstance(said, list) else str(said).lower()


def _first(about: tuple[str, ...], sources: Mapping[str, Spot]) -> Spot:
    """Find where a contradiction is best told: at a fact stated in so many words, else at the field it follows from."""
    known = [sources[name] for name in about if name in sources]
    return next((spot for spot in known if spot[1][:1] == ("facts",)), known[0])


def _of_system(system: AISystem) -> Iterator[tuple[str, tuple[FactValue, Spot]]]:
    """Go through what the record of a system says."""

    def said(field: str, **values: FactValue) -> Iterator[tuple[str, tuple[FactValue, Spot]]]:
        yield from ((name, (value, (system.ref, (field,)))) for name, value in values.items())

    yield from said("id", ai_system=True)
    yield from said("role", **dict.fromkeys(ROLES.get(system.role, ()), True))
    yield from said("jurisdictions", jurisdictions=frozenset(system.jurisdictions))
    if system.personal_data is not None:
        yield from said("personal_data", personal_data=system.personal_data)
    if system.generates_content is not None:
        yield from said("generates_content", generates_content=system.generates_content)
    if system.autonomy == "acts-alone":
        yield from said("autonomy", solely_automated=True)
    if system.in_operation_since is not None and _in_the_union(system):
        yield from said("in_operation_since", on_eu_market=True, eu_market_since=system.in_operation_since)
    elif system.stage in _BEFORE:
        yield from said("stage", on_eu_market=False)


def _of_data(system: AISystem, records: RecordSet) -> Iterator[tuple[str, tuple[FactValue, Spot]]]:
    """Go through what the data sets of a system hold; that they hold no such data says nothing about the system."""
    from kybern.records.lifecycle import Dataset  # noqa: PLC0415 - that module imports this room

    held = [one for ref in records.belonging_to(system.ref) if isinstance(one := records.get(ref), Dataset)]
    for name in ("personal_data", "special_categories"):
        yield from ((name, (True, (one.ref, (name,)))) for one in held if getattr(one, name))


def _in_the_union(system: AISystem) -> bool:
    members = load_fact_schema().regions["EU"]
    return any(place == "EU" or place.partition("-")[0] in members for place in system.jurisdictions)


def _of_organization(organization: Organization) -> dict[str, tuple[FactValue, Spot]]:
    """Give what the record of the organisation says."""
    found: dict[str, tuple[FactValue, Spot]] = {
        "personal_use": (False, (organization.ref, ("legal_name",))),
        "established_in": (frozenset(organization.countries), (organization.ref, ("countries",))),
    }
    if organization.employees is not None:
        found["employees"] = (float(organization.employees), (organization.ref, ("employees",)))
    if organization.profile == "public-sector":
        found["public_body"] = (True, (organization.ref, ("profile",)))
    return found
