"""PKCS #11 URIs: read strictly, written in one form, never with a PIN."""

from __future__ import annotations

import contextlib
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kybern.evidence import Refused, TokenKey, TokenUri

NAMES = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=30)


@given(
    st.builds(
        TokenUri,
        token=st.none() | NAMES,
        manufacturer=st.none() | NAMES,
        model=st.none() | NAMES,
        serial=st.none() | NAMES,
        label=NAMES,
        id=st.binary(max_size=20),
        module=st.none() | NAMES.map("/{}".format),
    )
)
def test_what_is_written_is_read_back(uri: TokenUri) -> None:
    assert TokenUri.parse(str(uri)) == uri


def test_the_attributes_are_those_of_rfc_7512() -> None:
    uri = TokenUri.parse("pkcs11:token=The%20Software%20Token;object=my-key;id=%01%02;type=private?module-path=/usr/lib/p11.so")
    assert uri == TokenUri(token="The Software Token", label="my-key", id=b"\x01\x02", module="/usr/lib/p11.so")  # noqa: S106 - a name
    assert str(uri) == "pkcs11:token=The%20Software%20Token;object=my-key;id=%01%02?module-path=/usr/lib/p11.so"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("file:key.pem", "does not start with pkcs11:"),
        ("pkcs11:", "names no key"),
        ("pkcs11:token=t", "names no key"),
        ("pkcs11:object=k?pin-value=1234", "never in a URI"),
        ("pkcs11:object=k;pin-source=file:/x", "never in a URI"),
        ("pkcs11:object=k;object=k", "stands twice"),
        ("pkcs11:object=k;slot-id=1", "none of the attributes"),
        ("pkcs11:object=k;type=cert", "its type is not private"),
        ("pkcs11:object=a b", "percent-encoded"),
        ("pkcs11:object=%zz", "percent-encoded"),
        ("pkcs11:object=%ff", "not UTF-8"),
        ("pkcs11:object=%1b", "cannot be shown"),
        ("pkcs11:object=k?module-path=p11.so", "not an absolute path"),
        ("pkcs11:object=k;" + "x" * 3000, "longer than"),
    ],
)
def test_what_cannot_be_used_is_refused_in_words(text: str, words: str) -> None:
    with pytest.raises(Refused, match=words) as refused:
        TokenUri.parse(text)
    assert refused.value.rule == "bad-uri"


@given(st.text(max_size=80) | st.text(alphabet=";?&=%:abid", max_size=40).map("pkcs11:object=k;{}".format))
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(Refused):
        assert TokenUri.parse(str(TokenUri.parse(text))) == TokenUri.parse(text)


def test_without_the_extra_the_way_to_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pkcs11", None)
    with pytest.raises(Refused, match=r"kybern\[pkcs11\]") as refused:
        TokenKey.open(TokenUri(label="k"), "/usr/lib/p11.so", "1234")
    assert refused.value.rule == "no-pkcs11"
