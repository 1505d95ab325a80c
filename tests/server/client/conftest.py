"""Both clients against the real server, in this process: what they send goes through Django's client for tests."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "client"))

from both_clients import CLIENTS, client_of
from django_transport import InProcess
from server_world import token_of

if TYPE_CHECKING:
    from collections.abc import Callable

URL = "http://localhost"


@pytest.fixture(params=CLIENTS)
def asked_by(request: pytest.FixtureRequest, db: None) -> Callable[..., Any]:
    """Give a client, each of the two in turn, with a token of the user who has this role; `scopes` cut it."""

    def made(role: str, scopes: list[str] | None = None) -> Any:
        return client_of(request.param, InProcess(), url=URL, token=token_of(role, scopes))

    return made
