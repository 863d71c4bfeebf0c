"""Votes on a category scale (ACR, DCR) as arrays, for the models of listeners.

A tidy frame has listener, stimulus and rating, one row per vote; designs may be incomplete and votes repeated.
`Votes` holds them as codes, so that a mean per stimulus or per listener is one `bincount`: a million sparse votes
cost what they are, not listeners × stimuli.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from listening.analysis.frames import AnalysisError

Values = NDArray[np.float64]
Codes = NDArray[np.intp]


@dataclass(frozen=True)
class Votes:
    """Every vote's stimulus and listener (codes into the names) and its rating."""

    stimuli: tuple[str, ...]
    listeners: tuple[str, ...]
    stimulus: Codes
    listener: Codes
    rating: Values

    @classmethod
    def of(cls, data: pd.DataFrame) -> Votes:
        """From a tidy frame; raises `AnalysisError` for a missing column, no rows, or a rating that is no number."""
        if missing := [c for c in ("listener", "stimulus", "rating") if c not in data]:
            raise AnalysisError(
                f"votes: expected the column(s) {', '.join(missing)}, found {', '.join(map(str, data))}"
            )
        rating = pd.to_numeric(data["rating"], errors="coerce").to_numpy(dtype=float)
        if not len(rating):
            raise AnalysisError("votes: expected at least one, found none")
        if (bad := ~np.isfinite(rating)).any():
            raise AnalysisError(
                f"votes: expected a number as rating, found {data['rating'][bad].iloc[0]}"
            )
        stimulus, stimuli = pd.factorize(data["stimulus"].astype(str))
        listener, listeners = pd.factorize(data["listener"].astype(str))
        return cls(tuple(stimuli), tuple(listeners), stimulus, listener, rating)

    @property
    def per_stimulus(self) -> Values:
        """How many votes each stimulus has."""
        return np.bincount(self.stimulus, minlength=len(self.stimuli)).astype(float)

    @property
    def per_listener(self) -> Values:
        return np.bincount(self.listener, minlength=len(self.listeners)).astype(float)

    def stimulus_means(self, values: Values, weights: Values | None = None) -> Values:
        """Mean of `values` (one per vote) of each stimulus."""
        return _means(self.stimulus, values, weights, len(self.stimuli))

    def listener_means(self, values: Values, weights: Values | None = None) -> Values:
        return _means(self.listener, values, weights, len(self.listeners))

    def stimulus_sd(self, values: Values, *, ddof: int = 0) -> Values:
        """Standard deviation of `values` of each stimulus; missing where there are no more than `ddof`."""
        return _sd(self.stimulus, values, len(self.stimuli), ddof)

    def listener_sd(self, values: Values, *, ddof: int = 0) -> Values:
        return _sd(self.listener, values, len(self.listeners), ddof)


def _means(codes: Codes, values: Values, weights: Values | None, n: int) -> Values:
    if weights is None:
        weights = np.ones_like(values)
    total = np.bincount(codes, weights=weights * values, minlength=n)
    return total / np.bincount(codes, weights=weights, minlength=n)


def _sd(codes: Codes, values: Values, n: int, ddof: int) -> Values:
    mean = _means(codes, values, None, n)
    squares = np.bincount(codes, weights=(values - mean[codes]) ** 2, minlength=n)
    count = np.bincount(codes, minlength=n).astype(float)
    left = np.where(count > ddof, count - ddof, np.nan)
    return np.sqrt(squares / left)
