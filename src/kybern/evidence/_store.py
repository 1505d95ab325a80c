"""A folder of envelopes: written whole or not at all, read back verified."""

from __future__ import annotations

import hashlib
import os
import stat
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from kybern.base import InputError, Place, digest
from kybern.evidence._durable import put
from kybern.evidence._envelope import merge, parse_envelope
from kybern.evidence._json import MAX_BYTES
from kybern.evidence._refused import Refusal, Refused
from kybern.evidence._vault import VAULT, Erased, Sealed, Vault, parse_sealed
from kybern.evidence._verify import verify

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from kybern.evidence._keyring import Keyring
    from kybern.evidence._models import Evidence

FOLDER = "evidence"
"""Where a workspace keeps its evidence, relative to its root."""

SUFFIX = ".dsse.json"
SEALED_SUFFIX = ".sealed.json"
_NAME_DIGITS = 16


@dataclass(frozen=True)
class Read:
    """What a folder of evidence holds: what was accepted, in the order of the ids, and what was refused, with the reason."""

    accepted: tuple[Evidence, ...] = ()
    refused: tuple[Refusal, ...] = ()

    @cached_property
    def digest(self) -> str:
        """SHA-256 over the ids of what was accepted: the name of this body of evidence."""
        return digest([evidence.id for evidence in self.accepted])


def write(folder: Path, envelope: bytes) -> Path:
    """Write an envelope into a folder, named after its payload, and give back its path.

    The file appears whole or not at all. If an envelope over the same payload is there, the file keeps both their
    signatures; nothing else is ever replaced. Raises `Refused` if the envelope cannot be read, `InputError`
    (`evidence-exists`) if the name is taken by other content.
    """
    path = folder / f"{hashlib.sha256(parse_envelope(envelope).payload).hexdigest()[:_NAME_DIGITS]}{SUFFIX}"
    folder.mkdir(parents=True, exist_ok=True)
    there = path.read_bytes() if path.exists() else None
    content = envelope if there is None else _united(there, envelope, path)
    if content != there:
        put(path, content)
    return path


def _united(there: bytes, envelope: bytes, path: Path) -> bytes:
    try:
        united = merge(there, envelope)
    except Refused:
        united = None
    if united is None:
        message = "The file holds other content, which is kept."
        raise InputError.one(rule="evidence-exists", message=message, place=Place(str(path)), hint="Move it away and try again.")
    return united


def protect(folder: Path, envelope: bytes, vault: Vault, subject: str) -> Path:
    """Write an envelope sealed under the key of a person, and give back its path: its name says nothing of the content.

    Raises `Refused` if the envelope cannot be read, or the name is not a person's.
    """
    parse_envelope(envelope)
    return _put_sealed(folder, vault.seal(subject, envelope))


def reseal(path: Path, envelope: bytes, vault: Vault) -> Path:
    """Put another form of a sealed envelope (one more signature) in its place, under the same key and salt; give back its path."""
    there = _sealed(path.read_bytes())
    subject = vault.subject_of(there.key)
    salt = vault.open(there)[1]
    if subject is None:
        raise Refused(rule="sealed", message="the key is not in the vault of this workspace")
    sealed = vault.seal(subject, envelope, there.commitments, salt)
    put(path, bytes(sealed))
    return path


def _put_sealed(folder: Path, sealed: Sealed) -> Path:
    path = folder / f"{sealed.commitments[0][:_NAME_DIGITS]}{SEALED_SUFFIX}"
    put(path, bytes(sealed))
    return path


def _sealed(data: bytes) -> Sealed:
    found = parse_sealed(data)
    if isinstance(found, Erased):
        raise found.refusal()
    return found


def open_stored(path: Path, data: bytes, vault: Vault) -> bytes:
    """Give the envelope that a file of these bytes holds, opened if it is sealed; `Refused`: `erased`, `sealed`, `bad-sealed`."""
    return vault.open(_sealed(data))[0] if path.name.endswith(SEALED_SUFFIX) else data


def read_evidence(folder: Path, keyring: Keyring, root: Path) -> Read:
    """Read and verify every `*.json` file in a folder and below; sources are named relative to `root`.

    One payload in several files counts once, in the file with the strongest signatures. Links that lead out of `root`, linked
    folders and anything but files are refused. A folder that is not there holds nothing. What is sealed is opened where the key
    is in the vault of `root`; what was erased is refused (`erased`), saying when.
    """
    vault = Vault(root / VAULT)
    accepted: dict[str, Evidence] = {}
    refused: list[Refusal] = []
    for path in _files(folder):
        source = _source(path, root)
        if not source.isprintable():  # nobody could be told of it, nor write its name
            shown = ascii(source)[1:-1]
            refused.append(Refusal(shown, "file-name", "its name holds characters that cannot be shown; rename it"))
            continue
        try:
            found = verify(open_stored(path, _content(path, root), vault), keyring, source)
        except Refused as reason:
            refused.append(Refusal(source, reason.rule, reason.message))
        else:
            accepted[found.id] = max(found, accepted.get(found.id, found), key=_weight)
    return Read(tuple(accepted[name] for name in sorted(accepted)), tuple(sorted(refused)))


def _weight(piece: Evidence) -> tuple[int, int, bool]:
    """Weigh a file against another of one payload: what is sealed goes before the plain file that was to go."""
    return piece.strength, len(piece.signers), piece.source.endswith(SEALED_SUFFIX)


def _files(folder: Path) -> Iterator[Path]:
    """Walk over every `*.json` below the folder; what cannot be walked (a link, a file, a closed folder) is handed on to be refused."""
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        yield folder
        return
    closed: list[Path] = []
    for here, folders, files in os.walk(folder, onerror=lambda error: closed.append(Path(str(error.filename)))):
        folders.sort()
        yield from (Path(here, name) for name in sorted(_of_interest(here, folders, files)))
    yield from (path for path in closed if path.exists())


def _of_interest(here: str, folders: Iterable[str], files: Iterable[str]) -> Iterator[str]:
    # os.walk does not go into a linked folder; it is handed on so that it is refused in words, not passed over.
    yield from (name for name in folders if Path(here, name).is_symlink())
    yield from (name for name in files if name.endswith(".json"))


def _source(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.as_posix()


def _content(path: Path, root: Path) -> bytes:
    """Read a file within the root, at most one byte more than an envelope may have."""
    try:
        if path.is_symlink() and not path.resolve().is_relative_to(root.resolve()):
            raise Refused(rule="outside", message="it is a link that leads out of the workspace")
        if path == root / FOLDER and path.is_file():
            raise Refused(rule="not-a-folder", message="evidence lies in a folder of this name; this is a file")
        if path.is_dir() and not os.access(path, os.R_OK | os.X_OK):
            raise Refused(rule="unreadable", message="the folder cannot be read: check its permissions")
        if not stat.S_ISREG(path.stat().st_mode):
            raise Refused(rule="not-a-file", message="it is a linked folder or no ordinary file; only files are read")
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except (OSError, RuntimeError) as error:  # RuntimeError: a loop of links, in Python before 3.13
        msg = f"it cannot be read: {error.strerror if isinstance(error, OSError) else error}"
        raise Refused(rule="unreadable", message=msg) from None
