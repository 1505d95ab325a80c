"""What is due at each gate: the table that ships, and what a workspace changes of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from gate_world import SCHEMA

from kybern.base import InputError
from kybern.catalog import PredicateType, Strength, load_catalog, load_controls
from kybern.gate import STAGES, due_at, read_settings, shipped_stages


def settings(root: Path, text: str) -> Path:
    (root / "policy").mkdir()
    (root / "policy" / "gate.yaml").write_text(text)
    return root


def test_every_stage_names_controls_that_the_catalog_has_and_an_approval_that_its_checks_ask_for() -> None:
    catalog, table = load_catalog(), shipped_stages()
    topics = {check.topic for control in catalog.controls.values() for check in control.checks if check.type == "evidence"}
    assert tuple(table) == STAGES == tuple(action for action in SCHEMA.actions if action != "call-tool")
    for stage in table.values():
        assert set(stage.controls) <= catalog.controls.keys()
        assert len(set(stage.controls)) == len(stage.controls)
        assert stage.approval in topics


def test_no_check_of_the_library_is_met_by_what_a_tool_says_unsigned() -> None:
    of_tools = (PredicateType.TEST_RUN, PredicateType.MEASUREMENT, PredicateType.DOCUMENT)
    checks = [check for control in load_catalog().controls.values() for check in control.checks if check.type == "evidence"]
    assert [check.id for check in checks if check.predicate in of_tools and check.min_strength <= Strength.DECLARED] == []


def test_a_control_of_systems_in_use_is_due_before_the_system_goes_into_use(tmp_path: Path) -> None:
    due = due_at("deploy", read_settings(tmp_path))
    assert due.catalog.controls["LIF-18"].applies_when == ()  # in the catalog: of systems in deployment or operation
    assert [one.field for one in due.catalog.controls["SOC-08"].applies_when] == ["generates_content"]
    merge = due_at("merge", read_settings(tmp_path))
    assert [one.field for one in merge.catalog.controls["LIF-25"].applies_when] == ["stage"]


def test_a_workspace_adds_controls_and_takes_some_away(tmp_path: Path) -> None:
    root = settings(tmp_path, "kybern: 1\ndue:\n  retire: {also: [LIF-25], without: [GOV-24], reason: no such thing}\n")
    assert set(due_at("retire", read_settings(root)).catalog.controls) == {"LIF-02", "LIF-25", "LIF-26", "TRU-17"}
    assert set(due_at("merge", read_settings(root)).catalog.controls) == set(shipped_stages()["merge"].controls)


@pytest.mark.parametrize(
    ("text", "rule", "line"),
    [
        ("kybern: 1\ndue:\n  deploy: {also: [LIF-02, XYZ-99]}\n", "unknown-control", 3),
        ("kybern: 1\ndue:\n  deploi: {also: [LIF-02]}\n", "unknown-value", 3),
        ("kybern: 1\ncolect: []\n", "unknown-field", 2),
        ("kybern: 1\ncollect:\n  - {as: junit}\n", "missing-field", 3),
        ("kybern: 1\n---\nkybern: 1\n", "one-document", 0),
    ],
)
def test_what_is_wrong_with_the_settings_is_told_with_its_line(tmp_path: Path, text: str, rule: str, line: int) -> None:
    root = settings(tmp_path, text)
    with pytest.raises(InputError) as caught:
        due_at("deploy", read_settings(root))
    (problem,) = caught.value.problems
    assert (problem.rule, problem.place.line) == (rule, line)


def test_controls_alone_are_those_of_the_whole_catalog(tmp_path: Path) -> None:
    whole, some = load_catalog().controls, ("LIF-18", "GOV-24", "XYZ-99")
    found = load_controls(some).controls
    assert found.keys() == {"LIF-18", "GOV-24"}
    for name, control in found.items():  # what is said beside the frameworks is not read: a gate asks for no requirement
        assert control.model_copy(update={"satisfies": whole[name].satisfies}) == whole[name]
        assert set(control.satisfies) <= set(whole[name].satisfies)
    (tmp_path / "controls").mkdir()
    (tmp_path / "controls" / "a.yaml").write_text("- {id: LIF-18, titel: x}\n- {id: LIF-19}\n")
    with pytest.raises(InputError, match="unknown-field"):
        load_controls(["LIF-18"], tmp_path)
    assert load_controls(["LIF-20"], tmp_path).controls == {}
