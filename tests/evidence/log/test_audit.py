"""Attacks on a log, and who notices: rewriting, truncating, forking, backdating, leaving out, damaging."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from log_bench import KEY, SIGNER, START, Bench, digest, entries

from kybern.evidence import Refused
from kybern.evidence.log import CHECKPOINT, Audit, Entry, Journal, Log, Signer, audit, audit_folder, audit_since
from kybern.evidence.log._leaf import moment_text


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    found = Bench.at(tmp_path)
    for count in (10, 290, 60):
        found.fill(count)
    return found


def sql(bench: Bench, statement: str, *values: object) -> None:
    """Write into the journal past the program, as its operator can."""
    connection = bench.log.journal._write
    for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        connection.execute(f"DROP TRIGGER {name}")
    connection.execute(statement, values)


def rules(found: Audit) -> set[str]:
    return {finding.rule for finding in found.findings}


def forged(number: int, at: timedelta = timedelta(0)) -> bytes:
    return Entry(digest("forged"), digest("forged too"), "tool:test").leaf(number + 1, moment_text(START + at))


def test_a_log_that_nobody_touched_holds(bench: Bench) -> None:
    found = audit(bench.reopened())
    assert found.holds
    assert found.entries == 360
    assert any("4 signed checkpoints" in line for line in found.held)
    assert audit_folder(bench.root / "log", SIGNER.verifier).holds


def test_a_rewritten_entry_is_noticed(bench: Bench) -> None:
    sql(bench, "UPDATE entry SET leaf = ? WHERE idx = 7", forged(7, timedelta(seconds=1)))
    assert rules(audit(bench.reopened())) == {"rewritten", "tile-differs"}


def test_a_rewritten_entry_is_noticed_when_tiles_are_made_anew(bench: Bench) -> None:
    sql(bench, "UPDATE entry SET leaf = ? WHERE idx = 7", forged(7, timedelta(seconds=1)))
    for path in sorted((bench.root / "log" / "tile").rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    with pytest.raises(Refused, match="fork"):
        bench.reopened().publish(START)


def resigned(bench: Bench, change: Callable[[list[bytes]], list[bytes]], key: Signer = SIGNER) -> Path:
    """Make another log of the same name, with its key, from changed entries: what an operator can do who has both."""
    leaves = [leaf for _, block in bench.log.journal.blocks(0, bench.log.journal.size) for leaf in block]
    root = bench.root / "forged"
    log = Log.create(root / "log", root / "journal.db", key, START)
    log.journal._write.executemany("INSERT INTO entry VALUES (?, ?)", enumerate(change(leaves)))
    log.publish(START + timedelta(hours=1))
    return root


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        (lambda leaves: [*leaves[:7], forged(7, timedelta(seconds=1)), *leaves[8:]], "fork"),  # rewrite
        (lambda leaves: leaves[:200], "truncated"),
        (lambda leaves: [*leaves[:350], *[forged(number, timedelta(seconds=9)) for number in range(350, 400)]], "fork"),
        (lambda leaves: [*leaves[:5], *leaves[6:], forged(360, timedelta(seconds=9))], "fork"),  # one left out
    ],
)
def test_another_past_signed_with_the_logs_own_key_is_noticed_by_whoever_kept_a_checkpoint(
    bench: Bench, change: Callable[[list[bytes]], list[bytes]], rule: str
) -> None:
    kept = bench.log.head().note
    root = resigned(bench, change)
    log = Log.open(root / "log", root / "journal.db", SIGNER)
    assert audit(log).holds  # in itself it is in order: nothing in the folder can tell
    assert rules(audit_since(log, kept)) == {rule}
    assert not audit_folder(root / "log", SIGNER.verifier, kept).holds
    assert audit_since(bench.log, kept).holds


def test_truncation_is_noticed(bench: Bench) -> None:
    sql(bench, "DELETE FROM entry WHERE idx >= 350")
    found = audit(bench.reopened())
    assert {"truncated", "tile-differs"} <= rules(found)
    with pytest.raises(Refused, match="rollback"):
        bench.reopened().publish(START)
    sql(bench, "DELETE FROM checkpoint WHERE size = 360")
    with pytest.raises(Refused, match="rollback"):
        bench.reopened().publish(START)


def test_a_missing_entry_is_noticed(bench: Bench) -> None:
    sql(bench, "DELETE FROM entry WHERE idx = 100")
    assert "gap" in rules(audit(bench.reopened()))


def test_backdating_is_noticed(bench: Bench) -> None:
    last = bench.moment + timedelta(seconds=1) - START
    sql(bench, "INSERT INTO entry VALUES (360, ?)", forged(360, last))
    sql(bench, "INSERT INTO entry VALUES (361, ?)", forged(361, timedelta(seconds=-60)))
    assert rules(audit(bench.reopened())) == {"backdated"}


def test_an_entry_dated_before_a_checkpoint_it_came_after_is_noticed(bench: Bench) -> None:
    sql(bench, "UPDATE checkpoint SET at = '2026-11-24T00:00:00.000000Z' WHERE size = 360")
    sql(bench, "INSERT INTO entry VALUES (360, ?)", forged(360, timedelta(hours=1)))
    assert rules(audit(bench.reopened())) == {"backdated"}


def test_a_checkpoint_said_to_be_older_than_its_entries_is_noticed(bench: Bench) -> None:
    sql(bench, "UPDATE checkpoint SET at = ? WHERE size = 300", moment_text(START))
    assert rules(audit(bench.reopened())) == {"backdated"}


@pytest.mark.parametrize("at", [0, 40, 5000])
def test_one_changed_byte_in_any_published_file_is_noticed(bench: Bench, at: int) -> None:
    for path in sorted((bench.root / "log").rglob("*")):
        if path.is_file():
            data = path.read_bytes()
            place = at % len(data)
            path.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
            assert not audit(bench.reopened()).holds, path
            path.write_bytes(data)
    assert audit(bench.reopened()).holds


def test_a_changed_byte_is_noticed_without_the_journal_too(bench: Bench) -> None:
    folder = bench.root / "log"
    for name in (CHECKPOINT, "tile/entries/000", "tile/0/000", "tile/1/000.p/1", "tile/0/001.p/104"):
        path = folder / name
        data = path.read_bytes()
        path.write_bytes(data[:-3] + bytes([data[-3] ^ 1]) + data[-2:])
        assert not audit_folder(folder, SIGNER.verifier).holds, name
        path.unlink()
        assert not audit_folder(folder, SIGNER.verifier).holds, name
        path.write_bytes(data)
    assert audit_folder(folder, SIGNER.verifier).holds


def test_missing_and_foreign_files_are_noticed(bench: Bench) -> None:
    folder = bench.root / "log"
    (folder / "tile/0/000").rename(folder / "tile/0/005")
    assert rules(audit(bench.reopened())) == {"tile-missing", "stranger"}
    (folder / "tile/0/005").rename(folder / "tile/0/000")
    (folder / "tile/notes.txt").write_text("x")
    assert rules(audit(bench.reopened())) == {"stranger"}


def test_checkpoints_that_the_journal_keeps_are_held_to_their_signature(bench: Bench) -> None:
    other = Signer("example.org/evidence", KEY).sign("example.org/evidence\n300\nAAAA\n")
    sql(bench, "UPDATE checkpoint SET note = ? WHERE size = 300", other)
    assert rules(audit(bench.reopened())) == {"bad-checkpoint"}


def test_what_came_since_is_audited_alone(bench: Bench) -> None:
    kept = bench.log.head().note
    bench.fill(500)
    found = audit_since(bench.reopened(), kept)
    assert found.holds
    assert found.entries == 500
    assert any("360 entries of the old checkpoint" in line for line in found.held)
    sql(bench, "UPDATE entry SET leaf = ? WHERE idx = 400", forged(400, bench.moment - START))
    assert rules(audit_since(bench.reopened(), kept)) == {"rewritten", "tile-differs"}


def test_an_old_checkpoint_of_another_log_is_refused(bench: Bench) -> None:
    with pytest.raises(Refused, match="not-signed"):
        audit_since(bench.log, Signer("example.org/other", KEY).sign("example.org/other\n0\nAAAA\n"))


def test_without_a_checkpoint_there_is_nothing_to_hold_it_to(bench: Bench) -> None:
    (bench.root / "log" / CHECKPOINT).unlink()
    assert rules(audit(bench.reopened())) == {"no-checkpoint"}
    assert rules(audit_folder(bench.root / "log", SIGNER.verifier)) == {"no-checkpoint", "stranger"}
    assert isinstance(bench.log.journal, Journal)


def test_findings_are_no_more_than_twenty(bench: Bench) -> None:
    for number in range(100, 150):
        (bench.root / f"log/tile/0/{number}").write_bytes(b"")
    assert len(audit(bench.reopened()).findings) == 20


def test_an_entry_that_another_process_appends_meanwhile_changes_nothing(bench: Bench) -> None:
    log = bench.reopened()
    bench.log.append(entries(360, 5), bench.moment)
    found = audit(log)
    assert found.holds
    assert found.entries == 365


def test_backdating_right_after_a_kept_checkpoint_is_noticed(bench: Bench) -> None:
    for count in (152, 3):  # at the edge of a tile, and within
        kept = bench.fill(count)
        leaf = entries(9_000 + count, 1)[0].leaf(90_000 + count, "2026-01-01T00:00:00.000000Z")
        sql(bench, "INSERT INTO entry VALUES (?, ?)", bench.log.journal.size, leaf)
        bench.log.publish(bench.moment)
        assert [finding.rule for finding in audit_since(bench.log, kept).findings] == ["backdated"]
