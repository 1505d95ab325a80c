"""What a pack is: the same bytes each time, checked by a file that needs no Kybern, and no changed byte passes."""

from __future__ import annotations

import ast
import hashlib
import json
import re
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pack_world as world
import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from kybern.base import InputError
from kybern.evidence import parse_envelope
from kybern.report.pack import NoPack, build, check, files_of, read_pack, recheck, words
from kybern.report.pack import verify as verifier

NAMES = sorted(world.pack())


def run(verify: Path, *arguments: str | Path, code: int = 0, cwd: Path | None = None) -> str:
    """Run the verifier alone: isolated, so that neither the folder nor the environment lends it anything."""
    command = [world.PYTHON, "-I", str(verify), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, cwd=cwd)
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout + done.stderr


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "pack"
    for name, data in world.pack().items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)
    return root


# What is written


def test_the_same_inputs_give_the_same_bytes() -> None:
    again = world.made()
    assert again is not world.inputs()
    assert build(replace(again, envelopes=dict(reversed(again.envelopes.items())))) == world.archive(world.pack())


def test_the_archive_is_one_that_others_read(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    path.write_bytes(world.archive(world.pack()))
    with zipfile.ZipFile(path) as opened:
        assert opened.testzip() is None
        assert {one.filename: opened.read(one) for one in opened.infolist()} == world.pack()
        infos = opened.infolist()
    assert [one.filename for one in infos] == NAMES
    assert {one.date_time for one in infos} == {(1980, 1, 1, 0, 0, 0)}
    assert {(one.extra, one.comment, one.compress_type, one.external_attr >> 16) for one in infos} == {(b"", b"", 0, 0o100644)}


def test_nothing_of_the_machine_stands_in_it() -> None:
    data = world.archive(world.pack())
    assert str(Path.home()).encode() + b"/" not in data
    assert str(Path(__file__).parent).encode() not in data


def test_sums_are_those_of_the_files() -> None:
    lines = dict(reversed(line.split("  ")) for line in world.pack()[verifier.SUMS].decode().splitlines())
    assert lines == {name: hashlib.sha256(data).hexdigest() for name, data in world.pack().items() if name != verifier.SUMS}


def test_records_have_the_digests_by_which_evidence_names_them() -> None:
    listed = json.loads(world.pack()[verifier.RECORDS])
    digests = {ref: hashlib.sha256(rfc8785.dumps(content)).hexdigest() for ref, content in listed.items()}
    assert digests == {record.ref: record.digest for record in world.records()}


def test_without_records_neither_they_nor_the_report_are_there() -> None:
    files = files_of(replace(world.inputs(), records=None))
    assert set(world.pack()) - set(files) == {"absence.json", "kybern.yaml", "records.json", "report.html", *world.RECORDS}
    assert set(files) < set(world.pack())
    assert b"We use AI with care" not in world.archive(files)
    assert b"were left out" in files["README.txt"]
    found = check(files)
    assert found.failed == []
    assert any("left out of this pack" in one for one in found.unknown)
    rechecked = recheck(files, world.catalog(), "0.1.0")
    assert not rechecked.holds
    assert rechecked.findings.failed == []
    assert any("made without the records" in one for one in rechecked.findings.unknown)


def test_a_pack_that_would_not_hold_is_not_written() -> None:
    made = world.inputs()
    fewer = replace(made, envelopes=dict(list(made.envelopes.items())[1:]), records=None)
    with pytest.raises(InputError, match="pieces were left out or added"):
        build(fewer)
    changed = replace(made, records=world.RECORDS | {"records/acme.yaml": world.RECORDS["records/acme.yaml"].replace(b"Bob", b"Rob")})
    with pytest.raises(InputError, match="record files are not those"):
        build(changed)
    with pytest.raises(InputError, match="which no pack has"):
        build(replace(made, records={"records/a:b.yaml": world.RECORDS["records/acme.yaml"]}))


# The verifier


def test_the_verifier_needs_the_standard_library_and_cryptography_only() -> None:
    tree = ast.parse(world.VERIFIER.read_bytes())
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    assert all(isinstance(node, ast.Import) or node.level == 0 for node in imports)
    named = {one.name for node in imports if isinstance(node, ast.Import) for one in node.names}
    named |= {str(node.module) for node in imports if isinstance(node, ast.ImportFrom)}
    rooms = {name.split(".")[0] for name in named}
    assert rooms - set(sys.stdlib_module_names) == {"cryptography"}
    assert rooms.isdisjoint({"socket", "ssl", "http", "urllib", "subprocess", "pickle", "ctypes", "importlib"})


def test_it_accepts_the_archive_and_the_folder_it_lies_in(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    path.write_bytes(world.archive(world.pack()))
    from_archive, from_folder = run(world.VERIFIER, path), run(folder / "verify.py", cwd=tmp_path)
    assert from_archive == from_folder
    assert from_archive.endswith("All that was checked holds.\n")
    assert hashlib.sha256(world.pack()["MANIFEST.json"]).hexdigest() in from_archive
    assert "does not recompute them" in from_archive
    assert run(world.VERIFIER, folder) == from_folder
    assert not list(folder.rglob("__pycache__"))


def test_it_explains_itself_when_it_is_called_wrongly() -> None:
    assert "python3 -P verify.py audit.zip" in run(world.VERIFIER, "--help", code=2)
    assert "cannot be read" in run(world.VERIFIER, "no-such.zip", code=2)


def test_the_third_way_of_the_readme_works(folder: Path, tmp_path: Path) -> None:
    text = (folder / "README.txt").read_text(encoding="utf-8")
    recipe = tmp_path / "recipe.py"
    start = text.index("       import base64")
    recipe.write_text(re.sub("(?m)^ {7}", "", text[start : text.index("What no check", start)]), encoding="utf-8")
    envelope = next(iter((folder / "evidence").iterdir()))
    command = [world.PYTHON, "-I", "-W", "ignore", str(recipe), str(envelope)]
    done = subprocess.run(command, cwd=folder, capture_output=True, check=True)
    assert parse_envelope(envelope.read_bytes()).payload in done.stdout
    sums = subprocess.run(["sha256sum", "-c", "--quiet", "SHA256SUMS"], cwd=folder, capture_output=True, check=False)  # noqa: S607 - coreutils
    assert (sums.returncode, sums.stdout) == (0, b"")


@pytest.mark.parametrize("name", [name for name in NAMES if not name.startswith("evidence/")] + [NAMES[5]])
def test_one_changed_byte_is_refused_by_the_program(folder: Path, name: str) -> None:
    data = bytearray((folder / name).read_bytes())
    data[data.index(b'"size":') + 7 if name == verifier.MANIFEST else len(data) // 2] ^= 1
    (folder / name).write_bytes(data)
    text = run(world.VERIFIER, folder, code=1)
    assert "What did not hold:" in text
    assert text.endswith("NOT ALL OF IT HOLDS.\n")


@given(st.data())
def test_no_changed_byte_of_any_file_passes(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(NAMES))
    changed = bytearray(world.pack()[name])
    at = data.draw(st.integers(0, len(changed) - 1))
    changed[at] ^= data.draw(st.integers(1, 255))
    assert refused({**world.pack(), name: bytes(changed)})


@given(st.data())
def test_no_changed_byte_of_the_archive_passes(data: st.DataObject) -> None:
    whole = world.archive(world.pack())
    tail = len(whole) - 2500  # the archive's directory, of which no file's digest speaks
    at = data.draw(st.one_of(st.integers(0, len(whole) - 1), st.integers(tail, len(whole) - 1)))
    changed = whole[:at] + bytes([whole[at] ^ data.draw(st.integers(1, 255))]) + whole[at + 1 :]
    try:
        files = verifier.unzip(changed)
    except NoPack:
        return
    assert refused(files)


def refused(files: dict[str, bytes]) -> bool:
    try:
        return bool(check(files).failed)
    except NoPack:
        return True


def without(name: str) -> dict[str, bytes]:
    return {other: data for other, data in world.pack().items() if other != name}


@pytest.mark.parametrize("name", NAMES)
def test_a_removed_file_is_missed(name: str) -> None:
    assert refused(without(name))
    if name not in (verifier.MANIFEST, verifier.SUMS):  # whoever leaves a file out can write these two anew
        files = world.sealed(without(name))
        assert refused(files) or rechecked(files)


@pytest.mark.parametrize("name", ["more.txt", "evidence/x.dsse.json", "evidence/x.txt", "log/checkpoint"])
def test_an_added_file_is_seen(name: str) -> None:
    assert any(name in one for one in check({**world.pack(), name: b"{}"}).failed)
    assert any(name in one for one in check(world.sealed({**world.pack(), name: b"{}"})).failed)


def failed(files: dict[str, bytes]) -> str:
    return "\n".join(check(files).failed)


def test_evidence_left_out_with_the_manifest_written_anew_is_missed() -> None:
    for name in (one for one in NAMES if one.startswith("evidence/")):
        assert "pieces were left out or added" in failed(world.sealed(without(name)))


def test_a_reason_without_its_evidence_is_named() -> None:
    def cite(value: dict[str, Any]) -> None:
        next(one for row in value["requirements"] for one in row["reasons"] if "evidence" in one)["evidence"] = ["e" * 64]

    assert f"gives {'e' * 64} as a reason" in failed(world.with_json(world.pack(), "assessment.json", cite))


def test_a_swapped_key_is_found() -> None:
    def swap(value: dict[str, Any]) -> None:
        value["keys"][0]["public_key"] = world.STRANGER.public_pem

    with pytest.raises(NoPack, match="is not that of its public key"):
        check(world.with_json(world.pack(), "keys.json", swap))

    def replace_whole(value: dict[str, Any]) -> None:
        swap(value)
        value["keys"][0]["keyid"] = world.STRANGER.keyid

    assert "no key of the pack signed it" in failed(world.with_json(world.pack(), "keys.json", replace_whole))


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"valid_until": "2026-02-01T00:00:00Z"}, "anna was expired at 2026-03-01"),
        ({"valid_from": "2026-04-01T00:00:00Z"}, "anna was not valid yet"),
        ({"revoked_on": "2026-03-01T09:30:00Z", "revoked_because": "Lost."}, "anna was revoked"),
        ({"holder": "person:eve"}, "by person:anna, who did not sign"),
    ],
)
def test_a_key_that_did_not_count_carries_nothing(fields: dict[str, str], why: str) -> None:
    assert why in failed(world.with_json(world.pack(), "keys.json", lambda value: value["keys"][0].update(fields)))


def test_a_key_of_another_kind_is_another_input() -> None:
    as_person = world.with_json(world.pack(), "keys.json", lambda value: value["keys"][1].update(kind="person"))
    assert "is not what the assessment was computed from" in failed(as_person)


def test_other_records_and_other_refusals_are_found() -> None:
    changed = world.with_json(world.pack(), "records.json", lambda value: value["person:bob"].update(title="Rob"))
    assert "does not have the digest that the assessment names" in failed(changed)
    assert "do not list the same refused evidence" in failed(world.with_json(world.pack(), "refused.json", list.clear))
    assert "differ in as_of" in failed(world.sealed(world.pack(), as_of="2026-11-21T00:00:00Z"))
    assert "not what the evidence says of documents" in failed(world.with_json(world.pack(), "documents.json", list.clear))


def test_words_say_what_was_found() -> None:
    text = words(check(world.pack()))
    assert re.findall(r"^(\w.*):$", text, re.MULTILINE) == ["What held", "To note", "What this cannot know"]
    assert "4 that are here, 0 earlier or other ones of records that are here, 1 of records that are not here" in text
    assert "Evidence that was refused and is not in the pack: 1." in text
    text = words(check({**world.pack(), "x": b""}))
    assert "What did not hold:\n  - x is here and is not listed" in text
    assert text.endswith("NOT ALL OF IT HOLDS.\n")


# Kybern's own check


def rechecked(files: dict[str, bytes], version: str = "0.1.0") -> str:
    found = recheck(files, world.catalog(), version)
    assert not found.holds
    return "\n".join(found.findings.failed)


def test_kybern_recomputes_everything_to_the_byte() -> None:
    found = recheck(world.pack(), world.catalog(), "0.1.0")
    assert found.holds
    assert any("is, to the byte, what catalog, records and evidence give" in one for one in found.findings.held)


def test_a_typed_status_passes_the_small_verifier_and_not_the_recomputation() -> None:
    def type_it(value: dict[str, Any]) -> None:
        row = next(one for one in value["requirements"] if one["status"] == "unknown")
        row["status"] = "met"

    files = world.with_json(world.pack(), "assessment.json", type_it)
    assert check(files).failed == []
    assert "states status met, recomputed unknown" in rechecked(files)


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("report.html", b"Acme", b"Bank"),
        ("README.txt", b"nobody", b"Somebody"),
        ("verify.py", b"HOLDS, FALLS_SHORT, UNREADABLE = 0, 1, 2", b"HOLDS, FALLS_SHORT, UNREADABLE = 0, 0, 0"),
    ],
)
def test_a_file_for_people_that_was_changed_is_found(name: str, old: bytes, new: bytes) -> None:
    assert old in world.pack()[name]
    files = world.sealed({**world.pack(), name: world.pack()[name].replace(old, new)})
    assert check(files).failed == []
    assert rechecked(files) == f"{name} is not what Kybern makes of what the pack was made of"


def test_records_and_keys_in_yaml_say_what_the_json_says() -> None:
    records = world.RECORDS["records/acme.yaml"].replace(b"title: Bob", b"title: Rob")
    assert "digest of the records is not the one it names" in rechecked(world.sealed({**world.pack(), "records/acme.yaml": records}))
    later = world.sealed({**world.pack(), "keys.yaml": world.pack()["keys.yaml"].replace(b"2026-06-01", b"2026-06-02")})
    assert "keys.json is not what Kybern makes" in rechecked(later)
    assert "[unknown-key]" in rechecked(world.sealed({**world.pack(), "keys.yaml": b"keys: []\n"}))
    assert "keys.yaml:1:7" in rechecked(world.sealed({**world.pack(), "keys.yaml": b"keys: 7\n"}))
    assert "There is no record kind x" in rechecked(world.sealed({**world.pack(), "records/acme.yaml": b"{kind: x, id: y}\n"}))
    twice = world.sealed({**world.pack(), "records/zz.yaml": b"{kind: person, id: bob, title: Bob}\n"})
    assert "stated twice" in rechecked(twice)


def test_another_catalog_or_version_is_told() -> None:
    digests = {**json.loads(world.pack()["MANIFEST.json"])["digests"], "catalog": "c" * 64}
    files = world.with_json(world.sealed(world.pack(), digests=digests), "assessment.json", lambda value: value.update(digests=digests))
    assert check(files).failed == []
    found = recheck(files, world.catalog(), "0.1.0")
    assert not found.holds
    assert any("another version of the catalog" in one for one in found.findings.unknown)
    newer = recheck(world.pack(), world.catalog(), "9.9.9")
    assert newer.holds
    assert any("this is Kybern 9.9.9" in one for one in newer.findings.unknown)


def test_the_folder_and_the_archive_are_read_alike(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    path.write_bytes(world.archive(world.pack()))
    assert read_pack(folder) == read_pack(path) == world.pack()
