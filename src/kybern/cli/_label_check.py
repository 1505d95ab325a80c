"""`kybern label verify`, `badge` and `page`: what a reader does with a readiness statement."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kybern.cli._label_stand import criteria_of, framework_of, log_holds, size_of, stand_of, write
from kybern.cli._log import content, in_words
from kybern.cli._shared import AsOfOption, WorkspaceOption, parse_as_of, print_json, refuse, whole_catalog

if TYPE_CHECKING:
    from kybern.report.label import Checked, Opened

FALLS_SHORT = 1

FileArgument = Annotated[Path, typer.Argument(metavar="FILE", help="The statement, .json or .jwt.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the group."""
    app.command()(verify)
    app.command()(badge)
    app.command()(page)


def verify(
    file: FileArgument,
    status: Annotated[Path | None, typer.Option("--status", metavar="FILE", help="The issuer's status list, as fetched.")] = None,
    issuer: Annotated[
        Path | None, typer.Option("--issuer", metavar="FILE", help="The document at the issuer's URL; a did:key needs none.")
    ] = None,
    pack: Annotated[
        Path | None, typer.Option("--pack", metavar="PACK", help="An auditor's pack of the same moment: recompute from it.")
    ] = None,
    recompute: Annotated[bool, typer.Option("--recompute", help="Recompute it from the workspace (-C) and its log.")] = False,
    as_of: AsOfOption = None,
    directory: WorkspaceOption = Path(),
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of words.")] = False,
) -> None:
    """Verify a statement without a network: signature, time, revocation, and whether its numbers follow.

    Exits 1 if something does not hold.
    """
    from kybern.evidence import Refused  # noqa: PLC0415
    from kybern.report.label import Checked, Issuer, check, open_list, open_statement  # noqa: PLC0415

    at, data = parse_as_of(as_of), content(file)
    listed = None if status is None else content(status)
    with in_words():
        who = None if issuer is None else Issuer.from_document(content(issuer))
    try:
        opened = open_statement(data, who)
    except Refused as refused:
        _tell(Checked(failed=[f"{refused.message} [{refused.rule}]"]), None, as_json=as_json)
        raise typer.Exit(FALLS_SHORT) from None
    try:
        found = check(opened, at, None if listed is None else open_list(listed, opened.issuer))
    except Refused as refused:
        found = check(opened, at)
        found.failed.append(f"The status list: {refused.message} [{refused.rule}].")
    if recompute:
        _recompute(opened, directory, found)
    if pack is not None:
        _against_pack(opened, pack, found)
    if not recompute and pack is None:
        found.unknown.append("Whether its numbers follow from the evidence: recompute them (--pack FILE, or -C DIR --recompute).")
    _tell(found, opened, as_json=as_json)
    if not found.holds:
        raise typer.Exit(FALLS_SHORT)


def _recompute(opened: Opened, directory: Path, found: Checked) -> None:
    """Compute the claim anew from the workspace and its log, and compare."""
    from kybern.report.label import recomputed  # noqa: PLC0415

    stated = opened.subject
    stand = stand_of(directory, parse_as_of(stated["asOf"]), size_of(stated))
    name = framework_of(stand.assessment, str(stated["framework"]["id"]))
    if not log_holds(stand.workspace.root):
        found.failed.append("The audit of the log here does not hold: see kybern log audit.")
    recomputed(opened, stand.claim(name, criteria_of(stated)), found, log=True)


def _against_pack(opened: Opened, path: Path, found: Checked) -> None:
    """Check the pack, assess what is in it at the statement's moment, and compare."""
    from kybern import __version__  # noqa: PLC0415
    from kybern.report.label import LogHead, claim, recomputed  # noqa: PLC0415
    from kybern.report.pack import NoPack, assess_pack, own_catalogs, read_pack, recheck, roots_in  # noqa: PLC0415

    catalog, stated = whole_catalog(), opened.subject
    size = size_of(stated)
    try:
        files = read_pack(path)
        holds = recheck(files, catalog, __version__).holds
        assessment = assess_pack(files, catalog, parse_as_of(stated["asOf"]), size) if holds else None
    except (NoPack, MemoryError) as error:
        refuse("bad-pack", f"{path} cannot be read as a pack: {error or 'it asks for too much memory'}.", "Give what `kybern pack` wrote.")
    if assessment is None:
        found.failed.append("The pack does not hold, or lacks what recomputing needs: see kybern verify.")
        return
    name, proven = framework_of(assessment, str(stated["framework"]["id"])), roots_in(files).get(size)
    origin, root = proven or (stated["log"]["origin"], stated["log"]["rootSha256"])
    again = claim(assessment, name, criteria_of(stated), LogHead(origin, size, root), own_catalogs(files))
    recomputed(opened, again, found, log=proven is not None)


def _tell(found: Checked, opened: Opened | None, *, as_json: bool) -> None:
    if as_json:
        stated = None if opened is None else dict(opened.subject)
        print_json({"holds": found.holds, "held": found.held, "failed": found.failed, "unknown": found.unknown, "states": stated})
        return
    if opened is not None:
        subject = opened.subject
        count = f"{subject['readiness']['met']} of {subject['readiness']['asked']} requirements met"
        typer.echo(
            f"{subject['organization']}: {subject['framework']['id']} {subject['framework']['edition']}, {count}, as of {subject['asOf']}"
        )
    for label, lines in (("holds", found.held), ("does not hold", found.failed), ("not known", found.unknown)):
        for line in lines:
            typer.echo(f"{label}: {line}")


def badge(
    file: FileArgument,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="Write the picture to this file.")] = Path("readiness.svg"),
    issuer: Annotated[Path | None, typer.Option("--issuer", metavar="FILE", help="The document at the issuer's URL.")] = None,
) -> None:
    """Draw the badge of a statement whose signature holds, as SVG."""
    from kybern.report.label import Issuer, open_statement  # noqa: PLC0415
    from kybern.report.label import badge as drawn  # noqa: PLC0415

    with in_words():
        who = None if issuer is None else Issuer.from_document(content(issuer))
        opened = open_statement(content(file), who)
    write(out, drawn(opened.document) + "\n")
    typer.echo(str(out))


def page(
    file: FileArgument,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="Write the page to this file.")] = Path("readiness.html"),
    issuer: Annotated[Path | None, typer.Option("--issuer", metavar="FILE", help="The document at the issuer's URL.")] = None,
    with_reasons: Annotated[
        bool,
        typer.Option("--with-reasons", help="Show the reasons too, recomputed from the workspace (-C); exits 1 if they are not those."),
    ] = False,
    directory: WorkspaceOption = Path(),
) -> None:
    """Write one page that shows a statement whose signature holds, and how to check it."""
    from kybern.report.label import Issuer, compared, label_page, open_statement  # noqa: PLC0415

    with in_words():
        who = None if issuer is None else Issuer.from_document(content(issuer))
        opened = open_statement(content(file), who)
    found = None
    if with_reasons:
        stated = opened.subject
        stand = stand_of(directory, parse_as_of(stated["asOf"]), size_of(stated))
        if compared(stated, stand.claim(framework_of(stand.assessment, stated["framework"]["id"]), criteria_of(stated))):
            typer.echo(
                "The workspace gives other numbers than the statement: its reasons are not shown. See kybern label verify --recompute."
            )
            raise typer.Exit(FALLS_SHORT)
        found = stand.assessment
    jwt = file.with_suffix(".jwt")
    text = content(jwt).decode("ascii", "replace").strip() if jwt.exists() and jwt != file else None
    write(out, label_page(opened.document, text, found, stem=file.stem))
    typer.echo(str(out))
