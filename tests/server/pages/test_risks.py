"""The register of risks: who sees what, filters, matrices, what is not known, losses, and the table to take away."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from browser_world import answers_of, opened
from server_world import PROJECT_SYSTEM

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.test import Client

pytestmark = pytest.mark.django_db
HIRING = "ai_system:hiring-screener"
AGE = "risk:cs-age-bias"


def write(ref: str, **changes: Any) -> None:
    """Change a record; None takes a field away."""
    from kybern.server.store.models import RecordRow
    from kybern.server.store.records import Write, write_records

    content = {**RecordRow.objects.get(pk=ref).content, **changes}
    content = {name: value for name, value in content.items() if value is not None}
    write_records([Write(ref, content)], "person:administrator", "a test", datetime.now(UTC))


def remove(*kinds: str) -> None:
    """Take every record of these kinds out of the tables: what an organisation that has none looks like."""
    from kybern.server.live import forget
    from kybern.server.store.models import RecordRow

    RecordRow.objects.filter(kind__in=kinds).delete()
    forget()


def table(client: Client, query: str = "") -> list[dict[str, str]]:
    """Read the register as CSV."""
    answer = client.get(f"/risks?format=csv{query}")
    return list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode("utf-8-sig"))))  # type: ignore[attr-defined]


def test_the_register_shows_both_matrices_and_leads_to_the_records(sign_in: Callable[[str], Client]) -> None:
    page = sign_in("viewer").get("/risks").content.decode()
    for words in (
        "Before treatment",
        "After treatment",
        "20 risks",
        "up to a score of 6",
        'href="/records/risk/cs-age-bias"',
        "?inherent=4x4",
        "?residual=3x4",
        "As a table",
    ):
        assert words in page, words


def test_cells_count_what_they_lead_to(sign_in: Callable[[str], Client]) -> None:
    client = sign_in("viewer")
    rows = table(client)
    assert len(rows) == 20
    for name, likelihood, consequence in (("inherent", "likelihood", "consequence"), ("residual", "likelihood_after", "consequence_after")):
        total = 0
        for high in range(1, 6):
            for wide in range(1, 6):
                found = table(client, f"&{name}={high}x{wide}")
                assert {one["risk"] for one in found} == {
                    one["risk"] for one in rows if (one[likelihood], one[consequence]) == (str(high), str(wide))
                }
                total += len(found)
        assert total == 20


@pytest.mark.parametrize(
    ("query", "holds"),
    [
        (f"&system={HIRING}", lambda one: HIRING in one["systems"]),
        ("&category=bias", lambda one: one["category"] == "bias"),
        ("&category=nonsense", lambda _one: True),
        ("&owner=role:credit-model-owner", lambda one: one["owner"] == "role:credit-model-owner"),
        ("&owner=role:nobody", lambda _one: False),
        ("&level=very-high", lambda one: int(one["score_before"]) > 15),
        ("&left=low", lambda one: 4 < int(one["score_after"]) <= 6),
        ("&state=accepted", lambda one: one["treatment_state"] == "accepted"),
        ("&open=yes", lambda one: one["above_appetite"] == "yes"),
        ("&open=no", lambda one: one["above_appetite"] == "no"),
        ("&overdue=treatment", lambda one: "treatment" in one["overdue"]),
        ("&overdue=review", lambda one: "review" in one["overdue"]),
        ("&overdue=any", lambda one: bool(one["overdue"])),
        ("&q=AGENT", lambda one: "agent" in one["title"].lower()),
        ("&inherent=9x9", lambda _one: True),
        ("&residual=%3Cscript%3E", lambda _one: True),
        ("&unit=999999", lambda _one: True),
    ],
)
def test_every_filter_lets_through_exactly_what_it_names(
    sign_in: Callable[[str], Client], query: str, holds: Callable[[dict[str, str]], bool]
) -> None:
    write("treatment:cs-drift", done_on=None, due_on="2020-01-01")
    write(AGE, reviewed_on="2020-01-01", review_every="P30D")
    client = sign_in("viewer")
    everything = table(client)
    found = {one["risk"] for one in table(client, query)}
    if query == "&q=AGENT":
        assert found >= {one["risk"] for one in everything if "agent" in one["title"].lower()}
        assert 0 < len(found) < 20
        return
    assert found == {one["risk"] for one in everything if holds(one)}
    page = client.get(f"/risks?{query[1:]}")
    assert page.status_code == 200
    assert f"{len(found)} risks" in page.content.decode()


def test_orders_go_both_ways(sign_in: Callable[[str], Client]) -> None:
    client = sign_in("viewer")
    for sort, column in (("title", "title"), ("before", "score_before"), ("after", "score_after")):
        values: list[Any] = [one[column] for one in table(client, f"&sort={sort}")]
        key = str.lower if column == "title" else int
        assert values == sorted(values, key=key)
        assert [one[column] for one in table(client, f"&sort=-{sort}")] == sorted(values, key=key, reverse=True)
    assert len(table(client, "&sort=nonsense")) == 20
    for sort in ("now", "owner", "due", "-due", "review", "-review"):
        assert client.get(f"/risks?sort={sort}").status_code == 200


def test_a_reader_of_one_unit_sees_its_risks_only(sign_in: Callable[[str], Client]) -> None:
    client = sign_in("project-engineer")
    rows = table(client)
    assert rows
    assert all(one["systems"] == PROJECT_SYSTEM for one in rows)
    for path in ("/risks", "/risks/losses", "/risks?sort=title", f"/risks?system={HIRING}"):
        page = client.get(path).content.decode()
        assert "The screener ranks groups low" not in page, path
        assert "CV screener" not in page, path
    assert f"{len(rows)} risks counted" in client.get("/risks/losses").content.decode()


def test_a_treatment_of_another_unit_has_no_name(sign_in: Callable[[str], Client]) -> None:
    from kybern.server.store.models import RecordRow
    from kybern.server.store.projection import root_unit

    RecordRow.objects.filter(pk="treatment:cs-age-bias").update(unit=root_unit())
    client = sign_in("project-engineer")
    page = client.get("/risks").content.decode()
    assert "Second look for young applicants" not in page
    assert "of another unit" in page
    assert all(one["treatment"] != "Second look for young applicants" for one in table(client))


def test_strangers_get_nothing(sign_in: Callable[[str], Client], client: Client) -> None:
    for path in ("/risks", "/risks/losses", "/risks?format=csv"):
        assert sign_in("stranger").get(path).status_code == 403
        assert client.get(path).status_code == 302
        assert sign_in("viewer").post(path).status_code in {403, 405}


def test_what_is_not_known_is_named(sign_in: Callable[[str], Client]) -> None:
    from kybern.server.store.models import RecordRow

    for row in RecordRow.objects.filter(kind="risk"):
        if HIRING in row.content["systems"]:
            write(row.ref, systems=[PROJECT_SYSTEM])
    page = sign_in("risk-owner").get("/risks").content.decode()
    assert "AI systems without a recorded risk" in page
    assert "Their risk is unknown, which is not the same as none." in page
    assert 'href="/records/risk/new?systems=ai_system%3Ahiring-screener"' in page
    assert "/records/risk/new?" not in sign_in("viewer").get("/risks").content.decode()


def test_a_system_whose_risks_are_hidden_is_not_said_to_have_none(sign_in: Callable[[str], Client]) -> None:
    from kybern.server.store.models import RecordRow
    from kybern.server.store.projection import root_unit

    RecordRow.objects.filter(kind="risk", ref__startswith="risk:cs-").exclude(pk=AGE).update(unit=root_unit())
    RecordRow.objects.filter(pk=AGE).update(unit=root_unit())
    page = sign_in("project-engineer").get("/risks").content.decode()
    assert "AI systems without a recorded risk" not in page
    assert "No risk is recorded" in page


def test_risks_without_criteria_say_so_instead_of_guessing(sign_in: Callable[[str], Client]) -> None:
    remove("risk_criteria")
    client = sign_in("viewer")
    page = client.get("/risks").content.decode()
    assert "Criteria are missing" in page
    assert "appetite unknown" in page
    assert {one["above_appetite"] for one in table(client)} == {"unknown"}
    losses = client.get("/risks/losses").content.decode()
    assert "No curve is drawn" in losses
    assert "are not recorded" in losses


def test_an_empty_register_teaches(sign_in: Callable[[str], Client]) -> None:
    remove("risk", "treatment")
    writer, reader = sign_in("risk-owner"), sign_in("viewer")
    assert "nobody has written one down" in writer.get("/risks").content.decode()
    assert "/records/risk/new" in writer.get("/risks").content.decode()
    assert "/records/risk/new" not in reader.get("/risks").content.decode()
    assert reader.get("/risks/losses").status_code == 200
    assert "No risk fits" not in reader.get("/risks?q=x").content.decode()


def test_the_curve_follows_the_filter_and_says_what_it_is_not(sign_in: Callable[[str], Client]) -> None:
    client = sign_in("viewer")
    page = client.get("/risks/losses").content.decode()
    for words in ("20 risks counted", "only as good as the intervals", "not as a sum", "seed 42001", "any loss", "/records/risk/"):
        assert words in page, words
    assert "20 risks counted" not in client.get(f"/risks/losses?system={HIRING}").content.decode()
    assert "No risk fits" in client.get("/risks/losses?q=nothing-like-it").content.decode()


def test_fewer_years_are_simulated_where_there_are_many_risks() -> None:
    from kybern.server.pages._losses import years_for

    assert (years_for(0), years_for(20), years_for(200), years_for(100_000)) == (100_000, 100_000, 10_000, 2_000)


def test_what_records_say_is_escaped_and_runs_in_no_spreadsheet(sign_in: Callable[[str], Client]) -> None:
    bad = "<script>alert(1)</script>\"'"
    write(AGE, title=bad, scenario=bad)
    write("treatment:cs-age-bias", title="=cmd|' /C calc'!A0")
    client = sign_in("viewer")
    for path in ("/risks", "/risks/losses", "/risks?q=%3Cscript%3Ealert(1)%3C/script%3E", "/risks?system=%22%3E%3Cscript%3Ealert(1)"):
        assert "<script>alert" not in client.get(path).content.decode(), path
    row = next(one for one in table(client) if one["risk"] == AGE)
    assert row["treatment"].startswith("'=")


def test_many_risks_come_in_pages_that_neither_skip_nor_repeat(sign_in: Callable[[str], Client]) -> None:
    from kybern.server.live import forget
    from kybern.server.store.models import RecordRow

    model = RecordRow.objects.get(pk=AGE)
    rows = [
        RecordRow(
            ref=f"risk:made-{number:04}", kind="risk", title=f"Made {number}", owner=model.owner, unit=model.unit, digest="0" * 64, entry=0,
            changed_at=model.changed_at, changed_by="x", text="made",
            content={**model.content, "id": f"made-{number:04}", "title": f"Made {number}"},
        )
        for number in range(120)
    ]  # fmt: skip
    RecordRow.objects.bulk_create(rows)
    forget()
    client, seen, address, back = sign_in("viewer"), [], "?q=made&sort=title", ""
    while address:
        page = client.get(f"/risks{address}").content.decode()
        seen.append([part.partition('"')[0] for part in page.split('<th scope="row"><a href="/records/risk/')[1:]])
        back = page.partition('rel="prev" href="')[2].partition('"')[0].replace("&amp;", "&")
        address = page.partition('rel="next" href="')[2].partition('"')[0].replace("&amp;", "&")
    flat = [one for part in seen for one in part]
    assert len(flat) == len(set(flat)) == 120
    page = client.get(f"/risks{back}").content.decode()
    assert [part.partition('"')[0] for part in page.split('<th scope="row"><a href="/records/risk/')[1:]] == seen[-2]
    assert "×12" in client.get("/risks").content.decode()


def test_a_late_treatment_is_late_until_it_is_done(sign_in: Callable[[str], Client]) -> None:
    client, yesterday = sign_in("viewer"), str(date.today() - timedelta(days=1))  # noqa: DTZ011 - a day of the record
    write("treatment:cs-drift", done_on=None, due_on=yesterday)
    assert "risk:cs-drift" in {one["risk"] for one in table(client, "&overdue=treatment")}
    write("treatment:cs-drift", done_on=yesterday)
    assert "risk:cs-drift" not in {one["risk"] for one in table(client, "&overdue=treatment")}


def test_more_risks_than_anybody_waits_for_are_not_simulated(sign_in: Callable[[str], Client], monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("_losses", "risks"):
        monkeypatch.setattr(f"kybern.server.pages.{module}.MOST_RISKS", 10)
    client = sign_in("viewer")
    assert "There are 20 risks here, and up to 10 are simulated" in client.get("/risks/losses").content.decode()
    assert "risks counted" in client.get("/risks/losses?category=bias").content.decode()


@pytest.mark.parametrize(("width", "shown"), [(320, "losses compact"), (390, "losses compact"), (640, "losses compact"), (1360, "losses")])
def test_one_form_of_the_curve_is_shown_by_width_and_nothing_scrolls_sideways(
    sign_in: Callable[[str], Client], width: int, shown: str
) -> None:
    with opened(answers_of(sign_in("viewer"), ["/risks/losses"]), "/risks/losses") as page:
        page.set_viewport_size({"width": width, "height": 800})
        drawn = page.locator("svg.losses")
        seen = [drawn.nth(at) for at in range(drawn.count()) if drawn.nth(at).is_visible()]
        assert [one.get_attribute("class") for one in seen] == [shown]
        assert page.locator(".by-width").evaluate("one => one.scrollWidth <= one.clientWidth")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        small = (
            seen[0]
            .locator("text")
            .evaluate_all("all => Math.min(...all.map(one => parseFloat(getComputedStyle(one).fontSize) * one.getScreenCTM().a))")
        )
        assert small >= (9 if width >= 390 else 7.5), "words can be read"
