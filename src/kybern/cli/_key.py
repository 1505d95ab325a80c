"""`kybern key`: make signing keys, list the trusted ones, revoke one."""

from __future__ import annotations

import os
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from kybern.cli import _token
from kybern.cli._shared import AsOfOption, WorkspaceOption, fail, now, open_root, parse_as_of, print_json, read_moment, refuse

if TYPE_CHECKING:
    from kybern.evidence import Keyring, PrivateKey, SigningKey, TrustedKey

app = typer.Typer(name="key", help="Signing keys, and the keyring of those the organisation trusts.", no_args_is_help=True)

KEY_FOLDER = Path(".kybern", "keys")
"""Where private keys lie, relative to the workspace; Git is told to pass it over."""

PassphraseOption = Annotated[
    str | None, typer.Option("--passphrase-env", metavar="VAR", help="The environment variable that holds the key's passphrase, or PIN.")
]
KindOption = Annotated[Literal["person", "pipeline", "tool", "auditor"], typer.Option("--kind", help="Who signs with it.")]
HolderOption = Annotated[str, typer.Option("--holder", metavar="REF", help="Whose it is: person:anna, pipeline:credit-ci, tool:pytest.")]
ValidFromOption = Annotated[str | None, typer.Option("--valid-from", metavar="TIME", help="From when its signatures count. Default: now.")]
ValidDaysOption = Annotated[int, typer.Option("--valid-days", min=1, max=36500, help="For how many days.")]


def parse_moment(text: str | None, option: str) -> datetime | None:
    """Read a moment with its zone, or a day, which means its beginning in UTC. Exits 2 for anything else."""
    if text is None:
        return None
    moment = read_moment(text, time.min)
    if moment is None:
        refuse("moment", f"{option} does not read {text!r}.", "Write a day, 2026-11-20, or a moment with its zone, 2026-11-20T09:30:00Z.")
    return moment


def keyring_of(root: Path) -> Keyring:
    """Read the workspace's keyring; tells every problem and exits 2 where that fails."""
    from kybern.base import InputError  # noqa: PLC0415 - see the docstring of `_shared`
    from kybern.evidence import read_keyring  # noqa: PLC0415

    try:
        return read_keyring(root)
    except InputError as error:
        fail(error, root)


def signing_key(root: Path, name: str, passphrase_env: str | None) -> SigningKey:
    """Open the key NAME of the workspace, the one at a path, or the one in a token; exits 2 with the reason where that fails."""
    reference = root / KEY_FOLDER / f"{name}{_token.SUFFIX}"
    if name.startswith("pkcs11:") or reference.is_file():
        uri = name if name.startswith("pkcs11:") else _token.read_reference(reference)
        return _token.open_token(uri, passphrase_env)[0]
    path = Path(name) if name.endswith(".pem") else root / KEY_FOLDER / f"{name}.pem"
    return private_key(path, passphrase_env, f"Make one: kybern key new {path.stem} …")


def private_key(path: Path, passphrase_env: str | None, otherwise: str = "") -> PrivateKey:
    """Open a private key; exits 2 with the reason where that fails, and with what to do if it is not there."""
    from kybern.evidence import PrivateKey  # noqa: PLC0415

    try:
        return PrivateKey.from_pem(path.read_bytes(), passphrase_of(passphrase_env))
    except OSError as error:
        refuse("no-key", f"The private key {path} cannot be read: {error.strerror}.", otherwise)
    except ValueError as error:
        hint = "Name the variable that holds the passphrase with --passphrase-env." if "passphrase" in str(error) else ""
        refuse("bad-key", f"{path}: {error}.", hint)


def write_private_key(root: Path, path: Path, key: PrivateKey, passphrase_env: str | None) -> None:
    """Write a private key that only its owner reads, never over another, and keep it out of Git; exits 2 where that fails."""
    write_private(path, key.pem(passphrase_of(passphrase_env)))
    _pass_over_in_git(root)


def passphrase_of(variable: str | None) -> str | None:
    """Read the passphrase from the environment variable of this name; exits 2 if it holds none."""
    if variable is None:
        return None
    value = os.environ.get(variable)
    if not value:
        refuse("no-passphrase", f"The environment variable {variable} holds no passphrase.")
    return value


@app.command()
def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What to call the key here: anna, credit-ci.")],
    *,
    kind: KindOption,
    holder: HolderOption,
    type_: Annotated[Literal["ed25519", "p256"], typer.Option("--type", help="How it signs: Ed25519, or ECDSA on P-256.")] = "ed25519",
    valid_from: ValidFromOption = None,
    valid_days: ValidDaysOption = 730,
    passphrase_env: PassphraseOption = None,
    directory: WorkspaceOption = Path(),
) -> None:
    """Make a key: the private half stays under .kybern/keys, the public half joins keys.yaml."""
    from kybern.evidence import KEYS_FILE, KeyType, PrivateKey  # noqa: PLC0415

    root = open_root(directory)
    start = parse_moment(valid_from, "--valid-from") or now().replace(microsecond=0)
    key = PrivateKey.generate(KeyType(type_))
    entry, keys = _entry(root, key, name, kind, holder, start, valid_days)
    path = root / KEY_FOLDER / f"{name}.pem"
    write_private_key(root, path, key, passphrase_env)
    _replace(root / KEYS_FILE, keys)
    _tell_new(root, entry)
    typer.echo(f"Private key: {path.relative_to(root)}. Whoever has it signs as {holder}: keep it to its holder and out of Git.", err=True)


@app.command()
def register(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What to call the key here: anna, release.")],
    *,
    uri: Annotated[str, typer.Option("--uri", metavar="URI", help="The key: pkcs11:token=…;object=…, or id=….")],
    kind: KindOption,
    holder: HolderOption,
    module: Annotated[Path | None, typer.Option("--module", metavar="FILE", help="The token's PKCS #11 library.")] = None,
    valid_from: ValidFromOption = None,
    valid_days: ValidDaysOption = 730,
    passphrase_env: PassphraseOption = None,
    directory: WorkspaceOption = Path(),
) -> None:
    """Trust a key that lies in a PKCS #11 token: its public half joins keys.yaml, its private half stays where it is."""
    from kybern.evidence import KEYS_FILE  # noqa: PLC0415

    root = open_root(directory)
    start = parse_moment(valid_from, "--valid-from") or now().replace(microsecond=0)
    key, kept = _token.open_token(uri, passphrase_env, module)
    entry, keys = _entry(root, key, name, kind, holder, start, valid_days)
    if (root / KEY_FOLDER / f"{name}.pem").exists():
        refuse("key-exists", f"There is a private key {name} already.", "Choose another name.")
    write_private(root / KEY_FOLDER / f"{name}{_token.SUFFIX}", f"{kept}\n".encode())
    _pass_over_in_git(root)
    _replace(root / KEYS_FILE, keys)
    _tell_new(root, entry)


def _entry(root: Path, key: SigningKey, name: str, kind: str, holder: str, start: datetime, valid_days: int) -> tuple[TrustedKey, bytes]:
    """Make the keyring's entry of a key, and the key file with it; exits 2 with the reason where that fails."""
    from kybern.base import InputError  # noqa: PLC0415
    from kybern.evidence import KEYS_FILE, with_key  # noqa: PLC0415

    keyring_of(root)
    try:
        until = start + timedelta(days=valid_days)
        entry = key.trusted(name=name, holder=holder, kind=kind, valid_from=start, valid_until=until)
        return entry, with_key(_text(root / KEYS_FILE), entry, KEYS_FILE)
    except InputError as error:
        fail(error, root)
    except (ValueError, OverflowError) as error:
        refuse("bad-key", f"This key cannot be: {_reason(error)}.")


def _tell_new(root: Path, entry: TrustedKey) -> None:
    typer.echo(f"{entry.keyid}  {entry.name} ({entry.holder}, {entry.kind}), valid until {entry.valid_until:%Y-%m-%d}")
    _warn_of_stranger(root, entry.holder)


def _warn_of_stranger(root: Path, holder: str) -> None:
    """Say that no record bears the name of a person: what asks for an approval by somebody names a record."""
    from kybern.base import InputError  # noqa: PLC0415
    from kybern.workspace import load_workspace  # noqa: PLC0415

    if not holder.startswith("person:"):
        return
    try:
        known = [record.ref for record in load_workspace(root).records.of_kind("person")]
    except InputError:  # lint tells what is wrong with the records
        return
    if holder not in known:
        hint = f"The people are {', '.join(known[:6])}." if known else "Write one under records/."
        typer.echo(f"warning: there is no record {holder}. {hint}", err=True)


def _reason(error: Exception) -> str:
    """Write pydantic's error, or another, as one clause."""
    from pydantic import ValidationError  # noqa: PLC0415

    if isinstance(error, ValidationError):
        faults = error.errors(include_url=False)
        return "; ".join(f"{' '.join(map(str, item['loc']))} {item['msg'].removeprefix('Value error, ')}".strip() for item in faults)
    return str(error)


def _text(path: Path) -> bytes:
    return path.read_bytes() if path.exists() else b""


def write_private(path: Path, pem: bytes) -> None:
    """Write a private key that only its owner reads, and never over another."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.parent.chmod(0o700)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(pem)
    except FileExistsError:
        refuse("key-exists", f"{path} is there already and is kept.", "Choose another name, or move the old key away.")
    except OSError as error:
        refuse("unwritable", f"{path} cannot be written: {error.strerror}.")


def _pass_over_in_git(root: Path) -> None:
    """See to it that .gitignore names the folder of private keys."""
    path = root / ".gitignore"
    try:
        text = path.read_bytes() if path.exists() else b""
        if not {b".kybern", b".kybern/", b"/.kybern", b"/.kybern/"} & {line.strip() for line in text.splitlines()}:
            path.write_bytes(text + (b"" if not text or text.endswith(b"\n") else b"\n") + b".kybern/\n")
    except OSError as error:
        typer.echo(f"warning: {path} cannot be written ({error.strerror}): keep .kybern/ out of Git yourself.", err=True)


def _replace(path: Path, data: bytes) -> None:
    """Put a new text in the file's place at once, so that a crash leaves the old or the new."""
    fresh = path.with_name(f".{path.name}.new")
    try:
        fresh.write_bytes(data)
        fresh.replace(path)
    except OSError as error:
        refuse("unwritable", f"{path} cannot be written: {error.strerror}.")


@app.command("list")
def list_keys(
    directory: WorkspaceOption = Path(),
    as_of: AsOfOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON.")] = False,
) -> None:
    """List the trusted keys and how each stands."""
    at = parse_as_of(as_of)
    keyring = keyring_of(open_root(directory))
    if as_json:
        print_json([key.model_dump(mode="json", exclude_none=True) | {"standing": key.standing(at)} for key in keyring])
        return
    for key in keyring:
        typer.echo(f"{key.keyid[:16]}  {key.name:<20} {key.kind:<9} {key.holder:<28} {_standing_in_words(key, at)}")
    if not len(keyring):
        typer.echo("No key is trusted yet. Make one: kybern key new NAME --kind person --holder person:NAME", err=True)


def _standing_in_words(key: TrustedKey, at: datetime) -> str:
    standing = key.standing(at)
    if standing == "revoked":
        return f"revoked on {key.revoked_on:%Y-%m-%d}: {key.revoked_because}"
    if standing == "not-yet-valid":
        return f"valid from {key.valid_from:%Y-%m-%d}"
    until = f" until {key.valid_until:%Y-%m-%d}" if key.valid_until else ""
    return f"{standing}{until}" if standing == "valid" else f"expired on {key.valid_until:%Y-%m-%d}"


@app.command()
def revoke(
    keyid: Annotated[str, typer.Argument(metavar="KEYID", help="The keyid, its first digits (four or more), or the key's name.")],
    because: Annotated[str, typer.Option("--because", metavar="TEXT", help="Why: it stands in the keyring and in every refusal.")],
    on: Annotated[str | None, typer.Option("--on", metavar="TIME", help="From when its signatures no longer count. Default: now.")] = None,
    directory: WorkspaceOption = Path(),
) -> None:
    """Revoke a trusted key: what it signs as observed from that moment on no longer counts."""
    from kybern.base import InputError  # noqa: PLC0415
    from kybern.evidence import KEYS_FILE, with_revocation  # noqa: PLC0415

    root = open_root(directory)
    moment = parse_moment(on, "--on") or now().replace(microsecond=0)
    found = keyring_of(root).find(keyid)
    if len(found) != 1:
        count = "No key goes" if not found else f"{len(found)} keys go"
        refuse("unknown-key", f"{count} by {keyid!r}.", "See kybern key list.")
    try:
        changed = with_revocation(_text(root / KEYS_FILE), found[0].keyid, revoked_on=moment, because=because, file=KEYS_FILE)
    except InputError as error:
        fail(error, root)
    except ValueError as error:
        refuse("bad-key", f"The key cannot be revoked so: {_reason(error)}.")
    _replace(root / KEYS_FILE, changed)
    typer.echo(f"{found[0].keyid}  {found[0].name} ({found[0].holder}) revoked on {moment:%Y-%m-%dT%H:%M:%SZ}")
