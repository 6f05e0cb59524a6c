"""Embedding: unit vectors, the same bits in any batch, and a batch of one where that cannot be had (ENG-06)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from custodes.engine import find_pack
from custodes.engine.embed import Embedder, Floats, pattern, unit
from custodes.errors import FaceError

CONTRACT = find_pack("opencv-zoo").preprocessing.embedder
CROPS = [np.random.default_rng(seed).integers(0, 255, (112, 112, 3), np.uint8) for seed in range(9)]


class Network:
    """Means of rows; ``wobble`` makes the answer depend on the batch, as some networks' do."""

    def __init__(self, wobble: float = 0.0, only_at: int | None = None) -> None:
        self.wobble, self.only_at = wobble, only_at
        self.batches: list[int] = []
        self.seen: list[Floats] = []

    def __call__(self, blob: Floats) -> Floats:
        self.batches.append(len(blob))
        self.seen.append(blob)
        answer = blob.mean(axis=3).reshape(len(blob), -1)
        return answer + self.wobble * (len(blob) - 1) if self.only_at in (None, len(blob)) else answer


class TestBatches:
    def test_a_steady_network_is_given_full_batches(self) -> None:
        network = Network()
        Embedder(CONTRACT, network, batch=4).embed(CROPS)
        assert network.batches[-3:] == [4, 4, 1]

    @pytest.mark.parametrize("network", [Network(wobble=1e-5), Network(wobble=1e-5, only_at=3)])
    def test_eng_06_a_network_that_depends_on_its_batch_runs_at_batch_one(self, network: Network) -> None:
        embedder = Embedder(CONTRACT, network, batch=4)
        vectors = embedder.embed(CROPS)
        assert embedder.batch == 1
        assert network.batches[-9:] == [1] * 9
        alone = [Embedder(CONTRACT, network).embed([crop])[0] for crop in CROPS]
        assert all(np.array_equal(one, other) for one, other in zip(vectors, alone, strict=True))

    def test_a_single_face_needs_no_trial(self) -> None:
        network = Network(wobble=1.0)
        Embedder(CONTRACT, network).embed(CROPS[:1])
        assert network.batches == [1]

    def test_the_trial_runs_once(self) -> None:
        network = Network()
        embedder = Embedder(CONTRACT, network, batch=2)
        embedder.embed(CROPS[:2])
        before = len(network.batches)
        embedder.embed(CROPS[:2])
        assert network.batches[before:] == [2]

    def test_no_faces_give_no_vectors(self) -> None:
        assert Embedder(CONTRACT, Network()).embed([]) == []

    def test_order_is_kept(self) -> None:
        vectors = Embedder(CONTRACT, Network(), batch=4).embed(CROPS)
        again = Embedder(CONTRACT, Network(), batch=4).embed(CROPS[::-1])[::-1]
        assert all(np.array_equal(one, other) for one, other in zip(vectors, again, strict=True))

    def test_the_trials_pattern_differs_in_every_place(self) -> None:
        blob = pattern(4, 112)
        assert blob.shape == (4, 3, 112, 112)
        assert len({row.tobytes() for row in blob}) == 4
        assert np.array_equal(blob, pattern(4, 112))


class TestWhatTheNetworkSees:
    def test_rgb_from_0_to_255_in_planes(self) -> None:
        network = Network()
        Embedder(CONTRACT, network).embed(CROPS[:1])
        assert network.seen[0].dtype == np.float32
        assert np.array_equal(network.seen[0][0], CROPS[0].transpose(2, 0, 1))

    def test_colour_order_mean_and_scale_of_another_pack(self) -> None:
        contract = replace(CONTRACT, colour_order="BGR", mean=(127.5, 127.5, 127.5), scale=1 / 127.5)
        network = Network()
        Embedder(contract, network).embed(CROPS[:1])
        expected = (CROPS[0][:, :, ::-1].transpose(2, 0, 1) - 127.5) / 127.5
        np.testing.assert_allclose(network.seen[0][0], expected, atol=1e-6)


class TestUnit:
    @pytest.mark.parametrize("scale", [1e-6, 1.0, 1e18])
    def test_length_is_one_and_type_float32(self, scale: float) -> None:
        vector = unit((np.arange(1, 129) * scale).astype(np.float32))
        assert vector.dtype == np.float32
        assert abs(float(np.linalg.norm(vector.astype(np.float64))) - 1) < 1e-6

    @pytest.mark.parametrize("bad", [0.0, np.nan, np.inf, -np.inf])
    def test_a_vector_without_direction_never_becomes_a_template(self, bad: float) -> None:
        with pytest.raises(FaceError) as caught:
            unit(np.full(128, bad, np.float32))
        assert caught.value.code == "face.template-unusable"

    def test_one_bad_face_gives_no_templates_at_all(self) -> None:
        black = np.zeros((112, 112, 3), np.uint8)
        with pytest.raises(FaceError):
            Embedder(CONTRACT, Network()).embed([CROPS[0], black])
