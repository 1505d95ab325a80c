"""Signed notes and checkpoints, as C2SP signed-note and tlog-checkpoint define them; a log's keys are Ed25519 (type 0x01) only.

Read strictly and within bounds: what two readers could read differently is refused.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from kybern.evidence._refused import Refused
from kybern.evidence.log._merkle import HASH_BYTES

if TYPE_CHECKING:
    from kybern.evidence._keys import PrivateKey

MAX_NOTE: Final = 1 << 16
"""The longest note read, in bytes."""

MAX_SIGNATURES: Final = 32
MAX_SIZE: Final = (1 << 63) - 1
_ED25519: Final = b"\x01"
ID_BYTES: Final = 4
MAX_NAME: Final = 200
_NUMBER: Final = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)
_PRIME: Final = (1 << 255) - 19
_SMALL_ORDER: Final = frozenset(
    (
        0,
        1,
        _PRIME - 1,
        0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826,
        0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7,
    )
)
"""The second coordinates of the eight points under which anybody can forge signatures."""

_HEX: Final = re.compile(r"[0-9a-f]{8}", re.ASCII)


@dataclass(frozen=True)
class Verifier:
    """A public key that signs notes, under a name. Raises `Refused` (`bad-key`) for a name or key that cannot be."""

    name: str
    public: bytes

    def __post_init__(self) -> None:
        """Hold name and key to their form."""
        if not is_name(self.name):
            raise bad_key(why=f"the name {ascii(self.name)[:80]} is empty, too long, or has a space or a plus sign")
        if len(self.public) != HASH_BYTES:
            raise bad_key(why="an Ed25519 key has 32 bytes")
        refuse_weak(self.public)

    @classmethod
    def parse(cls, text: str) -> Verifier:
        """Read a verifier key, `name+hash+base64`; `Refused` (`bad-key`) if it is none."""
        name, kind, public = parse_key(text)
        if kind != _ED25519:
            raise bad_key(why="a log's key is of type 1 (Ed25519), and this is of another")
        return cls(name, public)

    @property
    def id(self) -> bytes:
        """The four bytes that stand before its signatures."""
        return key_id(self.name, _ED25519, self.public)

    def __str__(self) -> str:
        """Write it as others read it: `name+hash+base64`."""
        return write_key(self.name, _ED25519, self.public)

    def signed(self, text: bytes, signature: bytes) -> bool:
        """Tell whether this is the key's signature of the text."""
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, text)
        except InvalidSignature:
            return False
        return True


class Signer:
    """A private key that signs notes under a name."""

    def __init__(self, name: str, key: PrivateKey) -> None:
        """Take a key and its name; `Refused` (`bad-key`) for a name that cannot be."""
        self.verifier = Verifier(name, key.public_raw)
        self._key = key

    def sign(self, text: str) -> bytes:
        """Sign a text that ends with a newline; give back the note."""
        encoded = text.encode()
        return encoded + b"\n" + write_signature(self.verifier.name, self.verifier.id, self._key.sign_raw(encoded))


def open_note(note: bytes, verifier: Verifier) -> str:
    """Give the text of a note that the key signed.

    Signatures of other keys are passed over. Raises `Refused`: `bad-note` if it is not well-formed, `not-signed` if the key did
    not sign it, `bad-signature` if a signature in the key's name does not fit.
    """
    text, lines = split_note(note)
    found = [signature for name, key_id, signature in map(read_signature, lines) if (name, key_id) == (verifier.name, verifier.id)]
    if not found:
        raise Refused(rule="not-signed", message=f"the note is not signed by the key {verifier.name} ({verifier.id.hex()})")
    if len(found) > 1:
        raise bad_note(why="one key signs twice")
    if not verifier.signed(text.encode(), found[0]):
        message = f"the signature of {verifier.name} does not fit: the note was changed after signing"
        raise Refused(rule="bad-signature", message=message)
    return text


def split_note(note: bytes) -> tuple[str, list[str]]:
    """Split a note into its text and its signature lines; `Refused` (`bad-note`)."""
    if len(note) > MAX_NOTE:
        raise bad_note(why=f"it has {len(note):,} bytes; at most {MAX_NOTE:,} are read")
    try:
        whole = note.decode()
    except UnicodeDecodeError as error:
        raise bad_note(why=f"byte {error.start} is not UTF-8") from None
    if any(sign < " " and sign != "\n" for sign in whole):
        raise bad_note(why="it holds a control character")
    head, between, tail = whole.rpartition("\n\n")
    lines = tail.split("\n")
    if not between or lines.pop() or not 0 < len(lines) <= MAX_SIGNATURES:
        raise bad_note(why=f"it is not a text, an empty line and 1 to {MAX_SIGNATURES} lines of signatures")
    return head + "\n", lines


def read_signature(line: str) -> tuple[str, bytes, bytes]:
    """Read a signature line: the key's name, its id, the signature; `Refused` (`bad-note`)."""
    parts = line.split(" ")
    raw = read_base64(parts[2]) if len(parts) == 3 and parts[0] == "\u2014" and is_name(parts[1]) else None  # noqa: PLR2004 - dash, name, bytes
    if raw is None or len(raw) <= ID_BYTES:
        raise bad_note(why="a signature line is not a dash, a name and base64")
    return parts[1], raw[:ID_BYTES], raw[ID_BYTES:]


@dataclass(frozen=True)
class Checkpoint:
    """What a log states of itself: its name, how many entries it has, and the root of the tree over them."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Write the text that is signed."""
        lines = (self.origin, str(self.size), base64.b64encode(self.root).decode(), *self.extensions)
        return "".join(f"{line}\n" for line in lines)

    @classmethod
    def parse(cls, text: str) -> Checkpoint:
        """Read the text of a note; `Refused` (`bad-checkpoint`) if it is no checkpoint."""
        lines = text.removesuffix("\n").split("\n")
        root = read_base64(lines[2]) if len(lines) > 2 else None  # noqa: PLR2004 - origin, size, root
        if not all(lines) or root is None or len(root) != HASH_BYTES:
            raise _bad_checkpoint(why="it does not have the lines origin, size and root, none of them empty")
        if not _NUMBER.fullmatch(lines[1]) or int(lines[1]) > MAX_SIZE:
            raise _bad_checkpoint(why="its size is not a number that a log can have")
        return cls(lines[0], int(lines[1]), root, tuple(lines[3:]))


def open_checkpoint(note: bytes, verifier: Verifier) -> Checkpoint:
    """Open a signed checkpoint of the log that goes by the key's name.

    Raises `Refused` as `open_note` and `Checkpoint.parse` do, and `wrong-origin` for the checkpoint of another log.
    """
    found = Checkpoint.parse(open_note(note, verifier))
    if found.origin != verifier.name:
        raise Refused(rule="wrong-origin", message=f"it is the checkpoint of the log {ascii(found.origin)[:120]}, not of {verifier.name}")
    return found


def parse_key(text: str) -> tuple[str, bytes, bytes]:
    """Take a verifier key apart: its name, the byte of its type, the key; `Refused` (`bad-key`) if its hash is not theirs."""
    name, _, rest = text.strip().partition("+")
    digits, _, encoded = rest.partition("+")
    raw = read_base64(encoded) if _HEX.fullmatch(digits) else None
    if not raw:
        raise bad_key(why="it is not written `name+hash+base64`")
    if key_id(name, raw[:1], raw[1:]).hex() != digits:
        raise bad_key(why="its hash is not that of its name and key")
    return name, raw[:1], raw[1:]


def key_id(name: str, kind: bytes, public: bytes) -> bytes:
    """Compute the four bytes that stand before a key's signatures."""
    return sha256(name.encode() + b"\n" + kind + public).digest()[:ID_BYTES]


def write_key(name: str, kind: bytes, public: bytes) -> str:
    """Write a verifier key as others read it: `name+hash+base64`."""
    return f"{name}+{key_id(name, kind, public).hex()}+{base64.b64encode(kind + public).decode()}"


def write_signature(name: str, identity: bytes, signature: bytes) -> bytes:
    """Write a signature line."""
    return f"\u2014 {name} {base64.b64encode(identity + signature).decode()}\n".encode()


def refuse_weak(public: bytes) -> None:
    """Refuse (`bad-key`) an Ed25519 key that is not in its one form, or under which anybody can sign."""
    second = int.from_bytes(public, "little") & ((1 << 255) - 1)
    if second >= _PRIME or second in _SMALL_ORDER:
        raise bad_key(why="anybody can sign under this Ed25519 key")


def is_name(name: str) -> bool:
    """Tell whether a key can go by this name."""
    return 0 < len(name) <= MAX_NAME and "+" not in name and not any(sign.isspace() or sign < " " for sign in name)


def read_base64(text: str) -> bytes | None:
    """Read base64 in its one canonical form."""
    try:
        raw = base64.b64decode(text, validate=True)
    except ValueError:
        return None
    return raw if base64.b64encode(raw).decode() == text else None


def bad_key(*, why: str) -> Refused:
    """Say why a text is no verifier key."""
    return Refused(rule="bad-key", message=f"this is no verifier key: {why}")


def bad_note(*, why: str) -> Refused:
    """Say why bytes are no signed note."""
    return Refused(rule="bad-note", message=f"this is no signed note: {why}")


def _bad_checkpoint(*, why: str) -> Refused:
    return Refused(rule="bad-checkpoint", message=f"this is no checkpoint: {why}")
