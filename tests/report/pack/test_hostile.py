"""Packs made to harm: each is one clear sentence and exit code 2, within bounds of time and memory, never a traceback."""

from __future__ import annotations

import json
import os
import resource
import stat
import struct
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pack_world as world
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kybern.base import canonical_json
from kybern.report.pack import NoPack, check, read_pack, recheck
from kybern.report.pack import verify as verifier


def judged(data: bytes) -> str:
    """Say why an archive is no pack."""
    with pytest.raises(NoPack) as caught:
        check(verifier.unzip(data))
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 400
    return str(caught.value)


def entry(name: str, mode: int = 0o100644) -> zipfile.ZipInfo:
    made = zipfile.ZipInfo(name)
    made.external_attr = mode << 16
    made.create_system = 3
    return made


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("../evil", "leads elsewhere"),
        ("a/../../evil", "leads elsewhere"),
        ("/etc/passwd", "leads elsewhere"),
        ("a//b", "leads elsewhere"),
        ("./a", "leads elsewhere"),
        ("folder/", "leads elsewhere"),
        ("a.", "leads elsewhere"),
        ("C:evil", "which no pack has"),
        ("a\\b", "which no pack has"),
        ("a\nb", "which no pack has"),
        ("\u202egpj.exe", "which no pack has"),
        ("a" * 500, "which no pack has"),
        ("a?b", "which no pack has"),
    ],
)
def test_names_that_lead_elsewhere(name: str, why: str) -> None:
    assert why in judged(world.archive({**world.pack(), name: b"x"}))
    assert why in judged(world.archive(world.sealed({**world.pack(), name: b"x"})))
    listed = json.loads(world.pack()[verifier.MANIFEST])
    listed["files"].append({"path": name, "sha256": "0" * 64, "size": 1})
    with pytest.raises(NoPack, match=why):
        check({**world.pack(), verifier.MANIFEST: canonical_json(listed)})


def doubled() -> bytes:
    with pytest.warns(UserWarning, match="Duplicate"):
        return world.zipped([("MANIFEST.json", b"{}"), ("MANIFEST.json", b"[]")])


def with_hidden_entry() -> bytes:
    """A file that the archive's directory does not list."""
    whole = world.archive(world.pack())
    start = whole.index(b"PK\1\2")
    hidden = world.archive({"zz": b"hidden"})
    return whole[:start] + hidden[: hidden.index(b"PK\1\2")] + whole[start:]


HEAD = struct.Struct("<4sHHHHHIIIHH")

ARCHIVES: dict[str, tuple[Callable[[], bytes], str]] = {
    "empty": (lambda: b"", "neither a ZIP archive"),
    "text": (lambda: b"hello", "neither a ZIP archive"),
    "no files": (lambda: world.archive({}), "neither a ZIP archive"),
    "program before it": (lambda: b"#!/bin/sh\n" + world.archive(world.pack()), "neither a ZIP archive"),
    "something behind it": (lambda: world.archive(world.pack()) + b"x", "behind the archive's end"),
    "cut off": (lambda: world.archive(world.pack())[:-1], "more than its files"),
    "cut within a file": (lambda: world.archive(world.pack())[:5000], "cut off"),
    "cut within a header": (lambda: world.archive(world.pack())[:20], "cut off"),
    "bomb": (lambda: world.zipped([("MANIFEST.json", b"0" * 2**22)], zipfile.ZIP_DEFLATED), "compressed"),
    "twice the name": (doubled, "stands twice"),
    "names alike": (lambda: world.archive({**world.pack(), "readme.TXT": b""}), "some systems hold for one"),
    "link": (lambda: world.zipped([(entry("MANIFEST.json", stat.S_IFLNK | 0o777), b"/etc/passwd")]), "more than its files"),
    "hidden file": (with_hidden_entry, "more than its files"),
    "a size that lies": (lambda: HEAD.pack(b"PK\3\4", 20, 0x800, 0, 0, 0x21, 0, 2**32 - 1, 2**32 - 1, 1, 0) + b"a", "cut off"),
    "encrypted": (lambda: HEAD.pack(b"PK\3\4", 20, 1, 0, 0, 0x21, 0, 1, 1, 1, 0) + b"ab", "encrypted"),
    "name not UTF-8": (lambda: HEAD.pack(b"PK\3\4", 20, 0x800, 0, 0, 0x21, 0, 0, 0, 1, 0) + b"\xff", "not UTF-8"),
    "nothing of a pack": (lambda: world.archive({"a.txt": b"x"}), "no auditor's pack"),
    "too many files": (lambda: world.archive(dict.fromkeys(map(str, range(65_001)), b"")), "more than 65,000 files"),
}


@pytest.mark.parametrize("name", ARCHIVES)
def test_archives_that_are_no_pack(name: str) -> None:
    make, why = ARCHIVES[name]
    assert why in judged(make())


def test_an_archive_beyond_the_bound_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verifier, "MAX_BYTES", 1000)
    assert "MiB" in judged(world.archive(world.pack()))


DEEP = b"[" * 100_000
WRONG: list[tuple[str, bytes, str]] = [
    ("MANIFEST.json", b"", "not JSON"),
    ("MANIFEST.json", DEEP, "not JSON"),
    ("MANIFEST.json", b"[" * 70 + b"]" * 70, "nested deeper"),
    ("MANIFEST.json", b"[]", "not a JSON object"),
    ("MANIFEST.json", b'{"format":"kybern.pack/1"}', "does not have the fields"),
    ("MANIFEST.json", b'{"format":"kybern.pack/3"}', "this verifier reads kybern.pack/1 and kybern.pack/2"),
    ("MANIFEST.json", b'{"format":"\\u001b[31m"}', "this verifier reads"),
    ("MANIFEST.json", b'{"format":1,"format":2}', "stands twice"),
    ("MANIFEST.json", b'{"format":NaN}', "no JSON number"),
    ("MANIFEST.json", b'{"format":' + b"9" * 5000 + b"}", "not JSON"),
    ("MANIFEST.json", b"\xff", "not JSON"),
    ("MANIFEST.json", b"[" + b"0," * 10_000_000 + b"0]", "more than 10,000,000 values"),
    ("keys.json", b"[]", "no list of keys"),
    ("keys.json", b'{"keys":7}', "no list of keys"),
    ("keys.json", b'{"keys":[7]}', "cannot be read"),
    ("keys.json", b'{"keys":[{"keyid":[]}]}', "cannot be read"),
    ("records.json", b"[]", "no object of records"),
    ("records.json", b'{"a":1}', "no object of records"),
    ("records.json", b'{ "a":{}}', "not canonical"),
    ("records.json", b'{"a":{"b":1e999}}', "not canonical"),
    ("records.json", b'{"a":{"b":99999999999999999999}}', "not canonical"),
    ("records.json", b'{"a":{"b":"\\ud800"}}', "not canonical"),
    ("assessment.json", b"7", "not in the format"),
    ("assessment.json", b'{"format":"kybern.assessment/1"}', "does not say what was refused"),
    ("assessment.json", b'{"format":"kybern.assessment/1","refused":[],"digests":[]}', "does not name its inputs"),
    ("refused.json", b"{", "not JSON"),
    ("documents.json", b"{", "not JSON"),
]


@pytest.mark.parametrize(("name", "data", "why"), WRONG, ids=[f"{name}-{why}"[:40] for name, _, why in WRONG])
def test_files_of_the_wrong_form(name: str, data: bytes, why: str) -> None:
    files = {**world.pack(), name: data}
    with pytest.raises(NoPack, match=why) as caught:
        check(files if name == "MANIFEST.json" else world.sealed(files))
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("part", ["requirements", "reasons", "evidence"])
@pytest.mark.parametrize("value", [7, None, [7], "text", {"a": 1}])
def test_assessments_of_the_wrong_form(part: str, value: Any) -> None:
    def change(stated: dict[str, Any]) -> None:
        if part == "requirements":
            stated[part] = value
            return
        row = next(row for row in stated["requirements"] if row["reasons"] and not row["group"])
        (row if part == "reasons" else row["reasons"][0])[part] = value

    with pytest.raises(NoPack, match="is no list of"):
        check(world.with_json(world.pack(), "assessment.json", change))


ENVELOPES: dict[str, Any] = {
    "a number": 7,
    "nothing": {},
    "no signature": {"payloadType": verifier.PAYLOAD_TYPE, "payload": "e30=", "signatures": []},
    "many signatures": {"payloadType": verifier.PAYLOAD_TYPE, "payload": "e30=", "signatures": [{}] * 17},
    "a signature that is a number": {"payloadType": verifier.PAYLOAD_TYPE, "payload": "e30=", "signatures": [7]},
    "not base64": {"payloadType": verifier.PAYLOAD_TYPE, "payload": "e30", "signatures": [{"keyid": "a", "sig": "\u00e4"}]},
    "no statement": {"payloadType": verifier.PAYLOAD_TYPE, "payload": "e30=", "signatures": [{"keyid": "a", "sig": "AA=="}]},
}


@pytest.mark.parametrize("name", ENVELOPES)
def test_an_envelope_of_the_wrong_form_is_refused_by_its_name(name: str) -> None:
    found = check(world.sealed({**world.pack(), "evidence/odd.dsse.json": canonical_json(ENVELOPES[name])}))
    assert any(one.startswith("evidence/odd.dsse.json: ") for one in found.failed)


@given(
    st.sampled_from(["assessment.json", "keys.json", "records.json", "refused.json", "documents.json", "evidence"]),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
        max_leaves=8,
    ),
    st.integers(0, 10**6),
)
def test_any_json_in_any_place_is_judged(name: str, value: Any, at: int) -> None:
    """Put a value somewhere into a JSON file and seal the pack: it holds or it does not; nothing else comes out."""
    path = next(one for one in sorted(world.pack()) if one.startswith(name))
    whole = json.loads(world.pack()[path])
    spots = list(_spots(whole))
    if spots:
        holder, step = spots[at % len(spots)]
        holder[step] = value
    else:
        whole = value
    files = world.sealed({**world.pack(), path: json.dumps(whole).encode()})
    try:
        failed = check(files).failed
    except NoPack:
        return
    assert failed or whole == json.loads(world.pack()[path]) or path in ("assessment.json", "keys.json")


def _spots(value: Any) -> Any:
    if isinstance(value, dict | list):
        for step, inner in list(value.items() if isinstance(value, dict) else enumerate(value)):
            yield value, step
            yield from _spots(inner)


@pytest.mark.parametrize(
    "refused", [[7], [{}], [{"source": 1, "rule": "a", "message": "b"}], [{"source": "\ud800", "rule": "a", "message": "b"}]]
)
def test_kybern_reads_a_list_of_refusals_strictly(refused: Any) -> None:
    text = json.dumps(refused).encode()
    stated = json.dumps(json.loads(world.pack()["assessment.json"]) | {"refused": refused}).encode()
    files = world.sealed({**world.pack(), "refused.json": text, "assessment.json": stated})
    with pytest.raises(NoPack):
        recheck(files, world.catalog(), "0.1.0")


# Folders


def test_folders_with_links_pipes_and_nothing(tmp_path: Path) -> None:
    with pytest.raises(NoPack, match="no auditor's pack"):
        check(read_pack(tmp_path))
    (tmp_path / "MANIFEST.json").symlink_to("/etc/passwd")
    with pytest.raises(NoPack, match="is a link"):
        read_pack(tmp_path)
    (tmp_path / "MANIFEST.json").unlink()
    (tmp_path / "evidence").symlink_to(tmp_path)
    with pytest.raises(NoPack, match="is a link"):
        read_pack(tmp_path)
    (tmp_path / "evidence").unlink()
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(NoPack, match="no ordinary file"):
        read_pack(tmp_path)
    with pytest.raises(NoPack, match="neither a file nor a folder"):
        read_pack(tmp_path / "pipe")
    with pytest.raises(NoPack, match="cannot be read"):
        read_pack(tmp_path / "none.zip")


def test_a_folder_beyond_the_bound_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "MANIFEST.json").write_bytes(b"0" * 2000)
    monkeypatch.setattr(verifier, "MAX_BYTES", 1000)
    with pytest.raises(NoPack, match="the folder has more than"):
        read_pack(tmp_path)


# The program


def tight() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (3 * 2**30, 3 * 2**30))
    resource.setrlimit(resource.RLIMIT_CPU, (20, 20))


@pytest.mark.parametrize("name", ["bomb", "link", "hidden file", "text", "many objects", "deep"])
def test_the_program_says_one_sentence_and_exits_2(name: str, tmp_path: Path) -> None:
    made = {
        "many objects": lambda: world.archive({"MANIFEST.json": b"[" + b"{}," * 6_000_000 + b"{}]"}),
        "deep": lambda: world.archive({"MANIFEST.json": DEEP}),
    }
    path = tmp_path / "a.zip"
    path.write_bytes(made[name]() if name in made else ARCHIVES[name][0]())
    command = [world.PYTHON, "-I", str(world.VERIFIER), str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, preexec_fn=tight)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("This cannot be read as a pack: ")
    assert done.stderr.count("\n") == 1


def test_with_the_option_of_the_readme_nothing_is_imported_from_the_folder(tmp_path: Path) -> None:
    for name, data in world.pack().items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(data)
    (tmp_path / "base64.py").write_text("raise SystemExit('All that was checked holds.')", encoding="utf-8")
    assert b"python3 -P verify.py " in world.pack()["README.txt"]
    command = [world.PYTHON, "-P", str(tmp_path / "verify.py")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 1
    assert "base64.py is here and is not listed" in done.stdout
