"""For all tests: on a machine for tests the examples of hypothesis are the same at every run, so that a red run is a change's doing.

No example has a deadline: machines are shared, and what has to be fast is held to CPU time by tests of its own.
"""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer.main
import typer.testing
from hypothesis import settings

import kybern.catalog
from kybern.catalog import Catalog, load_catalog

settings.register_profile("any-examples", deadline=None)
settings.register_profile("same-examples", deadline=None, derandomize=True)
settings.load_profile("same-examples" if os.environ.get("CI") else "any-examples")

gc.set_threshold(100_000, 50, 100)
"""A process of tests holds a lot that stays; looking through it all again and again takes a fifth of its time."""

typer.testing._get_command = cache(typer.main.get_command)
"""The commands are built once for all calls of a test process, as a program builds them once for its own: nothing of a call stays there."""

_CACHES: set[Path | None] = {None}
_SHIPPED: dict[frozenset[str] | None, Catalog] = {}


def _load(root: Any = None, *, also: Sequence[Any] = (), record_kinds: Collection[str] | None = None, cache: Path | None = None) -> Catalog:
    """Load the catalog as shipped once a process, by the record kinds it is held against; any other each time it is asked for.

    It never changes, and reading it takes half a second. Tests of the compiled form have a cache folder of their own: for them it is read.
    """
    if root is not None or also or cache not in _CACHES:
        return load_catalog(root, also=also, record_kinds=record_kinds, cache=cache)
    kinds = None if record_kinds is None else frozenset(record_kinds)
    if kinds not in _SHIPPED:
        _SHIPPED[kinds] = load_catalog(record_kinds=record_kinds, cache=cache)
    return _SHIPPED[kinds]


kybern.catalog.load_catalog = _load


@pytest.fixture(scope="session", autouse=True)
def _cache_of_tests(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep compiled catalogs out of the home of whoever runs the tests; the programs that tests start inherit it."""
    folder = tmp_path_factory.mktemp("cache")
    _CACHES.add(folder / "catalog")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KYBERN_CACHE", str(folder))
        yield


@pytest.fixture(scope="session")
def cpu() -> Callable[..., float]:
    """Give what tells the CPU seconds of a call: the least of three, or the first that is little enough.

    They are counted on this thread, and without the collector where the first was not little enough: how much the process of all tests
    holds by then, and what its other threads do, is not the doing of what is timed.
    """

    def least(run: Callable[[], object], enough: float = 0.0) -> float:
        if (first := _once(run)) < enough:
            return first
        gc.collect()
        gc.disable()
        try:
            return min(first, _once(run), _once(run))
        finally:
            gc.enable()

    return least


def _once(run: Callable[[], object]) -> float:
    start = time.thread_time()
    run()
    return time.thread_time() - start
