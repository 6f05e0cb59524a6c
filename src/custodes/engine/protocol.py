"""What the rest of Custodes may ask of a face engine, real or fake."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from custodes.types import Contract, Face, Pixels, Template


@runtime_checkable
class FaceEngine(Protocol):
    """Pixels to faces, and faces to templates.

    Both methods may be called from several threads at once, and are functions of their arguments: the same
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

    def detect(self, pixels: Pixels) -> tuple[Face, ...]:
        """Return every face found in ``pixels``, the largest box first; none is a normal answer."""
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
