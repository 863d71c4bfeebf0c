"""Looking at an ABX or triangle test while it runs, without losing the meaning of its error rates.

The p of a fixed number of trials is void once somebody stops when it pleases. Two ways are not: Wald's
sequential probability ratio test (SPRT), which says when to stop, and the Bayes factor after each trial, a test
martingale (e-process): by Ville's inequality it exceeds 1/α with a probability of at most α under guessing, however
often one looks, so p = 1/max E holds at any time.
"""

from __future__ import annotations

from math import log
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

Values = NDArray[np.float64]

ALPHA, BETA = 0.05, 0.10
# E ≥ 20 is the evidence that α = 5 % asks for
EVIDENCE = 1 / ALPHA


def bayes_factors(correct: ArrayLike, trials: ArrayLike, *, chance: float = 0.5) -> Values:
    """Bayes factors of p uniform on chance … 1 against p = chance, element by element.

    BF = B(k+1, n−k+1) P(Beta(k+1, n−k+1) > chance) / ((1 − chance) chanceᵏ (1 − chance)ⁿ⁻ᵏ)
    """
    k, n = np.asarray(correct, dtype=float), np.asarray(trials, dtype=float)
    above = special.betaincc(k + 1, n - k + 1, chance)
    with np.errstate(divide="ignore"):
        logarithm = special.betaln(k + 1, n - k + 1) + np.log(above)
    return np.exp(logarithm - log(1 - chance) - k * log(chance) - (n - k) * log(1 - chance))


def e_process(answers: ArrayLike, *, chance: float = 0.5) -> Values:
    """The Bayes factor after each of `answers` (1 right, 0 wrong, in their order)."""
    right = np.asarray(answers, dtype=float)
    return bayes_factors(np.cumsum(right), np.arange(1, len(right) + 1), chance=chance)


def likelihood_ratio(answers: ArrayLike, *, chance: float = 0.5) -> Values:
    """log of P(answers | alternative) / P(answers | chance) after each answer; the alternative, what a listener
    worth finding gets right, lies halfway from chance to all right (3/4 in ABX)."""
    right = np.asarray(answers, dtype=float)
    alternative = (1 + chance) / 2
    step = np.where(right == 1, alternative / chance, (1 - alternative) / (1 - chance))
    return np.cumsum(np.log(step))


def sprt_bounds(*, alpha: float = ALPHA, beta: float = BETA) -> tuple[float, float]:
    """Wald's bounds of the log likelihood ratio: at or below the first guessing stands, at or above the second
    the difference is heard."""
    return log(beta / (1 - alpha)), log((1 - beta) / alpha)


def follow(answers: ArrayLike, *, chance: float = 0.5) -> dict[str, Any]:
    """What one may say of `answers` at any time.

    Returns e_final, e_max, anytime_p = 1/max E (at most 1), e_first_20: the first trial with E ≥ 20; sprt_llr,
    sprt_stop: the first trial outside Wald's bounds for chance against halfway to all right (α 5 %, β 10 %), and
    sprt_decision: 'heard', 'not heard' or 'continue'. Trials that are never reached are missing.
    """
    e = e_process(answers, chance=chance)
    ratio = likelihood_ratio(answers, chance=chance)
    low, high = sprt_bounds()
    stop = _first((ratio <= low) | (ratio >= high))
    decision = "continue"
    if np.isfinite(stop):
        decision = "heard" if ratio[int(stop) - 1] >= high else "not heard"
    return {
        "e_final": float(e[-1]),
        "e_max": float(e.max()),
        "anytime_p": float(min(1.0, 1 / e.max())),
        "e_first_20": _first(e >= EVIDENCE),
        "sprt_llr": float(ratio[-1]),
        "sprt_stop": stop,
        "sprt_decision": decision,
    }


def _first(reached: NDArray[np.bool_]) -> float:
    """The number, from 1, of the first trial at which `reached` holds."""
    return float(np.argmax(reached) + 1) if reached.any() else np.nan
