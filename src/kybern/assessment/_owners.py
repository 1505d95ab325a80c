"""Who owes a control: whom the organisation names for it, and of what falls short on AI systems, the owners of those."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast

from kybern.assessment._shortcount import short_systems
from kybern.records.leadership import Role

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kybern.assessment._assessment import Assessment
    from kybern.assessment._plan import Plan
    from kybern.catalog import Control
    from kybern.records.risk import ControlImplementation

SYSTEM_OWNER: Final = "system-owner"
"""The library's role for whoever owns the AI system that is looked at: each system's own record names them."""

_ACRONYMS: Final = ("ai", "hr", "ml")
_NAMED: Final = 3
"""Owners that are named one by one; where there are more, the role's name stands for them."""
_SYSTEMS: Final = 50
"""AI systems whose owners are looked for; where more fall short, the role's name stands for their owners."""


@dataclass(frozen=True, slots=True)
class Owed:
    """Who owes something: in words for people, and each owner's record with its words."""

    words: str
    owners: tuple[tuple[str, str], ...]
    nobody: bool = False
    """Whether nobody is recorded who would; the words then are the library's name of the role."""

    @property
    def named(self) -> tuple[tuple[str, str], ...]:
        """The owners, where they are few enough to be named one by one."""
        return self.owners if len(self.owners) <= _NAMED else ()

    @property
    def refs(self) -> tuple[str, ...]:
        """The owners' records."""
        return tuple(ref for ref, _words in self.owners)

    @property
    def ref(self) -> str | None:
        """The owner's record, where there is one owner."""
        return self.owners[0][0] if len(self.owners) == 1 else None


def owed_by(assessment: Assessment, control: Control, system: str | None = None) -> Owed:
    """Say who owes a control: on one AI system, or on those on which it falls short; on all where it falls short on none."""
    if control.owner_role != SYSTEM_OWNER:
        return owner_of(assessment.plan, control)
    subjects = (system,) if system is not None else short_systems(assessment.board, control) or assessment.systems
    return owner_of(assessment.plan, control, subjects)


def owner_of(plan: Plan, control: Control, subjects: Sequence[str] = ()) -> Owed:
    """Say who owes a control: whom its implementation names, else who holds the role the library gives it, else the role's name.

    A role fills in for another of the library by having its name among its tags. Where the library means the owner of the system and
    nobody holds that role, it is who owns the subjects.
    """
    for one in cast("tuple[ControlImplementation, ...]", plan.records.of_kind("control_implementation")):
        if one.control == control.id and one.owner:
            return _of(plan, one.owner)
    ref = f"role:{control.owner_role}"
    if ref in plan.records:
        return _of(plan, ref)
    for role in plan.records.of_kind("role"):
        if control.owner_role in role.tags:
            return _of(plan, role.ref)
    words = control.owner_role.split("-")
    role_name = " ".join(word.upper() if word in _ACRONYMS else word for word in words)
    if control.owner_role != SYSTEM_OWNER:
        return Owed(role_name, (), nobody=True)
    return _owners_of_systems(plan, subjects, role_name)


def _of(plan: Plan, ref: str) -> Owed:
    words = named_owner(plan, ref)
    return Owed(words, ((ref, words),))


def _owners_of_systems(plan: Plan, subjects: Sequence[str], role_name: str) -> Owed:
    """Name the owners of some AI systems; the role's name stands for them where there are too many."""
    if not 0 < len(subjects) <= _SYSTEMS:
        return Owed(role_name, ())
    found = dict.fromkeys(one.owner for ref in subjects if (one := plan.records.get(ref)) is not None and one.owner is not None)
    owners = tuple((ref, named_owner(plan, ref)) for ref in found)
    few = 0 < len(owners) <= _NAMED
    return Owed(", ".join(words for _ref, words in owners) if few else role_name, owners, nobody=not owners)


def named_owner(plan: Plan, ref: str) -> str:
    """Write an owner in words: the role with who holds it, or the person."""
    record = plan.records.get(ref)
    if record is None:
        return ref
    holders = [plan.records.get(holder) for holder in record.holders] if isinstance(record, Role) else []
    people = ", ".join(holder.title for holder in holders if holder is not None)
    return f"{record.title} ({people})" if people else record.title
