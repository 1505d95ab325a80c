"""The controls for EU AI Act, GDPR and NIS2 at work: met in good order, not met on a no, aside where a record refutes them."""

from __future__ import annotations

from typing import Any

import house
import pytest

from kybern.assessment import Assessment, Status, assess, gaps, to_json
from kybern.catalog import Catalog

BEYOND = {"EUA", "GPA", "PRV", "CYB"}
"""The first letters of the controls that were written for these laws."""
LAWS = ("EU_AI_ACT", "GDPR", "NIS2")
BEFORE = ("ISO42001", "NIST_AI_RMF")
ROLES = ("provider", "deployer", "importer", "distributor")
DONE = {Status.MET, Status.NOT_APPLICABLE}
SAYS_NO = {
    "failed": 1,
    "outcome": "insufficient",
    "decision": "rejected",
    "major": 1,
    "share_passed": 0.0,
    "sample_size": 0,
    "holds": False,
}
"""What evidence says when it says no; a document says nothing."""

SIGNED = {"approved_by": "person:ann", "approved_on": house.DAY, "published_on": house.DAY, "owner": "role:lead"}
LETTERS = {
    "kind": "dataset",
    "id": "letters",
    "title": "Letters",
    "use": ["training", "testing"],
    "source": "The archive",
    "acquisition": "collected",
    "acquired_on": "2025-01-01",
    "legal_basis": "Consent",
    "personal_data": True,
    "special_categories": True,
    "rows": 10_000,
    "period": "2024",
    "populations": ["Senders"],
    "known_bias": "Few letters by hand",
    "preparation": "Names removed",
    "retention": "P730D",
}


def in_order(catalog: Catalog, says: dict[str, Any] | None = None, **system: Any) -> Assessment:
    """Assess a house that states and signs everything, with another system if need be; `says` lays fields over all evidence."""
    stated = house.records(catalog)
    stated[house.SYSTEM] |= {"risk_class": "high", "personal_data": True, "generates_content": True, "autonomy": "acts-with-oversight"}
    stated[house.SYSTEM] = {name: value for name, value in (stated[house.SYSTEM] | system).items() if value is not None}
    stated[house.SYSTEM]["datasets"] = ["dataset:letters"]
    stated["dataset:letters"] = LETTERS
    stated["model:reader"] |= {"origin": "developed", "task": "generation", "parameters": 7, "limits": "l", "datasets": ["dataset:letters"]}
    stated["organization:house"]["employees"] = 120
    for type_ in ("security", "privacy"):
        stated[f"policy:{type_}"] = {"kind": "policy", "id": type_, "title": type_, "type": type_, "statement": "s", **SIGNED}
    for type_ in ("privacy", "systemic"):
        stated[f"risk:{type_}"] = {**stated["risk:bias"], "id": type_, "title": type_, "type": type_}
        stated[f"treatment:{type_}"] = {**stated["treatment:bias"], "id": type_, "title": type_, "risk": f"risk:{type_}"}
    stated["indicator:attacks"] = {**stated["indicator:gap"], "id": "attacks", "title": "attacks", "category": "security"}
    found = house.record_set(stated)
    laid = says or {}
    pieces = house.evidence(catalog, found, lambda _topic, _ref, body: body | {name: laid[name] for name in laid if name in body})
    return assess(catalog, found, pieces, house.AS_OF)


def beyond(catalog: Catalog) -> list[str]:
    return [name for name in catalog.controls if name[:3] in BEYOND]


@pytest.fixture(scope="module")
def by_role(shipped: Catalog) -> dict[str, Assessment]:
    return {role: in_order(shipped, role=role) for role in ROLES} | {"limited": in_order(shipped, risk_class="limited")}


def status(assessment: Assessment, name: str) -> Status | None:
    score = assessment.control(name, house.SYSTEM)
    return score and score.status


def test_who_states_and_signs_everything_meets_every_control_or_it_stands_aside(shipped: Catalog, by_role: dict[str, Assessment]) -> None:
    scores = {(case, name): found.control(name) for case, found in by_role.items() for name in beyond(shipped)}
    assert [key for key, score in scores.items() if score is None or score.status not in DONE] == []
    assert {name for (_, name), score in scores.items() if score and score.status is Status.MET} == set(beyond(shipped))


def test_no_control_is_met_where_nothing_is_signed(shipped: Catalog) -> None:
    found = house.record_set(house.records(shipped))
    unsigned = assess(shipped, found, [], house.AS_OF)
    assert [name for name in beyond(shipped) if (score := unsigned.control(name)) and score.status is Status.MET] == []


@pytest.mark.parametrize("role", ROLES)
def test_no_control_is_met_where_evidence_says_no(shipped: Catalog, role: str) -> None:
    """However many documents lie beside it: every control has a check that can say no."""
    refused = in_order(shipped, SAYS_NO, role=role)
    assert [name for name in beyond(shipped) if (score := refused.control(name)) and score.status is Status.MET] == []


@pytest.mark.parametrize(
    ("system", "aside", "asked"),
    [
        ({"role": "deployer"}, ("EUA-30", "EUA-33", "EUA-38", "EUA-49"), ("EUA-41", "EUA-44", "EUA-51", "EUA-01")),
        ({"role": "provider"}, ("EUA-38", "EUA-40"), ("EUA-30", "EUA-41", "EUA-54", "GPA-01")),
        ({"role": "importer"}, ("EUA-30", "EUA-40", "EUA-41"), ("EUA-38", "EUA-37")),
        ({"role": "distributor"}, ("EUA-30", "EUA-38", "EUA-41"), ("EUA-40", "EUA-37")),
        ({"risk_class": "limited"}, ("EUA-08", "EUA-18", "EUA-30"), ("EUA-01", "EUA-07", "EUA-48", "EUA-49")),
        ({"risk_class": "unclassified"}, (), ("EUA-07", "EUA-08", "EUA-30", "EUA-41")),
        ({"generates_content": False}, ("EUA-02", "EUA-49", "GPA-01"), ("EUA-48",)),
        ({"generates_content": None}, (), ("EUA-02", "EUA-49", "GPA-01")),
        ({"personal_data": False}, ("PRV-09", "PRV-17", "PRV-22", "EUA-03"), ("EUA-30",)),
        ({"personal_data": None}, (), ("PRV-09", "PRV-17", "PRV-22", "EUA-03")),
        ({"autonomy": "advises"}, ("PRV-21",), ("PRV-20",)),
        ({"stage": "design", "in_operation_since": None}, ("EUA-15", "EUA-30", "EUA-41"), ("EUA-09", "EUA-25")),
    ],
    ids=lambda value: "-".join(f"{name}={one}" for name, one in value.items()) if isinstance(value, dict) else "",
)
def test_a_control_stands_aside_only_where_the_record_refutes_it(
    shipped: Catalog, system: dict[str, Any], aside: tuple[str, ...], asked: tuple[str, ...]
) -> None:
    found = in_order(shipped, **system)
    assert [name for name in aside if status(found, name) is not Status.NOT_APPLICABLE] == []
    assert [name for name in asked if status(found, name) in {None, Status.NOT_APPLICABLE}] == []


def test_duties_of_others_are_not_asked_of_a_system(by_role: dict[str, Assessment]) -> None:
    def of(role: str, ref: str) -> Status | None:
        score = by_role[role].requirement(f"EU_AI_ACT:{ref}", house.SYSTEM)
        return score and score.status

    assert {of("deployer", ref) for ref in ("Art.16(g)", "Art.47(1)", "Art.48(1)", "Annex.V.3", "Art.23(1)")} == {Status.NOT_APPLICABLE}
    assert {of("provider", ref) for ref in ("Art.23(1)", "Art.24(1)")} == {Status.NOT_APPLICABLE}
    assert {of("deployer", ref) for ref in ("Art.26(4)", "Art.26(6)", "Art.26(7)", "Art.27(3)", "Art.50(4)")} == {Status.MET}
    assert {of("provider", ref) for ref in ("Art.16(g)", "Art.47(1)", "Annex.V.3", "Art.52(1)", "Art.27(3)")} == {Status.MET}


# --- the standard and the framework of risk stay as they were --------------------------------------------------------------------------


def without_the_laws(catalog: Catalog) -> Catalog:
    """The library as it was before controls answered these laws."""
    kept = {
        name: control.model_copy(
            update={"satisfies": tuple(one for one in control.satisfies if one.requirement.partition(":")[0] in BEFORE)}
        )
        for name, control in catalog.controls.items()
        if name[:3] not in BEYOND
    }
    return Catalog(catalog.frameworks, {name: control for name, control in kept.items() if control.satisfies}, catalog.crosswalks)


def test_what_the_standard_asks_is_judged_as_before(shipped: Catalog) -> None:
    found = house.record_set(house.records(shipped))
    pieces = house.evidence(shipped, found, lambda _topic, _ref, body: body)
    now, before = (assess(catalog, found, pieces, house.AS_OF) for catalog in (shipped, without_the_laws(shipped)))
    for framework in BEFORE:
        assert list(now.rows(framework)) == list(before.rows(framework))
        assert now.readiness(framework) == before.readiness(framework)


def test_what_is_not_asked_about_is_no_gap_and_no_row(shipped: Catalog) -> None:
    found = house.record_set(house.records(shipped))
    now, before = (assess(catalog, found, [], house.AS_OF) for catalog in (shipped, without_the_laws(shipped)))
    assert [gap.control.id for gap in gaps(now, BEFORE)] == [gap.control.id for gap in gaps(before, BEFORE)]
    assert not {gap.control.id[:3] for gap in gaps(now, BEFORE)} & BEYOND
    assert {one["id"] for one in to_json(now, BEFORE)["controls"]} == set(without_the_laws(shipped).controls)
    assert {gap.control.id[:3] for gap in gaps(now, LAWS)} > BEYOND
