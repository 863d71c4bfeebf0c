"""Looking at an ABX or triangle test while it runs, without losing the meaning of its error rates.

The p of a fixed number of trials is void once somebody stops when it pleases. Two ways are not: Wald's
sequential probability ratio test (SPRT), which says when to stop, and the Bayes factor after each trial, a test
martingale (e-process): by Ville's inequality it exceeds 1/α with a probability of at most α under guessing, however
often one looks, so p = 1/max E holds at any time.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from listening.analysis.frames import AnalysisError

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


@dataclass(frozen=True)
class Sprt:
    """Wald's test of guessing (`chance`) against being right with probability `alternative`.

    At most a share `alpha` of guessers is said to hear the difference, about `beta` of those who are right so often
    not to. Without an alternative it lies halfway from chance to all right (3/4 in ABX): what a listener worth finding
    gets right. Raises `AnalysisError` unless 0 < chance < alternative < 1, and alpha and beta lie between 0 and 1/2.
    """

    chance: float = 0.5
    alternative: float = 0.0
    alpha: float = ALPHA
    beta: float = BETA

    def __post_init__(self) -> None:
        if not self.alternative:
            object.__setattr__(self, "alternative", (1 + self.chance) / 2)
        if not 0 < self.chance < self.alternative < 1:
            raise AnalysisError(
                f"sequential test: expected p1 between chance ({self.chance:.3g}) and 1, found {self.alternative:g}"
            )
        if not (0 < self.alpha < 0.5 and 0 < self.beta < 0.5):
            raise AnalysisError(
                f"sequential test: expected alpha and beta between 0 and 0.5, found {self.alpha:g} and {self.beta:g}"
            )

    @property
    def bounds(self) -> tuple[float, float]:
        """Of the log likelihood ratio: at or below the first guessing stands, at or above the second the difference
        is heard."""
        return log(self.beta / (1 - self.alpha)), log((1 - self.beta) / self.alpha)

    @property
    def steps(self) -> tuple[float, float]:
        """What a wrong and a right answer add to the log likelihood ratio."""
        wrong = log((1 - self.alternative) / (1 - self.chance))
        return wrong, log(self.alternative / self.chance)

    def ratios(self, answers: ArrayLike) -> Values:
        """log of P(answers | alternative) / P(answers | chance) after each answer (1 right, 0 wrong)."""
        wrong, right = self.steps
        given = np.asarray(answers, dtype=float) == 1
        # counted, not summed: a bound that is hit exactly is hit whatever the order
        hits = np.cumsum(given)
        return hits * right + (np.arange(1, len(given) + 1) - hits) * wrong

    def decision(self, answers: ArrayLike) -> tuple[str, float]:
        """'heard', 'not heard' or 'continue', and after which answer the first two were reached (else missing)."""
        ratios = self.ratios(answers)
        low, high = self.bounds
        stop = _first((ratios <= low) | (ratios >= high))
        if not np.isfinite(stop):
            return "continue", stop
        return ("heard" if ratios[int(stop) - 1] >= high else "not heard"), stop


def follow(answers: ArrayLike, *, chance: float = 0.5, test: Sprt | None = None) -> dict[str, Any]:
    """What one may say of `answers` at any time.

    Returns e_final, e_max, anytime_p = 1/max E (at most 1), e_first_20: the first trial with E ≥ 20; sprt_llr, and
    sprt_decision and sprt_stop by `test` (as a rule chance against halfway to all right, α 5 %, β 10 %): see
    `Sprt.decision`. Trials that are never reached are missing.
    """
    test = test or Sprt(chance)
    e = e_process(answers, chance=chance)
    decision, stop = test.decision(answers)
    return {
        "e_final": float(e[-1]),
        "e_max": float(e.max()),
        "anytime_p": float(min(1.0, 1 / e.max())),
        "e_first_20": _first(e >= EVIDENCE),
        "sprt_llr": float(test.ratios(answers)[-1]),
        "sprt_stop": stop,
        "sprt_decision": decision,
    }


def _first(reached: NDArray[np.bool_]) -> float:
    """The number, from 1, of the first trial at which `reached` holds."""
    return float(np.argmax(reached) + 1) if reached.any() else np.nan
