"""What evidence can be asked and given."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, Literal

from pydantic import TypeAdapter

from kybern.client._exchange import Call, path_of, query_of
from kybern.client._results import Batch, Evidence, EvidenceDetail, Outcome, Page

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator, Mapping
    from datetime import datetime

_LINES: Final = (("Content-Type", "application/x-ndjson"),)
_PIECES: Final = TypeAdapter(Page[Evidence])
_MOST_BYTES: Final = 16 << 20
"""Of one request; a piece that is larger goes alone."""


def put_evidence(envelopes: Iterable[bytes | Mapping[str, Any]], *, chunk: int = 2000) -> Generator[Call[Batch], Batch, Batch]:
    """Send signed envelopes (DSSE), in requests of at most `chunk` pieces, and tell what became of each.

    Each piece is verified by itself. Sending one again does no harm, so after an error in the middle all of it can be sent again.
    """
    accepted = known = refused = 0
    outcomes: list[Outcome] = []
    for lines in _chunks(envelopes, chunk):
        start = len(outcomes)
        found = yield Call(
            "POST",
            "evidence:batch",
            lambda answer: Batch.model_validate_json(answer.content),
            (),
            _LINES,
            b"".join(lines),
            writes=True,
            repeatable=True,
        )
        accepted, known, refused = accepted + found.accepted, known + found.known, refused + found.refused
        outcomes += [one.model_copy(update={"index": start + one.index}) for one in found.outcomes]
    return Batch(accepted=accepted, known=known, refused=refused, outcomes=tuple(outcomes))


def _chunks(envelopes: Iterable[bytes | Mapping[str, Any]], most: int) -> Iterator[list[bytes]]:
    if most < 1:
        detail = "A chunk has at least one piece."
        raise ValueError(detail)
    lines: list[bytes] = []
    size = 0
    for one in envelopes:
        line = _line(one)
        if lines and (len(lines) >= most or size + len(line) > _MOST_BYTES):
            yield lines
            lines, size = [], 0
        lines.append(line)
        size += len(line)
    if lines:
        yield lines


def _line(envelope: bytes | Mapping[str, Any]) -> bytes:
    """Write an envelope in one line. What is signed lies within it, so that its own white space is free."""
    text = envelope.strip() if isinstance(envelope, bytes) else _json(envelope)
    if b"\n" in text or b"\r" in text:
        text = _json(json.loads(text))
    if not text:
        detail = "An envelope is empty."
        raise ValueError(detail)
    return text + b"\n"


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def evidence(  # noqa: PLR0913 - each narrows the list
    *,
    subject: str | None = None,
    predicate: str | None = None,
    topic: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    strength: str | None = None,
    sort: Literal["observed_at", "received_at", "-observed_at", "-received_at"] = "-observed_at",
    page_size: int = 200,
) -> Call[Page[Evidence]]:
    """List evidence, the newest first, page by page. `since` is within the time asked for, `until` is not; `strength` is the least."""
    query = query_of(
        subject=subject,
        predicate=predicate,
        topic=topic,
        since=_moment(since),
        until=_moment(until),
        strength=strength,
        sort=sort,
        limit=page_size,
    )
    return Call("GET", "evidence", lambda answer: _PIECES.validate_json(answer.content), query)


def _moment(moment: datetime | None) -> str | None:
    if moment is not None and moment.tzinfo is None:
        detail = "A moment needs its time zone, such as UTC."
        raise ValueError(detail)
    return None if moment is None else moment.isoformat()


def evidence_piece(identity: str) -> Call[EvidenceDetail]:
    """Give a piece with its signatures, by its digest."""
    return Call("GET", path_of("evidence", identity), lambda answer: EvidenceDetail.model_validate_json(answer.content))


def envelope(identity: str) -> Call[bytes]:
    """Give the signed envelope of a piece, to the byte as it came."""
    return Call("GET", path_of("evidence", identity, "envelope"), lambda answer: answer.content)


def proof(identity: str) -> Call[bytes]:
    """Give the proof that the published log has a piece. Raises `NotFound` where no published checkpoint covers it yet."""
    return Call("GET", path_of("evidence", identity, "proof"), lambda answer: answer.content)
