"""The catalog over the API: frameworks with their requirements, the control library, and crosswalks between frameworks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final

from django.http import Http404, HttpRequest
from ninja import Query, Router, Schema

from kybern.catalog import Layer, crosswalk
from kybern.server.access.permissions import Permission
from kybern.server.api._door import Needs
from kybern.server.api._fields import LIMIT, ControlName, Cursor, FrameworkId, Limit, Text
from kybern.server.api._paging import slice_of
from kybern.server.pages._sight import catalog

if TYPE_CHECKING:
    from kybern.catalog import Catalog, Control, Framework, Requirement

router: Final = Router(tags=["catalog"])
_AUTH: Final = Needs(Permission.RECORDS_READ)


class FrameworkOut(Schema):
    """A law, standard or practice, with its source and the day its content was checked."""

    id: str
    title: str
    edition: str
    publisher: str
    source: str
    status_date: str
    rights: str
    nature: str
    jurisdictions: list[str]
    requirements: int
    """How many of its entries ask something by themselves."""


class AnswerOut(Schema):
    """A control that answers a requirement, or the other way round: the relation of the control to it, and its weight."""

    control: str
    requirement: str
    relation: str
    weight: float


class DateOut(Schema):
    """From which day until which a requirement binds, and what sets it."""

    since: str
    until: str | None
    route: str | None
    basis: str


class EntryOut(Schema):
    """An entry of a framework, in words of our own."""

    ref: str
    id: str
    parent: str | None
    kind: str
    title: str
    statement: str
    normative: bool
    layer: str | None
    documented_information: str | None
    dates: list[DateOut]
    penalty: str | None
    cites: list[str]
    repealed: str | None
    status: str | None
    confidence: str
    note: str | None
    controls: list[AnswerOut]


class FrameworkWhole(FrameworkOut):
    """A framework with its entries, in its order."""

    entries: list[EntryOut]


class ControlOut(Schema):
    """A control of the library."""

    id: str
    layer: str
    title: str
    statement: str
    owner_role: str
    cadence: str
    applies_to: list[str]


class ControlWhole(ControlOut):
    """A control with why it is there, what it answers, and its checks as the catalog writes them."""

    why: str
    applies_when: list[dict[str, Any]]
    satisfies: list[AnswerOut]
    checks: list[dict[str, Any]]


class ControlPage(Schema):
    """A page of controls."""

    items: list[ControlOut]
    next: str | None


class CrosswalkOut(Schema):
    """A crosswalk that the catalog has."""

    id: str
    source: str
    target: str
    status_date: str
    rows: int


class PairOut(Schema):
    """What is known of two entries: the set relation of the first to the second, how sure that is, and whether a status carries over.

    `via` names the entries of a third framework that it was composed through; it is empty for a row of a crosswalk. `relation` is null
    where they are related and nobody has shown how.
    """

    source: str
    target: str
    relation: str | None
    confidence: str
    basis: str
    via: list[str]
    carries: bool


class PairPage(Schema):
    """A page of pairs, in the order of the source."""

    source: str
    target: str
    hubs: list[str]
    items: list[PairOut]
    next: str | None


@router.get("/frameworks", response=list[FrameworkOut], auth=_AUTH, summary="Frameworks")
def frameworks(request: HttpRequest) -> list[dict[str, Any]]:
    """List the frameworks of the catalog."""
    del request
    known = catalog()
    return [_framework(known, one) for one in known.frameworks.values()]


def _framework(known: Catalog, one: Framework) -> dict[str, Any]:
    said = one.model_dump(mode="json", include={"id", "title", "edition", "publisher", "source", "status_date", "rights", "nature"})
    return {**said, "jurisdictions": list(one.jurisdictions), "requirements": len(known.leaves(one.id))}


@router.get("/frameworks/{identity}", response=FrameworkWhole, auth=_AUTH, summary="A framework with its entries")
def framework(request: HttpRequest, identity: FrameworkId) -> dict[str, Any]:
    """Give a framework with every entry, and the controls that answer each."""
    del request
    known = catalog()
    found = known.frameworks.get(identity)
    if found is None:
        raise Http404
    return {**_framework(known, found), "entries": [_entry(known, identity, one) for one in found.requirements]}


def _entry(known: Catalog, framework_id: str, one: Requirement) -> dict[str, Any]:
    ref = f"{framework_id}:{one.id}"
    said = one.model_dump(
        mode="json",
        include={
            "id",
            "parent",
            "kind",
            "title",
            "statement",
            "normative",
            "layer",
            "documented_information",
            "dates",
            "penalty",
            "cites",
            "repealed",
            "status",
            "confidence",
            "note",
        },
    )
    answers = [
        {"control": control.id, "requirement": ref, "relation": one.relation.value, "weight": one.weight}
        for control, one in known.controls_for(ref)
    ]
    return {**said, "ref": ref, "controls": answers}


@router.get("/controls", response=ControlPage, auth=_AUTH, summary="The control library")
def controls(  # noqa: PLR0913, PLR0917 - each is a parameter of the address
    request: HttpRequest,
    q: Text | None = None,
    layer: Layer | None = None,
    framework: Annotated[str | None, Query(pattern="^[A-Z0-9_]{1,60}$")] = None,
    cursor: Cursor = None,
    limit: Limit = LIMIT,
) -> dict[str, Any]:
    """List controls: by words (`q`), of a layer, those that answer something of a framework."""
    del request
    words = [] if q is None else q.lower().split()
    every = [one for one in catalog().controls.values() if layer in (None, one.layer) and _fits(one, words, framework)]
    found, after = slice_of(every, lambda one: one.id, cursor, limit)
    return {"items": [_control(one) for one in found], "next": after}


def _fits(one: Control, words: list[str], name: str | None) -> bool:
    text = f"{one.id} {one.title} {one.statement}".lower()
    return all(word in text for word in words) and (name is None or any(each.requirement.startswith(f"{name}:") for each in one.satisfies))


def _control(one: Control) -> dict[str, Any]:
    return one.model_dump(mode="json", include={"id", "layer", "title", "statement", "owner_role", "cadence", "applies_to"})


@router.get("/controls/{identity}", response=ControlWhole, auth=_AUTH, summary="A control")
def control(request: HttpRequest, identity: ControlName) -> dict[str, Any]:
    """Give a control with its checks; how it stands is told by `/controls/{identity}/assessment`."""
    del request
    found = catalog().controls.get(identity)
    if found is None:
        raise Http404
    answers = [
        {"control": identity, "requirement": one.requirement, "relation": one.relation.value, "weight": one.weight}
        for one in found.satisfies
    ]
    said = found.model_dump(mode="json", include={"why", "applies_when", "checks"})
    return {**_control(found), **said, "satisfies": answers}


@router.get("/crosswalks", response=list[CrosswalkOut], auth=_AUTH, summary="Crosswalks")
def crosswalks(request: HttpRequest) -> list[dict[str, Any]]:
    """List the crosswalks that the catalog has; between other frameworks pairs are composed."""
    del request
    return [
        {
            "id": one.id,
            "source": one.source_framework,
            "target": one.target_framework,
            "status_date": one.status_date.isoformat(),
            "rows": len(one.rows),
        }
        for one in catalog().crosswalks
    ]


@router.get("/crosswalks/{source}/{target}", response=PairPage, auth=_AUTH, summary="One framework beside another")
def pairs(request: HttpRequest, source: FrameworkId, target: FrameworkId, cursor: Cursor = None, limit: Limit = LIMIT) -> dict[str, Any]:
    """List what is known of the entries of two frameworks, by a crosswalk or composed through a third framework."""
    del request
    known = catalog()
    if source == target or not {source, target} <= known.frameworks.keys():
        raise Http404
    crossing = crosswalk(known, source, target)
    found, after = slice_of(crossing.pairs, lambda one: f"{one.source} {one.target} {one.basis} {' '.join(one.via)}", cursor, limit)
    items = [
        {
            "source": one.source,
            "target": one.target,
            "relation": None if one.relation is None else one.relation.value,
            "confidence": one.confidence.value,
            "basis": one.basis,
            "via": list(one.via),
            "carries": one.carries,
        }
        for one in found
    ]
    return {"source": source, "target": target, "hubs": list(crossing.hubs), "items": items, "next": after}
