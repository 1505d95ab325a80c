"""`kybern evidence protect` and `erase`: seal what is personal, and destroy the key it is sealed under."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from kybern.cli._key import PassphraseOption, keyring_of
from kybern.cli._shared import WorkspaceOption, now, open_root, open_workspace, refuse

if TYPE_CHECKING:
    from kybern.evidence import Vault
    from kybern.evidence.erasure import Done, Eraser, Wish

LogPassphraseOption = Annotated[
    str | None, typer.Option("--log-passphrase-env", metavar="VAR", help="The variable that holds the passphrase of the log's key.")
]

_SHOWN = 20


def protect(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A piece of evidence that is not in the log yet.")],
    subject: Annotated[str, typer.Option("--subject", metavar="REF", help="Whose personal data it holds: person:anna.")],
    directory: WorkspaceOption = Path(),
) -> None:
    """Seal a piece of evidence under a person's key, before it is logged, so that it can be erased."""
    from kybern.evidence import FOLDER, MAX_BYTES, SEALED_SUFFIX, VAULT, Refused, Vault, destroy, parse_envelope  # noqa: PLC0415
    from kybern.evidence import protect as seal  # noqa: PLC0415

    root = open_root(directory)
    if file.name.endswith(SEALED_SUFFIX):
        refuse("sealed-already", f"{file} is sealed already.")
    vault = Vault(root / VAULT, os.urandom)
    try:
        with file.open("rb") as opened:
            envelope = opened.read(MAX_BYTES + 1)
        with vault.locked():
            _not_logged(root, hashlib.sha256(parse_envelope(envelope).payload).hexdigest())
            path = _sealed_already(root, envelope, vault) or seal(root / FOLDER, envelope, vault, subject)
            destroy(file)
    except Refused as refused:
        refuse(refused.rule, f"{refused.message[:1].upper()}{refused.message[1:]}.")
    except OSError as error:
        refuse("unwritable", f"{error.filename or file} cannot be read or written: {error.strerror}.")
    typer.echo(path.relative_to(root).as_posix())
    typer.echo(f"{file} is destroyed. If it was committed, Git still has it.", err=True)


def _not_logged(root: Path, identity: str) -> None:
    """Refuse what is in the log with its plain digest: nothing takes that away."""
    from kybern.cli._log import JOURNAL  # noqa: PLC0415
    from kybern.evidence import Refused  # noqa: PLC0415
    from kybern.evidence.log import Journal  # noqa: PLC0415

    if (root / JOURNAL).exists() and Journal(root / JOURNAL).find(identity):
        raise Refused(
            rule="logged-already", message="it is in the log with its plain digest, which stays: a guess at its content can be tried"
        )


def _sealed_already(root: Path, envelope: bytes, vault: Vault) -> Path | None:
    """Find what an earlier call sealed before it was interrupted."""
    from kybern.evidence import FOLDER, SEALED_SUFFIX, Refused, open_stored  # noqa: PLC0415

    for path in sorted((root / FOLDER).rglob(f"*{SEALED_SUFFIX}")):
        try:
            if open_stored(path, path.read_bytes(), vault) == envelope:
                return path
        except Refused:
            continue
    return None


def erase(
    subject: Annotated[str | None, typer.Argument(metavar="SUBJECT", help="Whose data is to be erased: person:anna.")] = None,
    *,
    reason: Annotated[str | None, typer.Option("--reason", metavar="TEXT", help="Why, without naming the person: it stays.")] = None,
    key: Annotated[str | None, typer.Option("--key", metavar="NAME", help="Sign the receipt with this key, not the person's own.")] = None,
    asked_by: Annotated[
        Literal["data-subject", "controller", "authority", "court"], typer.Option("--asked-by", help="Who asked for it.")
    ] = "data-subject",
    ground: Annotated[str, typer.Option("--ground", metavar="TEXT", help="The legal ground.")] = "GDPR Art. 17(1)",
    resume: Annotated[bool, typer.Option("--resume", help="Only carry out what was ordered and not done.")] = False,
    passphrase_env: PassphraseOption = None,
    log_passphrase_env: LogPassphraseOption = None,
    directory: WorkspaceOption = Path(),
) -> None:
    """Destroy a person's key with every salt under it, and log a signed receipt; the entries stay, and say nothing any more.

    An erasure that was interrupted is taken up again first.
    """
    from kybern.cli._log import log_to_write  # noqa: PLC0415
    from kybern.evidence import VAULT, Refused, Vault  # noqa: PLC0415
    from kybern.evidence.erasure import Eraser, Wish  # noqa: PLC0415

    root = open_root(directory)
    if not resume and (subject is None or reason is None or key is None):
        refuse("missing-option", "An erasure needs SUBJECT, --reason and --key.", "Or --resume, to carry out what was ordered before.")
    eraser = Eraser(root, log_to_write(root, log_passphrase_env))
    try:
        with Vault(root / VAULT).locked():
            for name in eraser.orders():
                _tell(eraser.carry_out(name, now()), root)
            if not resume and subject is not None and reason is not None and key is not None:
                ordered = _order(eraser, root, subject, Wish(asked_by, ground, reason), (key, passphrase_env))
                _tell(eraser.carry_out(ordered, now()), root)
    except Refused as refused:
        refuse(refused.rule, f"{refused.message[:1].upper()}{refused.message[1:]}.")
    except OSError as error:
        refuse(
            "unwritable",
            f"{error.filename or 'A file'} cannot be read or written: {error.strerror}.",
            "Then: kybern evidence erase --resume.",
        )
    if subject is not None:
        _tell_what_is_left(root, subject)


def _order(eraser: Eraser, root: Path, subject: str, wish: Wish, key: tuple[str, str | None]) -> str:
    from kybern.cli._apply import check_words, signer_of  # noqa: PLC0415

    check_words("--reason", wish.reason)
    check_words("--ground", wish.ground)
    record = open_workspace(root).records.get(subject)
    holder, signer = signer_of(root, *key)
    return eraser.order(subject, wish, signer, holder, now(), () if record is None else (record.title,))


def _tell(done: Done, root: Path) -> None:
    entries = [str(one.index) for one in done.receipt.entries if one.index is not None]
    shown = f"{', '.join(entries[:_SHOWN])}{' …' if len(entries) > _SHOWN else ''}"
    which = f"entr{'y' if len(entries) == 1 else 'ies'} {shown}" if entries else "no entry of the log"
    receipt = f"entry {done.index}, {done.path.relative_to(root).as_posix()}"
    typer.echo(f"Erased: the key, every salt and content under it; {which}. Receipt: {receipt}")


def _tell_what_is_left(root: Path, subject: str) -> None:
    """Say what this program cannot reach, and what of it can be seen from here."""
    from kybern.base import InputError  # noqa: PLC0415
    from kybern.workspace import load_workspace  # noqa: PLC0415

    try:
        found = load_workspace(root)
    except InputError:
        typer.echo(f"The records cannot be read (kybern lint): see yourself whether {subject} still stands in them.", err=True)
    else:
        if subject in found.records:
            typer.echo(f"{subject} still stands in {found.places.file(subject)}: take it out there, then kybern apply.", err=True)
    trusted = ", ".join(one.name for one in keyring_of(root) if one.holder == subject)
    if trusted:
        message = f"keys.yaml names {subject} as holder of {trusted}: signatures need that for as long as they are to be checked."
        typer.echo(message, err=True)
    typer.echo(
        "Not reached from here: backups, copies, packs handed out, Git's history, and what a disk keeps of the key's blocks.",
        err=True,
    )
