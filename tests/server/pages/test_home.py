"""The home page: the reader's own work first, then what their roles look at; and how to begin where there is nothing."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from record_pages import XSS, assert_escaped, write
from server_world import EMAILS, PROJECT_SYSTEM, signed

from kybern.catalog import PredicateType

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.test import Client

pytestmark = pytest.mark.django_db
NOW = datetime.now(UTC)
SECTIONS = {"lead": 'id="stands"', "engineer": 'id="systems"', "auditor": 'id="audit"'}


def home(client: Client, query: str = "") -> str:
    answer = client.get(f"/{query}")
    assert answer.status_code == 200
    return answer.content.decode()


def become(role: str, handle: str) -> None:
    """Let the user who has a role be somebody whom the example's records name."""
    from kybern.server.access.models import User

    User.objects.filter(email=EMAILS[role]).update(handle=handle)


def card(page: str, title: str) -> str:
    """Give the part of a page from a card's title to the next card."""
    return page.partition(f"<h2>{title}")[2].partition("</section>")[0]


def count_in(page: str, title: str) -> int:
    said = re.search(r'class="count[^"]*">([0-9]+)<', card(page, title))
    assert said is not None, title
    return int(said[1])


@pytest.mark.parametrize(
    ("role", "parts"),
    [
        ("administrator", {"lead"}),
        ("governance-lead", {"lead"}),
        ("executive", {"lead"}),
        ("risk-owner", {"lead"}),
        ("viewer", {"lead"}),
        ("engineer", {"engineer"}),
        ("system-owner", {"engineer"}),
        ("project-engineer", {"engineer"}),
        ("internal-auditor", {"auditor"}),
        ("external-auditor", {"auditor"}),
    ],
)
def test_each_role_sees_its_own_page(sign_in: Callable[[str], Client], role: str, parts: set[str]) -> None:
    page = home(sign_in(role))
    assert 'id="mine"' in page
    assert {name for name, sign in SECTIONS.items() if sign in page} == parts


def test_two_roles_see_both(sign_in: Callable[[str], Client]) -> None:
    from kybern.server.access.models import Grant, Role, User
    from kybern.server.store.projection import root_unit

    user = User.objects.get(email=EMAILS["engineer"])
    Grant.objects.create(user=user, role=Role.objects.get(slug="internal-auditor"), unit_id=root_unit())
    page = home(sign_in("engineer"))
    assert SECTIONS["engineer"] in page
    assert SECTIONS["auditor"] in page


def test_a_role_of_ones_own_goes_by_what_it_allows(sign_in: Callable[[str], Client]) -> None:
    from kybern.server.access.models import Grant, Role, User
    from kybern.server.store.projection import root_unit

    role = Role.objects.create(slug="works-council", name="Works council", permissions=["records.read", "audit.read"])
    Grant.objects.create(user=User.objects.get(email=EMAILS["stranger"]), role=role, unit_id=root_unit())
    page = home(sign_in("stranger"))
    assert SECTIONS["auditor"] in page
    assert SECTIONS["lead"] not in page


def test_home_shows_what_is_missing_and_who_owes_it(sign_in: Callable[[str], Client]) -> None:
    page = home(sign_in("governance-lead"))
    assert "What is missing, and who owes it" in page
    for href in ("/gaps?framework=ISO42001", "/soa", "/readiness/ISO42001", "/risks"):
        assert f'href="{href}"' in page, href


def test_a_lead_sees_the_layers_by_clauses_and_the_gravest_risks(sign_in: Callable[[str], Client]) -> None:
    page = home(sign_in("executive"))
    assert 'href="/readiness/ISO42001?layer=L1&amp;under=ISO42001:5#requirements"' in page
    assert 'hx-get="/readiness/trend"' in page or "Over time" in page
    found = re.findall(r'score-box risk-[0-9]"><b>([0-9]+)</b>', card(page, "Gravest open risks"))
    assert found
    assert [int(one) for one in found] == sorted(map(int, found), reverse=True)


def test_the_course_says_where_it_goes(sign_in: Callable[[str], Client], monkeypatch: pytest.MonkeyPatch) -> None:
    from markupsafe import escape

    from kybern.assessment import course, moments_around
    from kybern.report._words import percent
    from kybern.server.live import current
    from kybern.server.pages import readiness

    standing = current()
    moments = moments_around(standing.as_of, 60, 365, 3)
    evidence = standing.assessment.evidence
    made = course(standing.catalog, standing.records, evidence, standing.frameworks, moments, as_of=standing.as_of)
    monkeypatch.setattr(readiness, "course_of", lambda _: made)
    page = home(sign_in("executive"))
    line = made.lines["ISO42001"]
    now, last = next(one for one in line.points if one.tense == "now"), line.points[-1]
    assert last.coverage < now.coverage
    sentence = f"ISO 42001: coverage {percent(now.coverage)} now, {percent(last.coverage)} by {last.at.date()} if nothing new is done."
    assert str(escape(sentence)) in page


def test_a_change_that_nobody_decided_waits(sign_in: Callable[[str], Client]) -> None:
    from kybern.server.store.models import RecordRow

    content = RecordRow.objects.filter(kind="change").first().content
    fresh = {name: value for name, value in content.items() if name not in {"decision", "decided_by", "decided_on", "implemented_on"}}
    write({**fresh, "id": "fresh", "title": "A change that waits"})
    assert "A change that waits" in card(home(sign_in("executive")), "Decisions that wait")
    write({**fresh, "id": "fresh", "title": "A change that waits", "decision": "approved"})
    assert "A change that waits" not in card(home(sign_in("executive")), "Decisions that wait")


def test_my_work_is_what_names_me_or_my_roles(sign_in: Callable[[str], Client]) -> None:
    from kybern.server.store.models import RecordRow

    assert "No record names you" in home(sign_in("governance-lead"))
    become("governance-lead", "aoife-kelleher")
    page = home(sign_in("governance-lead"))
    assert "Head of AI governance" in page
    assert count_in(page, "Records that you own") == RecordRow.objects.filter(owner="role:ai-governance-lead").count()
    assert '/records/soa_entry/?owner=role%3Aai-governance-lead"' in page
    assert count_in(page, "Gaps that you owe") > 0
    assert "/gaps?owner=person%3Aaoife-kelleher&amp;owner=role%3Aai-governance-lead" in page


def test_what_waits_for_my_signature_is_counted(sign_in: Callable[[str], Client]) -> None:
    become("executive", "stefan-brandt")
    client = sign_in("executive")
    page = home(client)
    assert count_in(page, "Waits for your approval") == client.get("/approvals").content.count(b'name="chosen"') > 0


def test_what_is_due_from_me_and_late(sign_in: Callable[[str], Client]) -> None:
    become("governance-lead", "aoife-kelleher")
    said: dict[str, Any] = {"kind": "improvement", "origin": "suggestion", "action": "x", "owner": "role:ai-governance-lead"}
    for name, away in (("near", 5), ("far", 45), ("gone", -3)):
        write({**said, "id": name, "title": f"The {name} action", "due_on": (NOW.date() + timedelta(days=away)).isoformat()})
    due = card(home(sign_in("governance-lead")), "Due from you")
    assert "The near action" in due
    assert "The gone action" in due
    assert "late since" in due
    assert "The far action" not in due
    write({**said, "id": "gone", "title": "The gone action", "due_on": "2020-01-01", "done_on": "2020-01-01"})
    assert "The gone action" not in card(home(sign_in("governance-lead")), "Due from you")


def test_my_signature_that_ends_soon_is_told(sign_in: Callable[[str], Client]) -> None:
    from kybern.server.store.evidence import take_evidence
    from kybern.server.store.keys import held_key

    me, ends = "person:governance-lead", (NOW + timedelta(days=9)).replace(microsecond=0).isoformat().replace("+00:00", "Z")
    said = {"topic": "deployment-approval", "by": me, "decision": "approved", "expires_at": ends, "age": timedelta(0)}
    key = held_key(me, NOW - timedelta(hours=1))
    piece = signed(PredicateType.APPROVAL, [PROJECT_SYSTEM], key=key, **said)
    taken = take_evidence([piece], datetime.now(UTC))[0]
    assert taken.outcome == "accepted", taken
    lapsing = card(home(sign_in("governance-lead")), "Your evidence that lapses")
    assert "deployment approval" in lapsing
    assert "your signature ends" in lapsing


def test_an_engineer_sees_what_a_system_lacks(sign_in: Callable[[str], Client]) -> None:
    become("engineer", "jonas-weber")
    page = home(sign_in("engineer")).partition(SECTIONS["engineer"])[2]
    assert "Your AI systems" in page
    assert "/systems/credit-scoring" in page
    assert "/systems/hiring-screener" not in page
    assert "In operation; the next gate is deploy" in page
    assert "It does not go on" in page
    assert 'href="/systems/credit-scoring?tab=gates"' in page
    assert 'href="/gaps?system=ai_system%3Acredit-scoring"' in page


def test_of_one_unit_nothing_of_another_is_shown(sign_in: Callable[[str], Client]) -> None:
    page = home(sign_in("project-engineer"))
    assert "Credit scoring for instalment loans" in page
    assert "CV screener" not in page
    assert "What is missing for certification" not in page, "it would not open"


def test_an_auditor_sees_what_changed_since(sign_in: Callable[[str], Client]) -> None:
    client = sign_in("internal-auditor")
    page = home(client)
    assert "In the last seven days" in page or "Since you signed in last" in page
    write({"kind": "improvement", "id": "seen", "title": "Seen by the auditor", "origin": "audit", "action": "x"})
    asked = home(client, f"?since={NOW.date()}")
    assert "Since the day you chose" in asked
    assert "Seen by the auditor" in asked
    for odd in ("x", "2999-01-01", "", "%00"):
        assert client.get(f"/?since={odd}").status_code == 200


def test_the_sign_in_before_this_one_counts(sign_in: Callable[[str], Client]) -> None:
    from kybern.server.access.models import AccessEvent

    one = AccessEvent.objects.create(kind=AccessEvent.Kind.SIGNED_IN, actor=EMAILS["internal-auditor"])
    AccessEvent.objects.filter(pk=one.pk).update(at=NOW - timedelta(days=3))
    page = home(sign_in("internal-auditor"))
    assert "Since you signed in last" in page
    assert f'value="{(NOW - timedelta(days=3)).date()}"' in page


def test_the_sample_is_drawn_by_the_checkpoint(sign_in: Callable[[str], Client]) -> None:
    from kybern.server.store.models import EvidenceRow, LogCheckpoint, LogHead

    client = sign_in("external-auditor")
    LogCheckpoint.objects.all().delete()
    assert "No checkpoint is published yet" in home(client)
    size = LogHead.objects.get(pk=1).size
    LogCheckpoint.objects.create(size=size, root=b"\1" * 32, at=NOW.isoformat(), note=b"")
    page = home(client)
    assert "01" * 32 in page
    drawn = re.findall(r'href="/evidence/([0-9a-f]{64})"', page.partition("A sample that nobody chose")[2])
    assert drawn
    assert len(set(drawn)) == len(drawn) <= 5
    assert set(drawn) <= set(EvidenceRow.objects.values_list("id", flat=True))
    again = re.findall(r'href="/evidence/([0-9a-f]{64})"', home(client).partition("A sample that nobody chose")[2])
    assert again == drawn


def test_an_empty_organisation_is_taught_five_steps(sign_in: Callable[[str], Client]) -> None:
    from kybern.server.store.models import RecordRow

    RecordRow.objects.all().delete()
    page = home(sign_in("governance-lead"))
    steps = page.partition('class="first-steps"')[2].partition("</ol>")[0]
    assert steps.count("<li") == 5
    for kind in ("organization", "scope", "role", "ai_system"):
        assert f'href="/records/{kind}/new"' in steps
    assert "done" in steps, "the tests' pipeline has its key"
    assert "nothing is filled in for you" in page
    assert 'id="mine"' not in page
    assert "somebody else" in home(sign_in("viewer"))


def test_steps_that_are_left_are_told_until_they_are_done(sign_in: Callable[[str], Client]) -> None:
    from kybern.server.store.models import TrustedKeyRow

    assert "First steps" not in home(sign_in("administrator"))
    TrustedKeyRow.objects.filter(kind="pipeline").delete()
    assert "First steps: 4 of 5 done" in home(sign_in("administrator"))
    assert "First steps" not in home(sign_in("executive"))


def test_a_stranger_is_told_whom_to_ask(sign_in: Callable[[str], Client]) -> None:
    assert "Nothing is granted to you yet" in home(sign_in("stranger"))


def test_nobody_is_led_to_the_sign_in_page(client: Client) -> None:
    answer = client.get("/")
    assert answer.status_code == 302
    assert answer["Location"] == "/accounts/login/?next=%2F"


def test_what_records_say_is_escaped(sign_in: Callable[[str], Client]) -> None:
    become("governance-lead", "aoife-kelleher")
    write({"kind": "improvement", "id": "evil", "title": XSS, "origin": "audit", "action": XSS, "owner": "role:ai-governance-lead",
           "due_on": NOW.date().isoformat()})  # fmt: skip
    assert_escaped(sign_in("governance-lead").get("/").content)
    assert_escaped(sign_in("internal-auditor").get("/").content)
