"""The readiness statement: proof, JWT, status list, criteria, approval and checking, held against bounds and bad input."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import zlib
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from label_world import EASY, FRAMEWORK, ISSUED, ISSUER, KEY, LATER, LOG, URL, approval, assessment, document, key, listed, stated
from report_world import AS_OF

from kybern.base import InputError, canonical_json, digest
from kybern.evidence import Refused
from kybern.records import RecordSet
from kybern.report.label import (
    Criteria,
    Issuer,
    LogHead,
    StatusList,
    accountable,
    approval_of,
    as_jwt,
    badge,
    bits_of,
    check,
    claim,
    claim_digest,
    compared,
    index_of,
    label_page,
    open_jwt,
    open_list,
    open_statement,
    proven,
    recomputed,
    shortfalls,
    status_credential,
)
from kybern.report.label._keys import base58, from_base58
from kybern.workspace import parse_records

JWT = as_jwt(document(), KEY, ISSUER)
TEXT = json.dumps(document()).encode()


def rule(data: bytes, issuer: Issuer | None = None) -> str:
    with pytest.raises(Refused) as refused:
        open_statement(data, issuer)
    return refused.value.rule


# Keys


@given(st.binary(max_size=60))
def test_base58_reads_back_what_it_writes(data: bytes) -> None:
    assert from_base58(base58(data)) == data


@given(st.text(max_size=80))
def test_base58_has_one_form_or_refuses(text: str) -> None:
    try:
        raw = from_base58(text)
    except Refused:
        return
    assert base58(raw) == text


def test_a_known_key_has_the_name_that_its_standard_gives() -> None:
    """The first example of the did:key specification."""
    name = "did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK"
    public = bytes.fromhex("2e6fcce36701dc791488e0d0b1745cc1e33a4c1c9fcc41c63bd343dbbe0970e6")
    assert Issuer.of_key(public).id == name
    assert Issuer.from_did(name).public == public


def test_an_issuers_document_is_read_back_and_a_changed_one_is_refused() -> None:
    issuer = Issuer.at("https://acme.example/issuer", KEY.public_raw)
    assert Issuer.from_document(json.dumps(issuer.document).encode()) == issuer
    for change in ({"id": "http://acme.example"}, {"id": "https://acme.example/x"}, {"assertionMethod": []}, {"assertionMethod": [1]}):
        with pytest.raises(Refused):
            Issuer.from_document(json.dumps({**issuer.document, **change}).encode())


@pytest.mark.parametrize("url", ["http://a.example", "https://", "https://a.example/?q", "https://a.example/#f", "https://a b", "x" * 3000])
def test_an_issuer_is_a_plain_https_url(url: str) -> None:
    with pytest.raises(Refused):
        Issuer.at(url, KEY.public_raw)


# Proof and JWT


def test_the_proof_is_what_the_cryptosuite_says() -> None:
    """Computed by hand: SHA-256 of the options' canonical JSON, then of the document's, both without the signature."""
    whole = document()
    options = {name: value for name, value in whole["proof"].items() if name != "proofValue"}
    unsecured = {name: value for name, value in whole.items() if name != "proof"}
    hashed = hashlib.sha256(canonical_json(options)).digest() + hashlib.sha256(canonical_json(unsecured)).digest()
    assert base58(KEY.sign_raw(hashed)) == whole["proof"]["proofValue"]


def test_both_forms_say_the_same() -> None:
    one, two = open_statement(TEXT), open_statement(JWT.encode())
    assert one.subject == two.subject
    assert (one.form, two.form) == ("eddsa-jcs-2022", "vc+jwt")
    assert one.issuer == two.issuer == ISSUER


@given(st.data())
@settings(max_examples=150)
def test_one_changed_letter_is_refused_in_either_form(data: st.DataObject) -> None:
    text = data.draw(st.sampled_from([TEXT, JWT.encode()]))
    place = data.draw(st.integers(0, len(text) - 1))
    letter = data.draw(st.integers(0, 255))
    changed = text[:place] + bytes([letter]) + text[place + 1 :]
    try:
        found = open_statement(changed)
    except Refused:
        return
    assert found.document == open_statement(text).document, (place, letter)  # white space, or an escape of the same letter


@given(st.binary(max_size=400))
def test_any_bytes_are_refused_in_words(data: bytes) -> None:
    with pytest.raises(Refused):
        open_statement(data)


values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=5) | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.data())
@settings(max_examples=150)
def test_whatever_is_signed_and_no_statement_is_refused_or_can_be_shown(data: st.DataObject) -> None:
    """A signature says who, not what: any part of a well-signed document may be of any shape."""
    unsigned = {name: value for name, value in document().items() if name != "proof"}
    whole = json.loads(json.dumps(unsigned))
    part = whole
    for _ in range(data.draw(st.integers(0, 2))):
        below = [inner for inner in part.values() if isinstance(inner, dict)]
        part = data.draw(st.sampled_from(below)) if below else part
    part[data.draw(st.sampled_from(sorted(part)))] = data.draw(values)
    try:
        opened = open_statement(json.dumps(proven({"@context": [], **whole}, KEY, ISSUER, ISSUED)).encode())
        found = check(opened, LATER, listed())
    except Refused:
        return
    assert found.held
    assert badge(opened.document)
    assert label_page(opened.document)


@given(values, values)
def test_a_jwt_of_any_content_is_refused_or_read(header: object, payload: object) -> None:
    parts = [base64.urlsafe_b64encode(json.dumps(one).encode()).rstrip(b"=") for one in (header, payload)]
    with pytest.raises(Refused):
        open_statement(b".".join([*parts, b"AAAA"]))


@pytest.mark.parametrize(
    "header",
    [
        {"alg": "none", "typ": "vc+jwt", "kid": ISSUER.method},
        {"alg": "HS256", "typ": "vc+jwt", "kid": ISSUER.method},
        {"alg": "EdDSA", "typ": "JWT", "kid": ISSUER.method},
        {"alg": "EdDSA", "typ": "vc+jwt", "kid": "did:key:other"},
        {"alg": "EdDSA", "typ": "vc+jwt", "kid": ISSUER.method, "crit": ["b64"], "b64": False},
        {"alg": "EdDSA", "typ": "vc+jwt", "kid": ISSUER.method, "jwk": {}},
    ],
)
def test_a_jwt_with_another_header_is_refused_though_its_signature_fits(header: dict[str, Any]) -> None:
    first = base64.urlsafe_b64encode(json.dumps(header).encode()).rstrip(b"=")
    signed = first + b"." + JWT.encode().split(b".")[1]
    signature = base64.urlsafe_b64encode(KEY.sign_raw(signed)).rstrip(b"=")
    with pytest.raises(Refused) as refused:
        open_jwt(signed + b"." + signature)
    assert refused.value.rule == "bad-jwt"


def test_a_statement_signed_by_another_key_than_its_issuers_is_refused() -> None:
    unsigned = {name: value for name, value in document().items() if name != "proof"}
    assert rule(json.dumps(proven(unsigned, key(8), ISSUER, ISSUED)).encode()) == "bad-proof"
    assert rule(json.dumps(proven(unsigned, key(8), Issuer.of_key(key(8).public_raw), ISSUED)).encode()) == "bad-proof"
    assert rule(TEXT, Issuer.at("https://acme.example", key(8).public_raw)) == "bad-proof"


@pytest.mark.parametrize("field", ["cryptosuite", "proofPurpose", "type", "verificationMethod", "@context"])
def test_a_proof_of_another_kind_is_refused_before_its_signature_is_looked_at(field: str) -> None:
    changed = {**document(), "proof": {**document()["proof"], field: "other"}}
    with pytest.raises(Refused, match=field):
        open_statement(json.dumps(changed).encode())


# The status list


def test_the_first_index_is_the_first_bit() -> None:
    assert StatusList().with_set(0).bits[0] == 0x80
    assert StatusList().with_set(9).bits[:2] == b"\x00\x40"


@given(st.sets(st.integers(0, (1 << 17) - 1), max_size=6))
def test_a_list_reads_back_what_was_set_and_nothing_else(revoked: set[int]) -> None:
    bits = StatusList()
    for index in revoked:
        bits = bits.with_set(index)
    again = StatusList.decode(bits.encoded())
    assert again == bits
    assert sum(byte.bit_count() for byte in again.bits) == len(revoked)
    assert all(again.is_set(index) for index in revoked)
    assert again.last == max(revoked, default=-1)


def encoded(raw: bytes) -> str:
    return "u" + base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def test_a_list_that_packs_more_than_is_read_is_refused_before_it_is_unpacked() -> None:
    packer = zlib.compressobj(9, wbits=31)
    bomb = b"".join(packer.compress(bytes(1 << 20)) for _ in range(300)) + packer.flush()
    assert len(bomb) < 1 << 20
    with pytest.raises(Refused, match="unpacks to more than"):
        StatusList.decode(encoded(bomb))


@pytest.mark.parametrize(
    "text",
    [
        None,
        5,
        "",
        "u",
        "z" + "A" * 20,
        "u!!",
        "uAAAA",
        "u" + "A" * (1 << 20),
        encoded(gzip.compress(bytes(10))),
        encoded(gzip.compress(bytes(1 << 14))[:-4]),
        encoded(gzip.compress(bytes(1 << 14)) + b"more"),
        encoded(zlib.compress(bytes(1 << 14))),
    ],
    ids=range(12),
)
def test_what_is_no_list_is_refused(text: object) -> None:
    with pytest.raises(Refused) as refused:
        StatusList.decode(text)
    assert refused.value.rule == "bad-status"


@given(st.binary(max_size=200))
def test_any_bytes_as_a_list_are_refused(data: bytes) -> None:
    with pytest.raises(Refused):
        StatusList.decode(encoded(data))


def test_a_revoked_statement_no_longer_holds_and_its_neighbours_do() -> None:
    opened = open_statement(TEXT)
    assert check(opened, LATER, listed()).holds
    assert check(opened, LATER, listed(2, 4)).holds
    found = check(opened, LATER, listed(3))
    assert found.failed == ["It was revoked: the issuer's list of 2026-11-22T12:00:00Z says so."]


def test_another_list_or_an_index_beyond_it_says_nothing_of_the_statement() -> None:
    with pytest.raises(Refused, match="another"):
        index_of(document(), {"id": "https://acme.example/other"})
    far = open_statement(json.dumps(document(1 << 17)).encode())
    assert "is not in a list of" in check(far, LATER, listed()).failed[0]
    other = status_credential(StatusList(), URL, key(8), Issuer.of_key(key(8).public_raw), ISSUED)
    with pytest.raises(Refused):
        open_list(json.dumps(other).encode(), ISSUER)
    with pytest.raises(Refused, match="no credential of a status list"):
        bits_of(document())


# Criteria and approval


def test_defaults_ask_for_much_and_an_easy_policy_for_little() -> None:
    asked = {one.criterion for one in shortfalls(Criteria(), assessment(), FRAMEWORK, log_holds=False)}
    assert asked == {"minimum_coverage", "maximum_not_met", "maximum_expired", "log_audited"}
    assert shortfalls(EASY, assessment(), FRAMEWORK, log_holds=True) == ()
    strict = EASY.model_copy(update={"minimum_strength": 5.0, "minimum_freshness": 1.0})
    assert [one.criterion for one in shortfalls(strict, assessment(), FRAMEWORK, log_holds=True)] == [
        "minimum_strength",
        "minimum_freshness",
    ]


@pytest.mark.parametrize(
    ("grade", "state", "found"), [("major", "open", 1), ("major", "corrected", 1), ("major", "closed", 0), ("minor", "open", 0)]
)
def test_major_nonconformities_count_until_they_are_closed(grade: str, state: str, found: int) -> None:
    text = "{kind: nonconformity, id: n, title: N, requirement: 'ISO42001:5.2', statement: s, found_on: 2026-01-01, "
    text += f"grade: {grade}, state: {state}}}"
    records = RecordSet([*assessment().records, *parse_records(text.encode(), "n.yaml")])
    changed = type("With", (), {"records": records, "readiness": assessment().readiness})()
    assert len(shortfalls(EASY, changed, FRAMEWORK, log_holds=True)) == found


def test_the_accountable_role_is_the_one_named_and_its_holders_act_for_it() -> None:
    assert accountable(EASY, assessment().records) == ("role:model-owner", ("person:anna",))
    assert accountable(Criteria(), assessment().records) == (None, ())
    assert accountable(Criteria(approver="role:gone"), assessment().records) == ("role:gone", ())


def test_only_an_approval_of_exactly_this_statement_by_the_right_person_counts() -> None:
    name, people = claim_digest(stated()), ("person:anna",)
    good = approval()
    assert approval_of(name, people, [good], LATER) == good
    for other in (
        [],
        [approval("0" * 64)],
        [approval(by="person:bob")],
        [approval(decision="approved-with-conditions")],
        [good, approval(decision="rejected", after=timedelta(days=2))],
    ):
        assert approval_of(name, people, other, LATER) is None
    again = approval(after=timedelta(days=3))
    assert approval_of(name, people, [good, approval(decision="rejected", after=timedelta(days=2)), again], LATER) == again
    assert approval_of(name, people, [good], AS_OF) is None


@pytest.mark.parametrize(
    "text", ["", "[]", "a: 1", "minimum_coverage: 1.5", "valid_days: 0", "approver: person:anna", "minimum_coverage: .nan", "x"]
)
def test_criteria_that_cannot_be_are_told(text: str) -> None:
    if text == "":
        with pytest.raises(InputError):
            Criteria.from_yaml(b"", "c.yaml")
        return
    with pytest.raises(InputError):
        Criteria.from_yaml(text.encode(), "c.yaml")


# What is stated


def test_the_claim_holds_what_the_assessment_gives() -> None:
    found, said = assessment().readiness(FRAMEWORK), stated()
    assert (said["readiness"]["asked"], sum(said["readiness"]["counts"].values())) == (found.applicable, sum(found.counts.values()))
    assert said["coverage"] == pytest.approx(found.coverage, abs=1e-6)
    assert said["inputs"]["evidenceSha256"] == assessment().digests["evidence"]
    assert said["criteria"]["sha256"] == EASY.digest == digest(EASY.content)
    assert "certificate" in said["limits"]
    assert "certified" not in json.dumps(document())


def test_recomputing_says_inputs_first_and_nothing_where_nothing_differs() -> None:
    subject = document()["credentialSubject"]
    assert compared(json.loads(json.dumps(subject)), stated()) == ()
    other = claim(assessment(), FRAMEWORK, EASY, LogHead(LOG.origin, 7, LOG.root))
    assert compared(subject, other) == ("log.size is stated as 1234, recomputed 7",)
    typed = {**subject, "coverage": 1.0, "extra": 1}
    assert [one.split(" ")[0] for one in compared(typed, stated())] == ["coverage", "extra"]
    opened = open_statement(TEXT)
    found = check(opened, LATER)
    recomputed(opened, other, found, log=True)
    assert found.failed == ["Recomputed: log.size is stated as 1234, recomputed 7."]


def test_its_name_follows_from_what_it_says() -> None:
    assert document()["id"] != document(4)["id"]
    assert document()["id"] == document(3, URL)["id"]


# The badge


def test_the_badge_says_in_words_what_it_shows_and_loads_nothing() -> None:
    drawn = badge(document())
    subject = document()["credentialSubject"]
    assert f"{subject['readiness']['met']} of {subject['readiness']['asked']} requirements" in drawn
    for part in (
        "<title",
        "<desc",
        'role="img"',
        "prefers-color-scheme:dark",
        "valid until 19 May 2027",
        "as of 20 Nov 2026",
        "no certificate",
    ):
        assert part in drawn
    assert "certified" not in drawn
    assert drawn.count("http") == 1  # the namespace


def test_the_badge_escapes_what_it_is_given() -> None:
    whole = json.loads(json.dumps(document()))
    whole["credentialSubject"]["framework"] = {"id": "<b>", "title": "t", "edition": '"><script>'}
    assert "<script>" not in badge(whole)
    assert "<b>" not in badge(whole)


@pytest.mark.parametrize(("met", "asked"), [(0, 0), (0, 9), (9, 9)])
def test_the_ring_is_empty_or_whole_where_that_is_so(met: int, asked: int) -> None:
    whole = json.loads(json.dumps(document()))
    whole["credentialSubject"]["readiness"] |= {"met": met, "asked": asked}
    assert ('class="arc"' in badge(whole)) == (met > 0)
