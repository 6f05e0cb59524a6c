"""Every pack that ships, on its real weights: the right templates, the same every time, never mixed (ENG-01, ENG-06).

The independent preprocessing is written as the networks' publishers feed them: EdgeFace's README (``ToTensor``,
``Normalize(0.5, 0.5)``), InsightFace's ``ArcFaceONNX`` (``blobFromImages`` with mean and divisor 127.5), OpenCV's
``FaceRecognizerSF``; the alignment as a linear least-squares problem.  Only the landmarks are the engine's.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from custodes.engine import OnnxFaceEngine, builtin_packs, find_pack
from custodes.imaging import Limits, decode
from custodes.types import Face, Pixels

PACKS = ("opencv-zoo", "edgeface-s", "insightface-mbf")
ARCFACE = [(38.2946, 51.6963), (73.5318, 51.5014), (56.0252, 71.7366), (41.5493, 92.3655), (70.7299, 92.2041)]
Rows = np.ndarray


def test_these_are_all_that_ship() -> None:
    assert set(PACKS) == set(builtin_packs())


@pytest.fixture(scope="session", params=PACKS)
def engine(request: pytest.FixtureRequest, all_weights: Path) -> OnnxFaceEngine:
    return OnnxFaceEngine(find_pack(request.param), all_weights)


@pytest.fixture(scope="session")
def seen(all_weights: Path, test_data: Path) -> dict[str, list[tuple[Pixels, Face]]]:
    """Twelve of the London volunteers, with their faces, neutral and smiling."""
    finder = OnnxFaceEngine(find_pack("opencv-zoo"), all_weights)
    found: dict[str, list[tuple[Pixels, Face]]] = {}
    for kind in ("neutral", "smiling"):
        pictures = [_photograph(path) for path in sorted((test_data / "london" / kind).glob("*.jpg"))[:12]]
        found[kind] = [(pixels, finder.detect(pixels)[0]) for pixels in pictures]
    return found


def _photograph(path: Path) -> Pixels:
    return decode(path.read_bytes(), name=path.name, limits=Limits()).pixels


def _vectors(engine: OnnxFaceEngine, jobs: list[tuple[Pixels, Face]]) -> Rows:
    return np.stack([template.vector for template in engine.embed(jobs)])


def _crop(pixels: Pixels, face: Face) -> Rows:
    """The publishers' crop, BGR: the similarity found by linear least squares, then OpenCV's warp."""
    import cv2

    design = np.concatenate([[[x, -y, 1, 0], [y, x, 0, 1]] for x, y in face.landmarks])
    a, b, right, down = np.linalg.lstsq(design, np.ravel(ARCFACE), rcond=None)[0]
    matrix = np.array([[a, -b, right], [b, a, down]])
    return cv2.warpAffine(np.ascontiguousarray(pixels[:, :, ::-1]), matrix, (112, 112))


def _sface(file: Path) -> Callable[[Pixels, Face], Rows]:
    import cv2

    network = cv2.FaceRecognizerSF.create(str(file), "")
    return lambda pixels, face: network.feature(_crop(pixels, face)).ravel()


def _plain(file: Path, blob: Callable[[Rows], Rows]) -> Callable[[Pixels, Face], Rows]:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(file.read_bytes(), options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return lambda pixels, face: session.run(None, {name: blob(_crop(pixels, face))})[0].ravel()


def _edgeface(crop: Rows) -> Rows:
    scaled = crop[:, :, ::-1].transpose(2, 0, 1).astype(np.float32) / 255
    return ((scaled - 0.5) / 0.5)[None].astype(np.float32)


def _arcface(crop: Rows) -> Rows:
    import cv2

    return cv2.dnn.blobFromImages([crop], 1 / 127.5, (112, 112), (127.5, 127.5, 127.5), swapRB=True)


def _publishers(pack: str, models: Path) -> Callable[[Pixels, Face], Rows]:
    file = models / pack / find_pack(pack).file("embedder").filename
    if pack == "opencv-zoo":
        return _sface(file)
    return _plain(file, _edgeface if pack == "edgeface-s" else _arcface)


def test_templates_are_those_of_the_publishers_own_preprocessing(
    engine: OnnxFaceEngine, all_weights: Path, seen: dict[str, list[tuple[Pixels, Face]]]
) -> None:
    theirs = _publishers(engine.contract.pack, all_weights)
    for (pixels, face), ours in zip(seen["neutral"], _vectors(engine, seen["neutral"]), strict=True):
        other = theirs(pixels, face)
        assert ours.shape == other.shape == (engine.contract.dimension,)
        assert float(ours @ other) / float(np.linalg.norm(other)) >= 0.999


def test_eng_06_the_same_bits_alone_in_a_batch_and_on_two_cores(
    engine: OnnxFaceEngine, all_weights: Path, seen: dict[str, list[tuple[Pixels, Face]]]
) -> None:
    jobs = seen["neutral"][:7]
    alone = np.concatenate([_vectors(engine, [job]) for job in jobs])
    several = OnnxFaceEngine(find_pack(engine.contract.pack), all_weights, threads=2)
    for again in (_vectors(engine, jobs), _vectors(engine, jobs[::-1])[::-1], _vectors(several, jobs)):
        assert np.array_equal(alone, again)


def test_one_person_resembles_himself_more_than_anyone_else(
    engine: OnnxFaceEngine, seen: dict[str, list[tuple[Pixels, Face]]]
) -> None:
    scores = _vectors(engine, seen["neutral"]) @ _vectors(engine, seen["smiling"]).T
    mated = np.eye(len(scores), dtype=bool)
    assert scores.argmax(axis=1).tolist() == list(range(len(scores)))
    assert scores[mated].min() > scores[~mated].max()


def test_a_network_exported_for_one_picture_is_given_one(
    all_weights: Path, seen: dict[str, list[tuple[Pixels, Face]]], capfd: pytest.CaptureFixture[str]
) -> None:
    """EdgeFace's file refuses a batch; that is found out, not reported as a fault."""
    engine = OnnxFaceEngine(find_pack("edgeface-s"), all_weights)
    assert len(_vectors(engine, seen["neutral"][:5])) == 5
    assert capfd.readouterr().err == ""


def test_eng_01_no_two_packs_share_a_contract() -> None:
    contracts = [pack.contract for pack in builtin_packs().values()]
    assert len({contract.id for contract in contracts}) == len(contracts)


@pytest.mark.parametrize("name", [name for name in PACKS if name != "opencv-zoo"])
def test_eng_04_research_packs_say_so(name: str) -> None:
    pack = find_pack(name)
    assert not pack.operational_use
    assert pack.dimension == 512
    assert pack.licence_note
