"""Predicates in Python: named, versioned, pure. A rule may call one; nothing is proved of it, and analyses say so."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import Final

from kybern.policy._types import Base

ENTRY_POINTS: Final = "kybern.predicates"


@dataclass(frozen=True)
class Predicate:
    """A predicate: `name@version`, the bases of the facts it takes, and the function, which must be pure and always answer."""

    name: str
    takes: tuple[Base, ...]
    function: Callable[..., bool]

    def __post_init__(self) -> None:
        """Hold the name to its form; `ValueError` otherwise."""
        name, at, version = self.name.partition("@")
        if not (at and name.replace("_", "").isalnum() and version.isdigit()):
            msg = f"a predicate has a name and a version, like luhn@1, and not {self.name!r}"
            raise ValueError(msg)


def installed_predicates() -> Mapping[str, Predicate]:
    """Find the predicates that installed packages register under `kybern.predicates`; `ValueError` if two have one name."""
    found: dict[str, Predicate] = {}
    for point in entry_points(group=ENTRY_POINTS):
        one = point.load()
        if not isinstance(one, Predicate) or found.setdefault(one.name, one) is not one:
            msg = f"the entry point {point.name} is no predicate, or another has its name"
            raise ValueError(msg)
    return found
