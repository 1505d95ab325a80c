"""The rules over the API: what they say, what they decide, and that what cannot be decided is denied."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.http import HttpResponse
from server_world import PROJECT_SYSTEM

from kybern.policy import read_schema, shipped_schemas

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from django.conf import Settings
    from django.test import Client

pytestmark = pytest.mark.django_db
API = "/api/v1"
SCHEMA = read_schema(shipped_schemas()["kybern"], "kybern.yaml")


def ask(client: Client, **body: Any) -> HttpResponse:
    return client.post(f"{API}/rules:decide", body, content_type="application/json")  # type: ignore[return-value]


def trial(action: str, /, **said: Any) -> dict[str, Any]:
    """The schema's own examples of what an action needs, but for the clock."""
    needed = SCHEMA.doors[action].needed
    facts = {one.name: one.example for one in SCHEMA.facts if one.name in needed and one.provider != "clock"}
    return {**facts, **said}


def test_the_rules_are_told_in_words(by_token: Callable[..., Client]) -> None:
    from kybern.server.live import current
    from kybern.server.pages._decisions import policy_of

    client = by_token("engineer")
    said = client.get(f"{API}/rules").json()
    bundle = policy_of(current()).bundle
    assert [one["id"] for one in said["items"]] == [rule.id for rule in bundle.rules]
    assert said["digest"] == bundle.digest
    assert all(one["words"] and one["message"] and one["when"] for one in said["items"])
    denying = client.get(f"{API}/rules", {"action": "deploy", "effect": "deny"}).json()["items"]
    assert denying
    assert all(one["effect"] == "deny" and "deploy" in one["applies_to"] for one in denying)
    assert client.get(f"{API}/rules", {"action": "nothing"}).json()["items"] == []
    assert client.get(f"{API}/rules", {"effect": "maybe"}).status_code == 422


def test_a_gate_is_judged_by_records_and_evidence(by_token: Callable[..., Client]) -> None:
    said = ask(by_token("engineer"), action="deploy", system=PROJECT_SYSTEM, facts={"request.actor": "pipeline"})
    assert said.status_code == 200, said.content
    found = said.json()  # type: ignore[attr-defined]
    assert (found["trial"], found["system"], found["allowed"]) == (False, PROJECT_SYSTEM, False)
    assert found["facts"]["system.id"] == "credit-scoring"
    assert found["shortfalls"]
    assert any(one["deciding"] and one["effect"] == found["effect"] for one in found["fired"])
    assert found["reasons"]


def test_a_caller_states_no_facts_of_records(by_token: Callable[..., Client]) -> None:
    said = ask(by_token("engineer"), action="deploy", system=PROJECT_SYSTEM, facts={"request.actor": "pipeline", "controls.open": 0})
    found = said.json()  # type: ignore[attr-defined]
    assert found["effect"] == "deny"
    assert any("controls.open" in one and "cannot state it" in one for one in found["reasons"])


def test_a_trial_is_decided_on_what_is_given(by_token: Callable[..., Client]) -> None:
    client = by_token("engineer")
    found = ask(client, action="call-tool", facts=trial("call-tool")).json()  # type: ignore[attr-defined]
    assert found["trial"] is True
    assert found["effect"] in {"allow", "deny", "require-approval", "defer", "modify"}
    stopped = ask(client, action="call-tool", facts=trial("call-tool", **{"agent.stopped": True})).json()  # type: ignore[attr-defined]
    assert stopped["effect"] == "deny"
    assert stopped["fired"]
    missing = ask(client, action="call-tool", facts={}).json()  # type: ignore[attr-defined]
    assert missing["effect"] == "deny"
    assert any("missing" in one for one in missing["reasons"])
    unknown = ask(client, action="fly", facts={}).json()  # type: ignore[attr-defined]
    assert unknown["effect"] == "deny"


def test_the_clock_and_the_action_are_nobodys_to_state(by_token: Callable[..., Client]) -> None:
    client = by_token("engineer")
    found = ask(client, action="fly", facts=trial("call-tool", action="call-tool")).json()  # type: ignore[attr-defined]
    assert found["effect"] == "deny"
    late = ask(client, action="call-tool", facts=trial("call-tool", **{"request.time": "2001-01-01T00:00:00Z"})).json()  # type: ignore[attr-defined]
    assert "2001" not in str(late["facts"]["request.time"])


def test_rules_of_the_organisations_own_decide(by_token: Callable[..., Client], settings: Settings, tmp_path: Path) -> None:
    settings.KYBERN_DATA = tmp_path
    (tmp_path / "policy").mkdir()
    (tmp_path / "policy" / "bundle.yaml").write_text("nonsense: true\n")
    answer = by_token("engineer").get(f"{API}/rules")
    assert answer.status_code == 422
    assert answer.json()["problems"]


def test_who_may_ask_about_what(by_token: Callable[..., Client], client: Client) -> None:
    mine = by_token("project-engineer")
    assert ask(mine, action="deploy", system=PROJECT_SYSTEM, facts={"request.actor": "person"}).status_code == 200
    assert ask(mine, action="deploy", system="ai_system:hiring-screener").status_code == 404
    assert ask(mine, action="deploy", system="ai_system:nothing").status_code == 404
    assert ask(mine, action="fly", system=PROJECT_SYSTEM).status_code == 422
    assert ask(by_token("executive"), action="deploy", facts={}).status_code == 403
    assert by_token("executive").get(f"{API}/rules").status_code == 200
    assert by_token("viewer").get(f"{API}/rules").status_code == 403
    assert client.get(f"{API}/rules").status_code == 401
