"""Dagster: an asset check that asks the gate, and blocks what lies downstream where the answer is no.

defs = Definitions(assets=[model, service], asset_checks=[gate_check("model", stage="deploy", system="credit-scoring")])
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import dagster

from kybern.ask import ask_gate


def gate_check(  # noqa: PLR0913 - what `kybern gate` takes
    asset: Any,
    *,
    stage: str,
    system: str,
    directory: str = ".",
    collect: Sequence[str] = (),
    facts: Mapping[str, Any] | None = None,
    key: str | None = None,
    program: str = "kybern",
) -> dagster.AssetChecksDefinition:
    """Make a blocking check of an asset. Where the gate cannot be asked the check fails with the error, and blocks too."""

    @dagster.asset_check(asset=asset, name=f"kybern_gate_{stage}", blocking=True, description=f"kybern gate --stage {stage}")
    def kybern_gate() -> dagster.AssetCheckResult:
        answer = ask_gate(stage, system, directory=directory, collect=collect, facts=facts, key=key, program=program)
        open_ones = [f"{one['control']} {one['title']}" for one in answer.outcome["shortfalls"] if not one["waived"]]
        said = {"reasons": list(answer.reasons), "open_controls": open_ones, "rules": answer.outcome["decision"]["bundle"]}
        return dagster.AssetCheckResult(passed=answer.allowed, metadata=said, description=answer.message)

    return kybern_gate
