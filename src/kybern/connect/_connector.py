"""What a connector is, and where the installed ones are found."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import Final

from kybern.base import InputError, Place
from kybern.base.suggest import Suggester
from kybern.connect._observation import Reading, Source

ENTRY_POINTS: Final = "kybern.connectors"


@dataclass(frozen=True)
class Connector:
    """A reader of one tool's files.

    `read` is pure: bytes in, a `Reading` out, or `InputError` with the place of what is wrong. `folders` says that it reads a folder
    as well as a file.
    """

    name: str
    title: str
    read: Callable[[Source], Reading]
    folders: bool = False


def connectors() -> Mapping[str, EntryPoint]:
    """Find the installed connectors by name, none loaded yet; `InputError` where two packages use one name."""
    found: dict[str, EntryPoint] = {}
    for point in entry_points(group=ENTRY_POINTS):
        other = found.setdefault(point.name, point)
        if other.value != point.value:
            message = f"Two connectors are named {point.name}: {other.value} and {point.value}."
            raise InputError.one("two-connectors", message, Place(ENTRY_POINTS), "Remove one of the packages.")
    return dict(sorted(found.items()))


def connector_of(name: str) -> Connector:
    """Load a connector; `InputError` if there is none of that name, or what is registered is none."""
    known = connectors()
    if name not in known:
        hint = Suggester().hint(name, known, f"There are {', '.join(known)}.")
        raise InputError.one("unknown-connector", f"There is no connector {name}.", Place("kybern"), hint)
    found = known[name].load()
    if not isinstance(found, Connector):
        raise InputError.one("no-connector", f"{known[name].value} is no connector.", Place(ENTRY_POINTS), "Name a `Connector`.")
    return found
