"""`kybern log`: the evidence log of a workspace: append and publish, prove, verify a proof, audit."""

from __future__ import annotations

import hashlib
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kybern.cli._key import PassphraseOption, keyring_of, private_key, write_private_key
from kybern.cli._shared import WorkspaceOption, fail, now, open_root, refuse

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from kybern.evidence import Evidence, Keyring, Read
    from kybern.evidence.log import Audit, Entry, Log, Policy, Proven, Signer, Verifier

app = typer.Typer(
    name="log", help="The evidence log: what is in it cannot be rewritten unseen, and anybody can verify that.", no_args_is_help=True
)

LOG_FOLDER = Path("log")
"""Where the log is published, relative to the workspace: checkpoint, tiles, entry bundles, the verifier key."""

KEY_FILE = LOG_FOLDER / "key"
JOURNAL = Path(".kybern", "log", "journal.db")
PRIVATE_KEY = Path(".kybern", "log", "key.pem")
OWN_NUMBERS = "#"
"""What ends the name of a source in the log where the numbers are its own."""

_FEWEST_DIGITS = 4
_DIGEST_DIGITS = 64
_MAX_KEY = 1000
PolicyOption = Annotated[
    Path | None, typer.Option("--policy", metavar="FILE", help="Enough of these witnesses must have cosigned: a C2SP tlog-policy.")
]


def register(root: typer.Typer) -> None:
    """Add the command group."""
    from kybern.cli import _log_sources, _log_witness  # noqa: PLC0415 - they import this module

    app.command()(_log_sources.sources)
    app.add_typer(_log_witness.app, name="witness")
    root.add_typer(app, name="log")


@contextmanager
def in_words() -> Iterator[None]:
    """Tell what the log refuses, or the disk, and exit 2."""
    from kybern.evidence import Refused  # noqa: PLC0415 - see the docstring of `_shared`

    try:
        yield
    except Refused as refused:
        hint = "Make a log: kybern log init." if refused.rule in {"no-journal", "no-checkpoint"} else ""
        refuse(refused.rule, f"{refused.message[:1].upper()}{refused.message[1:]}.", hint)
    except OSError as error:
        refuse("unwritable", f"{error.filename or 'A file of the log'} cannot be read or written: {error.strerror}.")


def content(path: Path, limit: int) -> bytes:
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
    with in_words():
        return Verifier.parse(content(root / KEY_FILE, _MAX_KEY).decode("utf-8", "replace"))


def log_of(root: Path) -> Log:
    """Open the log of a workspace to read it; exits 2 where there is none."""
    return _open(root, _verifier(root))


def _open(root: Path, key: Signer | Verifier) -> Log:
    from kybern.evidence.log import Log  # noqa: PLC0415

    with in_words():
        return Log.open(root / LOG_FOLDER, root / JOURNAL, key)


def open_log(root: Path) -> Log:
    """Open the log of a workspace to read it; exits 2 where there is none."""
    return _open(root, _verifier(root))


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
    with in_words():
        signer = Signer(name, key)
        if not there:
            write_private_key(root, root / PRIVATE_KEY, key, passphrase_env)
        (root / LOG_FOLDER).mkdir(exist_ok=True)
        (root / KEY_FILE).write_text(f"{signer.verifier}\n", encoding="utf-8")
        Log.create(root / LOG_FOLDER, root / JOURNAL, signer, now())
    typer.echo(str(signer.verifier))
    typer.echo(f"Give this key to whoever is to verify the log. {PRIVATE_KEY} signs for it, {JOURNAL} is the log: back up both.", err=True)


@app.command()
def sync(passphrase_env: PassphraseOption = None, directory: WorkspaceOption = Path()) -> None:
    """Append every verified piece of evidence that is not in the log yet, publish, then ask the witnesses, if there are any."""
    from kybern.cli._log_witness import ask_witnesses  # noqa: PLC0415
    from kybern.evidence.log import Came, Signer  # noqa: PLC0415

    root = open_root(directory)
    verifier = _verifier(root)
    signer = Signer(verifier.name, private_key(root / PRIVATE_KEY, passphrase_env))
    if signer.verifier != verifier:
        refuse("wrong-key", f"{PRIVATE_KEY} is not the key of this log: {KEY_FILE} names another.")
    log, read, keyring = _open(root, signer), _read(root), keyring_of(root)
    with in_words():
        pieces = sorted(read.accepted, key=lambda piece: (piece.observed_at, piece.id))
        before = log.journal.size
        indices = log.append(_numbered([_entry(root, keyring, piece) for piece in pieces], pieces, log.journal.sources()), now())
        checkpoint = log.publish(now())
    fresh = len({index for index in indices if index >= before})
    typer.echo(f"{fresh} new; the log has {count_words(checkpoint.size, 'entry', 'entries')}, root {checkpoint.root.hex()}")
    if read.refused:
        typer.echo(f"{len(read.refused)} refused and not logged: see kybern evidence verify.", err=True)
    if any(one.came is Came.REFUSED for one in ask_witnesses(root, log).values()):
        raise typer.Exit(1)


def _entry(root: Path, keyring: Keyring, piece: Evidence) -> Entry:
    """Make the entry of the envelope as it is now: the bytes that are verified are the bytes whose digest is logged."""
    from kybern.evidence import MAX_BYTES, Refused, verify  # noqa: PLC0415
    from kybern.evidence.log import Entry  # noqa: PLC0415

    envelope = content(root / piece.source, MAX_BYTES)
    if verify(envelope, keyring, piece.source).id != piece.id:
        raise Refused(rule="changed", message=f"{piece.source} is being changed")
    return Entry(piece.id, hashlib.sha256(envelope).hexdigest(), piece.signers[0], once=True)


def _numbered(entries: Sequence[Entry], pieces: Sequence[Evidence], last: dict[str, int]) -> list[Entry]:
    """Let sources that count their own pieces number their entries, in order; one that comes too late for that, the log counts.

    They are logged under a name of their own, so that the log's counting and theirs are never mixed.
    """
    found: list[tuple[int, Entry]] = []
    for entry, piece in zip(entries, pieces, strict=True):
        number, source = piece.body.get("sequence"), f"{entry.source}{OWN_NUMBERS}"
        late = not isinstance(number, int) or number <= last.get(source, 0)
        found.append((0, entry) if late else (int(number), replace(entry, source=source, seq=number)))  # type: ignore[arg-type]
    ordered: dict[tuple[str, int], Entry] = {}
    rest: list[Entry] = []
    for number, entry in sorted(found, key=lambda pair: pair[0]):
        if number and ordered.setdefault((entry.source, number), entry) is entry:
            continue
        rest.append(entry if not number else replace(entry, source=entry.source.removesuffix(OWN_NUMBERS), seq=None))
    return [*rest, *ordered.values()]


def own_numbers(root: Path, as_of: datetime) -> dict[str, list[int]]:
    """Give the numbers that sources which count themselves have in the log until a moment; none where there is no log."""
    from kybern.evidence.log import Journal, read_leaf  # noqa: PLC0415

    found: dict[str, list[int]] = {}
    mark = f'{OWN_NUMBERS}"'.encode()  # the end of such a source's name, so that the other leaves need not be read
    if not (root / JOURNAL).exists():
        return found
    with in_words():
        journal = Journal(root / JOURNAL)
        for _, leaves in journal.blocks(0, journal.size):
            for leaf in (read_leaf(one) for one in leaves if mark in one):
                if leaf.source.endswith(OWN_NUMBERS) and leaf.at <= as_of:
                    found.setdefault(leaf.source.removesuffix(OWN_NUMBERS), []).append(leaf.seq)
        journal.close()
    return found


@app.command()
def status(directory: WorkspaceOption = Path()) -> None:
    """Show the log's name and key, what is in it, published and cosigned, and how much evidence is not in it yet."""
    from kybern.cli._log_sources import late_in_words  # noqa: PLC0415
    from kybern.cli._log_witness import witnesses_in_words  # noqa: PLC0415

    root = open_root(directory)
    log, read = _open(root, verifier := _verifier(root)), _read(root)
    with in_words():
        head, size, last = log.head().checkpoint, log.journal.size, log.journal.last_published()
        missing = sum(not log.journal.find(piece.id) for piece in read.accepted)
        late = late_in_words(root, log, read)
        sources = log.journal.sources()
    lines = {
        "origin": verifier.name,
        "key": str(verifier),
        "entries": str(size),
        "published": f"{count_words(head.size, 'entry', 'entries')}, root {head.root.hex()}{'' if last is None else f', at {last.at}'}",
        "not in it": count_words(missing, "verified piece of evidence", "verified pieces of evidence")
        if missing
        else "no verified evidence",
        "witnesses": witnesses_in_words(root, log),
        "sources": ", ".join(f"{name} ({count})" for name, count in sources.items()) or "none yet",
    }
    for label, text in lines.items():
        typer.echo(f"{label:<10} {text}")
    for line in late:
        typer.echo(f"{'late':<10} {line}")


@app.command()
def prove(
    name: Annotated[
        str, typer.Argument(metavar="ID", help="The evidence's id, or its first digits (four or more); entry:12 for an entry by its index.")
    ],
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Write the proof to this file.")] = None,
    directory: WorkspaceOption = Path(),
) -> None:
    """Write the proof that a piece of evidence is in the published log, as a .tlog-proof that others verify offline."""
    root = open_root(directory)
    log = _open(root, _verifier(root))
    with in_words():
        proof = bytes(log.prove(_which(root, name)))
    if out is None:
        typer.echo(proof, nl=False)
        return
    try:
        out.write_bytes(proof)
    except OSError as error:
        refuse("unwritable", f"{out} cannot be written: {error.strerror}.")


def _which(root: Path, name: str) -> int | str:
    """Read what is asked for: an entry's index, or the id of a piece of evidence."""
    number = name.removeprefix("entry:")
    if number != name and number.isascii() and number.isdigit() and len(number) < 16:  # noqa: PLR2004 - digits of a number SQLite holds
        return int(number)
    if len(name) == _DIGEST_DIGITS and set(name) <= set("0123456789abcdef"):
        return name
    found = [piece.id for piece in _read(root).accepted if len(name) >= _FEWEST_DIGITS and piece.id.startswith(name)]
    if len(found) != 1:
        count = f"{len(found)} pieces of evidence have" if found else "No accepted evidence has"
        refuse("unknown-evidence", f"{count} an id that starts with {name!r}.", "See kybern evidence list.")
    return found[0]


@app.command("verify-proof")
def verify_proof(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The .tlog-proof file.")],
    key: Annotated[
        str | None, typer.Option("--key", metavar="KEY", help="The log's verifier key, or a file with it. Default: the workspace's log.")
    ] = None,
    envelope: Annotated[Path | None, typer.Option("--envelope", metavar="FILE", help="The proof must be of this very envelope.")] = None,
    policy: PolicyOption = None,
    directory: WorkspaceOption = Path(),
) -> None:
    """Verify a proof without a network: exit 0 if it holds, 1 if not."""
    from kybern.evidence import MAX_BYTES, Refused  # noqa: PLC0415
    from kybern.evidence.log import MAX_PROOF, Verifier, moment  # noqa: PLC0415

    data, wanted, given = content(file, MAX_PROOF), read_policy_file(policy), None
    with in_words():
        if key is not None:
            given = Verifier.parse(_key_text(key))
        elif wanted is None or not wanted.logs:
            given = _verifier(open_root(directory))
    try:
        proven, cosigned = _proven(data, given, wanted)
        if envelope is not None and hashlib.sha256(content(envelope, MAX_BYTES)).hexdigest() != proven.leaf.envelope:
            raise Refused(rule="other-envelope", message=f"the proof holds, but is of another envelope than {envelope}")  # noqa: TRY301
    except Refused as refused:
        typer.echo(f"does not hold: {refused.message} [{refused.rule}]")
        raise typer.Exit(1) from None
    leaf = proven.leaf
    typer.echo(f"holds: entry {proven.index} of the {proven.checkpoint.size} in the log {proven.checkpoint.origin}")
    for label, text in (("statement", leaf.statement), ("envelope", leaf.envelope), ("source", f"{leaf.source}, its number {leaf.seq}")):
        typer.echo(f"{label:<10} {text}")
    typer.echo(f"{'taken in':<10} {leaf.at:%Y-%m-%dT%H:%M:%SZ}, as the log says")
    for name, at in cosigned:
        typer.echo(f"{'cosigned':<10} {moment(at)} by {name}, as it says")
    same = "" if wanted is not None else ", nor that the log shows everybody the same: a policy of witnesses (--policy) does"
    typer.echo(f"It does not show that the statement is true{same}.", err=True)


def _proven(data: bytes, key: Verifier | None, policy: Policy | None) -> tuple[Proven, list[tuple[str, int]]]:
    """Verify a proof by a key, a policy or both; give who cosigned its checkpoint, and when. Raises `Refused`."""
    from kybern.evidence import Refused  # noqa: PLC0415
    from kybern.evidence.log import TlogProof, require, verify_proof  # noqa: PLC0415

    cosigned: list[tuple[str, int]] = []
    if policy is not None:
        note = TlogProof.parse(data).checkpoint
        cosigned = [(name, one.at) for name, one in require(policy, note, key).cosigned]
        _, key = policy.open(note, key)
    if key is None:
        raise Refused(rule="no-log", message="no key of the log is given")
    return verify_proof(data, key), cosigned


def read_policy_file(path: Path | None) -> Policy | None:
    """Read a policy; tells what is wrong with it and exits 2."""
    from kybern.base import InputError  # noqa: PLC0415
    from kybern.evidence.log import MAX_POLICY, read_policy  # noqa: PLC0415

    if path is None:
        return None
    try:
        return read_policy(content(path, MAX_POLICY), str(path))
    except InputError as error:
        fail(error)


def _key_text(key: str) -> str:
    path = Path(key)
    return content(path, _MAX_KEY).decode("utf-8", "replace") if "+" not in key else key


@app.command()
def audit(
    against: Annotated[
        Path | None,
        typer.Option("--against", metavar="CHECKPOINT", help="Audit only what came after this old checkpoint, or proof, that you kept."),
    ] = None,
    policy: PolicyOption = None,
    directory: WorkspaceOption = Path(),
) -> None:
    """Compute the log anew and compare: exit 0 if all holds, 1 if something does not."""
    from kybern.evidence.log import CHECKPOINT, MAX_NOTE, audit_folder, audit_since, audited  # noqa: PLC0415
    from kybern.evidence.log import audit as audit_all  # noqa: PLC0415

    root = open_root(directory)
    verifier = _verifier(root)
    wanted = read_policy_file(policy)
    with in_words():
        old = None if against is None else _kept_checkpoint(against)
        if not (root / JOURNAL).exists():
            typer.echo("The journal is not here; the entries are read as they are published.", err=True)
            found = audit_folder(root / LOG_FOLDER, verifier, old)
        else:
            log = _open(root, verifier)
            found = audit_all(log) if old is None else audit_since(log, old)
        if wanted is not None:
            found = audited(found, content(root / LOG_FOLDER / CHECKPOINT, MAX_NOTE), wanted, verifier)
    _tell(found)
    if not found.holds:
        raise typer.Exit(1)


def _kept_checkpoint(path: Path) -> bytes:
    """Read a checkpoint that somebody kept, by itself or in a proof."""
    from kybern.evidence.log import MAX_PROOF, TlogProof  # noqa: PLC0415

    data = content(path, MAX_PROOF)
    return TlogProof.parse(data).checkpoint if data.startswith(b"c2sp.org/tlog-proof@") else data


def _tell(found: Audit) -> None:
    for line in found.held:
        typer.echo(f"holds: {line}")
    for finding in found.findings:
        typer.echo(f"does not hold: {finding}")
    verdict = "All of it holds." if found.holds else count_words(len(found.findings), "finding") + "."
    typer.echo(f"{count_words(found.entries, 'entry', 'entries')} audited. {verdict}")
    words = "only a checkpoint kept elsewhere (--against) or a policy of witnesses (--policy) shows that"
    typer.echo(f"Whoever has the log's key can sign another past: {words}.", err=True)


def count_words(number: int, one: str, many: str = "") -> str:
    """Write a number with its noun."""
    return f"{number} {one if number == 1 else many or one + 's'}"
