"""`kybern evidence add`: state, sign and file a piece of evidence."""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, get_args

import typer

from kybern.cli._key import PassphraseOption, keyring_of, parse_moment, signing_key
from kybern.cli._shared import WorkspaceOption, catalog_here, fail, now, open_workspace, refuse

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from kybern.catalog import PredicateType
    from kybern.evidence import Evidence, Foreign, Keyring, Predicate, Refused, SigningKey, Subject
    from kybern.workspace import Workspace

_LARGEST_BODY = 1 << 20


def add(
    type_: Annotated[
        str,
        typer.Argument(
            metavar="TYPE",
            help="measurement, test-run, document, attestation, approval, decision, training, audit, verification, control-evidence; "
            "with --from: test-result, svr, bom, model-signature.",
        ),
    ],
    *,
    about: Annotated[
        list[str] | None, typer.Option("--about", metavar="REF", help="The record it is about, ai_system:credit. Repeatable.")
    ] = None,
    topic: Annotated[str, typer.Option("--topic", help="The topic it bears on: what the catalog's checks ask for.")],
    key: Annotated[str, typer.Option("--key", metavar="NAME", help="Sign with this key of .kybern/keys, or with the one at this path.")],
    observed_at: Annotated[str | None, typer.Option("--observed-at", metavar="TIME", help="When it was so. Default: now.")] = None,
    expires_at: Annotated[str | None, typer.Option("--expires-at", metavar="TIME", help="Until when it stands.")] = None,
    fields: Annotated[
        list[str] | None, typer.Option("--field", "-f", metavar="FIELD=VALUE", help="A field of the statement. Repeatable.")
    ] = None,
    file: Annotated[str | None, typer.Option("--file", metavar="FILE", help="Fields as a JSON object; - reads standard input.")] = None,
    document: Annotated[
        Path | None, typer.Option("--document", metavar="PATH", help="For a document: take digest and words from this file.")
    ] = None,
    source: Annotated[
        Path | None,
        typer.Option("--from", metavar="FILE", help="Bring in what another tool wrote: a predicate, statement, envelope or bundle."),
    ] = None,
    personal: Annotated[
        str | None, typer.Option("--personal", metavar="SUBJECT", help="Personal data of person:anna: seal it, so that it can be erased.")
    ] = None,
    passphrase_env: PassphraseOption = None,
    directory: WorkspaceOption = Path(),
) -> None:
    """State, sign and file a piece of evidence about records of the workspace."""
    foreign = _foreign(type_, source)
    kind = _kind(type_) if foreign is None else foreign.model.type
    found = open_workspace(directory)
    keyring, signer = keyring_of(found.root), signing_key(found.root, key, passphrase_env)
    trusted = keyring.get(signer.keyid)
    if trusted is None:
        refuse(
            "unknown-key",
            f"The keyring has no key {key} ({signer.keyid[:12]}…).",
            "Its signature would count for nothing: see kybern key list.",
        )
    given = _given(topic, observed_at, expires_at)
    if foreign is not None and source is not None:
        if file is not None or document is not None:
            refuse("from", "--file and --document do not go with --from.", "What the file does not say is given with -f.")
        for assignment in fields or ():
            _set(given, assignment, kind)
        payload = _restated(found, foreign, source, about, given, keyring)
    else:
        body = _defaults(kind, trusted.holder) | ({} if document is None else _document(document, found.root, kind))
        payload = _stated(found, kind, about, body | _from_file(file) | given, fields)
    _tell(found.root, *filed(found.root, payload, signer, keyring, personal=personal))


def _foreign(type_: str, source: Path | None) -> Foreign | None:
    """Find the type of others that is to be brought in; exits 2 where TYPE and --from do not go together."""
    from kybern.cli._evidence_foreign import NAMES, foreign_of  # noqa: PLC0415 - see the docstring of `_shared`

    if (type_ in NAMES) != (source is not None):
        refuse("from", f"--from goes with {', '.join(NAMES)}, and they with it.", "Write: kybern evidence add TYPE --from FILE")
    return foreign_of(type_)


def _given(topic: str, observed_at: str | None, expires_at: str | None) -> dict[str, Any]:
    """Take what the options say."""
    moments = {
        "observed_at": parse_moment(observed_at, "--observed-at"),
        "expires_at": parse_moment(expires_at, "--expires-at"),
    }
    return {"topic": topic} | {name: moment.isoformat() for name, moment in moments.items() if moment is not None}


def _stated(found: Workspace, kind: PredicateType, about: list[str] | None, body: dict[str, Any], fields: list[str] | None) -> bytes:
    """Write the statement of a predicate of ours."""
    from kybern.evidence import PREDICATES, Refused, statement  # noqa: PLC0415

    if not about:
        refuse("no-subject", "What is it about?", "Name a record with --about.")
    subjects = [subject_of(found, ref) for ref in about]
    for assignment in fields or ():
        _set(body, assignment, kind)
    for name, value in PREDICATES[kind].worked_out(body).items():
        body.setdefault(name, value)
    predicate = _predicate(kind, body)
    _warn(found.root, kind, predicate, now())
    try:
        return statement(predicate, subjects)
    except Refused as refused:
        _fail(refused)


def _restated(found: Workspace, foreign: Foreign, source: Path, about: list[str] | None, given: dict[str, Any], keyring: Keyring) -> bytes:
    """Write the statement of a predicate of others, with what Kybern says beside it."""
    from kybern.cli import _evidence_foreign as bringing  # noqa: PLC0415
    from kybern.evidence import Refused, foreign_statement, parse_statement  # noqa: PLC0415

    brought = bringing.bring_in(source, foreign, keyring)
    subjects = bringing.subjects_of(found, brought, foreign, about)
    context = bringing.context_of(brought, foreign, given, found.root, source)
    try:
        payload = foreign_statement(foreign, brought.predicate, context, subjects)
        predicate = parse_statement(payload).predicate
    except Refused as refused:
        _fail(refused)
    bringing.tell_unchecked(brought)
    _warn(found.root, predicate.type, predicate, now())
    return payload


def _kind(text: str) -> PredicateType:
    from kybern.catalog import PredicateType  # noqa: PLC0415 - see the docstring of `_shared`

    try:
        return PredicateType(text)
    except ValueError:
        refuse("unknown-predicate", f"There is no evidence of type {text!r}.", _meant(text, list(PredicateType), "The types are"))


def _meant(text: str, names: list[str], lead: str) -> str:
    close = get_close_matches(text, names, n=1)
    return f"Did you mean {close[0]}?" if close else f"{lead} {', '.join(names)}."


def subject_of(found: Workspace, ref: str) -> Subject:
    """Name a record in its present version; exits 2 if there is none."""
    from kybern.evidence import Subject  # noqa: PLC0415

    record = found.records.get(ref)
    if record is None:
        close = get_close_matches(ref, [other.ref for other in found.records], n=1)
        refuse("unknown-record", f"There is no record {ref}.", f"Did you mean {close[0]}?" if close else "A record is named kind:id.")
    return Subject(ref, record.digest)


def _defaults(kind: PredicateType, holder: str) -> dict[str, Any]:
    """Fill in what need not be written: observed now, collected with this program, by the holder of the key."""
    from kybern import __version__  # noqa: PLC0415
    from kybern.evidence import PREDICATES, ByPerson  # noqa: PLC0415

    body: dict[str, Any] = {
        "observed_at": now().replace(microsecond=0).isoformat(),
        "collector": {"name": "kybern", "version": __version__},
    }
    if issubclass(PREDICATES[kind], ByPerson):
        body["by"] = holder
    return body


def _document(path: Path, root: Path, kind: PredicateType) -> dict[str, Any]:
    """Take what can be seen of a document from its file."""
    if kind.value != "document":
        refuse("not-a-document", f"--document goes with evidence of type document, not {kind.value}.")
    try:
        data = path.read_bytes()
    except OSError as error:
        refuse("unreadable", f"{path} cannot be read: {error.strerror}.")
    resolved = path.resolve()
    body: dict[str, Any] = {"title": path.name, "sha256": hashlib.sha256(data).hexdigest()}
    if resolved.is_relative_to(root):
        body["path"] = resolved.relative_to(root).as_posix()
    try:
        return body | {"words": len(re.findall(r"\w+", data.decode("utf-8")))}
    except UnicodeDecodeError:  # a PDF or an office file: its words are not counted
        return body


def _from_file(name: str | None) -> dict[str, Any]:
    if name is None:
        return {}
    try:
        data = sys.stdin.buffer.read(_LARGEST_BODY + 1) if name == "-" else Path(name).read_bytes()
        value = json.loads(data[: _LARGEST_BODY + 1])
    except OSError as error:
        refuse("unreadable", f"{name} cannot be read: {error.strerror}.")
    except (ValueError, RecursionError) as error:
        refuse("not-json", f"{name} is not JSON: {error}.")
    if not isinstance(value, dict):
        refuse("not-json", f"{name} does not hold a JSON object of fields.")
    return value


def _set(body: dict[str, Any], assignment: str, kind: PredicateType) -> None:
    """Put `field=value` or `collector.name=value` into the body."""
    from kybern.evidence import PREDICATES  # noqa: PLC0415

    name, equals, text = assignment.partition("=")
    if not equals:
        refuse("bad-field", f"-f {assignment!r} has no value.", "Write -f field=value.")
    outer, _, inner = name.partition(".")
    field = PREDICATES[kind].model_fields.get(outer)
    if inner:
        if not isinstance(body.get(outer, {}), dict):
            refuse("bad-field", f"{outer} has no parts, so there is no {name}.", f"Write -f {outer}=value.")
        body[outer] = {**body.get(outer, {}), inner: text}
    else:
        body[name] = number_or_text(text) if field is not None and _wants_number(field.annotation) else text


def _wants_number(annotation: object) -> bool:
    return annotation in (int, float, bool) or any(_wants_number(inner) for inner in get_args(annotation) if not isinstance(inner, str))


def number_or_text(text: str) -> object:
    """Read a number, true or false; anything else stays text, and the check of the field says what is wrong with it."""
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return value if isinstance(value, int | float) else text


def _predicate(kind: PredicateType, body: dict[str, Any]) -> Predicate:
    from kybern.evidence import PREDICATES, Refused, parse_predicate  # noqa: PLC0415

    try:
        return parse_predicate(PREDICATES[kind], body)
    except Refused as refused:
        _fail(refused, f"See docs/handbook/evidence.md for the fields of {kind.value}.")


def _fail(refused: Refused, hint: str = "") -> NoReturn:
    refuse(refused.rule, f"{refused.message[:1].upper()}{refused.message[1:]}.", hint)


def _warn(root: Path, kind: PredicateType, predicate: Predicate, at: datetime) -> None:
    """Say what may be a slip, and go on."""
    if predicate.observed_at > at:
        typer.echo("warning: observed_at lies in the future; it counts only from then on.", err=True)
    topics = _topics(root)
    if predicate.topic not in topics:
        close = get_close_matches(predicate.topic, topics, n=1)
        hint = f"Did you mean {close[0]}?" if close else "kybern catalog show CONTROL says what its checks ask about."
        typer.echo(f"warning: no check of the catalog asks about the topic {predicate.topic}. {hint}", err=True)
    elif kind not in topics[predicate.topic]:
        wanted = ", ".join(sorted(topics[predicate.topic]))
        typer.echo(f"warning: on {predicate.topic} the catalog's checks ask for {wanted}, not {kind.value}.", err=True)


def _topics(root: Path) -> dict[str, set[str]]:
    """List the topics the catalog's checks ask about, each with the types of evidence they take."""
    from kybern.catalog import EvidenceCheck  # noqa: PLC0415

    controls = catalog_here(root).controls.values()
    topics: dict[str, set[str]] = {}
    for check in (check for control in controls for check in control.checks):
        if isinstance(check, EvidenceCheck) and check.topic is not None:
            topics.setdefault(check.topic, set()).add(check.predicate.value)
    return topics


def file_piece(
    root: Path, predicate: Predicate, subjects: Sequence[Subject], signer: SigningKey, keyring: Keyring, *, err: bool = False
) -> None:
    """Write the statement that a predicate holds of subjects, sign and file it; `err` tells so on standard error."""
    _tell(root, *filed(root, _written(predicate, subjects), signer, keyring), err=err)


def file_signed(root: Path, predicate: Predicate, subjects: Sequence[Subject], signer: SigningKey, keyring: Keyring) -> Evidence:
    """Do as `file_piece` does, and tell nothing."""
    return filed(root, _written(predicate, subjects), signer, keyring)[0]


def filed(root: Path, payload: bytes, signer: SigningKey, keyring: Keyring, *, personal: str | None = None) -> tuple[Evidence, Path]:
    """Sign, hold the result against the keyring as any reader will, and only then write it; sealed if it is `personal`.

    Gives the piece and where it lies; exits 2 with the reason where that fails.
    """
    from kybern.base import InputError  # noqa: PLC0415
    from kybern.evidence import FOLDER, VAULT, Refused, Vault, protect, sign, verify, write  # noqa: PLC0415

    try:
        envelope = sign(payload, signer)
        piece = verify(envelope, keyring)
        if personal is None:
            return piece, write(root / FOLDER, envelope)
        vault = Vault(root / VAULT, os.urandom)
        with vault.locked():
            return piece, protect(root / FOLDER, envelope, vault, personal)
    except Refused as refused:
        _fail(refused)
    except InputError as error:
        fail(error, root)
    except OSError as error:
        refuse("unwritable", f"{root / FOLDER} cannot be written: {error.strerror}.")


def _written(predicate: Predicate, subjects: Sequence[Subject]) -> bytes:
    from kybern.evidence import Refused, statement  # noqa: PLC0415

    try:
        return statement(predicate, subjects)
    except Refused as refused:
        _fail(refused)


def _tell(root: Path, piece: Evidence, path: Path, *, err: bool = False) -> None:
    typer.echo(f"{piece.id}  {path.relative_to(root).as_posix()}  {piece.strength.label}", err=err)
