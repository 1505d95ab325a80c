"""How obligations are shown: as text that fits 100 columns, as JSON, as rows, as a calendar."""

from __future__ import annotations

import textwrap
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import typer

from kybern.assessment import Binding, DayAhead, Register, Standing
from kybern.catalog.applicability import load_rules

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date, datetime

    from kybern.assessment import Assessment, CarriedOver, Owned, Unsettled

_WIDTH: Final = 100
_FEW: Final = 6
_TITLE: Final = 44
_CARRIES: Final = (Standing.CARRIED, Standing.OPEN, Standing.EVIDENCE, Standing.NO_EVIDENCE)


def filtered(register: Register, *, in_effect: bool, unmet: bool) -> Register:
    """Keep what binds on the day, or what is not shown."""
    kept = [one for one in register.bindings if (not in_effect or one.in_effect(register.as_of)) and not (unmet and one.is_met)]
    return replace(register, bindings=tuple(kept))


def print_register(register: Register, assessment: Assessment, *, everything: bool) -> None:
    """Print what binds, subject by subject, regime by regime, article by article; then what is open and what was registered."""
    now = sum(one.in_effect(register.as_of) for one in register.bindings)
    _line(
        f"As of {register.as_of}: {len(register.bindings)} requirements bind, {now} of them now and {len(register.bindings) - now} from a "
        "later day. No legal advice."
    )
    for subject in register.free:
        record = assessment.records.get(subject)
        typer.echo("")
        _line(f"{subject}  {record.title if record else ''}".rstrip())
        mine = [one for one in register.bindings if one.subject == subject]
        for regime in dict.fromkeys(one.duty.regime for one in mine):
            _regime(assessment, register.as_of, [one for one in mine if one.duty.regime == regime], everything=everything)
        for open_one in (one for one in register.unsettled if one.subject == subject):
            _unsettled(open_one, everything=everything)
        if register.free[subject]:
            _line(f"Does not reach it: {', '.join(_title(name) for name in register.free[subject])}.", 2)
    _owned(register.owned)


def _regime(assessment: Assessment, day: date, ones: Sequence[Binding], *, everything: bool) -> None:
    now = sum(one.in_effect(day) for one in ones)
    _line(f"{_title(ones[0].duty.regime)}: {len(ones)} bind, {now} now; {_statuses(ones)}", 2)
    groups: dict[tuple[str, date | None, date | None], list[Binding]] = {}
    for one in ones:
        groups.setdefault((one.article, one.duty.since, one.duty.until), []).append(one)
    for (article, _, _), group in groups.items():
        entry = assessment.catalog.requirements.get(article)
        _article(day, article, entry.title if entry is not None else article, group)
        if everything:
            for one in group:
                _binding(one)


def _article(day: date, article: str, title: str, group: Sequence[Binding]) -> None:
    """Print an article on a line, how many points, from when and how they stand, and on a second what comes over and who owes it."""
    first = group[0]
    points = f" ({len(group)})" if len(group) > 1 else ""
    name = f"{article.partition(':')[2]}{points}"
    short = title if len(title) <= _TITLE else f"{title[: _TITLE - 1]}…"
    head, stand = f"    {name:<15} {short:<{_TITLE}} {_day(first, day):<17}", _statuses(group)
    fits = len(head) + 1 + len(stand) <= _WIDTH
    typer.echo(_tame(f"{head} {stand}" if fits else head.rstrip()))
    owner = f"owed by {first.owner}" if first.owner else "nobody owes it"
    notes = ["" if fits else stand, f"first {first.before}" if first.before else "", _carry_words(group), owner]
    _line("; ".join(note for note in notes if note), 20)


def _day(one: Binding, day: date) -> str:
    since, until = one.duty.since, one.duty.until
    if until is not None and until >= day and (since is None or since <= day):
        return f"until {until}"
    if since is None:
        return "binds"
    return f"since {since}" if since <= day else f"from {since}"


def _statuses(ones: Iterable[Binding]) -> str:
    """Count how requirements stand: `2 met, 5 unknown, 7 without a control`."""
    counts = Counter("no control" if one.score is None else one.score.status.label for one in ones)
    return ", ".join(f"{count} {label}" for label, count in counts.most_common())


def _carry_words(group: Sequence[Binding]) -> str:
    counts = Counter(one.carried.standing for one in group if one.carried is not None)
    return ", ".join(f"{counts[one]} {one.value}" for one in (Standing.CARRIED, Standing.EVIDENCE) if counts[one])


def _binding(one: Binding) -> None:
    """Print everything of one requirement."""
    _line(f"{one.requirement}  {one.duty.title or ''}", 6)
    status = one.score.status.label if one.score is not None else "no control answers it yet"
    rows = [
        ("asks", one.statement),
        ("why", " > ".join(ref.partition(":")[2] for ref in reversed(one.chain[:_FEW]))),
        ("day", _day_words(one)),
        ("penalty", one.duty.penalty),
        ("status", status),
        ("shown by", "; ".join(f"{ask.title} [{ask.control}]" for ask in one.asks if ask.evidence)),
        ("keep", one.documented),
        ("carries", _carried_words(one.carried)),
        ("owner", one.owner),
        ("record", ", ".join(one.stated)),
    ]
    for head, text in rows:
        if text:
            _row(head, text)


def _day_words(one: Binding) -> str:
    since = f"from {one.duty.since}" if one.duty.since else "binds"
    before = f", first {one.before}" if one.before else ""
    until = f", until {one.duty.until}" if one.duty.until else ""
    return f"{since}{before}{until}{f' by {one.duty.basis}' if one.duty.basis else ''}"


def _carried_words(carried: CarriedOver | None) -> str:
    """Say what comes over from ISO/IEC 42001, and by which entries."""
    if carried is None or carried.standing not in _CARRIES:
        return ""
    best = [one for one in carried.sources if one.pair.relation][:3]
    words = [f"{one.pair.source} ({one.pair.words}, {one.score.status.label if one.score else 'asks nothing'})" for one in best]
    return f"{carried.standing.value}: {', '.join(words)}"


def _unsettled(one: Unsettled, *, everything: bool) -> None:
    """Print what may bind once, with the questions that would settle it."""
    facts = load_rules().schema.facts
    few = one.facts if everything else one.facts[:_FEW]
    _line(f"{_title(one.regime)}: cannot tell yet of {len(one.requirements)}; settled by", 2)
    for name in few:
        _line(f"? {name}: {facts[name].question}", 4)
    if len(few) < len(one.facts):
        _line(f"and {len(one.facts) - len(few)} more: --all shows them", 4)
    if everything:
        _line(", ".join(ref.partition(":")[2] for ref in one.requirements), 4)


def _owned(owned: Sequence[Owned]) -> None:
    if not owned:
        return
    typer.echo("")
    _line("Registered by the organisation itself:")
    for one in owned:
        record = one.record
        since = f", since {record.binds_from}" if record.binds_from else ""
        linked = f"; {one.bindings} of the requirements above" if one.bindings else ""
        _line(
            f"{record.ref}  {record.title} ({record.origin}{since}): {', '.join(one.subjects)}; owed by {one.owner or 'nobody'}{linked}", 2
        )


def print_days(listed: Sequence[DayAhead], day: date, ahead: int) -> None:
    """Print deadlines as a table, the first first."""
    for one in listed:
        typer.echo(_tame(f"{one.on}  {one.kind.value:<21}  {one.title}"[:_WIDTH]))
        _line(f"{one.about}: {one.why} {one.do} Owed by {one.owner or 'nobody'}.", 12)
    if not listed:
        _line(f"Nothing falls into the {ahead} days after {day}.")


def calendar(listed: Iterable[DayAhead], stamp: datetime) -> bytes:
    """Write deadlines as all-day events."""
    from kybern.report import CalendarEvent, calendar_file  # noqa: PLC0415 - see the docstring of `_shared`

    events = [
        CalendarEvent(
            f"{one.key}@obligations.kybern".replace(":", "-").replace("/", "-").replace(" ", ""),
            one.on,
            f"{one.title} ({one.about})",
            f"{one.why}\n{one.do}\nOwed by {one.owner or 'nobody'}.\n{', '.join(one.names)}\nNo legal advice.",
            (one.category, one.kind.value),
            timedelta(days=7),
        )
        for one in listed
    ]
    return calendar_file(events, "Kybern: obligations", stamp)


def to_rows(register: Register) -> str:
    """Write the bindings as CSV."""
    from kybern.report import to_csv  # noqa: PLC0415 - the same

    columns = (
        "subject", "regime", "requirement", "title", "statement", "since", "before", "until", "in_effect", "basis", "penalty", "why",
        "status", "evidence_needed", "documented_information", "carry_over", "owner", "records",
    )  # fmt: skip
    return to_csv(columns, ([_cell(value) for value in _binding_json(one, register.as_of, columns)] for one in register.bindings))


def _cell(value: object) -> str:
    if isinstance(value, list):
        return "; ".join(map(str, value))
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _binding_json(one: Binding, day: date, columns: Sequence[str]) -> list[object]:
    whole = {
        **binding_json(one, day),
        "evidence_needed": [f"{ask.title} [{ask.control}]" for ask in one.asks if ask.evidence],
        "carry_over": _carried_words(one.carried),
    }
    return [whole[column] for column in columns]


def binding_json(one: Binding, day: date) -> dict[str, Any]:
    """Put one requirement that binds into JSON shape."""
    duty = one.duty
    return {
        "subject": one.subject,
        "regime": duty.regime,
        "requirement": duty.requirement,
        "title": duty.title,
        "statement": one.statement,
        "since": _iso(duty.since),
        "before": _iso(one.before),
        "until": _iso(duty.until),
        "in_effect": one.in_effect(day),
        "basis": duty.basis,
        "penalty": duty.penalty,
        "why": list(one.chain),
        "because": list(duty.because),
        "status": None if one.score is None else one.score.status.slug,
        "evidence_needed": [{"control": ask.control, "check": ask.check, "title": ask.title} for ask in one.asks if ask.evidence],
        "records_needed": [{"control": ask.control, "check": ask.check, "title": ask.title} for ask in one.asks if not ask.evidence],
        "documented_information": one.documented,
        "carry_over": None if one.carried is None else _carried_json(one.carried),
        "owner": one.owner,
        "owner_ref": one.owner_ref,
        "records": list(one.stated),
    }


def _carried_json(carried: CarriedOver) -> dict[str, Any]:
    return {
        "standing": carried.standing.value,
        "sources": [
            {
                "requirement": one.pair.source,
                "relation": one.pair.words,
                "confidence": one.pair.confidence.value,
                "status": one.score.status.slug if one.score else None,
            }
            for one in carried.sources
        ],
    }


def register_json(register: Register) -> dict[str, Any]:
    """Put the register into JSON shape."""
    return {
        "as_of": register.as_of.isoformat(),
        "bindings": [binding_json(one, register.as_of) for one in register.bindings],
        "cannot_tell": [
            {"subject": one.subject, "regime": one.regime, "requirements": list(one.requirements), "open": list(one.facts)}
            for one in register.unsettled
        ],
        "does_not_reach": {subject: list(names) for subject, names in register.free.items()},
        "registered": [
            {
                "record": one.record.ref,
                "title": one.record.title,
                "origin": one.record.origin,
                "source": one.record.source,
                "requirement": one.record.requirement,
                "binds_from": _iso(one.record.binds_from),
                "subjects": list(one.subjects),
                "owner": one.owner,
                "bindings": one.bindings,
            }
            for one in register.owned
        ],
    }


def days_json(listed: Iterable[DayAhead]) -> list[dict[str, Any]]:
    """Put deadlines into JSON shape."""
    return [
        {
            "on": one.on.isoformat(),
            "kind": one.kind.value,
            "about": one.about,
            "title": one.title,
            "names": list(one.names),
            "why": one.why,
            "do": one.do,
            "owner": one.owner,
            "category": one.category,
        }
        for one in listed
    ]


def _title(regime: str) -> str:
    return load_rules().regimes[regime].title


def _iso(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def _row(head: str, text: str) -> None:
    first = f"        {head:<9} "
    typer.echo(textwrap.fill(_tame(text), _WIDTH, initial_indent=first, subsequent_indent=" " * 18, break_on_hyphens=False))


def _line(text: str, indent: int = 0) -> None:
    first, rest = " " * indent, " " * (indent + 2)
    typer.echo(textwrap.fill(_tame(text), _WIDTH, initial_indent=first, subsequent_indent=rest, break_on_hyphens=False))


def _tame(text: str) -> str:
    """Leave out what rules a terminal: titles come from records."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)
