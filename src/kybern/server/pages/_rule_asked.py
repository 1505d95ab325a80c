"""Asking the rules: a form of the facts that the schema has, what was written in it, and the decision with its reasons."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from kybern import __version__
from kybern.evidence import Subject, sign, statement
from kybern.gate import STAGES, as_evidence
from kybern.policy import ACTION, CALLER, TIME, decide_on, value_in_words
from kybern.server.store.evidence import take_evidence
from kybern.server.store.keys import held_key
from kybern.server.wording import fact_label, language_of_rules
from kybern.server.wording import value as told_value

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from django.http import QueryDict

    from kybern.gate import Outcome
    from kybern.policy import Bundle, Decision, FactSchema, FactSpec, Rule
    from kybern.server.access.actor import Actor
    from kybern.server.store.evidence import Taken
    from kybern.server.store.models import RecordRow

_LONGEST: Final = 4_000


@dataclass(frozen=True)
class Input:
    """A field of the form: the fact, the text in it, and whether it may be left empty (the fact is then not known)."""

    spec: FactSpec
    text: str
    optional: bool

    @property
    def widget(self) -> str:
        """What it is filled in with."""
        if self.spec.type == "bool":
            return "truth"
        if self.spec.type == "list":
            return "text"
        return "choice" if self.spec.values else "number" if self.spec.type in {"int", "number"} else "text"

    @property
    def hint(self) -> str:
        """How it is written."""
        if self.spec.type == "list":
            among = f": {', '.join(self.spec.values)}" if self.spec.values else ""
            return f"a, b, c{among}"
        return {"timestamp": "2026-11-23T09:00:00Z", "duration": "24h, 30d"}.get(self.spec.type, self.spec.unit or "")


@dataclass(frozen=True)
class AskForm:
    """The form: the action, the facts that the rule looks at, and the others that a request of this action has."""

    action: str
    own: tuple[Input, ...]
    others: tuple[Input, ...]


def form_of_rule(rule: Rule, bundle: Bundle, said: Mapping[str, str], action: str = "") -> AskForm:
    """Make the form: what was said, else what the first example that fires says, else the schema's own examples."""
    action = action if action in rule.spec.applies_to else rule.spec.applies_to[0]
    schema = bundle.schema
    door = schema.doors[action]
    firing = next((one for one in rule.spec.examples if one.expect == "fires" and (one.action or rule.spec.applies_to[0]) == action), None)
    stated = {} if firing is None else firing.facts
    own = [name for name in rule.facts if name in door.caller | door.provided and name != ACTION]
    needed = sorted((door.needed | set(stated)) - {ACTION, *own})

    def made(name: str) -> Input:
        spec = schema.by_name[name]
        default = stated.get(name, None if spec.optional else spec.example)
        return Input(spec, said.get(name, _text(default)) if said else _text(default), spec.optional)

    return AskForm(action, tuple(map(made, own)), tuple(made(name) for name in needed if name in schema.by_name))


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


@dataclass(frozen=True)
class Answer:
    """A decision as it is told: what the rule in question does, what all rules decide, and on which facts."""

    decision: Decision
    fires: bool
    facts: tuple[tuple[str, str], ...]
    unknown: tuple[str, ...]
    """Facts of the rule that are not known."""


def read_said(posted: QueryDict) -> dict[str, str]:
    """Read what was written in the form."""
    return {name.removeprefix("fact."): str(value).strip()[:_LONGEST] for name, value in posted.items() if name.startswith("fact.")}


def asked_of(rule: Rule, bundle: Bundle, form: AskForm) -> Answer:
    """Decide on the facts in a form. What is no value of a fact is a fault of the decision, which then denies and says why."""
    schema = bundle.schema
    door = schema.doors[form.action]
    values = {one.spec.name: _value(one.spec, one.text) for one in (*form.own, *form.others) if one.text}
    given = {ACTION: form.action, **{name: value for name, value in values.items() if name in door.caller}}
    provided = {name: value for name, value in values.items() if name not in door.caller}
    decision = decide_on(bundle, given, provided)
    worded = []
    for one in form.own:
        if one.text:
            try:
                worded.append((fact_label(one.spec), _said(schema, one.spec.name, schema.read(one.spec.name, values[one.spec.name]))))
            except (ValueError, TypeError, OverflowError):
                worded.append((fact_label(one.spec), one.text))
    fires = any(one.id == rule.id for one in decision.fired)
    return Answer(decision, fires, tuple(worded), tuple(fact_label(one.spec) for one in form.own if not one.text))


def _said(schema: FactSchema, name: str, value: object) -> str:
    """Say a value in the reader's language."""
    return value_in_words(schema, name, value, language_of_rules(), told_value)


def _value(spec: FactSpec, text: str) -> Any:
    if spec.type == "list":
        return [_scalar(spec.items or "", one.strip()) for one in text.split(",") if one.strip()]
    return _scalar(spec.type, text)


def _scalar(kind: str, text: str) -> Any:
    """Read a text as a value of a type; what does not read stays text, and the schema says what is wrong with it."""
    if kind == "bool":
        return {"true": True, "false": False}.get(text, text)
    if kind in {"int", "number"}:
        try:
            return int(text) if kind == "int" else float(text)
        except ValueError:
            return text
    return text


def gates_of(rule: Rule) -> tuple[str, ...]:
    """Name the gates that a rule speaks of."""
    return tuple(stage for stage in STAGES if stage in rule.spec.applies_to)


def known_of(outcome: Outcome, rule: Rule) -> Answer:
    """Tell what a gate came to, as the answer to the question of one rule."""
    schema, facts = outcome.decision.bundle.schema, outcome.facts
    names = [name for name in rule.facts if name not in {ACTION, TIME} and name in schema.by_name]
    said = tuple((fact_label(schema.by_name[name]), _said(schema, name, facts[name])) for name in names if name in facts)
    fires = any(one.id == rule.id for one in outcome.decision.fired)
    return Answer(outcome.decision, fires, said, tuple(fact_label(schema.by_name[name]) for name in names if name not in facts))


def keep(who: Actor, row: RecordRow, outcome: Outcome, clock: Callable[[], datetime]) -> Taken:
    """Sign what a gate came to with the reader's own key, and take it in: only a decision on the facts that are there is kept."""
    key = held_key(str(who.person), clock())
    at = min(clock(), outcome.at)
    run = as_evidence(replace(outcome, at=at), __version__)
    return take_evidence([sign(statement(run, [Subject(row.ref, row.digest)]), key)], clock())[0]


__all__ = ["CALLER", "Answer", "AskForm", "Input", "asked_of", "form_of_rule", "gates_of", "keep", "known_of", "read_said"]
