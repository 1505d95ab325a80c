"""A set of records that has been checked against itself: who names whom, and what belongs to what."""

from __future__ import annotations

from collections import defaultdict, deque
from functools import cached_property
from typing import TYPE_CHECKING, cast

from kybern.base import digest
from kybern.records._refs import Edge
from kybern.records.leadership import Organization, Scope
from kybern.records.lifecycle import AISystem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from kybern.records._base import Record
    from kybern.records._refs import Link


class RecordSet:
    """Records by name (`kind:id`), immutable.

    A link to a record that is not there is kept and listed by `broken`: the assessment works on what is there and says what is
    missing, the linter says where. Raises `ValueError` if two records have one name.
    """

    def __init__(self, records: Iterable[Record]) -> None:
        """Index the records by name and kind."""
        self._by_ref: dict[str, Record] = {}
        by_kind: defaultdict[str, list[Record]] = defaultdict(list)
        for record in records:
            if self._by_ref.setdefault(record.ref, record) is not record:
                msg = f"{record.ref} is stated twice"
                raise ValueError(msg)
            by_kind[record.kind].append(record)
        self._by_kind: dict[str, tuple[Record, ...]] = {kind: tuple(found) for kind, found in by_kind.items()}

    def __len__(self) -> int:
        """Count the records."""
        return len(self._by_ref)

    def __iter__(self) -> Iterator[Record]:
        """Go through the records in the order they were given."""
        return iter(self._by_ref.values())

    def __contains__(self, ref: object) -> bool:
        """Tell whether a record of that name is here."""
        return ref in self._by_ref

    def get(self, ref: str) -> Record | None:
        """Look a record up by `kind:id`."""
        return self._by_ref.get(ref)

    def of_kind(self, kind: str) -> tuple[Record, ...]:
        """All records of a kind, in the order given."""
        return self._by_kind.get(kind, ())

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of which there is a record."""
        return tuple(self._by_kind)

    @property
    def organization(self) -> Organization | None:
        """The organisation, if exactly one is stated."""
        found = self.of_kind("organization")
        return cast("Organization", found[0]) if len(found) == 1 else None

    @cached_property
    def systems_in_scope(self) -> tuple[AISystem, ...]:
        """AI systems within the boundary: those the scopes name, or all where no scope names any."""
        named = {ref for scope in self.of_kind("scope") for ref in cast("Scope", scope).systems}
        systems = cast("tuple[AISystem, ...]", self.of_kind("ai_system"))
        return tuple(system for system in systems if not named or system.ref in named)

    @property
    def systems_out_of_scope(self) -> tuple[AISystem, ...]:
        """AI systems that are stated and that no scope names: nobody assesses them, so whoever shows an answer says so."""
        inside = {system.ref for system in self.systems_in_scope}
        return tuple(system for system in cast("tuple[AISystem, ...]", self.of_kind("ai_system")) if system.ref not in inside)

    @cached_property
    def links(self) -> Mapping[str, tuple[Link, ...]]:
        """The references each record makes, by its name."""
        return {ref: tuple(record.links()) for ref, record in self._by_ref.items()}

    @cached_property
    def named_by(self) -> Mapping[str, tuple[tuple[str, Link], ...]]:
        """The references made to each name, as (who, link): the other way of `links`."""
        found: defaultdict[str, list[tuple[str, Link]]] = defaultdict(list)
        for ref, links in self.links.items():
            for link in links:
                found[link.target].append((ref, link))
        return {target: tuple(sources) for target, sources in found.items()}

    @cached_property
    def broken(self) -> tuple[tuple[str, Link], ...]:
        """Links whose target is not here, as (who, link)."""
        return tuple((ref, link) for ref, links in self.links.items() for link in links if link.target not in self._by_ref)

    @cached_property
    def _owned(self) -> Mapping[str, tuple[str, ...]]:
        """One step down: what belongs directly to each record."""
        found: defaultdict[str, dict[str, None]] = defaultdict(dict)
        for ref, links in self.links.items():
            for link in links:
                if link.target in self._by_ref:
                    if link.edge is Edge.PART_OF:
                        found[link.target][ref] = None
                    elif link.edge is Edge.HAS:
                        found[ref][link.target] = None
        return {ref: tuple(owned) for ref, owned in found.items()}

    def belonging_to(self, ref: str) -> tuple[str, ...]:
        """Names of everything that belongs to a record, near first, itself left out; cycles are walked once."""
        seen = {ref: None}
        queue = deque((ref,))
        while queue:
            for below in self._owned.get(queue.popleft(), ()):
                if below not in seen:
                    seen[below] = None
                    queue.append(below)
        return tuple(seen)[1:]

    @cached_property
    def digest(self) -> str:
        """SHA-256 over every record's name and digest, in the order of the names."""
        return digest({ref: self._by_ref[ref].digest for ref in sorted(self._by_ref)})
