"""Traceability: starting anywhere, who sees what, direction, depth, and how much is shown."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from server_world import PROJECT_SYSTEM

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.test import Client

pytestmark = pytest.mark.django_db
OTHER = "ai_system:hiring-screener"
HEADS = ("Requirements (", "Controls (", "Checks (", "Records (", "Evidence (")


def of_system(ref: str) -> str:
    """Give the id of a piece of evidence about a system."""
    from kybern.server.store.models import EvidenceSubject

    return EvidenceSubject.objects.filter(ref=ref).values_list("evidence", flat=True)[0]


def rename(ref: str, **changes: Any) -> None:
    from kybern.server.store.models import RecordRow
    from kybern.server.store.records import Write, write_records

    content = RecordRow.objects.get(pk=ref).content
    write_records([Write(ref, {**content, **changes})], "person:administrator", "a test", datetime.now(UTC))


def picture(page: str) -> str:
    """Cut the picture out of a page."""
    return page.partition('<svg class="trace')[2].partition("</svg>\n")[0] or page.partition("<figure")[2].partition("</figure>")[0]


@pytest.mark.parametrize("ref", ["ISO42001:6.1.2", "GOV-08", "RSK-03", PROJECT_SYSTEM, "risk:cs-age-bias", "organization:meridian"])
def test_a_trace_starts_anywhere(sign_in: Callable[[str], Client], ref: str) -> None:
    page = sign_in("internal-auditor").get(f"/trace?from={quote(ref)}")
    assert page.status_code == 200
    text = page.content.decode()
    assert "From law to evidence" in text
    assert "The same as a table" in text
    assert "/trace?from=" in picture(text)


def test_a_check_and_a_piece_of_evidence_are_starts_too(sign_in: Callable[[str], Client]) -> None:
    from kybern.server.pages._sight import catalog

    client, piece = sign_in("internal-auditor"), of_system(OTHER)
    control = catalog().controls["GOV-08"]
    check = client.get(f"/trace?from=GOV-08/{control.checks[0].id}").content.decode()
    assert control.checks[0].title in check
    assert 'class="focus"' in check
    for name in (piece, piece[:12]):
        page = client.get(f"/trace?from={name}").content.decode()
        assert "CV screener for vacancies" in page
        assert f"/evidence/{piece}" in page


def test_old_addresses_lead_to_the_one(sign_in: Callable[[str], Client]) -> None:
    client = sign_in("viewer")
    assert client.get("/trace/GOV-08")["Location"] == "/trace?from=GOV-08"
    assert client.get("/trace/GOV-08/x")["Location"] == "/trace?from=GOV-08%2Fx"
    assert client.get("/trace/%2F%2Fevil.example")["Location"].startswith("/trace?from=")
    assert client.get("/trace/" + "x" * 300).status_code == 404


def test_direction_and_depth_are_in_the_address(sign_in: Callable[[str], Client]) -> None:
    client = sign_in("internal-auditor")

    def heads(query: str) -> set[str]:
        page = client.get(f"/trace?from=RSK-03{query}").content.decode()
        return {one.partition(" ")[0] for one in HEADS if one in page}

    assert heads("") >= {"Requirements", "Controls", "Checks", "Records"}
    assert heads("&way=law") == {"Requirements", "Controls"}
    assert "Requirements" not in heads("&way=proof")
    assert heads("&way=proof&steps=1") == {"Controls", "Checks"}
    assert heads("&steps=1") == {"Requirements", "Controls", "Checks"}
    assert heads("&way=nonsense&steps=99") == heads("")


def test_a_framework_narrows_the_law(sign_in: Callable[[str], Client]) -> None:
    page = sign_in("internal-auditor").get("/trace?from=GOV-08&framework=ISO42001&way=law").content.decode()
    assert "ISO 42001 " in picture(page)
    assert "NIST AI RMF GOVERN" not in picture(page)


def test_columns_are_bounded_and_show_more(sign_in: Callable[[str], Client]) -> None:
    client = sign_in("internal-auditor")
    page = client.get("/trace?from=ISO42001:A.6.2").content.decode()
    assert "are folded away" in page
    assert "limit=16" in page
    more = client.get("/trace?from=ISO42001:A.6.2&limit=16").content.decode()
    assert "limit=32" in more
    assert "Show fewer" in more
    most = client.get("/trace?from=ISO42001:A.6.2&limit=64").content.decode()
    assert "limit=128" not in most
    assert "folded away" in client.get("/trace?from=ISO42001:A.6.2&limit=1000000").content.decode()
    assert most.count("g-box") > page.count("g-box")


def test_a_reader_of_one_unit_sees_what_is_theirs_and_how_much_is_not(sign_in: Callable[[str], Client]) -> None:
    from kybern.server.store.models import RecordRow
    from kybern.server.store.projection import root_unit

    client, other = sign_in("project-engineer"), of_system(OTHER)
    page = client.get(f"/trace?from={PROJECT_SYSTEM}&limit=64").content.decode()
    assert "Credit scoring for instalment loans" in page
    assert "left out" not in page
    assert "Young applicants who" in client.get("/trace?from=ISO42001:6.1.2&limit=64").content.decode()
    RecordRow.objects.filter(pk="risk:cs-age-bias").update(unit=root_unit())
    page = client.get("/trace?from=ISO42001:6.1.2&limit=64").content.decode()
    assert "1 records and pieces of evidence are left out: they are not granted to you" in page
    assert "Young applicants who" not in page
    assert "cs-age-bias" not in page
    for words in ("CV screener", OTHER, "Meridian Credit Union plc</text>", other):
        assert words not in picture(page), words
    for ref in (OTHER, "risk:hs-bias", other, other[:12], "organization:meridian"):
        answer = client.get(f"/trace?from={ref}")
        assert answer.status_code == 404, ref
        assert "CV screener" not in answer.content.decode()
        assert "Nothing that you may see is called" in answer.content.decode()


def test_a_reader_of_one_unit_sees_statuses_of_their_systems_only(sign_in: Callable[[str], Client]) -> None:
    from kybern.server.access.models import Placement, Unit
    from kybern.server.store.projection import place

    client = sign_in("project-engineer")
    assert "Statuses are those of the AI system chosen" in client.get("/trace?from=ISO42001:6.1.2").content.decode()
    Placement.objects.create(ref=OTHER, unit=Unit.objects.get(slug="lending"))
    place()
    page = client.get("/trace?from=ISO42001:6.1.2").content.decode()
    assert "choose a system" in page
    assert "g-box" not in page
    assert "g-box" in client.get(f"/trace?from=ISO42001:6.1.2&system={OTHER}").content.decode()
    assert "choose a system" in client.get("/trace?from=ISO42001:6.1.2&system=ai_system:service-assistant").content.decode()


def test_who_may_not_see_evidence_sees_how_much_there_is(sign_in: Callable[[str], Client]) -> None:
    piece = of_system(OTHER)
    client = sign_in("viewer")
    page = client.get(f"/trace?from={OTHER}&limit=64").content.decode()
    assert "left out" in page
    assert piece not in page
    assert "/evidence/" not in page
    assert client.get(f"/trace?from={piece}").status_code == 404
    assert "Latest evidence" not in client.get("/trace").content.decode()


def test_sensitive_records_are_left_out(sign_in: Callable[[str], Client]) -> None:
    from kybern.server.store.models import RecordRow

    person = RecordRow.objects.filter(kind="person")[0]
    assert sign_in("viewer").get(f"/trace?from={person.ref}").status_code == 404
    assert sign_in("internal-auditor").get(f"/trace?from={person.ref}").status_code == 200
    assert quote(person.ref) not in sign_in("viewer").get(f"/trace?q={quote(person.title)}").content.decode()
    assert quote(person.ref) in sign_in("internal-auditor").get(f"/trace?q={quote(person.title)}").content.decode()


def test_strangers_get_nothing(sign_in: Callable[[str], Client], client: Client) -> None:
    for path in ("/trace", "/trace?from=GOV-08", "/trace/GOV-08"):
        assert sign_in("stranger").get(path).status_code == 403
        assert client.get(path).status_code == 302


def test_the_beginning_proposes_and_finds(sign_in: Callable[[str], Client]) -> None:
    client = sign_in("internal-auditor")
    page = client.get("/trace").content.decode()
    for words in ("Requirements that are not met", "Controls that fall short", "AI systems", "Latest evidence"):
        assert words in page, words
    found = client.get("/trace?q=inventory").content.decode()
    assert "/trace?from=GOV-08" in found
    assert "Requirements that are not met" not in found
    assert "Nothing fits" in client.get("/trace?q=nothing-like-it").content.decode()
    assert of_system(OTHER) in client.get("/trace?q=validation+test").content.decode()


@pytest.mark.parametrize(
    "ref",
    [
        "none",
        "GOV-99",
        "GOV-08/none",
        "risk:none",
        "ISO42001:99",
        "0123456789abcdef",
        "x%00y",
        "risk:%00",
        "%3Cscript%3Ealert(1)%3C/script%3E",
    ],
)
def test_unknown_names_are_told_as_such(sign_in: Callable[[str], Client], ref: str) -> None:
    answer = sign_in("internal-auditor").get(f"/trace?from={ref}")
    assert answer.status_code in ({200} if "%00" in ref else {404})
    assert "<script>alert" not in answer.content.decode()
    assert "g-box" not in answer.content.decode()


def test_what_bears_not_on_a_system_is_told(sign_in: Callable[[str], Client]) -> None:
    page = sign_in("internal-auditor").get(f"/trace?from=GOV-01&system={OTHER}").content.decode()
    assert "It does not bear on this AI system" in page


def test_titles_are_escaped(sign_in: Callable[[str], Client]) -> None:
    bad = "<script>alert(1)</script>\"'"
    rename(PROJECT_SYSTEM, title=bad)
    client = sign_in("internal-auditor")
    for path in (f"/trace?from={PROJECT_SYSTEM}", "/trace", f"/trace?from=GOV-08&q={quote(bad)}", f"/trace?q={quote(bad)}"):
        assert "<script>alert" not in client.get(path).content.decode(), path


def test_in_a_large_organisation_a_record_is_traced_within_its_system(
    sign_in: Callable[[str], Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kybern.server.pages.trace._MANY_RECORDS", 1)
    client = sign_in("internal-auditor")
    for ref in ("risk:cs-age-bias", "treatment:cs-age-bias", of_system("ai_system:credit-scoring")):
        page = client.get(f"/trace?from={ref}").content.decode()
        assert "g-box" in page, ref
        assert "Statuses are those of the AI system chosen" in page, ref
        assert "CV screener" not in picture(page), ref
    monkeypatch.setattr("kybern.server.pages.trace._MOST_SYSTEMS", 2)
    assert "too many AI systems" in client.get("/trace?from=GOV-08").content.decode()
