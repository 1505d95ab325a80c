"""Envelopes: strict, bounded, the same in every reader's hands."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from securesystemslib.dsse import Envelope

from kybern.evidence import Refused, countersign, parse_envelope, sign, verify

if TYPE_CHECKING:
    from conftest import Bench


def _refusal(data: bytes) -> Refused:
    with pytest.raises(Refused) as refused:
        parse_envelope(data)
    return refused.value


def _changed(bench: Bench, **changes: Any) -> bytes:
    return json.dumps(json.loads(bench.envelope()) | changes).encode()


def test_the_pre_authentication_encoding_is_that_of_the_dsse_specification() -> None:
    # The example of the DSSE protocol's text, secure-systems-lab/dsse, protocol.md.
    envelope = Envelope(b"hello world", "http://example.com/HelloWorld", {})
    assert envelope.pae() == b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"


def test_an_envelope_is_one_line_of_canonical_json(bench: Bench) -> None:
    data = bench.envelope()
    assert list(json.loads(data)) == ["payload", "payloadType", "signatures"]
    assert data.endswith(b"\n")
    assert data.count(b"\n") == 1


def test_signing_needs_a_key() -> None:
    with pytest.raises(ValueError, match="at least one signature"):
        sign(b"{}")


def test_countersigning_adds_one_signature_and_changes_nothing_else(bench: Bench) -> None:
    once = bench.envelope(bench.ci)
    twice = countersign(once, bench.auditor)
    assert parse_envelope(twice).payload == parse_envelope(once).payload
    assert list(parse_envelope(twice).signatures) == [bench.ci.keyid, bench.auditor.keyid]
    assert countersign(twice, bench.auditor) == twice


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"payloadType": "application/vnd.in-toto+xml"}, "wrong-payload-type"),
        ({"payloadType": None}, "wrong-payload-type"),
        ({"payloadType": ["application/vnd.in-toto+json"]}, "wrong-payload-type"),
        ({"signatures": []}, "no-signature"),
        ({"signatures": None}, "no-signature"),
        ({"signatures": {"keyid": "a", "sig": "AA=="}}, "bad-envelope"),
        ({"signatures": ["x"]}, "bad-envelope"),
        ({"signatures": [{"sig": "AA=="}]}, "bad-envelope"),
        ({"signatures": [{"keyid": "", "sig": "AA=="}]}, "bad-envelope"),
        ({"signatures": [{"keyid": "a"}]}, "bad-envelope"),
        ({"signatures": [{"keyid": "a", "sig": "AA=="}, {"keyid": "a", "sig": "AQ=="}]}, "bad-envelope"),
        ({"signatures": [{"keyid": str(number), "sig": "AA=="} for number in range(17)]}, "bad-envelope"),
        ({"payload": None}, "bad-envelope"),
        ({"payload": 7}, "bad-envelope"),
        ({"payload": "e30"}, "bad-envelope"),
        ({"payload": "e30=\n"}, "bad-envelope"),
        ({"payload": "e31="}, "bad-envelope"),
        ({"payload": "é30="}, "bad-envelope"),
    ],
)
def test_an_envelope_out_of_form_is_refused(bench: Bench, changes: dict[str, Any], rule: str) -> None:
    assert _refusal(_changed(bench, **changes)).rule == rule


@pytest.mark.parametrize(
    ("data", "rule", "words"),
    [
        (b"", "not-json", "line 1, column 1"),
        (b"\xff", "not-json", "byte 0 is not UTF-8"),
        (b"\xef\xbb\xbf{}", "not-json", "BOM"),
        (b'{"payload": NaN}', "not-json", "NaN is not a JSON number"),
        (b'{"payload": 1e999}', "not-json", "too large"),
        (b'{"payload": ' + b"9" * 5000 + b"}", "not-json", "digits"),
        (b'{"payloadType": "a", "payloadType": "b"}', "not-json", "the key 'payloadType' stands twice"),
        (b"[" * 33 + b"]" * 33, "not-json", "nested deeper than 32 levels"),
        (b"[" * 500_000, "not-json", "nested too deeply"),
        (b"[]", "bad-envelope", "not a JSON object"),
        (b" " * (1 << 20) + b"{}", "too-large", "1,048,578 bytes"),
    ],
    ids=["empty", "not-utf8", "bom", "nan", "infinity", "long-number", "twice", "deep", "very-deep", "list", "large"],
)
def test_text_that_is_not_bounded_json_of_one_reading_is_refused(data: bytes, rule: str, words: str) -> None:
    refusal = _refusal(data)
    assert refusal.rule == rule
    assert words in refusal.message


def test_both_base64_alphabets_are_read_as_the_specification_asks(bench: Bench) -> None:
    value = json.loads(bench.envelope(note="ü" * 50 + "ÿÿÿ>>>???"))
    text = value["payload"]
    value["payload"] = text.replace("+", "-").replace("/", "_")
    assert value["payload"] != text
    assert verify(json.dumps(value).encode(), bench.keyring).topic == "fairness"


def test_a_refusal_shows_foreign_text_in_ascii_and_cut_short() -> None:
    refusal = _refusal(json.dumps({"payloadType": "\x1b[31m" + "ж" * 500}).encode())
    assert refusal.message.isascii()
    assert "\x1b" not in refusal.message
    assert len(refusal.message) < 200


@given(st.binary(max_size=400))
def test_arbitrary_bytes_are_refused_and_never_crash(bench: Bench, data: bytes) -> None:
    with pytest.raises(Refused):
        verify(data, bench.keyring)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)
_PATHS: list[tuple[str | int, ...]] = [
    ("payload",),
    ("payloadType",),
    ("signatures",),
    ("signatures", 0),
    ("signatures", 0, "keyid"),
    ("signatures", 0, "sig"),
]


@given(st.sampled_from(_PATHS), _JSON)
def test_an_envelope_with_any_part_replaced_is_refused(bench: Bench, path: tuple[str | int, ...], value: object) -> None:
    envelope = json.loads(bench.envelope())
    holder = envelope
    for step in path[:-1]:
        holder = holder[step]
    if holder[path[-1]] == value:
        return
    holder[path[-1]] = value
    with pytest.raises(Refused):
        verify(json.dumps(envelope).encode(), bench.keyring)


_STATEMENT_PATHS: list[tuple[str, ...]] = [("_type",), ("subject",), ("predicateType",), ("predicate",)] + [
    ("predicate", field) for field in ("topic", "observed_at", "collector", "value", "sample_size", "metric", "expires_at", "note")
]


@given(st.sampled_from(_STATEMENT_PATHS), _JSON)
def test_a_signed_statement_of_any_content_is_evidence_or_refused(bench: Bench, path: tuple[str, ...], value: object) -> None:
    """A trusted key may sign nonsense: it is read as evidence or refused, and never crashes the reader."""
    statement = json.loads(parse_envelope(bench.envelope()).payload)
    (statement if len(path) == 1 else statement["predicate"])[path[-1]] = value
    try:
        found = verify(sign(json.dumps(statement).encode(), bench.ci), bench.keyring)
    except Refused:
        return
    assert found.subjects == (bench.CREDIT,)
    assert found.topic


@given(st.data())
def test_one_changed_byte_in_payload_or_signature_is_refused(bench: Bench, data: st.DataObject) -> None:
    envelope = json.loads(bench.envelope())
    holder, name = data.draw(st.sampled_from([(envelope, "payload"), (envelope["signatures"][0], "sig")]))
    raw = bytearray(base64.b64decode(holder[name]))
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= data.draw(st.integers(1, 255))
    holder[name] = base64.b64encode(raw).decode()
    with pytest.raises(Refused) as refused:
        verify(json.dumps(envelope).encode(), bench.keyring)
    assert refused.value.rule == "bad-signature"


@given(st.data())
def test_one_changed_byte_of_the_file_never_yields_other_evidence(bench: Bench, data: st.DataObject) -> None:
    original = bench.envelope()
    raw = bytearray(original)
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        found = verify(bytes(raw), bench.keyring)
    except Refused:
        return
    # White space, or the other base64 alphabet: what was signed is untouched.
    assert found == verify(original, bench.keyring)
