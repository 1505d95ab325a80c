"""What exports to other rule languages share: what came out, what had to be left out, and in which direction that errs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from kybern.policy._core import Opaque, Shifted, terms, walk, within
from kybern.policy._rules import Effect

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kybern.policy._bundle import Bundle
    from kybern.policy._core import Expr
    from kybern.policy._rules import Rule
    from kybern.policy._schema import Facts

GOES_ON: Final = frozenset((Effect.ALLOW, Effect.MODIFY))
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


class NotExpressible(Exception):  # noqa: N818 - a finding about a rule and a language
    """What a language cannot say; the words say why."""


@dataclass(frozen=True)
class LeftOut:
    """A rule that a language cannot express, and why. An export never says something near it instead."""

    rule: Rule
    why: str


@dataclass(frozen=True)
class Export:
    """Rules in another language: its files by name, the rules in them in their order, and those left out."""

    language: str
    files: Mapping[str, str]
    rules: tuple[Rule, ...]
    left_out: tuple[LeftOut, ...]

    @property
    def complete(self) -> bool:
        """Whether every rule is in it."""
        return not self.left_out

    @property
    def lets_through(self) -> tuple[Rule, ...]:
        """The rules without which it may let go on what Kybern holds up or changes."""
        return tuple(one.rule for one in self.left_out if one.rule.effect is not Effect.ALLOW)

    @property
    def holds_up(self) -> tuple[Rule, ...]:
        """The rules without which it may hold up what Kybern lets go on."""
        return tuple(one.rule for one in self.left_out if one.rule.effect is Effect.ALLOW)


def shared_limits(expr: Expr) -> None:
    """Refuse what no export expresses: code in Python, and reckoning that fails where it leaves the calendar."""
    for node in walk(expr):
        if isinstance(node, Opaque):
            msg = f"the predicate {node.name} is code in Python"
            raise NotExpressible(msg)
        if any(isinstance(inner, Shifted) for term in terms(node) for inner in within(term)):
            msg = "it moves a moment by a timespan: Kybern denies where that leaves the calendar, and other languages reckon on"
            raise NotExpressible(msg)


def micros(value: datetime | timedelta) -> int:
    """Write a moment as microseconds since 1970, UTC, and a timespan as microseconds."""
    return ((value - _EPOCH) if isinstance(value, datetime) else value) // _MICROSECOND


def exported_facts(facts: Facts) -> dict[str, Any]:
    """Write facts that came in through the schema as exports read them: by full name, moments and timespans in microseconds."""
    return {name: _plain(value) for name, value in facts.values.items() if name != "action"}


def _plain(value: object) -> object:
    if isinstance(value, datetime | timedelta):
        return micros(value)
    return list(value) if isinstance(value, tuple) else value


def needed_facts(bundle: Bundle) -> dict[str, tuple[str, ...]]:
    """Name for each action the facts that must be there: without them Kybern denies, and so does an export."""
    return {action: tuple(sorted(door.needed)) for action, door in bundle.schema.doors.items()}


def heading(bundle: Bundle, left_out: tuple[LeftOut, ...], mark: str) -> str:
    """Write what stands above the rules: from what they were made, and what is missing."""
    lines = [
        f"Made by Kybern from the bundle {bundle.digest} over the facts {bundle.schema.ref}. Change the rules there, not here.",
        f"Where several fire, the first of {', '.join(bundle.order)} wins; where none does, the answer is {bundle.default.value}.",
        "Facts are given as Kybern takes them in: by full name, moments and timespans in whole microseconds (UTC).",
    ]
    if left_out:
        lines.append(f"PARTIAL. {len(left_out)} rules are not in it:")
        for one in left_out:
            wrong = "held up here" if one.rule.effect is Effect.ALLOW else "let through here"
            lines.append(f"  {one.rule.id} ({one.rule.effect.value}; what it decides may be {wrong}): {one.why}.")
    return "".join(f"{mark} {line}\n" for line in lines)
