"""in-toto Statement v1: built from a predicate and its subjects, and read back strictly."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from kybern.base.validation import said_of
from kybern.base.yaml import pointer
from kybern.catalog import PredicateType
from kybern.evidence._foreign import CONTEXT, FOREIGN, signable
from kybern.evidence._json import read_json
from kybern.evidence._models import PREDICATE_PREFIX, PREDICATES, STATEMENT_TYPE, Predicate, Subject
from kybern.evidence._refused import Refused

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from kybern.base.validation import Path, Said

# RecordName and Sha256 of `_models`, for subjects, which are read by the thousand.
_NAME = re.compile(r"[a-z_]+:[a-z0-9][a-z0-9._-]*", re.ASCII)
_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)
_MAX_NAME = 120


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement read back: `id` is the SHA-256 of its bytes, `body` the predicate as JSON with its defaults filled in."""

    id: str
    predicate: Predicate
    subjects: tuple[Subject, ...]
    body: Mapping[str, Any]


def statement(predicate: Predicate, subjects: Iterable[Subject]) -> bytes:
    """Write the statement that `predicate` holds of `subjects`, as canonical JSON ready to sign.

    Unset optional fields are left out. Raises `Refused`: `no-subject`, `bad-subject` for subjects that would not be read back,
    `not-canonical` for a value that is not written alike everywhere.
    """
    named = [{"name": subject.ref, "digest": {"sha256": subject.digest}} for subject in subjects]
    _subjects(named)
    return signable(
        {
            "_type": STATEMENT_TYPE,
            "subject": named,
            "predicateType": predicate_uri(predicate.type),
            "predicate": body_of(predicate),
        }
    )


def predicate_uri(predicate: PredicateType) -> str:
    """Name the URI of a predicate type: `urn:kybern:predicate:measurement:v1`."""
    return f"{PREDICATE_PREFIX}{predicate.value}:v1"


_BY_URI = {predicate_uri(predicate): model for predicate, model in PREDICATES.items()}


def body_of(predicate: Predicate) -> dict[str, Any]:
    """Write the predicate as JSON-shaped values, unset optional fields left out."""
    return predicate.model_dump(mode="json", exclude_none=True)


def parse_statement(payload: bytes) -> Statement:
    """Read the payload of an envelope.

    Raises `Refused`: `not-json`, `wrong-statement-type`, `unknown-predicate`, `bad-predicate`, `no-context`, `no-subject`,
    `bad-subject`. Fields of the statement that in-toto does not define are passed over, as its specification asks; a predicate's are not.
    """
    value = read_json(payload, "the payload")
    if not isinstance(value, dict) or value.get("_type") != STATEMENT_TYPE:
        raise Refused(rule="wrong-statement-type", message=f"the payload is not an in-toto statement: its _type is not {STATEMENT_TYPE!r}")
    predicate = _predicate_of(value)
    return Statement(hashlib.sha256(payload).hexdigest(), predicate, _subjects(value.get("subject")), body_of(predicate))


def _predicate_of(value: Mapping[str, Any]) -> Predicate:
    """Read the predicate of a statement: one of ours, or one of others with what Kybern says beside it."""
    uri = value.get("predicateType")
    foreign = FOREIGN.get(uri) if isinstance(uri, str) else None
    if foreign is not None:
        return parse_predicate(foreign.model, foreign.body(value.get("predicate"), value.get(CONTEXT)))
    model = _BY_URI.get(uri) if isinstance(uri, str) else None
    if model is None:
        known = f"{PREDICATE_PREFIX}<type>:v1 with {', '.join(item.value for item in PREDICATES)}, or {', '.join(FOREIGN)}"
        message = f"predicateType {ascii(uri)[:120]} is none that is read here: {known}"
        raise Refused(rule="unknown-predicate", message=message)
    return parse_predicate(model, value.get("predicate"))


def parse_predicate(model: type[Predicate], body: object) -> Predicate:
    """Read a JSON-shaped body as a predicate, without bending types: a number written as a text is refused.

    Raises `Refused` (`bad-predicate`) naming every fault with its JSON pointer.
    """
    try:
        predicate = model.model_validate_json(json.dumps(body), strict=True)
        _in_calendar(predicate)
    except OverflowError:
        raise Refused(rule="bad-predicate", message="a moment lies outside the years 1 to 9999 in UTC") from None
    except ValidationError as error:
        found = said_of(error, body, model=model, whole=f"the {model.type.value}")
        faults = "; ".join(_fault(path, said) for path, said in found)
        raise Refused(rule="bad-predicate", message=f"the {model.type.value} is not complete and well-formed: {faults}") from None
    return predicate


def _in_calendar(predicate: Predicate) -> None:
    """Raise `OverflowError` for a moment that UTC cannot say: nobody who reads it should have to reckon with one."""
    for moment in (predicate.observed_at, predicate.expires_at):
        if moment is not None:
            moment.astimezone(UTC)


def _fault(path: Path, said: Said) -> str:
    """Write the JSON pointer to a fault and the fault, foreign characters in ASCII."""
    text = f"{pointer(('predicate', *path))}: {said.message[:1].lower()}{said.message[1:].removesuffix('.')}"
    return text.encode("unicode_escape").decode("ascii")


def _subjects(value: object) -> tuple[Subject, ...]:
    if not isinstance(value, list) or not value:
        raise Refused(rule="no-subject", message="the statement names no subject, so it is about nothing")
    found = tuple(_subject(item, index) for index, item in enumerate(value))
    if len({subject.ref for subject in found}) != len(found):
        raise Refused(rule="bad-subject", message="the statement names one subject twice")
    return found


def _subject(value: object, index: int) -> Subject:
    name = value.get("name") if isinstance(value, dict) else None
    digests = value.get("digest") if isinstance(value, dict) else None
    sha256 = digests.get("sha256") if isinstance(digests, dict) else None
    if not isinstance(name, str) or len(name) > _MAX_NAME or not _NAME.fullmatch(name):
        raise Refused(
            rule="bad-subject", message=f"/subject/{index}/name: {ascii(name)[:120]} is not a record's name, like 'ai_system:credit'"
        )
    if not isinstance(sha256, str) or not _SHA256.fullmatch(sha256):
        raise Refused(
            rule="bad-subject",
            message=f"/subject/{index}/digest/sha256: the digest of the record's version is missing or not 64 hex digits",
        )
    return Subject(name, sha256)
