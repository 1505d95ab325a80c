"""Bad input of every sort gives one clear error with its place, exit code 2, and never a traceback; a fuzz test at the end.

The fuzz test runs a few hundred fixed cases; `HYPOTHESIS_PROFILE=long` runs twenty times as many, chosen at random.
"""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer.main
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

import kybern.catalog
from kybern.catalog import Catalog
from kybern.cli._main import app
from kybern.evidence import PREDICATES, Predicate, PrivateKey, Subject, parse_predicate, sign, statement, with_key

ROOT = Path(__file__).parents[2]
MERIDIAN = ROOT / "examples" / "meridian"
PROGRAM = Path(sys.executable).parent / "kybern"

ORGANIZATION = """\
kind: organization
id: acme
title: Acme
legal_name: Acme
sector: retail
countries: [DE]
ai_roles: [deployer]
"""
DOCUMENT = "kind: document\nid: a\ntitle: A\ntype: policy\n"
KEY = PrivateKey(Ed25519PrivateKey.from_private_bytes(b"\7" * 32))
BODY: dict[str, Any] = {
    "topic": "ai-policy",
    "observed_at": "2026-03-01T09:30:00Z",
    "collector": {"name": "kybern", "version": "1"},
    "title": "AI policy",
    "sha256": "d" * 64,
}
SUBJECT = Subject("organization:acme", "c" * 64)

LINT = ("lint",)
ANSWERS = (
    ("assess",),
    ("explain", "ISO42001:A.7.4"),
    ("gaps",),
    ("documents",),
    ("trace", "ISO42001:A.7.4"),
    ("report", "--html", "{out}"),
)
EVIDENCE = (("evidence", "list"), ("evidence", "verify"))
READERS = {
    "records": (LINT, *ANSWERS),
    "kybern.yaml": (LINT, *ANSWERS),
    "keys.yaml": (*ANSWERS, *EVIDENCE),
}
"""The commands that read each input."""


@dataclass(frozen=True)
class Said:
    """What a command answered."""

    code: int
    out: str
    err: str


@pytest.fixture(scope="module", autouse=True)
def _catalog_once() -> Iterator[None]:
    """Read the catalog and build the commands once instead of at every call; neither changes."""
    real = kybern.catalog.load_catalog
    shipped = cache(real)

    def load(*args: Any, **options: Any) -> Catalog:
        return real(*args, **options) if args or options else shipped()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kybern.catalog, "load_catalog", load)
        patch.setattr("typer.testing._get_command", cache(typer.main.get_command))
        yield


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return workspace(tmp_path / "w")


def workspace(folder: Path) -> Path:
    """Make a small workspace in order, with one piece of evidence that verifies."""
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "records").mkdir(parents=True)
    (folder / "evidence").mkdir()
    (folder / "kybern.yaml").write_text("kybern: 1\n")
    (folder / "records/a.yaml").write_text(ORGANIZATION)
    (folder / "keys.yaml").write_bytes(keys())
    (folder / "evidence/good.dsse.json").write_bytes(envelope())
    return folder


@cache
def keys() -> bytes:
    return with_key(b"", KEY.trusted(name="tool", holder="tool:seen", kind="tool", valid_from=datetime(1, 1, 1, tzinfo=UTC)))


def envelope(key: PrivateKey = KEY, **fields: Any) -> bytes:
    model: type[Predicate] = next(model for kind, model in PREDICATES.items() if kind.value == "document")
    return sign(statement(parse_predicate(model, BODY | fields), [SUBJECT]), key)


def run(*args: object) -> Said:
    """Run the program in this process; anything raised but its exit is a failure, and so is a traceback."""
    result = CliRunner().invoke(app, [str(arg) for arg in args])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert "Traceback" not in result.output
    assert result.exit_code in {0, 1, 2}
    return Said(result.exit_code, result.stdout, result.stderr)


def on(root: Path, command: tuple[str, ...], *more: object) -> Said:
    out = root.parent / "page.html"
    return run(*(str(out) if part == "{out}" else part for part in command), "-C", root, *more)


def state(folder: Path) -> dict[str, tuple[int, int, int]]:
    found = ((path, path.lstat()) for path in sorted(folder.rglob("*")))
    return {str(path): (one.st_mode, one.st_size, one.st_mtime_ns) for path, one in found}


def refused(root: Path, command: tuple[str, ...], place: str, rule: str, *more: object) -> None:
    """One error, on standard error, that starts with its place; nothing written."""
    before = state(root.parent)
    said = on(root, command, *more)
    assert (said.code, said.out) == (2, ""), (command, said)
    assert said.err.startswith(f"{place}: error: "), said.err
    assert said.err.count(": error: ") == 1, said.err
    assert f"[{rule}]\n" in said.err, said.err
    assert state(root.parent) == before


def huge(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(100 * 1024 * 1024)


# --- files that cannot be read, whichever they are ----------------------------------------------------------------------------------

BOMB = b"a: &a [x, x, x, x, x, x, x, x, x]\n" + b"".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n".encode() for before, name in zip("abcdefghi", "bcdefghij", strict=True)
)
UNREADABLE: dict[str, tuple[bytes, str, str]] = {
    "empty": (b"", "", "empty-file"),
    "only a comment": (b"# nothing\n", "", "empty-file"),
    "binary": (b"kind: a\n\x89PNG\0\1\2", ":2:5", "binary"),
    "latin-1": ("kind: r\xe9sum\xe9\n".encode("latin-1"), ":1:8", "not-utf8"),
    "utf-16": (b"\xff\xfek\0i\0", ":1:4", "binary"),
    "half a character": (b"kind: a\ntitle: \xf0\x9f\x92", ":2:8", "not-utf8"),
    "YAML bomb": (BOMB, ":7:16", "too-many-values"),
    "value within itself": (b"a: &a\n  b: *a\n", ":2:6", "alias-recursive"),
    "too deep": (b"[" * 100_000, ":1:65", "too-deep"),
    "tag that runs code": (b"!!python/object/apply:os.system ['touch hacked']\n", ":1:1", "yaml-tag"),
    "tab": (b"kind: a\n\tid: b\n", ":2:1", "yaml-syntax"),
    "bracket never closed": (b"kind: [a\n", ":2:1", "yaml-syntax"),
    "control character": (b"kind: \x1b[2J\n", ":1:7", "yaml-syntax"),
    "escaped control character": (b'kind: "\\e[2J"\n', ":1:7", "binary"),
    "escaped half of a pair": (b'kind: "\\ud800"\n', ":1:10", "yaml-syntax"),
    "key twice": (b"kind: a\nid: a\nkind: b\n", ":3:1", "duplicate-key"),
    "not a number": (b"kind: a\nid: .nan\n", ":2:5", "not-finite"),
}


@pytest.mark.parametrize("name", UNREADABLE)
@pytest.mark.parametrize("file", ["records/b.yaml", "kybern.yaml", "keys.yaml"])
def test_a_file_that_cannot_be_read(root: Path, file: str, name: str) -> None:
    data, place, rule = UNREADABLE[name]
    (root / file).write_bytes(data)
    for command in READERS[file.partition("/")[0]]:
        said = on(root, command)
        assert said.err.startswith(f"{file}{place}"), said.err
        assert (said.code, said.out, said.err.count(": error: ")) == (2, "", 1), (command, said)
        assert f"[{rule}]\n" in said.err
    assert not (root / "hacked").exists()
    assert (root / file).read_bytes() == data


@pytest.mark.parametrize("file", ["records/b.yaml", "kybern.yaml", "keys.yaml"])
def test_a_file_of_100_megabytes(root: Path, file: str) -> None:
    huge(root / file)
    for command in READERS[file.partition("/")[0]]:
        refused(root, command, file, "too-large")


@pytest.mark.parametrize("target", ["/etc/passwd", "../../outside.yaml", "nowhere", "a.yaml"])
@pytest.mark.parametrize("file", ["records/b.yaml", "kybern.yaml", "keys.yaml"])
def test_a_link_instead_of_a_file(root: Path, file: str, target: str) -> None:
    (root.parent / "outside.yaml").write_text("kybern: 1\n")
    (root / file).unlink(missing_ok=True)
    (root / file).symlink_to(target)
    for command in READERS[file.partition("/")[0]]:
        if file == "kybern.yaml" and not (root / file).exists():
            refused(root, command, str(root), "no-workspace")
        else:
            inside = (root / file).resolve().is_relative_to(root.resolve())
            refused(root, command, file, "symlink" if inside or file == "keys.yaml" else "outside")


@pytest.mark.parametrize("file", ["records/b.yaml", "kybern.yaml", "keys.yaml"])
def test_a_pipe_instead_of_a_file(root: Path, file: str) -> None:
    (root / file).unlink(missing_ok=True)
    os.mkfifo(root / file)
    for command in READERS[file.partition("/")[0]]:
        refused(root, command, *((str(root), "no-workspace") if file == "kybern.yaml" else (file, "not-a-file")))


def test_the_records_are_a_file_or_a_link_out(root: Path) -> None:
    shutil.rmtree(root / "records")
    (root / "records").write_text(ORGANIZATION)
    refused(root, LINT, "records", "unreadable")
    (root / "records").unlink()
    (root / "records").symlink_to(ROOT / "examples")
    for command in READERS["records"]:
        refused(root, command, "records", "outside")


# --- what can be read and states what cannot be -------------------------------------------------------------------------------------

WRONG: dict[str, tuple[str, str, str, str]] = {
    "a number": ("records/b.yaml", "42\n", ":1:1", "not-a-record"),
    "a list of texts": ("records/b.yaml", "- a\n", ":1:3", "not-a-record"),
    "no kind": ("records/b.yaml", "id: a\n", ":1:1", "missing-field"),
    "a kind there is not": ("records/b.yaml", "kind: polcy\nid: a\n", ":1:7", "unknown-kind"),
    "a kind that is a list": ("records/b.yaml", "kind: [role]\n", ":1:7", "unknown-kind"),
    "an id twice": ("records/b.yaml", ORGANIZATION, ":2:5", "duplicate-id"),
    "an id that is a path": ("records/b.yaml", "kind: role\nid: ../../etc/passwd\ntitle: R\nresponsibilities: [a]\n", ":2:5", "wrong-form"),
    "a number for a text": ("records/b.yaml", "kind: role\nid: r\ntitle: 7\nresponsibilities: [a]\n", ":3:8", "wrong-type"),
    "a text for a list": (
        "records/b.yaml",
        "kind: role\nid: r\ntitle: R\nholders: person:a\nresponsibilities: [a]\n",
        ":4:10",
        "wrong-type",
    ),
    "a day there is not": (
        "records/b.yaml",
        "kind: role\nid: r\ntitle: R\nreviewed_on: 2026-02-30\nresponsibilities: [a]\n",
        ":4:14",
        "wrong-type",
    ),
    "a reference to a wrong kind": (
        "records/b.yaml",
        "kind: role\nid: r\ntitle: R\nreports_to: person:a\nresponsibilities: [a]\n",
        ":4:13",
        "wrong-kind",
    ),
    "an unknown field": ("records/b.yaml", "kind: role\nid: r\ntitle: R\nholder: []\nresponsibilities: [a]\n", ":4:1", "unknown-field"),
    "settings of another version": ("kybern.yaml", "kybern: 2\n", ":1:9", "unknown-value"),
    "settings that are a list": ("kybern.yaml", "- kybern\n", ":1:1", "wrong-type"),
    "settings twice": ("kybern.yaml", "kybern: 1\n---\nkybern: 1\n", ":3:1", "one-document"),
    "keys that are a text": ("keys.yaml", "keys: none\n", ":1:7", "wrong-type"),
    "no keys": ("keys.yaml", "kays: []\n", "", ""),
    "a key that is a number": ("keys.yaml", "keys: [1]\n", ":1:8", "wrong-type"),
    "keys twice": ("keys.yaml", "keys: []\n---\nkeys: []\n", ":3:1", "too-many-documents"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_file_that_states_what_cannot_be(root: Path, name: str) -> None:
    file, text, place, rule = WRONG[name]
    (root / file).write_text(text)
    before = state(root)
    for command in READERS[file.partition("/")[0]]:
        said = on(root, command)
        assert (said.code, said.out) == (2, ""), said
        assert re.match(rf"{re.escape(file + place)}(:\d+:\d+)?: error: ", said.err), said.err
        assert f"[{rule}]\n" in said.err if rule else said.err.count(": error: ") == 2
    assert state(root) == before


def test_every_faulty_file_is_told_at_once(root: Path) -> None:
    (root / "records/b.yaml").write_bytes(b"\0")
    (root / "records/c.yaml").write_text("kind: polcy\n")
    (root / "kybern.yaml").write_text("kybern: 2\n")
    said = run("assess", "-C", root)
    assert said.code == 2
    assert re.findall(r"^(\S+): error: ", said.err, re.MULTILINE) == ["kybern.yaml:1:9", "records/b.yaml:1:1", "records/c.yaml:1:7"]


def test_a_private_key_in_the_keyring_is_refused_and_not_shown(root: Path) -> None:
    pem = KEY.pem().decode()
    text = keys().decode()
    public = re.search(r"( *)-----BEGIN PUBLIC KEY-----.*END PUBLIC KEY-----", text, re.DOTALL)
    assert public is not None
    (root / "keys.yaml").write_text(text.replace(public[0], "\n".join(public[1] + line for line in pem.strip().splitlines())))
    said = run("assess", "-C", root)
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith("keys.yaml:")
    assert pem.splitlines()[1] not in said.err


def test_an_unknown_framework_is_an_error_of_lint_and_stops_every_answer(root: Path) -> None:
    (root / "kybern.yaml").write_text("kybern: 1\nframeworks: [ISO42001, ISO4201]\n")
    for command in ANSWERS:
        refused(root, command, "kybern.yaml:2:24", "unknown-framework")
    assert "Did you mean ISO42001" in run("assess", "-C", root).err
    said = run("lint", "-C", root)
    assert said.code == 1
    assert "kybern.yaml:2:24: error: The catalog has no framework ISO4201. [unknown-framework]" in said.out


# --- circles ------------------------------------------------------------------------------------------------------------------------


def approvals(number: int) -> str:
    one = (
        "kind: approval\nid: a{0}\ntitle: A\nof: approval:a{1}\ndecision: approved\napprover: person:p\ndecided_at: 2026-01-01T00:00:00Z\n"
    )
    person = "kind: person\nid: p\ntitle: P\n"
    return "---\n".join([person, *(one.format(index, (index + 1) % number) for index in range(number))])


@pytest.mark.parametrize("length", [1, 2, 2000])
def test_a_circle_of_records_is_an_error_of_lint_and_stops_nothing(root: Path, length: int) -> None:
    (root / "records/b.yaml").write_text(approvals(length))
    said = run("lint", "-C", root)
    assert said.code == 1
    assert re.search(
        r"^records/b.yaml:\d+:5: error: Records belong to each other in a circle: .* \[ownership-cycle\]$", said.out, re.MULTILINE
    )
    for command in (("assess",), ("gaps",), ("trace", "approval:a0", "--depth", "8")):
        assert on(root, command).code == 0


def test_a_circle_of_roles_is_an_error_of_lint_and_stops_nothing(root: Path) -> None:
    role = "kind: role\nid: {0}\ntitle: R\nreports_to: role:{1}\nresponsibilities: [a]\n"
    (root / "records/b.yaml").write_text("---\n".join(role.format(a, b) for a, b in ("xy", "yz", "zx")))
    said = run("lint", "-C", root)
    assert said.code == 1
    assert re.search(r"^records/b.yaml:\d+:13: error: Roles report to each other in a circle", said.out, re.MULTILINE)
    for command in (*ANSWERS, ("trace", "role:x", "--depth", "8")):
        assert on(root, command).code == 0


# --- paths that lead outside --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["../../etc/passwd", "/etc/passwd", "docs/../../x", "link/passwd"])
def test_a_document_outside_is_an_error_of_lint_and_is_never_read(root: Path, path: str) -> None:
    (root / "link").symlink_to("/etc")
    (root / "records/b.yaml").write_text(f"{DOCUMENT}path: {path}\n")
    said = run("lint", "-C", root)
    assert said.code == 1
    assert f"records/b.yaml:5:7: error: The path {path} leads outside the workspace. [document-outside]\n" in said.out
    assert "root:x:0" not in on(root, ("trace", "document:a")).out


@pytest.mark.parametrize("command", [LINT, *ANSWERS, *EVIDENCE, ("fmt",), ("key", "list")])
def test_a_folder_that_is_not_there_or_is_none(root: Path, command: tuple[str, ...]) -> None:
    for place in (root / "recrods", root / "kybern.yaml"):
        said = on(place, command)
        assert (said.code, said.out) == (2, "")
        assert said.err.startswith(f"{place}: error: ")
        assert "[no-folder]" in said.err


def test_a_folder_in_no_workspace(tmp_path: Path) -> None:
    for command in (LINT, *ANSWERS, *EVIDENCE):
        refused(tmp_path, command, str(tmp_path), "no-workspace")


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


# --- names, moments, numbers --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "rule", "hint"),
    [
        (("assess", "--framework", "ISO4201"), "unknown-framework", "Did you mean ISO42001?"),
        (("gaps", "--framework", "zzz"), "unknown-framework", "`kybern catalog list` shows what there is."),
        (("assess", "--system", "scorin"), "unknown-system", "Did you mean ai_system:scoring?"),
        (("gaps", "--system", "organization:acme"), "unknown-system", "In scope: ai_system:scoring."),
        (("explain", "ISO42001:A.7.44"), "unknown-name", "Did you mean ISO42001:A.7.4"),
        (("explain", "GOV-1"), "unknown-name", "Did you mean GOV-"),
        (("explain", "ISO42001:A.7.4", "--system", "scorin"), "unknown-system", "Did you mean ai_system:scoring?"),
        (("explain", "ISO42001:A.2.2", "--system", "scoring"), "no-bearing", "Ask without --system"),
        (("trace", "ai_system:scorin"), "unknown-name", "Did you mean ai_system:scoring?"),
        (("trace", "\x1b[2J"), "unknown-name", "Give a record"),
        (("evidence", "show", "zz"), "unknown-evidence", "See kybern evidence list"),
        (("evidence", "verify", "zz"), "unknown-evidence", "See kybern evidence list"),
    ],
)
def test_an_unknown_name(root: Path, command: tuple[str, ...], rule: str, hint: str) -> None:
    (root / "records/b.yaml").write_text(system("scoring"))
    said = on(root, command)
    assert (said.code, said.out) == (2, "")
    assert said.err.count(": error: ") == 1
    assert f"[{rule}]\n" in said.err
    assert f"  hint: {hint}" in said.err
    assert "\x1b" not in said.err


def system(name: str) -> str:
    """Take an AI system of the example, under another name and with nothing it refers to."""
    text = (MERIDIAN / "records/systems.yaml").read_text().split("\n---\n")[0]
    kept = [
        line
        for line in text.splitlines()
        if not re.match(r"(owner|models|datasets|suppliers|documents|risk_owner|gates|  - \{gate)\b", line)
    ]
    return "\n".join(kept).replace("id: credit-scoring", f"id: {name}") + "\n"


def test_an_unknown_record_kind() -> None:
    said = run("schema", "rol")
    assert (said.code, said.out) == (2, "")
    assert "[unknown-kind]\n  hint: Did you mean role?" in said.err


@pytest.mark.parametrize("command", [LINT, *ANSWERS])
@pytest.mark.parametrize(
    "moment",
    [
        "nonsense",
        "",
        "2026-02-30",
        "2026-13-01",
        "2026-11-20T09:30:00",
        "0000-01-01",
        "10000-01-01",
        "-1",
        "1e9",
        "2026-11-20T25:00:00Z",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-12:00",
        "٢٠٢٦-11-20",
        "\x1b[2J",
    ],
)
def test_a_moment_there_is_not(root: Path, command: tuple[str, ...], moment: str) -> None:
    refused(root, command, "kybern", "as-of", "--as-of", moment)
    assert "\x1b" not in on(root, command, "--as-of", moment).err


@pytest.mark.parametrize(
    "moment",
    ["0001-01-01T14:00:00+14:00", "9999-12-31", "9999-12-31T11:59:59-12:00"],
)
def test_the_first_and_the_last_moment(moment: str) -> None:
    for command in (LINT, ("assess",), ("gaps",), ("explain", "ISO42001:A.7.4")):
        assert run(*command, "-C", MERIDIAN, "--as-of", moment).code in ({0, 1} if command == LINT else {0})


@pytest.mark.parametrize("number", ["nan", "-1", "101", "inf", "-inf", "ten", ""])
def test_a_threshold_that_is_no_percentage(root: Path, number: str) -> None:
    said = run("assess", "-C", root, f"--fail-under={number}")
    assert (said.code, said.out) == (2, "")
    assert "--fail-under" in said.err


# --- places that cannot be written --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", [".", "nowhere/out", "/dev/full", "kybern.yaml/out"])
@pytest.mark.parametrize("command", [("report", "--html"), ("lint", "--sarif"), ("schema", "--out")])
def test_a_place_that_cannot_be_written(root: Path, command: tuple[str, ...], target: str) -> None:
    before = state(root)
    said = run(*command, root / target, *(() if command[0] == "schema" else ("-C", root)))
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith(f"kybern: error: {root / target} cannot be written: ")
    assert said.err.count(": error: ") == 1
    assert state(root) == before


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read and write everything")
def test_what_there_is_no_permission_for(root: Path) -> None:  # pragma: no cover - not as root
    (root / "closed").mkdir(mode=0o500)
    assert run("report", "-C", root, "--html", root / "closed/page.html").code == 2
    (root / "evidence").chmod(0)
    assert "evidence: refused: " in run("evidence", "verify", "-C", root).out
    (root / "evidence").chmod(0o700)
    (root / "records/a.yaml").chmod(0)
    refused(root, LINT, "records/a.yaml", "unreadable")


@pytest.mark.parametrize("files", [["."], ["nowhere.yaml"], ["/etc"], ["/dev/null"]])
def test_what_cannot_be_formatted(files: list[str]) -> None:
    said = run("fmt", *files)
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith(f"{files[0]}: error: ")


@pytest.mark.parametrize(
    "fields",
    [
        ("-f", "topic.x=1"),
        ("-f", "collector=7"),
        ("-f", "nothing"),
        ("-f", "title="),
        ("--file", "/dev/null"),
        ("--file", "/nowhere"),
        ("--observed-at", "0001-01-01T00:00:00+14:00"),
        ("--document", "/nowhere"),
        ("--document", "/"),
    ],
)
def test_evidence_that_cannot_be_stated(root: Path, fields: tuple[str, str]) -> None:
    (root / "key.pem").write_bytes(KEY.pem())
    before = state(root)
    given = ("-f", "title=A", "-f", f"sha256={'d' * 64}")
    said = run(
        "evidence",
        "add",
        "document",
        "--about",
        "organization:acme",
        "--topic",
        "ai-policy",
        "--key",
        root / "key.pem",
        *given,
        *fields,
        "-C",
        root,
    )
    assert (said.code, said.out) == (2, ""), said
    assert said.err.count(": error: ") == 1
    assert state(root) == before


# --- the installed program ----------------------------------------------------------------------------------------------------------


def program(*args: object, **environment: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [str(PROGRAM), *map(str, args)],
        capture_output=True,
        check=False,
        encoding="utf-8",
        errors="replace",
        timeout=60,
        env=os.environ | environment,
    )
    assert "Traceback" not in done.stdout + done.stderr
    return done


def test_the_installed_program_refuses_in_the_same_way(root: Path) -> None:
    (root / "records/b.yaml").write_bytes(BOMB)
    done = program("assess", "-C", root)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("records/b.yaml:7:16: error: ")
    huge(root / "records/b.yaml")
    done = program("lint", "-C", root)
    assert done.returncode == 2
    assert done.stderr.startswith("records/b.yaml: error: The file has 104,857,600 bytes")


def test_the_installed_program_refuses_evidence_and_goes_on(root: Path) -> None:
    (root / "evidence/bad.json").write_bytes(b"\xff\0")
    done = program("assess", "-C", root)
    assert (done.returncode, done.stderr) == (0, "")
    assert "refused evidence/bad.json" in done.stdout
    assert program("evidence", "verify", "-C", root).returncode == 1


def test_a_terminal_that_shows_ascii_only(root: Path) -> None:
    (root / "records/a.yaml").write_text(ORGANIZATION.replace("title: Acme", "title: \u00c4cm\u00e9 \U0001f600"))
    done = program("assess", "-C", root, PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("?cm? ?")


def test_a_name_that_is_not_utf8_on_the_command_line(root: Path) -> None:
    done = program("explain", os.fsdecode(b"\xff\xfe"), "-C", root)
    assert done.returncode == 2
    assert "[unknown-name]" in done.stderr
    done = program("lint", "-C", os.fsdecode(b"/nowhere\xff"))
    assert done.returncode == 2
    assert "[no-folder]" in done.stderr


def test_a_reader_that_goes_away(root: Path) -> None:
    with subprocess.Popen(
        [str(PROGRAM), "gaps", "--limit", "0", "-C", str(root)], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""


# --- fuzz ---------------------------------------------------------------------------------------------------------------------------

LONG = os.environ.get("HYPOTHESIS_PROFILE") == "long"


def fuzz(number: int) -> settings:
    return settings(
        max_examples=number * (20 if LONG else 1),
        derandomize=not LONG,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )


SEEDS = {path.name: path.read_text(encoding="utf-8") for path in sorted((MERIDIAN / "records").glob("*.yaml"))}
MARKS = [
    ": ",
    "- ",
    "---\n",
    "...\n",
    "&a ",
    "*a",
    "<<: *a",
    "!!python/none ",
    "[",
    "]",
    "{",
    "}",
    "'",
    '"',
    "|\n",
    ">-\n",
    "#",
    "? ",
    "@",
    "`",
]
ODD = [
    "\t",
    "\0",
    "\x1b[2J",
    "\r",
    "\u2028",
    "\x85",
    "\ufeff",
    "%YAML 1.1\n",
    '"\\ud800"',
    '"\\0"',
    "organization:",
    "../../",
    "kind: role\n",
    "id: a\n",
]
SCALARS = ["~", "null", "true", ".nan", ".inf", "1e999", "0x1F", "9" * 400, "2026-02-30", "0001-01-01", "9999-12-31", "P99999D"]
NOISE = st.one_of(st.text(min_size=1, max_size=12), st.sampled_from([*MARKS, *ODD, *SCALARS]))


@st.composite
def mutated(draw: st.DrawFn, text: str) -> str:  # noqa: C901 - one branch a kind of change
    """Change a text a few times: its lines, their indentation, their values, or anything anywhere."""
    lines = text.splitlines()
    for _ in range(draw(st.integers(1, 5))):
        at, other = draw(st.integers(0, len(lines) - 1)), draw(st.integers(0, len(lines) - 1))
        kind = draw(st.sampled_from(["delete", "double", "swap", "indent", "outdent", "splice", "value", "noise", "cut", "block"]))
        line = lines[at]
        if kind == "delete" and len(lines) > 1:
            del lines[at]
        elif kind == "double":
            lines.insert(other, line)
        elif kind == "swap":
            lines[at], lines[other] = lines[other], line
        elif kind == "indent":
            lines[at] = " " * draw(st.integers(1, 4)) + line
        elif kind == "outdent":
            lines[at] = line.lstrip()
        elif kind == "splice":
            lines[at] = line[: draw(st.integers(0, len(line)))] + lines[other]
        elif kind == "value":
            lines[at] = line.partition(":")[0] + ":" + (lines[other].partition(":")[2] if draw(st.booleans()) else " " + draw(NOISE))
        elif kind == "noise":
            cut = draw(st.integers(0, len(line)))
            lines[at] = line[:cut] + draw(NOISE) + line[cut:]
        elif kind == "cut":
            lines[at] = line[: draw(st.integers(0, len(line)))]
        else:
            lines[at:at] = lines[other : other + draw(st.integers(1, 20))]
    return "\n".join(lines) + "\n"


@st.composite
def records(draw: st.DrawFn) -> tuple[str, str]:
    """Change one file of the example's records: its name and the new text. At most a few records are kept, so that many changes meet."""
    name = draw(st.sampled_from(sorted(SEEDS)))
    documents = SEEDS[name].split("\n---\n")
    start = draw(st.integers(0, len(documents) - 1))
    return name, draw(mutated("\n---\n".join(documents[start : start + draw(st.integers(1, 4))])))


def judge(said: Said, command: tuple[str, ...], files: str = r"(records/[a-z-]+\.yaml|kybern\.yaml)") -> None:
    """Exit 2 comes with a place, and nothing on standard output; nothing printed rules the terminal."""
    if said.code == 2:
        assert re.match(rf"{files}(:\d+:\d+)?: error: ", said.err), (command, said.err)
        assert said.out == ""
    assert "\x1b" not in said.out + said.err
    assert "\0" not in said.out + said.err


def put(path: Path, text: str) -> None:
    path.write_bytes(text.encode("utf-8", "surrogatepass"))


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One workspace for all fuzzing: its files are written anew each time."""
    return workspace(tmp_path_factory.mktemp("fuzz") / "w")


@pytest.fixture(scope="module")
def meridian(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copy the example without most of its evidence, so that an assessment is quick."""
    folder = tmp_path_factory.mktemp("fuzz") / "meridian"
    shutil.copytree(MERIDIAN, folder, ignore=shutil.ignore_patterns("evidence", "pipeline"))
    (folder / "evidence").mkdir()
    for path in sorted(MERIDIAN.rglob("evidence/**/*.dsse.json"))[::10]:
        shutil.copy(path, folder / "evidence")
    return folder


@given(records())
@fuzz(100)
def test_fuzz_lint_of_changed_records(bench: Path, changed: tuple[str, str]) -> None:
    put(bench / "records/a.yaml", changed[1])
    judge(on(bench, LINT), LINT)


@given(records(), st.sampled_from(ANSWERS[:-1]))
@fuzz(30)
def test_fuzz_answers_from_changed_records(meridian: Path, changed: tuple[str, str], command: tuple[str, ...]) -> None:
    name, text = changed
    put(meridian / "records" / name, text)
    try:
        judge(on(meridian, command), command)
    finally:
        (meridian / "records" / name).write_text(SEEDS[name], encoding="utf-8")


@given(st.data())
@fuzz(15)
def test_fuzz_answers_from_records_that_can_still_be_read(meridian: Path, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(SEEDS)))
    documents = SEEDS[name].split("\n---\n")
    kept = data.draw(st.lists(st.sampled_from(documents), unique=True, max_size=len(documents)))
    assume(kept)
    refs = sorted(set(re.findall(r"\b[a-z_]+:[a-z0-9-]+\b", "".join(SEEDS.values()))))
    text = "\n---\n".join(kept)
    for _ in range(
        data.draw(st.integers(0, 6))
    ):  # another thing of the same kind is named, a date is far off: it is stated otherwise and still read
        ref = data.draw(st.sampled_from(sorted(set(re.findall(r"\b[a-z_]+:[a-z0-9-]+\b", text))) or ["none"]))
        same = [other for other in refs if other.partition(":")[0] == ref.partition(":")[0]] or ["none"]
        text = text.replace(ref, data.draw(st.sampled_from([*same, f"{ref.partition(':')[0]}:nobody"])))
        text = re.sub(r"\b2026-\d\d-\d\d\b", data.draw(st.sampled_from(["0001-01-01", "9999-12-31", "2026-06-01"])), text, count=1)
    put(meridian / "records" / name, text)
    command = data.draw(st.sampled_from([LINT, *ANSWERS[:-1]]))
    try:
        judge(on(meridian, command), command)
    finally:
        (meridian / "records" / name).write_text(SEEDS[name], encoding="utf-8")


@given(mutated("kybern: 1\nframeworks:\n  - ISO42001\n  - NIST_AI_RMF\n"), st.sampled_from([LINT, ("documents",)]))
@fuzz(40)
def test_fuzz_changed_settings(bench: Path, text: str, command: tuple[str, ...]) -> None:
    put(bench / "records/a.yaml", ORGANIZATION)
    put(bench / "kybern.yaml", text)
    try:
        judge(on(bench, command), command)
    finally:
        (bench / "kybern.yaml").write_text("kybern: 1\n")


@given(mutated(keys().decode()))
@fuzz(60)
def test_fuzz_a_changed_keyring(bench: Path, text: str) -> None:
    put(bench / "keys.yaml", text)
    try:
        judge(on(bench, EVIDENCE[0]), EVIDENCE[0], r"keys\.yaml")
    finally:
        (bench / "keys.yaml").write_bytes(keys())


@given(st.data())
@fuzz(80)
def test_fuzz_changed_envelopes(bench: Path, data: st.DataObject) -> None:
    text = data.draw(mutated(json.dumps(json.loads(envelope()), indent=1)))
    if data.draw(st.booleans()):  # the statement is changed and signed anew, so it is read past the signature
        payload = json.dumps(json.loads(base64.b64decode(json.loads(envelope())["payload"])), indent=1)
        text = sign(data.draw(mutated(payload)).encode("utf-8", "surrogatepass"), KEY).decode()
    put(bench / "evidence/fuzzed.json", text)
    put(bench / "records/a.yaml", ORGANIZATION)
    said = on(bench, EVIDENCE[1])
    judge(said, EVIDENCE[1])
    assert said.code in {0, 1}
    assert (said.code == 1) == ("evidence/fuzzed.json: refused: " in said.out)
    if data.draw(st.integers(0, 19)) == 0:
        assessed = on(bench, ANSWERS[0])
        judge(assessed, ANSWERS[0])
        assert assessed.code == 0
        assert ("refused evidence/fuzzed.json" in assessed.out) == (
            said.code == 1 and "[expired]" not in said.out and "[not-yet-valid]" not in said.out
        )
