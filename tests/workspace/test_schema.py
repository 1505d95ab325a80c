"""The JSON Schema says of a record file what loading says of it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from kybern.base import InputError
from kybern.records import Record
from kybern.workspace import json_schema, parse_records, record_schema

PERSON = {"kind": "person", "id": "ada", "title": "Ada"}
ROLE = {"kind": "role", "id": "r", "title": "R", "responsibilities": ["x"], "holders": ["person:ada"]}


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    return json_schema()


def test_it_is_a_schema_of_every_kind(schema: dict[str, Any]) -> None:
    Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    any_record = schema["$defs"]["AnyRecord"]
    assert any_record["properties"]["kind"]["enum"] == sorted(Record.registry)
    branches = {branch["if"]["properties"]["kind"]["const"]: branch["then"]["$ref"] for branch in any_record["allOf"]}
    assert set(branches) == set(Record.registry)
    for kind, ref in branches.items():
        definition = schema["$defs"][ref.removeprefix("#/$defs/")]
        assert definition["properties"]["kind"]["const"] == kind
        assert definition["additionalProperties"] is False


@pytest.mark.parametrize(
    ("value", "valid"),
    [
        (PERSON, True),
        ([PERSON, ROLE], True),
        ([], False),
        (3, False),
        ({**PERSON, "kind": "persn"}, False),
        ({"id": "ada", "title": "Ada"}, False),
        ({**PERSON, "nope": 1}, False),
        ({**PERSON, "responsibilities": ["x"]}, False),
        ({**ROLE, "holders": ["role:x"]}, False),
        ({**ROLE, "holders": "person:ada"}, False),
        ({**ROLE, "responsibilities": []}, False),
        ({**PERSON, "external": "yes"}, False),
    ],
)
def test_it_agrees_with_loading(schema: dict[str, Any], value: object, *, valid: bool) -> None:
    assert Draft202012Validator(schema).is_valid(value) is valid
    try:
        loaded = bool(parse_records(json.dumps(value).encode(), "x.yaml"))
    except InputError:
        loaded = False
    assert loaded is valid


@pytest.mark.parametrize("kind", sorted(Record.registry))
def test_each_kind_has_its_own(kind: str) -> None:
    schema = record_schema(kind)
    Draft202012Validator.check_schema(schema)
    assert not Draft202012Validator(schema).is_valid({"kind": "no-such", "id": "a", "title": "A"})


def test_references_are_told_to_editors() -> None:
    schema = record_schema("role")
    assert schema["$defs"]["Role"]["properties"]["holders"]["items"]["x-kybern-ref"] == ["person"]


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(InputError) as caught:
        record_schema("rol")
    assert caught.value.problems[0].hint == "Did you mean role?"
