"""`kybern plan`, `diff`, `apply`, `history`, `blame`: what the log has of the records, and what would change in it."""

from __future__ import annotations

import json
import os
import re
from contextlib import contextmanager
from datetime import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kybern.cli._applied import counted, in_log
from kybern.cli._key import PassphraseOption, keyring_of, signing_key
from kybern.cli._log import log_to_write
from kybern.cli._shared import WorkspaceOption, now, open_root, open_workspace, print_json, read_moment, refuse

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kybern.base.yaml import JsonValue
    from kybern.cli._applied import InLog
    from kybern.evidence import SigningKey
    from kybern.evidence.applied import FieldChange, Plan, Reader, State, Step, Told
    from kybern.records import Record
    from kybern.workspace import Workspace

CHANGES = 1
AsJson = Annotated[bool, typer.Option("--json", help="Write JSON.")]
RefArgument = Annotated[str, typer.Argument(metavar="REF", help="A record, ai_system:credit.")]
ExitCodeOption = Annotated[bool, typer.Option("--detailed-exitcode", help="Exit 1 if something would change.")]
_SIGNS = {"added": "+", "changed": "~", "removed": "-"}
_WIDTH = 160
_MOST_WORDS = 2000


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (plan, diff, apply, history, blame):
        app.command()(command)


@contextmanager
def _in_words() -> Iterator[None]:
    """Tell what the log refuses, or the disk, and exit 2."""
    from kybern.evidence import Refused  # noqa: PLC0415 - see the docstring of `_shared`

    try:
        yield
    except Refused as refused:
        refuse(refused.rule, f"{refused.message[:1].upper()}{refused.message[1:]}.")
    except OSError as error:
        refuse("unwritable", f"{error.filename or 'A file of the log'} cannot be read or written: {error.strerror}.")


def _in_log(root: Path) -> InLog:
    with _in_words():
        found = in_log(root)
    if found is None:
        refuse("no-log", f"{root} has no log yet.", "Make one: kybern log init.")
    return found


def plan(
    directory: WorkspaceOption = Path(),
    detailed_exitcode: ExitCodeOption = False,
    as_json: AsJson = False,
) -> None:
    """Show what `kybern apply` would change: the records on disk against those last applied, field by field."""
    found = open_workspace(directory)
    _show(_plan(found, _in_log(found.root)), detailed_exitcode=detailed_exitcode, as_json=as_json)


def _plan(found: Workspace, there: InLog) -> Plan:
    from kybern.evidence.applied import plan as plan_of  # noqa: PLC0415

    with _in_words():
        return plan_of(there.applied.now(), there.reader, found.records)


def _show(found: Plan, *, detailed_exitcode: bool, as_json: bool, diff: bool = False) -> None:
    if as_json:
        base = {"change": found.base.change, "entries": found.base.entries}
        print_json({"plan": found.id, "base": base, "counts": found.counts, "changes": [_json(found, step) for step in found.steps]})
    else:
        _tell(found)
        typer.echo(f"{counted(found)}{'' if diff or not found.steps else f'; plan {found.id[:16]}'}.")
    if detailed_exitcode and found.steps:
        raise typer.Exit(CHANGES)


def _json(found: Plan, step: Step) -> dict[str, Any]:
    fields = [{"path": one.path, "old": one.old, "new": one.new} for one in found.fields(step)]
    return {"ref": step.ref, "act": step.act, "unread": step.unread or None, "fields": [] if step.unread else fields}


def _tell(found: Plan) -> None:
    for step in found.steps:
        typer.echo(f"{_SIGNS[step.act]} {step.ref}")
        if step.unread:
            typer.echo(f"    cannot be compared: {step.unread}")
        elif step.act == "changed":
            for field in found.fields(step):
                typer.echo(f"    {_field(field)}")
        elif step.new is not None:
            typer.echo(f"    {_shown(step.new.title)}")


def _field(field: FieldChange) -> str:
    return f"{field.path.removeprefix('/')}: {_shown(field.old)} → {_shown(field.new)}"


def _shown(value: JsonValue) -> str:
    """Show a value on one line, without what would trouble a terminal."""
    if value is None:
        return "nothing"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    text = text if text.isprintable() else json.dumps(text, ensure_ascii=True)
    return text if len(text) <= _WIDTH else f"{text[: _WIDTH - 1]}…"


def diff(
    start: Annotated[
        str | None, typer.Option("--from", metavar="STATE", help="A day, a moment, or entry:12. Default: last applied.")
    ] = None,
    end: Annotated[str | None, typer.Option("--to", metavar="STATE", help="The same. Default: the records on disk.")] = None,
    directory: WorkspaceOption = Path(),
    detailed_exitcode: ExitCodeOption = False,
    as_json: AsJson = False,
) -> None:
    """Show what changed between any two states of the records, field by field."""
    from kybern.evidence.applied import plan as plan_of  # noqa: PLC0415

    root = open_root(directory)
    there = _in_log(root)
    old = there.applied.now() if start is None else _state(there, start, "--from")
    with _in_words():
        records = open_workspace(root).records if end is None else _records(there, _state(there, end, "--to"))
        found = plan_of(old, there.reader, records)
    _show(found, detailed_exitcode=detailed_exitcode, as_json=as_json, diff=True)


def _records(there: InLog, state: State) -> tuple[Record, ...]:
    """Read the records of a state, and say of which there is no content to be had."""
    contents = there.reader.contents(state)
    for one in contents.unread:
        typer.echo(f"{one.ref} cannot be read and is left out: {one.message}.", err=True)
    return contents.records


def _state(there: InLog, text: str, option: str) -> State:
    number = re.fullmatch(r"entry:([0-9]{1,15})", text, re.ASCII)
    if number is not None:
        if int(number[1]) >= there.view.size:
            refuse("unknown-entry", f"{option}: the log has {there.view.size} entries, so there is no {text}.")
        return there.applied.after(int(number[1]))
    moment = read_moment(text, time.max)
    if moment is None:
        refuse("state", f"{option} does not read {text!r}.", "Write a day, 2026-11-20, a moment with its zone, or entry:12.")
    return there.applied.at(moment)


def apply(
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why: it stands in the signed change set, and stays.")],
    key: Annotated[str, typer.Option("--key", metavar="NAME", help="Sign with this key of .kybern/keys, or with the one at this path.")],
    planned: Annotated[
        str | None, typer.Option("--plan", metavar="PLAN", help="Apply only what `kybern plan` showed under this name.")
    ] = None,
    passphrase_env: PassphraseOption = None,
    log_passphrase_env: Annotated[
        str | None, typer.Option("--log-passphrase-env", metavar="VAR", help="The variable that holds the passphrase of the log's key.")
    ] = None,
    directory: WorkspaceOption = Path(),
) -> None:
    """Apply the records on disk: one signed change set, one entry in the log for each version, whole or not at all; then publish."""
    from kybern.evidence import VAULT, Vault  # noqa: PLC0415
    from kybern.evidence.applied import Applier, Reader  # noqa: PLC0415

    found = open_workspace(directory)
    check_words("--reason", reason)
    _lint(found)
    holder, signer = signer_of(found.root, key, passphrase_env)
    log = log_to_write(found.root, log_passphrase_env)
    there = _in_log(found.root)
    ready = _plan(found, there)
    if planned is not None and (len(planned) < 8 or not ready.id.startswith(planned)):  # noqa: PLR2004 - fewer digits name too little
        refuse("other-plan", f"What would change is not the plan {planned!r} but {ready.id[:16]}.", "Look at it again: kybern plan.")
    if not ready.steps:
        typer.echo("Nothing to apply: the records on disk are those last applied.")
        return
    reader: Reader = Reader(there.reader.store, vault := Vault(found.root / VAULT, os.urandom))
    with _in_words(), vault.locked():
        indices = Applier(log, reader, signer, holder).apply(ready, reason, now())
    which = f"entry {indices[0]}" if len(indices) == 1 else f"entries {indices[0]} to {indices[-1]}"
    typer.echo(f"{counted(ready)} applied by {holder}: {which} of the log.")


def check_words(option: str, text: str) -> None:
    """Hold words that will stand for good to what a line may be; exits 2."""
    if not text.strip():
        refuse("no-reason", f"{option} is empty.", "Say it for whoever reads the log later.")
    if len(text) > _MOST_WORDS or not text.isprintable():
        refuse("bad-reason", f"{option} has more than {_MOST_WORDS:,} characters, or some that cannot be shown.", "Write one plain line.")


def _lint(found: Workspace) -> None:
    """Stop at errors."""
    from kybern.cli._shared import show  # noqa: PLC0415
    from kybern.cli._workspace import _catalog_ids  # noqa: PLC0415
    from kybern.workspace import lint  # noqa: PLC0415

    errors = [one for one in lint(found, _catalog_ids(found), now().date()) if one.severity.value == "error"]
    if errors:
        show(errors, found.root, err=True)
        typer.echo("Nothing was applied: lint finds errors.", err=True)
        raise typer.Exit(1)


def signer_of(root: Path, name: str, passphrase_env: str | None) -> tuple[str, SigningKey]:
    """Open the key that signs, and tell whose it is: it must be in the keyring and stand now."""
    keyring, signer = keyring_of(root), signing_key(root, name, passphrase_env)
    trusted = keyring.get(signer.keyid)
    if trusted is None:
        refuse("unknown-key", f"The keyring has no key {name} ({signer.keyid[:12]}…).", "Its signature would count for nothing.")
    if (standing := trusted.standing(now())) != "valid":
        refuse(f"key-{standing}", f"The key {trusted.label} is {standing.replace('-', ' ')} now.", "See kybern key list.")
    return trusted.holder, signer


def history(ref: RefArgument, directory: WorkspaceOption = Path(), as_json: AsJson = False) -> None:
    """Show every version of a record that was applied: who, when, why, and what changed."""
    told, _ = _told(open_root(directory), ref)
    if as_json:
        print_json([_version_json(one) | {"fields": [vars(field) for field in one.fields]} for one in told])
        return
    for one in reversed(told):
        typer.echo(f"entry {one.version.index}  {_when(one)}  {one.act} by {one.version.leaf.source}: {_why(one)}")
        for line in filter(None, (one.doubt and f"its change set does not hold: {one.doubt}", one.unread)):
            typer.echo(f"    {line}")
        for field in one.fields if one.act == "changed" else ():
            typer.echo(f"    {_field(field)}")


def blame(ref: RefArgument, directory: WorkspaceOption = Path(), as_json: AsJson = False) -> None:
    """Show each field of a record as it was last applied: who last changed it, when, why, in which entry."""
    from kybern.evidence.applied import blame as blame_of  # noqa: PLC0415

    told, reader = _told(open_root(directory), ref)
    with _in_words():
        found = blame_of(told, reader)
    if as_json:
        rows = [{"path": one.path, "value": one.value, **({} if one.told is None else _version_json(one.told))} for one in found]
        print_json(rows)
        return
    if not found:
        typer.echo(f"{ref} was removed: {_why(told[-1])} ({told[-1].version.leaf.source}, {_when(told[-1])}).")
    for one in found:
        typer.echo(f"{one.path.removeprefix('/')}: {_shown(one.value)}")
        by = "before an earlier version that cannot be read" if one.told is None else _brought(one.told)
        typer.echo(f"    {by}")


def _brought(one: Told) -> str:
    doubt = f" (its change set does not hold: {one.doubt})" if one.doubt else ""
    return f"entry {one.version.index}  {_when(one)}  {one.version.leaf.source}: {_why(one)}{doubt}"


def _told(root: Path, ref: str) -> tuple[tuple[Told, ...], Reader]:
    from kybern.base.suggest import Suggester  # noqa: PLC0415
    from kybern.evidence.applied import history as history_of  # noqa: PLC0415

    there = _in_log(root)
    with _in_words():
        told = history_of(there.applied, there.reader, keyring_of(root), ref)
    if not told:
        known = sorted({one.ref for one in there.applied.all})
        refuse("unknown-record", f"No version of {ascii(ref)[1:-1]} was ever applied.", Suggester().hint(ref, known, "See kybern plan."))
    return told, there.reader


def _version_json(one: Told) -> dict[str, Any]:
    return {
        "entry": one.version.index,
        "act": one.act,
        "digest": one.version.leaf.digest or None,
        "commitment": one.version.leaf.commitment or None,
        "change": one.version.leaf.change,
        "by": one.version.leaf.source,
        "taken_in": one.version.leaf.at.isoformat().replace("+00:00", "Z"),
        "reason": None if one.said is None else one.said.reason,
        "doubt": one.doubt or None,
        "unread": one.unread or None,
    }


def _when(one: Told) -> str:
    return f"{one.version.leaf.at:%Y-%m-%dT%H:%M:%SZ}"


def _why(one: Told) -> str:
    return "no reason can be read" if one.said is None else _shown(one.said.reason)
