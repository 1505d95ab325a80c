"""The back end that proves: conditions as formulas of z3, and models read back as facts.

Facts are variables: truths, whole numbers, reals, texts by number where they are only compared for equality and as strings where
their letters matter, moments and timespans in microseconds, lists as so many places with a length. What is beyond the encoding
(a predicate in Python, a construct of a pattern) becomes a variable of its own: "cannot be" stays right, and "can be" is
replayed by the closures before anybody is told.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final, cast

import z3  # type: ignore[import-untyped]  # z3-solver has no types

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
    Scalar,
    Shifted,
    Size,
    Term,
    TextTest,
    Truth,
    terms,
    walk,
)
from kybern.policy._regex import NotTranslated, to_z3
from kybern.policy._schema import ACTION, FIRST, LAST, LONGEST, SAFE
from kybern.policy._types import Base, Type

if TYPE_CHECKING:
    from kybern.policy._schema import FactSchema

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_MOST_PLACES: Final = 32
_GAPS: Final = "between floats"
_LETTER: Final = z3.AllChar(z3.ReSort(z3.StringSort()))
_LOWER_CASE: Final = z3.Star(z3.Intersect(_LETTER, z3.Complement(z3.Range("A", "Z"))))
_PLAIN: Final = z3.Star(z3.Range(" ", "~"))
_UPPER_CASE: Final = z3.Star(z3.Intersect(_LETTER, z3.Complement(z3.Range("a", "z"))))


@dataclass
class Encoder:
    """Formulas over the facts of a schema, for conditions that are known beforehand: what they ask decides the encoding."""

    schema: FactSchema
    exprs: Iterable[Expr]
    opaque: set[str] = field(default_factory=set)
    """What became a variable of its own, in words: nothing is proved of it."""

    def __post_init__(self) -> None:
        """Look at what is asked of each fact."""
        self._strings: set[str] = set()
        self._asked: dict[str, dict[Expr, int]] = {}
        self._codes: dict[str, int] = {}
        self._variables: dict[str, Any] = {}
        self._texts: list[Any] = []
        self._domain: dict[str, list[Any]] = {}
        self._made: dict[Expr, Any] = {}
        for expr in self.exprs:
            self._survey(expr)

    def _survey(self, expr: Expr) -> None:
        for node in walk(expr):
            if isinstance(node, TextTest | Matches):
                self._strings.add(_name(node.term))
            elif isinstance(node, Compare) and node.left.type.base is Base.STRING and not isinstance(node.right, Lit):
                self._strings |= {_name(one) for one in (node.left, node.right) if isinstance(one, Fact | Item)}
            elif isinstance(node, In) and isinstance(node.among, Fact) and isinstance(node.item, Fact | Item):
                self._strings |= {_name(node.item), node.among.name} if node.item.type.base is Base.STRING else set()
            self._count(node)

    def _count(self, node: Expr) -> None:
        """Count the places a list needs: one for each thing asked of its items, and as many as a size asks for."""
        for term in terms(node):
            of = term.of if isinstance(term, Size) else term
            if isinstance(of, Fact) and of.type.item is not None:
                asked = self._sizes(node, of.name) if isinstance(term, Size) else 1
                places = self._asked.setdefault(of.name, {})
                places[node] = max(asked, places.get(node, 0))

    def _sizes(self, node: Expr, name: str) -> int:
        """Say up to which size a list is told apart; where it is held against another fact, every size it can have."""
        if isinstance(node, Compare) and isinstance(node.right, Lit):
            return cast("int", node.right.value) + 1
        if isinstance(node, In) and isinstance(node.among, tuple):
            return max(cast("int", one.value) for one in node.among) + 1
        return self.schema.by_name[name].max_items

    def _places_of(self, name: str) -> int:
        """Give the number of places: where fewer are thought of than there can be and are asked for, nothing is proved of the list."""
        asked, most = self._asked[name], self.schema.by_name[name].max_items
        need = min(most, max(asked.values(), default=0) + len(asked))
        if need > _MOST_PLACES:
            self.opaque.add(f"lists of more than {_MOST_PLACES} items in {name}")
        return min(need, _MOST_PLACES)

    # Expressions

    def formula(self, expr: Expr) -> Any:
        """Write a condition as a formula; the same condition is written once."""
        found = self._made.get(expr)
        if found is None:
            found = self._made[expr] = self._expr(expr, {})
        return found

    def action(self, names: Iterable[str]) -> Any:
        """Say that the action is one of these."""
        variable = self._fact(Fact(ACTION, Type(Base.STRING, values=tuple(self.schema.actions))))
        return z3.Or([variable == self._text(ACTION, name) for name in names])

    def _expr(self, node: Expr, items: Mapping[str, Any]) -> Any:
        make = getattr(self, f"_{type(node).__name__.lower()}")
        return make(node, items)

    def _all(self, node: All, items: Mapping[str, Any]) -> Any:
        return z3.And([self._expr(one, items) for one in node.items])

    def _anyof(self, node: AnyOf, items: Mapping[str, Any]) -> Any:
        return z3.Or([self._expr(one, items) for one in node.items])

    def _not(self, node: Not, items: Mapping[str, Any]) -> Any:
        return z3.Not(self._expr(node.inner, items))

    def _truth(self, node: Truth, items: Mapping[str, Any]) -> Any:
        return self._term(node.term, items)

    def _has(self, node: Has, _: Mapping[str, Any]) -> Any:
        (self._fact if node.fact.type.item is None else self._list)(node.fact)  # an example has a value of it
        return self._there(node.fact.name)

    def _compare(self, node: Compare, items: Mapping[str, Any]) -> Any:
        left, right = self._term(node.left, items), self._value(node.right, node.left, items)
        if isinstance(node.right, Lit) and isinstance(node.right.value, float):
            self._domain.setdefault(_GAPS, []).extend(_beside(left, node.operator, node.right.value))
        return _compared(node.operator, left, right)

    def _in(self, node: In, items: Mapping[str, Any]) -> Any:
        if isinstance(node.among, tuple):
            item = self._term(node.item, items)
            return z3.Or([item == self._value(one, node.item, items) for one in node.among])
        length, places = self._list(node.among)
        one = self._value(node.item, node.among, items)
        return z3.Or([z3.And(length > at, place == one) for at, place in enumerate(places)])

    def _texttest(self, node: TextTest, items: Mapping[str, Any]) -> Any:
        subject, text = self._term(node.term, items), _string(node.text)
        if node.test == "startsWith":
            return z3.PrefixOf(text, subject)
        return z3.SuffixOf(text, subject) if node.test == "endsWith" else z3.Contains(subject, text)

    def _matches(self, node: Matches, items: Mapping[str, Any]) -> Any:
        subject = self._term(node.term, items)
        try:
            return z3.InRe(subject, to_z3(node.pattern))
        except NotTranslated as why:
            self.opaque.add(f"the pattern {node.pattern} ({why})")
            return z3.Bool(f"matches!{subject}!{node.pattern}")  # of each item by itself

    def _quantified(self, node: Quantified, items: Mapping[str, Any]) -> Any:
        length, places = self._list(node.of)
        tests = [(length > at, self._expr(node.body, {**items, node.item.name: place})) for at, place in enumerate(places)]
        if node.kind == "exists":
            return z3.Or([z3.And(there, test) for there, test in tests])
        return z3.And([z3.Implies(there, test) for there, test in tests])

    def _opaque(self, node: Opaque, _: Mapping[str, Any]) -> Any:
        self.opaque.add(f"the predicate {node.name}")
        return z3.Bool(f"predicate!{node.name}!{','.join(term.name for term in node.terms)}")

    # Terms

    def _term(self, term: Term, items: Mapping[str, Any]) -> Any:
        if isinstance(term, Fact):
            return self._fact(term)
        if isinstance(term, Item):
            return items[term.name]
        if isinstance(term, Size):
            return self._list(term.of)[0]
        if isinstance(term, Shifted):
            moment, span = self._term(term.moment, items), self._term(term.span, items)
            return moment + span if term.sign == "+" else moment - span
        if isinstance(term, Gap):
            return self._term(term.later, items) - self._term(term.earlier, items)
        return self._lit(term, as_string=False)

    def _value(self, term: Term, beside: Term, items: Mapping[str, Any]) -> Any:
        """Write a term that stands beside another: a text as a string where the other is one."""
        if isinstance(term, Lit):
            return self._lit(term, as_string=isinstance(beside, Fact | Item) and _name(beside) in self._strings)
        return self._term(term, items)

    def _lit(self, lit: Lit, *, as_string: bool) -> Any:
        if isinstance(lit.value, str):
            return _string(lit.value) if as_string else self._code(lit.value)
        return _number(lit.value)

    def _text(self, name: str, text: str) -> Any:
        """Write a value of a fact as the fact is written."""
        return _string(text) if name in self._strings else self._code(text)

    def _code(self, text: str) -> Any:
        return z3.IntVal(self._codes.setdefault(text, len(self._codes)))

    def _fact(self, fact: Fact) -> Any:
        found = self._variables.get(fact.name)
        if found is None:
            found = self._variables[fact.name] = self._variable(fact.name, fact.name, fact.type)
        return found

    def _there(self, name: str) -> Any:
        return self._variables.setdefault(f"has!{name}", z3.Bool(f"has!{name}"))

    def _list(self, fact: Fact) -> tuple[Any, list[Any]]:
        found = self._variables.get(fact.name)
        if found is None:
            count = self._places_of(fact.name)
            length = z3.Int(f"size!{fact.name}")
            item = cast("Type", fact.type.item)
            places = [self._variable(f"{fact.name}!{at}", fact.name, item) for at in range(count)]
            self._domain.setdefault(fact.name, []).extend((length >= 0, length <= count))
            found = self._variables[fact.name] = (length, places)
        return cast("tuple[Any, list[Any]]", found)

    def _variable(self, label: str, name: str, kind: Type) -> Any:
        spec = self.schema.by_name.get(name)
        bounds = self._domain.setdefault(name, [])
        if kind.base is Base.BOOL:
            return z3.Bool(label)
        if kind.base is Base.STRING and name in self._strings:
            text = z3.String(label)
            self._texts.append(text)
            if spec is not None and spec.case in {"lower", "upper"}:
                bounds.append(z3.InRe(text, _LOWER_CASE if spec.case == "lower" else _UPPER_CASE))
            elif kind.values:
                bounds.append(z3.Or([text == _string(value) for value in kind.values]))
            return text
        number = z3.Real(label) if kind.base is Base.NUMBER else z3.Int(label)
        if kind.values:
            bounds.append(z3.Or([number == self._code(value) for value in kind.values]))
        elif kind.base is Base.STRING:
            bounds.append(number >= 0)
        low, high = _range(kind, spec)
        bounds += [number >= bound for bound in low] + [number <= bound for bound in high]
        return number

    def plain(self) -> list[Any]:
        """Say that texts have printable letters of ASCII only: what people read in an example, and a request surely can have."""
        return [z3.InRe(text, _PLAIN) for text in self._texts]

    def domain(self) -> list[Any]:
        """Say what values the facts that are spoken of can have."""
        return [bound for bounds in self._domain.values() for bound in bounds]

    # Models

    def facts_in(self, model: Any) -> dict[str, Any]:
        """Read a model as values of facts; a fact that the formulas do not speak of is not among them."""
        words = {code: text for text, code in self._codes.items()}
        found: dict[str, Any] = {}
        for name, variable in self._variables.items():
            if name.startswith("has!") or self._is_missing(name, model):
                continue
            kind = Type(Base.STRING, values=tuple(self.schema.actions)) if name == ACTION else self.schema.by_name[name].kind
            if isinstance(variable, tuple):
                length = model.eval(variable[0], model_completion=True).as_long()
                item = cast("Type", kind.item)
                found[name] = tuple(_read(model, place, item, words) for place in variable[1][:length])
            else:
                found[name] = _read(model, variable, kind, words)
        return found

    def _is_missing(self, name: str, model: Any) -> bool:
        there = self._variables.get(f"has!{name}")
        return there is not None and not z3.is_true(model.eval(there, model_completion=True))

    def missing(self, model: Any) -> frozenset[str]:
        """Name the optional facts that a model leaves out."""
        return frozenset(
            name.removeprefix("has!") for name in self._variables if name.startswith("has!") and self._is_missing(name[4:], model)
        )

    def present(self, model: Any) -> frozenset[str]:
        """Name the optional facts that a model has, those among them of which it is only asked whether they are there."""
        names = [name.removeprefix("has!") for name in self._variables if name.startswith("has!")]
        return frozenset(name for name in names if not self._is_missing(name, model))

    def equals(self, name: str, value: Any) -> Any | None:
        """Say that a fact is there and has a value, which may be none of its values.

        None where the formulas do not speak of the fact, or it is a list.
        """
        variable = self._variables.get(name)
        if variable is None or isinstance(variable, tuple):
            return None
        try:
            own = cast("Scalar", self.schema.read(name, value))
        except ValueError:
            return z3.BoolVal(val=False)
        same = variable == (self._text(name, own) if isinstance(own, str) else _number(own))
        there = self._variables.get(f"has!{name}")
        return same if there is None else z3.And(there, same)


def _name(term: Fact | Item) -> str:
    """Name the fact that a fact or an item of a list belongs to."""
    return term.name.partition("@")[2] or term.name


def _compared(sign: str, left: Any, right: Any) -> Any:
    return {
        "==": lambda: left == right, "!=": lambda: left != right, "<": lambda: left < right,
        "<=": lambda: left <= right, ">": lambda: left > right, ">=": lambda: left >= right,
    }[sign]()  # fmt: skip


def _beside(number: Any, sign: Comparison, bound: float) -> Iterator[Any]:
    """Say that nothing lies between a bound and the floats next to it: what the solver chooses stays beyond it when it is rounded."""
    above, below = math.nextafter(bound, math.inf), math.nextafter(bound, -math.inf)
    if sign in {">", "<=", "==", "!="} and not math.isinf(above):
        yield z3.Or(number <= _number(bound), number >= _number(above))
    if sign in {"<", ">=", "==", "!="} and not math.isinf(below):
        yield z3.Or(number >= _number(bound), number <= _number(below))


def _number(value: Scalar) -> Any:
    if isinstance(value, bool):
        return z3.BoolVal(value)
    if isinstance(value, int):
        return z3.IntVal(value)
    if isinstance(value, float):
        exact = Fraction(value)
        return z3.RealVal(f"{exact.numerator}/{exact.denominator}")
    if isinstance(value, datetime):
        return z3.IntVal((value - _EPOCH) // _MICROSECOND)
    return z3.IntVal(cast("timedelta", value) // _MICROSECOND)


def _range(kind: Type, spec: Any) -> tuple[list[Any], list[Any]]:
    if kind.base is Base.TIMESTAMP:
        return [_number(FIRST)], [_number(LAST)]
    if kind.base is Base.DURATION:
        return [_number(-LONGEST)], [_number(LONGEST)]
    if spec is None or kind.base not in {Base.INT, Base.NUMBER}:
        return [], []
    if kind.base is Base.INT:
        least, most = spec.minimum, spec.maximum
        return [-SAFE if least is None else math.ceil(least)], [SAFE if most is None else math.floor(most)]
    return [_number(float(bound)) for bound in (spec.minimum,) if bound is not None], [
        _number(float(bound)) for bound in (spec.maximum,) if bound is not None
    ]


def _read(model: Any, variable: Any, kind: Type, words: Mapping[int, str]) -> Any:
    value = model.eval(variable, model_completion=True)
    if kind.base is Base.BOOL:
        return z3.is_true(value)
    if kind.base is Base.STRING:
        if z3.is_string_value(value):
            return _unescape(value.as_string())
        code = value.as_long()
        return words.get(code, f"#{code}")  # without letters: right in either case
    if kind.base is Base.NUMBER:
        fraction = value.as_fraction() if z3.is_rational_value(value) else Fraction(0)
        return float(Fraction(fraction.numerator, fraction.denominator))
    number = value.as_long()
    if kind.base is Base.TIMESTAMP:
        return _EPOCH + number * _MICROSECOND
    return number * _MICROSECOND if kind.base is Base.DURATION else number


def _string(text: str) -> Any:
    """Write a text for z3, which reads its own escapes in it: a backslash stands for itself."""
    return z3.StringVal(text.replace("\\", r"\u{5c}"))


def _unescape(text: str) -> str:
    """Read z3's escapes of what is not printable ASCII."""
    return re.sub(r"\\u\{([0-9a-f]+)\}", lambda match: chr(int(match[1], 16)), text)
