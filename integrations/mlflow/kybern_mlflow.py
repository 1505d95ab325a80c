"""MLflow: a client that asks the gate before a model version gets an alias or a stage that means use.

    client = GatedClient(system="credit-scoring", directory="governance")
    client.set_registered_model_alias("credit-pd", "champion", "4")   # raises GateClosedError unless the gate lets it

It is MLflow's own client with two methods that ask first; whatever else it does is MLflow's. Where the gate cannot be asked, nothing
moves. The registry itself does not know of it: whoever uses another client is not asked, so give the registry's rights to this one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlflow import MlflowClient

from kybern.ask import require_gate

ALIASES: Mapping[str, str] = {"champion": "deploy", "production": "deploy", "challenger": "validate", "staging": "validate"}
"""Which gate an alias asks; others ask none."""
STAGES: Mapping[str, str] = {"production": "deploy", "staging": "validate", "archived": "retire"}
"""Which gate a stage of the registry asks (MLflow has deprecated stages)."""


class GatedClient(MlflowClient):
    """MLflow's client, with the gate before aliases and stages."""

    def __init__(
        self,
        *args: Any,
        system: str,
        directory: str = ".",
        aliases: Mapping[str, str] = ALIASES,
        program: str = "kybern",
        **kwargs: Any,
    ) -> None:
        """Name the AI system that the models belong to, and the workspace that it is recorded in."""
        super().__init__(*args, **kwargs)
        self._asked = {"system": system, "directory": directory, "program": program}
        self._aliases = {name.lower(): stage for name, stage in aliases.items()}

    def _ask(self, stage: str | None) -> None:
        if stage is not None:
            require_gate(stage, self._asked["system"], directory=self._asked["directory"], program=self._asked["program"])

    def set_registered_model_alias(self, name: str, alias: str, version: str) -> None:
        """Ask the gate that the alias stands for, then set it."""
        self._ask(self._aliases.get(alias.lower()))
        super().set_registered_model_alias(name, alias, version)

    def transition_model_version_stage(self, name: str, version: str, stage: str, *args: Any, **kwargs: Any) -> Any:
        """Ask the gate that the stage stands for, then go on to it."""
        self._ask(STAGES.get(stage.lower()))
        return super().transition_model_version_stage(name, version, stage, *args, **kwargs)
