"""The obligations register on a small world under real rules: what binds whom and when, how it stands, who owes it, what falls due."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import world

from kybern.assessment import Assessment, DeadlineKind, Register, Standing, Status, assess, deadlines, obligations
from kybern.base import Place
from kybern.catalog import Catalog, Crosswalk, Framework
from kybern.catalog.applicability import Classification, classify, load_rules, read_facts
from kybern.records import Record

DAY = date(2026, 11, 20)
HIGH: dict[str, Any] = {
    "jurisdictions": ["IE"], "established_in": ["IE"], "ai_system": True, "provider": True, "deployer": False, "importer": False,
    "distributor": False, "authorised_representative": False, "product_manufacturer": False, "exclusions": [], "personal_use": False,
    "output_used_in_eu": False, "open_source": False, "practices": [], "biometrics": [], "product_law": "none", "annex_iii": ["5b"],
    "fraud_detection_only": False, "annex_iii_task": [], "profiling": True, "changes": [], "provider_role_passed_on": False,
    "on_eu_market": False, "annex_x_system": False, "personal_data": True, "controller": True, "processor": False,
}  # fmt: skip


def law() -> Framework:
    """A law in the place of the AI Act, with an article that was put off and one for everybody it reaches."""
    head = {"kind": "article", "title": "T", "statement": "Asks.", "layer": "L1"}
    risk = {
        "bound": ["provider"],
        "classes": ["high-risk"],
        "dates": [
            {"since": "2026-08-02", "route": "annex-iii", "enacted": "2024-08-01", "basis": "first"},
            {"since": "2027-12-02", "route": "annex-iii", "enacted": "2026-07-27", "basis": "put off"},
        ],
        "penalty": "up to a lot",
    }
    return Framework.model_validate_json(
        json.dumps(
            {
                "id": "EU_AI_ACT", "title": "Law", "edition": "1", "publisher": "p", "source": "s", "status_date": "2026-01-01",
                "rights": "ours", "nature": "law", "applies_when": "eu_ai_act.applies",
                "requirements": [
                    {"id": "Art.9", **head},
                    {"id": "Art.9(1)", "parent": "Art.9", **head, **risk, "documented_information": "the risk file"},
                    {"id": "Art.9(2)", "parent": "Art.9", **head, **risk},
                    {"id": "Art.16", **head, "bound": ["provider"], "classes": ["high-risk"], "dates": [
                        {"since": "2027-12-02", "enacted": "2026-07-27", "basis": "new"}]},
                    {"id": "Art.23", **head, "bound": ["importer"], "classes": ["high-risk"]},
                    {"id": "Art.99", **head},
                ],
            }
        )
    )  # fmt: skip


def classified(stated: dict[str, Any], day: date = DAY) -> Classification:
    known, problems = read_facts(load_rules().schema, stated, Place)
    assert not problems
    return classify(load_rules(), known, day)


def assessed(*more: Record) -> Assessment:
    base = world.catalog()
    answering = world.control(
        "RSK-01",
        "EU_AI_ACT:Art.9(1)",
        applies_to=["ai_system"],
        checks=[
            {
                "type": "evidence",
                "id": "in-bounds",
                "title": "Indicators are within bounds",
                "predicate": "measurement",
                "topic": "indicator",
                "on": "indicator",
                "require": [{"field": "value", "operator": "within"}],
                "max_age": "P90D",
            }
        ],
    )
    catalog = Catalog({**base.frameworks, "EU_AI_ACT": law()}, {**base.controls, "RSK-01": answering})
    known = world.records(*more)
    return assess(catalog, known, world.evidence(known), world.AS_OF)


def made(*more: Record, facts: dict[str, Any] | None = None, day: date = DAY) -> Register:
    stated = HIGH if facts is None else facts
    subjects = {"organization:lender": {"established_in": ["IE"]}, "ai_system:scoring": stated}
    return obligations({name: classified(one, day) for name, one in subjects.items()}, assessed(*more), ["eu_ai_act"])


def test_what_binds_says_from_when_why_how_it_stands_and_who_owes_it() -> None:
    found = {one.requirement: one for one in made().bindings}
    assert list(found) == ["EU_AI_ACT:Art.9(1)", "EU_AI_ACT:Art.9(2)", "EU_AI_ACT:Art.16", "EU_AI_ACT:Art.99"]
    assert found["EU_AI_ACT:Art.16"].before is None, "what the amendment brought in had no day before it"
    one = found["EU_AI_ACT:Art.9(1)"]
    assert one.subject == "ai_system:scoring"
    assert one.article == "EU_AI_ACT:Art.9"
    assert one.duty.since == date(2027, 12, 2)
    assert one.before == date(2026, 8, 2)
    assert not one.in_effect(DAY)
    assert one.duty.penalty == "up to a lot"
    assert "EU_AI_ACT:Annex.III(5)(b)" in one.chain
    assert [ask.title for ask in one.asks] == ["Indicators are within bounds"]
    assert one.documented == "the risk file"
    assert one.score is not None
    assert one.score.status is Status.MET
    assert one.owner == "Risk-Manager (Ada)"


def test_what_no_control_answers_has_no_status_and_falls_to_the_owner_of_the_system() -> None:
    scoring = world.system("other", owner="role:risk-manager")
    subjects = {"ai_system:other": classified(HIGH)}
    found = obligations(subjects, assessed(scoring), ["eu_ai_act"])
    one = next(one for one in found.bindings if one.requirement == "EU_AI_ACT:Art.9(2)")
    assert one.score is None
    assert not one.is_met
    assert one.owner == "Risk-Manager (Ada)"


def test_before_the_amendment_there_is_no_earlier_day() -> None:
    [one, *_] = made(day=date(2026, 7, 26)).bindings
    assert one.duty.since == date(2026, 8, 2)
    assert one.before is None


def test_the_record_of_an_obligation_names_the_owner_and_speaks_for_what_lies_under_it() -> None:
    person = world.record("person", "eve")
    record = world.record(
        "obligation", "act", origin="law", source="Act", requirement="EU_AI_ACT:Art.9", owner="person:eve", applies_to=["ai_system:scoring"]
    )
    other = world.record("obligation", "pledge", origin="voluntary", source="Ours", binds_from="2027-01-01")
    found = made(record, other, person)
    owned = {one.record.id: one for one in found.owned}
    assert {one.owner for one in found.bindings if one.article == "EU_AI_ACT:Art.9"} == {"Eve"}
    assert owned["act"].bindings == 2
    assert owned["pledge"].bindings == 0
    assert owned["pledge"].subjects == ("organization:lender",)


def test_a_record_about_another_system_does_not_speak_for_this_one() -> None:
    record = world.record(
        "obligation", "act", origin="law", source="Act", requirement="EU_AI_ACT:Art.9", applies_to=["ai_system:assistant"]
    )
    assert all(not one.stated for one in made(record).bindings)


def test_what_is_open_is_told_once_with_what_would_settle_it() -> None:
    found = made(facts={name: value for name, value in HIGH.items() if name != "provider"})
    [one] = [one for one in found.unsettled if one.subject == "ai_system:scoring"]
    assert "EU_AI_ACT:Art.9(1)" in one.requirements
    assert "provider" in one.facts
    assert not [one for one in found.bindings if one.article == "EU_AI_ACT:Art.9"]


def test_who_is_outside_is_told_so() -> None:
    found = made(facts={**HIGH, "exclusions": ["military"]})
    assert found.free["ai_system:scoring"] == ("eu_ai_act",)
    assert not found.bindings


def test_what_binds_the_organisation_by_its_own_facts_is_not_told_again_for_its_systems() -> None:
    stated = {"established_in": ["IE"], "jurisdictions": ["IE"], "nis2_sector": "health", "employees": 400, "nis2_special": []}
    known = assessed()
    law_of_security = Framework.model_validate({**law().model_dump(), "id": "NIS2", "applies_when": None, "requirements": [
        {"id": "Art.21", "kind": "article", "title": "T", "statement": "s", "layer": "L1"}]})  # fmt: skip
    catalog = Catalog({**known.catalog.frameworks, "NIS2": law_of_security}, known.catalog.controls)
    again = assess(catalog, known.records, known.evidence, world.AS_OF)
    both = {"organization:lender": classified(stated), "ai_system:scoring": classified({**HIGH, **stated})}
    found = obligations(both, again, ["nis2"])
    assert [(one.subject, one.requirement) for one in found.bindings if one.requirement == "NIS2:Art.21"] == [
        ("organization:lender", "NIS2:Art.21")
    ]


def test_deadlines_are_law_own_days_evidence_and_reviews_in_order() -> None:
    pledge = world.record("obligation", "pledge", origin="voluntary", source="Ours", binds_from="2027-01-01")
    policy = world.record("policy", "data", type="data", statement="s", reviewed_on="2026-11-01", review_every="P60D")
    known = assessed(pledge, policy)
    register = obligations({"ai_system:scoring": classified(HIGH)}, known, ["eu_ai_act"])
    found = deadlines(register, known, timedelta(days=400))
    kinds = [(one.kind, one.on) for one in found]
    assert (DeadlineKind.LAW, date(2027, 12, 2)) in kinds
    assert (DeadlineKind.OWN, date(2027, 1, 1)) in kinds
    assert (DeadlineKind.REVIEW, date(2026, 12, 31)) in kinds
    assert DeadlineKind.EVIDENCE in {kind for kind, _ in kinds}
    assert [one.on for one in found] == sorted(one.on for one in found)
    assert len({one.key for one in found}) == len(found)
    [begins] = [one for one in found if one.kind is DeadlineKind.LAW and "Art.9" in one.title]
    assert "It was to bind from 2026-08-02." in begins.why
    assert begins.names == ("EU_AI_ACT:Art.9(1)", "EU_AI_ACT:Art.9(2)")


@pytest.mark.parametrize(("days", "seen"), [(376, False), (377, True)])
def test_the_day_law_begins_is_seen_from_exactly_so_far(days: int, seen: bool) -> None:  # noqa: FBT001 - a case
    known = assessed()
    found = deadlines(made(), known, timedelta(days=days))
    assert any(one.kind is DeadlineKind.LAW for one in found) is seen


def test_the_moment_asked_about_makes_law_bind() -> None:
    found = made(day=date(2027, 12, 2))
    assert all(one.in_effect(found.as_of) for one in found.bindings)
    assert datetime(2026, 11, 20, 12, tzinfo=UTC) == world.AS_OF


def test_an_owner_of_a_control_whom_nobody_holds_gives_way_to_the_owner_of_the_system() -> None:
    unheld = world.control("RSK-02", "EU_AI_ACT:Art.9(2)", owner_role="nobody-yet", applies_to=["ai_system"], checks=[
        {"type": "evidence", "id": "e", "title": "E", "predicate": "measurement", "topic": "indicator", "on": "indicator"}])  # fmt: skip
    base = assessed(world.system("other", owner="person:ada"))
    catalog = Catalog(base.catalog.frameworks, {**base.catalog.controls, "RSK-02": unheld})
    again = assess(catalog, base.records, base.evidence, world.AS_OF)
    found = obligations({name: classified(HIGH) for name in ("ai_system:other", "ai_system:scoring")}, again, ["eu_ai_act"])
    owners = {one.subject: one.owner for one in found.bindings if one.requirement == "EU_AI_ACT:Art.9(2)"}
    assert owners == {"ai_system:other": "Ada", "ai_system:scoring": "nobody yet"}


def test_what_the_house_shows_for_iso_42001_carries_over_to_a_system_where_it_includes_what_the_law_asks() -> None:
    base = assessed()
    standard = world.framework().model_copy(update={"id": "ISO42001"})
    controls = {
        name: one.model_copy(
            update={
                "satisfies": tuple(s.model_copy(update={"requirement": s.requirement.replace("STD:", "ISO42001:")}) for s in one.satisfies)
            }
        )
        for name, one in base.catalog.controls.items()
    }
    rows = [
        {"source": "ISO42001:5.1", "target": "EU_AI_ACT:Art.9(2)", "relation": "superset", "confidence": "high", "basis": "own"},
        {"source": "ISO42001:5.1", "target": "EU_AI_ACT:Art.9(1)", "relation": "intersects", "confidence": "high", "basis": "own"},
    ]
    walk = Crosswalk.model_validate_json(
        json.dumps(
            {
                "id": "w", "source_framework": "ISO42001", "target_framework": "EU_AI_ACT", "status_date": "2026-01-01",
                "bases": {"own": "Ours."}, "rows": rows,
            }
        )
    )  # fmt: skip
    catalog = Catalog({"ISO42001": standard, "EU_AI_ACT": law()}, controls, (walk,))
    again = assess(catalog, base.records, base.evidence, world.AS_OF)
    found = {one.requirement: one for one in obligations({"ai_system:scoring": classified(HIGH)}, again, ["eu_ai_act"]).bindings}
    carried = {ref: one.carried.standing for ref, one in found.items() if one.carried is not None}
    assert carried["EU_AI_ACT:Art.9(2)"] is Standing.CARRIED
    assert carried["EU_AI_ACT:Art.9(1)"] is Standing.EVIDENCE
    assert carried["EU_AI_ACT:Art.99"] is Standing.UNCOVERED


def unsettled(system: dict[str, Any]) -> set[str]:
    security = {"id": "NIS2", "applies_when": None, "requirements": [{"id": "Art.21", "kind": "article", "title": "T", "statement": "s"}]}
    base = assessed()
    catalog = Catalog({**base.catalog.frameworks, "NIS2": Framework.model_validate({**law().model_dump(), **security})}, {})
    again = assess(catalog, base.records, base.evidence, world.AS_OF)
    facts = {"established_in": ["IE"], "employees": 400, "nis2_special": []}
    both = {"organization:lender": classified(facts), "ai_system:scoring": classified({**facts, **system})}
    return {one.subject for one in obligations(both, again, ["nis2"]).unsettled}


def test_what_the_organisation_would_settle_is_asked_of_it_and_only_while_a_system_may_be_reached() -> None:
    assert unsettled({"jurisdictions": ["IE"]}) == {"organization:lender"}
    assert unsettled({"nis2_sector": "none"}) == set()
