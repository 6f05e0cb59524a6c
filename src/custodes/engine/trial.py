"""Networks tried on a fixed pattern before anybody's face: the right shapes, finite, not constant, twice the same.

A manifest states what a network does; this looks whether it does so: briefly whenever weights are loaded, thoroughly
in a process of its own (`apart`) before a pack is added.  Not here: whether the network recognises anybody (`measure`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from custodes.engine.embed import Floats, pattern
from custodes.engine.graph import WIDTHS, unusable, wrong_dimension
from custodes.engine.packs import Pack
from custodes.engine.yunet import OUTPUTS
from custodes.errors import ModelPackError
from custodes.text import N_

_PICTURES = ((320, 320), (96, 160))
"""Height and width of the patterns a detector is tried on: whole cells, one square and one not."""


def try_networks(
    pack: Pack,
    detector: Callable[[Floats], Mapping[str, Floats]],
    embedder: Callable[[Floats], Floats],
    *,
    thorough: bool = False,
) -> None:
    """Do nothing if the two networks answer as ``pack`` states.

    ``detector``: ``(1, 3, h, w)`` to its outputs by name; ``embedder``: ``(1, 3, s, s)`` to ``(1, d)``; all float32.
    ``thorough``: every picture size, and every picture twice.

    Raises:
        ModelPackError: ``pack.weights-unusable``, ``pack.graph-dimension``, ``pack.output-not-finite``,
            ``pack.output-constant`` or ``pack.not-deterministic``.
    """
    for height, width in _PICTURES if thorough else _PICTURES[:1]:
        picture = pattern(1, max(height, width))[:, :, :height, :width].copy()
        answers = detector(picture)
        _check_detector(answers, height, width)
        if thorough:
            _require_same(answers, detector(picture))
    contract = pack.preprocessing.embedder
    mean = np.array(contract.mean, np.float32)[:, None, None]
    one, other = np.split((pattern(2, contract.input_size) - mean) * np.float32(contract.scale), 2)
    answer = embedder(one)
    _check_embedder(answer, embedder(other), pack.dimension)
    if thorough:
        _require_same({"": answer}, {"": embedder(one)})


def _check_detector(answers: Mapping[str, Floats], height: int, width: int) -> None:
    if set(answers) != set(OUTPUTS):
        raise unusable()
    for name, answer in answers.items():
        kind, _, stride = name.partition("_")
        if answer.shape != (1, height * width // int(stride) ** 2, WIDTHS[kind]):
            raise unusable()
        _require_finite(answer)


def _check_embedder(answer: Floats, different: Floats, dimension: int) -> None:
    if answer.ndim != 2 or len(answer) != 1:
        raise unusable()
    if answer.shape[1] != dimension:
        raise wrong_dimension(dimension, answer.shape[1])
    _require_finite(answer)
    if not answer.any() or np.array_equal(answer, different):
        raise ModelPackError(
            "pack.output-constant",
            N_("The network answers every picture in the same way."),
            why=N_("Everybody would resemble everybody else."),
            hint=N_("Get the file anew from whoever made it; it may be a network that was not trained."),
        )


def _require_finite(answer: Floats) -> None:
    if not np.isfinite(answer).all():
        raise ModelPackError(
            "pack.output-not-finite",
            N_("The network's answers are not finite numbers."),
            why=N_("It was tried on a fixed pattern, fed as the manifest states."),
            hint=N_("Check mean and scale in the manifest; if they are right, the file is damaged."),
        )


def _require_same(answers: Mapping[str, Floats], again: Mapping[str, Floats]) -> None:
    if not all(np.array_equal(answers[name], again[name]) for name in answers):
        raise ModelPackError(
            "pack.not-deterministic",
            N_("The network answers the same picture differently each time."),
            why=N_("The same face must give the same template, or no search could be repeated."),
            hint=N_("Export the network for inference, without dropout or anything else that draws lots."),
        )
