"""What the page shows, as plain values: everything is read from the assessment, nothing is computed anew."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from kybern.assessment import Assessment, Documented, Gap, Readiness, Reason, Score, Status, documented, explain, gaps
from kybern.catalog import Control, Framework, Layer, Relation, Requirement, Satisfies
from kybern.evidence import Refusal
from kybern.records.lifecycle import AISystem
from kybern.report._heatmap import HeatMap, heat_map
from kybern.report._system import SystemPage, by_record, system_page
from kybern.report._tree import Node, tree
from kybern.report._words import control_anchor, requirement_anchor, short_name, system_anchor

_FIRST_GAPS: Final = 8


@dataclass(frozen=True, slots=True)
class OnSystem:
    """A score on an AI system, with the system's title and page."""

    title: str
    anchor: str
    score: Score


@dataclass(frozen=True, slots=True)
class Answer:
    """A control that answers a requirement, how, and how it stands as a whole."""

    control: Control
    mapping: Satisfies
    score: Score | None

    @property
    def anchor(self) -> str:
        """Where the control's reasons are."""
        return control_anchor(self.control.id)

    @property
    def counts(self) -> bool:
        """Whether the control bears on the requirement's status."""
        return self.mapping.relation is not Relation.INTERSECTS


@dataclass(frozen=True, slots=True)
class RequirementView:
    """A requirement with what stands below it: parts of a group, or the controls that answer it."""

    ref: str
    entry: Requirement
    score: Score
    parts: tuple[RequirementView, ...]
    on_systems: tuple[OnSystem, ...]
    answers: tuple[Answer, ...]
    notes: tuple[Node, ...]

    @property
    def anchor(self) -> str:
        """Where the requirement is in the page."""
        return requirement_anchor(self.ref)

    @property
    def asks(self) -> str:
        """What the framework asks in the catalog's words, without those of its parts."""
        return self.entry.statement

    def leaves(self) -> Iterator[RequirementView]:
        """Go through the requirements that ask something by themselves."""
        if not self.parts:
            yield self
        for part in self.parts:
            yield from part.leaves()


@dataclass(frozen=True, slots=True)
class FrameworkView:
    """A framework: its three numbers, its picture, its requirements."""

    framework: Framework
    readiness: Readiness
    heat: HeatMap
    requirements: tuple[RequirementView, ...]

    @property
    def anchor(self) -> str:
        """Where the framework's requirements are in the page."""
        return f"framework-{self.framework.id}"


@dataclass(frozen=True, slots=True)
class ControlView:
    """A control with the tree of reasons under it, written once in the page."""

    control: Control
    reason: Node
    answers: tuple[Satisfies, ...]

    @property
    def anchor(self) -> str:
        """Where the control is in the page."""
        return control_anchor(self.control.id)


@dataclass(frozen=True, slots=True)
class Want:
    """A check that does not hold: on how many subjects, and what it wants, in the words of the reasons."""

    title: str
    status: Status | None
    text: str
    times: int


@dataclass(frozen=True, slots=True)
class GapView:
    """A gap with names in place of references."""

    rank: int
    gap: Gap
    subjects: tuple[tuple[str, str | None], ...]
    wants: tuple[Want, ...]
    requirements: tuple[str, ...]
    closes: tuple[str, ...]
    gain: tuple[tuple[str, float], ...]
    """Coverage won by framework, 0 to 1."""

    @property
    def anchor(self) -> str:
        """Where the control's reasons are."""
        return control_anchor(self.gap.control.id)


@dataclass(frozen=True, slots=True)
class Page:
    """The whole page."""

    assessment: Assessment
    organization: str
    frameworks: tuple[FrameworkView, ...]
    gaps: tuple[GapView, ...]
    systems: tuple[SystemPage, ...]
    outside: tuple[AISystem, ...]
    """AI systems that no scope names."""
    controls: tuple[tuple[Layer, tuple[ControlView, ...]], ...]
    documented: tuple[tuple[Framework, tuple[Documented, ...]], ...]
    refused: tuple[Refusal, ...]
    version: str

    def name_of(self, ref: str) -> str:
        """Name a record by its title."""
        return title_of(self.assessment, ref)

    @property
    def first_gaps(self) -> tuple[GapView, ...]:
        """Those shown at once."""
        return self.gaps[:_FIRST_GAPS]

    @property
    def other_gaps(self) -> tuple[GapView, ...]:
        """Those behind one more click."""
        return self.gaps[_FIRST_GAPS:]


def page(assessment: Assessment, refused: Sequence[Refusal], version: str, frameworks: Sequence[str]) -> Page:
    """Read everything the page shows from the assessment."""
    catalog, found, pieces = assessment.catalog, assessment.records.organization, by_record(assessment)
    shown = gaps(assessment, frameworks, first=frameworks[0])
    papers = [(catalog.frameworks[name], documented(assessment, name)) for name in frameworks]
    return Page(
        assessment,
        found.title if found else "Organisation not stated",
        tuple(_framework(assessment, name) for name in frameworks),
        tuple(_gap(assessment, rank, gap) for rank, gap in enumerate(shown, 1)),
        tuple(system_page(assessment, system, pieces, frameworks) for system in assessment.systems),
        assessment.records.systems_out_of_scope,
        tuple(_controls(assessment, frameworks)),
        tuple((framework, wanted) for framework, wanted in papers if wanted),
        tuple(refused),
        version,
    )


def title_of(assessment: Assessment, ref: str) -> str:
    """Give a record's title, or its name where there is no such record."""
    record = assessment.records.get(ref)
    return record.title if record else ref


def _framework(assessment: Assessment, name: str) -> FrameworkView:
    roots = [ref for ref in assessment.catalog.roots(name) if assessment.catalog.requirements[ref].normative]
    return FrameworkView(
        assessment.catalog.frameworks[name],
        assessment.readiness(name),
        heat_map(assessment, name),
        tuple(_requirement(assessment, ref) for ref in roots),
    )


def _requirement(assessment: Assessment, ref: str) -> RequirementView:
    catalog = assessment.catalog
    parts = [child for child in catalog.children(ref) if catalog.requirements[child].normative]
    score = assessment.requirement(ref)
    if score is None:  # the organisation has a value for every requirement
        raise KeyError(ref)
    return RequirementView(
        ref,
        catalog.requirements[ref],
        score,
        tuple(_requirement(assessment, part) for part in parts),
        tuple(_on_systems(assessment, ref)),
        () if parts else tuple(Answer(one, mapping, assessment.control(one.id)) for one, mapping in catalog.controls_for(ref)),
        () if parts else tuple(tree(child) for child in explain(assessment, ref).children if child.kind != "control"),
    )


def _on_systems(assessment: Assessment, ref: str) -> Iterator[OnSystem]:
    for system in assessment.systems:
        score = assessment.requirement(ref, system)
        if score is not None:
            yield OnSystem(title_of(assessment, system), system_anchor(system), score)


def _controls(assessment: Assessment, frameworks: Sequence[str]) -> Iterator[tuple[Layer, tuple[ControlView, ...]]]:
    for layer in Layer:
        asked = ((one, _answered(one, frameworks)) for one in assessment.catalog.controls.values() if one.layer is layer)
        found = tuple(ControlView(control, tree(explain(assessment, control.id)), answers) for control, answers in asked if answers)
        if found:
            yield layer, found


def _answered(control: Control, frameworks: Sequence[str]) -> tuple[Satisfies, ...]:
    return tuple(one for one in control.satisfies if one.requirement.partition(":")[0] in frameworks)


def _gap(assessment: Assessment, rank: int, gap: Gap) -> GapView:
    systems = set(assessment.systems)
    subjects = tuple((title_of(assessment, ref), system_anchor(ref) if ref in systems else None) for ref in gap.subjects)
    gain = tuple((short_name(name), won) for name, won in gap.gain.items())
    return GapView(rank, gap, subjects, tuple(_wants(gap.missing)), gap.requirements, gap.closes, gain)


def _wants(missing: Sequence[Reason]) -> Iterator[Want]:
    """Put together what one check wants on several subjects; of what it says there, the first is shown."""
    found: dict[str, list[Reason]] = {}
    for reason in missing:
        found.setdefault(f"{reason.kind} {reason.ref}", []).append(reason)
    for reasons in found.values():
        first = min(reasons, key=lambda reason: reason.status if reason.status is not None else Status.UNKNOWN)
        yield Want(first.title, first.status, first.text, len(reasons))
