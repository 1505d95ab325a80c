"""How clocks are shown: as text that fits 100 columns, as JSON, as a calendar."""

from __future__ import annotations

import textwrap
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

import typer

from kybern.catalog.applicability import load_fact_schema, written
from kybern.catalog.clocks import Running, State, load_clocks

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from kybern.catalog.clocks import Deadline
    from kybern.cli._clocks import Subject
    from kybern.report import CalendarEvent

_WIDTH: Final = 100
_RUNNING: Final = (State.OVERDUE, State.AT_ONCE, State.RUNNING, State.NOT_STARTED, State.LATE, State.REPORTED)
_FEW: Final = 6
"""Questions shown of a regime without --all."""
_FOOT: Final = "Deadlines are the latest there can be; law asks for the report without delay before them. No legal advice."


def print_clocks(subject: Subject, moment: datetime, *, everything: bool) -> None:
    """Print what runs, the most pressing first; then what cannot be told, with what would settle it; then what does not run."""
    about = f" with {subject.system}" if subject.system else ""
    _line(f"{subject.name}: {subject.incident.title}{about}, as of {moment:%Y-%m-%d %H:%M} UTC.")
    for one in sorted((one for one in subject.running if one.state in _RUNNING), key=_pressing):
        typer.echo("")
        _print_one(one, moment, everything=everything)
    _print_open([one for one in subject.running if one.state is State.OPEN], moment, everything=everything)
    _print_others(subject.running, everything=everything)
    if not subject.incident.member_states:
        _line("No Member State is named: days end in Brussels then, and weekends count but no public holidays.")
    typer.echo("")
    _line(_FOOT)


def _pressing(one: Running) -> tuple[int, datetime]:
    last = datetime.max.replace(tzinfo=UTC)
    return _RUNNING.index(one.state), one.due.at if one.due is not None else (one.start or last)


def _print_one(one: Running, moment: datetime, *, everything: bool) -> None:
    _line(f"{one.state.upper()}  {one.clock.title}  [{one.clock.provision}]  {one.clock.id}")
    _row("to", one.clock.recipient)
    _row("start", _start_words(one))
    if one.due is not None:
        _row("until", f"{_end_words(one.due)}{_left(one, moment)}")
    if one.clock.prompt is not None and one.state is not State.REPORTED:
        since = f", since {_utc(one.at_once)}" if one.at_once is not None and one.at_once <= moment else ""
        _row("when", f"{one.clock.prompt}{since}")
    if one.reported is not None:
        _row("done", f"reported {_utc(one.reported)}")
    if one.open:
        _row("open", "; ".join(_question(name) for name in one.open))
    if everything:
        _row("says", "; ".join(one.clock.content))
        _row("first", one.clock.incomplete_first)
        _row("note", one.clock.note)


def _print_open(running: Sequence[Running], moment: datetime, *, everything: bool) -> None:
    """Print what cannot be told, by regime: the clocks with their possible ends, then what would settle them, each question once."""
    asked: set[str] = set()
    for regime in dict.fromkeys(one.regime.regime for one in running):
        ones = [one for one in running if one.regime.regime == regime]
        typer.echo("")
        _line(f"CANNOT TELL YET  {ones[0].regime.title} ({len(ones)})")
        for one in ones:
            end = f": it would end {_end_words(one.due)}{_left(one, moment)}" if one.due is not None else ""
            _line(f"? {one.clock.title}  [{one.clock.provision}]{end}", 2)
        names = [name for name in dict.fromkeys(name for one in ones for name in one.open) if name not in asked]
        few = names if everything else names[:_FEW]
        asked |= set(few)
        _line("settled by:", 4)
        for name in few:
            _line(f"{name}: {_question(name)}", 6)
        if len(few) < len(names):
            _line(f"and {len(names) - len(few)} more: --all shows them", 6)


def _print_others(running: Sequence[Running], *, everything: bool) -> None:
    """Print or count the clocks that do not run."""
    later = [one for one in running if one.state is State.NOT_LAW]
    none = [one for one in running if one.state is State.NOT]
    if later or none:
        typer.echo("")
    for one in later:
        _line(f"NOT LAW YET  {one.clock.title}  [{one.clock.provision}]: it binds from {one.law_since} on")
    if everything:
        for one in none:
            _line(f"does not run  {one.clock.title}  [{one.clock.provision}]")
    elif none:
        _line(f"{len(none)} clocks do not run; --all shows them, and what each report says.")


def _start_words(one: Running) -> str:
    name = one.clock.start or " or ".join(one.clock.after)
    what = f"report on {name}" if one.clock.start is None else name
    return f"not known: {what}" if one.start is None else f"{_utc(one.start)} ({what})"


def _end_words(due: Deadline) -> str:
    """Write an end in local and UTC time, and why it was moved."""
    local = due.at.astimezone(ZoneInfo(due.zone))
    moved = f", moved from {due.nominal:%a %Y-%m-%d} by {' and '.join(due.moved_by)}" if due.nominal else ""
    return f"{local:%a %Y-%m-%d %H:%M} {due.zone} ({due.at:%Y-%m-%d %H:%M} UTC){moved}"


def _left(one: Running, moment: datetime) -> str:
    if one.due is None or one.reported is not None:
        return ""
    left = one.due.at - moment
    return f": {span(left)} left" if left >= timedelta(0) else f": {span(-left)} overdue"


def span(time: timedelta) -> str:
    """Write a length of time in its two greatest units."""
    minutes = int(time.total_seconds()) // 60
    days, hours, minutes = minutes // 1440, minutes // 60 % 24, minutes % 60
    return f"{days} d {hours} h" if days else f"{hours} h {minutes} min"


def _question(name: str) -> str:
    """Ask for what is open: a fact of the incident, of the system, a moment, or the report of another clock."""
    clocks = load_clocks()
    if name in clocks.moments:
        return clocks.moments[name].question
    if name in clocks.clocks:
        return f"When was the report made on {name}?"
    facts = clocks.schema.facts if name in clocks.schema.facts else load_fact_schema().facts
    return facts[name].question


def _utc(moment: datetime | None) -> str:
    return "" if moment is None else f"{moment.astimezone(UTC):%a %Y-%m-%d %H:%M} UTC"


def _row(head: str, text: str | None) -> None:
    if text:
        first = f"  {head:<6} "
        typer.echo(textwrap.fill(text, _WIDTH, initial_indent=first, subsequent_indent=" " * 9, break_on_hyphens=False))


def _line(text: str, indent: int = 0) -> None:
    tame = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)
    first, rest = " " * indent, " " * (indent + 2)
    typer.echo(textwrap.fill(tame, _WIDTH, initial_indent=first, subsequent_indent=rest, break_on_hyphens=False))


def clocks_json(subject: Subject, moment: datetime) -> dict[str, Any]:
    """Put the clocks of an incident into JSON shape."""
    return {
        "incident": subject.name,
        "system": subject.system or None,
        "as_of": _iso(moment),
        "moments": {name: _iso(value) for name, value in sorted(subject.incident.moments.items())},
        "facts": {name: written(value) for name, value in sorted(subject.incident.facts.items())},
        "member_states": list(subject.incident.member_states),
        "clocks": [_one_json(one, moment) for one in subject.running],
    }


def _one_json(one: Running, moment: datetime) -> dict[str, Any]:
    return {
        "clock": one.clock.id,
        "regime": one.regime.regime,
        "title": one.clock.title,
        "requirement": one.clock.requirement,
        "provision": one.clock.provision,
        "runs": one.truth,
        "state": one.state.value,
        "law_since": one.law_since.isoformat() if one.law_since else None,
        "start": _iso(one.start),
        "within": one.clock.within,
        "due": None if one.due is None else _due_json(one.due, moment),
        "at_once_since": _iso(one.at_once),
        "prompt": one.clock.prompt,
        "reported": _iso(one.reported),
        "recipient": one.clock.recipient,
        "content": list(one.clock.content),
        "incomplete_first": one.clock.incomplete_first,
        "open": list(one.open),
        "because": list(one.because),
        "confidence": one.clock.confidence.value,
        "note": one.clock.note,
    }


def _due_json(due: Deadline, moment: datetime) -> dict[str, Any]:
    return {
        "at": _iso(due.at),
        "local": due.at.astimezone(ZoneInfo(due.zone)).isoformat(),
        "zone": due.zone,
        "moved_from": due.nominal.isoformat() if due.nominal else None,
        "moved_by": list(due.moved_by),
        "seconds_left": int((due.at - moment).total_seconds()),
    }


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def calendar(subjects: Iterable[Subject], stamp: datetime) -> bytes:
    """Write the deadlines of clocks that run, or may, and that nobody reported on yet."""
    from kybern.report import calendar_file  # noqa: PLC0415 - see the docstring of `_shared`

    events = [_event(subject, one) for subject in subjects for one in subject.running if _is_open(one)]
    return calendar_file(events, "Kybern: reporting clocks", stamp)


def _is_open(one: Running) -> bool:
    return one.due is not None and one.truth is not False and one.reported is None


def _event(subject: Subject, one: Running) -> CalendarEvent:
    from kybern.report import CalendarEvent  # noqa: PLC0415 - the same

    perhaps = "Perhaps: " if one.truth is None else ""
    settled = [f"Settled by: {', '.join(one.open)}."] if one.truth is None else []
    due = one.due
    if due is None:  # pragma: no cover - `_is_open` has looked
        raise ValueError(one.clock.id)
    text = [
        f"To {one.clock.recipient}.",
        f"By {one.clock.provision}, counted from {_start_words(one)}.",
        *settled,
        f"Ends {_end_words(due)}.",
    ]
    says = [f"It says: {'; '.join(one.clock.content)}.", one.clock.incomplete_first or "", one.clock.note or "", _FOOT]
    return CalendarEvent(
        "--".join(part.replace(":", "-") for part in (one.clock.id, subject.name, subject.system) if part) + "@clocks.kybern",
        due.at,
        f"{perhaps}{one.clock.title} ({subject.incident.title})",
        "\n".join(part for part in [*text, *says] if part),
        (one.regime.regime,),
        timedelta(hours=12),
    )
