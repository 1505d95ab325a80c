"""docs/handbook/evidence.md says what is: its recipe runs, and it leaves out no type, field or reason."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import kybern.evidence
from kybern.catalog import PredicateType
from kybern.evidence import PREDICATES, Keyring, KeyType, PrivateKey, TrustedKey, parse_envelope

if TYPE_CHECKING:
    from conftest import Bench

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "handbook" / "evidence.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("type_", list(KeyType))
def test_the_recipe_verifies_an_envelope_and_refuses_a_changed_one(bench: Bench, tmp_path: Path, type_: KeyType) -> None:
    signer, stranger = PrivateKey.generate(type_), PrivateKey.generate(type_)
    recipe, key, envelope = tmp_path / "recipe.py", tmp_path / "key.pem", tmp_path / "envelope.json"
    recipe.write_text(PAGE.split("```python\n")[1].split("```")[0])
    key.write_text(signer.public_pem)
    envelope.write_bytes(bench.envelope(signer))
    assert "import kybern" not in recipe.read_text()
    command = [sys.executable, "-W", "ignore", str(recipe), str(envelope), str(key)]
    done = subprocess.run(command, capture_output=True, check=True)
    assert done.stdout.strip() == parse_envelope(envelope.read_bytes()).payload
    key.write_text(stranger.public_pem)
    failed = subprocess.run(command, capture_output=True, check=False)
    assert failed.returncode == 1
    assert b"InvalidSignature" in failed.stderr


@pytest.mark.parametrize("kind", list(PredicateType))
def test_every_field_of_every_type_is_listed(kind: PredicateType) -> None:
    row = next(line for line in PAGE.splitlines() if line.startswith(f"| `{kind}` |"))
    common = PAGE.split("## Types and fields")[1].split("| type |")[0]
    for name, field in PREDICATES[kind].model_fields.items():
        where = row if f"`{name}`" in row else common
        assert f"`{name}`" in where, name
        if where is row:
            needs, may = row.split("|")[3:5]
            assert f"`{name}`" in (needs if field.is_required() else may), name


def test_every_field_of_a_key_is_listed() -> None:
    section = PAGE.split("## Keys")[1].split("## Filing")[0]
    assert [name for name in TrustedKey.model_fields if f"`{name}`" not in section] == []


def test_every_reason_for_refusing_is_explained() -> None:
    folder = Path(kybern.evidence.__file__).parent
    reasons = {rule for path in folder.glob("_*.py") for rule in re.findall(r'Refused\(rule="([a-z-]+)"', path.read_text())}
    assert len(reasons) >= 14
    section = PAGE.split("### Keys in tokens")[1]
    assert {rule for rule in reasons | {"key-expired", "key-revoked", "key-not-yet-valid"} if f"`{rule}`" not in section} == set()


def test_an_empty_keyring_trusts_nobody(bench: Bench) -> None:
    with pytest.raises(kybern.evidence.Refused, match="unknown-key"):
        kybern.evidence.verify(bench.envelope(), Keyring())
