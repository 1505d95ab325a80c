"""Sign-in by SAML: what the provider signed for this server, in answer to this browser, signs in; nothing else does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("onelogin", reason="python3-saml is not installed: pip install 'kybern[saml]'")

PROGRAM = Path(__file__).parent / "saml_idp.py"


@pytest.fixture(scope="module")
def signed_in(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What became of each case; a server with a SAML provider has settings of its own, so it is a process of its own."""
    said = {
        "KYBERN_SAML_METADATA": "https://id.example.org/metadata",
        "KYBERN_SAML_ENTITY": "urn:idp",
        "KYBERN_SAML_NAME": "Directory",
        "KYBERN_OIDC_TRUST_EMAIL": "1",
        "KYBERN_URL": "https://kybern.example.org",
        "KYBERN_DATA": str(tmp_path_factory.mktemp("saml")),
        "DJANGO_SETTINGS_MODULE": "kybern.server.settings",
    }
    plain = {name: value for name, value in os.environ.items() if not name.startswith("KYBERN_") or name == "KYBERN_CACHE"}
    ran = subprocess.run([sys.executable, str(PROGRAM)], env={**plain, **said}, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr[-3000:]
    return dict(json.loads(ran.stdout))


def test_whom_the_provider_vouches_for_is_signed_in_by_address_and_name(signed_in: dict[str, Any]) -> None:
    assert signed_in["right"] == [200, "ada@example.org"]
    assert ["ada@example.org", "Ada Lovelace"] in signed_in["names"]


@pytest.mark.parametrize(
    ("case", "status"),
    [
        ("not signed", 401),
        ("signed by another", 401),
        ("changed", 401),
        ("for another", 401),
        ("over", 401),
        ("from another", 401),
        ("not asked for", 401),
        ("asked by another browser", 403),
        ("twice", 403),
        ("no XML", 400),
        ("entities", 400),
    ],
)
def test_nothing_else_signs_anybody_in(signed_in: dict[str, Any], case: str, status: int) -> None:
    assert signed_in[case] == [status, None]


def test_no_account_is_left_of_what_did_not_sign_in(signed_in: dict[str, Any]) -> None:
    """The last of them was signed in once, by the browser that had asked."""
    assert [address for address, _name in signed_in["names"]] == ["ada@example.org", "k@example.org"]


def test_the_server_tells_the_provider_where_to_send_answers_and_that_they_are_signed(signed_in: dict[str, Any]) -> None:
    (metadata,), (there,) = signed_in["metadata"], signed_in["leads to"]
    assert 'Location="https://kybern.example.org/accounts/saml/sso/acs/"' in metadata
    assert 'WantAssertionsSigned="true"' in metadata
    assert there.startswith("https://id.example.org/sso?SAMLRequest=")
