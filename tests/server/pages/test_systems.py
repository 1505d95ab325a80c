"""The inventory of AI systems and the page of each: who sees what, filters, tabs."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from browser_world import answers_of, opened
from server_world import PROJECT_SYSTEM, signed

from kybern.catalog import PredicateType

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.test import Client

pytestmark = pytest.mark.django_db
TABS = ("overview", "law", "risks", "parts", "indicators", "gates", "evidence")
MINE, OTHER = "/systems/credit-scoring", "/systems/hiring-screener"


def written(ref: str, **changes: Any) -> None:
    """Change a record."""
    from kybern.server.store.models import RecordRow
    from kybern.server.store.records import Write, write_records

    content = RecordRow.objects.get(pk=ref).content
    write_records([Write(ref, {**content, **changes})], "person:administrator", "a test", datetime.now(UTC))


def test_the_inventory_shows_class_readiness_and_risks(sign_in: Callable[[str], Client]) -> None:
    page = sign_in("governance-lead").get("/systems").content.decode()
    for words in (
        "Credit scoring for instalment loans",
        "CV screener for vacancies",
        "ISO 42001",
        "3 AI systems",
        "/risks?system=ai_system%3A",
    ):
        assert words in page


def test_a_reader_of_one_unit_sees_its_systems_only(sign_in: Callable[[str], Client]) -> None:
    client = sign_in("project-engineer")
    page = client.get("/systems").content.decode()
    assert "Credit scoring for instalment loans" in page
    assert "CV screener" not in page
    for tab in TABS:
        assert client.get(f"{MINE}?tab={tab}").status_code == 200, tab
        assert client.get(f"{OTHER}?tab={tab}").status_code == 404, tab
        assert "CV screener" not in client.get(f"{MINE}?tab={tab}").content.decode(), tab


def test_who_may_not_see_evidence_sees_none_in_the_tabs(sign_in: Callable[[str], Client]) -> None:
    client = sign_in("viewer")
    assert "Evidence is not granted to you" in client.get(f"{MINE}?tab=evidence").content.decode()
    assert "/evidence/" not in client.get(f"{MINE}?tab=gates").content.decode()
    assert "never measured" in client.get(f"{MINE}?tab=indicators").content.decode()


def test_strangers_get_nothing(sign_in: Callable[[str], Client], client: Client) -> None:
    assert sign_in("stranger").get("/systems").status_code == 403
    assert sign_in("stranger").get(MINE).status_code == 403
    assert client.get(MINE).status_code == 302
    assert client.post("/systems").status_code in {403, 405}


@pytest.mark.parametrize(
    ("tab", "words"),
    [
        ("overview", ("By the EU AI Act", "Gravest risks", "Foreseeable misuse")),
        ("law", ("EU AI Act", "applies", "open questions", "What binds it", "/requirements/EU_AI_ACT%3AArt.")),
        ("risks", ("Before treatment", "/risks?system=ai_system:credit-scoring&amp;inherent=4x4", "Applicants under 26")),
        ("parts", ("Data sets", "Models")),
        ("indicators", ("never measured", "at most")),
        ("gates", ("deployment", "It does not go on", "What would mend it", "/rules/")),
        ("evidence", ("Validation: 10 passed, 0 failed",)),
    ],
)
def test_each_tab_has_its_address(sign_in: Callable[[str], Client], tab: str, words: tuple[str, ...]) -> None:
    page = sign_in("governance-lead").get(f"{MINE}?tab={tab}").content.decode()
    assert f'href="{"?" if tab == "overview" else f"?tab={tab}"}" aria-current="page"' in page
    for one in words:
        assert one in page, one


@pytest.mark.parametrize("gate", ["merge", "train", "validate", "deploy", "retire", "nonsense"])
def test_every_gate_can_be_asked_about(sign_in: Callable[[str], Client], gate: str) -> None:
    assert sign_in("governance-lead").get(f"{MINE}?tab=gates&gate={gate}").status_code == 200


def test_unknown_names_are_not_there(sign_in: Callable[[str], Client]) -> None:
    client = sign_in("governance-lead")
    for path in ("/systems/none", "/systems/x%00y", "/systems/%3Cscript%3E", f"{MINE}?tab=nonsense"):
        assert client.get(path).status_code == 404


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("stage=operation", 3),
        ("stage=concept", 0),
        ("stage=nonsense", 3),
        ("class=high", 2),
        ("owner=role:none", 0),
        ("q=VACANCIES", 1),
        ("q=nothing-like-it", 0),
        ("status=met", 0),
        ("status=partly_met", 3),
        ("unit=999999", 3),
        ("unit=x", 3),
        ("sort=-title", 3),
        ("sort=-changed", 3),
        ("sort=nonsense", 3),
    ],
)
def test_every_filter_is_in_the_address(sign_in: Callable[[str], Client], query: str, count: int) -> None:
    page = sign_in("governance-lead").get(f"/systems?{query}").content.decode()
    assert f"{count} AI systems" in page


def test_a_unit_is_a_filter(sign_in: Callable[[str], Client]) -> None:
    from kybern.server.access.models import Unit

    page = sign_in("governance-lead").get(f"/systems?unit={Unit.objects.get(slug='lending').pk}").content.decode()
    assert "1 AI systems" in page
    assert "Credit scoring for instalment loans" in page


def test_a_class_that_the_law_does_not_give_is_told(sign_in: Callable[[str], Client]) -> None:
    written(PROJECT_SYSTEM, risk_class="minimal")
    client = sign_in("governance-lead")
    assert "differs" in client.get("/systems").content.decode()
    assert "states another class than follows" in client.get(MINE).content.decode()


def test_what_records_say_is_escaped(sign_in: Callable[[str], Client]) -> None:
    bad = "<script>alert(1)</script>\"'"
    written(PROJECT_SYSTEM, title=bad, purpose=bad, oversight=bad)
    client = sign_in("governance-lead")
    for path in ("/systems", *(f"{MINE}?tab={tab}" for tab in TABS)):
        assert "<script>alert" not in client.get(path).content.decode(), path


def test_a_system_in_no_scope_is_told(sign_in: Callable[[str], Client]) -> None:
    from kybern.server.store.models import RecordRow

    for row in RecordRow.objects.filter(kind="scope"):
        written(row.ref, systems=["ai_system:hiring-screener"])
    client = sign_in("governance-lead")
    assert "in no scope" in client.get("/systems").content.decode()
    for tab in TABS:
        page = client.get(f"{MINE}?tab={tab}")
        assert page.status_code == 200
        assert "No scope names this system" in page.content.decode()


def test_a_measurement_is_held_against_its_bounds(sign_in: Callable[[str], Client]) -> None:
    from kybern.server.store.evidence import take_evidence
    from kybern.server.store.models import RecordRow

    ref = next(
        row.ref
        for row in RecordRow.objects.filter(kind="indicator")
        if PROJECT_SYSTEM in row.content.get("of", ()) and "maximum" in row.content
    )
    value = RecordRow.objects.get(pk=ref).content["maximum"] + 1
    body = {"metric": "m", "value": value, "unit": "share", "sample_size": 10}
    outcome = take_evidence([signed(PredicateType.MEASUREMENT, [ref], topic="indicator", **body)], datetime.now(UTC))[0]
    page = sign_in("governance-lead").get(f"{MINE}?tab=indicators").content.decode()
    assert "outside" in page
    assert outcome.id in page


def test_many_systems_are_listed_in_pages(sign_in: Callable[[str], Client]) -> None:
    from kybern.server.store.models import RecordRow

    model = RecordRow.objects.get(pk=PROJECT_SYSTEM)
    rows = [
        RecordRow(
            ref=f"ai_system:made-{number:05}", kind="ai_system", title=f"Made {number % 100:03}", unit=model.unit, digest="0" * 64, entry=0,
            changed_at=model.changed_at, changed_by="x", content={**model.content, "id": f"made-{number:05}"}, text=f"made {number}",
        )
        for number in range(120)
    ]  # fmt: skip
    RecordRow.objects.bulk_create(rows)
    client, seen, address = sign_in("viewer"), [], "?q=made"
    while address:
        page = client.get(f"/systems{address}").content.decode()
        seen += [part.partition('"')[0] for part in page.split('<th scope="row"><a href="/systems/')[1:]]
        address = page.partition('rel="next" href="')[2].partition('"')[0].replace("&amp;", "&")
    assert len(seen) == len(set(seen)) == 120


@pytest.mark.parametrize("tab", ["overview", "gates", "evidence"])
def test_on_a_phone_the_current_tab_is_in_sight_and_the_page_stays_at_its_top(sign_in: Callable[[str], Client], tab: str) -> None:
    (answer,) = answers_of(sign_in("viewer"), [f"{MINE}?tab={tab}"]).values()
    with opened({MINE: answer}, MINE) as page:
        page.set_viewport_size({"width": 390, "height": 700})
        page.reload()
        strip, current = page.locator(".tabs ul"), page.locator(".tabs [aria-current]")
        assert strip.evaluate("one => one.scrollWidth > one.clientWidth"), "there is no room for all"
        box, seen = strip.bounding_box(), current.bounding_box()
        assert box is not None
        assert seen is not None
        assert box["x"] - 1 <= seen["x"] <= seen["x"] + seen["width"] <= box["x"] + box["width"] + 1
        assert page.evaluate("[scrollX, scrollY]") == [0, 0]


def test_on_a_phone_crumbs_flow_like_text(sign_in: Callable[[str], Client]) -> None:
    with opened(answers_of(sign_in("viewer"), [MINE]), MINE) as page:
        page.set_viewport_size({"width": 320, "height": 700})
        items = page.locator(".crumbs :is(a, span)")
        lines = items.evaluate_all(
            "all => all.flatMap(one => [...one.getClientRects()].map(line => [Math.round(line.left), Math.round(line.top)]))"
        )
        firsts = [min(left for left, top in lines if top == each) for each in {top for _, top in lines}]
        assert len(firsts) > 1, "they take more than one line"
        assert set(firsts) == {16}, "no line begins with a separator or further in"
