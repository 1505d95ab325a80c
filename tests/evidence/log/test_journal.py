"""The journal: gap-free, whole batches, sources that count, one commit for many, writers side by side."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from datetime import timedelta
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from log_bench import START, digest, entries

from kybern.evidence import Refused
from kybern.evidence.log import Entry, Journal, Published, read_leaf


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal.create(tmp_path / "journal.db")


def leaves(journal: Journal) -> list[bytes]:
    return [leaf for _, block in journal.blocks(0, journal.size) for leaf in block]


def test_it_is_written_ahead_and_flushed_at_each_commit(journal: Journal) -> None:
    for connection in (journal._read, journal._write):
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert connection.execute("PRAGMA synchronous").fetchone() == (2,)


def test_indices_have_no_gap_and_sources_count(journal: Journal) -> None:
    assert journal.append(entries(0, 3, "tool:a"), START) == [0, 1, 2]
    assert journal.append([*entries(3, 1, "tool:b"), *entries(4, 2, "tool:a")], START) == [3, 4, 5]
    assert [(leaf.source, leaf.seq) for leaf in map(read_leaf, leaves(journal))] == [
        ("tool:a", 1),
        ("tool:a", 2),
        ("tool:a", 3),
        ("tool:b", 1),
        ("tool:a", 4),
        ("tool:a", 5),
    ]
    assert journal.sources() == {"tool:a": 5, "tool:b": 1}
    assert journal.append([], START) == []


def test_a_source_numbers_its_own_and_never_backwards(journal: Journal) -> None:
    journal.append([Entry(digest(1), digest(2), "tool:a", seq=7)], START)
    journal.append([Entry(digest(3), digest(4), "tool:a", seq=9)], START)  # 8 is missing, which is for others to judge
    for seq in (9, 1):
        with pytest.raises(Refused, match="seq-not-after"):
            journal.append([*entries(10, 2, "tool:b"), Entry(digest(5), digest(6), "tool:a", seq=seq)], START)
    assert (journal.size, journal.sources()) == (2, {"tool:a": 9})


def test_the_logs_time_does_not_run_backwards(journal: Journal) -> None:
    journal.append(entries(0, 1), START)
    journal.append(entries(1, 1), START - timedelta(hours=1))
    journal.record(Published(2, b"", "2026-11-23T10:00:00.000000Z", b""))
    journal.append(entries(2, 1), START)
    moments = [read_leaf(leaf).at for leaf in leaves(journal)]
    assert moments == [START, START, START + timedelta(hours=1)]


def test_an_envelope_that_is_there_is_not_logged_again_if_so_asked(journal: Journal) -> None:
    assert journal.append(entries(0, 3, once=True), START) == [0, 1, 2]
    assert journal.append([*entries(2, 2, once=True), *entries(3, 1, once=True)], START) == [2, 3, 3]
    assert journal.append(entries(0, 1), START) == [4]
    assert journal.find(digest(0)) == [0, 4]
    assert journal.find(digest(("envelope", 3))) == [3]
    assert journal.find(digest("nothing")) == []


def test_an_entry_that_is_too_long_leaves_its_batch_out(journal: Journal) -> None:
    class Long:
        source, seq, unless = "tool:x", None, None

        def leaf(self, seq: int, at: str) -> bytes:
            return f"{at}{seq}".encode() + b"x" * 65_536

    with pytest.raises(Refused, match="too-large"):
        journal.append([*entries(0, 1), Long()], START)
    assert journal.size == 0


def test_it_only_grows(journal: Journal) -> None:
    journal.append(entries(0, 3), START)
    journal.record(Published(3, b"r", "t", b"n"))
    for statement in ("DELETE FROM entry", "UPDATE entry SET leaf = x''", "DELETE FROM checkpoint", "UPDATE checkpoint SET root = x''"):
        with pytest.raises(sqlite3.IntegrityError, match="only grows"):
            journal._write.execute(statement)
    journal.record(Published(2, b"older", "t", b"n"))
    journal.record(Published(3, b"other", "t", b"n"))
    assert journal.published() == [Published(3, b"r", "t", b"n")]


def test_threads_share_commits_and_each_gets_its_own(journal: Journal) -> None:
    commits: list[str] = []
    journal._write.set_trace_callback(lambda statement: commits.append(statement) if statement == "COMMIT" else None)
    got: dict[int, list[int]] = {}

    def write(number: int) -> None:
        got[number] = journal.append(entries(number * 10, 10, f"tool:{number}"), START)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(24)]
    with journal._committing:  # all come while another batch is being committed
        for thread in threads:
            thread.start()
        while len(journal._waiting) < len(threads):
            pass
    for thread in threads:
        thread.join()
    assert commits == ["COMMIT"]
    assert sorted(index for indices in got.values() for index in indices) == list(range(240))
    for number, indices in got.items():
        assert [journal.leaf(index) for index in indices] == [leaves(journal)[index] for index in indices]
        assert [read_leaf(leaves(journal)[index]).statement for index in indices] == [digest(number * 10 + one) for one in range(10)]


def test_one_bad_batch_does_not_spoil_those_beside_it(journal: Journal) -> None:
    journal.append([Entry(digest(0), digest(1), "tool:a", seq=5)], START)
    got: list[object] = []

    def write(seq: int) -> None:
        try:
            got.append(journal.append([Entry(digest(seq), digest(seq), f"tool:{'a' if seq < 5 else seq}", seq=seq)], START))
        except Refused as refused:
            got.append(refused.rule)

    threads = [threading.Thread(target=write, args=(seq,)) for seq in (3, 6, 7)]
    with journal._committing:
        for thread in threads:
            thread.start()
        while len(journal._waiting) < len(threads):
            pass
    for thread in threads:
        thread.join()
    assert sorted(map(str, got)) == ["[1]", "[2]", "seq-not-after"]


def test_sixteen_processes_write_without_a_gap_or_a_double() -> None:
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("chaos.py")), "--writers", "16"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "16 writers" in done.stdout


@pytest.mark.parametrize("content", [b"", b"no database", b"SQLite format 3\0" + b"\0" * 84])
def test_what_is_no_journal_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "journal.db"
    with pytest.raises(Refused, match="no-journal"):
        Journal(path)
    path.write_bytes(content)
    with pytest.raises(Refused) as refused:
        Journal(path)
    assert refused.value.rule in {"bad-journal", "journal-unusable"}
    with pytest.raises(Refused, match="journal-exists"):
        Journal.create(path)


def test_a_full_disk_is_told_and_nothing_of_the_batch_is_there(journal: Journal) -> None:
    journal.append(entries(0, 5), START)
    pages = journal._write.execute("PRAGMA page_count").fetchone()[0]
    journal._write.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(Refused, match=r"full \[journal-unusable\]"):
        journal.append(entries(5, 500), START)
    assert journal.size == 5
    journal._write.execute("PRAGMA max_page_count = 100000")
    assert journal.append(entries(5, 500), START) == list(range(5, 505))
