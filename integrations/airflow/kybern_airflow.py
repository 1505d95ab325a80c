"""Airflow: a task that asks the gate. Downstream tasks run only if the AI system may go on.

    gate = KybernGateOperator(task_id="gate", stage="deploy", system="credit-scoring", directory="/opt/governance")
    evaluate >> gate >> deploy

A no fails the task without a retry: asking again changes nothing until somebody mends what is missing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from airflow.exceptions import AirflowFailException
from airflow.sdk import BaseOperator

from kybern.ask import GateClosedError, require_gate


class KybernGateOperator(BaseOperator):
    """Ask `kybern gate`; what it came to is the task's result."""

    template_fields = ("stage", "system", "directory", "collect", "facts")

    def __init__(  # noqa: PLR0913 - what `kybern gate` takes
        self,
        *,
        stage: str,
        system: str,
        directory: str = ".",
        collect: Sequence[str] = (),
        facts: Mapping[str, Any] | None = None,
        key: str | None = None,
        program: str = "kybern",
        **kwargs: Any,
    ) -> None:
        """Say which gate, for which AI system, in which workspace."""
        super().__init__(**kwargs)
        self.stage, self.system, self.directory = stage, system, directory
        self.collect, self.facts, self.key, self.program = collect, facts, key, program

    def execute(self, context: Any) -> dict[str, Any]:  # noqa: ARG002 - Airflow's form
        """Ask, and fail for good where the answer is no."""
        try:
            answer = require_gate(
                self.stage,
                self.system,
                directory=self.directory,
                collect=self.collect,
                facts=self.facts,
                key=self.key,
                program=self.program,
            )
        except GateClosedError as closed:
            raise AirflowFailException(str(closed)) from None
        self.log.info(answer.message)
        return dict(answer.outcome)
