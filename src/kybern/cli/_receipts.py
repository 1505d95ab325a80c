"""`kybern evidence prove` and `verify-receipt`: three receipts from one tree, and their verification without a network."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from kybern.cli import _log
from kybern.cli._key import PassphraseOption, keyring_of, private_key
from kybern.cli._shared import WorkspaceOption, open_root, refuse

if TYPE_CHECKING:
    from kybern.evidence import Evidence, Keyring
    from kybern.evidence.log import Proven, TlogProof, Verifier

_MAX_RECEIPT = 1 << 21
_MAX_KEYRING = 1 << 22


def prove(
    name: Annotated[
        str, typer.Argument(metavar="ID", help="The evidence's id, or its first digits (four or more); entry:12 for an entry by its index.")
    ],
    form: Annotated[
        Literal["tlog", "cose", "sigstore"], typer.Option("--format", help="C2SP tlog-proof, COSE receipt, or sigstore bundle.")
    ] = "tlog",
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Write the receipt to this file.")] = None,
    passphrase_env: PassphraseOption = None,
    directory: WorkspaceOption = Path(),
) -> None:
    """Write a receipt of a piece of evidence that is in the published log. A COSE receipt is signed anew, with the log's key."""
    from kybern.evidence.log import cose_receipt  # noqa: PLC0415 - see the docstring of `_shared`

    root = open_root(directory)
    verifier = _log.log_verifier(root)
    with _log.in_words():
        log = _log.log_of(root)
        proof = log.prove(_log.which(root, name, log))
        if form == "tlog":
            receipt = bytes(proof)
        elif form == "cose":
            receipt = cose_receipt(proof, verifier, private_key(root / _log.PRIVATE_KEY, passphrase_env))
        else:
            receipt = _bundle(root, proof)
    _log.emit(receipt, out)


def _bundle(root: Path, proof: TlogProof) -> bytes:
    """Write the bundle of the envelope that is the proven entry, as it lies in the workspace."""
    from kybern.evidence import FOLDER, MAX_BYTES, read_evidence, sigstore_bundle  # noqa: PLC0415
    from kybern.evidence.log import read_leaf  # noqa: PLC0415

    wanted = read_leaf(proof.extra).statement
    pieces = [piece for piece in read_evidence(root / FOLDER, keyring_of(root), root).accepted if piece.id == wanted]
    if not pieces:
        refuse("unknown-evidence", f"The evidence {wanted[:16]} of this entry is not in the workspace, or is refused.")
    return sigstore_bundle(_log.content(root / pieces[0].source, MAX_BYTES))


def verify_receipt(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A .tlog-proof, a COSE receipt or a sigstore bundle.")],
    key: Annotated[
        str | None, typer.Option("--key", metavar="KEY", help="The log's verifier key, or a file with it. Default: the workspace's log.")
    ] = None,
    keys: Annotated[
        Path | None, typer.Option("--keys", metavar="FILE", help="For a bundle: the keyring. Default: the workspace's keys.yaml.")
    ] = None,
    envelope: Annotated[
        Path | None, typer.Option("--envelope", metavar="FILE", help="The receipt must be of this piece of evidence.")
    ] = None,
    directory: WorkspaceOption = Path(),
) -> None:
    """Verify a receipt of any of the three forms without a network: exit 0 if it holds, 1 if not."""
    from kybern.evidence import Refused  # noqa: PLC0415

    data = _log.content(file, _MAX_RECEIPT)
    wanted = None if envelope is None else _statement(envelope)
    try:
        if _is_bundle(data):
            _tell_bundle(_in_bundle(data, _keyring(keys, directory), wanted))
            return
        verifier = _verifier(key, directory)
        _tell_entry(_in_log(data, verifier, wanted))
    except Refused as refused:
        typer.echo(f"does not hold: {refused.message} [{refused.rule}]")
        raise typer.Exit(1) from None


def _is_bundle(data: bytes) -> bool:
    return data.lstrip()[:1] == b"{"


def _statement(envelope: Path) -> str:
    """Give the id of the piece of evidence in a file; exits 2 if it is none."""
    import hashlib  # noqa: PLC0415

    from kybern.evidence import MAX_BYTES, parse_envelope  # noqa: PLC0415

    with _log.in_words():
        return hashlib.sha256(parse_envelope(_log.content(envelope, MAX_BYTES)).payload).hexdigest()


def _keyring(file: Path | None, directory: Path) -> Keyring:
    from kybern.base import InputError  # noqa: PLC0415
    from kybern.cli._shared import fail  # noqa: PLC0415
    from kybern.evidence import Keyring  # noqa: PLC0415

    if file is None:
        return keyring_of(open_root(directory))
    try:
        return Keyring.from_yaml(_log.content(file, _MAX_KEYRING), str(file))
    except InputError as error:
        fail(error)


def _verifier(key: str | None, directory: Path) -> Verifier:
    from kybern.evidence.log import Verifier  # noqa: PLC0415

    if key is None:
        return _log.log_verifier(open_root(directory))
    with _log.in_words():
        return Verifier.parse(_log.key_text(key))


def _in_bundle(data: bytes, keyring: Keyring, wanted: str | None) -> Evidence:
    from kybern.evidence import parse_bundle, verify  # noqa: PLC0415

    found = verify(parse_bundle(data).envelope, keyring)
    _must_be(found.id, wanted)
    return found


def _in_log(data: bytes, verifier: Verifier, wanted: str | None) -> Proven:
    from kybern.evidence.log import verify_cose, verify_proof  # noqa: PLC0415

    proven = verify_proof(data, verifier) if data.startswith(b"c2sp.org/") else verify_cose(data, verifier)
    _must_be(proven.leaf.statement, wanted)
    return proven


def _must_be(found: str, wanted: str | None) -> None:
    from kybern.evidence import Refused  # noqa: PLC0415

    if wanted not in {None, found}:
        raise Refused(rule="other-envelope", message=f"the receipt is of another piece of evidence, {found[:16]}")


def _tell_entry(proven: Proven) -> None:
    leaf = proven.leaf
    typer.echo(f"holds: entry {proven.index} of the {proven.checkpoint.size} in the log {proven.checkpoint.origin}")
    for label, text in (("statement", leaf.statement), ("envelope", leaf.envelope), ("source", f"{leaf.source}, its number {leaf.seq}")):
        typer.echo(f"{label:<10} {text}")
    typer.echo("It does not show that the statement is true, nor that the log shows everybody the same.", err=True)


def _tell_bundle(piece: Evidence) -> None:
    typer.echo(f"holds: {piece.predicate} on {piece.topic}, signed by {', '.join(piece.signers)}")
    typer.echo(f"{'statement':<10} {piece.id}")
    typer.echo("A bundle does not show that the log has it: a .tlog-proof or a COSE receipt of the same statement does.", err=True)
