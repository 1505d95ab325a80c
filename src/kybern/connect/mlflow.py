"""MLflow runs, read without MLflow: a SQLite store, or the folder of a file store, of an experiment or of one run.

Only runs that finished and were not deleted count. MLflow keeps no unit and no sample size: `example_count`, which `mlflow.evaluate`
logs beside its figures, is taken for the sample size; everything else the caller says.
"""

from __future__ import annotations

import math
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from kybern.base.yaml import read_yaml
from kybern.catalog import PredicateType
from kybern.connect._connector import Connector
from kybern.connect._observation import NOT_STATED, Observation, Reading, Source

MAX_METRICS: Final = 10_000
MAX_RUNS: Final = 1_000
_MAGIC: Final = b"SQLite format 3\0"
_WAL: Final = 2
_STEPS: Final = 10_000_000
"""How much work SQLite may do, so that a view made to run for ever does not."""
_TABLES: Final = frozenset(("runs", "latest_metrics"))
_SIZE: Final = "example_count"
_TOOL: Final = "mlflow"
_FINISHED: Final = 3
"""A finished run, in the file store's numbers."""
_MAX_LINE: Final = 200
_MAX_TEXT: Final = 200


@dataclass(frozen=True)
class _Run:
    id: str
    name: str
    ended: datetime
    metrics: Mapping[str, float]


def read(source: Source) -> Reading:
    """Read the latest figure of every metric of every finished run."""
    runs = list(_from_sqlite(source) if source.files is None else _from_files(source))
    if not runs:
        raise source.fault("no-report", "It holds no run that finished.", "Did the run end? Was it deleted?")
    twice = Counter(run.name for run in runs)
    found = [one for run in runs for one in _observed(run, run.name if twice[run.name] == 1 else f"{run.name}@{run.id[:8]}")]
    if len(found) > MAX_METRICS:
        raise source.fault("too-many", f"It has more than {MAX_METRICS:,} figures.", "Name the folder of one run.")
    return Reading(tuple(found))


def _observed(run: _Run, group: str) -> Iterator[Observation]:
    size = run.metrics.get(_SIZE)
    for name, value in sorted(run.metrics.items()):
        if name != _SIZE and math.isfinite(value):
            fields: dict[str, Any] = {"metric": name[:_MAX_TEXT] or "unnamed", "value": value}
            if size is not None and size.is_integer() and size >= 0:
                fields["sample_size"] = int(size)
            said = f"As run {run.id[:32]} logged it last; MLflow keeps no definition"
            yield Observation(name, PredicateType.MEASUREMENT, fields, _TOOL, NOT_STATED, said, run.ended, group)


def _moment(milliseconds: object) -> datetime | None:
    if isinstance(milliseconds, bool) or not isinstance(milliseconds, int):
        return None
    try:
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds)
    except OverflowError:
        return None


# --- The SQLite store ----------------------------------------------------------------------------------------------------------


def _from_sqlite(source: Source) -> Iterator[_Run]:
    if not source.data.startswith(_MAGIC):
        raise source.fault("no-store", "This is neither a SQLite store of MLflow nor a folder of runs.")
    if source.data[18:19] == bytes([_WAL]):
        hint = "Run `PRAGMA wal_checkpoint(TRUNCATE); PRAGMA journal_mode=DELETE;` on a copy."
        raise source.fault("write-ahead-log", "The database keeps a write-ahead log beside it, which is not read.", hint)
    connection = sqlite3.connect(":memory:")
    try:
        yield from _rows(connection, source)
    except (sqlite3.Error, OverflowError, UnicodeDecodeError) as error:
        raise source.fault("no-store", f"The database cannot be read as a store of MLflow: {error}.") from None
    finally:
        connection.close()


def _allowed(action: int, first: str | None, *_: str | None) -> int:
    reads = action == sqlite3.SQLITE_READ and first in _TABLES
    return sqlite3.SQLITE_OK if reads or action == sqlite3.SQLITE_SELECT else sqlite3.SQLITE_DENY


def _rows(connection: sqlite3.Connection, source: Source) -> Iterator[_Run]:
    connection.deserialize(source.data)
    connection.execute("PRAGMA trusted_schema = OFF")
    connection.set_authorizer(_allowed)
    steps = iter(range(_STEPS // 10_000))
    connection.set_progress_handler(lambda: next(steps, None) is None, 10_000)
    runs = connection.execute(
        "SELECT run_uuid, name, end_time FROM runs WHERE status = 'FINISHED' AND lifecycle_stage = 'active' ORDER BY end_time LIMIT ?",
        (MAX_RUNS + 1,),
    ).fetchall()
    if len(runs) > MAX_RUNS:
        raise source.fault("too-many", f"It has more than {MAX_RUNS:,} finished runs.", "Export the runs that matter.")
    for identity, name, end in runs:
        ended = _moment(end)
        if isinstance(identity, str) and ended is not None:
            found = connection.execute(
                "SELECT key, value FROM latest_metrics WHERE run_uuid = ? AND is_nan = 0 LIMIT ?", (identity, MAX_METRICS + 1)
            ).fetchall()
            metrics = {key: float(value) for key, value in found if isinstance(key, str) and isinstance(value, int | float)}
            yield _Run(identity, name if isinstance(name, str) and name else identity, ended, metrics)


# --- The file store ------------------------------------------------------------------------------------------------------------


def _from_files(source: Source) -> Iterator[_Run]:
    files = source.files or {}
    logged: defaultdict[str, dict[str, bytes]] = defaultdict(dict)
    for path, data in files.items():
        folder, found, metric = f"/{path}".partition("/metrics/")
        if found:
            logged[folder][metric] = data
    for name in files:
        folder, found, rest = f"/{name}".rpartition("/meta.yaml")
        if found and not rest and (run := _run(source, name, logged.get(folder, {}))) is not None:
            yield run


def _run(source: Source, name: str, logged: Mapping[str, bytes]) -> _Run | None:
    """Read a run of which `name` is the `meta.yaml`; None for an experiment's, and for a run that does not count."""
    documents = read_yaml((source.files or {})[name], f"{source.name}/{name}")
    meta = documents[0].value if len(documents) == 1 else None
    if not isinstance(meta, dict) or "run_id" not in meta:
        return None
    ended = _moment(meta.get("end_time"))
    if meta.get("status") != _FINISHED or meta.get("lifecycle_stage") != "active" or ended is None:
        return None
    found = ((metric, _latest(source, f"{name.removesuffix('meta.yaml')}metrics/{metric}", data)) for metric, data in logged.items())
    identity = str(meta["run_id"])[:_MAX_TEXT]
    metrics = {metric: value for metric, value in found if value is not None}
    return _Run(identity, str(meta.get("run_name") or identity)[:_MAX_TEXT], ended, metrics)


def _latest(source: Source, path: str, data: bytes) -> float | None:
    """Find the figure logged last: of the greatest step, then moment, then value, as MLflow has it."""
    best: tuple[int, int, float] | None = None
    for number, line in enumerate(data.splitlines(), 1):
        parts = line.split()
        try:
            moment, value, step = int(parts[0]), float(parts[1]), int(parts[2]) if len(parts) > 2 else 0  # noqa: PLR2004 - three columns
        except (ValueError, IndexError):
            shown = ascii(line[:_MAX_LINE].decode("utf-8", "replace"))[1:-1]
            message = f"{path[:_MAX_TEXT]}, line {number}: {shown} is no moment, value and step."
            raise source.fault("wrong-form", message) from None
        if math.isfinite(value) and (best is None or (step, moment, value) > best):
            best = step, moment, value
    return None if best is None else best[2]


CONNECTOR = Connector("mlflow", "MLflow runs: a SQLite store, or a folder of its file store", read, folders=True)
