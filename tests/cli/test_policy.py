"""`kybern policy`: every command as it is met, with its exit codes, and what it says to input that cannot be used."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import typer
from click.testing import Result
from typer.testing import CliRunner

from kybern.cli import _init, _policy

FLAGS = ["--profile", "sme", "--name", "Acme", "--country", "DE", "--lead", "Ada Lovelace", "--top-manager", "Grace Hopper"]
BUNDLE = "kybern: 1\nfacts: kybern\n"
FAILING = """\
- id: tests-fail
  title: A failing test holds the gate
  owner: ml-engineer
  rationale: A test that may fail without consequence is none.
  applies_to: [deploy]
  effect: deny
  when: has(tests.failed) && tests.failed > {most}
  message: Mend what fails.
  examples:
    - {{title: Nine fail, facts: {{tests.failed: 9}}, expect: fires}}
    - {{title: None fails, facts: {{tests.failed: 0}}, expect: silent}}
"""
ALLOWED = """\
- id: approved-goes-on
  title: An approved release goes into use
  owner: system-owner
  rationale: Somebody decided.
  applies_to: [deploy]
  effect: allow
  when: has(release.approved) && release.approved
  message: The release is approved.
  examples:
    - {title: Approved, facts: {release.approved: true}, expect: fires}
    - {title: Nobody decided, facts: {}, expect: silent}
"""
INVARIANT = """\
- id: no-failing-release
  title: Nothing goes into use whose tests fail
  applies_to: [deploy]
  when: has(tests.failed) && tests.failed > 0
  never: [allow, modify]
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("made") / "aims"
    app = typer.Typer()
    _init.register(app)
    app.command("other")(lambda: None)  # one command alone would not be asked for by its name
    assert CliRunner().invoke(app, ["init", str(root), *FLAGS], catch_exceptions=False).exit_code == 0
    return root


@pytest.fixture
def root(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "aims"))


@pytest.fixture
def small(root: Path) -> Path:
    """A workspace that decides by two rules of its own, which is quick."""
    return with_rules(root, FAILING.format(most=0) + ALLOWED)


def with_rules(root: Path, rules: str, bundle: str = BUNDLE, invariants: str = INVARIANT) -> Path:
    folder = root / "policy"
    (folder / "rules").mkdir(parents=True, exist_ok=True)
    (folder / "bundle.yaml").write_text(bundle, encoding="utf-8")
    (folder / "invariants.yaml").write_text(invariants, encoding="utf-8")
    (folder / "rules" / "own.yaml").write_text(rules, encoding="utf-8")
    return root


def run(root: Path, *arguments: str) -> Result:
    app = typer.Typer()
    _policy.register(app)
    return CliRunner().invoke(app, ["policy", *arguments, "-C", str(root)], env={"COLUMNS": "200"}, catch_exceptions=False)


def as_json(result: Result) -> Any:
    return json.loads(result.stdout)


def request(tmp_path: Path, facts: Mapping[str, Any]) -> str:
    """A file with a whole request to deploy."""
    from kybern.policy import read_schema, shipped_schemas  # noqa: PLC0415 - one helper needs it

    schema = read_schema(shipped_schemas()["kybern"], "kybern.yaml")
    whole = {name: schema.by_name[name].example for name in schema.doors["deploy"].needed if name != "request.time"}
    path = tmp_path / "request.json"
    path.write_text(json.dumps({"action": "deploy", **whole, **facts}), encoding="utf-8")
    return str(path)


# --- init, facts, test -------------------------------------------------------------------------------------------------------------


def test_init_makes_a_folder_that_loads_and_is_kept(root: Path) -> None:
    said = run(root, "init", "--profile", "sme")
    assert said.exit_code == 0
    assert re.search(r"\d\d rules of the library, 12 invariants\. Next: kybern policy explain", said.stdout)
    assert run(root, "test").exit_code == 0
    again = run(root, "init")
    assert (again.exit_code, "policy-exists" in again.stderr) == (2, True)


def test_init_with_an_unknown_profile_suggests_one_and_leaves_nothing_behind(root: Path) -> None:
    said = run(root, "init", "--profile", "smee")
    assert said.exit_code == 2
    assert "Did you mean sme?" in said.stderr
    assert not (root / "policy").exists()


@pytest.mark.parametrize("command", ["facts", "lint", "test", "explain", "prove", "coverage"])
def test_without_a_bundle_every_command_says_how_to_make_one(root: Path, command: str) -> None:
    said = run(root, command)
    assert said.exit_code == 2
    assert "no-policy" in said.stderr
    assert "kybern policy init" in said.stderr
    assert said.stdout == ""


def test_facts_tell_type_unit_provider_and_action(small: Path) -> None:
    said = run(small, "facts").stdout
    assert re.search(r"^call\.amount +number in EUR, may be missing \[call-tool\]$", said, re.MULTILINE)
    assert re.search(r"^tests\.failed +int, may be missing, from evidence", said, re.MULTILINE)
    told = as_json(run(small, "facts", "--json"))
    assert told["id"] == "kybern"
    assert {"deploy", "call-tool"} <= set(told["actions"])


def test_facts_make_a_request_to_try(small: Path, tmp_path: Path) -> None:
    path = tmp_path / "call.json"
    path.write_text(run(small, "facts", "--request", "call-tool").stdout, encoding="utf-8")
    said = run(small, "decide", "--facts", str(path))
    assert (said.exit_code, said.stdout) == (1, "deny\n    no rule fired, and what no rule speaks of is deny\n")
    assert run(small, "facts", "--request", "call").exit_code == 2


def test_test_counts_what_came_out(small: Path) -> None:
    said = run(small, "test")
    assert (said.exit_code, said.stdout) == (0, "2 rules load, and their 4 examples come out; 1 invariants read.\n")


@pytest.mark.parametrize(
    ("old", "new", "line", "column", "rule", "hint"),
    [
        ("tests.failed > 0", "tests.faild > 0", 7, 30, "unknown-fact", "Did you mean tests.failed?"),
        ("has(tests.failed) && tests.failed > 0", "tests.failed > 0", 7, 9, "may-be-missing", "Write has(tests.failed) &&"),
        ("effect: deny", "effect: denied", 6, 11, "unknown-value", "Did you mean deny?"),
        ("[deploy]", "[deplyo]", 5, 16, "unknown-action", "Did you mean deploy?"),
        ("expect: silent", "expect: fires", 11, None, "example-fails", ""),
    ],
)
def test_a_broken_rule_is_told_with_its_place(  # noqa: PLR0913, PLR0917 - the columns of the table
    root: Path, old: str, new: str, line: int, column: int | None, rule: str, hint: str
) -> None:
    broken = FAILING.format(most=0).replace(old, new, 1)
    assert new in broken
    if rule == "example-fails":
        broken = FAILING.format(most=0).replace("facts: {tests.failed: 0}", "facts: {tests.failed: 1}")
    said = run(with_rules(root, broken), "test")
    assert said.exit_code == 2
    where = f"policy/rules/own.yaml:{line}:{'' if column is None else column}"
    assert where in said.stderr
    assert rule in said.stderr
    assert hint in said.stderr
    assert said.stdout == ""


def test_every_broken_rule_is_told_at_once(root: Path) -> None:
    said = run(with_rules(root, FAILING.format(most=0).replace("&& tests", "&& test") + ALLOWED.replace("&& release", "&& releas")), "lint")
    assert said.exit_code == 2
    assert said.stderr.count("unknown-fact") == 2


def test_a_bundle_that_is_none_is_told_with_its_place(root: Path) -> None:
    said = run(with_rules(root, ALLOWED, bundle="kybern: 1\nfacts: kyber\n"), "test")
    assert (said.exit_code, "policy/bundle.yaml:2:8" in said.stderr, "Did you mean kybern?" in said.stderr) == (2, True, True)
    said = run(with_rules(root, ALLOWED, bundle="kybern: 1\nlibrary: {profiles: [small]}\n"), "test")
    assert (said.exit_code, "policy/bundle.yaml:2:22" in said.stderr, "The library has no profile small" in said.stderr) == (2, True, True)


# --- explain -----------------------------------------------------------------------------------------------------------------------


def test_explain_says_every_rule_and_one_in_full(small: Path) -> None:
    said = run(small, "explain")
    assert "For deploy, it is denied if the number of tests failed is more than 0." in said.stdout
    assert "For deploy, it is allowed if the release is approved." in said.stdout
    full = run(small, "explain", "tests-fail").stdout
    for part in ("why", "A test that may fail", "owner", "ml-engineer", "to mend it", "Mend what fails.", "Nine fail", "None fails"):
        assert part in full
    assert "approved-goes-on" not in full
    german = run(small, "explain", "--lang", "de").stdout
    assert "Für deploy: abgelehnt, falls gilt: die Anzahl nicht bestandener Tests ist größer als 0." in german


def test_explain_as_json_has_the_rule_and_its_words(small: Path) -> None:
    [told] = as_json(run(small, "explain", "tests-fail", "--json"))
    assert (told["id"], told["effect"]) == ("tests-fail", "deny")
    assert told["words"].startswith("For deploy, it is denied if")


def test_explain_refuses_what_there_is_not(small: Path) -> None:
    assert "Did you mean tests-fail?" in run(small, "explain", "test-fail").stderr
    assert run(small, "explain", "test-fail").exit_code == 2
    said = run(small, "explain", "--lang", "fr")
    assert (said.exit_code, "There are en and de." in said.stderr) == (2, True)


# --- lint, prove -------------------------------------------------------------------------------------------------------------------


def test_lint_counts_overlaps_in_which_the_stricter_wins(small: Path) -> None:
    said = run(small, "lint")
    assert (said.exit_code, said.stdout) == (0, "2 rules, 1 pairs: 1 overlap in which the stricter rule wins.\n")
    strict = run(small, "lint", "--strict")
    assert strict.exit_code == 1
    assert "conflict: tests-fail (deny) and approved-goes-on (allow) can fire together; deny wins." in strict.stdout
    assert "    for example: " in strict.stdout
    told = as_json(run(small, "lint", "--json"))
    assert (told["rules"], told["pairs"], [one["kind"] for one in told["findings"]]) == (2, 1, ["conflict"])


def test_lint_shows_where_the_milder_wins(root: Path) -> None:
    order = "order: [allow, deny, require-approval, defer, modify]\n"
    said = run(with_rules(root, FAILING.format(most=0) + ALLOWED, bundle=BUNDLE + order), "lint")
    assert "can fire together; allow wins." in said.stdout


def test_lint_finds_a_rule_that_adds_nothing(root: Path) -> None:
    more = FAILING.format(most=3).replace("id: tests-fail", "id: many-tests-fail")
    said = run(with_rules(root, FAILING.format(most=0) + more), "lint")
    assert said.exit_code == 1
    assert "redundant: many-tests-fail adds nothing: wherever it fires, so does one of tests-fail with the same effect." in said.stdout


def test_prove_proves_and_refutes_with_a_request(root: Path, small: Path) -> None:
    said = run(small, "prove")
    assert (said.exit_code, said.stdout) == (0, "proved: Nothing goes into use whose tests fail\n")
    loose = run(with_rules(root, FAILING.format(most=2) + ALLOWED), "prove")
    assert loose.exit_code == 1
    assert "refuted: Nothing goes into use whose tests fail" in loose.stdout
    assert re.search(r"for example: .*tests\.failed = [12]\b", loose.stdout)
    assert "decided: allow" in loose.stdout
    [told] = as_json(run(root, "prove", "--json"))
    assert (told["id"], told["holds"]) == ("no-failing-release", False)
    assert told["example"]["tests.failed"] in {"1", "2"}


def test_prove_without_invariants_says_where_they_go(root: Path) -> None:
    said = run(with_rules(root, ALLOWED, invariants="[]\n"), "prove")
    assert (said.exit_code, said.stdout) == (0, "There are no invariants: write policy/invariants.yaml.\n")


def test_an_invariant_that_does_not_read_is_told_with_its_place(root: Path) -> None:
    said = run(with_rules(root, ALLOWED, invariants=INVARIANT.replace("tests.failed > 0", "tests.failed > ")), "prove")
    assert said.exit_code == 2
    assert "policy/invariants.yaml:4:" in said.stderr


# --- diff, coverage ----------------------------------------------------------------------------------------------------------------


def test_diff_names_a_loosening_with_an_example_of_both(root: Path, tmp_path: Path) -> None:
    with_rules(root, FAILING.format(most=0) + ALLOWED)
    new = with_rules(Path(shutil.copytree(root, tmp_path / "new")), FAILING.format(most=2) + ALLOWED)
    said = run(new, "diff", str(root))
    assert said.exit_code == 1
    assert "deploy: deny → allow  (loosened)" in said.stdout
    assert re.search(r"for example: .*tests\.failed = [12]\b", said.stdout)
    assert "before: tests-fail: Mend what fails." in said.stdout
    assert "now:    approved-goes-on: The release is approved." in said.stdout
    [told] = as_json(run(new, "diff", str(root), "--json"))
    assert (told["action"], told["before"], told["after"], told["loosens"]) == ("deploy", "deny", "allow", True)
    back = run(root, "diff", str(new))
    assert (back.exit_code, "deploy: allow → deny\n" in back.stdout) == (0, True)


def test_diff_of_the_same_is_empty(small: Path) -> None:
    said = run(small, "diff", str(small))
    assert (said.exit_code, said.stdout) == (0, "Every request is decided as before.\n")


def test_diff_with_what_is_no_workspace_is_refused(small: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    assert run(small, "diff", str(tmp_path / "elsewhere")).exit_code == 2


def test_coverage_names_every_gate_of_every_system(root: Path) -> None:
    run(root, "init", "--profile", "sme")
    said = run(root, "coverage")
    assert said.exit_code == 0
    for gate in ("merge", "train", "validate", "deploy", "retire"):
        assert re.search(rf"^{gate} .*\d+ rules can decide$", said.stdout, re.MULTILINE), said.stdout
    told = as_json(run(root, "coverage", "--json"))
    assert told["models_without_system"] == []
    assert {row["action"] for row in told["assets"]} == {"merge", "train", "validate", "deploy", "retire"}
    assert all(row["rules"] for row in told["assets"])


def test_coverage_names_what_only_the_default_decides(small: Path) -> None:
    said = run(small, "coverage")
    assert said.exit_code == 1
    assert re.search(r"^deploy .*2 rules can decide$", said.stdout, re.MULTILINE)
    assert re.search(r"^merge .*only the default decides \(deny\)$", said.stdout, re.MULTILINE)


# --- decide, replay ----------------------------------------------------------------------------------------------------------------


def test_decide_says_what_comes_out_and_why(small: Path, tmp_path: Path) -> None:
    good = run(small, "decide", "--facts", request(tmp_path, {"release.approved": True, "tests.failed": 0}))
    assert (good.exit_code, good.stdout) == (0, "allow\n    approved-goes-on: The release is approved.\n")
    bad = run(small, "decide", "--facts", request(tmp_path, {"release.approved": True, "tests.failed": 2}))
    assert bad.exit_code == 1
    assert bad.stdout.splitlines()[:2] == ["deny", "    tests-fail: Mend what fails."]
    told = as_json(run(small, "decide", "--facts", request(tmp_path, {"tests.failed": 2}), "--json"))
    assert (told["effect"], told["deciding"], told["schema"]) == ("deny", ["tests-fail"], "kybern/1")
    assert re.fullmatch(r"[0-9a-f]{64}", told["bundle"])


def test_decide_denies_facts_that_cannot_come_in(small: Path, tmp_path: Path) -> None:
    said = run(small, "decide", "--facts", request(tmp_path, {"tests.failed": "many", "tests.faild": 1}))
    assert said.exit_code == 1
    assert said.stdout.startswith("deny\n")
    assert "not a whole number" in said.stdout
    assert "there is no fact tests.faild. Did you mean tests.failed?" in said.stdout


@pytest.mark.parametrize(("content", "rule"), [(None, "unreadable"), ("- 1\n", "wrong-type"), ("a: [", "")])
def test_decide_refuses_a_file_that_is_no_facts(small: Path, tmp_path: Path, content: str | None, rule: str) -> None:
    path = tmp_path / "facts.yaml"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    said = run(small, "decide", "--facts", str(path))
    assert said.exit_code == 2
    assert rule in said.stderr
    assert "facts.yaml" in said.stderr


def recorded(small: Path, tmp_path: Path) -> Path:
    """Two decisions on record: one denied, one allowed."""
    path = tmp_path / "decisions.jsonl"
    for failed in (1, 0):
        facts = request(tmp_path, {"release.approved": True, "tests.failed": failed, "impact.age": "30d"})
        run(small, "decide", "--facts", facts, "--record", str(path))
    return path


def test_what_is_recorded_is_decided_again_by_other_rules(small: Path, tmp_path: Path) -> None:
    path = recorded(small, tmp_path)
    assert len(path.read_bytes().splitlines()) == 2
    same = run(small, "replay", str(path))
    assert (same.exit_code, same.stdout) == (0, "2 decisions, 0 come out otherwise. allow → allow: 1, deny → deny: 1\n")
    other = with_rules(small, FAILING.format(most=5) + ALLOWED)
    said = run(other, "replay", str(path))
    assert said.exit_code == 1
    assert said.stdout.splitlines()[0] == "1: deny → allow"
    assert "2 decisions, 1 come out otherwise." in said.stdout
    told = as_json(run(other, "replay", str(path), "--json"))
    assert told["decisions"] == 2
    assert [(row["n"], row["before"], row["now"]) for row in told["changed"]] == [(1, "deny", "allow")]


def test_a_broken_chain_is_not_replayed_and_not_appended_to(small: Path, tmp_path: Path) -> None:
    path = recorded(small, tmp_path)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0].replace(b'"tests.failed":1', b'"tests.failed":0') + lines[1])
    said = run(small, "replay", str(path))
    assert said.exit_code == 2
    assert "broken-chain" in said.stderr
    assert "decisions.jsonl:2:1" in said.stderr
    before = path.read_bytes()
    again = run(small, "decide", "--facts", request(tmp_path, {}), "--record", str(path))
    assert (again.exit_code, path.read_bytes() == before) == (2, True)


def test_a_record_that_is_none_is_told_with_its_line(small: Path, tmp_path: Path) -> None:
    path = tmp_path / "no.jsonl"
    path.write_text("{}\n", encoding="utf-8")
    said = run(small, "replay", str(path))
    assert (said.exit_code, "bad-record" in said.stderr, "no.jsonl:1:1" in said.stderr) == (2, True, True)
    assert run(small, "replay", str(tmp_path / "absent")).exit_code == 2


# --- export ------------------------------------------------------------------------------------------------------------------------


def test_export_writes_all_of_it_or_says_what_is_missing(small: Path, tmp_path: Path) -> None:
    said = run(small, "export", "--to", "rego", "--out", str(tmp_path / "out"))
    assert (said.exit_code, said.stdout) == (0, "")
    assert 'fired contains "tests-fail" if {' in (tmp_path / "out" / "kybern.rego").read_text()
    assert "2 rules in rego, 0 left out." in said.stderr
    cedar = run(small, "export", "--to", "cedar")
    assert cedar.exit_code == 0
    assert '@id("tests-fail")' in cedar.stdout
    assert "kybern.cedarschema goes with it" in cedar.stderr
    assert "appliesTo" not in cedar.stdout, "what is written can be piped into an engine"


def test_export_that_is_partial_exits_1_and_says_in_which_direction_it_errs(root: Path, tmp_path: Path) -> None:
    rule = FAILING.format(most=0).replace("has(tests.failed) && tests.failed > 0", 'assessment.coverage < quantity(50, "percent")')
    rule = rule.replace("{tests.failed: 9}", "{assessment.coverage: 0.4}").replace("{tests.failed: 0}", "{}")
    said = run(with_rules(root, rule + ALLOWED), "export", "--to", "cedar", "--json", "--out", str(tmp_path))
    assert said.exit_code == 1
    told = as_json(said)
    assert (told["complete"], told["may_let_through"], told["may_hold_up"]) == (False, ["tests-fail"], [])
    assert told["files"] == ["kybern.cedar", "kybern.cedarschema"]
    assert "it may let go on what Kybern holds up" in said.stderr


def test_export_refuses_an_order_or_a_language_it_does_not_have(root: Path) -> None:
    order = "order: [allow, deny, require-approval, defer, modify]\n"
    said = run(with_rules(root, ALLOWED, bundle=BUNDLE + order), "export", "--to", "cedar")
    assert (said.exit_code, "not-expressible" in said.stderr) == (2, True)
    said = run(root, "export", "--to", "prolog")
    assert (said.exit_code, "There are cedar and rego." in said.stderr) == (2, True)
