"""What an import would do: records read out of files with their places, held against what stands; evidence verified."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from kybern.base import InputError, Place, Problem
from kybern.base.suggest import Suggester
from kybern.base.validation import shown
from kybern.base.yaml import read_yaml
from kybern.evidence import Refused, verify
from kybern.evidence.applied import compare
from kybern.records import Record
from kybern.server.access.permissions import SENSITIVE_KINDS, Permission
from kybern.server.pages._tables import is_table, read_table, rows_of
from kybern.server.store.keys import keyring
from kybern.server.store.models import EvidenceRow, RecordRow
from kybern.workspace import validate

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from kybern.base.yaml import JsonValue, YamlDocument
    from kybern.evidence.applied import FieldChange
    from kybern.server.access.actor import Actor
    from kybern.server.pages._uploads import Files

    _Found = dict[str, tuple[Record, Place]]

_MOST_PROBLEMS: Final = 500
_AT_ONCE: Final = 500
_EVIDENCE: Final = ".dsse.json"


@dataclass(frozen=True)
class Step:
    """What becomes of a record."""

    record: Record
    place: Place
    act: str
    """`added`, `changed` or `unchanged`."""
    digest: str | None
    """Of the version that stands, None where there is none."""
    changes: tuple[FieldChange, ...] = ()


@dataclass(frozen=True)
class Piece:
    """What becomes of a piece of evidence: `accepted`, `known` or `refused` with the reason."""

    file: str
    outcome: str
    topic: str = ""
    subjects: tuple[str, ...] = ()
    reason: str = ""
    data: bytes = b""


@dataclass
class Plan:
    """Everything an import would do."""

    steps: list[Step] = field(default_factory=list)
    pieces: list[Piece] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    passed_over: list[str] = field(default_factory=list)

    def of(self, act: str) -> list[Step]:
        """Give the steps of an act."""
        return [one for one in self.steps if one.act == act]

    def evidence(self, outcome: str) -> list[Piece]:
        """Give the pieces of an outcome."""
        return [one for one in self.pieces if one.outcome == outcome]

    @property
    def does_something(self) -> bool:
        """Tell whether there is anything to apply."""
        return any(one.act != "unchanged" for one in self.steps) or bool(self.evidence("accepted"))


def plan_of(files: Files, who: Actor, kind: str, mapping: Mapping[str, str] | None) -> Plan:
    """Say what importing files would do, for somebody; nothing is changed."""
    plan = Plan()
    found: _Found = {}
    is_workspace = _workspace_root(files)
    for name, data in files:
        role = _role(name, is_workspace)
        if role == "evidence":
            plan.pieces.append(_piece(name, data))
        elif role == "table" and kind and mapping is not None:
            _take_table(plan, found, (name, data), kind, mapping)
        elif role == "records":
            _take_file(plan, found, name, data)
        else:
            plan.passed_over.append(name)
    if any(one.outcome == "accepted" for one in plan.pieces):
        plan.pieces = _known_apart(plan.pieces, allowed=who.may(Permission.EVIDENCE_WRITE))
    _hold_against(plan, found, who)
    plan.problems = sorted(plan.problems[:_MOST_PROBLEMS], key=lambda one: one.place)
    return plan


def tables_of(files: Files) -> list[str]:
    """Name the tables among files; those within a workspace are data of somebody's, not records."""
    root = _workspace_root(files)
    return [name for name, _ in files if _role(name, root) == "table"]


def _workspace_root(files: Files) -> str | None:
    """Give the folder that has a `kybern.yaml`; None if there is none."""
    roots = sorted((name.removesuffix("kybern.yaml") for name, _ in files if name.rpartition("/")[2] == "kybern.yaml"), key=len)
    return roots[0] if roots else None


def _role(name: str, root: str | None) -> str:
    """Say what a file is by its name; of a workspace the folders `records` and `evidence` count."""
    inner = name.removeprefix(root) if root else name
    if name.endswith(_EVIDENCE):
        return "evidence"
    if is_table(name):
        return "table" if root is None else ""
    if root is not None:
        return "records" if inner.startswith("records/") and inner.endswith((".yaml", ".yml")) else ""
    return "records" if name.lower().endswith((".yaml", ".yml", ".json")) else ""


def _piece(name: str, data: bytes) -> Piece:
    try:
        found = verify(data, keyring())
    except Refused as refused:
        return Piece(name, "refused", reason=f"{refused.message} ({refused.rule})")
    return Piece(name, "accepted", found.topic, tuple(one.ref for one in found.subjects), found.id, data)


def _known_apart(pieces: list[Piece], *, allowed: bool) -> list[Piece]:
    """Tell which pieces are here already, byte for byte; `reason` of an accepted one is its id until then."""
    ids = [one.reason for one in pieces if one.outcome == "accepted"]
    there: dict[str, str] = {}
    for start in range(0, len(ids), _AT_ONCE):
        there |= dict(EvidenceRow.objects.filter(pk__in=ids[start : start + _AT_ONCE]).values_list("id", "envelope"))
    found = []
    for one in pieces:
        if one.outcome != "accepted":
            found.append(one)
        elif not allowed:
            found.append(Piece(one.file, "refused", one.topic, one.subjects, "Taking in evidence is not granted to you."))
        elif there.get(one.reason) == hashlib.sha256(one.data).hexdigest():
            found.append(Piece(one.file, "known", one.topic, one.subjects))
        else:
            found.append(Piece(one.file, "accepted", one.topic, one.subjects, data=one.data))
    return found


def _take_table(plan: Plan, found: _Found, file: tuple[str, bytes], kind: str, mapping: Mapping[str, str]) -> None:
    try:
        rows = rows_of(file[0], read_table(*file), kind, mapping)
    except InputError as error:
        plan.problems += error.problems
        return
    plan.problems += rows.problems
    for record, place in rows.records:
        _add(plan, found, record, place)


def _take_file(plan: Plan, found: _Found, name: str, data: bytes) -> None:
    try:
        documents = read_yaml(data, name)
    except InputError as error:
        plan.problems += error.problems
        return
    for document in documents:
        for path, value in _items(document.value):
            kind = _kind(plan, document, path, value)
            if kind is not None:
                record, problems = validate(Record.registry[kind], document, path)
                plan.problems += problems
                if record is not None and not problems:
                    _add(plan, found, record, document.place(path))


def _items(value: JsonValue) -> Iterator[tuple[tuple[str | int, ...], JsonValue]]:
    if isinstance(value, list):
        yield from (((index,), item) for index, item in enumerate(value))
    else:
        yield (), value


def _kind(plan: Plan, document: YamlDocument, path: tuple[str | int, ...], value: Any) -> str | None:
    if not isinstance(value, dict) or not isinstance(value.get("kind"), str):
        problem = Problem("not-a-record", "This is no record.", document.place(path), "A record starts with `kind:` and `id:`.")
    elif value["kind"] in Record.registry:
        return str(value["kind"])
    else:
        hint = Suggester().hint(value["kind"], Record.registry, "")
        problem = Problem("unknown-kind", f"There is no record kind {shown(value['kind'])}.", document.place((*path, "kind")), hint)
    plan.problems.append(problem)
    return None


def _add(plan: Plan, found: _Found, record: Record, place: Place) -> None:
    if record.ref in found:
        hint = f"It is first at {found[record.ref][1]}: keep one."
        plan.problems.append(Problem("duplicate-id", f"{record.ref} is stated twice.", place, hint))
    else:
        found[record.ref] = (record, place)


def _hold_against(plan: Plan, found: _Found, who: Actor) -> None:
    """Hold the records against what stands: what is not allowed or leads nowhere is left out, and what leans on it too."""
    standing: dict[str, RecordRow] = {}
    refs = list(found)
    for start in range(0, len(refs), _AT_ONCE):
        standing |= {row.ref: row for row in RecordRow.objects.filter(ref__in=refs[start : start + _AT_ONCE])}
    for ref in [ref for ref in found if not _allowed(who, ref, standing.get(ref))]:
        plan.problems.append(Problem("not-allowed", f"Writing {ref} is not granted to you.", found.pop(ref)[1], "Ask an administrator."))
    _without_broken(plan, found)
    for ref, (record, place) in found.items():
        row = standing.get(ref)
        if row is None:
            plan.steps.append(Step(record, place, "added", None))
        elif row.digest == record.digest:
            plan.steps.append(Step(record, place, "unchanged", row.digest))
        else:
            plan.steps.append(Step(record, place, "changed", row.digest, compare(row.content, record.content)))


def _allowed(who: Actor, ref: str, row: RecordRow | None) -> bool:
    unit = None if row is None else row.unit
    if ref.partition(":")[0] in SENSITIVE_KINDS and not who.may(Permission.RECORDS_SENSITIVE, unit):
        return False
    return who.may(Permission.RECORDS_WRITE, unit) and who.may(Permission.RECORDS_READ, unit)


def _without_broken(plan: Plan, found: _Found) -> None:
    """Leave out records whose references lead nowhere, until none is left that does."""
    targets = {link.target for record, _ in found.values() for link in record.links()}
    outside = list(targets - found.keys())
    there: set[str] = set()
    for start in range(0, len(outside), _AT_ONCE):
        there |= set(RecordRow.objects.filter(ref__in=outside[start : start + _AT_ONCE]).values_list("ref", flat=True))
    gone = True
    while gone:
        gone = False
        for ref in list(found):
            record, place = found[ref]
            broken = sorted({link.target for link in record.links() if link.target not in found and link.target not in there})
            if broken:
                hint = "Import it in the same upload, or write it first."
                plan.problems.append(Problem("broken-reference", f"{ref} names {', '.join(broken[:5])}, which is not there.", place, hint))
                existing = RecordRow.objects.filter(pk=ref).exists()
                del found[ref]
                there |= {ref} if existing else set()
                gone = True
