"""One root over everything that ever began or ended in a gallery, kept as it grows, never computed for a query.

Leaf of generation ``g``, if anything of the gallery's contract changed in it: SHA-256 of ``0x00``, ``g`` in eight
bytes, the number of commitments that began in four (both big-endian), these in order, then those that ended, in order.
The root is RFC 6962's tree hash (section 2.1) of the leaves in order of generation.  A commitment is 32 bytes, keyed
under the template's own data key; the log states each as it begins and as it ends, so that whoever holds the log
computes the same root.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from custodes.types import GalleryChange


@dataclass(frozen=True, slots=True)
class Leaf:
    """The changes of one generation, as a hash."""

    generation: int
    hash: bytes


def leaves(changes: Iterable[GalleryChange]) -> Iterator[Leaf]:
    """Yield the leaf of each generation of ``changes``, which come in order of generation."""
    for generation, group in groupby(changes, key=lambda change: change.generation):
        of_it = list(group)
        born = sorted(change.commitment for change in of_it if not change.is_death)
        died = sorted(change.commitment for change in of_it if change.is_death)
        head = b"\x00" + generation.to_bytes(8, "big") + len(born).to_bytes(4, "big")
        yield Leaf(generation, hashlib.sha256(head + b"".join(born) + b"".join(died)).digest())


@dataclass(frozen=True, slots=True)
class Frontier:
    """A growing tree: ``size`` leaves, and the root of each of its perfect subtrees, largest first."""

    size: int = 0
    roots: tuple[bytes, ...] = ()

    def grown(self, hashes: Iterable[bytes]) -> Frontier:
        """Return the tree with more leaves."""
        size, roots = self.size, list(self.roots)
        for leaf in hashes:
            node, height = leaf, size
            while height & 1:
                node, height = _node(roots.pop(), node), height >> 1
            roots.append(node)
            size += 1
        return Frontier(size, tuple(roots))

    @property
    def root(self) -> bytes:
        """The tree hash; SHA-256 of nothing for an empty tree."""
        if not self.roots:
            return hashlib.sha256(b"").digest()
        node = self.roots[-1]
        for left in reversed(self.roots[:-1]):
            node = _node(left, node)
        return node


def root_of(hashes: Sequence[bytes]) -> bytes:
    """Return the root over leaves that are all at hand."""
    return Frontier().grown(hashes).root


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()
