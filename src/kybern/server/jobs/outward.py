"""Requests to addresses that people of the organisation name: only to the public Internet, and only where the name leads at that moment.

A name is resolved once and every address it gives is judged; the connection goes to a judged address, so a name that means something
else a moment later changes nothing. Redirects are not followed, no proxy is asked, answers are read within bounds and time.
"""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

SECONDS: Final = 10.0
_MOST_ANSWER: Final = 64 << 10
_LONGEST_URL: Final = 500
_LONGEST_NOTE: Final = 300

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_METADATA: Final = frozenset(map(ipaddress.ip_address, ("168.63.129.16",)))
"""Addresses of a cloud's own services that look like anybody's; the others are link-local or private."""
_NEVER: Final = tuple(
    map(
        ipaddress.ip_network,
        (
            "192.0.0.0/24",
            "192.88.99.0/24",
            "64:ff9b:1::/48",
            "100::/64",
            "2001::/23",
            "2001:db8::/32",
            "2002::/16",
            "3fff::/20",
            "5f00::/16",
        ),
    )
)
"""Networks of special use (IANA's registries), of which the standard library knows some only."""
_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")
"""Through this an IPv6 network reaches IPv4 addresses, public ones too."""


class Unfit(Exception):  # noqa: N818 - it is an answer
    """An address that nothing is sent to, and why."""


@dataclass(frozen=True)
class Target:
    """Where a request goes."""

    host: str
    port: int
    path: str
    tls: bool

    @property
    def authority(self) -> str:
        """The host as the request names it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.tls else 80) else f"{host}:{self.port}"


@dataclass(frozen=True)
class Answer:
    """What came back: the status, none where there was no answer, in words what went wrong, and after how many milliseconds."""

    status: int | None
    note: str
    took: int

    @property
    def good(self) -> bool:
        """Whether the message was taken."""
        return self.status is not None and 200 <= self.status < 300  # noqa: PLR2004 - HTTP's own


def target_of(url: str, *, loopback: bool = False) -> Target:
    """Read an address; raises `Unfit` for what is none that messages go to. `loopback` allows HTTP, to this machine only."""
    if len(url) > _LONGEST_URL or not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        reason = f"an address has at most {_LONGEST_URL} printable ASCII characters"
        raise Unfit(reason)
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        reason = "this is no address"
        raise Unfit(reason) from None
    if parts.scheme not in ({"https", "http"} if loopback else {"https"}):
        reason = "an address begins with https://"
        raise Unfit(reason)
    if not parts.hostname or parts.username is not None or parts.password is not None or parts.fragment or port == 0:
        reason = "an address has a host, and neither a name and password nor a fragment"
        raise Unfit(reason)
    tls = parts.scheme == "https"
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(parts.hostname, port or (443 if tls else 80), path, tls)


def judge(address: str, *, loopback: bool = False) -> str:
    """Tell why nothing is sent to an IP address (`is private`); empty where it may be."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return "is no IP address"
    for one in _meant(found):
        if loopback and one.is_loopback:
            continue
        kind = _kind(one)
        if kind:
            return f"is {kind}"
    return ""


def _meant(address: _Address) -> list[_Address]:
    """Give an address with those that it stands for: IPv4 mapped, tunnelled or translated into IPv6."""
    if isinstance(address, ipaddress.IPv4Address):
        return [address]
    if address.ipv4_mapped is not None:
        return [address.ipv4_mapped]
    if address in _NAT64:
        return [ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)]
    inner: list[_Address] = [address]
    if address.sixtofour is not None:
        inner.append(address.sixtofour)
    if address.teredo is not None:
        inner += address.teredo
    return inner


def _kind(address: _Address) -> str:
    kinds = (
        ("unspecified", address.is_unspecified),
        ("a loopback address", address.is_loopback),
        ("link-local", address.is_link_local),
        ("multicast", address.is_multicast),
        ("a cloud's own service", address in _METADATA),
        ("private", address.is_private),
        ("of special use", any(address.version == one.version and address in one for one in _NEVER)),
        ("reserved", address.is_reserved or (isinstance(address, ipaddress.IPv6Address) and address.is_site_local)),
        ("not a public address", not address.is_global),
    )
    return next((name for name, holds in kinds if holds), "")


def resolve(host: str, port: int) -> list[str]:
    """Ask the system which addresses a host has."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    return list(dict.fromkeys(str(one[4][0]) for one in found))


def addresses_of(target: Target, resolved: Callable[[str, int], Sequence[str]] = resolve, *, loopback: bool = False) -> list[str]:
    """Give the addresses of a target, every one of them judged; raises `Unfit` if there is none, or one that nothing is sent to."""
    try:
        found = list(resolved(target.host, target.port))
    except (OSError, UnicodeError):
        found = []
    if not found:
        reason = f"{target.host} is not found"
        raise Unfit(reason)
    for one in found:
        why = judge(one, loopback=loopback and (target.tls or _is_loopback(one)))
        if not why and not target.tls and not _is_loopback(one):
            why = "is reached by HTTPS only"
        if why:
            reason = f"{one} {why}" if target.host == one else f"{target.host} leads to {one}, which {why}"
            raise Unfit(reason)
    return found


def _is_loopback(address: str) -> bool:
    return ipaddress.ip_address(address).is_loopback


def post(  # noqa: PLR0913 - the last three are what a test puts in the place of the world
    url: str,
    headers: Mapping[str, str],
    body: bytes,
    *,
    loopback: bool = False,
    resolved: Callable[[str, int], Sequence[str]] = resolve,
    context: ssl.SSLContext | None = None,
    seconds: float = SECONDS,
) -> Answer:
    """Post a body, once, without following a redirect; what goes wrong is told in the answer."""
    begun = time.monotonic()
    status, note = None, ""
    try:
        target = target_of(url, loopback=loopback)
        address = addresses_of(target, resolved, loopback=loopback)[0]
        status, note = _exchange(target, address, headers, body, begun + seconds, context)
    except Unfit as unfit:
        note = str(unfit)
    except TimeoutError:
        note = f"no answer within {seconds:g} seconds"
    except ssl.SSLError as error:
        note = f"TLS failed: {getattr(error, 'verify_message', '') or error.reason or 'broken off'}"
    except (OSError, http.client.HTTPException) as error:
        late = time.monotonic() - begun >= seconds
        note = f"no answer within {seconds:g} seconds" if late else _in_words(error)
    return Answer(status, note[:_LONGEST_NOTE], round((time.monotonic() - begun) * 1000))


def _in_words(error: Exception) -> str:
    said = getattr(error, "strerror", None)
    return f"{said[:1].lower()}{said[1:]}" if isinstance(said, str) and said else f"no usable answer ({type(error).__name__})"


def _exchange(  # noqa: PLR0913, PLR0917 - all of one exchange
    target: Target, address: str, headers: Mapping[str, str], body: bytes, until: float, context: ssl.SSLContext | None
) -> tuple[int, str]:
    sock = socket.create_connection((address, target.port), timeout=max(0.1, until - time.monotonic()))
    # Each reading has its time-out; a server that sends a byte now and then is cut off by the watch.
    open_now = [sock]
    watch = threading.Timer(max(0.0, until - time.monotonic()), _cut, [open_now])
    watch.daemon = True
    watch.start()
    try:
        if target.tls:
            tls = context or ssl.create_default_context()
            sock = open_now[0] = tls.wrap_socket(sock, server_hostname=target.host, do_handshake_on_connect=False)
            sock.do_handshake()
        connection = http.client.HTTPConnection(target.host, target.port)
        connection.sock = sock
        connection.request("POST", target.path, body, {"Host": target.authority, "Connection": "close", **headers})
        answer = connection.getresponse()
        answer.read(_MOST_ANSWER)
        if time.monotonic() >= until:  # it was cut off, which looks like an end
            raise TimeoutError
        return answer.status, "redirects are not followed" if 300 <= answer.status < 400 else ""  # noqa: PLR2004 - HTTP's own
    finally:
        watch.cancel()
        open_now[0].close()


def _cut(open_now: list[socket.socket]) -> None:
    with suppress(OSError):  # it was closed a moment before
        open_now[0].shutdown(socket.SHUT_RDWR)
