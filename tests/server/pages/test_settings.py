"""Settings: what each role may see and change, and what nobody may."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from server_world import EMAILS

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.test import Client

pytestmark = pytest.mark.django_db
ADMIN_ONLY = ("users", "units", "roles")


@pytest.mark.parametrize("name", ["profile", "tokens", "users", "units", "roles", "keys", "frameworks", "access-log", "verify"])
def test_an_administrator_opens_each(sign_in: Callable[[str], Client], name: str) -> None:
    page = sign_in("administrator").get(f"/settings/{name}")
    assert page.status_code == 200
    assert b"<h1>" in page.content


@pytest.mark.parametrize("name", ADMIN_ONLY)
@pytest.mark.parametrize("role", ["governance-lead", "engineer", "viewer", "stranger"])
def test_others_do_not_manage_access(sign_in: Callable[[str], Client], name: str, role: str) -> None:
    assert sign_in(role).get(f"/settings/{name}").status_code == 403


@pytest.mark.parametrize(("address", "whole"), [("203.0.113.255", ' class="nb"'), ("2001:db8:1111:2222:3333:4444:5555:6666", "")])
def test_a_short_address_in_the_access_log_stays_in_one_line(sign_in: Callable[[str], Client], address: str, whole: str) -> None:
    from kybern.server.access.models import AccessEvent

    AccessEvent.objects.create(kind="signed-in", actor="somebody", address=address)
    page = sign_in("administrator").get("/settings/access-log").content.decode()
    assert f"<code{whole}>{address}</code>" in page


def test_a_user_is_made_with_a_password_told_once(sign_in: Callable[[str], Client]) -> None:
    from kybern.server.access.models import AccessEvent, Unit, User

    client = sign_in("administrator")
    root = Unit.objects.get(parent=None)
    said = {"email": "New@Example.org", "name": "New", "role": "viewer", "unit": root.pk}
    page = client.post("/settings/users", said)
    user = User.objects.get(email="new@example.org")
    text = page.content.decode()
    password = text[text.index("<code>") + 6 : text.index("</code>")]
    assert user.check_password(password)
    assert password not in client.get("/settings/users").content.decode()
    assert AccessEvent.objects.filter(kind="changed", subject="user new@example.org").count() == 2
    assert b"There is a user of this address already" in client.post("/settings/users", said).content


def test_the_last_administrator_stays(sign_in: Callable[[str], Client]) -> None:
    from kybern.server.access.models import Grant, User

    user = User.objects.get(email=EMAILS["administrator"])
    grant = Grant.objects.get(user=user)
    client = sign_in("administrator")
    assert client.post(f"/settings/users/{user.pk}", {"act": "withdraw", "grant": grant.pk}).status_code == 422
    assert client.post(f"/settings/users/{user.pk}", {"act": "deactivate"}).status_code == 422
    assert Grant.objects.filter(pk=grant.pk).exists()


def test_nobody_grants_what_they_do_not_hold(sign_in: Callable[[str], Client]) -> None:
    from kybern.server.access.models import Grant, Role, Unit, User

    manager = Role.objects.create(slug="people", name="People", permissions=["users.manage", "records.read"])
    unit = Unit.objects.get(parent=None)
    lead, stranger = (User.objects.get(email=EMAILS[one]) for one in ("viewer", "stranger"))
    Grant.objects.create(user=lead, role=manager, unit=unit)
    answer = sign_in("viewer").post(f"/settings/users/{stranger.pk}", {"act": "grant", "role": "administrator", "unit": unit.pk})
    assert answer.status_code == 422
    assert not Grant.objects.filter(user=stranger).exists()


def test_a_deactivated_user_is_out_at_once(sign_in: Callable[[str], Client], by_token: Callable[..., Client]) -> None:
    from kybern.server.access.models import User

    viewer, program = sign_in("viewer"), by_token("viewer")
    assert viewer.get("/").status_code == 200
    number = User.objects.get(email=EMAILS["viewer"]).pk
    assert sign_in("administrator").post(f"/settings/users/{number}", {"act": "deactivate"}).status_code == 302
    assert viewer.get("/").status_code == 302
    assert program.get("/api/v1/records").status_code == 401


def test_a_token_does_no_more_than_its_owner(sign_in: Callable[[str], Client]) -> None:
    from kybern.server.access.models import ApiToken

    client = sign_in("viewer")
    page = client.post("/settings/tokens", {"name": "ci", "days": "30", "scopes": ["records.read", "users.manage"]})
    token = ApiToken.objects.get(name="ci")
    assert token.scopes == ["records.read"]
    text = page.content.decode()
    assert text[text.index("<code>kyb_") + 6 :].partition("</code>")[0].startswith(token.shown)
    assert client.post("/settings/tokens", {"revoke": token.pk}).status_code == 302
    token.refresh_from_db()
    assert token.revoked_at is not None


def test_a_unit_cannot_stand_below_itself(sign_in: Callable[[str], Client]) -> None:
    from kybern.server.access.models import Unit

    client = sign_in("administrator")
    top, project = Unit.objects.get(parent=None), Unit.objects.get(slug="lending")
    assert (
        client.post(
            "/settings/units", {"act": "add", "slug": "below", "name": "Below", "kind": "project", "parent": project.pk}
        ).status_code
        == 302
    )
    below = Unit.objects.get(slug="below")
    assert client.post("/settings/units", {"act": "move", "unit": project.pk, "parent": below.pk}).status_code == 422
    assert client.post("/settings/units", {"act": "move", "unit": below.pk, "parent": top.pk}).status_code == 302
    assert client.post("/settings/units", {"act": "remove", "unit": below.pk}).status_code == 302
    assert client.post("/settings/units", {"act": "remove", "unit": project.pk}).status_code == 422


def test_a_record_put_into_a_unit_takes_what_belongs_to_it_along(sign_in: Callable[[str], Client], by_token: Callable[..., Client]) -> None:
    from kybern.server.access.models import Unit

    project = Unit.objects.get(slug="lending")
    program = by_token("project-engineer")
    address = "/api/v1/records/ai_system/hiring-screener"
    assert program.get(address).status_code == 404
    said = {"act": "put", "ref": "ai_system:hiring-screener", "unit": project.pk}
    assert sign_in("administrator").post("/settings/units", said).status_code == 302
    assert program.get(address).status_code == 200


def test_keys_are_trusted_and_revoked(sign_in: Callable[[str], Client]) -> None:
    from kybern.evidence import PrivateKey
    from kybern.server.store.models import TrustedKeyRow

    client = sign_in("administrator")
    key = PrivateKey.generate()
    said = {"name": "fresh", "holder": "pipeline:fresh", "kind": "pipeline", "public_key": key.public_pem}
    assert client.post("/settings/keys", {**said, "holder": "person:x"}).status_code == 422
    assert client.post("/settings/keys", {**said, "public_key": "nonsense"}).status_code == 422
    assert client.post("/settings/keys", said).status_code == 302
    assert client.post("/settings/keys", {"revoke": key.keyid, "because": "lost"}).status_code == 302
    assert TrustedKeyRow.objects.get(pk=key.keyid).revoked_because == "lost"


def test_frameworks_are_chosen(sign_in: Callable[[str], Client]) -> None:
    from kybern.server.live import current

    client = sign_in("governance-lead")
    assert client.post("/settings/frameworks", {"frameworks": ["EU_AI_ACT", "nonsense"]}).status_code == 302
    assert current().frameworks == ("EU_AI_ACT",)


def test_what_a_stranger_is_told_to_call_can_be_called(sign_in: Callable[[str], Client]) -> None:
    import html
    import re
    import shlex

    import typer.main

    from kybern.cli._main import app
    from kybern.evidence.log import Verifier
    from kybern.server.pages._proofs import log_verifier

    text = html.unescape(sign_in("viewer").get("/settings/verify").content.decode())
    called = [shlex.split(line) for line in re.findall(r"^(?:<.*>)?(kybern .+?)(?:<.*)?$", text, re.MULTILINE)]
    assert [words[:3] for words in called] == [["kybern", "log", "verify-proof"]]
    command = typer.main.get_command(app)
    for name in called[0][1:3]:
        command = getattr(command, "commands", {})[name]
    context = command.make_context("verify-proof", called[0][3:], resilient_parsing=True)
    assert Verifier.parse(context.params["key"]) == log_verifier()
