"""Changes to the text of `keys.yaml`: lines are put in, and every other byte, comments too, stays as it is."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from kybern.base import InputError, Place
from kybern.base.yaml import read_yaml
from kybern.evidence._keyring import Keyring

if TYPE_CHECKING:
    from kybern.evidence._keys import TrustedKey

HEAD = "# The public keys this organisation trusts. Whoever may change this file decides what counts as evidence.\nkeys:\n"
_EMPTY = re.compile(r"^keys:[ \t]*(?:\[[ \t]*\])?([ \t]+#.*)?[ \t]*$", re.MULTILINE)
_PLAIN = re.compile(r"[a-z]+:[a-z0-9._-]+|[0-9]{4}-[0-9:.TZ+-]+|person|pipeline|tool|auditor")


def with_key(data: bytes, key: TrustedKey, file: str = "keys.yaml") -> bytes:
    """Add a key to a key file's text; an empty text becomes a new file.

    Raises `InputError` if the text is no key file, has the key or its name already, or is laid out so that a line cannot be put
    in (a list in brackets).
    """
    data = data if data.strip() else HEAD.encode()
    document, text = read_yaml(data, file)[0], data.decode()
    before: tuple[TrustedKey, ...] = ()
    if document.value in ({"keys": None}, {"keys": []}):
        text, column = _EMPTY.sub(r"keys:\1", text, count=1), 3
    else:
        before = tuple(Keyring.from_yaml(data, file))
        column = document.place(("keys", len(before) - 1, "keyid"), key=True).column
    return _checked("\n".join([text.rstrip(), *_entry(key, column), ""]), (*before, key), file)


def with_revocation(data: bytes, keyid: str, *, revoked_on: datetime, because: str, file: str = "keys.yaml") -> bytes:
    """Mark a key in a key file's text as revoked.

    Raises `InputError` if the key is not there or is revoked already (a revocation is never moved by a program), or if the file
    is laid out so that a line cannot be put in.
    """
    keys = list(Keyring.from_yaml(data, file))
    index = next((number for number, key in enumerate(keys) if key.keyid == keyid), None)
    if index is None:
        raise InputError.one(rule="unknown-key", message=f"There is no key {keyid} in the keyring.", place=Place(file))
    place = read_yaml(data, file)[0].place(("keys", index, "keyid"), key=True)
    if (earlier := keys[index].revoked_on) is not None:
        message = f"Key {keys[index].label} is revoked since {_moment(earlier)}."
        raise InputError.one(rule="revoked-already", message=message, place=place)
    marks = {"revoked_on": _moment(revoked_on), "revoked_because": because}
    lines = data.decode().splitlines(keepends=True)
    lines[place.line : place.line] = [f"{line}\n" for line in _lines(marks, " " * (place.column - 1))]
    keys[index] = type(keys[index]).model_validate(keys[index].model_dump() | marks)
    return _checked("".join(lines), tuple(keys), file)


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _entry(key: TrustedKey, column: int) -> list[str]:
    """Write a key as an item of a list whose keys start in this column, counted from 1."""
    indent = " " * (column - 1)
    fields = key.model_dump(mode="json", exclude_none=True, exclude={"public_key"})
    pem = [f"{indent}  {line}" for line in key.public_key.splitlines()]
    lines = [*_lines(fields, indent), f"{indent}public_key: |", *pem]
    lines[0] = f"{indent[:-2]}- {lines[0].lstrip()}"
    return lines


def _lines(fields: dict[str, str], indent: str) -> list[str]:
    # A JSON text is a YAML text in double quotes; quotes stand where a plain text might be read as something else.
    return [
        f"{indent}{name}: {value if _PLAIN.fullmatch(value) else json.dumps(value, ensure_ascii=False)}" for name, value in fields.items()
    ]


def _checked(text: str, wanted: tuple[TrustedKey, ...], file: str) -> bytes:
    """Read the changed text back: it says what was wanted, or nothing is changed."""
    changed = text.encode()
    try:
        if tuple(Keyring.from_yaml(changed, file)) == wanted:
            return changed
    except InputError as error:
        if any(problem.rule == "key-twice" for problem in error.problems):
            raise
    message = "The file is laid out so that Kybern cannot put lines into it."
    raise InputError.one(rule="key-file-layout", message=message, place=Place(file), hint="Write each key on lines of its own, after `- `.")
