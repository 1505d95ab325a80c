"""Predicates of others: in-toto Test Result and SVR, CycloneDX BOM, OpenSSF model signing. Read as they are, and as evidence.

Their specifications know no topic, mostly no time, and no records. So Kybern's statement has such a predicate unchanged under its own type,
names records as its subjects, and says the rest in one field beside it, `urn:kybern:evidence:v1`. in-toto asks readers to pass over fields
they do not know, so whoever reads these predicates reads them here too (docs/decisions/0017).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from kybern.base import canonical_json, restricted
from kybern.evidence._models import STATEMENT_TYPE, DocumentSeen, Predicate, Subject, TestRun, Verification
from kybern.evidence._refused import Refused

CONTEXT: Final = "urn:kybern:evidence:v1"
"""The field of a statement in which Kybern says what a predicate of others does not."""

_MOST: Final = 20_000
_LONGEST: Final = 2000
_HEX: Final = re.compile(r"(?:[0-9a-f]{2}){16,64}", re.ASCII)


@dataclass(frozen=True)
class Foreign:
    """A predicate type of others: its URI, what we call it, what kind of evidence it is, and what follows from it for that kind."""

    uri: str
    name: str
    model: type[Predicate]
    read: Callable[[Mapping[str, Any]], dict[str, Any]]
    moment: Callable[[Mapping[str, Any]], datetime] | None = None

    def body(self, predicate: object, context: object) -> dict[str, Any]:
        """Put the body of the evidence together: what the predicate says, and what the context does.

        Raises `Refused`: `no-context`, and `bad-predicate` where the two speak of one thing or the predicate is not of its form.
        """
        if not isinstance(context, dict):
            message = f"a {self.name} says neither topic nor time; the field {CONTEXT} that does is missing"
            raise Refused(rule="no-context", message=f"{message}. Bring it in with: kybern evidence add {self.name} --from FILE")
        if not isinstance(predicate, dict):
            raise _bad(self.name, why="it is no object")
        try:
            said = self.read(predicate)
            self._check_moment(predicate, context)
        except ValueError as error:
            raise _bad(self.name, why=str(error)) from None
        if twice := sorted(said.keys() & context.keys()):
            raise _bad(self.name, why=f"{CONTEXT} says {', '.join(twice)}, which the predicate says")
        return context | said

    def _check_moment(self, predicate: Mapping[str, Any], context: Mapping[str, Any]) -> None:
        """Raise `ValueError` where the predicate says when it was, and the context says otherwise."""
        stated = context.get("observed_at")
        if self.moment is not None and isinstance(stated, str) and datetime.fromisoformat(stated) != self.moment(predicate):
            msg = f"{CONTEXT}/observed_at is not the moment that the predicate says"
            raise ValueError(msg)


def foreign_statement(foreign: Foreign, predicate: Mapping[str, Any], context: Mapping[str, Any], subjects: tuple[Subject, ...]) -> bytes:
    """Write the statement with a predicate of others, as canonical JSON ready to sign. What is wrong with it, reading it says.

    Raises `Refused` (`not-canonical`) for a value that is not written alike everywhere.
    """
    named = [{"name": subject.ref, "digest": {"sha256": subject.digest}} for subject in subjects]
    whole = {"_type": STATEMENT_TYPE, "subject": named, "predicateType": foreign.uri, "predicate": predicate, CONTEXT: context}
    return signable(whole)


def signable(statement: Mapping[str, Any]) -> bytes:
    """Write a statement as canonical JSON; `Refused` (`not-canonical`) for a value that is not written alike everywhere."""
    try:
        return canonical_json(restricted(statement))
    except (ValueError, RecursionError) as error:
        raise Refused(rule="not-canonical", message=f"the statement cannot be signed: {error}") from None


def _bad(name: str, *, why: str) -> Refused:
    return Refused(rule="bad-predicate", message=f"the {name} is not complete and well-formed: {ascii(why)[1:-1]}")


def _texts(predicate: Mapping[str, Any], name: str) -> list[str] | None:
    """Read an optional list of texts."""
    found = predicate.get(name)
    if found is None:
        return None
    if not isinstance(found, list) or len(found) > _MOST or not all(isinstance(one, str) and len(one) <= _LONGEST for one in found):
        msg = f"/predicate/{name} is no list of texts"
        raise ValueError(msg)
    return found


def _test_result(predicate: Mapping[str, Any]) -> dict[str, Any]:
    """Count the tests that it names: a result without names has no counts, and none are made up."""
    result, configuration = predicate.get("result"), predicate.get("configuration")
    if not isinstance(result, str) or result not in {"PASSED", "WARNED", "FAILED"}:
        msg = "/predicate/result is not PASSED, WARNED or FAILED"
        raise ValueError(msg)
    if not isinstance(configuration, list) or not all(isinstance(one, dict) for one in configuration):
        msg = "/predicate/configuration is no list of objects"
        raise ValueError(msg)
    passed, warned, failed = (_texts(predicate, f"{name}Tests") for name in ("passed", "warned", "failed"))
    if passed is None and warned is None and failed is None:
        msg = "it names no tests, so nobody can count them: passedTests, warnedTests and failedTests are missing"
        raise ValueError(msg)
    if (result == "FAILED") != bool(failed) or (result == "PASSED" and warned):
        msg = f"/predicate/result is {result}, which is not what its lists of tests say"
        raise ValueError(msg)
    return {"suite": _suite(predicate, configuration), "passed": len(passed or ()) + len(warned or ()), "failed": len(failed or ())}


def _suite(predicate: Mapping[str, Any], configuration: list[dict[str, Any]]) -> str:
    """Name the test run: by its configuration, or its address."""
    named = [one.get(name) for one in configuration for name in ("name", "uri", "downloadLocation")]
    texts = [text for text in (*named, predicate.get("url")) if isinstance(text, str) and text]
    return texts[0][:_LONGEST] if texts else "in-toto test result"


def _svr(predicate: Mapping[str, Any]) -> dict[str, Any]:
    verifier = predicate.get("verifier")
    identity = verifier.get("id") if isinstance(verifier, dict) else None
    if not isinstance(identity, str) or not identity:
        msg = "/predicate/verifier/id is missing"
        raise ValueError(msg)
    moment_of(predicate)
    return {"verifier": identity, "properties": _texts(predicate, "properties") or []}


def moment_of(predicate: Mapping[str, Any]) -> datetime:
    """Read when an SVR was made; `ValueError` if it does not say."""
    text = predicate.get("timeCreated")
    found = datetime.fromisoformat(text) if isinstance(text, str) else None
    if found is None or found.tzinfo is None:
        msg = "/predicate/timeCreated is no moment with a time zone"
        raise ValueError(msg)
    return found


def _bom(predicate: Mapping[str, Any]) -> dict[str, Any]:
    if predicate.get("bomFormat") != "CycloneDX" or not isinstance(predicate.get("specVersion"), str):
        msg = "it has not bomFormat CycloneDX and a specVersion"
        raise ValueError(msg)
    for name in ("components", "services", "dependencies"):
        listed = predicate.get(name, [])
        if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
            msg = f"/predicate/{name} is no list of objects"
            raise ValueError(msg)
    return {}


def _model_signature(predicate: Mapping[str, Any]) -> dict[str, Any]:
    serialization = predicate.get("serialization")
    if not isinstance(serialization, dict) or not isinstance(serialization.get("method"), str):
        msg = "/predicate/serialization does not say how files were read"
        raise ValueError(msg)  # noqa: TRY004 - the content is wrong, not the caller's type
    resource_digests(predicate)
    return {}


def resource_digests(predicate: Mapping[str, Any]) -> list[str]:
    """Give the digests of a signed model's files, in their order; `ValueError` if they are not of their form."""
    listed = predicate.get("resources")
    if not isinstance(listed, list) or not 0 < len(listed) <= _MOST or not all(isinstance(one, dict) for one in listed):
        msg = "/predicate/resources is no list of files"
        raise ValueError(msg)
    names, digests = [one.get("name") for one in listed], [one.get("digest") for one in listed]
    if not all(isinstance(name, str) and name for name in names) or len(set(names)) != len(names):
        msg = "/predicate/resources has a file without a name, or a name twice"
        raise ValueError(msg)
    if not all(isinstance(digest, str) and _HEX.fullmatch(digest) for digest in digests):
        msg = "/predicate/resources has a file without a digest in hexadecimal digits"
        raise ValueError(msg)
    return [str(digest) for digest in digests]


FOREIGN: Final[Mapping[str, Foreign]] = {
    one.uri: one
    for one in (
        Foreign("https://in-toto.io/attestation/test-result/v0.1", "test-result", TestRun, _test_result),
        Foreign("https://in-toto.io/attestation/svr/v0.1", "svr", Verification, _svr, moment_of),
        Foreign("https://cyclonedx.org/bom", "bom", DocumentSeen, _bom),
        Foreign("https://model_signing/signature/v1.0", "model-signature", DocumentSeen, _model_signature),
    )
}
"""The predicate types of others that are read as evidence, by their URI."""
