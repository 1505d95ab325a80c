"""The signature of a message: Standard Webhooks 1.0 (https://www.standardwebhooks.com), symmetric."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from typing import Final

PREFIX: Final = "whsec_"
_SECRET_BYTES: Final = 32


def fresh_secret() -> str:
    """Make a secret as receivers are given it."""
    return PREFIX + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def signed_headers(secret: str, identity: str, seconds: int, payload: bytes) -> dict[str, str]:
    """Give the headers that prove a message: its id, when it was sent, and the HMAC-SHA256 of both and the payload."""
    key = base64.b64decode(secret.removeprefix(PREFIX))
    mac = hmac.new(key, f"{identity}.{seconds}.".encode() + payload, hashlib.sha256).digest()
    return {
        "webhook-id": identity,
        "webhook-timestamp": str(seconds),
        "webhook-signature": "v1," + base64.b64encode(mac).decode(),
    }
