"""The files of clocks: what is wrong in them is told with its place, and they hold together with the catalog."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kybern.base import InputError
from kybern.base.yaml import read_yaml
from kybern.catalog import load_catalog
from kybern.catalog.applicability import load_rules
from kybern.catalog.clocks import check_clocks, load_clocks, read_clocks, read_sheet, sheet_schema

SHIPPED = files("kybern.catalog.clocks")


def test_every_provision_that_a_clock_names_is_in_the_catalog() -> None:
    assert check_clocks(load_clocks(), load_catalog()) == ()


def test_a_provision_that_is_not_there_is_told(tmp_path: Path) -> None:
    found = read_clocks(_copy(tmp_path, "gdpr.yaml", "GDPR:Art.33(1)", "GDPR:Art.33(9)"), load_rules())
    [problem] = check_clocks(found, load_catalog())
    assert problem.rule == "unknown-requirement"
    assert problem.place.line
    assert "kybern catalog show" in problem.hint


def _copy(folder: Path, name: str, old: str, new: str) -> Path:
    for one in SHIPPED.iterdir():
        if one.name.endswith(".yaml"):
            text = one.read_text(encoding="utf-8")
            (folder / one.name).write_text(text.replace(old, new, 1) if one.name == name else text, encoding="utf-8")
    return folder


WRONG = [
    ("gdpr.yaml", "within: PT72H", "within: 72 hours", "wrong-form"),
    ("gdpr.yaml", "start: aware_at", "start: awere_at", "unknown-moment"),
    ("gdpr.yaml", "[gdpr.controller]", "[gdpr.controler]", "unknown-conclusion"),
    ("gdpr.yaml", "not breach_risk is unlikely", "not breach_risk is unlikly", "unknown-value"),
    ("gdpr.yaml", "personal_data_breach,", "personal_data_breech,", "unknown-fact"),
    ("gdpr.yaml", "counting: union", "counting: moon", "unknown-value"),
    ("gdpr.yaml", "id: gdpr.processor", "id: gdpr.authority", "duplicate-clock"),
    ("gdpr.yaml", "    start: aware_at\n    within: PT72H\n", "    within: PT72H\n", "invalid-value"),
    ("gdpr.yaml", "recipient:", "receiver:", "unknown-field"),
    ("nis2.yaml", "after: [nis2.notification,", "after: [nis2.notfication,", "unknown-clock"),
    ("california.yaml", "America/Los_Angeles", "America/Los_Angles", "unknown-zone"),
    ("california.yaml", "zone: America/Los_Angeles\n", "", "invalid-value"),
    ("facts.yaml", "Europe/Berlin", "Europe/Belin", "unknown-zone"),
    ("facts.yaml", "name: breach_risk", "name: personal_data", "duplicate-fact"),
    ("facts.yaml", "  # Frontier models.", "  - {name: moon_phase, type: bool, question: Which?, source: ['GDPR:Art.4']}", "unreachable"),
]


@pytest.mark.parametrize(("name", "old", "new", "rule"), WRONG, ids=[f"{one[3]}-{index}" for index, one in enumerate(WRONG)])
def test_what_is_wrong_in_a_file_is_told_with_its_place(tmp_path: Path, name: str, old: str, new: str, rule: str) -> None:
    with pytest.raises(InputError) as told:
        read_clocks(_copy(tmp_path, name, old, new), load_rules())
    assert rule in {problem.rule for problem in told.value.problems}, told.value.problems
    assert all(problem.place.line for problem in told.value.problems)


SHEET = """\
title: Wrong letters
moments: {aware_at: 2026-11-02T09:00:00Z}
member_states: [DE]
incident: {harms: [], personal_data_breach: true}
facts: {controller: true}
reports: {gdpr.authority: 2026-11-03T09:00:00Z}
"""


def test_a_sheet_fits_its_published_schema() -> None:
    schema = sheet_schema(load_clocks())
    jsonschema.Draft202012Validator.check_schema(schema)
    document = read_yaml(SHEET.encode(), "sheet.yaml")[0]
    jsonschema.validate(document.value, schema)
    sheet = read_sheet(load_clocks(), document)
    assert sheet.facts == {"controller": True}
    assert sheet.incident.reported("gdpr.authority") is not None


SHEETS = [
    ("aware_at: 2026", "awareness: 2026", "unknown-moment"),
    ("2026-11-02T09:00:00Z", "2026-11-02T09:00:00", "wrong-type"),
    ("2026-11-02T09:00:00Z", "9999-12-31T23:59:59Z", "wrong-moment"),
    ("moments: {", "moments: {occurred_at: 2026-11-03T00:00:00Z, ", "contradictory-moments"),
    ("personal_data_breach", "personal_data_breech", "unknown-fact"),
    ("harms: []", "harms: [deth]", "wrong-fact"),
    ("controller: true", "controler: true", "unknown-fact"),
    ("gdpr.authority", "gdpr.autority", "unknown-clock"),
    ("gdpr.authority: 2026", "gdpr.authority: 2926", "wrong-moment"),
    ("[DE]", "[Germany]", "wrong-form"),
    ("title:", "titel:", "unknown-field"),
]


@pytest.mark.parametrize(("old", "new", "rule"), SHEETS, ids=[f"{one[2]}-{index}" for index, one in enumerate(SHEETS)])
def test_what_is_wrong_in_a_sheet_is_told_with_its_place(old: str, new: str, rule: str) -> None:
    with pytest.raises(InputError) as told:
        read_sheet(load_clocks(), read_yaml(SHEET.replace(old, new).encode(), "sheet.yaml")[0])
    assert rule in {problem.rule for problem in told.value.problems}, told.value.problems
    assert all(problem.place.line for problem in told.value.problems)


_LEAF = st.none() | st.booleans() | st.integers() | st.text(max_size=20)
_JSON = st.recursive(_LEAF, lambda one: st.lists(one, max_size=3) | st.dictionaries(st.text(max_size=8), one))


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.sampled_from(["title", "moments", "member_states", "incident", "facts", "reports", "x"]), _JSON))
def test_any_sheet_is_read_or_refused_and_never_breaks(value: dict[str, object]) -> None:
    try:
        read_sheet(load_clocks(), read_yaml(json.dumps(value).encode(), "sheet.yaml")[0])
    except InputError as error:
        assert error.problems  # noqa: PT017 - either way is right, a traceback is not
