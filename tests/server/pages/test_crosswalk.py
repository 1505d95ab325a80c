"""The crosswalk explorer: pairs of frameworks, pictures whose links lead to rows, filters, the file, and the way there."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from record_pages import assert_escaped
from server_world import PROJECT_SYSTEM

import kybern.report
import kybern.server.pages

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.test import Client

pytestmark = pytest.mark.django_db
EU = "/crosswalk?source=ISO42001&target=EU_AI_ACT"


def found(page: str) -> int:
    said = re.search(r'role="status">([0-9\u2009]+) requirements', page)
    assert said is not None
    return int(said[1].replace("\u2009", ""))


def listed(page: str) -> list[str]:
    return re.findall(r'<th scope="row"><a href="/requirements/([^"?]+)', page.partition('id="rows"')[2])


def rows_of(client: Client, address: str) -> list[dict[str, str]]:
    answer = client.get(address.replace("/crosswalk", "/crosswalk.csv"))
    assert answer.status_code == 200
    return list(csv.DictReader(io.StringIO(answer.content.decode())))


def test_two_frameworks_that_are_asked_about_stand_side_by_side(sign_in: Callable[[str], Client]) -> None:
    page = sign_in("viewer").get("/crosswalk").content.decode()
    assert '<option value="ISO42001" selected>' in page
    assert '<option value="NIST_AI_RMF" selected>' in page
    assert "280 pairs" in page
    assert found(page) == 72


@pytest.mark.parametrize("view", ["matrix", "sankey", "nonsense"])
def test_every_part_of_the_picture_leads_to_its_rows(sign_in: Callable[[str], Client], view: str) -> None:
    client = sign_in("viewer")
    page = client.get(f"{EU}&view={view}").content.decode()
    drawn = "sankey" if view == "sankey" else "cross"
    assert f'class="{drawn}"' in page
    assert 'href="#flow-' not in page
    links = re.findall(rf'href="\?source=ISO42001&amp;target=EU_AI_ACT&amp;view={view}&amp;flow=([0-9]+)#rows"', page)
    assert len(set(links)) == 100
    led = client.get(f"{EU}&view={view}&flow={links[0]}").content.decode()
    assert "Show all areas" in led
    assert "The rows between these two areas" in led
    assert found(led) < found(page)


def test_a_flow_leads_to_its_pairs_and_to_what_they_reach(sign_in: Callable[[str], Client]) -> None:
    from kybern.catalog import crosswalk, load_catalog
    from kybern.report._areas import flows_of

    known = load_catalog()
    flows, client = flows_of(crosswalk(known, "ISO42001", "EU_AI_ACT")), sign_in("viewer")
    asking = 0
    for at in range(0, len(flows.flows), 20):
        pairs = flows.flows[at].pairs
        page = client.get(f"{EU}&flow={at}").content.decode().partition("The rows between these two areas")[2].partition("</table>")[0]
        assert page.count("<tr>") == len(pairs) + 1
        assert all(f">{known.requirements[pair.source].id}</a>" in page for pair in pairs)
        lines, sources = rows_of(client, f"{EU}&flow={at}"), {pair.source for pair in pairs}
        for ref in {line["target"] for line in lines}:
            asking += 1
            assert any(line["source"] in sources for line in lines if line["target"] == ref), ref
    assert asking > 5


@pytest.mark.parametrize(
    ("query", "column", "value"),
    [
        ("reached=uncovered", "comes_to", "uncovered"),
        ("reached=evidence", "comes_to", "evidence that may serve"),
        ("reached=unproven", "comes_to", "unproven"),
        ("status=partly_met", "target_status", "partly_met"),
        ("status=unknown", "target_status", "unknown"),
    ],
)
def test_every_filter_keeps_what_it_says(sign_in: Callable[[str], Client], query: str, column: str, value: str) -> None:
    client = sign_in("viewer")
    lines = rows_of(client, f"{EU}&{query}")
    assert {line[column] for line in lines} == {value}
    assert found(client.get(f"{EU}&{query}").content.decode()) == len({line["target"] for line in lines})


def test_the_numbers_are_those_of_the_rows(sign_in: Callable[[str], Client]) -> None:
    client = sign_in("viewer")
    page = client.get(EU).content.decode()
    tiles = re.findall(r'reached=([a-z_]+)#rows"><b>([0-9]+)</b>', page)
    assert len(tiles) == 6
    assert sum(int(count) for _name, count in tiles) == found(page)
    for name, count in tiles:
        if int(count):
            assert found(client.get(f"{EU}&reached={name}").content.decode()) == int(count)


def test_relations_are_in_the_crosswalks_own_words(sign_in: Callable[[str], Client]) -> None:
    client = sign_in("viewer")
    for relation in ("equal", "superset", "subset", "intersects"):
        lines = rows_of(client, f"{EU}&relation={relation}")
        assert all(
            any(line["relation"] == relation for line in lines if line["target"] == ref) for ref in {line["target"] for line in lines}
        )
    assert rows_of(client, f"{EU}&relation=intersects")


def test_read_the_other_way_round_a_part_is_a_whole(sign_in: Callable[[str], Client]) -> None:
    client = sign_in("viewer")
    there = {(line["source"], line["target"]): line["relation"] for line in rows_of(client, EU) if line["source"] and not line["via"]}
    back = {
        (line["target"], line["source"]): line["relation"]
        for line in rows_of(client, "/crosswalk?source=EU_AI_ACT&target=ISO42001")
        if line["source"] and not line["via"]
    }
    both = there.keys() & back.keys()
    turned = {"subset": "superset", "superset": "subset"}
    assert len(both) > 50
    assert all(back[pair] == turned.get(there[pair], there[pair]) for pair in both)


def test_words_find_requirements_and_sources(sign_in: Callable[[str], Client]) -> None:
    client = sign_in("viewer")
    assert any("Art.14" in ref for ref in listed(client.get(f"{EU}&q=human+oversight").content.decode()))
    assert "No requirement fits" in client.get(f"{EU}&q=zzzzz").content.decode()


def test_a_requirement_leads_to_its_neighbours_and_back(sign_in: Callable[[str], Client]) -> None:
    client = sign_in("viewer")
    page = client.get("/requirements/ISO42001:6.1.2").content.decode()
    href = "/crosswalk?source=ISO42001&amp;target=EU_AI_ACT&amp;from=ISO42001%3A6.1.2#rows"
    assert href in page
    led = client.get(href.replace("&amp;", "&").partition("#")[0]).content.decode()
    assert "What is reached from" in led
    lines = rows_of(client, f"{EU}&from=ISO42001%3A6.1.2")
    assert {line["target"] for line in lines}
    assert all(
        any(line["source"] == "ISO42001:6.1.2" for line in lines if line["target"] == ref) for ref in {line["target"] for line in lines}
    )


def test_on_one_system_statuses_are_those_of_the_system(sign_in: Callable[[str], Client]) -> None:
    client = sign_in("governance-lead")
    page = client.get(f"{EU}&subject={PROJECT_SYSTEM}&reached=evidence").content.decode()
    assert f"?subject={PROJECT_SYSTEM.replace(':', '%3A')}" in page
    assert client.get(f"{EU}&subject=ai_system:none").status_code == 404


def test_two_that_nothing_joins_are_told(sign_in: Callable[[str], Client]) -> None:
    client = sign_in("viewer")
    assert "Choose two frameworks" in client.get("/crosswalk?source=ISO42001&target=ISO42001").content.decode()
    assert "Nothing joins these two" in client.get("/crosswalk?source=ISO42001&target=US_STATES").content.decode()
    assert rows_of(client, "/crosswalk?source=ISO42001&target=ISO42001") == []


def test_two_may_be_joined_through_a_third(sign_in: Callable[[str], Client]) -> None:
    page = sign_in("viewer").get("/crosswalk?source=GDPR&target=EU_AI_ACT").content.decode()
    assert "composed through ISO 42001" in page


def test_pages_of_a_long_list(sign_in: Callable[[str], Client]) -> None:
    client = sign_in("viewer")
    first = client.get(EU).content.decode()
    second = client.get(f"{EU}&start=50").content.decode()
    assert len(listed(first)) == len(listed(second)) == 50
    assert not set(listed(first)) & set(listed(second))
    for odd in ("-1", "x", "99999999999", "%00", "٣"):
        assert client.get(f"{EU}&start={odd}").status_code == 200


def test_names_that_are_none_are_not_there(sign_in: Callable[[str], Client]) -> None:
    client = sign_in("viewer")
    for query in ("source=NONE", "target=NONE", "source=%3Cscript%3E"):
        assert client.get(f"/crosswalk?{query}").status_code == 404
    for query in ("flow=x", "flow=999999", "flow=-1", "from=nothing", "reached=x", "relation=x"):
        assert client.get(f"{EU}&{query}").status_code == 200


def test_it_is_for_who_sees_the_whole_organisation(sign_in: Callable[[str], Client], client: Client) -> None:
    for path in ("/crosswalk", "/crosswalk.csv"):
        assert sign_in("project-engineer").get(path).status_code == 403
        assert sign_in("stranger").get(path).status_code == 403
        assert client.get(path).status_code == 302


def test_what_the_address_says_is_escaped(sign_in: Callable[[str], Client]) -> None:
    bad = '"><script>alert(1)</script>'
    assert_escaped(sign_in("viewer").get("/crosswalk", {"q": bad, "from": bad, "view": bad, "x": bad}).content)


def test_the_pictures_look_like_the_reports() -> None:
    """The lines of the report's style that draw stand in the page's too, so that one picture looks the same everywhere."""
    report = Path(kybern.report.__file__).parent / "templates" / "crosswalk.css"
    own = (Path(kybern.server.pages.__file__).parent / "static" / "crosswalk.css").read_text(encoding="utf-8").splitlines()
    drawing = [line for line in report.read_text(encoding="utf-8").splitlines() if line.startswith((".", "svg .", "svg text"))]
    assert len(drawing) > 8
    assert not [line for line in drawing if line not in own]
