"""The digest of all evidence in blocks is the one of the whole list."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest
import world

from kybern.assessment import _digest
from kybern.base import digest


@pytest.mark.parametrize("block", [1, 2, 3, 100])
def test_pieces_added_to_blocks_give_the_digest_of_the_sorted_list(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_digest, "_BLOCK", block)
    random = Random(block)  # noqa: S311 - the same each time
    base = world.evidence(world.records())[0]
    pieces = [replace(base, id=f"{random.getrandbits(256):064x}") for _ in range(40)]
    begun = found = _digest.Digest(pieces[:7])
    for number, one in enumerate(pieces[7:]):
        if number % 3:
            found.hexdigest()
        found = found.plus(one)
    assert found.hexdigest() == digest(sorted([one.id, int(one.strength)] for one in pieces))
    assert begun.hexdigest() == digest(sorted([one.id, int(one.strength)] for one in pieces[:7])), "it is not touched"
    assert _digest.Digest([]).plus(base).hexdigest() == digest([[base.id, int(base.strength)]])
