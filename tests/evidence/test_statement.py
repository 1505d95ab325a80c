"""Statements: written canonically, read back strictly."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import pytest

from kybern.base import canonical_json
from kybern.catalog import PredicateType
from kybern.evidence import PREDICATES, Measurement, Refused, Subject, parse_predicate, parse_statement, predicate_uri, statement

if TYPE_CHECKING:
    from conftest import Bench


def test_a_statement_is_canonical_json_of_an_in_toto_statement(bench: Bench) -> None:
    payload = statement(bench.predicate(note="first run"), [bench.CREDIT])
    value = json.loads(payload)
    assert payload == canonical_json(value)
    assert value == {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "ai_system:credit", "digest": {"sha256": "c" * 64}}],
        "predicateType": "urn:kybern:predicate:measurement:v1",
        "predicate": {
            "topic": "fairness",
            "observed_at": "2026-03-01T09:30:00Z",
            "collector": {"name": "fairtool", "version": "1.0"},
            "note": "first run",
            "metric": "demographic parity difference",
            "value": 0.031,
            "unit": "1",
            "sample_size": 4000,
        },
    }


@pytest.mark.parametrize("kind", list(PredicateType))
def test_what_is_written_is_read_back(bench: Bench, kind: PredicateType) -> None:
    predicate = bench.predicate(kind)
    payload = statement(predicate, [bench.CREDIT, Subject("model:m1", "0" * 64)])
    found = parse_statement(payload)
    assert found.predicate == predicate
    assert found.subjects == (bench.CREDIT, Subject("model:m1", "0" * 64))
    assert found.id == hashlib.sha256(payload).hexdigest()
    assert found.body == found.predicate.model_dump(mode="json", exclude_none=True)


def test_every_predicate_type_has_a_model_and_a_uri() -> None:
    assert set(PREDICATES) == set(PredicateType)
    assert predicate_uri(PredicateType.TEST_RUN) == "urn:kybern:predicate:test-run:v1"


@pytest.mark.parametrize(
    ("subjects", "rule"),
    [
        ([], "no-subject"),
        ([Subject("credit", "c" * 64)], "bad-subject"),
        ([Subject("ai_system:credit", "C" * 64)], "bad-subject"),
        ([Subject("ai_system:credit\n", "c" * 64)], "bad-subject"),
        ([Subject("ai_system:" + "x" * 200, "c" * 64)], "bad-subject"),
        ([Subject("ai_system:credit", "c" * 64), Subject("ai_system:credit", "d" * 64)], "bad-subject"),
    ],
)
def test_a_statement_needs_subjects_that_can_be_read_back(bench: Bench, subjects: list[Subject], rule: str) -> None:
    with pytest.raises(Refused) as refused:
        statement(bench.predicate(), subjects)
    assert refused.value.rule == rule


def _payload(bench: Bench, **changes: Any) -> bytes:
    value = json.loads(statement(bench.predicate(), [bench.CREDIT])) | changes
    return json.dumps({name: item for name, item in value.items() if item is not None}).encode()


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"_type": "https://in-toto.io/Statement/v0.1"}, "wrong-statement-type"),
        ({"_type": None}, "wrong-statement-type"),
        ({"predicateType": "https://slsa.dev/provenance/v1"}, "unknown-predicate"),
        ({"predicateType": ["urn:kybern:predicate:audit:v1"]}, "unknown-predicate"),
        ({"predicate": None}, "bad-predicate"),
        ({"predicate": []}, "bad-predicate"),
        ({"subject": None}, "no-subject"),
        ({"subject": {}}, "no-subject"),
        ({"subject": ["ai_system:credit"]}, "bad-subject"),
        ({"subject": [{"name": "ai_system:credit"}]}, "bad-subject"),
        ({"subject": [{"name": "ai_system:credit", "digest": {"sha512": "c" * 128}}]}, "bad-subject"),
        ({"subject": [{"name": 7, "digest": {"sha256": "c" * 64}}]}, "bad-subject"),
    ],
)
def test_a_statement_that_is_not_kyberns_is_refused(bench: Bench, changes: dict[str, Any], rule: str) -> None:
    with pytest.raises(Refused) as refused:
        parse_statement(_payload(bench, **changes))
    assert refused.value.rule == rule


def test_fields_that_in_toto_does_not_define_are_passed_over(bench: Bench) -> None:
    assert parse_statement(_payload(bench, extension="x")).predicate == bench.predicate()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"value": "0.031"}, "/predicate/value: value needs a number, not the text '0.031'"),
        ({"value": True}, "/predicate/value"),
        ({"sample_size": 3.5}, "/predicate/sample_size"),
        ({"observed_at": "2026-03-01T09:30:00"}, "/predicate/observed_at: observed_at needs a time zone"),
        ({"observed_at": 1772357400}, "/predicate/observed_at"),
        ({"expires_at": "2026-03-01T09:30:00Z"}, "/predicate: expires_at is not after observed_at"),
        ({"strength": 5}, "/predicate/strength: the measurement has no field strength"),
        ({"a/b~c": 1}, "/predicate/a~1b~0c"),
        ({"collector": {"name": "x", "version": "1", "x\ud800": 1}}, "/predicate"),
        ({"metric": "\ud800"}, "/predicate"),
        ({"metric\x1b": 1}, r"/predicate/metric\x1b: "),
        ({"data_sha256": "\x1b\xe4"}, r"/predicate/data_sha256: data_sha256 is not a SHA-256 digest: \\x1b\xe4"),
    ],
)
def test_a_bad_predicate_is_refused_with_a_pointer_to_the_fault(bench: Bench, change: dict[str, Any], words: str) -> None:
    body = bench.predicate().model_dump(mode="json", exclude_none=True) | change
    with pytest.raises(Refused) as refused:
        parse_predicate(Measurement, body)
    assert refused.value.rule == "bad-predicate"
    assert words in refused.value.message
    assert refused.value.message.isascii()
    assert refused.value.message.isprintable()


def test_every_fault_is_named_at_once() -> None:
    with pytest.raises(Refused) as refused:
        parse_predicate(Measurement, {"topic": "Not A Slug"})
    assert all(name in refused.value.message for name in ("/topic", "/observed_at", "/collector", "/metric", "/value", "/unit"))


def test_moments_at_the_ends_of_the_calendar_are_read_or_refused(bench: Bench) -> None:
    predicate = bench.predicate(observed_at="0001-01-01T00:00:00Z", expires_at="9999-12-31T23:59:59Z")
    assert parse_statement(statement(predicate, [bench.CREDIT])).predicate == predicate
    for field, moment in (("observed_at", "0001-01-01T00:00:00+14:00"), ("expires_at", "9999-12-31T23:59:59-12:00")):
        with pytest.raises(Refused, match="outside the years 1 to 9999"):
            bench.predicate(**{field: moment})


@pytest.mark.parametrize(
    ("kind", "fields", "says"),
    [
        (
            PredicateType.TRAINING,
            {"due": 10, "attended": 9, "passed": 2, "share_passed": 1.0},
            "share_passed is not passed over due, which is 0.20",
        ),
        (
            PredicateType.TRAINING,
            {"due": 0, "attended": 0, "passed": 0, "share_passed": 1.0},
            "share_passed is not passed over due, which is 0.00",
        ),
        (PredicateType.TRAINING, {"due": 10, "attended": 5, "passed": 6, "share_passed": 0.6}, "more passed than attended"),
        (PredicateType.MEASUREMENT, {"lower": 0.5, "upper": 0.1}, "lower is above upper"),
    ],
)
def test_numbers_that_contradict_each_other_are_refused(bench: Bench, kind: PredicateType, fields: dict[str, Any], says: str) -> None:
    with pytest.raises(Refused, match=says):
        bench.predicate(kind, **fields)


@pytest.mark.parametrize("counts", [(3, 2, 2, 0.67), (3, 3, 2, 2 / 3), (4, 6, 6, 1.0), (0, 0, 0, 0.0)])
def test_a_share_may_be_rounded_and_is_never_more_than_all(bench: Bench, counts: tuple[int, int, int, float]) -> None:
    fields = dict(zip(("due", "attended", "passed", "share_passed"), counts, strict=True))
    assert bench.predicate(PredicateType.TRAINING, **fields)


def test_a_whole_number_beyond_what_every_reader_of_json_can_hold_is_refused(bench: Bench) -> None:
    payload = statement(bench.predicate(), [bench.CREDIT])
    assert parse_statement(payload.replace(b":4000", b":9007199254740991"))
    for number in (b"9007199254740992", b"1" + b"0" * 400):
        with pytest.raises(Refused, match="too large for JSON"):
            parse_statement(payload.replace(b":4000", b":" + number))
