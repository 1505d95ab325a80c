"""The GitHub action, the GitLab template and the pre-commit hooks: what they run is run here."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from governed import COLLECT, INTEGRATIONS, PROGRAM, ROOT, environment, governed

from kybern.evidence import read_evidence, read_keyring

BASH, GIT = shutil.which("bash"), shutil.which("git")


def load(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return found


# --- GitHub -------------------------------------------------------------------------------------------------------------------------

ACTION = load(INTEGRATIONS / "github" / "action.yml")


def act(root: Path, **inputs: str) -> tuple[int, str, str]:
    """Run the action's steps as a runner does: inputs with their defaults, the environment of each step, bash -e -o pipefail."""
    given = {name: str(spec.get("default", "")) for name, spec in ACTION["inputs"].items()} | {"kybern": ""} | inputs
    assert all(given[name] for name, spec in ACTION["inputs"].items() if spec.get("required"))
    code, said, output = 0, "", root / "github-output"
    output.touch()
    for step in ACTION["runs"]["steps"]:
        if "if" in step:
            assert step["if"] == "${{ inputs.kybern != '' }}"
            if not given["kybern"]:
                continue
        env = {name: _expanded(value, given) for name, value in step["env"].items()}
        summary = {"GITHUB_OUTPUT": str(output), "GITHUB_STEP_SUMMARY": str(root / "summary.md"), "RUNNER_TEMP": str(root)}
        command = [BASH or "bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", step["run"]]
        done = subprocess.run(command, cwd=root, env=environment(**env, **summary), capture_output=True, text=True, check=False)
        code, said = done.returncode, said + done.stdout + done.stderr
        if code:
            break
    return code, said, output.read_text()


def _expanded(text: str, given: dict[str, str]) -> str:
    return re.sub(r"\$\{\{ inputs\.([a-z]+) \}\}", lambda found: given[found[1]], text)


@pytest.mark.skipif(BASH is None, reason="bash is not installed")
def test_the_action_lets_on_and_holds_back_and_writes_what_github_shows(tmp_path: Path) -> None:
    root = governed(tmp_path)
    code, said, output = act(root, stage="merge", system="fine", collect=f"{COLLECT}\n")
    assert (code, output) == (0, "allowed=true\n")
    assert "collected: report.xml" in said
    assert "may go on" in (root / "summary.md").read_text()
    assert (root / "kybern-gate.sarif").exists()
    code, _, output = act(root, stage="merge", system="fine", facts="change.substantial=true\nchange.reviewers=1")
    assert (code, output) == (1, "allowed=true\nallowed=false\n")
    assert "Have the change approved" in (root / "kybern-gate.xml").read_text()
    assert act(root, stage="merge", system="unheard-of")[0] == 2


@pytest.mark.skipif(BASH is None, reason="bash is not installed")
def test_no_input_of_the_action_is_run_and_the_key_does_not_stay(tmp_path: Path) -> None:
    root = governed(tmp_path)
    evil = '$(touch run-me)"; touch run-me; `touch run-me`'
    assert act(root, stage="merge", system=evil, collect=evil, facts=evil, directory=".")[0] == 2
    assert not (root / "run-me").exists()
    new = [PROGRAM, "key", "new", "ci", "--kind", "pipeline", "--holder", "pipeline:ci", "-C", str(root)]
    subprocess.run(new, check=True, capture_output=True, env=environment())
    pem = (root / ".kybern" / "keys" / "ci.pem").read_text()
    code, said, _ = act(root, stage="merge", system="fine", collect=COLLECT, key=pem)
    assert (code, pem in said) == (0, False)
    topics = {piece.topic for piece in read_evidence(root / "evidence", read_keyring(root), root).accepted}
    assert topics == {"validation-test", "gate-decision"}
    assert list(root.glob("kybern-*.pem")) == []


def test_scripts_of_the_action_hold_no_expression() -> None:
    assert all("${{" not in step["run"] for step in ACTION["runs"]["steps"])
    assert all(step["shell"] == "bash" for step in ACTION["runs"]["steps"])


# --- GitLab -------------------------------------------------------------------------------------------------------------------------

TEMPLATE = load(INTEGRATIONS / "gitlab" / "kybern-gate.yml")[".kybern-gate"]


def job(root: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the template's script as a runner does: its lines one after the other in one shell."""
    env = {name: str(value) for name, value in TEMPLATE["variables"].items()} | {"KYBERN_PACKAGE": ""} | variables
    script = "\n".join(TEMPLATE["script"])
    return subprocess.run(["sh", "-e", "-c", script], cwd=root, env=environment(**env), capture_output=True, text=True, check=False)  # noqa: S607 - POSIX has a sh


def test_the_template_judges_and_leaves_its_artifacts(tmp_path: Path) -> None:
    root = governed(tmp_path)
    done = job(root, KYBERN_SYSTEM="fine", KYBERN_COLLECT=COLLECT)
    assert done.returncode == 0, done.stderr
    assert "collected: report.xml" in done.stdout
    assert all((root / name).exists() for name in (*TEMPLATE["artifacts"]["paths"], TEMPLATE["artifacts"]["reports"]["junit"]))
    assert job(root, KYBERN_SYSTEM="banned", KYBERN_STAGE="deploy").returncode == 1
    assert job(root, KYBERN_SYSTEM="$(touch run-me)", KYBERN_COLLECT="$(touch run-me)").returncode == 2
    assert not (root / "run-me").exists()


def test_the_template_signs_with_a_key_that_does_not_stay(tmp_path: Path) -> None:
    root = governed(tmp_path / "workspace")
    new = [PROGRAM, "key", "new", "ci", "--kind", "pipeline", "--holder", "pipeline:ci", "-C", str(root)]
    subprocess.run(new, check=True, capture_output=True, env=environment())
    (tmp_path / "variable").write_text((root / ".kybern" / "keys" / "ci.pem").read_text())
    assert job(root, KYBERN_SYSTEM="fine", KYBERN_KEY_FILE=str(tmp_path / "variable")).returncode == 0
    assert len(list((root / "evidence").glob("*.json"))) == 1
    assert not (root / "kybern-key.pem").exists()


# --- pre-commit -----------------------------------------------------------------------------------------------------------------------

HOOKS = ROOT / ".pre-commit-hooks.yaml"
PRE_COMMIT = PROGRAM.with_name("pre-commit")


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A Git repository with the workspace, whose hooks are ours with the program that is installed here."""
    if GIT is None or not PRE_COMMIT.exists():
        pytest.skip("git or pre-commit is not installed")
    monkeypatch.setenv("PRE_COMMIT_HOME", str(tmp_path / "pre-commit"))
    root = governed(tmp_path / "repository")
    hooks = [{**hook, "language": "system"} for hook in yaml.safe_load(HOOKS.read_text(encoding="utf-8"))]
    (root / ".pre-commit-config.yaml").write_text(yaml.safe_dump({"repos": [{"repo": "local", "hooks": hooks}]}))
    for words in (["init", "-q"], ["add", "-A"]):
        subprocess.run([GIT, *words], cwd=root, check=True, env=environment())
    return root


def hook(root: Path, name: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [PRE_COMMIT, "run", name, "--all-files"], cwd=root, env=environment(), capture_output=True, text=True, check=False
    )


def test_the_manifest_of_hooks_is_one() -> None:
    if not PRE_COMMIT.exists():
        pytest.skip("pre-commit is not installed")
    done = subprocess.run([PRE_COMMIT, "validate-manifest", str(HOOKS)], capture_output=True, text=True, check=False, env=environment())
    assert done.returncode == 0, done.stdout


def test_hooks_pass_and_fail_with_the_workspace(repository: Path) -> None:
    config = repository / ".pre-commit-config.yaml"
    text = config.read_text()
    config.write_text(text.replace("entry: kybern gate --stage=merge", "entry: kybern gate --stage=merge --system=fine"))
    done = hook(repository, "kybern-gate")
    assert done.returncode == 0, done.stdout
    assert hook(repository, "kybern-policy").returncode == 0
    config.write_text(text.replace("entry: kybern gate --stage=merge", "entry: kybern gate --stage=merge --system=banned"))
    done = hook(repository, "kybern-gate")
    assert done.returncode == 1
    assert "merge: ai_system:banned does not go on" in done.stdout
    records = repository / "records" / "all.yaml"
    records.write_text(records.read_text().replace("risk_class: limited", "risk_class: lmited"))
    assert "Did you mean limited" in hook(repository, "kybern-lint").stdout
