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
    from collections.abc import Iterator

    from kybern.evidence import Read
    from kybern.evidence.log import Audit, Leaf, Log, Policy, Proven, Signer, Verifier

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
PolicyOption = Annotated[
    Path | None, typer.Option("--policy", metavar="FILE", help="Enough of these witnesses must have cosigned: a C2SP tlog-policy.")
]


def register(root: typer.Typer) -> None:
    """Add the command group."""
    from kybern.cli import _log_sources, _log_sync, _log_witness  # noqa: PLC0415 - they import this module

    app.command()(_log_sync.sync)
    app.command()(_log_sources.sources)
    app.add_typer(_log_witness.app, name="witness")
    root.add_typer(app, name="log")


@contextmanager
def in_words() -> Iterator[None]:
    """Tell what the log refuses, what cannot be read as input, or the disk, and exit 2."""
    from kybern.base import InputError  # noqa: PLC0415 - see the docstring of `_shared`
    from kybern.evidence import Refused  # noqa: PLC0415

    try:
        yield
    except InputError as error:
        fail(error)
    except Refused as refused:
        hint = "Make a log: kybern log init." if refused.rule in {"no-journal", "no-checkpoint"} else ""
        refuse(refused.rule, f"{refused.message[:1].upper()}{refused.message[1:]}.", hint)
    except OSError as error:
        refuse("unwritable", f"{error.filename or 'A file of the log'} cannot be read or written: {error.strerror}.")


def content(path: Path, limit: int = 1 << 20) -> bytes:
    """Read a file, at most one byte more than the limit; exits 2 where that fails."""
    try:
        with path.open("rb") as file:
            return file.read(limit + 1)
    except OSError as error:
        refuse("unreadable", f"{path} cannot be read: {error.strerror}.")


def log_verifier(root: Path) -> Verifier:
    """Read the public key of a workspace's log; exits 2 where there is none."""
    from kybern.evidence.log import Verifier  # noqa: PLC0415

    if not (root / KEY_FILE).exists():
        refuse("no-log", f"{root / LOG_FOLDER} holds no log.", "Make one: kybern log init.")
    with in_words():
        return Verifier.parse(content(root / KEY_FILE, _MAX_KEY).decode("utf-8", "replace"))


def log_of(root: Path) -> Log:
    """Open the log of a workspace to read it; exits 2 where there is none."""
    return _open(root, log_verifier(root))


def _open(root: Path, key: Signer | Verifier) -> Log:
    from kybern.evidence.log import Log  # noqa: PLC0415

    with in_words():
        return Log.open(root / LOG_FOLDER, root / JOURNAL, key)


def evidence_of(root: Path) -> Read:
    """Read and verify the evidence of a workspace."""
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
    with in_words():
        name = origin or f"kybern.local/{hashlib.sha256(key.public_raw).hexdigest()[:16]}"
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

    verifier = log_verifier(root)
    with in_words():
        signer = Signer(verifier.name, private_key(root / PRIVATE_KEY, passphrase_env))
    if signer.verifier != verifier:
        refuse("wrong-key", f"{PRIVATE_KEY} is not the key of this log: {KEY_FILE} names another.")
    return _open(root, signer)


@app.command()
def status(directory: WorkspaceOption = Path()) -> None:
    """Show the log's name and key, what is in it, published and cosigned, and how much evidence is not in it yet."""
    from kybern.cli import _log_sync  # noqa: PLC0415
    from kybern.cli._log_sources import late_in_words  # noqa: PLC0415
    from kybern.cli._log_witness import witnesses_in_words  # noqa: PLC0415

    root = open_root(directory)
    log, read = _open(root, verifier := log_verifier(root)), evidence_of(root)
    with in_words():
        head, size, last = log.head().checkpoint, log.journal.size, log.journal.last_published()
        missing = sum(not log.journal.find(_log_sync.logged_as(root, piece)) for piece in read.accepted)
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
    log = _open(root, log_verifier(root))
    with in_words():
        proof = bytes(log.prove(which(root, name, log)))
    emit(proof, out)


def emit(data: bytes, out: Path | None) -> None:
    """Write bytes into a file, or on standard output; exits 2 where that fails."""
    if out is None:
        typer.echo(data, nl=False)
        return
    try:
        out.write_bytes(data)
    except OSError as error:
        refuse("unwritable", f"{out} cannot be written: {error.strerror}.")


def which(root: Path, name: str, log: Log) -> int | str:
    """Read what is asked for: an entry's index, a record, of which the last entry is meant, or the id of a piece of evidence."""
    from kybern.cli import _log_sync  # noqa: PLC0415
    from kybern.evidence.log import term  # noqa: PLC0415

    number = name.removeprefix("entry:")
    if number != name and number.isascii() and number.isdigit() and len(number) < 16:  # noqa: PLR2004 - digits of a number SQLite holds
        return int(number)
    if len(name) == _DIGEST_DIGITS and set(name) <= set("0123456789abcdef"):
        return name
    if ":" in name and (versions := log.journal.found_by(term("ref", name))):
        return versions[-1][0]
    found = [piece for piece in evidence_of(root).accepted if len(name) >= _FEWEST_DIGITS and piece.id.startswith(name)]
    if len(found) != 1:
        count = f"{len(found)} pieces of evidence have" if found else "No accepted evidence has"
        refuse("unknown-evidence", f"{count} an id that starts with {name!r}.", "See kybern evidence list.")
    return _log_sync.logged_as(root, found[0])


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
            given = Verifier.parse(key_text(key))
        elif wanted is None or not wanted.logs:
            given = log_verifier(open_root(directory))
    try:
        proven, cosigned = _proven(data, given, wanted)
        if envelope is not None and hashlib.sha256(content(envelope, MAX_BYTES)).hexdigest() != proven.leaf.envelope:
            raise Refused(rule="other-envelope", message=f"the proof holds, but is of another envelope than {envelope}")  # noqa: TRY301
    except Refused as refused:
        typer.echo(f"does not hold: {refused.message} [{refused.rule}]")
        raise typer.Exit(1) from None
    leaf = proven.leaf
    typer.echo(f"holds: entry {proven.index} of the {proven.checkpoint.size} in the log {proven.checkpoint.origin}")
    for label, text in _leaf_lines(leaf):
        typer.echo(f"{label:<10} {text}")
    for name, at in cosigned:
        typer.echo(f"{'cosigned':<10} {moment(at)} by {name}, as it says")
    same = "" if wanted is not None else ", nor that the log shows everybody the same: a policy of witnesses (--policy) does"
    typer.echo(f"It does not show that the statement is true{same}.", err=True)


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


def key_text(key: str) -> str:
    """Take a verifier key as it is given, or from the file of that name."""
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
    verifier = log_verifier(root)
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
    found = _with_contents(found, root)
    _tell(found)
    if not found.holds:
        raise typer.Exit(1)


def _kept_checkpoint(path: Path) -> bytes:
    """Read a checkpoint that somebody kept, by itself or in a proof."""
    from kybern.evidence.log import MAX_PROOF, TlogProof  # noqa: PLC0415

    data = content(path, MAX_PROOF)
    return TlogProof.parse(data).checkpoint if data.startswith(b"c2sp.org/tlog-proof@") else data


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
    verdict = "All of it holds." if found.holds else count_words(len(found.findings), "finding") + "."
    typer.echo(f"{count_words(found.entries, 'entry', 'entries')} audited. {verdict}")
    words = "only a checkpoint kept elsewhere (--against) or a policy of witnesses (--policy) shows that"
    typer.echo(f"Whoever has the log's key can sign another past: {words}.", err=True)


def count_words(number: int, one: str, many: str = "") -> str:
    """Write a number with its noun."""
    return f"{number} {one if number == 1 else many or one + 's'}"
