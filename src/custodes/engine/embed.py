"""Aligned crops to unit vectors, in batches where a batch changes nothing.

The same face must give the same template, bit for bit, whatever else was in its batch.  That is a property of
the network and the machine, so it is tried before the first batch; where it does not hold, batches are of one.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from custodes.engine.contract import EmbedderContract
from custodes.errors import FaceError
from custodes.text import N_
from custodes.types import Pixels, Vector

Floats = npt.NDArray[np.float32]
LARGEST_BATCH = 4


class EmbedderNetwork(Protocol):
    """The network alone: ``(n, 3, s, s)`` float32 in, ``(n, d)`` float32 out."""

    def __call__(self, blob: Floats) -> Floats:
        """Run the network once."""
        ...


class Embedder:
    """A network, how it is fed, and how many crops it may be given at once."""

    def __init__(self, contract: EmbedderContract, network: EmbedderNetwork, batch: int = LARGEST_BATCH) -> None:
        self._contract = contract
        self._network = network
        self._batch = batch
        self._proven = batch == 1
        self._proving = threading.Lock()

    @property
    def batch(self) -> int:
        """The largest batch in use: the one asked for until the first batch, then the one proven."""
        return self._batch

    def embed(self, crops: Sequence[Pixels]) -> list[Vector]:
        """Return one unit vector for each aligned crop, in order.

        Raises:
            FaceError: ``face.template-unusable``.
        """
        if len(crops) > 1:
            self._prove()
        vectors: list[Vector] = []
        for start in range(0, len(crops), self._batch):
            raw = self._network(self._blob(crops[start : start + self._batch]))
            vectors.extend(unit(row) for row in raw)
        return vectors

    def _blob(self, crops: Sequence[Pixels]) -> Floats:
        stacked = np.stack(crops)
        ordered = stacked if self._contract.colour_order == "RGB" else stacked[:, :, :, ::-1]
        blob = np.ascontiguousarray(ordered.transpose(0, 3, 1, 2), dtype=np.float32)
        mean = np.array(self._contract.mean, np.float32)
        if mean.any():
            blob -= mean[:, None, None]
        return blob if self._contract.scale == 1.0 else blob * np.float32(self._contract.scale)

    def _prove(self) -> None:
        with self._proving:
            if not self._proven:
                self._batch = self._batch if self._is_steady() else 1
                self._proven = True

    def _is_steady(self) -> bool:
        """Return whether a fixed pattern gives the same bits alone and in every batch size to be used."""
        blob = pattern(self._batch, self._contract.input_size)
        alone = np.concatenate([self._network(blob[index : index + 1]) for index in range(self._batch)])
        sizes = range(2, self._batch + 1)
        try:
            return all(np.array_equal(self._network(blob[:size]), alone[:size]) for size in sizes)
        except Exception:  # noqa: BLE001 - some networks were exported for one picture alone and refuse more
            return False


def pattern(count: int, size: int) -> Floats:
    """Return ``(count, 3, size, size)`` float32 0..255: fixed, busy, and different in each of ``count``."""
    index = np.arange(count * 3 * size * size, dtype=np.uint64)
    mixed = (index * np.uint64(2654435761) + np.uint64(12345)) >> np.uint64(7)
    return (mixed % np.uint64(256)).astype(np.float32).reshape(count, 3, size, size)


def unit(raw: Floats) -> Vector:
    """Return ``raw`` at unit Euclidean length: norm in float64, result in float32.

    Raises:
        FaceError: ``face.template-unusable``, if ``raw`` has no direction (zero, infinite or not a number).
    """
    wide = raw.astype(np.float64)
    length = float(np.sqrt(np.sum(wide * wide)))
    if not np.isfinite(length) or length < 1e-12:
        raise FaceError(
            "face.template-unusable",
            N_("No template can be made from this face."),
            why=N_("The network's answer has no direction; a template like that would resemble everyone or no one."),
            hint=N_("Use another image of the person. If it happens again, verify the model pack."),
        )
    vector: Vector = (wide / length).astype(np.float32)
    return vector
