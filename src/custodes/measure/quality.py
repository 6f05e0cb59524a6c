"""The quality-reject curve: what is gained by leaving out the probes of the lowest quality.

Sources: P. Grother and E. Tabassi, "Performance of biometric quality measures", IEEE TPAMI 29(4), 2007 (*error versus
reject*); ISO/IEC 29794-1 (*error versus discard characteristic*); T. Schlett et al., "Considerations on the evaluation
of biometric quality assessment algorithms", IEEE TBIOM 2023, for ties and the partial area.

A quality value is worth something if the searches it discards first are those that would have missed.  Searches of
equal quality are discarded together or not at all: no order among them is made up.  It measures nothing itself;
qualities and misses come from elsewhere.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import comb, sqrt

from custodes.errors import InputError
from custodes.measure.identification import Rate
from custodes.measure.intervals import wilson
from custodes.text import N_


@dataclass(frozen=True, slots=True)
class RejectPoint:
    """FNIR of the searches that are left when those of the lowest quality are discarded.

    ``fraction``: the share that may be discarded at most, [0, 1); ``discarded``: how many were, whole groups of equal
    quality only.  ``rate``: the misses among the rest, with Wilson's interval.  ``missed_discarded``: misses among the
    discarded.  ``chance``: how often discarding as many at random would take away as many misses or more.
    """

    fraction: float
    discarded: int
    missed_discarded: int
    rate: Rate
    chance: float


def quality_reject(
    *, qualities: Sequence[float], missed: Sequence[bool], fractions: Sequence[float], confidence: float = 0.95
) -> tuple[RejectPoint, ...]:
    """Return one point for each of ``fractions``, in [0, 1).

    ``qualities``: one number per search, the higher the better; ``missed``: whether that search missed its person.  At
    random the FNIR would stay what it is at fraction 0, but for sampling.

    Raises:
        InputError: ``measure.no-trials``, ``measure.qualities``, ``measure.fraction`` or ``measure.confidence``.
    """
    _check(qualities, missed, fractions)
    groups = _groups(qualities, missed)
    total, misses = len(missed), sum(missed)
    points = []
    for fraction in fractions:
        discarded = missed_discarded = 0
        for count, missed_in_group in groups:
            # less than a billionth of a search: floating point may not decide over a whole group
            if discarded + count > fraction * total + 1e-9:
                break
            discarded, missed_discarded = discarded + count, missed_discarded + missed_in_group
        left, missed_left = total - discarded, misses - missed_discarded
        rate = Rate(missed_left, left, missed_left / left, wilson(missed_left, left, confidence))
        chance = _chance(total, misses, discarded, missed_discarded)
        points.append(RejectPoint(fraction, discarded, missed_discarded, rate, chance))
    return tuple(points)


def mean_fnir(points: Sequence[RejectPoint]) -> float:
    """Return the area under the curve over the range of its fractions, divided by that range: the mean FNIR on the way.

    The curve is a step function: between two fractions nothing more is discarded than at the lower one.

    Raises:
        InputError: ``measure.no-trials``, with fewer than two points.
    """
    if len(points) < 2:
        raise InputError("measure.no-trials", N_("There is no curve: it takes two fractions or more."))
    area = sum(here.rate.value * (there.fraction - here.fraction) for here, there in pairwise(points))
    return area / (points[-1].fraction - points[0].fraction)


def rank_correlation(xs: Sequence[float], ys: Sequence[float]) -> float | None:
    """Return Spearman's rank correlation, [-1, 1]: Pearson's of the ranks, equal values sharing their mean rank.

    None where it is not defined: fewer than three pairs, or all values of one side equal.

    Raises:
        InputError: ``measure.qualities``, if the two are not as long as each other or a value is not a number.
    """
    if len(xs) != len(ys) or any(value != value for value in (*xs, *ys)):
        raise _unpaired()
    if len(xs) < 3:
        return None
    a, b = _ranks(xs), _ranks(ys)
    middle = (len(xs) - 1) / 2
    spread = sqrt(sum((v - middle) ** 2 for v in a) * sum((v - middle) ** 2 for v in b))
    common = sum((v - middle) * (w - middle) for v, w in zip(a, b, strict=True))
    return max(-1.0, min(1.0, common / spread)) if spread else None


def _ranks(values: Sequence[float]) -> list[float]:
    first: dict[float, int] = {}
    for place, value in enumerate(sorted(values)):
        first.setdefault(value, place)
    times = Counter(values)
    return [first[value] + (times[value] - 1) / 2 for value in values]


def _groups(qualities: Sequence[float], missed: Sequence[bool]) -> list[tuple[int, int]]:
    """Return how many searches, and how many misses, share each quality, the lowest first."""
    counts: dict[float, tuple[int, int]] = {}
    for quality, miss in zip(qualities, missed, strict=True):
        count, misses = counts.get(quality, (0, 0))
        counts[quality] = (count + 1, misses + miss)
    return [counts[quality] for quality in sorted(counts)]


def _chance(total: int, misses: int, drawn: int, found: int) -> float:
    """Return P(X >= found), X hypergeometric: ``drawn`` of ``total`` searches, of which ``misses`` missed."""
    ways = sum(comb(misses, k) * comb(total - misses, drawn - k) for k in range(found, min(misses, drawn) + 1))
    return ways / comb(total, drawn)


def _check(qualities: Sequence[float], missed: Sequence[bool], fractions: Sequence[float]) -> None:
    if len(qualities) != len(missed) or any(quality != quality for quality in qualities):
        raise _unpaired()
    if not missed:
        wilson(0, 0)
    if list(fractions) != sorted(set(fractions)) or any(not 0 <= fraction < 1 for fraction in fractions):
        raise InputError("measure.fraction", N_("Shares to discard lie between 0 and 1, 1 excluded, in rising order."))


def _unpaired() -> InputError:
    return InputError("measure.qualities", N_("Two lists that belong together must be as long, and hold numbers only."))
