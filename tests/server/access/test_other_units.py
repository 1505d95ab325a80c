"""What lies in another unit, or is another's: asked for by its name, over page and API, it is not there, and the asking is logged."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from server_world import EMAILS, PROJECT_SYSTEM, token_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpResponse
    from django.test import Client

pytestmark = pytest.mark.django_db
FOREIGN = "hiring-screener"
DIGEST = "0" * 64


def _denials() -> int:
    from kybern.server.access.models import AccessEvent

    return AccessEvent.objects.filter(kind="denied").count()


def _not_there(ask: Callable[[], HttpResponse], told: str) -> None:
    before = _denials()
    answer = ask()
    assert answer.status_code == 404, f"{told}: {answer.status_code}"
    assert b"Hiring" not in answer.content, told
    assert _denials() == before + 1, f"{told} is not in the access log"


PAGES = (
    ("GET", f"/records/ai_system/{FOREIGN}"),
    ("GET", f"/records/ai_system/{FOREIGN}/edit"),
    ("POST", f"/records/ai_system/{FOREIGN}/edit"),
    ("GET", f"/records/ai_system/{FOREIGN}/history"),
    ("POST", f"/records/ai_system/{FOREIGN}/history"),
    ("GET", f"/systems/{FOREIGN}"),
    ("GET", f"/systems/{FOREIGN}?tab=risks"),
)


@pytest.mark.parametrize(("method", "address"), PAGES)
def test_a_record_of_another_unit_is_no_page(sign_in: Callable[[str], Client], method: str, address: str) -> None:
    client = sign_in("project-engineer")
    _not_there(lambda: client.generic(method, address), f"{method} {address}")


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH"])
@pytest.mark.parametrize("by", ["token", "session"])
def test_a_record_of_another_unit_is_nothing_to_the_api(
    sign_in: Callable[[str], Client], by_token: Callable[..., Client], method: str, by: str
) -> None:
    client = (sign_in if by == "session" else by_token)("project-engineer")
    address = f"/api/v1/records/ai_system/{FOREIGN}"
    body = {"title": "Mine now"}
    ask = lambda: client.generic(method, address, _json(body), content_type="application/json", headers={"If-Match": "*"})  # noqa: E731
    _not_there(ask, f"{method} {address}")


def _json(body: Any) -> bytes:
    import json

    return json.dumps(body).encode()


def test_nobody_removes_a_record_of_another_unit(by_token: Callable[..., Client], sign_in: Callable[[str], Client]) -> None:
    from kybern.server.access.models import Grant, Role, Unit, User
    from kybern.server.store.models import RecordRow

    user = User.objects.get(email=EMAILS["project-engineer"])
    Grant.objects.create(user=user, role=Role.objects.get(slug="governance-lead"), unit=Unit.objects.get(slug="lending"))
    address = f"/api/v1/records/ai_system/{FOREIGN}"
    _not_there(lambda: by_token("project-engineer").delete(address, headers={"If-Match": "*"}), "DELETE")
    page = f"/records/ai_system/{FOREIGN}/remove"
    _not_there(lambda: sign_in("project-engineer").get(page), "GET remove")
    _not_there(lambda: sign_in("project-engineer").post(page), "POST remove")
    said = {"reason": "Mine", "items": [{"remove": f"ai_system:{FOREIGN}"}]}
    _not_there(lambda: by_token("project-engineer").post("/api/v1/records:bulk", said, content_type="application/json"), "in bulk")
    assert RecordRow.objects.filter(pk=f"ai_system:{FOREIGN}").exists()


def test_no_list_tells_of_another_unit(by_token: Callable[..., Client], sign_in: Callable[[str], Client]) -> None:
    page = sign_in("project-engineer")
    for address in ("/", "/systems", "/records/ai_system/", f"/palette?q={FOREIGN}", f"/records/suggest?kind=ai_system&q={FOREIGN}",
                    "/records/", "/evidence", "/approvals", "/records/risk/", "/records/ai_system/?format=csv",
                    f"/records/ai_system/?q={FOREIGN}", f"/evidence?subject=ai_system:{FOREIGN}",
                    "/risks", "/risks?format=csv", "/risks/losses", "/trace", f"/trace?from={PROJECT_SYSTEM}", "/trace?from=ISO42001:6.1.2",
                    "/rules/system-without-owner"):  # fmt: skip
        answer = page.get(address)
        text = b"".join(answer).decode().lower()
        shown = text.replace(FOREIGN, "") if "?" in address else text  # what was asked for is said back
        assert "hiring" not in shown, f"{address}: {shown[max(0, shown.index('hiring') - 200) :][:400]}"
    items = by_token("project-engineer").get("/api/v1/records", {"limit": 500, "q": "hiring"}).json()["items"]
    assert items == []


def test_evidence_of_another_unit_is_not_there(sign_in: Callable[[str], Client]) -> None:
    from kybern.server.store.models import EvidenceSubject

    client = sign_in("project-engineer")
    foreign = EvidenceSubject.objects.filter(ref=f"ai_system:{FOREIGN}").values_list("evidence", flat=True)[0]
    own = EvidenceSubject.objects.filter(ref=PROJECT_SYSTEM).values_list("evidence", flat=True)[0]
    assert client.get(f"/evidence/{own}").status_code == 200
    for part in ("", "/envelope", "/proof", "/keys"):
        _not_there(lambda part=part: client.get(f"/evidence/{foreign}{part}"), f"evidence{part}")


def test_a_status_of_another_unit_is_denied(sign_in: Callable[[str], Client]) -> None:
    client = sign_in("project-engineer")
    before = _denials()
    assert client.get(f"/requirements/ISO27001:4.1?subject=ai_system:{FOREIGN}").status_code in {403, 404}
    assert _denials() == before + 1


@pytest.fixture
def manager(sign_in: Callable[[str], Client]) -> Client:
    """Give somebody who manages users in the project only."""
    from kybern.server.access.models import Grant, Role, Unit, User

    role = Role.objects.create(slug="people", name="People", permissions=["users.manage", "records.read"])
    user = User.objects.get(email=EMAILS["stranger"])
    Grant.objects.create(user=user, role=role, unit=Unit.objects.get(slug="lending"))
    return sign_in("stranger")


def test_users_of_another_unit_are_not_there(manager: Client) -> None:
    from kybern.server.access.models import Grant, User

    other, own = (User.objects.get(email=EMAILS[one]) for one in ("viewer", "project-engineer"))
    assert manager.get(f"/settings/users/{own.pk}").status_code == 200
    assert EMAILS["viewer"] not in manager.get("/settings/users").content.decode()
    for method in ("GET", "POST"):
        _not_there(lambda method=method: manager.generic(method, f"/settings/users/{other.pk}"), f"{method} a user")
    grant = Grant.objects.get(user=other)
    said = {"act": "withdraw", "grant": grant.pk}
    assert manager.post(f"/settings/users/{own.pk}", said).status_code == 404
    assert Grant.objects.filter(pk=grant.pk).exists()


def test_a_grant_of_another_unit_stays(manager: Client) -> None:
    """The user is of the manager's unit; one of the grants is not."""
    from kybern.server.access.models import Grant, Role, Unit, User

    own = User.objects.get(email=EMAILS["project-engineer"])
    top = Grant.objects.create(user=own, role=Role.objects.get(slug="viewer"), unit=Unit.objects.get(parent=None))
    _not_there(lambda: manager.post(f"/settings/users/{own.pk}", {"act": "withdraw", "grant": top.pk}), "a grant of another unit")
    assert Grant.objects.filter(pk=top.pk).exists()


@pytest.mark.parametrize("act", ["deactivate", "password"])
def test_a_manager_of_a_unit_neither_shuts_out_nor_takes_over(manager: Client, act: str) -> None:
    from kybern.server.access.models import User

    own = User.objects.get(email=EMAILS["project-engineer"])
    assert manager.post(f"/settings/users/{own.pk}", {"act": act}).status_code == 403
    own.refresh_from_db()
    assert own.is_active
    assert own.check_password("a password of the tests")


def test_units_beside_are_not_there(manager: Client) -> None:
    from kybern.server.access.models import Unit

    top = Unit.objects.get(parent=None)
    beside = Unit.objects.create(slug="treasury", name="Treasury secret", kind="project", parent=top)
    own = Unit.objects.get(slug="lending")
    assert "Treasury secret" not in manager.get("/settings/units").content.decode()
    for said in (
        {"act": "remove", "unit": beside.pk},
        {"act": "move", "unit": beside.pk, "parent": own.pk},
        {"act": "move", "unit": own.pk, "parent": beside.pk},
        {"act": "add", "slug": "x", "name": "X", "kind": "project", "parent": beside.pk},
        {"act": "put", "ref": PROJECT_SYSTEM, "unit": beside.pk},
    ):
        _not_there(lambda said=said: manager.post("/settings/units", said), str(said))
    assert Unit.objects.get(pk=beside.pk).parent_id == top.pk
    said = {"act": "put", "ref": f"ai_system:{FOREIGN}", "unit": own.pk}
    answer = manager.post("/settings/units", said)
    missing = manager.post("/settings/units", {**said, "ref": "ai_system:nothing-here"})
    assert answer.status_code == missing.status_code


def test_users_and_units_beside_are_nothing_to_the_api(manager: Client) -> None:
    from django.test import Client

    from kybern.server.access.models import Unit

    del manager
    program = Client(headers={"Authorization": f"Bearer {token_of('stranger')}"})
    Unit.objects.create(slug="treasury", name="Treasury", kind="project", parent=Unit.objects.get(parent=None))
    granting = {"role": "viewer", "unit": "lending"}
    for method, address, body in (
        ("GET", "users/viewer", None),
        ("POST", "users/viewer:deactivate", None),
        ("POST", "users/viewer/grants", granting),
        ("DELETE", "users/viewer/grants/1", None),
        ("PATCH", "units/treasury", {"parent": "lending"}),
        ("DELETE", "units/treasury", None),
        ("POST", "units/treasury/records", {"ref": PROJECT_SYSTEM}),
    ):
        told = f"{method} {address}"
        before = _denials()
        answer = program.generic(method, f"/api/v1/{address}", _json(body), content_type="application/json")
        assert answer.status_code == 404, f"{told}: {answer.status_code}"
        assert _denials() == before + 1, told
    assert program.get("/api/v1/users/project-engineer").status_code == 200


def test_who_manages_users_does_not_take_an_administrator_over(sign_in: Callable[[str], Client]) -> None:
    """Whoever gives a password can sign in with it: no more than they hold themselves may they so come by."""
    from kybern.server.access.models import Grant, Role, Unit, User

    role = Role.objects.create(slug="people", name="People", permissions=["users.manage", "records.read", "assessment.read"])
    Grant.objects.create(user=User.objects.get(email=EMAILS["stranger"]), role=role, unit=Unit.objects.get(parent=None))
    client = sign_in("stranger")
    admin, viewer = (User.objects.get(email=EMAILS[one]) for one in ("administrator", "viewer"))
    assert client.post(f"/settings/users/{admin.pk}", {"act": "password"}).status_code == 422
    assert client.post(f"/settings/users/{admin.pk}", {"act": "deactivate"}).status_code == 422
    assert client.post(f"/settings/users/{viewer.pk}", {"act": "password"}).status_code == 200
    admin.refresh_from_db()
    assert admin.is_active
    assert admin.check_password("a password of the tests")


def test_anothers_upload_and_token_are_not_there(sign_in: Callable[[str], Client]) -> None:
    from kybern.server.access.models import ApiToken, User
    from kybern.server.pages.models import Upload

    other = User.objects.get(email=EMAILS["administrator"])
    upload = Upload.objects.create(user=other, data=b"\x80", names=["x.yaml"], kind="")
    client = sign_in("governance-lead")
    _not_there(lambda: client.get(f"/import/{upload.pk}/"), "an upload")
    _not_there(lambda: client.post(f"/import/{upload.pk}/", {"do": "discard"}), "an upload")
    assert Upload.objects.filter(pk=upload.pk).exists()
    made, _text = ApiToken.issue(other, "other", ["records.read"], datetime.now(UTC) + timedelta(days=1))
    _not_there(lambda: client.post("/settings/tokens", {"revoke": made.pk}), "a token")
    made.refresh_from_db()
    assert made.revoked_at is None


def test_evidence_is_not_put_into_another_unit(sign_in: Callable[[str], Client]) -> None:
    from django.core.files.uploadedfile import SimpleUploadedFile
    from server_world import signed

    from kybern.catalog import PredicateType
    from kybern.server.store.models import EvidenceRow

    envelope = signed(PredicateType.TEST_RUN, [f"ai_system:{FOREIGN}"], topic="validation-test", suite="x", passed=1, failed=0)
    before = EvidenceRow.objects.count()
    page = sign_in("project-engineer").post("/evidence/upload", {"file": SimpleUploadedFile("x.json", envelope)})
    assert page.status_code == 200
    assert b"outside the units" in page.content
    assert EvidenceRow.objects.count() == before


def test_a_token_of_a_project_reaches_no_further_than_its_owner() -> None:
    from django.test import Client

    program = Client(headers={"Authorization": f"Bearer {token_of('project-engineer')}"})
    found = program.get("/api/v1/records", {"limit": 500, "fields": "unit"}).json()["items"]
    from kybern.server.access.models import Unit

    assert {one["unit"] for one in found} == {Unit.objects.get(slug="lending").pk}
