"""Landmarks are placed again close by: nearer to where they are, never at the price of a face."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from custodes.engine.contract import DetectorContract
from custodes.engine.landmarks import refine, roll
from custodes.engine.packs import builtin_packs
from custodes.engine.yunet import OUTPUTS, Floats
from custodes.types import Box, Face, Pixels

CONTRACT = builtin_packs()["opencv-zoo"].preprocessing.detector
POINTS = ((80.0, 90.0), (120.0, 90.0), (100.0, 115.0), (85.0, 135.0), (115.0, 135.0))
FACE = Face(Box(60.0, 60.0, 80.0, 100.0), POINTS, 0.9)


class Marks:
    """A network that sees the five marks drawn by :func:`drawn`, through every cell near their middle."""

    def __init__(self, *, noise: float = 0.0, blind: bool = False) -> None:
        self.shown: list[tuple[int, ...]] = []
        self.marks: list[npt.NDArray[np.float64]] = []
        self._noise = noise
        self._blind = blind
        self._random = np.random.default_rng(1)

    def __call__(self, blob: Floats) -> Mapping[str, Floats]:
        self.shown.append(blob.shape)
        height, width = blob.shape[2:]
        answer = {
            name: np.zeros(
                (1, (height // int(name.split("_")[1])) * (width // int(name.split("_")[1])), count), np.float32
            )
            for name in OUTPUTS
            for count in ({"cls": 1, "obj": 1, "bbox": 4, "kps": 10}[name.split("_")[0]],)
        }
        marks = self._marks(blob)
        if self._blind or marks is None:
            return answer
        self.marks.append(marks)
        centre, size = marks.mean(axis=0), np.array([64.0, 80.0])
        columns = width // 8
        for cell in range(answer["cls_8"].shape[1]):
            corner = np.array([cell % columns, cell // columns])
            if np.abs(corner * 8 + 4 - centre).max() > 12:
                continue
            answer["cls_8"][0, cell] = answer["obj_8"][0, cell] = 0.9
            answer["bbox_8"][0, cell] = [*(centre / 8 - corner), *np.log(size / 8)]
            seen = marks + self._random.normal(0, self._noise, marks.shape) if self._noise else marks
            answer["kps_8"][0, cell] = (seen / 8 - corner).ravel()
        return answer

    @staticmethod
    def _marks(blob: Floats) -> npt.NDArray[np.float64] | None:
        """Find the marks by their colour, and return them as the viewer orders them: left to right, eyes first."""
        blue, green, red = blob[0].astype(np.float64)
        nose = _centre(green)
        pairs = [_pair(channel) for channel in (red, blue)]
        if nose is None or None in pairs:
            return None
        (left_eye, right_eye), (left_corner, right_corner) = (pair for pair in pairs if pair is not None)
        return np.array([left_eye, right_eye, nose, left_corner, right_corner])


Place = tuple[float, float]


def _centre(channel: npt.NDArray[np.float64]) -> Place | None:
    total = channel.sum()
    if total == 0:
        return None
    rows, columns = np.indices(channel.shape)
    return float((columns * channel).sum() / total), float((rows * channel).sum() / total)


def _pair(channel: npt.NDArray[np.float64]) -> tuple[Place, Place] | None:
    """Return the two marks of one colour, the left one first."""
    middle = _centre(channel)
    if middle is None:
        return None
    split = round(middle[0])
    left, right = channel.copy(), channel.copy()
    left[:, split:], right[:, :split] = 0, 0
    one, other = _centre(left), _centre(right)
    return None if one is None or other is None else (one, other)


def drawn(points: tuple[tuple[float, float], ...] = POINTS, side: int = 240, scale: int = 1) -> Pixels:
    """Return a dark picture with a bright square at each point: eyes red, nose green, mouth blue."""
    picture = np.zeros((side * scale, side * scale, 3), np.uint8)
    for (x, y), colour in zip(points, (0, 0, 1, 2, 2), strict=True):
        half = 4 * scale
        left, top = round(x * scale), round(y * scale)
        picture[top - half : top + half + 1, left - half : left + half + 1, colour] = 250
    return picture


def turned(degrees: float) -> tuple[tuple[float, float], ...]:
    """Return the points turned clockwise, as the viewer sees it, about the middle of the box."""
    angle, middle = np.radians(degrees), np.array([100.0, 110.0])
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return tuple((float(x), float(y)) for x, y in (np.array(POINTS) - middle) @ turn.T + middle)


def wrong(face: Face = FACE, by: float = 4.0) -> Face:
    return replace(face, landmarks=tuple((x + by, y - by) for x, y in face.landmarks))


def error(face: Face, points: tuple[tuple[float, float], ...] = POINTS) -> float:
    return float(np.abs(np.array(face.landmarks) - np.array(points)).max())


def test_landmarks_placed_coarsely_are_placed_anew() -> None:
    assert error(refine(drawn(), wrong(), CONTRACT, Marks())) < 0.5


@pytest.mark.parametrize("degrees", [-75, -30, -5, 0, 5, 30, 75])
def test_a_turned_face_is_looked_at_level_and_placed_where_it_is(degrees: float) -> None:
    points = turned(degrees)
    seen = Marks()
    face = wrong(Face(FACE.box, points, 0.9), by=2.0)
    assert np.degrees(roll(face)) == pytest.approx(degrees, abs=2.5)
    assert error(refine(drawn(points), face, CONTRACT, seen), points) < 0.8
    for marks in seen.marks:
        across = marks[1] - marks[0]
        assert abs(np.degrees(np.arctan2(across[1], across[0]))) < 4


def test_a_face_is_left_as_it_stands_where_the_contract_says_so() -> None:
    points, seen = turned(20), Marks()
    refine(drawn(points), Face(FACE.box, points, 0.9), replace(CONTRACT, refine_level=False), seen)
    across = seen.marks[0][1] - seen.marks[0][0]
    assert np.degrees(np.arctan2(across[1], across[0])) == pytest.approx(20, abs=4)


def test_landmarks_in_one_place_are_no_direction() -> None:
    assert np.isfinite(roll(Face(FACE.box, (POINTS[0],) * 5, 0.9)))


def test_a_large_face_is_averaged_down_without_moving_it() -> None:
    """A face five times as wide: what is cut out is shrunk first, and the way back must undo it to the pixel."""
    scale = 5
    box = Box(*(value * scale for value in (60.0, 60.0, 80.0, 100.0)))
    points = tuple((x * scale, y * scale) for x, y in POINTS)
    found = refine(drawn(scale=scale), wrong(Face(box, points, 0.9), by=20), CONTRACT, Marks())
    assert error(found, points) < 0.5 * scale


def test_only_the_face_is_shown_and_once_more_mirrored() -> None:
    network = Marks()
    refine(drawn(side=240, scale=4), FACE, CONTRACT, network)
    side = 2 * CONTRACT.refine_face_width
    assert network.shown == [(1, 3, side, side)] * 2


def test_cells_and_mirror_are_averaged() -> None:
    """One cell's guess is off by two pixels at random; the average of many is not."""
    off = [error(refine(drawn(), FACE, CONTRACT, Marks(noise=2.0))) for _ in range(3)]
    assert max(off) < 2.0


def test_what_is_not_seen_again_stays_as_it_was() -> None:
    assert refine(drawn(), wrong(), CONTRACT, Marks(blind=True)) == wrong()


def test_box_and_confidence_stay() -> None:
    found = refine(drawn(), wrong(), CONTRACT, Marks())
    assert (found.box, found.confidence) == (FACE.box, FACE.confidence)


def test_a_face_over_the_edge_of_the_picture_is_placed_too() -> None:
    shifted = tuple((x - 70, y - 70) for x, y in POINTS)
    face = Face(Box(-10.0, -10.0, 80.0, 100.0), shifted, 0.9)
    assert error(refine(drawn(shifted, side=120), wrong(face, by=2), CONTRACT, Marks()), shifted) < 0.5


@pytest.mark.parametrize(
    "box",
    [
        Box(0.0, 0.0, 0.0, 0.0),
        Box(-5000.0, -5000.0, 10.0, 10.0),
        Box(500.0, 500.0, 1e-9, 1e9),
        Box(0.0, 0.0, 65536.0, 65536.0),
        Box(239.0, 239.0, 1.0, 1.0),
    ],
    ids=["no size", "outside", "a line", "wider than any picture", "the last pixel"],
)
def test_a_hostile_box_changes_nothing_and_breaks_nothing(box: Box) -> None:
    face = Face(box, POINTS, 0.9)
    assert refine(drawn(), face, CONTRACT, Marks(blind=True)) == face
    assert len(refine(drawn(), face, CONTRACT, Marks()).landmarks) == 5


def test_a_picture_wider_than_a_warp_can_reach() -> None:
    wide = np.zeros((8, 40_000, 3), np.uint8)
    face = Face(Box(39_000.0, 0.0, 8.0, 8.0), POINTS, 0.9)
    assert refine(wide, face, CONTRACT, Marks(blind=True)) == face


def test_every_number_of_it_is_in_the_contract() -> None:
    """ENG-01: templates of other landmarks are other templates."""
    names = {field for field in DetectorContract.__dataclass_fields__ if field.startswith("refine_")}
    assert names == {"refine_face_width", "refine_level", "refine_confidence", "refine_overlap"}
