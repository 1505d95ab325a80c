"""The readiness statement before strangers: Digital Bazaar's verifiers and `jose`, from npm, accept ours and refuse one changed byte."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.real

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "report"))

from label_world import ISSUED, ISSUER, KEY, URL, document, key, listed, stated  # noqa: E402
from label_world import approval as approved  # noqa: E402
from node_tools import run_node  # noqa: E402

from kybern.report.label import Issuer, Place, StatusList, as_jwt, issue, open_jwt, open_statement, status_credential  # noqa: E402


class Stranger:
    """Runs the foreign verifiers on files."""

    def __init__(self, root: Path) -> None:
        self.root = root
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
        done = run_node("node_label/verify.js", kind, *map(str, arguments))
        assert done.stdout, done.stderr
        found = json.loads(done.stdout)
        assert found["verified"] == (done.returncode == 0)
        return found["verified"], found["what"]


@pytest.fixture
def stranger(tmp_path: Path) -> Stranger:
    return Stranger(tmp_path)


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
