"""`kybern evidence`: file, list, show, verify and countersign pieces of evidence."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kybern.cli import _key, _log, _log_time
from kybern.cli._erase import erase, protect
from kybern.cli._evidence_add import add
from kybern.cli._evidence_import import import_results
from kybern.cli._key import PassphraseOption, keyring_of, signing_key
from kybern.cli._receipts import prove, verify_receipt
from kybern.cli._shared import AsOfOption, WorkspaceOption, fail, open_root, parse_as_of, print_json, refuse

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from kybern.evidence import Evidence, Keyring, Read, Refusal

app = typer.Typer(name="evidence", help="Evidence: signed statements of what was observed, and their verification.", no_args_is_help=True)
for _command in (add, protect, erase, prove):
    app.command()(_command)
app.command("verify-receipt")(verify_receipt)
app.command("import")(import_results)
app.add_typer(_key.app, name="key", hidden=True)  # `kybern evidence key …` finds its way too

AsJson = Annotated[bool, typer.Option("--json", help="Write JSON.")]
_FEWEST_DIGITS = 4


def register(root: typer.Typer) -> None:
    """Add the command groups `evidence` and `key`."""
    root.add_typer(app, name="evidence")
    root.add_typer(_key.app, name="key")


def _read(root: Path) -> Read:
    from kybern.evidence import FOLDER, read_evidence  # noqa: PLC0415 - see the docstring of `_shared`

    return read_evidence(root / FOLDER, keyring_of(root), root)


def _row(piece: Evidence, at: datetime) -> dict[str, Any]:
    """Write a piece of evidence as JSON-shaped values."""
    from kybern.evidence import standing  # noqa: PLC0415

    return {
        "id": piece.id,
        "type": piece.predicate.value,
        "topic": piece.topic,
        "about": [{"ref": subject.ref, "digest": subject.digest} for subject in piece.subjects],
        "observed_at": piece.observed_at.isoformat(),
        "expires_at": piece.expires_at.isoformat() if piece.expires_at else None,
        "standing": standing(piece, at),
        "strength": {"level": int(piece.strength), "label": piece.strength.label},
        "signers": list(piece.signers),
        "source": piece.source,
        "body": dict(piece.body),
    }


@app.command("list")
def list_evidence(
    about: Annotated[str | None, typer.Option("--about", metavar="REF", help="Only what is about this record.")] = None,
    topic: Annotated[str | None, typer.Option("--topic", help="Only what bears on this topic.")] = None,
    type_: Annotated[str | None, typer.Option("--type", help="Only evidence of this type.")] = None,
    directory: WorkspaceOption = Path(),
    as_of: AsOfOption = None,
    as_json: AsJson = False,
) -> None:
    """List the evidence that verifies, by time, and how it stands; says on standard error how much is refused."""
    at = parse_as_of(as_of)
    read = _read(open_root(directory))
    rows = [_row(piece, at) for piece in sorted(read.accepted, key=lambda piece: (piece.observed_at, piece.id))]
    wanted = [row for row in rows if _fits(row, about, topic, type_)]
    if as_json:
        print_json(wanted)
    else:
        _table(wanted)
    if read.refused:
        typer.echo(f"{len(read.refused)} refused: see kybern evidence verify.", err=True)


def _fits(row: dict[str, Any], about: str | None, topic: str | None, type_: str | None) -> bool:
    names = {subject["ref"] for subject in row["about"]}
    return (about is None or about in names) and (topic is None or row["topic"] == topic) and (type_ is None or row["type"] == type_)


def _table(rows: Sequence[dict[str, Any]]) -> None:
    """Write one line a piece, in columns, without cutting anything: a line can be searched for and copied from."""
    cells = [
        (
            row["id"][:12],
            row["observed_at"][:10],
            row["standing"],
            row["strength"]["label"],
            row["type"],
            row["topic"],
            ", ".join(subject["ref"] for subject in row["about"]),
            ", ".join(row["signers"]),
        )
        for row in rows
    ]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for line in cells:
        typer.echo("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def _one(read: Read, text: str) -> Evidence:
    """Find the one accepted piece whose id starts so; exits 2 where there is none or more than one."""
    found = [piece for piece in read.accepted if len(text) >= _FEWEST_DIGITS and piece.id.startswith(text)]
    if len(found) != 1:
        count = f"{len(found)} pieces of evidence have" if found else "No accepted evidence has"
        refuse("unknown-evidence", f"{count} an id that starts with {text!r}.", "See kybern evidence list and kybern evidence verify.")
    return found[0]


@app.command()
def show(
    name: Annotated[str, typer.Argument(metavar="ID", help="The id, or its first digits (four or more).")],
    directory: WorkspaceOption = Path(),
    as_of: AsOfOption = None,
    as_json: AsJson = False,
) -> None:
    """Show a piece of evidence: what it says, about what, who signed, how strong, how it stands."""
    at = parse_as_of(as_of)
    root = open_root(directory)
    row = _row(_one(_read(root), name), at)
    logged = _logged(root, row["id"])
    if as_json:
        print_json(row if logged is None else row | {"log": logged})
        return
    about = [f"{subject['ref']} in version {subject['digest'][:12]}…" for subject in row["about"]]
    lines = {
        "id": row["id"],
        "type": row["type"],
        "topic": row["topic"],
        "about": "; ".join(about),
        "observed at": row["observed_at"],
        "expires at": row["expires_at"] or "never",
        "standing": row["standing"],
        "strength": f"{row['strength']['level']} of 5, {row['strength']['label']}",
        "signed by": ", ".join(row["signers"]),
        "file": row["source"],
    }
    for label, text in lines.items():
        typer.echo(f"{label:<12} {_printable(text)}")
    for line in [] if logged is None else _log_time.in_lines(logged):
        typer.echo(_printable(line))
    as_ascii = not typer.get_text_stream("stdout").encoding.lower().startswith("utf")
    for line in json.dumps(row["body"], indent=2, ensure_ascii=as_ascii).split("\n"):
        typer.echo(_printable(line))


def _logged(root: Path, name: str) -> dict[str, Any] | None:
    """Say when a piece came into the log, where there is one with its journal."""
    there = (root / _log.KEY_FILE).exists() and (root / _log.JOURNAL).exists()
    try:
        return _log_time.bounds_of(root, name) if there else None
    except typer.Exit:  # what is wrong with it was told
        typer.echo("warning: the log cannot be read, so it is not shown when this came into it.", err=True)
        return None


def _printable(text: str) -> str:
    """Keep control characters of foreign files from the terminal."""
    return text if text.isprintable() else ascii(text)[1:-1]


@app.command()
def verify(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[FILE|ID]...", help="Files, or ids; none means all of the workspace.")
    ] = None,
    directory: WorkspaceOption = Path(),
    as_of: Annotated[
        str | None,
        typer.Option(
            "--as-of", "--at", metavar="DATE", help="Does it stand at the end of this day (UTC), or at this moment? Default: now."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Verify evidence without any network: exit 0 if all is accepted, 1 if something is refused, 2 if it cannot be looked at.

    What was erased is told and refuses nothing.
    """
    moment = parse_as_of(as_of)
    root = open_root(directory)
    results = [_judged(item, moment) for item in _chosen(root, names)]
    if as_json:
        print_json({"at": moment.isoformat(), "results": results})
    else:
        _tell(results)
    if any(not result["accepted"] and result["rule"] != "erased" for result in results):
        raise typer.Exit(1)


def _chosen(root: Path, names: Sequence[str] | None) -> Iterator[Evidence | Refusal]:
    """Go through what was asked for: each file by itself, each id in the workspace's folder, or everything in it."""
    read = _read(root) if not names or any(not Path(name).is_file() for name in names) else None
    if not names and read is not None:
        everything: list[Evidence | Refusal] = [*read.accepted, *read.refused]
        yield from sorted(everything, key=lambda item: item.source)
    for name in names or ():
        if Path(name).is_file():
            yield _verified(Path(name), keyring_of(root), root)
        elif read is not None:
            yield from _by_id(read, name)


def _by_id(read: Read, name: str) -> list[Evidence | Refusal]:
    # A refused file has no id that could be trusted; it is found by the name that its payload gave it.
    refused = [item for item in read.refused if len(name) >= _FEWEST_DIGITS and Path(item.source).name.startswith(name[:16])]
    accepted = [item for item in read.accepted if len(name) >= _FEWEST_DIGITS and item.id.startswith(name)]
    if not accepted and not refused:
        refuse("unknown-evidence", f"There is no file {name!r}, and no evidence of such an id.", "See kybern evidence list.")
    return [*accepted, *refused]


def _verified(path: Path, keyring: Keyring, root: Path) -> Evidence | Refusal:
    from kybern.evidence import MAX_BYTES, VAULT, Refusal, Refused, Vault, open_stored  # noqa: PLC0415
    from kybern.evidence import verify as verify_envelope  # noqa: PLC0415

    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
        return verify_envelope(open_stored(path, data, Vault(root / VAULT)), keyring, str(path))
    except Refused as refused:
        return Refusal(str(path), refused.rule, refused.message)
    except OSError as error:
        refuse("unreadable", f"{path} cannot be read: {error.strerror}.")


def _judged(item: Evidence | Refusal, at: datetime) -> dict[str, Any]:
    """Say whether a piece is accepted at a moment, and if not, why."""
    from kybern.evidence import Refusal  # noqa: PLC0415

    if isinstance(item, Refusal):
        return {"source": item.source, "accepted": False, "rule": item.rule, "message": item.message}
    row = _row(item, at)
    if row["standing"] == "valid":
        return {"source": item.source, "accepted": True, **row}
    ends = {"expired": f"it expired at {row['expires_at']}", "not-yet-valid": f"it was observed only at {row['observed_at']}"}
    message = f"the signatures hold, but at {at.isoformat()} it does not stand: {ends[row['standing']]}"
    return {"source": item.source, "accepted": False, "rule": row["standing"], "message": message, "id": item.id}


def _tell(results: Sequence[dict[str, Any]]) -> None:
    for result in results:
        if result["accepted"]:
            words = (
                f"accepted: {result['type']} on {result['topic']}, {result['strength']['label']}, signed by {', '.join(result['signers'])}"
            )
        else:
            words = result["message"] if result["rule"] == "erased" else f"refused: {result['message']} [{result['rule']}]"
        typer.echo(_printable(f"{result['source']}: {words}"))
    erased = sum(not result["accepted"] and result["rule"] == "erased" for result in results)
    refused = sum(not result["accepted"] for result in results) - erased
    typer.echo(f"{len(results) - refused - erased} accepted, {refused} refused{f', {erased} erased' if erased else ''}.")


@app.command()
def countersign(
    name: Annotated[str, typer.Argument(metavar="ID", help="The id, or its first digits (four or more).")],
    key: Annotated[str, typer.Option("--key", metavar="NAME", help="Sign with this key of .kybern/keys, or with the one at this path.")],
    passphrase_env: PassphraseOption = None,
    directory: WorkspaceOption = Path(),
) -> None:
    """Add a second signature to a piece of evidence that verifies: an auditor's makes it independently verified."""
    from kybern.base import InputError  # noqa: PLC0415
    from kybern.catalog import Strength  # noqa: PLC0415
    from kybern.evidence import SEALED_SUFFIX, VAULT, KeyKind, Refused, Vault, open_stored, reseal, write  # noqa: PLC0415
    from kybern.evidence import countersign as add_signature  # noqa: PLC0415
    from kybern.evidence import verify as verify_envelope  # noqa: PLC0415

    root = open_root(directory)
    keyring, signer = keyring_of(root), signing_key(root, key, passphrase_env)
    piece = _one(_read(root), name)
    trusted = keyring.get(signer.keyid)
    if trusted is None:
        refuse("unknown-key", f"The keyring has no key {key} ({signer.keyid[:12]}…), so its signature would count for nothing.")
    file, vault = root / piece.source, Vault(root / VAULT, os.urandom)
    try:
        envelope = add_signature(open_stored(file, file.read_bytes(), vault), signer)
        lifted = verify_envelope(envelope, keyring, piece.source)
        if file.name.endswith(SEALED_SUFFIX):
            with vault.locked():
                reseal(file, envelope, vault)
        else:
            write(file.parent, envelope)
    except Refused as refused:
        refuse(refused.rule, f"{refused.message}.")
    except InputError as error:
        fail(error, root)
    except OSError as error:
        refuse("unwritable", f"{file} cannot be written: {error.strerror}.")
    if trusted.holder not in lifted.signers:
        typer.echo(f"warning: {trusted.label} was not valid then and is no auditor's: the signature counts for nothing.", err=True)
    elif trusted.kind is KeyKind.AUDITOR and lifted.strength is not Strength.VERIFIED:
        typer.echo(f"warning: {trusted.label} signs as a second for nobody else: the strength stays as it is.", err=True)
    typer.echo(f"{lifted.id}  {lifted.source}  {lifted.strength.label}")
