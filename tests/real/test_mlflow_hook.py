"""MLflow as it is asks the gate, in a virtual environment of its own under .cache (docs/handbook/integrations.md)."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "integrations"))

from governed import governed
from tool_envs import run_in

pytestmark = pytest.mark.real

MLFLOW = """
import sys
from kybern_mlflow import GatedClient
from kybern.ask import GateClosedError, GateError
import mlflow

root, program = sys.argv[1:]
mlflow.set_tracking_uri(f"sqlite:///{root}/mlflow.db")
fine = GatedClient(system="fine", directory=root, program=program)
fine.create_registered_model("pd")
version = fine.create_model_version("pd", source=root, run_id=None).version
fine.set_registered_model_alias("pd", "champion", version)
assert fine.get_model_version_by_alias("pd", "champion").version == version
banned = GatedClient(system="banned", directory=root, program=program)
second = banned.create_model_version("pd", source=root, run_id=None).version
for alias in ("champion", "Champion"):
    try:
        banned.set_registered_model_alias("pd", alias, second)
        raise SystemExit("the alias was set")
    except GateClosedError as closed:
        assert "ai_system:banned does not go on" in str(closed), closed
assert fine.get_model_version_by_alias("pd", "champion").version == version
banned.set_registered_model_alias("pd", "experiment", second)
try:
    banned.transition_model_version_stage("pd", second, "Production")
    raise SystemExit("the stage was reached")
except GateClosedError:
    pass
fine.transition_model_version_stage("pd", version, "Production")
assert fine.get_model_version("pd", version).current_stage == "Production"
lost = GatedClient(system="fine", directory="/", program=program)
try:
    lost.set_registered_model_alias("pd", "champion", second)
    raise SystemExit("the alias was set without a gate")
except GateError:
    pass
print("held", mlflow.__version__)
"""


def test_mlflow_sets_no_alias_and_reaches_no_stage_that_the_gate_holds_back(tmp_path: Path) -> None:
    assert run_in("mlflow", MLFLOW, governed(tmp_path / "workspace"), MLFLOW_DISABLE_TELEMETRY="true").startswith("held 3.")
