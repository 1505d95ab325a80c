"""Asking the gate from another program: an answer, an answer that is no, or an error; nothing is taken for a yes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner
from governed import COLLECT, INTEGRATIONS, PROGRAM, governed
from typer.main import get_command

from kybern.ask import GateClosedError, GateError, ask_gate, require_gate
from kybern.cli._main import app


def test_an_answer_says_what_holds_back_and_what_is_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = governed(tmp_path)
    monkeypatch.chdir(root)
    yes = require_gate("deploy", "fine", directory=root, program=str(PROGRAM), collect=[COLLECT])
    assert (yes.allowed, yes.message) == (True, "deploy: ai_system:fine may go on")
    assert yes.outcome["collected"][0]["source"] == "report.xml"
    no = ask_gate("merge", "fine", directory=root, program=str(PROGRAM), facts={"change.substantial": True, "change.reviewers": 2})
    assert no.reasons == ("substantial: Have the change approved.",)
    assert "LIF-03" in no.message
    with pytest.raises(GateClosedError, match="does not go on"):
        require_gate("deploy", "banned", directory=root, program=str(PROGRAM))


def test_what_cannot_be_asked_is_an_error(tmp_path: Path) -> None:
    root = governed(tmp_path)
    with pytest.raises(GateError, match="unheard-of"):
        ask_gate("deploy", "unheard-of", directory=root, program=str(PROGRAM))
    with pytest.raises(GateError, match="no-such-program"):
        ask_gate("deploy", "fine", directory=root, program="no-such-program")
    with pytest.raises(GateError):
        ask_gate("deploy", "fine", directory=root, program=str(PROGRAM), timeout=0.001)


@pytest.mark.parametrize("said", ["", "[]", '{"allowed": true}', '{"allowed": true, "held_by": [{}]}'])
def test_an_answer_in_no_known_form_is_no_yes(tmp_path: Path, said: str) -> None:
    fake = tmp_path / "kybern"
    fake.write_text(f"#!/bin/sh\nprintf '%s' '{said}'\n")
    fake.chmod(0o755)
    with pytest.raises(GateError, match="no form"):
        ask_gate("deploy", "fine", program=str(fake))


def test_a_yes_with_the_exit_code_of_a_no_is_none(tmp_path: Path) -> None:
    fake = tmp_path / "kybern"
    fake.write_text('#!/bin/sh\necho \'{"allowed": true, "held_by": [], "shortfalls": []}\'\nexit 1\n')
    fake.chmod(0o755)
    assert not ask_gate("deploy", "fine", program=str(fake)).allowed


def test_asking_imports_nothing_but_the_standard_library() -> None:
    code = "import sys, kybern.ask; print(sorted({'pydantic', 'yaml', 'typer', 'numpy'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


# --- Kubernetes -----------------------------------------------------------------------------------------------------------------------


def test_the_manifest_calls_the_server_as_it_is_and_fails_closed() -> None:
    found = {one["kind"]: one for one in yaml.safe_load_all((INTEGRATIONS / "kubernetes" / "webhook.yaml").read_text(encoding="utf-8"))}
    (container,) = found["Deployment"]["spec"]["template"]["spec"]["containers"]
    assert container["command"] == ["kybern"]
    options = CliRunner().invoke(get_command(app), ["gate", "serve", "--help"], env={"COLUMNS": "200"}).output
    named = [word.partition("=")[0] for word in container["args"] if word.startswith("--")]
    assert [name for name in named if name not in options] == []
    (hook,) = found["ValidatingWebhookConfiguration"]["webhooks"]
    assert (hook["failurePolicy"], hook["admissionReviewVersions"], hook["clientConfig"]["service"]["path"]) == ("Fail", ["v1"], "/admit")
    assert hook["timeoutSeconds"] <= 10
    service = found["Service"]
    assert (service["metadata"]["name"], service["metadata"]["namespace"]) == ("kybern-gate", "kybern")
    assert service["spec"]["ports"][0]["targetPort"] == container["ports"][0]["containerPort"] == 8443
