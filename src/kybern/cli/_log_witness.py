"""`kybern log witness`: the log's side: which witnesses there are, and asking them to cosign what is published."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

import typer

from kybern.cli._shared import WorkspaceOption, fail, open_root, refuse

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kybern.evidence.log import KnownWitness, Log, Outcome, Post, Reply

app = typer.Typer(name="witness", help="The log's witnesses: who cosigns it, so that nobody can be shown another.", no_args_is_help=True)

WITNESSES = Path("log", "witnesses")
_TIMEOUT_SECONDS = 10
_MOST_SECONDS = 30
_MAX_ANSWER = 1 << 16


def _known(root: Path) -> tuple[KnownWitness, ...]:
    """Read the witnesses of a log; tells what is wrong and exits 2."""
    from kybern.base import InputError  # noqa: PLC0415 - see the docstring of `_shared`
    from kybern.evidence.log import read_witnesses  # noqa: PLC0415

    path = root / WITNESSES
    try:
        return read_witnesses(path.read_bytes(), str(path)) if path.exists() else ()
    except InputError as error:
        fail(error)
    except OSError as error:
        refuse("unreadable", f"{path} cannot be read: {error.strerror}.")


@app.command()
def add(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What to call it here.")],
    key: Annotated[str, typer.Argument(metavar="KEY", help="Its verifier key, as `kybern witness init` prints it.")],
    url: Annotated[str, typer.Argument(metavar="URL", help="Where it answers: https://witness.example.org.")],
    directory: WorkspaceOption = Path(),
) -> None:
    """Have the log ask a witness from now on. One that cosigns with two keys is added once with each."""
    from kybern.base import InputError  # noqa: PLC0415
    from kybern.evidence.log import read_witnesses  # noqa: PLC0415

    root = open_root(directory)
    path = root / WITNESSES
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        refuse("bad-url", f"{url!r} is no address of a witness.", "Write https://witness.example.org, without `?` and `#`.")
    _known(root)
    try:
        before = path.read_bytes() if path.exists() else b""
        text = before + (b"" if not before or before.endswith(b"\n") else b"\n") + f"witness {name} {key} {url.rstrip('/')}\n".encode()
        read_witnesses(text, str(path))
        path.parent.mkdir(exist_ok=True)
        fresh = path.with_name(f".{path.name}.new")
        fresh.write_bytes(text)
        fresh.replace(path)
    except InputError as error:
        fail(error)
    except OSError as error:
        refuse("unwritable", f"{path} cannot be written: {error.strerror}.")
    typer.echo(f"{name} is asked from now on. It must know this log too: kybern witness add-log, with {root / 'log' / 'key'}")


@app.command("list")
def list_witnesses(directory: WorkspaceOption = Path()) -> None:
    """List the witnesses, and up to which size each has cosigned."""
    from kybern.cli._log import log_of  # noqa: PLC0415

    root = open_root(directory)
    known = _known(root)
    log = log_of(root)
    for one in known:
        typer.echo(f"{one.name:<20} {one.key.algorithm:<9} {one.url}  {log.journal.cosigned_by(one.key)} of {log.journal.size} entries")
    if not known:
        typer.echo("No witness is known. Add one: kybern log witness add NAME KEY URL", err=True)


def witnesses_in_words(root: Path, log: Log) -> str:
    """Say who cosigned what is published, and when."""
    from kybern.cli._log import in_words  # noqa: PLC0415
    from kybern.evidence.log import cosignatures, moment  # noqa: PLC0415

    known = _known(root)
    with in_words():
        found = {one.key: one.at for one in cosignatures(log.head().note, [one.key for one in known])}
    there = ", ".join(f"{one.name} at {moment(found[one.key])}" for one in known if one.key in found)
    return f"{len(found)} of {len(known)} keys cosigned{': ' if there else ''}{there}" if known else "none"


@app.command()
def policy(
    quorum: Annotated[int, typer.Option("--quorum", min=1, help="How many of the witnesses must have cosigned.")],
    directory: WorkspaceOption = Path(),
) -> None:
    """Write a policy of this log and its witnesses, for who verifies: any so many of them. One of several keys counts once."""
    from kybern.cli._log import log_of  # noqa: PLC0415
    from kybern.evidence.log import Group, Policy  # noqa: PLC0415

    root = open_root(directory)
    by_url = _by_url(_known(root))
    if quorum > len(by_url):
        refuse(
            "unreachable-quorum", f"The log has {len(by_url)} witnesses; {quorum} can never have cosigned.", "See kybern log witness list."
        )
    groups = [Group("-or-".join(one.name for one in keys), 1, tuple(one.name for one in keys)) for keys in by_url.values() if len(keys) > 1]
    several = {name: group.name for group in groups for name in group.members}
    members = dict.fromkeys(several.get(one.name, one.name) for one in _known(root))
    groups.append(Group("enough", quorum, tuple(members)))
    typer.echo(str(Policy((log_of(root).verifier,), _known(root), tuple(groups), "enough")), nl=False)


def _by_url(known: Iterable[KnownWitness]) -> dict[str, list[KnownWitness]]:
    """Put together what answers at one address: a witness with its keys."""
    found: dict[str, list[KnownWitness]] = {}
    for one in known:
        found.setdefault(one.url, []).append(one)
    return found


@app.command()
def ask(directory: WorkspaceOption = Path()) -> None:
    """Ask every witness to cosign what is published: exit 0 if all did, 1 if one refused or did not answer."""
    from kybern.cli._log import log_of  # noqa: PLC0415
    from kybern.evidence.log import Came  # noqa: PLC0415

    root = open_root(directory)
    if not _known(root):
        refuse("no-witness", "The log has no witness.", "Add one: kybern log witness add NAME KEY URL")
    if any(one.came is not Came.COSIGNED for one in ask_witnesses(root, log_of(root)).values()):
        raise typer.Exit(1)


def ask_witnesses(root: Path, log: Log) -> dict[str, Outcome]:
    """Ask the witnesses of a log, keep and show what they cosign, and tell what became of it, by their addresses."""
    from kybern.cli._log import in_words  # noqa: PLC0415

    found: dict[str, Outcome] = {}
    for url, witnesses in _by_url(_known(root)).items():
        with in_words():
            found[url] = _ask_one(log, witnesses, post_to(url))
        _tell(", ".join(one.name for one in witnesses), url, found[url])
    return found


def _ask_one(log: Log, witnesses: list[KnownWitness], post: Post) -> Outcome:
    from kybern.evidence.log import ask  # noqa: PLC0415

    head, keys = log.head(), [one.key for one in witnesses]
    outcome = ask(log, head, keys, post, max(log.journal.cosigned_by(key) for key in keys))
    if outcome.cosigned:
        log.add_cosignatures(head.checkpoint.size, outcome.cosigned)
    return outcome


def _tell(names: str, url: str, outcome: Outcome) -> None:
    from kybern.evidence.log import Came, moment  # noqa: PLC0415

    if outcome.came is Came.COSIGNED:
        kinds = ", ".join(one.key.algorithm for one in outcome.cosigned)
        typer.echo(f"cosigned by {names} at {moment(outcome.cosigned[0].at)} ({kinds})")
    elif outcome.came is Came.REFUSED:
        typer.echo(f"REFUSED by {names}: {outcome.message} [{outcome.rule}]", err=True)
        typer.echo("The witness keeps both signed checkpoints. Restore the journal that was published, or explain this to them.", err=True)
    else:
        typer.echo(f"not cosigned by {names} ({url}): {outcome.message} [{outcome.rule}]", err=True)


def post_to(url: str) -> Post:
    """Give what sends a submission to an address: one request, no redirect, ten seconds a step, thirty in all."""

    def post(body: bytes) -> Reply:
        from http.client import HTTPConnection, HTTPException, HTTPSConnection  # noqa: PLC0415

        from kybern.cli._sockets import within  # noqa: PLC0415
        from kybern.evidence.log import Reply  # noqa: PLC0415

        parts = urlsplit(url)
        kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        try:
            connection = kind(parts.hostname or "", parts.port, timeout=_TIMEOUT_SECONDS)
            try:
                connection.connect()
                with within(_MOST_SECONDS, connection.sock):
                    connection.request(
                        "POST", f"{parts.path.rstrip('/')}/add-checkpoint", body, {"Content-Type": "text/plain; charset=utf-8"}
                    )
                    answer = connection.getresponse()
                    return Reply(answer.status, answer.getheader("Content-Type", ""), answer.read(_MAX_ANSWER))
            finally:
                connection.close()
        except (HTTPException, ValueError) as error:
            raise OSError(str(error) or type(error).__name__) from None

    return post
