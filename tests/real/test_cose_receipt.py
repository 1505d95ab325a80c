"""Our COSE receipts before a stranger: the library cwt checks the signature, a reading of RFC 9162 of its own the tree."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from kybern.evidence.log import cose_receipt

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "evidence" / "log"))

from log_bench import KEY, SIGNER, Bench
from venv_tools import foreign_python

pytestmark = pytest.mark.real
PROGRAM = Path(__file__).parent / "cose" / "verify.py"


def verdicts(tmp_path: Path, *receipts: bytes) -> list[str]:
    key = tmp_path / "key.pem"
    key.write_text(KEY.public_pem)
    command = [foreign_python("cwt==3.3.0"), "-W", "ignore", str(PROGRAM), str(key)]
    given = "\n".join(receipt.hex() for receipt in receipts)
    done = subprocess.run(command, input=given, capture_output=True, text=True, check=True, timeout=120)
    return done.stdout.splitlines()


@pytest.mark.parametrize("size", [1, 2, 5, 256, 300])
def test_it_accepts_the_receipt_of_every_entry(tmp_path: Path, size: int) -> None:
    bench = Bench.at(tmp_path)
    bench.fill(size)
    receipts = [cose_receipt(bench.log.prove(index), SIGNER.verifier, KEY) for index in range(size)]
    assert verdicts(tmp_path, *receipts) == [f"holds: {index} of {size}" for index in range(size)]


def test_it_refuses_every_changed_byte_of_what_is_signed_or_proven(tmp_path: Path) -> None:
    bench = Bench.at(tmp_path)
    bench.fill(7)
    proof = bench.log.prove(4)
    receipt = cose_receipt(proof, SIGNER.verifier, KEY)
    covered = [*proof.hashes, proof.extra, receipt[-64:], SIGNER.verifier.name.encode()]
    places = [receipt.index(part) + offset for part in covered for offset in range(len(part))]
    changed = [receipt[:place] + bytes([receipt[place] ^ 1]) + receipt[place + 1 :] for place in places]
    found = verdicts(tmp_path, *changed)
    assert len(found) == len(places) > 300
    assert [line for line in found if not line.startswith("does not hold")] == []
