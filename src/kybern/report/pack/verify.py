"""Check an auditor's pack (kybern.pack/2, or /1) with the standard library and `cryptography` alone: no Kybern, no network, no account.

    python3 -P verify.py              checks the folder that this file lies in
    python3 -P verify.py audit.zip    checks a pack, as the archive or as the folder it was unpacked to
    --policy FILE                     the checkpoint must be cosigned as this C2SP tlog-policy asks, not as the one in the pack
    --json                            prints JSON instead of words, with every entry of the log

Exits 0 if all that was checked holds, 1 if something does not, 2 if this cannot be read as a pack. Needs Python 3.11 or newer,
and cryptography 42 or newer; where that has no ML-DSA it says that it cannot verify such cosignatures.
With -P Python imports nothing from the folder that is checked.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import stat
import struct
import sys
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

try:
    from cryptography import x509
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key
    from cryptography.x509.oid import ExtendedKeyUsageOID
except ImportError:
    sys.exit("verify.py needs the package cryptography: python3 -m pip install cryptography")
try:
    from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey
except ImportError:  # an older cryptography: cosignatures of this kind are said to be unverified
    MLDSA44PublicKey = None  # type: ignore[assignment,misc]

FORMAT: Final = "kybern.pack/2"
FIRST: Final = "kybern.pack/1"
"""The format before packs held the log; it is still read."""

MANIFEST: Final = "MANIFEST.json"
SUMS: Final = "SHA256SUMS"
ASSESSMENT: Final = "assessment.json"
KEYS: Final = "keys.json"
RECORDS: Final = "records.json"
REFUSED: Final = "refused.json"
DOCUMENTS: Final = "documents.json"
EVIDENCE: Final = "evidence/"
ERASURES: Final = "erasures/"
"""Receipts of erasures, as envelopes."""

PROOF: Final = "proof/"
"""What the log shows of the rest: its key, checkpoints, proofs, time-stamps, change sets."""

AS_OF: Final = f"{PROOF}as-of"
ABSENCE: Final = "absence.json"
SUFFIX: Final = ".dsse.json"
ALWAYS: Final = frozenset((ASSESSMENT, DOCUMENTS, KEYS, REFUSED, "README.txt", "verify.py"))
WITH_RECORDS: Final = frozenset((RECORDS, "kybern.yaml", "report.html"))
AT_TIMES: Final = frozenset(("keys.yaml",))
SINCE_2: Final = frozenset((ABSENCE, "authorities.yaml"))
"""Files that stand in packs from the second format on; the first of them goes with the records."""

_NUMBER: Final = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)
_INDEX: Final = re.compile(rf"index ({_NUMBER.pattern})", re.ASCII)
_EARLIER: Final = re.compile(rf"{PROOF}(?:as-of|(?:earlier|timestamp)/(?:{_NUMBER.pattern}))/(?:checkpoint|consistency)", re.ASCII)
_PROOF: Final = re.compile(
    rf"{_EARLIER.pattern}|{PROOF}(?:key|checkpoint|policy|witnesses|assessed|protected\.json|changes/[0-9a-f]{{64}}"
    rf"|entries/(?:{_NUMBER.pattern})\.tlog-proof|authorities/[a-z0-9-]{{1,40}}\.pem"
    rf"|timestamp/(?:{_NUMBER.pattern})/[a-z0-9-]{{1,40}}\.ts[qr])",
    re.ASCII,
)

MAX_BYTES: Final = 512 * 2**20
"""Bytes of a whole pack that are read."""
MAX_JSON: Final = 256 * 2**20
"""Bytes of one JSON file that are read."""
MAX_ENVELOPE: Final = 2**20
MAX_VALUES: Final = 10_000_000
"""Values of one JSON file that are read."""
MAX_FILES: Final = 65_000
MAX_NAME: Final = 400
MAX_SIGNATURES: Final = 16
MAX_DEPTH: Final = 64
MAX_NOTE: Final = 1 << 16
"""Bytes of a checkpoint, a time-stamp's request or its token that are read."""
MAX_PROOF: Final = 1 << 18
MAX_HASHES: Final = 63
MAX_POLICY: Final = 128
MAX_TOKENS: Final = 2_000
MAX_DER: Final = 200
MAX_CERTIFICATES: Final = 16
SHOWN: Final = 20
"""Faults told of one kind; more of them tell no more."""

HOLDS, FALLS_SHORT, UNREADABLE = 0, 1, 2

PAYLOAD_TYPE: Final = "application/vnd.in-toto+json"
STATEMENT: Final = "https://in-toto.io/Statement/v1"
LEVELS: Final = {"attestation": 1, "document": 2, "training": 2, "absence": 2, "approval": 3, "decision": 3}
TYPES: Final = frozenset((*LEVELS, "measurement", "test-run", "audit", "verification", "control-evidence"))
FOREIGN: Final = {
    "https://in-toto.io/attestation/test-result/v0.1": "test-run",
    "https://in-toto.io/attestation/svr/v0.1": "verification",
    "https://cyclonedx.org/bom": "document",
    "https://model_signing/signature/v1.0": "document",
}
"""Predicates of others, and the kind of evidence each is; topic and time stand beside them."""
CONTEXT: Final = "urn:kybern:evidence:v1"
BY_PERSON: Final = frozenset(("attestation", "approval", "decision", "audit"))
DOCUMENTED, MEASURED, VERIFIED = 2, 4, 5
CHANGE_SET: Final = "urn:kybern:predicate:change-set:v1"
ERASED: Final = "urn:kybern:predicate:erasure:v1"

HASH_BYTES: Final = 32
ED25519_SIGNS, ED25519_COSIGNS, ML_DSA_44 = 1, 4, 6
KEY_BYTES: Final = {ED25519_SIGNS: 32, ED25519_COSIGNS: 32, ML_DSA_44: 1312}
PRIME: Final = (1 << 255) - 19
SMALL_ORDER: Final = frozenset(
    (
        0,
        1,
        PRIME - 1,
        0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826,
        0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7,
    )
)
"""The second coordinates of the eight points under which anybody can forge Ed25519 signatures."""

LEAVES: Final = frozenset(
    (kind, frozenset(fields.split()))
    for kind, fields in (
        ("statement", "envelope statement"),
        ("statement", "commitment"),
        ("timestamp", "envelope statement"),
        ("record", "change digest ref"),
        ("record", "change commitment ref"),
        ("record", "change ref removed"),
        ("event", "digest"),
        ("event", "commitment"),
        ("erasure", "receipt"),
    )
)
"""Each type of leaf with the fields it has beside `at`, `seq`, `source`, `type` and `v`."""
_HEX: Final = re.compile("[0-9a-f]{64}")
_TEXTS: Final = {
    "at": re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z"),
    "source": re.compile(r"[!#-\[\]-~]{1,120}"),
    "ref": re.compile("[a-z_]{1,60}:[a-z0-9][a-z0-9._-]{0,119}"),
}

INTEGER, OCTETS, OID, TIME, SEQUENCE, SET, EXPLICIT, LONG_TAG = 0x02, 0x04, 0x06, 0x18, 0x30, 0x31, 0xA0, 0x1F
"""Tags of DER."""
OID_SIGNED: Final = "2a864886f70d010702"
OID_TIME: Final = "2a864886f70d0109100104"
OID_CONTENT: Final = "2a864886f70d010903"
OID_DIGEST: Final = "2a864886f70d010904"
OID_CERTIFICATE: Final = "2a864886f70d010910020c"
OID_CERTIFICATE_2: Final = "2a864886f70d010910022f"
DIGESTS: Final = {"608648016503040201": "sha256", "608648016503040202": "sha384", "608648016503040203": "sha512"}
SIGNATURES: Final = {
    "2a8648ce3d040302": "sha256",
    "2a8648ce3d040303": "sha384",
    "2a8648ce3d040304": "sha512",
    "2a864886f70d01010b": "sha256",
    "2a864886f70d01010c": "sha384",
    "2a864886f70d01010d": "sha512",
    "2a864886f70d010101": "",
    "2b6570": "",
}
"""Signatures that are verified here, with their digest; an empty one is that of the signer's line."""
NOT_READ: Final = (
    *(ValueError, TypeError, OverflowError, UnsupportedAlgorithm),
    *(x509.InvalidVersion, x509.DuplicateExtension, x509.ExtensionNotFound, x509.UnsupportedGeneralNameType),
)
"""What the reading of certificates raises."""


class NoPack(Exception):  # noqa: N818 - it says what is the matter
    """What was given cannot be read as a pack; the words say why."""

    def __init__(self, why: str) -> None:
        """Keep the words."""
        super().__init__(why)


class Refused(Exception):  # noqa: N818 - the field's word
    """An envelope that is no evidence; the words say why."""

    def __init__(self, why: str) -> None:
        """Keep the words."""
        super().__init__(why)


@dataclass
class Findings:
    """What a check comes to, in sentences."""

    held: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    noted: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    entries: list[dict[str, Any]] = field(default_factory=list)
    """Each piece of evidence that stands in the log: in which entry, and before and after which moments it did not come in."""

    def settle(self, faults: Sequence[str], held: str) -> bool:
        """Note the faults, or what holds if there are none; tell whether it holds."""
        self.failed += faults[:SHOWN]
        if len(faults) > SHOWN:
            self.failed.append(f"… and {len(faults) - SHOWN} more of this kind")
        if not faults:
            self.held.append(held)
        return not faults


# --- JSON: one reading only, and its canonical form ------------------------------------------------------------------------------


def read_json(data: bytes, what: str, most: int = MAX_JSON) -> Any:
    """Read JSON that two readers cannot read differently, within bounds; `NoPack` for anything else."""
    if len(data) > most:
        raise NoPack(why=f"{what} has {len(data):,} bytes; at most {most:,} are read")
    if sum(map(data.count, (b",", b"[", b"{"))) > MAX_VALUES:
        raise NoPack(why=f"{what} has more than {MAX_VALUES:,} values")
    try:
        value = json.loads(data.decode("utf-8"), object_pairs_hook=_object, parse_constant=_no_constant)
        if _deeper(value, MAX_DEPTH):
            raise NoPack(why=f"{what} is nested deeper than {MAX_DEPTH} levels")
    except (ValueError, RecursionError) as error:
        raise NoPack(why=f"{what} is not JSON with one reading: {shown(error)}") from None
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        msg = "a key stands twice in one object"
        raise ValueError(msg)
    return found


def _no_constant(name: str) -> Any:
    msg = f"{name} is no JSON number"
    raise ValueError(msg)


def _deeper(value: Any, depth: int) -> bool:
    if not isinstance(value, dict | list):
        return False
    return depth == 0 or any(_deeper(one, depth - 1) for one in (value.values() if isinstance(value, dict) else value))


def canonical(value: Any) -> bytes:
    """Write canonical JSON (RFC 8785); `ValueError` for what it cannot carry."""
    return "".join(_written(value)).encode("utf-8")


def _written(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield "{"
        for index, name in enumerate(sorted(value, key=lambda one: one.encode("utf-16-be"))):
            yield f"{',' if index else ''}{json.dumps(name, ensure_ascii=False)}:"
            yield from _written(value[name])
        yield "}"
    elif isinstance(value, list):
        yield "["
        for index, one in enumerate(value):
            yield "," if index else ""
            yield from _written(one)
        yield "]"
    elif isinstance(value, float):
        yield _number(value)
    elif isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 2**53:
        msg = "a whole number beyond 2**53"
        raise ValueError(msg)
    else:
        yield json.dumps(value, ensure_ascii=False)


def _number(value: float) -> str:
    """Write a number as ECMAScript does: the shortest digits that read back, plain from 1e-6 until before 1e21."""
    if value != value or value in (float("inf"), float("-inf")):  # noqa: PLR0124 - only NaN differs from itself
        msg = "a number that JSON does not have"
        raise ValueError(msg)
    if value == 0:
        return "0"
    mantissa, _, exponent = f"{abs(value)!r}".partition("e")
    whole, _, part = mantissa.partition(".")
    digits = (whole + part).lstrip("0")
    point = len(whole) + int(exponent or 0) - (len(whole + part) - len(digits))
    return ("-" if value < 0 else "") + _placed(digits.rstrip("0"), point)


def _placed(digits: str, point: int) -> str:
    """Set the decimal point after `point` of the digits."""
    if len(digits) <= point <= 21:  # noqa: PLR2004 - ECMAScript's bounds
        return digits + "0" * (point - len(digits))
    if 0 < point <= 21:  # noqa: PLR2004
        return f"{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:  # noqa: PLR2004
        return f"0.{'0' * -point}{digits}"
    power = point - 1
    return f"{digits[0]}{'.' if digits[1:] else ''}{digits[1:]}e{'+' if power > 0 else '-'}{abs(power)}"


def sha256(data: bytes) -> str:
    """Take the SHA-256 of bytes, in hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def shown(value: object) -> str:
    """Show foreign text: short, and nothing that could steer a terminal."""
    text = str(value)
    text = text if text.isprintable() else ascii(text)[1:-1]
    return text if len(text) <= 200 else f"{text[:197]}..."  # noqa: PLR2004 - two lines of a terminal


# --- The container: a ZIP archive in one form only, or a folder --------------------------------------------------------------------

_HEADER = struct.Struct("<HHHHHIIIHH")
_FIXED = (20, 0x800, 0, 0, 0x21)  # version 2.0, names in UTF-8, stored, 1980-01-01: nothing of a machine or a day


def check_name(name: str) -> None:
    """Raise `NoPack` for the name of a file that must not stand in a pack: it could lead elsewhere, or not be written everywhere."""
    parts = name.split("/")
    if not name or len(name) > MAX_NAME or not name.isprintable() or set(name) & set('\\:*?"<>|'):
        raise NoPack(why=f"a file has the name {shown(name)!r}, which no pack has")
    if any(part in ("", ".", "..") or part.endswith((".", " ")) for part in parts):
        raise NoPack(why=f"the name {shown(name)!r} leads elsewhere")


def check_names(names: Sequence[str]) -> None:
    """Raise `NoPack` for names that must not stand in a pack, alone or together."""
    if len(names) > MAX_FILES:
        raise NoPack(why=f"there are more than {MAX_FILES:,} files")
    for name in names:
        check_name(name)
    if len({name.casefold() for name in names}) != len(names):
        raise NoPack(why="two files have one name, or names that some systems hold for one")


def chunks(files: Mapping[str, bytes]) -> Iterator[bytes]:
    """Write files as a ZIP archive, in pieces: sorted, stored uncompressed, without times: the same files give the same bytes."""
    directory: list[bytes] = []
    offset = 0
    for name in sorted(files):
        raw, data = name.encode(), files[name]
        common = _HEADER.pack(*_FIXED, zlib.crc32(data), len(data), len(data), len(raw), 0)
        directory += (b"PK\1\2\x14\3", common, struct.pack("<HHHII", 0, 0, 0, 0o100644 << 16, offset), raw)
        yield b"PK\3\4" + common + raw
        yield data
        offset += 4 + _HEADER.size + len(raw) + len(data)
    end = b"".join(directory)
    yield end + b"PK\5\6" + struct.pack("<HHHHIIH", 0, 0, len(files), len(files), len(end), offset, 0)


def unzip(data: bytes) -> dict[str, bytes]:
    """Read the archive of a pack; `NoPack` unless it is, to the byte, what `chunks` makes of its files."""
    if len(data) > MAX_BYTES:
        raise NoPack(why=f"the archive has more than {MAX_BYTES // 2**20} MiB")
    files: dict[str, bytes] = {}
    at = 0
    while data[at : at + 4] == b"PK\3\4":
        name, content, at = _entry(data, at)
        check_name(name)
        if name in files:
            raise NoPack(why=f"the file {shown(name)} stands twice in the archive")
        files[name] = content
        if len(files) > MAX_FILES:
            break
    if not files:
        raise NoPack(why="this is neither a ZIP archive with files nor a folder")
    check_names(list(files))
    _same(data, files)
    return files


def _entry(data: bytes, at: int) -> tuple[str, bytes, int]:
    """Read one file of the archive: its name, its content, where the next begins."""
    start = at + 4 + _HEADER.size
    if start > len(data):
        raise NoPack(why="the archive is cut off")
    _, flags, method, _, _, _, stored, size, of_name, of_more = _HEADER.unpack_from(data, at + 4)
    try:
        name = data[start : start + of_name].decode("utf-8")
    except UnicodeDecodeError:
        raise NoPack(why="a file's name is not UTF-8") from None
    if method or stored != size or flags & ~0x800:
        raise NoPack(why=f"{shown(name)} is compressed, encrypted or written in pieces; a pack's files are stored as they are")
    end = start + of_name + of_more + size
    if end > len(data):
        raise NoPack(why=f"the archive is cut off within {shown(name)}")
    return name, data[start + of_name + of_more : end], end


def _same(data: bytes, files: Mapping[str, bytes]) -> None:
    at = 0
    for chunk in chunks(files):
        if not data.startswith(chunk, at):
            raise NoPack(why="the archive holds more than its files: a link, a comment, other times or sums, hidden data, or changed bytes")
        at += len(chunk)
    if at != len(data):
        raise NoPack(why="something stands behind the archive's end")


def read_pack(path: Path) -> dict[str, bytes]:
    """Read a pack, the archive or the folder, as its files by name; `NoPack` if that cannot be done safely."""
    try:
        if path.is_dir():
            return _folder(path)
        if not stat.S_ISREG(path.stat().st_mode):
            raise NoPack(why=f"{shown(path)} is neither a file nor a folder")
        with path.open("rb") as file:
            return unzip(file.read(MAX_BYTES + 1))
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise NoPack(why=f"{shown(path)} cannot be read: {why}") from None


def _folder(root: Path) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    room = MAX_BYTES
    for path in _walk(root):
        with path.open("rb") as file:
            data = file.read(room + 1)
        files[path.relative_to(root).as_posix()] = data
        room -= len(data)
        if room < 0 or len(files) > MAX_FILES:
            raise NoPack(why=f"the folder has more than {MAX_BYTES // 2**20} MiB or {MAX_FILES:,} files")
    check_names(list(files))
    return files


def _walk(root: Path) -> Iterator[Path]:
    for here, folders, names in os.walk(root):
        for name in (*folders, *names):
            path = Path(here, name)
            if path.is_symlink() or not (path.is_dir() or stat.S_ISREG(path.stat().st_mode)):
                raise NoPack(why=f"{shown(path.relative_to(root).as_posix())} is a link or no ordinary file")
        yield from (Path(here, name) for name in names)


# --- The manifest ------------------------------------------------------------------------------------------------------------------


def need(holds: object, what: str) -> None:
    """Raise `NoPack` unless it holds."""
    if not holds:
        raise NoPack(why=what)


def manifest_of(files: Mapping[str, bytes]) -> dict[str, Any]:
    """Read the manifest; `NoPack` if there is none or it is not one of this format."""
    need(MANIFEST in files, f"there is no {MANIFEST}: this is no auditor's pack")
    found: dict[str, Any] = read_json(files[MANIFEST], MANIFEST)
    need(isinstance(found, dict), f"{MANIFEST} is not a JSON object")
    form = found.get("format")
    need(form in (FIRST, FORMAT), f"{MANIFEST} names the format {shown(form)}; this verifier reads {FIRST} and {FORMAT}")
    names = {"as_of", "digests", "files", "format", "frameworks", "kybern", "organization"}
    need(set(found) == names, f"{MANIFEST} does not have the fields {', '.join(sorted(names))}")
    for name in ("as_of", "kybern", "organization"):
        need(isinstance(found[name], str), f"{MANIFEST}: {name} is not a text")
    need(
        isinstance(found["frameworks"], list) and all(isinstance(one, str) for one in found["frameworks"]), "frameworks is no list of names"
    )
    need(isinstance(found["files"], list) and all(map(_is_entry, found["files"])), f"{MANIFEST}: files is no list of path, sha256 and size")
    paths = [one["path"] for one in found["files"]]
    check_names(paths)
    need(paths == sorted(set(paths)), f"{MANIFEST}: files are not in the order of their names, each once")
    return found


def _is_entry(value: object) -> bool:
    return (
        isinstance(value, dict)
        and set(value) == {"path", "sha256", "size"}
        and isinstance(value["path"], str)
        and isinstance(value["sha256"], str)
        and value["sha256"].isalnum()
        and value["sha256"].isascii()
        and type(value["size"]) is int
    )


def sums(manifest: bytes, entries: Sequence[Mapping[str, Any]]) -> bytes:
    """Write `SHA256SUMS` as `sha256sum -c` reads it: the manifest's line first."""
    lines = [(sha256(manifest), MANIFEST), *((one["sha256"], one["path"]) for one in entries)]
    return "".join(f"{digest}  {name}\n" for digest, name in lines).encode()


def check_files(files: Mapping[str, bytes], manifest: Mapping[str, Any], found: Findings) -> bool:
    """Hold every file against the manifest."""
    listed = {one["path"]: one for one in manifest["files"]}
    there = set(files) - {MANIFEST, SUMS}
    faults = [f"{shown(name)} is listed in {MANIFEST} and is not here" for name in sorted(set(listed) - there)]
    faults += [f"{shown(name)} is here and is not listed in {MANIFEST}" for name in sorted(there - set(listed))]
    for name in sorted(there & set(listed)):
        if (sha256(files[name]), len(files[name])) != (listed[name]["sha256"], listed[name]["size"]):
            faults.append(f"{shown(name)} is not the file that {MANIFEST} names: it was changed")
    if files.get(SUMS) != sums(files[MANIFEST], manifest["files"]):
        faults.append(f"{SUMS} does not fit {MANIFEST}")
    with_records = RECORDS in listed
    wanted = ALWAYS | (WITH_RECORDS if with_records else frozenset())
    first = manifest["format"] == FIRST
    faults += [f"{name} is missing, which every such pack has" for name in sorted(_wanted(wanted, first=first) - set(listed))]
    there_too = wanted | AT_TIMES | (frozenset() if first else SINCE_2)
    odd = (name for name in listed if name not in there_too and not _in_folder(name, with_records=with_records, first=first))
    faults += [f"{shown(name)} is no part of a pack in the format {manifest['format']}" for name in sorted(odd)]
    return found.settle(faults, f"All {len(there)} files are those that {MANIFEST} names, and there is no other.")


def _wanted(names: frozenset[str], *, first: bool) -> frozenset[str]:
    """Add what packs have since the second format."""
    return names | {ABSENCE} if not first and RECORDS in names else names


def _in_folder(name: str, *, with_records: bool, first: bool) -> bool:
    return (
        (name.startswith(ERASURES) and (first or name.endswith(SUFFIX)))
        or (not first and _PROOF.fullmatch(name) is not None)
        or (name.startswith(EVIDENCE) and name.endswith(SUFFIX))
        or (with_records and name.startswith(("records/", "catalogs/")))
    )


# --- Keys --------------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Key:
    """A public key of the pack: whose it is said to be, and from when until when its signatures count."""

    keyid: str
    name: str
    holder: str
    kind: str
    public: Ed25519PublicKey | ec.EllipticCurvePublicKey
    valid_from: datetime
    valid_until: datetime | None
    revoked_on: datetime | None

    def standing(self, at: datetime) -> str:
        """Say how the key stood at a moment: valid from `valid_from` until before `valid_until`, and not from its revocation on."""
        if self.revoked_on is not None and self.revoked_on <= at:
            return "revoked"
        if at < self.valid_from:
            return "not valid yet"
        return "expired" if self.valid_until is not None and self.valid_until <= at else "valid"

    def may_countersign(self, at: datetime) -> bool:
        """Say whether a second signature counts: an auditor's, never revoked, not ended before the evidence was observed."""
        return self.kind == "auditor" and self.revoked_on is None and (self.valid_until is None or at < self.valid_until)

    @property
    def words(self) -> str:
        """The key in words, the whole of its id first."""
        until = f" until {self.valid_until}" if self.valid_until else ""
        revoked = f", revoked since {self.revoked_on}" if self.revoked_on else ""
        return shown(f"{self.keyid}: {self.kind} key of {self.holder}, valid from {self.valid_from}{until}{revoked}, called {self.name}")


def moment(text: object) -> datetime:
    """Read a moment with its time zone, in UTC; `ValueError` for anything else."""
    found = datetime.fromisoformat(text) if isinstance(text, str) else None
    if found is None or found.tzinfo is None:
        msg = f"{shown(text)} is no moment with a time zone"
        raise ValueError(msg)
    try:
        return found.astimezone(UTC)
    except OverflowError as error:
        raise ValueError(str(error)) from None


def read_keys(data: bytes) -> dict[str, Key]:
    """Read the public keys by id; `NoPack` for what is none, an id that is not its key's too."""
    value = read_json(data, KEYS)
    listed = value.get("keys") if isinstance(value, dict) else None
    need(isinstance(listed, list), f"{KEYS} has no list of keys")
    found: dict[str, Key] = {}
    for one in listed or ():
        try:
            key = _key(one)
        except (ValueError, TypeError, KeyError, AttributeError, UnsupportedAlgorithm) as error:
            raise NoPack(why=f"{KEYS} holds a key that cannot be read: {shown(error)}") from None
        need(key.keyid not in found, f"{KEYS} names the key {shown(key.keyid)} twice")
        found[key.keyid] = key
    return found


def _key(value: Mapping[str, Any]) -> Key:
    texts = [value[name] for name in ("keyid", "name", "holder", "kind")]
    if not all(isinstance(text, str) for text in texts):
        msg = "its names are not texts"
        raise TypeError(msg)
    public = load_pem_public_key(value["public_key"].encode())
    if not isinstance(public, Ed25519PublicKey | ec.EllipticCurvePublicKey) or keyid_of(public) != value["keyid"]:
        msg = f"the id {shown(value['keyid'])} is not that of its public key"
        raise ValueError(msg)
    until, revoked = (moment(value[name]) if value.get(name) is not None else None for name in ("valid_until", "revoked_on"))
    keyid, name, holder, kind = texts
    return Key(keyid, name, holder, kind, public, moment(value["valid_from"]), until, revoked)


def keyid_of(public: Ed25519PublicKey | ec.EllipticCurvePublicKey) -> str:
    """Compute a key's id as securesystemslib does; `ValueError` for another curve than P-256."""
    if isinstance(public, Ed25519PublicKey):
        raw = public.public_bytes(Encoding.Raw, PublicFormat.Raw).hex()
        return sha256(canonical({"keytype": "ed25519", "keyval": {"public": raw}, "scheme": "ed25519"}))
    if not isinstance(public.curve, ec.SECP256R1):
        msg = "its key is on another curve than P-256"
        raise ValueError(msg)  # noqa: TRY004 - the content is wrong, not the caller's type
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    # The library hashes an older canonical JSON, in which line ends stand as they are.
    return sha256(f'{{"keytype":"ecdsa","keyval":{{"public":"{pem}"}},"scheme":"ecdsa-sha2-nistp256"}}'.encode())


# --- Evidence ----------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Piece:
    """A piece of evidence whose signatures hold: `id` is the SHA-256 of the signed bytes, `subjects` the digest of each record named."""

    id: str
    kind: str
    subjects: Mapping[str, str]
    predicate: Mapping[str, Any]
    strength: int


def judge(data: bytes, keys: Mapping[str, Key]) -> Piece:
    """Verify an envelope; `Refused` with the reason.

    Every signature in the name of a key of the pack must hold (Ed25519, or ECDSA on P-256 with SHA-256, over the pre-authentication
    encoding of DSSE). Those of keys that were not valid when it was observed count for nothing; at least one must count. A person's
    act needs that person's key.
    """
    try:
        envelope = read_json(data, "the envelope", MAX_ENVELOPE)
        payload, signatures = _opened(envelope)
        statement = read_json(payload, "the statement")
        kind, subjects, predicate = _stated(statement)
        observed_at = moment(predicate.get("observed_at"))
    except (NoPack, ValueError) as error:
        raise Refused(why=str(error)) from None
    signed = [key for keyid, signature in signatures.items() if (key := _signer(keyid, signature, payload, keys))]
    in_force = [key for key in signed if key.standing(observed_at) == "valid"]
    if not in_force:
        why = ", ".join(f"{key.name} was {key.standing(observed_at)} at {observed_at}" for key in signed)
        raise Refused(why=why or "no key of the pack signed it")
    by = predicate.get("by") if kind in BY_PERSON else None
    if kind in BY_PERSON and not any(key.holder == by and key.kind in ("person", "auditor") for key in in_force):
        raise Refused(why=f"it is by {shown(by)}, who did not sign it with a key of their own")
    seconds = [key for key in signed if key.may_countersign(observed_at) and key.holder != by]
    return Piece(sha256(payload), kind, subjects, predicate, strength(kind, in_force, seconds, by))


def _opened(envelope: Any) -> tuple[bytes, dict[str, bytes]]:
    """Take an envelope apart: what is signed, and the signatures by key id."""
    need(isinstance(envelope, dict) and envelope.get("payloadType") == PAYLOAD_TYPE, "it is no DSSE envelope of an in-toto statement")
    listed = envelope.get("signatures")
    need(isinstance(listed, list) and 0 < len(listed) <= MAX_SIGNATURES, f"it does not have one to {MAX_SIGNATURES} signatures")
    found: dict[str, bytes] = {}
    for one in listed:
        need(isinstance(one, dict) and isinstance(one.get("keyid"), str), "a signature names no key")
        need(one["keyid"] not in found, "one key signs twice")
        found[one["keyid"]] = _decoded(one.get("sig"))
    return _decoded(envelope.get("payload")), found


def _decoded(value: object) -> bytes:
    """Read base64 in its canonical form, of either alphabet."""
    for others in (b"+/", b"-_"):
        if isinstance(value, str) and value.isascii():
            try:
                raw = base64.b64decode(value, others, validate=True)
            except ValueError:
                continue
            if base64.b64encode(raw, others) == value.encode():
                return raw
    raise NoPack(why="a part of it is not base64")


def _stated(statement: Any) -> tuple[str, dict[str, str], dict[str, Any]]:
    """Read a statement: its kind, the records it is about with their digests, what it says."""
    need(isinstance(statement, dict) and statement.get("_type") == STATEMENT, "it is no in-toto statement")
    uri, predicate, listed = (statement.get(name) for name in ("predicateType", "predicate", "subject"))
    uri = uri if isinstance(uri, str) else ""
    kind = FOREIGN.get(uri) or uri.removeprefix("urn:kybern:predicate:").removesuffix(":v1")
    need(kind in TYPES and (uri in FOREIGN or uri == f"urn:kybern:predicate:{kind}:v1"), "its type is none that is read here")
    need(isinstance(predicate, dict), "it says nothing: predicate is no object")
    predicate = statement.get(CONTEXT) if uri in FOREIGN else predicate
    need(isinstance(predicate, dict), "it says nothing: predicate is no object")
    need(isinstance(listed, list) and listed, "it is about nothing")
    found: dict[str, str] = {}
    for one in listed or ():
        name, digest = _subject(one)
        need(name not in found, "it names one subject twice")
        found[name] = digest
    return kind, found, dict(predicate or {})


def _subject(value: Any) -> tuple[str, str]:
    need(isinstance(value, dict) and isinstance(value.get("digest"), dict), "a subject has no digest")
    name, digest = value.get("name"), value["digest"].get("sha256")
    need(isinstance(name, str) and isinstance(digest, str), "a subject is no record in a version")
    return name, digest


def _signer(keyid: str, signature: bytes, payload: bytes, keys: Mapping[str, Key]) -> Key | None:
    """Give the key that made a signature, None for a key the pack does not have; `Refused` if the signature does not hold."""
    key = keys.get(keyid)
    if key is None:
        return None
    kind = PAYLOAD_TYPE.encode()
    signed = b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)
    try:
        if isinstance(key.public, Ed25519PublicKey):
            key.public.verify(signature, signed)
        else:
            key.public.verify(signature, signed, ec.ECDSA(SHA256()))
    except InvalidSignature:
        raise Refused(why=f"the signature of {key.name} does not hold: the content was changed, or another key signed it") from None
    return key


def strength(kind: str, keys: Sequence[Key], seconds: Sequence[Key], author: object) -> int:
    """Compute the strength, 1 to 5, from the kind of statement and who signed."""
    in_other_role = {key.holder for key in keys if key.kind != "auditor"}
    if any(key.holder not in in_other_role and any(first.holder != key.holder for first in keys) for key in seconds):
        return VERIFIED
    if kind == "audit":
        return VERIFIED if any(key.kind == "auditor" and key.holder == author for key in keys) else DOCUMENTED
    return LEVELS.get(kind) or (MEASURED if any(key.kind in ("pipeline", "tool") for key in keys) else DOCUMENTED)


def check_evidence(files: Mapping[str, bytes], keys: Mapping[str, Key], found: Findings) -> dict[str, Piece]:
    """Verify every envelope."""
    pieces: dict[str, Piece] = {}
    faults: list[str] = []
    names = [name for name in sorted(files) if name.startswith(EVIDENCE)]
    for name in names:
        try:
            piece = judge(files[name], keys)
        except Refused as refused:
            faults.append(f"{shown(name)}: {shown(refused)}")
            continue
        pieces[piece.id] = piece
        if name != f"{EVIDENCE}{piece.id}{SUFFIX}":
            faults.append(f"{shown(name)} does not have the name of what it holds, {piece.id}")
    found.settle(faults, f"The evidence (pieces: {len(names)}) is signed as it should be, by keys that were valid when it was observed.")
    return pieces


# --- What the rest of the pack says of the evidence --------------------------------------------------------------------------------


def documents(pieces: Mapping[str, Piece]) -> list[dict[str, Any]]:
    """List the documents whose digests stand in the evidence, as `documents.json` has them."""
    return [
        {
            "about": sorted(piece.subjects),
            "evidence": identity,
            "path": piece.predicate.get("path"),
            "sha256": piece.predicate.get("sha256"),
            "title": piece.predicate.get("title"),
        }
        for identity, piece in sorted(pieces.items())
        if piece.kind == "document"
    ]


def check_documents(data: bytes, pieces: Mapping[str, Piece], found: Findings) -> None:
    """Hold the list of documents against the evidence."""
    listed = documents(pieces)
    fault = [] if read_json(data, DOCUMENTS) == listed else [f"{DOCUMENTS} is not what the evidence says of documents"]
    found.settle(fault, f"{DOCUMENTS} lists the documents of which the evidence has a digest ({len(listed)}), and no other.")


def check_records(data: bytes, named: object, pieces: Mapping[str, Piece], found: Findings) -> None:
    """Compute the digest of each record, and compare what the evidence is about."""
    value = read_json(data, RECORDS)
    need(isinstance(value, dict) and all(isinstance(one, dict) for one in value.values()), f"{RECORDS} is no object of records by name")
    try:
        need(canonical(value) == data, f"{RECORDS} is not canonical JSON")
        digests = {ref: sha256(canonical(content)) for ref, content in value.items()}
        whole = sha256(canonical(digests))
    except (ValueError, RecursionError) as error:
        raise NoPack(why=f"{RECORDS} is not canonical JSON: {shown(error)}") from None
    faults = [] if whole == named else [f"{RECORDS} does not have the digest that the assessment names"]
    wrong = [ref for ref, content in value.items() if ref != f"{content.get('kind')}:{content.get('id')}"]
    faults += [f"{RECORDS}: {shown(ref)} is not the name of the record under it" for ref in wrong]
    found.settle(faults, f"The records ({len(digests)}) are those the assessment names, by their digests.")
    about = [(piece.id, ref, digest) for piece in pieces.values() for ref, digest in piece.subjects.items()]
    now = sum(digests.get(ref) == digest for _, ref, digest in about)
    gone = sum(ref not in digests for _, ref, _ in about)
    found.noted.append(
        f"Versions of records that the evidence is about: {now} that are here, "
        f"{len(about) - now - gone} earlier or other ones of records that are here, {gone} of records that are not here."
    )


def check_assessment(files: Mapping[str, bytes], manifest: Mapping[str, Any], pieces: Mapping[str, Piece], found: Findings) -> None:
    """Hold the assessment against the manifest, the evidence and the list of what was refused."""
    stated = read_json(files[ASSESSMENT], ASSESSMENT)
    need(
        isinstance(stated, dict) and stated.get("format") == "kybern.assessment/1", f"{ASSESSMENT} is not in the format kybern.assessment/1"
    )
    need(isinstance(stated.get("refused"), list), f"{ASSESSMENT} does not say what was refused")
    digests = stated.get("digests")
    need(isinstance(digests, dict) and {"catalog", "evidence", "records"} == set(digests), f"{ASSESSMENT} does not name its inputs")
    names = ("as_of", "digests", "frameworks", "organization")
    faults = [f"{ASSESSMENT} and {MANIFEST} differ in {name}" for name in names if stated.get(name) != manifest[name]]
    if read_json(files[REFUSED], REFUSED) != stated["refused"]:
        faults.append(f"{REFUSED} and {ASSESSMENT} do not list the same refused evidence")
    if sha256(canonical(sorted([one.id, one.strength] for one in pieces.values()))) != digests["evidence"]:
        faults.append("the evidence that is here and verifies is not what the assessment was computed from: pieces were left out or added")
    named = set(_reasons(stated))
    faults += [
        f"the assessment gives {shown(one)} as a reason, which is not here or does not verify" for one in sorted(named - set(pieces))
    ]
    found.settle(
        faults, f"The assessment was computed from exactly this evidence; every piece it gives as a reason ({len(named)}) is here."
    )
    if stated["refused"]:
        found.noted.append(f"Evidence that was refused and is not in the pack: {len(stated['refused'])}. See {REFUSED}.")


def check_absence(data: bytes, found: Findings) -> None:
    """Read what was due and did not come."""
    stated = read_json(data, ABSENCE)
    findings, numbers = (stated.get(name) for name in ("findings", "numbers")) if isinstance(stated, dict) else (None, None)
    listed = _objects(findings, "findings", ABSENCE)
    need(isinstance(numbers, dict) and all(map(_are_runs, numbers.values())), f"{ABSENCE}: numbers are no runs of numbers by source")
    counts = {kind: sum(one.get("kind") == kind for one in listed) for kind in ("overdue", "never", "silent", "missing")}
    said = ", ".join(f"{count} {kind}" for kind, count in counts.items() if count)
    found.noted.append(f"What was due and did not come: {len(listed)}{f' ({said})' if said else ''}. See {ABSENCE}.")


def _are_runs(value: object) -> bool:
    if not isinstance(value, list) or not all(isinstance(one, list) and len(one) == 2 for one in value):  # noqa: PLR2004 - first and last
        return False
    flat = [number for one in value for number in one]
    return all(type(number) is int and 0 < number < 1 << 53 for number in flat) and flat == sorted(flat)


def _reasons(stated: Mapping[str, Any]) -> Iterator[str]:
    """Go through the ids of evidence that the assessment gives as reasons."""
    for row in _objects(stated.get("requirements"), "requirements"):
        for reason in _objects(row.get("reasons"), "reasons"):
            listed = reason.get("evidence", [])
            need(isinstance(listed, list) and all(isinstance(one, str) for one in listed), f"{ASSESSMENT}: evidence is no list of ids")
            yield from listed


def _objects(value: object, what: str, file: str = ASSESSMENT) -> list[dict[str, Any]]:
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise NoPack(why=f"{file}: {what} is no list of objects")
    return value


# --- The log: trees, notes, entries ------------------------------------------------------------------------------------------------


def _lines(data: bytes, what: str, most: int) -> list[str]:
    """Read lines of text, each ended; `Refused` beyond the bound or for what is no text."""
    try:
        text = data.decode() if len(data) <= most else ""
    except UnicodeDecodeError:
        text = ""
    if not text.endswith("\n") or any(sign < " " and sign != "\n" for sign in text):
        raise Refused(why=f"it is no {what}: not lines of text within {most:,} bytes")
    return text[:-1].split("\n")


def _base64(text: str) -> bytes:
    """Read base64 in its one form; `Refused` for anything else or nothing."""
    try:
        raw = base64.b64decode(text, validate=True)
    except ValueError:
        raw = b""
    if not raw or base64.b64encode(raw).decode() != text:
        raise Refused(why="a part of it is not base64")
    return raw


def _hashes(lines: Sequence[str]) -> list[bytes]:
    found = [_base64(line) for line in lines]
    if len(found) > MAX_HASHES or any(len(one) != HASH_BYTES for one in found):
        raise Refused(why=f"it has more than {MAX_HASHES} hashes, or one that is not of {HASH_BYTES} bytes")
    return found


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\1" + left + right).digest()


def includes(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Tell whether the proof leads from a leaf to the root of the tree (RFC 9162, 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    position, last, found = index, size - 1, hashlib.sha256(b"\0" + leaf).digest()
    for step in proof:
        if last == 0:
            return False
        if position & 1 or position == last:
            found = _node(step, found)
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            found = _node(found, step)
        position, last = position >> 1, last >> 1
    return last == 0 and found == root


def extends(old: int, new: int, roots: tuple[bytes, bytes], proof: Sequence[bytes]) -> bool:
    """Tell whether the proof shows that the new tree begins with the old one (RFC 9162, 2.1.4.2); every tree begins with the empty one."""
    if old in {0, new}:
        return not proof and (roots[0] == roots[1] if old == new else roots[0] == hashlib.sha256(b"").digest())
    if not 0 < old < new or not proof:
        return False
    steps = [roots[0], *proof] if old & (old - 1) == 0 else list(proof)
    position, last = old - 1, new - 1
    while position & 1:
        position, last = position >> 1, last >> 1
    one = other = steps[0]
    for step in steps[1:]:
        if last == 0:
            return False
        if position & 1 or position == last:
            one, other = _node(step, one), _node(step, other)
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            other = _node(other, step)
        position, last = position >> 1, last >> 1
    return last == 0 and (one, other) == roots


@dataclass(frozen=True)
class NoteKey:
    """A key that signs or cosigns checkpoints, as C2SP writes it: `name+hash+base64`."""

    name: str
    kind: int
    public: bytes

    @property
    def id(self) -> bytes:
        """The four bytes before its signatures."""
        return hashlib.sha256(self.name.encode() + b"\n" + bytes([self.kind]) + self.public).digest()[:4]

    def signed(self, signature: bytes, message: bytes) -> bool | None:
        """Tell whether this is its signature; None where the installed cryptography cannot tell."""
        try:
            if self.kind == ML_DSA_44:
                if MLDSA44PublicKey is None:
                    return None
                MLDSA44PublicKey.from_public_bytes(self.public).verify(signature, message)
            else:
                Ed25519PublicKey.from_public_bytes(self.public).verify(signature, message)
        except UnsupportedAlgorithm:
            return None
        except (InvalidSignature, ValueError):
            return False
        return True


def note_key(text: str, *kinds: int) -> NoteKey:
    """Read a key of one of these kinds; `Refused` for anything else, and for a key under which anybody can sign."""
    name, _, rest = text.partition("+")
    digits, _, encoded = rest.partition("+")
    raw = _base64(encoded)
    found = NoteKey(name, raw[0], raw[1:])
    if not _is_name(name) or found.kind not in kinds or len(found.public) != KEY_BYTES[found.kind] or found.id.hex() != digits:
        raise Refused(why=f"{shown(text)} is no such key: not name+hash+base64, another kind, or the hash is not its own")
    second = int.from_bytes(found.public, "little") & ((1 << 255) - 1)
    if found.kind != ML_DSA_44 and (second >= PRIME or second in SMALL_ORDER):
        raise Refused(why=f"anybody can sign under the key {shown(name)}")
    return found


def _is_name(name: str) -> bool:
    return 0 < len(name) <= 200 and "+" not in name and not any(sign.isspace() or sign < " " for sign in name)  # noqa: PLR2004 - a bound


@dataclass(frozen=True)
class Checkpoint:
    """What a log says of itself, and the signatures below it: name, id, bytes."""

    origin: str
    size: int
    root: bytes
    text: bytes
    signatures: tuple[tuple[str, bytes, bytes], ...]


def read_note(data: bytes, key: NoteKey) -> Checkpoint:
    """Open a checkpoint that the log's key signed, once; `Refused` for anything else."""
    lines = _lines(data, "signed note", MAX_NOTE)
    between = len(lines) - 1 - lines[::-1].index("") if "" in lines else 0
    text, signatures = lines[:between], tuple(_signature(line) for line in lines[between + 1 :])
    if len(text) < 3 or "" in text or not 0 < len(signatures) <= 32 or not _NUMBER.fullmatch(text[1]):  # noqa: PLR2004 - origin, size, root
        raise Refused(why="it is no checkpoint: origin, size, root, an empty line and signatures")
    root = _base64(text[2])
    found = Checkpoint(text[0], int(text[1]), root, "".join(f"{line}\n" for line in text).encode(), signatures)
    mine = [raw for name, identity, raw in signatures if (name, identity) == (key.name, key.id)]
    if len(mine) != 1 or not key.signed(mine[0], found.text):
        raise Refused(why=f"the log's key {shown(key.name)} did not sign it, or it was changed after signing")
    if found.origin != key.name or len(root) != HASH_BYTES or found.size >= 1 << 63:
        raise Refused(why=f"it is a checkpoint of another log, {shown(found.origin)}, or of a size that no log has")
    return found


def _signature(line: str) -> tuple[str, bytes, bytes]:
    parts = line.split(" ")
    raw = _base64(parts[2]) if len(parts) == 3 and parts[0] == "\u2014" and _is_name(parts[1]) else b""  # noqa: PLR2004 - dash, name, bytes
    if len(raw) <= 4:  # noqa: PLR2004 - the key's id
        raise Refused(why="a line of signatures is not a dash, a name and base64")
    return parts[1], raw[:4], raw[4:]


@dataclass(frozen=True)
class Leaf:
    """An entry of the log: its index, its fields, and when the log says that it came in."""

    index: int
    said: Mapping[str, Any]
    at: datetime

    def get(self, name: str) -> str:
        """Give a text of it, empty if it has none of that name."""
        return str(self.said.get(name, ""))


def read_leaf(data: bytes, index: int) -> Leaf:
    """Read a leaf: canonical JSON of one of the forms, and nothing else; `Refused`."""
    try:
        said = read_json(data, "the leaf", 1 << 16)
        fits = isinstance(said, dict) and canonical(said) == data and _fits(said)
        at = moment(said["at"]) if fits else datetime.min.replace(tzinfo=UTC)
    except (NoPack, ValueError, RecursionError):
        fits = False
    if not fits:
        raise Refused(why="its leaf is of no form that a log of Kybern has")
    return Leaf(index, said, at)


def _fits(said: Mapping[str, Any]) -> bool:
    rest = frozenset(said) - {"at", "seq", "source", "type", "v"}
    if len(said) - len(rest) != 5 or (said["type"], rest) not in LEAVES or (said["v"], type(said["v"])) != (1, int):  # noqa: PLR2004
        return False
    texts = all(isinstance(said[name], str) and _TEXTS.get(name, _HEX).fullmatch(said[name]) for name in rest - {"removed"})
    named = all(isinstance(said[name], str) and _TEXTS[name].fullmatch(said[name]) for name in ("at", "source"))
    return texts and named and said.get("removed", True) is True and type(said["seq"]) is int and 0 < said["seq"] < 1 << 53


@dataclass(frozen=True)
class Proof:
    """A proof as it stands in a `.tlog-proof`, with the leaf as its extra data."""

    index: int
    leaf: bytes
    hashes: list[bytes]
    checkpoint: bytes


def read_proof(data: bytes) -> Proof:
    """Read a `.tlog-proof`; `Refused` for anything else."""
    head, _, checkpoint = data[: MAX_PROOF + 1].partition(b"\n\n")
    lines = _lines(head + b"\n", "proof", MAX_PROOF)
    named = _INDEX.fullmatch(lines[2]) if len(lines) > 2 else None  # noqa: PLR2004 - head, leaf, index
    if len(data) > MAX_PROOF or lines[0] != "c2sp.org/tlog-proof@v1" or not lines[1].startswith("extra ") or named is None:
        raise Refused(why="it is no proof of the form c2sp.org/tlog-proof@v1 with its leaf")
    return Proof(int(named[1]), _base64(lines[1].removeprefix("extra ")), _hashes(lines[3:]), checkpoint)


# --- Witnesses ---------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Policy:
    """Which witnesses must have cosigned: C2SP's tlog-policy."""

    logs: tuple[NoteKey, ...]
    witnesses: Mapping[str, NoteKey]
    groups: Mapping[str, tuple[int, tuple[str, ...]]]
    quorum: str

    def reached(self, names: Sequence[str]) -> bool:
        """Tell whether these witnesses are enough."""
        held = set(names)
        for name, (least, members) in self.groups.items():  # each is named after its members
            if sum(member in held for member in members) >= least:
                held.add(name)
        return self.quorum in held


def read_policy(data: bytes, *, only_witnesses: bool = False) -> Policy:
    """Read a policy, or a list of witnesses; `Refused` for what is none, asks nobody or cannot be reached."""
    logs: list[NoteKey] = []
    witnesses: dict[str, NoteKey] = {}
    groups: dict[str, tuple[int, tuple[str, ...]]] = {}
    quorum, members = "", set[str]()
    for number, line in enumerate(_lines(data, "policy", 1 << 18), 1):
        kind, *rest = line.split() or ["#"]
        known = {*witnesses, *groups}
        fresh = len(rest) > 1 and rest[0] not in known and rest[0] != "none" and len(known) < MAX_POLICY
        if kind.startswith("#"):
            continue
        if kind == "witness" and fresh and len(rest) <= 3:  # noqa: PLR2004 - name, key, address
            witnesses[rest[0]] = note_key(rest[1], ED25519_COSIGNS, ML_DSA_44)
        elif only_witnesses:
            raise Refused(why=f"line {number} is not of the form `witness NAME KEY URL`")
        elif kind == "log" and 0 < len(rest) <= 2 and len(logs) < MAX_POLICY:  # noqa: PLR2004 - key, address
            logs.append(note_key(rest[0], ED25519_SIGNS))
        elif kind == "group" and fresh and len(rest) > 2 and set(rest[2:]) <= known - members and len(set(rest[2:])) == len(rest) - 2:  # noqa: PLR2004
            groups[rest[0]] = (_threshold(rest[1], len(rest) - 2), tuple(rest[2:]))
            members |= set(rest[2:])
        elif kind == "quorum" and len(rest) == 1 and rest[0] in known and not quorum:
            quorum = rest[0]
        else:
            raise Refused(why=f"line {number} asks for nothing, or is no line of a policy: {shown(line)}")
    if len({key.public for key in (*logs, *witnesses.values())}) != len(logs) + len(witnesses):
        raise Refused(why="one key stands in it twice, so that it would count twice")
    if not quorum and not only_witnesses:
        raise Refused(why="it has no line `quorum`: it asks nobody")
    return Policy(tuple(logs), witnesses, groups, quorum)


def _threshold(word: str, count: int) -> int:
    least = {"all": count, "any": 1}.get(word) or (int(word) if re.fullmatch("[1-9][0-9]?", word, re.ASCII) else 0)
    if not 0 < least <= count:
        raise Refused(why=f"a group needs all, any or 1 to {count} of its members, not {shown(word)}")
    return least


def cosigned(note: Checkpoint, key: NoteKey) -> int | None:
    """Give the second of a witness's cosignature: 0 if it cannot be verified here, None without one; `Refused` if it is forged."""
    mine = [raw for name, identity, raw in note.signatures if (name, identity) == (key.name, key.id)]
    if not mine:
        return None
    at, signature = int.from_bytes(mine[0][:8], "big"), mine[0][8:]
    if key.kind == ML_DSA_44:
        name, origin = key.name.encode(), note.origin.encode()
        texts = [bytes([len(name) & 255]) + name, bytes([len(origin) & 255]) + origin]
        message = b"subtree/v1\n\0" + texts[0] + struct.pack(">Q", at) + texts[1] + struct.pack(">QQ", 0, note.size) + note.root
    else:
        message = f"cosignature/v1\ntime {at}\n".encode() + note.text
    holds = key.signed(signature, message)
    if len(mine) > 1 or holds is False or at >= 1 << 63:
        raise Refused(why=f"the cosignature of {shown(key.name)} does not fit: it is of another checkpoint, changed, or there are two")
    return 0 if holds is None else at or None


def check_witnesses(log: Log, given: bytes | None, found: Findings) -> None:
    """Say who cosigned the checkpoint, and whether that is what the policy asks: the reader's own, or the one in the pack."""
    name = "the policy given" if given is not None else f"{PROOF}policy"
    data = given if given is not None else log.files.get(name)
    listed = log.files.get(f"{PROOF}witnesses")
    try:
        policy = read_policy(data if data is not None else listed or b"\n", only_witnesses=data is None)
        if policy.logs and log.key not in policy.logs:
            raise Refused(why=f"it does not name the log {shown(log.key.name)} with this key")  # noqa: TRY301 - told below
        times = {one: cosigned(log.head, key) for one, key in policy.witnesses.items()}
    except Refused as refused:
        found.failed.append(f"Witnesses ({name if data is not None else PROOF + 'witnesses'}): {refused}")
        return
    blind = [one for one, at in times.items() if at == 0]
    if blind:
        found.unknown.append(f"Whether {shown(', '.join(blind))} cosigned: the cryptography installed here cannot verify ML-DSA-44.")
    who = [f"{one} at {_second(at)}" for one, at in times.items() if at]
    said = shown(", ".join(who)) or "nobody that is known here"
    if data is None:
        found.noted.append(f"The checkpoint is cosigned by: {said}.")
        found.unknown.append("Whether the log shows everybody the same: no policy says whose cosignatures suffice (--policy FILE).")
    elif policy.reached([one for one, at in times.items() if at]):
        found.held.append(f"The checkpoint is cosigned as {name} asks: {said}.")
    elif given is None and policy.reached([one for one, at in times.items() if at is not None]):
        found.unknown.append(f"Whether it is cosigned as {name} asks: see the cosignatures that cannot be verified here.")
    else:
        found.failed.append(f"The checkpoint is not cosigned as {name} asks: {said}.")
    if data is not None and given is None:
        found.unknown.append(
            "Whether the witnesses are independent of who made the pack, who chose the policy too: give your own (--policy)."
        )


def _second(at: int) -> str:
    try:
        return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%SZ}"
    except (ValueError, OverflowError, OSError):
        return f"second {at}"


# --- Time-stamps (RFC 3161) --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Stamp:
    """A token that holds: whose, on the checkpoint of which size, between which moments it was made, in which entry it is logged."""

    authority: str
    size: int
    earliest: datetime
    latest: datetime
    logged: int | None
    signed: bool


def der(data: bytes) -> list[tuple[int, bytes, bytes]]:
    """Read DER elements that stand one after the other: tag, content, the whole of each; `Refused` for what is none."""
    found: list[tuple[int, bytes, bytes]] = []
    at = 0
    while at < len(data):
        start, length = at + 2, data[at + 1] if at + 1 < len(data) else -1
        if length > 0x80 and length - 0x80 <= 3:  # noqa: PLR2004 - lengths of up to three bytes
            start, length = start + length - 0x80, int.from_bytes(data[start : start + length - 0x80], "big")
        elif length >= 0x80:  # noqa: PLR2004
            length = -1
        if length < 0 or data[at] & LONG_TAG == LONG_TAG or start + length > len(data) or len(found) > MAX_DER:
            raise Refused(why="it is not DER, is cut off, or has too many parts")
        found.append((data[at], data[start : start + length], data[at : start + length]))
        at = start + length
    return found


def _one(data: bytes, tag: int) -> bytes:
    """Give the content of the one element that is there."""
    found = der(data)
    if len(found) != 1 or found[0][0] != tag:
        raise Refused(why="a part of the token is not of its form")
    return found[0][1]


def _parts(data: bytes, *tags: int) -> list[bytes]:
    """Give the contents of the first elements, which must have these tags."""
    found = der(data)
    if tuple(tag for tag, _, _ in found[: len(tags)]) != tags:
        raise Refused(why="a part of the token is not of its form")
    return [content for _, content, _ in found]


@dataclass(frozen=True)
class Token:
    """A token taken apart; nothing of it is verified."""

    info: bytes
    imprint: bytes
    digest: str
    at: datetime
    accuracy: timedelta
    nonce: bytes
    certificates: tuple[bytes, ...]
    signer: tuple[bytes, ...]
    signer_tags: tuple[int, ...]


def read_token(response: bytes) -> Token:
    """Take a time-stamp's response apart; `Refused` for anything else."""
    if len(response) > MAX_NOTE:
        raise Refused(why=f"it has more than {MAX_NOTE:,} bytes")
    whole = _one(response, SEQUENCE)
    if _parts(_parts(whole, SEQUENCE)[0], INTEGER)[0] != b"\0":
        raise Refused(why="the authority gave no token")
    content = _parts(whole, SEQUENCE, SEQUENCE)[1]
    kind, wrapped = _parts(content, OID, EXPLICIT)[:2]
    signed = der(_one(wrapped, SEQUENCE))
    inner = _parts(b"".join(whole for _, whole, _ in signed[2:3]), OID, EXPLICIT)
    if kind.hex() != OID_SIGNED or inner[0].hex() != OID_TIME or signed[-1][0] != SET:
        raise Refused(why="it is no time-stamp's token")
    info = _one(inner[1], OCTETS)
    signer = der(_one(signed[-1][1], SEQUENCE))
    bags = [one[1] for one in signed[3:-1] if one[0] == EXPLICIT]
    certificates = tuple(whole for bag in bags for tag, _, whole in der(bag) if tag == SEQUENCE)[:MAX_CERTIFICATES]
    return Token(
        info,
        *_told(info),
        certificates,
        tuple(whole if tag == EXPLICIT else part for tag, part, whole in signer),
        tuple(tag for tag, _, _ in signer),
    )


def _told(info: bytes) -> tuple[bytes, str, datetime, timedelta, bytes]:
    """Read what the token says: digest and its algorithm, time, accuracy, nonce."""
    elements = der(_one(info, SEQUENCE))
    tags = tuple(tag for tag, _, _ in elements[:5])
    if tags != (INTEGER, OID, SEQUENCE, INTEGER, TIME):
        raise Refused(why="a part of the token is not of its form")
    algorithm, imprint = _parts(elements[2][1], SEQUENCE, OCTETS)[:2]
    accuracy, nonce = timedelta(seconds=1), b""
    for tag, content, _ in elements[5:]:
        if tag == SEQUENCE:
            units = {INTEGER: "seconds", 0x80: "milliseconds", 0x81: "microseconds"}
            accuracy = timedelta(**{units[unit]: int.from_bytes(raw[:4], "big") for unit, raw, _ in der(content) if unit in units})
        elif tag == INTEGER:
            nonce = content
    try:
        text = elements[4][1].decode("ascii")
        whole, _, fraction = text.removesuffix("Z").partition(".")
        at = datetime.strptime(whole, "%Y%m%d%H%M%S").replace(tzinfo=UTC, microsecond=int(fraction[:6].ljust(6, "0") or 0))
    except (ValueError, UnicodeDecodeError):
        raise Refused(why="the token names no time") from None
    return imprint, DIGESTS.get(_parts(algorithm, OID)[0].hex(), ""), at, accuracy, nonce


def token_signed(token: Token, pinned: Sequence[x509.Certificate]) -> bool:
    """Verify a token's signature up to a pinned root; False for a kind not verified here, `Refused` or `NOT_READ` if it does not hold."""
    if token.signer_tags[:1] + token.signer_tags[2:6] != (INTEGER, SEQUENCE, EXPLICIT, SEQUENCE, OCTETS):
        raise Refused(why="the token's signature is not of its form")
    _, who, digest, attributes, algorithm, signature = token.signer[:6]
    there = [x509.load_der_x509_certificate(one) for one in token.certificates]
    named = _attributes(attributes, DIGESTS.get(_parts(digest, OID)[0].hex(), ""), token.info)
    signer = next((one for one in (*there, *pinned) if _is_signer(one, named)), None)
    if signer is None:
        raise Refused(why="the certificate that the token names is not there")
    if token.signer_tags[1] == SEQUENCE and int.from_bytes(_parts(who, SEQUENCE, INTEGER)[1], "big") != signer.serial_number:
        raise Refused(why="the token names one certificate and was signed with another")
    _check_chain(signer, there, pinned, token.at)
    kind = _parts(algorithm, OID)[0].hex()
    with_digest = SIGNATURES.get(kind) or DIGESTS.get(_parts(digest, OID)[0].hex(), "")
    return _holds(signer, signature, b"\x31" + attributes[1:], "" if kind not in SIGNATURES else with_digest)


def _attributes(whole: bytes, digest: str, info: bytes) -> list[tuple[str, bytes]]:
    """Hold the signed attributes against what is signed; give the digests of certificates that they name."""
    found: dict[str, bytes] = {}
    for _, one, _ in der(_one(whole, EXPLICIT) if whole[:1] == b"\xa0" else b""):
        kind, values = _parts(one, OID, SET)[:2]
        if found.setdefault(kind.hex(), values) is not values:
            raise Refused(why="the token says one thing twice")
    if not digest or _one(found.get(OID_DIGEST, b""), OCTETS) != hashlib.new(digest, info).digest():
        raise Refused(why="the token was changed after signing")
    if _one(found.get(OID_CONTENT, b""), OID).hex() != OID_TIME:
        raise Refused(why="what is signed is no time-stamp")
    named: list[tuple[str, bytes]] = []
    for oid, usual in ((OID_CERTIFICATE_2, "sha256"), (OID_CERTIFICATE, "sha1")):
        for _, one, _ in der(_parts(_one(found[oid], SEQUENCE), SEQUENCE)[0])[:1] if oid in found else ():
            parts = der(one)
            stated = DIGESTS.get(_parts(parts[0][1], OID)[0].hex(), "") if parts and parts[0][0] == SEQUENCE else usual
            named += [(stated, content) for tag, content, _ in parts[:2] if tag == OCTETS and stated]
    return named


def _is_signer(one: x509.Certificate, named: Sequence[tuple[str, bytes]]) -> bool:
    whole = one.public_bytes(Encoding.DER)
    return any(hashlib.new(algorithm, whole, usedforsecurity=False).digest() == digest for algorithm, digest in named)


def _check_chain(signer: x509.Certificate, there: Sequence[x509.Certificate], pinned: Sequence[x509.Certificate], at: datetime) -> None:
    """Follow the certificates to a pinned root; `Refused` if that does not lead there."""
    try:
        uses = list(signer.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)
    except (x509.ExtensionNotFound, ValueError):
        uses = []
    if uses != [ExtendedKeyUsageOID.TIME_STAMPING]:
        raise Refused(why="the certificate is not one for time-stamps alone")
    roots = [one for one in pinned if one.issuer == one.subject]
    for _ in range(8):
        if not signer.not_valid_before_utc <= at <= signer.not_valid_after_utc:
            raise Refused(why="a certificate was not valid then")
        if signer in roots:
            return
        above = next((one for one in (*pinned, *there) if one != signer and _issued(one, signer)), None)
        if above is None:
            break
        signer = above
    raise Refused(why="its certificate does not lead to the pinned root of this authority")


def _issued(above: x509.Certificate, below: x509.Certificate) -> bool:
    try:
        below.verify_directly_issued_by(above)
        return bool(above.extensions.get_extension_for_class(x509.BasicConstraints).value.ca)
    except (x509.ExtensionNotFound, ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False


def _holds(signer: x509.Certificate, signature: bytes, signed: bytes, digest: str) -> bool:
    """Verify a signature with a certificate's key; False where the kind is none that is verified here."""
    digests = {"sha256": SHA256(), "sha384": SHA384(), "sha512": SHA512()}
    public = signer.public_key()
    try:
        if isinstance(public, ec.EllipticCurvePublicKey) and digest in digests:
            public.verify(signature, signed, ec.ECDSA(digests[digest]))
        elif isinstance(public, RSAPublicKey) and digest in digests:
            public.verify(signature, signed, PKCS1v15(), digests[digest])
        elif isinstance(public, Ed25519PublicKey):
            public.verify(signature, signed)
        else:
            return False
    except (InvalidSignature, UnsupportedAlgorithm, ValueError):
        raise Refused(why="the signature of the authority does not hold") from None
    return True


def check_stamps(log: Log, found: Findings) -> list[Stamp]:
    """Verify every token against its note, the log and its authority's pinned certificates."""
    stamps: list[Stamp] = []
    faults: list[str] = []
    logged = {
        leaf.get("envelope"): leaf.index
        for leaf in sorted(log.leaves.values(), key=lambda one: -one.index)
        if leaf.get("type") == "timestamp"
    }
    names = sorted(name for name in log.files if name.startswith(f"{PROOF}timestamp/") and name.endswith(".tsr"))
    for name in names[:MAX_TOKENS]:
        try:
            stamps.append(_stamp(log, name, logged))
        except Refused as refused:
            faults.append(f"{name}: {refused}")
    if len(names) > MAX_TOKENS:
        faults.append(f"there are more than {MAX_TOKENS} tokens")
    if not names:
        found.unknown.append("When entries came into the log by a clock that is not the log's: there is no time-stamp.")
        return []
    said = "signature, chain to the pinned certificate, nonce, digest of the checkpoint"
    found.settle(faults, f"The time-stamps ({len(stamps)}) hold: {said}; and the log contains what was stamped.")
    unsigned = sorted({f"{PROOF}timestamp/{one.size}/{one.authority}" for one in stamps if not one.signed})
    for one in unsigned[:SHOWN]:
        command = f"openssl ts -verify -in {one}.tsr -queryfile {one}.tsq -CAfile {PROOF}authorities/{one.rpartition('/')[2]}.pem"
        found.unknown.append(f"Whether {one}.tsr was signed by its authority: only digest and time were read. Run: {command}")
    return [one for one in stamps if one.signed]


def _stamp(log: Log, name: str, logged: Mapping[str, int]) -> Stamp:
    folder, _, file = name.rpartition("/")
    authority, size = file.removesuffix(".tsr"), int(folder.rpartition("/")[2])
    response, query, note = (log.files.get(one, b"") for one in (name, f"{folder}/{authority}.tsq", f"{folder}/checkpoint"))
    pem = log.files.get(f"{PROOF}authorities/{authority}.pem")
    if pem is None:
        raise Refused(why=f"{shown(authority)} is none of the authorities in {PROOF}authorities")
    try:
        pinned = x509.load_pem_x509_certificates(pem)[:MAX_CERTIFICATES]
    except ValueError:
        raise Refused(why=f"{PROOF}authorities/{authority}.pem holds no certificates") from None
    token = read_token(response)
    if token.digest not in ("sha256", "sha384", "sha512") or token.imprint != hashlib.new(token.digest, note).digest():
        raise Refused(why="it is of other bytes than the checkpoint beside it")
    asked = der(_one(query, SEQUENCE))
    if not token.nonce or [part for tag, part, _ in asked[2:] if tag == INTEGER] != [token.nonce]:
        raise Refused(why="it is not the answer to the request beside it")
    if log.earlier.get(folder, (-1, b""))[0] != size:
        raise Refused(why=f"what was stamped is not this log's checkpoint of {size} entries")
    try:
        times = token.at - token.accuracy, token.at + token.accuracy
        return Stamp(authority, size, *times, logged.get(sha256(response)), token_signed(token, pinned))
    except NOT_READ as error:
        raise Refused(why=f"it or a certificate cannot be read: {shown(error)}") from None


def bounds(index: int, stamps: Sequence[Stamp]) -> tuple[Stamp | None, Stamp | None]:
    """Give the tokens that say before and after which moment an entry did not come into the log.

    Not after: a token on a checkpoint that has the entry. Not before: a token that stands in the log at or before the entry.
    """
    before = [one for one in stamps if one.logged is not None and one.logged <= index]
    after = [one for one in stamps if one.size > index]
    return max(before, key=lambda one: one.earliest, default=None), min(after, key=lambda one: one.latest, default=None)


# --- What the log says of evidence, records and erasures ---------------------------------------------------------------------------


@dataclass
class Log:
    """The log's part of a pack, as far as it holds."""

    files: Mapping[str, bytes]
    key: NoteKey
    note: bytes
    head: Checkpoint
    leaves: dict[int, Leaf] = field(default_factory=dict)
    earlier: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    """Size and root of each earlier checkpoint that the published one continues, by its folder."""


def open_log(files: Mapping[str, bytes]) -> Log | None:
    """Open the log's part of a pack by its key; None if there is none. `Refused` where it does not hold."""
    if not any(name.startswith(PROOF) for name in files):
        return None
    missing = [name for name in ("key", "checkpoint") if f"{PROOF}{name}" not in files]
    if missing:
        raise Refused(why=f"{PROOF}{missing[0]} is missing")
    key = note_key("\n".join(_lines(files[f"{PROOF}key"], "key", 1000)), ED25519_SIGNS)
    note = files[f"{PROOF}checkpoint"]
    return Log(files, key, note, read_note(note, key))


def check_log(
    files: Mapping[str, bytes], pieces: Mapping[str, Piece], keys: Mapping[str, Key], given: bytes | None, found: Findings
) -> None:
    """Check all that the pack has of the log: each proof to the checkpoint, who signed it, when, and what it says of the rest."""
    try:
        log = open_log(files)
    except Refused as refused:
        found.failed.append(f"The log: {refused}")
        found.unknown.append("Everything else that the log would show: without its checkpoint no proof says anything.")
        return
    if log is None:
        found.unknown.append("Whether the evidence stands in a log that its keeper cannot rewrite unseen: this pack was made without one.")
        if given is not None:
            found.failed.append("The policy given asks for witnesses, and the pack has no log")
        return
    found.held.append(shown(f"The checkpoint of the log {log.key.name}, of {log.head.size:,} entries, is signed by the log's key."))
    found.noted.append(shown(f"The log's key is {files[f'{PROOF}key'].decode('ascii', 'replace').strip()}."))
    _check_earlier(log, found)
    check_witnesses(log, given, found)
    _check_entries(log, found)
    stamps = check_stamps(log, found)
    _check_pieces(log, pieces, stamps, found)
    check_erasures(log, keys, found)
    if RECORDS in files:
        check_applied(log, keys, found)
        check_numbers(log, found)
    found.unknown += LOG_UNKNOWN


def _check_earlier(log: Log, found: Findings) -> None:
    """See that the published checkpoint continues each earlier one."""
    faults: list[str] = []
    folders = sorted({name.rpartition("/")[0] for name in log.files if _EARLIER.fullmatch(name)})
    for folder in folders:
        try:
            old = read_note(log.files.get(f"{folder}/checkpoint", b""), log.key)
            proof = read_hashes(log.files.get(f"{folder}/consistency", b"\0"))
            named = folder.rpartition("/")[2]
            if named.isdecimal() and int(named) != old.size:
                raise Refused(why=f"its checkpoint is of {old.size} entries")  # noqa: TRY301 - told below
            if not extends(old.size, log.head.size, (old.root, log.head.root), proof):
                raise Refused(why="the log does not begin with what this checkpoint tells of: its past was rewritten, or the proof is")  # noqa: TRY301
        except Refused as refused:
            faults.append(f"{folder}: {refused}")
        else:
            log.earlier[folder] = (old.size, old.root)
    if folders:
        found.settle(
            faults, f"The log only grew: its checkpoint continues the earlier ones that are here ({len(folders)}), by their proofs."
        )
    if AS_OF in log.earlier:
        found.noted.append(
            f"At the moment of the assessment the log had published {log.earlier[AS_OF][0]:,} entries; now it has {log.head.size:,}."
        )
    _check_stated(log, found)


def read_hashes(data: bytes) -> list[bytes]:
    """Read a proof of consistency: a hash a line, none where the two trees are one; `Refused` for anything else."""
    return _hashes(_lines(data, "proof of consistency", MAX_PROOF)) if data else []


def _check_stated(log: Log, found: Findings) -> None:
    """Hold the log's size and root that the assessment names against the published checkpoint."""
    stated = read_json(log.files[ASSESSMENT], ASSESSMENT).get("log")
    if stated is None:
        return
    need(
        isinstance(stated, dict) and type(stated.get("size")) is int and isinstance(stated.get("root"), str),
        f"{ASSESSMENT}: log names no size and root",
    )
    data = log.files.get(f"{PROOF}assessed")
    if data is None:
        found.unknown.append("Whether the log had the root that the assessment names: no proof of it is here.")
        return
    try:
        fits = extends(stated["size"], log.head.size, (bytes.fromhex(stated["root"]), log.head.root), read_hashes(data))
    except (Refused, ValueError):
        fits = False
    fault = [] if fits else [f"{ASSESSMENT} names a root of the log at {stated['size']} entries that its checkpoint does not continue"]
    found.settle(fault, f"The log had, at {stated['size']:,} entries, the root that the assessment names.")


def _check_entries(log: Log, found: Findings) -> None:
    """Verify every inclusion proof to the published checkpoint."""
    faults: list[str] = []
    names = sorted(name for name in log.files if name.startswith(f"{PROOF}entries/"))
    for name in names:
        try:
            proof = read_proof(log.files[name])
            if name != f"{PROOF}entries/{proof.index}.tlog-proof":
                raise Refused(why=f"it is the proof of entry {proof.index}")  # noqa: TRY301 - told below
            if proof.checkpoint != log.note:
                raise Refused(why=f"it leads to another checkpoint than {PROOF}checkpoint")  # noqa: TRY301
            if not includes(proof.leaf, proof.index, log.head.size, proof.hashes, log.head.root):
                raise Refused(why="it does not lead from its entry to the checkpoint's root")  # noqa: TRY301
            log.leaves[proof.index] = read_leaf(proof.leaf, proof.index)
        except Refused as refused:
            faults.append(f"{name}: {refused}")
    moments = [log.leaves[index].at for index in sorted(log.leaves)]
    if moments != sorted(moments):
        faults.append("entries say that they came into the log before entries that stand before them")
    found.settle(faults, f"The proofs of {len(names):,} entries lead to the checkpoint, each to its own place.")


def _check_pieces(log: Log, pieces: Mapping[str, Piece], stamps: Sequence[Stamp], found: Findings) -> None:
    """Say which evidence is in the log, in which entry and between which moments, and which is not."""
    by_statement: dict[str, list[Leaf]] = {}
    for index in sorted(log.leaves):
        by_statement.setdefault(log.leaves[index].get("statement"), []).append(log.leaves[index])
    personal = _personal(log, pieces, found)
    absent: list[str] = []
    later = 0
    for identity in sorted(pieces):
        leaves = by_statement.get(identity) or personal.get(identity, [])
        if not leaves:
            absent.append(identity)
            continue
        envelope = sha256(log.files[f"{EVIDENCE}{identity}{SUFFIX}"])
        later += identity not in personal and all(leaf.get("envelope") != envelope for leaf in leaves)
        found.entries.append(_entry_of(identity, leaves[0], stamps))
    found.held.append(f"Of {len(pieces)} pieces of evidence {len(pieces) - len(absent)} stand in the log.")
    if absent:
        found.noted.append(f"Evidence that is NOT in the log: {len(absent)}, as {', '.join(absent[:3])}. Only its signatures speak for it.")
    if later:
        found.noted.append(
            f"Pieces that were signed once more after they came into the log: {later}. The log has them with fewer signatures."
        )
    if personal:
        found.unknown.append(
            f"Whether personal evidence ({len(personal)}) is what the log committed to: the salt stays with the organisation."
        )
    if any(one["contradict"] for one in found.entries):
        found.failed.append("The time-stamps contradict each other: the clock of an authority is wrong, or a token is forged")
    if stamps:
        after = [one for one in found.entries if one["not_after"]]
        found.noted.append(f"Entries with a latest moment by a time-stamp: {len(after)} of {len(found.entries)}.")
    found.noted += [_entry_words(one) for one in found.entries[:SHOWN]]
    if len(found.entries) > SHOWN:
        found.noted.append(f"… and {len(found.entries) - SHOWN} more entries of evidence: --json has them all.")


def _personal(log: Log, pieces: Mapping[str, Piece], found: Findings) -> dict[str, list[Leaf]]:
    """Read which entries the pack says commit to which personal evidence."""
    data = log.files.get(f"{PROOF}protected.json")
    value = {} if data is None else read_json(data, f"{PROOF}protected.json")
    need(
        isinstance(value, dict) and all(type(one) is int for one in value.values()),
        f"{PROOF}protected.json is no list of entries by evidence",
    )
    wrong = [one for one, index in value.items() if one not in pieces or index not in log.leaves or not log.leaves[index].get("commitment")]
    if wrong or len(set(value.values())) != len(value):
        found.failed.append(f"{PROOF}protected.json names entries that commit to nothing, or to two pieces")
        return {}
    return {identity: [log.leaves[index]] for identity, index in value.items()}


def _entry_of(identity: str, leaf: Leaf, stamps: Sequence[Stamp]) -> dict[str, Any]:
    before, after = bounds(leaf.index, stamps)
    return {
        "evidence": identity,
        "index": leaf.index,
        "logged_at": leaf.at.isoformat(),
        "not_before": before and before.earliest.isoformat(),
        "not_after": after and after.latest.isoformat(),
        "contradict": before is not None and after is not None and before.earliest > after.latest,
    }


def _entry_words(one: Mapping[str, Any]) -> str:
    known = [f"not {word} {one[f'not_{word}'][:19]}Z" for word in ("before", "after") if one[f"not_{word}"]]
    times = "; ".join(known) or "no time-stamp says when"
    return f"Evidence {one['evidence'][:16]} is entry {one['index']}, taken in {one['logged_at'][:19]}Z as the log says; {times}."


def check_erasures(log: Log, keys: Mapping[str, Key], found: Findings) -> None:
    """Hold each receipt of an erasure against its entry and the entries whose content was erased."""
    names = sorted(name for name in log.files if name.startswith(ERASURES))
    receipts = {leaf.get("receipt"): leaf for leaf in log.leaves.values() if leaf.get("type") == "erasure"}
    faults: list[str] = []
    count = 0
    for name in names:
        try:
            said = _statement(log.files[name], keys, ERASED)
            own = receipts.get(sha256(log.files[name]))
            if own is None:
                raise Refused(why="the log has no entry of it here")  # noqa: TRY301 - told below
            for one in _list_of(said["predicate"], "entries"):
                index, commitment = one.get("index"), one.get("commitment")
                if index is not None and (
                    index not in log.leaves or index >= own.index or log.leaves[index].get("commitment") != commitment
                ):
                    raise Refused(why=f"entry {shown(index)} does not have the commitment that it names")  # noqa: TRY301
                count += index is not None
        except (Refused, NoPack, TypeError) as refused:
            faults.append(f"{shown(name)}: {shown(refused)}")
    if len(receipts) != len(names):
        faults.append("a receipt of an erasure is missing")
    if names or faults:
        found.settle(
            faults, f"Erased: {count} entries, commitment intact, by {len(names)} signed receipt{'s'[: len(names) - 1]} in the log."
        )


def _list_of(value: object, name: str) -> list[dict[str, Any]]:
    listed = value.get(name) if isinstance(value, dict) else None
    if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
        raise Refused(why=f"it has no list {name}")
    return listed


def _statement(data: bytes, keys: Mapping[str, Key], kind: str) -> dict[str, Any]:
    """Open a signed statement of a kind of ours that is no evidence; a valid key of who it says it is by must have signed it."""
    envelope = read_json(data, "it", MAX_ENVELOPE)
    payload, signatures = _opened(envelope)
    said: dict[str, Any] = read_json(payload, "it", MAX_ENVELOPE)
    if (
        not isinstance(said, dict)
        or (said.get("_type"), said.get("predicateType")) != (STATEMENT, kind)
        or not isinstance(said.get("predicate"), dict)
    ):
        raise Refused(why=f"it is no statement of the kind {kind}")
    try:
        at = moment(said["predicate"].get("at"))
    except ValueError as error:
        raise Refused(why=str(error)) from None
    signed = [key for keyid, signature in signatures.items() if (key := _signer(keyid, signature, payload, keys)) is not None]
    mine = [key for key in signed if key.holder == said["predicate"].get("by") and key.standing(at) == "valid"]
    if not mine:
        raise Refused(why="no key of who it says it is by, valid then, signed it")
    return said | {"keys": mine}


def _moment_of(log: Log) -> datetime:
    """Give the moment that the pack is about."""
    try:
        return moment(read_json(log.files[MANIFEST], MANIFEST)["as_of"])
    except ValueError as error:
        raise NoPack(why=f"{MANIFEST}: {error}") from None


def check_applied(log: Log, keys: Mapping[str, Key], found: Findings) -> None:
    """Replay the change sets that were applied by then, hold them against entries, and the records here against what they come to."""
    entries: dict[str, list[Leaf]] = {}
    then = _moment_of(log)
    for index in sorted(log.leaves):
        if log.leaves[index].get("type") == "record" and log.leaves[index].at <= then:
            entries.setdefault(log.leaves[index].get("change"), []).append(log.leaves[index])
    names = {name.removeprefix(f"{PROOF}changes/") for name in log.files if name.startswith(f"{PROOF}changes/")}
    faults = [f"the change set {one[:16]} and its entries are not both here" for one in sorted(names ^ set(entries))]
    live: dict[str, tuple[str, bool]] = {}
    last: Leaf | None = None
    for name, leaves in entries.items():
        try:
            if name in names:
                _apply(log.files[f"{PROOF}changes/{name}"], name, leaves, last, keys, live)
        except (Refused, NoPack) as refused:
            faults.append(f"{PROOF}changes/{name[:16]}…: {shown(refused)}")
        last = leaves[-1]
    if not names and not faults:
        found.unknown.append("Who wrote the records, when and why: none was applied through the log.")
    elif found.settle(faults, f"The {len(names)} change sets that were applied are signed, follow each other, and are what the log has."):
        _check_state(log, live, last, found)


def _apply(  # noqa: PLR0913, PLR0917 - all that one change set is held against
    data: bytes, name: str, leaves: Sequence[Leaf], last: Leaf | None, keys: Mapping[str, Key], live: dict[str, tuple[str, bool]]
) -> None:
    """Apply one change set to what stands."""
    first, _, listed = data.partition(b"\n")
    if sha256(first + b"\n") != name:
        raise Refused(why="its first line is not the envelope of that digest")
    said = _statement(first, keys, CHANGE_SET)
    predicate = said["predicate"]
    if [one.get("digest") for one in _list_of(said, "subject")] != [{"sha256": sha256(listed)}]:
        raise Refused(why="its list of changes is not the one that was signed")
    base = {"change": None, "entries": 0} if last is None else {"change": last.get("change"), "entries": last.index + 1}
    if predicate.get("base") != base:
        raise Refused(why="it was planned on another state than what was applied before it: a change set is missing, or was added")
    if {leaf.get("source") for leaf in leaves} != {predicate["by"]} or all(key.standing(leaves[0].at) != "valid" for key in said["keys"]):
        raise Refused(why="the log took it in from somebody else, or when the key that signed it was not valid")
    lines = listed.split(b"\n")[:-1]
    if len(lines) != len(leaves):
        raise Refused(why="it lists more or fewer changes than the log took in")
    for line, leaf in zip(lines, leaves, strict=True):
        _step(read_json(line, "a change", 1000), leaf, live)


def _step(change: object, leaf: Leaf, live: dict[str, tuple[str, bool]]) -> None:
    now = leaf.get("digest") or leaf.get("commitment")
    kind = "digest" if leaf.get("digest") else "commitment"
    before = live.pop(leaf.get("ref"), (None, False))[0]
    wanted = {"ref": leaf.get("ref"), "was": before, **({kind: now} if now else {"removed": True})}
    if change != wanted:
        raise Refused(why=f"entry {leaf.index} is not the change that it lists, or starts from a version that did not stand")
    if now:
        live[leaf.get("ref")] = (now, kind == "commitment")


def _check_state(log: Log, live: Mapping[str, tuple[str, bool]], last: Leaf | None, found: Findings) -> None:
    """Hold the records in the pack against those that were applied."""
    value = read_json(log.files[RECORDS], RECORDS)
    here = {ref: sha256(canonical(content)) for ref, content in value.items()}
    gone = {ref for ref, (_, personal) in live.items() if personal and ref not in here}
    differing = {ref for ref in {*here, *live} - gone if ref not in live or (not live[ref][1] and live[ref][0] != here.get(ref))}
    sealed = sum(ref in here and personal for ref, (_, personal) in live.items())
    stated = read_json(log.files[ASSESSMENT], ASSESSMENT).get("log")
    if stated is not None and (differing or last is None or stated.get("change") != last.get("change")):
        found.failed.append("The assessment names a change set, and the records here are not those that it brought")
    elif differing:
        found.noted.append(f"Records that differ from those applied: {len(differing)}, as {shown(', '.join(sorted(differing)[:3]))}.")
    else:
        found.held.append(f"The records here are those that were applied, up to entry {last.index if last else 0} of the log.")
    if gone:
        found.noted.append(
            f"Personal records that were applied and are not here, because they were erased or cannot be opened: {len(gone)}."
        )
    if sealed:
        found.unknown.append(
            f"Whether personal records ({sealed}) are what was applied: the log commits to them, the salt stays with the organisation."
        )


def check_numbers(log: Log, found: Findings) -> None:
    """See that every number which a source counts by itself, and the log had then, is in the list of absences."""
    runs = read_json(log.files[ABSENCE], ABSENCE)["numbers"]
    then = _moment_of(log)
    known = [leaf for leaf in log.leaves.values() if leaf.get("source").endswith("#") and leaf.at <= then]
    own = [(leaf.get("source")[:-1], leaf.said["seq"]) for leaf in known]
    strange = [f"{source}#{number}" for source, number in own if not any(first <= number <= last for first, last in runs.get(source, []))]
    if own:
        fault = [f"{ABSENCE} does not know {shown(one)}, which is in the log" for one in strange]
        found.settle(fault, f"{ABSENCE} knows the sources' own numbers that are in the log here ({len(own)}).")


# --- All of it, in words -----------------------------------------------------------------------------------------------------------

UNKNOWN: Final = (
    "Whether the people behind the keys are who the pack says: ask them for the ids of their keys by another way, and compare.",
    "Whether moments of observation are true: who signs writes observed_at, and who stole a key can backdate.",
    "Whether evidence was left out before the pack was made, or another pack was made for others: compare the id of the pack.",
    "Whether what people state, and what tools measured, is so. A signature shows who said it.",
    "Whether the checks of the catalog ask the right things.",
    "Whether the list of refused evidence is complete: it is the word of who made the pack.",
)
LOG_UNKNOWN: Final = (
    "Whether the log's key is the one that others were given: compare it by another way.",
    "Whether an authority's certificate was revoked, or its clock was right: nobody is asked, and the pack's maker chose the authority.",
    "What else the log holds: only the entries that concern this pack are in it.",
)
NOT_HERE: Final = (
    "Whether the statuses follow from the evidence: this file does not recompute them. `kybern verify` does.",
    "Whether the files for people (report.html, keys.yaml, kybern.yaml, records/) say what the JSON files say. `kybern verify` compares.",
)


def check(files: Mapping[str, bytes], policy: bytes | None = None) -> Findings:
    """Check the files of a pack, and the log's checkpoint by a policy of the reader's own; `NoPack` where something cannot be read."""
    found = Findings()
    manifest = manifest_of(files)
    found.noted.append(f"The id of this pack, the SHA-256 of its {MANIFEST}, is {sha256(files[MANIFEST])}.")
    found.noted.append(shown(f"It is about {manifest['organization']}, as of {manifest['as_of']}, made by Kybern {manifest['kybern']}."))
    if not check_files(files, manifest, found):
        found.unknown.append("Everything else: where files are not those of the manifest, their content was not looked at.")
        return found
    keys = read_keys(files[KEYS])
    pieces = check_evidence(files, keys, found)
    check_documents(files[DOCUMENTS], pieces, found)
    check_assessment(files, manifest, pieces, found)
    if RECORDS in files:
        named = manifest["digests"].get("records") if isinstance(manifest["digests"], dict) else None
        check_records(files[RECORDS], named, pieces, found)
        if ABSENCE in files:
            check_absence(files[ABSENCE], found)
    else:
        found.unknown.append("What the records state: they were left out of this pack.")
    check_log(files, pieces, keys, policy, found)
    receipts = sum(name.startswith(ERASURES) and name.endswith(SUFFIX) for name in files)
    if receipts and manifest["format"] == FIRST:
        found.noted.append(
            f"Receipts of erasures in {ERASURES}: {receipts}. What was erased is not in the pack; the proofs beside them show its entries."
        )
    found.noted += [f"Key {key.words}." for key in list(keys.values())[:SHOWN]]
    if len(keys) > SHOWN:
        found.noted.append(f"… and {len(keys) - SHOWN} more keys in {KEYS}.")
    found.unknown += UNKNOWN
    return found


def words(found: Findings) -> str:
    """Say what a check came to."""
    parts = (
        ("What held", found.held),
        ("What did not hold", found.failed),
        ("To note", found.noted),
        ("What this cannot know", found.unknown),
    )
    told = [f"{title}:\n" + "".join(f"  - {one}\n" for one in lines) for title, lines in parts if lines]
    last = "NOT ALL OF IT HOLDS.\n" if found.failed else "All that was checked holds.\n"
    return "\n".join((*told, last))


def read_arguments(arguments: Sequence[str]) -> tuple[Path, Path | None, bool] | None:
    """Read how this was called: the pack, the policy, whether JSON is wanted; None for anything else."""
    rest, policy, as_json = list(arguments), None, "--json" in arguments
    if as_json:
        rest.remove("--json")
    if "--policy" in rest[:-1]:
        at = rest.index("--policy")
        policy = Path(rest[at + 1])
        del rest[at : at + 2]
    if len(rest) > 1 or any(one.startswith("-") for one in rest):
        return None
    return Path(rest[0]) if rest else Path(__file__).resolve().parent, policy, as_json


def read_given(path: Path | None) -> bytes | None:
    """Read the reader's own policy, if there is one; `NoPack` if that cannot be done."""
    if path is None:
        return None
    try:
        with path.open("rb") as file:
            return file.read(MAX_PROOF + 1)
    except OSError as error:
        raise NoPack(why=f"the policy {shown(path)} cannot be read: {error.strerror}") from None


def main(arguments: Sequence[str]) -> int:
    """Check the pack named, or the one this file lies in, and say what it came to."""
    for stream in (sys.stdout, sys.stderr):
        getattr(stream, "reconfigure", lambda **_: None)(errors="replace")
    asked = read_arguments(arguments)
    if asked is None:
        sys.stderr.write(__doc__ or "")
        return UNREADABLE
    path, policy, as_json = asked
    try:
        found = check(read_pack(path), read_given(policy))
    except (NoPack, MemoryError) as error:
        sys.stderr.write(f"This cannot be read as a pack: {shown(error) or 'it asks for too much memory'}.\n")
        return UNREADABLE
    found.unknown += NOT_HERE
    sys.stdout.write(json.dumps({"holds": not found.failed, **vars(found)}, indent=2) + "\n" if as_json else words(found))
    return FALLS_SHORT if found.failed else HOLDS


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
