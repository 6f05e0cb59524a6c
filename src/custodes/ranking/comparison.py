"""One probe, compared with the rows that a search may see: its candidates, and what can be said of the comparison."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from custodes.ids import PhotographId, SubjectId
from custodes.ranking.consolidate import Compared, Positions, best_subjects, candidates
from custodes.ranking.eligible import Eligible
from custodes.ranking.exhaustive import Scanned, scan
from custodes.ranking.kernel import Kernel, Part
from custodes.ranking.segments.view import View, Wanted
from custodes.types import Candidate, Certificate, Vector


def compare(
    view: View, probe: Vector, eligible: Eligible, kernel: Kernel, *, threshold: float, limit: int
) -> Comparison:
    """Compare ``probe`` ``(d,)`` float32 with every eligible row of ``view``."""
    scanned = scan(kernel, _parts(view, eligible), probe, threshold=threshold, limit=limit)
    return Comparison(view, probe, eligible, kernel, scanned)


def _parts(view: View, eligible: Eligible) -> list[Part]:
    return [
        Part(
            sketches=segment.sketches,
            rests=segment.rests,
            codes=segment.codes,
            scales=segment.scales,
            residuals=segment.residuals,
            norms=segment.norms,
            vectors=segment.vectors,
            subjects=segment.subject_key,
            admitted=admitted,
        )
        for segment, admitted in zip(view.segments, eligible.masks, strict=True)
    ]


@dataclass(frozen=True, slots=True)
class Comparison:
    """One probe, compared with the eligible rows of one view."""

    view: View
    probe: Vector
    eligible: Eligible
    kernel: Kernel
    scanned: Scanned

    def candidates(self, threshold: float, limit: int) -> tuple[Candidate, ...]:
        """Return the candidates. Raises Damaged."""
        scanned = self.scanned
        keys = np.empty(scanned.places.size, dtype=np.int64)
        for index, positions, places in self._by_segment(np.arange(scanned.places.size)):
            segment = self.view.segments[index]
            segment.file.verify_vectors(places)
            keys[positions] = segment.subject_key[places]
        best = best_subjects(Compared(scanned.scores, keys, self._subjects), threshold=threshold, limit=limit)
        return candidates(best, self._photographs)

    def certificate(self, root: str) -> Certificate:
        """Return what was compared."""
        scanned = self.scanned
        return Certificate(
            eligible=self.eligible.count,
            compared=scanned.compared,
            rescored=scanned.places.size,
            floor=scanned.floor,
            bound=scanned.widest,
            root=root,
            eligibility_sha256=self.eligible.sha256,
            kernel=f"{self.kernel.name} {self.kernel.version}",
        )

    def _by_segment(self, positions: Positions) -> Iterator[tuple[int, Positions, Positions]]:
        """Yield each segment's index with the positions that lie in it and their places."""
        parts = self.scanned.parts[positions]
        for index in np.unique(parts).tolist():
            here = positions[parts == index]
            yield index, here, self.scanned.places[here]

    def _subjects(self, positions: Positions) -> Sequence[SubjectId]:
        found: dict[int, SubjectId] = {}
        for index, here, places in self._by_segment(positions):
            found.update(zip(here.tolist(), self.view.segments[index].subjects(places), strict=True))
        return [found[position] for position in positions.tolist()]

    def _photographs(self, subjects: Sequence[SubjectId]) -> Iterator[tuple[SubjectId, float, PhotographId]]:
        """Yield subject, score and photograph of every compared row of ``subjects``."""
        wanted = Wanted.of(subjects)
        for segment, admitted in zip(self.view.segments, self.eligible.masks, strict=True):
            places, whose = segment.places_of(wanted)
            places, whose = places[admitted[places]], whose[admitted[places]]
            if places.size:
                segment.file.verify_vectors(places)
                scores = self.kernel.scores(segment.vectors, places, self.probe).tolist()
                yield from zip([subjects[n] for n in whose], scores, segment.photographs(places), strict=True)
