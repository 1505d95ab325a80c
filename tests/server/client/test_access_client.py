"""Users, units, roles and tokens by the client against the real server."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from server_world import PROJECT_SYSTEM

from kybern.client import Denied, NotFound, Unusable

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.django_db


def test_a_user_is_made_given_a_role_more_and_let_in_no_more(asked_by: Callable[..., Any]) -> None:
    client = asked_by("administrator")
    top = next(one.slug for one in client.units() if one.parent is None)
    made = client.add_user("new@example.org", name="New", role="viewer", unit=top)
    assert made.password
    assert made.password not in repr(made)
    granted = client.grant_role(made.handle, "engineer", top)
    assert {one.role for one in client.user(made.handle).grants} == {"viewer", "engineer"}
    client.withdraw_role(made.handle, granted.id)
    assert [one.role for one in client.user(made.handle).grants] == ["viewer"]
    assert client.deactivate_user(made.handle).active is False
    assert client.activate_user(made.handle).active is True
    assert [one.handle for one in client.users("new@example", page_size=1)] == [made.handle]
    with pytest.raises(NotFound):
        client.user("nobody-of-that-name")
    with pytest.raises(Unusable):
        client.add_user("other@example.org", role="no-such-role", unit=top)


def test_the_last_administrator_stays(asked_by: Callable[..., Any]) -> None:
    client = asked_by("administrator")
    with pytest.raises(Unusable):
        client.deactivate_user(client.me().handle)


def test_units_grow_move_take_records_and_go(asked_by: Callable[..., Any]) -> None:
    client = asked_by("administrator")
    top = next(one.slug for one in client.units() if one.parent is None)
    house, lab = client.add_unit("house", "House", "business-unit", top), client.add_unit("lab", "Lab", "project", top)
    assert client.move_unit(lab.slug, house.slug).parent == house.slug
    client.put_into_unit(lab.slug, PROJECT_SYSTEM)
    assert client.record(PROJECT_SYSTEM).unit
    with pytest.raises(Unusable):
        client.remove_unit(lab.slug)
    client.put_into_unit(top, PROJECT_SYSTEM)
    client.remove_unit(lab.slug)
    client.remove_unit(house.slug)
    assert {"lab", "house"}.isdisjoint(one.slug for one in client.units())


def test_a_role_allows_what_it_is_told_and_is_reset(asked_by: Callable[..., Any]) -> None:
    client = asked_by("administrator")
    shipped = next(one for one in client.roles() if one.slug == "viewer")
    assert client.change_role("viewer", ["records.read"]).permissions == ("records.read",)
    assert client.reset_role("viewer") == shipped


def test_a_token_is_issued_used_and_revoked(asked_by: Callable[..., Any]) -> None:
    client = asked_by("engineer")
    ends = datetime.now(UTC) + timedelta(minutes=1)
    made = client.issue_token("pipeline", ["records.read"], ends)
    assert made.text.startswith(made.shown.rstrip("….")[:4])
    assert made.text not in repr(made)
    assert made.id in {one.id for one in client.tokens()}
    assert client.revoke_token(made.id).standing == "revoked"


def test_the_access_log_is_read_by_who_may(asked_by: Callable[..., Any]) -> None:
    client = asked_by("administrator")
    since = datetime.now(UTC) - timedelta(minutes=5)
    client.add_user("seen@example.org", role="viewer", unit=next(one.slug for one in client.units() if one.parent is None))
    assert any("seen@example.org" in one.subject for one in client.access_log(since=since, page_size=3))
    assert not list(client.access_log(until=since - timedelta(days=3000)))
    with pytest.raises(Denied):
        list(asked_by("viewer").access_log())
