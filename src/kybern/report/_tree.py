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
    below = reason.children
    if reason.kind == "check" and len(below) == 1 and below[0].kind in ("target", "record"):
        # A check and the only thing it looked at say the same: they become one.
        said = any(child.counts for child in below[0].children)
        return _node(reason, "" if said else _asked(reason), below[0].children, below[0].title)
    if any(child.kind == "evidence" and child.counts for child in below):
        return _node(reason, "", below)  # the piece that decides says it
    return _node(reason, reason.text if below else _asked(reason), below)


def _asked(reason: Reason) -> str:
    """Give the sentence of a reason with nothing under it; where evidence was looked for, it says what is wanted."""
    looked_for = reason.kind in ("check", "target") and reason.evidence is None and "anted:" not in reason.text
    silent = reason.kind == "target" or any(child.kind == "target" for child in reason.children)
    return f"Wanted: {reason.text}." if looked_for and silent else reason.text


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
