"""What anybody may read of the log without an account, and what they may not (AUD-02, AUD-04, AUD-05)."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.test import Client
from tests.web.conftest import Pages, World, newest, text
from tests.workflows.kept_log import KeptLog, keep, three_witnesses

from custodes.config import Config
from custodes.store.log import SealedEntries

WIDTH = 256


@pytest.fixture
def kept(world: World, config: Config) -> KeptLog:
    made = keep(world, config)
    made.write(WIDTH + 40)
    made.seal()
    return made


@pytest.fixture
def witnessed(world: World, config: Config, tmp_path: Path) -> Iterator[KeptLog]:
    with three_witnesses(world, config, tmp_path) as policy:
        made = KeptLog(world, config, policy)
        made.seal()
        made.keeper.ask_witnesses(made.at)
        yield made


def get(client: Client, address: str, status: int = 200) -> bytes:
    answer = client.get(address)
    assert answer.status_code == status, (address, answer.status_code)
    return answer.content


def merkle_root(hashes: list[bytes]) -> bytes:
    """RFC 6962, 2.1, over leaf hashes, as somebody writes it who has none of our code."""
    if len(hashes) == 1:
        return hashes[0]
    half = 1
    while half * 2 < len(hashes):
        half *= 2
    return hashlib.sha256(b"\x01" + merkle_root(hashes[:half]) + merkle_root(hashes[half:])).digest()


def test_a_client_with_none_of_our_code_checks_the_signature_and_the_root_from_the_public_addresses(
    kept: KeptLog, stranger: Client
) -> None:
    body, _, signatures = get(stranger, "/log/checkpoint").decode().partition("\n\n")
    origin, size, root, *_ = body.split("\n")
    keys = [line.split("+") for line in get(stranger, "/log/keys").decode().splitlines()]
    (key,) = [base64.b64decode("+".join(rest))[1:] for _, _, *rest in keys if base64.b64decode("+".join(rest))[0] == 1]
    signed = [base64.b64decode(line.split(" ")[2])[4:] for line in signatures.splitlines() if line]
    Ed25519PublicKey.from_public_bytes(key).verify(next(s for s in signed if len(s) == 64), (body + "\n").encode())
    whole, rest = divmod(int(size), WIDTH)
    tiles = [get(stranger, f"/log/tile/0/{number:03d}") for number in range(whole)]
    tiles += [get(stranger, f"/log/tile/0/{whole:03d}.p/{rest}")] if rest else []
    hashes = [tile[at : at + 32] for tile in tiles for at in range(0, len(tile), 32)]
    assert len(hashes) == int(size)
    assert base64.b64encode(merkle_root(hashes)).decode() == root
    assert origin == kept.keeper.keyring.origin


def test_tiles_are_kept_by_caches_and_checkpoints_are_not(kept: KeptLog, stranger: Client) -> None:
    assert "immutable" in stranger.get("/log/tile/0/000")["Cache-Control"]
    assert stranger.get("/log/tile/0/000")["Content-Type"] == "application/octet-stream"
    assert stranger.get("/log/checkpoint")["Cache-Control"] == "no-cache"
    assert stranger.get("/log/checkpoint")["Content-Type"].startswith("text/plain")
    assert stranger.get("/sign-in")["Cache-Control"] == "no-store, private"


def test_a_partial_tile_that_the_full_one_replaced_is_still_served(kept: KeptLog, stranger: Client) -> None:
    assert get(stranger, "/log/tile/0/000.p/17") == get(stranger, "/log/tile/0/000")[: 17 * 32]


@pytest.mark.parametrize(
    "address",
    [
        "/log/tile/0/002",
        "/log/tile/0/001.p/255",
        "/log/tile/0/x000/000",
        "/log/tile/0/../../checkpoint",
        "/log/tile/0/..%2f..%2fsealer.lock",
        "/log/tile/64/000",
        "/log/tile/-1/000",
        "/log/tile/0/000.p/0",
        "/log/tile/0/000/",
        "/log/sealer.lock",
        "/log/extension",
        "/log/..%2fcheckpoint",
        "/log/" + "9" * 4000,
        "/log/tile/" + "9" * 4000,
    ],
)
def test_what_is_not_public_or_not_there_is_a_short_text_and_leaves_no_entry(
    kept: KeptLog, stranger: Client, address: str
) -> None:
    before = newest(kept.world, 1)
    answer = stranger.get(address)
    assert answer.status_code == 404
    assert newest(kept.world, 1) == before


def test_what_no_checkpoint_covers_is_not_shown(kept: KeptLog, stranger: Client) -> None:
    """A round that was cut short leaves tiles that nobody signed."""
    size = SealedEntries().size()
    (kept.folder / "tile/0/001.p").mkdir(exist_ok=True, parents=True)
    (kept.folder / f"tile/0/001.p/{size - WIDTH + 1}").write_bytes(bytes(32 * (size - WIDTH + 1)))
    get(stranger, f"/log/tile/0/001.p/{size - WIDTH + 1}", 404)


def test_entries_are_for_auditors_only_and_each_look_is_logged(kept: KeptLog, pages: Pages, stranger: Client) -> None:
    """AUD-05, AUD-08."""
    kept.seal()
    assert stranger.get("/log/tile/entries/000").status_code == 302, "to the sign-in page"
    assert pages("searcher").get("/log/tile/entries/000").status_code == 403
    data = get(pages("auditor"), "/log/tile/entries/000")
    assert data == (kept.folder / "tile/entries/000").read_bytes()
    assert newest(kept.world)[0][0] == "log.viewed"
    assert pages("auditor").get("/log/tile/entries/000")["Cache-Control"] == "no-store, private"
    get(pages("auditor"), "/log/tile/entries/999", 404)


def test_only_reading_is_possible(kept: KeptLog, stranger: Client) -> None:
    for address in ("/log/checkpoint", "/log/tile/0/000", "/log/keys", "/transparency"):
        assert stranger.head(address).status_code == 200
        assert stranger.post(address).status_code == 405


def test_the_page_says_to_a_stranger_how_the_log_stands(kept: KeptLog, stranger: Client) -> None:
    page = text(stranger, "/transparency")
    published = kept.keeper.checkpoint()
    assert published is not None
    assert published.origin in page
    assert f"<dd>{published.size}</dd>" in page
    assert "No witnesses are named" in page
    assert "not stopped" in page


def test_the_page_says_who_is_missing_and_that_searches_are_stopped(witnessed: KeptLog, stranger: Client) -> None:
    """AUD-04: who is missing, and since when, is public."""
    assert text(stranger, "/transparency").count("present") == 3
    assert get(stranger, "/log/cosigned").startswith(witnessed.keeper.keyring.origin.encode())
    assert b'"times"' in get(stranger, "/log/witnesses.json")
    witnessed.write(1)
    witnessed.world.clock.advance(seconds=3600)
    page = text(stranger, "/transparency")
    assert page.count("<strong>missing</strong>") == 3
    assert "Searches are stopped: the witnesses of the log have been missing for too long." in page
    assert "2026-" in page


def test_before_anything_is_sealed_the_page_says_so(world: World, config: Config, stranger: Client) -> None:
    keep(world, config)
    assert "Nothing has been sealed yet." in text(stranger, "/transparency")
    get(stranger, "/log/checkpoint", 404)
    get(stranger, "/log/cosigned", 404)
    get(stranger, "/log/tile/0/000.p/1", 404)


def test_an_auditor_sees_which_entries_are_not_sealed_yet(kept: KeptLog, pages: Pages) -> None:
    page = text(pages("auditor"), "/")
    assert "not sealed yet" in page
    assert "<td>None</td>" not in page
