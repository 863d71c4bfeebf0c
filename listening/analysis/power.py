"""Power of tests on paired differences, in closed form: how many listeners, or how small a difference.

The unit is the listener's difference of means, with standard deviation `sd`; what holds of power holds for the
items at hand. For items like these see `planning`.
"""

from __future__ import annotations

from math import sqrt

import numpy as np
from scipy import integrate, optimize, stats

from listening.analysis.frames import AnalysisError

ALPHA = 0.05
POWER = 0.8


def paired_t_power(n: float, *, difference: float, sd: float, alpha: float = ALPHA) -> float:
    """Probability that a two-sided paired t-test of `n` listeners finds `difference`, in its direction."""
    _check(sd=sd, n=n)
    critical = stats.t.isf(alpha / 2, n - 1)
    return float(stats.nct.sf(critical, n - 1, abs(difference) / sd * sqrt(n)))


def paired_t_listeners(
    *, difference: float, sd: float, power: float = POWER, alpha: float = ALPHA
) -> float:
    """How many listeners that takes for `power`; to be rounded up.

    Raises `AnalysisError` for a difference of 0, which no number of listeners finds.
    """
    _check(sd=sd)
    if difference == 0:
        raise AnalysisError("power: expected a difference other than 0, found 0")

    def lacking(n: float) -> float:
        return paired_t_power(n, difference=difference, sd=sd, alpha=alpha) - power

    if lacking(2.0) >= 0:
        return 2.0
    # the normal approximation lies below
    top = 2 * ((stats.norm.isf(alpha / 2) + stats.norm.ppf(power)) * sd / difference) ** 2 + 20
    return float(optimize.brentq(lacking, 2.0, top, xtol=1e-10))


def detectable_difference(
    n: int, *, sd: float, power: float = POWER, alpha: float = ALPHA
) -> float:
    """The difference that `n` listeners find with probability `power`."""
    _check(sd=sd, n=n)

    def lacking(noncentrality: float) -> float:
        return float(stats.nct.sf(stats.t.isf(alpha / 2, n - 1), n - 1, noncentrality)) - power

    top = 10.0
    while lacking(top) < 0:
        top *= 2
    return float(optimize.brentq(lacking, 0.0, top)) * sd / sqrt(n)


def equivalence_power(
    n: int, *, margin: float, sd: float, difference: float = 0.0, alpha: float = ALPHA
) -> float:
    """Probability that two one-sided t-tests of `n` listeners show a true `difference` to lie within ± `margin`.

    Exact: over the distribution of the estimated variance, the mean must fall where both tests reject.
    """
    _check(sd=sd, n=n)
    df, se = n - 1, sd / sqrt(n)
    critical = float(stats.t.isf(alpha, df))

    def rejected(w: float) -> float:
        half = margin - critical * se * sqrt(w / df)
        inside = stats.norm.cdf((half - difference) / se) - stats.norm.cdf(
            (-half - difference) / se
        )
        return float(inside * stats.chi2.pdf(w, df))

    # beyond it the standard error alone exceeds the margin
    last = df * (margin / (critical * se)) ** 2
    # quad finds the mass of χ² when it is told where it lies
    mass = stats.chi2.ppf([1e-12, 0.01, 0.5, 0.99, 1 - 1e-12], df)
    ends = np.unique(np.clip(np.concatenate([[0.0], mass, [last]]), 0.0, last))
    pieces = [
        integrate.quad(rejected, a, b, epsabs=1e-13)[0]
        for a, b in zip(ends[:-1], ends[1:], strict=True)
    ]
    return float(sum(pieces))


def _check(*, sd: float, n: float = 2) -> None:
    if not sd > 0 or n < 2:
        raise AnalysisError(
            f"power: expected two listeners or more and a standard deviation above 0, found {n:g} and {sd:g}"
        )
