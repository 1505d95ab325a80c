"""The keyring: the public keys an organisation trusts, read from `keys.yaml`."""

from __future__ import annotations

import stat
from collections import Counter
from typing import TYPE_CHECKING, Annotated

from pydantic import Field, ValidationError

from kybern.base import InputError, Place, Problem
from kybern.base.validation import problems_of
from kybern.base.yaml import DEFAULT_LIMITS, read_yaml
from kybern.evidence._keys import TrustedKey
from kybern.evidence._models import Shape

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from kybern.base.yaml import YamlDocument


KEYS_FILE = "keys.yaml"
"""Where a workspace keeps its keyring, relative to its root."""


class _KeyFile(Shape):
    keys: Annotated[tuple[TrustedKey, ...], Field(max_length=10_000)]


class Keyring:
    """Trusted public keys by keyid. Immutable. `ValueError` if two keys have one keyid or one name."""

    def __init__(self, keys: Iterable[TrustedKey] = ()) -> None:
        """Index the keys, in the order given."""
        self._keys: dict[str, TrustedKey] = {}
        names: set[str] = set()
        for key in keys:
            if key.keyid in self._keys or key.name in names:
                msg = f"key {key.label} stands twice in the keyring"
                raise ValueError(msg)
            self._keys[key.keyid] = key
            names.add(key.name)

    @classmethod
    def from_yaml(cls, data: bytes, file: str = "keys.yaml") -> Keyring:
        """Read a key file: `keys:` with a list of keys.

        Raises `InputError` with every problem and its place.
        """
        documents = read_yaml(data, file)
        if len(documents) > 1:
            raise InputError.one(rule="too-many-documents", message="A key file is one document.", place=documents[1].place())
        try:
            keys = _KeyFile.model_validate(documents[0].value).keys
        except ValidationError as error:
            raise InputError(problems_of(error, documents[0], model=_KeyFile)) from None
        twice = [*_twice(keys, "keyid", documents[0]), *_twice(keys, "name", documents[0])]
        if twice:
            raise InputError(twice)
        return cls(keys)

    def __len__(self) -> int:
        """Count the keys."""
        return len(self._keys)

    def __iter__(self) -> Iterator[TrustedKey]:
        """Go through the keys in the order given."""
        return iter(self._keys.values())

    def get(self, keyid: str) -> TrustedKey | None:
        """Look a key up by its whole keyid."""
        return self._keys.get(keyid)

    def find(self, text: str) -> tuple[TrustedKey, ...]:
        """Find the keys that go by this name, or whose keyid starts with this text of at least four digits."""
        enough = 4
        return tuple(key for key in self if key.name == text or (len(text) >= enough and key.keyid.startswith(text)))


def _twice(keys: tuple[TrustedKey, ...], field: str, document: YamlDocument) -> list[Problem]:
    """Find the values of a field that must be one key's alone."""
    values = [getattr(key, field) for key in keys]
    counts = Counter(values)
    return [
        Problem("key-twice", f"{field} {value} stands twice.", document.place(("keys", index, field)), "Each key has its own.")
        for index, value in enumerate(values)
        if counts[value] > 1 and values.index(value) != index
    ]


def read_keyring(root: Path) -> Keyring:
    """Read the keyring of the workspace in `root`; empty if there is no key file.

    Raises `InputError` with every problem and its place, and for a link: the file that trust rests on is a file.
    """
    path = root / KEYS_FILE
    if path.is_symlink():
        raise InputError.one(
            rule="symlink", message="The keyring is a symbolic link.", place=Place(KEYS_FILE), hint="Put the file itself here."
        )
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):  # a pipe would never end
            raise InputError.one(rule="not-a-file", message="The keyring is not a regular file.", place=Place(KEYS_FILE))
        if status.st_size > DEFAULT_LIMITS.max_bytes:
            message = f"The file has {status.st_size:,} bytes; at most {DEFAULT_LIMITS.max_bytes:,} are read."
            raise InputError.one(rule="too-large", message=message, place=Place(KEYS_FILE))
        data = path.read_bytes()
    except FileNotFoundError:
        return Keyring()
    except OSError as error:
        raise InputError.one(rule="unreadable", message=f"The keyring cannot be read: {error.strerror}.", place=Place(KEYS_FILE)) from None
    return Keyring.from_yaml(data, KEYS_FILE)
