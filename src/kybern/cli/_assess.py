"""`kybern assess`, `explain`, `gaps`, `documents`: what the evidence shows, why, and what is missing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kybern.cli._shared import AsOfOption, WorkspaceOption, assess_workspace, near, print_json, refuse

if TYPE_CHECKING:
    from kybern.assessment import Assessment, Gap
    from kybern.cli._shared import Assessed

FrameworkOption = Annotated[str | None, typer.Option("--framework", metavar="ID", help="Only this framework, as ISO42001.")]
SystemOption = Annotated[str | None, typer.Option("--system", metavar="ID", help="One AI system instead of the whole organisation.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")]

FALLS_SHORT = 1


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(assess)
    app.command()(explain)
    app.command()(gaps)
    app.command()(documents)


def assess(
    directory: WorkspaceOption = Path(),
    framework: FrameworkOption = None,
    system: SystemOption = None,
    as_of: AsOfOption = None,
    fail_under: Annotated[
        float | None,
        typer.Option("--fail-under", min=0, max=100, metavar="PERCENT", help="Exit 1 if the coverage of a framework is lower."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Show the status of every requirement, computed from the evidence there is.

    Evidence that cannot be verified is refused, told, and never counts.
    """
    found = assess_workspace(directory, as_of)
    frameworks, subject = _frameworks(found, framework), _subject(found.assessment, system)
    if as_json:
        from kybern.assessment import to_json  # noqa: PLC0415

        print_json(to_json(found.assessment, frameworks, subject, found.refused, found.log))
    else:
        from kybern.cli import _tables  # noqa: PLC0415

        _tables.print_assessment(found, frameworks, subject)
    short = fail_under is not None and any(_is_under(found.assessment.readiness(one, subject).coverage, fail_under) for one in frameworks)
    if short or (fail_under is not None and any(one.rule != "erased" for one in found.refused)):
        raise typer.Exit(FALLS_SHORT)


def _is_under(coverage: float, percent: float) -> bool:
    """Tell whether coverage falls short: a mean of many misses a round number by an error of the machine, never by a piece of evidence."""
    return coverage * 100 < percent - 1e-9


def explain(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A requirement (ISO42001:A.7.4) or a control (GOV-01).")],
    directory: WorkspaceOption = Path(),
    system: SystemOption = None,
    as_of: AsOfOption = None,
    everything: Annotated[bool, typer.Option("--all", help="Show evidence that does not decide, too.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Show the tree of reasons under a status, down to single pieces of evidence."""
    from kybern.assessment import explain as tree_of  # noqa: PLC0415
    from kybern.cli import _tables  # noqa: PLC0415

    found = assess_workspace(directory, as_of)
    known = (*found.assessment.catalog.requirements, *found.assessment.catalog.controls)
    if name not in known:
        refuse("unknown-name", f"The catalog has no requirement or control {name}.", near(name, known))
    try:
        tree = tree_of(found.assessment, name, _subject(found.assessment, system))
    except KeyError as error:
        refuse("no-bearing", f"{error.args[0]}.", "Ask without --system, or see `kybern catalog show` for what it applies to.")
    if as_json:
        print_json(_tables.reason_json(tree))
    else:
        _tables.print_reasons(tree, found.assessment, everything=everything)


def gaps(
    directory: WorkspaceOption = Path(),
    framework: FrameworkOption = None,
    system: SystemOption = None,
    as_of: AsOfOption = None,
    limit: Annotated[int, typer.Option("--limit", min=0, help="Show this many; 0 shows all.")] = 20,
    as_json: JsonOption = False,
) -> None:
    """Show what is missing and who owes it: what is planned for this month, then what closes most for the least work."""
    from kybern.assessment import gaps as gaps_of  # noqa: PLC0415
    from kybern.cli import _tables  # noqa: PLC0415

    found = assess_workspace(directory, as_of)
    frameworks = _frameworks(found, framework)
    listed = gaps_of(found.assessment, frameworks, _subject(found.assessment, system), first=frameworks[0])
    if as_json:
        print_json([_gap_json(gap) for gap in listed])
    else:
        _tables.print_gaps(listed, limit)


def documents(directory: WorkspaceOption = Path(), as_of: AsOfOption = None, as_json: JsonOption = False) -> None:
    """Show the documented information ISO/IEC 42001 makes mandatory: present or missing, and where."""
    from kybern.assessment import documented  # noqa: PLC0415
    from kybern.cli import _tables  # noqa: PLC0415

    listed = documented(assess_workspace(directory, as_of).assessment)
    if as_json:
        print_json(
            [
                {
                    "requirement": one.requirement,
                    "title": one.title,
                    "wanted": one.wanted,
                    "present": one.present,
                    "applicable": one.applicable,
                    "missing_for": list(one.missing_for),
                    "items": [{"ref": ref, "title": title} for ref, title in one.items],
                }
                for one in listed
            ]
        )
    else:
        _tables.print_documents(listed)


def _frameworks(found: Assessed, framework: str | None) -> tuple[str, ...]:
    known = tuple(found.assessment.catalog.frameworks)
    if framework is None:
        return found.frameworks
    if framework not in known:
        refuse("unknown-framework", f"There is no framework {framework}.", near(framework, known))
    return (framework,)


def _subject(assessment: Assessment, system: str | None) -> str | None:
    if system is None:
        return None
    ref = system if ":" in system else f"ai_system:{system}"
    if ref not in assessment.systems:
        hint = f"In scope: {', '.join(assessment.systems[:6])}." if assessment.systems else "The workspace has no AI system in scope."
        meant = near(ref, assessment.systems)
        refuse("unknown-system", f"No AI system {ref} is in scope.", meant if meant.startswith("Did") else hint)
    return ref


def _gap_json(gap: Gap) -> dict[str, object]:
    return {
        "control": gap.control.id,
        "title": gap.control.title,
        "status": gap.status.slug,
        "owner": gap.owner,
        "owner_ref": gap.owner_ref,
        "owner_refs": list(gap.owed.refs),
        "subjects": list(gap.subjects),
        "missing": [
            {"ref": one.ref, "title": one.title, "status": one.status.slug if one.status is not None else None, "text": one.text}
            for one in gap.missing
        ],
        "requirements": list(gap.requirements),
        "closes": list(gap.closes),
        "coverage_gain": gap.gain,
        "effort": gap.effort,
        "planned_on": gap.planned_on.isoformat() if gap.planned_on is not None else None,
    }
