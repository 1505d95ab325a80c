"""The auditor's pack before strangers: the commands of its README, run on an unpacked pack, hold; with one changed byte none does."""

from __future__ import annotations

import base64
import json
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from securesystemslib.dsse import Envelope
from securesystemslib.signer import SSlibKey

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "cli"))
sys.path.insert(0, str(Path(__file__).parents[1] / "report" / "pack"))

import pack_scene as scene
from go_tools import NEEDS_GO, go_program
from local_tsa import OPENSSL, LocalAuthority
from node_tools import run_text
from pack_world import VERIFIER, sealed
from venv_tools import aics_python, foreign_python

from kybern.catalog import load_catalog
from kybern.evidence import Refused
from kybern.evidence.log import Authority, verify_token
from kybern.report.pack import NoPack, check, read_pack, recheck
from kybern.report.pack import verify as verifier

pytestmark = [pytest.mark.real, pytest.mark.skipif(OPENSSL is None, reason="openssl is not installed")]


@pytest.fixture(scope="module")
def tsa(tmp_path_factory: pytest.TempPathFactory) -> LocalAuthority:
    return LocalAuthority.make(tmp_path_factory.mktemp("tsa") / "local")


def stamp(root: Path, tsa: LocalAuthority) -> None:
    """Have the published checkpoint stamped."""
    asked = ("log", "timestamp", "--authority", "local")
    scene.run(root, *asked, "--request-out", root / "q.tsq")
    (root / "r.tsr").write_bytes(tsa.answer((root / "q.tsq").read_bytes()))
    scene.run(root, *asked, "--response", root / "r.tsr")


@pytest.fixture(scope="module")
def packed(tsa: LocalAuthority, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("scene") / "workspace"
    scene.begin(root)
    scene.run(root, "log", "trust-authority", "local", "--certificate", tsa.root)
    stamp(root, tsa)
    scene.state(root, "It was stopped.")
    scene.run(root, "log", "sync")
    stamp(root, tsa)
    scene.end(root)
    scene.run(root, "pack", "--out", root.parent / "audit.zip")
    return root.parent / "audit.zip"


@pytest.fixture(scope="module")
def files(packed: Path) -> Mapping[str, bytes]:
    return read_pack(packed)


@pytest.fixture
def unpacked(files: Mapping[str, bytes], tmp_path: Path) -> Path:
    for name, data in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(data)
    return tmp_path


def flip(path: Path, place: int) -> bytes:
    """Change one byte; give what was there."""
    whole = path.read_bytes()
    path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
    return whole


def inner(data: bytes) -> int:
    """Give a place in the middle; not the last letter of a base64 text, of which some leave bits unread."""
    place = len(data) // 2
    while data[place + 1 : place + 2] in (b"=", b"\n") or data[place : place + 1] in (b"=", b"\n"):
        place -= 1
    return place


# What holds


def test_both_of_us_find_that_it_holds_with_bounds_for_each_entry(files: Mapping[str, bytes]) -> None:
    found = recheck(files, load_catalog(), "0.1.0")
    assert found.holds, found.findings.failed
    held = "\n".join(found.findings.held)
    assert "The time-stamps (2) hold: signature, chain to the pinned certificate, nonce, digest of the checkpoint" in held
    entries = sorted(found.findings.entries, key=lambda one: one["index"])
    assert [bool(one["not_before"]) for one in entries] == [False, False, True]
    assert all(one["not_after"] for one in entries)
    last = entries[-1]
    assert datetime.fromisoformat(last["not_before"]) <= datetime.fromisoformat(last["logged_at"]) + timedelta(seconds=2)
    assert not any("only digest and time were read" in one for one in found.findings.unknown)


def test_the_one_file_runs_with_an_old_cryptography_and_says_what_that_cannot_verify(packed: Path, tmp_path: Path) -> None:
    command = [str(foreign_python("cryptography==42.0.8")), "-I", "-W", "ignore", str(VERIFIER), str(packed)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "The time-stamps (2) hold" in done.stdout
    assert "Whether two cosigned: the cryptography installed here cannot verify ML-DSA-44." in done.stdout


# Strangers


def test_openssl_accepts_each_time_stamp_by_the_commands_of_the_readme_and_refuses_a_changed_byte(unpacked: Path) -> None:
    text = (unpacked / "README.txt").read_text()
    commands = [line.split() for line in text.splitlines() if line.strip().startswith("openssl ts -verify")]
    assert len(commands) == 4
    for command in commands:
        done = subprocess.run(command, cwd=unpacked, capture_output=True, text=True, check=False)
        assert (done.returncode, "Verification: OK" in done.stdout) == (0, True), done.stderr
        for option, place in (("-in", -1), (command[3], 40), ("-in", 100)):
            path = unpacked / command[command.index(option) + 1]
            before = flip(path, place)
            assert subprocess.run(command, cwd=unpacked, capture_output=True, check=False).returncode != 0, (command, option)
            path.write_bytes(before)


@pytest.mark.skipif(any(mark.args[0] for mark in NEEDS_GO), reason="Debian's golang-go or golang-golang-x-mod-dev is not installed")
def test_go_accepts_the_log_and_refuses_one_changed_byte_in_any_of_its_files(
    unpacked: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    program = go_program("pack", tmp_path_factory.mktemp("go"))
    refuses_each_changed_byte([str(program), "proof"], unpacked, "continues 3 earlier checkpoints")


def test_aics_tlog_accepts_the_log_by_the_program_of_the_readme_and_refuses_one_changed_byte(unpacked: Path) -> None:
    text = (unpacked / "README.txt").read_text()
    start = text.index("       import base64, sys\n")
    program = re.sub("(?m)^ {7}", "", text[start : text.index("   The same with Go", start)])
    (unpacked / "check.py").write_text(program)
    proofs = [f"proof/entries/{path.name}" for path in sorted((unpacked / "proof" / "entries").iterdir())]
    refuses_each_changed_byte([str(aics_python()), "check.py", *proofs], unpacked, "holds, cosigned by ['example.org/witness']")


def refuses_each_changed_byte(command: list[str], unpacked: Path, said: str) -> None:
    """Run a stranger on what the log shows: as it is, and with one byte changed in a few files of each kind."""
    done = subprocess.run(command, cwd=unpacked, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert said in done.stdout
    entries = sorted((unpacked / "proof" / "entries").iterdir())
    names = [unpacked / "proof" / name for name in ("checkpoint", "as-of/checkpoint", "as-of/consistency")]
    stamped = sorted((unpacked / "proof" / "timestamp").glob("*/c*"))
    assert len(stamped) == 4
    for path in [*names, *stamped, entries[0], entries[-1]]:
        if path.stat().st_size:
            before = flip(path, inner(path.read_bytes()))
            assert subprocess.run(command, cwd=unpacked, capture_output=True, check=False).returncode != 0, path
            path.write_bytes(before)


def test_securesystemslib_accepts_the_evidence_and_refuses_a_changed_byte(files: Mapping[str, bytes]) -> None:
    keys = {one["keyid"]: one for one in json.loads(files["keys.json"])["keys"]}
    for name in (name for name in files if name.startswith("evidence/")):
        envelope = Envelope.from_dict(json.loads(files[name]))
        keyid = next(iter(envelope.signatures))
        public = SSlibKey.from_crypto(load_pem_public_key(keys[keyid]["public_key"].encode()), keyid)
        assert envelope.verify([public], 1)
        envelope.payload = envelope.payload[:-1] + bytes([envelope.payload[-1] ^ 1])
        with pytest.raises(Exception, match="Accepted signatures"):
            envelope.verify([public], 1)


def test_sigstore_accepts_the_evidence_by_the_program_of_the_readme_and_refuses_a_changed_byte(unpacked: Path) -> None:
    text = (unpacked / "README.txt").read_text()
    program = re.sub("(?m)^ {7}", "", text[text.index("       import { createPublicKey }") : text.index("\nWhat no check of this pack")])
    paths = sorted(path.relative_to(unpacked).as_posix() for path in (unpacked / "evidence").iterdir())
    done = run_text("node", program, *paths, cwd=unpacked)
    assert done.returncode == 0, done.stderr
    assert [line.split(" holds, ")[0] for line in done.stdout.splitlines()] == paths
    for path in paths:
        envelope = json.loads((unpacked / path).read_text())
        raw = bytearray(base64.b64decode(envelope["payload"]))
        raw[len(raw) // 2] ^= 1
        (unpacked / path).write_text(json.dumps(envelope | {"payload": base64.b64encode(raw).decode()}))
        assert run_text("node", program, path, cwd=unpacked).returncode != 0


# Tokens: what the one file verifies is what Kybern's own library does


def test_every_changed_byte_of_a_token_is_refused_by_both_or_changes_nothing(files: Mapping[str, bytes], tsa: LocalAuthority) -> None:
    name = next(one for one in files if one.endswith(".tsr"))
    response, query = files[name], files[f"{name[:-1]}q"]
    note = files[f"{name.rpartition('/')[0]}/checkpoint"]
    authority = Authority(name="local", certificate=tsa.root.read_text())
    pinned = x509.load_pem_x509_certificates(tsa.root.read_bytes())
    at, _ = verify_token(response, query, note, authority)
    first = verifier.read_token(response)
    assert first.at == at
    assert verifier.token_signed(first, pinned)
    passed = []
    for place in range(len(response)):
        changed = response[:place] + bytes([response[place] ^ 1]) + response[place + 1 :]
        try:
            token = verifier.read_token(changed)
            signed = verifier.token_signed(token, pinned)
        except (verifier.Refused, *verifier.NOT_READ):
            continue
        assert not signed or (token.info, token.at) == (first.info, at), place
        passed += [place] if signed else []
    assert len(passed) < 60, passed  # parts that nothing signs: versions, algorithms that are named twice


@pytest.mark.parametrize("kind", ["rsa", "ec", "ed25519"])
def test_tokens_of_other_authorities_are_verified_and_those_of_unknown_ones_refused(
    kind: str, files: Mapping[str, bytes], tmp_path: Path
) -> None:
    other = LocalAuthority.make(tmp_path / "other", "Other")
    if kind != "ec":
        words = (
            "genpkey",
            "-algorithm",
            kind.upper().replace("ED", "ed"),
            *(("-pkeyopt", "rsa_keygen_bits:2048") if kind == "rsa" else ()),
        )
        other.openssl(*words, "-out", "tsa.key")
        other.openssl("req", "-new", "-key", "tsa.key", "-config", "ts.cnf", "-subj", "/CN=Other TSA", "-out", "tsa.csr")
        signed = ("-CA", "root.pem", "-CAkey", "root.key", "-set_serial", "3", "-days", "30", "-extfile", "ts.cnf", "-extensions", "tsa")
        other.openssl("x509", "-req", "-in", "tsa.csr", *signed, "-out", "tsa.pem")
    name = next(one for one in files if one.endswith(".tsr"))
    response = other.answer(files[f"{name[:-1]}q"])
    if len(response) < 200:
        assert kind == "ed25519"  # `openssl ts` has no token for it
        assert "the authority gave no token" in failed({**files, name: response})
        return
    said = "\n".join(check(sealed({**files, name: response})).failed)
    assert "does not lead to the pinned root of this authority" in said
    changed = {name: response, "proof/authorities/local.pem": other.root.read_bytes()}
    assert "The time-stamps" not in "\n".join(check(sealed({**files, name: response})).held)
    only = {one: data for one, data in files.items() if one.rpartition("/")[0] == name.rpartition("/")[0] or "/timestamp/" not in one}
    found = check(sealed({**only, **changed}))
    assert not [one for one in found.failed if ".tsr" in one]
    assert any("The time-stamps (1) hold" in one for one in found.held)


def failed(files: Mapping[str, bytes]) -> str:
    try:
        return "\n".join(check(sealed(files)).failed)
    except NoPack as error:
        return str(error)


def test_a_token_of_an_authority_that_is_not_pinned_or_of_another_checkpoint_is_refused(files: Mapping[str, bytes]) -> None:
    one, two = sorted(name for name in files if name.endswith(".tsr"))
    without = {name: data for name, data in files.items() if not name.endswith(".pem")}
    assert "local is none of the authorities in proof/authorities" in failed(without)
    assert "it is of other bytes than the checkpoint beside it" in failed({**files, one: files[two]})
    assert "it is not the answer to the request beside it" in failed({**files, f"{one[:-1]}q": files[f"{two[:-1]}q"]})
    assert "holds no certificates" in failed({**files, "proof/authorities/local.pem": b"nothing"})
    assert ".tsr: it is not DER" in failed({**files, one: files[one][:-1]})
    assert "more than 65,536 bytes" in failed({**files, one: b"\x30" * (1 << 17)})
    found = recheck(sealed({**files, "authorities.yaml": b"authorities: []\n"}), load_catalog(), "0.1.0")
    assert any("does not hold what authorities.yaml does" in fault for fault in found.findings.failed)


def test_a_signature_of_a_kind_that_is_not_verified_here_is_said_and_counts_for_nothing(
    files: Mapping[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verifier, "SIGNATURES", {})
    found = check(files)
    assert found.failed == []
    told = [one for one in found.unknown if "only digest and time were read" in one]
    assert len(told) == 2
    assert all("openssl ts -verify -in proof/timestamp/" in one for one in told)
    assert all(not one["not_after"] for one in found.entries)


def test_der_that_is_none_is_refused() -> None:
    for data in (b"\x30", b"\x30\x80", b"\x30\x84\x00\x00\x00\x01a", b"\x1f\x01a", b"\x30\x05a", b"\x02\x00" * 1000):
        with pytest.raises(verifier.Refused):
            verifier.der(data)
    assert verifier.der(b"") == []


def test_the_scene_has_what_these_tests_look_at(files: Mapping[str, bytes]) -> None:
    assert sum(name.endswith(".tsr") for name in files) == 2
    token = verifier.read_token(next(data for name, data in files.items() if name.endswith(".tsr")))
    assert abs(token.at - datetime.now(UTC)) < timedelta(hours=1)
    assert replace(token, nonce=b"") != token
    with pytest.raises(Refused):
        verify_token(b"", b"", b"", Authority(name="local", certificate=files["proof/authorities/local.pem"].decode()))
