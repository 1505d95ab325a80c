"""The envelope of a rule: what it is for, whom it answers to, when it applies, what follows, and the examples it is held to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from kybern.catalog import ControlId, RequirementRef, Slug
from kybern.policy._core import facts_of
from kybern.policy._schema import FIRST, LAST, Plain

if TYPE_CHECKING:
    from kybern.policy._core import Expr

MAX_EXAMPLES = 50


class Effect(StrEnum):
    """What follows where a rule fires."""

    DENY = "deny"
    REQUIRE_APPROVAL = "require-approval"
    DEFER = "defer"
    MODIFY = "modify"
    ALLOW = "allow"


DENY_WINS = (Effect.DENY, Effect.REQUIRE_APPROVAL, Effect.DEFER, Effect.MODIFY, Effect.ALLOW)
"""The order in which effects win where several rules fire, unless a bundle declares another."""

_Line = Annotated[str, Field(min_length=1, max_length=300)]
_Text = Annotated[str, Field(min_length=1, max_length=4000)]


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Obligation(_Shape):
    """Something that is to be done along with what is decided: log it, tell somebody, follow it up within days."""

    id: Slug
    text: _Line
    parameters: dict[Slug, Plain] = {}


class Effective(_Shape):
    """From which day until which day (inclusive, UTC) a rule is in force."""

    since: date | None = None
    until: date | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Effective:
        if self.since is None and self.until is None:
            msg = "effective says neither since nor until"
            raise ValueError(msg)
        if self.since is not None and self.until is not None and self.until < self.since:
            msg = "until lies before since"
            raise ValueError(msg)
        for day in (self.since, self.until):
            if day is not None and not FIRST.year <= day.year < LAST.year:
                msg = f"{day} lies outside {FIRST.year} to {LAST.year - 1}: leave it out where there is no such day"
                raise ValueError(msg)
        return self


class Example(_Shape):
    """A request, and whether the rule fires on it. Facts that are not given are the examples of the schema."""

    title: _Line
    action: Slug | None = None
    facts: dict[str, Plain | list[Plain]] = {}
    expect: Literal["fires", "silent"]


class RuleSpec(_Shape):
    """A rule as it is written.

    `when` is the condition. `message` says to whoever is held up how to mend it. `approvers` are the roles that may approve
    (`require-approval`), `modify` the facts that are set otherwise (`modify`), `retry` what has to happen first (`defer`).
    At least one example fires and one is silent, so a rule that can never fire, or always does, does not load.
    """

    id: Slug
    title: _Line
    owner: Slug
    rationale: _Text
    controls: tuple[ControlId, ...] = ()
    requirements: tuple[RequirementRef, ...] = ()
    applies_to: Annotated[tuple[Slug, ...], Field(min_length=1, max_length=100)]
    effect: Effect
    when: Annotated[str, Field(min_length=1, max_length=10_000)]
    message: _Line
    obligations: tuple[Obligation, ...] = ()
    approvers: tuple[Slug, ...] = ()
    modify: dict[str, Plain | list[Plain]] = {}
    retry: _Line | None = None
    effective: Effective | None = None
    profiles: tuple[Slug, ...] = ()
    examples: Annotated[tuple[Example, ...], Field(min_length=2, max_length=MAX_EXAMPLES)]

    @model_validator(mode="after")
    def _fits_effect(self) -> RuleSpec:
        for given, effect, name in (
            (bool(self.approvers), Effect.REQUIRE_APPROVAL, "approvers"),
            (bool(self.modify), Effect.MODIFY, "modify"),
            (self.retry is not None, Effect.DEFER, "retry"),
        ):
            if given != (self.effect is effect):
                msg = f"{name} is for the effect {effect.value}, and the effect {effect.value} needs it"
                raise ValueError(msg)
        if {one.expect for one in self.examples} != {"fires", "silent"}:
            msg = "one example has to fire and one to be silent: otherwise the rule may never fire, or always"
            raise ValueError(msg)
        if len(set(self.applies_to)) != len(self.applies_to):
            msg = "an action stands twice in applies_to"
            raise ValueError(msg)
        return self


class InvariantSpec(_Shape):
    """An invariant: for these actions, where `when` holds, none of the effects `never` is what is decided.

    "No high-risk system is deployed without an approved impact assessment" is: `applies_to: [deploy]`, `when` it is high-risk and no
    assessment is approved, `never: [allow, modify]`.
    """

    id: Slug
    title: _Line
    applies_to: Annotated[tuple[Slug, ...], Field(min_length=1)]
    when: Annotated[str, Field(min_length=1, max_length=10_000)]
    never: Annotated[tuple[Effect, ...], Field(min_length=1)]


@dataclass(frozen=True, eq=False, slots=True)
class Rule:
    """A rule that loaded: its envelope, the typed tree of its condition with its time of effect, and the closure that decides.

    `effect` stands beside the envelope that has it too: a decision that has to reach into the envelope is markedly slower.
    """

    spec: RuleSpec
    expr: Expr
    """The condition and the time of effect, together."""
    condition: Expr
    """The condition as it is written."""
    test: Callable[[Mapping[str, Any]], bool]
    effect: Effect

    @property
    def id(self) -> str:
        """The rule's name."""
        return self.spec.id

    @property
    def facts(self) -> tuple[str, ...]:
        """The facts that its condition speaks of, in the order it does."""
        return tuple(dict.fromkeys(fact.name for fact in facts_of(self.condition)))

    def __repr__(self) -> str:
        """Name it."""
        return f"Rule({self.spec.id})"
