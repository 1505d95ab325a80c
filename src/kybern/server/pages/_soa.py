"""The statement of applicability by row: what is said of each Annex A control, and how it stands, which nobody types."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

from django.utils.translation import gettext_lazy as _

from kybern.assessment import named_owner, owed_by
from kybern.server.access.permissions import Permission
from kybern.server.live import current
from kybern.server.pages._asked import asked
from kybern.server.pages._sight import catalog as shipped
from kybern.server.store.models import RecordRow
from kybern.server.store.projection import root_unit
from kybern.server.store.visible import visible_records
from kybern.server.wording import say

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from django.http import HttpRequest

    from kybern.assessment import Score
    from kybern.catalog import Catalog, Requirement
    from kybern.records.risk import SoaEntry
    from kybern.server.access.actor import Actor
    from kybern.server.live import Standing

FRAMEWORK: Final = "ISO42001"
KIND: Final = "soa_entry"
_ANNEX: Final = "A."
YES, NO, UNDECIDED = "yes", "no", "undecided"
SAID: Final = {YES: _("applicable"), NO: _("left out"), UNDECIDED: _("undecided")}


@dataclass(frozen=True)
class Line:
    """A control of Annex A: what the statement says of it, and how it stands. `score` is None for who may not see that."""

    ref: str
    entry: Requirement
    row: RecordRow | None
    """The entry that speaks of all systems."""
    others: tuple[RecordRow, ...]
    """Entries that speak of single systems."""
    score: Score | None
    owner: str
    owner_ref: str | None
    signed: bool
    """Whether the exclusion counts: its approval is signed, in the version that stands."""

    @property
    def applicable(self) -> str:
        """What was decided."""
        if self.row is None:
            return UNDECIDED
        return YES if self.row.content.get("necessary") else NO

    @property
    def justification(self) -> str:
        """Why."""
        return "" if self.row is None else str(self.row.content.get("justification", ""))


def controls_of(known: Catalog) -> list[str]:
    """Name the controls of Annex A, in their order."""
    return [ref for ref in known.leaves(FRAMEWORK) if known.requirements[ref].id.startswith(_ANNEX)]


def lines(who: Actor, only: str | None = None) -> list[Line]:
    """Give the statement's rows, or one of them: what is said from the records as they are, how it stands to who may see that."""
    standing = current() if who.may(Permission.ASSESSMENT_READ, root_unit()) else None
    known = shipped() if standing is None else standing.catalog
    said: dict[str, list[RecordRow]] = {}
    for row in visible_records(who).filter(kind=KIND).order_by("ref"):
        said.setdefault(str(row.content.get("requirement", "")), []).append(row)
    return [_line(standing, known, ref, said.get(ref, [])) for ref in controls_of(known) if only in (None, ref)]


def _line(standing: Standing | None, known: Catalog, ref: str, rows: Sequence[RecordRow]) -> Line:
    whole = next((row for row in rows if not row.content.get("systems")), None)
    others = tuple(row for row in rows if row is not whole)
    score = None if standing is None else standing.assessment.requirement(ref)
    owner, owner_ref = _owner(standing, ref, whole)
    return Line(ref, known.requirements[ref], whole, others, score, owner, owner_ref, _counts(standing, whole))


def _owner(standing: Standing | None, ref: str, row: RecordRow | None) -> tuple[str, str | None]:
    """Name who owns the entry; without one, who owes the first control that answers it."""
    if standing is None:
        title = "" if row is None else RecordRow.objects.filter(pk=row.owner).values_list("title", flat=True).first() or ""
        return title, (row.owner or None) if row else None
    if row is not None and row.owner:
        return named_owner(standing.assessment.plan, row.owner), row.owner
    for control, _weight in standing.assessment.plan.counting.get(ref, ()):
        owed = owed_by(standing.assessment, control)
        return owed.words, owed.ref
    return "", None


def _counts(standing: Standing | None, row: RecordRow | None) -> bool:
    """Tell whether an exclusion counts: the assessment knows this version of it, and its signature."""
    if standing is None or row is None or row.content.get("necessary"):
        return False
    record = standing.records.get(row.ref)
    return record is not None and record.digest == row.digest and standing.assessment.board.left_out(cast("SoaEntry", record))


def fits(line: Line, request: HttpRequest) -> bool:
    """Tell whether the address asks for a row."""
    status, said, layer, words = (asked(request, name) for name in ("status", "applicable", "layer", "q"))
    entry = line.entry
    told = f"{entry.id} {entry.title} {say(entry.title)} {entry.statement} {say(entry.statement)}"
    text = f"{told} {line.justification} {line.owner}".lower()
    return (
        (not status or (line.score is not None and line.score.status.slug == status))
        and said in ("", line.applicable)
        and (not layer or (line.entry.layer is not None and line.entry.layer.value == layer))
        and all(word in text for word in words.lower().split())
    )


def fresh_content(line: Line) -> dict[str, Any]:
    """Give what a new entry says besides its answer: its id is that of the control, or the next that is free."""
    wanted = line.entry.id.lower()
    taken = set(RecordRow.objects.filter(kind=KIND, ref__startswith=f"{KIND}:{wanted}").values_list("ref", flat=True))
    name = next(one for one in (wanted, *(f"{wanted}-{number}" for number in range(2, len(taken) + 3))) if f"{KIND}:{one}" not in taken)
    owner = {"owner": line.owner_ref} if line.owner_ref else {}
    return {"kind": KIND, "id": name, "title": f"{line.entry.id} {line.entry.title}"[:200], "requirement": line.ref, **owner}


def answered(content: Mapping[str, Any], necessary: bool, justification: str) -> dict[str, Any]:  # noqa: FBT001 - it is a field
    """Put an answer into an entry. The day of an approval goes: what was approved was another version."""
    kept = {name: value for name, value in content.items() if name != "approved_on"}
    made = {**kept, "necessary": necessary, "justification": justification}
    same = content.get("necessary") is necessary and content.get("justification") == justification
    return dict(content) if same else made


def counts(found: Sequence[Line]) -> dict[str, int]:
    """Count what was decided."""
    return {said: sum(one.applicable == said for one in found) for said in SAID}
