"""The catalog once it is read: frameworks, controls and crosswalks, indexed both ways."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property

from kybern.base import digest
from kybern.catalog._models import Control, Crosswalk, Framework, Requirement, Satisfies


@dataclass(frozen=True)
class Catalog:
    """Law as data, cross-checked by `load_catalog`: every reference in it leads somewhere.

    A requirement is named `FRAMEWORK:id` everywhere (`ISO42001:A.7.4`). A name that is not here raises `KeyError`.
    """

    frameworks: Mapping[str, Framework]
    controls: Mapping[str, Control]
    crosswalks: tuple[Crosswalk, ...] = ()

    @cached_property
    def requirements(self) -> Mapping[str, Requirement]:
        """Every entry of every framework by its name, in the order of the files."""
        return {f"{framework.id}:{entry.id}": entry for framework in self.frameworks.values() for entry in framework.requirements}

    @cached_property
    def _children(self) -> Mapping[str, tuple[str, ...]]:
        """Names of the entries directly below each entry; below a framework's id, its roots."""
        found: defaultdict[str, list[str]] = defaultdict(list)
        for ref, entry in self.requirements.items():
            framework = ref.partition(":")[0]
            found[f"{framework}:{entry.parent}" if entry.parent is not None else framework].append(ref)
        return {above: tuple(below) for above, below in found.items()}

    @cached_property
    def _leaves(self) -> Mapping[str, tuple[str, ...]]:
        return {framework: tuple(ref for ref in self._of(framework) if self.is_leaf(ref)) for framework in self.frameworks}

    def _of(self, framework: str) -> tuple[str, ...]:
        return tuple(f"{framework}:{entry.id}" for entry in self.frameworks[framework].requirements)

    @cached_property
    def _by_requirement(self) -> Mapping[str, tuple[tuple[Control, Satisfies], ...]]:
        found: defaultdict[str, list[tuple[Control, Satisfies]]] = defaultdict(list)
        for control in self.controls.values():
            for mapping in control.satisfies:
                found[mapping.requirement].append((control, mapping))
        return {ref: tuple(pairs) for ref, pairs in found.items()}

    def framework_of(self, ref: str) -> Framework:
        """Look up the framework a requirement belongs to."""
        return self.frameworks[ref.partition(":")[0]]

    def children(self, ref: str) -> tuple[str, ...]:
        """Name the entries directly below a requirement."""
        self.requirements[ref]
        return self._children.get(ref, ())

    def roots(self, framework: str) -> tuple[str, ...]:
        """Name a framework's topmost entries: its clauses, chapters or functions."""
        return self._children.get(self.frameworks[framework].id, ())

    def leaves(self, framework: str) -> tuple[str, ...]:
        """Name what a framework really asks: normative entries without normative entries below them."""
        return self._leaves[framework]

    def is_leaf(self, ref: str) -> bool:
        """Tell whether a requirement asks something itself, so that controls may answer it."""
        return self.requirements[ref].normative and not any(self.requirements[below].normative for below in self.children(ref))

    def controls_for(self, ref: str) -> tuple[tuple[Control, Satisfies], ...]:
        """List the controls that answer a requirement, each with how it does."""
        self.requirements[ref]
        return self._by_requirement.get(ref, ())

    def with_frameworks(self, frameworks: Mapping[str, Framework]) -> Catalog:
        """Give the catalog with other states of frameworks in their places; what then leads nowhere is left out.

        So a control loses the requirements that are not there, and is left out itself where it answers nothing any more.
        """
        changed = Catalog({**self.frameworks, **frameworks}, {})
        there = {ref for ref in changed.requirements if changed.is_leaf(ref)}
        kept = {name: tuple(one for one in control.satisfies if one.requirement in there) for name, control in self.controls.items()}
        controls = {name: self.controls[name].model_copy(update={"satisfies": answers}) for name, answers in kept.items() if answers}
        crosswalks = tuple(
            walk.model_copy(update={"rows": tuple(row for row in walk.rows if {row.source, row.target} <= changed.requirements.keys())})
            for walk in self.crosswalks
        )
        return Catalog(changed.frameworks, controls, crosswalks)

    def answering(self, frameworks: Collection[str]) -> frozenset[str]:
        """Name the controls that answer something of some frameworks."""
        return frozenset(
            name
            for name, control in self.controls.items()
            if any(one.requirement.partition(":")[0] in frameworks for one in control.satisfies)
        )

    @cached_property
    def digest(self) -> str:
        """SHA-256 over the canonical JSON of everything in the catalog: the name of this version of it."""
        return digest(
            {
                "frameworks": {key: framework.model_dump(mode="json") for key, framework in self.frameworks.items()},
                "controls": {key: control.model_dump(mode="json") for key, control in self.controls.items()},
                "crosswalks": {crosswalk.id: crosswalk.model_dump(mode="json") for crosswalk in self.crosswalks},
            }
        )
