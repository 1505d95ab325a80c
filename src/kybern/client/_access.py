"""What can be asked and changed of access: users, their roles in units, the tree of units, what a role allows, the access log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from pydantic import TypeAdapter

from kybern.client._exchange import Call, path_of, query_of
from kybern.client._records import JSON, json_bytes, key_header
from kybern.client._results import AccessEvent, Grant, NewUser, Page, Role, Unit, User

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    import httpx

_USERS: Final = TypeAdapter(Page[User])
_EVENTS: Final = TypeAdapter(Page[AccessEvent])
_UNITS: Final = TypeAdapter(tuple[Unit, ...])
_ROLES: Final = TypeAdapter(tuple[Role, ...])


def users(q: str | None = None, *, page_size: int = 200) -> Call[Page[User]]:
    """List the users whom the token manages; `q` looks at address, name and handle."""
    return Call("GET", "users", lambda answer: _USERS.validate_json(answer.content), query_of(q=q, limit=page_size))


def user(handle: str) -> Call[User]:
    """Give a user with their roles in units."""
    return Call("GET", path_of("users", handle), _read_user)


def add_user(email: str, *, role: str, unit: str, name: str = "", key: str | None = None) -> Call[NewUser]:
    """Make a user with a first role in a unit. The password that comes back is told this once and kept nowhere."""
    said = {"email": email, "name": name, "role": role, "unit": unit}
    return Call("POST", "users", lambda answer: NewUser.model_validate_json(answer.content), *_sent(said, key), writes=True)


def deactivate_user(handle: str, *, key: str | None = None) -> Call[User]:
    """Let somebody in no more; their sessions and tokens end with that. Raises `Unusable` for the last administrator."""
    return Call("POST", path_of("users", f"{handle}:deactivate"), _read_user, *_sent(None, key), writes=True)


def activate_user(handle: str, *, key: str | None = None) -> Call[User]:
    """Let somebody in again; tokens that ended stay ended."""
    return Call("POST", path_of("users", f"{handle}:activate"), _read_user, *_sent(None, key), writes=True)


def grant_role(handle: str, role: str, unit: str, *, key: str | None = None) -> Call[Grant]:
    """Grant a role in a unit, and in all below it. Nobody grants what they do not hold there themselves."""
    path, said = path_of("users", handle, "grants"), {"role": role, "unit": unit}
    return Call("POST", path, lambda answer: Grant.model_validate_json(answer.content), *_sent(said, key), writes=True)


def withdraw_role(handle: str, grant: int, *, key: str | None = None) -> Call[None]:
    """Take a grant away, by its number."""
    return Call("DELETE", path_of("users", handle, "grants", str(grant)), _nothing, *_sent(None, key), writes=True)


def units() -> Call[tuple[Unit, ...]]:
    """List the units in which the token holds any permission."""
    return Call("GET", "units", lambda answer: _UNITS.validate_json(answer.content))


def add_unit(slug: str, name: str, kind: Literal["business-unit", "project"], parent: str, *, key: str | None = None) -> Call[Unit]:
    """Make a unit below another."""
    said = {"slug": slug, "name": name, "kind": kind, "parent": parent}
    return Call("POST", "units", _read_unit, *_sent(said, key), writes=True)


def move_unit(slug: str, parent: str, *, key: str | None = None) -> Call[Unit]:
    """Put a unit below another, with all below it."""
    return Call("PATCH", path_of("units", slug), _read_unit, *_sent({"parent": parent}, key), writes=True)


def remove_unit(slug: str, *, key: str | None = None) -> Call[None]:
    """Remove a unit that is empty: no unit below it, no record in it."""
    return Call("DELETE", path_of("units", slug), _nothing, *_sent(None, key), writes=True)


def put_into_unit(slug: str, ref: str, *, key: str | None = None) -> Call[None]:
    """Put a record into a unit, with everything that belongs to it."""
    return Call("POST", path_of("units", slug, "records"), _nothing, *_sent({"ref": ref}, key), writes=True)


def roles() -> Call[tuple[Role, ...]]:
    """List the roles with what each allows."""
    return Call("GET", "roles", lambda answer: _ROLES.validate_json(answer.content))


def change_role(slug: str, permissions: Sequence[str], *, key: str | None = None) -> Call[Role]:
    """Say what a role allows, for everybody who has it."""
    return Call("PATCH", path_of("roles", slug), _read_role, *_sent({"permissions": list(permissions)}, key), writes=True)


def reset_role(slug: str, *, key: str | None = None) -> Call[Role]:
    """Give a shipped role the permissions that it ships with."""
    return Call("POST", path_of("roles", f"{slug}:reset"), _read_role, *_sent(None, key), writes=True)


def access_log(
    kind: str | None = None, *, q: str | None = None, since: datetime | None = None, until: datetime | None = None, page_size: int = 200
) -> Call[Page[AccessEvent]]:
    """List denials, readings of what is sensitive, changes of access and sign-ins, the latest first; `q` looks at actor and subject."""
    moments = {name: None if at is None else at.isoformat() for name, at in (("since", since), ("until", until))}
    query = query_of(kind=kind, q=q, limit=page_size, **moments)
    return Call("GET", "access-log", lambda answer: _EVENTS.validate_json(answer.content), query)


def _sent(said: Mapping[str, object] | None, key: str | None) -> tuple[tuple[()], tuple[tuple[str, str], ...], bytes | None]:
    """Give query, headers and body of a call that changes something."""
    return ((), key_header(key), None) if said is None else ((), (JSON, *key_header(key)), json_bytes(said))


def _nothing(_answer: httpx.Response) -> None:
    return None


def _read_user(answer: httpx.Response) -> User:
    return User.model_validate_json(answer.content)


def _read_unit(answer: httpx.Response) -> Unit:
    return Unit.model_validate_json(answer.content)


def _read_role(answer: httpx.Response) -> Role:
    return Role.model_validate_json(answer.content)
