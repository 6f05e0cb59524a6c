"""One deed on more photographs than one entry of the log can name: as many entries as it takes, in one transaction."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from custodes.ids import PhotographId

AT_ONCE = 1000
"""Photographs in one entry: 33 bytes each, and an entry has 65,535 for all that it says."""


def in_parts(photographs: Sequence[PhotographId]) -> Iterator[tuple[PhotographId, ...]]:
    """Yield ``photographs`` in their order, :data:`AT_ONCE` at once; one empty part if there are none.

    A deed on no photograph is a deed all the same, and has its entry.
    """
    for start in range(0, max(1, len(photographs)), AT_ONCE):
        yield tuple(photographs[start : start + AT_ONCE])
