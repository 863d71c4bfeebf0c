"""Is one correlation with the ratings greater than another?

Two metrics on the same ratings are dependent samples: Williams' t (1959), Meng, Rosenthal & Rubin's z (1992), Dunn &
Clark's z (1969) and Steiger's (1980) use the correlation between the metrics. Fisher's z for independent samples, as
ITU-T P.1401 writes it, does not: here it is too cautious, and given because reports quote it.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import atanh, sqrt

import numpy as np
from scipy import special

from listening.analysis.frames import AnalysisError

CONFIDENCE = 0.95
# Williams' t has N − 3 degrees of freedom
FEWEST = 4
# rounding may leave the correlation of equal metrics this little below 1
ROUNDING = 1e-12


@dataclass(frozen=True)
class Difference:
    """Tests that r_a and r_b, correlations of two metrics with the same ratings, are equal; all p two-sided.

    mrr_low, mrr_high: Meng, Rosenthal & Rubin's 95 % interval of artanh r_a − artanh r_b.
    """

    williams_t: float
    williams_df: int
    williams_p: float
    mrr_z: float
    mrr_p: float
    mrr_low: float
    mrr_high: float
    dunn_clark_z: float
    dunn_clark_p: float
    steiger_z: float
    steiger_p: float
    fisher_z: float
    fisher_p: float


def dependent_difference(r_a: float, r_b: float, r_ab: float, n: int) -> Difference:
    """Test r_a against r_b over the same `n` points; `r_ab` is the correlation of the two metrics.

    Raises `AnalysisError` for fewer than 4 points, or correlations that are not all strictly between −1 and 1 (equal
    metrics have no difference to test).
    """
    if n < FEWEST:
        raise AnalysisError(f"comparing correlations: expected at least {FEWEST} points, found {n}")
    if not all(abs(r) < 1 - ROUNDING for r in (r_a, r_b, r_ab)):
        raise AnalysisError(
            "comparing correlations: expected them between −1 and 1, "
            f"found {r_a:g}, {r_b:g} and {r_ab:g} between the metrics"
        )
    z_a, z_b = atanh(r_a), atanh(r_b)
    williams = _williams(r_a, r_b, r_ab, n)
    error = _meng_error(r_a, r_b, r_ab, n)
    half = float(special.ndtri((1 + CONFIDENCE) / 2)) * error
    mrr = (z_a - z_b) / error
    dunn_clark = (z_a - z_b) * sqrt(n - 3) / sqrt(2 - 2 * _covariance(r_a, r_b, r_ab))
    # Steiger puts the mean of both in the covariance
    mean = (r_a + r_b) / 2
    steiger = (z_a - z_b) * sqrt(n - 3) / sqrt(2 - 2 * _covariance(mean, mean, r_ab))
    fisher = (z_a - z_b) / sqrt(2 / (n - 3))
    return Difference(
        williams_t=williams,
        williams_df=n - 3,
        williams_p=2 * float(special.stdtr(n - 3, -abs(williams))),
        mrr_z=mrr,
        mrr_p=_two_sided(mrr),
        mrr_low=z_a - z_b - half,
        mrr_high=z_a - z_b + half,
        dunn_clark_z=dunn_clark,
        dunn_clark_p=_two_sided(dunn_clark),
        steiger_z=steiger,
        steiger_p=_two_sided(steiger),
        fisher_z=fisher,
        fisher_p=_two_sided(fisher),
    )


def _williams(r_a: float, r_b: float, r_ab: float, n: int) -> float:
    determinant = 1 - r_a**2 - r_b**2 - r_ab**2 + 2 * r_a * r_b * r_ab
    mean = (r_a + r_b) / 2
    spread = 2 * (n - 1) / (n - 3) * max(determinant, 0.0) + mean**2 * (1 - r_ab) ** 3
    return float((r_a - r_b) * sqrt((n - 1) * (1 + r_ab) / spread)) if spread > 0 else np.inf


def _meng_error(r_a: float, r_b: float, r_ab: float, n: int) -> float:
    """Standard error of artanh r_a − artanh r_b (Meng et al. 1992, eq. 1 to 3)."""
    mean = (r_a**2 + r_b**2) / 2
    f = min(1.0, (1 - r_ab) / (2 * (1 - mean)))
    h = (1 - f * mean) / (1 - mean)
    return sqrt(2 * (1 - r_ab) * h / (n - 3))


def _covariance(r_a: float, r_b: float, r_ab: float) -> float:
    """Of artanh r_a with artanh r_b, times n − 3 (Pearson & Filon 1898)."""
    psi = r_ab * (1 - r_a**2 - r_b**2) - r_a * r_b * (1 - r_a**2 - r_b**2 - r_ab**2) / 2
    return psi / ((1 - r_a**2) * (1 - r_b**2))


def _two_sided(z: float) -> float:
    return 2 * float(special.ndtr(-abs(z)))
