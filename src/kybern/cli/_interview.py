"""The interview of `kybern classify --ask`: one question at a time, only while it can still matter, the most decisive first."""

from __future__ import annotations

import re
import sys
import textwrap
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from kybern.catalog.applicability import Classification, Fact, FactValue

_YES = {"y": True, "yes": True, "true": True, "1": True, "n": False, "no": False, "false": False, "2": False}
_HELP = "?"
_UNKNOWN = {"u", "unknown"}
_STOP = {"q", "quit"}
_FORMS = {
    "bool": "1 yes, 2 no",
    "enum": "one number or word",
    "set": "numbers or words with commas between, or none",
    "number": "a number",
    "date": "a day, 2026-08-02",
    "countries": "codes with commas between: DE, US-CA, EU; or none",
}


def interview(found: Classification, regimes: tuple[str, ...]) -> Classification:
    """Ask until everything is settled that can be, or the answers end. Questions and mistakes go to standard error."""
    from kybern.catalog.applicability import classify  # noqa: PLC0415

    passed: set[str] = set()
    _say("Answer by number or word. ? explains, u is not known, q ends the questions.")
    while (name := next((fact for fact in still_open(found, regimes) if fact not in passed), None)) is not None:
        fact = found.rules.schema.facts[name]
        answer = _ask(found, fact)
        if isinstance(answer, _Ended):
            break
        if answer is None:
            passed.add(name)
        else:
            found = classify(found.rules, {**found.known, name: answer}, found.as_of)
    return found


def still_open(found: Classification, regimes: tuple[str, ...]) -> tuple[str, ...]:
    """Name the facts that can still change an answer of these regimes, the most decisive first.

    Whether a regime applies at all comes before what it makes of the system: who is outside is asked nothing more about it.
    """
    scopes = [found.rules.regimes[name].applies for name in regimes]
    for goals in (scopes, _goals(found, regimes)):
        undecided = [name for name in goals if found.truth(name) is None]
        if undecided:
            return found.open_facts(undecided)
    return ()


def _goals(found: Classification, regimes: tuple[str, ...]) -> list[str]:
    shown = {"scope", "role", "class", "case", "duty", "relief"}
    return [one.id for name in regimes for one in found.rules.regimes[name].conclusions if one.kind in shown]


class _Ended:
    """That no answer comes any more."""


def _ask(found: Classification, fact: Fact) -> FactValue | _Ended | None:
    """Put one question until its answer can be read; None where it is not known."""
    _say("")
    _say(fact.question + (f" [{fact.unit}]" if fact.unit else ""))
    for number, (value, says) in enumerate(fact.values.items(), 1):
        _say(f"  {number} {value}: {says}" if numbered(fact) else f"  {value}: {says}")
    while True:
        form = _FORMS[fact.type] if numbered(fact) or not fact.values else "letters with commas between, or none"
        typer.echo(f"({form}) ", nl=False, err=True)
        line = sys.stdin.readline()
        if not line or line.strip().lower() in _STOP:
            _say("")
            return _Ended()
        text = line.strip()
        if text == _HELP:
            _say(f"{fact.help or 'There is nothing to add.'} Sources: {', '.join(fact.source)}.")
        elif text.lower() in _UNKNOWN:
            return None
        elif (read := _read(found, fact, text)) is not None:
            return read


def _read(found: Classification, fact: Fact, text: str) -> FactValue | None:
    """Read an answer, told with what would be right where it is none, or stands against another."""
    from kybern.base import Place  # noqa: PLC0415
    from kybern.catalog.applicability import contradictions, read_value  # noqa: PLC0415

    value, wrong, right = read_value(fact, typed(fact, text))
    if value is None:
        _say(f"{wrong} {right}")
        return None
    place = Place(fact.name)
    for problem in contradictions(found.rules.schema, {**found.known, fact.name: value}, lambda _: place):
        _say(f"{problem.message} {problem.hint}")
        return None
    return value


def typed(fact: Fact, text: str) -> object:
    """Turn what was typed into what a file of facts would say."""
    if fact.type == "bool":
        return _YES.get(text.lower(), text)
    if fact.type == "number":
        return float(text) if re.fullmatch(r"[0-9][0-9_]{0,30}(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,3})?", text) else text
    if fact.type in {"set", "countries"}:
        items = [] if text.lower() == "none" else [part.strip() for part in text.split(",") if part.strip()]
        return [_word(fact, item) for item in items] if items or text.lower() == "none" else text
    return _word(fact, text)


def numbered(fact: Fact) -> bool:
    """Tell whether values are counted: not where they are letters of a law, which begin with a digit themselves."""
    return not any(value[0].isdigit() for value in fact.values)


def _word(fact: Fact, text: str) -> str:
    """Take a value by its word, or by its number in the list."""
    values = list(fact.values)
    if numbered(fact) and text.isdecimal() and len(text) < 4 and 0 < int(text) <= len(values):  # noqa: PLR2004 - no list is so long
        return values[int(text) - 1]
    return text.upper() if fact.type == "countries" else text


def _say(text: str) -> None:
    indent = " " * (len(text) - len(text.lstrip()))
    typer.echo(textwrap.fill(text, 80, subsequent_indent=f"{indent}  ", break_on_hyphens=False), err=True)
