"""The catalog against itself: every reference leads somewhere, no id stands twice, nothing is asked of the wrong entry."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, TypeVar

from kybern.base import Problem
from kybern.catalog._check_time import check_time
from kybern.catalog._models import Control, Crosswalk, EvidenceCheck, Framework, Requirement

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from pydantic import BaseModel

    from kybern.base import Place
    from kybern.catalog._read import Located, Sources

    M = TypeVar("M", bound=BaseModel)


def cross_check(sources: Sources, record_kinds: Collection[str] | None) -> Iterator[Problem]:
    """Yield everything in the sources that does not hold together."""
    yield from check_frameworks(sources)
    yield from _repeated(sources.controls, "control")
    yield from _repeated(sources.crosswalks, "crosswalk")
    entries = {f"{found.item.id}:{entry.id}": entry for found in sources.frameworks for entry in found.item.requirements}
    groups = {f"{ref.partition(':')[0]}:{entry.parent}" for ref, entry in entries.items() if entry.parent is not None and entry.normative}
    for found in sources.frameworks:
        yield from _cites(found, entries)
    for control in sources.controls:
        yield from _satisfies(control, entries, groups)
        yield from _texts(control.item, ("title", "statement", "why"), control.place)
        yield from _kinds(control, record_kinds)
    yield from _answers(sources, entries, groups)
    for crosswalk in sources.crosswalks:
        yield from _crosswalk(crosswalk, entries, {found.item.id for found in sources.frameworks})


def check_frameworks(sources: Sources) -> Iterator[Problem]:
    """Yield what does not hold together within each framework."""
    for found in sources.frameworks:
        yield from _framework(found)
    yield from _repeated(sources.frameworks, "framework")


def _repeated(found: Sequence[Located[M]], what: str) -> Iterator[Problem]:
    first: dict[str, Place] = {}
    for located in found:
        name, place = str(getattr(located.item, "id")), located.place("id")  # noqa: B009 - every catalog shape has an id
        if first.setdefault(name, place) is not place:
            yield Problem(f"duplicate-{what}", f"The {what} {name} is defined twice.", place, f"It is first at {first[name]}.")


def _framework(found: Located[Framework]) -> Iterator[Problem]:
    """Check a framework's tree: ids, parents, texts."""
    first: dict[str, int] = {}
    for index, entry in enumerate(found.item.requirements):
        if first.setdefault(entry.id, index) != index:
            hint = f"It is first at {found.place('requirements', first[entry.id], 'id')}."
            yield Problem("duplicate-requirement", f"The id {entry.id} stands twice.", found.place("requirements", index, "id"), hint)
    parents = {entry.id: entry.parent for entry in found.item.requirements}
    for index, entry in enumerate(found.item.requirements):
        yield from _texts(entry, ("title", "statement"), lambda *path, at=index: found.place("requirements", at, *path))
        place = found.place("requirements", index, "parent")
        if entry.parent is not None and entry.parent not in parents:
            yield Problem("unknown-parent", f"The parent {entry.parent} of {entry.id} is not here.", place, _near(entry.parent, parents))
        elif _in_cycle(entry, parents):
            yield Problem("parent-cycle", f"{entry.id} is above itself: its parents go in a circle.", place, "Name the real parent.")
    yield from check_time(found)


def _cites(found: Located[Framework], entries: Mapping[str, Requirement]) -> Iterator[Problem]:
    """Check that what entries cite is there."""
    for index, entry in enumerate(found.item.requirements):
        for at, ref in enumerate(entry.cites):
            if ref not in entries:
                place = found.place("requirements", index, "cites", at)
                yield Problem("unknown-requirement", f"{entry.id} cites {ref}, which is not here.", place, _near(ref, entries))


def _in_cycle(entry: Requirement, parents: Mapping[str, str | None]) -> bool:
    above, seen = parents[entry.id], {entry.id}
    while above is not None and above not in seen:
        seen.add(above)
        above = parents.get(above)
    return above == entry.id


def _texts(item: BaseModel, names: Sequence[str], place: Callable[..., Place]) -> Iterator[Problem]:
    for name in names:
        if not getattr(item, name).strip():
            yield Problem(f"missing-{name}", f"The {name} is empty.", place(name), "Say it in a sentence of your own.")


def _satisfies(found: Located[Control], entries: Mapping[str, Requirement], groups: Collection[str]) -> Iterator[Problem]:
    """Check that a control answers entries that ask something themselves, each once."""
    first: dict[str, int] = {}
    for index, mapping in enumerate(found.item.satisfies):
        ref, place = mapping.requirement, found.place("satisfies", index, "requirement")
        if first.setdefault(ref, index) != index:
            yield Problem("duplicate-mapping", f"{found.item.id} answers {ref} twice.", place, "Keep the stronger relation.")
        else:
            yield from _answered(ref, place, entries, groups)


def _answered(ref: str, place: Place, entries: Mapping[str, Requirement], groups: Collection[str]) -> Iterator[Problem]:
    """Check that an entry can be answered."""
    if ref not in entries:
        yield Problem("unknown-requirement", f"There is no requirement {ref}.", place, _near(ref, entries))
    elif not entries[ref].normative:
        yield Problem("not-normative", f"{ref} asks nothing, so no control can answer it.", place, "Name an entry that asks something.")
    elif ref in groups:
        yield Problem("not-a-leaf", f"{ref} is a group: its status comes from its children.", place, "Name the children it answers.")


def _answers(sources: Sources, entries: Mapping[str, Requirement], groups: Collection[str]) -> Iterator[Problem]:
    """Check what is said beside frameworks: controls and entries that are there, no pair twice, none that the control says itself."""
    controls = {found.item.id for found in sources.controls}
    first = {(found.item.id, one.requirement): found.place("satisfies") for found in sources.controls for one in found.item.satisfies}
    for found in sources.answers:
        for index, one in enumerate(found.item.answers):
            ref, place = f"{found.item.framework}:{one.requirement}", found.place("answers", index, "requirement")
            if one.control not in controls:
                where = found.place("answers", index, "control")
                yield Problem("unknown-control", f"There is no control {one.control}.", where, _near(one.control, controls))
            if first.setdefault((one.control, ref), place) is not place:
                yield Problem(
                    "duplicate-mapping", f"{one.control} answers {ref} twice.", place, f"It is first at {first[one.control, ref]}."
                )
            else:
                yield from _answered(ref, place, entries, groups)


def _kinds(found: Located[Control], known: Collection[str] | None) -> Iterator[Problem]:
    """Check that the record kinds a control's checks look at exist."""
    for index, check in enumerate(found.item.checks):
        name = "on" if isinstance(check, EvidenceCheck) else "kind"
        kind = check.on if isinstance(check, EvidenceCheck) else check.kind
        if known is not None and kind is not None and kind not in known:
            place = found.place("checks", index, name)
            yield Problem("unknown-kind", f"There is no record kind {kind}.", place, _near(kind, known))


def _crosswalk(found: Located[Crosswalk], entries: Mapping[str, Requirement], frameworks: Collection[str]) -> Iterator[Problem]:
    """Check that a crosswalk's rows join entries of its two frameworks, on a basis it explains."""
    walk = found.item
    for name in ("source_framework", "target_framework"):
        framework = getattr(walk, name)
        if framework not in frameworks:
            message = f"There is no framework {framework}."
            yield Problem("unknown-framework", message, found.place(name), _near(framework, frameworks))
    first: dict[tuple[str, str], int] = {}
    for index, row in enumerate(walk.rows):
        yield from _end(found, index, "source", walk.source_framework, entries)
        yield from _end(found, index, "target", walk.target_framework, entries)
        if row.basis not in walk.bases:
            place = found.place("rows", index, "basis")
            yield Problem("unknown-basis", f"The basis {row.basis} is not explained.", place, _near(row.basis, walk.bases))
        if first.setdefault((row.source, row.target), index) != index:
            place = found.place("rows", index)
            yield Problem("duplicate-row", f"{row.source} to {row.target} stands twice.", place, "Keep one row.")


def _end(found: Located[Crosswalk], index: int, name: str, framework: str, entries: Mapping[str, Requirement]) -> Iterator[Problem]:
    ref = getattr(found.item.rows[index], name)
    place = found.place("rows", index, name)
    if ref not in entries:
        yield Problem("unknown-requirement", f"There is no requirement {ref}.", place, _near(ref, entries))
    elif not ref.startswith(f"{framework}:"):
        yield Problem("wrong-framework", f"{ref} is not of {framework}.", place, "A crosswalk joins the two frameworks it names.")


def _near(name: str, names: Collection[str]) -> str:
    close = get_close_matches(name, names, n=1)
    return f"Did you mean {close[0]}?" if close else ""
