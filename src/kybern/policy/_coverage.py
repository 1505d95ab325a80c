"""Coverage: which gates, models and tools of the inventory some rule can decide on, and which only the default does."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

import z3  # type: ignore[import-untyped]  # z3-solver has no types

from kybern.policy._solve import EFFORT, Questions, fires

if TYPE_CHECKING:
    from kybern.policy._bundle import Bundle
    from kybern.policy._rules import Rule
    from kybern.policy._schema import Facts, Value
    from kybern.records import RecordSet
    from kybern.records.lifecycle import Agent, AISystem

GATES: Final = ("merge", "train", "validate", "deploy", "retire")
CALL_TOOL: Final = "call-tool"


@dataclass(frozen=True)
class Asset:
    """Something of the inventory at an action: its record, what about it, and the facts that are settled by what it is."""

    ref: str
    title: str
    action: str
    pins: Mapping[str, Value]


@dataclass(frozen=True)
class Covered:
    """An asset with the rules that can fire on it; `unsure` are those the solver cannot tell of."""

    asset: Asset
    rules: tuple[Rule, ...]
    unsure: tuple[Rule, ...]

    @property
    def governed(self) -> bool:
        """Whether some rule surely can fire on it."""
        return bool(self.rules)


def assets_of(records: RecordSet) -> Iterator[Asset]:
    """Go through the inventory: each AI system at each gate, each agent with each of its tools."""
    for system in cast("tuple[AISystem, ...]", records.of_kind("ai_system")):
        pins: dict[str, Value] = {
            "system.autonomy": system.autonomy,
            "system.id": system.id,
            "system.risk_class": system.risk_class,
            "system.role": system.role,
        }
        for action in GATES:
            yield Asset(system.ref, system.title, action, pins)
    for agent in cast("tuple[Agent, ...]", records.of_kind("agent")):
        for tool in agent.tools:
            settled: dict[str, Value] = {
                "agent.autonomy": agent.autonomy,
                "agent.id": agent.id,
                "tool.declared": True,
                "tool.effect": tool.effect,
                "tool.human_approval": tool.approval == "human",
                "tool.name": tool.name,
            }
            yield Asset(agent.ref, f"{agent.title}: {tool.name}", CALL_TOOL, settled)


def unattached_models(records: RecordSet) -> tuple[str, ...]:
    """Name the models that belong to no AI system: no gate is theirs, so no rule decides on them."""
    held = {ref for system in records.of_kind("ai_system") for ref in records.belonging_to(system.ref)}
    return tuple(model.ref for model in records.of_kind("model") if model.ref not in held)


def coverage(bundle: Bundle, assets: Iterable[Asset], effort: int = EFFORT) -> tuple[Covered, ...]:
    """Find for each asset the rules that can fire on it. An action the schema does not have is decided by nobody."""
    questions = Questions(bundle.schema, [rule.expr for rule in bundle.rules], effort)
    return tuple(_covered(bundle, questions, asset) for asset in assets)


def _covered(bundle: Bundle, questions: Questions, asset: Asset) -> Covered:
    rules = [rule for rule in bundle.rules if asset.action in rule.spec.applies_to]
    answers = [(rule, _can_fire(questions, rule, asset)) for rule in rules]
    return Covered(
        asset,
        tuple(rule for rule, answer in answers if answer),
        tuple(rule for rule, answer in answers if answer is None),
    )


def _can_fire(questions: Questions, rule: Rule, asset: Asset) -> bool | None:
    pinned: Sequence[Any] = [one for name, value in asset.pins.items() if (one := questions.equals(name, value)) is not None]

    def replay(facts: Facts) -> bool:
        return fires(rule, facts)

    return questions.ask((asset.action,), z3.And(questions.holds(rule.expr), *pinned), replay).possible
