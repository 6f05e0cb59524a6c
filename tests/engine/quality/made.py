"""Faces made on the spot: landmarks where the frame has them, on pictures of known content."""

from __future__ import annotations

import numpy as np

from custodes.types import Box, Face, Pixels

# eyes, nose, mouth of the frame: 113 pixels between the eyes
FRAME = np.array([(251, 272), (364, 272), (308, 336), (262, 402), (355, 402)], np.float64)


def face_at(x: float = 150, y: float = 120, *, eyes: float = 50, turned: float = 0.0, confidence: float = 0.95) -> Face:
    """A face whose eyes' middle lies at ``(x, y)``, turned by ``turned`` degrees clockwise in the picture."""
    angle = np.radians(turned)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    points = (FRAME - [307.5, 272]) * (eyes / 113) @ turn.T + [x, y]
    landmarks = tuple((float(a), float(b)) for a, b in points)
    return Face(Box(x - eyes, y - 0.9 * eyes, 2 * eyes, 2.7 * eyes), landmarks, confidence)


def flat(value: int | tuple[int, int, int] = 128, *, width: int = 300, height: int = 300) -> Pixels:
    """A picture of one colour."""
    return np.full((height, width, 3), value, np.uint8)


def textured(*, width: int = 300, height: int = 300, seed: int = 1) -> Pixels:
    """A picture with edges of every size, like a face and unlike noise: shaded discs on top of each other."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    picture = np.full((height, width), 110.0)
    for _ in range(300):
        cx, cy, r = random.uniform(0, width), random.uniform(0, height), random.uniform(2, 40)
        inside = (x - cx) ** 2 + (y - cy) ** 2 < r * r
        picture[inside] = picture[inside] * 0.4 + 0.6 * random.uniform(30, 220)
    return np.repeat(picture.round().astype(np.uint8)[:, :, np.newaxis], 3, axis=2)
