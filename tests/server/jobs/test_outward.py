"""Where messages go and where never: addresses in every spelling, names that change, redirects, TLS, answers without end."""

from __future__ import annotations

import datetime as dt
import ipaddress
import socket
import ssl
import threading
import time
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from kybern.server.jobs.outward import Target, Unfit, addresses_of, judge, post, target_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from conftest import Receiver

NEVER = [
    "127.0.0.1", "127.8.9.1", "0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "172.16.0.1", "172.31.255.254", "192.168.1.1",
    "169.254.169.254", "169.254.0.1", "100.64.0.1", "100.100.100.200", "168.63.129.16", "192.0.0.192", "192.0.2.7", "198.18.0.1",
    "198.51.100.9", "203.0.113.5", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255", "192.88.99.1",
    "::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "fec0::1", "ff02::1", "ff0e::1", "2001:db8::1", "100::1",
    "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::ffff:7f00:1", "::127.0.0.1",
    "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "2002:7f00:1::", "2002:a00:1::1", "2001:0:7f00:1::1", "not-an-address", "",
]  # fmt: skip
PUBLIC = ["93.184.216.34", "1.1.1.1", "8.8.8.8", "172.32.0.1", "100.128.0.1", "2606:4700:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]


@pytest.mark.parametrize("address", NEVER)
def test_nothing_is_sent_within(address: str) -> None:
    assert judge(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_messages_go_to_the_public(address: str) -> None:
    assert not judge(address)


def test_loopback_is_allowed_for_tests_and_nothing_else_is() -> None:
    assert not judge("127.0.0.1", loopback=True)
    assert not judge("::1", loopback=True)
    assert all(judge(one, loopback=True) for one in NEVER if not ("127" in one or "7f00" in one or one == "::1"))


@pytest.mark.parametrize(
    "host",
    ["2130706433", "0177.0.0.1", "0x7f.0.0.1", "0x7f000001", "127.1", "127.0.1", "017700000001", "0", "0.0.0.0", "localhost", "[::1]",
     "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "127.0.0.1"],
)  # fmt: skip
def test_no_spelling_leads_to_this_machine(host: str) -> None:
    """The system's own resolver reads what is written as numbers; what comes out is judged."""
    with pytest.raises(Unfit):
        addresses_of(target_of(f"https://{host}/hook"))


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/hook", "ftp://example.org/", "file:///etc/passwd", "gopher://example.org", "https://", "https:///hook",
        "https://user:pass@example.org/", "https://user@example.org/", "https://example.org/#part", "https://example.org:0/",
        "https://example.org:99999/", "https://exa mple.org/", "https://example.org/\r\nX-A: b", "https://example.org\\@10.0.0.1/",
        "https://exämple.org/", "//example.org/", "example.org", "", "https://example.org/" + "x" * 500, "https://[::1/",
    ],
)  # fmt: skip
def test_what_is_no_address(url: str) -> None:
    with pytest.raises(Unfit):
        target_of(url)


def test_what_is_one() -> None:
    assert target_of("https://example.org") == Target("example.org", 443, "/", tls=True)
    found = target_of("https://EXAMPLE.org:8443/a/b?c=%20d")
    assert (found.host, found.port, found.path, found.authority) == ("example.org", 8443, "/a/b?c=%20d", "example.org:8443")
    assert target_of("https://[2606:4700::1]/").authority == "[2606:4700::1]"


def test_one_bad_address_among_good_ones_is_enough() -> None:
    target = target_of("https://example.org/")
    assert addresses_of(target, lambda *_: ["8.8.8.8", "1.1.1.1"]) == ["8.8.8.8", "1.1.1.1"]
    with pytest.raises(Unfit, match=r"leads to 10\.0\.0\.7, which is private"):
        addresses_of(target, lambda *_: ["8.8.8.8", "10.0.0.7"])
    with pytest.raises(Unfit, match="not found"):
        addresses_of(target, lambda *_: [])


def test_a_name_is_resolved_once_and_the_judged_address_is_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    """The name leads elsewhere a moment later: nobody asks again, and the socket goes where the judgement was."""
    answers = iter([["8.8.8.8"], ["127.0.0.1"], ["127.0.0.1"]])
    asked: list[str] = []
    reached: list[tuple[str, int]] = []

    def resolved(host: str, port: int) -> list[str]:
        asked.append(host)
        return next(answers)

    def connect(address: tuple[str, int], timeout: float) -> socket.socket:
        reached.append(address)
        raise ConnectionRefusedError(111, "Connection refused")

    monkeypatch.setattr(socket, "create_connection", connect)
    answer = post("https://rebind.example.org/hook", {}, b"{}", resolved=resolved)
    assert (asked, reached) == (["rebind.example.org"], [("8.8.8.8", 443)])
    assert (answer.status, answer.note) == (None, "connection refused")
    second = post("https://rebind.example.org/hook", {}, b"{}", resolved=resolved)
    assert (len(reached), second.note) == (1, "rebind.example.org leads to 127.0.0.1, which is a loopback address")


def test_plain_http_goes_to_this_machine_only() -> None:
    answer = post("http://example.org/", {}, b"", loopback=True, resolved=lambda *_: ["8.8.8.8"])
    assert answer.note == "example.org leads to 8.8.8.8, which is reached by HTTPS only"
    assert post("http://127.0.0.1:9/", {}, b"").note == "an address begins with https://"


def test_a_redirect_is_not_followed(receiver: Receiver) -> None:
    receiver.status, receiver.headers = 302, {"Location": f"http://127.0.0.1:{receiver.port}/elsewhere"}
    answer = post(receiver.url, {}, b"{}", loopback=True)
    assert (answer.status, answer.good, answer.note) == (302, False, "redirects are not followed")
    assert [path for path, _, _ in receiver.got] == ["/hook"]


def test_no_proxy_is_asked(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert post(receiver.url, {}, b"{}", loopback=True).good


def test_a_long_answer_is_read_within_bounds(receiver: Receiver) -> None:
    receiver.status, receiver.body = 200, b"x" * (8 << 20)
    assert post(receiver.url, {}, b"{}", loopback=True).good


def test_an_answer_that_does_not_come_is_not_waited_for(receiver: Receiver) -> None:
    receiver.delay = 3
    answer = post(receiver.url, {}, b"{}", loopback=True, seconds=0.4)
    assert (answer.status, answer.note) == (None, "no answer within 0.4 seconds")
    assert answer.took < 1500


@pytest.fixture
def dripping() -> Iterator[int]:
    """A server that sends a byte of a header now and then, for ever."""
    listener = socket.create_server(("127.0.0.1", 0))
    done = threading.Event()

    def serve() -> None:
        peer, _ = listener.accept()
        with peer:
            peer.recv(65536)
            peer.sendall(b"HTTP/1.1 200 OK\r\nX-A: ")
            while not done.wait(0.05):
                try:
                    peer.sendall(b"a")
                except OSError:
                    return

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield listener.getsockname()[1]
    done.set()
    thread.join(5)
    listener.close()


def test_an_answer_that_drips_is_cut_off(dripping: int) -> None:
    begun = time.monotonic()
    answer = post(f"http://127.0.0.1:{dripping}/", {}, b"{}", loopback=True, seconds=0.6)
    assert (answer.good, answer.note) == (False, "no answer within 0.6 seconds")
    assert time.monotonic() - begun < 3


# TLS: the certificate must be of the name in the address


def certificate(folder: Path, name: str) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    said = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(said)
        .issuer_name(said)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem, private = folder / "cert.pem", folder / "key.pem"
    pem.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    return pem, private


@pytest.fixture
def tls_server(tmp_path: Path) -> Iterator[Callable[[], tuple[int, Path, list[bytes]]]]:
    listener = socket.create_server(("127.0.0.1", 0))
    pem, private = certificate(tmp_path, "hooks.example.org")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem, private)
    got: list[bytes] = []

    def serve() -> None:
        while True:
            try:
                peer, _ = listener.accept()
                with peer, context.wrap_socket(peer, server_side=True) as tls:
                    said = b""
                    while not said.endswith(b"{}"):  # what is closed unread is broken off at the other end
                        said += tls.recv(65536)
                    got.append(said)
                    tls.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")
            except ssl.SSLError:
                continue
            except OSError:
                return

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield lambda: (listener.getsockname()[1], pem, got)
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join(5)


def test_the_certificate_is_of_the_name_in_the_address(tls_server: Callable[[], tuple[int, Path, list[bytes]]]) -> None:
    port, pem, got = tls_server()
    trusting = ssl.create_default_context(cafile=str(pem))

    def sent(host: str, context: ssl.SSLContext | None) -> tuple[int | None, str]:
        answer = post(f"https://{host}:{port}/x", {}, b"{}", loopback=True, resolved=lambda *_: ["127.0.0.1"], context=context)
        return answer.status, answer.note

    assert sent("hooks.example.org", trusting) == (204, "")
    assert f"Host: hooks.example.org:{port}".encode() in got[0]
    status, note = sent("other.example.org", trusting)
    assert (status, "TLS failed" in note) == (None, True)
    status, note = sent("hooks.example.org", None)  # by the system's own authorities
    assert (status, "TLS failed" in note) == (None, True)
    assert len(got) == 1
    assert ipaddress.ip_address("127.0.0.1").is_loopback
