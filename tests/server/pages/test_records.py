"""The overview of kinds, the lists, and the page of a record."""

from __future__ import annotations

import csv
import io
import re
from typing import TYPE_CHECKING

import pytest
from record_pages import XSS, assert_escaped, evil_agent, evil_system, write

from kybern.records import Record

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.test import Client

pytestmark = pytest.mark.django_db
SYSTEM = "/records/ai_system/hiring-screener"


def test_the_overview_has_every_kind_with_what_it_is_for(sign_in: Callable[[str], Client]) -> None:
    page = sign_in("governance-lead").get("/records/").content.decode()
    for kind in Record.registry:
        assert f'href="/records/{kind}/"' in page
    assert "An AI risk, assessed by stated criteria" in page


def test_who_may_not_see_people_is_not_shown_their_kind(sign_in: Callable[[str], Client]) -> None:
    client = sign_in("viewer")
    assert b'href="/records/person/"' not in client.get("/records/").content
    assert client.get("/records/person/").status_code == 403
    assert client.get("/records/person/?format=csv").status_code == 403


@pytest.mark.parametrize("kind", sorted(Record.registry))
def test_every_kind_has_its_list_sorted_by_each_column(sign_in: Callable[[str], Client], kind: str) -> None:
    client = sign_in("governance-lead")
    page = client.get(f"/records/{kind}/").content.decode()
    for sort in {*re.findall(r"\?sort=(-?[a-z_]+)", page), "-title", "-owner", "changed"}:
        assert client.get(f"/records/{kind}/", {"sort": sort}).status_code == 200


def test_a_list_goes_forth_and_back_without_gap_or_repeat(sign_in: Callable[[str], Client], monkeypatch: pytest.MonkeyPatch) -> None:
    from kybern.server.pages import _keyset

    monkeypatch.setattr(_keyset.page_of, "__defaults__", (7,))
    client = sign_in("governance-lead")
    for sort in ("title", "-priority", "changed", "-owner"):
        there = client.get("/records/risk/", {"sort": sort}).content.decode()
        pages = [_refs(there)]
        while (
            found := re.search(r'rel="next" href="([^"]+)|href="([^"]+)" rel="next"|class="button" rel="next" href="([^"]+)"', there)
        ) is not None:
            address = "/records/risk/" + next(filter(None, found.groups())).replace("&amp;", "&")
            there = client.get(address).content.decode()
            pages.append(_refs(there))
        seen = [ref for page in pages for ref in page]
        assert len(seen) == len(set(seen)) == 20
        back = re.search(r'rel="prev" href="([^"]+)"', there)
        assert back is not None
        assert _refs(client.get("/records/risk/" + back[1].replace("&amp;", "&")).content.decode()) == pages[-2]


def _refs(page: str) -> list[str]:
    return re.findall(r'<th scope="row"><a href="/records/risk/([^"]+)"', page)


def test_filters_keep_what_fits(sign_in: Callable[[str], Client]) -> None:
    client = sign_in("governance-lead")
    found = _refs(client.get("/records/risk/", {"priority": "critical", "type": "bias"}).content.decode())
    assert sorted(found) == ["cs-age-bias", "hs-bias"]
    assert _refs(client.get("/records/risk/", {"priority": "no such"}).content.decode())
    datasets = client.get("/records/dataset/", {"use": "training"}).content.decode()
    assert 0 < datasets.count('<th scope="row">') < client.get("/records/dataset/").content.decode().count('<th scope="row">')
    assert client.get("/records/dataset/", {"personal_data": "true"}).status_code == 200
    assert client.get("/records/risk/", {"q": "\0%_'", "after": "bm9uc2Vuc2U", "before": "!!"}).status_code == 200


def test_a_list_goes_out_as_csv_and_runs_in_no_spreadsheet(sign_in: Callable[[str], Client]) -> None:
    write({**evil_system(), "title": "=HYPERLINK(1)"})
    answer = sign_in("viewer").get("/records/ai_system/", {"format": "csv", "q": "evil"})
    rows = list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode("utf-8-sig"))))  # type: ignore[attr-defined]
    assert [row["id"] for row in rows] == ["evil"]
    assert rows[0]["title"] == "'=HYPERLINK(1)"
    assert rows[0]["purpose"] == XSS
    assert "attachment" in answer["Content-Disposition"]


@pytest.mark.parametrize("kind", sorted(Record.registry))
def test_every_record_of_the_example_is_shown(sign_in: Callable[[str], Client], kind: str) -> None:
    from kybern.server.store.models import RecordRow

    client = sign_in("governance-lead")
    for ref in RecordRow.objects.filter(kind=kind).values_list("ref", flat=True)[:3]:
        assert client.get(f"/records/{kind}/{ref.partition(':')[2]}").status_code == 200


def test_a_record_says_all_it_states_and_where_it_stands(sign_in: Callable[[str], Client]) -> None:
    from kybern.server.store.models import RecordRow

    page = sign_in("governance-lead").get(SYSTEM).content.decode()
    row = RecordRow.objects.get(ref="ai_system:hiring-screener")
    for words in (
        row.title,
        "Evidence about it",
        "Controls it bears on",
        "Linked records",
        row.digest,
        "Validation test",
        "/edit",
        "/remove",
    ):
        assert words in page
    for link in ("/records/model/talentlens-rank", "/evidence/", "/records/supplier/talentlens"):
        assert link in page


def test_what_a_reader_may_not_do_is_not_offered(sign_in: Callable[[str], Client]) -> None:
    page = sign_in("viewer").get(SYSTEM).content
    assert b"/edit" not in page
    assert b"/remove" not in page
    assert b"Evidence about it" not in page


def test_no_title_of_a_person_reaches_who_may_not_see_people(sign_in: Callable[[str], Client]) -> None:
    from kybern.server.store.models import RecordRow

    assert RecordRow.objects.get(ref="risk:hs-bias").content["assessor"] == "person:aoife-kelleher"
    assert b"Aoife Kelleher" not in sign_in("viewer").get("/records/risk/hs-bias").content
    assert b"Aoife Kelleher" in sign_in("governance-lead").get("/records/risk/hs-bias").content
    assert b"Aoife" not in sign_in("viewer").get("/records/suggest", {"kinds": "person", "q": "aoife"}).content


def test_of_another_unit_nothing_is_shown(sign_in: Callable[[str], Client]) -> None:
    client = sign_in("project-engineer")
    assert client.get(SYSTEM).status_code == 404
    assert client.get("/records/ai_system/credit-scoring").status_code == 200
    assert b"hiring-screener" not in client.get("/records/ai_system/").content
    assert b"hiring-screener" not in client.get("/records/", {"q": "screener"}).content
    assert b"hiring-screener" not in client.get("/records/suggest", {"kinds": "ai_system"}).content


def test_a_stranger_is_denied_and_nobody_signs_in(sign_in: Callable[[str], Client], client: Client) -> None:
    for address in ("/records/", "/records/risk/", SYSTEM, "/records/suggest"):
        assert sign_in("stranger").get(address).status_code == 403
        assert client.get(address).status_code == 302
    assert sign_in("viewer").get("/records/no_such_kind/").status_code == 404


def test_reading_a_person_is_logged(sign_in: Callable[[str], Client]) -> None:
    from kybern.server.access.models import AccessEvent

    client = sign_in("governance-lead")
    for address, subject in (("/records/person/aoife-kelleher", "person:aoife-kelleher"), ("/records/person/", "person: list")):
        assert client.get(address).status_code == 200
        assert AccessEvent.objects.filter(kind="read", subject=subject).exists()


def test_nothing_stored_is_ever_markup(sign_in: Callable[[str], Client]) -> None:
    write(evil_system())
    write(evil_agent())
    client = sign_in("administrator")
    for address in (
        "/records/ai_system/",
        "/records/ai_system/evil",
        "/records/agent/",
        "/records/agent/evil-agent",
        "/records/?q=evil",
        "/records/suggest?q=evil",
    ):
        page = client.get(address).content
        assert b"evil" in page
        assert_escaped(page)


def test_suggestions_are_of_the_kinds_asked(sign_in: Callable[[str], Client]) -> None:
    client = sign_in("engineer")
    found = client.get("/records/suggest", {"kinds": "ai_system", "q": "screen"}).content.decode()
    assert found.startswith('<option value="ai_system:hiring-screener">')
    by_field = client.get("/records/suggest", {"kinds": "role,policy", "owner": "steward"}, headers={"HX-Trigger-Name": "owner"})
    assert b"role:" in by_field.content
    assert b"LIF-23" in client.get("/records/suggest", {"catalog": "control", "q": "lif-23"}).content
    assert b"ISO42001:A.7.4" in client.get("/records/suggest", {"catalog": "requirement", "q": "a.7.4"}).content
