"""The loader: a catalog that holds together is loaded, any other is refused with every place."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from yaml import safe_dump, safe_load_all

from kybern.base import InputError
from kybern.catalog import Catalog, days, load_catalog, load_frameworks

LAW, LOOK, WALK = "frameworks/law.yaml", "controls/look.yaml", "crosswalks/law-norm.yaml"
KINDS = {"role", "ai_system"}


def position(text: str, needle: str) -> tuple[int, int]:
    """Line and column, from 1, of the last place where `needle` stands."""
    before = text[: text.rindex(needle)]
    return before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1


def test_a_sound_catalog_is_loaded(texts: dict[str, str], folder: Callable) -> None:
    catalog = load_catalog(folder(texts), record_kinds=KINDS)
    assert list(catalog.requirements) == ["LAW:1", "LAW:1.1", "LAW:1.2", "LAW:2", "NORM:a"]
    assert catalog.roots("LAW") == ("LAW:1", "LAW:2")
    assert catalog.children("LAW:1") == ("LAW:1.1", "LAW:1.2")
    assert catalog.children("LAW:1.1") == ()
    assert catalog.leaves("LAW") == ("LAW:1.1", "LAW:1.2")
    assert catalog.framework_of("NORM:a").title == "A norm"
    ((control, mapping),) = catalog.controls_for("LAW:1.1")
    assert (control.id, mapping.relation) == ("LOK-01", "equal")
    assert catalog.controls_for("LAW:1.2") == ()
    assert [walk.id for walk in catalog.crosswalks] == ["law-norm"]


@pytest.mark.parametrize("ask", [Catalog.children, Catalog.controls_for, Catalog.framework_of, Catalog.roots, Catalog.leaves])
def test_an_unknown_name_is_a_key_error(texts: dict[str, str], folder: Callable, ask: Callable) -> None:
    catalog = load_catalog(folder(texts))
    with pytest.raises(KeyError):
        ask(catalog, "NOWHERE:1")


WALK_TWIN = 'id: law-norm\nsource_framework: NORM\ntarget_framework: LAW\nstatus_date: "2026-11-23"\nbases: {}\nrows: []\n'

CASES = {
    # The file, a text there and what is put instead; then the rule and the text at the place that are expected.
    "dangling parent": (
        LAW,
        'parent: "1", kind: paragraph, title: Leap',
        'parent: "9", kind: paragraph, title: Leap',
        "unknown-parent",
        '"9"',
    ),
    "own parent": (LAW, '{id: "2",', '{id: "2", parent: "2",', "parent-cycle", '"2", kind: recital'),
    "repeated requirement": (LAW, 'id: "1.2"', 'id: "1.1"', "duplicate-requirement", '"1.1", parent'),
    "blank statement": (LAW, "Then leap.", '" "', "missing-statement", '" "'),
    "no statement": (LAW, ", statement: Then leap.", "", "missing-field", '{id: "1.2"'),
    "id that is a number": (LAW, 'id: "1.2"', "id: 1.2", "wrong-type", "1.2, parent"),
    "repeated framework": (LAW, "id: NORM", "id: LAW", "duplicate-framework", "LAW\ntitle: A norm"),
    "date that is none": (LAW, "Then leap.", 'Then leap., dates: [{since: "2026-02-30", basis: Article 9}]', "wrong-type", '"2026-02-30"'),
    "date that is a word": (LAW, "Then leap.", "Then leap., dates: [{since: soon, basis: Article 9}]", "wrong-type", "soon"),
    "period that ends before it begins": (
        LAW,
        "Then leap.",
        'Then leap., dates: [{since: "2026-02-02", until: "2026-02-01", basis: Article 9}]',
        "invalid-value",
        '{since: "2026-02-02"',
    ),
    "empty bound": (LAW, "Then leap.", 'Then leap., bound: [leaper, ""]', "wrong-form", '""'),
    "two dates for one route of one day": (
        LAW,
        "Then leap.",
        "Then leap., dates: [{since: 2026-01-01, route: a, basis: x}, {since: 2027-02-02, route: a, basis: x}]",
        "contradictory-dates",
        "{since: 2027-02-02",
    ),
    "earlier states out of order": (
        LAW,
        "Then leap.",
        "Then leap., earlier: [{until: 2026-01-02, by: Act, change: New.}, {until: 2026-01-01, by: Act, change: Old.}]",
        "earlier-out-of-order",
        "2026-01-01, by",
    ),
    "two earlier states until one day": (
        LAW,
        "Then leap.",
        "Then leap., earlier: [{until: 2026-01-01, by: Act, change: New.}, {until: 2026-01-01, by: Act two, change: Old.}]",
        "earlier-out-of-order",
        "2026-01-01, by: Act two",
    ),
    "content of what was not there": (
        LAW,
        "Then leap.",
        "Then leap., earlier: [{until: 2026-01-01, by: Act, change: New., absent: true, statement: Do not leap.}]",
        "absent-with-content",
        "Do not leap.",
    ),
    "older than its parent": (
        LAW,
        '{id: "1", kind: article,',
        '{id: "1", earlier: [{until: 2026-01-01, by: Act, change: New., absent: true}], kind: article,',
        "before-parent",
        '"1.2", parent',
    ),
    "repealed and still asking": (LAW, "Then leap.", "Then leap., repealed: 2026-01-01", "repealed-normative", "2026-01-01"),
    "citation of nothing": (LAW, "Then leap.", 'Then leap., cites: ["LAW:1.1", "LAW:1.3"]', "unknown-requirement", '"LAW:1.3"'),
    "citation of no framework": (LAW, "Then leap.", 'Then leap., cites: ["ELSE:1"]', "unknown-requirement", '"ELSE:1"'),
    "misspelt field": (
        LAW,
        "rights: public\nrequirements:\n  - {id: a",
        "right: public\nrequirements:\n  - {id: a",
        "unknown-field",
        "right: ",
    ),
    "unknown requirement": (LOOK, "LAW:1.1", "LAW:1.3", "unknown-requirement", '"LAW:1.3"'),
    "group answered": (LOOK, "LAW:1.1", "LAW:1", "not-a-leaf", '"LAW:1"'),
    "entry that asks nothing": (LOOK, "LAW:1.1", "LAW:2", "not-normative", '"LAW:2"'),
    "answered twice": (LOOK, "NORM:a", "LAW:1.1", "duplicate-mapping", '"LAW:1.1"'),
    "unknown kind of a record check": (LOOK, "kind: role", "kind: rolle", "unknown-kind", "rolle"),
    "unknown kind of an evidence check": (LOOK, '"on": ai_system', '"on": system', "unknown-kind", "system, min"),
    "misspelt operator": (LOOK, "kind: role}", "kind: role, where: [{field: a, operator: eqq, value: 1}]}", "unknown-value", "eqq"),
    "operator without value": (LOOK, "kind: role}", "kind: role, where: [{field: a, operator: eq}]}", "invalid-value", "{field: a"),
    "misspelt check field": (LOOK, "kind: role}", "kind: role, miminum: 0}", "unknown-field", "miminum"),
    "unknown check type": (LOOK, "type: records", "type: record", "unknown-value", "record,"),
    "controls that are no list": (LOOK, "- id: LOK-01\n", "controls:\n- id: LOK-01\n", "wrong-type", "controls:"),
    "blank why": (LOOK, "why: Falls hurt.", 'why: " "', "missing-why", '" "'),
    "repeated crosswalk": (
        WALK,
        "id: law-norm\n",
        f"{WALK_TWIN}---\nid: law-norm\n",
        "duplicate-crosswalk",
        "law-norm\nsource_framework: LAW",
    ),
    "number in quotes": (LOOK, "weight: 0.5", 'weight: "0.5"', "wrong-type", '"0.5"'),
    "weight beyond one": (LOOK, "weight: 0.5", "weight: 1.5", "out-of-range", "1.5"),
    "citing nothing": (LAW, "statement: Look first.}", 'statement: Look first., cites: ["NORM:z"]}', "unknown-requirement", '"NORM:z"'),
    "row to nowhere": (WALK, 'source: "LAW:1.1"', 'source: "LAW:7"', "unknown-requirement", '"LAW:7"'),
    "row of another framework": (WALK, 'source: "LAW:1.1"', 'source: "NORM:a"', "wrong-framework", '"NORM:a", target'),
    "crosswalk of no framework": (WALK, "target_framework: NORM", "target_framework: NORMS", "unknown-framework", "NORMS"),
    "unexplained basis": (WALK, "basis: read", "basis: heard", "unknown-basis", "heard"),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_fault_is_told_with_its_place(texts: dict[str, str], folder: Callable, case: tuple[str, str, str, str, str]) -> None:
    file, old, new, rule, needle = case
    assert texts[file].count(old) == 1
    texts[file] = texts[file].replace(old, new)
    with pytest.raises(InputError) as caught:
        load_catalog(folder(texts), record_kinds=KINDS)
    found = {(p.rule, p.place.file, p.place.line, p.place.column) for p in caught.value.problems}
    assert (rule, file, *position(texts[file], needle)) in found


@pytest.mark.parametrize(
    ("old", "new", "message", "hint"),
    [
        ("_strength: declared", "_strength: measurd", "checks[1].min_strength cannot be measurd.", "Did you mean measured?"),
        (
            "_strength: declared",
            "_strength: 7",
            "checks[1].min_strength cannot be 7.",
            "Use one of declared, documented, observed, measured, verified.",
        ),
        ("relation: equal", "relation: same", "satisfies[0].relation cannot be same.", "Use one of equal, subset, superset, intersects."),
        ("cadence: P30D", "cadence: 30", "cadence needs text, not 30.", 'Put it in quotes: "30".'),
        ("cadence: P30D", "cadence: 30d", "cadence is not a time in days: 30d.", "Write it like P365D."),
        ("  why: Falls hurt.\n", "", "The field why is missing.", "A control needs it: add `why:`."),
        ("owner_role:", "owner_rol:", "A control has no field owner_rol.", "Did you mean owner_role?"),
    ],
)
def test_what_a_control_states_wrongly_is_told_in_plain_words(  # noqa: PLR0913, PLR0917 - one column a parameter
    texts: dict[str, str], folder: Callable, old: str, new: str, message: str, hint: str
) -> None:
    assert texts[LOOK].count(old) == 1
    texts[LOOK] = texts[LOOK].replace(old, new)
    with pytest.raises(InputError) as caught:
        load_catalog(folder(texts), record_kinds=KINDS)
    assert (message, hint) in {(problem.message, problem.hint) for problem in caught.value.problems}


def test_two_entries_above_each_other_are_both_told(texts: dict[str, str], folder: Callable) -> None:
    texts[LAW] = texts[LAW].replace('{id: "1", kind', '{id: "1", parent: "1.1", kind')
    with pytest.raises(InputError) as caught:
        load_catalog(folder({LAW: texts[LAW]}))
    assert [(p.rule, p.place.line) for p in caught.value.problems] == [("parent-cycle", 9), ("parent-cycle", 10)]


def test_a_control_defined_twice_is_told_with_the_first_place(texts: dict[str, str], folder: Callable) -> None:
    texts["controls/other.yaml"] = texts[LOOK]
    with pytest.raises(InputError) as caught:
        load_catalog(folder(texts))
    (problem,) = caught.value.problems
    assert (problem.rule, str(problem.place), problem.hint) == (
        "duplicate-control",
        "controls/other.yaml:1:7",
        "It is first at controls/look.yaml:1:7.",
    )


def test_a_crosswalk_row_given_twice_is_told(texts: dict[str, str], folder: Callable) -> None:
    texts[WALK] += texts[WALK].splitlines(keepends=True)[-1]
    with pytest.raises(InputError) as caught:
        load_catalog(folder(texts))
    assert [(p.rule, p.place.line) for p in caught.value.problems] == [("duplicate-row", 8)]


def test_every_problem_is_told_at_once(texts: dict[str, str], folder: Callable) -> None:
    texts[LAW] = texts[LAW].replace("Look first.", '" "').replace('"1", kind: paragraph, title: Leap', '"8", kind: paragraph, title: Leap')
    texts[LOOK] = texts[LOOK].replace("NORM:a", "NORM:b")
    with pytest.raises(InputError) as caught:
        load_catalog(folder(texts))
    assert [p.rule for p in caught.value.problems] == ["unknown-requirement", "missing-statement", "unknown-parent"]


def test_without_record_kinds_the_kinds_are_not_asked_about(texts: dict[str, str], folder: Callable) -> None:
    texts[LOOK] = texts[LOOK].replace("kind: role", "kind: lookout")
    assert load_catalog(folder(texts)).controls["LOK-01"]


def test_nothing_is_not_a_catalog(texts: dict[str, str], folder: Callable) -> None:
    for roots in ([folder({})], [folder(texts), folder({})]):
        with pytest.raises(InputError) as caught:
            load_catalog(roots[0], also=roots[1:])
        assert [p.rule for p in caught.value.problems] == ["no-catalog"]


def test_a_catalog_without_a_framework_is_refused(folder: Callable) -> None:
    tree = folder({})
    tree.content["controls"] = {}
    with pytest.raises(InputError) as caught:
        load_catalog(tree)
    assert [p.rule for p in caught.value.problems] == ["no-framework"]


def test_a_folder_named_like_a_file_is_told(texts: dict[str, str], folder: Callable) -> None:
    tree = folder(texts)
    tree.content["controls"]["odd.yaml"] = {}
    with pytest.raises(InputError) as caught:
        load_catalog(tree)
    assert [(p.rule, p.place.file) for p in caught.value.problems] == [("unreadable", "controls/odd.yaml")]


def test_a_catalog_of_the_user_joins_the_shipped_one(texts: dict[str, str], folder: Callable) -> None:
    own = folder({LAW: texts[LAW], LOOK: texts[LOOK].replace("NORM:a", "ISO42001:4.1")})
    base = {f"frameworks/{framework}.yaml": text for framework, text in {"iso": ISO_LIKE}.items()}
    catalog = load_catalog(folder(base), also=[own])
    assert [control.id for control, _ in catalog.controls_for("ISO42001:4.1")] == ["LOK-01"]


ISO_LIKE = """\
{id: ISO42001, title: t, edition: e, publisher: p, source: s, status_date: "2026-11-23", rights: r,
 requirements: [{id: "4.1", kind: clause, title: Context, statement: Know the context.}]}
"""


def test_the_digest_names_the_content_and_not_its_layout(texts: dict[str, str], folder: Callable) -> None:
    plain = load_catalog(folder(texts)).digest
    law, norm = texts[LAW].split("---\n")
    turned = {**texts, LAW: f"# a remark\n{norm}---\n{law}"}
    assert load_catalog(folder(turned)).digest == plain
    changed = {**texts, LOOK: texts[LOOK].replace("weight: 0.5", "weight: 0.6")}
    assert load_catalog(folder(changed)).digest != plain


def test_the_shipped_catalog_loads_fast_once_it_was_read(laws: Catalog, shipped: Catalog, tmp_path: Path) -> None:
    assert set(laws.requirements) == set(shipped.requirements)
    load_catalog(cache=tmp_path / "cache")
    start = time.process_time()
    load_catalog(cache=tmp_path / "cache")
    assert time.process_time() - start < 0.15


LEAF = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=8)
    | st.sampled_from(["LAW:1", "LAW", "1.1", "P30D"])
)
VALUE = st.recursive(
    LEAF, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["id", "on", "kind", "x"]), inner, max_size=3)
)


def mutate(value: object, draw: st.DataObject) -> object:
    """Replace or drop one value somewhere inside."""
    if isinstance(value, dict | list) and value and draw.draw(st.integers(0, 9)):
        key = draw.draw(st.sampled_from(list(value) if isinstance(value, dict) else range(len(value))))
        changed = value.copy()
        if draw.draw(st.integers(0, 5)) == 0:
            del changed[key]
        else:
            changed[key] = mutate(value[key], draw)
        return changed
    return draw.draw(VALUE)


def load_or_refuse(tree: object) -> None:
    """Load, and use all that a catalog computes; a refusal must carry a place for each problem."""
    catalog, refused = None, ()
    try:
        catalog = load_catalog(tree, record_kinds=KINDS)  # type: ignore[arg-type]
    except InputError as error:
        refused = error.problems
    assert all(problem.place.file in {LAW, LOOK, WALK, ""} for problem in refused)
    assert bool(refused) == (catalog is None)
    if catalog is None:
        return
    assert len(catalog.digest) == 64
    for framework in catalog.frameworks:
        assert set(catalog.leaves(framework)) <= set(catalog.requirements)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(draw=st.data())
def test_a_changed_value_is_loaded_or_refused_and_nothing_else(texts: dict[str, str], folder: Callable, draw: st.DataObject) -> None:
    file = draw.draw(st.sampled_from(sorted(texts)))
    documents = [mutate(document, draw) for document in safe_load_all(texts[file])]
    load_or_refuse(folder({**texts, file: "---\n".join(safe_dump(document, allow_unicode=True) for document in documents)}))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(draw=st.data(), noise=st.binary(min_size=0, max_size=6))
def test_changed_bytes_are_loaded_or_refused_and_nothing_else(
    texts: dict[str, str], folder: Callable, draw: st.DataObject, noise: bytes
) -> None:
    file = draw.draw(st.sampled_from(sorted(texts)))
    data = texts[file].encode()
    at, to = sorted(draw.draw(st.tuples(*[st.integers(0, len(data))] * 2)))
    load_or_refuse(folder({**texts, file: data[:at] + noise + data[min(to, at + 12) :]}))


@pytest.mark.parametrize("text", ["P100000D", "P9999999999999999D", "P²D", "P1Y", "PD", 365])
def test_a_time_that_no_calendar_holds_is_no_time_in_days(text: object) -> None:
    with pytest.raises(ValueError, match="is not a duration in days of at most five digits"):
        days(text)


def test_frameworks_alone_are_loaded_from_a_folder_or_a_file_and_may_cite_what_is_elsewhere(
    texts: dict[str, str], folder: Callable
) -> None:
    texts[LAW] = texts[LAW].replace("Then leap.", 'Then leap., cites: ["ELSEWHERE:1"]')
    tree = folder(texts)
    assert list(load_frameworks(tree)) == list(load_frameworks(tree.joinpath("frameworks").joinpath("law.yaml"))) == ["LAW", "NORM"]
    assert list(load_frameworks(folder({LOOK: texts[LOOK]}))) == []


@pytest.mark.parametrize(
    ("old", "new", "rule"), [("Then leap.", '" "', "missing-statement"), ("id: NORM", "id: LAW", "duplicate-framework")]
)
def test_frameworks_alone_hold_together_or_are_refused(texts: dict[str, str], folder: Callable, old: str, new: str, rule: str) -> None:
    texts[LAW] = texts[LAW].replace(old, new)
    with pytest.raises(InputError) as caught:
        load_frameworks(folder(texts).joinpath("frameworks").joinpath("law.yaml"))
    assert caught.value.problems[0].rule == rule


ANSWERS = """\
framework: LAW
status_date: "2026-11-26"
answers:
  - {requirement: "1.2", control: LOK-01, relation: superset, weight: 0.5}
"""


def test_answers_beside_a_framework_count_as_those_of_the_control(texts: dict[str, str], folder: Callable) -> None:
    before = load_catalog(folder(texts))
    catalog = load_catalog(folder(texts | {"answers/law.yaml": ANSWERS}), record_kinds=KINDS)
    ((control, mapping),) = catalog.controls_for("LAW:1.2")
    assert (control.id, mapping.relation, mapping.weight) == ("LOK-01", "superset", 0.5)
    assert catalog.controls_for("LAW:1.1")[0][0] is control
    assert catalog.digest != before.digest


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        ('"1.2"', '"1.9"', "unknown-requirement"),
        ('"1.2"', '"1.1"', "duplicate-mapping"),
        ('"1.2"', '"1"', "not-a-leaf"),
        ('"1.2"', '"2"', "not-normative"),
        ("LOK-01", "LOK-02", "unknown-control"),
        ("framework: LAW", "framework: LAWS", "unknown-requirement"),
        ("weight: 0.5", "weight: 2", "out-of-range"),
    ],
)
def test_an_answer_that_leads_nowhere_is_told_with_its_place(
    texts: dict[str, str], folder: Callable, old: str, new: str, rule: str
) -> None:
    with pytest.raises(InputError) as error:
        load_catalog(folder(texts | {"answers/law.yaml": ANSWERS.replace(old, new)}))
    [problem] = error.value.problems
    assert (problem.rule, problem.place.file, problem.place.line) == (rule, "answers/law.yaml", 4)
