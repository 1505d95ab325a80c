"""Run by the Python of a stranger's environment (3.12 or later), where `aics-tlog` and `aics-witness` are; knows nothing of Kybern.

    python aics_check.py verify FOLDER LOG_KEY WITNESS_KEY OLD CONSISTENCY PROOF...
    python aics_check.py serve STATE NAME LOG_KEY
    python aics_check.py submit URL WITNESS_KEY OLD_SIZE CHECKPOINT CONSISTENCY

Nothing here hashes or checks by itself.
"""

from __future__ import annotations

import base64
import sys
from pathlib import Path

from aics_tlog import (
    FileSystemTileReader,
    parse_note,
    parse_vkey,
    verify_checkpoint,
    verify_consistency,
    verify_leaf_inclusion,
)
from aics_tlog.checkpoint import CheckpointVerifyResult
from aics_tlog.verified import audit_tiles
from aics_witness.config import LogConfig
from aics_witness.feeder import WitnessClient
from aics_witness.service import Witness, make_server
from aics_witness.store import WitnessStore, create_key_file


def need(holds: object, what: str) -> None:
    if not holds:
        sys.exit(f"refused: {what}")


def opened(data: bytes, log: str, witness: str) -> CheckpointVerifyResult:
    found = verify_checkpoint(parse_note(data), parse_vkey(log), [parse_vkey(witness)], 1, expected_origin=log.split("+", maxsplit=1)[0])
    need(found.ok, found.error)
    return found


def hashes(path: str) -> list[bytes]:
    return [base64.b64decode(line, validate=True) for line in Path(path).read_text().split()]


def verify(folder: str, log: str, witness: str, old: str, consistency: str, *proofs: str) -> None:
    head = opened((Path(folder) / "checkpoint").read_bytes(), log, witness)
    audit_tiles(FileSystemTileReader(folder), head.size, head.root)
    before = opened(Path(old).read_bytes(), log, witness)
    need(verify_consistency(before.size, head.size, before.root, head.root, hashes(consistency)), "not consistent")
    for path in proofs:
        text, _, checkpoint = Path(path).read_bytes().partition(b"\n\n")
        lines = text.decode("ascii").split("\n")
        need(lines.pop(0) == "c2sp.org/tlog-proof@v1", "no proof")
        leaf = base64.b64decode(lines.pop(0).removeprefix("extra "), validate=True)
        index = int(lines.pop(0).removeprefix("index "))
        under = opened(checkpoint, log, witness)
        path_hashes = [base64.b64decode(line, validate=True) for line in lines]
        need(verify_leaf_inclusion(leaf, index, under.size, path_hashes, under.root), f"{path} does not lead to the root")
    sys.stdout.write(f"{head.size} entries, {len(proofs)} proofs, consistent with {before.size}, cosigned by {head.witnesses}\n")


def serve(state: str, name: str, log: str) -> None:
    key = create_key_file(Path(state) / "key")
    witness = Witness(
        name, key, WitnessStore(Path(state) / "db", create=True), [LogConfig.from_strings(log.split("+", maxsplit=1)[0], [log])]
    )
    server = make_server(witness)
    sys.stdout.write(f"{server.url} {witness.vkey_text}\n")
    sys.stdout.flush()
    server.serve_forever()


def submit(url: str, witness: str, old: str, checkpoint: str, consistency: str) -> None:
    note = Path(checkpoint).read_bytes()
    with WitnessClient(url, witness, max_attempts=1, max_age_seconds=None, max_future_seconds=None) as client:
        lines = client.submit(note, (int(old), hashes(consistency)))
    sys.stdout.write(lines)


if __name__ == "__main__":
    {"verify": verify, "serve": serve, "submit": submit}[sys.argv[1]](*sys.argv[2:])
