"""Lint rules on who answers for what, on what is due, and on the boundary of the management system."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, cast

from kybern.base import Place
from kybern.catalog import days
from kybern.records.leadership import Role, Scope
from kybern.records.people import Person
from kybern.records.risk import SoaEntry, Waiver
from kybern.workspace._rules import Context, Finding, listed, rule
from kybern.workspace._settings import SETTINGS_FILE

if TYPE_CHECKING:
    from collections.abc import Iterator


@rule("no-owner", "A record that somebody must answer for names no owner.")
def _no_owner(context: Context) -> Iterator[Finding]:
    for record in context.records:
        if record.needs_owner and record.owner is None:
            yield Finding(context.at(record.ref), f"{record.ref} has no owner.", "Add `owner:` with a role or a person.")


@rule("owner-left", "A record's owner is a person who has left.")
def _owner_left(context: Context) -> Iterator[Finding]:
    for record in context.records:
        if record.owner and (left := _left(context, record.owner)):
            yield Finding(context.at(record.ref, "owner"), f"{record.owner} left on {left}.", "Name who answers for it now.")


@rule("never-reviewed", "A record is to be reviewed at intervals and has no date of a review.")
def _never_reviewed(context: Context) -> Iterator[Finding]:
    for record in context.records:
        if record.review_every and record.reviewed_on is None:
            place = context.at(record.ref, "review_every")
            yield Finding(place, f"{record.ref} was never reviewed.", "Review it and add `reviewed_on:`.")


@rule("review-overdue", "A record's review is due and was not done.")
def _review_overdue(context: Context) -> Iterator[Finding]:
    for record in context.records:
        if record.review_every and record.reviewed_on:
            due = _after(record.reviewed_on, days(record.review_every))
            if due < context.as_of:
                place = context.at(record.ref, "reviewed_on")
                yield Finding(place, f"The review of {record.ref} was due on {due}.", "Review it and set `reviewed_on:`.")


@rule("role-without-holder", "Nobody holds a role.")
def _role_without_holder(context: Context) -> Iterator[Finding]:
    for role in _roles(context):
        if not role.holders:
            yield Finding(context.at(role.ref), f"Nobody holds {role.ref}.", "Add `holders:` with at least one person.")


@rule("holder-left", "A role is held, or deputised, by a person who has left.")
def _holder_left(context: Context) -> Iterator[Finding]:
    for role in _roles(context):
        held = [(("holders", index), holder) for index, holder in enumerate(role.holders)]
        for path, person in [*held, (("deputy",), role.deputy)]:
            if person and (left := _left(context, person)):
                yield Finding(context.at(role.ref, *path), f"{person} left on {left}.", "Name who holds the role now.")


@rule("waiver-expired", "A waiver has expired: it no longer lifts its controls.")
def _waiver_expired(context: Context) -> Iterator[Finding]:
    for waiver in cast("tuple[Waiver, ...]", context.records.of_kind("exception")):
        if waiver.expires_on < context.as_of:
            message = f"{waiver.ref} expired on {waiver.expires_on}."
            yield Finding(context.at(waiver.ref, "expires_on"), message, "Carry the control out, or decide anew and set new dates.")


@rule("no-approver", "An exclusion or a waiver names no approver, so a signed approval by anybody settles it.")
def _no_approver(context: Context) -> Iterator[Finding]:
    asked = cast("tuple[Waiver | SoaEntry, ...]", (*context.records.of_kind("exception"), *context.records.of_kind("soa_entry")))
    for record in asked:
        if record.approved_by is None and (isinstance(record, Waiver) or not record.necessary):
            hint = "Add `approved_by:` with the person who may decide it."
            yield Finding(context.at(record.ref), f"{record.ref} names nobody who is to approve it.", hint)


@rule("no-organization", "The workspace does not say whose management system it is.")
def _no_organization(context: Context) -> Iterator[Finding]:
    if not context.records.of_kind("organization"):
        yield Finding(Place(SETTINGS_FILE), "There is no record of kind organization.", "Write one under records/.")


@rule("several-organizations", "The workspace states more than one organisation.")
def _several_organizations(context: Context) -> Iterator[Finding]:
    found = [record.ref for record in context.records.of_kind("organization")]
    for ref in found[1:]:
        message = f"There are {len(found)} organisations: {listed(found)}."
        yield Finding(context.at(ref, "id"), message, "Keep one; a workspace holds one management system.")


@rule("scope-empty", "A scope names no AI system, site or unit.")
def _scope_empty(context: Context) -> Iterator[Finding]:
    for scope in cast("tuple[Scope, ...]", context.records.of_kind("scope")):
        if not (scope.systems or scope.sites or scope.units):
            yield Finding(context.at(scope.ref), f"{scope.ref} names nothing it covers.", "Add `systems:`, `sites:` or `units:`.")


@rule("system-out-of-scope", "An AI system is in no scope, so it is not assessed.")
def _system_out_of_scope(context: Context) -> Iterator[Finding]:
    for system in context.records.systems_out_of_scope:
        hint = "Add it to the `systems:` of a scope, or state there why it is excluded."
        yield Finding(context.at(system.ref, "id"), f"{system.ref} is in no scope.", hint)


def _roles(context: Context) -> tuple[Role, ...]:
    return cast("tuple[Role, ...]", context.records.of_kind("role"))


def _left(context: Context, ref: str) -> date | None:
    """Give the day a person left, if that day has come."""
    person = context.records.get(ref)
    gone = isinstance(person, Person) and person.left_on is not None and person.left_on <= context.as_of
    return cast("Person", person).left_on if gone else None


def _after(day: date, number: int) -> date:
    """Count days on; what lies beyond the calendar is its last day."""
    return day + timedelta(days=number) if number <= (date.max - day).days else date.max
