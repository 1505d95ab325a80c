"""The type check: from syntax to the typed tree, or a fault that says what would be right. What passes has one meaning.

Refused, because it fails open in silence elsewhere: a fact that is not declared, an optional one used before `has`, a value that
an enumeration or bound rules out, a bare number for a quantity, a moment without its zone, `all` of a list that may be empty, an
empty list, a pattern that is not anchored, and whatever is always true or never.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Final, cast

from kybern.base.suggest import Suggester
from kybern.policy import _syntax as syntax
from kybern.policy._core import (
    All,
    AnyOf,
    Compare,
    Comparison,
    Expr,
    Fact,
    Gap,
    Has,
    In,
    Item,
    Lit,
    Matches,
    Not,
    Opaque,
    Quantified,
    Shifted,
    Size,
    Term,
    TextTest,
    TextTestName,
    Truth,
    within,
)
from kybern.policy._here import NEGATED, NOT_EMPTY, Here, implied
from kybern.policy._idle import refuse_idle
from kybern.policy._literals import WRITERS, cap, case_of, clash, fact_of, is_exact, is_written, one_text, text_of, the, ungrouped, written
from kybern.policy._patterns import compile_pattern
from kybern.policy._reckon import cancels, may_leave_calendar
from kybern.policy._schema import ACTION, SAFE
from kybern.policy._spelling import splits, why_not_pattern, why_not_text, with_dot
from kybern.policy._syntax import Fault
from kybern.policy._types import BOOL, DURATION, INT, NUMBER, ORDERED, STRING, TIMESTAMP, Base, Type

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kybern.policy._predicates import Predicate
    from kybern.policy._schema import FactSchema

_MIRRORED: Final = {"==": "==", "!=": "!=", "<": ">", ">": "<", "<=": ">=", ">=": "<="}
_MAX_PATTERN: Final = 300
_MAX_LIST: Final = 500
_TEXT_TESTS: Final = ("startsWith", "endsWith", "contains")


def check(text: str, schema: FactSchema, actions: Sequence[str], predicates: Mapping[str, Predicate]) -> Expr:
    """Read and check a condition that is to be decided for these actions; `Fault` with the first thing that is wrong."""
    here = Here(schema, tuple(actions), predicates, {}, frozenset())
    node = syntax.parse(text)
    found = _expr(node, here)
    refuse_idle(node, found)
    return found


# --- What holds or not -------------------------------------------------------------------------------------------------------------


def _expr(node: syntax.Node, here: Here) -> Expr:  # noqa: PLR0911 - one line a form
    if isinstance(node, syntax.Grouped):
        return _expr(node.inner, here)
    if isinstance(node, syntax.Chain):
        return _chain(node, here)
    if isinstance(node, syntax.Unary) and node.operator == "!":
        return Not(_expr(node.operand, here))
    if isinstance(node, syntax.Binary) and node.operator == "in":
        return _in(node, here)
    if isinstance(node, syntax.Binary) and node.operator in NEGATED:
        return _compare(node, here)
    if isinstance(node, syntax.Call):
        found = _test(node, here)
        if found is not None:
            return found
    if isinstance(node, syntax.Literal) and isinstance(node.value, bool):
        raise Fault(node.at, "constant", f"{str(node.value).lower()} says nothing about the request.", "Leave it out.")
    term = _term(node, here)
    if isinstance(term, Fact | Item) and term.type == BOOL:
        return Truth(term)
    raise Fault(node.at, "wrong-type", f"This is {the(term.type)}, and a condition is true or false.", "Compare it with something.")


def _chain(node: syntax.Chain, here: Here) -> Expr:
    """Check the sides in order: with `&&` each may rest on those before it, with `||` on their not holding."""
    both = node.operator == "&&"
    items: list[Expr] = []
    known = here.known
    for side in node.items:
        item = _expr(side, replace(here, known=known))
        if item in items:
            raise Fault(side.at, "twice", "The same is said twice.", "Leave one out.")
        items.append(item)
        known |= implied(item, holds=both)
    return All(tuple(items)) if both else AnyOf(tuple(items))


# --- Comparisons -------------------------------------------------------------------------------------------------------------------


def _compare(node: syntax.Binary, here: Here) -> Expr:
    for side in (node.left, node.right):
        _no_null(side)
    left, right = _pair(node, here)
    operator = cast("Comparison", node.operator)
    if isinstance(left, Lit):
        left, right, operator = right, left, cast("Comparison", _MIRRORED[operator])
    if left == right or not (_speaks(left) or _speaks(right)) or cancels(left, right):
        raise Fault(node.at, "constant", "This comes out the same for every request.", "Compare a fact with something.")
    if operator not in {"==", "!="} and left.type.base not in ORDERED:
        raise Fault(node.at, "wrong-type", f"{cap(the(left.type))} is not more or less than another.", "Compare with == or !=, or with in.")
    if left.type.base is Base.LIST:
        raise Fault(node.at, "wrong-type", "Lists are not compared as a whole.", "Ask for items: x in list, list.exists(i, …), size(list).")
    if left.type == BOOL and isinstance(left, Fact | Item) and isinstance(right, Lit):
        return Truth(left) if (right.value is True) == (operator == "==") else Not(Truth(left))
    if isinstance(right, Lit):
        _can_differ(node, here, left, operator, right)
        if operator in {"==", "!="}:
            is_exact(node.at, right)
    found = Compare(operator, left, right)
    _tells_actions_apart(node, here, found)
    return found


def _speaks(term: Term) -> bool:
    """Tell whether a term speaks of the request at all."""
    return any(isinstance(one, Fact | Item) for one in within(term))


def _tells_actions_apart(node: syntax.Binary, here: Here, found: Compare | In) -> None:
    """Refuse to ask for the action what has one answer for all the rule applies to."""
    if isinstance(found, In):
        term, among = found.item, found.among if isinstance(found.among, tuple) else None
    else:
        term, among = found.left, (found.right,) if isinstance(found.right, Lit) else None
    if isinstance(term, Fact) and term.name == ACTION and among is not None:
        named = {one.value for one in among if isinstance(one, Lit)}
        if len({action in named for action in here.actions}) == 1:
            message = f"The rule applies to {', '.join(here.actions)}, and this comes out the same for each."
            raise Fault(node.at, "constant", message, "Leave it out, or correct applies_to.")


def _pair(node: syntax.Binary, here: Here) -> tuple[Term, Term]:
    """Check both sides: one that is written out takes its type from the other."""
    left, right = ungrouped(node.left), ungrouped(node.right)
    if is_written(left) and not is_written(right):
        other = _term(right, here)
        return written(left, other.type, here, other), other
    one = _term(left, here)
    if is_written(right):
        return one, written(right, one.type, here, one)
    two = _term(right, here)
    if not one.type.agrees(two.type):
        raise clash(node.at, one.type, two.type)
    _spelt_alike(node, here, one, two)
    return one, two


def _spelt_alike(node: syntax.Binary, here: Here, one: Term, two: Term) -> None:
    """Refuse to compare a text in one case with one that is spelt otherwise: EU is never eu."""
    first, second = (case_of(None, term, here) for term in (one, two))
    if first != second and not {first, second}.isdisjoint(("lower", "upper")):
        values = (_item_type(one).values, _item_type(two).values)
        case = first if first in {"lower", "upper"} else second
        if any(found and all(value == (value.lower() if case == "lower" else value.upper()) for value in found) for found in values):
            return
        message = f"One text is always in {case} case, the other is spelt otherwise: equal ones may differ."
        raise Fault(node.at, "wrong-type", message, "Give both facts one case in the schema.")


def _item_type(term: Term) -> Type:
    return term.type.item or term.type


def _can_differ(node: syntax.Binary, here: Here, left: Term, operator: Comparison, right: Lit) -> None:
    """Refuse a comparison that the bounds of the fact decide for every request."""
    low, high = _bounds(left, here)
    value = right.value
    if not isinstance(value, int | float) or isinstance(value, bool):
        return
    always = {
        "<": high is not None and high < value, "<=": high is not None and high <= value,
        ">": low is not None and low > value, ">=": low is not None and low >= value,
        "!=": (low is not None and value < low) or (high is not None and value > high),
    }  # fmt: skip
    never = {other: always[NEGATED[other]] for other in ("<", "<=", ">", ">=", "==")}
    if always.get(operator) or never.get(operator):
        word = "always" if always.get(operator) else "never"
        span = f"{'-∞' if low is None else f'{low:g}'} to {'∞' if high is None else f'{high:g}'}"
        raise Fault(
            node.at, "constant", f"This {word} holds: the value lies in {span}.", "Correct the number, or leave the comparison out."
        )


def _bounds(term: Term, here: Here) -> tuple[float | None, float | None]:
    if isinstance(term, Size):
        return 0, here.schema.by_name[term.of.name].max_items
    spec = here.schema.by_name.get(fact_of(term)) if isinstance(term, Fact | Item) else None
    if spec is None:
        return None, None
    whole = term.type.base is Base.INT or (term.type.item is not None and term.type.item.base is Base.INT)
    most = SAFE if whole else None
    return -SAFE if whole and spec.minimum is None else spec.minimum, most if spec.maximum is None else spec.maximum


def _within_bounds(at: int, here: Here, of: Term, value: Lit) -> None:
    """Refuse a value that the bounds of a fact, or of the items of a list, rule out."""
    low, high = _bounds(of, here)
    one = value.value
    if isinstance(one, int | float) and ((low is not None and one < low) or (high is not None and one > high)):
        span = f"{'-∞' if low is None else f'{low:g}'} to {'∞' if high is None else f'{high:g}'}"
        raise Fault(at, "constant", f"{one:g} is never a value here: they lie in {span}.", "Correct the number, or leave it out.")


def _in(node: syntax.Binary, here: Here) -> Expr:
    _no_null(node.left)
    left, right = ungrouped(node.left), ungrouped(node.right)
    if isinstance(right, syntax.ListOf):
        return _in_list(node, left, right, here)
    among = _term(right, here)
    if not isinstance(among, Fact) or among.type.item is None:
        hint = 'Write the values in brackets: x in ["a", "b"]; a part of a text is found with contains.'
        raise Fault(node.right.at, "wrong-type", f"{cap(the(among.type))} has no items.", hint)
    if is_written(left):
        one = written(left, among.type.item, here, among)
        _within_bounds(left.at, here, among, one)
        is_exact(left.at, one)
        return In(one, among)
    item = _term(left, here)
    if not item.type.agrees(among.type.item):
        raise clash(node.at, item.type, among.type.item)
    _spelt_alike(node, here, item, among)
    return In(item, among)


def _in_list(node: syntax.Binary, left: syntax.Node, right: syntax.ListOf, here: Here) -> Expr:
    if is_written(left):
        raise Fault(node.at, "constant", "This comes out the same for every request.", "Put the fact on the left.")
    item = _term(left, here)
    if not right.items:
        raise Fault(right.at, "constant", "Nothing is in an empty list, so this never holds.", "Name the values.")
    if len(right.items) > _MAX_LIST:
        raise Fault(right.at, "too-long", f"A list has at most {_MAX_LIST} values.", "State it as a fact.")
    if not _speaks(item):
        raise Fault(node.at, "constant", "This comes out the same for every request.", "Put a fact on the left.")
    found = [written(ungrouped(one), item.type, here, item) for one in right.items]
    for one, value in zip(right.items, found, strict=True):
        _within_bounds(one.at, here, item, value)
        is_exact(one.at, value)
    twice = next((index for index, one in enumerate(found) if one in found[:index]), None)
    if twice is not None:
        raise Fault(right.items[twice].at, "twice", "This value stands twice.", "Leave one out.")
    if len(found) == (2 if item.type == BOOL else len(item.type.values) or None):
        raise Fault(right.at, "constant", "Every value there is stands here, so this always holds.", "Leave it out.")
    whole = In(item, tuple(found))
    _tells_actions_apart(node, here, whole)
    return whole


# --- Terms -------------------------------------------------------------------------------------------------------------------------


def _term(node: syntax.Node, here: Here) -> Term:
    node = ungrouped(node)
    if isinstance(node, syntax.Name):
        return _name(node, here)
    if isinstance(node, syntax.Call) and node.target is None and node.name == "size":
        return Size(_list(node, here))
    if isinstance(node, syntax.Call) and node.target is None and node.name in WRITERS:
        return WRITERS[node.name](node)
    if isinstance(node, syntax.Binary) and node.operator in {"+", "-"}:
        return _shift(node, here)
    if isinstance(node, syntax.Call):
        raise _unknown_call(node)
    if isinstance(node, syntax.ListOf):
        raise Fault(node.at, "wrong-type", "A list that is written out stands to the right of `in` only.")
    if isinstance(node, syntax.Literal):
        kind = {str: STRING, bool: BOOL, int: INT, float: NUMBER}[type(node.value)]
        return Lit(node.value, kind)
    raise Fault(node.at, "wrong-type", "Here a fact or a value is expected.", "Bracket a condition, and join it with && or ||.")


def _name(node: syntax.Name, here: Here) -> Term:
    if node.path in here.items:
        return here.items[node.path]
    _no_null(node)
    return _fact(node, here, asked=False)


def _fact(node: syntax.Name, here: Here, *, asked: bool) -> Fact:
    """Look a fact up; with `asked` it is only asked whether it is there."""
    if node.path == ACTION and asked:
        raise Fault(node.at, "constant", "The action is always there.", "Leave has(…) out.")
    if node.path == ACTION:
        values = tuple(here.schema.actions)
        return Fact(ACTION, Type(Base.STRING, values=values))
    spec = here.schema.by_name.get(node.path)
    if spec is None:
        root = node.path.split(".", 1)[0]
        if root in here.items:
            raise Fault(node.at, "unknown-fact", f"{root} is an item of a list and has no parts.")
        otherwise = f"The schema {here.schema.ref} does not declare it."
        raise Fault(node.at, "unknown-fact", f"There is no fact {node.path}.", Suggester().hint(node.path, here.schema.by_name, otherwise))
    absent = [action for action in here.actions if spec.actions and action not in spec.actions]
    if absent:
        hint = f"It is there for {', '.join(spec.actions)}: narrow applies_to."
        raise Fault(node.at, "not-here", f"{node.path} is no fact of {', '.join(absent)}, to which the rule applies.", hint)
    if not asked and spec.optional and spec.name not in here.known:
        hint = f"Write has({spec.name}) && before it; say with || what holds if it is missing."
        raise Fault(node.at, "may-be-missing", f"{spec.name} may be missing.", hint)
    if asked and not spec.optional:
        raise Fault(node.at, "constant", f"{spec.name} is always there.", "Leave has(…) out.")
    return Fact(spec.name, spec.kind)


def _list(node: syntax.Call, here: Here) -> Fact:
    found = _term(node.arguments[0], here) if len(node.arguments) == 1 else None
    if not isinstance(found, Fact) or found.type.item is None:
        raise Fault(node.at, "wrong-arguments", "size has one list.", "Name a fact that is a list.")
    return found


def _shift(node: syntax.Binary, here: Here) -> Term:
    left, right = _term(node.left, here), _term(node.right, here)
    if left.type == TIMESTAMP and right.type == DURATION:
        found = Shifted(left, "+" if node.operator == "+" else "-", right)
        if may_leave_calendar(found):
            raise Fault(
                node.at, "bad-moment", "This may leave the calendar.", "Reckon with fewer timespans, or state the moment as a fact."
            )
        return found
    if left.type == TIMESTAMP and right.type == TIMESTAMP and node.operator == "-":
        return Gap(left, right)
    message = f"{cap(the(left.type))} {node.operator} {the(right.type)} is not reckoned."
    raise Fault(node.at, "wrong-type", message, "There are moment + timespan, moment - timespan and moment - moment.")


def _no_null(node: syntax.Node) -> None:
    if isinstance(node, syntax.Name) and node.path in {"null", "None", "nil", "undefined"}:
        raise Fault(node.at, "null", f"There is no {node.path}: a fact is there or is missing.", "Ask with has(fact), or !has(fact).")


# --- Functions that test -----------------------------------------------------------------------------------------------------------


def _test(node: syntax.Call, here: Here) -> Expr | None:
    """Check a call that is true or false; None for a function that gives a term."""
    if node.target is None:
        if node.name == "has":
            return _has(node, here)
        return _predicate(node, here) if node.name == "predicate" else None
    if node.name in _TEXT_TESTS:
        return _text_test(node, here)
    if node.name == "matches":
        return _matches(node, here)
    if node.name in {"exists", "all"}:
        return _quantified(node, here)
    raise _unknown_call(node)


def _unknown_call(node: syntax.Call) -> Fault:
    known = ("has", "size", "timestamp", "duration", "quantity", "predicate", *_TEXT_TESTS, "matches", "exists", "all")
    return Fault(
        node.at,
        "unknown-function",
        f"There is no function {node.name}.",
        Suggester().hint(node.name, known, f"There are {', '.join(known)}."),
    )


def _has(node: syntax.Call, here: Here) -> Expr:
    one = ungrouped(node.arguments[0]) if len(node.arguments) == 1 else None
    if not isinstance(one, syntax.Name):
        raise Fault(node.at, "wrong-arguments", "has asks for one fact by its name.", "Write has(approval.by).")
    return Has(_fact(one, here, asked=True))


def _subject(node: syntax.Call, here: Here, what: str) -> Fact | Item:
    found = _term(cast("syntax.Node", node.target), here)
    if not isinstance(found, Fact | Item) or found.type.base is not Base.STRING or found.type.values:
        hint = "For an enumeration write == or in." if found.type.values else ""
        raise Fault(node.at, "wrong-type", f"{what} is asked of a text, and this is {the(found.type)}.", hint)
    return found


def _text_test(node: syntax.Call, here: Here) -> Expr:
    subject, text = _subject(node, here, node.name), one_text(node)
    if not text:
        raise Fault(node.at, "constant", "Every text begins with, ends with and contains the empty one.", "Write what is looked for.")
    text_of(text, node.arguments[0].at, subject.type, here, subject)
    return TextTest(cast("TextTestName", node.name), subject, text)


def _matches(node: syntax.Call, here: Here) -> Expr:
    subject, pattern = _subject(node, here, "matches"), one_text(node)
    at = node.arguments[0].at
    if len(pattern) > _MAX_PATTERN:
        raise Fault(at, "too-long", f"A pattern has at most {_MAX_PATTERN} characters.")
    if not (pattern.startswith("^") and pattern.endswith("$")) or pattern.endswith(r"\$"):
        hint = f'Write "^{pattern}$", with .* where anything may stand.'
        raise Fault(at, "not-anchored", "The pattern is not anchored, so it would be found anywhere in the text.", hint)
    if splits(pattern):
        raise Fault(at, "not-anchored", "Beside | at the outside ^ and $ bind only one side.", f'Write "^(?:{pattern[1:-1]})$".')
    wrong = why_not_pattern(pattern, case_of(None, subject, here))
    if wrong is not None:
        raise Fault(at, "bad-pattern", *wrong)
    if (hidden := why_not_text(pattern)) is not None:
        raise Fault(at, "unclear-text", *hidden)
    try:
        compile_pattern(pattern)
    except ValueError as error:
        raise Fault(at, "bad-pattern", f"RE2 cannot read the pattern: {error}.") from None
    if with_dot(pattern) == "^(?s).*$":
        raise Fault(at, "constant", "Every text fits this pattern.", "Leave it out.")
    return Matches(subject, with_dot(pattern))


def _quantified(node: syntax.Call, here: Here) -> Expr:
    of = _term(cast("syntax.Node", node.target), here)
    if not isinstance(of, Fact) or of.type.item is None:
        raise Fault(node.at, "wrong-type", f"{node.name} is asked of a list, and this is {the(of.type)}.")
    name = ungrouped(node.arguments[0]) if len(node.arguments) == 2 else None  # noqa: PLR2004 - item and condition
    if not isinstance(name, syntax.Name) or "." in name.path:
        raise Fault(
            node.at, "wrong-arguments", f"{node.name} has a name for the item and a condition.", f"Write list.{node.name}(item, item == …)."
        )
    if name.path in here.items or name.path == ACTION or any(fact.startswith(f"{name.path}.") for fact in here.schema.by_name):
        raise Fault(name.at, "name-taken", f"{name.path} means something else already.", "Name the item otherwise.")
    if here.items:
        raise Fault(node.at, "too-deep", "One list is gone through at a time.", "State as a fact what joins two lists.")
    if node.name == "all" and NOT_EMPTY + of.name not in here.known:
        hint = f"Write size({of.name}) > 0 && before it; say with || what holds if it is empty."
        raise Fault(node.at, "may-be-empty", f"Every item of an empty list fits anything, and {of.name} may be empty.", hint)
    item = Item(f"{name.path}@{of.name}", of.type.item)
    body = _expr(node.arguments[1], replace(here, items={name.path: item}))
    return Quantified("exists" if node.name == "exists" else "all", of, item, body)


def _predicate(node: syntax.Call, here: Here) -> Expr:
    first = ungrouped(node.arguments[0]) if node.arguments else None
    if not isinstance(first, syntax.Literal) or not isinstance(first.value, str):
        raise Fault(
            node.at, "wrong-arguments", "predicate has the name of a predicate and facts.", 'Write predicate("luhn@1", card.number).'
        )
    found = here.predicates.get(first.value)
    if found is None:
        hint = Suggester().hint(first.value, here.predicates, "None is registered." if not here.predicates else "")
        raise Fault(first.at, "unknown-predicate", f"There is no predicate {first.value!r}.", hint)
    terms = [_term(one, here) for one in node.arguments[1:]]
    if len(terms) != len(found.takes):
        raise Fault(node.at, "wrong-arguments", f"{first.value} takes {len(found.takes)} facts, and {len(terms)} are given.")
    facts = []
    for term, base, place in zip(terms, found.takes, node.arguments[1:], strict=True):
        if not isinstance(term, Fact) or term.type.base is not base:
            raise Fault(place.at, "wrong-type", f"{first.value} takes a fact that is {base.value} here.")
        facts.append(term)
    return Opaque(first.value, tuple(facts))
