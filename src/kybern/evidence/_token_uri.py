"""PKCS #11 URIs (RFC 7512): which key in which token. Read strictly, and never with a PIN in them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, quote_from_bytes, unquote_to_bytes

from kybern.evidence._refused import Refused

MAX_URI: Final = 2000
_SCHEME: Final = "pkcs11:"
_TEXTS: Final = {"token": "token", "manufacturer": "manufacturer", "model": "model", "serial": "serial", "object": "label"}
_PATH: Final = (*_TEXTS, "id", "type")
_SECRETS: Final = frozenset(("pin-value", "pin-source"))
_WRITTEN: Final = re.compile(r"(?:[A-Za-z0-9\-._~:\[\]@!$'()*+,=&/?|]|%[0-9A-Fa-f]{2})*", re.ASCII)
_SAFE: Final = "-._~:@!$'()*+,"


@dataclass(frozen=True)
class TokenUri:
    """A key in a token, by the attributes that choose both; what is None or empty chooses nothing."""

    token: str | None = None
    manufacturer: str | None = None
    model: str | None = None
    serial: str | None = None
    label: str | None = None
    id: bytes = b""
    module: str | None = None

    @classmethod
    def parse(cls, text: str) -> TokenUri:
        """Read a URI; `Refused` (`bad-uri`) if it is none, has a PIN in it, or names no key."""
        if not text.startswith(_SCHEME) or len(text) > MAX_URI:
            raise _bad_uri(why=f"it does not start with {_SCHEME}, or is longer than {MAX_URI:,} characters")
        path, _, query = text.removeprefix(_SCHEME).partition("?")
        found = _attributes(path, ";", _PATH)
        asked = _attributes(query, "&", ("module-path",))
        if found.pop("type", b"private") != b"private":
            raise _bad_uri(why="its type is not private: a key that signs is one")
        texts = {_TEXTS[name]: _text(name, raw) for name, raw in found.items() if name != "id"}
        module = _text("module-path", asked["module-path"]) if "module-path" in asked else None
        uri = cls(**texts, id=found.get("id", b""), module=module)
        if not (uri.label or uri.id):
            raise _bad_uri(why="it names no key: write object= or id=")
        if module is not None and not module.startswith("/"):
            raise _bad_uri(why="module-path is not an absolute path")
        return uri

    def __str__(self) -> str:
        """Write it in one form: the attributes in a fixed order, percent-encoded where need be."""
        path = [f"{name}={quote(value, safe=_SAFE)}" for name, field in _TEXTS.items() if (value := getattr(self, field)) is not None]
        path += [f"id={quote_from_bytes(self.id, safe='')}"] if self.id else []
        query = f"?module-path={quote(self.module, safe=_SAFE + '/')}" if self.module else ""
        return f"{_SCHEME}{';'.join(path)}{query}"


def _attributes(text: str, between: str, known: tuple[str, ...]) -> dict[str, bytes]:
    """Read `name=value` attributes, each at most once."""
    found: dict[str, bytes] = {}
    for part in text.split(between) if text else ():
        name, equals, value = part.partition("=")
        if name in _SECRETS:
            raise _bad_uri(why=f"{name} stands in it: a PIN comes from an environment variable or is asked for, never in a URI")
        if not equals or name not in known:
            raise _bad_uri(why=f"{ascii(name)[:60]} is none of the attributes read here: {', '.join((*_PATH, 'module-path'))}")
        if name in found or not _WRITTEN.fullmatch(value):
            raise _bad_uri(why=f"{name} stands twice, or has a sign in it that must be percent-encoded")
        found[name] = unquote_to_bytes(value)
    return found


def _text(name: str, raw: bytes) -> str:
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        text = ""
    if not text or not text.isprintable():
        raise _bad_uri(why=f"{name} is empty, not UTF-8, or has a sign in it that cannot be shown")
    return text


def _bad_uri(*, why: str) -> Refused:
    return Refused(rule="bad-uri", message=f"this is no PKCS #11 URI of a key: {why}")
