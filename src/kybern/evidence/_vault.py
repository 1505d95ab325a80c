"""The vault: a key for each person whose data is kept, and content sealed under it with a salt of its own.

Whoever destroys the key destroys every salt and content under it: nothing of them can be read or tried again. See
docs/decisions/0019-erasure-by-destroying-a-key.md.
"""

from __future__ import annotations

import base64
import hashlib
import re
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from kybern.base import canonical_json
from kybern.evidence._commitment import SALT_BYTES, commit
from kybern.evidence._durable import put
from kybern.evidence._json import read_json
from kybern.evidence._refused import Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

VAULT: Final = Path(".kybern", "vault")
"""Where a workspace keeps its vault, relative to its root: out of Git, and read by its owner only."""

SEALED: Final = "kybern.sealed/1"
ERASED: Final = "kybern.erased/1"
KEY_SUFFIX: Final = ".key"
ORDER_SUFFIX: Final = ".order"
_KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12
_ID_BYTES: Final = 16
_MAX_COMMITMENTS: Final = 64
_HEX: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)
_ID: Final = re.compile(r"[0-9a-f]{32}", re.ASCII)
_SUBJECT: Final = re.compile(r"person:[a-z0-9][a-z0-9._-]{0,110}", re.ASCII)


@dataclass(frozen=True)
class Sealed:
    """Content under a key: whoever has the key reads it; the commitments are what the log may hold of it, the latest last."""

    key: str
    nonce: bytes
    ciphertext: bytes
    commitments: tuple[str, ...]

    def __bytes__(self) -> bytes:
        """Write it as canonical JSON."""
        return canonical_json(
            {
                "ciphertext": base64.b64encode(self.ciphertext).decode(),
                "commitments": list(self.commitments),
                "format": SEALED,
                "key": self.key,
                "nonce": base64.b64encode(self.nonce).decode(),
            }
        )


@dataclass(frozen=True)
class Erased:
    """What stands where sealed content was: that it was erased, when and on what ground."""

    at: str
    ground: str
    commitments: tuple[str, ...]

    def __bytes__(self) -> bytes:
        """Write it as canonical JSON."""
        return canonical_json({"at": self.at, "commitments": list(self.commitments), "format": ERASED, "ground": self.ground})

    def refusal(self) -> Refused:
        """Say why there is nothing to read."""
        return Refused(rule="erased", message=f"erased on {self.at[:10]} ({self.ground}); its commitment stands")


def parse_sealed(data: bytes) -> Sealed | Erased:
    """Read what stands for personal content; `Refused` (`bad-sealed`, `too-large`, `not-json`) for anything else."""
    value = read_json(data, "the sealed content")
    names = {SEALED: {"ciphertext", "commitments", "format", "key", "nonce"}, ERASED: {"at", "commitments", "format", "ground"}}
    kind = value.get("format") if isinstance(value, dict) else None
    if not isinstance(value, dict) or not isinstance(kind, str) or set(value) != names.get(kind):
        raise _bad_sealed(why="it has not the fields of sealed or erased content")
    commitments = _commitments(value["commitments"])
    if kind == ERASED:
        at, ground = value["at"], value["ground"]
        if not isinstance(at, str) or not isinstance(ground, str) or not (at + ground).isprintable():
            raise _bad_sealed(why="at and ground are not texts")
        return Erased(at, ground, commitments)
    key = value["key"]
    if not isinstance(key, str) or not _ID.fullmatch(key):
        raise _bad_sealed(why="key is not the name of a key")
    nonce, ciphertext = _raw(value["nonce"]), _raw(value["ciphertext"])
    if len(nonce) != _NONCE_BYTES:
        raise _bad_sealed(why=f"the nonce has not {_NONCE_BYTES} bytes")
    return Sealed(key, nonce, ciphertext, commitments)


class Vault:
    """The keys of a workspace. Reading needs no randomness; making a key or sealing does."""

    def __init__(self, folder: Path, random: Callable[[int], bytes] | None = None) -> None:
        """Take the folder; it is made with the first key. `random` gives as many random bytes as asked for."""
        self.folder = folder
        self._random = random
        self._keys: dict[str, bytes | None] = {}
        self._names: dict[str, str] | None = None

    def subjects(self) -> Mapping[str, str]:
        """Name the persons there is a key for, each with the name of the key."""
        found: dict[str, str] = {}
        for path in sorted(self.folder.glob(f"*{KEY_SUFFIX}")):
            said = self._said(path.stem)
            if said is not None:
                found[said["subject"]] = path.stem
        return found

    def seal(self, subject: str, content: bytes, earlier: tuple[str, ...] = (), salt: bytes | None = None) -> Sealed:
        """Seal content under the key of a person, which is made if there is none.

        `earlier` are commitments to earlier forms of it, `salt` the salt it had then. Raises `Refused` (`bad-subject`) if the
        name is not a person's.
        """
        if not _SUBJECT.fullmatch(subject):
            raise Refused(rule="bad-subject", message=f"{ascii(subject)[:120]} is not a person's name, like 'person:anna'")
        if self._names is None:
            self._names = dict(self.subjects())
        key = self._names.get(subject) or self._make(subject)
        self._names[subject] = key
        salt = self._bytes(SALT_BYTES) if salt is None else salt
        commitment = commit(salt, hashlib.sha256(content).hexdigest())
        nonce = self._bytes(_NONCE_BYTES)
        secret = self._secret(key)
        if secret is None:
            raise Refused(rule="being-erased", message=f"what is kept of {subject} is being erased")
        ciphertext = AESGCM(secret).encrypt(nonce, salt + content, _bound(key))
        return Sealed(key, nonce, ciphertext, (*(one for one in earlier if one != commitment), commitment))

    def open(self, sealed: Sealed) -> tuple[bytes, bytes]:
        """Give content and salt; `Refused`: `sealed` if the key is not here, `bad-sealed` if it does not fit."""
        secret = self._secret(sealed.key)
        if secret is None:
            raise Refused(rule="sealed", message="its content is sealed, and the key is not in the vault of this workspace")
        try:
            both = AESGCM(secret).decrypt(sealed.nonce, sealed.ciphertext, _bound(sealed.key))
        except (InvalidTag, ValueError):
            raise _bad_sealed(why="it was changed after it was sealed") from None
        salt, content = both[:SALT_BYTES], both[SALT_BYTES:]
        if len(salt) != SALT_BYTES or commit(salt, hashlib.sha256(content).hexdigest()) != sealed.commitments[-1]:
            raise _bad_sealed(why="its commitment is to other content")
        return content, salt

    def subject_of(self, key: str) -> str | None:
        """Name the person whose key this is; None if it is not here."""
        said = self._said(key)
        return None if said is None else said["subject"]

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep others from sealing and erasing meanwhile; a lock falls with the process that held it."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (self.folder / "lock").open("ab") as file:
            try:
                import fcntl  # noqa: PLC0415 - there is none outside POSIX, where one person works at a time
            except ImportError:  # pragma: no cover
                yield
                return
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _secret(self, key: str) -> bytes | None:
        if key not in self._keys:
            said = self._said(key)
            self._keys[key] = None if said is None else base64.b64decode(said["key"])
        return self._keys[key]

    def _said(self, key: str) -> dict[str, str] | None:
        """Read a key's file; None if it is not there, is destroyed, or its erasure was ordered."""
        if not _ID.fullmatch(key) or (self.folder / f"{key}{ORDER_SUFFIX}").exists():
            return None
        try:
            value: Any = read_json((self.folder / f"{key}{KEY_SUFFIX}").read_bytes(), "the key")
            fits = isinstance(value, dict) and set(value) == {"key", "subject"} and isinstance(value["subject"], str)
            return value if fits and len(_raw(value["key"])) == _KEY_BYTES else None
        except (OSError, Refused):
            return None

    def _make(self, subject: str) -> str:
        key = self._bytes(_ID_BYTES).hex()
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.folder.chmod(0o700)
        said = {"key": base64.b64encode(self._bytes(_KEY_BYTES)).decode(), "subject": subject}
        put(self.folder / f"{key}{KEY_SUFFIX}", canonical_json(said), 0o600)
        return key

    def _bytes(self, count: int) -> bytes:
        if self._random is None:
            msg = "a vault that seals needs randomness"
            raise ValueError(msg)
        return self._random(count)


def _bound(key: str) -> bytes:
    return f"{SEALED} {key}".encode()


def _commitments(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not 0 < len(value) <= _MAX_COMMITMENTS:
        raise _bad_sealed(why="commitments is not a list of some")
    if not all(isinstance(one, str) and _HEX.fullmatch(one) for one in value):
        raise _bad_sealed(why="a commitment is not 64 hex digits")
    return tuple(value)


def _raw(value: object) -> bytes:
    try:
        raw = base64.b64decode(value, validate=True) if isinstance(value, str) else b""
    except ValueError:
        raw = b""
    if not raw or base64.b64encode(raw).decode() != value:
        raise _bad_sealed(why="a value is not base64")
    return raw


def _bad_sealed(*, why: str) -> Refused:
    return Refused(rule="bad-sealed", message=f"this is no sealed content: {why}")
