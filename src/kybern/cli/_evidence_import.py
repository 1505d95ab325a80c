"""`kybern evidence import`: read what another tool wrote, sign it, file it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kybern.cli._evidence_add import file_signed
from kybern.cli._key import PassphraseOption, keyring_of, parse_moment, signing_key
from kybern.cli._shared import WorkspaceOption, fail, now, open_workspace, print_json, refuse

if TYPE_CHECKING:
    from kybern.connect import Observation, Reading, Source
    from kybern.evidence import Subject
    from kybern.workspace import Workspace


def import_results(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What the tool wrote; for some tools a folder.")],
    kind: Annotated[str, typer.Option("--as", metavar="KIND", help="junit, sarif, mlflow, sklearn, fairlearn, model-card, cyclonedx, …")],
    *,
    about: Annotated[
        list[str] | None, typer.Option("--subject", "--about", metavar="REF", help="The record it is about, ai_system:credit. Repeatable.")
    ] = None,
    topic: Annotated[
        str | None, typer.Option("--topic", help="The topic it bears on. Default: the one the file bears on by its nature.")
    ] = None,
    key: Annotated[
        str | None, typer.Option("--key", metavar="NAME", help="Sign with this key and file it. Without one: only show.")
    ] = None,
    only: Annotated[str | None, typer.Option("--only", metavar="NAME", help="Only the suite or figure of this name.")] = None,
    fields: Annotated[
        list[str] | None, typer.Option("--field", "-f", metavar="FIELD=VALUE", help="What the file does not state: unit=share. Repeatable.")
    ] = None,
    observed_at: Annotated[
        str | None, typer.Option("--observed-at", metavar="TIME", help="When it was so, for a file without a time. Default: now.")
    ] = None,
    expires_at: Annotated[str | None, typer.Option("--expires-at", metavar="TIME", help="Until when it stands.")] = None,
    passphrase_env: PassphraseOption = None,
    directory: WorkspaceOption = Path(),
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON.")] = False,
) -> None:
    """Read what another tool wrote as evidence, sign and file it; without --key show what there is in it."""
    from kybern.base import InputError  # noqa: PLC0415 - see the docstring of `_shared`
    from kybern.connect import choose, connector_of, predicate_of, read_source  # noqa: PLC0415

    at, until = parse_moment(observed_at, "--observed-at") or now().replace(microsecond=0), parse_moment(expires_at, "--expires-at")
    given = _fields(fields or [])
    try:
        connector = connector_of(kind)
        source = read_source(file, connector)
        reading = connector.read(source)
        chosen = _whole(choose(reading, only, source), given, named=only is not None)
        if key is None:
            _show(reading, given, as_json=as_json)
            return
        found = open_workspace(directory)
        subjects, named = _subjects(found, about or [], chosen), _topic(topic, reading)
        predicates = [predicate_of(one, source, topic=named, at=at, expires_at=until, fields=given) for one in chosen]
    except InputError as error:
        fail(error)
    if not predicates:
        refuse("nothing-to-sign", f"{file} holds nothing that can be signed as it is.", _lack(reading, source, given))
    keyring, signer = keyring_of(found.root), signing_key(found.root, key, passphrase_env)
    pieces = [file_signed(found.root, predicate, subjects, signer, keyring) for predicate in predicates]
    if as_json:
        print_json([{"id": piece.id, "type": piece.predicate.value, "topic": piece.topic} for piece in pieces])
    for one, piece in zip(() if as_json else chosen, pieces, strict=False):
        typer.echo(f"{piece.id}  {one.label}  {piece.predicate.value} on {piece.topic}  {piece.strength.label}")


def _fields(texts: list[str]) -> dict[str, Any]:
    from kybern.cli._evidence_add import number_or_text  # noqa: PLC0415

    found: dict[str, Any] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            refuse("bad-field", f"-f {text!r} has no value.", "Write -f field=value.")
        found[name] = number_or_text(value)
    return found


def _whole(chosen: tuple[Observation, ...], given: dict[str, Any], *, named: bool) -> tuple[Observation, ...]:
    """Leave out what lacks a field, unless it was asked for by name: then what it lacks is told."""
    from kybern.connect import lacking  # noqa: PLC0415

    return tuple(one for one in chosen if named or not lacking(one, given))


def _lack(reading: Reading, source: Source, given: dict[str, Any]) -> str:
    from kybern.connect import lacking  # noqa: PLC0415

    missing = dict.fromkeys(name for one in reading.observations for name in lacking(one, given))
    return f"{source.name} does not state {', '.join(missing)}: say it with -f." if missing else "See what is in it without --key."


def _topic(topic: str | None, reading: Reading) -> str:
    found = topic or reading.topic
    if found is None:
        refuse(
            "no-topic",
            "It bears on no topic by its nature.",
            "Name one with --topic: kybern catalog show CONTROL says what checks ask about.",
        )
    return found


def _subjects(found: Workspace, refs: list[str], chosen: tuple[Observation, ...]) -> list[Subject]:
    from kybern.base.suggest import Suggester  # noqa: PLC0415
    from kybern.evidence import Subject  # noqa: PLC0415

    if not refs:
        refuse("no-subject", "It is about no record.", "Name one with --subject.")
    subjects: list[Subject] = []
    for ref in refs:
        record = found.records.get(ref)
        if record is None:
            hint = Suggester().hint(ref, [one.ref for one in found.records], "A record is named kind:id.")
            refuse("unknown-record", f"There is no record {ref}.", hint)
        if record.kind == "indicator" and len(chosen) > 1:
            names = ", ".join(one.label for one in chosen[:12])
            refuse("ambiguous-figure", f"{len(chosen)} figures cannot all be {ref}.", f"Choose one with --only: {names}.")
        subjects.append(Subject(ref, record.digest))
    return subjects


def _show(reading: Reading, given: dict[str, Any], *, as_json: bool) -> None:
    from kybern.connect import lacking  # noqa: PLC0415

    if as_json:
        rows = [_row(one, lacking(one, given)) for one in reading.observations]
        print_json({"topic": reading.topic, "facts": dict(reading.facts), "observations": rows, "remarks": list(reading.remarks)})
        return
    for one in reading.observations:
        said = ", ".join(f"{name} {value}" for name, value in one.fields.items() if not name.endswith("sha256"))
        lacks = ", ".join(lacking(one, given))
        typer.echo(f"{one.label}  {one.predicate.value}  {said}{f'  (does not state {lacks})' if lacks else ''}")
    for remark in reading.remarks:
        typer.echo(f"note: {remark}", err=True)
    typer.echo("Nothing was signed: name a key with --key.", err=True)


def _row(one: Observation, lacks: tuple[str, ...]) -> dict[str, Any]:
    return {
        "name": one.label,
        "type": one.predicate.value,
        "tool": one.tool,
        "version": one.version,
        "definition": one.definition,
        "observed_at": None if one.observed_at is None else one.observed_at.isoformat(),
        "fields": dict(one.fields),
        "lacks": list(lacks),
    }
