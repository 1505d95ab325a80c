"""`kybern log sources`, and what `kybern log status` says of keys: what entries tell of where they come from."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kybern.cli._key import keyring_of
from kybern.cli._shared import WorkspaceOption, open_root, print_json

if TYPE_CHECKING:
    from kybern.evidence import Read
    from kybern.evidence.log import Log


def sources(directory: WorkspaceOption = Path(), as_json: Annotated[bool, typer.Option("--json", help="Write JSON.")] = False) -> None:
    """Count each source's entries, and tell which of its own numbers are missing: exit 1 if any is."""
    from kybern.cli._log import count_words, in_words, log_of  # noqa: PLC0415
    from kybern.evidence.log import count_sources  # noqa: PLC0415

    log = log_of(open_root(directory))
    with in_words():
        found = count_sources(leaf for _, block in log.journal.blocks(0, log.journal.size) for leaf in block)
    if as_json:
        print_json([vars(one) for one in found])
    for one in () if as_json else found:
        missing = f"missing {one.gaps}" if one.missing else "none missing"
        typer.echo(f"{one.source:<30} {count_words(one.entries, 'entry', 'entries')}, numbers {one.first} to {one.last}, {missing}")
    if any(one.missing for one in found):
        raise typer.Exit(1)


def late_in_words(root: Path, log: Log, read: Read) -> list[str]:
    """Say which evidence was signed by a key that had been revoked when the log took it in."""
    from kybern.cli._log import content  # noqa: PLC0415 - see the docstring of `_shared`
    from kybern.evidence import MAX_BYTES  # noqa: PLC0415
    from kybern.evidence.log import read_leaf, signed_late  # noqa: PLC0415

    keyring = keyring_of(root)
    found: list[str] = []
    if all(key.revoked_on is None for key in keyring):
        return found
    for piece in read.accepted:
        envelope = content(root / piece.source, MAX_BYTES)
        for index in log.journal.find(hashlib.sha256(envelope).hexdigest())[:1]:
            at = read_leaf(log.journal.leaf(index) or b"").at
            if (key := signed_late(envelope, keyring, at)) is not None:
                found.append(
                    f"{piece.id[:16]} came in at {at:%Y-%m-%dT%H:%M:%SZ}, after {key.label} was revoked: a thief may have dated it"
                )
    return found
