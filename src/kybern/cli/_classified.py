"""How a classification is shown: as text that fits 80 columns, and as JSON."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import date

    from kybern.catalog.applicability import Answer, Classification, Duty, Reason, Truth

_WIDTH = 80
_FEW = 8
"""Duties and questions shown of a kind without --all."""

_WORDS = {True: "applies", False: "does not apply", None: "cannot tell yet"}
_SHOWN = ("class", "role", "case", "relief")


def print_classified(found: Classification, bound: Sequence[Duty], regimes: tuple[str, ...], title: str, *, everything: bool) -> None:
    """Print each regime: whether it applies, what it makes of the system, what binds, why, and what is open."""
    _line(f"{title}, as of {found.as_of}. Facts known: {len(found.known)} of {len(found.rules.schema.facts)}. No legal advice.")
    for name in regimes:
        typer.echo("")
        _regime(found, [duty for duty in bound if duty.regime == name], name, everything=everything)


def _regime(found: Classification, bound: Sequence[Duty], name: str, *, everything: bool) -> None:
    regime = found.rules.regimes[name]
    applies = found.answer(regime.applies)
    _line(f"{regime.title}: {_WORDS[applies.truth].upper()}{_since(applies.since, found.as_of)}")
    if applies.truth is False:
        _why(found, regime.applies, everything=everything)
        return
    if applies.truth is True:
        _classes(found, name, everything=everything)
        _duties(found, bound, everything=everything)
    _open(found, name, everything=everything)


def _classes(found: Classification, name: str, *, everything: bool) -> None:
    """Print classes, roles and cases that hold, with the chain of provisions."""
    mine = [answer for answer in answers_of(found, name) if answer.conclusion.kind in _SHOWN]
    for answer in sorted(mine, key=lambda one: _SHOWN.index(one.conclusion.kind)):
        if answer.truth is True:
            sure = "" if answer.conclusion.confidence == "high" else f" (confidence {answer.conclusion.confidence})"
            _line(f"* {answer.conclusion.says.rstrip('.')}{sure}{_since(answer.since, found.as_of)}", 2)
            _why(found, answer.conclusion.id, everything=everything)
            if answer.conclusion.note:
                _line(answer.conclusion.note, 4)


def answers_of(found: Classification, regime: str) -> list[Answer]:
    """Give the answers of a regime, in the order of its rules."""
    return [found.answer(one.id) for one in found.rules.regimes[regime].conclusions]


def _why(found: Classification, name: str, *, everything: bool) -> None:
    """Print the chain of provisions; with everything the tree of reasons under it."""
    chain = found.chain(name)
    shown = chain if everything else chain[:_FEW]
    rest = f" and {len(chain) - len(shown)} more" if len(shown) < len(chain) else ""
    _line(f"by {', '.join(ref.partition(':')[2] for ref in shown)}{rest}", 4)
    if everything:
        for text in _tree(found, found.answer(name).reason, {name}, 6):
            typer.echo(text)


def _tree(found: Classification, reason: Reason, seen: set[str], indent: int) -> Iterator[str]:
    """Go through the lines of a tree of reasons; each conclusion is opened once."""
    mark = _mark(reason.truth)
    if reason.kind == "conclusion":
        answer = found.answer(reason.name)
        yield from _wrapped(f"{mark} {answer.conclusion.says} [{answer.conclusion.point or _bare(answer)}]", indent)
        if reason.name not in seen:
            seen.add(reason.name)
            yield from _tree(found, answer.reason, seen, indent + 2)
    elif reason.kind in {"fact", "law"}:
        yield from _wrapped(f"{mark} {reason.name}", indent)
    else:
        for child in reason.children:
            yield from _tree(found, child, seen, indent)


def _bare(answer: Answer) -> str:
    return ", ".join(ref.partition(":")[2] for ref in answer.conclusion.basis)


def _mark(truth: Truth) -> str:
    return {True: "yes", False: "no", None: "open"}[truth]


def _duties(found: Classification, bound: Sequence[Duty], *, everything: bool) -> None:
    """Print what binds, grouped by article and day, then what may bind."""
    binding = [duty for duty in bound if duty.truth is True]
    groups = _folded(binding)
    shown = groups if everything else groups[: 2 * _FEW]
    if groups:
        _line("Duties:", 2)
    for article, group in shown:
        first = group[0]
        until = f" until {first.until}" if first.until else ""
        points = f" ({len(group)} entries)" if len(group) > 1 and not everything else ""
        title = f" {first.title}" if first.title else ""
        _line(f"{article}{title}{points}: {_day(first.since, found.as_of)}{until}", 4)
        if everything and first.penalty:
            _line(f"penalty: {first.penalty}", 6)
        if everything and len(group) > 1:
            _line(", ".join(duty.requirement.partition(":")[2] for duty in group), 6)
    if len(shown) < len(groups):
        _line(f"and {len(groups) - len(shown)} more articles: --all shows them", 4)
    may = dict.fromkeys(article for article, _ in _folded([duty for duty in bound if duty.truth is None]))
    if may:
        names = list(may) if everything else list(may)[: 2 * _FEW]
        rest = f" and {len(may) - len(names)} more" if len(names) < len(may) else ""
        _line(f"May bind, once the open questions are settled: {', '.join(names)}{rest}.", 2)


def _folded(bound: Iterable[Duty]) -> list[tuple[str, list[Duty]]]:
    """Fold duties of one article that bind from one day, in the order of the law."""
    found: dict[tuple[str, date | None], list[Duty]] = {}
    for duty in bound:
        article = duty.requirement.partition(":")[2].partition("(")[0]
        found.setdefault((article, duty.since), []).append(duty)
    return [(article, group) for (article, _), group in found.items()]


def _open(found: Classification, name: str, *, everything: bool) -> None:
    """Print the questions that would settle what is open, the most decisive first."""
    from kybern.cli._interview import still_open  # noqa: PLC0415

    names = still_open(found, (name,))
    shown = names if everything else names[:_FEW]
    if names:
        _line("Open, the most decisive first:", 2)
    for fact in shown:
        _line(f"{fact}: {found.rules.schema.facts[fact].question}", 4)
    if len(shown) < len(names):
        _line(f"and {len(names) - len(shown)} more: --all shows them, --ask asks them", 4)


def _since(day: date | None, as_of: date) -> str:
    return f", {_day(day, as_of)}" if day is not None else ""


def _day(day: date | None, as_of: date) -> str:
    if day is None:
        return "binds"
    return f"since {day}" if day <= as_of else f"from {day} on"


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
