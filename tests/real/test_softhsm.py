"""Keys in a token that others made: SoftHSM2 signs evidence, and the private half never leaves it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from kybern.evidence import Keyring, Refused, verify

LIBRARY = next((path for path in map(Path, ("/usr/lib/softhsm/libsofthsm2.so", "/usr/lib64/softhsm/libsofthsm.so")) if path.exists()), None)
KYBERN = Path(sys.executable).with_name("kybern")
PIN = "98765"

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(LIBRARY is None or shutil.which("softhsm2-util") is None, reason="Debian's softhsm2 is not installed"),
]
pytest.importorskip("pkcs11", reason="the extra kybern[pkcs11] is not installed")

MAKE = """
import sys, pkcs11
from pkcs11.util.ec import encode_named_curve_parameters as curve
with pkcs11.lib(sys.argv[1]).get_token(token_label="t").open(rw=True, user_pin=sys.argv[2]) as session:
    for number, (name, type_) in enumerate((("secp256r1", "EC"), ("ed25519", "EC_EDWARDS"), ("secp384r1", "EC")), 1):
        params = curve(name) if type_ == "EC" else bytes.fromhex("130c656477617264733235353139")
        domain = session.create_domain_parameters(pkcs11.KeyType[type_], {pkcs11.Attribute.EC_PARAMS: params}, local=True)
        kwargs = {} if type_ == "EC" else {"mechanism": pkcs11.Mechanism.EC_EDWARDS_KEY_PAIR_GEN}
        domain.generate_keypair(store=True, label=name, id=bytes([number]), **kwargs)
"""


@dataclass
class Desk:
    """A workspace, a token, and commands run with both."""

    root: Path
    env: dict[str, str]

    def run(self, *words: str, code: int = 0, pin: str = PIN) -> str:
        env = {**self.env, "PIN": pin}
        done = subprocess.run(
            [KYBERN, *words, "-C", self.root], env=env, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
        )
        assert done.returncode == code, done.stderr
        assert "Traceback" not in done.stderr
        return done.stdout if code == 0 else done.stderr


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    root = tmp_path_factory.mktemp("desk")
    (root / "tokens").mkdir()
    (root / "softhsm2.conf").write_text(f"directories.tokendir = {root / 'tokens'}\nlog.level = ERROR\n")
    env = {**os.environ, "SOFTHSM2_CONF": str(root / "softhsm2.conf"), "KYBERN_PKCS11_MODULE": str(LIBRARY)}
    init = ["softhsm2-util", "--init-token", "--free", "--label", "t", "--pin", PIN, "--so-pin", "12345678"]
    subprocess.run(init, env=env, check=True, capture_output=True)
    subprocess.run([sys.executable, "-c", MAKE, str(LIBRARY), PIN], env=env, check=True)
    (root / "kybern.yaml").write_text("kybern: 1\n")
    (root / "records").mkdir()
    (root / "records" / "people.yaml").write_text("- {kind: person, id: anna, title: Anna}\n")
    return Desk(root, env)


@pytest.mark.parametrize("name", ["secp256r1", "ed25519"])
def test_a_key_in_a_token_signs_evidence_that_verifies(desk: Desk, name: str) -> None:
    uri = f"pkcs11:token=t;object={name}"
    holder = ("--kind", "person", "--holder", "person:anna", "--passphrase-env", "PIN", "--valid-from", "2026-01-01")
    desk.run("key", "register", name, "--uri", uri, *holder)
    kept = desk.root / ".kybern" / "keys" / f"{name}.pkcs11"
    assert kept.read_text() == f"{uri}\n"
    about = ("--about", "person:anna", "--topic", "oversight", "--key", name, "--passphrase-env", "PIN", "--observed-at", "2026-02-01")
    added = desk.run("evidence", "add", "attestation", *about, "-f", "statement=It can be stopped.", "-f", "holds=true")
    data = (desk.root / added.split()[1]).read_bytes()
    keyring = Keyring.from_yaml((desk.root / "keys.yaml").read_bytes())
    assert verify(data, keyring).signers == ("person:anna",)
    again = desk.run("evidence", "countersign", added.split()[0], "--key", name, "--passphrase-env", "PIN")
    assert again.startswith(added.split()[0])
    changed = json.loads(data)
    changed["payload"] = changed["payload"][:-8] + "AAAA" + changed["payload"][-4:]
    with pytest.raises(Refused):
        verify(json.dumps(changed).encode(), keyring)


@pytest.mark.parametrize(
    ("uri", "pin", "words"),
    [
        ("pkcs11:token=t;object=secp256r1", "11111", "the PIN is wrong"),
        ("pkcs11:token=t;object=other", PIN, "no such key"),
        ("pkcs11:token=other;object=secp256r1", PIN, "no such token"),
        ("pkcs11:token=t;object=secp384r1", PIN, "neither an Ed25519 nor a P-256 key"),
        ("pkcs11:token=t;object=secp256r1?module-path=/nonexistent.so", PIN, "token cannot be used"),
        ("pkcs11:token=t;object=secp256r1?pin-value=1", PIN, "never in a URI"),
    ],
)
def test_what_does_not_work_is_told_in_words(desk: Desk, uri: str, pin: str, words: str) -> None:
    call = ("key", "register", "x", "--uri", uri, "--kind", "person", "--holder", "person:anna", "--passphrase-env", "PIN")
    assert words in desk.run(*call, code=2, pin=pin)
    assert not (desk.root / ".kybern" / "keys" / "x.pkcs11").exists()


def test_without_a_pin_and_anybody_to_ask_it_says_so(desk: Desk) -> None:
    call = ("key", "register", "x", "--uri", "pkcs11:token=t;object=ed25519", "--kind", "person", "--holder", "person:anna")
    assert "nobody to ask" in desk.run(*call, code=2)
