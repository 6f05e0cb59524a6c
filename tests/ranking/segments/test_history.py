"""The root over everything that began or ended, grown and computed at once."""

from __future__ import annotations

import hashlib

from hypothesis import given
from hypothesis import strategies as st

from custodes.ranking.segments.history import Frontier, leaves, root_of
from custodes.types import GalleryChange


def tree_hash(hashes: list[bytes]) -> bytes:
    """RFC 6962, section 2.1, as it is written there."""
    if not hashes:
        return hashlib.sha256(b"").digest()
    if len(hashes) == 1:
        return hashes[0]
    split = 1
    while split * 2 < len(hashes):
        split *= 2
    return hashlib.sha256(b"\x01" + tree_hash(hashes[:split]) + tree_hash(hashes[split:])).digest()


HASHES = st.lists(st.binary(min_size=32, max_size=32), max_size=40)


@given(first=HASHES, then=HASHES)
def test_a_root_that_grew_equals_rfc_6962_s_over_all_leaves(first: list[bytes], then: list[bytes]) -> None:
    grown = Frontier().grown(first).grown(then)
    assert grown.size == len(first) + len(then)
    assert grown.root == root_of(first + then) == tree_hash(first + then)


def change(generation: int, number: int, *, is_death: bool = False) -> GalleryChange:
    return GalleryChange(generation, bytes([number]) * 32, is_death)


def test_a_leaf_says_its_generation_what_began_and_what_ended() -> None:
    (leaf,) = leaves([change(7, 2), change(7, 1), change(7, 3, is_death=True)])
    said = b"\x00" + bytes(7) + b"\x07" + bytes(3) + b"\x02" + bytes([1]) * 32 + bytes([2]) * 32 + bytes([3]) * 32
    assert (leaf.generation, leaf.hash) == (7, hashlib.sha256(said).digest())


def test_the_order_within_a_generation_does_not_matter_and_everything_else_does() -> None:
    usual = [change(1, 1), change(1, 2), change(2, 1, is_death=True)]
    hashes = [leaf.hash for leaf in leaves(usual)]
    assert [leaf.hash for leaf in leaves([usual[1], usual[0], usual[2]])] == hashes
    others = ([change(1, 1), change(1, 3), usual[2]], usual[:2], [*usual[:2], change(2, 1)], [*usual[:2], change(3, 1)])
    assert all([leaf.hash for leaf in leaves(other)] != hashes for other in others)
