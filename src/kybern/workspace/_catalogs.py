"""Catalogs of the user's own: folders of the workspace that `kybern.yaml` names, read by the rules for record files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from kybern.base import InputError, Place, Problem
from kybern.catalog import FOLDERS, CatalogFolder
from kybern.workspace._files import read_file, yaml_files
from kybern.workspace._settings import parse_settings, read_settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_MOST: Final = 1000


def read_catalogs(root: Path) -> tuple[CatalogFolder, ...]:
    """Read the catalogs that the `kybern.yaml` in `root` names, in its order; `InputError` with every problem found."""
    settings, document = read_settings(root)
    problems: list[Problem] = []
    found: list[CatalogFolder] = []
    for index, path in enumerate(settings.catalogs):
        problems += _problems(root, path, document.place(("catalogs", index)))
        if not problems:
            found.append(_read(root, path, problems))
    if problems:
        raise InputError(problems)
    return tuple(found)


def catalogs_of(files: Mapping[str, bytes], settings: bytes) -> tuple[CatalogFolder, ...]:
    """Take the catalogs that `settings` (the bytes of a `kybern.yaml`) names out of files in memory; `InputError` for too many files."""
    named, _ = parse_settings(settings)
    found = tuple(CatalogFolder(path, dict(_under(files, f"{path}/"))) for path in named.catalogs)
    for folder in found:
        if len(folder.files) > _MOST:
            raise InputError([_too_many(folder.shown)])
    return found


def _under(files: Mapping[str, bytes], prefix: str) -> Iterator[tuple[str, bytes]]:
    for name, data in sorted(files.items()):
        inside = name.removeprefix(prefix)
        if inside != name and _is_catalog_file(inside):
            yield inside, data


def _is_catalog_file(name: str) -> bool:
    """Tell whether a file lies where a catalog has its files: directly in one of its folders."""
    folder, _, file = name.partition("/")
    return folder in FOLDERS and bool(file) and "/" not in file and file.endswith((".yaml", ".yml"))


def _problems(root: Path, path: str, place: Place) -> Iterator[Problem]:
    """Say why the folder cannot be a catalog."""
    parts = path.split("/")
    if any((root / "/".join(parts[:end])).is_symlink() for end in range(1, len(parts) + 1)):
        yield Problem("symlink", f"{path} is reached through a symbolic link.", place, "Put the folder itself here.")
    elif not (root / path).is_dir():
        yield Problem("no-folder", f"There is no folder {path} in the workspace.", place, "Make it, or remove the line.")
    elif not any((root / path / part).is_dir() for part in FOLDERS):
        yield Problem("no-catalog", f"{path} is not a catalog folder.", place, f"It holds one or more of {', '.join(FOLDERS)}.")


def _read(root: Path, path: str, problems: list[Problem]) -> CatalogFolder:
    files: dict[str, bytes] = {}
    for part in FOLDERS:
        names, found = yaml_files(root, f"{path}/{part}")
        problems += found
        for name in (name for name in names if _is_catalog_file(name.removeprefix(f"{path}/"))):
            try:
                files[name.removeprefix(f"{path}/")] = read_file(root, name)
            except InputError as error:
                problems += error.problems
            if len(files) > _MOST:
                raise InputError([*problems, _too_many(path)])
    return CatalogFolder(path, files)


def _too_many(path: str) -> Problem:
    return Problem(
        "too-large", f"{path} has more than {_MOST:,} files.", Place(path), "Put several frameworks into one file, parted by ---."
    )
