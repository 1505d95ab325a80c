"""Verifies COSE receipts (RFC 9942) with the library cwt, and the Merkle part by a reading of RFC 9162 of its own. Knows no Kybern.

Called with the log's public key (PEM); standard input has one receipt in hexadecimal digits a line. Writes a line for each: "holds" with
size and index, or "does not hold" with why.
"""

import hashlib
import sys
from pathlib import Path

import cbor2
from cwt import COSE, COSEKey

LEAF = -65801


def root_of(leaf: bytes, index: int, size: int, path: list[bytes]) -> bytes:
    """RFC 9162, section 2.1.3.2, step by step."""
    if index >= size:
        msg = "index beyond size"
        raise ValueError(msg)
    fn, sn = index, size - 1
    found = hashlib.sha256(b"\x00" + leaf).digest()
    for step in path:
        if sn == 0:
            msg = "path too long"
            raise ValueError(msg)
        if fn % 2 == 1 or fn == sn:
            found = hashlib.sha256(b"\x01" + step + found).digest()
            while fn % 2 == 0 and fn != 0:
                fn, sn = fn >> 1, sn >> 1
        else:
            found = hashlib.sha256(b"\x01" + found + step).digest()
        fn, sn = fn >> 1, sn >> 1
    if sn != 0:
        msg = "path too short"
        raise ValueError(msg)
    return found


def verify(receipt: bytes, key: COSEKey) -> str:
    protected, unprotected, payload, _ = cbor2.loads(receipt).value
    headers = cbor2.loads(protected)
    if payload is not None or headers[395] != 1:
        msg = "not a receipt with RFC9162_SHA256 and a detached payload"
        raise ValueError(msg)
    [proof] = unprotected[396][-1]
    size, index, path = cbor2.loads(proof)
    COSE.new().decode(receipt, keys=[key], detached_payload=root_of(unprotected[LEAF], index, size, path))
    return f"holds: {index} of {size}"


def main() -> None:
    pem = Path(sys.argv[1]).read_bytes()
    for line in sys.stdin:
        receipt = bytes.fromhex(line)
        try:
            kid = cbor2.loads(cbor2.loads(receipt).value[0])[4]
            verdict = verify(receipt, COSEKey.from_pem(pem, kid=kid))
        except Exception as error:  # noqa: BLE001 - a stranger's library may raise anything
            verdict = f"does not hold: {type(error).__name__} {error}".splitlines()[0]
        sys.stdout.write(f"{verdict}\n")


main()
