"""The readiness statement before strangers: Digital Bazaar's verifiers and `jose`, from npm, accept ours and refuse one changed byte."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

NODE, NPM = shutil.which("node"), shutil.which("npm")
HERE = Path(__file__).parent / "node_label"
CACHE = Path(__file__).parents[2] / ".cache" / "node_label"

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(NODE is None or NPM is None, reason="node and npm are not installed"),
]

sys.path.insert(0, str(Path(__file__).parents[1] / "report"))

from label_world import ISSUED, ISSUER, KEY, URL, document, key, listed, stated  # noqa: E402
from label_world import approval as approved  # noqa: E402

from kybern.report.label import Issuer, Place, StatusList, as_jwt, issue, open_jwt, open_statement, status_credential  # noqa: E402


@pytest.fixture(scope="session")
def program() -> Path:
    """Install the verifiers once, by their lock; the lock names no registry."""
    CACHE.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json", "verify.js"):
        shutil.copyfile(HERE / name, CACHE / name)
    installed = CACHE / "node_modules" / ".package-lock.json"
    if not installed.exists() or installed.stat().st_mtime < (HERE / "package-lock.json").stat().st_mtime:
        command = [str(NPM), "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        done = subprocess.run(command, cwd=CACHE, capture_output=True, text=True, check=False, timeout=300)
        if done.returncode:
            pytest.skip(f"npm cannot install the verifiers: {done.stderr.strip().splitlines()[-1:]}")
    return CACHE / "verify.js"


class Stranger:
    """Runs the foreign verifiers on files."""

    def __init__(self, program: Path, root: Path) -> None:
        self.program, self.root = program, root
        self.controller(ISSUER)

    def controller(self, issuer: Issuer) -> None:
        (self.root / "issuer.json").write_text(json.dumps(issuer.document))

    def says(self, kind: str, content: Any, status: Any = None) -> tuple[bool, str]:
        text = content if isinstance(content, str) else json.dumps(content)
        (self.root / "statement").write_text(text)
        arguments = [self.root / "statement", self.root / "issuer.json"]
        if status is not None:
            (self.root / "status.json").write_text(json.dumps(status))
            arguments.append(self.root / "status.json")
        command = [str(NODE), str(self.program), kind, *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        assert done.stdout, done.stderr
        found = json.loads(done.stdout)
        assert found["verified"] == (done.returncode == 0)
        return found["verified"], found["what"]


@pytest.fixture
def stranger(program: Path, tmp_path: Path) -> Stranger:
    return Stranger(program, tmp_path)


def test_the_credential_is_accepted_with_its_status_list(stranger: Stranger) -> None:
    assert stranger.says("vc", document()) == (True, document()["id"])
    assert stranger.says("vc", document(), listed(1, 5)) == (True, document()["id"])


def test_a_revoked_statement_is_refused(stranger: Stranger) -> None:
    assert stranger.says("vc", document(), listed(3)) == (False, "revoked")


def test_a_list_by_another_issuer_or_with_a_changed_bit_is_refused(stranger: Stranger) -> None:
    other = key(9)
    assert not stranger.says("vc", document(), status_credential(StatusList(), URL, other, Issuer.of_key(other.public_raw), ISSUED))[0]
    changed = {**listed(3), "credentialSubject": listed()["credentialSubject"]}
    assert not stranger.says("vc", document(), changed)[0]


@pytest.mark.parametrize("part", ["readiness", "coverage", "asOf", "log"])
def test_one_changed_value_is_refused(stranger: Stranger, part: str) -> None:
    whole = json.loads(json.dumps(document()))
    subject = whole["credentialSubject"]
    if part == "readiness":
        subject[part]["met"] += 1
    elif part == "coverage":
        subject[part] += 0.000001
    elif part == "log":
        subject[part]["rootSha256"] = "0" + subject[part]["rootSha256"][1:]
    else:
        subject[part] = subject[part].replace("2026", "2027")
    assert stranger.says("vc", whole) == (False, "Invalid signature.")


def test_one_changed_byte_anywhere_is_refused_by_both_of_us(stranger: Stranger) -> None:
    text = json.dumps(document())
    for place in range(7, len(text), len(text) // 12):
        changed = text[:place] + chr(ord(text[place]) ^ 1) + text[place + 1 :]
        with pytest.raises(Exception, match=r".") as refused:
            open_statement(changed.encode())
        assert type(refused.value).__name__ == "Refused"
        assert not stranger.says("vc", changed)[0], (place, text[place - 10 : place + 10])


def test_the_jwt_is_accepted_and_one_changed_letter_is_refused(stranger: Stranger) -> None:
    text = as_jwt(document(), KEY, ISSUER)
    assert stranger.says("jwt", text) == (True, document()["id"])
    for place in range(3, len(text) - 1, len(text) // 10):
        letter = "A" if text[place] != "A" else "B"
        changed = text[:place] + letter + text[place + 1 :]
        assert not stranger.says("jwt", changed)[0], place
        with pytest.raises(Exception, match=r"."):
            open_jwt(changed.encode())


def test_an_issuer_under_a_url_is_accepted_with_its_document(stranger: Stranger) -> None:
    issuer = Issuer.at("https://acme.example/issuer", KEY.public_raw)
    whole = issue(stated(), approved(), (KEY, issuer), Place(URL, 3), ISSUED)
    stranger.controller(issuer)
    assert stranger.says("vc", whole) == (True, whole["id"])
    stranger.controller(Issuer.at("https://other.example/issuer", KEY.public_raw))
    assert not stranger.says("vc", whole)[0]
