"""The loss curve's picture: drawn where its numbers say, its words clear of its lines, and the table says the same."""

from __future__ import annotations

import math
import re
from itertools import pairwise
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kybern.assessment import ExceedancePoint, LeftOut, LossCurve, Losses, LossQuantile, LossShare
from kybern.report._losscurve import loss_curve_svg, loss_rows, loss_words, money

GRID = tuple(number * 10.0**decade for decade in (3, 4, 5) for number in (1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8))


def side(start: float, fall: float, mean: float) -> Losses:
    """A curve that starts at a chance and falls with a power of the loss."""

    def point(loss: float) -> ExceedancePoint:
        share = start * math.exp(-((max(loss, 1) / 20_000) ** fall)) if loss else start
        return ExceedancePoint(loss, share, share * 0.9, min(1.0, share * 1.1))

    quantiles = tuple(LossQuantile(level, 1000 * level, 900 * level, 1100 * level) for level in (0.5, 0.9, 0.95, 0.99))
    return Losses(point(0.0), tuple(map(point, GRID)), quantiles, mean, mean, (LossShare("risk:a", "A", mean, 1.0),))


def curve(before: Losses, after: Losses, left_out: tuple[LeftOut, ...] = (), pending: tuple[str, ...] = ()) -> LossCurve:
    return LossCurve("EUR", 7, 1000, before, after, left_out, pending)


def of_class(drawn: ET.Element, name: str) -> list[ET.Element]:
    return [one for one in drawn.iter() if name in one.attrib.get("class", "").split()]


def places(path: str) -> list[tuple[float, float]]:
    found = [float(one) for one in re.findall(r"-?[\d.]+", path)]
    return list(zip(found[::2], found[1::2], strict=True))


chances = st.tuples(st.floats(0.0005, 1), st.floats(0.3, 3))


@settings(max_examples=80, deadline=None)
@given(chances, chances)
def test_each_curve_lies_where_its_chances_say_inside_its_band(one: tuple[float, float], other: tuple[float, float]) -> None:
    found = curve(side(*one, 5000), side(*other, 400))
    drawn = ET.fromstring(loss_curve_svg(found))  # noqa: S314  (our own markup)
    lines = [places(line.attrib["d"]) for line in of_class(drawn, "t-line")]
    bands = [places(band.attrib["d"]) for band in of_class(drawn, "l-band")]
    assert len(lines) == len(bands) == 2
    for losses, dots, band in zip((found.inherent, found.residual), lines, bands, strict=True):
        assert len(dots) == len(GRID)
        steps = [later[0] - earlier[0] for earlier, later in pairwise(dots)]
        wanted = [math.log10(later / earlier) / math.log10(GRID[-1] / GRID[0]) * 860 for earlier, later in pairwise(GRID)]
        assert steps == pytest.approx(wanted, abs=0.02)
        assert all(60 <= x <= 920 and 33.99 <= y <= 328.01 for x, y in (*dots, *band))
        upper, lower = band[: len(GRID)], band[len(GRID) :][::-1]
        assert all(high[1] <= dot[1] + 0.01 and dot[1] <= low[1] + 0.01 for dot, high, low in zip(dots, upper, lower, strict=True))
        heights = [328 - y for _, y in dots]
        share = [point.probability / losses.points[0].probability for point in losses.points]
        assert heights == pytest.approx([heights[0] * part for part in share], abs=0.02)


@settings(max_examples=80, deadline=None)
@given(chances, chances)
def test_the_words_of_the_upper_curve_are_clear_of_it(one: tuple[float, float], other: tuple[float, float]) -> None:
    drawn = ET.fromstring(loss_curve_svg(curve(side(*one, 5000), side(*other, 400))))  # noqa: S314
    dots = places(of_class(drawn, "t-line")[0].attrib["d"])
    name = of_class(drawn, "t-name")[0]
    x, y = float(name.attrib["x"]), float(name.attrib["y"])
    assert x <= 960 - 230
    inside = [dot for dot in dots if y - 10 < dot[1] < y + 18]
    assert all(dot[0] <= x for dot in inside) or x == 960 - 230, "only at the edge is there no more room"


def test_both_curves_have_their_words_and_differ_by_more_than_colour() -> None:
    drawn = ET.fromstring(loss_curve_svg(curve(side(1, 1, 5000), side(0.8, 2, 400))))  # noqa: S314
    assert [one.text for one in of_class(drawn, "t-name")] == ["before treatment", "after treatment"]
    groups = [one.attrib["class"].split()[1] for one in drawn.iter("g") if "l-" in one.attrib.get("class", "")]
    assert groups == ["l-before", "l-after"]
    assert "EUR 5\u202f000 a year on average" in [one.text for one in drawn.iter("text")]
    assert drawn.attrib["aria-label"].startswith("How likely a year costs more than a sum. Before treatment: EUR 5\u202f000 a year")


@settings(max_examples=40, deadline=None)
@given(chances, chances)
def test_the_compact_form_draws_the_same_curves_with_their_words_under_the_plot(
    one: tuple[float, float], other: tuple[float, float]
) -> None:
    found = curve(side(*one, 5000), side(*other, 400))
    drawn = ET.fromstring(loss_curve_svg(found, compact=True))  # noqa: S314
    curves = [dots for line in of_class(drawn, "t-line") if len(dots := places(line.attrib["d"])) == len(GRID)]
    names = of_class(drawn, "t-name")
    alike = found.inherent == found.residual
    assert len(curves) == 2
    assert all(46 <= x <= 366 and 33.99 <= y <= 274.01 for line in curves for x, y in line)
    assert [name.text for name in names] == (["before treatment and after alike"] if alike else ["before treatment", "after treatment"])
    assert all(330 <= float(name.attrib["y"]) <= float(drawn.attrib["height"]) - 16 for name in names)
    groups = [group for group in drawn.iter("g") if of_class(group, "t-name")]
    assert len({group.attrib["class"] for group in groups}) == len(groups), "each with the look of its line"
    assert not [part for part in drawn.iter() if "id" in part.attrib], "both forms stand in one page"


def test_the_compact_form_has_room_for_each_sum_under_its_axis() -> None:
    long = tuple(number * 10.0**decade for decade in range(3, 12) for number in (1, 2, 5))
    flat = Losses(
        ExceedancePoint(0, 1, 1, 1), tuple(ExceedancePoint(loss, 0.5, 0.4, 0.6) for loss in long), side(1, 1, 1).quantiles, 1, 1, ()
    )
    drawn = ET.fromstring(loss_curve_svg(curve(flat, flat), compact=True))  # noqa: S314
    ticks = [float(one.attrib["x"]) for one in of_class(drawn, "mid")][:-1]
    assert len(ticks) == 5
    assert all(later - earlier >= 60 for earlier, later in pairwise(ticks))
    assert ticks[-1] <= 380 - 34


def test_where_treatment_changes_nothing_one_label_says_so() -> None:
    same = side(0.5, 1, 5000)
    drawn = ET.fromstring(loss_curve_svg(curve(same, same)))  # noqa: S314
    assert [one.text for one in of_class(drawn, "t-name")] == ["before treatment and after alike"]


def test_a_small_chance_has_a_scale_of_its_own() -> None:
    drawn = ET.fromstring(loss_curve_svg(curve(side(0.04, 1, 50), side(0.01, 1, 5))))  # noqa: S314
    said = [one.text for one in drawn.iter("text")]
    assert "5\u202f%" in said
    assert "1.25\u202f%" in said
    assert "100\u202f%" not in said


def test_the_table_asks_at_round_sums() -> None:
    found = curve(side(1, 1, 5000), side(0.8, 2, 400))
    rows = loss_rows(found)
    assert [row.loss for row in rows] == [0, 1e3, 2e3, 5e3, 1e4, 2e4, 5e4, 1e5, 2e5, 5e5]
    assert [row.says for row in rows[:2]] == ["any loss", "more than EUR 1\u202f000"]
    assert rows[0].inherent is found.inherent.any_loss
    assert all(row.residual in found.residual.points for row in rows[1:])


def test_the_words_say_method_and_what_is_left_out() -> None:
    said = loss_words(curve(side(1, 1, 5000), side(0.8, 2, 400), (LeftOut("risk:b", "B", "w"),), ("treatment:a", "treatment:c")))
    assert said[1] == "After treatment: EUR 400 a year on average; one year in twenty costs more than EUR 950."
    assert "1000 simulated years, seed 7" in said[2]
    assert said[3:] == (
        "2 treatments are not done yet; the curve after treatment takes them for done.",
        "1 risk is left out, for want of numbers.",
    )


@pytest.mark.parametrize(
    ("amount", "said"),
    [
        (0, "0"),
        (0.05, "0.0500"),
        (1, "1"),
        (16.34, "16.3"),
        (99.96, "100"),
        (646.4, "646"),
        (12_345, "12\u202f300"),
        (999_600, "1 million"),
        (1_234_567, "1.23 million"),
        (2e9, "2 billion"),
        (3.21e12, "3.21 trillion"),
    ],
)
def test_sums_have_three_digits_that_count(amount: float, said: str) -> None:
    assert money("EUR", amount) == f"EUR {said}"
