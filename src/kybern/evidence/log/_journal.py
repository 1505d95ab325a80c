"""The journal: the durable truth of the log, in SQLite. Entries are appended in batches, many batches to a commit.

This is the one module of the core rooms that knows a database (docs/decisions/0012). What the tree, the tiles and the look-up by
digest are made of is the sequence of leaves here and nothing else.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
import weakref
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from kybern.evidence._refused import Refused
from kybern.evidence.log._leaf import Leaf, moment_of, moment_text, read_leaf
from kybern.evidence.log._note import MAX_NOTE, MAX_SIGNATURES
from kybern.evidence.log._tiles import MAX_ENTRY, WIDTH

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from kybern.evidence.log._cosignature import Cosignature, WitnessKey

_APPLICATION: Final = 1803117164
_WAIT_SECONDS: Final = 60
_KEY_DIGITS: Final = 16
_AT_ONCE: Final = WIDTH * 64
_SCHEMA: Final = """
PRAGMA page_size = 16384;
PRAGMA journal_mode = WAL;
PRAGMA application_id = 1803117164;
BEGIN IMMEDIATE;
CREATE TABLE entry (idx INTEGER PRIMARY KEY, leaf BLOB NOT NULL) STRICT;
CREATE TABLE source (name TEXT PRIMARY KEY, last INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE checkpoint (size INTEGER PRIMARY KEY, root BLOB NOT NULL, at TEXT NOT NULL, note BLOB NOT NULL) STRICT;
CREATE TABLE place (digest INTEGER, idx INTEGER, PRIMARY KEY (digest, idx)) STRICT, WITHOUT ROWID;
CREATE TABLE placed (upto INTEGER NOT NULL) STRICT;
INSERT INTO placed VALUES (0);
CREATE TRIGGER entry_kept BEFORE DELETE ON entry BEGIN SELECT raise(ABORT, 'the log only grows'); END;
CREATE TRIGGER entry_stands BEFORE UPDATE ON entry BEGIN SELECT raise(ABORT, 'the log only grows'); END;
CREATE TRIGGER checkpoint_kept BEFORE DELETE ON checkpoint BEGIN SELECT raise(ABORT, 'the log only grows'); END;
CREATE TRIGGER checkpoint_stands BEFORE UPDATE ON checkpoint BEGIN SELECT raise(ABORT, 'the log only grows'); END;
COMMIT;
"""
# Not part of the schema above: journals made before there were witnesses gain it when they are opened.
_COSIGNATURES: Final = """
CREATE TABLE IF NOT EXISTS cosignature (
    name TEXT, key BLOB, size INTEGER REFERENCES checkpoint, line BLOB NOT NULL, PRIMARY KEY (name, key, size)) STRICT, WITHOUT ROWID
"""


class Draft(Protocol):
    """What becomes an entry: it writes its leaf once its number and moment are known."""

    @property
    def source(self) -> str:
        """Whose entry it is."""

    @property
    def seq(self) -> int | None:
        """The source's own number of it; None lets the journal count."""

    @property
    def unless(self) -> str | None:
        """A digest that must not stand in the log yet, as 64 hexadecimal digits; None appends in any case."""

    @property
    def keys(self) -> tuple[str, ...]:
        """What its leaf will be found by."""

    def leaf(self, seq: int, at: str) -> bytes:
        """Write the leaf."""


class Published(NamedTuple):
    """A checkpoint as the journal keeps it."""

    size: int
    root: bytes
    at: str
    note: bytes


class AnyJournal(Protocol):
    """What the log needs of a journal, wherever its entries lie; `Journal` says what each part does.

    A batch is durable when `append` returns, or with the transaction that the caller holds where the journal shares a database.
    """

    @property
    def size(self) -> int:
        """How many entries there are."""

    def close(self) -> None:
        """Let go of what is open."""

    def append(self, drafts: Sequence[Draft], at: datetime, guard: Guard | None = None) -> list[int]:
        """Append a batch, whole or not at all."""

    def leaf(self, index: int) -> bytes | None:
        """Give a leaf."""

    def blocks(self, start: int, end: int) -> Iterator[tuple[int, list[bytes]]]:
        """Give the leaves between two indices, a tile's worth at a time."""

    def find(self, digest: str) -> list[int]:
        """Find entries by digest."""

    def latest_of(self, digest: str) -> tuple[int, bytes | None]:
        """Find the latest entry of a digest."""

    def found_by(self, term: str) -> list[tuple[int, Leaf]]:
        """Give the entries that a term finds."""

    def sources(self) -> dict[str, int]:
        """Give every source with its last number."""

    def published(self) -> list[Published]:
        """Give every checkpoint that was signed."""

    def published_at(self, size: int) -> Published | None:
        """Give the checkpoint of a size."""

    def last_published(self) -> Published | None:
        """Give the latest checkpoint."""

    def record(self, new: Published) -> None:
        """Keep a checkpoint."""

    def cosign(self, size: int, cosigned: Iterable[Cosignature]) -> None:
        """Keep cosignatures."""

    def cosigned_by(self, key: WitnessKey) -> int:
        """Give the size of the largest checkpoint that a key cosigned."""

    def latest(self) -> contextlib.AbstractContextManager[Published | None]:
        """Give the latest checkpoint with its cosignatures, while no other is recorded."""


class Guard(NamedTuple):
    """What a batch rests on: the last entry found by this term has this index (None: there is none)."""

    term: str
    last: int | None


@dataclass
class _Ticket:
    """A batch that waits to be committed, and what became of it."""

    drafts: Sequence[Draft]
    at: str
    guard: Guard | None = None
    indices: list[int] = field(default_factory=list)
    error: Exception | None = None
    done: bool = False


class Journal:
    """The journal in a file. Threads share an instance; processes open one each."""

    def __init__(self, path: Path) -> None:
        """Open a journal that is there; `Refused` (`no-journal`, `bad-journal`) if it is not or is none."""
        if not path.is_file():
            raise Refused(rule="no-journal", message=f"there is no journal at {path}")
        with _in_words():
            self._read = _connect(path)
            self._close_read = weakref.finalize(self, self._read.close)
            self._write = _connect(path)
            self._close_write = weakref.finalize(self, self._write.close)
            if self._read.execute("PRAGMA application_id").fetchone()[0] != _APPLICATION:
                raise Refused(rule="bad-journal", message=f"{path} is not a journal of the log")
            self._write.execute(_COSIGNATURES)
        self._gate, self._committing = threading.Lock(), threading.Lock()
        self._waiting: list[_Ticket] = []

    @classmethod
    def create(cls, path: Path) -> Journal:
        """Make an empty journal; `Refused` (`journal-exists`) if something is there."""
        if path.exists():
            raise Refused(rule="journal-exists", message=f"there is a journal at {path} already")
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = path.with_name(f"{path.name}.new")
        fresh.unlink(missing_ok=True)
        with _in_words(), contextlib.closing(sqlite3.connect(fresh)) as connection:
            connection.executescript(_SCHEMA)
        fresh.replace(path)  # there is a whole journal or none
        return cls(path)

    def close(self) -> None:
        """Close the file; nobody who forgets to leaves it open."""
        self._close_read()
        self._close_write()

    @property
    def size(self) -> int:
        """How many entries there are."""
        with _in_words():
            return _size(self._read)

    def append(self, drafts: Sequence[Draft], at: datetime, guard: Guard | None = None) -> list[int]:
        """Append a batch, whole or not at all; give the indices, durable when this returns.

        `at` is when it comes in; the log's time does not run backwards, so an earlier moment than the last entry's becomes that.
        Batches that come in while another is being committed share one commit. With a guard, nothing is appended unless it
        holds at that moment. Raises `Refused`: `seq-not-after`, `too-large`, `journal-unusable`, `moved-on`.
        """
        ticket = _Ticket(drafts, moment_text(at), guard)
        with self._gate:
            self._waiting.append(ticket)
        with self._committing:
            if not ticket.done:
                with self._gate:
                    waiting, self._waiting = self._waiting, []
                self._commit(waiting)
        if ticket.error is not None:
            raise ticket.error
        return ticket.indices

    def leaf(self, index: int) -> bytes | None:
        """Give a leaf; None if there is none of this index."""
        with _in_words():
            row = self._read.execute("SELECT leaf FROM entry WHERE idx = ?", (index,)).fetchone()
        return None if row is None else bytes(row[0])

    def blocks(self, start: int, end: int) -> Iterator[tuple[int, list[bytes]]]:
        """Give the leaves from `start` (a multiple of the tiles' width) up to `end`, a tile's worth at a time, with the first's index.

        Raises `Refused` (`gap`) where one is missing.
        """
        with _in_words():
            rows = self._read.execute("SELECT idx, leaf FROM entry WHERE idx >= ? AND idx < ? ORDER BY idx", (start, end))
            for first in range(start, end, WIDTH):
                block = rows.fetchmany(WIDTH)
                wanted = min(WIDTH, end - first)
                if len(block) != wanted or block[0][0] != first or block[-1][0] != first + wanted - 1:
                    raise Refused(rule="gap", message=f"of the entries {first} to {first + wanted - 1} the journal has {len(block)} only")
                yield first, [row[1] for row in block]

    def find(self, digest: str) -> list[int]:
        """Find the entries of a statement or envelope by its SHA-256."""
        return [index for index, _ in self._look_up(digest)]

    def latest_of(self, digest: str) -> tuple[int, bytes | None]:
        """Find the latest entry of a statement or envelope: its index and leaf; -1 and None if there is none."""
        return next(reversed(self._look_up(digest)), (-1, None))

    def _look_up(self, digest: str) -> list[tuple[int, bytes]]:
        with _in_words():
            if self._read.execute("SELECT upto FROM placed").fetchone()[0] == _size(self._read):
                return _find(self._read, digest)
        with self._committing, _in_words(), _transaction(self._write):
            _catch_up(self._write)
            return _find(self._write, digest)

    def found_by(self, term: str) -> list[tuple[int, Leaf]]:
        """Give the entries that a term finds (see `Leaf.terms`), with their indices, in order."""
        with _in_words():
            if self._read.execute("SELECT upto FROM placed").fetchone()[0] != _size(self._read):
                with self._committing, _transaction(self._write):
                    _catch_up(self._write)
            return _found_by(self._read, term)

    def sources(self) -> dict[str, int]:
        """Give every source with its last number."""
        with _in_words():
            return dict(self._read.execute("SELECT name, last FROM source ORDER BY name").fetchall())

    def published(self) -> list[Published]:
        """Give every checkpoint that was signed, the smallest first."""
        with _in_words():
            return [Published(*row) for row in self._read.execute("SELECT size, root, at, note FROM checkpoint ORDER BY size")]

    def published_at(self, size: int) -> Published | None:
        """Give the checkpoint of this size, if one was signed."""
        with _in_words():
            row = self._read.execute("SELECT size, root, at, note FROM checkpoint WHERE size = ?", (size,)).fetchone()
        return None if row is None else Published(*row)

    def last_published(self) -> Published | None:
        """Give the latest checkpoint that was signed."""
        with _in_words():
            return _last(self._read)

    def record(self, new: Published) -> None:
        """Keep a checkpoint, unless one of its size or a greater one has been signed."""
        with self._committing, _in_words(), _transaction(self._write):
            last = _last(self._write)
            if last is None or last.size < new.size:
                self._write.execute("INSERT INTO checkpoint VALUES (?, ?, ?, ?)", new)

    def cosign(self, size: int, cosigned: Iterable[Cosignature]) -> None:
        """Keep cosignatures of the checkpoint of this size; a later one of the same key takes the place of the earlier.

        Raises `Refused` (`too-many`), and keeps none, where the note with all of them would be more than is read.
        """
        rows = [(one.key.name, one.key.id, size, one.line) for one in cosigned]
        with self._committing, _in_words(), _transaction(self._write):
            self._write.executemany("INSERT OR REPLACE INTO cosignature VALUES (?, ?, ?, ?)", rows)
            query = "SELECT count(*), sum(length(line)) FROM cosignature WHERE size = ?"
            count, length = self._write.execute(query, (size,)).fetchone()
            note = self._write.execute("SELECT length(note) FROM checkpoint WHERE size = ?", (size,)).fetchone()
            if note is None or count >= MAX_SIGNATURES or length + note[0] > MAX_NOTE:
                raise Refused(rule="too-many", message=f"a checkpoint has at most {MAX_SIGNATURES} signatures and {MAX_NOTE:,} bytes")

    def cosigned_by(self, key: WitnessKey) -> int:
        """Give the size of the largest checkpoint that a witness's key cosigned; 0 if none."""
        with _in_words():
            query = "SELECT coalesce(max(size), 0) FROM cosignature WHERE name = ? AND key = ?"
            return int(self._read.execute(query, (key.name, key.id)).fetchone()[0])

    @contextlib.contextmanager
    def latest(self) -> Iterator[Published | None]:
        """Give the latest checkpoint, its note with all cosignatures, and keep others from recording one meanwhile."""
        with self._committing, _in_words(), _transaction(self._write):
            last = _last(self._write)
            if last is None:
                yield None
                return
            rows = self._write.execute("SELECT line FROM cosignature WHERE size = ? ORDER BY name, key", (last.size,))
            yield last._replace(note=last.note + b"".join(line for (line,) in rows))

    def _commit(self, tickets: list[_Ticket]) -> None:
        """Commit all batches at once; one that cannot be is left out and told why."""
        try:
            with _in_words(), _transaction(self._write):
                batch = _Batch(self._write)
                for ticket in tickets:
                    batch.take(ticket)
                batch.write()
        except Refused as refused:
            for ticket in tickets:
                ticket.error = ticket.error or refused
        finally:
            for ticket in tickets:
                ticket.done = True


class _Batch:
    """The rows of one commit."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._next = _size(connection)
        self._heads: dict[str, int] = {}
        self._fresh: dict[str, int] = {}
        self._rows: list[tuple[int, bytes]] = []
        last = connection.execute("SELECT leaf FROM entry WHERE idx = ?", (self._next - 1,)).fetchone()
        published = _last(connection)
        self._at = max("" if last is None else moment_of(last[0]), "" if published is None else published.at)

    def take(self, ticket: _Ticket) -> None:
        """Make the rows of a batch, or say why there are none."""
        at, heads = max(self._at, ticket.at), dict(self._heads)
        rows: list[tuple[int, bytes]] = []
        indices: list[int] = []
        fresh: dict[str, int] = {}
        try:
            if ticket.guard is not None:
                self._hold(ticket.guard)
            for draft in ticket.drafts:
                there = self._there(draft, fresh)
                if there is None:
                    there = self._next + len(rows)
                    rows.append((there, _leaf(draft, self._seq(draft, heads), at)))
                    if draft.unless is not None:
                        fresh[draft.unless] = there
                indices.append(there)
        except Refused as refused:
            ticket.error = refused
            return
        self._rows += rows
        self._next += len(rows)
        self._at, self._heads, ticket.indices = at, heads, indices
        self._fresh |= fresh

    def _hold(self, guard: Guard) -> None:
        """Refuse a batch whose guard does not hold, batches of this commit counted."""
        _catch_up(self._connection)
        rows = self._connection.execute("SELECT max(idx) FROM place WHERE digest = ?", (_key(guard.term),)).fetchone()
        waiting = [index for index, leaf in self._rows if guard.term in _digests(leaf)]
        if (waiting[-1] if waiting else rows[0]) != guard.last:
            raise Refused(rule="moved-on", message="the log has moved on since this was planned")

    def _there(self, draft: Draft, fresh: dict[str, int]) -> int | None:
        """Find the entry that makes this one needless."""
        if draft.unless is None:
            return None
        known = fresh.get(draft.unless, self._fresh.get(draft.unless))
        if known is None:
            _catch_up(self._connection)
            known = next((index for index, _ in _find(self._connection, draft.unless)), None)
        return known

    def _seq(self, draft: Draft, heads: dict[str, int]) -> int:
        """Give the entry its number within its source."""
        last = heads.get(draft.source)
        if last is None:
            row = self._connection.execute("SELECT last FROM source WHERE name = ?", (draft.source,)).fetchone()
            last = 0 if row is None else int(row[0])
        seq = last + 1 if draft.seq is None else draft.seq
        if seq <= last:
            raise Refused(rule="seq-not-after", message=f"{draft.source} numbers an entry {seq} after it came to {last}")
        heads[draft.source] = seq
        return seq

    def write(self) -> None:
        """Insert the rows."""
        self._connection.executemany("INSERT INTO entry VALUES (?, ?)", self._rows)
        self._connection.executemany(
            "INSERT INTO source VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET last = excluded.last", self._heads.items()
        )


def _leaf(draft: Draft, seq: int, at: str) -> bytes:
    leaf = draft.leaf(seq, at)
    if len(leaf) > MAX_ENTRY:
        raise Refused(rule="too-large", message=f"an entry has {len(leaf):,} bytes; at most {MAX_ENTRY:,} are logged")
    return leaf


def _connect(path: Path) -> sqlite3.Connection:
    # SQLite is built to be shared by threads; writing is one at a time all the same.
    connection = sqlite3.connect(path, timeout=_WAIT_SECONDS, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("PRAGMA synchronous = FULL")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _size(connection: sqlite3.Connection) -> int:
    return int(connection.execute("SELECT coalesce(max(idx) + 1, 0) FROM entry").fetchone()[0])


def _last(connection: sqlite3.Connection) -> Published | None:
    row = connection.execute("SELECT size, root, at, note FROM checkpoint ORDER BY size DESC LIMIT 1").fetchone()
    return None if row is None else Published(*row)


def _find(connection: sqlite3.Connection, digest: str) -> list[tuple[int, bytes]]:
    """Look a digest up among the entries that the look-up has caught up with."""
    rows = connection.execute(
        "SELECT idx, leaf FROM place JOIN entry USING (idx) WHERE place.digest = ? ORDER BY idx", (_key(digest),)
    ).fetchall()
    return [(index, leaf) for index, leaf in rows if digest in _digests(leaf)]


def _found_by(connection: sqlite3.Connection, term: str) -> list[tuple[int, Leaf]]:
    rows = connection.execute("SELECT idx, leaf FROM place JOIN entry USING (idx) WHERE place.digest = ? ORDER BY idx", (_key(term),))
    read = [(index, read_leaf(leaf)) for index, leaf in rows]
    return [(index, leaf) for index, leaf in read if term in leaf.terms]


def _catch_up(connection: sqlite3.Connection) -> None:
    """Fill the look-up with what came since: when somebody asks, not with each append."""
    upto, size = connection.execute("SELECT upto FROM placed").fetchone()[0], _size(connection)
    for start in range(upto, size, _AT_ONCE):
        rows = connection.execute("SELECT idx, leaf FROM entry WHERE idx >= ? AND idx < ?", (start, start + _AT_ONCE)).fetchall()
        places = sorted((_key(digest), index) for index, leaf in rows for digest in _digests(leaf))
        connection.executemany("INSERT OR IGNORE INTO place VALUES (?, ?)", places)
    if upto < size:
        connection.execute("UPDATE placed SET upto = ?", (size,))


def _key(digest: str) -> int:
    return int.from_bytes(bytes.fromhex(digest[:_KEY_DIGITS]), "big", signed=True)


def _digests(leaf: bytes) -> set[str]:
    try:
        found = read_leaf(leaf)
    except Refused:  # somebody wrote into the journal past this module; the audit will tell
        return set()
    return {*found.digests, *found.terms}


@contextlib.contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


@contextlib.contextmanager
def _in_words() -> Iterator[None]:
    """Say what SQLite complains of as a refusal."""
    try:
        yield
    except sqlite3.Error as error:
        raise Refused(rule="journal-unusable", message=f"the journal cannot be used: {error}") from None
