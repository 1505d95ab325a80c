"""Mandatory documented information: what the standard wants kept, present or missing, and where."""

from __future__ import annotations

from dataclasses import dataclass

from kybern.assessment._assessment import Assessment
from kybern.assessment._explain import Reason, explain
from kybern.assessment._status import Status
from kybern.catalog import Strength


@dataclass(frozen=True, slots=True)
class Documented:
    """Documented information a requirement asks for: present where a standing document, result or record shows it.

    `items` are (record name or evidence id, title): what is there. `applicable` is False where the requirement is excluded.
    """

    requirement: str
    title: str
    wanted: str
    present: bool
    applicable: bool
    items: tuple[tuple[str, str], ...]


def documented(assessment: Assessment, framework: str = "ISO42001") -> tuple[Documented, ...]:
    """Go through the documented information a framework makes mandatory, in its order. Raises `KeyError` for an unknown framework."""
    return tuple(
        _documented(assessment, f"{framework}:{entry.id}", entry.documented_information)
        for entry in assessment.catalog.frameworks[framework].requirements
        if entry.documented_information and assessment.catalog.is_leaf(f"{framework}:{entry.id}")
    )


def _documented(assessment: Assessment, ref: str, wanted: str) -> Documented:
    tree = explain(assessment, ref)
    found = dict.fromkeys((node.ref, _title(node)) for node in tree.walk() if _is_kept(node))
    title = assessment.catalog.requirements[ref].title
    return Documented(ref, title, wanted, bool(found), tree.status is not Status.NOT_APPLICABLE, tuple(found))


def _is_kept(node: Reason) -> bool:
    """Tell documented information from a mere claim: a record that states what is asked, or standing evidence beyond a declaration."""
    if node.kind == "record":
        return node.status is Status.MET
    return (
        node.kind == "evidence" and node.status is Status.MET and node.evidence is not None and node.evidence.strength > Strength.DECLARED
    )


def _title(node: Reason) -> str:
    return node.text.split(";", 1)[0] if node.kind == "evidence" else node.title
