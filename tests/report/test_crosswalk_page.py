"""The pictures of a crosswalk and the tables beside them say the same, and all of it; rows for a spreadsheet are only text."""

from __future__ import annotations

import csv
import io
from collections import Counter
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st
from report_world import Parsed

from kybern.catalog import Catalog, Confidence, Crossing, Crosswalk, CrosswalkRow, Pair, Reach, Relation, crosswalk, load_catalog
from kybern.report import crosswalk_page, crosswalk_svg, to_csv
from kybern.report._areas import MOST, flows_of

KINDS = ("matrix", "sankey")


@pytest.fixture(scope="module", name="laws")
def _laws() -> Catalog:
    return load_catalog()


@pytest.fixture(scope="module", name="crossing")
def _crossing(laws: Catalog) -> Crossing:
    return crosswalk(laws, "ISO42001", "ISO27001")


def test_every_row_flows_between_the_areas_it_lies_in(crossing: Crossing) -> None:
    found = flows_of(crossing)
    assert Counter(pair for flow in found.flows for pair in flow.pairs) == Counter(crossing.pairs)
    for flow in found.flows:
        for pair in flow.pairs:
            assert pair.source.startswith(f"ISO42001:{found.left[flow.left].id}")
            assert pair.target.startswith(f"ISO27001:{found.right[flow.right].id}")
    for index, area in enumerate(found.left):
        assert area.rows == sum(len(flow.pairs) for flow in found.flows if flow.left == index)


def test_an_annex_stands_for_its_areas(crossing: Crossing) -> None:
    assert {area.id for area in flows_of(crossing).right} >= {"A.5", "A.8"}
    assert "A" not in {area.id for area in flows_of(crossing).right}


def test_many_areas_are_put_together_and_none_is_lost(laws: Catalog) -> None:
    refs = [ref for ref in laws.requirements if ref.startswith("ISO_RELATED:")]
    pairs = tuple(Pair("ISO42001:4.1", ref, Relation.INTERSECTS, Confidence.LOW, "b") for ref in refs)
    found = flows_of(Crossing(laws, "ISO42001", "ISO_RELATED", pairs))
    assert len(found.right) == MOST
    assert found.right[-1].id == f"{len(refs) - MOST + 1} others"
    assert sum(area.rows for area in found.right) == len(refs)


@pytest.mark.parametrize("kind", KINDS)
def test_the_page_says_every_row_and_every_flow_is_a_link_to_its_rows(crossing: Crossing, kind: str) -> None:
    page = crosswalk_page(crossing, kind)  # type: ignore[arg-type]
    parsed, found = Parsed(page), flows_of(crossing)
    drawn = [tag for tag in parsed.of_class("cross" if kind == "matrix" else "sankey")[0].walk() if tag.name == "a"]
    assert {tag.attributes["aria-label"] for tag in drawn} == {found.label(flow) for flow in found.flows}
    for tag in drawn:
        assert parsed.id(tag.attributes["href"][1:]).name == "table"
    for flow in found.flows:
        rows = [tag for tag in parsed.id(f"flow-{flow.index}").walk() if tag.name == "tr"][1:]
        assert len(rows) == len(flow.pairs)
        for row, pair in zip(rows, flow.pairs, strict=True):
            words = [pair.source, pair.target]
            assert all(name.partition(":")[2] in row.text for name in words)
            assert pair.words in row.text
            assert pair.confidence.value in row.text
    uncovered = [one.ref for one in crossing.coverage if one.reach is Reach.NONE]
    assert f"{len(uncovered)} entries of ISO27001 that ask something" in " ".join(parsed.root.text.split())


@pytest.mark.parametrize("kind", KINDS)
def test_the_page_loads_nothing_runs_nothing_and_is_the_same_each_time(crossing: Crossing, kind: str) -> None:
    page = crosswalk_page(crossing, kind)  # type: ignore[arg-type]
    assert page == crosswalk_page(crossing, kind)  # type: ignore[arg-type]
    assert "<script" not in page
    assert "default-src 'none'" in page
    assert "http" not in page.replace("http-equiv", "").replace("http://www.w3.org/2000/svg", "")


def test_how_sources_stand_is_shown_beside_them(crossing: Crossing) -> None:
    source = crossing.pairs[0].source
    assert "partly met" in Parsed(crosswalk_page(crossing, "matrix", {source: "partly met"})).root.text


@pytest.mark.parametrize("kind", KINDS)
def test_the_picture_alone_is_well_formed_and_brings_its_style(crossing: Crossing, kind: str) -> None:
    root = ET.fromstring(crosswalk_svg(crossing, kind))  # noqa: S314 - our own picture
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert root[0].tag.endswith("style")
    assert "prefers-color-scheme: dark" in (root[0].text or "")


@pytest.mark.parametrize("kind", KINDS)
def test_hostile_titles_stay_text(laws: Catalog, kind: str) -> None:
    evil = "</style><script>alert(1)</script>"
    about = laws.frameworks["ISO9001"]
    entry = about.requirements[0].model_copy(update={"title": evil, "id": "4"})
    changed = about.model_copy(update={"title": evil, "requirements": (entry, *about.requirements[1:])})
    row = CrosswalkRow(source="ISO42001:4.1", target="ISO9001:4", relation=Relation.EQUAL, confidence=Confidence.HIGH, basis="b")
    walk = Crosswalk.model_validate(
        {
            "id": "w",
            "source_framework": "ISO42001",
            "target_framework": "ISO9001",
            "status_date": "2026-11-23",
            "bases": {"b": evil},
            "rows": [row],
        }
    )
    catalog = Catalog({**laws.frameworks, "ISO9001": changed}, {}, (walk,))
    page = crosswalk_page(crosswalk(catalog, "ISO42001", "ISO9001"), kind)  # type: ignore[arg-type]
    assert "<script" not in page
    assert "&lt;script&gt;" in page


@pytest.mark.parametrize("kind", KINDS)
def test_frameworks_without_rows_have_an_empty_page(laws: Catalog, kind: str) -> None:
    nothing = crosswalk(Catalog(laws.frameworks, {}), "ISO42001", "ISO9001")
    assert "59 entries of ISO9001" in " ".join(Parsed(crosswalk_page(nothing, kind)).root.text.split())  # type: ignore[arg-type]


CELLS = st.one_of(
    st.none(), st.text(st.characters(exclude_characters="\r\n")), st.sampled_from(["=1", "+a", "-a", "@x", "\t=1", " =1", "＝1"])
)


@given(st.lists(st.lists(CELLS, min_size=2, max_size=4), max_size=4))
def test_no_cell_is_a_formula_and_nothing_is_lost(rows: list[list[str | None]]) -> None:
    read = list(csv.reader(io.StringIO(to_csv(["a"], rows), newline="")))
    assert read[0] == ["a"]
    for cells, back in zip(rows, read[1:], strict=True):
        for cell, again in zip(cells, back, strict=True):
            assert not again.strip(" ").startswith(("=", "+", "-", "@", "＝", "\t"))
            assert again in {cell or "", f"'{cell}"}
