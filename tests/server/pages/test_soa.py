"""The statement of applicability: who sees and edits it, filters, what is computed, conflicts, the file for a spreadsheet."""

from __future__ import annotations

import csv
import io
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from record_pages import XSS, assert_escaped, write

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.test import Client

pytestmark = pytest.mark.django_db
INLINE = {"HX-Request": "true"}


def row_of(ref: str) -> Any:
    from kybern.server.store.models import RecordRow

    return RecordRow.objects.filter(pk=ref).first()


def forget_entry(ref: str) -> None:
    from kybern.server.store.records import Write, write_records

    write_records([Write(ref, None)], "person:governance-lead", "a test", datetime.now(UTC))


def save(client: Client, control: str, *, htmx: bool = False, **said: str) -> Any:
    return client.post(f"/soa/{control}", said, headers=INLINE if htmx else {})


def listed(page: str) -> list[str]:
    return re.findall(r'<tr id="(A\.[0-9.]+)"', page)


def test_every_control_of_annex_a_has_its_row(sign_in: Callable[[str], Client]) -> None:
    page = sign_in("governance-lead").get("/soa").content.decode()
    assert len(listed(page)) == len(set(listed(page))) == 38
    assert "38 controls" in page
    assert 'hx-get="/soa/A.2.2"' in page
    assert "Legal duties, our pledge" in page
    assert "approval not signed: it does not count" in page


def test_who_may_only_read_edits_nothing(sign_in: Callable[[str], Client]) -> None:
    client = sign_in("viewer")
    page = client.get("/soa").content.decode()
    assert "hx-get" not in page
    assert "data-edit" not in page
    before = row_of("soa_entry:a.2.2").digest
    assert client.get("/soa/A.2.2").status_code == 403
    assert save(client, "A.2.2", necessary="no", justification="x", _digest=before).status_code == 403
    assert row_of("soa_entry:a.2.2").digest == before


def test_it_is_for_who_reads_the_whole_organisation(sign_in: Callable[[str], Client], client: Client) -> None:
    assert sign_in("project-engineer").get("/soa").status_code == 403
    assert sign_in("stranger").get("/soa").status_code == 403
    assert sign_in("stranger").get("/soa.csv").status_code == 403
    assert client.get("/soa").status_code == 302


@pytest.mark.parametrize(
    ("query", "fits"),
    [
        ("applicable=undecided", lambda found: found == []),
        ("applicable=no", lambda found: 0 < len(found) < 5),
        ("layer=L6", lambda found: "A.5.2" in found and "A.2.2" not in found),
        ("q=AI+policy+board", lambda found: found == ["A.2.2"]),
        ("status=nonsense", lambda found: found == []),
        ("q=zzzz", lambda found: found == []),
    ],
)
def test_every_filter_is_in_the_address(sign_in: Callable[[str], Client], query: str, fits: Callable[[list[str]], bool]) -> None:
    assert fits(listed(sign_in("governance-lead").get(f"/soa?{query}").content.decode()))


def test_a_status_filter_finds_what_has_it(sign_in: Callable[[str], Client]) -> None:
    client = sign_in("governance-lead")
    found = [
        listed(client.get(f"/soa?status={slug}").content.decode())
        for slug in ("met", "partly_met", "expired", "not_met", "unknown", "not_applicable")
    ]
    assert sum(map(len, found)) == 38


def test_an_answer_is_written_without_script(sign_in: Callable[[str], Client]) -> None:
    client = sign_in("governance-lead")
    row = row_of("soa_entry:a.2.2")
    assert f'value="{row.digest}"' in client.get("/soa/A.2.2").content.decode()
    answer = save(client, "A.2.2", necessary="yes", justification="Because law asks.", _digest=row.digest)
    assert (answer.status_code, answer["Location"]) == (302, "/soa#A.2.2")
    now = row_of("soa_entry:a.2.2")
    assert now.content["justification"] == "Because law asks."
    assert now.content["controls"] == row.content["controls"], "what the form does not show stays"
    assert "approved_on" not in now.content, "this version was approved on no day"
    assert now.content["approved_by"] == row.content["approved_by"]
    assert now.changed_by == "person:governance-lead"


def test_the_same_answer_writes_nothing(sign_in: Callable[[str], Client]) -> None:
    row = row_of("soa_entry:a.2.2")
    save(sign_in("engineer"), "A.2.2", necessary="yes", justification=row.content["justification"], _digest=row.digest)
    assert row_of("soa_entry:a.2.2").version == row.version


def test_inline_the_row_comes_back(sign_in: Callable[[str], Client]) -> None:
    client = sign_in("governance-lead")
    form = client.get("/soa/A.2.2", headers=INLINE)
    assert form.content.decode().strip().startswith('<tr id="A.2.2" class="editing">')
    assert "HX-Request" in form["Vary"]
    answer = save(client, "A.2.2", htmx=True, necessary="no", justification="Not here.", _digest=row_of("soa_entry:a.2.2").digest)
    assert answer.status_code == 200
    text = answer.content.decode()
    assert "Not here." in text
    assert "Saved, and signed into the log as entry" in text
    assert "approval not signed" in text
    assert "<html" not in text
    assert client.get("/soa/A.2.2?show", headers=INLINE).content.decode().strip().startswith('<tr id="A.2.2"')


def test_what_is_undecided_gets_an_entry_of_its_own(sign_in: Callable[[str], Client]) -> None:
    forget_entry("soa_entry:a.2.2")
    client = sign_in("governance-lead")
    assert listed(client.get("/soa?applicable=undecided").content.decode()) == ["A.2.2"]
    assert save(client, "A.2.2", necessary="yes", justification="We need one.", _digest="").status_code == 302
    made = row_of("soa_entry:a.2.2")
    assert made.content["requirement"] == "ISO42001:A.2.2"
    assert made.owner.startswith("role:"), "who owes the control owns what is said of it"
    assert listed(client.get("/soa?applicable=undecided").content.decode()) == []


def test_an_id_that_is_taken_by_something_else_is_left_alone(sign_in: Callable[[str], Client]) -> None:
    content = dict(row_of("soa_entry:a.2.2").content)
    write({**content, "requirement": "ISO42001:A.2.3", "systems": ["ai_system:credit-scoring"]})
    assert save(sign_in("governance-lead"), "A.2.2", necessary="yes", justification="We need one.", _digest="").status_code == 302
    assert row_of("soa_entry:a.2.2-2").content["requirement"] == "ISO42001:A.2.2"
    assert row_of("soa_entry:a.2.2").content["requirement"] == "ISO42001:A.2.3"


def test_taking_an_answer_back_needs_the_right_to_remove(sign_in: Callable[[str], Client]) -> None:
    row = row_of("soa_entry:a.2.2")
    assert 'value="undecided"' not in sign_in("engineer").get("/soa/A.2.2").content.decode()
    assert save(sign_in("engineer"), "A.2.2", necessary="undecided", justification="", _digest=row.digest).status_code == 403
    assert save(sign_in("governance-lead"), "A.2.2", necessary="undecided", justification="", _digest=row.digest).status_code == 302
    assert row_of("soa_entry:a.2.2") is None


def test_no_reason_is_no_answer(sign_in: Callable[[str], Client]) -> None:
    row = row_of("soa_entry:a.2.2")
    answer = save(sign_in("governance-lead"), "A.2.2", necessary="no", justification="  ", _digest=row.digest)
    assert answer.status_code == 422
    assert b'aria-invalid="true"' in answer.content
    inline = save(sign_in("governance-lead"), "A.2.2", htmx=True, necessary="no", justification="  ", _digest=row.digest)
    assert inline.status_code == 200
    assert b"editing" in inline.content
    assert row_of("soa_entry:a.2.2").digest == row.digest


def test_two_who_answer_otherwise_see_the_difference(sign_in: Callable[[str], Client]) -> None:
    client, row = sign_in("governance-lead"), row_of("soa_entry:a.2.2")
    theirs = write({**row.content, "necessary": False, "justification": "Theirs entirely."}, by="person:risk-owner")
    answer = save(client, "A.2.2", necessary="yes", justification="Mine entirely.", _digest=row.digest)
    text = answer.content.decode()
    assert answer.status_code == 409
    assert "person:risk-owner changed this entry while you wrote" in text
    assert "Mine entirely." in text
    assert "Theirs" in text
    assert f'name="_digest" value="{theirs}"' in text
    assert row_of("soa_entry:a.2.2").content["justification"] == "Theirs entirely."
    assert save(client, "A.2.2", necessary="yes", justification="Mine entirely.", _digest=theirs).status_code == 302
    assert row_of("soa_entry:a.2.2").content["justification"] == "Mine entirely."


def test_changes_that_do_not_clash_are_put_together(sign_in: Callable[[str], Client]) -> None:
    client, row = sign_in("governance-lead"), row_of("soa_entry:a.2.2")
    theirs = write({**row.content, "necessary": False, "description": "Theirs."}, by="person:risk-owner")
    answer = save(client, "A.2.2", htmx=True, necessary="yes", justification="Mine.", _digest=row.digest)
    text = answer.content.decode()
    assert answer.status_code == 200
    assert "is put together below" in text
    assert re.search(r'value="no" required checked', text), "theirs, for I did not change it"
    assert "Mine." in text
    save(client, "A.2.2", necessary="no", justification="Mine.", _digest=theirs)
    now = row_of("soa_entry:a.2.2").content
    assert (now["necessary"], now["justification"], now["description"]) == (False, "Mine.", "Theirs.")


def test_an_entry_that_was_removed_meanwhile_is_told(sign_in: Callable[[str], Client]) -> None:
    client, row = sign_in("governance-lead"), row_of("soa_entry:a.2.2")
    forget_entry("soa_entry:a.2.2")
    answer = save(client, "A.2.2", necessary="yes", justification="Mine.", _digest=row.digest)
    assert answer.status_code == 409
    assert "was removed while you wrote" in answer.content.decode()
    assert save(client, "A.2.2", necessary="yes", justification="Mine.", _digest="").status_code == 302


def test_two_who_make_the_same_entry_see_the_difference(sign_in: Callable[[str], Client]) -> None:
    answer = save(sign_in("governance-lead"), "A.2.2", necessary="no", justification="Mine.", _digest="")
    assert answer.status_code == 409
    assert "applicable" in answer.content.decode()
    assert row_of("soa_entry:a.2.2").content["necessary"] is True


def test_what_is_no_control_is_not_there(sign_in: Callable[[str], Client]) -> None:
    client = sign_in("governance-lead")
    for name in ("A.99", "4.1", "x%00", "A.2", "%3Cscript%3E"):
        assert client.get(f"/soa/{name}").status_code == 404, name
    assert save(client, "A.2.2", necessary="perhaps", justification="x", _digest="").status_code == 404
    assert client.put("/soa/A.2.2").status_code == 405


def test_the_file_says_what_the_page_says(sign_in: Callable[[str], Client]) -> None:
    write({**row_of("soa_entry:a.2.2").content, "justification": "=1+1"})
    answer = sign_in("governance-lead").get("/soa.csv")
    assert answer["Content-Type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(answer.content.decode())))
    assert len(rows) == 38
    assert rows[0]["control"] == "A.2.2"
    assert rows[0]["justification"] == "'=1+1", "no formula"
    assert rows[0]["status"] in {"met", "partly_met", "expired", "not_met", "unknown"}
    assert [
        row["control"] for row in csv.DictReader(io.StringIO(sign_in("viewer").get("/soa.csv?q=AI+policy+board").content.decode()))
    ] == []
    assert "no" in {row["exclusion_signed"] for row in rows}


def test_what_people_write_is_escaped(sign_in: Callable[[str], Client]) -> None:
    write({**row_of("soa_entry:a.2.2").content, "justification": XSS})
    client = sign_in("governance-lead")
    for path in ("/soa", "/soa/A.2.2", "/soa?q=" + "%3Cscript%3Ealert(2)"):
        assert_escaped(client.get(path).content)
    assert_escaped(client.get("/soa/A.2.2", headers=INLINE).content)
    assert_escaped(save(client, "A.2.2", necessary="no", justification=XSS + "2", _digest="old").content)


def test_nothing_decided_teaches_how_to_begin(sign_in: Callable[[str], Client]) -> None:
    from kybern.server.store.models import RecordRow

    RecordRow.objects.filter(kind="soa_entry").delete()
    page = sign_in("governance-lead").get("/soa").content.decode()
    assert "Nothing is decided yet" in page
    assert len(listed(page)) == 38
