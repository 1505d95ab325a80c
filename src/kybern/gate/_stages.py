"""What a gate asks for: the controls due at each stage, from the table that ships and `policy/gate.yaml` of the workspace."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files as resources
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from kybern.base import InputError, Place, Problem
from kybern.base.suggest import Suggester
from kybern.base.validation import validate
from kybern.base.yaml import DEFAULT_LIMITS, YamlDocument, read_yaml
from kybern.catalog import Catalog, Control, ControlId, Slug, load_controls
from kybern.policy import FOLDER

FILE: Final = "gate.yaml"
"""The settings of a workspace's gates, in its policy folder."""

StageName = Literal["merge", "train", "validate", "deploy", "retire"]
STAGES: Final[tuple[StageName, ...]] = ("merge", "train", "validate", "deploy", "retire")

_Text = Annotated[str, Field(min_length=1, max_length=400)]


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Stage(_Shape):
    """What is due at a gate, and the topic of the approval that it asks for."""

    approval: Slug
    controls: Annotated[tuple[ControlId, ...], Field(min_length=1)]
    moves: bool = True
    """Whether the gate moves the system on: then a control applies whatever stage the record still states."""


class Change(_Shape):
    """What a workspace changes of a gate: controls that are due besides, controls that are not."""

    also: tuple[ControlId, ...] = ()
    without: tuple[ControlId, ...] = ()
    reason: _Text | None = None


class Collect(_Shape):
    """Files that a gate collects: through which connector, on which topic, about which record, and what the files do not say."""

    files: Annotated[tuple[_Text, ...], Field(min_length=1)]
    connector: Annotated[Slug, Field(alias="as")]
    stages: Annotated[tuple[StageName, ...], Field(min_length=1)] = STAGES
    topic: Slug | None = None
    about: _Text | None = None
    only: _Text | None = None
    fields: dict[Slug, str | int | float | bool] = {}
    required: bool = True
    """Whether the gate cannot be judged where there is no such file."""


class GateSpec(_Shape):
    """`policy/gate.yaml`: what the gates of a workspace collect, and what is due otherwise than in the table that ships."""

    kybern: Literal[1] = 1
    collect: tuple[Collect, ...] = ()
    due: dict[StageName, Change] = {}


@dataclass(frozen=True)
class Due:
    """The controls due at a gate of a workspace, with as much of the catalog as they need."""

    stage: StageName
    approval: str
    catalog: Catalog


def shipped_stages() -> Mapping[StageName, Stage]:
    """Read the table that ships."""
    name = "stages.yaml"
    (document,) = read_yaml(resources("kybern.gate").joinpath(name).read_bytes(), name)
    found: dict[StageName, Stage] = {}
    for stage in STAGES:
        one, problems = validate(Stage, document, (stage,), whole="A stage")
        if one is None:
            raise InputError(problems)
        found[stage] = one
    return found


@dataclass(frozen=True)
class Settings:
    """The settings of a workspace's gates with the places they stand at; empty where there is no file."""

    spec: GateSpec
    document: YamlDocument | None = None

    def place(self, *path: str | int) -> Place:
        """Find where a part of the settings stands."""
        return Place(f"{FOLDER}/{FILE}") if self.document is None else self.document.place(path)


def read_settings(root: Path) -> Settings:
    """Read `policy/gate.yaml`; `InputError` with every problem of form."""
    path, name = root / FOLDER / FILE, f"{FOLDER}/{FILE}"
    if not path.exists():
        return Settings(GateSpec())
    try:
        with path.open("rb") as file:
            documents = read_yaml(file.read(DEFAULT_LIMITS.max_bytes + 1), name)
    except OSError as error:
        raise InputError.one("unreadable", f"The file cannot be read: {error.strerror}.", Place(name)) from None
    if len(documents) != 1:
        raise InputError.one("one-document", "The settings of the gates are one document.", Place(name))
    spec, problems = validate(GateSpec, documents[0], whole="The settings")
    if spec is None:
        raise InputError(problems)
    return Settings(spec, documents[0])


def due_at(stage: StageName, settings: Settings) -> Due:
    """Tell what is due at a gate. Raises `InputError` for a control that the catalog does not have."""
    shipped = shipped_stages()[stage]
    change = settings.spec.due.get(stage, Change())
    wanted = dict.fromkeys((*shipped.controls, *change.also))
    catalog = load_controls(wanted.keys() | set(change.without))
    problems = [
        _unknown(name, settings.place("due", stage, field, at), catalog)
        for field, names in (("also", change.also), ("without", change.without))
        for at, name in enumerate(names)
        if name not in catalog.controls
    ]
    if problems:
        raise InputError(problems)
    kept = [catalog.controls[name] for name in wanted if name in catalog.controls and name not in change.without]
    return Due(stage, shipped.approval, Catalog(frameworks={}, controls={one.id: at_gate(one, shipped) for one in kept}))


def at_gate(control: Control, stage: Stage) -> Control:
    """Give the control as it applies at a gate.

    A control of systems in use is due before a system goes into use, while its record still says that it is validated: so where the
    gate moves it on, what the control says of the stage does not keep it from being due.
    """
    if not stage.moves:
        return control
    left = tuple(condition for condition in control.applies_when if condition.field != "stage")
    return control.model_copy(update={"applies_when": left})


def _unknown(name: str, place: Place, catalog: Catalog) -> Problem:
    hint = Suggester().hint(name, catalog.controls, "`kybern catalog list` shows what there is.")
    return Problem("unknown-control", f"The catalog has no control {name}.", place, hint)
