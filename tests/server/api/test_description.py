"""What the API says of itself: every operation with its problems, no two things of one name."""

from __future__ import annotations

import inspect
from collections import Counter
from importlib import import_module
from typing import TYPE_CHECKING, Any

import pytest
from ninja import Schema

from kybern.server.api import api
from kybern.server.api._build import ROUTERS

if TYPE_CHECKING:
    from django.test import Client


@pytest.fixture(scope="module")
def said() -> dict[str, Any]:
    return dict(api.get_openapi_schema())


def test_it_is_given_to_everybody(client: Client) -> None:
    answer = client.get("/api/v1/openapi.json")
    assert answer.status_code == 200
    assert answer.json()["openapi"] == "3.1.0"


def test_every_operation_tells_what_can_go_wrong(said: dict[str, Any]) -> None:
    operations = [(f"{method} {path}", one) for path, methods in said["paths"].items() for method, one in methods.items()]
    assert len(operations) > 50
    for name, one in operations:
        assert one["summary"], name
        assert one["description"], name
        assert one["security"] == [{"token": []}], name
        for status in (401, 403, 404, 422, 429, 503):
            assert list(one["responses"][status]["content"]) == ["application/problem+json"], (name, status)
        keyed = any(each["name"] == "Idempotency-Key" for each in one["parameters"])
        assert keyed != name.startswith("get "), name


def test_no_two_things_have_one_name(said: dict[str, Any]) -> None:
    ids = Counter(one["operationId"] for methods in said["paths"].values() for one in methods.values())
    assert max(ids.values()) == 1
    modules = [import_module(f"kybern.server.api.{name}") for name in (*ROUTERS, "_fields", "_standing")]
    found = {one for module in modules for one in vars(module).values() if inspect.isclass(one) and issubclass(one, Schema)}
    names = Counter(one.__name__ for one in found)
    assert [name for name, count in names.items() if count > 1] == []
