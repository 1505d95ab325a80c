"""`kybern evidence add`: state, sign and file a piece of evidence."""

from __future__ import annotations

import hashlib
import json
import re
import sys
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, get_args

import typer

from kybern.cli._key import PassphraseOption, keyring_of, parse_moment, signing_key
from kybern.cli._shared import WorkspaceOption, fail, now, open_workspace, refuse

if TYPE_CHECKING:
    from datetime import datetime

    from kybern.catalog import PredicateType
    from kybern.evidence import Keyring, Predicate, PrivateKey, Refused, Subject
    from kybern.workspace import Workspace

_LARGEST_BODY = 1 << 20


def add(
    type_: Annotated[
        str, typer.Argument(metavar="TYPE", help="measurement, test-run, document, attestation, approval, decision, training, audit.")
    ],
    *,
    about: Annotated[list[str], typer.Option("--about", metavar="REF", help="The record it is about, ai_system:credit. Repeatable.")],
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
    passphrase_env: PassphraseOption = None,
    directory: WorkspaceOption = Path(),
) -> None:
    """State, sign and file a piece of evidence about records of the workspace."""
    kind = _kind(type_)
    found = open_workspace(directory)
    keyring, signer = keyring_of(found.root), signing_key(found.root, key, passphrase_env)
    trusted = keyring.get(signer.keyid)
    if trusted is None:
        refuse(
            "unknown-key",
            f"The keyring has no key {key} ({signer.keyid[:12]}…).",
            "Its signature would count for nothing: see kybern key list.",
        )
    subjects = [_subject(found, ref) for ref in about]
    body = _defaults(kind, trusted.holder)
    if document is not None:
        body |= _document(document, found.root, kind)
    body |= _from_file(file) | {"topic": topic}
    for name, moment in (
        ("observed_at", parse_moment(observed_at, "--observed-at")),
        ("expires_at", parse_moment(expires_at, "--expires-at")),
    ):
        if moment is not None:
            body[name] = moment.isoformat()
    for field in fields or ():
        _set(body, field, kind)
    _work_out_share(kind, body)
    predicate = _predicate(kind, body)
    _warn(kind, predicate, now())
    _file(found.root, predicate, subjects, signer, keyring)


def _kind(text: str) -> PredicateType:
    from kybern.catalog import PredicateType  # noqa: PLC0415 - see the docstring of `_shared`

    try:
        return PredicateType(text)
    except ValueError:
        refuse("unknown-predicate", f"There is no evidence of type {text!r}.", _meant(text, list(PredicateType), "The types are"))


def _meant(text: str, names: list[str], lead: str) -> str:
    close = get_close_matches(text, names, n=1)
    return f"Did you mean {close[0]}?" if close else f"{lead} {', '.join(names)}."


def _subject(found: Workspace, ref: str) -> Subject:
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


def _work_out_share(kind: PredicateType, body: dict[str, Any]) -> None:
    """Fill in the share of a training that follows from its counts; counts of the wrong form are told by the check of the fields."""
    from kybern.evidence import TrainingHeld  # noqa: PLC0415

    passed, due = body.get("passed"), body.get("due")
    if kind is TrainingHeld.type and type(passed) is type(due) is int:
        body.setdefault("share_passed", TrainingHeld.share_of(passed, due))


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


def _warn(kind: PredicateType, predicate: Predicate, at: datetime) -> None:
    """Say what may be a slip, and go on."""
    if predicate.observed_at > at:
        typer.echo("warning: observed_at lies in the future; it counts only from then on.", err=True)
    topics = _topics()
    if predicate.topic not in topics:
        close = get_close_matches(predicate.topic, topics, n=1)
        hint = f"Did you mean {close[0]}?" if close else "kybern catalog show CONTROL says what its checks ask about."
        typer.echo(f"warning: no check of the catalog asks about the topic {predicate.topic}. {hint}", err=True)
    elif kind not in topics[predicate.topic]:
        wanted = ", ".join(sorted(topics[predicate.topic]))
        typer.echo(f"warning: on {predicate.topic} the catalog's checks ask for {wanted}, not {kind.value}.", err=True)


def _topics() -> dict[str, set[str]]:
    """List the topics the catalog's checks ask about, each with the types of evidence they take."""
    from kybern.base import InputError  # noqa: PLC0415
    from kybern.catalog import EvidenceCheck, load_catalog  # noqa: PLC0415

    try:
        controls = load_catalog().controls.values()
    except InputError as error:
        fail(error)
    topics: dict[str, set[str]] = {}
    for check in (check for control in controls for check in control.checks):
        if isinstance(check, EvidenceCheck) and check.topic is not None:
            topics.setdefault(check.topic, set()).add(check.predicate.value)
    return topics


def _file(root: Path, predicate: Predicate, subjects: list[Subject], signer: PrivateKey, keyring: Keyring) -> None:
    """Sign, hold the result against the keyring as any reader will, and only then write it."""
    from kybern.base import InputError  # noqa: PLC0415
    from kybern.evidence import FOLDER, Refused, sign, statement, verify, write  # noqa: PLC0415

    try:
        envelope = sign(statement(predicate, subjects), signer)
        piece = verify(envelope, keyring)
        path = write(root / FOLDER, envelope)
    except Refused as refused:
        _fail(refused)
    except InputError as error:
        fail(error, root)
    except OSError as error:
        refuse("unwritable", f"{root / FOLDER} cannot be written: {error.strerror}.")
    typer.echo(f"{piece.id}  {path.relative_to(root).as_posix()}  {piece.strength.label}")
