"""Mandatory documented information: what the standard wants kept, present or missing, and where."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from kybern.assessment._assessment import Assessment
from kybern.assessment._explain import Reason, explain
from kybern.assessment._status import Status
from kybern.catalog import Strength


@dataclass(frozen=True, slots=True)
class Documented:
    """Documented information a requirement asks for.

    Present where a standing document, result or record shows it for everything it is asked of: the organisation, where it is the
    organisation's to keep, and every AI system it bears on. `missing_for` names those without any. `items` are (record name or
    evidence id, title): what is there. `applicable` is False where the requirement is excluded.
    """

    requirement: str
    title: str
    wanted: str
    applicable: bool
    missing_for: tuple[str, ...]
    items: tuple[tuple[str, str], ...]

    @property
    def present(self) -> bool:
        """Tell whether nothing is missing."""
        return self.applicable and not self.missing_for


def documented(assessment: Assessment, framework: str = "ISO42001") -> tuple[Documented, ...]:
    """Go through the documented information a framework makes mandatory, in its order. Raises `KeyError` for an unknown framework."""
    return tuple(
        _documented(assessment, f"{framework}:{entry.id}", entry.documented_information)
        for entry in assessment.catalog.frameworks[framework].requirements
        if entry.documented_information and assessment.catalog.is_leaf(f"{framework}:{entry.id}")
    )


def _documented(assessment: Assessment, ref: str, wanted: str) -> Documented:
    tree = explain(assessment, ref)
    kept = {subject: tuple(_kept(nodes)) for subject, nodes in _by_subject(tree, assessment).items()}
    found = dict.fromkeys((node.ref, _title(node)) for nodes in kept.values() for node in nodes)
    applicable = tree.status is not Status.NOT_APPLICABLE
    missing = tuple(subject for subject, nodes in kept.items() if not nodes) or (() if kept else (assessment.organization,))
    return Documented(ref, assessment.catalog.requirements[ref].title, wanted, applicable, missing if applicable else (), tuple(found))


def _by_subject(tree: Reason, assessment: Assessment) -> dict[str, list[Reason]]:
    """Sort what lies under a requirement by whose it is: the organisation's own checks, and each AI system it applies to."""
    found: dict[str, list[Reason]] = {}
    for control in tree.children:
        if control.kind == "control" and control.counts:
            for child in control.children:
                if child.kind == "subject":
                    if child.status is not Status.NOT_APPLICABLE and not _excluded(assessment, tree.ref, child.ref):
                        found.setdefault(child.ref, []).append(child)
                elif child.kind == "check":
                    found.setdefault(assessment.organization, []).append(child)
    return found


def _excluded(assessment: Assessment, ref: str, system: str) -> bool:
    score = assessment.requirement(ref, system)
    return score is not None and score.status is Status.NOT_APPLICABLE


def _kept(nodes: list[Reason]) -> Iterator[Reason]:
    """Tell documented information from a mere claim: standing evidence beyond a declaration, or a record that states what is asked.

    The entry of an AI system or of the organisation in its register is what the information is about, not the information.
    """
    for root in nodes:
        yield from (node for node in root.walk() if node.status is Status.MET and (_is_record(node) or _is_proof(node)))


def _is_record(node: Reason) -> bool:
    return node.kind == "record" and not node.ref.startswith(("ai_system:", "organization:"))


def _is_proof(node: Reason) -> bool:
    return node.evidence is not None and node.evidence.strength > Strength.DECLARED


def _title(node: Reason) -> str:
    return node.text.split(";", 1)[0] if node.kind == "evidence" else node.title
