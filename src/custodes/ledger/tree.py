"""The Merkle tree of RFC 6962, section 2.1, over SHA-256: hashes, proofs, and growth by appending.

What it is: the arithmetic of the tree alone.  Leaves are given as hashes of 32 bytes, stored nodes are asked of a
:class:`NodeReader`.  What it is not: it knows no files (`ledger.tiles`), no signatures (`ledger.keys`) and no
database.  Making proofs follows the recursive definitions of RFC 6962, sections 2.1.1 and 2.1.2; verifying them
follows the iterative algorithms that RFC 9162 wrote down later for the same tree, sections 2.1.3.2 and 2.1.4.2.

Trees hold at most 2**62 leaves here: more than any log will, and small enough that no size overflows elsewhere.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Protocol

from custodes.errors import InputError
from custodes.text import N_

HASH_BYTES = 32
MAX_SIZE = 2**62
EMPTY_ROOT = hashlib.sha256(b"").digest()
"""Root of a tree without leaves: the hash of the empty string (RFC 6962, section 2.1)."""


class NodeReader(Protocol):
    """Where stored hashes of a tree come from; `ledger.tiles.TileReader` reads them from tiles."""

    def node(self, height: int, index: int) -> bytes:
        """Return the root (32 bytes) of the perfect subtree over leaves [index·2^height, (index+1)·2^height)."""
        ...


def leaf_hash(entry: bytes) -> bytes:
    """Return SHA-256(0x00 ‖ entry): the prefix keeps an entry from passing for a node (RFC 6962, section 2.1)."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return SHA-256(0x01 ‖ left ‖ right) of two hashes of 32 bytes (RFC 6962, section 2.1)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def split(size: int) -> int:
    """Return the largest power of two below ``size`` (≥ 2): where RFC 6962 parts a tree in two."""
    return 1 << ((size - 1).bit_length() - 1)


def root_of(leaves: Sequence[bytes]) -> bytes:
    """Return the root over leaf hashes held in memory: MTH of RFC 6962, section 2.1, word for word."""
    if not leaves:
        return EMPTY_ROOT
    if len(leaves) == 1:
        return leaves[0]
    k = split(len(leaves))
    return node_hash(root_of(leaves[:k]), root_of(leaves[k:]))


def perfect_root(hashes: Sequence[bytes]) -> bytes:
    """Return the same as :func:`root_of` for 2^k hashes, without recursion: what sealing spends its time on."""
    row = list(hashes)
    sha256 = hashlib.sha256
    while len(row) > 1:
        row = [sha256(b"\x01" + row[i] + row[i + 1]).digest() for i in range(0, len(row), 2)]
    return row[0]


def range_root(nodes: NodeReader, begin: int, end: int) -> bytes:
    """Return the root over leaves [begin, end) of a stored tree; ``begin`` must be where a subtree of it begins."""
    size = end - begin
    if size == 0:
        return EMPTY_ROOT
    if size & (size - 1) == 0:
        height = size.bit_length() - 1
        return nodes.node(height, begin >> height)
    middle = begin + split(size)
    return node_hash(range_root(nodes, begin, middle), range_root(nodes, middle, end))


def inclusion_proof(nodes: NodeReader, index: int, size: int) -> tuple[bytes, ...]:
    """Return the audit path of leaf ``index`` in the tree of ``size`` leaves, from the leaf's sibling upwards.

    RFC 6962, section 2.1.1.

    Raises:
        InputError: ``ledger.index-outside``, if the tree has no such leaf.
    """
    if not 0 <= index < size <= MAX_SIZE:
        raise InputError(
            "ledger.index-outside",
            N_("The log has no entry %(index)d: its checkpoint covers %(size)d."),
            index=index,
            size=size,
        )
    path: list[bytes] = []
    begin, end = 0, size
    while end - begin > 1:
        middle = begin + split(end - begin)
        if index < middle:
            path.append(range_root(nodes, middle, end))
            end = middle
        else:
            path.append(range_root(nodes, begin, middle))
            begin = middle
    return tuple(reversed(path))


def consistency_proof(nodes: NodeReader, old: int, new: int) -> tuple[bytes, ...]:
    """Return the proof that the tree of ``old`` leaves is the beginning of that of ``new`` (RFC 6962, section 2.1.2).

    Empty for ``old`` = 0 and for ``old`` = ``new``, as `tlog-witness` has it.

    Raises:
        InputError: ``ledger.sizes-reversed``, unless 0 ≤ old ≤ new.
    """
    if not 0 <= old <= new <= MAX_SIZE:
        raise InputError(
            "ledger.sizes-reversed",
            N_("A log of %(old)d entries cannot be the beginning of one of %(new)d."),
            old=old,
            new=new,
        )
    if old in {0, new}:
        return ()
    path: list[bytes] = []
    begin, end, is_whole = 0, new, True  # is_whole: the old tree is a subtree whose root the verifier already has
    while end != old:
        middle = begin + split(end - begin)
        if old <= middle:
            path.append(range_root(nodes, middle, end))
            end = middle
        else:
            path.append(range_root(nodes, begin, middle))
            begin, is_whole = middle, False
    if not is_whole:
        path.append(range_root(nodes, begin, end))
    return tuple(reversed(path))


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """Verify that the hash ``leaf`` is leaf ``index`` of the tree with ``size`` leaves and ``root``.

    RFC 9162, section 2.1.3.2.

    Raises:
        InputError: ``ledger.inclusion-wrong``.
    """
    if _has_hashes_only([leaf, root, *proof]) and 0 <= index < size <= MAX_SIZE:
        node, last, current = index, size - 1, leaf
        for sibling in proof:
            if last == 0:
                break
            if node & 1 or node == last:
                current = node_hash(sibling, current)
                while node and not node & 1:
                    node, last = node >> 1, last >> 1
            else:
                current = node_hash(current, sibling)
            node, last = node >> 1, last >> 1
        else:
            if last == 0 and current == root:
                return
    raise InputError(
        "ledger.inclusion-wrong",
        N_("The proof does not show that this is entry %(index)d of the log."),
        why=N_("The entry, its number, the proof or the checkpoint is another one."),
        index=index,
    )


def verify_consistency(old: int, old_root: bytes, new: int, new_root: bytes, proof: Sequence[bytes]) -> None:
    """Verify that the tree (``old``, ``old_root``) is the beginning of (``new``, ``new_root``).

    RFC 9162, section 2.1.4.2; the cases ``old`` = 0 and ``old`` = ``new`` as `tlog-witness` has them.

    Raises:
        InputError: ``ledger.consistency-wrong``.
    """
    if _has_hashes_only([old_root, new_root, *proof]) and 0 <= old <= new <= MAX_SIZE:
        if old == 0:
            consistent = not proof and old_root == EMPTY_ROOT
        elif old == new:
            consistent = not proof and old_root == new_root
        else:
            consistent = _is_consistent(old, old_root, new, new_root, list(proof))
        if consistent:
            return
    raise InputError(
        "ledger.consistency-wrong",
        N_("The log of %(new)d entries does not continue the one of %(old)d."),
        why=N_("One of the two is not what this log once was, or the proof is for others."),
        old=old,
        new=new,
    )


def _is_consistent(old: int, old_root: bytes, new: int, new_root: bytes, path: list[bytes]) -> bool:
    if old & (old - 1) == 0:
        path.insert(0, old_root)
    if not path:
        return False
    first, last = old - 1, new - 1
    while first & 1:
        first, last = first >> 1, last >> 1
    old_hash = new_hash = path[0]
    for sibling in path[1:]:
        if last == 0:
            return False
        if first & 1 or first == last:
            old_hash = node_hash(sibling, old_hash)
            new_hash = node_hash(sibling, new_hash)
            while first and not first & 1:
                first, last = first >> 1, last >> 1
        else:
            new_hash = node_hash(new_hash, sibling)
        first, last = first >> 1, last >> 1
    return last == 0 and old_hash == old_root and new_hash == new_root


def _has_hashes_only(hashes: Sequence[bytes]) -> bool:
    return all(len(digest) == HASH_BYTES for digest in hashes)


class CompactRange:
    """A tree as its few perfect subtrees, largest first: all that is needed to append to it and to know its root.

    ``size``: leaves so far.  Memory: at most one hash per bit of ``size``.
    """

    def __init__(self) -> None:
        self.size = 0
        self._peaks: list[tuple[int, bytes]] = []

    @classmethod
    def read(cls, nodes: NodeReader, size: int) -> CompactRange:
        """Return the stored tree of ``size`` leaves, ready to grow."""
        grown = cls()
        for height in reversed(range(size.bit_length())):
            if size >> height & 1:
                grown.append(nodes.node(height, grown.size >> height), height)
        return grown

    def append(self, digest: bytes, height: int = 0) -> None:
        """Append a leaf hash, or the root of a perfect subtree of 2^height leaves.

        Raises:
            ValueError: such a subtree cannot begin at the current size.
        """
        if self.size & ((1 << height) - 1):
            raise ValueError("a perfect subtree begins at a multiple of its own size")
        self.size += 1 << height
        while self._peaks and self._peaks[-1][0] == height:
            digest = node_hash(self._peaks.pop()[1], digest)
            height += 1
        self._peaks.append((height, digest))

    def root(self) -> bytes:
        """Return the root of the tree as it is now (RFC 6962, section 2.1)."""
        if not self._peaks:
            return EMPTY_ROOT
        root = self._peaks[-1][1]
        for _, peak in reversed(self._peaks[:-1]):
            root = node_hash(peak, root)
        return root
