"""Catalog files into shapes that remember where they stand."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar

from pydantic import BaseModel

from kybern.base import InputError, Place, Problem
from kybern.base.suggest import Suggester
from kybern.base.validation import Document, Said, shown, validate
from kybern.base.yaml import YamlDocument, read_yaml
from kybern.catalog._files import FOLDERS, File, Files
from kybern.catalog._models import Answers, Control, Crosswalk, Framework, Satisfies
from kybern.catalog._scales import Strength

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from kybern.base.validation import Fault, Sayings

T = TypeVar("T", bound=BaseModel)
Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Located(Generic[T]):
    """A shape, with the document and the path it was read from."""

    item: T
    document: Document
    path: Path = ()

    def place(self, *path: str | int) -> Place:
        """Find where a part of the shape stands."""
        return self.document.place((*self.path, *path))


@dataclass
class Sources:
    """Everything read so far, in the order of the files, and what could not be read."""

    frameworks: list[Located[Framework]] = field(default_factory=list)
    controls: list[Located[Control]] = field(default_factory=list)
    answers: list[Located[Answers]] = field(default_factory=list)
    crosswalks: list[Located[Crosswalk]] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def read(self, root: Files) -> None:
        """Take a catalog folder: `frameworks/`, `controls/`, `answers/` and `crosswalks/`, each with `*.yaml` files."""
        if not root.folders:
            hint = f"It holds one or more of {', '.join(FOLDERS)}, with *.yaml files."
            self.problems.append(Problem("no-catalog", "This is not a catalog folder.", Place(root.shown), hint))
        self.read_frameworks(root.folders.get("frameworks", ()))
        for document in self._documents(root.folders.get("controls", ())):
            self.controls += self._control_list(document)
        for document in self._documents(root.folders.get("answers", ())):
            self.answers += self._shape(Answers, document, ())
        for document in self._documents(root.folders.get("crosswalks", ())):
            self.crosswalks += self._shape(Crosswalk, document, ())

    def read_frameworks(self, files: Iterable[File]) -> None:
        """Read files of frameworks."""
        for document in self._documents(files):
            self.frameworks += self._shape(Framework, document, ())

    def read_controls(self, files: Iterable[File], only: Collection[str]) -> None:
        """Read some controls out of their files, and nothing of the law they answer; a file that names none of them is passed over."""
        names = [name.encode() for name in only]
        naming = (file for file in files if isinstance(file.data, OSError) or any(name in file.data for name in names))
        for document in self._documents(naming):
            entries = document.value if isinstance(document.value, list) else []
            for index, entry in enumerate(entries):
                if isinstance(entry, dict) and entry.get("id") in only:
                    self.controls += self._shape(Control, document, (index,))

    def joined(self) -> dict[str, Control]:
        """Give the controls by id, each with what is said of it beside the frameworks it answers."""
        more: defaultdict[str, list[Satisfies]] = defaultdict(list)
        for found in self.answers:
            for one in found.item.answers:
                ref = f"{found.item.framework}:{one.requirement}"
                more[one.control].append(Satisfies(requirement=ref, relation=one.relation, weight=one.weight))
        controls = (found.item for found in self.controls)
        return {
            one.id: one.model_copy(update={"satisfies": (*one.satisfies, *more[one.id])}) if one.id in more else one for one in controls
        }

    def _documents(self, files: Iterable[File]) -> Iterator[YamlDocument]:
        for file in files:
            if isinstance(file.data, OSError):
                self.problems.append(Problem("unreadable", f"The file cannot be read: {file.data.strerror}.", Place(file.shown)))
                continue
            try:
                yield from read_yaml(file.data, file.shown)
            except InputError as error:
                self.problems += error.problems

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
