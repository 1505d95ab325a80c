"""A framework as law stood on a day: rolled back, never forward, and the same whichever way one gets there."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kybern.catalog import Applies, Catalog, Earlier, Framework, Requirement

LAST_OF_OLD, FIRST_OF_NEW = date(2026, 7, 26), date(2026, 7, 27)
DAYS = st.dates(date(2024, 1, 1), date(2030, 1, 1))
ACT = "Regulation (EU) 2026/1744"


def requirement(**fields: object) -> Requirement:
    return Requirement.model_validate({"id": "1", "kind": "article", "title": "Now", "statement": "Do it now.", **fields})


def earlier(until: str, **fields: object) -> Earlier:
    return Earlier.model_validate({"until": until, "by": "Act", "change": "Something changed.", **fields})


@st.composite
def entries(draw: st.DrawFn) -> Requirement:
    """An entry with any history that the linter lets pass."""
    untils = sorted(draw(st.sets(DAYS, max_size=4)))
    rows = []
    for until in untils:
        absent = draw(st.booleans())
        titles = st.none() | st.sampled_from(("Once", "Before", "Now"))
        rows.append(earlier(str(until), absent=absent, title=None if absent else draw(titles), normative=draw(st.none() | st.booleans())))
    keys = draw(st.lists(st.tuples(st.none() | st.sampled_from("ab"), st.none() | DAYS), unique=True, max_size=5))
    dates = [Applies(since=draw(DAYS), route=route, enacted=enacted, basis="Article 9") for route, enacted in keys]
    repealed = draw(st.none() | DAYS)
    return requirement(earlier=tuple(rows), dates=tuple(dates), repealed=repealed, normative=repealed is None)


@pytest.fixture(scope="module")
def act(laws: Catalog) -> Framework:
    return laws.frameworks["EU_AI_ACT"]


def test_as_known_today_is_the_file(act: Framework, laws: Catalog) -> None:
    for framework in laws.frameworks.values():
        assert framework.as_known(date(2026, 11, 26)) == framework
        assert framework.as_known(date.max) == framework
    assert act.as_known(FIRST_OF_NEW) != act.as_known(LAST_OF_OLD)


def test_before_the_amendment_nothing_of_it_is_there(act: Framework) -> None:
    old = {entry.id: entry for entry in act.as_known(LAST_OF_OLD).requirements}
    new = {entry.id: entry for entry in act.requirements}
    added = {entry.id for entry in act.requirements if any(row.absent for row in entry.earlier)}
    assert len(added) == 26
    assert {"Art.4a", "Art.5(1)(ba)", "Art.5(1)(bb)", "Art.75c(5)", "Art.99(6a)", "Annex.XIV", "Annex.I.B.21"} <= added
    assert new.keys() - old.keys() == added
    for entry in old.values():
        assert not entry.earlier
        assert not any(row.by == ACT for row in entry.earlier)
        assert all(row.enacted == date(2024, 8, 1) for row in entry.dates)
        assert entry.repealed is None
        assert entry.parent is None or entry.parent in old


def test_what_was_amended_is_as_it_was(act: Framework) -> None:
    old = {entry.id: entry for entry in act.as_known(LAST_OF_OLD).requirements}
    new = {entry.id: entry for entry in act.requirements}
    assert "sufficient level" in old["Art.4(1)"].statement
    assert "sufficient level" not in new["Art.4(1)"].statement
    assert "99(4)(da)" not in (old["Art.25(2)"].penalty or "")
    assert "99(4)(da)" in (new["Art.25(2)"].penalty or "")
    assert old["Annex.VIII.B.7"].normative
    assert not new["Annex.VIII.B.7"].normative
    assert old["Art.77"].title == "Powers of authorities protecting fundamental rights"


@pytest.mark.parametrize(
    ("entry", "before", "after"),
    [
        ("Art.9(1)", {"annex-iii": "2026-08-02", "annex-i": "2027-08-02"}, {"annex-iii": "2027-12-02", "annex-i": "2028-08-02"}),
        ("Art.6(1)", {"annex-i": "2027-08-02"}, {"annex-i": "2028-08-02"}),
        ("Art.27(1)", {"annex-iii": "2026-08-02"}, {"annex-iii": "2027-12-02"}),
        ("Annex.III(4)(a)", {"annex-iii": "2026-08-02"}, {"annex-iii": "2027-12-02"}),
        ("Art.50(2)", {None: "2026-08-02"}, {None: "2026-08-02"}),
        ("Art.49(1)", {None: "2026-08-02"}, {None: "2026-08-02"}),
        ("Art.53(1)(a)", {None: "2025-08-02"}, {None: "2025-08-02"}),
        ("Art.102", {None: "2026-08-02"}, {None: "2026-07-27"}),
        ("Art.5(1)(ba)", None, {None: "2026-12-02"}),
        ("Art.111(4)", None, {None: "2026-12-02"}),
        ("Art.57(3a)", None, {None: "2026-08-02"}),
    ],
)
def test_dates_on_both_sides_of_the_amendment(act: Framework, entry: str, before: dict | None, after: dict) -> None:
    for on, expected in ((LAST_OF_OLD, before), (FIRST_OF_NEW, after)):
        known = {each.id: each for each in act.as_known(on).requirements}.get(entry)
        found = {row.route: str(row.since) for row in known.dates_as_known(on)} if known else None
        assert found == expected


def test_each_state_holds_through_its_last_day() -> None:
    entry = requirement(
        earlier=(
            earlier("2024-12-31", absent=True),
            earlier("2025-12-31", title="First", bound=("a",)),
            earlier("2026-12-31", title="Second"),
        ),
        bound=("b",),
    )
    assert entry.as_known(date(2024, 12, 31)) is None
    states = {
        day: entry.as_known(date.fromisoformat(day)) for day in ("2025-01-01", "2025-12-31", "2026-01-01", "2026-12-31", "2027-01-01")
    }
    told = {day: (known.title, known.bound, len(known.earlier)) for day, known in states.items() if known}
    assert told == {
        "2025-01-01": ("First", ("a",), 1),
        "2025-12-31": ("First", ("a",), 1),
        "2026-01-01": ("Second", ("b",), 2),
        "2026-12-31": ("Second", ("b",), 2),
        "2027-01-01": ("Now", ("b",), 3),
    }


def test_a_field_an_older_state_does_not_name_is_that_of_the_next_state() -> None:
    entry = requirement(earlier=(earlier("2024-12-31", penalty="a fine"), earlier("2025-12-31", title="Second")))
    known = entry.as_known(date(2024, 1, 1))
    assert known is not None
    assert (known.title, known.penalty) == ("Second", "a fine")


def test_what_was_said_of_its_status_later_is_not_known_before() -> None:
    entry = requirement(status="Draft", status_date="2026-05-19")
    assert [known.status for day in (18, 19) if (known := entry.as_known(date(2026, 5, day)))] == [None, "Draft"]


@given(entries(), DAYS, DAYS)
def test_rolling_back_twice_is_rolling_back_to_the_earlier_day(entry: Requirement, one: date, other: date) -> None:
    once = entry.as_known(one)
    twice = once.as_known(other) if once else None
    assert twice == (entry.as_known(min(one, other)) if once else None)


@given(entries(), DAYS)
def test_rolling_back_is_idempotent_and_changes_no_date_of_that_day(entry: Requirement, on: date) -> None:
    known = entry.as_known(on)
    if known is not None:
        assert known.as_known(on) == known
        assert known.dates_as_known(on) == entry.dates_as_known(on) == known.dates_as_known(date.max)


@given(entries(), DAYS)
def test_the_dates_known_are_the_last_enacted_of_each_route(entry: Requirement, on: date) -> None:
    expected = {}
    for row in sorted(entry.dates, key=lambda row: row.enacted or date.min):
        if (row.enacted or date.min) <= on:
            expected[row.route] = row
    assert {row.route: row for row in entry.dates_as_known(on)} == expected


@given(entries())
def test_an_entry_in_its_last_state_is_the_entry(entry: Requirement) -> None:
    assert entry.as_known(date.max) == entry
