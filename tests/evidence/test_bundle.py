"""Sigstore bundles: written from an envelope, read back, refused in words."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kybern.evidence import Refused, parse_bundle, parse_envelope, sigstore_bundle, verify

if TYPE_CHECKING:
    from conftest import Bench


def test_a_bundle_holds_the_envelope_and_the_name_of_its_key(bench: Bench) -> None:
    envelope = bench.envelope(bench.ci)
    bundle = parse_bundle(sigstore_bundle(envelope))
    assert (bundle.envelope, bundle.hint) == (envelope, bench.ci.keyid)
    assert verify(bundle.envelope, bench.keyring) == verify(envelope, bench.keyring)


def test_of_many_signatures_one_is_chosen(bench: Bench) -> None:
    envelope = bench.envelope(bench.ci, bench.tool)
    for keyid, wanted in ((None, bench.ci.keyid), (bench.tool.keyid, bench.tool.keyid)):
        bundle = parse_bundle(sigstore_bundle(envelope, keyid))
        assert list(parse_envelope(bundle.envelope).signatures) == [wanted]
    with pytest.raises(Refused, match="did not sign"):
        sigstore_bundle(envelope, bench.anna.keyid)


@pytest.mark.parametrize(
    "changes",
    [
        {"mediaType": "application/vnd.dev.sigstore.bundle+json;version=0.1"},
        {"verificationMaterial": {}},
        {"verificationMaterial": {"publicKey": {"hint": "other"}}},
        {"dsseEnvelope": None},
        {"dsseEnvelope": {"payload": "e30=", "payloadType": "text/plain", "signatures": []}},
        {"dsseEnvelope": {"payload": "\ud800"}},
    ],
)
def test_what_is_no_bundle_is_refused(bench: Bench, changes: dict[str, Any]) -> None:
    value = json.loads(sigstore_bundle(bench.envelope())) | changes
    with pytest.raises(Refused):
        parse_bundle(json.dumps(value).encode())


@given(st.binary(max_size=200))
def test_any_bytes_are_a_bundle_or_refused(data: bytes) -> None:
    with contextlib.suppress(Refused):
        parse_bundle(data)
