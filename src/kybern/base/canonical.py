"""Canonical JSON (RFC 8785, JCS) and the digests taken over it."""

from __future__ import annotations

import hashlib

import rfc8785


def canonical_json(value: object) -> bytes:
    """Serialise JSON-shaped `value` by RFC 8785, as UTF-8 bytes.

    Raises `ValueError` for what JSON cannot carry (NaN, infinity, integers beyond 2**53, other types).
    """
    try:
        return rfc8785.dumps(value)  # type: ignore[arg-type]
    except rfc8785.CanonicalizationError as error:
        raise ValueError(str(error)) from error


def digest(value: object) -> str:
    """SHA-256 over the canonical JSON of `value`, as 64 lower-case hexadecimal digits."""
    return hashlib.sha256(canonical_json(value)).hexdigest()
