"""Files from an upload, taken in within bounds: how many, how large, how deep. Nothing is written to disk under a name from it."""

from __future__ import annotations

import io
import stat
import zipfile
import zlib
from typing import TYPE_CHECKING, Final

import cbor2

from kybern.base import InputError, Place, Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MOST_BYTES: Final = 64 << 20
MOST_OF_ONE: Final = 16 << 20
MOST_FILES: Final = 5000
_MOST_NAME: Final = 240
_DEEPEST: Final = 12
_WANTED: Final = (".yaml", ".yml", ".json", ".csv", ".xlsx")
_BROKEN: Final = (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError, ValueError, EOFError, zlib.error)

Files = list[tuple[str, bytes]]


def unpack(given: Iterable[tuple[str, bytes]]) -> Files:
    """Take files in, those of archives one by one; `InputError` for what is too much, and for archives that play tricks."""
    found: Files = []
    left = MOST_BYTES
    for name, data in given:
        shown = _shown(name)
        parts = _unzipped(shown, data, left) if shown.lower().endswith(".zip") else [(shown, data)]
        for inner, content in parts:
            left -= len(content)
            if left < 0:
                raise InputError.one(
                    "too-large", f"The files have more than {MOST_BYTES >> 20} MiB together.", Place(shown), "Import in parts."
                )
            if len(content) > MOST_OF_ONE:
                raise InputError.one("too-large", f"The file has more than {MOST_OF_ONE >> 20} MiB.", Place(inner), "Split it.")
            found.append((inner, content))
            if len(found) > MOST_FILES:
                raise InputError.one("too-large", f"There are more than {MOST_FILES:,} files.", Place(shown), "Import in parts.")
    if not found:
        raise InputError.one("no-file", "There is no file to import.", Place("upload"), "Choose one or more.")
    return found


def _shown(name: str) -> str:
    """Give the last part of a name as it may be shown."""
    last = name.replace("\\", "/").rpartition("/")[2]
    return "".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in last)[:_MOST_NAME] or "upload"


def _unzipped(file: str, data: bytes, left: int) -> Iterator[tuple[str, bytes]]:
    """Read an archive's files of the kinds that are wanted; what it says of sizes is not believed, what comes out is counted."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            yield from _entries(file, archive, left)
    except _BROKEN as error:
        message = f"This archive cannot be read: {type(error).__name__}."
        raise InputError.one("not-zip", message, Place(file), "Pack it anew, without a password.") from None


def _entries(file: str, archive: zipfile.ZipFile, left: int) -> Iterator[tuple[str, bytes]]:
    entries = [one for one in archive.infolist() if not one.is_dir()]
    if len(entries) > MOST_FILES:
        raise InputError.one("too-large", f"The archive has more than {MOST_FILES:,} files.", Place(file), "Import in parts.")
    problems = [problem for one in entries if (problem := _trick(file, one)) is not None]
    if len({one.filename for one in entries}) != len(entries):
        problems.append(Problem("duplicate-file", "The archive has two files of one name.", Place(file), "Pack it anew."))
    if problems:
        raise InputError(problems[:50])
    for one in entries:
        if not one.filename.lower().endswith(_WANTED) or _is_hidden(one.filename):
            continue
        with archive.open(one) as opened:
            content = opened.read(min(left, MOST_OF_ONE) + 1)
        left -= len(content)
        if left < 0 or len(content) > MOST_OF_ONE:
            raise InputError.one("too-large", "The archive unpacks to too much.", Place(f"{file}/{one.filename}"), "Import in parts.")
        yield one.filename, content


def _trick(file: str, one: zipfile.ZipInfo) -> Problem | None:
    """Say what no honest archive of a workspace has: names that lead outside, links, locked files."""
    name = one.filename
    steps = name.split("/")
    shown = Place(f"{file}/{ascii(name)[1:-1][:_MOST_NAME]}")
    if name.startswith("/") or "\\" in name or ":" in steps[0] or ".." in steps or "" in steps[:-1] or not name.isprintable():
        return Problem("outside", "This name leads outside the archive.", shown, "Pack the folder anew.")
    if len(steps) > _DEEPEST or len(name) > _MOST_NAME:
        return Problem("too-deep", "This file lies too deep.", shown, f"At most {_DEEPEST} folders deep.")
    if stat.S_ISLNK(one.external_attr >> 16):
        return Problem("symlink", "This is a symbolic link.", shown, "Put the file itself there.")
    if one.flag_bits & 1:
        return Problem("locked", "This file is locked by a password.", shown, "Pack it without one.")
    return None


def _is_hidden(name: str) -> bool:
    return any(step.startswith((".", "__MACOSX")) for step in name.split("/"))


def pack(files: Files) -> bytes:
    """Write files as one piece for the table of uploads."""
    return cbor2.dumps([[name, content] for name, content in files])


def unpacked(data: bytes) -> Files:
    """Read what `pack` wrote."""
    return [(str(name), bytes(content)) for name, content in cbor2.loads(data)]
