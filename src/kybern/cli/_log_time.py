"""`kybern log trust-authority`, `timestamp`, `stamps`, `bounds`: when entries came into the log, by somebody else's clock."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kybern.cli import _log
from kybern.cli._shared import UNREADABLE, WorkspaceOption, fail, now, open_root, print_json, refuse

if TYPE_CHECKING:
    from kybern.evidence.log import Authority, Log, Stamp

_SECONDS = 30
_MAX_PEM = 40_000


def register(_: typer.Typer) -> None:
    """Add the commands to the group of the log."""
    _log.app.command("trust-authority")(trust_authority)
    _log.app.command()(timestamp)
    _log.app.command()(stamps)
    _log.app.command("bounds")(show_bounds)


def trust_authority(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What to call the authority here.")],
    certificate: Annotated[Path, typer.Option("--certificate", metavar="FILE", help="Its certificates in PEM form, with the root.")],
    url: Annotated[str | None, typer.Option("--url", metavar="URL", help="Where it answers by HTTP.")] = None,
    directory: WorkspaceOption = Path(),
) -> None:
    """Trust a time-stamping authority (RFC 3161): its certificate is pinned in authorities.yaml."""
    from pydantic import ValidationError  # noqa: PLC0415 - see the docstring of `_shared`

    from kybern.base import InputError  # noqa: PLC0415
    from kybern.evidence.log import AUTHORITIES_FILE, Authority, with_authority  # noqa: PLC0415

    root = open_root(directory)
    path = root / AUTHORITIES_FILE
    _authorities(root)  # what cannot be read is told before anything is written
    pem = _log.content(certificate, _MAX_PEM).decode("utf-8", "replace")
    try:
        authority = Authority(name=name, certificate=pem, url=url)
        path.write_bytes(with_authority(path.read_bytes() if path.exists() else b"", authority))
    except ValidationError as error:
        faults = "; ".join(f"{' '.join(map(str, one['loc']))} {one['msg'].removeprefix('Value error, ')}".strip() for one in error.errors())
        refuse("bad-authority", f"This authority cannot be: {faults}.")
    except InputError as error:
        fail(error, root)
    except OSError as error:
        refuse("unwritable", f"{path} cannot be written: {error.strerror}.")
    for one in authority.roots:
        typer.echo(f"{name}: root {one.subject.rfc4514_string()}, SHA-256 {_fingerprint(one.fingerprint)}")


def _fingerprint(take: Any) -> str:
    from cryptography.hazmat.primitives.hashes import SHA256  # noqa: PLC0415

    return bytes(take(SHA256())).hex()


def timestamp(
    names: Annotated[
        list[str] | None, typer.Option("--authority", metavar="NAME", help="Ask this one only. Repeatable. Default: every trusted one.")
    ] = None,
    request_out: Annotated[
        Path | None, typer.Option("--request-out", metavar="FILE", help="Without a network: write the request to this file.")
    ] = None,
    response: Annotated[
        Path | None, typer.Option("--response", metavar="FILE", help="Without a network: take this answer to an earlier request.")
    ] = None,
    directory: WorkspaceOption = Path(),
) -> None:
    """Have the published checkpoint stamped (RFC 3161), keep the tokens that hold, and append their digests to the log."""
    root = open_root(directory)
    log, chosen = _opened(root), _chosen(root, names)
    if (request_out or response) and len(chosen) != 1:
        refuse("authority", "Which authority is it?", "Name one with --authority.")
    if response is not None:
        _take_late(log, chosen[0], _log.content(response, 1 << 16))
    elif request_out is not None:
        _log.emit(_ask(log, chosen[0])[1], request_out)
    else:
        _ask_all(log, chosen)


def _ask_all(log: Log, authorities: list[Authority]) -> None:
    """Ask each authority that has not stamped the published checkpoint yet; exits 2 in the end if one gave no token that holds."""
    from kybern.evidence.log import place_of  # noqa: PLC0415

    failed = False
    for authority in authorities:
        with _log.in_words():
            size = log.head().checkpoint.size
        there = log.folder.read(place_of(size, f"{authority.name}.tsr"))
        if there is not None:
            _enter(log, authority, there)  # a crash may have come between keeping it and this
            typer.echo(f"{authority.name} stamped the checkpoint of {size} entries already.", err=True)
            continue
        try:
            size, request = _ask(log, authority)
            _take(log, authority, size, _post(authority, request))
        except typer.Exit:  # told; the next may answer
            failed = True
    if failed:
        raise typer.Exit(UNREADABLE)


def _opened(root: Path) -> Log:
    return _log.log_of(root)


def _authorities(root: Path) -> tuple[Authority, ...]:
    from kybern.base import InputError  # noqa: PLC0415
    from kybern.evidence.log import read_authorities  # noqa: PLC0415

    try:
        return read_authorities(root)
    except InputError as error:
        fail(error, root)


def _chosen(root: Path, names: list[str] | None) -> list[Authority]:
    known = {one.name: one for one in _authorities(root)}
    if not known:
        refuse("no-authority", "No time-stamping authority is trusted here.", "Trust one: kybern log trust-authority NAME …")
    strange = [name for name in names or () if name not in known]
    if strange:
        refuse("unknown-authority", f"There is no authority {strange[0]!r}.", f"Trusted are {', '.join(known)}.")
    return [known[name] for name in names] if names else list(known.values())


def _ask(log: Log, authority: Authority) -> tuple[int, bytes]:
    """Write a request for the published checkpoint and keep it, with the note that it is about; give the size and the request."""
    from kybern.evidence.log import note_at, open_checkpoint, place_of, request_for  # noqa: PLC0415

    with _log.in_words():
        head = log.head()
        size = head.checkpoint.size
        if size == 0:
            refuse("empty-log", "The log is empty: there is nothing to stamp.")
        if log.folder.read(place_of(size, f"{authority.name}.tsr")) is not None:
            refuse("stamped", f"{authority.name} stamped the checkpoint of {size} entries already.", "Publish more: kybern log sync.")
        stored = log.folder.read(note_at(size))  # another authority may have been asked about it
        note = head.note if stored is None or open_checkpoint(stored, log.verifier) != head.checkpoint else stored
        request = request_for(note)
        log.folder.put(note_at(size), note)
        log.folder.put(place_of(size, f"{authority.name}.tsq"), request)
        log.folder.settle()
    return size, request


def _post(authority: Authority, request: bytes) -> bytes:
    """Ask an authority by HTTP (RFC 3161, section 3.4). Nothing of the answer is trusted: the token is verified."""
    import urllib.request  # noqa: PLC0415
    from http.client import HTTPException  # noqa: PLC0415

    from kybern.evidence.log import MAX_TOKEN  # noqa: PLC0415

    if authority.url is None:
        refuse("no-url", f"The authority {authority.name} has no address.", "Use --request-out and --response.")
    headers = {"Content-Type": "application/timestamp-query", "Accept": "application/timestamp-reply"}
    asked = urllib.request.Request(authority.url, data=request, headers=headers, method="POST")  # noqa: S310 - http or https, by its form
    try:
        with urllib.request.urlopen(asked, timeout=_SECONDS) as answer:  # noqa: S310 - the same
            return bytes(answer.read(MAX_TOKEN + 1))
    except (OSError, HTTPException, ValueError) as error:
        refuse("unreachable", f"{authority.name} at {authority.url} gives no answer: {error}.", "Or use --request-out and --response.")


def _take_late(log: Log, authority: Authority, response: bytes) -> None:
    """Take the answer to an earlier request: the one whose nonce it bears."""
    from kybern.evidence.log import STAMPS, answers, place_of  # noqa: PLC0415

    folder = log.folder.path / STAMPS
    sizes = [int(path.parent.name) for path in folder.glob(f"*/{authority.name}.tsq") if path.parent.name.isdecimal()]
    with _log.in_words():
        fitting = [size for size in sorted(sizes) if answers(response, log.folder.read(place_of(size, f"{authority.name}.tsq")) or b"")]
    if not fitting:
        refuse("wrong-token", f"This answers none of the requests made to {authority.name}.", "Make one: --request-out FILE.")
    _take(log, authority, fitting[-1], response)


def _take(log: Log, authority: Authority, size: int, response: bytes) -> None:
    """Verify an answer, keep it, and enter it in the log."""
    from kybern.evidence.log import note_at, open_checkpoint, place_of, verify_token  # noqa: PLC0415

    with _log.in_words():
        request, note = log.folder.read(place_of(size, f"{authority.name}.tsq")), log.folder.read(note_at(size))
        at, accuracy = verify_token(response, request or b"", note or b"", authority)
        if open_checkpoint(note or b"", log.verifier).size != size:
            refuse("fork", f"The note that was stamped is not the checkpoint of {size} entries.")
        log.folder.put(place_of(size, f"{authority.name}.tsr"), response)
        log.folder.settle()
    index = _enter(log, authority, response)
    moment = f"{at:%Y-%m-%dT%H:%M:%SZ} (± {accuracy.total_seconds():g} s)"
    typer.echo(f"{authority.name}: the checkpoint of {size} entries existed at {moment}; entry {index}")
    typer.echo("The entry is published with the next kybern log sync.", err=True)


def _enter(log: Log, authority: Authority, response: bytes) -> int:
    """Append the digest of a token to the log, once: what comes after it there is younger than the token."""
    from kybern.evidence.log import Entry  # noqa: PLC0415

    digest = hashlib.sha256(response).hexdigest()
    with _log.in_words():
        return log.append([Entry(digest, digest, f"authority:{authority.name}", type="timestamp", once=True)], now())[0]


def stamps(directory: WorkspaceOption = Path()) -> None:
    """List the tokens beside the log and verify each, without a network: exit 0 if all hold, 1 if one does not."""
    from kybern.evidence.log import read_stamps  # noqa: PLC0415

    root = open_root(directory)
    with _log.in_words():
        found = read_stamps(_opened(root), _authorities(root))
    for one in found.held:
        logged = "not in the log" if one.logged is None else f"entry {one.logged}"
        typer.echo(f"holds: {one.authority}, checkpoint of {one.size} entries, {_moment(one)}, {logged}")
    for refusal in found.refused:
        typer.echo(f"does not hold: {refusal.source}: {refusal.message} [{refusal.rule}]")
    if found.refused:
        raise typer.Exit(1)
    if not found.held:
        typer.echo("No checkpoint is stamped yet: kybern log timestamp.", err=True)


def _moment(stamp: Stamp) -> str:
    return f"{stamp.at:%Y-%m-%dT%H:%M:%SZ} (± {stamp.accuracy.total_seconds():g} s)"


def show_bounds(
    name: Annotated[
        str, typer.Argument(metavar="ID", help="The evidence's id, or its first digits (four or more); entry:12 for an entry by its index.")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON.")] = False,
    directory: WorkspaceOption = Path(),
) -> None:
    """Show before and after which moments an entry came into the log, by the tokens that hold."""
    root = open_root(directory)
    found = bounds_of(root, _log.which(root, name, _log.log_of(root)))
    if found is None:
        refuse("unknown-entry", f"The log has no entry {name}.", "See kybern log status.")
    if as_json:
        print_json(found)
        return
    for line in in_lines(found):
        typer.echo(line)


def bounds_of(root: Path, which: int | str) -> dict[str, Any] | None:
    """Give the bounds of an entry, or of the first entry of a statement, JSON-shaped; None if the log does not have it."""
    from kybern.evidence.log import bounds, read_leaf, read_stamps  # noqa: PLC0415

    log = _opened(root)
    with _log.in_words():
        index = which if isinstance(which, int) else min(log.journal.find(which), default=-1)
        leaf = log.journal.leaf(index) if index >= 0 else None
        if leaf is None:
            return None
        read = read_stamps(log, _authorities(root))
        found = bounds(index, read.held)
        return {
            "index": index,
            "not_before": _as_json(found.not_before, found.not_before and found.not_before.earliest),
            "logged_at": read_leaf(leaf).at.isoformat(),
            "not_after": _as_json(found.not_after, found.not_after and found.not_after.latest),
            "contradict": found.contradict,
            "refused_tokens": len(read.refused),
        }


def _as_json(stamp: Stamp | None, moment: Any) -> dict[str, Any] | None:
    if stamp is None:
        return None
    return {"moment": moment.isoformat(), "authority": stamp.authority, "checkpoint": stamp.size, "token_entry": stamp.logged}


def in_lines(found: dict[str, Any]) -> list[str]:
    """Say bounds in words, a line each."""
    before, after = found["not_before"], found["not_after"]
    lines = {
        "entry": str(found["index"]),
        "not before": before and f"{before['moment']}, token of {before['authority']} in entry {before['token_entry']}",
        "taken in": f"{found['logged_at']}, as the log says",
        "not after": after and f"{after['moment']}, token of {after['authority']} on the checkpoint of {after['checkpoint']} entries",
    }
    told = [f"{label:<12} {text or 'no token tells'}" for label, text in lines.items()]
    if found["contradict"]:
        told.append("The two contradict each other: the clock of an authority is wrong, or a token is forged.")
    if found["refused_tokens"]:
        told.append(f"Tokens that do not hold and are left out: {found['refused_tokens']}. See kybern log stamps.")
    return told
