"""Evidence that is refused is told, and the rest goes on."""

from __future__ import annotations

import base64
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from bad_program import (
    ANSWERS,
    EVIDENCE,
    KEY,
    MERIDIAN,
    envelope,
    huge,
    on,
    run,
    state,
)

from kybern.evidence import PrivateKey, sign

# --- evidence: refused and told, and the rest goes on -------------------------------------------------------------------------------


def changed(**fields: Any) -> bytes:
    return json.dumps(json.loads(envelope()) | fields).encode()


def restated(change: Callable[[dict[str, Any]], object]) -> bytes:
    """Sign a statement that was changed."""
    value = json.loads(base64.b64decode(json.loads(envelope())["payload"]))
    change(value)
    return sign(json.dumps(value).encode(), KEY)


REFUSED: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "not-json"),
    "binary": (b"\x89PNG\0\1", "not-json"),
    "not UTF-8": (b'{"payload": "\xe9"}', "not-json"),
    "too deep": (b"[" * 200_000, "not-json"),
    "key twice": (b'{"payload": 1, "payload": 2}', "not-json"),
    "not a number": (b'{"payload": NaN}', "not-json"),
    "a long number": (b"9" * 10_000, "not-json"),
    "a list": (b"[]", "bad-envelope"),
    "no payload": (b"{}", "wrong-payload-type"),
    "no signature": (changed(signatures=[]), "no-signature"),
    "signatures of a wrong type": (changed(signatures="x"), "bad-envelope"),
    "cut off": (envelope()[:-40], "not-json"),
    "not base64": (changed(payload="***"), "bad-envelope"),
    "another's key": (envelope(PrivateKey.generate()), "unknown-key"),
    "changed": (changed(payload=json.loads(envelope(title="Other"))["payload"]), "bad-signature"),
    "no statement": (sign(b"[]", KEY), "wrong-statement-type"),
    "payload not UTF-8": (sign(b"\xff", KEY), "not-json"),
    "unknown predicate": (restated(lambda value: value.update(predicateType="x")), "unknown-predicate"),
    "no subject": (restated(lambda value: value.update(subject=[])), "no-subject"),
    "subject outside": (restated(lambda value: value["subject"][0].update(name="../../etc/passwd")), "bad-subject"),
    "wrong type": (restated(lambda value: value["predicate"].update(title=7)), "bad-predicate"),
    "half of a pair": (restated(lambda value: value["predicate"].update(title="\ud800")), "bad-predicate"),
    "outside the calendar": (restated(lambda value: value["predicate"].update(observed_at="0001-01-01T00:00:00+14:00")), "bad-predicate"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_evidence_that_is_refused(root: Path, name: str) -> None:
    data, rule = REFUSED[name]
    (root / "evidence/bad.json").write_bytes(data)
    before = state(root)
    verified, listed = run("evidence", "verify", "-C", root), run("evidence", "list", "-C", root)
    assert (verified.code, listed.code) == (1, 0)
    (told,) = (line for line in verified.out.splitlines() if ": refused: " in line)
    assert told.startswith("evidence/bad.json: refused: ")
    assert told.endswith(f"[{rule}]")
    assert "1 accepted, 1 refused." in verified.out
    assert listed.err == "1 refused: see kybern evidence verify.\n"
    assert len(listed.out.splitlines()) == 1
    assert state(root) == before


def test_refused_evidence_is_told_and_stops_no_answer(root: Path) -> None:
    for number, (data, _) in enumerate(REFUSED.values()):
        (root / f"evidence/bad-{number}.json").write_bytes(data)
    huge(root / "evidence/huge.json")
    (root / "evidence/out.json").symlink_to("/etc/passwd")
    (root / "evidence/folder").symlink_to("/etc")
    (root / "evidence/loop.json").symlink_to("loop.json")
    os.mkfifo(root / "evidence/pipe.json")
    Path(os.fsdecode(os.fsencode(root / "evidence") + b"/\xff\x1b[2J.json")).write_text("{}")
    names = [f"bad-{number}.json" for number in range(len(REFUSED))] + [
        "huge.json",
        "out.json",
        "folder",
        "loop.json",
        "pipe.json",
        "\\udcff",
    ]
    answers = {command[0]: on(root, command) for command in ANSWERS}
    assert {name: said.code for name, said in answers.items()} == dict.fromkeys(answers, 0)
    page = (root.parent / "page.html").read_text()
    assert answers["assess"].out.count("\u2715 refused") == len(names)
    assert [name for name in names if f"refused evidence/{name}" not in answers["assess"].out or f"evidence/{name}" not in page] == []
    assert "\x1b" not in answers["assess"].out
    told = json.loads(on(root, ("assess", "--json")).out)
    assert len(told["refused"]) == len(names)
    assert len(json.loads(on(root, ("evidence", "verify", "--json")).out)["results"]) == len(names) + 1
    assert "root:x:0" not in page


def test_a_threshold_is_not_reached_on_refused_evidence(root: Path) -> None:
    (root / "evidence/bad.json").write_text("{}")
    assert run("assess", "-C", root).code == 0
    assert run("assess", "-C", root, "--fail-under", "0").code == 1


def test_evidence_that_is_no_folder_is_told(root: Path) -> None:
    shutil.rmtree(root / "evidence")
    (root / "evidence").write_text("x")
    assert (
        "evidence: refused: evidence lies in a folder of this name; this is a file [not-a-folder]"
        in run("evidence", "verify", "-C", root).out
    )
    (root / "evidence").unlink()
    (root / "evidence").symlink_to(MERIDIAN / "evidence")
    said = run("evidence", "verify", "-C", root)
    assert said.code == 1
    assert "leads out of the workspace" in said.out
    assert "refused evidence" in run("assess", "-C", root).out


@pytest.mark.parametrize(
    ("observed", "expires"),
    [("0001-01-01T00:00:00Z", None), ("9999-12-31T23:59:59Z", None), ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z")],
)
def test_evidence_at_the_ends_of_the_calendar(root: Path, observed: str, expires: str | None) -> None:
    (root / "evidence/good.dsse.json").write_bytes(envelope(observed_at=observed, expires_at=expires))
    for moment in ("0001-01-01", "9999-12-31"):
        for command in (("assess",), ("explain", "GOV-01"), ("evidence", "verify")):
            option = "--at" if command[0] == "evidence" else "--as-of"
            stands = observed[:10] <= moment
            assert on(root, command, option, moment).code == (0 if stands or command[0] != "evidence" else 1)


def test_signed_words_do_not_rule_the_terminal(root: Path) -> None:
    (root / "evidence/good.dsse.json").write_bytes(envelope(title="\x1b]0;owned\x07\x1b[2J"))
    ident = json.loads(on(root, ("evidence", "list", "--json")).out)[0]["id"]
    for command in (*ANSWERS, *EVIDENCE, ("explain", "GOV-01", "--all"), ("trace", ident)):
        assert "\x1b" not in on(root, command).out
    assert "\x1b" not in run("evidence", "show", ident, "-C", root).out
