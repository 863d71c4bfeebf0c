"""Simulated listeners: ratings that no person gave, for rehearsals, demonstrations and tests of the statistics.

Pure and seeded; every row is marked simulated. A MUSHRA listener perceives a stimulus's latent quality (0–100)
with a bias and a use of the scale of their own and with noise, knows the hidden reference unless they are one
of the few who miss it, now and then gives a grade without listening, and gives the best stimulus of a trial at
least what the instructions ask for: 100. A listener who is to tell sounds apart has noisy observations of them
(`Hearer.observe`), with a sensitivity of their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from listening.analysis.frames import AnalysisError, ratings_frame
from listening.design import presentation_order

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Panel:
    """How simulated listeners vary; standard deviations in points of the MUSHRA scale.

    bias: between listeners; spread: of the factor by which a listener stretches the scale around 50;
    noise: between repeated ratings; lapses: share of grades given without listening; careless: share of
    listeners who take the hidden reference for a stimulus like the others; sensitivity: of the logarithm of
    the factor on d′ in ABX.
    """

    bias: float = 6.0
    spread: float = 0.15
    noise: float = 8.0
    lapses: float = 0.01
    careless: float = 0.1
    sensitivity: float = 0.5


DEFAULT_PANEL = Panel()
# points of latent quality that one unit of d′ is worth
POINTS_PER_DPRIME = 12.0
# how a listener who takes the hidden reference for a stimulus perceives it, on average
CARELESS_REFERENCE = 84.0


@dataclass(frozen=True)
class Hearer:
    """One simulated listener, who answers page by page: see `hearers`."""

    code: str
    bias: float
    stretch: float
    careless: bool
    acuity: float
    panel: Panel
    rng: np.random.Generator

    def perceive(self, quality: float) -> float:
        """A latent quality (0–100) as it is perceived this time, on the same scale."""
        if self.rng.random() < self.panel.lapses:
            return float(self.rng.uniform(0, 100))
        noise = self.rng.normal(0, self.panel.noise)
        return float(np.clip(50 + self.stretch * (quality - 50) + self.bias + noise, 0, 100))

    def observe(self, qualities: Sequence[float]) -> Values:
        """What is heard of sounds with these latent qualities, as observations of unit variance on one dimension.

        Who names the X of an ABX after the nearer of A and B is right as often as the differencing model has it, and
        who takes the outermost of three for the odd one as often as Ennis' triangle.
        """
        given = np.asarray(qualities, dtype=float)
        return self.acuity * given / POINTS_PER_DPRIME + self.rng.normal(0, 1, len(given))

    def category(self, quality: float, categories: int = 5) -> int:
        """A latent quality as a category from 1, the worst."""
        return 1 + min(int(self.perceive(quality) * categories / 100), categories - 1)


def hearers(listeners: int, *, seed: int, panel: Panel = DEFAULT_PANEL) -> list[Hearer]:
    """A panel of simulated listeners; the same seed gives the same."""
    rng = np.random.default_rng([seed, 2132])
    careless = set(rng.permutation(listeners)[: round(panel.careless * listeners)])
    return [
        Hearer(
            code,
            bias=rng.normal(0, panel.bias),
            stretch=rng.normal(1, panel.spread),
            careless=number in careless,
            acuity=float(
                np.random.default_rng([seed, 1116, number]).lognormal(0, panel.sensitivity)
            ),
            panel=panel,
            rng=np.random.default_rng([seed, 2132, number]),
        )
        for number, code in enumerate(_codes(listeners))
    ]


def simulate_mushra(
    stimuli: pd.DataFrame,
    *,
    listeners: int,
    seed: int,
    campaign: str = "",
    panel: Panel = DEFAULT_PANEL,
) -> pd.DataFrame:
    """Ratings of `stimuli` by simulated listeners, as a tidy frame.

    `stimuli` has the columns item, condition, role and quality (0–100, the latent one; of the hidden reference
    it is not used), and may have signal. Every listener rates every item once, in an order of their own; trial
    and position are those of `presentation_order`. Raises `AnalysisError` for a quality outside 0–100 or
    without listeners.
    """
    _check(stimuli, {"item", "condition", "role", "quality"}, listeners)
    if not stimuli["quality"].between(0, 100).all():
        raise AnalysisError("simulation: expected latent qualities from 0 to 100, found others")
    rng = np.random.default_rng([seed, 1534])
    careless = set(rng.permutation(listeners)[: round(panel.careless * listeners)])
    by_item = {
        str(item): of_item.set_index("condition")
        for item, of_item in stimuli.groupby("item", sort=False)
    }
    names = {item: [str(c) for c in of_item.index] for item, of_item in by_item.items()}
    rows: list[pd.DataFrame] = []
    for number, code in enumerate(_codes(listeners)):
        bias, stretch = rng.normal(0, panel.bias), rng.normal(1, panel.spread)
        for trial, page in enumerate(presentation_order(names, seed=f"{seed}/{code}"), start=1):
            shown = by_item[page.trial].loc[list(page.stimuli)].reset_index()
            perceived = 50 + stretch * (shown["quality"].to_numpy(dtype=float) - 50) + bias
            perceived = perceived + rng.normal(0, panel.noise, len(shown))
            grades = _grades(
                perceived,
                (shown["role"] == "reference").to_numpy(),
                panel,
                careless=number in careless,
                rng=rng,
            )
            rows.append(
                shown.drop(columns="quality").assign(
                    item=page.trial,
                    listener=code,
                    session=code,
                    trial=trial,
                    position=range(len(shown)),
                    rating=grades,
                )
            )
    frame = pd.concat(rows).assign(campaign=campaign, method="mushra", simulated=True)
    return ratings_frame(frame)


def quality_from_scores(
    values: Sequence[float], *, direction: str, worst: float = 25.0, best: float = 85.0
) -> Values:
    """Latent qualities that follow a metric: its values laid linearly on `worst` … `best`.

    `direction` says whether 'higher' or 'lower' values are better. Equal values all lie in the middle.
    """
    given = np.asarray(values, dtype=float) * (-1.0 if direction == "lower" else 1.0)
    span = float(np.ptp(given))
    share = (given - given.min()) / span if span > 0 else np.full(given.shape, 0.5)
    return worst + (best - worst) * share


def _grades(
    perceived: Values,
    is_reference: NDArray[np.bool_],
    panel: Panel,
    *,
    careless: bool,
    rng: np.random.Generator,
) -> Values:
    if careless:
        perceived = np.where(
            is_reference, rng.normal(CARELESS_REFERENCE, panel.noise, len(perceived)), perceived
        )
    else:
        # who hears the reference grades it 100 or a hair below
        perceived = np.where(is_reference, 100 - rng.exponential(1.0, len(perceived)), perceived)
    lapsed = rng.random(len(perceived)) < panel.lapses
    perceived = np.where(lapsed, rng.uniform(0, 100, len(perceived)), perceived)
    grades = np.clip(np.round(perceived), 0, 100)
    # the instruction: at least one stimulus of a trial is graded 100
    grades[np.argmax(perceived)] = 100
    return grades


def _codes(listeners: int) -> list[str]:
    return [f"sim-{number:03d}" for number in range(1, listeners + 1)]


def _check(given: pd.DataFrame, columns: set[str], listeners: int) -> None:
    if missing := sorted(columns - set(given.columns)):
        raise AnalysisError(
            f"simulation: expected the column(s) {', '.join(missing)}, found {', '.join(given.columns)}"
        )
    if given.empty or listeners < 1:
        raise AnalysisError(
            f"simulation: expected something to rate and listeners, found {len(given)} and {listeners}"
        )
