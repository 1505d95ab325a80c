"""Lint rules on what records name: other records, catalog entries, documents; and on cycles among them."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from kybern.base import Severity
from kybern.records import Edge
from kybern.records.leadership import Role
from kybern.records.people import Document
from kybern.records.risk import SoaEntry
from kybern.workspace._cycles import cycles
from kybern.workspace._files import inside, is_file
from kybern.workspace._rules import Context, Finding, listed, rule

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from kybern.records import Link


@rule("broken-reference", "A reference names a record that is not in the workspace.", Severity.ERROR)
def _broken_reference(context: Context) -> Iterator[Finding]:
    for ref, link in context.records.broken:
        kinds = link.kinds or tuple(context.refs_of)
        names = [name for kind in kinds for name in context.refs_of.get(kind, ())]
        otherwise = f"Known: {listed(names)}." if link.kinds and names else f"Write a record {link.target}, or remove the reference."
        hint = context.suggester.hint(link.target, names, otherwise)
        yield Finding(context.at(ref, *link.path), f"There is no record {link.target}.", hint)


@rule("unknown-control", "A record names a control that is not in the catalog.", Severity.ERROR)
def _unknown_control(context: Context) -> Iterator[Finding]:
    yield from _unknown(context, "control", context.catalog.controls)


@rule("group-excluded", "A statement of applicability entry names a group of requirements, and so changes nothing.", Severity.ERROR)
def _group_excluded(context: Context) -> Iterator[Finding]:
    for entry in cast("tuple[SoaEntry, ...]", context.records.of_kind("soa_entry")):
        if entry.requirement in context.catalog.groups:
            hint = "Write an entry for each requirement under it."
            yield Finding(context.at(entry.ref, "requirement"), f"{entry.requirement} is a group: its status comes from its parts.", hint)


@rule("soa-incomplete", "The statement of applicability says nothing of a control of Annex A.", Severity.WARNING)
def _soa_incomplete(context: Context) -> Iterator[Finding]:
    entries = cast("tuple[SoaEntry, ...]", context.records.of_kind("soa_entry"))
    missing = sorted(context.catalog.reference_controls - {entry.requirement for entry in entries})
    if entries and missing:
        message = f"The statement of applicability has no entry for {listed(missing)}."
        yield Finding(context.at(entries[0].ref), message, "Say of each whether it is necessary, and why.")


@rule("soa-twice", "Two entries of the statement of applicability speak about one control for the same systems.", Severity.WARNING)
def _soa_twice(context: Context) -> Iterator[Finding]:
    seen: dict[tuple[str, str], SoaEntry] = {}
    for entry in cast("tuple[SoaEntry, ...]", context.records.of_kind("soa_entry")):
        for system in entry.systems or ("",):
            other = seen.setdefault((entry.requirement, system), entry)
            if other is not entry:
                message = f"{entry.ref} speaks about {entry.requirement} as {other.ref} does."
                yield Finding(context.at(entry.ref, "requirement"), message, "Keep one, or say for which systems each speaks.")
                break


@rule(
    "clause-excluded", "A statement of applicability entry leaves out a clause; only controls of an annex can be left out.", Severity.ERROR
)
def _clause_excluded(context: Context) -> Iterator[Finding]:
    for entry in cast("tuple[SoaEntry, ...]", context.records.of_kind("soa_entry")):
        if not entry.necessary and entry.requirement in context.catalog.clauses:
            hint = "Carry the clause out; what cannot be done for a time takes a record of kind `exception`."
            yield Finding(
                context.at(entry.ref, "requirement"), f"{entry.requirement} is a clause: whoever follows the standard meets it.", hint
            )


@rule("unknown-requirement", "A record names a requirement that is in no framework of the catalog.", Severity.ERROR)
def _unknown_requirement(context: Context) -> Iterator[Finding]:
    yield from _unknown(context, "requirement", context.catalog.requirements)


@rule("unknown-framework", "`kybern.yaml` names a framework that is not in the catalog.", Severity.ERROR)
def _unknown_framework(context: Context) -> Iterator[Finding]:
    known = sorted({name.partition(":")[0] for name in context.catalog.requirements})
    for index, name in enumerate(context.workspace.settings.frameworks):
        if name not in known:
            place = context.workspace.places.setting(("frameworks", index))
            hint = context.suggester.hint(name, known, f"The catalog has {listed(known)}.")
            yield Finding(place, f"The catalog has no framework {name}.", hint)


def _unknown(context: Context, entry: str, known: frozenset[str]) -> Iterator[Finding]:
    names: list[str] = []
    for record in context.records:
        for path, what, target in record.catalog_links():
            if what == entry and target not in known:
                names = names or sorted(known)
                hint = context.suggester.hint(target, names, f"Names look like {names[0]}." if names else "")
                yield Finding(context.at(record.ref, *path), f"The catalog has no {entry} {target}.", hint)


@rule("ownership-cycle", "Records belong to each other in a circle, so nothing can be summed over them.", Severity.ERROR)
def _ownership_cycle(context: Context) -> Iterator[Finding]:
    graph: dict[str, dict[str, Link]] = {}
    for ref, links in context.records.links.items():
        for link in links:
            if link.edge is Edge.PART_OF:
                graph.setdefault(ref, {}).setdefault(link.target, link)
            elif link.edge is Edge.HAS:
                graph.setdefault(link.target, {}).setdefault(ref, link)
    for circle in cycles(graph):
        yield _circle(context, circle, graph, "Records belong to each other in a circle")


@rule("reporting-cycle", "Roles report to each other in a circle, so nobody is on top.", Severity.ERROR)
def _reporting_cycle(context: Context) -> Iterator[Finding]:
    roles = cast("tuple[Role, ...]", context.records.of_kind("role"))
    graph = {role.ref: {link.target: link for link in context.records.links[role.ref] if link.path == ("reports_to",)} for role in roles}
    for circle in cycles(graph):
        yield _circle(context, circle, graph, "Roles report to each other in a circle")


def _circle(context: Context, circle: list[str], graph: Mapping[str, Mapping[str, Link]], message: str) -> Finding:
    """Say the circle at one of the references that close it, whichever record that stands in."""
    first, second = circle[0], circle[1 % len(circle)]
    link = graph[first][second]
    holder = first if link.target == second and link in context.records.links[first] else second
    way = listed([*circle, first], 8)
    return Finding(context.at(holder, *link.path), f"{message}: {way}.", "Remove one of these references.")


@rule("document-outside", "A document's path leads outside the workspace.", Severity.ERROR)
def _document_outside(context: Context) -> Iterator[Finding]:
    for document in _documents(context):
        if not inside(context.workspace.root, document.path or ""):
            hint = "Give a path below the workspace, or use `location` for what lies elsewhere."
            yield Finding(context.at(document.ref, "path"), f"The path {document.path} leads outside the workspace.", hint)


@rule("document-missing", "A document's path names no file.")
def _document_missing(context: Context) -> Iterator[Finding]:
    root = context.workspace.root
    for document in _documents(context):
        path = document.path or ""
        if inside(root, path) and not is_file(root, path):
            yield Finding(context.at(document.ref, "path"), f"There is no file {path}.", "Paths start at the folder of kybern.yaml.")


def _documents(context: Context) -> Iterator[Document]:
    for document in cast("tuple[Document, ...]", context.records.of_kind("document")):
        if document.path is not None:
            yield document
