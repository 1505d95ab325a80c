"""The trend chart: every point is drawn where its share says, leads where it is told, and the table says the same."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kybern.assessment import Course, CourseLine, CoursePoint, PlannedStep, Status
from kybern.report._chart import mark, spread, time_ticks
from kybern.report._trend import trend_rows, trend_svg, trend_words

NOW = datetime(2026, 11, 20, tzinfo=UTC)
shares = st.floats(0, 1)


def point(days: float, coverage: float, met: int = 1) -> CoursePoint:
    tense = "now" if days == 0 else "past" if days < 0 else "ahead"
    counts = dict.fromkeys(Status, 0) | {Status.MET: met, Status.UNKNOWN: 4 - met, Status.NOT_APPLICABLE: 2}
    return CoursePoint(NOW + timedelta(days=days), tense, coverage, met / 4, counts)  # type: ignore[arg-type]


def made(*lines: CourseLine, plan: tuple[PlannedStep, ...] = (), overdue: tuple[PlannedStep, ...] = ()) -> Course:
    return Course(NOW, {line.framework: line for line in lines}, plan, overdue, records_then=False)


def simple(name: str = "ISO42001", shift: float = 0.0) -> CourseLine:
    points = (point(-90, 0.1 + shift), point(0, 0.6 + shift, 2), point(90, 0.3 + shift))
    return CourseLine(name, points, (point(0, 0.6 + shift, 2), point(90, 0.8 + shift, 3)))


def read(course: Course, **more: object) -> ET.Element:
    return ET.fromstring(trend_svg(course, **more))  # type: ignore[arg-type]  # noqa: S314  (our own markup)


def of_class(drawn: ET.Element, name: str) -> list[ET.Element]:
    return [one for one in drawn.iter() if name in one.attrib.get("class", "").split()]


def words(drawn: ET.Element) -> list[str]:
    return [one.text or "" for one in drawn.iter("text")]


@given(st.lists(shares, min_size=1, max_size=12), st.lists(shares, max_size=12))
def test_every_point_is_drawn_inside_the_plot_at_its_share(past: list[float], ahead: list[float]) -> None:
    points = [point(at - len(past) + 1, share) for at, share in enumerate([*past, *ahead])]
    drawn = read(made(CourseLine("X", tuple(points), ())))
    dots = of_class(drawn, "t-dot")
    assert len(dots) == len(points)
    for one, dot in zip(points, dots, strict=True):
        x, y = map(float, re.findall(r"[\d.]+", dot.attrib["d"])[:2])
        assert 52 <= x <= 752
        assert y == pytest.approx(326 - 286 * one.coverage, abs=0.01)


def test_points_are_links_where_they_are_given_an_address_and_say_what_they_show() -> None:
    drawn = read(made(simple()), href=lambda name, one: f"/{name}?at={one.at:%F}" if one.tense != "ahead" else None)
    links = list(drawn.iter("a"))
    assert [one.attrib["href"] for one in links] == ["/ISO42001?at=2026-08-22", "/ISO42001?at=2026-11-20"]
    assert links[1].attrib["aria-label"] == "ISO 42001, 2026-11-20, shown now: coverage 60\u202f%, 2 of 4 requirements met"
    assert drawn.attrib["role"] == "group"
    assert read(made(simple())).attrib["role"] == "img"


def test_three_styles_each_with_its_words() -> None:
    drawn = read(made(simple(), plan=(PlannedStep("GOV-01", date(2026, 12, 1)),)))
    assert [one.attrib["class"] for one in of_class(drawn, "t-line")] == ["t-line", "t-line t-ahead", "t-line t-plan"]
    said = " ".join(words(drawn))
    assert "if nothing new is done" in said
    assert "if everything planned is done on its day" in said
    assert "now, 2026-11-20" in said


def test_one_framework_of_many_and_one_that_is_not_there() -> None:
    course = made(simple(), simple("DPDP"))
    assert "DPDP" not in trend_svg(course, "ISO42001")
    assert "DPDP" in trend_svg(course)
    with pytest.raises(KeyError):
        trend_svg(course, "NOPE")


def test_the_share_of_requirements_met_can_be_drawn_instead() -> None:
    assert "50\u202f%" in words(read(made(simple()), measure="met"))
    assert "60\u202f%" in words(read(made(simple()), measure="coverage"))


def test_many_frameworks_have_labels_that_keep_clear_of_each_other_and_no_planned_lines() -> None:
    drawn = read(made(*(simple(f"F{at}") for at in range(25))))
    tops = [float(one.attrib["y"]) for one in of_class(drawn, "t-name")]
    assert len(tops) == 25
    assert all(later - earlier >= 28 for earlier, later in pairwise(sorted(tops)))
    assert max(tops) + 14 <= float(drawn.attrib["height"])
    assert of_class(drawn, "t-plan") == []
    assert len({one.attrib["d"].partition("m")[2] for one in of_class(drawn, "now")}) == 6, "shapes differ, not colours alone"


@pytest.mark.parametrize("planned", [True, False])
@pytest.mark.parametrize("count", [1, 2, 3, 20])
def test_the_compact_form_draws_the_same_points_and_says_under_the_plot_what_each_line_is(count: int, *, planned: bool) -> None:
    lines = [simple(f"F{at}", at / 100) for at in range(count)]
    course = made(*(lines if planned else [CourseLine(one.framework, one.points, ()) for one in lines]))
    wide, compact = read(course), read(course, compact=True)
    assert [float(compact.attrib[name]) for name in ("width", "height")] >= [380, 304]
    assert compact.attrib["aria-label"] == wide.attrib["aria-label"]
    names = of_class(compact, "t-name")
    assert [one.text for one in names] == [one.text for one in of_class(wide, "t-name")]
    floor = float(of_class(compact, "t-floor")[0].attrib["y1"])
    tops = [float(one.attrib["y"]) for one in names]
    assert all(later - earlier >= 30 for earlier, later in pairwise([floor, *tops]))
    assert tops[-1] + 20 <= float(compact.attrib["height"])
    dots = [dot for dot in of_class(compact, "t-dot") if float(dot.attrib["d"][1:].split(" ")[1].partition("m")[0]) <= floor]
    assert len(dots) == 3 * count
    assert all(46 <= float(dot.attrib["d"][1:].split(" ")[0]) <= 366 for dot in dots)
    assert not [one for one in compact.iter() if "id" in one.attrib], "both forms stand in one page"


def test_under_the_plot_lines_differ_by_more_than_colour() -> None:
    drawn = read(made(simple("A"), simple("B")), compact=True)
    under = [one for one in drawn.iter("g") if of_class(one, "t-name")]
    assert [[of_class(one, "t-line")[0].attrib["class"]] for one in under] == [["t-line t-ahead"], ["t-line t-plan"]] * 2
    shapes = [of_class(one, "t-dot")[0].attrib["d"].partition("m")[2] for one in under[::2]]
    assert len(set(shapes)) == 2
    assert "if everything planned is done on its day" in words(drawn), "in one piece, so that it is told in other languages"


def test_the_compact_form_has_fewer_ticks() -> None:
    course = made(CourseLine("X", (point(-365, 0.1), point(0, 0.5), point(365, 0.2)), ()))
    ticks = [
        [one.text for one in of_class(read(course, compact=compact), "mid") if "t-axis" in one.attrib["class"]] for compact in (False, True)
    ]
    assert len(ticks[0]) == 8
    assert ticks[1] == ["Jan 2026", "Jul 2026", "Jan 2027", "Jul 2027"]


def test_a_single_moment_and_no_framework_at_all_are_drawn() -> None:
    assert len(of_class(read(made(CourseLine("X", (point(0, 0.4),), ()))), "t-dot")) == 1
    assert of_class(read(made()), "t-dot") == []


def test_the_table_says_what_the_chart_draws() -> None:
    past, now, ahead = trend_rows(made(simple()))
    assert [past.says, now.says, ahead.says] == ["shown", "shown now", "if nothing new is done"]
    assert (ahead.coverage, ahead.planned_coverage, ahead.planned_met) == (0.3, 0.8, 0.75)
    assert (past.planned_coverage, now.planned_coverage) == (None, None)
    assert (past.name, past.framework, past.counts[Status.MET]) == ("ISO 42001", "ISO42001", 1)


def test_the_words_say_what_is_supposed_and_what_is_late() -> None:
    late, step = PlannedStep("GOV-02", date(2026, 1, 1)), PlannedStep("GOV-01", date(2026, 12, 1))
    said = " ".join(trend_words(made(simple(), plan=(step,), overdue=(late,))))
    assert "no interval" in said
    assert "1 control has a day in a plan" in said
    assert "not done (GOV-02)" in said
    assert "the records as they are now" in said
    assert "plan" not in " ".join(trend_words(made(simple())))


def test_a_name_with_signs_of_markup_is_escaped() -> None:
    assert "<b>" not in trend_svg(made(simple("<b>")))


# What charts share


@given(st.lists(st.tuples(st.floats(-50, 450), st.floats(1, 40)), max_size=20))
def test_labels_do_not_overlap_and_stay_inside_where_there_is_room(labels: Sequence[tuple[float, float]]) -> None:
    wanted, heights = [one for one, _ in labels], [tall for _, tall in labels]
    placed = spread(wanted, heights, 0, 1000)
    edges = sorted((at - tall / 2, at + tall / 2) for at, tall in zip(placed, heights, strict=True))
    assert all(earlier[1] <= later[0] + 1e-6 for earlier, later in pairwise(edges))
    assert all(low >= -1e-6 and high <= 1000 + 1e-6 for low, high in edges)


@given(st.lists(st.floats(100, 900), max_size=4))
def test_labels_that_are_clear_of_each_other_stay_where_they_are(wanted: list[float]) -> None:
    alone = [one for at, one in enumerate(wanted) if all(abs(one - other) >= 20 for other in wanted[:at])]
    assert spread(alone, [20] * len(alone), 0, 1000) == pytest.approx(alone)


@settings(max_examples=200)
@given(st.integers(0, 9000), st.floats(0, 5000), st.integers(2, 12))
def test_ticks_lie_between_the_ends_and_are_no_more_than_asked(start: int, days: float, most: int) -> None:
    first = datetime(2020, 1, 1, 5, tzinfo=UTC) + timedelta(days=start)
    ticks = time_ticks(first, first + timedelta(days=days), most)
    assert len(ticks) <= most
    assert all(first <= one <= first + timedelta(days=days) for one, _ in ticks)
    assert [one for one, _ in ticks] == sorted({one for one, _ in ticks})
    if days > 70 and most > 5:
        assert len(ticks) >= 2


def test_marks_of_neighbouring_kinds_differ() -> None:
    assert len({mark(kind, 5, 5, 3) for kind in range(6)}) == 6
    assert mark(0, 5, 5, 3) == mark(6, 5, 5, 3)
