"""What a witness remembers, in a SQLite file: logs and their keys, what was cosigned, what contradicts it.

A turn is one immediate transaction with `synchronous=FULL`: processes and threads wait for each other, and a crash leaves all of it
or none.
"""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from kybern.evidence import Refused
from kybern.evidence.log import Checkpoint, Contradiction, Kind, Seen, Verifier

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_APPLICATION: Final = 1803117175
_WAIT_SECONDS: Final = 30
_MOST_KEPT: Final = 1000
_SCHEMA: Final = """
PRAGMA journal_mode = WAL;
PRAGMA application_id = 1803117175;
BEGIN IMMEDIATE;
CREATE TABLE log (origin TEXT, key TEXT, PRIMARY KEY (origin, key)) STRICT, WITHOUT ROWID;
CREATE TABLE seen (origin TEXT, size INTEGER, root BLOB NOT NULL, at INTEGER NOT NULL, note BLOB NOT NULL,
    PRIMARY KEY (origin, size)) STRICT, WITHOUT ROWID;
CREATE TABLE contradiction (origin TEXT, size INTEGER, root BLOB, kind TEXT, held BLOB NOT NULL, shown BLOB NOT NULL,
    PRIMARY KEY (origin, size, root, kind)) STRICT, WITHOUT ROWID;
CREATE TRIGGER seen_kept BEFORE DELETE ON seen BEGIN SELECT raise(ABORT, 'a witness forgets nothing'); END;
CREATE TRIGGER seen_stands BEFORE UPDATE OF origin, size, root ON seen BEGIN SELECT raise(ABORT, 'a witness forgets nothing'); END;
CREATE TRIGGER seen_grows BEFORE INSERT ON seen
    WHEN NEW.size < (SELECT max(size) FROM seen WHERE origin = NEW.origin)
    OR EXISTS (SELECT 1 FROM seen WHERE origin = NEW.origin AND size = NEW.size AND root <> NEW.root)
    BEGIN SELECT raise(ABORT, 'a witness does not go back'); END;
COMMIT;
"""


class Kept(NamedTuple):
    """A contradiction that was kept, and of which log and size."""

    origin: str
    size: int
    found: Contradiction


class WitnessMemory:
    """The memory in a file. Each use opens it anew, so threads and processes need nothing of each other."""

    def __init__(self, path: Path) -> None:
        """Take the file; `Refused` (`no-witness`, `bad-witness`) if it is not there or is none."""
        if not path.is_file():
            raise Refused(rule="no-witness", message=f"there is no witness at {path.parent}")
        self._path = path
        with self._open() as connection:
            if connection.execute("PRAGMA application_id").fetchone()[0] != _APPLICATION:
                raise Refused(rule="bad-witness", message=f"{path} is not a witness's memory")

    @classmethod
    def create(cls, path: Path) -> WitnessMemory:
        """Make an empty memory; `Refused` (`witness-exists`) if something is there."""
        if path.exists():
            raise Refused(rule="witness-exists", message=f"there is a witness at {path.parent} already")
        fresh = path.with_name(f"{path.name}.new")
        fresh.unlink(missing_ok=True)
        with contextlib.closing(sqlite3.connect(fresh)) as connection:
            connection.executescript(_SCHEMA)
        fresh.replace(path)
        return cls(path)

    @contextlib.contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        try:
            with contextlib.closing(sqlite3.connect(self._path, timeout=_WAIT_SECONDS, isolation_level=None)) as connection:
                connection.execute("PRAGMA synchronous = FULL")
                yield connection
        except sqlite3.Error as error:
            raise Refused(rule="witness-unusable", message=f"the witness's memory cannot be used: {error}") from None

    # The witness's `Memory`

    def keys(self, origin: str) -> Sequence[Verifier]:
        """Give the keys of the log of this name."""
        with self._open() as connection:
            rows = connection.execute("SELECT key FROM log WHERE origin = ? ORDER BY key", (origin,)).fetchall()
        return [Verifier.parse(key) for (key,) in rows]

    @contextlib.contextmanager
    def turn(self, origin: str) -> Iterator[_Turn]:
        """Take a log's turn."""
        with self._open() as connection:
            connection.execute("BEGIN IMMEDIATE")  # closing without a commit takes all of it back
            yield _Turn(connection, origin)
            connection.execute("COMMIT")

    # For who runs it

    def add(self, key: Verifier) -> bool:
        """Know a log's key; tell whether it is new."""
        with self._open() as connection:
            return connection.execute("INSERT OR IGNORE INTO log VALUES (?, ?)", (key.name, str(key))).rowcount == 1

    def logs(self) -> dict[str, list[str]]:
        """Give every known log with its keys."""
        found: dict[str, list[str]] = {}
        with self._open() as connection:
            for origin, key in connection.execute("SELECT origin, key FROM log ORDER BY origin, key"):
                found.setdefault(origin, []).append(key)
        return found

    def latest(self, origin: str) -> Seen | None:
        """Give the last checkpoint that was cosigned."""
        with self._open() as connection:
            return _Turn(connection, origin).latest()

    def contradictions(self) -> list[Kept]:
        """Give what contradicts what was cosigned; what was shown to continue it in the end, and cosigned, does not."""
        query = """SELECT origin, size, kind, held, shown FROM contradiction AS found
            WHERE NOT EXISTS (SELECT 1 FROM seen WHERE (origin, size, root) = (found.origin, found.size, found.root))
            ORDER BY origin, size, root"""
        with self._open() as connection:
            rows = connection.execute(query).fetchall()
        return [Kept(origin, size, Contradiction(Kind(kind), held, shown)) for origin, size, kind, held, shown in rows]


class _Turn:
    """One log's memory within a transaction."""

    def __init__(self, connection: sqlite3.Connection, origin: str) -> None:
        self._connection, self._origin = connection, origin

    def latest(self) -> Seen | None:
        return self._seen("origin = ? ORDER BY size DESC LIMIT 1", self._origin)

    def at(self, size: int) -> Seen | None:
        return self._seen("origin = ? AND size = ?", self._origin, size)

    def _seen(self, where: str, *values: str | int) -> Seen | None:
        row = self._connection.execute(f"SELECT size, root, at, note FROM seen WHERE {where}", values).fetchone()  # noqa: S608 - our own text
        return None if row is None else Seen(*row)

    def advance(self, seen: Seen) -> None:
        self._connection.execute(
            "INSERT INTO seen VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET at = excluded.at, note = excluded.note",
            (self._origin, seen.size, seen.root, seen.at, seen.note),
        )

    def keep(self, found: Contradiction, checkpoint: Checkpoint) -> None:
        query = "SELECT count(*) FROM contradiction WHERE origin = ? AND kind = ?"
        count = self._connection.execute(query, (self._origin, found.kind.value)).fetchone()[0]
        if count < _MOST_KEPT:  # whoever has the log's key could fill the disk; the first ones say enough
            row = (self._origin, checkpoint.size, checkpoint.root, found.kind.value, found.held, found.shown)
            self._connection.execute("INSERT OR IGNORE INTO contradiction VALUES (?, ?, ?, ?, ?, ?)", row)
