"""Commitments: what the log may hold of content that is personal."""

from __future__ import annotations

import hashlib
import hmac
from typing import Final

SALT_BYTES: Final = 32


def commit(salt: bytes, digest: str) -> str:
    """Commit to content by its SHA-256: without the salt nobody can try a guess; `ValueError` for a salt that is not of 32 bytes."""
    if len(salt) != SALT_BYTES:
        msg = f"a salt has {SALT_BYTES} bytes"
        raise ValueError(msg)
    return hmac.new(salt, bytes.fromhex(digest), hashlib.sha256).hexdigest()
