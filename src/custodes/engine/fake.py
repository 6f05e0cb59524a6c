"""An engine for tests: real pictures, no weights, no people.

A "face" here is a square with a magenta edge and, inside, sixteen by sixteen black and white cells: the bits of
the identity's SHA-256.  :class:`FakeEngine` finds such squares and reads the cells back, so every path that the
real engine takes can be tried with pictures made on the spot.  It recognises no human face.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from typing import cast

import numpy as np
import numpy.typing as npt

from custodes.engine.embed import unit
from custodes.engine.quality import measure
from custodes.types import Box, Contract, Face, Pixels, Pose, Quality, Template

FAKE_CONTRACT = Contract(id="fake-" + hashlib.sha256(b"custodes fake engine 1").hexdigest(), pack="fake", version="1",
                         dimension=256)  # fmt: skip

_CELLS = 16
_SIDE_IN_CELLS = _CELLS + 2
_FLIPPED = 10
_EDGE = (255, 0, 255)
_DARK, _LIGHT, _GROUND = 40, 215, 128
_LANDMARKS = ((0.32, 0.4), (0.68, 0.4), (0.5, 0.6), (0.36, 0.78), (0.64, 0.78))


def picture(
    *identities: int, variation: int = 0, cell: int = 5, size: tuple[int, int] | None = None, kind: str = "PNG"
) -> bytes:
    """Return an image file that shows the "faces" of ``identities`` side by side; none is allowed.

    Pictures of one identity in any two ``variation`` give a cosine of at least 0.84; two identities give one
    near 0 (standard deviation 1/16).  ``cell``: pixels of one cell; a face is ``18 * cell`` wide and its eyes
    ``6.5 * cell`` apart.  ``size``: ``(width, height)``, large enough by default.  ``kind``: PNG or JPEG.
    """
    side, gap = _SIDE_IN_CELLS * cell, 2 * cell
    width, height = size or (gap + max(1, len(identities)) * (side + gap), side + 2 * gap)
    pixels = np.full((height, width, 3), _GROUND, np.uint8)
    per_row = max(1, (width - gap) // (side + gap))
    for index, identity in enumerate(identities):
        row, column = divmod(index, per_row)
        top, left = gap + row * (side + gap), gap + column * (side + gap)
        if top + side > height or left + side > width:
            raise ValueError("the faces do not fit in this size")
        pixels[top : top + side, left : left + side] = _draw(identity, variation, cell)
    return _encode(pixels, kind)


def _bits(seed: str) -> npt.NDArray[np.uint8]:
    return np.unpackbits(np.frombuffer(hashlib.sha256(seed.encode()).digest(), np.uint8))


def _cells(identity: int, variation: int) -> npt.NDArray[np.uint8]:
    cells = _bits(f"identity {identity}")
    if variation:
        chosen = np.frombuffer(hashlib.sha256(f"{identity} {variation}".encode()).digest(), np.uint8)[:_FLIPPED]
        cells[chosen] ^= 1
    return cells.reshape(_CELLS, _CELLS)


def _draw(identity: int, variation: int, cell: int) -> Pixels:
    square = np.empty((_SIDE_IN_CELLS, _SIDE_IN_CELLS, 3), np.uint8)
    square[:] = _EDGE
    square[1:-1, 1:-1] = np.where(_cells(identity, variation) == 1, _LIGHT, _DARK)[:, :, np.newaxis]
    return square.repeat(cell, axis=0).repeat(cell, axis=1)


def _encode(pixels: Pixels, kind: str) -> bytes:
    from PIL import Image

    out = io.BytesIO()
    Image.fromarray(pixels).save(out, kind, **({"quality": 95, "subsampling": 0} if kind == "JPEG" else {}))
    return out.getvalue()


class FakeEngine:
    """A :class:`~custodes.engine.protocol.FaceEngine` that sees only what :func:`picture` draws."""

    def __init__(
        self,
        contract: Contract = FAKE_CONTRACT,
        *,
        allows_operational_use: bool = False,
        poses: frozenset[Pose] = frozenset({Pose.FRONTAL}),
    ) -> None:
        self._contract = contract
        self._poses = poses
        self._allows_operational_use = allows_operational_use

    @property
    def contract(self) -> Contract:
        """A contract that no real pack can have."""
        return self._contract

    @property
    def allows_operational_use(self) -> bool:
        """False unless a test says otherwise."""
        return self._allows_operational_use

    @property
    def poses(self) -> frozenset[Pose]:
        """Only the front, unless a test says otherwise."""
        return self._poses

    def for_bulk(self) -> FakeEngine:
        """Return this engine: it keeps no core busy."""
        return self

    def detect(self, pixels: Pixels) -> tuple[Face, ...]:
        """Return the marked squares in ``pixels``, the largest first."""
        import cv2

        red, green, blue = (pixels[:, :, channel].astype(np.int16) for channel in range(3))
        edge = ((red > 200) & (blue > 200) & (green < 90)).astype(np.uint8)
        count, _, stats, _ = cv2.connectedComponentsWithStats(edge, connectivity=8)
        boxes = [tuple(int(value) for value in row[:4]) for row in stats[1:count]]
        faces = [_face(*box) for box in boxes if min(box[2:]) >= _SIDE_IN_CELLS]
        return tuple(sorted(faces, key=lambda f: (-f.box.width * f.box.height, f.box.top, f.box.left)))

    def embed(self, jobs: Sequence[tuple[Pixels, Face]]) -> list[Template]:
        """Return one template for each ``(pixels, face)``: +1 for a light cell, -1 for a dark one.

        Raises:
            FaceError: ``face.template-unusable``.
        """
        return self.embed_aligned([self.align(pixels, face) for pixels, face in jobs])

    def measure(self, pixels: Pixels, face: Face, others: Sequence[Face] = ()) -> Quality:
        """Return the quality of ``face``, as :func:`custodes.engine.quality.measure`."""
        return measure(pixels, face, others)

    def align(self, pixels: Pixels, face: Face) -> Pixels:
        """Return one pixel of the middle of each cell."""
        box = face.box
        centres = (np.arange(_CELLS) + 1.5) / _SIDE_IN_CELLS
        rows = np.clip((box.top + centres * box.height).astype(int), 0, pixels.shape[0] - 1)
        columns = np.clip((box.left + centres * box.width).astype(int), 0, pixels.shape[1] - 1)
        return cast("Pixels", pixels[rows][:, columns])

    def embed_aligned(self, crops: Sequence[Pixels]) -> list[Template]:
        """Return one template for each crop that :meth:`align` made.

        Raises:
            FaceError: ``face.template-unusable``.
        """
        return [Template(unit(self._read(crop)), self._contract) for crop in crops]

    def _read(self, crop: Pixels) -> npt.NDArray[np.float32]:
        light = crop.mean(axis=2) > _GROUND
        vector = np.where(light, 1.0, -1.0).astype(np.float32).ravel()
        return np.resize(vector, self._contract.dimension)


def _face(left: int, top: int, width: int, height: int) -> Face:
    landmarks = tuple((left + x * width, top + y * height) for x, y in _LANDMARKS)
    return Face(Box(float(left), float(top), float(width), float(height)), landmarks, 0.99)
