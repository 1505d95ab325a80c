"""Rules and requests for tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from policy_world import SCHEMA

from kybern.policy import Bundle, Effect, Predicate, RuleSpec, load_bundle
from kybern.policy._bundle import make_rule
from kybern.policy._check import check

NONE: Mapping[str, Predicate] = {}


def text(when: str, *, fires: str = "{}", silent: str = "{}", effect: str = "deny", more: str = "") -> bytes:
    """A file with one rule."""
    return f"""
- id: r
  title: A rule
  owner: governance
  rationale: It is tested.
  applies_to: [deploy]
  effect: {effect}
  when: >-
    {when}
  message: Mend it
{more}
  examples:
    - {{title: It fires, facts: {fires}, expect: fires}}
    - {{title: It is silent, facts: {silent}, expect: silent}}
""".encode()


def bundle(when: str, **words: str) -> Bundle:
    """Load one rule from a file, examples and all."""
    return load_bundle(SCHEMA, [("rules.yaml", text(when, **words))])


def bundle_of(
    *whens: str,
    effects: Sequence[str] = (),
    action: str = "deploy",
    predicates: Mapping[str, Predicate] = NONE,
    order: Sequence[Effect] | None = None,
    default: Effect = Effect.ALLOW,
) -> Bundle:
    """Make rules of conditions without examples; where none fires, allow, so that a test sees the difference."""
    rules = []
    for number, when in enumerate(whens):
        effect = Effect(effects[number]) if effects else Effect.DENY
        spec = RuleSpec.model_construct(
            id=f"r{number}", title="A rule", owner="governance", rationale="It is tested.", controls=(), requirements=(),
            applies_to=(action,), effect=effect, when=when, message="Mend it", obligations=(), approvers=(), modify={}, retry=None,
            effective=None, profiles=(), examples=(),
        )  # fmt: skip
        rules.append(make_rule(spec, check(when, SCHEMA, (action,), predicates), predicates))
    found = Bundle(SCHEMA, tuple(rules), predicates, default=default if effects == () else Effect.DENY)
    return found if order is None else Bundle(SCHEMA, tuple(rules), predicates, tuple(order), default)


def request(facts: Mapping[str, Any], action: str = "deploy") -> tuple[dict[str, Any], dict[str, Any]]:
    """Complete the facts of a request: what its caller gives, what providers supply."""
    door = SCHEMA.doors[action]
    whole = {name: SCHEMA.by_name[name].example for name in door.needed} | dict(facts)
    given = {name: value for name, value in whole.items() if name not in door.provided}
    return {"action": action, **given}, {name: value for name, value in whole.items() if name in door.provided}
