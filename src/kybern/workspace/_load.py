"""A governance repository on disk, read as one set of records of which every part knows its place."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Final

from kybern.base import InputError, Problem, digest
from kybern.base.suggest import Suggester
from kybern.base.validation import shown
from kybern.base.yaml import read_yaml
from kybern.records import Record, RecordSet
from kybern.workspace._files import read_file, record_files
from kybern.workspace._settings import Settings, read_settings
from kybern.workspace._translate import validate

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from kybern.base import Place
    from kybern.base.yaml import JsonValue, YamlDocument

_Path = tuple[str | int, ...]
_MOST: Final = 1000
"""Problems told at once; a workspace that has more is not read to its end."""


@dataclass(frozen=True)
class Places:
    """Where each record stands: its document, and its path within it; and the settings."""

    _found: Mapping[str, tuple[YamlDocument, _Path]]
    _settings: YamlDocument

    def setting(self, path: Sequence[str | int] = ()) -> Place:
        """Find file, line and column of a part of `kybern.yaml`."""
        return self._settings.place(path)

    def of(self, ref: str, path: Sequence[str | int] = (), *, key: bool = False) -> Place:
        """Find file, line and column of a record's field; `KeyError` if no record has that name."""
        document, prefix = self._found[ref]
        return document.place((*prefix, *path), key=key)

    def __contains__(self, ref: object) -> bool:
        """Tell whether a record of that name stands in a file."""
        return ref in self._found

    def file(self, ref: str) -> str:
        """Tell which file a record stands in; `KeyError` if no record has that name."""
        return self._found[ref][0].file


@dataclass(frozen=True)
class Workspace:
    """What a governance repository states, read once; every file name is relative to `root`."""

    root: Path
    settings: Settings
    records: RecordSet
    places: Places

    @cached_property
    def digest(self) -> str:
        """SHA-256 over the settings and every record: the name of this state of the workspace."""
        return digest({"records": self.records.digest, "settings": self.settings.content})


def load_workspace(root: Path) -> Workspace:
    """Read the workspace whose `kybern.yaml` lies in `root`.

    Raises `InputError` with every problem of every file.
    """
    root = root.resolve()
    reader = _Reader(root)
    found = reader.settings()
    reader.read_all()
    if reader.problems or found is None:
        raise InputError(reader.problems)
    settings, document = found
    return Workspace(root, settings, RecordSet(reader.records), Places(reader.places, document))


def parse_records(data: bytes, file: str) -> tuple[Record, ...]:
    """Read the records of one file given as bytes; `InputError` with every problem found."""
    documents = read_yaml(data, file)
    reader = _Reader(None)
    for document in documents:
        reader.take(document)
    if reader.problems:
        raise InputError(reader.problems)
    return tuple(reader.records)


@dataclass
class _Reader:
    """Collects records and problems file by file."""

    root: Path | None
    records: list[Record] = field(default_factory=list)
    places: dict[str, tuple[YamlDocument, _Path]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    suggester: Suggester = field(default_factory=Suggester)

    def settings(self) -> tuple[Settings, YamlDocument] | None:
        try:
            return read_settings(self._root)
        except InputError as error:
            self.problems += error.problems
            return None

    @property
    def _root(self) -> Path:
        if self.root is None:  # pragma: no cover - a reader of bytes reads no files
            raise InputError([])
        return self.root

    def read_all(self) -> None:
        names, problems = record_files(self._root)
        self.problems += problems
        for name in names:
            try:
                documents = read_yaml(read_file(self._root, name), name)
            except InputError as error:
                self.problems += error.problems
                continue
            for document in documents:
                self.take(document)

    def take(self, document: YamlDocument) -> None:
        """Take every record of a document: one mapping, or a list of mappings."""
        for path, value in _items(document.value):
            if len(self.problems) >= _MOST:
                raise InputError(self.problems)
            kind = self._kind(document, path, value)
            if kind is not None and self._first_of_its_name(document, path, value):
                record, problems = validate(Record.registry[kind], document, path)
                self.problems += problems
                if record is not None:
                    self.records.append(record)

    def _kind(self, document: YamlDocument, path: _Path, value: JsonValue) -> str | None:
        """Give the record's kind if there is such a kind."""
        if not isinstance(value, dict):
            message = "A record is a mapping of fields."
            self._problem("not-a-record", message, document.place(path), "Start it with `kind:` and `id:`.")
        elif "kind" not in value:
            self._problem("missing-field", "The field kind is missing.", document.place(path), "Say what it is: `kind: role`.")
        elif isinstance(kind := value["kind"], str) and kind in Record.registry:
            return kind
        else:
            hint = self.suggester.hint(str(kind), Record.registry, f"The kinds are {', '.join(sorted(Record.registry))}.")
            self._problem("unknown-kind", f"There is no record kind {shown(kind)}.", document.place((*path, "kind")), hint)
        return None

    def _first_of_its_name(self, document: YamlDocument, path: _Path, value: JsonValue) -> bool:
        """Keep the record's place, or say that another has its name already."""
        name = value.get("id") if isinstance(value, dict) else None
        if not isinstance(value, dict) or not isinstance(name, str):
            return True
        ref = f"{value['kind']}:{name}"
        if ref not in self.places:
            self.places[ref] = (document, path)
            return True
        first, where = self.places[ref]
        other = first.place((*where, "id"))
        self._problem("duplicate-id", f"{shown(ref)} is stated twice.", document.place((*path, "id")), f"It is first at {other}: keep one.")
        return False

    def _problem(self, rule: str, message: str, place: Place, hint: str) -> None:
        self.problems.append(Problem(rule, message, place, hint))


def _items(value: JsonValue) -> Iterator[tuple[_Path, JsonValue]]:
    if isinstance(value, list):
        yield from (((index,), item) for index, item in enumerate(value))
    else:
        yield (), value
