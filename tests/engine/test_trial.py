"""Networks that load but do not answer as their manifest says: each way by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import pytest

from custodes.engine import find_pack
from custodes.engine.embed import Floats
from custodes.engine.graph import WIDTHS
from custodes.engine.trial import try_networks
from custodes.engine.yunet import OUTPUTS
from custodes.errors import ModelPackError

PACK = replace(find_pack("opencv-zoo"), dimension=4)
Answers = dict[str, Floats]


def detector(blob: Floats) -> Answers:
    """The right shapes, full of the picture's mean."""
    cells = {name: blob.shape[2] * blob.shape[3] // int(name.partition("_")[2]) ** 2 for name in OUTPUTS}
    return {
        name: np.full((1, cells[name], WIDTHS[name.partition("_")[0]]), blob.mean(), np.float32) for name in OUTPUTS
    }


def embedder(blob: Floats) -> Floats:
    """Four means of the picture."""
    return blob.reshape(len(blob), 4, -1).mean(axis=2)


def code(
    detect: Callable[[Floats], Mapping[str, Floats]] = detector,
    embed: Callable[[Floats], Floats] = embedder,
    *,
    thorough: bool = False,
) -> str:
    with pytest.raises(ModelPackError) as caught:
        try_networks(PACK, detect, embed, thorough=thorough)
    return caught.value.code


class Counting:
    """A network whose answers grow with every call."""

    def __init__(self) -> None:
        self.calls = 0

    def detect(self, blob: Floats) -> Answers:
        self.calls += 1
        return {name: answer + np.float32(self.calls) for name, answer in detector(blob).items()}

    def embed(self, blob: Floats) -> Floats:
        self.calls += 1
        return embedder(blob) + np.float32(self.calls)


@pytest.mark.parametrize("thorough", [False, True])
def test_networks_that_answer_as_they_should(thorough: bool) -> None:
    try_networks(PACK, detector, embedder, thorough=thorough)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_answers_that_are_not_finite(bad: float) -> None:
    def detect(blob: Floats) -> Answers:
        answers = detector(blob)
        answers["kps_8"][0, 3, 2] = bad
        return answers

    def embed(blob: Floats) -> Floats:
        answer = embedder(blob)
        answer[0, 2] = bad
        return answer

    assert code(detect=detect) == "pack.output-not-finite"
    assert code(embed=embed) == "pack.output-not-finite"


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_the_same_answer_to_every_picture(value: float) -> None:
    assert code(embed=lambda blob: np.full((1, 4), value, np.float32)) == "pack.output-constant"


def test_eng_01_another_dimension() -> None:
    assert code(embed=lambda blob: np.tile(embedder(blob), 2)) == "pack.graph-dimension"


@pytest.mark.parametrize("shape", [(4,), (2, 4), (1, 4, 1, 1)])
def test_a_template_of_another_shape(shape: tuple[int, ...]) -> None:
    assert code(embed=lambda blob: np.ones(shape, np.float32)) == "pack.weights-unusable"


def test_a_detector_of_another_shape() -> None:
    assert code(detect=lambda blob: {**detector(blob), "cls_8": np.ones((1, 5, 1), np.float32)}) == (
        "pack.weights-unusable"
    )
    assert code(detect=lambda blob: dict(list(detector(blob).items())[1:])) == "pack.weights-unusable"


def test_a_detector_whose_size_is_fixed_after_all() -> None:
    fixed = detector(np.zeros((1, 3, 320, 320), np.float32))
    assert code(detect=lambda blob: fixed, thorough=True) == "pack.weights-unusable"


def test_eng_06_networks_that_answer_differently_each_time() -> None:
    assert code(detect=Counting().detect, thorough=True) == "pack.not-deterministic"
    assert code(embed=Counting().embed, thorough=True) == "pack.not-deterministic"
