"""The small pictures: what they draw, what they say, and that they escape."""

from __future__ import annotations

import math
import re
from itertools import combinations
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kybern.assessment import Assessment, Status
from kybern.report._bars import Reading, bullet, stacked
from kybern.report._heatmap import heat_map
from kybern.report._matrix import Mark, matrix
from kybern.report._svg import element, link, number, picture, text, wrapped
from kybern.report._words import day, percent, plural, requirement_anchor, short_name, status_of, strength_word

finite = st.floats(-1e6, 1e6, allow_nan=False)


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]).filter(lambda sign: sign not in "\ufffe\uffff")))
def test_any_text_and_any_attribute_comes_back_from_the_markup_as_it_went_in(said: str) -> None:
    read = ET.fromstring(picture(said, 10, 10, text(0, 0, said), link(f"#{said}", said)))  # noqa: S314  (our own markup)
    assert read.attrib["aria-label"] == said
    assert (read[0].text or "") == said
    assert read[1].attrib["href"] == f"#{said}"


def test_attribute_names_are_spelt_as_svg_spells_them() -> None:
    made = str(element("a", class_="x", view_box="0 0 1 1", stroke_width=1.5, left_out=None))
    assert made == '<a class="x" viewBox="0 0 1 1" stroke-width="1.5"></a>'
    assert [number(value) for value in (3.0, 2.505, 7, "x", 0.0)] == ["3", "2.5", "7", "x", "0"]


@given(st.dictionaries(st.sampled_from(list(Status)), st.integers(0, 200)))
def test_the_bar_shares_its_length_as_the_counts_are_shared(counts: dict[Status, int]) -> None:
    read = ET.fromstring(stacked(counts))  # noqa: S314
    wide = [float(part.attrib["width"]) for part in read]
    shown = [count for count in counts.values() if count]
    assert len(wide) == len(shown)
    if shown:
        assert sum(wide) + 3 * (len(wide) - 1) == pytest.approx(600, abs=0.1)
        assert max(wide) / sum(wide) == pytest.approx(max(shown) / sum(shown), abs=0.001)


@given(finite, st.none() | finite, st.none() | finite)
def test_a_reading_lies_where_its_bounds_say_and_nothing_is_drawn_outside(value: float, low: float | None, high: float | None) -> None:
    if low is not None and high is not None:
        low, high = sorted((low, high))
    reading = Reading(value, value - 1, value + 1, low, high)
    assert reading.within == ((low is None or value >= low) and (high is None or value <= high))
    made = str(bullet(reading))
    assert ("<circle" in made) == reading.within
    for x in re.findall(r'(?:x1|x2|cx|x)="([-\d.]+)"', made):
        assert 0 <= float(x) <= 200


def test_a_reading_says_value_interval_and_bounds() -> None:
    assert 'aria-label="0.08, interval 0.05 to 0.12; asked is at most 0.1"' in bullet(Reading(0.08, 0.05, 0.12, None, 0.1))
    assert Reading(0.5, None, None, 0.1, 0.9).bounds == "at least 0.1, at most 0.9"
    assert Reading(0.5, None, None, 0.1, 0.9).interval == ""


@given(st.lists(st.tuples(st.integers(1, 5), st.integers(1, 5)), max_size=40))
def test_every_risk_has_its_mark_inside_its_own_cell(places: list[tuple[int, int]]) -> None:
    marks = [Mark(at, likelihood, consequence) for at, (likelihood, consequence) in enumerate(places, 1)]
    made = ET.fromstring(matrix("Before", marks, 6))  # noqa: S314
    found = {}
    for group in made.iter("g"):
        parts = list(group)
        if parts and parts[0].tag == "circle":
            found[int(parts[1].text or "")] = (float(parts[0].attrib["cx"]), float(parts[0].attrib["cy"]))
    assert set(found) == {mark.number for mark in marks}
    for mark in marks:
        x, y = found[mark.number]
        assert 30 + 46 * (mark.consequence - 1) < x < 30 + 46 * mark.consequence
        if len([one for one in marks if (one.likelihood, one.consequence) == (mark.likelihood, mark.consequence)]) <= 16:
            assert 4 + 46 * (5 - mark.likelihood) < y < 4 + 46 * (6 - mark.likelihood)


@pytest.mark.parametrize("count", range(1, 21))
def test_no_mark_covers_the_score_of_its_cell_another_mark_or_the_edge(count: int) -> None:
    made = ET.fromstring(matrix("Before", [Mark(at, 5, 1) for at in range(1, count + 1)], 6))  # noqa: S314
    dots = [(*(float(dot.attrib[name]) for name in ("cx", "cy")), float(dot.attrib["r"]) + 0.8) for dot in made.iter("circle")]
    assert len(dots) == count
    for x, y, reach in dots:
        assert x - reach >= 30 + 1
        assert x + reach <= 30 + 46 - 1
        assert y - reach >= 4 + 1
        assert y + reach <= 4 + 46 - 1
        assert math.dist((x, y), (min(x, 30 + 17), min(y, 4 + 13))) >= reach, "two digits end at 17, 13"
    assert all(math.dist(one[:2], other[:2]) >= one[2] + other[2] - 0.05 for one, other in combinations(dots, 2))
    assert dots[0][2] > (8.9 if count <= 3 else 5.9 if count <= 8 else 3.6)


def test_the_thick_line_parts_the_acceptable_scores_from_the_others() -> None:
    assert matrix("Before", [], 25).count('class="limit"') == 0
    assert matrix("Before", [], None).count('class="limit"') == 0
    assert matrix("Before", [], 1).count('class="limit"') == 2
    assert matrix("Before", [], 6).count('class="limit"') == 8


def test_cells_and_marks_of_the_matrix_lead_where_they_are_told() -> None:
    marks = [Mark(1, 4, 3, "Drift <of> data"), Mark(2, 4, 3), Mark(3, 1, 1)]
    cells = ET.fromstring(matrix("Before", marks, 6, cells=lambda likelihood, consequence: f"?l={likelihood}&c={consequence}"))  # noqa: S314
    links = {one.attrib["href"]: one.attrib["aria-label"] for one in cells.iter("a")}
    assert len(links) == 25
    assert links["?l=4&c=3"] == "Likelihood 4, consequence 3: 2 risks"
    assert links["?l=1&c=1"] == "Likelihood 1, consequence 1: 1 risk"
    assert [one.attrib.get("pointer-events") for one in cells.iter("g") if one.find("circle") is not None] == ["none"] * 3
    dots = ET.fromstring(matrix("Before", marks, 6, dots=lambda mark: f"/risks/{mark.number}" if mark.number < 3 else None))  # noqa: S314
    assert [(one.attrib["href"], one.attrib["aria-label"]) for one in dots.iter("a")] == [
        ("/risks/1", "Risk 1: Drift <of> data"),
        ("/risks/2", "Risk 2"),
    ]
    assert (cells.attrib["role"], ET.fromstring(matrix("Before", marks, 6)).attrib["role"]) == ("group", "img")  # noqa: S314


def test_cells_of_the_heat_map_lead_where_they_are_told(found: Assessment) -> None:
    heat = heat_map(found, "ISO42001")
    assert heat.svg == heat.draw()
    assert 'href="#req-ISO42001-4"' in heat.svg
    there = [cell for _, cells in heat.rows for cell in cells if cell is not None]
    drawn = ET.fromstring(heat.draw(lambda cell: f"/requirements/{cell.column.ref}?layer={cell.layer.value}"))  # noqa: S314
    assert [one.attrib["href"] for one in drawn.iter("a")] == [f"/requirements/{one.column.ref}?layer={one.layer.value}" for one in there]
    none = ET.fromstring(heat.draw(lambda _: None))  # noqa: S314
    assert list(none.iter("a")) == []
    assert [one.text for one in none.iter("title")] == [one.label for one in there], "a cell without a link still says what it is"


@pytest.mark.parametrize(
    ("share", "said"),
    [
        (None, "–"),
        (0, "0\u202f%"),
        (0.004, "<\u202f1\u202f%"),
        (0.5, "50\u202f%"),
        (0.999, "99\u202f%"),
        (1.0, "100\u202f%"),
        (0.996, "99\u202f%"),
    ],
)
def test_only_the_whole_reads_100_percent_and_only_nothing_reads_0(share: float | None, said: str) -> None:
    assert percent(share) == said


def test_words() -> None:
    assert short_name("ISO42001") == "ISO 42001"
    assert short_name("NIST_AI_RMF") == "NIST AI RMF"
    assert strength_word(None) == "no standing evidence"
    assert strength_word(3.6) == "measured and signed"
    assert [plural(1, "risk"), plural(2, "risk"), plural(2, "falls", "fall")] == ["1 risk", "2 risks", "2 fall"]
    assert day(None) == "–"
    assert wrapped("Information for interested parties of AI systems", 11, 3) == ["Information", "for", "interested …"]
    assert wrapped("", 11, 3) == [""]


@given(st.lists(st.text(max_size=6), min_size=2, max_size=2, unique=True))
def test_different_requirements_have_different_places(ids: list[str]) -> None:
    first, second = (requirement_anchor(f"LAW:{one}") for one in ids)
    assert first != second
    assert re.fullmatch(r"[A-Za-z][\w.-]*", first, re.ASCII)


@given(st.dictionaries(st.sampled_from(list(Status)), st.integers(0, 3)))
def test_nothing_is_met_out_of_nothing(counts: dict[Status, int]) -> None:
    live = {status for status, count in counts.items() if count} - {Status.NOT_APPLICABLE}
    assert (status_of(counts) is Status.MET) == (live == {Status.MET})


def test_a_cell_of_more_marks_than_it_has_room_for_says_how_many() -> None:
    marks = [Mark(number, 4, 4, f"R{number}") for number in range(1, 8)] + [Mark(8, 1, 2)]
    drawn = matrix("Before", marks, 6, cells=lambda x, y: f"?{x}x{y}", dots=lambda mark: f"/{mark.number}", most=4)
    assert "×7" in drawn
    assert 'href="/8"' in drawn
    assert 'href="/1"' not in drawn
    assert "Likelihood 4, consequence 4: 7 risks. Likelihood 1, consequence 2: 1 risk." in drawn
    assert "Risk 1:" in matrix("Before", marks, 6, most=7)
    assert "×7" not in matrix("Before", marks, 6)
