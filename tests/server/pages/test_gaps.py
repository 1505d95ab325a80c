"""The list of every gap: filters in the address, who sees it, one system's own, and the file."""

from __future__ import annotations

import csv
import io
import re
from html import unescape
from typing import TYPE_CHECKING

import pytest
from record_pages import assert_escaped
from server_world import PROJECT_SYSTEM

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.test import Client

pytestmark = pytest.mark.django_db


def rows_of(client: Client, query: str = "") -> list[dict[str, str]]:
    answer = client.get(f"/gaps.csv{query}")
    assert answer.status_code == 200
    assert answer["Content-Type"].startswith("text/csv")
    return list(csv.DictReader(io.StringIO(answer.content.decode())))


def total(page: str) -> int:
    said = re.search(r'role="status">([0-9]+) gaps', page)
    assert said is not None
    return int(said[1])


def test_every_gap_has_its_row_and_its_owner(sign_in: Callable[[str], Client]) -> None:
    client = sign_in("viewer")
    rows = rows_of(client)
    assert total(client.get("/gaps").content.decode()) == len(rows) > 25
    assert all(row["owed_by"] and row["missing"] and row["status"] not in {"met", "not_applicable"} for row in rows)


@pytest.mark.parametrize(
    ("query", "column", "values"),
    [
        ("owner=role:ai-governance-lead", "owner", {"role:ai-governance-lead"}),
        ("owner=role:ai-governance-lead&owner=role:data-steward", "owner", {"role:ai-governance-lead", "role:data-steward"}),
        ("status=partly_met", "status", {"partly_met"}),
        ("layer=L6", "layer", {"L6"}),
        ("layer=L6&status=unknown", "layer", {"L6"}),
    ],
)
def test_every_filter_is_in_the_address(sign_in: Callable[[str], Client], query: str, column: str, values: set[str]) -> None:
    client = sign_in("viewer")
    rows = rows_of(client, f"?{query}")
    assert {row[column] for row in rows} == values
    assert total(client.get(f"/gaps?{query}").content.decode()) == len(rows)


def test_one_framework_asks_for_less(sign_in: Callable[[str], Client]) -> None:
    client = sign_in("viewer")
    own = rows_of(client, "?framework=ISO42001")
    assert 0 < len(own) < len(rows_of(client))
    assert all(ref.startswith("ISO42001:") for row in own for ref in row["bears_on"].split())
    assert len(rows_of(client, "?framework=NONE")) == len(rows_of(client))


def test_pages_of_the_list_hold_every_gap_once(sign_in: Callable[[str], Client]) -> None:
    client, seen, start = sign_in("viewer"), [], 0
    count = total(client.get("/gaps").content.decode())
    while start < count:
        page = client.get(f"/gaps?start={start}").content.decode()
        seen += re.findall(r'<div class="gh"><h2><a href="/controls/([A-Z0-9-]+)"', page)
        start += 25
    assert len(seen) == len(set(seen)) == count
    for odd in ("x", "-1", "999999999999", "٣", "%00"):
        assert client.get(f"/gaps?start={odd}").status_code == 200


def test_a_system_has_its_own_gaps_for_who_sees_it(sign_in: Callable[[str], Client]) -> None:
    client = sign_in("project-engineer")
    assert client.get("/gaps").status_code == 403
    assert client.get("/gaps.csv").status_code == 403
    page = client.get(f"/gaps?system={PROJECT_SYSTEM}").content.decode()
    assert total(page) == len(rows_of(client, f"?system={PROJECT_SYSTEM}")) > 0
    assert "CV screener" not in page
    assert client.get("/gaps?system=ai_system:hiring-screener").status_code == 403
    assert client.get("/gaps?system=ai_system:none").status_code == 404
    assert sign_in("stranger").get("/gaps").status_code == 403


def test_nothing_that_fits_is_told(sign_in: Callable[[str], Client]) -> None:
    assert "No gap fits" in sign_in("viewer").get("/gaps?q=zzzzzz").content.decode()


def test_what_the_address_says_is_escaped(sign_in: Callable[[str], Client]) -> None:
    bad = '"><script>alert(1)</script>'
    assert_escaped(sign_in("viewer").get("/gaps", {"q": bad, "owner": bad, "x": bad}).content)


def test_who_owes_how_much_is_told_at_the_top_and_leads_to_theirs(sign_in: Callable[[str], Client]) -> None:
    page = sign_in("governance-lead").get("/gaps").content.decode()
    owed = page.partition('<div class="owed">')[2].partition("</div>")[0]
    links = re.findall(r'href="(\?[^"]+)">([^<]+) <b>(\d+)</b>', owed)
    assert len(links) > 1
    assert [int(count) for *_rest, count in links] == sorted((int(count) for *_rest, count in links), reverse=True)
    address, _words, count = links[0]
    of_theirs = sign_in("governance-lead").get("/gaps" + unescape(address)).content.decode()
    assert f'<p class="total" role="status">{count} gaps' in of_theirs
    assert '<div class="owed">' not in of_theirs, "whose they are was chosen"
