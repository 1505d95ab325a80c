"""The decision: pure, deterministic, closed. What cannot be decided is denied, with the reason."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from kybern.policy._rules import Effect, Rule
from kybern.policy._schema import BadFacts, Facts

if TYPE_CHECKING:
    from kybern.policy._bundle import Bundle, Tested
    from kybern.policy._rules import Obligation


class Failure(NamedTuple):
    """A rule that could not be tested, and why."""

    rule: Rule
    why: str


class Decision(NamedTuple):
    """What was decided: the effect, every rule that fired, what failed, and by which bundle.

    `faults` says what was wrong with the facts, where they could not come in.
    """

    effect: Effect
    fired: tuple[Rule, ...]
    failures: tuple[Failure, ...]
    faults: tuple[str, ...]
    bundle: Bundle

    @property
    def deciding(self) -> tuple[Rule, ...]:
        """The rules that fired and have the effect that won, as the bundle has them; none where the default did, or a failure denied."""
        return tuple(rule for rule in self.in_order if rule.effect is self.effect)

    @property
    def in_order(self) -> tuple[Rule, ...]:
        """The rules that fired, in the order of the bundle: `fired` has them as the index found them."""
        return tuple(sorted(self.fired, key=self.bundle.place.__getitem__))

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why it came out so, all of it: what failed, then every rule that fired, the deciding ones first."""
        told = [*self.faults, *(f"{one.rule.id} could not be tested: {one.why}" for one in self.failures)]
        rank = self.bundle.rank
        told += [f"{rule.id}: {rule.spec.message}" for rule in sorted(self.in_order, key=lambda rule: rank[rule.effect])]
        return tuple(told) or (f"no rule fired, and what no rule speaks of is {self.effect.value}",)

    @property
    def obligations(self) -> tuple[Obligation, ...]:
        """What is to be done along with it, from every rule with the effect that won; each once."""
        found: list[Obligation] = []
        for rule in self.deciding:
            found += [one for one in rule.spec.obligations if one not in found]
        return tuple(found)

    @property
    def approvers(self) -> tuple[str, ...]:
        """Every role that may approve something of it, where approval is required; which of them have to, say `approvals`."""
        return tuple(dict.fromkeys(role for rule in self.deciding for role in rule.spec.approvers))

    @property
    def approvals(self) -> tuple[tuple[str, ...], ...]:
        """The approvals that are required, all of them: of each one role approves. A role of one rule never stands in for another's."""
        return tuple(dict.fromkeys(rule.spec.approvers for rule in self.deciding if rule.spec.approvers))

    @property
    def modifications(self) -> Mapping[str, Any]:
        """The facts that are set otherwise, where that was decided; of several rules the first in the bundle sets a fact."""
        found: dict[str, Any] = {}
        for rule in self.deciding:
            for name, value in rule.spec.modify.items():
                found.setdefault(name, value)
        return found

    @property
    def allowed(self) -> bool:
        """Whether it may go on at once: allowed, or allowed as modified."""
        return self.effect in {Effect.ALLOW, Effect.MODIFY}


def decide(bundle: Bundle, facts: Facts) -> Decision:
    """Decide on facts that came in through the bundle's schema.

    The rules that fire are those whose condition holds; of their effects the first in the bundle's order wins; where none fires,
    the default. A rule that cannot be tested denies. Raises `ValueError` for facts of another schema.
    """
    if facts.schema is not bundle.schema and facts.schema.digest != bundle.schema.digest:
        msg = f"the facts came in through {facts.schema.ref}, and the bundle speaks of {bundle.schema.ref}"
        raise ValueError(msg)
    values = facts.values
    table = bundle.tables[values["action"]]  # type: ignore[index]  # the action is a text of the schema
    rules = table.always
    for name, by_value in table.keyed:
        found = by_value.get(values.get(name))
        if found is not None:
            rules += found
    for spans in table.spans:
        value = values.get(spans.name)
        if value is not None:
            rules += spans.within(value)
    try:
        fired = tuple([rule for test, rule in rules if test(values)])
    except Exception:  # noqa: BLE001 - whatever it is, the decision is to deny, and says why
        return _with_failures(bundle, rules, values)
    if not fired:
        return Decision(bundle.default, fired, (), (), bundle)
    if len(fired) == 1:
        return Decision(fired[0].effect, fired, (), (), bundle)
    rank = bundle.rank
    return Decision(min([rule.effect for rule in fired], key=rank.__getitem__), fired, (), (), bundle)


def _with_failures(bundle: Bundle, rules: Tested, values: Mapping[str, Any]) -> Decision:
    """Test each rule by itself, and say which could not be."""
    fired: list[Rule] = []
    failures: list[Failure] = []
    for test, rule in rules:
        try:
            if test(values):
                fired.append(rule)
        except Exception as error:  # noqa: BLE001 - see `decide`
            failures.append(Failure(rule, f"{type(error).__name__}: {error}"))
    return Decision(Effect.DENY, tuple(fired), tuple(failures), (), bundle)


def decide_on(bundle: Bundle, given: Mapping[str, object], provided: Mapping[str, object]) -> Decision:
    """Take in the facts of a request and decide; facts that cannot come in are denied, with all that is wrong with them."""
    try:
        facts = bundle.schema.facts_of(given, provided)
    except BadFacts as bad:
        return Decision(Effect.DENY, (), (), bad.faults, bundle)
    return decide(bundle, facts)
