"""Where a trace starts: a name that the reader may know of, or what they search for."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext as _

from kybern.assessment import Status, describe
from kybern.records import Edge
from kybern.report._words import sentence, short_name
from kybern.server.access.permissions import Permission
from kybern.server.pages._looks import unslugged
from kybern.server.pages.readiness import gaps_of
from kybern.server.store.evidence import read_pieces
from kybern.server.store.models import RecordRow
from kybern.server.store.projection import root_unit
from kybern.server.store.visible import find_record, visible_evidence, visible_records
from kybern.server.wording import day, retell, say

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from django.db.models import QuerySet

    from kybern.evidence import Evidence
    from kybern.server.access.actor import Actor
    from kybern.server.live import Standing

_FEW: Final = 8
_PREFIX: Final = 8
_HEX: Final = frozenset("0123456789abcdef")
_AT_ONCE: Final = 500
_ABOVE: Final = 5
"""How many wholes are gone up from a part."""


@dataclass(frozen=True)
class Start:
    """Something that a trace starts from: its name, its kind, its title, and its page."""

    ref: str
    kind: str
    title: str

    @property
    def href(self) -> str:
        """Its own page."""
        return page_of_node(self.kind, self.ref)


def page_of_node(kind: str, ref: str) -> str:
    """Give the page of a node of the graph."""
    if kind == "requirement":
        return f"/requirements/{ref}"
    if kind in {"control", "check"}:
        return f"/controls/{ref.partition('/')[0]}"
    if kind == "evidence":
        return f"/evidence/{ref}"
    name, _colon, identity = ref.partition(":")
    return f"/systems/{identity}" if name == "ai_system" else f"/records/{name}/{identity}"


def start_of(who: Actor, standing: Standing, ref: str) -> Start | None:
    """Find what a name stands for; None where nothing is called so, or nothing that the reader may know of."""
    catalog = standing.catalog
    if ref in catalog.requirements:
        entry = catalog.requirements[ref]
        return Start(ref, "requirement", f"{short_name(ref.partition(':')[0])} {entry.id} {say(entry.title)}")
    control, slash, name = ref.partition("/")
    if control in catalog.controls:
        found = catalog.controls[control]
        if not slash:
            return Start(ref, "control", f"{control} {say(found.title)}")
        check = next((one for one in found.checks if one.id == name), None)
        return None if check is None else Start(ref, "check", say(check.title))
    if ":" in ref:
        row = find_record(who, ref[:160]) if "\0" not in ref else None
        return None if row is None or row.ref not in standing.records else Start(row.ref, "record", row.title)
    return _evidence(who, standing, ref.lower())


def _evidence(who: Actor, standing: Standing, ref: str) -> Start | None:
    """Find a piece by its id, or by a beginning that no other has."""
    if len(ref) < _PREFIX or not set(ref) <= _HEX or not who.may(Permission.EVIDENCE_READ):
        return None
    pieces = read_pieces(visible_evidence(who).filter(id__startswith=ref)[:2])
    if len(pieces) != 1 or standing.assessment.evidence.get(pieces[0].id) is None:
        return None
    return Start(pieces[0].id, "evidence", _shown(pieces[0]))


def _shown(piece: Evidence) -> str:
    """Say what a piece shows, and of when it is: a suite's or a metric's slug is written as words."""
    shows = sentence(retell(unslugged(describe(piece).partition(": ")[2]), "shown"))
    return f"{shows} ({day(piece.observed_at)})"


# --- what the reader may see ------------------------------------------------------------------------------------------------------------


def whole(who: Actor) -> bool:
    """Tell whether the reader may see how the whole organisation stands."""
    return who.may(Permission.ASSESSMENT_READ, root_unit())


def systems_of(who: Actor, standing: Standing, most: int) -> list[tuple[str, str]]:
    """Give the first AI systems by which a reader may narrow a trace: those assessed whose status they may see."""
    rows = _systems_seen(who).order_by("title", "ref").values_list("ref", "title").iterator(_AT_ONCE)
    assessed = standing.assessment.plan.system_index
    return list(islice(((ref, title) for ref, title in rows if ref in assessed), most))


def narrowing(who: Actor, standing: Standing, refs: Iterable[str]) -> set[str]:
    """Choose those of some names by which a reader may narrow a trace."""
    wanted = [ref for ref in dict.fromkeys(refs) if ref in standing.assessment.plan.system_index]
    return set(_systems_seen(who).filter(ref__in=wanted).values_list("ref", flat=True)) if wanted else set()


def _systems_seen(who: Actor) -> QuerySet[RecordRow]:
    return visible_records(who).filter(kind="ai_system", unit__in=who.where(Permission.ASSESSMENT_READ))


def system_of(who: Actor, standing: Standing, start: Start) -> str | None:
    """Find the AI system that a record, or what a piece of evidence is about, belongs to: the nearest of those that may be chosen."""
    item = standing.assessment.evidence.get(start.ref)
    refs = [start.ref] if item is None else [subject.ref for subject in item.subjects]
    for _step in range(_ABOVE):
        known = narrowing(who, standing, refs)
        found = next((ref for ref in refs if ref in known), None)
        if found is not None:
            return found
        refs = [link.target for ref in refs for link in standing.records.links.get(ref, ()) if link.edge is Edge.PART_OF]
    return None


def seen_records(who: Actor, refs: Sequence[str]) -> set[str]:
    """Choose the records that a reader may see; what is named and not recorded is hidden from nobody."""
    there: set[str] = set()
    known: set[str] = set()
    for at in range(0, len(refs), _AT_ONCE):
        part = list(refs[at : at + _AT_ONCE])
        there |= set(visible_records(who).filter(ref__in=part).values_list("ref", flat=True))
        known |= set(RecordRow.objects.filter(ref__in=part).values_list("ref", flat=True))
    return there | (set(refs) - known)


def seen_evidence(who: Actor, refs: Sequence[str]) -> set[str]:
    """Choose the pieces of evidence that a reader may see."""
    if not who.may(Permission.EVIDENCE_READ):
        return set()
    rows = visible_evidence(who)
    return {
        one for at in range(0, len(refs), _AT_ONCE) for one in rows.filter(id__in=refs[at : at + _AT_ONCE]).values_list("id", flat=True)
    }


# --- finding a start --------------------------------------------------------------------------------------------------------------------


def search(who: Actor, standing: Standing, words: str) -> list[tuple[str, list[Start]]]:
    """Find what a trace may start from, by kind."""
    wanted = words.lower().split()
    if not wanted:
        return []
    found = (
        (_("Requirements"), list(_few(_requirements(standing, wanted)))),
        (_("Controls and checks"), list(_few(_controls(standing, wanted)))),
        (_("Records"), [Start(ref, "record", title) for ref, title in _records(who, standing, words)]),
        (_("Evidence"), _pieces(who, standing, words.lower())),
    )
    return [(label, starts) for label, starts in found if starts]


def _few(starts: Iterator[Start]) -> Iterator[Start]:
    for _number, one in zip(range(_FEW), starts, strict=False):
        yield one


def _requirements(standing: Standing, wanted: list[str]) -> Iterator[Start]:
    for ref, entry in standing.catalog.requirements.items():
        text = f"{ref} {short_name(ref.partition(':')[0])} {entry.id} {entry.title} {say(entry.title)}".lower()
        if entry.normative and ref.partition(":")[0] in standing.frameworks and all(word in text for word in wanted):
            yield Start(ref, "requirement", f"{short_name(ref.partition(':')[0])} {entry.id} {say(entry.title)}")


def _controls(standing: Standing, wanted: list[str]) -> Iterator[Start]:
    for name, control in standing.catalog.controls.items():
        if all(word in f"{name} {control.title} {say(control.title)}".lower() for word in wanted):
            yield Start(name, "control", f"{name} {say(control.title)}")
        for check in control.checks:
            if all(word in f"{name}/{check.id} {check.title} {say(check.title)}".lower() for word in wanted):
                yield Start(f"{name}/{check.id}", "check", say(check.title))


def _records(who: Actor, standing: Standing, words: str) -> list[tuple[str, str]]:
    rows = visible_records(who)
    for word in words.lower().split():
        rows = rows.filter(text__contains=word)
    return [(ref, title) for ref, title in rows.order_by("title", "ref").values_list("ref", "title")[:_FEW] if ref in standing.records]


def _pieces(who: Actor, standing: Standing, words: str) -> list[Start]:
    if not who.may(Permission.EVIDENCE_READ):
        return []
    rows = visible_evidence(who)
    by_id = len(words) >= _PREFIX and set(words) <= _HEX
    rows = rows.filter(id__startswith=words) if by_id else rows.filter(topic__contains="-".join(words.split()))
    pieces = read_pieces(rows.order_by("-observed_at", "id")[:_FEW])
    return [Start(one.id, "evidence", _shown(one)) for one in pieces if standing.assessment.evidence.get(one.id) is not None]


def suggested(who: Actor, standing: Standing) -> list[tuple[str, list[Start]]]:
    """Propose where to begin: what falls short, the AI systems, and what came in last."""
    found: list[tuple[str, list[Start]]] = []
    if whole(who):
        gaps = [Start(one.control.id, "control", f"{one.control.id} {say(one.control.title)}") for one in gaps_of(standing)[:_FEW]]
        entries = standing.catalog.requirements
        short = [
            Start(ref, "requirement", f"{short_name(ref.partition(':')[0])} {entries[ref].id} {say(entries[ref].title)}")
            for ref in _worst(standing)
        ]
        found += [(_("Requirements that are not met"), short), (_("Controls that fall short"), gaps)]
    found.append((_("AI systems"), [Start(ref, "record", title) for ref, title in systems_of(who, standing, _FEW)]))
    if who.may(Permission.EVIDENCE_READ):
        pieces = read_pieces(visible_evidence(who).order_by("-observed_at", "id")[:_FEW])
        latest = [Start(one.id, "evidence", _shown(one)) for one in pieces if standing.assessment.evidence.get(one.id) is not None]
        found.append((_("Latest evidence"), latest))
    return [(label, starts) for label, starts in found if starts]


def _worst(standing: Standing) -> list[str]:
    def make() -> list[str]:
        leaves = [ref for ref in standing.catalog.leaves(standing.frameworks[0]) if standing.catalog.requirements[ref].normative]
        scores = [(ref, standing.assessment.requirement(ref)) for ref in leaves]
        bad = (Status.NOT_MET, Status.EXPIRED, Status.UNKNOWN, Status.PARTLY_MET)
        short = [(ref, one) for ref, one in scores if one is not None and one.status in bad]
        return [ref for ref, _score in sorted(short, key=lambda pair: (bad.index(pair[1].status), pair[1].coverage))[:_FEW]]

    return standing.assessment.once("trace-worst", make)
