"""Keys in PKCS #11 tokens, for the commands that sign: the reference that is kept, the PIN, and `kybern key register`."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from kybern.cli._shared import refuse

if TYPE_CHECKING:
    from kybern.evidence import TokenKey

SUFFIX = ".pkcs11"
"""A key in a token is kept as its URI in a file beside the private keys."""

MODULE = "KYBERN_PKCS11_MODULE"
"""The environment variable that names the token's library where the URI does not."""


def open_token(text: str, pin_env: str | None, module: Path | None = None) -> tuple[TokenKey, str]:
    """Open a key in a token, asking for the PIN if no variable holds it; give it with the URI to keep. Exits 2 where that fails."""
    from dataclasses import replace  # noqa: PLC0415 - see the docstring of `_shared`

    from kybern.evidence import Refused, TokenKey, TokenUri  # noqa: PLC0415

    try:
        uri = TokenUri.parse(text.strip())
        uri = uri if module is None else replace(uri, module=str(module.resolve()))
        library = uri.module or os.environ.get(MODULE)
        if not library:
            refuse("no-module", "Nothing names the library of the token.", f"Give --module or module-path=, or set {MODULE}.")
        return TokenKey.open(uri, library, _pin(pin_env)), str(uri)
    except Refused as refused:
        refuse(refused.rule, f"{refused.message[:1].upper()}{refused.message[1:]}.")


def read_reference(path: Path) -> str:
    """Read the URI of a key in a token that was registered; exits 2 where that fails."""
    try:
        with path.open("rb") as file:
            return file.read(4096).decode("utf-8", "replace")
    except OSError as error:
        refuse("no-key", f"{path} cannot be read: {error.strerror}.")


def _pin(variable: str | None) -> str:
    if variable is not None:
        value = os.environ.get(variable)
        if not value:
            refuse("no-pin", f"The environment variable {variable} holds no PIN.")
        return value
    if not sys.stdin.isatty():
        refuse("no-pin", "The token needs a PIN, and there is nobody to ask.", "Name the variable that holds it with --passphrase-env.")
    return str(typer.prompt("PIN of the token", hide_input=True, err=True))
