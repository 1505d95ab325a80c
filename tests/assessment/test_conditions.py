"""What each operator says of content, three-valued: it holds, it is broken, a date has gone by, or there is nothing to say."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from kybern.assessment._conditions import NO_BOUNDS, Bounds, Verdict, judge_all, look_up
from kybern.catalog import Condition, Operator

P, S, L, F = Verdict.PASS, Verdict.SILENT, Verdict.LAPSED, Verdict.FAIL
AS_OF = datetime(2026, 6, 15, 12, tzinfo=UTC)
_O = Operator
MISSING = object()


def verdict(operator: Operator, wanted: Any, value: Any, bounds: Bounds = NO_BOUNDS, as_of: datetime = AS_OF) -> Verdict:
    condition = Condition(field="field", operator=operator, value=wanted)
    return judge_all([condition], as_of)({} if value is MISSING else {"field": value}, bounds)


@pytest.mark.parametrize(
    ("value", "there"),
    [
        (MISSING, False),
        (None, False),
        ("", False),
        ([], False),
        ({}, False),
        ((), False),
        (False, True),
        (0, True),
        (0.0, True),
        ("x", True),
        ([0], True),
        ({"a": None}, True),
    ],
)
def test_present_and_absent_are_each_other_s_opposite_and_never_silent(value: object, there: bool) -> None:  # noqa: FBT001
    assert verdict(_O.PRESENT, None, value) is (P if there else F)
    assert verdict(_O.ABSENT, None, value) is (F if there else P)


@pytest.mark.parametrize(
    ("operator", "wanted"),
    [
        (_O.EQ, 1),
        (_O.NE, 1),
        (_O.LT, 1),
        (_O.LE, 1),
        (_O.GT, 1),
        (_O.GE, 1),
        (_O.IN, [1]),
        (_O.CONTAINS, "a"),
        (_O.MAX_AGE, "P1D"),
        (_O.NOT_PAST, None),
        (_O.WITHIN, None),
    ],
)
@pytest.mark.parametrize("value", [MISSING, None])
def test_a_field_that_is_missing_says_nothing(operator: Operator, wanted: object, value: object) -> None:
    assert verdict(operator, wanted, value, bounds=(0, 1)) is S


@pytest.mark.parametrize(
    ("wanted", "value", "equal"),
    [
        (1, 1, True),
        (1, 1.0, True),
        (1, 2, False),
        (1, True, False),
        (True, 1, False),
        (True, True, True),
        (True, False, False),
        (False, 0, False),
        (0, False, False),
        (0, 0.0, True),
        ("1", 1, False),
        (1, "1", False),
        ("a", "a", True),
        ("a", "A", False),
        ("true", True, False),
        ("a", ["a"], False),
        ("a", {"a": 1}, False),
    ],
)
def test_equality_tells_true_from_one_and_text_from_numbers(wanted: Any, value: Any, equal: bool) -> None:  # noqa: FBT001
    assert verdict(_O.EQ, wanted, value) is (P if equal else F)
    assert verdict(_O.NE, wanted, value) is (F if equal else P)
    assert verdict(_O.IN, ["other", wanted], value) is (P if equal else F)
    assert verdict(_O.CONTAINS, wanted, ["other", value]) is (P if equal else F)


@pytest.mark.parametrize(("value", "lt", "le", "gt", "ge"), [(1, P, P, F, F), (2, F, P, F, P), (2.0, F, P, F, P), (3.5, F, F, P, P)])
def test_numbers_are_ordered_with_numbers(value: float, lt: Verdict, le: Verdict, gt: Verdict, ge: Verdict) -> None:
    assert [verdict(operator, 2, value) for operator in (_O.LT, _O.LE, _O.GT, _O.GE)] == [lt, le, gt, ge]


@pytest.mark.parametrize(("value", "lt", "le", "gt", "ge"), [("2026-06-14", P, P, F, F), ("2026-06-15", F, P, F, P), ("2027", F, F, P, P)])
def test_texts_are_ordered_with_texts(value: str, lt: Verdict, le: Verdict, gt: Verdict, ge: Verdict) -> None:
    assert [verdict(operator, "2026-06-15", value) for operator in (_O.LT, _O.LE, _O.GT, _O.GE)] == [lt, le, gt, ge]


@pytest.mark.parametrize(("wanted", "value"), [(2, "1"), ("2", 1), (2, True), (0, False), (2, [1]), (2, {}), ("a", ["a"]), ("a", True)])
@pytest.mark.parametrize("operator", [_O.LT, _O.LE, _O.GT, _O.GE])
def test_what_has_no_order_says_nothing(operator: Operator, wanted: Any, value: object) -> None:
    assert verdict(operator, wanted, value) is S


@pytest.mark.parametrize(
    ("wanted", "value", "said"),
    [
        ("a", ["a", "b"], P),
        ("c", ["a", "b"], F),
        ("a", [], F),
        (1, [True], F),
        ("well", "went well", P),
        ("Well", "went well", F),
        (1, "1", S),
        ("a", 1, S),
        ("a", {"a": 1}, S),
        ("a", True, S),
    ],
)
def test_contains_reads_lists_and_texts(wanted: Any, value: object, said: Verdict) -> None:
    assert verdict(_O.CONTAINS, wanted, value) is said


@pytest.mark.parametrize(
    ("value", "bounds", "said"),
    [
        (0.5, (0.5, 0.9), P),
        (0.9, (0.5, 0.9), P),
        (0.4999, (0.5, 0.9), F),
        (0.9001, (0.5, 0.9), F),
        (-5, (None, 0.9), P),
        (5, (None, 0.9), F),
        (5, (0.5, None), P),
        (0, (0.5, None), F),
        (0, (0, 0), P),
        (0.7, (None, None), S),
        (True, (0, 1), S),
        ("0.7", (0.5, 0.9), S),
        ([0.7], (0.5, 0.9), S),
    ],
)
def test_within_holds_a_number_against_the_bounds_of_the_record_both_included(value: object, bounds: Bounds, said: Verdict) -> None:
    assert verdict(_O.WITHIN, None, value, bounds=bounds) is said


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("2026-06-15T12:00:00Z", P),
        ("2026-06-05T12:00:00Z", P),
        ("2026-06-05T11:59:59Z", L),
        ("2026-06-05T13:59:59+02:00", L),
        ("2026-06-05T14:00:00+02:00", P),
        ("2026-06-15T12:00:01Z", S),
        ("2026-06-05T12:00:00", P),
        ("2026-06-05T11:59:59", L),
        ("2026-06-15", P),
        ("2026-06-05", P),
        ("2026-06-04", L),
        ("2026-06-16", S),
        ("soon", S),
        ("2026-13-01", S),
        (20260605, S),
        (["2026-06-05"], S),
    ],
)
def test_max_age_counts_from_the_moment_and_a_day_is_all_of_that_day(value: object, said: Verdict) -> None:
    assert verdict(_O.MAX_AGE, "P10D", value) is said


@pytest.mark.parametrize(
    ("as_of", "said"),
    [
        (datetime(2026, 6, 15, 0, tzinfo=UTC), P),
        (datetime(2026, 6, 14, 23, 59, 59, tzinfo=UTC), S),
        (datetime(2026, 6, 15, 23, 59, 59, tzinfo=UTC), P),
        (datetime(2026, 6, 16, 0, tzinfo=UTC), L),
        (datetime(2026, 6, 16, 1, tzinfo=timezone(timedelta(hours=2))), P),
    ],
)
def test_an_age_of_no_days_is_the_day_itself_in_utc(as_of: datetime, said: Verdict) -> None:
    assert verdict(_O.MAX_AGE, "P0D", "2026-06-15", as_of=as_of) is said


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("2026-06-15T12:00:00Z", P),
        ("2026-06-15T11:59:59Z", L),
        ("2026-06-15T12:00:01Z", P),
        ("2026-06-15T14:00:00+02:00", P),
        ("2026-06-15", P),
        ("2026-06-14", L),
        ("2030-01-01", P),
        ("never", S),
        (True, S),
    ],
)
def test_not_past_includes_the_moment_and_the_whole_day(value: object, said: Verdict) -> None:
    assert verdict(_O.NOT_PAST, None, value) is said


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({"a": 1, "b": "2030-01-01"}, P),
        ({"b": "2030-01-01"}, S),
        ({"a": 1, "b": "2020-01-01"}, L),
        ({"b": "2020-01-01"}, L),
        ({"a": 2, "b": "2020-01-01"}, F),
        ({"a": 2}, F),
        ({}, S),
    ],
)
def test_of_several_conditions_the_worst_speaks(content: dict[str, Any], said: Verdict) -> None:
    conditions = [Condition(field="a", operator=_O.EQ, value=1), Condition(field="b", operator=_O.NOT_PAST)]
    assert judge_all(conditions, AS_OF)(content, NO_BOUNDS) is said
    assert judge_all(conditions[::-1], AS_OF)(content, NO_BOUNDS) is said


def test_no_condition_is_a_pass() -> None:
    assert judge_all([], AS_OF)({}, NO_BOUNDS) is P


@pytest.mark.parametrize(
    ("content", "path", "found"),
    [
        ({"a": {"b": {"c": 1}}}, "a.b.c", 1),
        ({"a": {"b": 1}}, "a.b.c", None),
        ({"a": 1}, "a.b", None),
        ({}, "a.b", None),
        ({"a": [{"b": 1}, {"c": 2}, {"b": 3}]}, "a.b", [1, 3]),
        ({"a": [{"c": 2}]}, "a.b", None),
        ({"a": []}, "a.b", None),
        ({"a": [1, "x"]}, "a.b", None),
        ({"a": [{"b": [{"c": 1}]}, {"b": [{"c": 2}]}]}, "a.b.c", [[1], [2]]),
        ({"a": {"b": False}}, "a.b", False),
    ],
)
def test_a_path_leads_through_parts_and_gathers_from_lists(content: dict[str, Any], path: str, found: object) -> None:
    assert look_up(content, path.split(".")) == found


@pytest.mark.parametrize(
    ("operator", "value", "content", "said"),
    [
        (_O.CONTAINS, "pays", {"tools": [{"effect": "reads"}, {"effect": "pays"}]}, P),
        (_O.CONTAINS, "pays", {"tools": [{"effect": "reads"}]}, F),
        (_O.CONTAINS, "pays", {"tools": []}, S),
        (_O.PRESENT, None, {"tools": [{"name": "t"}]}, F),
        (_O.ABSENT, None, {"tools": [{"name": "t"}]}, P),
        (_O.PRESENT, None, {"tools": [{"effect": "reads"}]}, P),
    ],
)
def test_a_condition_reads_what_a_list_s_items_have(operator: Operator, value: Any, content: dict[str, Any], said: Verdict) -> None:
    condition = Condition(field="tools.effect", operator=operator, value=value)
    assert judge_all([condition], AS_OF)(content, NO_BOUNDS) is said
