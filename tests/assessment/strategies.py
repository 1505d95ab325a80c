"""Small random worlds: a catalog, records and evidence that have much to do with each other, and a moment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import combinations, product
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from kybern.catalog import (
    Catalog,
    Condition,
    Control,
    EvidenceCheck,
    Framework,
    Operator,
    PredicateType,
    RecordCheck,
    Relation,
    Requirement,
    Satisfies,
    Strength,
    SubjectKind,
)
from kybern.evidence import Evidence, Subject
from kybern.records import Record, RecordSet

if TYPE_CHECKING:
    from collections.abc import Callable

    Draw = Callable[[st.SearchStrategy[Any]], Any]

NOON = datetime(2026, 6, 15, 12, tzinfo=UTC)
MOMENTS = (NOON, NOON.replace(hour=0), NOON.replace(hour=23, minute=59, second=59), NOON + timedelta(days=20))
UNKNOWN_REFS = ("model:gone", "ai_system:gone", "organization:other")
PEOPLE = ("person:ada", "person:bob")
TOPICS = ("accuracy", "oversight")


@dataclass(frozen=True)
class World:
    """What `assess` is given."""

    catalog: Catalog
    records: RecordSet
    evidence: tuple[Evidence, ...]
    as_of: datetime


# Catalogs.

_TREE = (
    ("4", None, True),
    ("4.1", "4", True),
    ("4.2", "4", True),
    ("4.2.1", "4.2", True),
    ("4.2.2", "4.2", True),
    ("4.n", "4", False),
    ("5", None, True),
    ("A", None, False),
    ("A.1", "A", True),
)
_LEAVES = ("X:4.1", "X:4.2.1", "X:4.2.2", "X:5", "X:A.1", "Y:1.1", "Y:2")
_REQUIREMENTS = _LEAVES
_KINDS = ("ai_system", "model", "dataset", "agent", "supplier", "risk", "indicator", "policy", "treatment", "organization")


def _entry(identity: str, parent: str | None, normative: bool) -> Requirement:  # noqa: FBT001
    kind = "clause" if identity in ("4", "4.1") else "control"
    return Requirement(id=identity, parent=parent, kind=kind, title=identity, statement=identity, normative=normative)


def _framework(identity: str, entries: tuple[tuple[str, str | None, bool], ...]) -> Framework:
    return Framework(
        id=identity,
        title=identity,
        edition="1",
        publisher="tests",
        source="tests",
        status_date=date(2026, 1, 1),
        rights="ours",
        requirements=tuple(_entry(*entry) for entry in entries),
    )


_FRAMEWORKS = {"X": _framework("X", _TREE), "Y": _framework("Y", (("1", None, True), ("1.1", "1", True), ("2", None, True)))}


def _condition(field: str, operator: Operator, value: Any = None) -> Condition:
    return Condition(field=field, operator=operator, value=value)


_O = Operator
_BODY_REQUIRE = (
    _condition("value", _O.WITHIN),
    _condition("value", _O.GE, 0.5),
    _condition("value", _O.LT, 0.9),
    _condition("value", _O.GT, 0),
    _condition("value", _O.LE, 1),
    _condition("holds", _O.EQ, value=True),
    _condition("holds", _O.NE, value=False),
    _condition("failed", _O.EQ, 0),
    _condition("decision", _O.IN, ["approved", "approved-with-conditions"]),
    _condition("note", _O.PRESENT),
    _condition("note", _O.ABSENT),
    _condition("note", _O.CONTAINS, "well"),
    _condition("review.passed", _O.EQ, value=True),
    _condition("held_on", _O.MAX_AGE, "P30D"),
    _condition("due_on", _O.NOT_PAST),
    _condition("parts.name", _O.CONTAINS, "a"),
)
_BODY_MATCH = (
    _condition("metric", _O.EQ, "auc"),
    _condition("metric", _O.NE, "auc"),
    _condition("note", _O.ABSENT),
    _condition("value", _O.GE, 0.3),
    _condition("held_on", _O.MAX_AGE, "P30D"),
)
_DAY = "2026-06-15"
_RECORD_CONDITIONS = (
    _condition("owner", _O.PRESENT),
    _condition("tags", _O.CONTAINS, "red"),
    _condition("tags", _O.ABSENT),
    _condition("reviewed_on", _O.MAX_AGE, "P14D"),
    _condition("reviewed_on", _O.NOT_PAST),
    _condition("reviewed_on", _O.GE, _DAY),
    _condition("version", _O.EQ, "1"),
    _condition("version", _O.NE, "1"),
    _condition("version", _O.IN, ["1", "2"]),
    _condition("title", _O.LT, "m"),
    _condition("maximum", _O.WITHIN),
    _condition("likelihood", _O.LE, 3),
    _condition("personal_data", _O.EQ, value=True),
    _condition("tools.effect", _O.CONTAINS, "pays"),
)
_WHEN = (
    _condition("personal_data", _O.EQ, value=True),
    _condition("stage", _O.IN, ["operation", "retirement"]),
    _condition("version", _O.EQ, "1"),
    _condition("owner", _O.PRESENT),
    _condition("owner", _O.ABSENT),
    _condition("employees", _O.GE, 50),
)


def some(items: Any, *, at_least: int = 0, at_most: int = 2) -> st.SearchStrategy[tuple[Any, ...]]:
    """Draw a few different ones of the items, in one draw."""
    pool = list(items)
    return _chosen(len(pool), min(at_least, len(pool)), at_most).map(lambda chosen: tuple(pool[index] for index in chosen))


@cache
def _chosen(count: int, at_least: int, at_most: int) -> st.SearchStrategy[tuple[int, ...]]:
    return st.sampled_from([chosen for size in range(at_least, at_most + 1) for chosen in combinations(range(count), size)])


def often(common: Any, *rare: Any) -> st.SearchStrategy[Any]:
    """Draw the first half of the time, one of the others otherwise."""
    return st.sampled_from([common] * len(rare) + list(rare))


def one_in(count: int) -> st.SearchStrategy[bool]:
    return often(False, *[False] * (count - 2), True)  # noqa: FBT003


def few(conditions: tuple[Condition, ...]) -> st.SearchStrategy[tuple[Condition, ...]]:
    """Draw no condition, mostly, or one, or two."""
    return st.sampled_from([()] * (2 * len(conditions)) + [(one,) for one in conditions] + list(combinations(conditions, 2))[::7])


_BOOLEANS = st.booleans()
_PREDICATES = st.sampled_from([PredicateType.MEASUREMENT, PredicateType.ATTESTATION, PredicateType.APPROVAL])
_STRENGTHS = often(Strength.DECLARED, *Strength)
_DURATIONS = often(None, "P1D", "P10D", "P30D", "P100D")


_FEW_BODY_REQUIRE, _FEW_BODY_MATCH = few(_BODY_REQUIRE), few(_BODY_MATCH)
_WITHIN = _BODY_REQUIRE[:1]
_FEW_RECORD, _FEW_WHEN = few(_RECORD_CONDITIONS), few(_WHEN)
_ON = often(None, *_KINDS, "indicator", "indicator", "indicator")


@st.composite
def evidence_checks(draw: Draw, identity: str) -> EvidenceCheck:
    on = draw(_ON)
    return EvidenceCheck(
        type="evidence",
        id=identity,
        title=identity,
        predicate=draw(_PREDICATES),
        topic=draw(often(None, *TOPICS)),
        on=on,
        where=draw(_FEW_RECORD) if on else (),
        match=draw(_FEW_BODY_MATCH),
        require=_WITHIN if on == "indicator" else draw(_FEW_BODY_REQUIRE),
        min_strength=draw(_STRENGTHS),
        max_age=draw(_DURATIONS),
        pinned=draw(one_in(4)),
    )


@st.composite
def record_checks(draw: Draw, identity: str) -> RecordCheck:
    return RecordCheck(
        type="records",
        id=identity,
        title=identity,
        kind=draw(st.sampled_from(_KINDS)),
        where=draw(_FEW_RECORD),
        require=draw(_FEW_RECORD),
        minimum=draw(often(1, 0, 2)),
    )


_FIRST, _SECOND, _THIRD = evidence_checks("c0"), evidence_checks("c1"), record_checks("c2")
_CHECKS = st.sampled_from([(_FIRST,), (_FIRST, _THIRD), (_FIRST, _SECOND, _THIRD), (_FIRST, _SECOND)])
_RELATIONS = often(Relation.SUBSET, *Relation)
_WEIGHTS = st.sampled_from([1.0, 0.5, 0.3, 0.1])


@st.composite
def controls(draw: Draw, number: int, leaves: tuple[str, ...]) -> Control:
    return Control(
        id=f"TST-{number:02}",
        layer="L1",
        title="t",
        statement="s",
        why="w",
        owner_role="ai-officer",
        cadence="P30D",
        applies_to=draw(some(SubjectKind, at_least=1, at_most=3)),
        applies_when=draw(_FEW_WHEN),
        absent=draw(st.sampled_from(["unknown", "not_applicable"])),
        satisfies=tuple(
            Satisfies(requirement=ref, relation=draw(_RELATIONS), weight=draw(_WEIGHTS))
            for ref in draw(some(leaves, at_least=1, at_most=4))
        ),
        checks=tuple(draw(check) for check in draw(_CHECKS)),
    )


@st.composite
def catalogs(draw: Draw) -> Catalog:
    frameworks = {key: _FRAMEWORKS[key] for key in draw(st.sampled_from(["Y", "X", "XY"]))}
    leaves = tuple(ref for ref in _LEAVES if ref[0] in frameworks)
    drawn = [draw(controls(number, leaves)) for number in range(draw(st.integers(1, 6)))]
    return Catalog(frameworks=frameworks, controls={control.id: control for control in drawn})


# Records.

_COMMON = st.sampled_from(
    [
        {"title": title, "owner": owner, "version": version, "reviewed_on": day, "tags": tags}
        for title, owner, version, day, tags in product(
            ("a", "z"),
            ("person:ada", None),
            ("1", "2", None),
            [None, *((NOON + timedelta(days=days)).date() for days in (0, -1, -14, -15, 1, 20, -35, 6, 5))],
            (("red",), (), ("red", "blue"), ("blue",)),
        )
    ]
)


_FIXED: dict[str, dict[str, Any]] = {
    "organization": {"legal_name": "O", "sector": "s", "countries": ["DE"], "ai_roles": ["provider"]},
    "scope": {"statement": "s"},
    "ai_system": {"role": "provider", "purpose": "p", "use_case": "u", "autonomy": "advises", "users": ["u"], "jurisdictions": ["DE"]},
    "model": {"type": "tree", "task": "classification", "origin": "developed", "intended_use": "u"},
    "dataset": {"use": ["training"], "source": "s", "acquisition": "public"},
    "agent": {"goal": "g", "autonomy": "proposes", "limits": "l", "stop": "s"},
    "supplier": {"supplies": ["data"], "country": "DE", "criticality": "low"},
    "risk": {"type": "bias", "scenario": "s", "criteria": "risk_criteria:rc", "assessor": "person:ada", "assessed_on": "2026-05-01"},
    "treatment": {"option": "modify", "plan": "p", "residual_likelihood": 1, "residual_consequence": 1},
    "indicator": {
        "category": "performance",
        "metric": "m",
        "definition": "d",
        "unit": "u",
        "measure_every": "P1D",
        "why_these_bounds": "w",
    },
    "policy": {"type": "ai", "statement": "s"},
    "soa_entry": {"justification": "j"},
    "exception": {"reason": "r", "compensating": "c"},
}


def _refs(kind: str, count: int) -> list[str]:
    return [f"{kind}:{kind[0]}{index}" for index in range(count)]


@dataclass
class _Names:
    """What there is to refer to; a few names lead nowhere."""

    systems: list[str]
    models: list[str]
    datasets: list[str]
    agents: list[str]
    suppliers: list[str]
    risks: list[str]
    controls: list[str]

    @property
    def things(self) -> list[str]:
        return [*self.systems, *self.models, *self.datasets, *self.agents, *self.suppliers]


def _special(draw: Draw, kind: str, names: _Names) -> dict[str, Any]:
    """Draw the fields of a kind that matter to status."""
    person = often(None, *PEOPLE)
    fields: dict[str, Callable[[], dict[str, Any]]] = {
        "organization": lambda: {"employees": draw(st.sampled_from([None, 10, 50]))},
        "scope": lambda: {"systems": draw(some([*names.systems, "ai_system:gone"]))},
        "ai_system": lambda: {
            "stage": draw(st.sampled_from(["design", "operation"])),
            "personal_data": draw(st.sampled_from([None, True, False])),
            "models": draw(some([*names.models, "model:gone"])),
            "datasets": draw(some(names.datasets, at_most=1)),
            "agents": draw(some(names.agents)),
            "suppliers": draw(some(names.suppliers)),
        },
        "model": lambda: {"datasets": draw(some(names.datasets)), "suppliers": draw(some(names.suppliers))},
        "dataset": lambda: {"personal_data": draw(st.booleans()), "suppliers": draw(some(names.suppliers))},
        "agent": lambda: {
            "models": draw(some(names.models)),
            "tools": [{"name": "t", "effect": effect} for effect in draw(some(["pays", "reads"], at_least=1))],
        },
        "risk": lambda: {
            "systems": draw(some([*names.systems, "ai_system:gone"], at_least=1)),
            "likelihood": draw(st.integers(1, 5)),
            "consequences": {"organization": 1, "individuals": 1, "society": 1},
        },
        "treatment": lambda: {"risk": draw(st.sampled_from([*names.risks, "risk:gone"]))},
        "indicator": lambda: {
            "of": draw(some(names.things)),
            **draw(st.sampled_from([{"minimum": 0.5}, {"maximum": 0.9}, {"minimum": 0.4, "maximum": 1}])),
        },
        "soa_entry": lambda: {
            "requirement": draw(st.sampled_from(_REQUIREMENTS)),
            "necessary": draw(one_in(4)),
            "systems": draw(some([*names.systems, "ai_system:gone"])),
            "approved_by": draw(person),
        },
        "exception": lambda: {
            "controls": draw(some(names.controls, at_least=1)),
            "systems": draw(some([*names.systems, "ai_system:gone"])),
            "valid_from": (NOON + timedelta(days=draw(st.sampled_from([-30, 0, 0, 1, 20])))).date(),
            "expires_on": (NOON + timedelta(days=draw(st.sampled_from([-1, 0, 0, 20, 60])))).date(),
            "approved_by": draw(person),
        },
    }
    return fields.get(kind, dict)()


_COUNTS = {
    "organization": 1,
    "scope": 1,
    "ai_system": 3,
    "model": 2,
    "dataset": 2,
    "agent": 2,
    "supplier": 2,
    "risk": 2,
    "treatment": 2,
    "indicator": 2,
    "policy": 2,
    "soa_entry": 3,
    "exception": 2,
}


@st.composite
def record_sets(draw: Draw, catalog: Catalog) -> RecordSet:
    counts = {kind: draw(st.integers(0, most)) for kind, most in _COUNTS.items()}
    refs = {kind: _refs(kind, count) for kind, count in counts.items()}
    names = _Names(
        refs["ai_system"],
        refs["model"],
        refs["dataset"],
        refs["agent"],
        refs["supplier"],
        refs["risk"],
        list(catalog.controls),
    )
    return RecordSet(
        Record.registry[kind].model_validate(
            {**_FIXED[kind], **draw(_COMMON), "kind": kind, "id": ref.partition(":")[2], **_special(draw, kind, names)}
        )
        for kind, found in refs.items()
        for ref in found
    )


# Evidence.

_GOOD: dict[str, Any] = {
    "value": 0.6,
    "holds": True,
    "failed": 0,
    "decision": "approved",
    "by": "person:ada",
    "metric": "auc",
    "note": "went well",
    "review": {"passed": True},
    "held_on": "2026-06-10",
    "due_on": "2026-09-01",
    "parts": [{"name": "a"}, {"name": "b"}],
}
_OTHER: dict[str, list[Any]] = {
    "value": [0.4, 0.5, 0.5, 0.9, 0.9, 0.95, 1, True, "high"],
    "holds": [False, 1, "true"],
    "failed": [2, 0.0, False],
    "decision": ["approved-with-conditions", "rejected"],
    "by": ["person:bob"],
    "metric": ["f1"],
    "note": ["bad", ""],
    "review": [{"passed": False}, {}, [{"passed": True}]],
    "held_on": ["2026-05-16", "2026-05-15", "2026-06-30", "soon"],
    "due_on": ["2026-06-14", "2026-06-15", "2026-06-15T12:00:00Z", "2026-06-15T11:59:59Z"],
    "parts": [[], [{"name": "b"}], [{}], "a"],
}
_AGES = often(
    timedelta(days=-1),
    *(timedelta(days=days, seconds=seconds) for days, seconds in product((0, -1, -5, -10, -30, -100, -400, 5), (0, 1, -1))),
)
_LIVES = st.sampled_from([None, None, None, 1, 1, 10, 30, 100, 500])
_LEFT_OUT = often((), *((name,) for name in _GOOD), *combinations(_GOOD, 2))
_CHANGED = often((), *([(name, value)] for name, values in _OTHER.items() for value in values))
_HEADS = st.integers(0, 2**48 - 1)


@st.composite
def bodies(draw: Draw) -> dict[str, Any]:
    body = {**_GOOD, **dict(draw(_CHANGED)), **dict(draw(_CHANGED))}
    left_out = draw(_LEFT_OUT)
    return {name: value for name, value in body.items() if name not in left_out}


@st.composite
def pieces(draw: Draw, number: int, catalog: Catalog, records: RecordSet, as_of: datetime) -> Evidence:
    """Draw a piece that some check asks for, or an approval of an exclusion or waiver; about things there, mostly."""
    papers = [record.ref for record in records if record.kind in {"soa_entry", "exception"}]
    if papers and draw(_BOOLEANS):
        predicate, topic, subjects = PredicateType.APPROVAL, "approval", draw(some(papers, at_least=1))
    else:
        checks = [check for control in catalog.controls.values() for check in control.checks if isinstance(check, EvidenceCheck)]
        check = draw(st.sampled_from(checks))
        predicate, topic = check.predicate, check.topic or draw(st.sampled_from(TOPICS))
        fitting = tuple(record.ref for record in records if check.on in (None, record.kind))
        subjects = fitting or UNKNOWN_REFS
        if not draw(_BOOLEANS):
            subjects = draw(some([*fitting, *UNKNOWN_REFS], at_least=1))
    observed = as_of + draw(_AGES)
    life = draw(_LIVES)
    right = draw(one_in(4)) is False
    return Evidence(
        id=f"{draw(_HEADS):012x}{number:04x}".ljust(64, "0"),
        predicate=predicate,
        topic=topic,
        subjects=tuple(Subject(ref, record.digest if right and (record := records.get(ref)) else "0" * 64) for ref in subjects),
        observed_at=observed,
        expires_at=None if life is None else observed + timedelta(days=life),
        strength=draw(st.sampled_from(Strength)),
        body=draw(bodies()),
        signers=("k",),
        source=f"e{number}.json",
    )


@st.composite
def worlds(draw: Draw) -> World:
    catalog = draw(catalogs())
    records = draw(record_sets(catalog))
    as_of = draw(st.sampled_from(MOMENTS))
    evidence = tuple(draw(pieces(number, catalog, records, as_of)) for number in range(draw(st.integers(0, 16))))
    return World(catalog, records, evidence, as_of)
