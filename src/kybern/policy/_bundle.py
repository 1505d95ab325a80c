"""A bundle: a schema, the rules that hold over it, the order in which effects win. What loads is checked; it never changes."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from kybern.base import digest
from kybern.policy._compile import Test, compile_test
from kybern.policy._core import All, Compare, Expr, Fact, In, Lit, Truth, conjuncts
from kybern.policy._rules import DENY_WINS, Effect, Rule, RuleSpec
from kybern.policy._schema import TIME
from kybern.policy._types import TIMESTAMP

if TYPE_CHECKING:
    from kybern.policy._predicates import Predicate
    from kybern.policy._schema import FactSchema

LANGUAGE: Final = "kybern.rules/1"
"""The version of the language of rules: part of a bundle's digest."""

Rules: TypeAlias = tuple[Rule, ...]
Tested: TypeAlias = tuple[tuple[Test, Rule], ...]
"""Rules with their tests beside them: a decision reads the tests of many rules, and the rules of those that fire."""


def make_rule(spec: RuleSpec, condition: Expr, predicates: Mapping[str, Predicate]) -> Rule:
    """Compile a rule whose condition was checked."""
    expr = _in_force(spec, condition)
    return Rule(spec, expr, condition, compile_test(expr, predicates), spec.effect)


def _in_force(spec: RuleSpec, condition: Expr) -> Expr:
    """Join the condition with the rule's time of effect."""
    if spec.effective is None:
        return condition
    now = Fact(TIME, TIMESTAMP)
    items: list[Expr] = []
    if spec.effective.since is not None:
        items.append(Compare(">=", now, Lit(datetime.combine(spec.effective.since, time(), UTC), TIMESTAMP)))
    if spec.effective.until is not None:
        end = datetime.combine(spec.effective.until, time(), UTC) + timedelta(days=1)
        items.append(Compare("<", now, Lit(end, TIMESTAMP)))
    return All((*items, *conjuncts(condition)))


@dataclass(frozen=True)
class Table:
    """The rules of an action: those always tested, and those tested where a fact has a certain value."""

    always: Tested
    keyed: tuple[tuple[str, Mapping[Any, Tested]], ...]
    spans: tuple[Spans, ...]


class Spans(NamedTuple):
    """Rules that fire only where a fact is beyond a bound, in the order of their bounds: a search finds those that may.

    `above` says whether a rule needs more than its bound, or less.
    """

    name: str
    above: bool
    bounds: tuple[Any, ...]
    rules: Tested

    def within(self, value: Any) -> Tested:
        """Give the rules whose bound a value reaches; one that only touches it is tested."""
        return self.rules[: bisect_right(self.bounds, value)] if self.above else self.rules[bisect_left(self.bounds, value) :]


@dataclass(frozen=True, eq=False)
class Bundle:
    """A schema with its rules. `default` is what follows where no rule fires."""

    schema: FactSchema
    rules: Rules
    predicates: Mapping[str, Predicate]
    order: tuple[Effect, ...] = DENY_WINS
    default: Effect = Effect.DENY

    @cached_property
    def digest(self) -> str:
        """SHA-256 over language, schema, rules as they follow each other, order and default: what was decided by."""
        return digest(
            {
                "default": self.default.value,
                "language": LANGUAGE,
                "order": [effect.value for effect in self.order],
                "predicates": sorted(self.predicates),
                "rules": [rule.spec.model_dump(mode="json") for rule in self.rules],
                "schema": self.schema.digest,
            }
        )

    @cached_property
    def by_id(self) -> Mapping[str, Rule]:
        """The rules by name."""
        return {rule.id: rule for rule in self.rules}

    @cached_property
    def rank(self) -> Mapping[Effect, int]:
        """How early each effect wins."""
        return {effect: place for place, effect in enumerate(self.order)}

    @cached_property
    def place(self) -> Mapping[Rule, int]:
        """Where each rule stands: what rules say together is told in this order, whatever the index does."""
        return {rule: place for place, rule in enumerate(self.rules)}

    @cached_property
    def tables(self) -> Mapping[str, Table]:
        """The index, by action."""
        by_action = {action: [rule for rule in self.rules if action in rule.spec.applies_to] for action in self.schema.actions}
        return {action: _table(rules, self.predicates) for action, rules in by_action.items()}


def _table(rules: Sequence[Rule], predicates: Mapping[str, Predicate]) -> Table:
    """Put each rule under the values of one fact that it asks for, choosing the fact that tells rules apart best."""
    asked = [_keys(rule.expr) for rule in rules]
    crowd = Counter((name, value) for keys in asked for name, (values, _) in keys.items() for value in values)
    always: list[tuple[Test, Rule]] = []
    bounded: defaultdict[tuple[str, bool], list[tuple[Any, Rule]]] = defaultdict(list)
    keyed: defaultdict[str, defaultdict[Any, list[tuple[Test, Rule]]]] = defaultdict(lambda: defaultdict(list))
    for rule, keys in zip(rules, asked, strict=True):
        if not keys:
            found = _bound(rule.expr)
            if found is None:
                always.append((rule.test, rule))
            else:
                bounded[found[0], found[1]].append((found[2], rule))
            continue
        name = min(keys, key=lambda one: (max(crowd[one, value] for value in keys[one][0]), one))
        values, part = keys[name]
        pair = (_rest(rule.expr, part, predicates), rule)
        for value in values:
            keyed[name][value].append(pair)
    by_fact = [(name, {value: tuple(found) for value, found in by.items()}) for name, by in sorted(keyed.items())]
    spans = [_spans(name, above, found) for (name, above), found in sorted(bounded.items())]
    return Table(tuple(always), tuple(by_fact), tuple(spans))


def _spans(name: str, above: bool, found: list[tuple[Any, Rule]]) -> Spans:  # noqa: FBT001 - the other half of a key
    found.sort(key=lambda one: one[0])
    return Spans(name, above, tuple(bound for bound, _ in found), tuple((rule.test, rule) for _, rule in found))


def _bound(expr: Expr) -> tuple[str, bool, Any] | None:
    """Find a bound that a fact must be beyond for a condition to hold: the fact, whether above, the bound."""
    for part in conjuncts(expr):
        if isinstance(part, Compare) and part.operator in _BEYOND and isinstance(part.left, Fact) and isinstance(part.right, Lit):
            return part.left.name, _BEYOND[part.operator], part.right.value
    return None


_BEYOND: Final = {">": True, ">=": True, "<": False, "<=": False}


def _rest(expr: Expr, part: Expr, predicates: Mapping[str, Predicate]) -> Test:
    """Compile what is left to test once the part that the index answers is known to hold."""
    left = tuple(one for one in conjuncts(expr) if one is not part)
    if not left:
        return _holds
    return compile_test(left[0] if len(left) == 1 else All(left), predicates)


def _holds(_: Mapping[str, Any]) -> bool:
    return True


def _keys(expr: Expr) -> dict[str, tuple[frozenset[Any], Expr]]:
    """Find the facts that must have one of some values for a condition to hold, each with the part that says so.

    A part that does not hold settles the whole, even where another fails, so a rule can be passed over by it.
    """
    found: dict[str, tuple[frozenset[Any], Expr]] = {}
    for part in conjuncts(expr):
        if isinstance(part, Truth) and isinstance(part.term, Fact):
            found[part.term.name] = frozenset((True,)), part
        elif isinstance(part, Compare) and part.operator == "==" and isinstance(part.left, Fact) and isinstance(part.right, Lit):
            found[part.left.name] = frozenset((part.right.value,)), part
        elif isinstance(part, In) and isinstance(part.item, Fact) and isinstance(part.among, tuple):
            found[part.item.name] = frozenset(one.value for one in part.among), part
    return found
