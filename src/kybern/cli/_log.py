"""`kybern log`: the evidence log of a workspace: append and publish, prove, verify a proof, audit."""

from __future__ import annotations

import hashlib
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kybern.cli._key import PassphraseOption, keyring_of, private_key, write_private_key
from kybern.cli._shared import WorkspaceOption, now, open_root, refuse

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kybern.evidence import Evidence, Keyring, Read
    from kybern.evidence.log import Audit, Draft, Leaf, Log, Signer, Verifier

app = typer.Typer(
    name="log", help="The evidence log: what is in it cannot be rewritten unseen, and anybody can verify that.", no_args_is_help=True
)

LOG_FOLDER = Path("log")
"""Where the log is published, relative to the workspace: checkpoint, tiles, entry bundles, the verifier key."""

KEY_FILE = LOG_FOLDER / "key"
JOURNAL = Path(".kybern", "log", "journal.db")
PRIVATE_KEY = Path(".kybern", "log", "key.pem")
_FEWEST_DIGITS = 4
_DIGEST_DIGITS = 64
_MAX_KEY = 1000


def register(root: typer.Typer) -> None:
    """Add the command group."""
    root.add_typer(app, name="log")


@contextmanager
def _in_words() -> Iterator[None]:
    """Tell what the log refuses, or the disk, and exit 2."""
    from kybern.evidence import Refused  # noqa: PLC0415 - see the docstring of `_shared`

    try:
        yield
    except Refused as refused:
        hint = "Make a log: kybern log init." if refused.rule in {"no-journal", "no-checkpoint"} else ""
        refuse(refused.rule, f"{refused.message[:1].upper()}{refused.message[1:]}.", hint)
    except OSError as error:
        refuse("unwritable", f"{error.filename or 'A file of the log'} cannot be read or written: {error.strerror}.")


def _content(path: Path, limit: int) -> bytes:
    """Read a file, at most one byte more than the limit; exits 2 where that fails."""
    try:
        with path.open("rb") as file:
            return file.read(limit + 1)
    except OSError as error:
        refuse("unreadable", f"{path} cannot be read: {error.strerror}.")


def _verifier(root: Path) -> Verifier:
    from kybern.evidence.log import Verifier  # noqa: PLC0415

    if not (root / KEY_FILE).exists():
        refuse("no-log", f"{root / LOG_FOLDER} holds no log.", "Make one: kybern log init.")
    with _in_words():
        return Verifier.parse(_content(root / KEY_FILE, _MAX_KEY).decode("utf-8", "replace"))


def _open(root: Path, key: Signer | Verifier) -> Log:
    from kybern.evidence.log import Log  # noqa: PLC0415

    with _in_words():
        return Log.open(root / LOG_FOLDER, root / JOURNAL, key)


def _read(root: Path) -> Read:
    from kybern.evidence import FOLDER, read_evidence  # noqa: PLC0415

    return read_evidence(root / FOLDER, keyring_of(root), root)


@app.command()
def init(
    origin: Annotated[
        str | None, typer.Option("--origin", metavar="NAME", help="The log's name, unlike any other's: example.org/ai-evidence.")
    ] = None,
    passphrase_env: PassphraseOption = None,
    directory: WorkspaceOption = Path(),
) -> None:
    """Make an empty log with a key of its own, and publish its first checkpoint. What a crash left half made is taken up."""
    from kybern.evidence import PrivateKey  # noqa: PLC0415
    from kybern.evidence.log import CHECKPOINT, Log, Signer  # noqa: PLC0415

    root = open_root(directory)
    if (root / LOG_FOLDER / CHECKPOINT).exists():
        refuse("log-exists", f"{root / LOG_FOLDER} is there already and is kept.")
    there = (root / PRIVATE_KEY).exists()
    key = private_key(root / PRIVATE_KEY, passphrase_env) if there else PrivateKey.generate()
    name = origin or f"kybern.local/{hashlib.sha256(key.public_raw).hexdigest()[:16]}"
    with _in_words():
        signer = Signer(name, key)
        if not there:
            write_private_key(root, root / PRIVATE_KEY, key, passphrase_env)
        (root / LOG_FOLDER).mkdir(exist_ok=True)
        (root / KEY_FILE).write_text(f"{signer.verifier}\n", encoding="utf-8")
        Log.create(root / LOG_FOLDER, root / JOURNAL, signer, now())
    typer.echo(str(signer.verifier))
    typer.echo(f"Give this key to whoever is to verify the log. {PRIVATE_KEY} signs for it, {JOURNAL} is the log: back up both.", err=True)


def log_to_write(root: Path, passphrase_env: str | None) -> Log:
    """Open the log with the key that signs its checkpoints; exits 2 where that fails."""
    from kybern.evidence.log import Signer  # noqa: PLC0415

    verifier = _verifier(root)
    signer = Signer(verifier.name, private_key(root / PRIVATE_KEY, passphrase_env))
    if signer.verifier != verifier:
        refuse("wrong-key", f"{PRIVATE_KEY} is not the key of this log: {KEY_FILE} names another.")
    return _open(root, signer)


@app.command()
def sync(passphrase_env: PassphraseOption = None, directory: WorkspaceOption = Path()) -> None:
    """Append every verified piece of evidence that is not in the log yet, then publish."""
    root = open_root(directory)
    log, read, keyring = log_to_write(root, passphrase_env), _read(root), keyring_of(root)
    with _in_words():
        pieces = sorted(read.accepted, key=lambda piece: (piece.observed_at, piece.id))
        before = log.journal.size
        indices = log.append([_entry(root, keyring, piece) for piece in pieces], now())
        checkpoint = log.publish(now())
    fresh = len({index for index in indices if index >= before})
    typer.echo(f"{fresh} new; the log has {_count(checkpoint.size, 'entry', 'entries')}, root {checkpoint.root.hex()}")
    if read.refused:
        typer.echo(f"{len(read.refused)} refused and not logged: see kybern evidence verify.", err=True)


def _entry(root: Path, keyring: Keyring, piece: Evidence) -> Draft:
    """Make the entry of the envelope as it is now: the bytes that are verified are the bytes whose digest is logged, or committed to."""
    from kybern.evidence import MAX_BYTES, VAULT, Refused, Vault, open_stored, verify  # noqa: PLC0415
    from kybern.evidence.log import Entry, protected_entry  # noqa: PLC0415

    path = root / piece.source
    data = _content(path, MAX_BYTES)
    envelope = open_stored(path, data, Vault(root / VAULT))
    if verify(envelope, keyring, piece.source).id != piece.id:
        raise Refused(rule="changed", message=f"{piece.source} is being changed")
    commitment = _commitment(path, data)
    if commitment is not None:
        return protected_entry(commitment)
    return Entry(piece.id, hashlib.sha256(envelope).hexdigest(), piece.signers[0], once=True)


def _commitment(path: Path, data: bytes) -> str | None:
    """Give the commitment to a sealed piece; None for one that is not sealed."""
    from kybern.evidence import SEALED_SUFFIX, Sealed, parse_sealed  # noqa: PLC0415

    found = parse_sealed(data) if path.name.endswith(SEALED_SUFFIX) else None
    return found.commitments[-1] if isinstance(found, Sealed) else None


def logged_as(root: Path, piece: Evidence) -> str:
    """Name what a piece is found by in the log: its id, or the commitment to it."""
    from kybern.evidence import MAX_BYTES  # noqa: PLC0415

    path = root / piece.source
    return _commitment(path, _content(path, MAX_BYTES)) or piece.id


@app.command()
def status(directory: WorkspaceOption = Path()) -> None:
    """Show the log's name and key, what is in it and published, and how much evidence is not in it yet."""
    root = open_root(directory)
    log, read = _open(root, verifier := _verifier(root)), _read(root)
    with _in_words():
        head, size, last = log.head().checkpoint, log.journal.size, log.journal.last_published()
        missing = sum(not log.journal.find(logged_as(root, piece)) for piece in read.accepted)
        sources = log.journal.sources()
    lines = {
        "origin": verifier.name,
        "key": str(verifier),
        "entries": str(size),
        "published": f"{_count(head.size, 'entry', 'entries')}, root {head.root.hex()}{'' if last is None else f', at {last.at}'}",
        "not in it": _count(missing, "verified piece of evidence", "verified pieces of evidence") if missing else "no verified evidence",
        "sources": ", ".join(f"{name} ({count})" for name, count in sources.items()) or "none yet",
    }
    for label, text in lines.items():
        typer.echo(f"{label:<10} {text}")


@app.command()
def prove(
    name: Annotated[
        str,
        typer.Argument(
            metavar="ID", help="The evidence's id, or its first digits; a record, for its last entry; entry:12 for an entry by its index."
        ),
    ],
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Write the proof to this file.")] = None,
    directory: WorkspaceOption = Path(),
) -> None:
    """Write the proof that a piece of evidence is in the published log, as a .tlog-proof that others verify offline."""
    root = open_root(directory)
    log = _open(root, _verifier(root))
    with _in_words():
        proof = bytes(log.prove(_which(root, name, log)))
    if out is None:
        typer.echo(proof, nl=False)
        return
    try:
        out.write_bytes(proof)
    except OSError as error:
        refuse("unwritable", f"{out} cannot be written: {error.strerror}.")


def _which(root: Path, name: str, log: Log) -> int | str:
    """Read what is asked for: an entry's index, a record, of which the last entry is meant, or the id of a piece of evidence."""
    from kybern.evidence.log import term  # noqa: PLC0415

    number = name.removeprefix("entry:")
    if number != name and number.isascii() and number.isdigit() and len(number) < 16:  # noqa: PLR2004 - digits of a number SQLite holds
        return int(number)
    if len(name) == _DIGEST_DIGITS and set(name) <= set("0123456789abcdef"):
        return name
    if ":" in name and (versions := log.journal.found_by(term("ref", name))):
        return versions[-1][0]
    found = [piece for piece in _read(root).accepted if len(name) >= _FEWEST_DIGITS and piece.id.startswith(name)]
    if len(found) != 1:
        count = f"{len(found)} pieces of evidence have" if found else "No accepted evidence has"
        refuse("unknown-evidence", f"{count} an id that starts with {name!r}.", "See kybern evidence list.")
    return logged_as(root, found[0])


@app.command("verify-proof")
def verify_proof(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The .tlog-proof file.")],
    key: Annotated[
        str | None, typer.Option("--key", metavar="KEY", help="The log's verifier key, or a file with it. Default: the workspace's log.")
    ] = None,
    envelope: Annotated[Path | None, typer.Option("--envelope", metavar="FILE", help="The proof must be of this very envelope.")] = None,
    directory: WorkspaceOption = Path(),
) -> None:
    """Verify a proof without a network: exit 0 if it holds, 1 if not."""
    from kybern.evidence import MAX_BYTES, Refused  # noqa: PLC0415
    from kybern.evidence.log import MAX_PROOF, Verifier  # noqa: PLC0415
    from kybern.evidence.log import verify_proof as verify  # noqa: PLC0415

    data = _content(file, MAX_PROOF)
    with _in_words():
        verifier = _verifier(open_root(directory)) if key is None else Verifier.parse(_key_text(key))
    try:
        proven = verify(data, verifier)
        if envelope is not None and hashlib.sha256(_content(envelope, MAX_BYTES)).hexdigest() != proven.leaf.envelope:
            raise Refused(rule="other-envelope", message=f"the proof holds, but is of another envelope than {envelope}")  # noqa: TRY301
    except Refused as refused:
        typer.echo(f"does not hold: {refused.message} [{refused.rule}]")
        raise typer.Exit(1) from None
    leaf = proven.leaf
    typer.echo(f"holds: entry {proven.index} of the {proven.checkpoint.size} in the log {proven.checkpoint.origin}")
    for label, text in _leaf_lines(leaf):
        typer.echo(f"{label:<10} {text}")
    typer.echo(
        "It does not show that the statement is true, nor that the log shows everybody the same: compare checkpoints for that.", err=True
    )


def _leaf_lines(leaf: Leaf) -> Iterator[tuple[str, str]]:
    """Say what an entry says, field by field; the statement's own are as ever."""
    if leaf.type != "statement":
        yield "type", f"{leaf.type}{', which was removed' if leaf.removed else ''}"
    for name in ("ref", "statement", "envelope", "digest", "commitment", "receipt", "change"):
        if getattr(leaf, name):
            yield name, getattr(leaf, name)
    yield "source", f"{leaf.source}, its number {leaf.seq}"
    yield "taken in", f"{leaf.at:%Y-%m-%dT%H:%M:%SZ}, as the log says"
    if leaf.commitment:
        yield "content", "personal: the log holds a commitment to it, and says nothing of it"


def _key_text(key: str) -> str:
    path = Path(key)
    return _content(path, _MAX_KEY).decode("utf-8", "replace") if "+" not in key else key


@app.command()
def audit(
    against: Annotated[
        Path | None, typer.Option("--against", metavar="CHECKPOINT", help="Audit only what came after this old checkpoint that you kept.")
    ] = None,
    directory: WorkspaceOption = Path(),
) -> None:
    """Compute the log anew and compare: exit 0 if all holds, 1 if something does not."""
    from kybern.evidence.log import audit as audit_all  # noqa: PLC0415
    from kybern.evidence.log import audit_folder, audit_since  # noqa: PLC0415

    root = open_root(directory)
    verifier = _verifier(root)
    old = None if against is None else _content(against, 1 << 16)
    with _in_words():
        if not (root / JOURNAL).exists():
            typer.echo("The journal is not here; the entries are read as they are published.", err=True)
            found = audit_folder(root / LOG_FOLDER, verifier, old)
        else:
            log = _open(root, verifier)
            found = audit_all(log) if old is None else audit_since(log, old)
    found = _with_contents(found, root)
    _tell(found)
    if not found.holds:
        raise typer.Exit(1)


def _with_contents(found: Audit, root: Path) -> Audit:
    """Audit what entries of the log name beside evidence, the versions of records and erasures, where the log itself can be read."""
    from kybern.cli._applied import in_log  # noqa: PLC0415
    from kybern.evidence import Refused  # noqa: PLC0415
    from kybern.evidence.applied import audit_records  # noqa: PLC0415
    from kybern.evidence.erasure import audit_erasures  # noqa: PLC0415
    from kybern.evidence.log import Finding  # noqa: PLC0415

    keyring = keyring_of(root)
    try:
        there = in_log(root)
        if there is None or found.checkpoint is None:
            return found
        parts = (audit_records(there.applied, there.reader, keyring), audit_erasures(root, there.view, keyring))
    except Refused as refused:
        if not found.holds:  # told already
            return found
        return replace(found, findings=(Finding(refused.rule, f"What entries name cannot be read: {refused.message}."),))
    held = tuple(line for part in parts for line in part.held)
    return replace(found, held=found.held + held, findings=found.findings + tuple(one for part in parts for one in part.findings))


def _tell(found: Audit) -> None:
    for line in found.held:
        typer.echo(f"holds: {line}")
    for finding in found.findings:
        typer.echo(f"does not hold: {finding}")
    verdict = "All of it holds." if found.holds else _count(len(found.findings), "finding") + "."
    typer.echo(f"{_count(found.entries, 'entry', 'entries')} audited. {verdict}")
    typer.echo("Whoever has the log's key can sign another past: only a checkpoint kept elsewhere shows that (--against).", err=True)


def _count(number: int, one: str, many: str = "") -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"
