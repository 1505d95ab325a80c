"""Rules as a module of Rego: the same conditions, and the bundle's own order of effects.

Rego has no "or" within a rule, so each becomes a helper with a body for every side. A fact that is missing makes a condition of Rego
undefined, and so a deny rule silent; Kybern's conditions ask with `has` before they use a fact, and the module denies where a fact
is missing that must be there.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

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
    Quantified,
    Scalar,
    Size,
    Term,
    TextTest,
    Truth,
    conjuncts,
)
from kybern.policy._export import Export, LeftOut, NotExpressible, heading, micros, needed_facts, shared_limits

if TYPE_CHECKING:
    from kybern.policy._bundle import Bundle
    from kybern.policy._rules import Rule

_TESTS = {"startsWith": "startswith", "endsWith": "endswith", "contains": "contains"}
_ITEM = "item"

_DECISION = """\
# What must be there, by action: without it the answer is deny.
missing contains name if {
  some name in needed[input.action]
  object.get(input.facts, name, null) == null
}

incomplete if count(missing) > 0

incomplete if not needed[input.action]

effects contains rules[id].effect if some id in fired

effect := "deny" if incomplete
@ELSE@
allow if effect in {"allow", "modify"}

deciding contains id if {
  not incomplete
  some id in fired
  rules[id].effect == effect
}

approvers contains role if {
  some id in deciding
  some role in rules[id].approvers
}

messages contains rules[id].message if some id in deciding

decision := {"allow": effect in {"allow", "modify"}, "effect": effect, "deciding": deciding, "fired": fired, "missing": missing}
"""


def to_rego(bundle: Bundle) -> Export:
    """Write a bundle as a module `kybern`, for OPA 1.0 and what understands its Rego. Ask it for `data.kybern.decision`."""
    written: list[tuple[Rule, str]] = []
    left_out: list[LeftOut] = []
    for number, rule in enumerate(bundle.rules):
        try:
            shared_limits(rule.expr)
            written.append((rule, _Writer(f"r{number}").rule(rule)))
        except NotExpressible as why:
            left_out.append(LeftOut(rule, str(why)))
    rules = tuple(rule for rule, _ in written)
    parts = [
        heading(bundle, tuple(left_out), "#"),
        "package kybern\n\nimport rego.v1\n",
        _decision(bundle),
        f"needed := {_table({action: list(names) for action, names in needed_facts(bundle).items()})}\n",
        f"rules := {_table({rule.id: _about(rule) for rule in rules})}\n",
        *(text for _, text in written),
    ]
    if not written:
        parts.append("fired contains id if some id in []\n")
    return Export("rego", {"kybern.rego": "\n".join(parts)}, rules, tuple(left_out))


def _decision(bundle: Bundle) -> str:
    chain = [f"else := {_json(effect.value)} if {_json(effect.value)} in effects\n" for effect in bundle.order]
    return _DECISION.replace("@ELSE@", "\n".join([*chain, f"else := {_json(bundle.default.value)}\n"]))


def _about(rule: Rule) -> dict[str, object]:
    spec = rule.spec
    return {
        "effect": spec.effect.value,
        "message": spec.message,
        "approvers": list(spec.approvers),
        "modify": dict(spec.modify),
        "obligations": [one.model_dump(mode="json") for one in spec.obligations],
        **({} if spec.retry is None else {"retry": spec.retry}),
    }


@dataclass
class _Writer:
    """Writes one rule; what has to be a rule of its own in Rego becomes a helper named after it."""

    name: str
    helpers: list[str] = field(default_factory=list)
    count: int = 0

    def rule(self, rule: Rule) -> str:
        actions = f"input.action in {{{', '.join(map(_json, rule.spec.applies_to))}}}"
        body = [actions, *self._body(rule.expr, inside=False)]
        title = " ".join(rule.spec.title.split())  # a line break would end the comment
        head = f"# {title}\nfired contains {_json(rule.id)} if {{\n"
        return "\n".join([head + "".join(f"  {line}\n" for line in body) + "}\n", *self.helpers])

    def _body(self, expr: Expr, *, inside: bool) -> list[str]:
        return [self._line(one, inside=inside) for one in conjuncts(expr)]

    def _line(self, node: Expr, *, inside: bool) -> str:
        if isinstance(node, Not):
            return f"not {self._helper([node.inner], inside=inside)}"
        if isinstance(node, AnyOf):
            return self._helper(list(node.items), inside=inside)
        if isinstance(node, All):
            return self._helper([node], inside=inside)
        if isinstance(node, Quantified):
            return self._quantified(node)
        return _alone(node)

    def _helper(self, sides: list[Expr], *, inside: bool) -> str:
        """Write a rule that holds where one of the sides does; within a list it takes the item."""
        self.count += 1
        name = f"{self.name}_{self.count}{f'({_ITEM})' if inside else ''}"
        for side in sides:
            lines = "".join(f"  {line}\n" for line in self._body(side, inside=inside))
            self.helpers.append(f"{name} if {{\n{lines}}}\n")
        return name

    def _quantified(self, node: Quantified) -> str:
        lines = "; ".join(self._body(node.body, inside=True))
        of = _fact(node.of)
        if node.kind == "all":
            return f"every {_ITEM} in {of} {{ {lines} }}"
        self.count += 1
        name = f"{self.name}_{self.count}"
        self.helpers.append(f"{name} if {{\n  some {_ITEM} in {of}\n  {lines}\n}}\n")
        return name


def _alone(node: Expr) -> str:
    if isinstance(node, Truth):
        return f"{_term(node.term)} == true"
    if isinstance(node, Has):
        return f"object.get(input.facts, {_json(node.fact.name)}, null) != null"
    if isinstance(node, Compare):
        return f"{_term(node.left)} {node.operator} {_term(node.right)}"
    if isinstance(node, In):
        among = _fact(node.among) if isinstance(node.among, Fact) else f"{{{', '.join(map(_term, node.among))}}}"
        return f"{_term(node.item)} in {among}"
    if isinstance(node, TextTest):
        return f"{_TESTS[node.test]}({_term(node.term)}, {_json(node.text)})"
    if isinstance(node, Matches):
        return f"regex.match({_json(node.pattern)}, {_term(node.term)})"
    msg = f"Rego has no form for {type(node).__name__}"
    raise NotExpressible(msg)


def _term(term: Term) -> str:
    if isinstance(term, Fact):
        return _fact(term)
    if isinstance(term, Item):
        return _ITEM
    if isinstance(term, Lit):
        return _literal(term.value)
    if isinstance(term, Size):
        return f"count({_fact(term.of)})"
    if isinstance(term, Gap):
        return f"({_term(term.later)} - {_term(term.earlier)})"
    msg = f"Rego has no form for {type(term).__name__}"
    raise NotExpressible(msg)


def _fact(fact: Fact) -> str:
    return "input.action" if fact.name == "action" else f"input.facts[{_json(fact.name)}]"


def _literal(value: Scalar) -> str:
    return str(micros(value)) if isinstance(value, datetime | timedelta) else _json(value)


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _table(value: object) -> str:
    """Write a table over many lines: some engines read lines of a thousand signs at most."""
    return json.dumps(value, ensure_ascii=False, indent=2)
