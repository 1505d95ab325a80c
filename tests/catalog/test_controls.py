"""The library of controls: everything asked is answered or says why not, and every check asks for what there is and can fail."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, Literal, get_args, get_origin

import pytest
import topics_page
from frameworks_page import split
from pydantic import BaseModel
from reference_tables import REFERENCES

from kybern.catalog import Catalog, Condition, EvidenceCheck, Layer, Operator, PredicateType, RecordCheck, Relation, days
from kybern.evidence import PREDICATES
from kybern.records import Record

COUNTING = {Relation.EQUAL, Relation.SUPERSET, Relation.SUBSET}
SHOWN_ONLY = {
    "TRU-05": "no requirement asks for an audit by outsiders",
    "TRU-20": "no requirement asks for a check of public claims as such",
}
"""Controls that only intersect with requirements: shown as what they add, without effect on status."""
REASON = 30
"""The least length of a reason why no control answers a requirement."""

README = topics_page.PAGE
NEEDED = {
    PredicateType.DECISION: {"outcome"},
    PredicateType.APPROVAL: {"decision"},
    PredicateType.TEST_RUN: {"passed", "failed"},
    PredicateType.TRAINING: {"due", "share_passed"},
    PredicateType.AUDIT: {"sample_size"},
    PredicateType.ATTESTATION: {"holds"},
    PredicateType.DOCUMENT: set(),
}
"""What a check of a predicate has to ask for, or it could not fail. A measurement asks for its value or its sample."""


def answered(catalog: Catalog, ref: str) -> bool:
    """Tell whether a control that counts reaches a requirement with evidence."""
    return any(
        mapping.relation in COUNTING and any(isinstance(check, EvidenceCheck) for check in control.checks)
        for control, mapping in catalog.controls_for(ref)
    )


def checks(catalog: Catalog) -> Iterator[tuple[str, EvidenceCheck | RecordCheck]]:
    """Every check with its full name."""
    return ((f"{control.id}/{check.id}", check) for control in catalog.controls.values() for check in control.checks)


# --- what is asked is answered ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("framework", REFERENCES)
def test_every_requirement_is_answered_or_says_why_not(shipped: Catalog, framework: str) -> None:
    unanswered = [ref for ref in shipped.leaves(framework) if not answered(shipped, ref)]
    assert [ref for ref in unanswered if len(shipped.requirements[ref].no_control or "") < REASON] == []


def test_only_what_is_asked_and_not_answered_says_why_no_control_does(shipped: Catalog) -> None:
    explained = [ref for ref, entry in shipped.requirements.items() if entry.no_control is not None]
    assert [ref for ref in explained if not shipped.is_leaf(ref) or answered(shipped, ref)] == []


def test_every_control_reaches_a_requirement_that_asks_something(shipped: Catalog) -> None:
    leaves = {ref for framework in shipped.frameworks for ref in shipped.leaves(framework)}
    assert [control.id for control in shipped.controls.values() if not leaves & {m.requirement for m in control.satisfies}] == []


def test_controls_that_count_for_nothing_are_known_and_argued(shipped: Catalog) -> None:
    idle = {control.id for control in shipped.controls.values() if not any(m.relation in COUNTING for m in control.satisfies)}
    assert idle == set(SHOWN_ONLY)


def test_controls_for_one_law_leave_the_standard_and_the_framework_of_risk_alone(shipped: Catalog) -> None:
    """Who follows ISO/IEC 42001 and the AI RMF is asked for nothing more because a law joined the catalog."""
    beyond = [control for control in shipped.controls.values() if control.id[:3] in {"EUA", "GPA", "PRV", "CYB"}]
    assert len(beyond) > 90
    reached = {m.requirement.partition(":")[0] for control in beyond for m in control.satisfies}
    assert not reached & {"ISO42001", "NIST_AI_RMF"}


def test_controls_written_for_the_standard_answer_the_laws_too(shipped: Catalog) -> None:
    """One control, done once, counts everywhere it is asked for."""
    laws = {"EU_AI_ACT", "GDPR", "NIS2"}
    both = [
        one
        for one in shipped.controls.values()
        if {"ISO42001", *laws} & _counted(one.satisfies) >= {"ISO42001"} and laws & _counted(one.satisfies)
    ]
    assert len(both) > 50


def _counted(answers: Sequence[Any]) -> set[str]:
    return {one.requirement.partition(":")[0] for one in answers if one.relation in COUNTING}


def test_the_library_has_at_least_ninety_controls(shipped: Catalog) -> None:
    assert len(shipped.controls) >= 90


def test_every_layer_has_controls(shipped: Catalog) -> None:
    assert {control.layer for control in shipped.controls.values()} == set(Layer)


# --- a check asks for what there is, and can fail --------------------------------------------------------------------------------------


def test_every_condition_names_a_field_that_is_there_and_a_value_it_can_have(shipped: Catalog) -> None:
    wrong: list[str] = []
    for name, check in checks(shipped):
        if isinstance(check, RecordCheck):
            wrong += [f"{name}: {why}" for why in _wrong(Record.registry[check.kind], (*check.where, *check.require))]
        else:
            wrong += [f"{name}: {why}" for why in _wrong(PREDICATES[check.predicate], (*check.match, *check.require))]
            wrong += [f"{name}: {why}" for why in _wrong(Record.registry[check.on], check.where)] if check.on else []
    assert wrong == []


def test_what_a_control_depends_on_is_a_fact_that_records_have(shipped: Catalog) -> None:
    for control in shipped.controls.values():
        about = Record.registry["organization" if [kind.value for kind in control.applies_to] == ["organization"] else "ai_system"]
        assert list(_wrong(about, control.applies_when)) == [], control.id


def test_a_wrong_field_and_an_impossible_value_are_told() -> None:
    def said(**condition: Any) -> list[str]:
        return list(_wrong(Record.registry["ai_system"], [Condition(**condition)]))

    assert said(field="gates.gate", operator=Operator.CONTAINS, value="validation") == []
    assert said(field="gates.door", operator=Operator.PRESENT) == ["gates.door is no field"]
    assert said(field="role", operator=Operator.EQ, value="owner") == ["role is never owner"]
    assert said(field="role", operator=Operator.IN, value=["provider", "owner"]) == ["role is never owner"]


def _wrong(model: type[BaseModel], conditions: Sequence[Condition]) -> Iterator[str]:
    """Say which conditions ask for a field that the model lacks, or compare with a value it cannot have."""
    for one in conditions:
        ends = list(_ends(model, one.field.split(".")))
        possible = {value for end in ends for value in _choices(end)}
        if not ends:
            yield f"{one.field} is no field"
        elif possible and one.operator in {Operator.EQ, Operator.NE, Operator.IN, Operator.CONTAINS}:
            values = one.value if isinstance(one.value, list) else [one.value]
            yield from (f"{one.field} is never {value}" for value in values if value not in possible)


def _ends(model: type[BaseModel], path: Sequence[str]) -> Iterator[Any]:
    """Follow a path through parts and lists of parts to the annotations at its end."""
    field = model.model_fields.get(path[0])
    if field is None:
        return
    if len(path) == 1:
        yield field.annotation
    else:
        for part in _parts(field.annotation):
            yield from _ends(part, path[1:])


def _parts(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _parts(inner)


def _choices(annotation: Any) -> Iterator[Any]:
    if get_origin(annotation) is Literal:
        yield from get_args(annotation)
    else:
        for inner in get_args(annotation):
            yield from _choices(inner)


def test_every_evidence_check_can_fail(shipped: Catalog) -> None:
    for name, check in checks(shipped):
        if isinstance(check, EvidenceCheck):
            asked = {one.field for one in check.require if one.operator is not Operator.PRESENT}
            needed = NEEDED.get(check.predicate)
            assert asked & {"value", "sample_size"} if needed is None else needed <= asked, name


def test_a_record_check_that_stands_aside_is_not_all_there_is(shipped: Catalog) -> None:
    """Every record check asks for something that can be missing, or for a record that has to be there."""
    for name, check in checks(shipped):
        assert not isinstance(check, RecordCheck) or check.require or check.minimum, name


def test_no_check_asks_for_evidence_younger_than_the_cadence(shipped: Catalog) -> None:
    for control in shipped.controls.values():
        ages = [days(check.max_age) for check in control.checks if isinstance(check, EvidenceCheck) and check.max_age]
        assert days(control.cadence) <= min(ages, default=days(control.cadence)), control.id


def test_owners_are_those_of_the_list(shipped: Catalog) -> None:
    roles = set(re.findall(r"`([a-z-]+)`", README.read_text(encoding="utf-8").partition("## Owner roles")[2].partition("##")[0]))
    assert {control.owner_role for control in shipped.controls.values()} == roles


def test_no_statement_or_reason_stands_twice_in_the_library(shipped: Catalog) -> None:
    for told in ("title", "statement", "why"):
        texts = [getattr(control, told) for control in shipped.controls.values()]
        assert len(set(texts)) == len(texts), told


def test_controls_say_what_is_and_advise_nobody(shipped: Catalog) -> None:
    foreign = re.compile(r"\b(shall|hereby|thereof|pursuant|you|your|compliant|certified)\b", re.IGNORECASE)
    said = {control.id: foreign.findall(f"{control.title} {control.statement} {control.why}") for control in shipped.controls.values()}
    assert {name: words for name, words in said.items() if words} == {}


def test_the_table_of_topics_is_that_of_the_controls(shipped: Catalog) -> None:
    written = split(README.read_text(encoding="utf-8"))[1].splitlines()
    assert written == topics_page.table(shipped).splitlines(), "run: .venv/bin/python tests/catalog/topics_page.py"
