"""The inbox of approvals: what waits for whom, a signature about exactly what was shown, and who it is asked again."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from django.test import Client

from kybern.catalog import PredicateType

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.django_db
PERSON, ASSESSMENT = "person:stefan-brandt", "impact_assessment:credit-2026"
PASSWORD = "a password of the tests"  # noqa: S105 - of the tests


@pytest.fixture
def stefan(db: None) -> Callable[..., Client]:
    """Sign in as somebody whom records name; `ago` says how long ago."""

    def made(role: str = "executive", unit: str = "", ago: float = 0, *, strict: bool = False) -> Client:
        from kybern.server.access.models import Grant, Role, Unit, User
        from kybern.server.store.projection import root_unit

        user = User.objects.filter(handle="stefan-brandt").first()
        user = user or User.objects.create_user("stefan@example.org", PASSWORD, handle="stefan-brandt", name="Stefan Brandt")
        where = Unit.objects.get(slug=unit).pk if unit else root_unit()
        Grant.objects.create(user=user, role=Role.objects.get(slug=role), unit_id=where)
        client = Client(enforce_csrf_checks=strict)
        client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
        session = client.session
        session["account_authentication_methods"] = [{"method": "password", "at": time.time() - ago}]
        session["account_authentication_methods_user"] = str(user.pk)
        session.save()
        return client

    return made


def boxes(client: Client) -> dict[str, str]:
    """What can be ticked, by the record's name."""
    found = re.findall(r'name="chosen" value="([^"@]+)@([0-9a-f]{64})"', client.get("/approvals").content.decode())
    return {ref: f"{ref}@{digest}" for ref, digest in found}


def approvals() -> list[Any]:
    from kybern.server.store.models import EvidenceRow

    return list(EvidenceRow.objects.filter(predicate=PredicateType.APPROVAL.value).order_by("entry"))


def change(ref: str, **changes: Any) -> None:
    from kybern.server.store.models import RecordRow
    from kybern.server.store.records import Write, write_records

    write_records([Write(ref, {**RecordRow.objects.get(pk=ref).content, **changes})], "person:engineer", "x", datetime.now(UTC))


def test_what_names_the_reader_waits(stefan: Callable[..., Client]) -> None:
    client = stefan()
    found = boxes(client)
    assert ASSESSMENT in found
    page = client.get("/approvals").content.decode()
    assert "never decided" in page
    assert "impact approval" in page


def test_a_signature_is_about_exactly_this_version(stefan: Callable[..., Client]) -> None:
    from kybern.server.live import current
    from kybern.server.store.models import EvidenceSubject, RecordRow

    client = stefan()
    answer = client.post("/approvals", {"chosen": boxes(client)[ASSESSMENT], "decision": "approved", "note": "As discussed."}, follow=True)
    assert "Your decision is signed and in the log." in answer.content.decode()
    (row,) = approvals()
    assert (row.body["by"], row.body["decision"], row.topic, row.signers) == (PERSON, "approved", "impact-approval", [PERSON])
    assert row.body["note"] == "As discussed."
    about = EvidenceSubject.objects.get(evidence=row.id)
    assert (about.ref, about.digest) == (ASSESSMENT, RecordRow.objects.get(pk=ASSESSMENT).digest)
    assert ASSESSMENT not in boxes(client)
    assert row.id in current().assessment.evidence
    assert row.id in client.get("/approvals").content.decode()


def test_a_change_asks_again_and_says_what_changed(stefan: Callable[..., Client]) -> None:
    client = stefan()
    client.post("/approvals", {"chosen": boxes(client)[ASSESSMENT], "decision": "approved"})
    change(ASSESSMENT, measures="Other <b>measures</b>.")
    assert ASSESSMENT in boxes(client)
    page = client.get("/approvals").content.decode()
    assert "changed since you decided" in page
    assert "<ins>Other &lt;b&gt;measures&lt;/b&gt;.</ins>" in page


def test_what_changed_meanwhile_is_not_signed(stefan: Callable[..., Client]) -> None:
    client = stefan()
    box = boxes(client)[ASSESSMENT]
    change(ASSESSMENT, measures="Changed behind the reader's back.")
    page = client.post("/approvals", {"chosen": box, "decision": "approved"}, follow=True).content.decode()
    assert "It was changed meanwhile" in page
    assert approvals() == []


def test_many_are_signed_in_one_go(stefan: Callable[..., Client]) -> None:
    client = stefan()
    chosen = list(boxes(client).values())
    assert len(chosen) > 20
    page = client.post("/approvals", {"chosen": chosen, "decision": "approved"}, follow=True).content.decode()
    assert f"{len(chosen)} decisions are signed and in the log." in page
    assert len(approvals()) == len(chosen)
    assert boxes(client) == {}


def test_signing_twice_signs_once(stefan: Callable[..., Client]) -> None:
    client = stefan()
    box = boxes(client)[ASSESSMENT]
    for _ in range(2):
        answer = client.post("/approvals", {"chosen": [box, box], "decision": "approved"}, follow=True)
    assert "you have decided on it already" in answer.content.decode()
    assert len(approvals()) == 1


@pytest.mark.parametrize("decision", ["rejected", "approved-with-conditions"])
def test_no_and_but_need_their_reason(stefan: Callable[..., Client], decision: str) -> None:
    client = stefan()
    box = boxes(client)[ASSESSMENT]
    page = client.post("/approvals", {"chosen": box, "decision": decision, "note": "  "}, follow=True).content.decode()
    assert "Say in the note" in page
    assert f'value="{box}" checked' in page
    client.post("/approvals", {"chosen": box, "decision": decision, "note": "Ask the users first."})
    (row,) = approvals()
    assert row.body["decision"] == decision
    assert row.body["conditions" if decision != "rejected" else "note"] == "Ask the users first."
    assert ASSESSMENT not in boxes(client)


def test_a_role_has_to_be_held(stefan: Callable[..., Client]) -> None:
    client = stefan()
    box = boxes(client)[ASSESSMENT]
    assert client.post("/approvals", {"chosen": box, "decision": "approved", "role": "role:dpo"}).status_code == 404
    client.post("/approvals", {"chosen": box, "decision": "approved", "role": "role:chief-risk-officer"})
    assert approvals()[0].body["role"] == "role:chief-risk-officer"


def test_a_treatment_is_accepted_with_its_risk(stefan: Callable[..., Client]) -> None:
    from kybern.server.store.models import EvidenceSubject

    client = stefan()
    ref = next(one for one in boxes(client) if one.startswith("treatment:"))
    client.post("/approvals", {"chosen": boxes(client)[ref], "decision": "approved", "role": "role:chief-risk-officer"})
    refs = set(EvidenceSubject.objects.filter(evidence=approvals()[0].id).values_list("ref", flat=True))
    assert {one.partition(":")[0] for one in refs} == {"treatment", "risk"}
    assert approvals()[0].topic == "residual-risk-acceptance"


# --- who may not -------------------------------------------------------------------------------------------------------------------


def test_nobody_signs_what_names_somebody_else(sign_in: Callable[[str], Client], stefan: Callable[..., Client]) -> None:
    box = boxes(stefan())[ASSESSMENT]
    client = sign_in("governance-lead")
    session = client.session
    session["account_authentication_methods"] = [{"method": "password", "at": time.time()}]
    session["account_authentication_methods_user"] = session["_auth_user_id"]
    session.save()
    assert client.post("/approvals", {"chosen": box, "decision": "approved"}).status_code == 404
    assert "Nothing waits for you" in client.get("/approvals").content.decode()
    assert approvals() == []


def test_who_may_not_approve_sees_and_does_not_sign(stefan: Callable[..., Client]) -> None:
    client = stefan("viewer")
    page = client.get("/approvals").content.decode()
    assert "you may not approve in its unit" in page
    assert 'name="chosen"' not in page
    from kybern.server.store.models import RecordRow

    box = f"{ASSESSMENT}@{RecordRow.objects.get(pk=ASSESSMENT).digest}"
    assert client.post("/approvals", {"chosen": box, "decision": "approved"}).status_code == 403
    assert approvals() == []


def test_a_unit_is_not_another(stefan: Callable[..., Client]) -> None:
    """Who may approve in a project reads elsewhere, and signs there nothing."""
    from kybern.server.store.models import RecordRow

    client = stefan("viewer")
    stefan("executive", "lending")
    found = boxes(client)
    assert ASSESSMENT in found
    other = next(
        row for row in RecordRow.objects.filter(kind="document") if row.content.get("approved_by") == PERSON and row.ref not in found
    )
    answer = client.post("/approvals", {"chosen": [found[ASSESSMENT], f"{other.ref}@{other.digest}"], "decision": "approved"})
    assert answer.status_code == 403
    assert approvals() == []


def test_a_reader_of_one_unit_sees_no_other(stefan: Callable[..., Client]) -> None:
    page = stefan("executive", "lending").get("/approvals").content.decode()
    assert ASSESSMENT in page
    assert "impact_assessment:assistant-2026" not in page


def test_strangers_and_forgers_get_nothing(sign_in: Callable[[str], Client], stefan: Callable[..., Client], client: Client) -> None:
    assert client.get("/approvals").status_code == 302
    assert sign_in("stranger").get("/approvals").status_code == 403
    assert sign_in("stranger").post("/approvals", {"decision": "approved"}).status_code == 403
    assert stefan(strict=True).post("/approvals", {"chosen": "x@y", "decision": "approved"}).status_code == 403


@pytest.mark.parametrize(
    ("data", "status"),
    [
        ({}, 404),
        ({"decision": "nonsense"}, 404),
        ({"decision": "approved"}, 302),
        ({"decision": "approved", "chosen": "nonsense"}, 404),
        ({"decision": "approved", "chosen": "policy:none@" + "0" * 64}, 404),
        ({"decision": "approved", "chosen": [f"x{n}" for n in range(201)]}, 404),
    ],
)
def test_nonsense_signs_nothing(stefan: Callable[..., Client], data: dict[str, Any], status: int) -> None:
    assert stefan().post("/approvals", data).status_code == status
    assert approvals() == []


# --- who it is, asked again ----------------------------------------------------------------------------------------------------------


def test_after_ten_minutes_it_is_asked_who_it_is(stefan: Callable[..., Client]) -> None:
    client = stefan(ago=601)
    box = boxes(client)[ASSESSMENT]
    answer = client.post("/approvals", {"chosen": box, "decision": "approved", "note": "Kept."})
    assert (answer.status_code, answer["Location"]) == (302, "/accounts/reauthenticate/?next=%2Fapprovals")
    assert approvals() == []
    wrong = client.post(answer["Location"], {"password": "another"})
    assert wrong.status_code == 200
    back = client.post(answer["Location"], {"password": PASSWORD})
    assert (back.status_code, back["Location"]) == (302, "/approvals")
    page = client.get("/approvals").content.decode()
    assert "You are back" in page
    assert f'value="{box}" checked' in page
    assert "Kept." in page
    client.post("/approvals", {"chosen": box, "decision": "approved", "note": "Kept."})
    assert len(approvals()) == 1


def test_a_session_without_a_time_is_not_fresh(stefan: Callable[..., Client]) -> None:
    client = stefan()
    session = client.session
    del session["account_authentication_methods"]
    session.save()
    assert client.post("/approvals", {"chosen": "x@y", "decision": "approved"})["Location"].startswith("/accounts/reauthenticate/")


def test_a_time_ahead_is_not_fresh(stefan: Callable[..., Client]) -> None:
    assert stefan(ago=-3600).post("/approvals", {"chosen": "x@y", "decision": "approved"}).status_code == 302
    assert approvals() == []
