"""The controls for India, California, threat lists, Singapore and the ISO standards at work: met in good order, never on a no."""

from __future__ import annotations

from typing import Any

import house
import pytest

from kybern.assessment import Assessment, Status, assess, gaps
from kybern.catalog import Catalog

OWN = {"AGT", "FRO", "CON", "DPF", "SEC", "QUA"}
SAYS_NO = {"failed": 1, "outcome": "insufficient", "decision": "rejected", "major": 1, "share_passed": 0.0, "sample_size": 0}
"""What evidence says when it says no; a document says nothing."""
AGENT = "agent:clerk"
TAGS = {
    AGENT: ("goal-hijack", "approval-vigilance"),
    house.SYSTEM: ("prompt-injection", "consumption", "factual-quality", "harmful-content", "latent-disclosure"),
}
"""The indicators that controls find by their tags, and what they are measured on."""
CLERK = {
    "kind": "agent",
    "id": "clerk",
    "title": "Clerk",
    "goal": "Answer letters",
    "tools": [{"name": "shell", "effect": "executes", "approval": "human"}],
    "autonomy": "acts-with-approval",
    "limits": "Ten letters a day",
    "stop": "One button, one second",
    "supervisor": "role:owner",
    "identity": "clerk@house",
    "owner": "role:owner",
}
LETTERS = {
    "kind": "dataset",
    "id": "letters",
    "title": "Letters",
    "use": ["training"],
    "source": "The archive",
    "acquisition": "collected",
    "personal_data": False,
    "licence": "Our own",
    "period": "2024",
    "preparation": "Names removed",
    "sha256": "0" * 64,
}


def in_order(
    catalog: Catalog, says: dict[str, Any] | None = None, *, leave_out: str = "", also: dict[str, Any] | None = None, **system: Any
) -> Assessment:
    """Assess a house that states and signs everything, with records `also`.

    `says` lays fields over all evidence, `leave_out` names a topic that nobody made.
    """
    stated = house.records(catalog)
    stated[house.SYSTEM] |= {"generates_content": True, "agents": [AGENT], "datasets": ["dataset:letters"], **system}
    stated |= {AGENT: CLERK, "dataset:letters": LETTERS}
    for type_ in ("security", "hallucination"):
        stated[f"risk:{type_}"] = {**stated["risk:bias"], "id": type_, "title": type_, "type": type_}
    signed = {"approved_by": "person:ann", "approved_on": house.DAY, "published_on": house.DAY, "owner": "role:lead"}
    stated["policy:security"] = {"kind": "policy", "id": "security", "title": "s", "type": "security", "statement": "s", **signed}
    for of, tags in TAGS.items():
        for tag in tags:
            stated[f"indicator:{tag}"] = {
                **stated["indicator:gap"],
                "id": tag,
                "title": tag,
                "tags": [tag],
                "of": [of],
                "category": "security",
            }
    stated["indicator:defects"] = {**stated["indicator:gap"], "id": "defects", "title": "d", "category": "quality"}
    found = house.record_set(stated | (also or {}))
    laid = says or {}

    def said(topic: str, _ref: str, body: dict[str, Any]) -> dict[str, Any] | None:
        return None if topic == leave_out else body | {name: laid[name] for name in laid if name in body}

    return assess(catalog, found, house.evidence(catalog, found, said), house.AS_OF)


def own(catalog: Catalog) -> list[str]:
    return [name for name in catalog.controls if name[:3] in OWN]


def met(found: Assessment, catalog: Catalog) -> list[str]:
    return [name for name in own(catalog) if (score := found.control(name)) and score.status is Status.MET]


@pytest.fixture(scope="module")
def good(shipped: Catalog) -> Assessment:
    return in_order(shipped)


def test_who_states_and_signs_everything_meets_every_control(shipped: Catalog, good: Assessment) -> None:
    assert met(good, shipped) == own(shipped)


def test_no_control_is_met_where_nothing_is_signed(shipped: Catalog) -> None:
    assert met(assess(shipped, house.record_set(house.records(shipped)), [], house.AS_OF), shipped) == []


def test_no_control_is_met_where_evidence_says_no(shipped: Catalog) -> None:
    """However many documents lie beside it: every control has a check that can say no."""
    assert met(in_order(shipped, SAYS_NO), shipped) == []


def test_no_indicator_out_of_bounds_lets_its_control_be_met(shipped: Catalog) -> None:
    measured = {"AGT-04", "AGT-10", "AGT-17", "AGT-20", "AGT-21", "AGT-25", "CON-17"}
    assert set(own(shipped)) - set(met(in_order(shipped, {"value": 9.0}), shipped)) >= measured


def test_one_control_done_once_counts_everywhere(shipped: Catalog, good: Assessment) -> None:
    """Rights reviewed for ISO/IEC 27001 are part of India's safeguards and of NIS2; without the review none of them is met."""
    asked = ("ISO27001:A.5.15", "ISO27001:A.5.18", "DPDP:R.6", "NIS2:Art.21(2)(i)")
    without = in_order(shipped, leave_out="access-review")
    for ref in asked:
        before, after = good.requirement(ref), without.requirement(ref)
        assert before is not None
        assert after is not None
        assert (before.status, after.status) == (Status.MET, Status.PARTLY_MET), ref


def test_where_there_is_no_agent_and_nothing_generated_their_controls_stand_aside(shipped: Catalog) -> None:
    found = in_order(shipped, agents=[], generates_content=False)
    for name in ("AGT-02", "AGT-16", "AGT-17", "AGT-26", "CON-11", "CON-13"):
        score = found.control(name, house.SYSTEM)
        assert score is not None
        assert score.status is Status.NOT_APPLICABLE, name


def test_a_framework_asked_about_shows_its_own_gaps_and_not_those_of_others(shipped: Catalog) -> None:
    found = assess(shipped, house.record_set(house.records(shipped)), [], house.AS_OF)
    prefixes = {name: {gap.control.id[:3] for gap in gaps(found, (name,))} & OWN for name in ("ISO42001", "ISO9001", "OWASP_LLM", "DPDP")}
    assert prefixes["ISO42001"] == set()
    assert prefixes["ISO9001"] == {"QUA"}
    assert prefixes["OWASP_LLM"] <= {"AGT"}
    assert prefixes["DPDP"] == {"DPF", "SEC"}


def test_who_is_no_health_plan_leaves_its_duty_out_by_a_signed_exclusion(shipped: Catalog) -> None:
    duty = "CALIFORNIA:CA-SB1120"
    entry = {"kind": "soa_entry", "id": "sb1120", "title": "No health plan", "requirement": duty, "necessary": False}
    signed = {"justification": "The house insures nobody", "approved_by": "person:ann", "approved_on": house.DAY, "owner": "role:lead"}
    without = in_order(shipped, leave_out="utilisation-denial-sample")
    left_out = in_order(shipped, leave_out="utilisation-denial-sample", also={"soa_entry:sb1120": {**entry, **signed}})
    statuses = [score.status if (score := found.requirement(duty)) else None for found in (without, left_out)]
    assert statuses == [Status.PARTLY_MET, Status.NOT_APPLICABLE]
