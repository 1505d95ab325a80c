"""Files that cannot be read, or state what cannot be: records, settings, keyring; circles; paths that lead outside."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import pytest
from bad_program import (
    ANSWERS,
    BOMB,
    DOCUMENT,
    EVIDENCE,
    KEY,
    LINT,
    ORGANIZATION,
    READERS,
    ROOT,
    huge,
    keys,
    on,
    refused,
    run,
    state,
)

# --- files that cannot be read, whichever they are ----------------------------------------------------------------------------------

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
