"""The back end that decides: conditions as Python closures over checked facts.

A closure reads a dict and compares; types were checked at load and values when they came in, so nothing is tested twice. `&&` and
`||` mean what they mean in CEL: a side that settles the answer settles it, though the other side fails.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from kybern.policy._core import (
    All,
    AnyOf,
    Compare,
    Expr,
    Fact,
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
    Truth,
    terms,
    walk,
    within,
)
from kybern.policy._patterns import compile_pattern

if TYPE_CHECKING:
    from kybern.policy._predicates import Predicate

Values: TypeAlias = Mapping[str, Any]
Test: TypeAlias = Callable[[Values], bool]
Read: TypeAlias = Callable[[Values], Any]

_OPERATORS: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip


def compile_test(node: Expr, predicates: Mapping[str, Predicate]) -> Test:
    """Make the function that tells whether a condition holds of the values of `Facts`."""
    return _Compiler(predicates).test(node)


class _Compiler:
    def __init__(self, predicates: Mapping[str, Predicate]) -> None:
        self._predicates = predicates

    def test(self, node: Expr) -> Test:
        make: Callable[[Any], Test] = getattr(self, f"_{type(node).__name__.lower()}")
        return make(node)

    # Together

    def _all(self, node: All) -> Test:
        tests = tuple(self.test(item) for item in node.items)
        if any(map(_may_fail, node.items)):
            return _patient(tests, settles=False)
        if len(tests) == 2:  # noqa: PLR2004 - the most frequent form, without a loop
            return _both(*tests)
        if len(tests) == 3:  # noqa: PLR2004
            return _all_three(*tests)

        def every(x: Values) -> bool:
            for test in tests:  # noqa: SIM110 - a generator would cost more than the tests
                if not test(x):
                    return False
            return True

        return every

    def _anyof(self, node: AnyOf) -> Test:
        tests = tuple(self.test(item) for item in node.items)
        if any(map(_may_fail, node.items)):
            return _patient(tests, settles=True)
        if len(tests) == 2:  # noqa: PLR2004
            return _either(*tests)

        def some(x: Values) -> bool:
            for test in tests:  # noqa: SIM110
                if test(x):
                    return True
            return False

        return some

    def _not(self, node: Not) -> Test:
        return _denied(self.test(node.inner))

    # Alone

    def _truth(self, node: Truth) -> Test:
        return operator.itemgetter(node.term.name)

    def _has(self, node: Has) -> Test:
        name = node.fact.name
        return lambda x: name in x

    def _compare(self, node: Compare) -> Test:
        if isinstance(node.left, Fact | Item) and isinstance(node.right, Lit):
            return _against(node.left.name, node.operator, node.right.value)
        compare, left, right = _OPERATORS[node.operator], self.read(node.left), self.read(node.right)
        return lambda x: compare(left(x), right(x))

    def _in(self, node: In) -> Test:
        if isinstance(node.among, Fact):
            item, among = self.read(node.item), node.among.name
            return lambda x: item(x) in x[among]
        values = frozenset(one.value for one in node.among)
        if isinstance(node.item, Fact | Item):
            return _among(node.item.name, values)
        read = self.read(node.item)
        return lambda x: read(x) in values

    def _texttest(self, node: TextTest) -> Test:
        name, text = node.term.name, node.text
        if node.test == "startsWith":
            return lambda x: x[name].startswith(text)
        if node.test == "endsWith":
            return lambda x: x[name].endswith(text)
        return lambda x: text in x[name]

    def _matches(self, node: Matches) -> Test:
        name, fits = node.term.name, compile_pattern(node.pattern)
        return lambda x: fits(x[name])

    def _quantified(self, node: Quantified) -> Test:
        of, item, body, among = node.of.name, node.item.name, self.test(node.body), node.kind == "exists"

        def go(x: Values) -> bool:
            here = dict(x)
            for here[item] in x[of]:
                if body(here) is among:
                    return among
            return not among

        return go

    def _opaque(self, node: Opaque) -> Test:
        function, names = self._predicates[node.name].function, tuple(term.name for term in node.terms)

        def ask(x: Values) -> bool:
            found = function(*(x[name] for name in names))
            if not isinstance(found, bool):
                msg = f"the predicate {node.name} answered with {type(found).__name__}, not with true or false"
                raise TypeError(msg)
            return found

        return ask

    # Terms

    def read(self, term: Term) -> Read:
        if isinstance(term, Lit):
            value = term.value
            return lambda _: value
        if isinstance(term, Fact | Item):
            return operator.itemgetter(term.name)
        if isinstance(term, Size):
            of = term.of.name
            return lambda x: len(x[of])
        if isinstance(term, Shifted):
            moment, span = self.read(term.moment), self.read(term.span)
            if term.sign == "+":
                return lambda x: moment(x) + span(x)
            return lambda x: moment(x) - span(x)
        later, earlier = self.read(term.later), self.read(term.earlier)
        return lambda x: later(x) - earlier(x)


# What the functions below need is bound as defaults: that is one tuple to reach, where cells would be one object each, and it shows
# once thousands of rules no longer fit the processor's cache.


def _both(one: Test, two: Test) -> Test:
    def test(x: Values, one: Test = one, two: Test = two) -> bool:
        return one(x) and two(x)

    return test


def _all_three(one: Test, two: Test, three: Test) -> Test:
    def test(x: Values, one: Test = one, two: Test = two, three: Test = three) -> bool:
        return one(x) and two(x) and three(x)

    return test


def _either(one: Test, two: Test) -> Test:
    def test(x: Values, one: Test = one, two: Test = two) -> bool:
        return one(x) or two(x)

    return test


def _denied(inner: Test) -> Test:
    def test(x: Values, inner: Test = inner) -> bool:
        return not inner(x)

    return test


def _among(name: str, values: frozenset[Any]) -> Test:
    def test(x: Values, name: str = name, values: frozenset[Any] = values) -> bool:
        return x[name] in values

    return test


def _against(name: str, sign: str, value: Any) -> Test:
    """Compare a fact with a value: the form most conditions have."""
    tests: Mapping[str, Callable[..., bool]] = {
        "==": lambda x, name=name, value=value: x[name] == value, "!=": lambda x, name=name, value=value: x[name] != value,
        "<": lambda x, name=name, value=value: x[name] < value, "<=": lambda x, name=name, value=value: x[name] <= value,
        ">": lambda x, name=name, value=value: x[name] > value, ">=": lambda x, name=name, value=value: x[name] >= value,
    }  # fmt: skip
    return tests[sign]


def _may_fail(node: Expr) -> bool:
    """Tell whether testing can fail: reckoning with moments leaves the calendar, a predicate raises."""
    return any(
        isinstance(one, Opaque) or any(isinstance(inner, Shifted) for term in terms(one) for inner in within(term)) for one in walk(node)
    )


def _patient(tests: tuple[Test, ...], *, settles: bool) -> Test:
    """Join tests of which one may fail: the failure counts only if no other settles the answer."""

    def join(x: Values) -> bool:
        failure: Exception | None = None
        for test in tests:
            try:
                if test(x) is settles:
                    return settles
            except Exception as error:  # noqa: BLE001 - whatever it is, it is raised again or another side has settled the answer
                failure = failure or error
        if failure is not None:
            raise failure
        return not settles

    return join
