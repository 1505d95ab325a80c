"""Read the catalog, check it against itself, and hand it out whole or not at all."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING

from kybern.base import InputError, Place, Problem
from kybern.catalog._catalog import Catalog
from kybern.catalog._check import check_frameworks, cross_check
from kybern.catalog._compiled import catalog_of, key_of, read_compiled, write_compiled
from kybern.catalog._files import Files, read_file
from kybern.catalog._read import Sources

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from importlib.resources.abc import Traversable
    from pathlib import Path

    from kybern.catalog._models import Framework


def load_controls(only: Collection[str], root: Traversable | None = None) -> Catalog:
    """Load some controls alone, without the frameworks they answer: for who has little time and asks for no requirement.

    A name that no control has is left out. The cross-checks of `load_catalog` are not made. Raises `InputError` for problems of form.
    """
    sources = Sources()
    sources.read_controls(Files.read(root or files("kybern.catalog")).folders.get("controls", ()), only)
    if sources.problems:
        raise InputError(sources.problems)
    return Catalog(frameworks={}, controls={found.item.id: found.item for found in sources.controls})


def load_catalog(
    root: Traversable | None = None,
    *,
    also: Sequence[Traversable] = (),
    record_kinds: Collection[str] | None = None,
    cache: Path | None = None,
) -> Catalog:
    """Load the catalog in the folder `root`, by default the one shipped with Kybern, and the catalogs of the user's own in `also`.

    All of them are one catalog: a control of the user may answer a requirement shipped, and no id may stand twice. With
    `record_kinds`, a check that looks at records of another kind is an error. Raises `InputError` with every problem of form; if
    there is none, with every reference that does not hold.

    With `cache`, a folder, what was loaded once from the same sources is taken from its compiled form there. The catalog is the same.
    """
    roots = [Files.read(folder) for folder in (root or files("kybern.catalog"), *also)]
    kinds = None if record_kinds is None else sorted(record_kinds)
    key = None if cache is None else key_of(roots, kinds)
    found = None if cache is None or key is None else read_compiled(cache, key)
    if found is None:
        found = _from_sources(roots, record_kinds)
        if cache is not None and key is not None:
            write_compiled(cache, key, found)
    return found


def _from_sources(roots: Sequence[Files], record_kinds: Collection[str] | None) -> Catalog:
    sources = Sources()
    for folder in roots:
        sources.read(folder)
    problems = sources.problems or list(cross_check(sources, record_kinds))
    if problems:
        raise InputError(problems)
    if not sources.frameworks:
        hint = "A catalog folder holds frameworks/*.yaml, controls/*.yaml, answers/*.yaml and crosswalks/*.yaml."
        raise InputError([Problem("no-framework", "There is no framework here.", Place(roots[0].shown), hint)])
    return catalog_of(
        [found.item for found in sources.frameworks],
        [*sources.joined().values()],
        [found.item for found in sources.crosswalks],
    )


def load_frameworks(root: Traversable) -> Mapping[str, Framework]:
    """Load the frameworks of a catalog folder, or of one YAML file, by their ids; what they cite need not be there.

    Raises `InputError` with every problem, as `load_catalog` does.
    """
    sources = Sources()
    if root.is_dir():
        sources.read(Files.read(root))
    else:
        sources.read_frameworks([read_file(root)])
    problems = sources.problems or list(check_frameworks(sources))
    if problems:
        raise InputError(problems)
    return {found.item.id: found.item for found in sources.frameworks}
