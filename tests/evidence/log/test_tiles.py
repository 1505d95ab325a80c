"""Tiles: names, bytes, and a tree that grows by them."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))

from log_bench import slow_root

from kybern.evidence import Refused
from kybern.evidence.log import Tile
from kybern.evidence.log._merkle import leaf_hashes
from kybern.evidence.log._tiles import MAX_ENTRY, Tree, bundle, parse_bundle, tile_at


@pytest.mark.parametrize(
    ("tile", "name"),
    [
        (Tile(0, 0), "tile/0/000"),
        (Tile(0, 67), "tile/0/067"),
        (Tile(0, 999), "tile/0/999"),
        (Tile(0, 1000), "tile/0/x001/000"),
        (Tile(0, 1067), "tile/0/x001/067"),
        (Tile(1, 1234067), "tile/1/x001/x234/067"),
        (Tile(63, 10**9), "tile/63/x001/x000/x000/000"),
        (Tile(0, 273, 112), "tile/0/273.p/112"),
        (Tile(-1, 1067, 255), "tile/entries/x001/067.p/255"),
        (Tile(-1, 0), "tile/entries/000"),
    ],
)
def test_names(tile: Tile, name: str) -> None:
    assert tile.name == name
    assert Tile.parse(name) == tile


@given(st.integers(-1, 63), st.integers(0, 2**40), st.integers(1, 256))
def test_every_name_leads_back(level: int, number: int, width: int) -> None:
    tile = Tile(level, number, width)
    assert Tile.parse(tile.name) == tile


@pytest.mark.parametrize(
    "name",
    [
        "tile/0/0",
        "tile/0/0000",
        "tile/00/000",
        "tile/64/000",
        "tile/0/x000/000",
        "tile/0/001/000",
        "tile/0/x001",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/01",
        "tile/0/000.p",
        "tile/-1/000",
        "tile/x/000",
        "/tile/0/000",
        "tile/0/../000",
        "tile/entries/x000/001",
        "0/000",
        "tile/0/٠٠٠",
    ],
)
def test_what_is_no_name_is_none(name: str) -> None:
    assert Tile.parse(name) is None


@given(st.text("tile/entrisx0123456789.p\n", max_size=30))
def test_a_name_that_is_read_is_written_the_same(name: str) -> None:
    tile = Tile.parse(name)
    assert tile is None or tile.name == name


@given(st.lists(st.binary(max_size=300), max_size=256))
def test_a_bundle_leads_back(entries: list[bytes]) -> None:
    assert parse_bundle(bundle(entries)) == entries


def test_a_bundle_as_the_specification_writes_it() -> None:
    assert bundle([b"abc", b"", b"x" * 258]) == b"\0\3abc\0\0\1\2" + b"x" * 258
    with pytest.raises(ValueError, match="65,535"):
        bundle([b"x" * (MAX_ENTRY + 1)])


@pytest.mark.parametrize("data", [b"\0", b"\0\1", b"\0\5abcd", b"\0\1a\0", b"\0\0" * 257])
def test_a_broken_bundle_is_refused(data: bytes) -> None:
    with pytest.raises(Refused) as refused:
        parse_bundle(data)
    assert refused.value.rule == "bad-bundle"


def grown(leaves: list[bytes], steps: list[int]) -> tuple[Tree, dict[str, bytes]]:
    """Grow a tree in steps, each taken up from the files of the one before; give it with all files."""
    files: dict[str, bytes] = {}
    size = 0
    tree = Tree()
    for step in steps:
        tree = Tree.resume(size, lambda tile: files[tile.name])
        new = leaves[size : size + step]
        for tile, data in (*tree.add(leaf_hashes(new)), *tree.edge()):
            files[tile.name] = data
        size += len(new)
    return tree, files


@given(st.lists(st.integers(0, 600), min_size=1, max_size=5))
def test_a_tree_grown_in_steps_has_the_root_and_tiles_of_one_grown_at_once(steps: list[int]) -> None:
    leaves = [number.to_bytes(4, "big") for number in range(sum(steps))]
    tree, files = grown(leaves, steps)
    once, at_once = grown(leaves, [sum(steps)])
    assert tree.size == once.size == len(leaves)
    assert tree.root() == once.root() == slow_root(leaves)
    assert {name: files[name] for name in at_once} == at_once


def test_the_specifications_example_of_70_000() -> None:
    leaves = [hashlib.sha256(number.to_bytes(4, "big")).digest() for number in range(70_000)]
    _, files = grown(leaves, [70_000])
    assert {tile_at(0, 273, 70_000).name, tile_at(1, 1, 70_000).name, tile_at(2, 0, 70_000).name} < set(files)
    assert sorted(name for name in files if ".p/" in name) == ["tile/0/273.p/112", "tile/1/001.p/17", "tile/2/000.p/1"]
    assert len(files) == 273 + 1 + 1 + 1 + 1
    assert files["tile/1/000"][:32] == slow_root(leaves[:256])
    assert files["tile/2/000.p/1"] == slow_root(leaves[:65_536])


def test_a_tree_of_256_has_a_whole_tile_and_one_hash_above() -> None:
    _, files = grown([bytes([number]) for number in range(256)], [256])
    assert {name: len(data) for name, data in files.items()} == {"tile/0/000": 8192, "tile/1/000.p/1": 32}
