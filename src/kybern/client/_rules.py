"""What can be asked of the rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kybern.client._exchange import Call, query_of
from kybern.client._records import JSON, json_bytes
from kybern.client._standing_results import Decision, Rules

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Fact = bool | int | float | str
    Facts = Mapping[str, Fact | Sequence[Fact]]


def rules(action: str | None = None, *, effect: str | None = None) -> Call[Rules]:
    """List the rules that decide, in words: those of an action or an effect, if named."""
    return Call("GET", "rules", lambda answer: Rules.model_validate_json(answer.content), query_of(action=action, effect=effect))


def decide(action: str, *, system: str | None = None, facts: Facts | None = None) -> Call[Decision]:
    """Ask whether an action may be done. With an AI system, at one of its gates; without, as a trial. Nothing is done by asking."""
    body = json_bytes({"action": action, "system": system, "facts": dict(facts or {})})
    return Call("POST", "rules:decide", lambda answer: Decision.model_validate_json(answer.content), (), (JSON,), body, repeatable=True)
