"""From files to a bundle, or every problem with its place: what does not load is not in force, and nothing loads by halves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from kybern.base import InputError, Place, Problem
from kybern.base.suggest import Suggester
from kybern.base.validation import validate
from kybern.base.yaml import YamlDocument, read_yaml
from kybern.policy._bundle import Bundle, make_rule
from kybern.policy._check import check
from kybern.policy._place import place_in_text
from kybern.policy._predicates import Predicate
from kybern.policy._rules import DENY_WINS, Effect, Example, Rule, RuleSpec
from kybern.policy._schema import ACTION, CALLER, TIME, BadFacts, FactSchema
from kybern.policy._syntax import Fault

if TYPE_CHECKING:
    from kybern.policy._schema import Facts

_MAX_RULES = 20_000
_NONE: Mapping[str, Predicate] = {}


def read_schema(data: bytes, file: str) -> FactSchema:
    """Read a fact schema; `InputError` with every problem and its place."""
    documents = read_yaml(data, file)
    if len(documents) != 1:
        raise InputError.one("one-document", "A schema is one document.", Place(file))
    schema, problems = validate(FactSchema, documents[0], whole="The schema")
    if schema is None:
        raise InputError(problems)
    return schema


@dataclass
class _Reading:
    """Rules as they are read, and what is wrong."""

    schema: FactSchema
    predicates: Mapping[str, Predicate]
    rules: dict[str, Rule] = field(default_factory=dict)
    places: dict[str, Place] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    suggester: Suggester = field(default_factory=Suggester)


def load_bundle(  # noqa: PLR0913 - what a bundle is made of
    schema: FactSchema,
    sources: Iterable[tuple[str, bytes]],
    *,
    predicates: Mapping[str, Predicate] = _NONE,
    order: Sequence[Effect] = DENY_WINS,
    default: Effect = Effect.DENY,
    choose: Mapping[str, bool] | None = None,
) -> Bundle:
    """Read files of rules (name, bytes) over a schema: each holds a list of rules.

    `choose` switches rules off by name (false). Raises `InputError` with every problem of every rule: its form, its condition, an
    example that comes out otherwise, a name that stands twice.
    """
    reading = _Reading(schema, predicates)
    if sorted(order) != sorted(DENY_WINS):
        message = f"The order names each of {', '.join(DENY_WINS)} once."
        raise InputError.one("bad-order", message, Place("kybern"))
    if default in {Effect.MODIFY, Effect.DEFER, Effect.REQUIRE_APPROVAL}:
        message = f"The default is deny or allow: {default} says by whom, with what or until when, and only a rule does."
        raise InputError.one("bad-default", message, Place("kybern"), "Write a rule for what remains.")
    for file, data in sources:
        try:
            documents = read_yaml(data, file)
        except InputError as error:
            reading.problems += error.problems
            continue
        for document in documents:
            _take_all(reading, document)
    if reading.problems:
        raise InputError(reading.problems)
    rules = tuple(rule for rule in reading.rules.values() if choose is None or choose.get(rule.id, True))
    return Bundle(schema, rules, predicates, tuple(order), default)


def _take_all(reading: _Reading, document: YamlDocument) -> None:
    if document.value is None:
        return
    if not isinstance(document.value, list):
        reading.problems.append(Problem("wrong-type", "A file of rules is a list.", document.place(), "Start each with `- id:`."))
        return
    for index in range(len(document.value)):
        if len(reading.rules) >= _MAX_RULES:
            reading.problems.append(Problem("too-many", f"A bundle has at most {_MAX_RULES:,} rules.", document.place((index,))))
            return
        spec, problems = validate(RuleSpec, document, (index,), whole="The rule")
        reading.problems += problems
        if spec is not None:
            _take(reading, spec, document, index)


def _take(reading: _Reading, spec: RuleSpec, document: YamlDocument, index: int) -> None:
    """Check one rule against the schema and its examples."""
    before = len(reading.problems)
    place = document.place((index, "id"))
    if spec.id in reading.places:
        reading.problems.append(
            Problem("duplicate-rule", f"The rule {spec.id} is stated twice.", place, f"It is first at {reading.places[spec.id]}.")
        )
    reading.places.setdefault(spec.id, place)
    reading.problems += _references(reading, spec, document, index)
    if len(reading.problems) > before:
        return
    try:
        condition = check(spec.when, reading.schema, spec.applies_to, reading.predicates)
    except Fault as fault:
        where = place_in_text(document, (index, "when"), spec.when, fault.at)
        reading.problems.append(Problem(fault.rule, fault.message, where, fault.hint))
        return
    rule = make_rule(spec, condition, reading.predicates)
    reading.problems += _examples(reading, rule, document, index)
    if len(reading.problems) == before:
        reading.rules[spec.id] = rule


def _references(reading: _Reading, spec: RuleSpec, document: YamlDocument, index: int) -> Iterable[Problem]:
    """Find actions and facts that the schema does not have."""
    for at, action in enumerate(spec.applies_to):
        if action not in reading.schema.actions:
            hint = reading.suggester.hint(action, reading.schema.actions, f"There are {', '.join(reading.schema.actions)}.")
            yield Problem("unknown-action", f"There is no action {action}.", document.place((index, "applies_to", at)), hint)
    for name, value in spec.modify.items():
        fact = reading.schema.by_name.get(name)
        place = document.place((index, "modify", name), key=True)
        absent = [] if fact is None or not fact.actions else [action for action in spec.applies_to if action not in fact.actions]
        if fact is None:
            yield Problem("unknown-fact", f"There is no fact {name}.", place, reading.suggester.hint(name, reading.schema.by_name))
        elif fact.provider != CALLER:
            message = f"{name} comes from {fact.provider}: a rule cannot set it."
            yield Problem("not-the-callers", message, place, "Set what the caller states.")
        elif absent:
            yield Problem("not-here", f"{name} is no fact of {', '.join(absent)}, to which the rule applies.", place, "Narrow applies_to.")
        else:
            try:
                reading.schema.read(name, value)
            except (ValueError, TypeError, OverflowError) as error:
                yield Problem("wrong-value", f"{name}: {error}.", place)


def _examples(reading: _Reading, rule: Rule, document: YamlDocument, index: int) -> Iterable[Problem]:
    """Run every example: one that comes out otherwise keeps the rule from loading."""
    for at, example in enumerate(rule.spec.examples):
        where = (index, "examples", at)
        try:
            fires = rule.test(example_facts(reading.schema, rule.spec, example).values)
        except BadFacts as bad:
            yield Problem("bad-example", f"The example cannot be: {'; '.join(bad.faults)}.", document.place((*where, "facts")))
            continue
        except Exception as error:  # noqa: BLE001 - a failing rule is a finding, whatever fails in it
            yield Problem("failing-example", f"The rule cannot be tested on it: {error}.", document.place(where))
            continue
        if fires != (example.expect == "fires"):
            message = f"The example {example.title!r} is to be {example.expect}, and the rule {'fires' if fires else 'is silent'}."
            yield Problem("example-fails", message, document.place((*where, "expect")), "Correct the condition or the example.")


def example_facts(schema: FactSchema, spec: RuleSpec, example: Example) -> Facts:
    """Complete an example with the schema's own; `BadFacts` if it cannot be. The clock stands within the rule's time of effect."""
    action = example.action or spec.applies_to[0]
    door = schema.doors.get(action)
    if door is None or action not in spec.applies_to:
        raise BadFacts([f"the rule does not apply to the action {action}"])
    here = door.caller | door.provided
    values: dict[str, Any] = {name: schema.by_name[name].example for name in door.needed}
    values[TIME] = _within(spec, values[TIME])
    values |= example.facts
    strange = [name for name in values if name not in here]
    if strange:
        raise BadFacts(door.strange(schema, strange) or [f"{name} is not a fact of {action}" for name in strange])
    given = {name: value for name, value in values.items() if name in door.caller}
    return schema.facts_of({ACTION: action, **given}, {name: value for name, value in values.items() if name in door.provided})


def _within(spec: RuleSpec, moment: str) -> str | datetime:
    """Move the example's moment into the rule's time of effect."""
    found = datetime.fromisoformat(moment)
    if spec.effective is not None and spec.effective.since is not None:
        found = max(found, datetime.combine(spec.effective.since, time(12), UTC))
    if spec.effective is not None and spec.effective.until is not None:
        found = min(found, datetime.combine(spec.effective.until, time(12), UTC) + timedelta(0))
    return found
