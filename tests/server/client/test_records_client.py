"""Records by the client against the real server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from both_clients import client_of
from django_transport import InProcess
from server_world import PROJECT_SYSTEM

from kybern.client import ABSENT, ANY, Change, Conflict, Denied, NotFound, NotSignedIn, Problem, Removal, Unusable

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.test import Client

pytestmark = pytest.mark.django_db


def test_a_list_is_gone_through_page_by_page(asked_by: Callable[..., Any]) -> None:
    client = asked_by("viewer")
    small = [one.ref for one in client.records(page_size=7)]
    assert small == [one.ref for one in client.records(page_size=500)]
    assert len(small) == len(set(small)) > 250
    roles = list(client.records("role", sort="-title"))
    assert {one.kind for one in roles} == {"role"}
    assert [one.title for one in roles] == sorted((one.title for one in roles), reverse=True)


def test_chosen_fields_are_all_that_comes(asked_by: Callable[..., Any]) -> None:
    found = list(asked_by("viewer").records("ai_system", fields=["title", "content.purpose"]))
    assert found
    for one in found:
        assert one.ref.startswith("ai_system:")
        assert one.title
        assert set(one.content) <= {"purpose"}
        assert not one.digest


def test_a_record_is_read_changed_and_the_second_is_told(asked_by: Callable[..., Any]) -> None:
    client = asked_by("engineer")
    first = client.record(PROJECT_SYSTEM)
    assert first.content["id"] == "credit-scoring"
    changed = client.patch_record(first.ref, {"description": "Scores applications."}, if_match=first.digest, reason="Said more clearly")
    assert changed.act == "changed"
    with pytest.raises(Conflict) as error:
        client.patch_record(first.ref, {"description": "Something else."}, if_match=first.digest)
    assert error.value.etag == changed.digest == client.record(first.ref).digest
    again = client.patch_record(first.ref, {"description": "Something else."}, if_match=error.value.etag)
    assert client.record(first.ref).content["description"] == "Something else."
    assert again.entry > changed.entry


def test_a_record_is_made_and_removed(asked_by: Callable[..., Any]) -> None:
    client = asked_by("administrator")
    content = {"title": "Keeper of the tests", "responsibilities": ["Keeps them."]}
    made = client.put_record("role:keeper", content, if_match=ABSENT)
    assert made.act == "added"
    with pytest.raises(Conflict) as error:
        client.put_record("role:keeper", content, if_match=ABSENT)
    assert error.value.etag == made.digest
    assert client.put_record("role:keeper", {**content, "title": "Keeper"}, if_match=ANY).act == "changed"
    with pytest.raises(Conflict):
        client.delete_record("role:keeper", if_match=made.digest)
    gone = client.delete_record("role:keeper", if_match=client.record("role:keeper").digest)
    assert (gone.act, gone.digest) == ("removed", None)
    with pytest.raises(NotFound):
        client.record("role:keeper")


def test_many_are_written_at_once_or_none(asked_by: Callable[..., Any]) -> None:
    client = asked_by("administrator")
    role = {"kind": "role", "id": "keeper", "title": "Keeper", "responsibilities": ["Keeps."]}
    unit = {"kind": "role", "id": "helper", "title": "Helper", "responsibilities": ["Helps."], "owner": "role:keeper"}
    with pytest.raises(Unusable):
        client.write_records([Change(role, ABSENT), Change({**unit, "owner": "role:nobody"}, ABSENT)], reason="Two at once")
    with pytest.raises(NotFound):
        client.record("role:keeper")
    written = client.write_records([Change(role, ABSENT), Change(unit, ABSENT)], reason="Two at once")
    assert [(one.ref, one.act) for one in written] == [("role:keeper", "added"), ("role:helper", "added")]
    gone = client.write_records([Removal("role:helper", str(written[1].digest)), Removal("role:keeper")], reason="Both go")
    assert {one.act for one in gone} == {"removed"}


def test_what_cannot_be_used_is_told_one_by_one(asked_by: Callable[..., Any]) -> None:
    with pytest.raises(Unusable) as error:
        asked_by("engineer").put_record("role:made-up", {"title": "x", "nonsense": 1}, if_match=ABSENT)
    assert ("unknown-field", "/nonsense") in {(one.rule, one.pointer) for one in error.value.problems}
    assert all(one.detail for one in error.value.problems)


def test_kinds_and_schemas(asked_by: Callable[..., Any]) -> None:
    client = asked_by("viewer")
    kinds = {one.kind: one for one in client.kinds()}
    assert kinds["ai_system"].count == len(list(client.records("ai_system", fields=[])))
    assert client.schema("ai_system")["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    with pytest.raises(NotFound):
        client.schema("nonsense")


def test_who_may_not_is_told_what_it_needs(asked_by: Callable[..., Any]) -> None:
    with pytest.raises(Denied) as error:
        asked_by("viewer").patch_record(PROJECT_SYSTEM, {"title": "x"}, if_match=ANY)
    assert error.value.permission == "records.write"
    with pytest.raises(NotFound):
        asked_by("project-engineer").record("ai_system:hiring-screener")
    with pytest.raises(Denied):
        asked_by("administrator", ["evidence.read"]).record(PROJECT_SYSTEM)


def test_a_token_that_does_not_stand(asked_by: Callable[..., Any], request: pytest.FixtureRequest) -> None:
    del asked_by
    client = client_of(request.node.callspec.params["asked_by"], InProcess(), url="http://localhost", token="kyb_none")  # noqa: S106
    with pytest.raises(NotSignedIn) as error:
        client.kinds()
    assert isinstance(error.value, Problem)
    assert error.value.instance.startswith("urn:kybern:request:")


def test_a_reason_is_kept_as_it_is_said(asked_by: Callable[..., Any], sign_in: Callable[[str], Client]) -> None:
    client = asked_by("engineer")
    reason = "Größere Übersicht —\nzwei Zeilen, 日本語"
    client.patch_record(PROJECT_SYSTEM, {"description": "Scores."}, if_match=ANY, reason=reason)
    page = sign_in("viewer").get("/records/ai_system/credit-scoring/history").content.decode()
    assert "Größere Übersicht — zwei Zeilen, 日本語" in page


def test_what_happened_is_listed_from_where_one_left_off(asked_by: Callable[..., Any]) -> None:
    client = asked_by("engineer")
    before = [one.id for one in client.events(page_size=50)]
    assert len(before) > 100
    for number in range(3):
        client.patch_record(PROJECT_SYSTEM, {"description": f"Scores {number}."}, if_match=ANY)
    after = list(client.events(before[-1], types=["org.kybern.record.changed"], page_size=2))
    assert [(one.type, one.subject) for one in after] == [("org.kybern.record.changed", PROJECT_SYSTEM)] * 3
    assert list(client.events(after[-1].id)) == []
    with pytest.raises(Unusable):
        list(client.events(types=["no.such.type"]))
