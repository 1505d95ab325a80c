"""`kybern evidence add TYPE --from FILE`: bring in what other tools wrote, in the formats of in-toto, CycloneDX and OpenSSF."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import typer

from kybern.cli._shared import refuse

if TYPE_CHECKING:
    from kybern.evidence import Foreign, Keyring, Subject
    from kybern.workspace import Workspace

NAMES: Final = ("test-result", "svr", "bom", "model-signature")
"""The types that `--from` goes with."""

_DIGESTS: Final = {"model": "artefact_sha256", "dataset": "sha256"}
"""The field in which a record of a kind states the digest of what it is about."""

_BOM: Final = re.compile(r"https://cyclonedx\.org/bom(?:/v?1\.\d{1,2})?", re.ASCII)
_SHA256: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)
_MOST: Final = 1000


@dataclass(frozen=True)
class Brought:
    """What a file holds: the predicate, the SHA-256 digests of what it is about, and what can be said of who signed it."""

    predicate: dict[str, Any]
    sha256: str
    name: str
    artefacts: frozenset[str] = frozenset()
    signed: str = "it bears no signature"
    said: dict[str, Any] = field(default_factory=dict)


def foreign_of(name: str) -> Foreign | None:
    """Find a predicate type of others by our name for it."""
    from kybern.evidence import FOREIGN  # noqa: PLC0415 - see the docstring of `_shared`

    return next((one for one in FOREIGN.values() if one.name == name), None)


def bring_in(path: Path, foreign: Foreign, keyring: Keyring) -> Brought:
    """Read a file: a sigstore bundle, a DSSE envelope, a statement, or the predicate alone. Exits 2 where that fails."""
    from kybern.evidence import MAX_BYTES, Refused, read_json  # noqa: PLC0415

    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
        value = read_json(data, str(path))
        envelope = value.get("dsseEnvelope", value) if isinstance(value, dict) else value
        signed = "it bears no signature"
        if isinstance(envelope, dict) and "payload" in envelope:
            value, signed = _opened(envelope, keyring)
        predicate, artefacts = _stated(value, foreign)
        return Brought(predicate, hashlib.sha256(data).hexdigest(), path.name, artefacts, signed, _said(foreign, predicate, artefacts))
    except OSError as error:
        refuse("unreadable", f"{path} cannot be read: {error.strerror}.")
    except (Refused, ValueError) as error:
        why = error.message if isinstance(error, Refused) else str(error)
        refuse(error.rule if isinstance(error, Refused) else "bad-predicate", f"{path}: {why}.")


def _opened(envelope: dict[str, Any], keyring: Keyring) -> tuple[object, str]:
    """Open an envelope. Signatures by keys of the keyring must hold; of others it can only be said that there are some."""
    from kybern.base import canonical_json  # noqa: PLC0415
    from kybern.evidence import Refused, parse_envelope, read_json  # noqa: PLC0415

    signatures = envelope.get("signatures")
    named = [
        one if isinstance(one, dict) and one.get("keyid") else {**(one if isinstance(one, dict) else {}), "keyid": f"unnamed-{index}"}
        for index, one in enumerate(signatures if isinstance(signatures, list) else ())
    ]
    parsed = parse_envelope(canonical_json(envelope | {"signatures": named}))
    known = [key for keyid in parsed.signatures if (key := keyring.get(keyid))]
    for key in known:
        if not key.signed(parsed.signatures[key.keyid], parsed.pae()):
            raise Refused(rule="bad-signature", message=f"the signature of {key.label} does not fit")
    names = (f"{key.name}{' (a key since revoked)' if key.revoked_on else ''}" for key in known)
    signed = f"signed by {', '.join(names)}" if known else "its signature was not checked: the keyring has no such key"
    return read_json(parsed.payload, "the payload"), signed


def _stated(value: object, foreign: Foreign) -> tuple[dict[str, Any], frozenset[str]]:
    """Take the predicate out of a statement, or as it stands alone; with the digests of what it is about."""
    if not isinstance(value, dict):
        msg = "it holds no JSON object"
        raise ValueError(msg)  # noqa: TRY004 - the content is wrong, not the caller's type
    if "predicateType" not in value:
        return value, frozenset()
    uri = value["predicateType"]
    same = isinstance(uri, str) and (uri == foreign.uri or (foreign.name == "bom" and _BOM.fullmatch(uri)))
    predicate, subjects = value.get("predicate"), value.get("subject")
    if not same or not isinstance(predicate, dict):
        msg = f"its predicateType is {ascii(uri)[:100]}, not {foreign.uri}"
        raise ValueError(msg)
    digests = (one.get("digest") for one in (subjects if isinstance(subjects, list) else [])[:_MOST] if isinstance(one, dict))
    found = (digest.get("sha256") for digest in digests if isinstance(digest, dict))
    return predicate, frozenset(one.lower() for one in found if isinstance(one, str) and _SHA256.fullmatch(one.lower()))


def _said(foreign: Foreign, predicate: dict[str, Any], artefacts: frozenset[str]) -> dict[str, Any]:
    """Take from the predicate what the context needs and the predicate's own specification knows; `ValueError` for what contradicts."""
    from kybern.evidence import moment_of, resource_digests  # noqa: PLC0415

    foreign.read(predicate)
    if foreign.name == "svr":
        return {"observed_at": moment_of(predicate).isoformat()}
    if foreign.name == "bom":
        metadata = predicate.get("metadata")
        metadata = metadata if isinstance(metadata, dict) else {}
        component = metadata.get("component")
        name = component.get("name") if isinstance(component, dict) else None
        said = {"title": f"CycloneDX BOM of {name}" if isinstance(name, str) and name else "CycloneDX BOM"}
        return said | ({"observed_at": metadata["timestamp"]} if isinstance(metadata.get("timestamp"), str) else {})
    if foreign.name == "model-signature":
        digests = resource_digests(predicate)
        root = hashlib.sha256(b"".join(map(bytes.fromhex, digests))).hexdigest()
        if artefacts and artefacts != {root}:
            msg = "the digest of its subject is not that of its list of files"
            raise ValueError(msg)
        return {"title": f"Model signature over {len(digests)} file{'' if len(digests) == 1 else 's'}"}
    return {}


def subjects_of(found: Workspace, brought: Brought, foreign: Foreign, about: list[str] | None) -> tuple[Subject, ...]:
    """Find the records that a predicate is about: those named, held against the digests in it, or those that state one of them."""
    from kybern.evidence import Subject, resource_digests  # noqa: PLC0415

    digests = brought.artefacts
    if foreign.name == "model-signature":  # a record may state the digest of the one file, or of the whole
        digests |= frozenset(resource_digests(brought.predicate))
    stating = {
        record.ref: digest
        for kind, name in _DIGESTS.items()
        for record in found.records.of_kind(kind)
        if (digest := record.content.get(name)) is not None
    }
    if not about:
        refs = [ref for ref, digest in stating.items() if digest in digests]
        if not refs:
            hint = "Name the record with --about, or state the digest in it: artefact_sha256 of a model, sha256 of a dataset."
            refuse("no-subject", f"No record states a digest of what {brought.name} is about.", hint)
        about = refs
    for ref in about:
        if digests and ref in stating and stating[ref] not in digests:
            refuse("wrong-artefact", f"{brought.name} is about another artefact than {ref} states.", f"{ref} states {stating[ref]}.")
    return tuple(Subject(ref, _record_digest(found, ref)) for ref in about)


def _record_digest(found: Workspace, ref: str) -> str:
    from kybern.cli._evidence_add import subject_of  # noqa: PLC0415 - the two are one command

    return subject_of(found, ref).digest


def context_of(brought: Brought, foreign: Foreign, given: dict[str, Any], root: Path, path: Path) -> dict[str, Any]:
    """Put together what Kybern says beside the predicate."""
    from kybern import __version__  # noqa: PLC0415
    from kybern.evidence import DocumentSeen  # noqa: PLC0415

    context: dict[str, Any] = {
        "collector": {"name": "kybern", "version": __version__},
        "method": f"Brought in from {brought.name}, SHA-256 {brought.sha256}; {brought.signed}.",
        **brought.said,
    }
    if foreign.model is DocumentSeen:
        context["sha256"] = brought.sha256
        if path.resolve().is_relative_to(root):
            context["path"] = path.resolve().relative_to(root).as_posix()
    context |= given
    if "observed_at" not in context:
        refuse("no-time", f"{brought.name} does not say when that was.", "Give --observed-at.")
    return context


def tell_unchecked(brought: Brought) -> None:
    """Say that nobody but who brings it in vouches for it."""
    if not brought.signed.startswith("signed by"):
        typer.echo(f"warning: {brought.name}: {brought.signed}. Your signature is what vouches for it.", err=True)
