"""Revocation by W3C Bitstring Status List: one bit a statement, in a list that is itself a signed credential."""

from __future__ import annotations

import base64
import gzip
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from kybern.evidence import Refused
from kybern.report.label._keys import Issuer
from kybern.report.label._proof import moment, proven

if TYPE_CHECKING:
    from kybern.evidence import PrivateKey

V2_CONTEXT: Final = "https://www.w3.org/ns/credentials/v2"
BITS: Final = 1 << 17
"""Length of a list: the least that the standard allows, so that an index says little of how many there are."""

_MOST_BYTES: Final = 1 << 20
"""Bytes a list may unpack to: 8 million entries. A list that packs more is refused before it is unpacked further."""

_MOST_TEXT: Final = 1 << 20


@dataclass(frozen=True)
class StatusList:
    """The bits of a list, the first bit of the first byte being index 0."""

    bits: bytes = bytes(BITS // 8)

    def is_set(self, index: int) -> bool:
        """Tell whether the bit is set; `Refused` (`bad-status`) beyond the list."""
        self._check(index)
        return bool(self.bits[index // 8] >> (7 - index % 8) & 1)

    def with_set(self, index: int) -> StatusList:
        """Give the list with a bit set. There is no way back: a statement that is revoked stays so."""
        self._check(index)
        changed = bytearray(self.bits)
        changed[index // 8] |= 1 << (7 - index % 8)
        return StatusList(bytes(changed))

    @property
    def last(self) -> int:
        """The greatest index that is set, -1 where none is."""
        value = int.from_bytes(self.bits, "big")
        return len(self.bits) * 8 - 1 - ((value & -value).bit_length() - 1) if value else -1

    def _check(self, index: int) -> None:
        if not 0 <= index < len(self.bits) * 8:
            raise Refused("bad-status", f"index {index} is not in a list of {len(self.bits) * 8}")

    def encoded(self) -> str:
        """Write it as the standard says: packed by GZIP, in multibase base64url. The same bits give the same text."""
        return "u" + base64.urlsafe_b64encode(gzip.compress(self.bits, mtime=0)).rstrip(b"=").decode()

    @classmethod
    def decode(cls, text: object) -> StatusList:
        """Read an encoded list within bounds; `Refused` (`bad-status`)."""
        if not isinstance(text, str) or len(text) > _MOST_TEXT or text[:1] != "u" or not text.isascii():
            raise Refused("bad-status", "encodedList is no multibase base64url of at most a million letters")
        try:
            raw = base64.b64decode(text[1:] + "=" * (-len(text[1:]) % 4), b"-_", validate=True)
            unpacked = _unpacked(raw)
        except (ValueError, zlib.error):
            raise Refused("bad-status", "encodedList is not what GZIP packs") from None
        if len(unpacked) * 8 < BITS:
            raise Refused("bad-status", f"the list has {len(unpacked) * 8} entries; the standard asks for at least {BITS}")
        return cls(unpacked)


def _unpacked(raw: bytes) -> bytes:
    reader = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    found = reader.decompress(raw, _MOST_BYTES + 1)
    if len(found) > _MOST_BYTES:
        raise Refused("bad-status", f"the list unpacks to more than {_MOST_BYTES:,} bytes")
    if not reader.eof or reader.unused_data:
        msg = "it ends too early or too late"
        raise ValueError(msg)
    return found


def entry(url: str, index: int) -> dict[str, Any]:
    """Write where a statement's status is to be found."""
    return {
        "id": f"{url}#{index}",
        "type": "BitstringStatusListEntry",
        "statusPurpose": "revocation",
        "statusListIndex": str(index),
        "statusListCredential": url,
    }


def status_credential(bits: StatusList, url: str, key: PrivateKey, issuer: Issuer, at: datetime) -> dict[str, Any]:
    """Sign a list as a credential of its own."""
    document = {
        "@context": [V2_CONTEXT],
        "id": url,
        "type": ["VerifiableCredential", "BitstringStatusListCredential"],
        "issuer": issuer.id,
        "validFrom": moment(at),
        "credentialSubject": {
            "id": f"{url}#list",
            "type": "BitstringStatusList",
            "statusPurpose": "revocation",
            "encodedList": bits.encoded(),
        },
    }
    return proven(document, key, issuer, at)


def index_of(document: Mapping[str, Any], listed: Mapping[str, Any]) -> int:
    """Find a statement's index in a list that is its own; `Refused` (`bad-status`) where the two do not belong together."""
    stated = document.get("credentialStatus")
    if not isinstance(stated, dict) or stated.get("type") != "BitstringStatusListEntry" or stated.get("statusPurpose") != "revocation":
        raise Refused("bad-status", "the statement names no list of revocations")
    if stated.get("statusListCredential") != listed.get("id"):
        raise Refused("bad-status", f"the statement's list is {ascii(stated.get('statusListCredential'))[:120]}, and this is another")
    number = stated.get("statusListIndex")
    if not isinstance(number, str) or not number.isascii() or not number.isdigit() or len(number) > 9:  # noqa: PLR2004  (more than a list holds)
        raise Refused("bad-status", "statusListIndex is not a number in a text")
    return int(number)


def bits_of(listed: Mapping[str, Any]) -> StatusList:
    """Read the bits of a list's credential; `Refused` (`bad-status`)."""
    subject, types = listed.get("credentialSubject"), listed.get("type")
    if not isinstance(subject, dict) or not isinstance(types, list) or "BitstringStatusListCredential" not in types:
        raise Refused("bad-status", "this is no credential of a status list")
    if subject.get("type") != "BitstringStatusList" or subject.get("statusPurpose") != "revocation":
        raise Refused("bad-status", "the list is not one of revocations")
    return StatusList.decode(subject.get("encodedList"))
