"""Airflow as it is asks the gate, in a virtual environment of its own under .cache (docs/handbook/integrations.md)."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "integrations"))

from governed import governed
from tool_envs import run_in

pytestmark = pytest.mark.real

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


def test_airflow_fails_the_task_that_the_gate_holds_back(tmp_path: Path) -> None:
    assert run_in("airflow", AIRFLOW, governed(tmp_path / "workspace"), AIRFLOW_HOME=str(tmp_path / "airflow")).startswith("held 3.")
