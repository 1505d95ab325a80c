"""`kybern plan`, `apply`, `diff`, `history`, `blame`, and `--as-of` over what was applied, as a person uses them."""

from __future__ import annotations

import json
import re
import shutil
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

sys.path.insert(0, str(Path(__file__).parent))

from applied_records import ORGANIZATION

from kybern.cli import _apply, _erase, _evidence_add, _key, _log, _shared
from kybern.cli._main import app

if TYPE_CHECKING:
    from click.testing import Result

runner = CliRunner()
START = datetime(2026, 3, 1, 9, tzinfo=UTC)


class Shell:
    """A workspace with a log, and commands run in it by a clock of its own."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.root, self.moment = root, START
        for module in (_shared, _apply, _erase, _evidence_add, _key, _log):
            if hasattr(module, "now"):
                monkeypatch.setattr(module, "now", lambda: self.moment)

    def run(self, *words: object, code: int = 0) -> Result:
        result = runner.invoke(app, [*map(str, words), "-C", str(self.root)])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == code, result.output
        return result

    def json(self, *words: object, code: int = 0) -> Any:
        return json.loads(self.run(*words, "--json", code=code).stdout)

    def write(self, text: str) -> None:
        (self.root / "records" / "all.yaml").write_text(ORGANIZATION + text)

    def apply(self, reason: str = "Because.", *more: object, code: int = 0) -> Result:
        self.moment += timedelta(days=1)
        return self.run("apply", "--reason", reason, "--key", "anna", *more, code=code)


def systems(*titles: str) -> str:
    fields = "role: deployer, purpose: It ranks., use_case: Loans., autonomy: acts-with-oversight, jurisdictions: [IE], stage: operation"
    more = f"{fields}, users: [Clerks], owner: 'role:board'"
    return "".join(f"- {{kind: ai_system, id: s{number}, title: {title}, {more}}}\n" for number, title in enumerate(titles))


PEOPLE = """\
- {kind: role, id: board, title: Board, responsibilities: [Steers.], holders: ['person:anna']}
- {kind: person, id: anna, title: Anna}
- {kind: person, id: zoe, title: Zoe Q, email: zoe@example.org}
"""


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    (tmp_path / "kybern.yaml").write_text("kybern: 1\nframeworks: [ISO42001]\n")
    (tmp_path / "records").mkdir()
    found = Shell(tmp_path, monkeypatch)
    found.write(PEOPLE + systems("Credit"))
    found.run("key", "new", "anna", "--kind", "person", "--holder", "person:anna", "--valid-from", "2026-01-01", "--valid-days", "36500")
    found.run("log", "init", "--origin", "example.org/ai")
    return found


@pytest.fixture
def twice(shell: Shell) -> Shell:
    """Applied on 2 March with one system, on 3 March renamed and with another."""
    shell.apply("First.")
    shell.write(PEOPLE + systems("Credit scoring", "Chat"))
    shell.apply("A chat came.")
    return shell


def test_a_plan_tells_fields_and_its_exit_code_on_demand(shell: Shell) -> None:
    assert re.search(r"5 changes \(5 added\); plan [0-9a-f]{16}\.", shell.run("plan").stdout)
    shell.run("plan", "--detailed-exitcode", code=1)
    shell.apply()
    assert shell.run("plan", "--detailed-exitcode").stdout == "0 changes.\n"
    shell.write(PEOPLE + systems("Credit scoring", "Chat"))
    said = shell.run("plan").stdout
    assert "~ ai_system:s0\n    title: Credit → Credit scoring\n+ ai_system:s1\n    Chat\n" in said
    found = shell.json("plan")
    assert found["counts"] == {"added": 1, "changed": 1, "removed": 0}
    assert found["changes"][0]["fields"] == [{"path": "/title", "old": "Credit", "new": "Credit scoring"}]


def test_apply_appends_an_entry_for_each_version_and_the_audit_holds(twice: Shell) -> None:
    assert twice.apply().stdout == "Nothing to apply: the records on disk are those last applied.\n"
    said = twice.run("log", "audit").stdout
    assert "7 record versions are those of 2 signed change sets" in said
    proof = twice.root / "p.tlog-proof"
    twice.run("log", "prove", "ai_system:s0", "--out", proof)
    assert "holds: entry 5 of the 7" in twice.run("log", "verify-proof", proof).stdout
    assert "type       record\nref        ai_system:s0\n" in twice.run("log", "verify-proof", proof).stdout


def test_apply_stops_at_an_error_of_lint(shell: Shell) -> None:
    shell.write(PEOPLE + systems("Credit").replace("role:board", "role:nobody"))
    assert "Nothing was applied" in shell.apply(code=1).stderr
    assert not (shell.root / "log" / "changes").exists()


def test_apply_keeps_to_the_plan_that_was_looked_at(shell: Shell) -> None:
    seen = shell.json("plan")["plan"]
    shell.write(PEOPLE + systems("Credit", "Chat"))
    assert "[other-plan]" in shell.apply("Why.", "--plan", seen[:16], code=2).stderr
    seen = shell.json("plan")["plan"]
    shell.apply("Why.", "--plan", seen[:16])


def test_apply_says_who_came_first(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    real = _apply._plan

    def late(found: Any, there: Any) -> Any:
        made = real(found, there)
        monkeypatch.setattr(_apply, "_plan", real)
        shell.apply("I was first.")
        return made

    monkeypatch.setattr(_apply, "_plan", late)
    said = shell.apply("I was late.", code=2).stderr
    assert "[moved-on]" in said
    assert "person:anna applied ai_system:s0" in said
    assert "5 record versions are those of 1 signed change set," in shell.run("log", "audit").stdout


def test_a_reason_and_a_key_that_stands_are_needed(shell: Shell) -> None:
    assert "[no-reason]" in shell.apply(" ", code=2).stderr
    assert "[bad-reason]" in shell.apply("x" * 2001, code=2).stderr
    assert "Missing option '--reason'" in re.sub(r"\s+|\x1b\[[0-9;]*m", " ", shell.run("apply", "--key", "anna", code=2).stderr)
    shell.run("key", "revoke", "anna", "--because", "Lost.")
    assert "[key-revoked]" in shell.apply(code=2).stderr


def test_history_and_blame_say_who_when_why_and_in_which_entry(twice: Shell) -> None:
    told = twice.json("history", "ai_system:s0")
    assert [(one["act"], one["by"], one["reason"], one["taken_in"]) for one in told] == [
        ("added", "person:anna", "First.", "2026-03-02T09:00:00Z"),
        ("changed", "person:anna", "A chat came.", "2026-03-03T09:00:00Z"),
    ]
    assert "    title: Credit → Credit scoring\n" in twice.run("history", "ai_system:s0").stdout
    blamed = {one["path"]: one for one in twice.json("blame", "ai_system:s0")}
    assert (blamed["/title"]["reason"], blamed["/title"]["entry"]) == ("A chat came.", told[1]["entry"])
    assert (blamed["/purpose"]["reason"], blamed["/purpose"]["entry"]) == ("First.", told[0]["entry"])
    assert "entry 5  2026-03-03T09:00:00Z  person:anna: A chat came." in twice.run("blame", "ai_system:s0").stdout
    assert "[unknown-record]" in twice.run("blame", "ai_system:s9", code=2).stderr
    twice.write(PEOPLE + systems("Credit scoring"))
    twice.apply("The chat went.")
    assert "ai_system:s1 was removed: The chat went." in twice.run("blame", "ai_system:s1").stdout


def test_a_diff_is_between_any_two_states(twice: Shell) -> None:
    assert twice.json("diff")["changes"] == []
    between = twice.json("diff", "--from", "2026-03-02", "--to", "2026-03-03")
    assert [(one["ref"], one["act"]) for one in between["changes"]] == [("ai_system:s0", "changed"), ("ai_system:s1", "added")]
    back = twice.json("diff", "--from", "entry:6", "--to", "entry:4")
    assert [(one["ref"], one["act"]) for one in back["changes"]] == [("ai_system:s0", "changed"), ("ai_system:s1", "removed")]
    assert len(twice.json("diff", "--from", "2026-03-01", "--to", "2026-03-02")["changes"]) == 5
    twice.run("diff", "--from", "2026-03-02", "--detailed-exitcode", code=1)
    for state in ("yesterday", "entry:99", "entry:x"):
        twice.run("diff", "--from", state, code=2)


def test_the_past_is_answered_with_the_records_as_they_were_applied(twice: Shell) -> None:
    then, now = twice.run("assess", "--json", "--as-of", "2026-03-02"), twice.json("assess")
    assert "Records as applied by 2026-03-02T09:00:00Z (entry 4), not those on disk." in then.stderr
    found = json.loads(then.stdout)
    assert found["systems"] == ["ai_system:s0"]
    assert found["log"]["size"] == 5
    assert (now["systems"], now["log"]["size"]) == (["ai_system:s0", "ai_system:s1"], 7)
    for command in ("gaps", "documents", "report", "explain"):
        words = {"report": ["--html", twice.root / "r.html"], "explain": ["ISO42001:4.1"]}.get(command, [])
        assert "Records as applied by 2026-03-02" in twice.run(command, *words, "--as-of", "2026-03-02").stderr
    assert twice.run("trace", "ai_system:s0", "--as-of", "2026-03-02").stdout
    twice.run("trace", "ai_system:s1", "--as-of", "2026-03-02", code=2)
    before = twice.run("assess", "--json", "--as-of", "2026-02-01")
    assert "Nothing was applied before 2026-03-02T09:00:00Z: the records on disk are used." in before.stderr
    assert "log" not in json.loads(before.stdout)


def test_what_is_not_applied_is_used_for_now_and_told(twice: Shell) -> None:
    twice.write(PEOPLE + systems("Credit scoring", "Chat", "Third"))
    said = twice.run("assess", "--json")
    assert said.stderr == "1 change (1 added) not applied yet; the records on disk are used (kybern plan).\n"
    assert "log" not in json.loads(said.stdout)
    assert len(json.loads(said.stdout)["systems"]) == 3


def test_an_answer_for_the_future_does_not_name_the_log_which_will_have_grown_by_then(twice: Shell) -> None:
    said = twice.run("assess", "--json", "--as-of", "2026-12-31")
    assert said.stderr == ""
    assert "log" not in json.loads(said.stdout)


def test_a_workspace_that_never_applied_says_nothing_of_it(shell: Shell) -> None:
    for options in ([], ["--as-of", "2026-02-01"]):
        said = shell.run("assess", "--json", *options)
        assert said.stderr == ""
        assert "log" not in json.loads(said.stdout)


@pytest.mark.parametrize("options", [[], ["--as-of", "2026-03-02"]])
def test_an_assessment_from_the_log_is_recomputed_to_the_byte_after_the_log_and_the_files_moved_on(
    twice: Shell, options: list[str]
) -> None:
    stated = twice.root / "a.json"
    stated.write_text(twice.run("assess", "--json", *options).stdout)
    twice.moment += timedelta(seconds=1)
    twice.write(PEOPLE + systems("Other"))
    twice.apply()
    assert "to the byte" in twice.run("verify-assessment", stated).stdout
    value = json.loads(stated.read_text())
    stated.write_text(json.dumps(value | {"log": value["log"] | {"size": value["log"]["size"] - 1}}))
    assert "log is stated as" in twice.run("verify-assessment", stated, code=1).stdout


def test_an_assessment_from_disk_is_recomputed_from_disk(twice: Shell) -> None:
    twice.write(PEOPLE + systems("Credit scoring", "Chat", "Third"))
    stated = twice.root / "a.json"
    stated.write_text(twice.run("assess", "--json").stdout)
    twice.moment += timedelta(seconds=1)
    assert "to the byte" in twice.run("verify-assessment", stated).stdout


@pytest.mark.parametrize("when", ["2026-03-02", "2026-03-04T09:00:00Z"])
def test_a_pack_of_the_past_holds_the_records_as_they_were_applied(twice: Shell, when: str) -> None:
    out = twice.root / "p.zip"
    twice.write(PEOPLE + systems('"Chat \\U0001F600\\u2028two"'))
    twice.apply("Signs that not every reader of YAML takes.")
    twice.moment += timedelta(seconds=1)
    twice.write(PEOPLE)
    twice.run("pack", "--out", out, "--as-of", when)
    result = runner.invoke(app, ["verify", str(out), "--json"])
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["recomputed"] is True


def test_a_clone_without_journal_and_vault_answers_and_says_what_is_sealed(twice: Shell, tmp_path_factory: pytest.TempPathFactory) -> None:
    clone = tmp_path_factory.mktemp("clone") / "w"
    shutil.copytree(twice.root, clone, ignore=shutil.ignore_patterns(".kybern"))
    twice.root = clone
    said = twice.run("assess", "--json", "--as-of", "2026-03-02")
    assert "person:zoe cannot be read and is left out: its content is sealed" in said.stderr
    assert json.loads(said.stdout)["log"]["size"] == 5
    assert "2 of them are sealed, and the key is not here" in twice.run("log", "audit").stdout
    assert "~ person:zoe\n    cannot be compared: its content is sealed" in twice.run("plan").stdout
    assert len(twice.json("history", "ai_system:s0")) == 2


def test_broken_change_sets_are_one_clear_error(twice: Shell) -> None:
    for path in (twice.root / "log" / "changes").iterdir():
        path.write_bytes(b"x\n")
    assert "cannot be read and is left out" in twice.run("assess", "--as-of", "2026-03-02").stderr
    assert "does not hold" in twice.run("log", "audit", code=1).stdout
    said = twice.run("history", "ai_system:s0").stdout
    assert "its change set does not hold" in said
    assert "[bad-change-file]" in twice.run("blame", "ai_system:s0", code=2).stderr


def test_without_a_log_each_says_how_to_make_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "kybern.yaml").write_text("kybern: 1\n")
    shell = Shell(tmp_path, monkeypatch)
    for words in (["plan"], ["diff"], ["history", "role:x"], ["blame", "role:x"]):
        assert "kybern log init" in shell.run(*words, code=2).stderr
