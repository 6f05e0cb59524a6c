"""Which rows a search may see, kept until something changes: most searches ask for the same.

A mask holds for one edition of one segment, one set of filters, and a span of time in which no record's clock starts
or ends.  What a search of an older generation may see is computed anew each time.
"""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final, TypeVar

import numpy as np

from custodes.ranking.admission import Admission, Mask, SegmentMask
from custodes.ranking.segments.view import Segment, View

T = TypeVar("T")
_MASKS: Final = 1_024
_SETS: Final = 16


@dataclass(frozen=True, slots=True, eq=False)
class Eligible:
    """The rows one search may see: a mask for each segment, how many, and the SHA-256 (hex) of the bitmap.

    The bitmap has one bit for each row that lives at the generation, in order of ``(born, commitment)``, first row in
    the highest bit of the first byte, the last byte filled with zeros.
    """

    masks: tuple[Mask, ...]
    count: int
    sha256: str


class EligibleRows:
    """Remembers masks.  Safe to share between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._masks: OrderedDict[object, SegmentMask] = OrderedDict()
        self._sets: OrderedDict[object, Eligible] = OrderedDict()

    def of(self, view: View, admission: Admission) -> Eligible:
        """Return which rows of ``view`` the search of ``admission`` may see."""
        is_present = admission.generation == view.generation
        parts = [self._mask(segment, admission, is_present=is_present) for segment in view.segments]
        key = (view.manifest.epoch, admission.generation, tuple(id(part.admitted) for part in parts))
        # a set that is kept keeps its masks, so that no other mask can get the identity of one of them
        found = self._sets.get(key) if is_present else None
        if found is None:
            found = _eligible(view, admission.generation, parts)
            if is_present:
                _remember(self._lock, self._sets, key, found, _SETS)
        return found

    def _mask(self, segment: Segment, admission: Admission, *, is_present: bool) -> SegmentMask:
        key = (segment.file.name, segment.edition, segment.rows, admission.criteria)
        found = self._masks.get(key) if is_present else None
        if found is None or not found.holds(admission.moment):
            found = admission.segment_mask(segment)
            if is_present:
                _remember(self._lock, self._masks, key, found, _MASKS)
        return found


def _remember(lock: threading.Lock, kept: OrderedDict[object, T], key: object, value: T, most: int) -> None:
    with lock:
        kept[key] = value
        kept.move_to_end(key)
        while len(kept) > most:
            kept.popitem(last=False)


def _eligible(view: View, generation: int, parts: list[SegmentMask]) -> Eligible:
    digest, bits = hashlib.sha256(), [np.empty(0, dtype=np.bool_)]
    for segment, part in zip(view.segments, parts, strict=True):
        lives = segment.died > generation
        lives &= segment.born <= generation
        lives &= ~segment.erased
        bits.append(part.admitted if lives.all() else part.admitted[lives])
    digest.update(np.packbits(np.concatenate(bits)).tobytes())
    return Eligible(tuple(part.admitted for part in parts), sum(part.count for part in parts), digest.hexdigest())
