"""Read the catalog, check it against itself, and hand it out whole or not at all."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING

from kybern.base import InputError, Place, Problem
from kybern.catalog._catalog import Catalog
from kybern.catalog._check import cross_check
from kybern.catalog._read import Sources

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from importlib.resources.abc import Traversable


def load_controls(only: Collection[str], root: Traversable | None = None) -> Catalog:
    """Load some controls alone, without the frameworks they answer: for who has little time and asks for no requirement.

    A name that no control has is left out. The cross-checks of `load_catalog` are not made. Raises `InputError` for problems of form.
    """
    sources = Sources()
    sources.read_controls(root or files("kybern.catalog"), only)
    if sources.problems:
        raise InputError(sources.problems)
    return Catalog(frameworks={}, controls={found.item.id: found.item for found in sources.controls})


def load_catalog(
    root: Traversable | None = None,
    *,
    also: Sequence[Traversable] = (),
    record_kinds: Collection[str] | None = None,
) -> Catalog:
    """Load the catalog in the folder `root`, by default the one shipped with Kybern, and the catalogs of the user's own in `also`.

    All of them are one catalog: a control of the user may answer a requirement shipped, and no id may stand twice. With
    `record_kinds`, a check that looks at records of another kind is an error. Raises `InputError` with every problem of form; if
    there is none, with every reference that does not hold.
    """
    sources = Sources()
    roots = (root or files("kybern.catalog"), *also)
    for folder in roots:
        sources.read(folder)
    problems = sources.problems or list(cross_check(sources, record_kinds))
    if problems:
        raise InputError(problems)
    if not sources.frameworks:
        hint = "A catalog folder holds frameworks/*.yaml, controls/*.yaml and crosswalks/*.yaml."
        raise InputError([Problem("no-framework", "There is no framework here.", Place(str(roots[0])), hint)])
    return Catalog(
        frameworks={found.item.id: found.item for found in sources.frameworks},
        controls={found.item.id: found.item for found in sources.controls},
        crosswalks=tuple(found.item for found in sources.crosswalks),
    )
