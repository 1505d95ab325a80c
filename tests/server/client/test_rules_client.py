"""The rules, the log and who asks, by the client against the real server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from server_world import EMAILS, PROJECT_SYSTEM

from kybern.client import Denied, NotFound, Unusable

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.django_db


def test_rules_are_told_in_words_and_narrowed(asked_by: Callable[..., Any]) -> None:
    client = asked_by("engineer")
    every = client.rules()
    assert all(one.words for one in every.items)
    effect = every.items[0].effect
    assert {one.id for one in client.rules(effect=effect).items} == {one.id for one in every.items if one.effect == effect}


def test_a_gate_and_a_trial_are_decided(asked_by: Callable[..., Any]) -> None:
    client = asked_by("engineer")
    found = client.decide("deploy", system=PROJECT_SYSTEM, facts={"request.actor": "pipeline"})
    assert (found.trial, found.system, found.action) == (False, PROJECT_SYSTEM, "deploy")
    assert found.facts["system.id"] == "credit-scoring"
    assert found.reasons
    assert found.shortfalls
    assert found.allowed == (found.effect in {"allow", "modify"})
    trial = client.decide("deploy", facts={"nonsense": [1, True, "x"]})
    assert trial.trial
    assert not trial.allowed
    with pytest.raises(Unusable):
        client.decide("no such gate", system=PROJECT_SYSTEM)
    with pytest.raises(Denied):
        asked_by("viewer").decide("deploy", system=PROJECT_SYSTEM)


def test_who_asks_and_what_they_may(asked_by: Callable[..., Any]) -> None:
    me = asked_by("project-engineer", ["records.read", "keys.manage"]).me()
    assert (me.email, me.token) == (EMAILS["project-engineer"], "tests")
    assert me.permissions == {"records.read": ("lending",)}
    assert [(one.role, one.unit) for one in me.grants] == [("engineer", "lending")]


def test_the_log_is_read_to_its_end(asked_by: Callable[..., Any]) -> None:
    client = asked_by("internal-auditor")
    size = client.log().entries
    small = [one.index for one in client.log_entries(size - 25, page_size=10)]
    assert small == list(range(size - 25, size))
    assert [one.index for one in client.log_entries(size - 3)] == small[-3:]
    with pytest.raises(NotFound):
        client.checkpoint()
    assert "pipeline:tests" in {one.holder for one in client.trusted_keys()}
