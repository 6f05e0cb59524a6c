"""What the rest of Custodes may ask of a face engine, real or fake."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from custodes.types import Contract, Face, Pixels, Pose, Quality, Template


@runtime_checkable
class FaceEngine(Protocol):
    """Pixels to faces, and faces to templates.

    Every method may be called from several threads at once, and are functions of their arguments: the same
    pixels give the same faces and, bit for bit, the same template on the same machine (ENG-06).
    """

    @property
    def contract(self) -> Contract:
        """What makes this engine's templates comparable with each other and with no others (ENG-01)."""
        ...

    @property
    def allows_operational_use(self) -> bool:
        """Whether the weights' licence allows anything but evaluation (ENG-04)."""
        ...

    @property
    def poses(self) -> frozenset[Pose]:
        """The poses in which its templates may be compared; photographs in others get none."""
        ...

    def detect(self, pixels: Pixels) -> tuple[Face, ...]:
        """Return every face found in ``pixels``, the largest box first; none is a normal answer."""
        ...

    def measure(self, pixels: Pixels, face: Face, others: Sequence[Face] = ()) -> Quality:
        """Return the quality of ``face``; ``others``: the other faces of the picture. Raises nothing (PRB-07)."""
        ...

    def align(self, pixels: Pixels, face: Face) -> Pixels:
        """Return the upright ``(s, s, 3)`` crop of ``face``, of this contract's one size: all that a template is of."""
        ...

    def embed_aligned(self, crops: Sequence[Pixels]) -> list[Template]:
        """Return one template for each crop that :meth:`align` made, in order.

        Raises:
            FaceError: as :meth:`embed`.
        """
        ...

    def embed(self, jobs: Sequence[tuple[Pixels, Face]]) -> list[Template]:
        """Return one template for each ``(pixels, face)``, in order.

        Raises:
            FaceError: ``face.template-unusable``, if a face gives no usable template; then none is returned.
        """
        ...

    def for_bulk(self) -> FaceEngine:
        """Return an engine whose calls use one core each, to be called from a pool of threads."""
        ...
