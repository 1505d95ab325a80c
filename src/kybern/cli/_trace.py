"""`kybern trace`: from any record, control, requirement or piece of evidence along every link, both ways, with dates and versions."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kybern.cli._shared import AsOfOption, Assessed, WorkspaceOption, assess_workspace, fail, print_json

if TYPE_CHECKING:
    from rich.tree import Tree

    from kybern.assessment import Step


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(trace)


def trace(
    name: Annotated[str, typer.Argument(metavar="ID", help="ai_system:credit-scoring, GOV-01, ISO42001:A.7.4, or the id of evidence.")],
    directory: WorkspaceOption = Path(),
    as_of: AsOfOption = None,
    depth: Annotated[int, typer.Option("--depth", min=1, max=8, help="How many links to follow.")] = 5,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a tree.")] = False,
) -> None:
    """Follow every link down to what shows it, and up to what it serves.

    As an auditor samples: from an AI system to its impact assessment, risks, treatments, controls and evidence, and back. Records carry
    their date and their last version from Git (commit, author, day).
    """
    from kybern.assessment import TraceGraph  # noqa: PLC0415
    from kybern.base import InputError  # noqa: PLC0415

    found = assess_workspace(directory, as_of)
    graph = TraceGraph(found.assessment)
    try:
        down, up = graph.down(name, depth), graph.up(name, depth)
    except InputError as error:
        fail(error)
    history = _Versions(found)
    if as_json:
        print_json({"down": _json(down, history), "up": _json(up, history)})
        return
    from kybern.cli._tables import console  # noqa: PLC0415

    out = console()
    out.print("[bold]Down: what it holds and what shows it[/bold]")
    out.print(_tree(down, history))
    out.print("[bold]Up: what it serves[/bold]")
    out.print(_tree(up, history))


class _Versions:
    """The versions of the records of a workspace, as JSON-shaped values."""

    def __init__(self, found: Assessed) -> None:
        from kybern.workspace import History  # noqa: PLC0415

        self._places = found.workspace.places
        self._history = History(found.workspace.root)
        self._past = found.past

    def of(self, step: Step) -> list[dict[str, Any]]:
        """Give a record's versions, newest first; nothing for other steps."""
        if step.kind != "record" or step.digest is None or step.ref not in self._places:
            return []
        return [
            {"digest": one.digest, "commit": one.commit, "author": one.author, "date": one.date, "subject": one.subject}
            for one in self._history.versions(self._places.file(step.ref), step.ref, step.digest)
            if one.commit is not None or not self._past
        ]


def _json(step: Step, history: _Versions) -> dict[str, Any]:
    return {
        "ref": step.ref,
        "kind": step.kind,
        "title": step.title,
        "relation": step.relation,
        "date": step.date,
        "digest": step.digest,
        "versions": history.of(step),
        "children": [_json(child, history) for child in step.children],
    }


def _tree(step: Step, history: _Versions) -> Tree:
    from rich.text import Text  # noqa: PLC0415
    from rich.tree import Tree  # noqa: PLC0415

    label = Text(f"{step.relation} " if step.relation else "", style="dim")
    label.append(step.ref[:12] if step.kind == "evidence" else step.ref, style="cyan").append(f"  {step.title}", style="default")
    if step.date and step.kind == "record":
        label.append(f"  {step.date[:10]}", style="green")
    listed = history.of(step)
    if listed:
        newest = listed[0]
        said = f"{newest['commit'][:8]} {newest['author']} {newest['date'][:10]}" if newest["commit"] else "not committed"
        label.append(f"  v{len(listed)} {said}", style="magenta")
    branch = Tree(label)
    branch.children.extend(_tree(child, history) for child in step.children)
    return branch
