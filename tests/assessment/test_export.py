"""The JSON of an assessment keeps its published, versioned schema."""

from __future__ import annotations

import json

import jsonschema
import pytest
import world
from world import AS_OF

from kybern.assessment import assess, assessment_schema, to_json
from kybern.catalog import load_catalog
from kybern.evidence import Refusal
from kybern.records import RecordSet


def test_the_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(assessment_schema())


@pytest.mark.parametrize("subject", [None, "ai_system:scoring"])
def test_what_is_exported_fits_the_schema(subject: str | None) -> None:
    known = world.records()
    refused = [Refusal("evidence/x.dsse.json", "bad-signature", "changed after signing")]
    value = to_json(assess(world.catalog(), known, world.evidence(known)[:3], AS_OF), None, subject, refused)
    jsonschema.validate(json.loads(json.dumps(value)), assessment_schema())
    assert value["as_of"] == "2026-11-20T12:00:00Z"
    assert value["refused"] == [{"source": "evidence/x.dsse.json", "rule": "bad-signature", "message": "changed after signing"}]


def test_an_empty_workspace_fits_the_schema_with_the_real_catalog() -> None:
    value = to_json(assess(load_catalog(), RecordSet([]), [], AS_OF))
    jsonschema.validate(json.loads(json.dumps(value)), assessment_schema())
    assert {row["status"] for row in value["requirements"]} == {"unknown"}


def test_requirements_say_what_the_assessment_says() -> None:
    known = world.records()
    assessment = assess(world.catalog(), known, world.evidence(known), AS_OF)
    rows = {(row["id"], row["subject"]): row for row in to_json(assessment)["requirements"]}
    assert len(rows) == sum(1 for _ in assessment.rows())
    assert rows["5.2", "ai_system:scoring"]["status"] == "met"
    assert rows["5.1", "organization:lender"]["reasons"][0]["ref"] == "GOV-01/policy-approved"
    assert rows["5", "organization:lender"]["group"] is True
    assert rows["6", "organization:lender"]["status"] == "unknown"


def test_every_row_has_its_reasons() -> None:
    known = world.records()
    for row in to_json(assess(world.catalog(), known, [], AS_OF))["requirements"]:
        assert row["reasons"], row["id"]


def test_the_same_inputs_give_the_same_bytes() -> None:
    known = world.records()
    pieces = world.evidence(known)
    one = json.dumps(to_json(assess(world.catalog(), known, pieces, AS_OF)))
    two = json.dumps(to_json(assess(world.catalog(), RecordSet(reversed(list(known))), reversed(pieces), AS_OF)), sort_keys=False)
    assert json.loads(one)["digests"] == json.loads(two)["digests"]
