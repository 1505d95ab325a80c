"""Duties: which entries of a catalog bind, by what they say themselves, by the rules, or by who is bound and of which class they speak."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from kybern.catalog import Catalog, Framework
from kybern.catalog.applicability import Duty, FactValue, classify, duties, load_rules

HEAD = {"title": "t", "edition": "e", "publisher": "p", "source": "s", "status_date": date(2026, 1, 1), "rights": "r", "nature": "law"}
DATES = [
    {"since": date(2026, 8, 2), "route": "annex-iii", "basis": "as first made"},
    {"since": date(2027, 8, 2), "route": "annex-i", "basis": "as first made"},
    {"since": date(2027, 12, 2), "route": "annex-iii", "enacted": date(2026, 7, 27), "basis": "as amended"},
    {"since": date(2028, 8, 2), "route": "annex-i", "enacted": date(2026, 7, 27), "basis": "as amended"},
]
LATE = {"since": date(2030, 1, 1), "until": date(2030, 6, 1), "basis": "late"}
ENTRIES: list[dict[str, Any]] = [
    {"id": "X.1", "bound": ["provider"], "classes": ["high-risk"], "dates": DATES, "penalty": "EUR 15 000 000"},
    {"id": "X.2", "bound": ["deployer"], "classes": ["high-risk"]},
    {"id": "X.3", "bound": ["provider", "deployer"], "classes": ["all"]},
    {"id": "X.4", "bound": ["commission"], "classes": ["all"]},
    {"id": "X.5", "bound": ["provider"], "classes": ["gpai"]},
    {"id": "X.6", "applies_when": "eu_ai_act.fria"},
    {"id": "X.7"},
    {"id": "X.8", "bound": ["provider"], "classes": ["high-risk"], "normative": False},
    {"id": "X.9", "bound": ["provider"], "classes": ["high-risk"], "dates": [LATE]},
    {"id": "Art.27"},
    {"id": "Art.27(1)", "parent": "Art.27", "bound": ["deployer"], "classes": ["high-risk"]},
    {"id": "X.10", "bound": ["martian"], "classes": ["high-risk"]},
]  # fmt: skip


def catalog() -> Catalog:
    entries = [{"kind": "article", "title": f"title {one['id']}", "statement": "s", **one} for one in ENTRIES]
    shaped = Framework.model_validate({"id": "EU_AI_ACT", **HEAD, "requirements": entries})
    return Catalog(frameworks={shaped.id: shaped}, controls={})


FACTS: dict[str, FactValue] = {
    "jurisdictions": frozenset(["DE"]), "established_in": frozenset(["DE"]), "ai_system": True, "provider": True, "deployer": False,
    "exclusions": frozenset(),
    "personal_use": False,
    "open_source": False, "annex_iii": frozenset(["4a"]), "profiling": True, "product_law": "none",
    "provider_role_passed_on": False, "on_eu_market": False, "annex_x_system": False, "provides_gpai": False, "modifies_gpai": False,
    "product_manufacturer": False, "changes": frozenset(),
}  # fmt: skip


def found(day: date = date(2026, 11, 26), **more: FactValue) -> dict[str, Duty]:
    every = duties(catalog(), classify(load_rules(), {**FACTS, **more}, day), ["eu_ai_act"])
    return {duty.requirement.partition(":")[2]: duty for duty in every}


def test_who_is_bound_and_of_which_class_decides() -> None:
    duty = found()["X.1"]
    assert (duty.truth, duty.since, duty.basis) == (True, date(2027, 12, 2), "as amended")
    assert duty.because == ("eu_ai_act.applies", "eu_ai_act.provider", "eu_ai_act.high_risk_rules")
    assert (duty.title, duty.penalty, duty.in_effect(date(2027, 12, 1)), duty.in_effect(date(2027, 12, 2))) == (
        "title X.1", "EUR 15 000 000", False, True,
    )  # fmt: skip
    assert found()["X.2"].truth is False
    assert found()["X.3"].truth is True
    assert found()["X.5"].truth is False


def test_the_day_before_the_amendment_the_first_dates_answer() -> None:
    assert found(date(2026, 7, 26))["X.1"].since == date(2026, 8, 2)
    assert found(date(2026, 7, 27))["X.1"].since == date(2027, 12, 2)


def test_the_route_chooses_the_row() -> None:
    product: dict[str, FactValue] = {"product_law": "lifts", "product_part": "product", "third_party_assessment": "required"}
    assert found(annex_iii=frozenset(), **product)["X.1"].since == date(2028, 8, 2)
    assert found(**product)["X.1"].since == date(2027, 12, 2), "of two routes the first to bind"


def test_an_entry_of_its_own_later_date_binds_then_and_until_then() -> None:
    duty = found()["X.9"]
    assert (duty.since, duty.until, duty.basis) == (date(2030, 1, 1), date(2030, 6, 1), "late")
    assert [duty.in_effect(date(2030, month, 1)) for month in (1, 6, 7)] == [True, True, False]


@pytest.mark.parametrize("name", ["X.4", "X.7", "X.8", "X.10"])
def test_what_binds_others_or_asks_nothing_is_not_listed(name: str) -> None:
    assert name not in found()


def test_an_entrys_own_condition_goes_first_and_a_rule_covers_what_is_under_it() -> None:
    user = found(provider=False, deployer=True, public_body=False, public_services=False)
    assert user["X.2"].truth is True
    assert (user["X.6"].truth, user["Art.27(1)"].truth) == (False, False), "a private employer assesses no impact"
    public = found(provider=False, deployer=True, public_body=True)
    assert (public["X.6"].truth, public["Art.27(1)"].truth) == (True, True)
    assert public["Art.27(1)"].because == ("eu_ai_act.fria",)


def test_what_is_open_says_what_it_waits_for() -> None:
    facts = {name: value for name, value in FACTS.items() if name != "profiling"} | {"annex_iii_task": frozenset(["preparatory"])}
    every = duties(catalog(), classify(load_rules(), facts, date(2026, 11, 26)), ["eu_ai_act"])
    duty = next(one for one in every if one.requirement == "EU_AI_ACT:X.1")
    assert (duty.truth, duty.since, duty.because) == (None, None, ("eu_ai_act.high_risk_rules",))


def test_without_the_framework_the_rules_speak_for_themselves() -> None:
    every = duties(Catalog(frameworks={}, controls={}), classify(load_rules(), FACTS, date(2026, 11, 26)))
    by_ref = {duty.requirement: duty for duty in every}
    assert by_ref["EU_AI_ACT:Art.9"].truth is True
    assert by_ref["EU_AI_ACT:Art.9"].title is None
    assert len(by_ref) == len(every)
