"""A second factor as an app keeps it: set up as a person does, with codes computed by ourselves."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from django.test import Client


def activate_totp(client: Client) -> str:
    """Set up a second factor as a person does; gives its secret."""

    assert "reauthenticate" in client.get("/accounts/2fa/totp/activate/")["Location"], "the password is asked for once more"
    client.post("/accounts/reauthenticate/", {"password": "a password of the tests"})
    page = client.get("/accounts/2fa/totp/activate/").content.decode()
    found = re.search(r'value="([A-Z2-7]{32})"', page)
    assert found is not None, page
    answer = client.post("/accounts/2fa/totp/activate/", {"code": code_of(found.group(1))})
    assert answer.status_code == 302, answer.content
    return found.group(1)


def code_of(secret: str, ago: int = 0) -> str:
    """Compute a code of RFC 6238 by ourselves."""

    digest = hmac.new(base64.b32decode(secret), (int(time.time()) // 30 - ago).to_bytes(8), hashlib.sha1).digest()
    offset = digest[-1] & 15
    return f"{(int.from_bytes(digest[offset : offset + 4]) & 0x7FFFFFFF) % 1_000_000:06d}"
