"""The file `kybern.yaml` at the root of a workspace."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from kybern.base import InputError, Place
from kybern.base.yaml import YamlDocument, read_yaml
from kybern.workspace._files import read_file
from kybern.workspace._translate import validate

SETTINGS_FILE = "kybern.yaml"

FrameworkId = Annotated[str, Field(pattern=r"^[A-Z0-9_]+$", max_length=60)]


def _inside(path: str) -> str:
    """Refuse the path of a folder that is not below `catalogs/`: law stands under the workspace's version control, apart from the rest."""
    first, *below = path.split("/")
    odd = not path.isprintable() or set(path) & set('\\:*?"<>|') or any(part.endswith((".", " ")) for part in below)
    if first != "catalogs" or not below or odd or not all(below):
        msg = "name a folder below catalogs/ in the workspace: catalogs/house"
        raise ValueError(msg)
    return path


CatalogPath = Annotated[str, Field(max_length=200), AfterValidator(_inside)]


class Settings(BaseModel):
    """What a workspace says about itself: the version of its layout, the frameworks it is assessed against, catalogs of its own.

    `catalogs` names folders below `catalogs/`, each with `frameworks/`, `controls/` and `crosswalks/`; they join the shipped catalog.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    kybern: Literal[1]
    frameworks: Annotated[tuple[FrameworkId, ...], Field(min_length=1)] = ("ISO42001", "NIST_AI_RMF")
    catalogs: Annotated[tuple[CatalogPath, ...], Field(max_length=20)] = ()

    @property
    def content(self) -> dict[str, object]:
        """The settings as JSON; what is not used is not there, so that a workspace keeps its digest when Kybern learns a setting."""
        return self.model_dump(mode="json", exclude=None if self.catalogs else {"catalogs"})


def find_root(start: Path) -> Path:
    """Find the workspace that `start` lies in: the nearest folder, itself or above, with a `kybern.yaml`.

    Raises `InputError` where there is none.
    """
    try:
        folder = start.resolve()
    except (OSError, RuntimeError):  # a link that leads to itself
        folder = start.absolute()
    if not folder.is_dir():
        message = f"This is not a folder: {start}." if folder.exists() else f"There is no folder {start}."
        raise InputError.one("no-folder", message, Place(str(start)), "Name the folder of the workspace, or one inside it, with -C.")
    for candidate in (folder, *folder.parents):
        if (candidate / SETTINGS_FILE).is_file():
            return candidate
    message = f"There is no {SETTINGS_FILE} here or in any folder above."
    hint = "Go to the workspace or name it with -C; `kybern init` makes a new one."
    raise InputError.one("no-workspace", message, Place(str(start)), hint)


def read_settings(root: Path) -> tuple[Settings, YamlDocument]:
    """Read `kybern.yaml`, with the document that knows its places; `InputError` with every problem found."""
    return parse_settings(read_file(root, SETTINGS_FILE))


def parse_settings(data: bytes) -> tuple[Settings, YamlDocument]:
    """Read the bytes of a `kybern.yaml`, with the document that knows its places; `InputError` with every problem found."""
    documents = read_yaml(data, SETTINGS_FILE)
    if len(documents) > 1:
        message, place = f"{SETTINGS_FILE} holds {len(documents)} documents.", documents[1].place()
        raise InputError.one("one-document", message, place, "Keep one.")
    settings, problems = validate(Settings, documents[0])
    if settings is None:
        raise InputError(problems)
    return settings, documents[0]
