"""The main job, end to end, with the installed program on the example organisation.

Each command is run at least once as the installed program; asked again, the same code answers in this process, a second sooner.
"""

from __future__ import annotations

import base64
import json
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from running import AS_OF, Run, ask_kybern, assess, run_kybern

from kybern.assessment import assessment_schema
from kybern.catalog import load_catalog

ORDER = ("unknown", "not_met", "expired", "partly_met", "met", "not_applicable")
Row = dict[str, Any]
Key = tuple[str, str, str]


def rows(assessment: dict[str, Any]) -> dict[Key, Row]:
    return {(row["framework"], row["id"], row["subject"]): row for row in assessment["requirements"]}


def resting_on(assessment: dict[str, Any], identity: str) -> set[Key]:
    """Name the rows that rest on a piece of evidence: those that give it as a deciding reason, and the groups above them."""
    catalog = load_catalog()
    direct = {key for key, row in rows(assessment).items() if any(identity in reason.get("evidence", ()) for reason in row["reasons"])}
    found = set(direct)
    for framework, leaf, subject in direct:
        parent = catalog.requirements[f"{framework}:{leaf}"].parent
        while parent is not None:
            found.add((framework, parent, subject))
            parent = catalog.requirements[f"{framework}:{parent}"].parent
    return found


def pieces(workspace: Path, run: Run = ask_kybern) -> dict[str, Path]:
    """Find the evidence files by the id of the piece they hold."""
    done = run("evidence", "list", "-C", workspace, "--json")
    assert done.returncode == 0, done.stderr
    return {one["id"]: workspace / one["source"] for one in json.loads(done.stdout)}


@pytest.fixture(scope="module")
def whole(measured: Path) -> dict[str, Any]:
    return assess(measured, run=run_kybern)


def decisive(whole: dict[str, Any], identities: list[str], count: int) -> list[str]:
    """Choose pieces that something met rests on, spread over those there are."""
    met = [row for row in whole["requirements"] if row["status"] == "met" and not row["group"]]
    carrying = sorted({one for row in met for reason in row["reasons"] for one in reason.get("evidence", ()) if one in identities})
    return carrying[:: max(1, len(carrying) // count)][:count]


def test_the_assessment_keeps_its_schema_and_shows_both_strength_and_weakness(whole: dict[str, Any]) -> None:
    jsonschema.validate(whole, assessment_schema())
    statuses = {row["status"] for row in whole["requirements"] if row["framework"] == "ISO42001"}
    assert {"met", "partly_met", "not_met", "unknown"} <= statuses
    assert whole["refused"] == []


def test_every_clause_and_annex_a_control_has_a_status(whole: dict[str, Any]) -> None:
    catalog = load_catalog()
    wanted = {entry.id for entry in catalog.frameworks["ISO42001"].requirements if entry.normative}
    assert {key[1] for key in rows(whole) if key[0] == "ISO42001" and key[2] == whole["organization"]} == wanted


def test_removing_a_piece_changes_exactly_what_rests_on_it(whole: dict[str, Any], workspace: Path) -> None:
    files = pieces(workspace, run_kybern)
    lowered = 0
    for identity in decisive(whole, list(files), 5):
        content = files[identity].read_bytes()
        files[identity].unlink()
        after = rows(assess(workspace))
        files[identity].write_bytes(content)
        before = rows(whole)
        changed = {key for key in before if before[key] != after[key]}
        assert changed == {key for key in resting_on(whole, identity) if before[key] != after[key]}
        direct = {key for key, row in before.items() if any(identity in reason.get("evidence", ()) for reason in row["reasons"])}
        assert direct <= changed, "a row that gives the piece as a reason cannot stay as it is without it"
        moved = {key for key in before if before[key]["status"] != after[key]["status"]}
        lowered += len(moved)
        assert moved <= resting_on(whole, identity)
    assert lowered, "no status rested on any of the pieces: this test would show nothing"


def test_one_changed_byte_is_reported_as_tampering(whole: dict[str, Any], workspace: Path) -> None:
    files = pieces(workspace)
    (identity,) = decisive(whole, list(files), 1)
    envelope = json.loads(files[identity].read_bytes())
    payload = bytearray(base64.b64decode(envelope["payload"]))
    at = payload.index(b"observed_at") + len(b'observed_at":"20')
    payload[at] ^= 1
    files[identity].write_text(json.dumps({**envelope, "payload": base64.b64encode(bytes(payload)).decode()}))
    after = assess(workspace)
    (refused,) = after["refused"]
    assert refused["rule"] == "bad-signature"
    assert refused["source"] == str(files[identity].relative_to(workspace))
    assert "changed" in refused["message"]
    files[identity].unlink()
    assert rows(assess(workspace)) == rows(after), "tampered evidence counts as no evidence"


def test_tampering_is_told_by_verify_and_by_the_table(whole: dict[str, Any], workspace: Path) -> None:
    files = pieces(workspace)
    (identity,) = decisive(whole, list(files), 1)
    text = files[identity].read_text()
    at = text.index('"sig"') + len('"sig":"') + 12
    files[identity].write_text(text[:at] + ("A" if text[at] != "A" else "B") + text[at + 1 :])
    verify = run_kybern("evidence", "verify", "-C", workspace)
    assert verify.returncode == 1
    table = ask_kybern("assess", "-C", workspace, "--as-of", AS_OF)
    assert table.returncode == 0
    assert "refused" in table.stdout
    assert files[identity].name in table.stdout
    assert "Traceback" not in table.stderr + verify.stderr


def test_past_its_validity_evidence_turns_expired(whole: dict[str, Any], measured: Path) -> None:
    later = rows(assess(measured, "2027-12-31"))
    before = rows(whole)
    met = [key for key, row in before.items() if row["status"] == "met" and not row["group"]]
    turned = [key for key in met if later[key]["status"] == "expired"]
    assert turned
    lapsed = {key: [reason for reason in later[key]["reasons"] if reason["status"] == "expired" and reason["evidence"]] for key in turned}
    assert all(lapsed.values()), "each names the evidence that has lapsed"
    assert any("lapsed on 202" in reason["text"] for reasons in lapsed.values() for reason in reasons)
    lifted = [key for key in before if ORDER.index(later[key]["status"]) > ORDER.index(before[key]["status"])]
    assert lifted == [], "time alone, with no new evidence, lifts nothing"
    earlier = rows(assess(measured, "2020-01-01"))
    assert not any(row["status"] == "met" for row in earlier.values())


def test_one_system_and_one_framework_can_be_asked_for(measured: Path) -> None:
    found = assess(measured, AS_OF, "--system", "credit-scoring", "--framework", "ISO42001")
    assert {row["subject"] for row in found["requirements"]} == {"ai_system:credit-scoring"}
    assert {row["framework"] for row in found["requirements"]} == {"ISO42001"}


def test_fail_under_is_an_exit_code(measured: Path) -> None:
    assert ask_kybern("assess", "-C", measured, "--as-of", AS_OF, "--fail-under", "5").returncode == 0
    assert run_kybern("assess", "-C", measured, "--as-of", AS_OF, "--fail-under", "99.9").returncode == 1


def walk(step: dict[str, Any]) -> list[dict[str, Any]]:
    return [step, *(one for child in step["children"] for one in walk(child))]


@pytest.mark.parametrize("system", ["credit-scoring", "hiring-screener", "service-assistant"])
def test_stage_2_sampling_from_a_system_to_its_evidence_and_back(measured: Path, system: str) -> None:
    run = run_kybern if system == "credit-scoring" else ask_kybern
    done = run("trace", f"ai_system:{system}", "-C", measured, "--as-of", AS_OF, "--json")
    assert done.returncode == 0, done.stderr
    steps = walk(json.loads(done.stdout)["down"])
    kinds = {step["ref"].split(":")[0] for step in steps if step["kind"] == "record"}
    assert {"impact_assessment", "risk", "treatment"} <= kinds
    assert any(step["kind"] == "control" for step in steps)
    evidence = [step for step in steps if step["kind"] == "evidence"]
    assert evidence
    assert all(step["date"] for step in evidence)
    records = [step for step in steps if step["kind"] == "record"]
    assert all(step["digest"] for step in records)
    back = ask_kybern("trace", evidence[0]["ref"], "-C", measured, "--as-of", AS_OF, "--json")
    assert f"ai_system:{system}" in {step["ref"] for step in walk(json.loads(back.stdout)["up"])}


def test_records_carry_their_versions_from_git(workspace: Path) -> None:
    def git(*arguments: str) -> None:
        settings = ["-c", "user.name=Ada Quinn", "-c", "user.email=ada@example.org", "-c", "commit.gpgsign=false"]
        subprocess.run(["/usr/bin/env", "git", "-C", str(workspace), *settings, *arguments], check=True, capture_output=True)

    file = workspace / "records" / "risks.yaml"
    git("init", "-q")
    git("add", "-A")
    git("commit", "-qm", "State the risks")
    text = file.read_text()
    file.write_text(text.replace("title: ", "title: Reworded ", 1))
    git("commit", "-qam", "Reword a risk")
    done = run_kybern("trace", "ai_system:credit-scoring", "-C", workspace, "--as-of", AS_OF, "--json")
    assert done.returncode == 0, done.stderr
    versioned = [step for step in walk(json.loads(done.stdout)["down"]) if step["versions"]]
    assert versioned
    assert {version["author"] for step in versioned for version in step["versions"]} == {"Ada Quinn"}
    assert max(len(step["versions"]) for step in versioned) <= 2
    reworded = [step for step in versioned if len(step["versions"]) == 2]
    assert all(step["versions"][0]["subject"] == "Reword a risk" for step in reworded)


def test_mandatory_documented_information_is_present_or_missing(measured: Path) -> None:
    done = run_kybern("documents", "-C", measured, "--as-of", AS_OF, "--json")
    assert done.returncode == 0, done.stderr
    listed = json.loads(done.stdout)
    catalog = load_catalog()
    wanted = {f"ISO42001:{entry.id}" for entry in catalog.frameworks["ISO42001"].requirements if entry.documented_information}
    assert {one["requirement"] for one in listed} == {ref for ref in wanted if catalog.is_leaf(ref)}
    assert any(one["present"] for one in listed)
    assert all(one["items"] for one in listed if one["present"])


def test_explain_and_gaps_speak(measured: Path) -> None:
    explained = run_kybern("explain", "ISO42001:A.7.4", "-C", measured, "--as-of", AS_OF)
    assert explained.returncode == 0
    assert "DAT-04" in explained.stdout
    as_json = ask_kybern("explain", "ISO42001:A.7.4", "-C", measured, "--as-of", AS_OF, "--json")
    assert as_json.returncode == 0, as_json.stderr
    assert json.loads(as_json.stdout)["ref"] == "ISO42001:A.7.4"
    gaps = run_kybern("gaps", "-C", measured, "--as-of", AS_OF, "--json")
    listed = json.loads(gaps.stdout)
    assert listed
    assert all(one["owner"] and one["missing"] for one in listed)


def test_the_html_report_is_one_file_with_every_requirement(measured: Path, tmp_path: Path) -> None:
    target = tmp_path / "report.html"
    done = run_kybern("report", "--html", target, "-C", measured, "--as-of", AS_OF)
    assert done.returncode == 0, done.stderr
    assert str(target) in done.stdout
    page = target.read_text(encoding="utf-8")
    for entry in load_catalog().frameworks["ISO42001"].requirements:
        if entry.normative:
            assert entry.title.replace("'", "&#39;") in page or entry.title in page


def test_an_assessment_is_recomputed_to_the_byte_and_a_typed_status_is_found_out(measured: Path, tmp_path: Path) -> None:
    stated = tmp_path / "assessment.json"
    done = ask_kybern("assess", "-C", measured, "--as-of", AS_OF, "--json", "--system", "service-assistant")
    stated.write_text(done.stdout, encoding="utf-8")
    same = run_kybern("verify-assessment", stated, "-C", measured)
    assert same.returncode == 0, same.stdout + same.stderr
    value = json.loads(done.stdout)
    row = next(one for one in value["requirements"] if one["status"] == "partly_met" and not one["group"])
    row["status"] = "met"
    stated.write_text(json.dumps(value), encoding="utf-8")
    typed = ask_kybern("verify-assessment", stated, "-C", measured)
    assert typed.returncode == 1
    assert f"{row['id']} ai_system:service-assistant states status met, recomputed partly_met" in typed.stdout
    stated.write_text("[]", encoding="utf-8")
    assert ask_kybern("verify-assessment", stated, "-C", measured).returncode == 2
