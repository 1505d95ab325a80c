"""How a classification is shown: as text that fits 80 columns, and as JSON."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import typer

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import date

    from kybern.catalog import Catalog
    from kybern.catalog.applicability import Answer, Classification, Duty, Reason

_T = TypeVar("_T")
_WIDTH = 80
_FEW = 8
"""Duties and questions shown of a kind without --all."""

_WORDS = {True: "applies", False: "does not apply", None: "cannot tell yet"}
_MARKS = {True: "yes", False: "no", None: "open"}
_SHOWN = ("class", "role", "case", "relief")


@dataclass(frozen=True)
class Shown:
    """What is shown: a classification, the catalog that titles come from, and whether everything is wanted."""

    found: Classification
    catalog: Catalog
    everything: bool

    def article(self, ref: str) -> str:
        """Name the article or annex that an entry stands in."""
        entry = self.catalog.requirements.get(ref)
        if entry is None:
            return ref.partition("(")[0]
        return ref if entry.parent is None else self.article(f"{ref.partition(':')[0]}:{entry.parent}")

    def title(self, article: str, otherwise: str | None) -> str:
        """Give the title of an article, with a space before it."""
        entry = self.catalog.requirements.get(article)
        title = otherwise if entry is None else entry.title
        return f" {title}" if title else ""

    def few(self, names: Sequence[_T], most: int) -> Sequence[_T]:
        """Cut a list, unless everything is wanted."""
        return names if self.everything else names[:most]

    def day(self, day: date | None) -> str:
        """Say since when, or from when."""
        if day is None:
            return "binds"
        return f"since {day}" if day <= self.found.as_of else f"from {day} on"


def print_classified(shown: Shown, bound: Sequence[Duty], regimes: tuple[str, ...], title: str) -> None:
    """Print each regime: whether it applies, what it makes of the system, what binds, why, and what is open."""
    found = shown.found
    _line(f"{title}, as of {found.as_of}. Facts known: {len(found.known)} of {len(found.rules.schema.facts)}. No legal advice.")
    for name in regimes:
        typer.echo("")
        _regime(shown, [duty for duty in bound if duty.regime == name], name)


def _regime(shown: Shown, bound: Sequence[Duty], name: str) -> None:
    regime = shown.found.rules.regimes[name]
    applies = shown.found.answer(regime.applies)
    _line(f"{regime.title}: {_WORDS[applies.truth].upper()}{_since(shown, applies)}")
    if applies.truth is False:
        _why(shown, regime.applies)
        return
    if applies.truth is True:
        _classes(shown, name)
        _binding(shown, [duty for duty in bound if duty.truth is True])
        _perhaps(shown, [duty for duty in bound if duty.truth is None])
    _open(shown, name)


def answers_of(found: Classification, regime: str) -> list[Answer]:
    """Give the answers of a regime, in the order of its rules."""
    return [found.answer(one.id) for one in found.rules.regimes[regime].conclusions]


def _classes(shown: Shown, name: str) -> None:
    """Print classes, roles and cases that hold, with the chain of provisions."""
    mine = [answer for answer in answers_of(shown.found, name) if answer.conclusion.kind in _SHOWN and answer.truth is True]
    for answer in sorted(mine, key=lambda one: _SHOWN.index(one.conclusion.kind)):
        sure = "" if answer.conclusion.confidence == "high" else f" (confidence {answer.conclusion.confidence})"
        _line(f"* {answer.conclusion.says.rstrip('.')}{sure}{_since(shown, answer)}", 2)
        _why(shown, answer.conclusion.id)
        if answer.conclusion.note:
            _line(answer.conclusion.note, 4)


def _why(shown: Shown, name: str) -> None:
    """Print the chain of provisions; with everything the tree of reasons under it."""
    chain = shown.found.chain(name)
    few = shown.few(chain, _FEW)
    rest = f" and {len(chain) - len(few)} more" if len(few) < len(chain) else ""
    _line(f"by {', '.join(map(_bare, few))}{rest}", 4)
    if shown.everything:
        for text in _tree(shown.found, shown.found.answer(name).reason, {name}, 6):
            typer.echo(text)


def _tree(found: Classification, reason: Reason, seen: set[str], indent: int) -> Iterator[str]:
    """Go through the lines of a tree of reasons; each conclusion is opened once."""
    mark = _MARKS[reason.truth]
    if reason.kind == "conclusion":
        said = found.answer(reason.name).conclusion
        yield from _wrapped(f"{mark} {said.says} [{said.point or ', '.join(map(_bare, said.basis))}]", indent)
        if reason.name not in seen:
            seen.add(reason.name)
            yield from _tree(found, found.answer(reason.name).reason, seen, indent + 2)
    elif reason.kind in {"fact", "law"}:
        yield from _wrapped(f"{mark} {reason.name}", indent)
    else:
        for child in reason.children:
            yield from _tree(found, child, seen, indent)


def _bare(ref: str) -> str:
    return ref.partition(":")[2]


def _binding(shown: Shown, bound: Sequence[Duty]) -> None:
    """Print what binds, grouped by article and day."""
    groups = _folded(shown, bound)
    if groups:
        _line("Duties:", 2)
    for article, group in shown.few(groups, 2 * _FEW):
        _article(shown, article, group)
    if not shown.everything and len(groups) > 2 * _FEW:
        _line(f"and {len(groups) - 2 * _FEW} more articles: --all shows them", 4)


def _article(shown: Shown, article: str, group: Sequence[Duty]) -> None:
    """Print the duties of an article that bind from one day; with everything each of them, and the penalties."""
    first = group[0]
    until = f" until {first.until}" if first.until else ""
    points = f" ({len(group)} points)" if len(group) > 1 else ""
    _line(f"{_bare(article)}{shown.title(article, first.title)}{points}: {shown.day(first.since)}{until}", 4)
    if not shown.everything:
        return
    if first.basis:
        _line(f"day by {first.basis}", 6)
    for penalty in dict.fromkeys(duty.penalty for duty in group if duty.penalty):
        _line(f"penalty: {penalty}", 6)
    if len(group) > 1:
        _line(", ".join(_bare(duty.requirement) for duty in group), 6)


def _perhaps(shown: Shown, bound: Sequence[Duty]) -> None:
    """Print what may bind."""
    may = list(dict.fromkeys(_bare(article) for article, _ in _folded(shown, bound)))
    few = shown.few(may, 2 * _FEW)
    rest = f" and {len(may) - len(few)} more" if len(few) < len(may) else ""
    if may:
        _line(f"May bind, once the open questions are settled: {', '.join(few)}{rest}.", 2)


def _folded(shown: Shown, bound: Iterable[Duty]) -> list[tuple[str, list[Duty]]]:
    """Fold duties of one article that bind from one day, in the order of the law."""
    found: dict[tuple[str, date | None, date | None], list[Duty]] = {}
    for duty in bound:
        found.setdefault((shown.article(duty.requirement), duty.since, duty.until), []).append(duty)
    return [(article, group) for (article, _, _), group in found.items()]


def _open(shown: Shown, name: str) -> None:
    """Print the questions that would settle what is open, the most decisive first."""
    from kybern.cli._interview import still_open  # noqa: PLC0415

    names = still_open(shown.found, (name,))
    few = shown.few(names, _FEW)
    if names:
        _line("Open, the most decisive first:", 2)
    for fact in few:
        _line(f"{fact}: {shown.found.rules.schema.facts[fact].question}", 4)
    if len(few) < len(names):
        _line(f"and {len(names) - len(few)} more: --all shows them, --ask asks them", 4)


def _since(shown: Shown, answer: Answer) -> str:
    return f", {shown.day(answer.since)}" if answer.since is not None else ""


def _line(text: str, indent: int = 0) -> None:
    for line in _wrapped(text, indent):
        typer.echo(line)


def _wrapped(text: str, indent: int) -> list[str]:
    first, rest = " " * indent, " " * (indent + 2)
    return textwrap.wrap(text, _WIDTH, initial_indent=first, subsequent_indent=rest, break_on_hyphens=False)


def classified_json(found: Classification, bound: Sequence[Duty], regimes: tuple[str, ...], title: str) -> dict[str, Any]:
    """Put a classification into JSON shape."""
    from kybern.catalog.applicability import written  # noqa: PLC0415
    from kybern.cli._interview import still_open  # noqa: PLC0415

    return {
        "subject": title,
        "as_of": found.as_of.isoformat(),
        "facts_version": found.rules.schema.version.isoformat(),
        "facts": {name: written(value) for name, value in sorted(found.known.items())},
        "regimes": {
            name: {
                "title": found.rules.regimes[name].title,
                "applies": found.truth(found.rules.regimes[name].applies),
                "conclusions": {one.conclusion.id: _answer(found, one) for one in answers_of(found, name)},
                "duties": [_duty(duty, found.as_of) for duty in bound if duty.regime == name and duty.truth is not False],
                "open": list(still_open(found, (name,))),
            }
            for name in regimes
        },
    }


def _answer(found: Classification, one: Answer) -> dict[str, Any]:
    said = one.conclusion
    return {
        "kind": said.kind,
        "holds": one.truth,
        "since": one.since.isoformat() if one.since else None,
        "until": one.until.isoformat() if one.until else None,
        "in_effect": one.in_effect(found.as_of),
        "says": said.says,
        "basis": list(said.basis),
        "point": said.point,
        "date_basis": one.basis,
        "confidence": said.confidence.value,
        "because": _because(one.reason),
        "chain": list(found.chain(said.id)),
        "open": list(found.open_facts([said.id])) if one.truth is None else [],
    }


def _because(reason: Reason) -> dict[str, Any]:
    found: dict[str, Any] = {"kind": reason.kind, "holds": reason.truth}
    if reason.name:
        found["name"] = reason.name
    if reason.children:
        found["children"] = [_because(child) for child in reason.children]
    return found


def _duty(duty: Duty, day: date) -> dict[str, Any]:
    return {
        "requirement": duty.requirement,
        "title": duty.title,
        "binds": duty.truth,
        "in_effect": duty.in_effect(day),
        "since": duty.since.isoformat() if duty.since else None,
        "until": duty.until.isoformat() if duty.until else None,
        "basis": duty.basis,
        "penalty": duty.penalty,
        "because": list(duty.because),
    }
