"""Who asks, and their tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pydantic import TypeAdapter

from kybern.client._exchange import Call, path_of
from kybern.client._records import JSON, json_bytes, key_header
from kybern.client._results import Me, NewToken, Token

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

_TOKENS: Final = TypeAdapter(tuple[Token, ...])


def me() -> Call[Me]:
    """Tell whom the token speaks for, and in which units it holds which permission."""
    return Call("GET", "me", lambda answer: Me.model_validate_json(answer.content))


def tokens() -> Call[tuple[Token, ...]]:
    """List the tokens of whom the token speaks for, the latest first."""
    return Call("GET", "tokens", lambda answer: _TOKENS.validate_json(answer.content))


def issue_token(name: str, scopes: Sequence[str], expires_at: datetime, *, key: str | None = None) -> Call[NewToken]:
    """Issue a token that may do no more than this one and does not outlast it. Its text comes back this once and is kept nowhere."""
    body = json_bytes({"name": name, "scopes": list(scopes), "expires_at": expires_at.isoformat()})
    return Call(
        "POST", "tokens", lambda answer: NewToken.model_validate_json(answer.content), (), (JSON, *key_header(key)), body, writes=True
    )


def revoke_token(number: int, *, key: str | None = None) -> Call[Token]:
    """Let a token count no more."""
    path = path_of("tokens", f"{number}:revoke")
    return Call("POST", path, lambda answer: Token.model_validate_json(answer.content), (), key_header(key), writes=True)
