"""Catalog files into shapes that remember where they stand."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar

from pydantic import BaseModel

from kybern.base import InputError, Place, Problem
from kybern.base.suggest import Suggester
from kybern.base.validation import Said, shown, validate
from kybern.base.yaml import YamlDocument, read_yaml
from kybern.catalog._models import Control, Crosswalk, Framework, Strength

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from importlib.resources.abc import Traversable

    from kybern.base.validation import Fault, Sayings

T = TypeVar("T", bound=BaseModel)
Path = tuple[str | int, ...]

FOLDERS = ("frameworks", "controls", "crosswalks")


@dataclass(frozen=True)
class Located(Generic[T]):
    """A shape, with the document and the path it was read from."""

    item: T
    document: YamlDocument
    path: Path = ()

    def place(self, *path: str | int) -> Place:
        """Find where a part of the shape stands."""
        return self.document.place((*self.path, *path))


@dataclass
class Sources:
    """Everything read so far, in the order of the files, and what could not be read."""

    frameworks: list[Located[Framework]] = field(default_factory=list)
    controls: list[Located[Control]] = field(default_factory=list)
    crosswalks: list[Located[Crosswalk]] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def read(self, root: Traversable) -> None:
        """Read a catalog folder: `frameworks/`, `controls/` and `crosswalks/`, each with `*.yaml` files."""
        if not any(root.joinpath(folder).is_dir() for folder in FOLDERS):
            hint = f"It holds one or more of {', '.join(FOLDERS)}, with *.yaml files."
            self.problems.append(Problem("no-catalog", "This is not a catalog folder.", Place(str(root)), hint))
        for document in self._documents(root, "frameworks"):
            self.frameworks += self._shape(Framework, document, ())
        for document in self._documents(root, "controls"):
            self.controls += self._control_list(document)
        for document in self._documents(root, "crosswalks"):
            self.crosswalks += self._shape(Crosswalk, document, ())

    def read_controls(self, root: Traversable, only: Collection[str]) -> None:
        """Read some of a folder's controls and nothing of the law they answer."""
        for document in self._documents(root, "controls", only):
            entries = document.value if isinstance(document.value, list) else []
            for index, entry in enumerate(entries):
                if isinstance(entry, dict) and entry.get("id") in only:
                    self.controls += self._shape(Control, document, (index,))

    def _documents(self, root: Traversable, folder: str, naming: Collection[str] | None = None) -> Iterator[YamlDocument]:
        """Read a folder's files; where names are given, only those that have one of them somewhere."""
        for file in _yaml_files(root.joinpath(folder)):
            try:
                data = file.read_bytes()
                if naming is None or any(name.encode() in data for name in naming):
                    yield from read_yaml(data, str(file))
            except InputError as error:
                self.problems += error.problems
            except OSError as error:
                self.problems.append(Problem("unreadable", f"The file cannot be read: {error.strerror}.", Place(str(file))))

    def _control_list(self, document: YamlDocument) -> Iterator[Located[Control]]:
        if not isinstance(document.value, list):
            hint = "Start each with `- id:`."
            self.problems.append(Problem("wrong-type", "A controls file is a list of controls.", document.place(), hint))
            return
        for index in range(len(document.value)):
            yield from self._shape(Control, document, (index,))

    def _shape(self, model: type[T], document: YamlDocument, path: Path) -> Iterator[Located[T]]:
        item, problems = validate(model, document, path, whole=f"A {model.__name__.lower()}", more=_SAYINGS)
        self.problems += problems
        if item is not None:
            yield Located(item, document, path)


def _strength(fault: Fault) -> Said | None:
    """Name the strengths as they are written: by their names, not their numbers."""
    if fault.path[-1] != "min_strength":
        return None
    names = [strength.name.lower() for strength in Strength]
    hint = Suggester().hint(str(fault.given), names, f"Use one of {', '.join(names)}.")
    return Said("unknown-value", f"{fault.name} cannot be {shown(fault.given)}.", hint)


_SAYINGS: Sayings = {"enum": _strength}


def _yaml_files(folder: Traversable) -> list[Traversable]:
    """List a folder's YAML files by name; a folder that is not there has none."""
    if not folder.is_dir():
        return []
    return sorted((file for file in folder.iterdir() if file.name.endswith((".yaml", ".yml"))), key=lambda file: file.name)
