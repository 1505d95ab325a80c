"""The files of catalog folders, read once: what is hashed is what is parsed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources.abc import Traversable
from io import BytesIO, TextIOWrapper
from typing import IO, Any, Final

FOLDERS: Final = ("frameworks", "controls", "answers", "crosswalks")


@dataclass(frozen=True)
class File:
    """A YAML file of a catalog: its name for problems, and its bytes or why it cannot be read."""

    name: str
    shown: str
    data: bytes | OSError


def read_file(file: Traversable) -> File:
    """Read one file, or keep why it cannot be read."""
    try:
        return File(file.name, str(file), file.read_bytes())
    except OSError as error:
        return File(file.name, str(file), error)


@dataclass(frozen=True)
class Files:
    """A catalog folder as it was at one moment: the files of each of its folders that is there, by name."""

    shown: str
    folders: Mapping[str, tuple[File, ...]]

    @classmethod
    def read(cls, root: Traversable) -> Files:
        """Read every YAML file below `frameworks/`, `controls/`, `answers/` and `crosswalks/`."""
        there = ((name, root.joinpath(name)) for name in FOLDERS)
        return cls(str(root), {name: tuple(map(read_file, _yaml_files(folder))) for name, folder in there if folder.is_dir()})


def identity(roots: Sequence[Files], *more: str) -> str | None:
    """Give the SHA-256 of everything that a catalog is made of, or None where a file cannot be read."""
    found = hashlib.sha256()
    for part in (*(item.encode() for item in more), *(part for root in roots for part in _parts(root))):
        if isinstance(part, OSError):
            return None
        found.update(b"%d:" % len(part))
        found.update(part)
    return found.hexdigest()


def _parts(root: Files) -> Iterator[bytes | OSError]:
    yield b"root"
    for folder, files in root.folders.items():
        yield folder.encode()
        for file in files:
            yield b"file"
            yield file.name.encode("utf-8", "surrogateescape")
            yield file.data


def _yaml_files(folder: Traversable) -> list[Traversable]:
    return sorted((file for file in folder.iterdir() if file.name.endswith((".yaml", ".yml"))), key=lambda file: file.name)


@dataclass(frozen=True)
class CatalogFolder(Traversable):
    """A catalog folder held in memory: the bytes of its files by their path within it, `frameworks/house.yaml`.

    `shown` is what the folder is called in problems.
    """

    shown: str
    files: Mapping[str, bytes]

    @property
    def name(self) -> str:
        """The last part of its name."""
        return self.shown.rpartition("/")[2]

    def is_dir(self) -> bool:
        """Tell whether something lies below it."""
        return any(self.files)

    def is_file(self) -> bool:
        """Tell whether it is a file."""
        return "" in self.files

    def joinpath(self, *descendants: Any) -> CatalogFolder:
        """Go down to a folder or file, whether or not it is there."""
        path = "/".join(map(str, descendants))
        below = {name[len(path) :].lstrip("/"): data for name, data in self.files.items() if name == path or name.startswith(f"{path}/")}
        return CatalogFolder(f"{self.shown}/{path}", below)

    def __truediv__(self, child: Any) -> CatalogFolder:
        return self.joinpath(child)

    def iterdir(self) -> Iterator[CatalogFolder]:
        """Go through what lies directly below."""
        return (self.joinpath(name) for name in dict.fromkeys(path.split("/")[0] for path in self.files if path))

    def read_bytes(self) -> bytes:
        """Read the file."""
        if "" not in self.files:
            raise IsADirectoryError(21, "Is a directory", self.shown)
        return self.files[""]

    def read_text(self, encoding: str | None = None, *args: Any, **kwargs: Any) -> str:
        """Read the file as text."""
        return self.read_bytes().decode(encoding or "utf-8", *args, **kwargs)

    def open(self, mode: str = "r", *args: Any, **kwargs: Any) -> IO[Any]:
        """Open the file for reading."""
        raw = BytesIO(self.read_bytes())
        return raw if "b" in mode else TextIOWrapper(raw, *args, **kwargs)

    def __str__(self) -> str:
        return self.shown
