"""Merkle trees of RFC 6962: hashes, roots, proofs made, proofs checked. Pure: where the hashes come from is the caller's.

What checks a proof follows RFC 9162 (2.1.3.2, 2.1.4.2) and shares no code with what makes one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import sha256

HASH_BYTES = 32
EMPTY_ROOT = sha256(b"").digest()

Node = Callable[[int, int], bytes]
"""Gives the hash over the `2**level` leaves that start at leaf `index * 2**level`; all of them are in the tree."""


def leaf_hash(leaf: bytes) -> bytes:
    """Hash a leaf."""
    return sha256(b"\0" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash two neighbours into the node above them."""
    return sha256(b"\1" + left + right).digest()


def leaf_hashes(leaves: Sequence[bytes]) -> bytes:
    """Hash leaves; the hashes stand one after the other."""
    return b"".join([sha256(b"\0" + leaf).digest() for leaf in leaves])


def parents(hashes: bytes) -> bytes:
    """Hash neighbours in pairs; a last one without a neighbour is left out."""
    return b"".join([sha256(b"\1" + hashes[start : start + 64]).digest() for start in range(0, len(hashes) - 63, 64)])


def root(size: int, node: Node) -> bytes:
    """Compute the root of the tree of the first `size` leaves."""
    return _span(0, size, node) if size else EMPTY_ROOT


def inclusion(index: int, size: int, node: Node, above: int = 0) -> tuple[bytes, ...]:
    """Make the proof that leaf `index` is in the tree of `size` leaves, from the leaf's neighbour upwards.

    With `above`, only the part from that level on. Raises `ValueError` if the tree has no such leaf.
    """
    if not 0 <= index < size:
        msg = f"a tree of {size} leaves has no leaf {index}"
        raise ValueError(msg)
    level, position, last, proof = above, index >> above, (size - 1) >> above, []
    while last:
        neighbour = position ^ 1
        if neighbour < last:
            proof.append(node(level, neighbour))
        elif neighbour == last:  # it may lack leaves on its right
            proof.append(_span(neighbour << level, size, node))
        level, position, last = level + 1, position >> 1, last >> 1
    return tuple(proof)


def consistency(old: int, new: int, node: Node) -> tuple[bytes, ...]:
    """Make the proof that the tree of `new` leaves begins with the tree of `old` leaves; `ValueError` if it is the smaller one."""
    if not 0 <= old <= new:
        msg = f"a tree of {new} leaves does not begin with one of {old}"
        raise ValueError(msg)
    if old in {0, new}:
        return ()
    low, high, proof = 0, new, []
    while old != high:
        middle = low + _left(high - low)
        if old <= middle:
            proof.append(_span(middle, high, node))
            high = middle
        else:
            proof.append(_span(low, middle, node))
            low = middle
    if low:  # where it is the whole old tree, its root is known
        proof.append(_span(low, high, node))
    return tuple(reversed(proof))


def root_of_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes]) -> bytes | None:
    """Compute the root that an inclusion proof leads to from a leaf's hash; None if the proof does not have the form it needs."""
    if not 0 <= index < size:
        return None
    position, last, found = index, size - 1, leaf
    for step in proof:
        if last == 0:
            return None
        if position & 1 or position == last:
            found = node_hash(step, found)
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            found = node_hash(found, step)
        position, last = position >> 1, last >> 1
    return found if last == 0 else None


def includes(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root_hash: bytes) -> bool:
    """Tell whether the proof shows that the leaf of this hash is leaf `index` of the tree of this size and root."""
    return root_of_inclusion(leaf, index, size, proof) == root_hash


def extends(old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]) -> bool:
    """Tell whether the proof shows that the new tree begins with the old one. Every tree begins with the empty one."""
    if old == 0:
        return not proof and old_root == EMPTY_ROOT and (new > 0 or new_root == EMPTY_ROOT)
    if old == new:
        return not proof and old_root == new_root
    if not (0 < old < new and proof):
        return False
    steps = list(proof)
    if old & (old - 1) == 0:
        steps.insert(0, old_root)
    return _both_roots(old, new, steps) == (old_root, new_root)


def _both_roots(old: int, new: int, steps: Sequence[bytes]) -> tuple[bytes, bytes] | None:
    """Compute the two roots that a consistency proof leads to."""
    position, last = old - 1, new - 1
    while position & 1:
        position, last = position >> 1, last >> 1
    old_found = new_found = steps[0]
    for step in steps[1:]:
        if last == 0:
            return None
        if position & 1 or position == last:
            old_found, new_found = node_hash(step, old_found), node_hash(step, new_found)
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            new_found = node_hash(new_found, step)
        position, last = position >> 1, last >> 1
    return (old_found, new_found) if last == 0 else None


def _left(count: int) -> int:
    """Give the number of leaves in the left half: the greatest power of two below `count`."""
    return 1 << ((count - 1).bit_length() - 1)


def _span(low: int, high: int, node: Node) -> bytes:
    """Hash the subtree over leaves `low` up to `high`, which starts where a subtree of its size may start."""
    found: bytes | None = None
    while low < high:  # whole subtrees from the right, the smallest first
        level = ((high - low) & (low - high)).bit_length() - 1
        whole = node(level, (high >> level) - 1)
        found = whole if found is None else node_hash(whole, found)
        high -= 1 << level
    return EMPTY_ROOT if found is None else found
