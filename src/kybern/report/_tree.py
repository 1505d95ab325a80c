"""The tree of reasons as the page shows it: no sentence twice, long histories cut with their length said."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from kybern.assessment import Reason, Score, Status

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kybern.evidence import Evidence

_ASIDE: Final = 2
"""How many pieces of evidence that do not decide are shown beside the one that does."""


@dataclass(frozen=True, slots=True)
class Node:
    """A reason on the page. `about` names the record a check looked at; `left_out` counts older pieces not shown."""

    kind: str
    ref: str
    title: str
    status: Status | None
    text: str
    about: str
    score: Score | None
    evidence: Evidence | None
    counts: bool
    children: tuple[Node, ...]
    left_out: int


def tree(reason: Reason) -> Node:
    """Make a reason and all under it ready for the page."""
    if reason.kind == "check" and len(reason.children) == 1 and reason.children[0].kind == "target":
        return _single(reason, reason.children[0])
    if reason.kind in ("check", "target") and reason.children:
        return _node(reason, "" if reason.kind == "target" else reason.text, reason.children)
    return _node(reason, _wanted(reason), reason.children)


def _single(check: Reason, target: Reason) -> Node:
    """Put a check and its only target together: they say the same."""
    return _node(check, "" if target.children else f"Wanted: {target.text}.", target.children, target.title)


def _wanted(reason: Reason) -> str:
    empty = reason.kind in ("check", "target") and not reason.children and reason.status is not Status.MET
    return f"Wanted: {reason.text}." if empty and reason.evidence is None and reason.kind == "target" else reason.text


def _node(reason: Reason, said: str, below: Sequence[Reason], about: str = "") -> Node:
    shown, left_out = _cut(below)
    return Node(
        reason.kind,
        reason.ref,
        reason.title,
        reason.status,
        said,
        about,
        reason.score,
        reason.evidence,
        reason.counts,
        tuple(tree(child) for child in shown),
        left_out,
    )


def _cut(children: Sequence[Reason]) -> tuple[list[Reason], int]:
    """Keep what decides and the nearest few that do not; other kinds of node are all kept."""
    aside = [child for child in children if child.kind == "evidence" and not child.counts]
    dropped = {id(child) for child in aside[_ASIDE:]}
    return [child for child in children if id(child) not in dropped], len(dropped)
