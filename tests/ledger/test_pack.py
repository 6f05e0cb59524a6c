"""A disclosure pack says only what it can prove: every way of changing one that matters is found (AUD-07)."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.ledger.sealing import SealedLog

from custodes.ledger import verify
from custodes.ledger.pack import FORMAT, Item, make_pack
from custodes.ledger.proof import Proof
from custodes.ledger.tiles import TileReader

Members = dict[str, bytes]
OPENING = b"sixteen bytes !!" + b'{"necessity":"One face, one search."}'


def body(n: int) -> bytes:
    stated: dict[str, object] = {"n": n}
    if n == 5:
        stated["private"] = hashlib.sha256(OPENING).hexdigest()
    return json.dumps(stated, separators=(",", ":")).encode()


class Scene:
    """A sealed log of forty entries, and a pack of three of them, one opened."""

    def __init__(self, folder: Path, seed: str = "") -> None:
        self.log = SealedLog(folder, seed=seed)
        self.note = self.log.seal([body(n) for n in range(40)])
        self.items = [self.item(n) for n in (2, 5, 17)]
        self.pack = make_pack(self.items, origin=self.log.origin, request="req_1", destroyed=0)

    def item(self, n: int) -> Item:
        reader = TileReader(self.log.store, len(self.log.entries))
        return Item(body(n), Proof.make(reader, n, self.note), OPENING if n == 5 else None)

    def verified(self, data: bytes) -> str:
        return verify.verify_pack(data, self.log.trust(strict=False))


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path / "log")


def opened(data: bytes) -> Members:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def closed(members: Members) -> bytes:
    """An archive as a pack's is written."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in members.items():
            member = zipfile.ZipInfo(name)
            member.create_system = 3
            archive.writestr(member, data)
    return out.getvalue()


def test_what_is_proven_and_what_is_not_is_said(scene: Scene) -> None:
    said = scene.verified(scene.pack)
    assert said.startswith("Verified: 3 entries, 1 of them opened, of 'log.police.example/custodes' (40 entries)")
    assert "Not proven: that none was left out." in said


def test_the_same_content_is_the_same_bytes_and_its_index_says_what_is_in_it(scene: Scene) -> None:
    again = make_pack(scene.items, origin=scene.log.origin, request="req_1", destroyed=0)
    assert again == scene.pack
    index = json.loads(opened(scene.pack)["pack.json"])
    assert (index["format"], index["request"]) == (FORMAT, "req_1")
    assert [one["position"] for one in index["entries"]] == [2, 5, 17]


def test_its_first_page_says_in_two_languages_that_it_is_no_identification(scene: Scene) -> None:
    """LEAD-01."""
    page = opened(scene.pack)["README.txt"].decode("ascii")
    assert "an investigative lead, not an identification" in " ".join(page.split())
    assert "une piste d'enquete, jamais une identification" in " ".join(page.split())


def _other(scene: Scene, tmp: Path) -> Members:
    return opened(Scene(tmp / "other", seed="other").pack)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda m, _: m.update({"entries/2.json": b'{"n":3}'}), "does not show"),
        (lambda m, _: m.update({"entries/2.json": m["entries/2.json"] + b" "}), "does not show"),
        (lambda m, o: m.update({"proofs/2.tlog-proof": o["proofs/2.tlog-proof"]}), "not signed by"),
        (lambda m, _: m.update({"proofs/2.tlog-proof": m["proofs/17.tlog-proof"]}), "does not show"),
        (lambda m, _: m.update({"openings/5": OPENING + b" "}), "not what entries/5.json commits to"),
        (lambda m, _: m.update({"openings/2": OPENING}), "not what entries/2.json commits to"),
        (lambda m, _: m.update({"entries/3.json": m["entries/2.json"]}), "does not begin as one"),
        (
            lambda m, _: m.update(
                {"entries/3.json": m["entries/2.json"], "proofs/3.tlog-proof": m["proofs/2.tlog-proof"]}
            ),
            "one of another entry",
        ),
        (lambda m, _: m.pop("proofs/2.tlog-proof"), "does not begin as one"),
        (lambda m, _: m.pop("entries/2.json"), "belongs to none of its entries"),
        (lambda m, _: m.update({"photograph.jpg": b"somebody"}), "belongs to none of its entries"),
        (lambda m, _: m.update({"entries/../../x.json": b"{}"}), "belongs to none of its entries"),
        (lambda m, _: m.update({"entries/007.json": b"{}"}), "belongs to none of its entries"),
        (lambda m, _: m.pop("README.txt"), "no README.txt"),
        (lambda m, _: m.clear(), "no README.txt"),
    ],
    ids=[
        "entry-altered",
        "entry-lengthened",
        "proof-of-another-log",
        "proof-of-another-entry",
        "opening-altered",
        "opening-of-what-has-none",
        "entry-without-proof",
        "entry-at-another-position",
        "proof-removed",
        "entry-removed",
        "member-added",
        "path-traversal",
        "position-spelt-otherwise",
        "first-page-removed",
        "empty",
    ],
)
def test_a_pack_that_was_changed_does_not_verify(
    scene: Scene, tmp_path: Path, change: Callable[[Members, Members], object], why: str
) -> None:
    members = opened(scene.pack)
    change(members, _other(scene, tmp_path))
    with pytest.raises(verify.Failure, match=why):
        scene.verified(closed(members))


def test_proofs_of_two_checkpoints_are_not_one_pack(scene: Scene) -> None:
    scene.log.seal([body(n) for n in range(40, 45)])
    later = scene.log.store.read_checkpoint()
    assert later
    proof = Proof.make(TileReader(scene.log.store, 45), 17, later)
    members = opened(scene.pack) | {"proofs/17.tlog-proof": bytes(proof)}
    with pytest.raises(verify.Failure, match="different checkpoints"):
        scene.verified(closed(members))


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_members_of_one_name_compressed_ones_and_bombs_are_refused(scene: Scene) -> None:
    out = io.BytesIO(scene.pack)
    with zipfile.ZipFile(out, "a") as archive:
        archive.writestr("README.txt", b"another")
    with pytest.raises(verify.Failure, match="not written as"):
        scene.verified(out.getvalue())
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("README.txt", bytes(10_000_000))
    with pytest.raises(verify.Failure, match="larger than the pack"):
        scene.verified(out.getvalue())
    for changed in (b"PK" + scene.pack, scene.pack + b"more", scene.pack[:-22]):
        with pytest.raises(verify.Failure):
            scene.verified(changed)


def test_every_byte_flipped_is_found(scene: Scene) -> None:
    """All but the words of its maker, which the archive's own sums guard against chance and not against intent."""
    for at in range(len(scene.pack)):
        changed = scene.pack[:at] + bytes([scene.pack[at] ^ 0x41]) + scene.pack[at + 1 :]
        with pytest.raises(verify.Failure):
            scene.verified(changed)


@given(st.binary(max_size=400))
def test_any_bytes_are_refused_in_one_sentence(data: bytes) -> None:
    with pytest.raises(verify.Failure):
        verify.verify_pack(data, verify.Trust([], b"quorum none\n", strict=False))
