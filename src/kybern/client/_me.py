"""Who asks."""

from __future__ import annotations

from kybern.client._exchange import Call
from kybern.client._results import Me


def me() -> Call[Me]:
    """Tell whom the token speaks for, and in which units it holds which permission."""
    return Call("GET", "me", lambda answer: Me.model_validate_json(answer.content))
