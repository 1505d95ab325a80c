"""The log as a whole: publishing, proving, rebuilding, and the order in which things become durable and visible."""

from __future__ import annotations

import os
import shutil
import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from log_bench import KEY, SIGNER, START, Bench, digest, entries, slow_path, slow_proof, slow_root

from kybern.evidence import PrivateKey, Refused
from kybern.evidence.log import (
    CHECKPOINT,
    EMPTY_ROOT,
    Cosignature,
    Log,
    Signer,
    WitnessSigner,
    audit,
    extends,
    includes,
    leaf_hash,
    verify_proof,
)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench.at(tmp_path)


def leaves(log: Log) -> list[bytes]:
    return [leaf for _, block in log.journal.blocks(0, log.journal.size) for leaf in block]


def test_an_empty_log_has_a_checkpoint_with_the_empty_root(bench: Bench) -> None:
    head = bench.log.head().checkpoint
    assert (head.origin, head.size, head.root) == ("example.org/evidence", 0, EMPTY_ROOT)
    assert list(bench.files()) == [CHECKPOINT]
    with pytest.raises(Refused, match="log-exists"):
        Log.create(bench.root / "log", bench.root / "other.db", SIGNER, START)
    bench.fill(1)
    with pytest.raises(Refused, match="journal-exists"):
        Log.create(bench.root / "log2", bench.root / "journal.db", SIGNER, START)


@pytest.mark.parametrize("steps", [[1], [255, 1], [256, 1], [300, 300], [5, 700, 2]])
def test_the_published_root_and_every_proof_are_the_rfcs(bench: Bench, steps: list[int]) -> None:
    for step in steps:
        bench.fill(step)
    written = leaves(bench.log)
    head = bench.log.head().checkpoint
    assert (head.size, head.root) == (len(written), slow_root(written))
    for index in {0, 1, len(written) // 2, len(written) - 1} & set(range(len(written))):
        proof = bench.log.inclusion(index)
        assert list(proof) == slow_path(index, written)
        assert includes(leaf_hash(written[index]), index, head.size, proof, head.root)
    for old in range(0, head.size + 1, 37):
        proof = bench.log.consistency(old)
        assert list(proof) == (slow_proof(old, written) if old else [])
        assert extends(old, head.size, slow_root(written[:old]), head.root, proof)


def test_what_is_appended_is_proven_only_once_it_is_published(bench: Bench) -> None:
    bench.fill(3)
    bench.log.append(entries(3, 1), START)
    with pytest.raises(Refused, match="not-published"):
        bench.log.prove(digest(3))
    for unknown in (digest("nothing"), 4, -1):
        with pytest.raises(Refused, match="unknown-entry"):
            bench.log.prove(unknown)
    bench.log.publish(START)
    assert verify_proof(bytes(bench.log.prove(3)), SIGNER.verifier) == verify_proof(bytes(bench.log.prove(digest(3))), SIGNER.verifier)


def test_the_latest_entry_of_a_statement_is_proven(bench: Bench) -> None:
    bench.log.append([*entries(0, 2), *entries(0, 1)], START)
    bench.log.publish(START)
    assert bench.log.prove(digest(0)).index == 2


def test_publishing_twice_changes_nothing(bench: Bench) -> None:
    bench.fill(300)
    before = {path: path.stat().st_mtime_ns for path in bench.root.joinpath("log").rglob("*") if path.is_file()}
    assert bench.log.publish(START).size == 300
    assert {path: path.stat().st_mtime_ns for path in bench.root.joinpath("log").rglob("*") if path.is_file()} == before


def test_partial_tiles_of_every_checkpoint_stay_until_the_whole_one_is_there(bench: Bench) -> None:
    bench.fill(100)
    bench.fill(100)
    assert {"tile/0/000.p/100", "tile/0/000.p/200", "tile/entries/000.p/100", "tile/entries/000.p/200"} < set(bench.files())
    bench.fill(56)
    assert set(bench.files()) == {CHECKPOINT, "tile/0/000", "tile/1/000.p/1", "tile/entries/000"}


def test_lost_tiles_are_made_anew_to_the_byte(bench: Bench) -> None:
    bench.fill(700)
    before = bench.files()
    shutil.rmtree(bench.root / "log" / "tile")
    log = bench.reopened()
    with pytest.raises(Refused, match="bad-tile"):
        log.prove(5)
    assert not audit(log).holds
    log.publish(START)
    assert bench.files() == before
    assert audit(bench.reopened()).holds
    shutil.rmtree(bench.root / "log" / "tile")
    bench.fill(10)
    assert audit(bench.reopened()).holds


def test_a_log_grown_in_steps_has_the_files_of_one_grown_at_once(tmp_path: Path) -> None:
    steps, once = Bench.at(tmp_path / "a"), Bench.at(tmp_path / "b")
    for count in (256, 512, 32):
        steps.log.append(entries(steps.log.journal.size, count), START)
        steps.log.publish(START)
    once.log.append(entries(0, 800), START)
    once.log.publish(START)
    assert once.files().items() <= steps.files().items()
    assert steps.files().keys() - once.files().keys() == {"tile/1/000.p/1"}  # of the first checkpoint


def test_a_journal_that_lost_entries_is_not_published(bench: Bench) -> None:
    bench.fill(5)
    older = bench.root / "older.db"
    bench.log.journal._write.execute("VACUUM INTO ?", (str(older),))
    bench.fill(5)
    for path in bench.root.glob("journal.db*"):
        path.unlink()
    older.rename(bench.root / "journal.db")
    log = bench.reopened()
    with pytest.raises(Refused, match="rollback"):
        log.publish(START)
    log.append(entries(100, 20), START)  # it grows past the checkpoint, another way
    with pytest.raises(Refused, match="fork"):
        log.publish(START)
    assert {finding.rule for finding in audit(log).findings} >= {"fork", "tile-differs"}


def test_another_key_or_no_key_does_not_publish(bench: Bench) -> None:
    bench.fill(2)
    bench.log.append(entries(2, 1), START)
    with pytest.raises(Refused, match="not-signed"):
        Log.open(bench.root / "log", bench.root / "journal.db", Signer("example.org/other", KEY)).publish(START)
    with pytest.raises(Refused, match="no-key"):
        Log.open(bench.root / "log", bench.root / "journal.db", SIGNER.verifier).publish(START)
    (bench.root / "log" / CHECKPOINT).write_bytes(b"nothing")
    with pytest.raises(Refused, match="bad-note"):
        bench.log.publish(START)


def test_a_checkpoint_that_was_signed_and_not_shown_is_shown_next(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.fill(2)
    bench.log.append(entries(2, 1), START)
    monkeypatch.setattr(bench.log, "_show_latest", lambda: None)
    bench.log.publish(START)
    assert bench.reopened().head().checkpoint.size == 2
    log = bench.reopened()
    assert log.publish(START).size == 3
    assert log.head().checkpoint.size == 3


def test_every_file_is_flushed_before_it_is_named_and_the_checkpoint_comes_last(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    flushed: set[str] = set()
    fsync, replace = os.fsync, os.replace

    def name_of(handle: int) -> str:
        return str(Path(f"/proc/self/fd/{handle}").readlink())

    def sync(handle: int) -> None:
        fsync(handle)
        flushed.add(name_of(handle))
        done.append(f"flush {'folder' if Path(name_of(handle)).is_dir() else 'file'}")

    def rename(source: Any, target: Any) -> None:
        assert str(source) in flushed
        replace(source, target)
        done.append(f"name {Path(target).name if Path(target).name == CHECKPOINT else 'tile'}")

    bench.log.append(entries(0, 600), START)
    monkeypatch.setattr(os, "fsync", sync)
    monkeypatch.setattr(os, "replace", rename)
    bench.log.journal._write.set_trace_callback(lambda statement: done.append(statement[:22]))
    bench.log.publish(START)
    order = [step for number, step in enumerate(done) if step != done[number - 1]]
    recorded = order.index("INSERT INTO checkpoint")
    assert "name tile" not in order[recorded:]
    assert order[:recorded].index("flush folder") > max(number for number, step in enumerate(order) if step == "name tile")
    shown = order.index("name checkpoint")
    assert order[recorded:shown].count("COMMIT") == 1  # the journal has it durably before anybody sees it
    assert order[shown + 1] == "flush folder"


@pytest.mark.parametrize("name", ["write", "fsync", "replace"])
def test_a_disk_that_fails_leaves_what_was_visible(bench: Bench, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    bench.fill(100)
    before = bench.files()[CHECKPOINT]
    bench.log.append(entries(100, 400), START)
    real = getattr(os, name)
    for step in range(1, 40):
        left = [step]

        def failing(*args: Any, left: list[int] = left) -> Any:
            left[0] -= 1
            if left[0] == 0:
                raise OSError(28, "No space left on device")
            return real(*args)

        monkeypatch.setattr(os, name, failing)
        try:
            bench.log.publish(START)
        except OSError:
            assert bench.files()[CHECKPOINT] == before or audit(bench.reopened()).holds
            assert audit(bench.reopened()).holds
        else:
            break
    else:
        pytest.fail("it never came through")
    assert step > 1
    monkeypatch.setattr(os, name, real)
    assert audit(bench.reopened()).holds
    assert bench.reopened().head().checkpoint.size == 500


# Remembering what was read


def test_proofs_follow_the_checkpoint_whatever_is_remembered(bench: Bench) -> None:
    other = bench.reopened()
    for count in (255, 1, 1, 299, 700):
        bench.fill(count)
        for log in (bench.log, other):
            head = log.head().checkpoint
            assert head.size == bench.log.journal.size
            leaves = [leaf for _, block in log.journal.blocks(0, head.size) for leaf in block]
            for index in {0, 1, 254, 255, head.size // 2, head.size - 1} & set(range(head.size)):
                assert list(log.inclusion(index)) == slow_path(index, leaves)
                assert log.inclusion(index, head.size) == log.inclusion(index)
                assert log.prove(index).hashes == log.prove(digest(index)).hashes == log.inclusion(index)
    for index in (-1, 1256):
        with pytest.raises(ValueError, match="no leaf"):
            bench.log.inclusion(index)


def test_a_checkpoint_that_is_changed_or_gone_is_noticed_though_it_was_read_before(bench: Bench) -> None:
    note = bench.fill(3)
    path = bench.root / "log" / CHECKPOINT
    assert bench.log.head().note == note
    path.write_bytes(note.replace(b"\n3\n", b"\n4\n"))
    with pytest.raises(Refused, match="does not fit"):
        bench.log.head()
    path.unlink()
    with pytest.raises(Refused, match="no checkpoint"):
        bench.log.head()
    (bench.root / "elsewhere").write_bytes(note)
    path.symlink_to(bench.root / "elsewhere")
    with pytest.raises(Refused, match="no checkpoint"):
        bench.log.head()
    path.unlink()
    path.write_bytes(note)
    assert bench.log.head().note == note


def test_a_checkpoint_is_read_once(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.fill(300)
    assert bench.log.head() is bench.log.head()
    bench.log.inclusion(5)
    monkeypatch.setattr(bench.log.folder, "read", lambda _: pytest.fail("it was read again"))
    assert bench.log.inclusion(6)


def test_a_journal_of_before_there_were_witnesses_is_taken_up(bench: Bench) -> None:
    bench.fill(3)
    bench.log.journal.close()
    with closing(sqlite3.connect(bench.root / "journal.db")) as connection:
        connection.execute("DROP TABLE cosignature")
    assert bench.reopened().publish(bench.moment).size == 3


def test_a_checkpoint_with_too_many_cosignatures_is_not_shown(bench: Bench) -> None:
    bench.fill(3)
    head = bench.log.head()
    keys = [PrivateKey.generate() for _ in range(32)]
    signers = [WitnessSigner.from_pem(f"example.org/{number}", key.pem()) for number, key in enumerate(keys)]
    found = [Cosignature(one.key, 1, one.cosign(head.checkpoint, 1)) for one in signers]
    bench.log.add_cosignatures(3, found[:31])
    full = bench.log.head().note
    with pytest.raises(Refused) as refused:
        bench.log.add_cosignatures(3, found[31:])
    assert refused.value.rule == "too-many"
    assert bench.log.head().note == full
    assert bench.reopened().publish(bench.moment).size == 3
