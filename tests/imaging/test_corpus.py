"""Inputs that the fuzzer found interesting, or that once broke something: the same fate, and never another error."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.imaging.making import CORPUS

from custodes.errors import ImageError
from custodes.imaging import DecodingPool, Limits, decode
from custodes.imaging.faults import CODES

LIMITS = Limits(max_bytes=200_000, max_pixels=1_000_000, max_seconds=5.0, max_decoded_bytes=16_000_000)
FOLDERS = sorted(path for path in CORPUS.iterdir() if path.is_dir() and path.name not in ("manifest", "wire"))


@pytest.fixture(scope="module")
def pool() -> Iterator[DecodingPool]:
    made = DecodingPool(LIMITS, workers=2)
    yield made
    made.close()


def fate(decoder: object, data: bytes) -> object:
    try:
        found = decoder(data, name=None, limits=LIMITS)  # type: ignore[operator]
    except ImageError as error:
        return error.code if error.code in CODES else pytest.fail(f"unknown code {error.code}")
    return found.format, found.notes, found.pixels.tobytes()


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_every_input_ends_well_and_a_worker_agrees(pool: DecodingPool, folder: Path) -> None:
    files = sorted(folder.iterdir())
    assert files
    for path in files:
        data = path.read_bytes()
        assert fate(pool.decode, data) == fate(decode, data), path.name


def test_the_corpus_stays_small() -> None:
    assert sum(path.stat().st_size for path in CORPUS.rglob("*") if path.is_file()) < 300_000
