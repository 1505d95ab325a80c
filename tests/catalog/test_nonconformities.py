"""What auditors typically find is found: each fault, set into an organisation in good order, keeps the requirement from being met.

The list is that of certification practice; each case changes what is stated or signed, and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

import house
import pytest
from pydantic import ValidationError

from kybern.assessment import Assessment, Status, assess, explain
from kybern.catalog import Catalog


@dataclass(frozen=True)
class Fault:
    """A fault: the requirement it breaks, the check that sees it, and what is different.

    `stated` lays fields over records, None takes one away; `gone` takes records away; `unsigned` names topics, or topics and the
    record they are about (`topic@kind:id`), of which there is no evidence; `says` lays fields over what evidence on a topic says.
    """

    requirement: str
    check: str
    stated: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    gone: tuple[str, ...] = ()
    unsigned: tuple[str, ...] = ()
    says: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


SOCIETY_LEFT_OUT = {"impacts": [{"on": "S", "scope": "individual", "effect": "harm", "description": "d", "severity": 2, "likelihood": 2}]}
NOBODY_BUT_US = {"consequences": {"organization": 5, "individuals": 1, "society": 1}}

FAULTS = {
    "inventory incomplete": Fault("4.3", "GOV-08/inventory-reconciled", says={"inventory-reconciliation": {"failed": 1}}),
    "inventory never compared": Fault("4.3", "GOV-08/inventory-reconciled", unsigned=("inventory-reconciliation",)),
    "climate change not considered": Fault("4.1", "GOV-02/climate-issue-stated", gone=("context_issue:i1",)),
    "role undefined": Fault("4.1", "GOV-03/role-determined", unsigned=("role-determination",)),
    "risk class undefined": Fault("4.1", "GOV-03/systems-classified", stated={house.SYSTEM: {"risk_class": "unclassified"}}),
    "a control missing from the statement of applicability": Fault("6.1.3", "RSK-09/entries-complete", gone=("soa_entry:a.7.4",)),
    "another entry instead of the one missing": Fault(
        "6.1.3", "RSK-09/entries-complete", stated={"soa_entry:a.7.4": {"requirement": "ISO42001:8.2"}}
    ),
    "exclusion that nobody approved": Fault(
        "6.1.3",
        "RSK-09/entries-approved",
        stated={"soa_entry:a.6.2.8": {"necessary": False}},
        unsigned=("soa-approval@soa_entry:a.6.2.8",),
    ),
    "excluded control counts as unknown": Fault(
        "A.6.2.8", "", stated={"soa_entry:a.6.2.8": {"necessary": False}}, unsigned=("soa-approval@soa_entry:a.6.2.8",)
    ),
    "necessary control that nothing carries out": Fault(
        "6.1.3", "RSK-09/entries-name-controls", stated={"soa_entry:a.7.4": {"controls": []}}
    ),
    "treatment without the controls that do it": Fault(
        "6.1.3", "RSK-06/treatments-name-controls", stated={"treatment:bias": {"controls": []}}
    ),
    "controls never compared with Annex A": Fault("6.1.3", "RSK-10/compared-with-annex-a", unsigned=("control-selection-review",)),
    "no criteria for risk": Fault("6.1.2", "RSK-01/criteria-stated", gone=("risk_criteria:criteria",)),
    "risks to the organisation only": Fault(
        "6.1.2", "RSK-04/harm-to-people-rated", stated={f"risk:{name}": NOBODY_BUT_US for name in ("bias", "drift", "misuse")}
    ),
    "society left out": Fault("A.5.5", "SOC-05/society-in-assessment", stated={"impact_assessment:sorter": SOCIETY_LEFT_OUT}),
    "no impact assessment": Fault("8.4", "SOC-02/impact-assessed", gone=("impact_assessment:sorter",)),
    "impact assessment after deployment": Fault(
        "8.4", "SOC-15/deployment-rests-on-it", unsigned=("deployment-approval@impact_assessment:sorter",)
    ),
    "impact assessment not repeated in time": Fault(
        "8.4", "SOC-02/impact-assessed", stated={"impact_assessment:sorter": {"assessed_on": "2025-10-01"}}
    ),
    "impact assessment not repeated on change": Fault(
        "8.4", "SOC-02/assessed-again-on-change", stated={"change:retrained": {"impacts_assessed": []}}
    ),
    "risk assessment not repeated in time": Fault(
        "8.2", "RSK-05/assessed-within-a-year", stated={"risk:drift": {"assessed_on": "2025-10-01"}}
    ),
    "risk assessment not repeated on change": Fault(
        "8.2", "RSK-05/assessed-again-on-change", stated={"change:retrained": {"risks_assessed": []}}
    ),
    "residual risk accepted by nobody": Fault("6.1.3", "RSK-08/residual-accepted", unsigned=("residual-risk-acceptance@treatment:bias",)),
    "residual risk accepted in the name of no role": Fault(
        "6.1.3", "RSK-08/residual-accepted", says={"residual-risk-acceptance": {"role": None}}
    ),
    "risk without any treatment": Fault(
        "6.1.3", "RSK-08/no-risk-without-acceptance", gone=("treatment:misuse",), unsigned=("residual-risk-acceptance@risk:misuse",)
    ),
    "treatment that did not work": Fault("8.3", "RSK-07/effect-checked", says={"treatment-effectiveness": {"outcome": "ineffective"}}),
    "objective that nothing measures": Fault("6.2", "RSK-12/objectives-have-indicators", stated={"objective:fair": {"indicators": []}}),
    "objective without resources": Fault("6.2", "RSK-11/objectives-planned", stated={"objective:fair": {"resources": None}}),
    "events missing from the log": Fault("A.6.2.8", "MON-11/log-complete", says={"log-completeness": {"value": 0.8}}),
    "no word on which events are logged and kept": Fault("A.6.2.8", "MON-11/logging-specified", unsigned=("log-specification",)),
    "log that can be altered": Fault("A.6.2.8", "MON-12/log-tested", says={"log-integrity-test": {"failed": 1}}),
    "supplier's duties not allocated": Fault(
        "A.10.2", "LIF-31/supplier-duties-stated", stated={"supplier:maker": {"responsibilities": None}}
    ),
    "bought model without a supplier": Fault(
        "A.10.2", "LIF-31/outside-models-have-supplier", stated={"model:reader": {"suppliers": []}, house.SYSTEM: {"suppliers": []}}
    ),
    "no allocation along the value chain": Fault("A.10.2", "LIF-31/allocation-documented", unsigned=("responsibility-allocation",)),
    "no evidence of competence": Fault("7.2", "PPL-04/competence-proof", unsigned=("competence-proof@competence:auditing",)),
    "competence that nobody has": Fault("7.2", "PPL-04/competences-held", stated={"competence:auditing": {"held_by": []}}),
    "audit that left out Annex A": Fault(
        "9.2.2", "TRU-02/annex-a-audited", unsigned=tuple(f"internal-audit@soa_entry:a.{area}" for area in ("7.2", "7.3", "7.4"))
    ),
    "auditors of their own work": Fault("9.2.2", "TRU-03/no-self-audit", says={"segregation-of-duties": {"failed": 1}}),
    "no audit within a year": Fault("9.2.1", "TRU-02/audit-held", stated={"audit:yearly": {"held_on": "2025-10-01"}}),
    "corrective action without a cause": Fault("10.2", "TRU-09/closed-with-cause", stated={"nonconformity:late": {"cause": None}}),
    "corrective action whose effect nobody checked": Fault(
        "10.2",
        "TRU-10/done-actions-effective",
        stated={"corrective_action:late": dict.fromkeys(("effective", "effectiveness", "checked_on"))},
    ),
    "corrective action that failed, and nothing followed": Fault(
        "10.2", "TRU-10/failed-actions-followed", stated={"corrective_action:late": {"effective": False}}
    ),
    "corrective action overdue": Fault(
        "10.2", "TRU-10/no-action-overdue", stated={"corrective_action:late": {"done_on": None, "due_on": "2026-06-01"}}
    ),
} | {
    f"management review without {topic}": Fault(
        "9.3.2",
        "TRU-07/review-inputs-complete",
        stated={"management_review:yearly": {"inputs": [{"topic": one, "summary": "s"} for one in house.TOPICS if one != topic]}},
    )
    for topic in house.TOPICS
}


def with_fault(catalog: Catalog, fault: Fault | None) -> Assessment:
    """Assess the organisation in good order, with a fault set into it. What is stated is signed as it then stands."""
    fault = fault or Fault("", "")
    stated = deepcopy(house.records(catalog))
    for ref, fields in fault.stated.items():
        stated[ref] = {name: value for name, value in (stated[ref] | fields).items() if value is not None}
    found = house.record_set({ref: one for ref, one in stated.items() if ref not in fault.gone})

    def said(topic: str, ref: str, body: dict[str, Any]) -> dict[str, Any] | None:
        unsigned = {topic, f"{topic}@{ref}"} & set(fault.unsigned)
        return None if unsigned else {name: value for name, value in (body | fault.says.get(topic, {})).items() if value is not None}

    return assess(catalog, found, house.evidence(catalog, found, said), house.AS_OF)


@pytest.fixture(scope="module")
def in_order(shipped: Catalog) -> Assessment:
    return with_fault(shipped, None)


@pytest.mark.parametrize("requirement", sorted({fault.requirement for fault in FAULTS.values()}))
def test_without_a_fault_the_requirement_is_met(in_order: Assessment, requirement: str) -> None:
    tree = explain(in_order, f"ISO42001:{requirement}")
    assert tree.status is Status.MET, [reason.ref for reason in tree.walk() if "/" in reason.ref and reason.status is not Status.MET]


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_what_auditors_typically_find_is_found(shipped: Catalog, fault: Fault) -> None:
    tree = explain(with_fault(shipped, fault), f"ISO42001:{fault.requirement}")
    assert tree.status is not Status.MET
    if fault.check:
        seen = {reason.status for reason in tree.walk() if reason.ref == fault.check}
        assert seen
        assert seen.isdisjoint({Status.MET, Status.NOT_APPLICABLE})


def test_an_action_that_failed_is_told_without_harm(shipped: Catalog) -> None:
    """Whoever records a failure honestly, and what was changed instead, is not worse off than whoever hides it."""
    told = Fault("", "", stated={"corrective_action:late": {"effective": False, "system_change": "The gate now asks for the assessment"}})
    assert with_fault(shipped, told).requirement("ISO42001:10.2").status is Status.MET


def test_an_exclusion_nobody_approved_is_contested(shipped: Catalog) -> None:
    assert with_fault(shipped, FAULTS["excluded control counts as unknown"]).requirement("ISO42001:A.6.2.8").status is Status.UNKNOWN


@pytest.mark.parametrize(
    ("ref", "name"), [("soa_entry:a.7.4", "justification"), ("objective:fair", "measure"), ("objective:fair", "target")]
)
@pytest.mark.parametrize("value", [None, ""])
def test_what_the_records_themselves_refuse(shipped: Catalog, ref: str, name: str, value: str | None) -> None:
    """An exclusion without a reason, and an objective that cannot be measured, are not even records."""
    stated = house.records(shipped)
    stated[ref] = {key: one for key, one in (stated[ref] | {name: value}).items() if one is not None}
    with pytest.raises(ValidationError, match=name):
        house.record_set(stated)
