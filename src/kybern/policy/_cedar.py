"""Rules as Cedar policies: what goes on is permitted, what is held up is forbidden, and annotations tell effects apart.

Cedar knows neither fractions nor the sizes of sets nor patterns, and skips a policy that fails: such a rule is left out by name.
What Kybern holds up before it lets anything go on, Cedar does too, since its forbid always wins; an order in which that is not so
cannot be exported.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Literal

from kybern.policy._core import (
    All,
    AnyOf,
    Compare,
    Expr,
    Fact,
    Gap,
    Has,
    In,
    Lit,
    Not,
    Quantified,
    Scalar,
    Size,
    Term,
    TextTest,
    Truth,
)
from kybern.policy._export import GOES_ON, Export, LeftOut, NotExpressible, exported_facts, heading, micros, needed_facts, shared_limits
from kybern.policy._rules import Effect
from kybern.policy._schema import ACTION
from kybern.policy._types import Base

if TYPE_CHECKING:
    from kybern.policy._bundle import Bundle
    from kybern.policy._rules import Rule
    from kybern.policy._schema import Door, Facts, FactSchema
    from kybern.policy._types import Type

_LARGEST: Final = 2**63 - 1
_EMPTY: Final = {("==", 0), ("<", 1), ("<=", 0)}
_SOME: Final = {("!=", 0), (">=", 1), (">", 0)}
_KINDS: Final = {
    Base.BOOL: "Bool", Base.INT: "Long", Base.NUMBER: "String", Base.STRING: "String", Base.TIMESTAMP: "Long", Base.DURATION: "Long",
}  # fmt: skip


def to_cedar(bundle: Bundle) -> Export:
    """Write a bundle as Cedar. Raises `NotExpressible` for an order of effects that Cedar does not have."""
    _check_order(bundle)
    written: list[tuple[Rule, str]] = []
    left_out: list[LeftOut] = []
    for rule in bundle.rules:
        try:
            shared_limits(rule.expr)
            written.append((rule, _policy(rule, _expr(rule.expr))))
        except NotExpressible as why:
            left_out.append(LeftOut(rule, str(why)))
    missing = tuple(left_out)
    text = heading(bundle, missing, "//") + "".join(f"\n{policy}" for policy in [*_closed(bundle), *(policy for _, policy in written)])
    files = {"kybern.cedar": text, "kybern.cedarschema": _schema(bundle.schema)}
    return Export("cedar", files, tuple(rule for rule, _ in written), missing)


def _check_order(bundle: Bundle) -> None:
    went_on = [effect in GOES_ON for effect in bundle.order]
    if went_on != sorted(went_on):
        msg = f"the order {', '.join(bundle.order)} lets an effect that goes on win over one that holds up; Cedar's forbid always wins"
        raise NotExpressible(msg)


def _policy(rule: Rule, condition: str) -> str:
    spec = rule.spec
    notes = {"id": spec.id, "effect": spec.effect.value, "message": spec.message}
    if spec.approvers:
        notes["approvers"] = ", ".join(spec.approvers)
    if spec.retry is not None:
        notes["retry"] = spec.retry
    if spec.modify:
        notes["modify"] = json.dumps(spec.modify, ensure_ascii=False, sort_keys=True)
    if spec.obligations:
        notes["obligations"] = "; ".join(one.text for one in spec.obligations)
    word = "permit" if spec.effect in GOES_ON else "forbid"
    head = "".join(f"@{name}({_text(value)})\n" for name, value in notes.items())
    return f"{head}{word} (principal, {_actions(spec.applies_to)}, resource)\nwhen {{ {condition} }};\n"


def _actions(names: tuple[str, ...]) -> str:
    return f"action in [{', '.join(f'Action::{_text(name)}' for name in names)}]"


def _closed(bundle: Bundle) -> list[str]:
    """Deny where a fact that must be there is missing, and go on by default where the bundle does."""
    found = [
        f'@id("facts-missing-{action}")\n@effect("deny")\n@message("A fact that must be there is missing.")\n'
        f"forbid (principal, {_actions((action,))}, resource)\n"
        f"unless {{ {' && '.join(f'context has {_text(name)}' for name in names)} }};\n"
        for action, names in needed_facts(bundle).items()
    ]
    if bundle.default in GOES_ON:
        everything = _actions(tuple(bundle.schema.actions))
        found.append(f'@id("default")\n@effect("{bundle.default.value}")\npermit (principal, {everything}, resource);\n')
    return found


# --- Conditions --------------------------------------------------------------------------------------------------------------------


def _expr(node: Expr) -> str:  # noqa: PLR0911 - one line a form
    if isinstance(node, All):
        return f"({' && '.join(map(_expr, node.items))})"
    if isinstance(node, AnyOf):
        return _any(node.items)
    if isinstance(node, Not):
        return f"!({_expr(node.inner)})"
    if isinstance(node, Compare):
        return _compare(node)
    if isinstance(node, In):
        return _in(node)
    if isinstance(node, Quantified):
        return _quantified(node)
    if isinstance(node, Has):
        return f"context has {_text(node.fact.name)}"
    if isinstance(node, Truth):
        return _term(node.term)
    if isinstance(node, TextTest):
        return f"{_term(node.term)} like {_like(node)}"
    msg = "Cedar has no regular expressions"
    raise NotExpressible(msg)


def _any(items: tuple[Expr, ...]) -> str:
    """Join sides; "it is missing, or" becomes if-then-else, from which Cedar's own checker sees that the fact is there."""
    for at, item in enumerate(items):
        if isinstance(item, Not) and isinstance(item.inner, Has):
            rest = (*items[:at], *items[at + 1 :])
            return f"(if {_expr(item.inner)} then {_any(rest) if rest else 'false'} else true)"
    return f"({' || '.join(map(_expr, items))})"


def _compare(node: Compare) -> str:
    if isinstance(node.left, Size):
        return _size(node, node.left)
    return f"({_term(node.left)} {node.operator} {_term(node.right)})"


def _size(node: Compare, size: Size) -> str:
    if isinstance(node.right, Lit) and (node.operator, node.right.value) in _EMPTY | _SOME:
        empty = f"{_term(size.of)}.isEmpty()"
        return empty if (node.operator, node.right.value) in _EMPTY else f"!({empty})"
    msg = "Cedar does not count the items of a set"
    raise NotExpressible(msg)


def _in(node: In) -> str:
    if isinstance(node.among, Fact):
        return f"{_term(node.among)}.contains({_term(node.item)})"
    return f"[{', '.join(map(_term, node.among))}].contains({_term(node.item)})"


def _quantified(node: Quantified) -> str:
    """Say that an item is equal to a value; Cedar goes through no set."""
    body = node.body
    if (
        node.kind == "exists"
        and isinstance(body, Compare)
        and body.operator == "=="
        and body.left == node.item
        and isinstance(body.right, Lit)
    ):
        return f"{_term(node.of)}.contains({_term(body.right)})"
    msg = "Cedar does not go through the items of a set"
    raise NotExpressible(msg)


def _term(term: Term) -> str:
    if isinstance(term, Fact):
        if (term.type.item or term.type).base is Base.NUMBER:
            msg = f"{term.name} is a number with fractions, which Cedar does not have"
            raise NotExpressible(msg)
        if term.name == ACTION:
            msg = "the action is no value in Cedar: name it in applies_to"
            raise NotExpressible(msg)
        return f"context[{_text(term.name)}]"
    if isinstance(term, Lit):
        return _literal(term.value)
    if isinstance(term, Gap):
        return f"({_term(term.later)} - {_term(term.earlier)})"
    msg = "Cedar does not count or go through the items of a set"
    raise NotExpressible(msg)


def _literal(value: Scalar) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, datetime | timedelta):
        value = micros(value)
    if isinstance(value, float):
        msg = f"{value:g} is a number with fractions, which Cedar does not have"
        raise NotExpressible(msg)
    if abs(value) > _LARGEST:
        msg = f"{value} is beyond the whole numbers of Cedar"
        raise NotExpressible(msg)
    return str(value)


def _like(node: TextTest) -> str:
    text = _text(node.text)[1:-1].replace("*", r"\*")
    ways: dict[Literal["startsWith", "endsWith", "contains"], str] = {
        "startsWith": f"{text}*",
        "endsWith": f"*{text}",
        "contains": f"*{text}*",
    }
    return f'"{ways[node.test]}"'


def _text(value: str) -> str:
    return f'"{"".join(map(_sign, value))}"'


def _sign(sign: str) -> str:
    if sign in '"\\':
        return f"\\{sign}"
    return sign if sign.isprintable() else f"\\u{{{ord(sign):x}}}"


# --- The schema --------------------------------------------------------------------------------------------------------------------


def _kind_of(kind: Type) -> str:
    return _KINDS[kind.base] if kind.item is None else f"Set<{_kind_of(kind.item)}>"


def _schema(schema: FactSchema) -> str:
    """Write the facts as a Cedar schema, so that requests can be checked before they are decided on."""
    note = f"// Facts of {schema.ref}. Numbers with fractions are texts: it is only asked whether they are there.\n"
    return note + "entity Caller;\nentity System;\n" + "".join(_action(schema, door) for door in schema.doors.values())


def _action(schema: FactSchema, door: Door) -> str:
    here = [fact for fact in schema.facts if fact.name in door.caller | door.provided]
    lines = "".join(f"    {_text(fact.name)}{'?' if fact.optional else ''}: {_kind_of(fact.kind)},\n" for fact in here)
    head = f"action {_text(door.action)} appliesTo {{\n  principal: [Caller],\n  resource: [System],\n"
    return f"{head}  context: {{\n{lines}  }},\n}};\n"


def cedar_context(facts: Facts) -> dict[str, Any]:
    """Write facts as the context of a request to Cedar."""
    return {name: _as_text(value) for name, value in exported_facts(facts).items()}


def _as_text(value: object) -> object:
    if isinstance(value, list):
        return [_as_text(one) for one in value]
    return repr(value) if isinstance(value, float) else value


def cedar_effect(bundle: Bundle, fired: list[Effect]) -> Effect:
    """Name the effect that Cedar's answer stands for: of the policies that decided, the first in the bundle's order."""
    return min(fired, key=bundle.rank.__getitem__) if fired else bundle.default
