"""Keys and the keyring: whose key, of what kind, valid when."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat, load_pem_public_key
from hypothesis import given
from hypothesis import strategies as st
from securesystemslib.signer import SSlibKey  # type: ignore[attr-defined]  # public, though it does not say so to mypy

from kybern.base import InputError
from kybern.evidence import KeyKind, Keyring, KeyType, PrivateKey, Refused, TrustedKey, read_keyring, with_key, with_revocation

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Bench


def _entry(key: PrivateKey, **changes: str) -> str:
    fields = {"keyid": key.keyid, "name": "anna", "holder": "person:anna", "kind": "person", "valid_from": "2026-01-01"} | changes
    pem = changes.get("public_key", key.public_pem)
    text = "".join(f"    {name}: {value}\n" for name, value in fields.items() if name != "public_key")
    return "  -\n" + text + "    public_key: |\n" + "".join(f"      {line}\n" for line in pem.splitlines())


def _file(*entries: str) -> bytes:
    return ("keys:\n" + "".join(entries)).encode()


def _problems(data: bytes) -> InputError:
    with pytest.raises(InputError) as error:
        Keyring.from_yaml(data)
    return error.value


@pytest.mark.parametrize("type_", list(KeyType))
@pytest.mark.parametrize("passphrase", [None, "correct horse"])
def test_a_private_key_is_written_and_read_back(passphrase: str | None, type_: KeyType) -> None:
    key = PrivateKey.generate(type_)
    pem = key.pem(passphrase)
    assert PrivateKey.from_pem(pem, passphrase).keyid == key.keyid
    assert (b"ENCRYPTED" in pem) == (passphrase is not None)


def test_generated_keys_differ() -> None:
    assert PrivateKey.generate().keyid != PrivateKey.generate().keyid


@pytest.mark.parametrize(
    ("passphrase", "given_passphrase", "words"),
    [("right", None, "protected by a passphrase"), ("right", "wrong", "passphrase is wrong"), (None, "right", "has no passphrase")],
)
def test_a_wrong_passphrase_is_told_in_words(passphrase: str | None, given_passphrase: str | None, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        PrivateKey.from_pem(PrivateKey.generate().pem(passphrase), given_passphrase)


def test_only_ed25519_and_p256_keys_sign() -> None:
    other = ec.generate_private_key(ec.SECP384R1())
    pem = other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    with pytest.raises(ValueError, match="neither an Ed25519 nor a P-256 key"):
        PrivateKey.from_pem(pem)
    public = other.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    words = "public_key is neither an Ed25519 nor a P-256 key"
    assert words in str(_problems(_file(_entry(PrivateKey.generate(), public_key=public))))


def test_a_p256_key_has_the_keyid_of_securesystemslib_and_signs_the_same_twice() -> None:
    key = PrivateKey.generate(KeyType.P256)
    public = load_pem_public_key(key.public_pem.encode())
    assert key.keyid == SSlibKey.from_crypto(public).keyid
    assert key.sign_raw(b"x") == key.sign_raw(b"x") != key.sign_raw(b"y")
    assert PrivateKey.from_pem(key.pem("secret"), "secret").sign_raw(b"x") == key.sign_raw(b"x")
    with pytest.raises(Refused, match="no Ed25519 key"):
        _ = key.public_raw


def test_a_private_key_never_shows_itself(bench: Bench) -> None:
    secret = bench.anna.pem().decode().splitlines()[1]
    assert secret not in f"{bench.anna!r} {bench.anna!s} {vars(bench.anna)}"


@given(st.binary(max_size=200))
def test_arbitrary_bytes_are_no_private_key(data: bytes) -> None:
    with pytest.raises(ValueError, match="no private key"):
        PrivateKey.from_pem(data)


def test_a_keyring_is_read_from_yaml_and_found_by_name_and_keyid(bench: Bench) -> None:
    ring = Keyring.from_yaml(_file(_entry(bench.anna, valid_until="2027-01-01T12:00:00+02:00"), _entry(bench.ci, name="spare")))
    key = ring.get(bench.anna.keyid)
    assert key is not None
    assert (len(ring), key.kind, key.valid_from) == (2, KeyKind.PERSON, datetime(2026, 1, 1, tzinfo=UTC))
    assert key.valid_until == datetime(2027, 1, 1, 10, tzinfo=UTC)
    assert ring.find("anna") == ring.find(bench.anna.keyid[:8]) == (key,)
    assert ring.find(bench.anna.keyid[:3]) == ()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"keyid": "0" * 63 + "a"}, "keyid is not that of public_key"),
        ({"holder": "tool:pytest"}, "the holder of a key of kind person is named person:"),
        ({"kind": "robot"}, "keys[0].kind cannot be robot. Use one of person, pipeline, tool, auditor."),
        ({"valid_from": "tomorrow"}, "keys[0].valid_from needs a date and time, not the text 'tomorrow'"),
        ({"valid_from": "2026-01-01T00:00:00"}, "keys[0].valid_from needs a time zone"),
        ({"valid_until": "2025-01-01"}, "valid_until is not after valid_from"),
        ({"revoked_on": "2026-05-01"}, "revoked_on and revoked_because go together"),
        ({"public_key": "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----"}, "public_key is not a public key in PEM form"),
        ({"trusted": "true"}, "keys[0] has no field trusted. Its fields are "),
    ],
)
def test_a_key_that_does_not_fit_together_is_refused_with_its_place(bench: Bench, changes: dict[str, str], words: str) -> None:
    error = _problems(_file(_entry(bench.anna, **changes)))
    assert words in str(error)
    assert all(problem.place.file == "keys.yaml" and problem.place.line >= 2 for problem in error.problems)


def test_a_key_and_a_name_stand_once(bench: Bench) -> None:
    error = _problems(_file(_entry(bench.anna), _entry(bench.anna)))
    assert [(problem.rule, problem.place.pointer) for problem in error.problems] == [
        ("key-twice", "/keys/1/keyid"),
        ("key-twice", "/keys/1/name"),
    ]
    with pytest.raises(ValueError, match="stands twice"):
        Keyring([*bench.keyring, *bench.keyring])


@pytest.mark.parametrize("data", [b"", b"keys", b"keys: 7", b"- a", b"keys: []\n---\nkeys: []\n", b"\xff"])
def test_what_is_no_key_file_is_refused(data: bytes) -> None:
    assert _problems(data).problems


def test_keys_are_added_and_every_other_byte_stays(bench: Bench) -> None:
    anna, ci, *_ = bench.keyring
    text = b"# who we trust\n" + with_key(b"", anna) + b"# the pipelines\n"
    both = with_key(text, ci)
    assert both.startswith(text)
    assert list(Keyring.from_yaml(both)) == [anna, ci]


@pytest.mark.parametrize("empty", [b"", b"  \n", b"keys: []\n", b"# ours\nkeys:\n", b"# ours\nkeys: [ ]  \n", b"keys: []  # ours\n"])
def test_the_first_key_is_added_to_an_empty_file(bench: Bench, empty: bytes) -> None:
    anna, *_ = bench.keyring
    text = with_key(empty, anna)
    assert list(Keyring.from_yaml(text)) == [anna]
    assert (b"# ours" in empty) == (b"# ours" in text)


@pytest.mark.parametrize("name", ["true", "12", "1e5", "null", "a-b", "0x10"])
def test_a_name_that_yaml_could_read_otherwise_is_quoted(bench: Bench, name: str) -> None:
    key = bench.anna.trusted(name=name, holder="person:anna", kind="person", valid_from=bench.START)
    assert [found.name for found in Keyring.from_yaml(with_key(b"", key))] == [name]


def test_adding_a_key_that_is_there_changes_nothing(bench: Bench) -> None:
    anna, *_ = bench.keyring
    with pytest.raises(InputError, match="stands twice"):
        with_key(with_key(b"", anna), anna)


def test_a_layout_that_takes_no_lines_is_refused(bench: Bench) -> None:
    anna, ci, *_ = bench.keyring
    entry = anna.model_dump_json(exclude_none=True).encode()
    flow = b'{"keys": [' + entry + b"]}"
    assert list(Keyring.from_yaml(flow)) == [anna]
    for change in (lambda: with_key(flow, ci), lambda: with_revocation(flow, anna.keyid, revoked_on=bench.END, because="Lost.")):
        with pytest.raises(InputError, match="key-file-layout"):
            change()


def test_a_key_is_revoked_once_with_a_reason_and_comments_stay(bench: Bench) -> None:
    anna, ci, *_ = bench.keyring
    text = with_key(
        with_key(b"# ours\n" + with_key(b"", anna), ci),
        bench.tool.trusted(name="pytest", holder="tool:pytest", kind="tool", valid_from=bench.START),
    )
    because = 'Left: "the firm" # on her own wish'
    revoked = with_revocation(text, ci.keyid, revoked_on=bench.OBSERVED, because=because)
    key = Keyring.from_yaml(revoked).get(ci.keyid)
    assert key is not None
    assert (key.revoked_on, key.revoked_because) == (bench.OBSERVED, because)
    assert [line for line in revoked.splitlines() if b"revoked_" not in line] == text.splitlines()
    with pytest.raises(InputError, match="is revoked since 2026-03-01T09:30:00Z"):
        with_revocation(revoked, ci.keyid, revoked_on=bench.END, because="Again.")
    with pytest.raises(InputError, match="no key"):
        with_revocation(text, "0" * 64, revoked_on=bench.END, because="Lost.")


def test_a_keys_standing_at_its_edges(bench: Bench) -> None:
    key = TrustedKey.model_validate(next(iter(bench.keyring)).model_dump() | {"revoked_on": "2026-06-01", "revoked_because": "Lost."})
    second = timedelta(seconds=1)
    revoked = datetime(2026, 6, 1, tzinfo=UTC)
    assert [key.standing(at) for at in (bench.START - second, bench.START, revoked - second, revoked, bench.END)] == [
        "not-yet-valid",
        "valid",
        "valid",
        "revoked",
        "revoked",
    ]


def test_a_workspace_without_a_key_file_trusts_nobody(tmp_path: Path) -> None:
    assert len(read_keyring(tmp_path)) == 0


def test_a_workspaces_keyring_is_a_file_of_its_own(bench: Bench, tmp_path: Path) -> None:
    anna, *_ = bench.keyring
    (tmp_path / "real.yaml").write_bytes(with_key(b"", anna))
    (tmp_path / "keys.yaml").symlink_to("real.yaml")
    with pytest.raises(InputError, match="symbolic link"):
        read_keyring(tmp_path)
    (tmp_path / "real.yaml").replace(tmp_path / "keys.yaml")
    assert list(read_keyring(tmp_path)) == [anna]
