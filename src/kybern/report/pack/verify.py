"""Check an auditor's pack (kybern.pack/1) with the standard library and `cryptography` alone: no Kybern, no network, no account.

    python3 -P verify.py              checks the folder that this file lies in
    python3 -P verify.py audit.zip    checks a pack, as the archive or as the folder it was unpacked to

Exits 0 if all that was checked holds, 1 if something does not, 2 if this cannot be read as a pack. Needs Python 3.11 or newer.
With -P Python imports nothing from the folder that is checked.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import stat
import struct
import sys
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

try:
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key
except ImportError:
    sys.exit("verify.py needs the package cryptography: python3 -m pip install cryptography")

FORMAT: Final = "kybern.pack/1"
MANIFEST: Final = "MANIFEST.json"
SUMS: Final = "SHA256SUMS"
ASSESSMENT: Final = "assessment.json"
KEYS: Final = "keys.json"
RECORDS: Final = "records.json"
REFUSED: Final = "refused.json"
DOCUMENTS: Final = "documents.json"
EVIDENCE: Final = "evidence/"
ERASURES: Final = "erasures/"
"""Receipts of erasures, as envelopes, and proofs of their entries and of the entries whose content was erased."""
SUFFIX: Final = ".dsse.json"
ALWAYS: Final = frozenset((ASSESSMENT, DOCUMENTS, KEYS, REFUSED, "README.txt", "verify.py"))
WITH_RECORDS: Final = frozenset((RECORDS, "kybern.yaml", "report.html"))
AT_TIMES: Final = frozenset(("keys.yaml",))

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
    need(found.get("format") == FORMAT, f"{MANIFEST} names the format {shown(found.get('format'))}; this verifier reads {FORMAT}")
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
    faults += [f"{name} is missing, which every such pack has" for name in sorted(wanted - set(listed))]
    odd = (name for name in listed if name not in wanted | AT_TIMES and not _in_folder(name, with_records=with_records))
    faults += [f"{shown(name)} is no part of a pack in the format {FORMAT}" for name in sorted(odd)]
    return found.settle(faults, f"All {len(there)} files are those that {MANIFEST} names, and there is no other.")


def _in_folder(name: str, *, with_records: bool) -> bool:
    return (
        name.startswith(ERASURES)
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


def _reasons(stated: Mapping[str, Any]) -> Iterator[str]:
    """Go through the ids of evidence that the assessment gives as reasons."""
    for row in _objects(stated.get("requirements"), "requirements"):
        for reason in _objects(row.get("reasons"), "reasons"):
            listed = reason.get("evidence", [])
            need(isinstance(listed, list) and all(isinstance(one, str) for one in listed), f"{ASSESSMENT}: evidence is no list of ids")
            yield from listed


def _objects(value: object, what: str) -> list[dict[str, Any]]:
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise NoPack(why=f"{ASSESSMENT}: {what} is no list of objects")
    return value


# --- All of it, in words -----------------------------------------------------------------------------------------------------------

UNKNOWN: Final = (
    "Whether the people behind the keys are who the pack says: ask them for the ids of their keys by another way, and compare.",
    "Whether moments are true: who signs writes observed_at, and who stole a key can backdate.",
    "Whether evidence was left out before the pack was made, or another pack was made for others: compare the id of the pack.",
    "Whether what people state, and what tools measured, is so. A signature shows who said it.",
    "Whether the checks of the catalog ask the right things.",
    "Whether the list of refused evidence is complete: it is the word of who made the pack.",
)
NOT_HERE: Final = (
    "Whether the statuses follow from the evidence: this file does not recompute them. `kybern verify` does.",
    "Whether the files for people (report.html, keys.yaml, kybern.yaml, records/) say what the JSON files say. `kybern verify` compares.",
)


def check(files: Mapping[str, bytes]) -> Findings:
    """Check the files of a pack; `NoPack` where something cannot be read."""
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
    else:
        found.unknown.append("What the records state: they were left out of this pack.")
    receipts = sum(name.startswith(ERASURES) and name.endswith(SUFFIX) for name in files)
    if receipts:
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


def main(arguments: Sequence[str]) -> int:
    """Check the pack named, or the one this file lies in, and say what it came to."""
    for stream in (sys.stdout, sys.stderr):
        getattr(stream, "reconfigure", lambda **_: None)(errors="replace")
    if len(arguments) > 1 or any(one.startswith("-") for one in arguments):
        sys.stderr.write(__doc__ or "")
        return UNREADABLE
    try:
        found = check(read_pack(Path(arguments[0]) if arguments else Path(__file__).resolve().parent))
    except (NoPack, MemoryError) as error:
        sys.stderr.write(f"This cannot be read as a pack: {shown(error) or 'it asks for too much memory'}.\n")
        return UNREADABLE
    found.unknown += NOT_HERE
    sys.stdout.write(words(found))
    return FALLS_SHORT if found.failed else HOLDS


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
