"""Connectors on files made to be wrong, or to mislead: each says what is wrong and where, or reads it the careful way."""

from __future__ import annotations

import json
import sqlite3
import time
from datetime import UTC, datetime, timedelta
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import connect_plugin
import pytest
from connect_files import by_name, read

from kybern.base import InputError, Problem
from kybern.catalog import PredicateType
from kybern.connect import Observation, Source, choose, connector_of, connectors, lacking, predicate_of, read_source
from kybern.connect import _connector as registry

NOW = datetime(2026, 11, 26, 9, tzinfo=UTC)


def wrong(kind: str, source: Source | bytes) -> Problem:
    """The one thing that is wrong with a source."""
    with pytest.raises(InputError) as caught:
        read(kind, source)
    (problem,) = caught.value.problems
    return problem


def sarif(run: dict[str, Any]) -> bytes:
    return json.dumps({"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "scan"}}, **run}]}).encode()


# --- JUnit -----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]><testsuites><testsuite name="&b;"/></testsuites>',
        b'<!DOCTYPE x SYSTEM "file:///etc/passwd"><testsuites/>',
        b'<!DOCTYPE x [<!ENTITY % p SYSTEM "http://127.0.0.1/x"> %p;]><testsuites/>',
    ],
)
def test_a_document_type_is_refused_before_it_means_anything(text: bytes) -> None:
    assert wrong("junit", text).rule == "entities"


def test_suites_within_suites_are_counted_at_the_top_and_failures_outside_cases_count() -> None:
    text = b"""<testsuites><testsuite name="all" failures="0" errors="0">
      <testsuite name="a" errors="3"><testcase name="x"/><testcase name="y"><skipped/></testcase></testsuite>
      <testcase name="z"><failure/></testcase></testsuite><testsuite name="other"><testcase name="x"/></testsuite></testsuites>"""
    found = by_name(read("junit", text))
    assert {name: (one.fields["passed"], one.fields["failed"], one.fields["skipped"]) for name, one in found.items()} == {
        "all": (1, 3, 1),
        "other": (1, 0, 0),
    }


def test_the_suites_of_a_report_are_of_one_moment_the_earliest() -> None:
    text = b"""<testsuites><testsuite name="a" timestamp="2026-11-26T12:00:00Z"><testcase name="x"><failure/></testcase></testsuite>
      <testsuite name="b" timestamp="2026-11-26T13:00:00Z"><testcase name="x"/></testsuite><testsuite name="c"/></testsuites>"""
    assert {one.observed_at for one in read("junit", text).observations} == {datetime(2026, 11, 26, 12, tzinfo=UTC)}


def test_a_time_without_a_zone_is_read_as_the_earliest_it_can_be() -> None:
    (run,) = read("junit", b'<testsuite name="s" timestamp="2026-11-26T12:00:00"><testcase name="x"/></testsuite>').observations
    assert run.observed_at == datetime(2026, 11, 25, 22, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "rule", "line"),
    [
        (b"<testsuites><testsuite>\n<testcase></testsuite></testsuites>", "not-xml", 2),
        (b"<html/>", "no-report", 0),
        (b"<testsuites/>", "no-report", 0),
        (b"", "not-xml", 1),
        (b"<testsuite>" + b"<a>" * 40 + b"</a>" * 40 + b"</testsuite>", "too-large", 0),
    ],
)
def test_what_is_no_report_is_told_with_its_place(text: bytes, rule: str, line: int) -> None:
    problem = wrong("junit", text)
    assert (problem.rule, problem.place.line) == (rule, line)


# --- SARIF -----------------------------------------------------------------------------------------------------------------------


def test_a_scan_that_broke_off_or_did_not_look_is_an_error_and_passes_nothing() -> None:
    rules = {"tool": {"driver": {"name": "scan", "rules": [{"id": "R1"}]}}}
    for run in ({"invocations": [{"executionSuccessful": False}], "results": []}, {}):
        reading = read("sarif", sarif({**run, **rules}))
        assert reading.facts["scan.errors"] == 1
        assert (reading.observations[0].fields["passed"], reading.observations[0].fields["failed"]) == (0, 1)


def test_only_open_results_count_and_a_level_comes_from_the_rule_where_the_result_has_none() -> None:
    rules = [
        {"id": "R1", "defaultConfiguration": {"level": "error"}, "properties": {"security-severity": "9.1"}},
        {"id": "R2", "properties": {"security-severity": "5"}},
        {"id": "R3"},
    ]
    results = [
        {"ruleId": "R1/sub", "message": {}},
        {"ruleId": "R1", "suppressions": [{"kind": "external"}]},
        {"ruleId": "R1", "suppressions": [{"kind": "external", "status": "rejected"}]},
        {"ruleId": "R1", "baselineState": "absent"},
        {"ruleId": "R1", "kind": "pass"},
        {"ruleIndex": 1},
        {"rule": {"id": "R3"}, "level": "error"},
        {"ruleId": "unlisted", "level": "error"},
    ]
    reading = read("sarif", sarif({"tool": {"driver": {"name": "scan", "rules": rules}}, "results": results}))
    assert reading.facts == {"scan.errors": 4, "vulnerabilities.critical": 2}
    assert (reading.observations[0].fields["passed"], reading.observations[0].fields["failed"]) == (1, 3)


def test_faults_of_a_log_carry_their_json_pointer() -> None:
    bad = b'{"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "scan"}}, "results": [{"ruleIndex": "one"}]}]}'
    assert wrong("sarif", bad).place.pointer == "/runs/0/results/0/ruleIndex"
    assert wrong("sarif", b'{"version": "1.0", "runs": []}').rule == "wrong-version"
    assert wrong("sarif", b'{"runs": []}').place.pointer == "/version"
    problem = wrong("sarif", b'{"version":\n "2.1.0",,}')
    assert (problem.rule, problem.place.line, problem.place.column) == ("not-json", 2, 10)
    assert wrong("sarif", b'{"a": 1, "a": 2}').rule == "not-json"
    assert wrong("sarif", b"[" * 100 + b"]" * 100).rule == "too-deep"
    assert wrong("sarif", b"[" * 200_000).rule in {"too-deep", "not-json"}


# --- Figures ---------------------------------------------------------------------------------------------------------------------


def test_a_report_with_a_figure_that_is_no_share_is_refused_where_it_stands() -> None:
    assert wrong("sklearn", b'{"0": {"precision": 97, "support": 3}}').place.pointer == "/0/precision"
    assert wrong("sklearn", b'{"0": {"precision": 0.5}}').rule == "missing-field"
    assert wrong("sklearn", b'{"accuracy": NaN}').place.pointer == "/accuracy"
    assert wrong("sklearn", b"[]").rule == "no-report"


def test_a_group_without_a_figure_leaves_the_gap_unknown() -> None:
    found = by_name(read("fairlearn", b'{"recall": {"a": 0.5, "b": null}, "count": {"a": 3, "b": 0}}'))
    assert set(found) == {"recall[a]"}
    assert by_name(read("fairlearn", b"sex,recall,count\na,0.5,3\nb,,0\n")).keys() == found.keys()


def test_columns_that_tell_groups_apart_come_before_the_figures() -> None:
    found = by_name(read("fairlearn", b"sex,age,recall\nf,young,0.5\nm,old,0.25\n"))
    assert found["recall_difference"].fields["value"] == 0.25
    assert found["recall[f, young]"].fields["population"] == "group f, young"


@pytest.mark.parametrize(
    ("text", "line"),
    [(b"sex,recall\na,0.5\nb\n", 3), (b"recall\n0.5\n", 1), (b"sex,name\na,b\n", 1), (b"sex,recall,other\na,0.5,x\nb,0.5,0\n", 2)],
)
def test_a_table_that_is_none_is_told_with_its_line(text: bytes, line: int) -> None:
    assert wrong("fairlearn", text).place.line == line


def test_a_card_without_front_matter_or_with_a_broken_one_is_told_with_its_line() -> None:
    assert wrong("model-card", b"# A card\n").rule == "no-front-matter"
    problem = wrong("model-card", b"---\nlicense: mit\nmodel-index:\n  - results: []\n---\n")
    assert (problem.rule, problem.place.line) == ("missing-field", 4)
    assert wrong("model-card", b"---\na: [\n---\n").place.line == 3


def test_a_card_whose_value_is_no_number_says_so_and_gives_no_figure() -> None:
    card = b"---\nmodel-index:\n- name: m\n  results:\n  - metrics:\n    - {type: confusion, value: [1, 2]}\n---\n"
    reading = read("model-card", card)
    assert [one.name for one in reading.observations] == ["card"]
    assert reading.remarks == ("confusion is no single number and is left out",)


def test_an_empty_bill_is_not_present() -> None:
    empty = {"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1}
    assert read("cyclonedx", json.dumps(empty).encode()).facts == {"bom.present": False}
    assert read("cyclonedx", json.dumps({**empty, "vulnerabilities": []}).encode()).facts["vulnerabilities.critical"] == 0
    assert wrong("cyclonedx", json.dumps({**empty, "specVersion": "9"}).encode()).place.pointer == "/specVersion"


def database(*statements: str) -> bytes:
    connection = sqlite3.connect(":memory:")
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    data = connection.serialize()
    connection.close()
    return data


def test_a_store_made_to_run_for_ever_or_to_reach_elsewhere_is_refused() -> None:
    endless = (
        "CREATE VIEW runs AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT 'x' AS run_uuid, 'y' AS name, i AS "
        "end_time, 'FINISHED' AS status, 'active' AS lifecycle_stage FROM n"
    )
    assert wrong("mlflow", database(endless)).rule == "no-store"
    big = "CREATE VIEW runs AS SELECT hex(zeroblob(1000000000)) AS run_uuid, 'y' AS name, 1 AS end_time, 'FINISHED' AS status, 'active' AS "
    assert wrong("mlflow", database(f"{big} lifecycle_stage")).rule == "no-store"
    assert wrong("mlflow", database("CREATE TABLE other (x)")).rule == "no-store"
    reaching = (
        "CREATE VIEW runs AS SELECT name AS run_uuid, name AS name, 1 AS end_time, 'FINISHED' AS status, 'active' AS lifecycle_stage "
        "FROM sqlite_master WHERE type = 'table'"
    )
    metrics = "CREATE TABLE latest_metrics (key, value, is_nan, run_uuid)"
    row = "INSERT INTO latest_metrics VALUES ('acc', 0.5, 0, 'latest_metrics')"
    assert "prohibited" in wrong("mlflow", database(metrics, row, reaching)).message
    assert wrong("mlflow", b"SQLite format 3\0" + b"x" * 100).rule == "no-store"
    assert wrong("mlflow", b"{}").rule == "no-store"


def test_a_file_store_with_a_broken_line_names_it() -> None:
    meta = b"run_id: r1\nrun_name: one\nstatus: 3\nlifecycle_stage: active\nend_time: 1795658336726\n"
    files = {"meta.yaml": meta, "metrics/acc": b"1 0.5 1\n1 half 2\n"}
    problem = wrong("mlflow", Source("run", files=files))
    assert "metrics/acc, line 2: 1 half 2" in problem.message
    running = {**files, "meta.yaml": meta.replace(b"status: 3", b"status: 1")}
    assert wrong("mlflow", Source("run", files=running)).rule == "no-report"


# --- Choosing and writing ----------------------------------------------------------------------------------------------------------


def figure(name: str, group: str = "", **fields: Any) -> Observation:
    body = {"metric": name, "value": 0.5, **fields}
    return Observation(name, PredicateType.MEASUREMENT, body, "tool", "1", "a share of cases", None, group)


def test_a_figure_is_chosen_by_its_name_and_two_of_one_name_are_never_taken_for_one() -> None:
    reading = connect_plugin.Reading((figure("auc", "run-1"), figure("auc", "run-2"), figure("f1", "run-1")))
    source = Source("given")
    assert choose(reading, "f1", source) == (reading.observations[2],)
    assert choose(reading, "run-2/auc", source) == (reading.observations[1],)
    assert choose(reading, None, source) == reading.observations
    for only, rule in (("auc", "ambiguous-figure"), ("acu", "unknown-figure")):
        with pytest.raises(InputError) as caught:
            choose(reading, only, source)
        assert caught.value.problems[0].rule == rule


def test_what_the_file_does_not_state_is_asked_for_and_what_it_states_stands() -> None:
    one, source = figure("auc"), Source("given", b"x")
    assert lacking(one, {}) == ("unit", "sample_size")
    with pytest.raises(InputError) as caught:
        predicate_of(one, source, topic="indicator", at=NOW, fields={"unit": "share"})
    assert caught.value.problems[0].hint == "Say it: -f sample_size=…."
    made = predicate_of(one, source, topic="indicator", at=NOW, fields={"unit": "share", "sample_size": 3, "value": 0.9})
    assert made.model_dump()["value"] == 0.5
    assert made.observed_at == NOW
    assert "the file has no time" in (made.note or "")
    later = predicate_of(one, source, topic="indicator", at=NOW, expires_at=NOW + timedelta(days=1), fields={"unit": "1", "sample_size": 1})
    assert later.expires_at is not None


def test_a_field_of_the_wrong_form_is_told_with_the_files_name() -> None:
    with pytest.raises(InputError) as caught:
        predicate_of(figure("auc"), Source("given"), topic="indicator", at=NOW, fields={"unit": "share", "sample_size": "many"})
    (problem,) = caught.value.problems
    assert (problem.rule, problem.place.file) == ("bad-predicate", "given")
    assert "/predicate/sample_size" in problem.message


# --- Finding and collecting ----------------------------------------------------------------------------------------------------------


def test_a_third_partys_connector_comes_through_the_same_door(monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = EntryPoint("lines", "connect_plugin:CONNECTOR", registry.ENTRY_POINTS)
    ours = tuple(connectors().values())
    monkeypatch.setattr(registry, "entry_points", lambda group: (*ours, theirs) if group == registry.ENTRY_POINTS else ())
    assert "lines" in connectors()
    assert read("lines", b"accuracy 0.5\n").observations[0].fields["value"] == 0.5


def test_an_unknown_connector_and_two_of_one_name_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="Did you mean junit"):
        connector_of("junti")
    clash = EntryPoint("junit", "connect_plugin:CONNECTOR", registry.ENTRY_POINTS)
    ours = tuple(connectors().values())
    monkeypatch.setattr(registry, "entry_points", lambda group: (*ours, clash))  # noqa: ARG005 - named so by its caller
    with pytest.raises(InputError, match="two-connectors"):
        connectors()
    no = EntryPoint("no", "connect_plugin:NOW", registry.ENTRY_POINTS)
    monkeypatch.setattr(registry, "entry_points", lambda group: (no,))  # noqa: ARG005 - the same
    with pytest.raises(InputError, match="no-connector"):
        connector_of("no")


def test_links_are_not_followed_and_a_folder_is_for_those_that_read_one(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "secret").write_text("x")
    (tmp_path / "run" / "meta.yaml").write_text("a: 1\n")
    (tmp_path / "run" / "link").symlink_to(tmp_path / "secret")
    source = read_source(tmp_path / "run", connector_of("mlflow"))
    assert list(source.files or ()) == ["meta.yaml"]
    with pytest.raises(InputError, match="not-a-file"):
        read_source(tmp_path / "run", connector_of("junit"))
    with pytest.raises(InputError, match="unreadable"):
        read_source(tmp_path / "none", connector_of("junit"))


def test_files_that_are_too_large_are_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kybern.connect._collect.MAX_BYTES", 10)
    (tmp_path / "a").write_bytes(b"x" * 6)
    (tmp_path / "b").write_bytes(b"x" * 6)
    assert read_source(tmp_path / "a", connector_of("junit")).data == b"x" * 6
    with pytest.raises(InputError, match="too-large"):
        read_source(tmp_path, connector_of("mlflow"))


# --- Large files ---------------------------------------------------------------------------------------------------------------------


def test_large_files_are_read_in_time_that_grows_with_them() -> None:
    rules = [{"id": f"R{number}"} for number in range(2_000)]
    results = [{"ruleId": f"R{number % 2_000}", "level": "error"} for number in range(40_000)]
    scan = sarif({"tool": {"driver": {"name": "scan", "rules": rules}}, "results": results})
    meta = b"run_id: r%d\nstatus: 3\nlifecycle_stage: active\nend_time: 1\n"
    runs = {
        f"1/r{number}/{name}": data for number in range(1_500) for name, data in (("meta.yaml", meta % number), ("metrics/a", b"1 0.5 1\n"))
    }
    store = Source("runs", files=runs)
    start = time.process_time()
    assert read("sarif", scan).facts["scan.errors"] == 40_000
    found = read("mlflow", store).observations
    assert len({predicate_of(one, store, topic="x", at=NOW, fields={"unit": "1", "sample_size": 1}).note for one in found}) == 1
    assert time.process_time() - start < 8


def test_more_suites_than_anybody_has_are_refused() -> None:
    assert wrong("junit", b"<testsuites>" + b"<testsuite/>" * 10_002 + b"</testsuites>").rule == "too-many"
