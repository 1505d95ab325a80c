"""`kybern log sync`: evidence into the log; what a piece is logged as, and the numbers of sources that count themselves."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from kybern.cli._key import PassphraseOption, keyring_of
from kybern.cli._log import JOURNAL, content, count_words, evidence_of, in_words, log_to_write
from kybern.cli._shared import WorkspaceOption, now, open_root

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from kybern.evidence import Evidence, Keyring
    from kybern.evidence.log import Draft

OWN_NUMBERS = "#"
"""What ends the name of a source in the log where the numbers are its own."""


def sync(passphrase_env: PassphraseOption = None, directory: WorkspaceOption = Path()) -> None:
    """Append every verified piece of evidence that is not in the log yet, publish, then ask the witnesses, if there are any."""
    from kybern.cli._log_witness import ask_witnesses  # noqa: PLC0415
    from kybern.evidence.log import Came  # noqa: PLC0415

    root = open_root(directory)
    log, read, keyring = log_to_write(root, passphrase_env), evidence_of(root), keyring_of(root)
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


def _entry(root: Path, keyring: Keyring, piece: Evidence) -> Draft:
    """Make the entry of the envelope as it is now: the bytes that are verified are the bytes whose digest is logged, or committed to."""
    from kybern.evidence import MAX_BYTES, VAULT, Refused, Vault, open_stored, verify  # noqa: PLC0415
    from kybern.evidence.log import Entry, protected_entry  # noqa: PLC0415

    path = root / piece.source
    data = content(path, MAX_BYTES)
    envelope = open_stored(path, data, Vault(root / VAULT))
    if verify(envelope, keyring, piece.source).id != piece.id:
        raise Refused(rule="changed", message=f"{piece.source} is being changed")
    commitment = _commitment(path, data)
    if commitment is not None:
        return protected_entry(commitment)
    return Entry(piece.id, hashlib.sha256(envelope).hexdigest(), piece.signers[0], once=True)


def _numbered(drafts: Sequence[Draft], pieces: Sequence[Evidence], last: Mapping[str, int]) -> list[Draft]:
    """Let sources that count their own pieces number their entries, in order; one that comes too late for that, the log counts.

    They are logged under a name of their own, so that the log's counting and theirs are never mixed. What is protected stays as it
    is: its source and number would tell who it is of.
    """
    from kybern.evidence.log import Entry  # noqa: PLC0415

    rest: list[Draft] = []
    own: dict[tuple[str, int], Entry] = {}
    for draft, piece in zip(drafts, pieces, strict=True):
        number, source = piece.body.get("sequence"), f"{draft.source}{OWN_NUMBERS}"
        if not isinstance(draft, Entry) or not isinstance(number, int) or number <= last.get(source, 0) or (source, number) in own:
            rest.append(draft)
        else:
            own[source, number] = replace(draft, source=source, seq=number)
    return [*rest, *(own[key] for key in sorted(own))]


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


def _commitment(path: Path, data: bytes) -> str | None:
    """Give the commitment to a sealed piece; None for one that is not sealed."""
    from kybern.evidence import SEALED_SUFFIX, Sealed, parse_sealed  # noqa: PLC0415

    found = parse_sealed(data) if path.name.endswith(SEALED_SUFFIX) else None
    return found.commitments[-1] if isinstance(found, Sealed) else None


def logged_as(root: Path, piece: Evidence) -> str:
    """Name what a piece is found by in the log: its id, or the commitment to it."""
    from kybern.evidence import MAX_BYTES  # noqa: PLC0415

    path = root / piece.source
    return _commitment(path, content(path, MAX_BYTES)) or piece.id
