"""A pack with a log: what it carries, that another machine recomputes it, and that nothing of it can be changed unseen."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "report" / "pack"))

import pack_scene as scene
from pack_world import VERIFIER, archive, sealed
from witness_bench import OTHER, SIGNER, WITNESS

from kybern.catalog import load_catalog
from kybern.report.pack import NoPack, check, read_pack, recheck
from kybern.report.pack import verify as verifier


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("scene") / "workspace"
    scene.begin(made)
    scene.end(made)
    return made


@pytest.fixture(scope="module")
def packed(root: Path) -> Path:
    out = root.parent / "audit.zip"
    scene.run(root, "pack", "--out", out)
    return out


@pytest.fixture(scope="module")
def files(packed: Path) -> Mapping[str, bytes]:
    return read_pack(packed)


def failures(files: Mapping[str, bytes], policy: bytes | None = None) -> str:
    """Seal changed files, as one who knows how would do; give what does not hold."""
    try:
        return "\n".join(check(sealed(files), policy).failed)
    except NoPack as error:
        return str(error)


# What it carries and says


def test_it_says_what_the_log_shows_and_what_it_cannot(files: Mapping[str, bytes]) -> None:
    found = check(files)
    assert found.failed == []
    held, noted, unknown = ("\n".join(lines) for lines in (found.held, found.noted, found.unknown))
    assert "The proofs of 11 entries lead to the checkpoint" in held
    assert "cosigned as proof/policy asks: one at 2026-11-25T09:46:40Z, two at 2026-11-25T09:46:40Z" in held
    assert "Erased: 2 entries, commitment intact, by 1 signed receipt in the log." in held
    assert "The 2 change sets that were applied are signed, follow each other, and are what the log has." in held
    assert "The records here are those that were applied, up to entry 10 of the log." in held
    assert "Of 3 pieces of evidence 2 stand in the log." in held
    assert "Evidence that is NOT in the log: 1" in noted
    assert "Whether personal evidence (1) is what the log committed to" in unknown
    assert "who chose the policy too" in unknown
    assert [one["index"] for one in found.entries] == sorted(one["index"] for one in found.entries)


def test_the_same_log_gives_the_same_bytes(root: Path, packed: Path, tmp_path: Path) -> None:
    as_of = json.loads(read_pack(packed)["MANIFEST.json"])["as_of"]
    for name in ("a.zip", "b.zip"):
        scene.run(root, "pack", "--out", tmp_path / name, "--as-of", as_of)
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()


def test_another_machine_recomputes_it_to_the_byte_without_workspace_home_or_network(packed: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copy(packed, tmp_path / "got.zip"))
    (tmp_path / "home").mkdir()
    (tmp_path / "elsewhere").mkdir()
    program = (
        "import socket, sys\n"
        "def none(*_, **__): raise OSError('there is no network')\n"
        "socket.socket.connect = socket.getaddrinfo = socket.create_connection = none\n"
        f"sys.argv = ['kybern', 'verify', {str(copy)!r}]\n"
        "from kybern.cli import main\n"
        "main()\n"
    )
    env = {"HOME": str(tmp_path / "home"), "PATH": os.defpath, "KYBERN_CACHE": "off"}
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path / "elsewhere", env=env, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Kybern itself finds the same of the log" in done.stdout
    assert "to the byte, what catalog, records and evidence give" in done.stdout
    assert done.stdout.endswith("All that was checked holds.\n")
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_the_one_file_says_the_same_and_all_entries_as_json(packed: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-I", str(VERIFIER), str(packed), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60, cwd=tmp_path)
    said = json.loads(done.stdout)
    assert said["holds"]
    assert {one["evidence"] for one in said["entries"]} < {name[9:73] for name in read_pack(packed) if name.startswith("evidence/")}


def test_an_unpacked_pack_is_a_workspace_as_ever(packed: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(packed) as opened:
        opened.extractall(tmp_path)
    assert "ISO42001:5.2" in scene.run(tmp_path, "explain", "ISO42001:5.2").output


def test_without_records_neither_change_sets_nor_their_entries_are_there(root: Path, tmp_path: Path) -> None:
    scene.run(root, "pack", "--out", tmp_path / "a.zip", "--without-records")
    less = read_pack(tmp_path / "a.zip")
    assert not [name for name in less if name.startswith("proof/changes/")]
    assert b"role:board" not in b"".join(base64.b64decode(data.split(b"\n")[1][6:]) for name, data in less.items() if "entries/" in name)
    assert check(less).failed == []


def test_a_pack_of_an_earlier_moment_shows_the_log_of_then_and_that_it_only_grew(root: Path, tmp_path: Path) -> None:
    first = check(read_pack(root.parent / "audit.zip")).entries[0]["logged_at"]
    scene.run(root, "pack", "--out", tmp_path / "a.zip", "--as-of", first)
    found = check(read_pack(tmp_path / "a.zip"))
    assert found.failed == []
    assert any(one.startswith("At the moment of the assessment the log had published 5 entries; now it has 11") for one in found.noted)
    assert any("up to entry 4 of the log" in one for one in found.held)
    assert recheck(read_pack(tmp_path / "a.zip"), load_catalog(), "0.1.0").holds


def test_numbers_that_a_source_counts_are_held_against_the_log_and_a_gap_is_a_finding(root: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(root, tmp_path / "copy"))
    for number in (1, 2, 5):
        scene.deliver(copy, number)
    scene.run(copy, "log", "sync")
    (copy / "log" / "policy").unlink()
    scene.run(copy, "pack", "--out", tmp_path / "a.zip")
    made = read_pack(tmp_path / "a.zip")
    assert json.loads(made["absence.json"])["numbers"] == {"pipeline:ci": [[1, 2], [5, 5]]}
    found = recheck(made, load_catalog(), "0.1.0")
    assert found.holds, found.findings.failed
    assert "absence.json knows the sources' own numbers that are in the log here (3)." in found.findings.held
    assert any("1 missing" in one for one in found.findings.noted)
    less = made["absence.json"].replace(b"[[1,2],[5,5]]", b"[[1,2]]")
    assert "does not know pipeline:ci#5" in failures({**made, "absence.json": less})
    more = made["absence.json"].replace(b"[[1,2],[5,5]]", b"[[1,9]]")
    assert "absence.json is not what Kybern makes" in "\n".join(
        recheck(sealed({**made, "absence.json": more}), load_catalog(), "0.1.0").findings.failed
    )
    huge = made["absence.json"].replace(b"[[1,2],[5,5]]", b"[[1,9007199254740991]]")
    with pytest.raises(NoPack, match="too many numbers"):
        recheck(sealed({**made, "absence.json": huge}), load_catalog(), "0.1.0")
    scene.run(copy, "pack", "--out", tmp_path / "b.zip", "--as-of", "2026-03-01")  # before anything of it was logged
    assert json.loads(read_pack(tmp_path / "b.zip")["absence.json"])["numbers"] == {}


def test_a_clone_without_the_journal_makes_a_pack_without_the_log_and_says_so(root: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(root, tmp_path / "copy", ignore=shutil.ignore_patterns("journal.db*")))
    assert "The log's journal is not here" in scene.run(copy, "pack", "--out", tmp_path / "a.zip").output
    assert not [name for name in read_pack(tmp_path / "a.zip") if name.startswith("proof/")]


# A policy of the reader's own


def test_the_readers_own_policy_counts_and_not_the_one_in_the_pack(packed: Path, tmp_path: Path) -> None:
    policy = tmp_path / "mine"
    policy.write_text(f"witness a {WITNESS.key}\nquorum a\n")
    assert "cosigned as the policy given asks: a at" in scene.run(packed, "verify", packed, "--policy", policy).output
    policy.write_text(f"witness c {OTHER.key}\nquorum c\n")
    assert "is not cosigned as the policy given asks: nobody" in scene.run(packed, "verify", packed, "--policy", policy, code=1).output
    command = [sys.executable, "-I", str(VERIFIER), str(packed), "--policy", str(policy)]
    assert subprocess.run(command, capture_output=True, check=False, timeout=60).returncode == 1
    policy.write_text("quorum none\n")
    assert "asks for nothing" in scene.run(packed, "verify", packed, "--policy", policy, code=1).output


def test_where_ml_dsa_cannot_be_verified_it_says_so(files: Mapping[str, bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verifier, "MLDSA44PublicKey", None)
    found = check(files)
    assert found.failed == []
    assert any("two cosigned: the cryptography installed here cannot verify ML-DSA-44" in one for one in found.unknown)
    assert any(one.startswith("Whether it is cosigned as proof/policy asks") for one in found.unknown)
    assert not any("cosigned as" in one for one in found.held)
    assert "is not cosigned as the policy given asks: one at" in failures(files, scene.POLICY.encode())  # who asks is not put off


POLICIES: dict[str, tuple[str, str]] = {
    "nobody": ("quorum none\n", "asks for nothing"),
    "no quorum": (f"witness a {WITNESS.key}\n", "it asks nobody"),
    "empty": ("", "no policy"),
    "out of reach": (f"witness a {WITNESS.key}\ngroup g 2 a\nquorum g\n", "1 to 1 of its members"),
    "one who counts twice": (f"witness a {WITNESS.key}\nwitness b {WITNESS.key}\ngroup g 2 a b\nquorum g\n", "count twice"),
    "a member twice": (f"witness a {WITNESS.key}\ngroup g 1 a a\nquorum g\n", "asks for nothing, or is no line"),
    "unknown": ("quorum x\n", "asks for nothing, or is no line"),
    "another log": (f"log {SIGNER.verifier}\nwitness a {WITNESS.key}\nquorum a\n", "does not name the log"),
    "no key": ("witness a b\nquorum a\n", "not base64"),
    "not text": ("\x00\n", "no policy"),
    "long": ("#" + "x" * (1 << 18) + "\n", "no policy"),
}


@pytest.mark.parametrize("name", POLICIES)
def test_a_policy_that_asks_nobody_or_is_none_is_one_finding(files: Mapping[str, bytes], name: str) -> None:
    text, why = POLICIES[name]
    assert why in failures(files, text.encode())
    said = failures({**files, "proof/policy": text.encode()})
    assert why in said
    assert said.startswith("Witnesses (proof/policy)")
    assert "\n" not in said


# What does not hold


def lines_of(data: bytes) -> list[bytes]:
    return data.split(b"\n")


def changed_line(data: bytes, number: int, line: bytes) -> bytes:
    lines = lines_of(data)
    lines[number] = line
    return b"\n".join(lines)


FIRST = "proof/entries/0.tlog-proof"
OTHER_ENTRY = "proof/entries/1.tlog-proof"
WRONG: dict[str, tuple[Callable[[Mapping[str, bytes]], dict[str, bytes]], str]] = {
    "a proof for another leaf": (
        lambda files: {FIRST: changed_line(files[FIRST], 1, lines_of(files[OTHER_ENTRY])[1])},
        "does not lead from its entry",
    ),
    "a proof under another name": (lambda files: {FIRST: files[OTHER_ENTRY]}, "it is the proof of entry 1"),
    "a truncated proof": (lambda files: {FIRST: changed_line(files[FIRST], 3, b"AAAA")}, "not of 32 bytes"),
    "a proof that is cut off": (lambda files: {FIRST: files[FIRST][:60]}, "no proof of the form"),
    "a proof with many hashes": (lambda files: {FIRST: files[FIRST].replace(b"index 0\n", b"index 0\n" + b"A" * 43 + b"=\n" * 1)}, "proof"),
    "a huge index": (lambda files: {FIRST: files[FIRST].replace(b"index 0\n", b"index 9999999999999999999999\n")}, "no proof of the form"),
    "a proof that is no text": (lambda _: {FIRST: b"\xff" * 100}, "not lines of text"),
    "a huge proof": (lambda _: {FIRST: b"a" * (1 << 19)}, "no proof"),
    "no checkpoint": (lambda _: {"proof/checkpoint": b""}, "signed note"),
    "a checkpoint of another key": (
        lambda _: {"proof/checkpoint": SIGNER.sign("example.org/ai\n1\n" + "A" * 43 + "=\n")},
        "did not sign it",
    ),
    "a changed size": (lambda files: {"proof/checkpoint": files["proof/checkpoint"].replace(b"\n11\n", b"\n12\n")}, "did not sign it"),
    "a key of low order": (lambda _: {"proof/key": weak()}, "anybody can sign"),
    "a witness's key for the log's": (lambda _: {"proof/key": str(WITNESS.key).encode() + b"\n"}, "is no such key"),
    "a forged consistency": (lambda _: {"proof/as-of/consistency": b"A" * 43 + b"=\n"}, "does not begin with"),
    "a root the log never had": (lambda _: {"proof/assessed": b"A" * 43 + b"=\n"}, "names a root of the log"),
    "a forged cosignature": (lambda files: {"proof/checkpoint": with_other_time(files["proof/checkpoint"])}, "does not fit"),
    "commitments that are none": (lambda _: {"proof/protected.json": b'{"%s":0}' % (b"a" * 64)}, "commit to nothing"),
    "commitments that are no numbers": (lambda _: {"proof/protected.json": b'{"a":true}'}, "no list of entries"),
    "absences that are none": (lambda _: {"absence.json": b'{"findings":[7],"numbers":{}}'}, "no list of objects"),
    "numbers that are none": (lambda _: {"absence.json": b'{"findings":[],"numbers":{"a":[[2,1]]}}'}, "no runs of numbers"),
    "a file that is none of the log's": (lambda _: {"proof/tile/0/000": b""}, "is no part of a pack"),
    "an entry with leading zeros": (lambda files: {"proof/entries/00.tlog-proof": files[FIRST]}, "is no part of a pack"),
}


def weak() -> bytes:
    raw = b"\x01" + (1).to_bytes(32, "little")
    identity = verifier.NoteKey("x", 1, raw[1:]).id.hex()
    return f"x+{identity}+{base64.b64encode(raw).decode()}\n".encode()


def with_other_time(note: bytes) -> bytes:
    lines = note.decode().split("\n")
    for number, line in enumerate(lines):
        if line.startswith(f"\u2014 {WITNESS.key.name} ") and len(line) < 200:
            raw = bytearray(base64.b64decode(line.split(" ")[2]))
            raw[11] ^= 1
            lines[number] = f"\u2014 {WITNESS.key.name} {base64.b64encode(raw).decode()}"
    return "\n".join(lines).encode()


@pytest.mark.parametrize("name", WRONG)
def test_what_does_not_hold_is_one_clear_finding(files: Mapping[str, bytes], name: str) -> None:
    change, why = WRONG[name]
    said = failures({**files, **change(files)})
    assert why in said
    assert all(line.isprintable() and len(line) < 400 for line in said.split("\n"))


@pytest.mark.parametrize(
    "part", ["proof/key", "proof/checkpoint", "proof/as-of/consistency", FIRST, "absence.json", "erasures/", "proof/changes/"]
)
def test_a_part_that_was_taken_away_is_missed(files: Mapping[str, bytes], part: str) -> None:
    name = next(one for one in sorted(files) if one.startswith(part))
    assert failures({one: data for one, data in files.items() if one != name})


def test_a_change_set_in_the_middle_that_was_taken_away_with_its_entries_is_missed(files: Mapping[str, bytes]) -> None:
    names = [name for name in files if name.startswith("proof/changes/")]
    leaf = {name: json.loads(base64.b64decode(lines_of(data)[1][6:])) for name, data in files.items() if name.startswith("proof/entries/")}
    first = leaf[FIRST]["change"]
    gone = {name for name, said in leaf.items() if said.get("change") == first} | {f"proof/changes/{first}"}
    assert len(names) == 2
    assert "a change set is missing" in failures({name: data for name, data in files.items() if name not in gone})


def test_a_log_left_out_whole_is_told(files: Mapping[str, bytes]) -> None:
    less = {name: data for name, data in files.items() if not name.startswith(("proof/", "erasures/"))}
    found = check(sealed(less))
    assert any("this pack was made without one" in one for one in found.unknown)
    assert "the pack has no log" in failures(less, scene.POLICY.encode())


# Packs of the first format


def test_a_pack_of_the_first_format_still_verifies(files: Mapping[str, bytes]) -> None:
    old = {name: data for name, data in files.items() if not name.startswith("proof/") and name != "absence.json"}
    stated = json.loads(old["assessment.json"])
    del stated["log"]
    old["assessment.json"] = verifier.canonical(stated)
    old["erasures/log-key"] = files["proof/key"]
    made = sealed(old, format="kybern.pack/1")
    assert check(made).failed == []
    found = recheck(made, load_catalog(), "0.1.0")
    assert found.holds, found.findings.failed
    assert "proof/key is no part of a pack in the format kybern.pack/1" in "\n".join(
        check(sealed({**old, "proof/key": files["proof/key"]}, format="kybern.pack/1")).failed
    )


# Fuzzing: any byte, any policy


@given(st.data())
def test_any_change_to_what_the_log_shows_is_found_or_says_nothing_else(data: st.DataObject) -> None:
    files = FUZZED["files"]
    name = data.draw(st.sampled_from(sorted(one for one in files if one.startswith(("proof/", "erasures/")))))
    whole = files[name]
    at, count = data.draw(st.integers(0, len(whole))), data.draw(st.integers(0, 8))
    fresh = whole[:at] + data.draw(st.binary(max_size=8)) + whole[at + count :]
    said = failures({**files, name: fresh})
    # A policy that still asks for enough, and witnesses that nobody asks, may change: they are what somebody chose.
    assert said or fresh == whole or name in ("proof/policy", "proof/witnesses"), name


FUZZED: dict[str, Any] = {}


@pytest.fixture(autouse=True, scope="module")
def _fuzzed(files: Mapping[str, bytes]) -> None:
    FUZZED["files"] = files


def test_the_archive_is_still_the_one_form(packed: Path, files: Mapping[str, bytes]) -> None:
    assert archive(files) == packed.read_bytes()
