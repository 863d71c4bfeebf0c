"""Paired comparison (AB preference, CCR): which of two systems is better, pair by pair.

Choices, one row per comparison: listener, first and second (the systems in the order of presentation) and choice:
'first', 'second' or 'tie'. Comparison category ratings (CCR, ITU-T P.800 annex E): the same with rating in place of
choice, how the second compares with the first, −3 (much worse) … +3 (much better). Further columns (item) are kept.
Strengths on one scale over all pairs are in `preference_models`.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
from scipy import stats

from listening.analysis.adjustment import holm
from listening.analysis.frames import AnalysisError

CHOICES = ("first", "second", "tie")
CCR_RANGE = (-3.0, 3.0)
CONFIDENCE = 0.95
SCOPE = "for these items and these listeners"


def choices_frame(data: pd.DataFrame) -> pd.DataFrame:
    """`data` checked: the columns listener, first, second as text and choice, with whatever else it holds.

    Raises `AnalysisError` for no rows, a missing column, an empty name, a system beside itself or another choice.
    """
    frame = _comparisons(data, "choice")
    if strange := sorted(set(frame["choice"]) - set(CHOICES)):
        raise AnalysisError(
            f"preferences: expected choice to be one of {', '.join(CHOICES)}, "
            f"found {', '.join(map(repr, strange))}"
        )
    return frame


def systems_of(data: pd.DataFrame) -> list[str]:
    """The systems compared, in alphabetical order."""
    return sorted({*data["first"], *data["second"]})


def pairs(choices: pd.DataFrame) -> pd.DataFrame:
    """One row per pair of systems that was compared, a before b in the alphabet.

    wins_a, wins_b, ties; proportion_a of the decided choices with Clopper-Pearson's ci_low and ci_high (95 %);
    p: exact two-sided binomial test against 1/2, ties dropped; p_holm over the pairs. A pair with nothing but
    ties has neither.
    """
    oriented = _oriented(choices_frame(choices))
    rows = []
    for (a, b), of_pair in oriented.groupby(["a", "b"], sort=True):
        won_a, won_b = (int((of_pair["winner"] == side).sum()) for side in ("a", "b"))
        row = {"a": a, "b": b, "wins_a": won_a, "wins_b": won_b}
        row |= {"ties": len(of_pair) - won_a - won_b}
        row |= dict.fromkeys(("proportion_a", "ci_low", "ci_high", "p"), np.nan)
        if won_a + won_b:
            test = stats.binomtest(won_a, won_a + won_b)
            interval = test.proportion_ci(CONFIDENCE, method="exact")
            row |= {"proportion_a": won_a / (won_a + won_b), "p": test.pvalue}
            row |= {"ci_low": interval.low, "ci_high": interval.high}
        rows.append(row)
    return _with_holm(pd.DataFrame(rows))


def order_bias(choices: pd.DataFrame) -> dict[str, float]:
    """How often the first and the second presented won: first, second, tie, and p of the exact two-sided test
    that both win alike (missing when every answer is a tie)."""
    counts = choices_frame(choices)["choice"].value_counts()
    first, second, tie = (int(counts.get(choice, 0)) for choice in CHOICES)
    decided = first + second
    p = float(stats.binomtest(first, decided).pvalue) if decided else np.nan
    return {"first": first, "second": second, "tie": tie, "p": p}


def category_means(ratings: pd.DataFrame) -> pd.DataFrame:
    """Comparison mean opinion scores (CMOS) with the sign corrected for the order of presentation.

    Returns one row per pair, a before b in the alphabet: n_ratings, n_listeners; cmos: how b compares with a,
    mean over the listeners' means, with its 95 % t interval ci_low … ci_high (missing for one listener, or when
    all agree exactly: then sd is 0), mean over all ratings, t, p (two-sided against 0), p_holm; order_effect:
    what being presented second adds, half of the difference between both orders (missing if there was but one).
    """
    frame = ratings_by_category(ratings)
    rows = []
    for (a, b), of_pair in _oriented(frame).groupby(["a", "b"], sort=True):
        of_listeners = of_pair.groupby("listener")["signed"].mean()
        n, mean, sd = len(of_listeners), of_listeners.mean(), of_listeners.std(ddof=1)
        row = {"a": a, "b": b, "n_ratings": len(of_pair), "n_listeners": n, "cmos": mean}
        row |= {"mean": of_pair["signed"].mean(), "sd": sd}
        row |= dict.fromkeys(("ci_low", "ci_high", "t", "p", "order_effect"), np.nan)
        if n > 1 and sd > 0:
            test = stats.ttest_1samp(of_listeners, 0)
            interval = test.confidence_interval(CONFIDENCE)
            row |= {"ci_low": float(interval.low), "ci_high": float(interval.high)}
            row |= {"t": float(test.statistic), "p": float(test.pvalue)}
        in_order = of_pair.groupby(of_pair["first"] == a)["signed"].mean()
        if len(in_order) == 2:
            row["order_effect"] = (in_order[True] - in_order[False]) / 2
        rows.append(row)
    return _with_holm(pd.DataFrame(rows))


def ratings_by_category(data: pd.DataFrame) -> pd.DataFrame:
    """`data` checked as comparison category ratings; raises `AnalysisError` as `choices_frame` does."""
    frame = _comparisons(data, "rating")
    numbers = pd.to_numeric(frame["rating"], errors="coerce").astype(float)
    low, high = CCR_RANGE
    if (bad := ~numbers.between(low, high)).any():
        raise AnalysisError(
            f"comparison ratings: expected numbers from {low:g} to {high:g}, "
            f"found {frame.loc[bad, 'rating'].iloc[0]}"
        )
    return frame.assign(rating=numbers)


def wins(choices: pd.DataFrame, names: list[str], *, ties: bool) -> np.ndarray:
    """How often the system of the row beat that of the column, by `names`; `ties` count a half for either."""
    place = {name: k for k, name in enumerate(names)}
    first, second = choices["first"].map(place), choices["second"].map(place)
    matrix = np.zeros((len(names), len(names)))
    chosen = choices["choice"]
    np.add.at(matrix, (first, second), (chosen == "first") + ties * 0.5 * (chosen == "tie"))
    np.add.at(matrix, (second, first), (chosen == "second") + ties * 0.5 * (chosen == "tie"))
    return matrix


def circles(choices: pd.DataFrame) -> list[tuple[str, str, str]]:
    """Circles of three: a mostly beats b, b mostly c, and c mostly a (no single scale can say that)."""
    frame = choices_frame(choices)
    names = systems_of(frame)
    matrix = wins(frame, names, ties=True)
    beats = matrix > matrix.T
    found = []
    for i, j, k in combinations(range(len(names)), 3):
        for x, y, z in ((i, j, k), (i, k, j)):
            if beats[x, y] and beats[y, z] and beats[z, x]:
                found.append((names[x], names[y], names[z]))
    return found


def _comparisons(data: pd.DataFrame, judged: str) -> pd.DataFrame:
    needed = ["listener", "first", "second", judged]
    if missing := [c for c in needed if c not in data]:
        raise AnalysisError(
            f"preferences: expected the column(s) {', '.join(missing)}, found {', '.join(map(str, data))}"
        )
    if data.empty:
        raise AnalysisError("preferences: expected at least one comparison, found none")
    frame = data.reset_index(drop=True)
    for column in ("listener", "first", "second"):
        if (frame[column].isna() | (frame[column].astype(str).str.strip() == "")).any():
            raise AnalysisError(
                f"preferences: expected a {column} in every row, found an empty one"
            )
        frame[column] = frame[column].astype(str)
    if (same := frame["first"] == frame["second"]).any():
        raise AnalysisError(
            f"preferences: expected two systems, found {frame.loc[same, 'first'].iloc[0]!r} beside itself"
        )
    return frame


def _oriented(frame: pd.DataFrame) -> pd.DataFrame:
    """With the pair as a and b in alphabetical order, and the judgement turned to it."""
    forward = frame["first"] < frame["second"]
    oriented = frame.assign(
        a=frame["first"].where(forward, frame["second"]),
        b=frame["second"].where(forward, frame["first"]),
    )
    if "rating" in frame and "choice" not in frame:
        return oriented.assign(signed=frame["rating"].where(forward, -frame["rating"]))
    winner = frame["first"].where(frame["choice"] == "first", frame["second"])
    side = np.where(winner == oriented["a"], "a", "b")
    return oriented.assign(winner=np.where(frame["choice"] == "tie", "", side))


def _with_holm(table: pd.DataFrame) -> pd.DataFrame:
    tested = table["p"].notna()
    table["p_holm"] = np.nan
    table.loc[tested, "p_holm"] = holm(table.loc[tested, "p"])
    return table
