"""Predicates of others: read as they are, as evidence, and alike by us and by the verifier in the pack."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kybern.base import canonical_json
from kybern.catalog import PredicateType, Strength
from kybern.evidence import CONTEXT, FOREIGN, Foreign, Refused, Subject, foreign_statement, parse_statement, sign, verify
from kybern.report.pack import verify as verifier

if TYPE_CHECKING:
    from conftest import Bench

CONFIGURATION = [{"name": "ci.yml", "digest": {"gitBlob": "ebe4add40f63c3c98bc9b32ff1e736f04120b023"}}]
PREDICATES: dict[str, dict[str, Any]] = {
    "test-result": {
        "result": "FAILED",
        "configuration": CONFIGURATION,
        "url": "https://ci.example.org/7",
        "passedTests": ["a", "b \u00e4"],
        "warnedTests": ["c"],
        "failedTests": ["d"],
    },
    "svr": {
        "verifier": {"id": "https://example.org/verifier/v2", "policy": {"uri": "https://example.org/policy"}},
        "timeCreated": "2026-03-01T09:30:00Z",
        "properties": ["SLSA_BUILD_LEVEL_3", "EXAMPLE_SCANNED_1"],
    },
    "bom": {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "components": [{"type": "machine-learning-model", "name": "credit"}],
    },
    "model-signature": {
        "serialization": {"method": "files", "hash_type": "sha256", "allow_symlinks": False, "ignore_paths": []},
        "resources": [{"name": "model.bin", "algorithm": "sha256", "digest": "a" * 64}],
    },
}
CONTEXTS: dict[str, dict[str, Any]] = {name: {} for name in PREDICATES} | {
    name: {"title": "A document", "sha256": "d" * 64} for name in ("bom", "model-signature")
}
BODIES: dict[str, dict[str, Any]] = {
    "test-result": {"suite": "ci.yml", "passed": 3, "failed": 1},
    "svr": {"verifier": "https://example.org/verifier/v2", "properties": ["SLSA_BUILD_LEVEL_3", "EXAMPLE_SCANNED_1"]},
    "bom": CONTEXTS["bom"],
    "model-signature": CONTEXTS["model-signature"],
}
KINDS = {
    "test-result": (PredicateType.TEST_RUN, Strength.MEASURED),
    "svr": (PredicateType.VERIFICATION, Strength.MEASURED),
    "bom": (PredicateType.DOCUMENT, Strength.DOCUMENTED),
    "model-signature": (PredicateType.DOCUMENT, Strength.DOCUMENTED),
}


def named(name: str) -> Foreign:
    return next(one for one in FOREIGN.values() if one.name == name)


def context(name: str, **changes: Any) -> dict[str, Any]:
    common = {"topic": "testing", "observed_at": "2026-03-01T09:30:00Z", "collector": {"name": "kybern", "version": "1"}}
    return common | CONTEXTS[name] | changes


def payload(bench: Bench, name: str, changes: dict[str, Any] | None = None, **more: Any) -> bytes:
    whole = PREDICATES[name] | (changes or {})
    kept = {field: value for field, value in whole.items() if value is not None}
    return foreign_statement(named(name), kept, context(name, **more), (bench.CREDIT,))


@pytest.mark.parametrize("name", list(PREDICATES))
def test_a_predicate_of_others_is_evidence_and_stays_what_it_is(bench: Bench, name: str) -> None:
    written = payload(bench, name)
    value = json.loads(written)
    assert written == canonical_json(value)
    assert (value["predicateType"], value["predicate"]) == (named(name).uri, PREDICATES[name])
    piece = verify(sign(written, bench.ci), bench.keyring)
    assert (piece.predicate, piece.strength) == KINDS[name]
    assert (piece.topic, piece.subjects) == ("testing", (bench.CREDIT,))
    assert BODIES[name].items() <= piece.body.items()


@pytest.mark.parametrize("name", list(PREDICATES))
def test_the_verifier_in_the_pack_finds_the_same(bench: Bench, name: str) -> None:
    envelope = sign(payload(bench, name), bench.ci, bench.auditor)
    keys = canonical_json({"keys": [key.model_dump(mode="json", exclude_none=True) for key in bench.keyring]})
    piece, alone = verify(envelope, bench.keyring), verifier.judge(envelope, verifier.read_keys(keys))
    assert (alone.id, alone.kind, alone.strength) == (piece.id, piece.predicate.value, piece.strength)
    assert {name: alone.predicate.get(name) for name in ("title", "sha256")} == {name: piece.body.get(name) for name in ("title", "sha256")}


@pytest.mark.parametrize("name", list(PREDICATES))
def test_without_what_kybern_says_beside_it_it_is_refused_with_the_way_out(bench: Bench, name: str) -> None:
    value = json.loads(payload(bench, name))
    del value[CONTEXT]
    with pytest.raises(Refused, match=f"kybern evidence add {name} --from") as refused:
        parse_statement(json.dumps(value).encode())
    assert refused.value.rule == "no-context"
    keys = canonical_json({"keys": [key.model_dump(mode="json", exclude_none=True) for key in bench.keyring]})
    with pytest.raises(verifier.Refused):
        verifier.judge(sign(json.dumps(value).encode(), bench.ci), verifier.read_keys(keys))


@pytest.mark.parametrize(
    ("name", "changes", "words"),
    [
        ("test-result", {"result": "OK"}, "not PASSED, WARNED or FAILED"),
        ("test-result", {"result": "PASSED"}, "not what its lists of tests say"),
        ("test-result", {"failedTests": []}, "not what its lists of tests say"),
        ("test-result", {"result": "PASSED", "failedTests": [], "warnedTests": ["x"]}, "not what its lists of tests say"),
        ("test-result", {"passedTests": None, "warnedTests": None, "failedTests": None}, "names no tests"),
        ("test-result", {"configuration": None}, "/predicate/configuration"),
        ("test-result", {"passedTests": [7]}, "/predicate/passedTests"),
        ("svr", {"verifier": {}}, "/predicate/verifier/id"),
        ("svr", {"timeCreated": "2026-03-01T09:30:00"}, "/predicate/timeCreated"),
        ("svr", {"timeCreated": "2026-03-01T09:30:01Z"}, "not the moment that the predicate says"),
        ("svr", {"properties": []}, "properties"),
        ("svr", {"properties": "all"}, "/predicate/properties"),
        ("bom", {"bomFormat": "SPDX"}, "bomFormat CycloneDX"),
        ("bom", {"components": {}}, "/predicate/components"),
        ("model-signature", {"serialization": []}, "/predicate/serialization"),
        ("model-signature", {"resources": []}, "/predicate/resources"),
        ("model-signature", {"resources": [{"name": "a", "digest": "xyz"}]}, "without a digest"),
        ("model-signature", {"resources": [{"name": "a", "digest": "a" * 64}] * 2}, "a name twice"),
    ],
)
def test_what_is_not_of_its_form_is_refused_in_words(bench: Bench, name: str, changes: dict[str, Any], words: str) -> None:
    with pytest.raises(Refused) as refused:
        parse_statement(payload(bench, name, changes))
    assert refused.value.rule == "bad-predicate"
    assert words in refused.value.message


def test_what_the_predicate_says_is_not_said_otherwise_beside_it(bench: Bench) -> None:
    with pytest.raises(Refused, match="says failed, which the predicate says"):
        parse_statement(payload(bench, "test-result", failed=0))
    with pytest.raises(Refused, match="bad-predicate"):
        parse_statement(payload(bench, "svr", observed_at="2026-03-02T09:30:00Z"))
    with pytest.raises(Refused, match="unknown"):
        parse_statement(payload(bench, "svr", unknown=1))


def test_a_value_that_is_not_written_alike_everywhere_is_not_signed(bench: Bench) -> None:
    for value in (2.5e-6, 1e300, {"\u00e4": 1}):
        with pytest.raises(Refused, match="not-canonical"):
            payload(bench, "bom", {"x": value})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
FIELDS = sorted({field for predicate in PREDICATES.values() for field in predicate})


@given(st.sampled_from(sorted(PREDICATES)), st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=4) | JSON, st.booleans())
def test_any_predicate_is_read_or_refused(name: str, found: Any, merged: object) -> None:
    predicate = PREDICATES[name] | found if merged and isinstance(found, dict) else found
    value = {"_type": "https://in-toto.io/Statement/v1", "predicateType": named(name).uri, "predicate": predicate}
    value |= {CONTEXT: context(name), "subject": [{"name": "ai_system:credit", "digest": {"sha256": "c" * 64}}]}
    with contextlib.suppress(Refused):
        assert parse_statement(json.dumps(value).encode()).subjects == (Subject("ai_system:credit", "c" * 64),)
