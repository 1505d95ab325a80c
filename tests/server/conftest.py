"""A server with a small organisation, made once for each process of the tests: the records of the example, and evidence signed here."""

from __future__ import annotations

import sys
from copy import copy
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from django.test import Client

sys.path.insert(0, str(Path(__file__).parent))

from server_world import EMAILS, make_world, token_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_django import DjangoDbBlocker

    from kybern.server.live import Standing


@pytest.fixture(scope="session")
def server_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("kybern-data")


@pytest.fixture(scope="session", autouse=True)
def _quick_passwords(server_data: Path) -> None:
    from django.conf import settings

    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.KYBERN_DATA = server_data
    settings.KYBERN_RATE_LIMIT = 0  # tests are quick, and their rolled-back tokens have the same numbers


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker, _quick_passwords: None) -> None:
    """Fill the tests' database once; each test's changes are rolled back."""
    from kybern.server.live import current, forget

    with django_db_blocker.unblock():
        make_world()
        _OF_THE_WORLD["world"] = current()
    forget()


@pytest.fixture(autouse=True)
def _template_string_if_invalid_marker() -> None:
    """Stand for pytest-django's, which is for Django's templates and would have every test ask for monkeypatch: see `_fresh_standing`."""


_OF_THE_WORLD: dict[str, Standing] = {}
"""The standing of the world as it was made: assessed once, not for each test."""


@pytest.fixture(autouse=True)
def _fresh_standing(request: pytest.FixtureRequest) -> Iterator[None]:
    """No test sees what another's rolled-back rows left in memory, and none renews in a thread: it would not see the test's rows.

    What was assessed of the world alone, whose rows no test rolls back, is kept for the next, and what was made from it too; not so in
    a test that patches something, for it makes things under other bounds.
    """
    from kybern.server.live import _standing

    patches = "monkeypatch" in request.fixturenames
    world, quick, steps = _OF_THE_WORLD.get("world"), _standing._QUICK_SECONDS, _standing._STEPS
    _standing._QUICK_SECONDS = float("inf")  # type: ignore[misc]  # as long as the test runs
    _standing._STEPS = steps[1], steps[1]  # type: ignore[misc]  # a minute would be over within a few tests
    _standing._LIVE.standing = _bare(world) if world is not None and patches else world
    yield
    found = _standing._LIVE.standing
    if not patches and world is not None and found is not None and _same(found, world):
        _OF_THE_WORLD["world"] = found
    _standing._LIVE.standing = None
    _standing._QUICK_SECONDS, _standing._STEPS = quick, steps  # type: ignore[misc]


def _bare(standing: Standing) -> Standing:
    assessment = copy(standing.assessment)
    assessment._made = {}
    return replace(standing, assessment=assessment)


def _same(found: Standing, world: Standing) -> bool:
    """Tell whether a standing speaks of the rows and settings of the world, at whatever moment."""
    return _told(found) == _told(world)


def _told(standing: Standing) -> tuple[object, ...]:
    digests = [one.digest for one in standing.records]
    return standing.entries, standing.record_entries, standing.frameworks, digests, len(standing.assessment.evidence)


@pytest.fixture
def sign_in(db: None) -> Callable[[str], Client]:
    """Give a browser that is signed in as the user who has this role, by the role's name."""

    def made(role: str) -> Client:
        from kybern.server.access.models import User

        client = Client()
        client.force_login(User.objects.get(email=EMAILS[role]), backend="allauth.account.auth_backends.AuthenticationBackend")
        return client

    return made


@pytest.fixture
def by_token(db: None) -> Callable[..., Client]:
    """Give a program that sends the token of the user who has this role; `scopes` cut it, all of the role's by default."""

    def made(role: str, scopes: list[str] | None = None) -> Client:
        return Client(headers={"Authorization": f"Bearer {token_of(role, scopes)}"})

    return made
