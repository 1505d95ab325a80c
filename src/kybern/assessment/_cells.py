"""Cells: status with its three numbers, in columns, and the two ways they come together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from kybern.assessment._status import BITS, NOT_APPLICABLE, VALUES, Bools, Codes, Floats, Ints, combine_bits

Column = TypeVar("Column", Codes, Floats)


def _with(column: Column, at: Ints, values: Column) -> Column:
    copy = column.copy()
    copy[at] = values
    return copy


@dataclass(frozen=True, slots=True)
class Cells:
    """For n subjects: status (n,), coverage 0 to 1 (n,); over the met evidence under each, its strength, freshness and count (n,)."""

    status: Codes
    coverage: Floats
    strength: Floats
    freshness: Floats
    count: Floats

    def __len__(self) -> int:
        """Count the subjects."""
        return len(self.status)

    @classmethod
    def of_status(cls, status: Codes) -> Cells:
        """Give cells with a status and no evidence under them."""
        zero = np.zeros(len(status))
        return cls(status, zero, zero, zero, zero)

    def take(self, at: Ints) -> Cells:
        """Choose subjects."""
        return Cells(self.status[at], self.coverage[at], self.strength[at], self.freshness[at], self.count[at])

    def replaced(self, at: Ints, new: Cells) -> Cells:
        """Give a copy with the values at some indices replaced."""
        return Cells(
            _with(self.status, at, new.status),
            _with(self.coverage, at, new.coverage),
            _with(self.strength, at, new.strength),
            _with(self.freshness, at, new.freshness),
            _with(self.count, at, new.count),
        )

    def overruled(self, status: Codes) -> Cells:
        """Give the cells with a status decided elsewhere; where it differs from what was computed, no number is left under it."""
        same = status == self.status
        if same.all():
            return self
        keep = same.astype(np.float64)
        return Cells(status, self.coverage * keep, self.strength * keep, self.freshness * keep, self.count * keep)


@dataclass(frozen=True, slots=True)
class Links:
    """Who owns which: `owner` (m,) sorted, `member` (m,), `start` (n + 1,) where each owner's members begin."""

    owner: Ints
    member: Ints
    start: Ints

    @classmethod
    def of(cls, owner: Sequence[int] | Ints, member: Sequence[int] | Ints, owners: int) -> Links:
        """Sort the pairs by owner."""
        own, mem = np.asarray(owner, np.int64), np.asarray(member, np.int64)
        order = np.argsort(own, kind="stable")
        own, mem = own[order], mem[order]
        return cls(own, mem, np.searchsorted(own, np.arange(owners + 1)))

    @property
    def owners(self) -> int:
        """Count the owners, those without members too."""
        return len(self.start) - 1

    def only(self, members: Bools) -> Links:
        """Keep the pairs whose member is chosen; `members` is a mask over the members' index."""
        keep = members[self.member]
        return Links.of(self.owner[keep], self.member[keep], self.owners)

    def of_owners(self, owners: Ints) -> Links:
        """Keep some owners, numbered anew in the order given."""
        first = self.start[owners]
        counts = self.start[owners + 1] - first
        start = np.concatenate(([0], np.cumsum(counts)))
        places = np.repeat(first - start[:-1], counts) + np.arange(start[-1])
        return Links(np.repeat(np.arange(len(owners)), counts), self.member[places], start)

    def owners_of(self, member: int) -> Ints:
        """Find the owners of a member."""
        return np.asarray(self.owner[self.member == member], np.int64)


def gather(cells: Cells, links: Links) -> Cells:
    """Combine, for each owner, the cells of its members: one value each, coverage their mean over those applicable."""
    n, owner, member = links.owners, links.owner, links.member
    status = cells.status[member]
    counts = np.bincount(owner * VALUES + status, minlength=n * VALUES).reshape(n, VALUES)
    live = (status != NOT_APPLICABLE).astype(np.float64)
    applicable = np.maximum(counts[:, :NOT_APPLICABLE].sum(axis=1), 1)
    coverage, *others = (
        np.bincount(owner, weights=column[member] * live, minlength=n).astype(np.float64, copy=False)
        for column in (cells.coverage, cells.strength, cells.freshness, cells.count)
    )
    return Cells(combine_bits((counts > 0) @ BITS), coverage / applicable, *others)


def stack(layers: Sequence[Cells], weights: Sequence[float] | None = None) -> Cells:
    """Combine, for each subject, its cells in several layers: coverage is their weighted mean over those applicable.

    Raises `ValueError` for no layers: nothing is combined out of nothing.
    """
    if not layers:
        msg = "there is nothing to combine"
        raise ValueError(msg)
    status = np.array([layer.status for layer in layers])
    live = (status != NOT_APPLICABLE).astype(np.float64)
    weight = live if weights is None else live * np.array(weights)[:, None]
    heavy = weight.sum(axis=0)
    covered = np.einsum("ij,ij->j", np.array([layer.coverage for layer in layers]), weight)
    others = np.array([[getattr(layer, name) for layer in layers] for name in ("strength", "freshness", "count")])
    return Cells(
        combine_bits(np.bitwise_or.reduce(BITS[status], axis=0)),
        np.divide(covered, heavy, out=np.zeros_like(covered), where=heavy > 0),
        *np.einsum("kij,ij->kj", others, live),
    )
