"""The back end for people: a rule as a sentence, in English and in German.

Facts are called by their description in the schema, so whoever writes the schema decides how rules read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Final, Literal

from kybern.policy._core import (
    All,
    AnyOf,
    Compare,
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
    Truth,
    facts_of,
    is_bool,
)
from kybern.policy._rules import Effect
from kybern.policy._schema import SAFE

if TYPE_CHECKING:
    from kybern.policy._rules import Rule
    from kybern.policy._schema import FactSchema

Language = Literal["en", "de"]
Naming = Callable[[str], str]

_WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "en": {
        "==": "is", "!=": "is not", "<": "is less than", "<=": "is at most", ">": "is more than", ">=": "is at least",
        "before": "is before", "by": "is at the latest", "after": "is after", "from": "is at the earliest",
        "shorter": "is shorter than", "longer": "is longer than", "no longer": "is at most", "no shorter": "is at least",
        "true": "yes", "false": "no", "is true": "{0}", "is false": "it is not so that {0}",
        "in": "is one of", "not in": "is none of", "and": "and", "or": "or", "holds": "includes", "holds not": "does not include",
        "there": "{0} is known", "missing": "{0} is not known", "not": "it is not so that {0}",
        "known": "it is known whether {0}", "unknown": "it is not known whether {0}", "quoted": "“{0}” set to {1}",
        "startsWith": "begins with", "endsWith": "ends with", "contains": "contains", "matches": "fits the pattern",
        "not startsWith": "does not begin with", "not endsWith": "does not end with", "not contains": "does not contain",
        "not matches": "does not fit the pattern", "exists": "some item of {0} is such that {1}",
        "all": "every item of {0} is such that {1}", "item": "it",
        "no item": "no item of {0} is such that {1}", "not every": "not every item of {0} is such that {1}",
        "size": "the number of items in {0}", "+": "{0} plus {1}", "-": "{0} minus {1}", "gap": "the time from {1} to {0}",
        "opaque": "the predicate {0} holds of {1}", "all of": "all of these hold", "one of": "one of these holds",
        "if": "{0} if {1}.", "from day": "from {0} on", "until day": "until {0}", "actions": "For {0}",
        "deny": "it is denied", "require-approval": "approval by {0} is required", "defer": "it is deferred until {0}",
        "modify": "it goes on with {0}", "allow": "it is allowed", "set": "{0} set to {1}", "day": "day", "days": "days", "hours": "hours",
        "hour": "hour", "minutes": "minutes", "minute": "minute", "seconds": "seconds", "and_last": "and", "or_last": "or",
    },
    "de": {
        "==": "ist", "!=": "ist nicht", "<": "ist kleiner als", "<=": "ist höchstens", ">": "ist größer als", ">=": "ist mindestens",
        "before": "liegt vor", "by": "liegt spätestens auf", "after": "liegt nach", "from": "liegt frühestens auf",
        "shorter": "ist kürzer als", "longer": "ist länger als", "no longer": "ist höchstens", "no shorter": "ist mindestens",
        "true": "ja", "false": "nein", "is true": "{0}", "is false": "nicht „{0}“",
        "in": "ist", "not in": "ist nicht", "and": "und", "or": "oder", "holds": "enthält", "holds not": "enthält nicht",
        "there": "{0} ist bekannt", "missing": "{0} ist nicht bekannt", "not": "nicht: {0}",
        "known": "bekannt, ob „{0}“", "unknown": "unbekannt, ob „{0}“", "quoted": "„{0}“: {1}",
        "startsWith": "beginnt mit", "endsWith": "endet mit", "contains": "enthält", "matches": "entspricht dem Muster",
        "not startsWith": "beginnt nicht mit", "not endsWith": "endet nicht mit", "not contains": "enthält nicht",
        "not matches": "entspricht nicht dem Muster", "exists": "für einen Eintrag ({0}) gilt: {1}",
        "all": "für jeden Eintrag ({0}) gilt: {1}",
        "item": "er", "no item": "für keinen Eintrag ({0}) gilt: {1}", "not every": "nicht für jeden Eintrag ({0}) gilt: {1}",
        "size": "die Anzahl der Einträge in {0}", "+": "{0} plus {1}", "-": "{0} minus {1}", "gap": "die Zeit von {1} bis {0}",
        "opaque": "das Prädikat {0} trifft zu auf {1}", "all of": "all dies gilt", "one of": "eines davon gilt",
        "if": "{0}, falls gilt: {1}.", "from day": "ab {0}", "until day": "bis {0}", "actions": "Für {0}",
        "deny": "abgelehnt", "require-approval": "Freigabe durch {0} nötig", "defer": "aufgeschoben (bis: {0})",
        "modify": "zugelassen mit Änderung ({0})", "allow": "zugelassen", "set": "{0}: {1}", "day": "Tag", "days": "Tage",
        "hours": "Stunden", "hour": "Stunde", "minutes": "Minuten", "minute": "Minute", "seconds": "Sekunden", "and_last": "und",
        "or_last": "oder",
    },
}  # fmt: skip
_OPPOSITE: Final = {"==": "!=", "!=": "==", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}


def in_words(rule: Rule, schema: FactSchema, language: Language = "en", name: Naming = str) -> str:
    """Say a rule as one sentence: for what, what follows, if what. `name` tells a slug of it, or when to ask again, in the language."""
    say = _Speaker(schema, language, name)
    spec = rule.spec
    head = f"{say.word('actions', say.listed([name(one) for one in spec.applies_to], 'or'))}{say.days(rule)}"
    return say.word("if", f"{head}{': ' if language == 'de' else ', '}{say.effect(rule)}", say.expr(rule.condition))


def condition_in_words(expr: Expr, schema: FactSchema, language: Language = "en") -> str:
    """Say a condition."""
    return _Speaker(schema, language).expr(expr)


def value_in_words(schema: FactSchema, fact: str, value: object, language: Language = "en", name: Naming = str) -> str:
    """Say the value of a fact, with its unit."""
    spec = schema.by_name.get(fact)
    unit = None if spec is None else (spec.unit)
    return _Speaker(schema, language, name).value(value, unit)


def _without_guards(items: tuple[Expr, ...]) -> tuple[Expr, ...]:
    """Leave out that a fact is known where the next words say what it is: that it is more than 3 says that it is there."""
    said = {name for item in items for name in _said(item)}
    return tuple(item for item in items if not (isinstance(item, Has) and item.fact.name in said))


def _said(item: Expr) -> set[str]:
    inner = item.inner if isinstance(item, Not) else item
    if isinstance(inner, Compare | In | Truth | TextTest | Matches):
        return {fact.name for fact in facts_of(inner)}
    return set()


def _open_last(items: tuple[Expr, ...], holds: bool) -> list[Expr]:  # noqa: FBT001
    """Put last what would seem to reach on into the next words: "it is not known whether A or B"."""
    return sorted(items, key=lambda item: _is_open(item, holds))


def _is_open(item: Expr, holds: bool) -> bool:  # noqa: FBT001
    if isinstance(item, Not):
        return _is_open(item.inner, not holds)
    return (
        isinstance(item, Opaque | Quantified) or (isinstance(item, Has) and is_bool(item.fact)) or (isinstance(item, Truth) and not holds)
    )


@dataclass(frozen=True)
class _Speaker:
    schema: FactSchema
    language: Language
    told: Naming = str

    def word(self, key: str, *parts: str) -> str:
        return _WORDS[self.language][key].format(*parts)

    def listed(self, parts: Sequence[str], joint: str) -> str:
        if len(parts) < 2:  # noqa: PLR2004 - one has no joint
            return "".join(parts)
        return f"{', '.join(parts[:-1])} {self.word(f'{joint}_last')} {parts[-1]}"

    # The envelope

    def effect(self, rule: Rule) -> str:
        spec = rule.spec
        if spec.effect is Effect.REQUIRE_APPROVAL:
            return self.word("require-approval", self.listed([self.told(one) for one in spec.approvers], "or"))
        if spec.effect is Effect.DEFER:
            return self.word("defer", self.told(str(spec.retry)))
        if spec.effect is Effect.MODIFY:
            return self.word("modify", self.listed([self.set(name, value) for name, value in spec.modify.items()], "and"))
        return self.word(spec.effect.value)

    def set(self, name: str, value: object) -> str:
        """Say what a fact is set to; the label of a truth is a sentence of its own, so it is quoted."""
        spec = self.schema.by_name.get(name)
        unit = None if spec is None else spec.unit
        return self.word("quoted" if isinstance(value, bool) else "set", self.name(name), self.value(value, unit))

    def days(self, rule: Rule) -> str:
        effective = rule.spec.effective
        if effective is None:
            return ""
        since = "" if effective.since is None else f" {self.word('from day', self.day(effective.since))}"
        return since + ("" if effective.until is None else f" {self.word('until day', self.day(effective.until))}")

    def day(self, day: date) -> str:
        return day.isoformat() if self.language == "en" else f"{day.day}.{day.month}.{day.year}"

    # Conditions

    def expr(self, node: Expr, *, holds: bool = True, inner: bool = False) -> str:
        if isinstance(node, Not):
            return self.expr(node.inner, holds=not holds, inner=inner)
        if isinstance(node, All | AnyOf):
            both = isinstance(node, All) == holds  # De Morgan: the denial goes into the parts
            told = _without_guards(node.items) if isinstance(node, All) and holds else node.items
            parts = [self.expr(item, holds=holds, inner=len(told) > 1) for item in _open_last(told, holds)]
            inner = inner and len(told) > 1
            joined = f" {self.word('and' if both else 'or')} ".join(parts)
            return f"({joined})" if inner else joined
        return self._alone(node, holds)

    def _alone(self, node: Expr, holds: bool) -> str:  # noqa: FBT001, PLR0911 - one line a form
        if isinstance(node, Truth):
            return self.word("is true" if holds else "is false", self.term(node.term))
        if isinstance(node, Compare):
            return self._compare(node, holds)
        if isinstance(node, In):
            return self._in(node, holds)
        if isinstance(node, Has):
            keys = ("known", "unknown") if is_bool(node.fact) else ("there", "missing")
            return self.word(keys[0] if holds else keys[1], self.term(node.fact))
        if isinstance(node, TextTest):
            return f"{self.term(node.term)} {self.word(node.test if holds else f'not {node.test}')} {self.value(node.text)}"
        if isinstance(node, Matches):
            return f"{self.term(node.term)} {self.word('matches' if holds else 'not matches')} {node.pattern}"
        if isinstance(node, Quantified):
            key = {("exists", True): "exists", ("exists", False): "no item", ("all", True): "all"}.get((node.kind, holds), "not every")
            return self.word(key, self.term(node.of), self.expr(node.body))
        if isinstance(node, Opaque):
            said = self.word("opaque", node.name, self.listed([self.term(one) for one in node.terms], "and"))
            return said if holds else self.word("not", said)
        msg = f"no such condition: {node}"
        raise TypeError(msg)

    def _compare(self, node: Compare, holds: bool) -> str:  # noqa: FBT001
        sign = node.operator if holds else _OPPOSITE[node.operator]
        key = sign
        if node.left.type.base == "timestamp":
            key = {"<": "before", "<=": "by", ">": "after", ">=": "from"}.get(sign, sign)
        elif node.left.type.base == "duration":
            key = {"<": "shorter", "<=": "no longer", ">": "longer", ">=": "no shorter"}.get(sign, sign)
        return f"{self.term(node.left)} {self.word(key)} {self.term(node.right)}"

    def _in(self, node: In, holds: bool) -> str:  # noqa: FBT001
        if isinstance(node.among, Fact):
            return f"{self.term(node.among)} {self.word('holds' if holds else 'holds not')} {self.term(node.item)}"
        if len(node.among) == 1:
            return f"{self.term(node.item)} {self.word('==' if holds else '!=')} {self.term(node.among[0])}"
        return (
            f"{self.term(node.item)} {self.word('in' if holds else 'not in')} {self.listed([self.term(one) for one in node.among], 'or')}"
        )

    # Terms

    def name(self, name: str) -> str:
        spec = self.schema.by_name.get(name)
        if spec is None:
            return name
        return spec.label_de or spec.label if self.language == "de" else spec.label

    def term(self, term: Term) -> str:
        if isinstance(term, Fact):
            return self.name(term.name)
        if isinstance(term, Item):
            return self.word("item")
        if isinstance(term, Lit):
            return self.value(term.value, term.type.unit)
        if isinstance(term, Size):
            return self.word("size", self.term(term.of))
        if isinstance(term, Shifted):
            return self.word(term.sign, self.term(term.moment), self.term(term.span))
        if isinstance(term, Gap):
            return self.word("gap", self.term(term.later), self.term(term.earlier))
        msg = f"no such term: {term}"
        raise TypeError(msg)

    def value(self, value: object, unit: str | None = None) -> str:
        if isinstance(value, bool):
            return self.word("true" if value else "false")
        if isinstance(value, str):
            said = self.told(value)
            return f"„{said}“" if self.language == "de" else f"“{said}”"
        if isinstance(value, datetime):
            moment = value.astimezone(UTC)
            midnight = moment.time() == time()
            return self.day(moment.date()) if midnight else f"{self.day(moment.date())} {moment.time().isoformat()} UTC"
        if isinstance(value, timedelta):
            return self.span(value)
        if isinstance(value, list | tuple):
            return self.listed([self.value(one, unit) for one in value], "and") or "[]"
        if unit == "share" and isinstance(value, int | float):
            value, unit = float(Decimal(repr(value)) * 100), "%"  # as it is written: 0.333 is 33.3 %
        text = str(int(value)) if isinstance(value, float) and value.is_integer() and abs(value) <= SAFE else str(value)
        text = text.replace(".", ",") if self.language == "de" else text
        joint = "" if unit == "%" and self.language == "en" else " "
        return f"{text}{joint}{unit}" if unit else text

    def span(self, span: timedelta) -> str:
        for unit, size in (("day", 86_400), ("hour", 3600), ("minute", 60)):
            count, rest = divmod(span, timedelta(seconds=size))
            if count and not rest:
                return f"{count} {self.word(unit if abs(count) == 1 else f'{unit}s')}"
        whole, micros = divmod(abs(span) // timedelta(microseconds=1), 1_000_000)
        part = f".{micros:06}".rstrip("0") if micros else ""
        text = f"{'-' if span < timedelta(0) else ''}{whole}{part}"
        return f"{text.replace('.', ',') if self.language == 'de' else text} {self.word('seconds')}"
