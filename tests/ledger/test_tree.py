"""The Merkle tree: the vectors of Certificate Transparency, and every proof against the definitions of RFC 6962."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.ledger.sealing import code_of, numbered

from custodes.errors import InputError
from custodes.ledger import tree

# Entries and roots of the reference implementation of RFC 6962 (github.com/google/certificate-transparency,
# merkletree/merkle_tree_test.cc; the same in transparency-dev/merkle, testonly/constants.go)
ENTRIES = [
    bytes.fromhex(text)
    for text in ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
]
ROOTS = [
    bytes.fromhex(text)
    for text in [
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ]
]
INCLUSION = [
    (
        0,
        8,
        [
            "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    ),
    (
        5,
        8,
        [
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    ),
    (2, 3, ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"]),
]
CONSISTENCY = [
    (
        6,
        8,
        [
            "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    ),
    (
        2,
        5,
        [
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        ],
    ),
]


class Nodes:
    """A tree in memory, by definition only."""

    def __init__(self, leaves: Sequence[bytes]) -> None:
        self.leaves = leaves

    def node(self, height: int, index: int) -> bytes:
        assert (index + 1) << height <= len(self.leaves), "a node that is not stored was asked for"
        return tree.root_of(self.leaves[index << height : (index + 1) << height])


LEAVES = [tree.leaf_hash(entry) for entry in ENTRIES]
MANY = [tree.leaf_hash(entry) for entry in numbered(70)]


def _path(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """PATH(m, D[n]) of RFC 6962, section 2.1.1."""
    if len(leaves) == 1:
        return []
    k = tree.split(len(leaves))
    if index < k:
        return [*_path(leaves[:k], index), tree.root_of(leaves[k:])]
    return [*_path(leaves[k:], index - k), tree.root_of(leaves[:k])]


def _subproof(leaves: Sequence[bytes], old: int, known: bool) -> list[bytes]:
    """SUBPROOF(m, D[n], b) of RFC 6962, section 2.1.2."""
    if old == len(leaves):
        return [] if known else [tree.root_of(leaves)]
    k = tree.split(len(leaves))
    if old <= k:
        return [*_subproof(leaves[:k], old, known), tree.root_of(leaves[k:])]
    return [*_subproof(leaves[k:], old - k, False), tree.root_of(leaves[:k])]


@pytest.mark.parametrize("size", range(9))
def test_roots_are_those_of_certificate_transparency(size: int) -> None:
    grown = tree.CompactRange()
    for leaf in LEAVES[:size]:
        grown.append(leaf)
    assert tree.root_of(LEAVES[:size]) == grown.root() == tree.range_root(Nodes(LEAVES), 0, size) == ROOTS[size]


@pytest.mark.parametrize(("index", "size", "path"), INCLUSION)
def test_audit_paths_are_those_of_certificate_transparency(index: int, size: int, path: list[str]) -> None:
    proof = tree.inclusion_proof(Nodes(LEAVES), index, size)
    assert [digest.hex() for digest in proof] == path
    tree.verify_inclusion(LEAVES[index], index, size, proof, ROOTS[size])


@pytest.mark.parametrize(("old", "new", "path"), CONSISTENCY)
def test_consistency_proofs_are_those_of_certificate_transparency(old: int, new: int, path: list[str]) -> None:
    proof = tree.consistency_proof(Nodes(LEAVES), old, new)
    assert [digest.hex() for digest in proof] == path
    tree.verify_consistency(old, ROOTS[old], new, ROOTS[new], proof)


@pytest.mark.parametrize("size", range(1, 40))
def test_every_audit_path_is_the_definition_and_verifies_for_its_own_entry_only(size: int) -> None:
    root = tree.root_of(MANY[:size])
    for index in range(size):
        proof = tree.inclusion_proof(Nodes(MANY[:size]), index, size)
        assert list(proof) == _path(MANY[:size], index)
        tree.verify_inclusion(MANY[index], index, size, proof, root)
        for other in range(size):
            if other != index:
                assert _wrong(MANY[index], other, size, proof, root)
        for altered in _alterations(proof):
            assert _wrong(MANY[index], index, size, altered, root)
        assert _wrong(MANY[index], index, size, proof, MANY[0]) or size == 1
        assert _wrong(MANY[-1], index, size, proof, root)


@pytest.mark.parametrize("new", range(1, 40))
def test_every_consistency_proof_is_the_definition_and_verifies_for_its_own_trees_only(new: int) -> None:
    root = tree.root_of(MANY[:new])
    for old in range(1, new + 1):
        proof = tree.consistency_proof(Nodes(MANY[:new]), old, new)
        before = tree.root_of(MANY[:old])
        assert list(proof) == _subproof(MANY[:new], old, True)
        tree.verify_consistency(old, before, new, root, proof)
        assert _forked(old, MANY[-1], new, root, proof)
        assert _forked(old, before, new, MANY[-1], proof)
        for altered in _alterations(proof):
            assert _forked(old, before, new, root, altered)


def _alterations(proof: Sequence[bytes]) -> list[tuple[bytes, ...]]:
    swapped = [tuple(reversed(proof))] if len(proof) > 1 else []
    flipped = [(*proof[:i], bytes([proof[i][0] ^ 1]) + proof[i][1:], *proof[i + 1 :]) for i in range(len(proof))]
    return [*swapped, *flipped, *([tuple(proof[:-1]), tuple(proof[1:])] if proof else []), (*proof, MANY[0])]


def _wrong(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    return code_of(lambda: tree.verify_inclusion(leaf, index, size, proof, root)) == "ledger.inclusion-wrong"


def _forked(old: int, before: bytes, new: int, root: bytes, proof: Sequence[bytes]) -> bool:
    return code_of(lambda: tree.verify_consistency(old, before, new, root, proof)) == "ledger.consistency-wrong"


def test_an_empty_log_is_the_beginning_of_every_log_and_a_log_of_itself() -> None:
    assert tree.consistency_proof(Nodes(LEAVES), 0, 8) == tree.consistency_proof(Nodes(LEAVES), 8, 8) == ()
    tree.verify_consistency(0, tree.EMPTY_ROOT, 8, ROOTS[8], ())
    tree.verify_consistency(8, ROOTS[8], 8, ROOTS[8], ())
    assert _forked(0, ROOTS[1], 8, ROOTS[8], ())
    assert _forked(8, ROOTS[7], 8, ROOTS[8], ())
    assert _forked(8, ROOTS[8], 8, ROOTS[8], (ROOTS[8],))


def test_a_smaller_log_never_continues_a_larger_one() -> None:
    assert _forked(8, ROOTS[8], 7, ROOTS[7], ())
    with pytest.raises(InputError, match=r"ledger.sizes-reversed"):
        tree.consistency_proof(Nodes(LEAVES), 8, 7)


@pytest.mark.parametrize(("index", "size"), [(0, 0), (8, 8), (-1, 8), (0, 2**62 + 1)])
def test_an_entry_that_is_not_there_has_no_proof(index: int, size: int) -> None:
    with pytest.raises(InputError, match=r"ledger.index-outside"):
        tree.inclusion_proof(Nodes(LEAVES), index, size)
    assert _wrong(LEAVES[0], index, size, (), LEAVES[0])


@given(
    st.integers(-(2**65), 2**65),
    st.integers(-(2**65), 2**65),
    st.lists(st.binary(max_size=33) | st.sampled_from(MANY), max_size=70),
)
def test_anything_that_is_not_a_proof_is_a_domain_error(first: int, second: int, path: list[bytes]) -> None:
    assert code_of(lambda: tree.verify_inclusion(MANY[0], first, second, path, MANY[1])).startswith("ledger.")
    code_of(lambda: tree.verify_consistency(first, MANY[0], second, MANY[1], path))


def test_a_leaf_cannot_pass_for_a_node() -> None:
    assert tree.leaf_hash(LEAVES[0] + LEAVES[1]) != tree.node_hash(LEAVES[0], LEAVES[1])


@pytest.mark.parametrize("size", [0, 1, 2, 5, 64, 70])
def test_a_compact_range_read_from_a_stored_tree_grows_as_the_tree_does(size: int) -> None:
    grown = tree.CompactRange.read(Nodes(MANY[:size]), size)
    assert (grown.size, grown.root()) == (size, tree.root_of(MANY[:size]))
    grown.append(MANY[0])
    assert grown.root() == tree.root_of([*MANY[:size], MANY[0]])


def test_a_subtree_is_appended_only_where_one_begins() -> None:
    grown = tree.CompactRange()
    grown.append(tree.root_of(MANY[:4]), height=2)
    grown.append(MANY[4])
    assert grown.root() == tree.root_of(MANY[:5])
    with pytest.raises(ValueError, match="begins at"):
        grown.append(tree.root_of(MANY[5:7]), height=1)


@given(st.integers(0, 8))
def test_the_quick_root_of_a_perfect_tree_is_the_plain_one(height: int) -> None:
    leaves = (MANY * 4)[: 1 << height]
    assert tree.perfect_root(leaves) == tree.root_of(leaves)
