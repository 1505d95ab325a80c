"""Tables and trees of an assessment for the terminal: status as glyph, word and colour, never colour alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from rich.console import Console, ConsoleOptions, ConsoleRenderable, RenderableType, RenderHook
from rich.markup import escape
from rich.segment import Segment
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from kybern.assessment import Assessment, Documented, Gap, Readiness, Reason, Status
from kybern.catalog import Strength
from kybern.cli._shared import Assessed

GLYPHS = {
    Status.MET: ("●", "green"),
    Status.PARTLY_MET: ("◐", "yellow"),
    Status.NOT_MET: ("✕", "red"),
    Status.EXPIRED: ("⌛", "magenta"),
    Status.UNKNOWN: ("?", "bright_black"),
    Status.NOT_APPLICABLE: ("–", "bright_black"),
}


_NAMED = 4
"""Items of documented information named in the table; the rest is counted."""


class _Tame:
    """What is printed, without the control characters that a title or a signed text may hold: they would rule the terminal."""

    def __init__(self, inner: RenderableType) -> None:
        self._inner = inner

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Segment]:
        for segment in console.render(self._inner, options):
            if segment.control or segment.text.isprintable() or segment.text == "\n":
                yield segment
            else:
                text = "".join(char if char.isprintable() or char == "\n" else "\N{REPLACEMENT CHARACTER}" for char in segment.text)
                yield Segment(text, segment.style)


class _TameAll(RenderHook):
    def process_renderables(self, renderables: list[ConsoleRenderable]) -> list[ConsoleRenderable]:
        return [_Tame(one) for one in renderables]


def console() -> Console:
    """Give the console; in a pipe it keeps whole lines. It prints no control character that comes from what is shown."""
    found = Console(highlight=False)
    found = found if found.is_terminal else Console(highlight=False, width=150)
    found.push_render_hook(_TameAll())
    return found


def status_text(status: Status) -> Text:
    """Write a status as glyph and word."""
    glyph, colour = GLYPHS[status]
    return Text(f"{glyph} {status.label}", style=colour)


def _bar(share: float, width: int = 10) -> str:
    full = round(share * width)
    return "█" * full + "░" * (width - full) + f" {share:4.0%}"


def _strength(value: float | None) -> str:
    return "–" if value is None else f"{value:.1f} {Strength(round(value)).label}"


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.0%}"


def print_assessment(found: Assessed, frameworks: tuple[str, ...], subject: str | None) -> None:
    """Print the first framework whole, the others summed up, then what was refused."""
    out, assessment = console(), found.assessment
    whom = assessment.records.get(subject or assessment.organization)
    name = whom.title if whom else "the organisation (not stated)"
    pieces = len(assessment.evidence)
    out.print(f"[bold]{escape(name)}[/bold] as of {assessment.as_of:%Y-%m-%d %H:%M} UTC: what {pieces} pieces of evidence show\n")
    if frameworks:
        out.print(_requirements(assessment, frameworks[0], subject))
    out.print(_summary(assessment, frameworks, subject))
    if len(frameworks) > 1:
        more = f"All of {frameworks[1]}: kybern assess --framework {frameworks[1]}"
        out.print(f"[dim]{more} · reasons: kybern explain NAME · what is missing: kybern gaps[/dim]")
    if outside := assessment.records.systems_out_of_scope:
        out.print(f"[dim]In no scope, so not assessed: {escape(', '.join(one.ref for one in outside))}[/dim]")
    for one in found.refused:
        out.print(f"[red]✕ refused[/red] {escape(one.source)}: {escape(one.message)} \\[{one.rule}]")


def _requirements(assessment: Assessment, framework: str, subject: str | None) -> Table:
    about = assessment.catalog.frameworks[framework]
    table = Table(title=f"{about.title} ({about.edition})", title_justify="left", box=None, padding=(0, 1), header_style="bold")
    for header in ("", "requirement", "status", "coverage", "strength of evidence", "freshness"):
        table.add_column(header, no_wrap=header not in ("requirement", "strength of evidence"))
    for row in assessment.rows(framework, subject or assessment.organization):
        entry = assessment.catalog.requirements[row.ref]
        group = not assessment.catalog.is_leaf(row.ref)
        style = "bold" if group else ""
        table.add_row(
            Text(row.id, style=style),
            Text(entry.title, style=style),
            status_text(row.score.status),
            "" if row.score.status is Status.NOT_APPLICABLE else _bar(row.score.coverage),
            _strength(row.score.strength),
            _share(row.score.freshness),
        )
    return table


def _summary(assessment: Assessment, frameworks: Iterable[str], subject: str | None) -> Table:
    table = Table(title="Readiness", title_justify="left", box=None, padding=(0, 1), header_style="bold")
    for header in ("framework", "coverage", "strength of evidence", "freshness", "requirements"):
        table.add_column(header)
    for name in frameworks:
        found: Readiness = assessment.readiness(name, subject)
        counts = Text("  ").join(
            Text(f"{GLYPHS[status][0]} {found.counts[status]} {status.label}", style=GLYPHS[status][1])
            for status in reversed(Status)
            if found.counts[status]
        )
        table.add_row(name, _bar(found.coverage), _strength(found.strength), _share(found.freshness), counts)
    return table


def print_reasons(tree: Reason, assessment: Assessment, *, everything: bool) -> None:
    """Print a tree of reasons."""
    out = console()
    out.print(f"As of {assessment.as_of:%Y-%m-%d %H:%M} UTC")
    out.print(_tree(tree, everything=everything))


def _tree(node: Reason, *, everything: bool, said: str = "") -> Tree:
    """Lay a reason out with those under it; a sentence `said` right above is not said again."""
    label = Text()
    if node.status is not None:
        label.append_text(status_text(node.status)).append("  ")
    name = node.ref[:12] if node.kind == "evidence" else node.ref
    label.append(name, style="bold" if node.kind in ("requirement", "control") else "cyan")
    label.append(f"  {node.title}" if node.kind != "evidence" else "")
    if node.text and node.text != said and node.kind != "requirement":
        label.append(f"\n{node.text}", style="" if node.kind in ("evidence", "record", "note", "check") else "dim")
    if not node.counts:
        label.append("  (does not decide)", style="dim")
    branch = Tree(label)
    for child in node.children:
        if everything or child.counts or child.kind != "evidence":
            branch.children.append(_tree(child, everything=everything, said=node.text))
    return branch


def reason_json(node: Reason) -> dict[str, Any]:
    """Put a tree of reasons into JSON shape."""
    found: dict[str, Any] = {
        "kind": node.kind,
        "ref": node.ref,
        "title": node.title,
        "status": node.status.slug if node.status is not None else None,
        "counts": node.counts,
        "text": node.text,
    }
    if node.evidence is not None:
        found["source"] = node.evidence.source
    return {**found, "children": [reason_json(child) for child in node.children]}


def print_gaps(listed: tuple[Gap, ...], limit: int) -> None:
    """Print the gaps, in their order."""
    out = console()
    shown = listed[:limit] if limit else listed
    for number, gap in enumerate(shown, 1):
        closes = f"closes {', '.join(gap.closes)}" if gap.closes else f"bears on {', '.join(gap.requirements[:4])}"
        gain = ", ".join(f"{name} +{value:.1%}" for name, value in gap.gain.items())
        out.print(f"[bold]{number:>2}. {gap.control.id} {escape(gap.control.title)}[/bold]  ", status_text(gap.status))
        due = f" by {gap.planned_on}" if gap.planned_on is not None else ""
        out.print(f"    owed by {escape(gap.owner)}{due} · {closes} · {gain}")
        if gap.subjects:
            out.print(f"    on {', '.join(gap.subjects)}", style="dim")
        for status, title, text, times in _folded(gap):
            often = f" (in {times} places)" if times > 1 else ""
            out.print(Text("    ").append_text(status_text(status)).append(f"  {title}{often}: {text}"))
    if len(shown) < len(listed):
        out.print(f"… {len(listed) - len(shown)} more gaps: --limit 0 shows all", style="dim")
    if not listed:
        out.print("No gap: every control that applies is met.")


def _folded(gap: Gap) -> list[tuple[Status, str, str, int]]:
    """Fold the checks that are missing alike on several subjects into one line each: status, title, text, how often."""
    found: dict[tuple[str, str], list[Reason]] = {}
    for one in gap.missing:
        found.setdefault((one.title, one.text), []).append(one)
    return [(same[0].status or Status.UNKNOWN, title, text, len(same)) for (title, text), same in found.items()]


def print_documents(listed: tuple[Documented, ...]) -> None:
    """Print documented information, present or missing."""
    table = Table(box=None, padding=(0, 1), header_style="bold")
    for header in ("", "requirement", "wanted", "", "where"):
        table.add_column(header)
    for one in listed:
        mark = Text("● present", style="green") if one.present else Text("✕ missing", style="red")
        if not one.applicable:
            mark = Text("– excluded", style="bright_black")
        named = [ref if ":" in ref else ref[:12] for ref, _ in one.items]
        where = ", ".join(named[:_NAMED]) + (f" and {len(named) - _NAMED} more" if len(named) > _NAMED else "")
        if one.missing_for:
            where = f"not for {', '.join(one.missing_for)}" + (f"; there is {where}" if where else "")
        table.add_row(one.requirement.split(":", 1)[1], one.title, one.wanted, mark, where)
    console().print(table)
    present, wanted = sum(one.present for one in listed if one.applicable), sum(one.applicable for one in listed)
    console().print(f"{present} of {wanted} present.")
