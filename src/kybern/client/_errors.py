"""What can go wrong: one class for each kind of problem document (RFC 9457), and for answers that never came or cannot be read."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    import httpx

_PROBLEM: Final = "application/problem+json"
_TYPE: Final = "urn:kybern:problem:"


class KybernError(Exception):
    """Whatever the client raises. None of its texts holds the token."""


class Unreachable(KybernError):  # noqa: N818 - the names say what is the case, as the server's do
    """No answer came. `sent` tells whether the server may have done what was asked all the same."""

    def __init__(self, detail: str, *, sent: bool) -> None:
        """Take what happened, in words."""
        super().__init__(detail)
        self.sent = sent


class BadAnswer(KybernError):  # noqa: N818
    """The answer is none that a Kybern server of this version gives: another program answers there, or a proxy."""

    def __init__(self, detail: str, status: int) -> None:
        """Take what is wrong with it."""
        super().__init__(detail)
        self.status = status


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong with what was sent: rule, what is wrong, where, what would be right."""

    rule: str
    detail: str
    where: str = ""
    pointer: str = ""
    hint: str = ""


class Problem(KybernError):  # noqa: N818
    """The server answered with a problem document. `slug` is the last part of its type, `more` are its further members."""

    def __init__(self, status: int, slug: str, detail: str, instance: str = "", more: Mapping[str, Any] | None = None) -> None:
        """Take the document's members."""
        super().__init__(detail)
        self.status, self.slug, self.detail, self.instance, self.more = status, slug, detail, instance, dict(more or {})

    def __str__(self) -> str:
        """Say what is wrong, with status and slug, and the request's number for the server's operator."""
        number = self.instance.rpartition(":")[2]
        return f"{self.detail} ({self.status} {self.slug}{f', request {number}' if number else ''})"


class NotSignedIn(Problem):
    """The token does not stand: unknown, revoked or expired."""


class Denied(Problem):
    """What was asked needs a permission that is not granted."""

    @property
    def permission(self) -> str:
        """The permission, such as `records.write`; empty where the server does not say."""
        return str(self.more.get("permission", ""))


class NotFound(Problem):
    """There is nothing, or nothing that the token may know of."""


class Conflict(Problem):
    """Somebody changed the record meanwhile, or it is there already. Read it again, merge, and write with what stands now."""

    etag: str | None = None
    """The digest of the version that stands now, to be given as `if_match`; None where there is no record."""


class Refused(Problem):
    """What was asked is in the right form, and cannot be done as things stand."""


class StillRunning(Refused):
    """The same request, sent before under the same Idempotency-Key, is still being done."""

    retry_after: float | None = None
    """Seconds until it is worth asking again; None where the server does not say."""


class Gone(Problem):
    """What was asked for is kept no more, such as events of long ago."""


class Unusable(Problem):
    """What was sent cannot be used. `problems` says each thing that is wrong, and where."""

    @property
    def problems(self) -> tuple[Fault, ...]:
        """What is wrong, one by one; empty where the server says it in `detail` alone."""
        found = self.more.get("problems")
        return tuple(_fault(one) for one in found if isinstance(one, dict)) if isinstance(found, list) else ()


class RateLimited(Problem):
    """Too much was asked in too short a time."""

    retry_after: float | None = None
    """Seconds until it is worth asking again; None where the server does not say."""


class Unavailable(Problem):
    """The server cannot answer for the moment: it starts, or its database is away."""

    retry_after: float | None = None
    """Seconds until it is worth asking again; None where the server does not say."""


_CLASSES: Final[dict[int, type[Problem]]] = {
    HTTPStatus.UNAUTHORIZED: NotSignedIn,
    HTTPStatus.FORBIDDEN: Denied,
    HTTPStatus.NOT_FOUND: NotFound,
    HTTPStatus.CONFLICT: Refused,
    HTTPStatus.GONE: Gone,
    HTTPStatus.PRECONDITION_FAILED: Conflict,
    HTTPStatus.UNPROCESSABLE_ENTITY: Unusable,
    HTTPStatus.TOO_MANY_REQUESTS: RateLimited,
    HTTPStatus.SERVICE_UNAVAILABLE: Unavailable,
}


_STILL_RUNNING: Final = "still-running"


def _fault(said: dict[str, Any]) -> Fault:
    return Fault(*(str(said.get(name) or "") for name in ("rule", "detail", "where", "pointer", "hint")))


def error_of(answer: httpx.Response) -> KybernError:
    """Make the error that an answer of status 300 and more is."""
    document = _document(answer)
    made = _CLASSES.get(answer.status_code, Problem)
    if document is None:
        if made not in {RateLimited, Unavailable}:  # these two a proxy in front of the server may say, in its own words
            return BadAnswer(
                f"The answer is {answer.status_code} and no problem document: is this the address of Kybern?", answer.status_code
            )
        document = {"detail": "The server, or a proxy before it, does not answer for the moment."}
    known = {name: document.pop(name, None) for name in ("type", "title", "status", "detail", "instance")}
    slug = str(known["type"] or "").removeprefix(_TYPE) or "unknown"
    made = StillRunning if made is Refused and slug == _STILL_RUNNING else made
    error = made(answer.status_code, slug, str(known["detail"] or known["title"] or slug), str(known["instance"] or ""), document)
    if isinstance(error, Conflict):
        error.etag = str(document.get("current") or "") or None
    if isinstance(error, RateLimited | StillRunning | Unavailable):
        error.retry_after = retry_after(answer)
    return error


def _document(answer: httpx.Response) -> dict[str, Any] | None:
    if answer.headers.get("Content-Type", "").partition(";")[0].strip() != _PROBLEM:
        return None
    try:
        found = json.loads(answer.content)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def retry_after(answer: httpx.Response) -> float | None:
    """Read `Retry-After`, seconds or a date; a date counts from the answer's own `Date`, so that no clock of ours is asked."""
    said = answer.headers.get("Retry-After", "").strip()
    if said.isascii() and said.isdigit():
        return float(said[:9])
    until, told = _date(said), _date(answer.headers.get("Date", ""))
    return None if until is None or told is None else max(0.0, (until - told).total_seconds())


def _date(text: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(text)
    except (ValueError, IndexError, TypeError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
