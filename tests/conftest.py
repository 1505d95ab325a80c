"""For all tests: on a machine for tests the examples of hypothesis are the same at every run, so that a red run is a change's doing.

No example has a deadline: machines are shared, and what has to be fast is held to CPU time by tests of its own.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import settings

settings.register_profile("any-examples", deadline=None)
settings.register_profile("same-examples", deadline=None, derandomize=True)
settings.load_profile("same-examples" if os.environ.get("CI") else "any-examples")


@pytest.fixture(scope="session", autouse=True)
def _cache_of_tests(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep compiled catalogs out of the home of whoever runs the tests; the programs that tests start inherit it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KYBERN_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield
