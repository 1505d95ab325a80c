"""PATCH (RFC 7644, 3.5.2): operations as (what, name, value), however an identity provider spells them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

from kybern.server.scim._messages import ENTERPRISE, GROUP, PATCH, USER, bad

_MOST: Final = 1000
_PATH: Final = re.compile(r"(?P<name>[A-Za-z$][\w$\-]*)(?:\[(?P<filter>[^\]]{1,500})\])?(?:\.(?P<part>[A-Za-z$][\w$\-]*))?", re.ASCII)


@dataclass(frozen=True)
class Change:
    """One change of one attribute; `name` and `part` in small letters, `only` the filter on its values."""

    act: str
    name: str
    part: str
    only: str
    value: Any


def read_changes(body: dict[str, Any]) -> list[Change]:
    """Read the operations of a patch; those of attributes that are kept nowhere are among them, those of extensions are not."""
    if PATCH not in (body.get("schemas") or ()):
        raise bad("invalidSyntax", f"A patch has the schema {PATCH}.")
    operations = next((value for name, value in body.items() if name.lower() == "operations"), None)
    if not isinstance(operations, list) or not 0 < len(operations) <= _MOST:
        raise bad("invalidSyntax", f"A patch has Operations, at most {_MOST}.")
    return [change for one in operations for change in _changes(one)]


def _changes(said: Any) -> list[Change]:
    if not isinstance(said, dict):
        raise bad("invalidSyntax", "An operation is an object.")
    act, path, value = str(said.get("op", "")).lower(), said.get("path"), said.get("value")
    if act not in {"add", "remove", "replace"}:
        raise bad("invalidSyntax", "An operation is add, remove or replace.")
    if path is None or path == "":
        if act == "remove":
            raise bad("noTarget", "What is to be removed has a path.")
        if not isinstance(value, dict):
            raise bad("invalidValue", "Without a path the value names the attributes.")
        return [change for name, inner in value.items() for change in _change(act, str(name), inner)]
    return _change(act, str(path), value)


def _change(act: str, path: str, value: Any) -> list[Change]:
    if path.lower().startswith(ENTERPRISE.lower()) or path == "schemas":
        return []
    for one in (USER, GROUP):
        path = path[len(one) + 1 :] if path.lower().startswith(f"{one.lower()}:") else path
    match = _PATH.fullmatch(path.strip())
    if match is None:
        raise bad("invalidPath", "The path cannot be read.")
    return [Change(act, match["name"].lower(), (match["part"] or "").lower(), match["filter"] or "", value)]
