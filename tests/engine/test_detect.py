"""Detection without weights: the plan of passes, the decoding of outputs, and the merging of passes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from custodes.engine import find_pack
from custodes.engine.detect import find_faces, plan
from custodes.engine.yunet import OUTPUTS, Floats

CONTRACT = find_pack("opencv-zoo").preprocessing.detector


class Network:
    """Answers every pass with one face per ``(stride, score)`` at the cell that holds the brightest pixel."""

    def __init__(self, *answers: tuple[int, float], size: float = 4.0) -> None:
        self.answers, self.size = answers, size
        self.shapes: list[tuple[int, int]] = []

    def __call__(self, blob: Floats) -> dict[str, Floats]:
        height, width = blob.shape[2:]
        self.shapes.append((width, height))
        row, column = np.unravel_index(int(blob[0].sum(axis=0).argmax()), (height, width))
        widths = {"cls": 1, "obj": 1, "bbox": 4, "kps": 10}
        out = {}
        for name in OUTPUTS:
            kind, stride = name.split("_")
            cells = (height // int(stride)) * (width // int(stride))
            out[name] = np.zeros((1, cells, widths[kind]), np.float32)
        for stride, score in self.answers:
            cell = (row // stride) * (width // stride) + column // stride
            out[f"cls_{stride}"][0, cell] = out[f"obj_{stride}"][0, cell] = score
            out[f"bbox_{stride}"][0, cell, 2:] = np.log(self.size)
            out[f"kps_{stride}"][0, cell] = np.arange(10) / 10
        return out


def spot(width: int, height: int, x: int, y: int) -> np.ndarray:
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[y - 8 : y + 8, x - 8 : x + 8] = 255
    return pixels


class TestPlan:
    @pytest.mark.parametrize(
        ("size", "sides"),
        [
            ((1, 1), (1,)),
            ((112, 90), (112,)),
            ((320, 240), (320,)),
            ((410, 335), (320,)),
            ((512, 512), (320, 512)),
            ((800, 600), (320, 640)),
            ((1350, 1000), (320, 640, 1280)),
            ((3000, 2000), (320, 640, 1280, 2560)),
            ((20_000, 100), (320, 640, 1280, 2560)),
        ],
    )
    def test_passes_follow_from_the_pictures_size_alone(self, size: tuple[int, int], sides: tuple[int, ...]) -> None:
        assert plan(*size, CONTRACT) == sides
        assert plan(*size[::-1], CONTRACT) == sides

    def test_nothing_is_ever_enlarged(self) -> None:
        for side in range(1, 4000, 7):
            assert max(plan(side, 1, CONTRACT)) <= side


class TestDecoding:
    def test_a_cell_becomes_a_face_in_pixels_of_the_picture(self) -> None:
        (face,) = find_faces(spot(320, 320, 168, 104), CONTRACT, Network((8, 0.9)))
        column, row = 160 // 8, 96 // 8
        assert (face.box.left, face.box.top) == pytest.approx((column * 8 - 16, row * 8 - 16))
        assert (face.box.width, face.box.height) == pytest.approx((32, 32))
        assert face.landmarks[0] == pytest.approx((column * 8, row * 8 + 0.8))
        assert face.landmarks[4] == pytest.approx((column * 8 + 6.4, row * 8 + 7.2))
        assert face.confidence == pytest.approx(0.9)

    def test_the_score_is_the_geometric_mean_of_both_answers(self) -> None:
        network = Network((16, 0.9))

        def uneven(blob: Floats) -> dict[str, Floats]:
            out = network(blob)
            out["obj_16"] *= 0.5
            return out

        (face,) = find_faces(spot(320, 320, 168, 104), CONTRACT, uneven)
        assert face.confidence == pytest.approx(0.9 * np.sqrt(0.5))

    @pytest.mark.parametrize(("score", "count"), [(0.59, 0), (0.61, 1)])
    def test_below_the_least_confidence_there_is_no_face(self, score: float, count: int) -> None:
        assert len(find_faces(spot(320, 320, 100, 100), CONTRACT, Network((8, score)))) == count

    def test_a_picture_without_a_face(self) -> None:
        assert find_faces(np.zeros((700, 900, 3), np.uint8), CONTRACT, Network()) == ()

    def test_sizes_without_bound_stay_finite(self) -> None:
        (face,) = find_faces(spot(320, 320, 100, 100), CONTRACT, Network((8, 0.9), size=float("inf")))
        assert np.isfinite([face.box.width, face.box.height, face.box.left]).all()

    def test_the_picture_is_padded_to_whole_cells_not_stretched(self) -> None:
        network = Network()
        find_faces(np.zeros((100, 300, 3), np.uint8), CONTRACT, network)
        assert network.shapes == [(320, 128)]

    @pytest.mark.parametrize("order", ["BGR", "RGB"])
    def test_the_network_sees_its_own_colour_order(self, order: str) -> None:
        seen: list[Floats] = []

        def network(blob: Floats) -> dict[str, Floats]:
            seen.append(blob)
            return Network()(blob)

        pixels = np.random.default_rng(0).integers(0, 255, (64, 96, 3), np.uint8)
        find_faces(pixels, replace(CONTRACT, colour_order=order), network)
        expected = pixels if order == "RGB" else pixels[:, :, ::-1]
        assert np.array_equal(seen[0][0], expected.transpose(2, 0, 1))


class TestMerging:
    def test_one_face_seen_in_every_pass_is_one_face(self) -> None:
        def network(blob: Floats) -> dict[str, Floats]:
            return Network((8, 0.8), size=blob.shape[3] / 40)(blob)

        (face,) = find_faces(spot(1280, 1280, 640, 640), CONTRACT, network)
        assert face.box.width == pytest.approx(256, rel=0.01)

    def test_answers_of_two_strides_for_one_face_are_one_face(self) -> None:
        def network(blob: Floats) -> dict[str, Floats]:
            out = Network((8, 0.9), (16, 0.8), size=8.0)(blob)
            out["bbox_16"][:, :, 2:] -= np.log(2)
            return out

        (face,) = find_faces(spot(320, 320, 164, 164), CONTRACT, network)
        assert face.confidence == pytest.approx(0.9)

    def test_the_best_placed_pass_gives_the_landmarks_and_the_surest_the_confidence(self) -> None:
        def network(blob: Floats) -> dict[str, Floats]:
            side = blob.shape[3]
            return Network((8, 0.7 if side == 640 else 0.9), size=side / 32)(blob)

        (face,) = find_faces(spot(640, 640, 320, 320), CONTRACT, network)
        assert face.confidence == pytest.approx(0.9)
        assert face.landmarks[4][0] - face.landmarks[0][0] == pytest.approx(6.4, rel=0.01)

    def test_two_faces_of_different_sizes_are_two_the_largest_first(self) -> None:
        def network(blob: Floats) -> dict[str, Floats]:
            return Network((8, 0.95), size=2.0 if blob.shape[3] == 640 else 20.0)(blob)

        faces = find_faces(spot(640, 640, 320, 320), CONTRACT, network)
        assert [round(face.box.width) for face in faces] == [320, 16]

    def test_a_picture_of_nothing_but_answers_is_bounded(self) -> None:
        def network(blob: Floats) -> dict[str, Floats]:
            return {name: np.ones_like(value) for name, value in Network()(blob).items()}

        assert len(find_faces(np.zeros((640, 640, 3), np.uint8), CONTRACT, network)) <= 5000
