"""For all tests: on a machine for tests the examples of hypothesis are the same at every run, so that a red run is a change's doing."""

from __future__ import annotations

import os

from hypothesis import settings

settings.register_profile("same-examples", derandomize=True)
if os.environ.get("CI"):
    settings.load_profile("same-examples")
