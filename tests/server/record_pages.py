"""What the tests of the record pages share: writing records as somebody, and a text that would run if it were not escaped."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

XSS = "<img src=x onerror=alert(1)>\"'</textarea><script>alert(2)</script>{{7*7}}"
"""Shown anywhere as markup, it would run."""


def write(content: dict[str, Any], by: str = "person:governance-lead", reason: str = "Written by a test") -> str:
    """Write a record; give its digest."""
    from kybern.server.store.records import Write, write_records

    ref = f"{content['kind']}:{content['id']}"
    return str(write_records([Write(ref, content)], by, reason, datetime.now(UTC))[0].digest)


def evil_system() -> dict[str, Any]:
    """An AI system that has the text in every field of prose."""
    return {
        "kind": "ai_system",
        "id": "evil",
        "title": XSS,
        "description": XSS,
        "role": "deployer",
        "purpose": XSS,
        "use_case": XSS,
        "foreseeable_misuse": XSS,
        "oversight": XSS,
        "autonomy": "advises",
        "users": [XSS, XSS + "2"],
        "affected_groups": [XSS],
        "jurisdictions": ["IE"],
        "stage": "operation",
        "version": XSS[:39],
        "facts": {XSS[:59]: XSS},
    }


def assert_escaped(page: bytes) -> None:
    """No page may hold the text as markup."""
    for part in (b"<img src=x", b"</textarea><script>", b"<script>alert", b">49<"):
        assert part not in page, page[max(0, page.index(part) - 200) : page.index(part) + 200]


def evil_agent() -> dict[str, Any]:
    """An agent that has the text in its parts."""
    return {
        "kind": "agent",
        "id": "evil-agent",
        "title": XSS,
        "goal": XSS,
        "tools": [{"name": XSS, "effect": "pays"}],
        "autonomy": "acts-alone",
        "limits": XSS,
        "stop": XSS,
        "identity": XSS,
    }
