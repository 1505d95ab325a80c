"""From an incident's record to its clocks: what it says is known, what it leaves out stays open, and old records stay what they were."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from kybern.base import Place
from kybern.records import incident_of
from kybern.records.assurance import Incident

OLD: dict[str, Any] = {
    "kind": "incident",
    "id": "i",
    "title": "Wrong letters",
    "systems": ["ai_system:mailer"],
    "severity": "high",
    "aware_at": "2026-10-23T10:20:00+02:00",
    "account": "Two lists were swapped.",
}


def incident(**more: Any) -> Incident:
    return Incident.model_validate({**OLD, **more})


def read(**more: Any) -> Any:
    facts, problems = incident_of(incident(**more), lambda ref, path: Place(f"{ref}/{'/'.join(map(str, path))}"))
    assert not problems
    return facts


def test_an_old_record_states_what_it_stated_so_that_its_digest_is_the_same() -> None:
    assert set(incident().content) == {*OLD, "state", "tags", "reported_to"}


def test_moments_are_read_into_utc_and_the_end_of_the_handling_is_when_it_was_resolved() -> None:
    found = read(resolved_at="2026-11-01T00:00:00Z", causal_link_at="2026-10-24T00:00:00Z")
    assert found.moments == {
        "aware_at": datetime(2026, 10, 23, 8, 20, tzinfo=UTC),
        "causal_link_at": datetime(2026, 10, 24, tzinfo=UTC),
        "handled_at": datetime(2026, 11, 1, tzinfo=UTC),
    }


def test_no_harm_is_another_answer_than_none_stated() -> None:
    assert "harms" not in read().facts
    assert read(harms=()).facts == {"harms": frozenset()}
    assert read(harms=("death",)).facts == {"harms": frozenset({"death"})}


def test_of_several_reports_on_a_clock_the_earliest_counts_whatever_their_order() -> None:
    made = [{"clock": "gdpr.authority", "at": "2026-10-24T00:00:00Z"}, {"clock": "gdpr.authority", "at": "2026-10-30T00:00:00Z"}]
    for reports in (made, made[::-1]):
        assert read(reports=reports).reported("gdpr.authority") == datetime(2026, 10, 24, tzinfo=UTC)


def test_what_is_wrong_is_told_at_its_field() -> None:
    wrong = incident(occurred_at="2026-10-24T00:00:00Z", reports=[{"clock": "gdpr.autority", "at": "2026-10-24T00:00:00Z"}])
    _, problems = incident_of(wrong, lambda ref, path: Place(f"{ref}/{'/'.join(map(str, path))}"))
    assert [(one.rule, one.place.file) for one in problems] == [
        ("contradictory-moments", "incident:i/aware_at"),
        ("unknown-clock", "incident:i/reports/0/clock"),
    ]
