"""The log before a stranger: Go's golang.org/x/mod/sumdb reads key, checkpoint, tiles and proofs, and refuses one changed byte."""

from __future__ import annotations

import base64
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "evidence" / "log"))

from go_tools import NEEDS_GO, go_program
from log_bench import SIGNER, Bench, digest
from witness_bench import LATTICE, NOW, WITNESS

from kybern.evidence.log import cosignatures, open_checkpoint

pytestmark = [pytest.mark.real, *NEEDS_GO]

SIZE = 66_000
"""Tiles of three levels, whole and partial."""


@dataclass
class Given:
    """What the stranger is given."""

    program: Path
    root: Path

    def verify(self, key: str = str(SIGNER.verifier)) -> subprocess.CompletedProcess[str]:
        proofs = sorted(self.root.glob("*.tlog-proof"))
        command = [self.program, self.root / "log", key, self.root / "old", self.root / "consistency", *proofs]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


def make(root: Path, old: int, size: int) -> None:
    """Make a log with an old checkpoint, our consistency proof and a few proofs of inclusion."""
    bench = Bench.at(root)
    (root / "old").write_bytes(bench.fill(old))
    bench.fill(size - old)
    (root / "consistency").write_bytes(b"\n".join(map(base64.b64encode, bench.log.consistency(old))))
    for index in (0, old - 1, old, size - 1):
        (root / f"{index}.tlog-proof").write_bytes(bytes(bench.log.prove(digest(index))))
    bench.log.journal.close()


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return go_program("verify", tmp_path_factory.mktemp("go"))


@pytest.fixture
def given(program: Path, tmp_path: Path) -> Given:
    make(tmp_path, 256, 700)
    return Given(program, tmp_path)


@pytest.mark.parametrize(("old", "size"), [(1, 2), (3, 255), (255, 256), (256, 257), (700, 1029)])
def test_it_accepts_what_we_publish(program: Path, tmp_path: Path, old: int, size: int) -> None:
    make(tmp_path, old, size)
    done = Given(program, tmp_path).verify()
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"{size} entries, ")
    assert done.stdout.endswith(f" consistent with {old}\n")


def test_it_accepts_a_log_of_three_levels(program: Path, tmp_path: Path) -> None:
    make(tmp_path, 65_537, SIZE)
    done = Given(program, tmp_path).verify()
    assert (done.returncode, done.stdout) == (0, "66000 entries, 4 proofs, consistent with 65537\n"), done.stderr


def test_it_passes_over_cosignatures_of_both_kinds(given: Given) -> None:
    for path in (given.root / "log" / "checkpoint", given.root / "699.tlog-proof"):
        checkpoint = open_checkpoint((given.root / "log" / "checkpoint").read_bytes(), SIGNER.verifier)
        path.write_bytes(path.read_bytes() + b"".join(one.cosign(checkpoint, NOW) for one in (WITNESS, LATTICE)))
    assert len(cosignatures((given.root / "log" / "checkpoint").read_bytes(), [WITNESS.key, LATTICE.key])) == 2
    done = given.verify()
    assert (done.returncode, done.stderr) == (0, "")


def test_it_refuses_one_changed_byte_in_any_file(given: Given) -> None:
    assert given.verify().returncode == 0
    # Partial tiles of an older checkpoint than the one shown are read by nobody.
    paths = [
        path for path in sorted(given.root.rglob("*")) if path.is_file() and path.name != "1" and not path.name.startswith("journal.db")
    ]
    assert len(paths) > 10
    for path in paths:
        data = path.read_bytes()
        for place in (0, inner(data)):
            path.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
            assert given.verify().returncode != 0, (path, place)
        path.write_bytes(data)
    assert given.verify().returncode == 0


def inner(data: bytes) -> int:
    """Give a place in the middle; not the last letter of a base64 text, of which Go leaves some bits unread (we do not)."""
    place = len(data) // 2
    while data[place + 1 : place + 2] == b"=":
        place -= 1
    return place


def test_it_refuses_another_key(given: Given) -> None:
    other = str(SIGNER.verifier)[:-6] + "AAAAA="
    assert given.verify(other).returncode != 0
