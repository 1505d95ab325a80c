"""MLflow, Airflow and Dagster as they are, each in a virtual environment of its own under .cache (docs/handbook/integrations.md)."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import distribution
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "integrations"))

from governed import INTEGRATIONS, PROGRAM, ROOT, governed

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

AIRFLOW = """
import sys
from kybern_airflow import KybernGateOperator
from airflow.exceptions import AirflowFailException
from airflow.sdk import DAG
import airflow

root, program = sys.argv[1:]
how = {"directory": root, "program": program, "stage": "deploy"}
with DAG("ship") as dag:
    fine = KybernGateOperator(task_id="fine", system="fine", collect=[f"junit={root}/report.xml,topic=validation-test"], **how)
    banned = KybernGateOperator(task_id="banned", system="banned", **how)
    lost = KybernGateOperator(task_id="lost", system="unheard-of", **how)
    fine >> banned >> lost
assert dag.task_ids == ["fine", "banned", "lost"]
assert fine.execute({})["allowed"] is True
try:
    banned.execute({})
    raise SystemExit("it went on")
except AirflowFailException as closed:
    assert "ai_system:banned does not go on" in str(closed)
try:
    lost.execute({})
    raise SystemExit("it went on without a gate")
except Exception as error:
    assert type(error).__name__ == "GateError", error
print("held", airflow.__version__)
"""

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


def run(tool: str, script: str, root: Path, **more: str) -> str:
    """Run a script in the environment of a tool, with our light modules on its path."""
    python = ROOT / ".cache" / f"tool-{tool}" / "bin" / "python"
    if not python.exists():
        pytest.skip(f"{tool} is not there: python -m venv .cache/tool-{tool} and install it there")
    path = os.pathsep.join((str(ROOT / "src"), str(INTEGRATIONS / tool), str(_metadata(root.parent / "site"))))
    env = {**os.environ, "PYTHONPATH": path, "HOME": str(root), "PYTHONDONTWRITEBYTECODE": "1", **more}
    done = subprocess.run(
        [python, "-c", script, str(root), str(PROGRAM)], cwd=root, env=env, capture_output=True, text=True, check=False, timeout=240
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    return done.stdout.strip().splitlines()[-1]


def _metadata(folder: Path) -> Path:
    """Make a folder that says, as an installation does, which version of Kybern there is."""
    there = distribution("kybern")
    made = folder / f"kybern-{there.version}.dist-info"
    made.mkdir(parents=True)
    for name in ("METADATA", "entry_points.txt"):
        (made / name).write_text(there.read_text(name) or "")
    return folder


def test_mlflow_sets_no_alias_and_reaches_no_stage_that_the_gate_holds_back(tmp_path: Path) -> None:
    assert run("mlflow", MLFLOW, governed(tmp_path / "workspace"), MLFLOW_DISABLE_TELEMETRY="true").startswith("held 3.")


def test_airflow_fails_the_task_that_the_gate_holds_back(tmp_path: Path) -> None:
    assert run("airflow", AIRFLOW, governed(tmp_path / "workspace"), AIRFLOW_HOME=str(tmp_path / "airflow")).startswith("held 3.")


def test_dagster_does_not_make_what_lies_behind_a_gate_that_is_closed(tmp_path: Path) -> None:
    root = governed(tmp_path / "workspace")
    assert run("dagster", DAGSTER, root, DAGSTER_HOME=str(root), DAGSTER_DISABLE_TELEMETRY="1").startswith("held 1.")
