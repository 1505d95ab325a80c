"""Time-stamps (RFC 3161) on checkpoints: asking for one, verifying one, reading those beside the log. rfc3161-client does the work."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from rfc3161_client import HashAlgorithm, TimestampRequestBuilder, VerificationError, VerifierBuilder, decode_timestamp_response
from rfc3161_client._rust import parse_timestamp_request

from kybern.evidence._refused import Refusal, Refused
from kybern.evidence.log._note import open_checkpoint
from kybern.evidence.log._time import Stamp

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from rfc3161_client import TimeStampRequest, TimeStampResponse

    from kybern.evidence.log._authority import Authority
    from kybern.evidence.log._log import Log

STAMPS: Final = "timestamp"
"""The folder of tokens in the log's folder: `timestamp/<size>/<authority>.tsr`, with the request and the note that was stamped."""

MAX_TOKEN: Final = 1 << 16
"""The longest request or response read, in bytes."""

_NOTE: Final = "checkpoint"
_SIZE: Final = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)
_GRANTED: Final = 0
_UNSTATED: Final = timedelta(seconds=1)
"""The accuracy of a token that states none: its time is in whole seconds."""


def place_of(size: int, name: str) -> str:
    """Name a file beside the tokens on the checkpoint of a size, relative to the log's folder."""
    return f"{STAMPS}/{size}/{name}"


def note_at(size: int) -> str:
    """Name the file with the note that was stamped, byte for byte."""
    return place_of(size, _NOTE)


def request_for(note: bytes) -> bytes:
    """Write a request for a time-stamp on a note: its SHA-256, a random nonce, and that certificates be sent along."""
    return TimestampRequestBuilder().data(note).hash_algorithm(HashAlgorithm.SHA256).build().as_bytes()


def answers(response: bytes, request: bytes) -> bool:
    """Tell whether a response bears the nonce of a request; `Refused` if it is none. What is no request is not answered."""
    nonce = _response(response).tst_info.nonce
    try:
        return bool(nonce == _request(request).nonce)
    except Refused:
        return False


def verify_token(response: bytes, request: bytes, note: bytes, authority: Authority) -> tuple[datetime, timedelta]:
    """Verify a response with its token: signature, chain to the pinned root, nonce, digest of the note. Give its time and accuracy.

    Raises `Refused`: `bad-request` and `bad-token` for what is none, `no-token` where the authority gave none, `wrong-token` where
    something of it does not fit.
    """
    asked, found = _request(request), _response(response)
    try:
        builder = VerifierBuilder.from_request(asked)
        for one in authority.certificates:
            builder = builder.add_root_certificate(one) if one.issuer == one.subject else builder.add_intermediate_certificate(one)
        if not builder.build().verify_message(found, note):
            raise VerificationError  # noqa: TRY301 - it never gives False today, and must not be trusted to go on so
        if found.tst_info.message_imprint.message != asked.message_imprint.message:
            message = "the token is not the answer to the request beside it"
            raise Refused(rule="wrong-token", message=message)
        return found.tst_info.gen_time.astimezone(UTC), _accuracy(found)
    except (VerificationError, ValueError, OverflowError) as error:
        said = str(error).split(" ErrorStack")[0].rstrip(": ")
        raise Refused(rule="wrong-token", message=f"the token of {authority.name} does not hold: {said or 'it was not accepted'}") from None


def _request(data: bytes) -> TimeStampRequest:
    try:
        found = parse_timestamp_request(data[: MAX_TOKEN + 1])
        whole = found.as_bytes() == data and found.nonce is not None
    except ValueError:
        whole = False
    if not whole:
        raise Refused(rule="bad-request", message="this is no request for a time-stamp with a nonce")
    return found


def _response(data: bytes) -> TimeStampResponse:
    try:
        found = decode_timestamp_response(data[: MAX_TOKEN + 1])
        status, granted = found.status, found.status == _GRANTED
        whole = len(data) <= MAX_TOKEN and (not granted or (found.tst_info and found.signed_data))
    except ValueError:
        whole = False
    if not whole:
        raise Refused(rule="bad-token", message="this is no response of a time-stamping authority")
    if not granted:
        raise Refused(rule="no-token", message=f"the authority gave no token: status {int(status)}")
    return found


def _accuracy(found: TimeStampResponse) -> timedelta:
    stated = found.tst_info.accuracy
    if stated is None:
        return _UNSTATED
    return timedelta(seconds=stated.seconds or 0, milliseconds=stated.millis or 0, microseconds=stated.micros or 0)


@dataclass(frozen=True)
class Stamps:
    """The tokens beside a log: those that hold, and those that do not, with the reason."""

    held: tuple[Stamp, ...] = ()
    refused: tuple[Refusal, ...] = ()


def read_stamps(log: Log, authorities: Iterable[Authority]) -> Stamps:
    """Verify every token beside the log against its note, the log's own tree and the authorities."""
    known = {one.name: one for one in authorities}
    held: list[Stamp] = []
    refused: list[Refusal] = []
    for path in _tokens(log.folder.path / STAMPS):
        try:
            held.append(_stamp(log, path.parent.name, path.stem, known))
        except Refused as reason:
            refused.append(Refusal(path.relative_to(log.folder.path).as_posix(), reason.rule, reason.message))
    return Stamps(tuple(held), tuple(refused))


def _tokens(folder: Path) -> Iterator[Path]:
    sizes = [path for path in folder.iterdir() if _SIZE.fullmatch(path.name) and path.is_dir()] if folder.is_dir() else []
    for size in sorted(sizes, key=lambda path: int(path.name)):
        yield from sorted(size.glob("*.tsr"))


def _stamp(log: Log, folder: str, name: str, known: dict[str, Authority]) -> Stamp:
    size, authority = int(folder), known.get(name)
    if authority is None:
        raise Refused(rule="unknown-authority", message=f"{ascii(name)[:60]} is none of the authorities trusted here")
    note, request, response = (log.folder.read(place_of(size, one)) for one in (_NOTE, f"{name}.tsq", f"{name}.tsr"))
    if note is None or request is None or response is None:
        raise Refused(rule="bad-token", message="the note or the request that belongs to it is missing")
    at, accuracy = verify_token(response, request, note, authority)
    found = open_checkpoint(note, log.verifier)
    if found.size != size or size > log.head().checkpoint.size or log.tree_at(size).root() != found.root:
        raise Refused(rule="fork", message=f"the checkpoint that was stamped is not this log's of {size} entries")
    logged = log.journal.find(hashlib.sha256(response).hexdigest())
    return Stamp(name, size, at, accuracy, min(logged, default=None))
