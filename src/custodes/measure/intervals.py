"""Confidence intervals of proportions.

Source: E. B. Wilson, "Probable inference, the law of succession, and statistical inference", Journal of the American
Statistical Association 22 (1927) 209-212.  The interval describes sampling alone: not the choice of test images, nor
errors in who is said to be whom.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist

from custodes.errors import InputError
from custodes.text import N_


@dataclass(frozen=True, slots=True)
class Interval:
    """``lower`` <= ``upper``, proportions in [0, 1], at two-sided ``confidence`` in (0, 1)."""

    lower: float
    upper: float
    confidence: float


def wilson(successes: int, trials: int, confidence: float = 0.95) -> Interval:
    """Return Wilson's score interval, without continuity correction, of ``successes`` in ``trials``.

    With ``p = successes / trials`` and ``z`` the normal quantile of ``(1 + confidence) / 2``::

        (p + z²/2n ± z * sqrt(p(1 - p)/n + z²/4n²)) / (1 + z²/n)

    It never leaves [0, 1], and is not empty at 0 or ``trials`` successes.

    Raises:
        InputError: ``measure.no-trials``, ``measure.count`` or ``measure.confidence``.
    """
    _check(successes, trials, confidence)
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    p = successes / trials
    centre = p + z * z / (2 * trials)
    reach = z * sqrt(p * (1 - p) / trials + z * z / (4 * trials * trials))
    scale = 1 + z * z / trials
    # At the ends the bound is 0 or 1 exactly; floating point would miss it by an ulp.
    lower = 0.0 if successes == 0 else (centre - reach) / scale
    upper = 1.0 if successes == trials else (centre + reach) / scale
    return Interval(lower=lower, upper=upper, confidence=confidence)


def _check(successes: int, trials: int, confidence: float) -> None:
    if trials < 1:
        raise InputError(
            "measure.no-trials",
            N_("There is nothing to measure: no search of the kind this rate counts."),
            why=N_("A rate over no searches is not zero; it is unknown."),
        )
    if not 0 <= successes <= trials:
        raise InputError(
            "measure.count",
            N_("%(successes)s of %(trials)s is not a proportion."),
            successes=successes,
            trials=trials,
        )
    if not 0 < confidence < 1:
        raise InputError("measure.confidence", N_("A confidence level lies between 0 and 1, both excluded."))
