"""The real engine: a model pack run by onnxruntime on the processor.

Constructing one is cheap; weights are read, hashed and loaded at first use, from the very bytes that were
hashed.  One engine may be called from many threads.  ``threads`` is how many cores *one call* uses: all of them
for a single probe; one for bulk work (:meth:`OnnxFaceEngine.for_bulk`), where a pool of callers keeps the cores
busy.  Both give the same templates: a network run on several cores is first tried against itself on one.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from custodes.engine.align import align
from custodes.engine.detect import find_faces
from custodes.engine.embed import Embedder, Floats, pattern
from custodes.engine.graph import prepare, unusable
from custodes.engine.packs import Pack
from custodes.engine.quality import measure
from custodes.engine.trial import try_networks
from custodes.engine.weights import read_weights
from custodes.errors import ModelPackError
from custodes.types import Contract, Face, Pixels, Pose, Quality, Template

if TYPE_CHECKING:
    import onnxruntime

_TRIAL_PICTURE = 320
_SPIN_MICROSECONDS = "100"


@dataclass(frozen=True, slots=True)
class _Network:
    """One onnxruntime session with its names."""

    session: onnxruntime.InferenceSession
    input: str
    outputs: tuple[str, ...]

    def all(self, blob: Floats) -> Mapping[str, Floats]:
        return dict(zip(self.outputs, self.session.run(self.outputs, {self.input: blob}), strict=True))

    def first(self, blob: Floats) -> Floats:
        answer: Floats = self.session.run(self.outputs[:1], {self.input: blob})[0]
        return answer


@dataclass(frozen=True, slots=True)
class _Loaded:
    detector: _Network
    embedder: Embedder
    network: _Network
    """The embedder's network alone."""


class OnnxFaceEngine:
    """A :class:`~custodes.engine.protocol.FaceEngine` over the weights of ``pack`` in ``models_dir``.

    Every method that needs weights may raise :class:`~custodes.errors.ModelPackError`: ``pack.not-pulled``,
    ``pack.weights-truncated``, ``pack.weights-altered`` or ``pack.weights-unusable``.
    """

    def __init__(self, pack: Pack, models_dir: Path, *, threads: int = 1) -> None:
        self._pack = pack
        self._models_dir = models_dir
        self._threads = max(1, threads)
        self._loading = threading.Lock()

    @cached_property
    def contract(self) -> Contract:
        """The pack's contract."""
        return self._pack.contract

    @property
    def allows_operational_use(self) -> bool:
        """Whether the weights' licence allows anything but evaluation."""
        return self._pack.operational_use

    @property
    def poses(self) -> frozenset[Pose]:
        """The poses that the pack says it compares."""
        return self._pack.poses

    @property
    def threads(self) -> int:
        """Processor cores that one call uses."""
        return self._threads

    def for_bulk(self) -> OnnxFaceEngine:
        """Return an engine whose calls use one core each, to be called from a pool of threads."""
        return self if self._threads == 1 else OnnxFaceEngine(self._pack, self._models_dir)

    def load(self) -> None:
        """Load the weights now instead of at the first call."""
        self._networks()

    def try_out(self) -> None:
        """Load the weights and try both networks thoroughly.

        Raises:
            ModelPackError: as :func:`~custodes.engine.trial.try_networks`.
        """
        loaded = self._networks()
        try_networks(self._pack, loaded.detector.all, loaded.network.first, thorough=True)

    def detect(self, pixels: Pixels) -> tuple[Face, ...]:
        """Return every face found in ``pixels``, the largest box first."""
        network = self._networks().detector.all
        return find_faces(pixels, self._pack.preprocessing.detector, network, workers=self._workers)

    def embed(self, jobs: Sequence[tuple[Pixels, Face]]) -> list[Template]:
        """Return one template for each ``(pixels, face)``, in order.

        Raises:
            FaceError: ``face.template-unusable``.
        """
        return self.embed_aligned([self.align(pixels, face) for pixels, face in jobs])

    def measure(self, pixels: Pixels, face: Face, others: Sequence[Face] = ()) -> Quality:
        """Return the quality of ``face``, as :func:`custodes.engine.quality.measure`."""
        return measure(pixels, face, others, workers=self._workers)

    def align(self, pixels: Pixels, face: Face) -> Pixels:
        """Return the upright ``(s, s, 3)`` crop of ``face``; ``s`` is the embedder's input size."""
        preprocessing = self._pack.preprocessing
        return align(pixels, face.landmarks, preprocessing.alignment.points, preprocessing.embedder.input_size)

    def embed_aligned(self, crops: Sequence[Pixels]) -> list[Template]:
        """Return one template for each crop that :meth:`align` made, in order.

        Raises:
            FaceError: ``face.template-unusable``.
        """
        return [Template(vector, self.contract) for vector in self._networks().embedder.embed(crops)]

    def _networks(self) -> _Loaded:
        with self._loading:
            return self._loaded

    @cached_property
    def _workers(self) -> Executor | None:
        return ThreadPoolExecutor(self._threads - 1, "engine") if self._threads > 1 else None

    @cached_property
    def _loaded(self) -> _Loaded:
        import cv2

        # OpenCV's pool is one for the whole process, and would compete with a bulk caller's threads.
        cv2.setNumThreads(self._threads)
        try:
            detector = self._network("detector", free_size=True)
            embedder = self._network("embedder", free_size=False)
            try_networks(self._pack, detector.all, embedder.first)
        except ModelPackError:
            raise
        except Exception as error:
            raise unusable() from error
        return _Loaded(detector, Embedder(self._pack.preprocessing.embedder, embedder.first), embedder)

    def _network(self, role: str, *, free_size: bool) -> _Network:
        """Return the session of ``role`` on as many cores as leave its answers what they are on one."""
        graph = prepare(read_weights(self._pack, self._models_dir, role), role, self._pack)
        alone = _open(graph, 1)
        if self._threads == 1:
            return alone
        together = _open(graph, self._threads)
        size = _TRIAL_PICTURE if free_size else self._pack.preprocessing.embedder.input_size
        return together if agree(alone.all, together.all, pattern(1, size)) else alone


def agree(one: Any, other: Any, blob: Floats) -> bool:
    """Return whether two networks answer ``blob`` with the same bits."""
    ours, theirs = one(blob), other(blob)
    return all(np.array_equal(ours[name], theirs[name]) for name in ours)


def _open(graph: bytes, threads: int) -> _Network:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # What fails is raised; onnxruntime would print it as well, and a batch it cannot take is no fault (`embed`).
    options.log_severity_level = 4
    # A pool that sleeps between two operators wakes too late for the next; one that spins for long, or after its
    # network is done, takes the cores from whatever else runs.  `docs/performance.md` has what each costs.
    options.add_session_config_entry("session.intra_op.allow_spinning", "1")
    options.add_session_config_entry("session.intra_op.spin_duration_us", _SPIN_MICROSECONDS)
    options.add_session_config_entry("session.force_spinning_stop", "1")
    session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    return _Network(session, session.get_inputs()[0].name, tuple(output.name for output in session.get_outputs()))
