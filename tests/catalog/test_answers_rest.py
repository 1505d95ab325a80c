"""What India, California, the states, threat lists, Singapore, principles and the ISO standards ask is answered, and honestly so.

That every condition names a field that is there, and that every check can fail, is tested for the whole library in `test_controls.py`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

from kybern.catalog import Catalog, Control, EvidenceCheck, Relation, Strength, SubjectKind
from kybern.records import Edge, Record

COUNTING = {Relation.EQUAL, Relation.SUPERSET, Relation.SUBSET}
FRAMEWORKS = (
    "DPDP", "CALIFORNIA", "US_STATES", "OTHER_REGIMES", "NIST_GENAI", "OECD", "UNESCO", "OWASP_LLM", "OWASP_AGENTIC", "IMDA_AGENTIC",
    "IMDA_AI_VERIFY", "ISO27001", "ISO9001",
)  # fmt: skip
UNANSWERED = {"DPDP:R.4", "CALIFORNIA:CA-SB867", "CALIFORNIA:CA-AB1405"}
"""What no control answers. Each says why; the list is closed, so that a reason is no way out of work."""
REASON = 30
OWN = {"AGT": 26, "FRO": 7, "CON": 32, "DPF": 19, "SEC": 36, "QUA": 21}
"""The controls written for these frameworks, by prefix."""
DISCIPLINE = {"ISO27001": {"SEC", "CYB", "PRV"}, "ISO9001": {"QUA"}}
"""Whose controls show the discipline of a standard that shares its structure with ISO/IEC 42001."""
THREATS = ("OWASP_LLM", "OWASP_AGENTIC")


def own(catalog: Catalog) -> list[Control]:
    """The controls written for these frameworks."""
    return [control for control in catalog.controls.values() if control.id[:3] in OWN]


def counting(catalog: Catalog, ref: str) -> list[Control]:
    """The controls that count for an entry."""
    return [control for control, mapping in catalog.controls_for(ref) if mapping.relation in COUNTING]


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_every_entry_is_answered_with_evidence_or_says_why_not(shipped: Catalog, framework: str) -> None:
    assert shipped.leaves(framework)
    unanswered = {ref for ref in shipped.leaves(framework) if not counting(shipped, ref)}
    assert unanswered == {ref for ref in UNANSWERED if ref.startswith(f"{framework}:")}
    assert all(len(shipped.requirements[ref].no_control or "") >= REASON for ref in unanswered)


def test_tactics_of_attackers_ask_nothing(shipped: Catalog) -> None:
    assert shipped.leaves("MITRE_ATLAS") == ()


@pytest.mark.parametrize("framework", DISCIPLINE)
def test_a_management_system_for_ai_alone_meets_no_clause_of_another_standard(shipped: Catalog, framework: str) -> None:
    """The structure is shared, the discipline is not: each entry also counts on a control that looks at security, or at quality."""
    alone = [ref for ref in shipped.leaves(framework) if not {one.id[:3] for one in counting(shipped, ref)} & DISCIPLINE[framework]]
    assert alone == []


@pytest.mark.parametrize("framework", DISCIPLINE)
def test_what_is_done_for_the_ai_standard_counts_in_part_for_the_shared_structure(shipped: Catalog, framework: str) -> None:
    for clause in ("7.2", "7.5.3", "9.2.2", "9.3.2", "10.2"):
        weights = {mapping.weight for control, mapping in shipped.controls_for(f"{framework}:{clause}") if control.id[:3] in {"PPL", "TRU"}}
        assert weights == {0.5}, clause


@pytest.mark.parametrize("framework", THREATS)
def test_every_threat_is_answered_by_something_measured(shipped: Catalog, framework: str) -> None:
    for ref in shipped.leaves(framework):
        strengths = {
            check.min_strength for control in counting(shipped, ref) for check in control.checks if isinstance(check, EvidenceCheck)
        }
        assert Strength.MEASURED in strengths, ref


def test_controls_for_these_frameworks_leave_the_ai_standard_and_the_risk_framework_alone(shipped: Catalog) -> None:
    """Who follows ISO/IEC 42001 and the AI RMF is asked for nothing more because another framework joined the catalog."""
    reached = {mapping.requirement.partition(":")[0] for control in own(shipped) for mapping in control.satisfies}
    assert reached == set(FRAMEWORKS)


def test_the_controls_are_numbered_without_a_gap(shipped: Catalog) -> None:
    ids = [control.id for control in own(shipped)]
    assert sorted(ids) == sorted(f"{prefix}-{number:02d}" for prefix, count in OWN.items() for number in range(1, count + 1))


def test_no_control_rests_on_documents_alone(shipped: Catalog) -> None:
    """A document can only be missing or old: each control also asks what was tested, measured, decided or found."""
    assert [one.id for one in own(shipped) if not any(isinstance(check, EvidenceCheck) and check.require for check in one.checks)] == []


# --- a record that a check asks for can belong to its subject --------------------------------------------------------------------------


@cache
def _above() -> dict[str, set[str]]:
    """The kinds that a record of each kind can belong to, one step up, read from the schemas of the records."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for kind, model in Record.registry.items():
        for names, edge in _references(model.model_json_schema()):
            if edge == Edge.PART_OF:
                found[kind] |= set(names or Record.registry)
            elif edge == Edge.HAS:
                for name in names:
                    found[name].add(kind)
    return dict(found)


def _references(schema: Any) -> Iterator[tuple[list[str], str]]:
    if isinstance(schema, dict):
        if "x-kybern-edge" in schema:
            yield schema["x-kybern-ref"], schema["x-kybern-edge"]
        schema = list(schema.values())
    if isinstance(schema, list):
        for inner in schema:
            yield from _references(inner)


def can_belong(kind: str, subject: SubjectKind) -> bool:
    """Tell whether a record of a kind can belong to a subject, by whatever way. Everything belongs to the organisation."""
    seen, ahead = {kind}, [kind]
    while ahead:
        new = _above().get(ahead.pop(), set()) - seen
        seen |= new
        ahead += new
    return subject is SubjectKind.ORGANIZATION or subject.value in seen


def test_a_risk_belongs_to_a_system_and_never_to_an_agent() -> None:
    assert can_belong("risk", SubjectKind.AI_SYSTEM)
    assert can_belong("indicator", SubjectKind.AGENT)
    assert can_belong("dataset", SubjectKind.AI_SYSTEM)
    assert not can_belong("risk", SubjectKind.AGENT)


def test_what_a_check_asks_for_can_belong_to_its_subject(shipped: Catalog) -> None:
    """Otherwise the check could never be met, whatever the organisation does."""
    for control in shipped.controls.values():
        for check in control.checks:
            kind = check.on if isinstance(check, EvidenceCheck) else check.kind
            assert kind is None or all(can_belong(kind, subject) for subject in control.applies_to), f"{control.id}/{check.id}"
