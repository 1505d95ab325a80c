"""`kybern policy anchor` and `anchors`: the chain of recorded decisions held in the evidence log, so that nobody shortens or changes it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kybern.cli._key import PassphraseOption
from kybern.cli._log import count_words, in_words, log_of, log_to_write
from kybern.cli._policy import app, recorded
from kybern.cli._shared import WorkspaceOption, now, open_root, refuse

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kybern.evidence.log import Leaf, Log

FileArgument = Annotated[Path, typer.Argument(metavar="FILE", help="Recorded decisions, one JSON object a line.")]
NameOption = Annotated[
    str | None,
    typer.Option("--name", metavar="NAME", help="What the chain is called in the log. Default: the file's name without endings."),
]
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,79}", re.ASCII)


def register(_: typer.Typer) -> None:
    """Add the commands to the group `policy`."""
    app.command()(anchor)
    app.command()(anchors)


def anchor(
    file: FileArgument, name: NameOption = None, passphrase_env: PassphraseOption = None, directory: WorkspaceOption = Path()
) -> None:
    """Put the digest of the last recorded decision into the evidence log, and publish.

    From then on nobody changes, takes out or puts in a decision before it unseen. Do it on a clock.
    """
    from kybern.evidence.log import event_entry  # noqa: PLC0415 - see the docstring of `_shared`

    root, source = open_root(directory), _source(file, name)
    found = [(one.number, one.digest) for one in recorded(file)]
    if not found:
        refuse("no-decisions", f"{file} holds no decision.", "kybern policy decide --record writes one.")
    log = log_to_write(root, passphrase_env)
    number, digest = found[-1]
    with in_words():
        if log.journal.sources().get(source) == number:
            typer.echo(f"{source}: {count_words(number, 'decision')} anchored before.")
            return
        index = log.append([event_entry(digest, source, number)], now())[0]
        log.publish(now())
    typer.echo(f"{source}: {count_words(number, 'decision')} anchored by entry {index}.")


def anchors(file: FileArgument, name: NameOption = None, directory: WorkspaceOption = Path()) -> None:
    """Hold a file of decisions against what the evidence log says of it. Exit 1 if a decision was changed or taken away since."""
    root, source = open_root(directory), _source(file, name)
    digests = {one.number: one.digest for one in recorded(file)}
    wrong = 0
    with in_words():
        entries = list(_entries(log_of(root), source))
    for index, leaf in entries:
        there = digests.get(leaf.seq)
        word = "holds" if there == leaf.digest else "does not hold: changed" if there else "does not hold: taken away"
        wrong += there != leaf.digest
        typer.echo(f"{word}: {count_words(leaf.seq, 'decision')}, as entry {index} of {leaf.at:%Y-%m-%dT%H:%M:%SZ} says")
    last = max((leaf.seq for _, leaf in entries), default=0)
    typer.echo(f"{len(digests) - min(last, len(digests))} of {count_words(len(digests), 'decision')} came after the last anchor.")
    if wrong or not entries:
        if not entries:
            typer.echo(f"The log holds no anchor of {source}: kybern policy anchor {file}")
        raise typer.Exit(1)


def _source(file: Path, name: str | None) -> str:
    """Name the chain as a source of the log; its numbers are the chain's own, so it can only grow."""
    chosen = name if name is not None else file.name.split(".", 1)[0].lower()
    if not _NAME.fullmatch(chosen):
        refuse("bad-name", f"{chosen!r} cannot be the name of a chain.", "Use small letters, digits, dots, dashes: --name credit-gates.")
    return f"decisions:{chosen}"


def _entries(log: Log, source: str) -> Iterator[tuple[int, Leaf]]:
    """Go through the entries of a source."""
    from kybern.evidence.log import read_leaf  # noqa: PLC0415

    mark = f'"source":"{source}"'.encode()
    for start, leaves in log.journal.blocks(0, log.journal.size):
        for at, raw in enumerate(leaves):
            if mark in raw and (leaf := read_leaf(raw)).source == source and leaf.type == "event":
                yield start + at, leaf
