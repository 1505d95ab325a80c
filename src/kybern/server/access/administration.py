"""Changes of access: users, units, roles, grants, tokens, keys. Each is one transaction and one line in the access log."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from allauth.account.models import EmailAddress
from allauth.usersessions.models import UserSession
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from pydantic import ValidationError as PydanticInvalid
from securesystemslib.signer import SSlibKey  # type: ignore[attr-defined]  # public, though it does not say so to mypy

from kybern.base import InputError, Place, Problem
from kybern.evidence import TrustedKey
from kybern.server.access.actor import actor_of, subtrees
from kybern.server.access.check import note, require
from kybern.server.access.models import AccessEvent, ApiToken, Grant, Placement, Role, Unit, User
from kybern.server.access.permissions import SHIPPED_ROLES, Permission
from kybern.server.store.keys import revoke, trust
from kybern.server.store.models import TrustedKeyRow
from kybern.server.store.projection import place, root_unit

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from django.db.models import QuerySet

    from kybern.server.access.actor import Actor

LONGEST_TOKEN: Final = timedelta(days=366)
_PASSWORD_BYTES: Final = 12
_ADMINISTRATOR: Final = "administrator"
TAKEN_AWAY: Final = "(taken away)"
"""The external id of a user whom an identity provider took away: for the provider they are gone, in the log they stay."""


def add_user(who: Actor, email: str, name: str, role: Role, unit: Unit) -> tuple[User, str]:
    """Make a user with a first role; gives the first password, which is kept nowhere. Raises `InputError` and `Denied`."""
    require(who, Permission.USERS_MANAGE, unit.pk, subject=email)
    address = _free_address(email)
    password = secrets.token_urlsafe(_PASSWORD_BYTES)
    with transaction.atomic():
        user = User.objects.create_user(address, None, name=name.strip()[:200])
        user.set_first_password(password)
        grant(who, user, role, unit)
        _changed(who, f"user {user.email}", "made")
    return user, password


def provision(who: Actor, email: str, name: str = "", external_id: str = "", language: str = "") -> User:
    """Make a user as an identity provider says: without a password and without a role. Raises `InputError` and `Denied`.

    A user whom the provider took away is let in again under the same address; what they had before stays away.
    """
    require(who, Permission.USERS_MANAGE, root_unit(), subject=email)
    user = User.objects.filter(email=email.strip().lower(), is_active=False, external_id=TAKEN_AWAY).first()
    if user is None:
        user = User.objects.create_user(_free_address(email), None, name=name[:200], external_id=external_id, language=language)
        _changed(who, f"user {user.email}", "made by the identity provider")
        return user
    with transaction.atomic():
        set_active(who, user, active=True)
        change_user(who, user, name=name, external_id=external_id, language=language)
    return user


def change_user(who: Actor, user: User, **said: str) -> None:
    """Change a user's `email`, `name`, `external_id` or `language`; what is not said stays."""
    require(who, Permission.USERS_MANAGE, root_unit(), subject=str(user))
    _no_higher(who, user)
    if said.get("email", user.email).strip().lower() == user.email:
        said.pop("email", None)
    else:
        said["email"] = _free_address(said["email"])
    changed = {name: value for name, value in said.items() if getattr(user, name) != value}
    if not changed:
        return
    before = user.email
    for name, value in changed.items():
        setattr(user, name, value)
    with transaction.atomic():
        user.save(update_fields=list(changed))
        if "email" in changed:
            # What allauth remembers of the address before would still lead to this account, whoever has that address next.
            EmailAddress.objects.filter(user=user).delete()
    to = f" to {user.email}" if "email" in changed else ""
    _changed(who, f"user {before}", f"changed {' '.join(sorted(changed))}{to}")


def take_away(who: Actor, user: User) -> None:
    """Deactivate a user for an identity provider, for which they are gone: their roles end, their records and signatures stay."""
    with transaction.atomic():
        set_active(who, user, active=False)
        for one in user.grants.select_related("role", "unit", "user"):
            withdraw(who, one)
        change_user(who, user, external_id=TAKEN_AWAY)


def _free_address(email: str) -> str:
    """Give an address as it is kept; `InputError` where it is none, or somebody's."""
    address = email.strip().lower()
    try:
        validate_email(address)
    except ValidationError:
        raise _wrong("email", _("This is no e-mail address.")) from None
    if User.objects.filter(email=address).exists():
        raise _wrong("email", _("There is a user of this address already."))
    return address


def grant(who: Actor, user: User, role: Role, unit: Unit) -> Grant:
    """Give a user a role in a unit. Nobody grants what they do not hold there themselves."""
    require(who, Permission.USERS_MANAGE, unit.pk, subject=str(user))
    beyond = [one for one in role.permissions if not who.may(Permission(one), unit.pk)]
    if beyond:
        raise _wrong("role", _("You do not hold all that this role allows there, so you cannot grant it."))
    found, fresh = Grant.objects.get_or_create(user=user, role=role, unit=unit, defaults={"granted_by": who.name})
    if fresh:
        _changed(who, f"user {user.email}", f"granted {role.slug} in {unit.slug}")
    return found


def withdraw(who: Actor, found: Grant) -> None:
    """Take a grant away; the last administrator of the organisation stays."""
    require(who, Permission.USERS_MANAGE, found.unit_id, subject=str(found.user))
    with transaction.atomic():
        if _is_administrator(found) and not _administrators().exclude(pk=found.pk).exists():
            raise _wrong("grant", _("This is the last administrator of the whole organisation: make another first."))
        _changed(who, f"user {found.user.email}", f"withdrew {found.role.slug} in {found.unit.slug}")
        found.delete()


def set_active(who: Actor, user: User, *, active: bool) -> None:
    """Deactivate a user, whose sessions and tokens end with that, or let them in again."""
    require(who, Permission.USERS_MANAGE, root_unit(), subject=str(user))
    _no_higher(who, user)
    with transaction.atomic():
        others = _administrators().exclude(user=user)
        if not active and not others.exists() and _administrators().filter(user=user).exists():
            raise _wrong("active", _("This is the last administrator of the whole organisation: make another first."))
        user.is_active = active
        user.save(update_fields=["is_active"])
        if not active:
            end_sessions(user)
            ApiToken.objects.filter(user=user, revoked_at=None).update(revoked_at=timezone.now())
        _changed(who, f"user {user.email}", "let in again" if active else "deactivated")


def _no_higher(who: Actor, user: User) -> None:
    """Let nobody act on the account of a user who may do more than they: with a password they could sign in as that user."""
    if any(not units <= who.where(permission) for permission, units in actor_of(user).units.items()):
        note(who, AccessEvent.Kind.DENIED, Permission.USERS_MANAGE, f"user {user.email}", "holds more")
        raise _wrong("user", _("This user may do more than you: ask somebody who holds all of it."))


def end_sessions(user: User, keep: str = "") -> None:
    """End a user's sessions, but for the one that is kept."""
    for one in UserSession.objects.filter(user=user).exclude(session_key=keep):
        one.end()


def new_password(who: Actor, user: User) -> str:
    """Give a user another first password; all their sessions end."""
    require(who, Permission.USERS_MANAGE, root_unit(), subject=str(user))
    _no_higher(who, user)
    password = secrets.token_urlsafe(_PASSWORD_BYTES)
    user.set_first_password(password)
    end_sessions(user)
    _changed(who, f"user {user.email}", "gave another password")
    return password


def set_permissions(who: Actor, role: Role, wanted: Iterable[str]) -> None:
    """Change what a role allows. Nobody adds what they do not hold; the administrator's role keeps everything."""
    require(who, Permission.USERS_MANAGE, root_unit(), subject=role.slug)
    chosen = sorted({Permission(one).value for one in wanted if one in {each.value for each in Permission}})
    if role.slug == _ADMINISTRATOR:
        raise _wrong("role", _("The administrator's role keeps every permission."))
    beyond = [one for one in chosen if one not in role.permissions and not who.may(Permission(one), root_unit())]
    if beyond:
        raise _wrong("role", _("You cannot add what you do not hold yourself."))
    before = set(role.permissions)
    role.permissions = chosen
    role.save(update_fields=["permissions"])
    said = [f"+{one}" for one in chosen if one not in before] + [f"-{one}" for one in sorted(before - set(chosen))]
    _changed(who, f"role {role.slug}", " ".join(said) or "unchanged")


def reset_role(who: Actor, role: Role) -> None:
    """Give a shipped role the permissions that it ships with."""
    shipped = next((one for one in SHIPPED_ROLES if one.slug == role.slug), None)
    if shipped is None or role.slug == _ADMINISTRATOR:
        raise _wrong("role", _("This role does not ship with Kybern."))
    set_permissions(who, role, shipped.permissions)


def add_unit(who: Actor, slug: str, name: str, kind: str, parent: Unit) -> Unit:
    """Make a unit below another."""
    require(who, Permission.USERS_MANAGE, parent.pk, subject=slug)
    unit = Unit(slug=slug.strip(), name=name.strip(), kind=kind, parent=parent)
    try:
        unit.full_clean()
    except ValidationError as error:
        field, messages = next(iter(error.message_dict.items()))
        raise _wrong(field, messages[0]) from None
    unit.save()
    _changed(who, f"unit {unit.slug}", f"made below {parent.slug}")
    return unit


def move_unit(who: Actor, unit: Unit, parent: Unit) -> None:
    """Put a unit below another, with all below it; the tree stays a tree."""
    for one in (unit, parent):
        require(who, Permission.USERS_MANAGE, one.pk, subject=unit.slug)
    if unit.parent_id is None or parent.pk in subtrees()[unit.pk]:
        raise _wrong("parent", _("A unit cannot stand below itself, and the organisation stands at the top."))
    unit.parent = parent
    unit.save(update_fields=["parent"])
    _changed(who, f"unit {unit.slug}", f"moved below {parent.slug}")


def remove_unit(who: Actor, unit: Unit) -> None:
    """Remove a unit that is empty: no unit below it, no record in it."""
    require(who, Permission.USERS_MANAGE, unit.pk, subject=unit.slug)
    if unit.parent_id is None or unit.children.exists() or Placement.objects.filter(unit=unit).exists():
        raise _wrong("unit", _("Only an empty unit is removed: put its records and units elsewhere first."))
    _changed(who, f"unit {unit.slug}", "removed")
    unit.delete()


def put_into(who: Actor, ref: str, unit: Unit) -> None:
    """Put a record into a unit, with everything that belongs to it."""
    from kybern.server.store.models import RecordRow

    row = RecordRow.objects.filter(pk=ref).first()
    if row is None or not who.may(Permission.USERS_MANAGE, row.unit):
        if row is not None:
            note(who, AccessEvent.Kind.DENIED, Permission.USERS_MANAGE, ref)
        raise _wrong("ref", _("There is no such record."))
    require(who, Permission.USERS_MANAGE, unit.pk, subject=ref)
    Placement.objects.update_or_create(ref=ref, defaults={"unit": unit})
    place()
    _changed(who, ref, f"put into {unit.slug}")


def issue_token(who: Actor, name: str, scopes: Iterable[str], expires_at: datetime, now: datetime) -> tuple[ApiToken, str]:
    """Issue a token of the actor's own; it may do no more than they may. Gives its text, which is kept nowhere."""
    if who.user is None:
        raise _wrong("user", _("Sign in first."))
    chosen = [one.value for one in Permission if one.value in set(scopes) and who.may(one)]
    if not name.strip() or not chosen:
        raise _wrong("scopes", _("A token needs a name and at least one permission that you hold."))
    if not now < expires_at <= now + LONGEST_TOKEN:
        raise _wrong("expires_at", _("A token ends within a year."))
    if who.token_id is not None and ApiToken.objects.filter(pk=who.token_id, expires_at__lt=expires_at).exists():
        raise _wrong("expires_at", _("A token that another issues does not outlast it."))
    made, text = ApiToken.issue(who.user, name.strip()[:120], chosen, expires_at)
    _changed(who, f"token {made.shown}", f"issued with {' '.join(chosen)}")
    return made, text


def revoke_token(who: Actor, token: ApiToken, now: datetime) -> None:
    """Let a token count no more: one's own, or anybody's who manages users."""
    if token.user != who.user:
        require(who, Permission.USERS_MANAGE, root_unit(), subject=token.shown)
    ApiToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=now)
    _changed(who, f"token {token.shown}", "revoked")


def trust_key(  # noqa: PLR0913 - what an entry of the keyring says
    who: Actor, *, name: str, holder: str, kind: str, public_key: str, now: datetime, valid_until: datetime | None = None
) -> TrustedKey:
    """Trust a public key (PEM) from now on. Raises `InputError` with all that is wrong with what was said, and `Denied`."""
    require(who, Permission.KEYS_MANAGE, root_unit(), subject=f"key {name}"[:200])
    key = _read_key(name.strip(), holder.strip(), kind, public_key.strip(), (now, valid_until))
    with transaction.atomic():
        if TrustedKeyRow.objects.filter(name=key.name).exists() or not trust([key]):
            raise _wrong("name", _("The keyring has this key, or a key of this name, already."))
        note(who, AccessEvent.Kind.CHANGED, Permission.KEYS_MANAGE, f"key {key.name}", f"trusted for {key.holder}")
    return key


def _read_key(name: str, holder: str, kind: str, pem: str, valid: tuple[datetime, datetime | None]) -> TrustedKey:
    try:
        keyid = SSlibKey.from_crypto(load_pem_public_key(pem.encode())).keyid
    except (ValueError, UnsupportedAlgorithm):
        raise _wrong("public_key", _("This is no public key in PEM form.")) from None
    try:
        said = {"keyid": keyid, "name": name, "holder": holder, "kind": kind, "public_key": pem + "\n"}
        return TrustedKey.model_validate({**said, "valid_from": valid[0], "valid_until": valid[1]})
    except PydanticInvalid as error:
        raise InputError(
            [
                Problem(
                    f"bad-{str((*one['loc'], 'key')[0]).replace('_', '-')}",
                    one["msg"].removeprefix("Value error, "),
                    Place("form", pointer="".join(f"/{step}" for step in one["loc"])),
                )
                for one in error.errors()
            ]
        ) from None


def revoke_key(who: Actor, keyid: str, because: str, now: datetime) -> None:
    """Let a key's signatures count no more from now on. Raises `Refused` (`unknown-key`, `key-revoked`) and `Denied`."""
    require(who, Permission.KEYS_MANAGE, root_unit(), subject=f"key {keyid[:12]}")
    with transaction.atomic():
        revoke(keyid, because.strip()[:2000] or _("No reason was given"), now)
        note(who, AccessEvent.Kind.CHANGED, Permission.KEYS_MANAGE, f"key {keyid[:12]}", "revoked")


def _administrators() -> QuerySet[Grant]:
    return Grant.objects.filter(role__slug=_ADMINISTRATOR, unit_id=root_unit(), user__is_active=True)


def _is_administrator(found: Grant) -> bool:
    return found.role.slug == _ADMINISTRATOR and found.unit_id == root_unit()


def _changed(who: Actor, subject: str, detail: str) -> None:
    note(who, AccessEvent.Kind.CHANGED, Permission.USERS_MANAGE, subject, detail)


def _wrong(field: str, message: str) -> InputError:
    return InputError.one(f"bad-{field.replace('_', '-')}", message, Place("form", pointer=f"/{field}"))
