"""The page says what the assessment says, all of it, and nothing that was put into it gets out of its text."""

from __future__ import annotations

import base64
import hashlib
import re
from collections import Counter
from datetime import timedelta

import pytest
from report_world import AS_OF, EVIL, FRAMEWORKS, REFUSED, Parsed, Tag, assessed, records

from kybern.assessment import Assessment, Status, assess, documented, explain, gaps
from kybern.catalog import Layer, load_catalog
from kybern.records import Record, RecordSet
from kybern.report import html_report
from kybern.report._system import by_record, system_page
from kybern.report._view import title_of
from kybern.report._words import percent, requirement_anchor, status_of, strength_number


def summary(tag: Tag) -> Tag:
    return next(child for child in tag.inside if child.name == "summary")


# --- the numbers are the assessment's ------------------------------------------------------------------------------------------


def test_every_requirement_has_its_place_with_the_status_and_coverage_of_the_assessment(found: Assessment, parsed: Parsed) -> None:
    rows = [row for name in FRAMEWORKS for row in found.rows(name, found.organization)]
    assert len(rows) > 140
    for row in rows:
        tag = parsed.id(requirement_anchor(row.ref))
        assert tag.name == "details"
        assert tag.attributes["data-status"] == row.score.status.slug
        said = summary(tag).text
        assert row.id in said
        assert percent(row.score.coverage) in said
        assert row.score.status.label in said
    assert len(parsed.of_class("req")) == len(rows)


def test_the_three_numbers_and_the_counts_of_each_framework_head_the_page(found: Assessment, parsed: Parsed) -> None:
    for name in FRAMEWORKS:
        card = next(tag for tag in parsed.all("article", aria_labelledby=f"card-{name}"))
        ready = found.readiness(name)
        numbers = [tag.text for tag in card.walk() if tag.name == "dd"]
        assert numbers[0].startswith(percent(ready.coverage))
        assert numbers[1].startswith(f"{strength_number(ready.strength)} of 5")
        assert numbers[2].startswith(percent(ready.freshness))
        legend = parsed.of_class("legend", card)[0].text
        assert {status.label: int(count) for status in Status if (count := _after(legend, status.label))} == {
            status.label: count for status, count in ready.counts.items() if count
        }
        bar = next(tag for tag in card.walk() if tag.name == "svg" and "stack" in tag.classes)
        assert sum(map(int, re.findall(r"\d+", bar.attributes["aria-label"]))) == sum(ready.counts.values())


def _after(text: str, label: str) -> str | None:
    # "met" must not be found in "partly met" and "not met"
    hit = re.search(rf"(?:^|\d|\n)\s*{label} (\d+)", text)
    return hit and hit[1]


def test_a_cell_of_the_map_says_coverage_status_and_count_and_leads_to_its_chapter(found: Assessment, parsed: Parsed) -> None:
    columns = ["4", "5", "6", "7", "8", "9", "10", *(f"A.{area}" for area in range(2, 11))]
    cells = {
        (tag.attributes["data-layer"], tag.attributes["href"]): tag.attributes["aria-label"]
        for tag in parsed.all("a")
        if "data-layer" in tag.attributes
    }
    seen = 0
    for column in columns:
        ref = f"ISO42001:{column}"
        for layer in Layer:
            ready = found.readiness("ISO42001", layer=layer, under=ref)
            label = cells.get((layer.value, f"#{requirement_anchor(ref)}"))
            assert (label is None) == (not any(ready.counts.values()))
            if label:
                seen += 1
                assert f"coverage {percent(ready.coverage)}" in label
                assert f"{status_of(ready.counts).label}, coverage" in label
                assert re.search(rf" {sum(ready.counts.values())} requirements?$", label)
    assert seen >= 16


def test_the_table_beside_the_map_says_the_same(found: Assessment, parsed: Parsed) -> None:
    table = next(tag for tag in parsed.all("table") if any(cell.name == "caption" and "ISO 42001" in cell.text for cell in tag.walk()))
    body = [tag for tag in table.walk() if tag.name == "tr"][1:]
    assert len(body) == 16
    for row in body:
        head, *cells = [tag for tag in row.inside if tag.name in ("th", "td")]
        assert len(cells) == len(Layer)
        ref = f"ISO42001:{head.text.split()[0]}"
        for layer, cell in zip(Layer, cells, strict=True):
            ready = found.readiness("ISO42001", layer=layer, under=ref)
            assert (percent(ready.coverage) in cell.text) if any(ready.counts.values()) else cell.text == "none"


def test_counts_combine_as_the_assessment_combines_a_group(found: Assessment) -> None:
    """Where the parts of a group ask something by themselves, both ways give one status."""
    held = 0
    for ref in found.catalog.requirements:
        parts = found.catalog.children(ref)
        if parts and all(map(found.catalog.is_leaf, parts)):
            scores = [found.requirement(part) for part in parts]
            whole = found.requirement(ref)
            assert whole
            assert status_of(Counter(score.status for score in scores if score)) is whole.status
            held += 1
    assert held > 20


def test_every_gap_is_listed_in_order_with_owner_and_what_it_closes(found: Assessment, parsed: Parsed) -> None:
    listed, wanted = parsed.of_class("gap"), gaps(found, first="ISO42001")
    assert len(listed) == len(wanted) > 20
    for tag, gap in zip(listed, wanted, strict=True):
        assert gap.control.title in tag.text
        assert gap.owner.casefold() in tag.text.casefold()
        assert tag.attributes["data-status"] == gap.status.slug
        assert {reason.title for reason in gap.missing} <= {child.text for child in tag.walk() if child.name == "b"}
        if gap.closes:
            assert f"closes {len(gap.closes)} requirement" in tag.text
        assert tag.text.count("closed by this alone") == len(gap.closes)


def test_every_control_has_its_tree_once_with_each_deciding_piece_of_evidence(found: Assessment, parsed: Parsed) -> None:
    seen = 0
    for identity in found.catalog.controls:
        tag = parsed.id(f"control-{identity}")
        for reason in explain(found, identity).walk():
            if reason.evidence is not None and reason.counts:
                assert reason.evidence.id[:16] in tag.text
                seen += 1
    assert seen > 100


def test_each_system_has_a_page_with_every_requirement_that_bears_on_it(found: Assessment, parsed: Parsed) -> None:
    for system in found.systems:
        page = parsed.id(f"system-{system.partition(':')[2]}")
        assert "page" in page.classes
        for name in FRAMEWORKS:
            rows = [row for row in found.rows(name, system) if found.catalog.is_leaf(row.ref)]
            table = next(tag for tag in page.walk() if tag.attributes.get("id") == f"{page.attributes['id']}-{name}")
            lines = [tag for tag in table.walk() if tag.name == "tr"][1:]
            assert len(lines) == len(rows) > 0
            for line, row in zip(lines, rows, strict=True):
                assert row.id in line.text
                assert row.score.status.label in line.text
                assert percent(row.score.coverage) in line.text


def test_the_system_page_states_risks_before_and_after_and_indicators_against_bounds(parsed: Parsed) -> None:
    credit, chat = parsed.id("system-credit"), parsed.id("system-chat")
    labels = [tag.attributes["aria-label"] for tag in credit.walk() if "matrix" in tag.classes]
    assert "Risk 1: likelihood 4, consequence 4." in labels[0]
    assert "Risk 1: likelihood 2, consequence 4." in labels[1]
    assert "Risk 2: likelihood 3, consequence 2." in labels[1], "a risk without treatment stays where it is"
    bullets = [tag.attributes["aria-label"] for tag in credit.walk() if "bullet" in tag.classes]
    assert "0.61, interval 0.55 to 0.66; asked is at least 0.7" in bullets
    assert {tag.text for tag in credit.walk() if "st" in tag.classes} >= {"within", "outside"}
    assert "No indicator of this system is recorded" in chat.text
    assert "Default model" in credit.text
    assert "2026-02-16" in credit.text


def test_documented_information_is_present_or_missing_as_the_assessment_finds(found: Assessment, parsed: Parsed) -> None:
    wanted = documented(found)
    table = next(tag for tag in parsed.all("table") if "docs" in tag.classes)
    lines = [tag for tag in table.walk() if tag.name == "tr"][1:]
    assert len(lines) == len(wanted) > 30
    for line, one in zip(lines, wanted, strict=True):
        said = next(tag for tag in line.walk() if "st" in tag.classes).text
        assert said == ("present" if one.present else "missing")
        assert all(title_of(found, ref) in line.text for ref in one.missing_for)
    assert any(one.missing_for and one.items for one in wanted)
    assert {one.present for one in wanted} == {True, False}


def test_moment_digests_refusals_and_version_are_stated(found: Assessment, page: str, parsed: Parsed) -> None:
    assert all(digest in page for digest in found.digests.values())
    assert "20 November 2026, 12:00 UTC" in page
    assert f"kybern assess --as-of {AS_OF.isoformat()}" in page
    assert "the signature does not fit <b>this</b>" in parsed.id("documented").text
    assert "Written by Kybern 9.9.9" in page


# --- the same page, always -----------------------------------------------------------------------------------------------------


def test_the_same_inputs_give_the_same_page(page: str) -> None:
    assert html_report(assessed(), REFUSED, "9.9.9", FRAMEWORKS) == page


def test_evidence_seen_later_is_not_on_the_page_of_an_earlier_moment(found: Assessment) -> None:
    early = assess(found.catalog, found.records, found.evidence, AS_OF - timedelta(days=200))
    shown = system_page(early, "ai_system:credit", by_record(early), ["ISO42001"])
    late = {item.id for item in found.evidence if item.observed_at > early.as_of}
    assert {row.evidence.id for row in shown.evidence}
    assert not late & {row.evidence.id for row in shown.evidence}
    assert late & {row.evidence.id for row in system_page(found, "ai_system:credit", by_record(found), ["ISO42001"]).evidence}
    assert not late & {row.evidence.id for row in shown.indicators if row.evidence}


def test_frameworks_can_be_chosen_and_leave_no_link_behind(found: Assessment) -> None:
    parsed = Parsed(html_report(found, frameworks=["NIST_AI_RMF"]))
    assert not [tag for tag in parsed.root.walk() if "ISO42001" in tag.attributes.get("id", "")]
    _every_link_has_its_place(parsed)
    with pytest.raises(KeyError):
        html_report(found, frameworks=["LAW"])


def test_nothing_at_all_still_makes_a_page_in_which_nothing_is_met() -> None:
    empty = assess(load_catalog(), RecordSet(()), (), AS_OF)
    parsed = Parsed(html_report(empty))
    assert "Organisation not stated" in parsed.id("title").text
    assert {tag.attributes["data-status"] for tag in parsed.of_class("req")} == {"unknown"}
    assert "No AI system is in scope" in parsed.id("systems").text
    _every_link_has_its_place(parsed)


def test_a_law_of_many_articles_is_drawn_in_its_own_width_and_an_annex_without_areas_as_one_column() -> None:
    parsed = Parsed(html_report(assess(load_catalog(), RecordSet(()), (), AS_OF), frameworks=["EU_AI_ACT"]))
    (drawn,) = [tag for tag in parsed.all("svg") if "heat" in tag.classes]
    assert "many" in drawn.classes
    assert int(drawn.attributes["width"]) > 2000
    named = [tag.text for tag in drawn.walk() if "h-id" in tag.classes]
    assert {"Art.9", "Annex.IV", "Annex.XI"} <= set(named)
    assert not [name for name in named if name.startswith(("Annex.IV.", "Annex.XI.", "Annex.III"))]
    assert {tag.text for tag in drawn.walk() if "h-band" in tag.classes} == {"Articles", "Annexes"}


def test_a_system_that_no_scope_names_is_said_to_be_left_out() -> None:
    """A typed scope can leave out what would fail; whoever reads the answer sees it."""
    facts = {"role": "user", "purpose": "p", "use_case": "u", "autonomy": "advises", "users": ["staff"], "jurisdictions": ["IE"]}
    systems = [
        Record.registry["ai_system"].model_validate({"kind": "ai_system", "id": one, "title": one.title(), "stage": "operation", **facts})
        for one in ("seen", "hidden")
    ]
    scope = Record.registry["scope"].model_validate(
        {"kind": "scope", "id": "s", "title": "S", "statement": "One.", "systems": ["ai_system:seen"]}
    )
    text = Parsed(html_report(assess(load_catalog(), RecordSet([*systems, scope]), (), AS_OF))).id("systems").text
    assert "in no scope, so not assessed and in no number here: Hidden." in " ".join(text.split())
    text = Parsed(html_report(assess(load_catalog(), RecordSet(systems), (), AS_OF))).id("systems").text
    assert "in no scope" not in text


# --- nothing gets out, nothing comes in ----------------------------------------------------------------------------------------


def test_what_people_wrote_stays_text(page: str, parsed: Parsed) -> None:
    assert parsed.id("title").text == EVIL
    assert EVIL not in page
    assert len(parsed.all("script")) == 1
    assert "alert" not in parsed.all("script")[0].text
    assert not parsed.all("scoring"), "a title with angle brackets makes no element"
    assert not parsed.all("anna@acme")
    assert not parsed.all("document")
    assert '"O&#39;Brien"' not in page


def test_ids_are_unique_and_every_link_within_the_page_has_its_place(parsed: Parsed) -> None:
    identities = Counter(tag.attributes["id"] for tag in parsed.root.walk() if "id" in tag.attributes)
    assert [name for name, count in identities.items() if count > 1] == []
    assert all(re.fullmatch(r"[A-Za-z][\w.-]*", name) for name in identities)
    _every_link_has_its_place(parsed)


def _every_link_has_its_place(parsed: Parsed) -> None:
    identities = {tag.attributes["id"] for tag in parsed.root.walk() if "id" in tag.attributes}
    for tag in parsed.root.walk():
        for name in ("href", "aria-labelledby", "data-tree"):
            if name in tag.attributes:
                target = tag.attributes[name].removeprefix("#") if name == "href" else tag.attributes[name]
                assert name != "href" or tag.attributes[name].startswith("#"), tag
                assert target in identities, (tag.name, name, target)


def test_the_page_loads_nothing_and_runs_nothing_but_its_own(page: str, parsed: Parsed) -> None:
    assert not [
        tag for tag in parsed.root.walk() if tag.name in ("link", "img", "iframe", "object", "embed", "base", "video", "audio", "image")
    ]
    assert not [
        tag
        for tag in parsed.root.walk()
        for name in tag.attributes
        if name.startswith("on") or name in ("src", "srcset", "style", "xlink:href", "action")
    ]
    (style,), (script,) = parsed.all("style"), parsed.all("script")
    assert not re.search(r"@import|https?:|//[a-z]|url\((?!#)", style.text)
    assert not re.search(r"\bfetch\b|XMLHttpRequest|WebSocket|import\(|eval|innerHTML|https?:", script.text)
    (policy,) = parsed.all("meta", http_equiv="Content-Security-Policy")
    said = policy.attributes["content"]
    assert said.startswith("default-src 'none';")
    assert "unsafe" not in said
    for tag in (style, script):
        digest = base64.b64encode(hashlib.sha256(tag.text.encode()).digest()).decode()
        assert f"{tag.name}-src 'sha256-{digest}'" in said
    assert len(page.encode()) < 3_000_000


def test_the_page_never_claims_what_only_others_can_say(page: str) -> None:
    said = re.sub(r"<[^>]*>", " ", page.split("<body>")[1])
    for title in (control.title for control in load_catalog().controls.values()):
        said = said.replace(title, "")
    head = said.split("What is missing", maxsplit=1)[0]
    assert not re.search(r"\bcertified\b|\bcompliant\b|\bcompliance\b", head, re.IGNORECASE)
    assert "what the evidence shows" in page


# --- readable without eyes, without a mouse, without the script ------------------------------------------------------------------


def test_headings_come_in_order_and_every_status_has_a_word(parsed: Parsed) -> None:
    level = 0
    for tag in parsed.root.walk():
        if re.fullmatch(r"h[1-6]", tag.name):
            assert int(tag.name[1]) <= level + 1, tag.text
            level = int(tag.name[1])
    signs = parsed.of_class("st")
    assert len(signs) > 500
    assert all(tag.text.strip() for tag in signs)
    marks = Counter(tag.name for tag in parsed.root.walk())
    assert [marks[name] for name in ("main", "header", "footer", "nav")] == [1, 1, 1, 1]
    assert marks["h1"] == 1 + len(parsed.of_class("page")), "each page of its own has its own, and one page is shown at a time"


def test_pictures_have_words_and_tables_have_heads(parsed: Parsed) -> None:
    for tag in parsed.all("svg"):
        assert tag.attributes.get("aria-hidden") == "true" or tag.attributes.get("aria-label")
    for table in parsed.all("table"):
        assert [tag for tag in table.walk() if tag.name == "th" and tag.attributes.get("scope") == "col"]


def test_without_the_script_only_the_filter_and_the_theme_button_are_away(parsed: Parsed) -> None:
    hidden = [tag.attributes.get("id") or tag.classes for tag in parsed.root.walk() if "hidden" in tag.attributes]
    assert hidden == ["theme", "filter", ["empty"]]


def test_a_name_that_is_not_a_record_is_shown_as_it_is() -> None:
    some = RecordSet(record for record in records() if record.kind not in ("person", "role"))
    shown = system_page(assess(load_catalog(), some, (), AS_OF), "ai_system:credit", {}, [])
    assert shown.owner == "role:model-owner"
    assert ("Gate: concept", "2025-06-10, person:anna") in shown.facts
