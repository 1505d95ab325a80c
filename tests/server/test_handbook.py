"""The handbook's page on the server, held against the code."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from django.test import Client

ROOT = Path(__file__).parents[2]
HANDBOOK = ROOT / "docs" / "handbook"
SERVER = (HANDBOOK / "server.md").read_text("utf-8")
RUNNING = (HANDBOOK / "running.md").read_text("utf-8")


def first_cells(heading: str, page: str = SERVER) -> list[str]:
    """Give what stands in backquotes in the first cells of the tables of a section."""
    section = page.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    cells = re.findall(r"^\| (`[^|]+`) \|", section, re.MULTILINE)
    return [name for cell in cells for name in re.findall(r"`([^`]+)`", cell)]


def test_every_variable_that_is_read_is_told_and_no_other() -> None:
    code = "".join(path.read_text("utf-8") for path in (ROOT / "src" / "kybern" / "server").rglob("*.py"))
    read = set(re.findall(r"""(?:\.get\(|environ\[|setdefault\(|getenv\()\s*["'](KYBERN_[A-Z_]+)""", code))
    assert len(read) > 5
    identity = (HANDBOOK / "identity.md").read_text("utf-8")
    told = [*first_cells("What the server is told"), *first_cells("Sign-in by OpenID Connect", identity)]
    told += first_cells("Sign-in by SAML 2.0", identity)
    assert {name for name in told if not name.endswith("…")} == read


def test_every_role_that_ships_is_told_with_what_it_may() -> None:
    from kybern.server.access.permissions import SHIPPED_ROLES, Permission

    assert first_cells("Roles and units") == [role.slug for role in SHIPPED_ROLES]
    sensitive = dict(re.findall(r"^\| `([a-z-]+)` \| (.*) \|$", SERVER, re.MULTILINE))
    for role in SHIPPED_ROLES[1:]:
        assert ("sensitive" in sensitive[role.slug]) == (Permission.RECORDS_SENSITIVE in role.permissions), role.slug
        assert ("approve" in sensitive[role.slug]) == (Permission.EVIDENCE_APPROVE in role.permissions), role.slug


@pytest.mark.django_db
def test_the_numbers_of_the_table_are_those_that_are_told(client: Client) -> None:
    from datetime import UTC, datetime

    from kybern.server.live import current
    from kybern.server.store.models import LogCheckpoint

    current()
    LogCheckpoint.objects.create(size=1, root=b"", at=datetime.now(UTC).isoformat(), note=b"")
    client.get("/")
    text = client.get("/metrics").content.decode()
    told = set(re.findall(r"^# HELP (kybern_\S+)", text, re.MULTILINE)) - {"kybern_info"}
    assert set(first_cells("Metrics", RUNNING)) == told


@pytest.mark.django_db
def test_the_addresses_of_health_are_those_that_answer(client: Client) -> None:
    addresses = first_cells("Health", RUNNING)
    assert addresses == ["/health/live", "/health/ready"]
    told = re.findall(r"`(\w+)`", next(line for line in RUNNING.splitlines() if line.startswith("| `/health/ready`")))
    assert list(client.get(addresses[1]).json()["checks"]) == told
    assert client.get(addresses[0]).json() == {"status": "ok"}


@pytest.mark.django_db
def test_the_answers_to_what_breaks_are_the_servers() -> None:
    from kybern.server.failures import DATABASE_AWAY, DATABASE_BUSY, DISK_FULL

    for one in (DISK_FULL, DATABASE_AWAY, DATABASE_BUSY):
        line = next(line for line in RUNNING.splitlines() if f"{one.status} `{one.slug}`" in line)
        assert f"in {one.retry_after} s" in line
