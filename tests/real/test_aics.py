"""The log and its witnesses before strangers of PyPI: `aics-tlog` verifies, `aics-witness` cosigns, and takes what our witness cosigns."""

from __future__ import annotations

import base64
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROGRAM = Path(__file__).with_name("aics_check.py")

pytestmark = pytest.mark.real

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(ROOT / "tests" / "evidence" / "log"))

from log_bench import SIGNER, Bench, digest  # noqa: E402
from venv_tools import aics_python  # noqa: E402
from witness_bench import LATTICE, NOW, OTHER, WITNESS  # noqa: E402

from kybern.cli._log_witness import post_to  # noqa: E402
from kybern.cli._witness_http import Server  # noqa: E402
from kybern.cli._witness_memory import WitnessMemory  # noqa: E402
from kybern.evidence.log import Came, Witness, WitnessKey, ask, cosignatures  # noqa: E402


@pytest.fixture(scope="module")
def stranger() -> Path:
    return aics_python()


@dataclass
class Given:
    """What the stranger is given: a cosigned log, an old checkpoint, proofs."""

    python: Path
    root: Path

    def verify(self, log: str = str(SIGNER.verifier), witness: str = str(WITNESS.key)) -> subprocess.CompletedProcess[str]:
        proofs = sorted(self.root.glob("*.tlog-proof"))
        return run(self.python, "verify", self.root / "log", log, witness, self.root / "old", self.root / "consistency", *proofs)


def run(python: Path, *words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([python, PROGRAM, *map(str, words)], capture_output=True, text=True, check=False, timeout=60)


def cosign(bench: Bench) -> bytes:
    """Cosign the head with both of our keys."""
    checkpoint = bench.log.head().checkpoint
    lines = b"".join(one.cosign(checkpoint, NOW) for one in (LATTICE, WITNESS))
    bench.log.add_cosignatures(checkpoint.size, cosignatures(bench.log.head().note + lines, [LATTICE.key, WITNESS.key]))
    return bench.log.head().note


@pytest.fixture
def given(stranger: Path, tmp_path: Path) -> Given:
    bench = Bench.at(tmp_path)
    bench.fill(256)
    (tmp_path / "old").write_bytes(cosign(bench))
    bench.fill(444)
    cosign(bench)
    (tmp_path / "consistency").write_bytes(b"\n".join(map(base64.b64encode, bench.log.consistency(256))))
    for index in (0, 255, 256, 699):
        (tmp_path / f"{index}.tlog-proof").write_bytes(bytes(bench.log.prove(digest(index))))
    bench.log.journal.close()
    return Given(stranger, tmp_path)


def test_it_accepts_what_we_publish_and_cosign(given: Given) -> None:
    done = given.verify()
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "700 entries, 4 proofs, consistent with 256, cosigned by ['example.org/witness']\n"


def test_it_refuses_one_changed_byte(given: Given) -> None:
    paths = [given.root / "log" / "checkpoint", given.root / "old", given.root / "consistency", given.root / "699.tlog-proof"]
    paths += [path for path in sorted((given.root / "log" / "tile").rglob("*")) if path.is_file() and path.name in {"000", "188"}]
    assert len(paths) >= 7
    for path in paths:
        data = path.read_bytes()
        place = 10 if path.name == "consistency" else min(len(data) // 2, 100)
        path.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
        assert given.verify().returncode != 0, path
        path.write_bytes(data)
    head = given.root / "log" / "checkpoint"
    data, name = head.read_bytes(), f"\u2014 {WITNESS.key.name} ".encode()
    start = data.index(name + base64.b64encode(WITNESS.key.id)[:5]) + len(name)
    for place in (start + 10, start + 40):  # the time and the signature of our cosignature
        head.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
        assert given.verify().returncode != 0
    head.write_bytes(data)
    assert given.verify().returncode == 0


def test_it_refuses_another_witness(given: Given) -> None:
    assert given.verify(witness=str(OTHER.key)).returncode != 0


@pytest.fixture
def theirs(stranger: Path, tmp_path: Path) -> Iterator[tuple[str, WitnessKey]]:
    """Their witness, which knows our log."""
    (tmp_path / "state").mkdir()
    command = [stranger, PROGRAM, "serve", tmp_path / "state", "stranger.example/witness", str(SIGNER.verifier)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        url, key = process.stdout.readline().split()
        yield url, WitnessKey.parse(key)
        process.terminate()


def test_their_witness_cosigns_our_log_and_refuses_another_past(theirs: tuple[str, WitnessKey], tmp_path: Path) -> None:
    url, key = theirs
    bench = Bench.at(tmp_path / "ours")
    for count in (3, 300):
        bench.fill(count)
        outcome = ask(bench.log, bench.log.head(), [key], post_to(url))
        assert outcome.came is Came.COSIGNED, outcome.message
        bench.log.add_cosignatures(bench.log.head().checkpoint.size, outcome.cosigned)
        assert [one.key for one in cosignatures(bench.log.head().note, [key])] == [key]
    shorter, forked = Bench.at(tmp_path / "shorter"), Bench.at(tmp_path / "forked")
    shorter.fill(10)
    forked.moment = forked.moment.replace(hour=12)
    forked.fill(303)
    for other, rule in ((shorter, "rollback"), (forked, "fork")):
        outcome = ask(other.log, other.log.head(), [key], post_to(url), 303)
        assert (outcome.came, outcome.rule) == (Came.REFUSED, rule)
    forked.fill(1)
    assert ask(forked.log, forked.log.head(), [key], post_to(url)).rule == "fork"


def test_our_witness_cosigns_for_their_client(stranger: Path, tmp_path: Path) -> None:
    memory = WitnessMemory.create(tmp_path / "memory.db")
    memory.add(SIGNER.verifier)
    server = Server(("127.0.0.1", 0), Witness([WITNESS, LATTICE], memory), memory, lambda: NOW)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    bench, url = Bench.at(tmp_path / "ours"), f"http://127.0.0.1:{server.server_port}"
    old = 0
    for count in (3, 300):
        (tmp_path / "note").write_bytes(bench.fill(count))
        (tmp_path / "consistency").write_bytes(b"\n".join(map(base64.b64encode, bench.log.consistency(old))))
        done = run(stranger, "submit", url, WITNESS.key, old, tmp_path / "note", tmp_path / "consistency")
        assert done.returncode == 0, done.stderr
        assert cosignatures((tmp_path / "note").read_bytes() + done.stdout.encode(), [WITNESS.key])
        old += count
    forked = Bench.at(tmp_path / "forked")
    forked.moment = forked.moment.replace(hour=12)
    (tmp_path / "note").write_bytes(forked.fill(303))
    done = run(stranger, "submit", url, WITNESS.key, old, tmp_path / "note", tmp_path / "consistency")
    assert "different root hash" in done.stderr
    server.shutdown()
    server.server_close()
    assert len(memory.contradictions()) == 1
