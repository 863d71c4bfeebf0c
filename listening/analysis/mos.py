"""Mean opinion scores and models of the listeners behind them.

Votes are category ratings, 1–5 in ACR. Beside plain means: bias removal (ITU-T P.913, clause 12.4), the model
o = ψ_j + b_i + v_i ε by alternating projection (P.913 12.6, P.910, BT.500-14 A1-2.5; Li et al. 2020), where b_i is a
listener's bias and v_i the inconsistency, and ZREC (Zhu et al. 2023). The models weigh votes by their listener's
consistency, so nobody has to be rejected. BT.500's rejection by kurtosis is given because reports ask for it: it is
weak, and flips with the divisor of the standard deviation (`WARNING`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from listening.analysis.frames import AnalysisError
from listening.analysis.votes import Values, Votes

CONFIDENCE = 0.95
SCALE = (1.0, 5.0)
# BT.500-14 A1-2.5: against weights without bound, and when to stop
SMALLEST_VARIANCE = 1e-8
CONVERGED = 1e-8
ITERATIONS = 1000
# BT.500 A1-2.3.1
NORMAL_KURTOSIS = (2.0, 4.0)
REJECTED_SHARE, REJECTED_SYMMETRY = 0.05, 0.3
WARNING = (
    "BT.500's rejection by kurtosis misses random listeners and hits good ones, and can change with the divisor of "
    "the standard deviation (n or n − 1): not to be used alone"
)


@dataclass(frozen=True)
class SubjectModel:
    """`stimuli`: stimulus, mos, se or ci (see the function), n; `listeners`: listener, bias, inconsistency, n."""

    method: str
    stimuli: pd.DataFrame
    listeners: pd.DataFrame
    iterations: int = 1


def means(data: pd.DataFrame, *, by: str = "stimulus") -> pd.DataFrame:
    """Mean opinion score per `by`: n, mean, sd (n − 1), se, median, ci_low, ci_high (95 %, t, over all votes; missing
    for one vote), n_listeners, mean_of_listeners and its interval listeners_low, listeners_high on one mean per
    listener, which is the one to quote where a listener votes more than once."""
    if by not in data:
        raise AnalysisError(f"votes: expected the column {by}, found {', '.join(map(str, data))}")
    votes = data.groupby(by, sort=True)["rating"]
    table = votes.agg(n="count", mean="mean", sd="std", median="median")
    of_listeners = data.groupby([by, "listener"], sort=True)["rating"].mean().groupby(level=0)
    listeners = of_listeners.agg(n_listeners="count", mean_of_listeners="mean", spread="std")
    table["se"] = table["sd"] / np.sqrt(table["n"])
    half = _half(table["se"], table["n"])
    table["ci_low"], table["ci_high"] = table["mean"] - half, table["mean"] + half
    table = table.join(listeners)
    half = _half(table.pop("spread") / np.sqrt(table["n_listeners"]), table["n_listeners"])
    table["listeners_low"] = table["mean_of_listeners"] - half
    table["listeners_high"] = table["mean_of_listeners"] + half
    return table.reset_index()


def sos(mean: pd.Series, sd: pd.Series, *, scale: tuple[float, float] = SCALE) -> float:
    """The SOS parameter a of variance = a (−x² + (low + high) x − low high) over stimuli, by least squares (Hoßfeld et
    al. 2011): 0 when all listeners agree, 1 when they know nothing but the ends of the scale."""
    low, high = scale
    shape = (mean - low) * (high - mean)
    given = sd.notna()
    if not (shape[given] > 0).any():
        raise AnalysisError("SOS: expected means inside the scale with several votes, found none")
    return float((shape * sd**2)[given].sum() / (shape[given] ** 2).sum())


def bias_removed(data: pd.DataFrame) -> SubjectModel:
    """P.913's first step: each listener's mean deviation from the stimulus means is taken off.

    `stimuli` has mos, sd (n − 1, of the corrected votes) and n; inconsistency is missing.
    """
    votes = Votes.of(data)
    bias = votes.listener_means(votes.rating - votes.stimulus_means(votes.rating)[votes.stimulus])
    corrected = votes.rating - bias[votes.listener]
    stimuli = _stimuli(votes, votes.stimulus_means(corrected))
    stimuli["sd"] = votes.stimulus_sd(corrected, ddof=1)
    return SubjectModel("P.913 bias removal", stimuli, _listeners(votes, bias, np.nan))


def alternating_projection(data: pd.DataFrame) -> SubjectModel:
    """o = ψ_j + b_i + v_i ε, with the mean bias 0.

    `stimuli` has mos ψ_j, se (sd of its residuals/√n), model_se (1/√Σ v_i⁻², what the model itself expects) and n;
    inconsistency v_i is the population standard deviation of a listener's residuals.
    """
    votes = Votes.of(data)
    psi = votes.stimulus_means(votes.rating)
    bias = votes.listener_means(votes.rating - psi[votes.stimulus])
    moved, iterations = np.inf, 0
    while moved >= CONVERGED and iterations < ITERATIONS:
        before, iterations = psi, iterations + 1
        residual = votes.rating - psi[votes.stimulus] - bias[votes.listener]
        inconsistency = votes.listener_sd(residual)
        spread = votes.stimulus_sd(residual)
        weights = 1 / (inconsistency**2 + SMALLEST_VARIANCE)
        psi = votes.stimulus_means(
            votes.rating - bias[votes.listener], weights=weights[votes.listener]
        )
        bias = votes.listener_means(votes.rating - psi[votes.stimulus])
        moved = float(np.linalg.norm(before - psi))
    stimuli = _stimuli(votes, psi + bias.mean())
    stimuli["se"] = spread / np.sqrt(votes.per_stimulus)
    with np.errstate(divide="ignore"):
        information = np.bincount(votes.stimulus, weights=inconsistency[votes.listener] ** -2.0)
    stimuli["model_se"] = 1 / np.sqrt(information)
    listeners = _listeners(votes, bias - bias.mean(), inconsistency)
    return SubjectModel("P.910 alternating projection", stimuli, listeners, iterations)


def zrec(data: pd.DataFrame) -> SubjectModel:
    """ZREC: bias and inconsistency of a listener are mean and spread of z = (o − mos_j)/sd_j.

    `stimuli` has mos (of unbiased votes, weighted by inconsistency⁻²), ci (half of the 95 % interval) and n.
    Stimuli on which all votes agree say nothing of a listener: they are left out of z, and count with their votes.
    """
    votes = Votes.of(data)
    mean, sd = votes.stimulus_means(votes.rating), votes.stimulus_sd(votes.rating)
    varied = (sd > 0)[votes.stimulus]
    if not varied.any():
        raise AnalysisError("ZREC: expected a stimulus whose votes differ, found none")
    z = np.zeros_like(votes.rating)
    z[varied] = ((votes.rating - mean[votes.stimulus])[varied]) / sd[votes.stimulus][varied]
    of_z = Votes(
        votes.stimuli, votes.listeners, votes.stimulus[varied], votes.listener[varied], z[varied]
    )
    with np.errstate(invalid="ignore"):
        bias, inconsistency = of_z.listener_means(of_z.rating), of_z.listener_sd(of_z.rating)
    bias = np.nan_to_num(bias)
    trusted = np.isfinite(inconsistency) & (inconsistency > 0)
    # a listener with one vote, or always as far from the mean, has no spread of its own
    filled = np.where(
        trusted, inconsistency, np.median(inconsistency[trusted]) if trusted.any() else 1.0
    )
    weights = filled[votes.listener] ** -2.0
    unbiased = votes.rating - sd[votes.stimulus] * bias[votes.listener]
    stimuli = _stimuli(votes, votes.stimulus_means(unbiased, weights))
    around = (unbiased - stimuli["mos"].to_numpy()[votes.stimulus]) ** 2
    quantile = round(float(stats.norm.ppf((1 + CONFIDENCE) / 2)), 2)
    variance = votes.stimulus_means(around, weights)
    stimuli["ci"] = quantile * np.sqrt(variance / votes.per_stimulus)
    return SubjectModel("ZREC", stimuli, _listeners(votes, bias, inconsistency))


def kurtosis_screening(data: pd.DataFrame, *, ddof: int = 1) -> pd.DataFrame:
    """BT.500's rejection: listener, n, above (P), below (Q), share (P + Q)/n, asymmetry |P − Q|/(P + Q), rejected.

    A vote counts as above (below) when it is at least 2 sd, or √20 sd where the stimulus' kurtosis is not within
    2 … 4, above (below) the mean; rejected when the share is > 5 % and the asymmetry < 0.3. Read `WARNING` first.
    """
    votes = Votes.of(data)
    mean, sd = votes.stimulus_means(votes.rating), votes.stimulus_sd(votes.rating, ddof=ddof)
    deviation = votes.rating - mean[votes.stimulus]
    with np.errstate(invalid="ignore", divide="ignore"):
        kurtosis = votes.stimulus_means(deviation**4) / votes.stimulus_means(deviation**2) ** 2
    normal = (kurtosis >= NORMAL_KURTOSIS[0]) & (kurtosis <= NORMAL_KURTOSIS[1])
    bound = (np.where(normal, 2.0, np.sqrt(20.0)) * sd)[votes.stimulus]
    # written as the Recommendation has it, so that ties with the bound round alike
    around = mean[votes.stimulus]
    n = len(votes.listeners)
    above = np.bincount(votes.listener, weights=votes.rating >= around + bound, minlength=n)
    below = np.bincount(votes.listener, weights=votes.rating <= around - bound, minlength=n)
    out = above + below
    share = out / votes.per_listener
    asymmetry = np.divide(np.abs(above - below), out, out=np.full(n, np.nan), where=out > 0)
    table = pd.DataFrame({"listener": votes.listeners, "n": votes.per_listener.astype(int)})
    table["above"], table["below"] = above.astype(int), below.astype(int)
    table["share"], table["asymmetry"] = share, asymmetry
    table["rejected"] = (share > REJECTED_SHARE) & (asymmetry < REJECTED_SYMMETRY)
    return table


def _half(error: pd.Series, n: pd.Series) -> pd.Series:
    return error * stats.t.ppf((1 + CONFIDENCE) / 2, np.maximum(n - 1, 1))


def _stimuli(votes: Votes, mos: Values) -> pd.DataFrame:
    return pd.DataFrame(
        {"stimulus": votes.stimuli, "mos": mos, "n": votes.per_stimulus.astype(int)}
    )


def _listeners(votes: Votes, bias: Values, inconsistency: Values | float) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "listener": votes.listeners,
            "bias": bias,
            "inconsistency": inconsistency,
            "n": votes.per_listener.astype(int),
        }
    )
