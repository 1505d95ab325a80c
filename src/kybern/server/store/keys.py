"""The keyring in the database, and the keys that the server holds for people: sealed, and used in their name only for what they do."""

from __future__ import annotations

import base64
import hashlib
import os
from typing import TYPE_CHECKING, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from kybern.evidence import KeyKind, Keyring, PrivateKey, Refused, TrustedKey
from kybern.server.events.outbox import tell_revoked, tell_trusted
from kybern.server.store.journal import locked_head
from kybern.server.store.models import HeldKey, TrustedKeyRow

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

_NONCE: Final = 12
_HELD_KEYS: Final = b"kybern held keys v1"
LOG_HOLDER: Final = "tool:kybern-log"
"""Who holds the key of the log."""


def keyring() -> Keyring:
    """Give the keyring as it stands."""
    return Keyring(_trusted(row) for row in TrustedKeyRow.objects.order_by("name"))


def _trusted(row: TrustedKeyRow) -> TrustedKey:
    return TrustedKey(
        keyid=row.keyid,
        name=row.name,
        holder=row.holder,
        kind=KeyKind(row.kind),
        public_key=row.public_key,
        valid_from=row.valid_from,
        valid_until=row.valid_until,
        revoked_on=row.revoked_on,
        revoked_because=row.revoked_because or None,
    )


def trust(keys: Iterable[TrustedKey]) -> int:
    """Add keys to the keyring; those that are there already stay as they are. Gives how many are new."""
    with transaction.atomic():
        locked_head()
        known = set(TrustedKeyRow.objects.values_list("keyid", flat=True))
        fresh = [key for key in keys if key.keyid not in known]
        TrustedKeyRow.objects.bulk_create([_row(key) for key in fresh])
        tell_trusted(fresh, timezone.now())
    return len(fresh)


def _row(key: TrustedKey) -> TrustedKeyRow:
    return TrustedKeyRow(
        keyid=key.keyid,
        name=key.name,
        holder=key.holder,
        kind=key.kind.value,
        public_key=key.public_key,
        valid_from=key.valid_from,
        valid_until=key.valid_until,
        revoked_on=key.revoked_on,
        revoked_because=key.revoked_because or "",
    )


def revoke(keyid: str, because: str, now: datetime) -> None:
    """Let a key's signatures count no more from now on; `Refused` (`unknown-key`, `key-revoked`)."""
    with transaction.atomic():
        locked_head()
        row = TrustedKeyRow.objects.filter(pk=keyid).first()
        if row is None:
            raise Refused(rule="unknown-key", message=f"the keyring has no key {keyid[:12]}…")
        if row.revoked_on is not None:
            raise Refused(rule="key-revoked", message=f"the key {row.name} is revoked already")
        TrustedKeyRow.objects.filter(pk=keyid).update(revoked_on=now, revoked_because=because)
        HeldKey.objects.filter(keyid=keyid).delete()
        tell_revoked(keyid, row.kind, now)


def held_key(holder: str, now: datetime) -> PrivateKey:
    """Open the key that the server holds for somebody; it is made, and trusted, when it is first needed."""
    row = HeldKey.objects.filter(pk=holder).first()
    if row is not None:
        return PrivateKey.from_pem(_open(bytes(row.sealed), holder))
    key = PrivateKey.generate()
    kind = KeyKind.TOOL if holder.startswith("tool:") else KeyKind.PERSON
    name = f"server-{holder.partition(':')[2].replace('.', '-').replace('_', '-')[:40].strip('-')}-{key.keyid[:8]}"
    with transaction.atomic():
        locked_head()  # before the key, as whoever writes has it: two that took them the other way round would wait for each other
        made, fresh = HeldKey.objects.get_or_create(holder=holder, defaults={"keyid": key.keyid, "sealed": _seal(key.pem(), holder)})
        if fresh:
            trust([key.trusted(name=name, holder=holder, kind=kind, valid_from=now)])
            return key
    return PrivateKey.from_pem(_open(bytes(made.sealed), holder))


def _cipher(purpose: bytes) -> AESGCM:
    secret = HKDF(SHA256(), 32, salt=None, info=purpose).derive(settings.SECRET_KEY.encode())
    return AESGCM(secret)


def seal(data: bytes, name: str, purpose: bytes) -> bytes:
    """Seal something under the server's secret, for a purpose and under the name of whom it belongs to."""
    nonce = os.urandom(_NONCE)
    return nonce + _cipher(purpose).encrypt(nonce, data, name.encode())


def unseal(sealed: bytes, name: str, purpose: bytes) -> bytes:
    """Open what was sealed; `Refused` (`wrong-secret`) where the server's secret is another, or the name."""
    try:
        return _cipher(purpose).decrypt(sealed[:_NONCE], sealed[_NONCE:], name.encode())
    except InvalidTag:
        message = f"what is held for {name} does not open: the server's secret is not the one it was sealed under"
        raise Refused(rule="wrong-secret", message=message) from None


def _seal(data: bytes, holder: str) -> bytes:
    return seal(data, holder, _HELD_KEYS)


def _open(sealed: bytes, holder: str) -> bytes:
    return unseal(sealed, holder, _HELD_KEYS)


def log_key(now: datetime) -> PrivateKey:
    """Open the key with which the server signs the log's checkpoints."""
    return held_key(LOG_HOLDER, now)


def log_origin(key: PrivateKey) -> str:
    """Name the log: `kybern.local/` with the beginning of its key's SHA-256, unlike any other's."""
    return log_origin_of(key.public_raw)


def log_origin_of(public: bytes) -> str:
    """Name the log by its public key."""
    return f"kybern.local/{hashlib.sha256(public).hexdigest()[:16]}"


def shown_key(keyid: str) -> str:
    """Write the beginning of a keyid, for people."""
    return base64.b16encode(bytes.fromhex(keyid[:12])).decode().lower()
