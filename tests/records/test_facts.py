"""From records to facts: what a record really says becomes a fact, what it leaves open stays open, and what clashes is told."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from kybern.base import Place
from kybern.records import KnownFacts, Record, RecordSet, facts_of
from kybern.records.leadership import Organization
from kybern.records.lifecycle import AISystem, Dataset


def system(**more: Any) -> AISystem:
    stated = {"id": "s", "title": "S", "role": "provider", "purpose": "p", "use_case": "u", "autonomy": "advises", "users": ["us"]}
    return AISystem.model_validate({**stated, "jurisdictions": ["DE"], "stage": "operation", **more})


def organization(**more: Any) -> Organization:
    stated = {"id": "o", "title": "O", "legal_name": "O", "sector": "s", "countries": ["DE"], "ai_roles": ["provider"]}
    return Organization.model_validate({**stated, **more})


def facts(one: AISystem, *others: Record) -> KnownFacts:
    return facts_of(one, RecordSet([one, *others]), lambda ref, path: Place(f"{ref} {'.'.join(map(str, path))}"))


def test_what_the_records_say_becomes_facts_and_nothing_else() -> None:
    found = facts(system(personal_data=True, generates_content=False), organization(employees=12))
    assert found.values == {
        "ai_system": True,
        "provider": True,
        "jurisdictions": {"DE"},
        "personal_data": True,
        "generates_content": False,
        "established_in": {"DE"},
        "employees": 12.0,
        "personal_use": False,
    }
    assert found.sources["employees"] == ("organization:o", ("employees",))
    assert found.problems == ()


@pytest.mark.parametrize(
    ("role", "names"),
    [
        ("provider", {"provider"}),
        ("deployer", {"deployer"}),
        ("user", {"deployer"}),
        ("importer", {"importer"}),
        ("distributor", {"distributor"}),
        ("developer", {"develops"}),
        ("integrator", set()),
        ("partner", set()),
        ("authority", set()),
    ],
)
def test_a_role_says_one_thing_for_certain_and_leaves_the_others_open(role: str, names: set[str]) -> None:
    roles = {"provider", "deployer", "importer", "distributor", "develops"}
    assert {name for name in facts(system(role=role)).values if name in roles} == names


def test_operation_in_the_union_is_being_on_its_market_and_development_is_not() -> None:
    running = facts(system(in_operation_since="2026-02-16")).values
    assert (running["on_eu_market"], running["eu_market_since"]) == (True, date(2026, 2, 16))
    assert facts(system(stage="design")).values["on_eu_market"] is False
    assert "on_eu_market" not in facts(system(in_operation_since="2026-02-16", jurisdictions=["US-CA"])).values
    assert "on_eu_market" not in facts(system()).values


def test_only_what_acts_alone_is_said_to_decide_alone() -> None:
    """A score that people follow may be a decision itself, so `advises` says nothing."""
    assert facts(system(autonomy="acts-alone")).values["solely_automated"] is True
    assert "solely_automated" not in facts(system(autonomy="advises")).values


def test_facts_in_so_many_words_join_those_of_the_organisation() -> None:
    found = facts(
        system(facts={"annex_iii": ["4a"], "profiling": None}), organization(facts={"nis2_sector": "energy"}, profile="public-sector")
    )
    assert found.values["annex_iii"] == {"4a"}
    assert "profiling" not in found.values
    assert found.values["nis2_sector"] == "energy"
    assert found.values["public_body"] is True
    assert found.sources["annex_iii"] == ("ai_system:s", ("facts", "annex_iii"))


@pytest.mark.parametrize(
    ("more", "rule", "place", "words"),
    [
        ({"facts": {"profilling": True}}, "unknown-fact", "ai_system:s facts.profilling", "There is no fact profilling."),
        ({"facts": {"profiling": "yes"}}, "wrong-fact", "ai_system:s facts.profiling", "profiling cannot be yes."),
        (
            {"facts": {"provider": False}},
            "contradictory-facts",
            "ai_system:s facts.provider",
            "provider is false here, and true by the field role of ai_system:s.",
        ),
        (
            {"facts": {"develops": False, "markets_under_own_name": False}},
            "contradictory-facts",
            "ai_system:s facts.develops",
            "A provider develops a system, or has it developed,",
        ),
        ({"role": "importer"}, "contradictory-facts", "ai_system:s role", "An importer is established in the Union"),
    ],
)
def test_what_cannot_be_is_told_where_it_stands(more: dict[str, Any], rule: str, place: str, words: str) -> None:
    (problem,) = facts(system(**more), organization(countries=["US"])).problems
    assert (problem.rule, problem.place.file) == (rule, place)
    assert problem.message.startswith(words)
    assert problem.hint


def test_data_sets_say_what_they_hold_and_the_system_goes_first() -> None:
    data = {"id": "d", "title": "D", "use": ["training"], "source": "s", "acquisition": "collected"}
    some = Dataset.model_validate({**data, "personal_data": True, "special_categories": True})
    one = system(datasets=["dataset:d"])
    found = facts(one, some)
    assert (found.values["personal_data"], found.values["special_categories"]) == (True, True)
    assert found.sources["personal_data"] == ("dataset:d", ("personal_data",))
    assert facts(system(datasets=["dataset:d"], personal_data=False), some).values["personal_data"] is False
    none = Dataset.model_validate({**data, "personal_data": False})
    assert not {"personal_data", "special_categories"} & facts(one, none).values.keys()


def test_facts_left_out_change_no_digest() -> None:
    assert "facts" not in system().content
    assert system().digest != system(facts={"profiling": True}).digest
