"""Whom a change of law touches: controls, records that name them, AI systems, and statuses."""

from __future__ import annotations

from dataclasses import replace

import pytest
from world import AS_OF, catalog, control, evidence, record, records

from kybern.assessment import Status, StatusChange, assess, status_changes, touched_controls, touched_records
from kybern.catalog import Catalog, EntryChange, Framework, Relation, diff


def changed(old: Catalog, **fields: object) -> tuple[Catalog, tuple[EntryChange, ...]]:
    """The catalog with requirement 5.2 changed, and the difference."""
    standard = old.frameworks["STD"]
    entries = tuple(entry.model_copy(update=fields) if entry.id == "5.2" else entry for entry in standard.requirements)
    new = {"STD": standard.model_copy(update={"requirements": entries})}
    return old.with_frameworks(new), diff(old.frameworks, new)


def test_controls_that_answer_a_changed_entry_are_touched_with_how_they_do() -> None:
    old = catalog()
    _, changes = changed(old, statement="Asks more.")
    assert touched_controls(changes, old.controls.values()) == {
        "STD:5.2": (("MON-01", Relation.SUBSET), ("LIF-01", Relation.SUBSET)),
    }
    assert touched_controls((), old.controls.values()) == {}


def test_records_that_name_the_entry_one_over_it_or_its_control_are_touched() -> None:
    _, changes = changed(catalog(), statement="Asks more.")
    duty = {"origin": "law", "source": "s"}
    known = records(
        record("obligation", "paragraph", requirement="STD:5.2", applies_to=["ai_system:scoring"], **duty),
        record("obligation", "article", requirement="STD:5", **duty),
        record("obligation", "other", requirement="STD:6", applies_to=["ai_system:assistant"], **duty),
        record("control_implementation", "watch", control="MON-01", how="h", systems=["ai_system:assistant"]),
    )
    touched = touched_records(changes, ["MON-01", "LIF-01"], known)
    assert [(one.ref, one.because, one.systems) for one in touched] == [
        ("treatment:watch-bias", ("MON-01",), ()),
        ("obligation:paragraph", ("STD:5.2",), ("ai_system:scoring",)),
        ("obligation:article", ("STD:5.2",), ()),
        ("control_implementation:watch", ("MON-01",), ("ai_system:assistant",)),
    ]


def test_without_a_change_nothing_is_touched() -> None:
    assert touched_records((), (), records()) == ()


def test_a_requirement_that_asks_nothing_any_more_loses_its_status() -> None:
    old, known = catalog(), records()
    new, changes = changed(old, normative=False)
    assert [(one.field, one.new) for one in changes[0].fields] == [("asks", "nothing")]
    before, after = (assess(law, known, evidence(known), AS_OF) for law in (old, new))
    moved = status_changes(before, after, ["STD"])
    assert StatusChange("STD:5.2", "organization:lender", Status.MET, None) in moved
    assert {change.ref for change in moved} == {"STD:5.2", "STD:5"}
    assert status_changes(before, before, ["STD"]) == ()
    assert status_changes(before, after, []) == ()
    assert {(one.ref, one.subject, one.new, one.old) for one in status_changes(after, before, ["STD"])} == {
        (one.ref, one.subject, one.old, one.new) for one in moved
    }


@pytest.fixture
def law() -> Catalog:
    old = catalog()
    both = control("ALL-01", "STD:5.1", applies_to=["organization"], checks=old.controls["GOV-01"].checks)
    both = both.model_copy(update={"satisfies": (*both.satisfies, *old.controls["MON-01"].satisfies)})
    return replace(old, controls={**old.controls, "ALL-01": both})


def test_what_leads_nowhere_in_another_state_of_law_is_left_out(law: Catalog) -> None:
    standard = law.frameworks["STD"]
    less = standard.model_copy(update={"requirements": tuple(entry for entry in standard.requirements if entry.id != "5.2")})
    there = law.with_frameworks({"STD": less})
    assert list(there.controls) == ["GOV-01", "ALL-01"]
    assert [one.requirement for one in there.controls["ALL-01"].satisfies] == ["STD:5.1"]
    assert law.with_frameworks({}).digest == law.digest


def test_a_framework_that_is_new_stands_beside_the_others(law: Catalog) -> None:
    other = Framework.model_validate({**law.frameworks["STD"].model_dump(), "id": "OTHER"})
    assert list(law.with_frameworks({"OTHER": other}).frameworks) == ["STD", "OTHER"]
