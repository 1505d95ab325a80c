"""The token: where it goes, and where it never shows."""

from __future__ import annotations

import traceback
from pathlib import Path

import httpx
import pytest
from both_clients import CLIENTS, TOKEN, URL, answering, client_of
from hypothesis import given
from hypothesis import strategies as st

from kybern.client import Kybern, KybernError, Patience


@pytest.mark.parametrize("which", CLIENTS)
def test_it_goes_to_the_server_and_into_no_text(which: str) -> None:
    seen: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers["Authorization"])
        if len(seen) == 1:
            message = f"broken {request.headers}"
            raise httpx.ReadError(message, request=request)
        return httpx.Response(401, content=b"no problem document")

    client = client_of(which, answering(answer), patience=Patience(attempts=1))
    told = [repr(client)]
    for _ in range(2):
        with pytest.raises(KybernError) as error:
            client.kinds()
        told += [str(error.value), repr(error.value), "".join(traceback.format_exception(error.value))]
    assert seen == [f"Bearer {TOKEN}"] * 2
    assert told[0].endswith(f"Kybern({URL!r})")
    assert [text for text in told if TOKEN in text] == []


@given(st.text(max_size=40))
def test_what_cannot_be_a_token_is_refused_without_being_told(text: str) -> None:
    try:
        Kybern(URL, text).close()
    except ValueError as error:
        assert len(text) < 3 or text not in str(error)  # noqa: PT017 - not every text is refused
    else:
        assert text.isascii()
        assert not any(sign.isspace() for sign in text)


@pytest.mark.parametrize("url", ["https://kybern.example.org/below/", "http://127.0.0.1:8042", "http://[::1]:8042/", "http://localhost:1"])
def test_addresses_that_are_taken(url: str) -> None:
    seen: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(str(request.url))
        return httpx.Response(200, json=[])

    client_of("waiting", answering(answer), url=url).kinds()
    assert seen == [url.rstrip("/") + "/api/v1/kinds"]


@pytest.mark.parametrize(
    "url",
    [
        "http://kybern.example.org",
        "http://127.0.0.1.example.org",
        "http://192.168.1.2",
        "http://localhost.example.org",
        "ftp://localhost",
        "kybern.example.org",
        "",
        "https://",
        "https://user:word@kybern.example.org",
        "https://kybern.example.org?x=1",
        "https://kybern.example.org#x",
        "https://[::1",
    ],
)
def test_addresses_that_are_not(url: str) -> None:
    with pytest.raises(ValueError, match=r"https"):
        Kybern(url, TOKEN)


def test_no_redirection_is_followed_with_it() -> None:
    seen: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.url.host)
        return httpx.Response(302, headers={"Location": "https://elsewhere.example.org/"})

    with pytest.raises(KybernError, match="302"):
        client_of("waiting", answering(answer)).kinds()
    assert seen == ["kybern.example.org"]


@pytest.mark.parametrize("ref", ["role", "role:", ":dpo", "role:..", "..:dpo", "."])
def test_a_name_leads_nowhere_else(ref: str) -> None:
    with pytest.raises(ValueError, match="names nothing"):
        client_of("waiting", answering(lambda _: httpx.Response(200, json={}))).record(ref)


@given(kind=st.text(min_size=1, max_size=20), identity=st.text(min_size=1, max_size=20))
def test_whatever_a_name_holds_stays_in_its_part_of_the_path(kind: str, identity: str) -> None:
    seen: list[bytes] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.url.raw_path)
        return httpx.Response(200, json={"ref": "x"})

    try:
        client_of("waiting", answering(answer)).record(f"{kind}:{identity}")
    except ValueError:
        return
    assert seen[0].startswith(b"/api/v1/records/")
    assert seen[0].count(b"/") == 5
    assert b"?" not in seen[0]


def test_the_package_imports_no_other_room() -> None:
    import kybern.client  # noqa: PLC0415 - its folder

    texts = [path.read_text(encoding="utf-8") for path in Path(kybern.client.__file__).parent.glob("*.py")]
    assert len(texts) > 5
    assert all("import django" not in text and "kybern.server" not in text for text in texts)
