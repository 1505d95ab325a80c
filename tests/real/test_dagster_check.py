"""Dagster as it is asks the gate, in a virtual environment of its own under .cache (docs/handbook/integrations.md)."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "integrations"))

from governed import governed
from tool_envs import run_in

pytestmark = pytest.mark.real

DAGSTER = """
import sys
from kybern_dagster import gate_check
import dagster

root, program = sys.argv[1:]
how = {"directory": root, "program": program, "stage": "deploy"}
shipped = []

def ship(system):
    @dagster.asset(name="model")
    def model():
        return 1

    @dagster.asset(name="service", deps=[model])
    def service():
        shipped.append(system)

    check = gate_check(model, system=system, **how)
    found = dagster.materialize([model, service, check], raise_on_error=False)
    return found, [one.passed for one in found.get_asset_check_evaluations()], shipped

assert ship("fine")[1:] == ([True], ["fine"])
found, passed, shipped = ship("banned")
assert (found.success, passed, shipped) == (False, [False], ["fine"]), (found.success, passed, shipped)
found, passed, shipped = ship("unheard-of")
assert (found.success, shipped) == (False, ["fine"])
print("held", dagster.__version__)
"""


def test_dagster_does_not_make_what_lies_behind_a_gate_that_is_closed(tmp_path: Path) -> None:
    root = governed(tmp_path / "workspace")
    assert run_in("dagster", DAGSTER, root, DAGSTER_HOME=str(root), DAGSTER_DISABLE_TELEMETRY="1").startswith("held 1.")
