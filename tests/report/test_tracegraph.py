"""The trace graph: nothing is lost by folding, links lead from law towards proof, few of them cross, and no box lies on another."""

from __future__ import annotations

from itertools import combinations
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kybern.assessment import Assessment, Status, TraceGraph, explain
from kybern.base import InputError
from kybern.report._layered import crossings, ordered
from kybern.report._tracedraw import placed
from kybern.report._tracegraph import KINDS, TraceGraphView, TraceNode, trace_graph

NAMES = (
    "ISO42001:A.7.4",
    "ISO42001:5",
    "ISO42001:9.1",
    "MON-07",
    "GOV-01",
    "risk:bias",
    "ai_system:credit",
    "organization:acme",
    "model:pd",
)


def nodes(view: TraceGraphView) -> list[TraceNode]:
    return [node for column in view.columns for node in column]


def refs(view: TraceGraphView, kind: str) -> set[str]:
    return {ref for node in nodes(view) if node.kind == kind for ref in (node.folded or (node.ref,))}


def paths(view: TraceGraphView) -> set[tuple[str, str]]:
    return {(edge.source[1], edge.target[1]) for edge in view.edges}


# Ordering


@st.composite
def graphs(draw: st.DrawFn) -> tuple[list[list[int]], list[tuple[int, int]]]:
    sizes = draw(st.lists(st.integers(0, 6), min_size=1, max_size=5))
    columns, start = [], 0
    for size in sizes:
        columns.append(list(range(start, start + size)))
        start += size
    at = {key: column for column, keys in enumerate(columns) for key in keys}
    pairs = [(one, other) for one in at for other in at if at[one] < at[other]]
    return columns, draw(st.lists(st.sampled_from(pairs), unique=True, max_size=25)) if pairs else []


def slow_crossings(columns: list[list[int]], links: list[tuple[int, int]]) -> int:
    place = {key: (column, at) for column, keys in enumerate(columns) for at, key in enumerate(keys)}
    count = 0
    for (a, b), (c, d) in combinations(links, 2):
        same = (place[a][0], place[b][0]) == (place[c][0], place[d][0])
        count += same and (place[a][1] - place[c][1]) * (place[b][1] - place[d][1]) < 0
    return count


@given(graphs())
def test_ordering_keeps_every_node_in_its_column_and_never_adds_a_crossing(drawn: tuple[list[list[int]], list[tuple[int, int]]]) -> None:
    columns, links = drawn
    assert crossings(columns, links) == slow_crossings(columns, links)
    found = ordered(columns, links)
    assert [sorted(keys) for keys in found] == columns
    assert crossings(found, links) <= crossings(columns, links)
    assert ordered(columns, links) == found


def test_ordering_untangles_what_can_be_untangled() -> None:
    columns, links = [[1, 2, 3], [4, 5, 6], [7, 8, 9]], [(1, 6), (2, 5), (3, 4), (4, 9), (5, 7), (6, 8)]
    assert crossings(columns, links) == 5
    assert crossings(ordered(columns, links), links) == 0


# Collecting


@pytest.mark.parametrize("ref", NAMES)
@pytest.mark.parametrize("limit", [2, 5, 8, 500])
def test_no_node_is_lost_and_every_link_leads_to_a_later_column(found: Assessment, ref: str, limit: int) -> None:
    view, whole = trace_graph(found, ref, limit), trace_graph(found, ref, 10_000)
    for at, kind in enumerate(KINDS):
        assert len(view.columns[at]) <= limit
        assert refs(view, kind) == refs(whole, kind)
        assert sum(len(node.folded) or 1 for node in view.columns[at]) == len(whole.columns[at])
        assert all(node.kind == kind for node in view.columns[at])
    by_key = {node.key: node for node in nodes(view)}
    assert all(by_key[edge.source].column < by_key[edge.target].column for edge in view.edges)
    assert {key for edge in whole.edges for key in (edge.source, edge.target)} | {node.key for node in nodes(whole) if node.focus} == {
        node.key for node in nodes(whole)
    }, "nothing stands alone"


@pytest.mark.parametrize("ref", NAMES)
def test_no_box_lies_on_another_and_all_lie_in_the_picture(found: Assessment, ref: str) -> None:
    view = trace_graph(found, ref, 9)
    drawn = ET.fromstring(view.svg)  # noqa: S314  (our own markup)
    boxes = [tuple(float(one.attrib[name]) for name in ("x", "y", "width", "height")) for one in drawn.iter("rect")]
    assert len(boxes) == len(nodes(view)) == len(placed(view))
    for (x, y, wide, tall), (u, v, broad, high) in combinations(boxes, 2):
        assert x + wide <= u or u + broad <= x or y + tall <= v or v + high <= y
    assert all(x + wide <= float(drawn.attrib["width"]) and y + tall <= float(drawn.attrib["height"]) for x, y, wide, tall in boxes)


def test_a_requirement_with_what_answers_it_and_what_that_rests_on(found: Assessment) -> None:
    view = trace_graph(found, "ISO42001:A.7.4", 500)
    said = explain(found, "ISO42001:A.7.4")
    below = [reason for reason in said.walk() if reason is not said]
    assert refs(view, "control") == {one.ref for one in below if one.kind == "control"}
    assert refs(view, "check") == {one.ref for one in below if one.kind == "check"}
    assert refs(view, "evidence") == {one.ref for one in below if one.kind == "evidence"}
    assert {one.ref for one in below if one.kind in ("target", "record")} <= refs(view, "record")
    (focus,) = [node for node in nodes(view) if node.focus]
    assert (focus.ref, focus.detail, focus.status) == ("ISO42001:A.7.4", "ISO 42001 A.7.4", said.status)


def test_a_piece_of_evidence_leads_back_to_what_it_shows(found: Assessment) -> None:
    item = next(one for one in found.evidence if one.subjects[0].ref == "indicator:gap" and one.topic == "indicator")
    view = trace_graph(found, item.id, 500)
    assert refs(view, "evidence") == {item.id}
    assert "indicator:gap" in refs(view, "record")
    up = {step.ref for step in TraceGraph(found).up(item.id, depth=3).walk() if step.kind == "control"}
    assert set() < refs(view, "control") <= up
    assert all(check.partition("/")[0] in refs(view, "control") for check in refs(view, "check"))
    assert trace_graph(found, item.id[:20]).ref == item.id, "the start of an id names it"


def test_a_record_shows_the_checks_that_look_at_it_and_no_others(found: Assessment) -> None:
    view = trace_graph(found, "risk:bias", 500)
    assert refs(view, "record") == {"risk:bias"}
    looking = {check for check, record in paths(view) if record == "risk:bias"}
    assert looking == refs(view, "check") != set()
    for control in refs(view, "control"):
        checks = {one.ref for one in explain(found, control).walk() if one.kind == "check"}
        assert looking & checks
    about = {one.id for one in found.evidence if any(subject.ref == "risk:bias" for subject in one.subjects)}
    assert refs(view, "evidence") == about


def test_frameworks_and_subject_narrow_the_graph(found: Assessment) -> None:
    both, one = trace_graph(found, "MON-07", 500), trace_graph(found, "MON-07", 500, frameworks=["NIST_AI_RMF"])
    assert {ref.partition(":")[0] for ref in refs(both, "requirement")} == {"ISO42001", "NIST_AI_RMF"}
    assert refs(one, "requirement") == {ref for ref in refs(both, "requirement") if ref.startswith("NIST")}
    chat = trace_graph(found, "MON-07", 500, subject="ai_system:chat")
    assert "indicator:gap" in refs(both, "record")
    assert "indicator:gap" not in refs(chat, "record")
    with pytest.raises(KeyError):
        trace_graph(found, "GOV-01", subject="ai_system:chat")


def test_names_that_nothing_has_and_limits_too_low_are_refused(found: Assessment) -> None:
    with pytest.raises(InputError, match="risk:biaz"):
        trace_graph(found, "risk:biaz")
    with pytest.raises(ValueError, match="folded"):
        trace_graph(found, "risk:bias", 1)


# Folding and drawing


def test_what_is_folded_says_how_it_stands(found: Assessment) -> None:
    view = trace_graph(found, "organization:acme", 4)
    rest = view.columns[1][[bool(node.folded) for node in view.columns[1]].index(True)]
    whole = {node.ref: node for node in trace_graph(found, "organization:acme", 9999).columns[1]}
    assert rest.title == f"and {len(whole) - 3} more"
    for status in Status:
        count = sum(whole[ref].status is status for ref in rest.folded)
        assert (f"{count} {status.label}" in rest.detail.split(", ")) == bool(count)
    assert rest.label.startswith("And ")


def test_the_nodes_kept_hang_together_with_the_focus(found: Assessment) -> None:
    view = trace_graph(found, "organization:acme", 6)
    by_key = {node.key: node for node in nodes(view)}
    for node in view.columns[2]:
        assert any(edge.source == node.key and by_key[edge.target].focus for edge in view.edges)


def test_boxes_are_links_where_they_are_given_an_address(found: Assessment) -> None:
    view = trace_graph(found, "MON-07", href=lambda node: None if node.folded else f"/{node.kind}/{node.ref}?a&b")
    drawn = ET.fromstring(view.svg)  # noqa: S314
    links = {one.attrib["href"]: one.attrib["aria-label"] for one in drawn.iter("a")}
    assert set(links) == {f"/{node.kind}/{node.ref}?a&b" for node in nodes(view) if not node.folded}
    assert links["/control/MON-07?a&b"].startswith("Control MON-07: ")
    assert set(links.values()) == {node.label for node in nodes(view) if not node.folded}
    silent = ET.fromstring(trace_graph(found, "MON-07", href=lambda _: None).svg)  # noqa: S314
    assert list(silent.iter("a")) == []
    assert silent.attrib["role"] == "img"


def test_unless_told_otherwise_it_leads_to_the_places_of_the_report(found: Assessment) -> None:
    hrefs = {one.attrib["href"] for one in ET.fromstring(trace_graph(found, "MON-07").svg).iter("a")}  # noqa: S314
    assert "#control-MON-07" in hrefs
    assert all(one.startswith(("#req-", "#control-")) for one in hrefs)


def test_the_sign_of_each_status_is_drawn_and_titles_are_escaped(found: Assessment) -> None:
    view = trace_graph(found, "ai_system:credit", 500)
    drawn = ET.fromstring(view.svg)  # noqa: S314
    signs = [one.attrib["href"] for one in drawn.iter("use")]
    assert sorted(signs) == sorted(f"#g-{node.status.slug}" for node in nodes(view) if node.status is not None)
    assert "Credit &lt;scoring&gt;" in view.svg


def test_the_table_names_each_node_and_where_it_leads(found: Assessment) -> None:
    view = trace_graph(found, "MON-07")
    assert [node for node, _ in view.rows] == nodes(view)
    assert sum(len(there) for _, there in view.rows) == len(view.edges)


def test_a_check_is_a_start_too(found: Assessment) -> None:
    control = next(one for one in found.catalog.controls.values() if one.checks and trace_graph(found, one.id).columns[2])
    check = next(node.ref for node in trace_graph(found, control.id, 50).columns[2])
    view = trace_graph(found, check, 50)
    assert [node.ref for node in view.columns[2]] == [check]
    assert view.columns[2][0].focus
    assert [node.ref for node in view.columns[1]] == [control.id]


def test_reach_bounds_how_far_is_gone(found: Assessment) -> None:
    control = next(name for name in found.catalog.controls if all(trace_graph(found, name).columns[at] for at in (0, 2, 3)))
    whole = trace_graph(found, control, 99)
    law, near = trace_graph(found, control, 99, reach=(4, 0)), trace_graph(found, control, 99, reach=(0, 1))
    assert (law.columns[0], law.columns[2:]) == (whole.columns[0], ((), (), ()))
    assert not near.columns[0]
    assert {node.ref for node in near.columns[2]} == {node.ref for node in whole.columns[2]}
    assert near.columns[3:] == ((), ())
    keys = {node.key for column in near.columns for node in column}
    assert all({edge.source, edge.target} <= keys for edge in near.edges)


def test_what_is_not_shown_is_one_box_that_says_how_many(found: Assessment) -> None:
    control = next(name for name in found.catalog.controls if len(trace_graph(found, name, 99).columns[3]) > 1)
    whole = trace_graph(found, control, 99)
    view = trace_graph(found, control, 99, shown=lambda keys: [key for key in keys if key[0] != "record"])
    (box,) = view.columns[3]
    assert view.hidden == len(whole.columns[3])
    assert (box.ref, box.status, len(box.folded)) == ("?", None, view.hidden)
    assert box.title == f"{view.hidden} left out"
    for node in whole.columns[3]:
        assert node.title not in view.svg
        assert node.ref not in view.svg
    assert {node.ref for node in view.columns[4]} == {node.ref for node in whole.columns[4]}
    assert trace_graph(found, control, 2, shown=lambda keys: [key for key in keys if key[0] != "record"]).hidden == view.hidden
    assert whole.hidden == 0
