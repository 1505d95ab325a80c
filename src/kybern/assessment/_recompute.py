"""Recomputing: whether an assessment that somebody hands over is what its inputs give, to the byte."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from kybern.base import canonical_json

_SHOWN = 20
"""Differences told; more of them tell no more."""


def differences(stated: Mapping[str, Any], recomputed: Mapping[str, Any]) -> tuple[str, ...]:
    """Say how a stated assessment differs from the recomputed one (both in the shape of `to_json`); nothing if they are the same bytes.

    Inputs that differ come first: then the rest follows from them. Numbers and statuses are compared as canonical JSON (RFC 8785).
    """
    if canonical_json(stated) == canonical_json(recomputed):
        return ()
    return tuple(_found(stated, recomputed))[:_SHOWN]


def _found(stated: Mapping[str, Any], recomputed: Mapping[str, Any]) -> Iterator[str]:
    named, present = _digests(stated), _digests(recomputed)
    for name in present:
        if named.get(name) != present[name]:
            yield f"the digest of the {name} is not the one it names"
    for part in ("requirements", "controls", "readiness"):
        yield from _rows(part, stated.get(part), recomputed[part])
    for name in recomputed:
        if name not in ("requirements", "controls", "readiness", "digests") and stated.get(name) != recomputed[name]:
            yield f"{name} is stated as {_short(stated.get(name))}, recomputed {_short(recomputed[name])}"
    for name in sorted(set(stated) - set(recomputed)):
        yield f"{name} is no part of an assessment"


def _digests(value: Mapping[str, Any]) -> Mapping[str, Any]:
    found = value.get("digests")
    return found if isinstance(found, Mapping) else {}


def _rows(part: str, stated: object, recomputed: list[dict[str, Any]]) -> Iterator[str]:
    """Compare the rows of a part by what they are about."""
    known = {_key(row): row for row in stated if isinstance(row, Mapping)} if isinstance(stated, list) else {}
    for row in recomputed:
        there = known.pop(_key(row), None)
        if there is None:
            yield f"{part}: {' '.join(_key(row))} is left out"
        elif canonical_json(there) != canonical_json(row):
            fields = [name for name in row if there.get(name) != row[name]]
            said = ", ".join(f"{name} {_short(there.get(name))}, recomputed {_short(row[name])}" for name in fields)
            yield f"{part}: {' '.join(_key(row))} states {said or 'what no assessment has'}"
    for key in known:
        yield f"{part}: {' '.join(key)} is added"


def _key(row: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(str(row[name]) for name in ("framework", "id", "subject") if name in row)


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 60 else f"{text[:57]}…"  # noqa: PLR2004  (a line's worth)
