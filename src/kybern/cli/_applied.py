"""The records as they were applied, for every command that answers in time: which state is used, and what is not applied yet."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from kybern.evidence.applied import Applications, Plan, Reader, State
    from kybern.evidence.log import View
    from kybern.records import RecordSet
    from kybern.workspace import Workspace

_MAX_KEY = 1000


@dataclass(frozen=True)
class InLog:
    """What the log of a workspace knows of its records."""

    view: View
    applied: Applications
    reader: Reader


@dataclass(frozen=True)
class Chosen:
    """The records that an answer is computed from, what is to be told about the choice, and the log's part in it if it has one."""

    records: RecordSet
    notes: tuple[str, ...] = ()
    log: dict[str, Any] | None = None
    past: bool = False


def in_log(root: Path) -> InLog | None:
    """Look at the log of a workspace, by its journal or as it is published; None where there is no log. `Refused` where it is broken."""
    from kybern.cli._log import JOURNAL, KEY_FILE, LOG_FOLDER  # noqa: PLC0415 - see the docstring of `_shared`
    from kybern.evidence.log import CHECKPOINT  # noqa: PLC0415

    if not (root / KEY_FILE).is_file() or not ((root / JOURNAL).exists() or (root / LOG_FOLDER / CHECKPOINT).exists()):
        return None  # there is none, or a crash left it half made: kybern log init takes that up
    from kybern.evidence import VAULT, Vault  # noqa: PLC0415
    from kybern.evidence.applied import Applications, ChangeStore, Reader  # noqa: PLC0415
    from kybern.evidence.log import FolderView, JournalView, Log, Verifier  # noqa: PLC0415

    with (root / KEY_FILE).open("rb") as file:
        verifier = Verifier.parse(file.read(_MAX_KEY).decode("utf-8", "replace"))
    view: View
    if os.access(root / JOURNAL, os.R_OK | os.W_OK):  # whoever may not write the journal reads what is published
        view = JournalView(Log.open(root / LOG_FOLDER, root / JOURNAL, verifier))
    else:
        view = FolderView(root / LOG_FOLDER, verifier)
    return InLog(view, Applications(view), Reader(ChangeStore(root), Vault(root / VAULT)))


def choose(workspace: Workspace, moment: datetime, now: datetime, *, asked: bool) -> Chosen:
    """Choose the records an answer as of a moment is computed from: those applied by then, or those on disk.

    For a moment in the past it is the records as they were applied; for now those on disk, as ever, saying how many changes are not
    applied. `asked` tells whether somebody named the moment. A workspace that never applied has the records on disk alone. Raises
    `Refused`.
    """
    there = in_log(workspace.root)
    if there is None or not there.applied.all:
        return Chosen(workspace.records)
    if asked and moment < now:
        return _then(workspace, there, moment)
    from kybern.evidence.applied import plan  # noqa: PLC0415

    found = plan(there.applied.now(), there.reader, workspace.records)
    if not found.steps:  # the log is named if it can be asked again: not for a moment to come, nor if its clock is ahead
        again = moment <= now and there.applied.at(moment).last == found.base.last
        return Chosen(workspace.records, (), _named(there, found.base, moment) if again else None)
    note = f"{counted(found)} not applied yet; the records on disk are used (kybern plan)."
    return Chosen(workspace.records, (note,))


def _then(workspace: Workspace, there: InLog, moment: datetime) -> Chosen:
    from kybern.records import RecordSet  # noqa: PLC0415

    state = there.applied.at(moment)
    if state.last is None:
        first = there.applied.all[0].leaf.at
        return Chosen(workspace.records, (f"Nothing was applied before {first:%Y-%m-%dT%H:%M:%SZ}: the records on disk are used.",))
    contents = there.reader.contents(state)
    notes = [f"Records as applied by {state.last.leaf.at:%Y-%m-%dT%H:%M:%SZ} (entry {state.last.index}), not those on disk."]
    notes += [f"{one.ref} cannot be read and is left out: {one.message}." for one in contents.unread[:10]]
    if len(contents.unread) > 10:  # noqa: PLR2004 - more of them tell no more
        notes.append(f"{len(contents.unread) - 10} more cannot be read and are left out.")
    return Chosen(RecordSet(contents.records), tuple(notes), _named(there, state, moment), past=True)


def _named(there: InLog, state: State, moment: datetime) -> dict[str, Any]:
    """Name the log's state: its size and root with what it had taken in by then, and the change set that brought the records."""
    size = there.view.taken_in_by(moment)
    return {"change": state.change, "root": there.view.root(size).hex(), "size": size}


def counted(found: Plan) -> str:
    """Count what a plan would change, in words."""
    number = len(found.steps)
    parts = ", ".join(f"{count} {act}" for act, count in found.counts.items() if count)
    return f"{number} change{'' if number == 1 else 's'}" + (f" ({parts})" if parts else "")
