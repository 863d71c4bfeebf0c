"""Figures of the pages behind a campaign's results: metrics ranked, and comparisons watched while listeners come in."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from scipy.cluster import hierarchy
from scipy.spatial.distance import squareform

from listening.analysis.correlation import FEWEST
from listening.analysis.frames import AnalysisError
from listening.analysis.league import League
from listening.analysis.monitoring import ALPHA, FIRST_LOOK, track
from listening.drawing import (
    ALERT,
    COLOURS,
    INK,
    MUTED,
    canvas,
    heading,
    headline,
    plain_axes,
    stamped,
    wrapped,
)

COLUMNS = 3
LISTENERS = "listeners"
# a metric that lacks more would take the stimuli of all the others with it
COMPLETE = 0.9
WRITTEN = 16


def league_forest(league: League, points: pd.DataFrame) -> Figure:
    """Every metric's r, turned in its direction, best first, with the interval that draws items and Fisher's.

    `points` are those of the league and say whether listeners were simulated. Raises `AnalysisError` for an empty one.
    """
    rows = league.table
    if rows.empty:
        raise AnalysisError("league: expected metrics that can be ranked, found none")
    figure, axes = canvas(7.4, 1.5 + 0.27 * len(rows))
    places = np.arange(len(rows))[::-1]
    r = rows["r"].to_numpy(dtype=float)
    for low, high, width, colour in (
        ("item_low", "item_high", 4.0, COLOURS[4]),
        ("low", "high", 1.2, INK),
    ):
        axes.hlines(places, rows[low], rows[high], lw=width, color=colour)
    axes.plot(r, places, "o", ms=5, mew=0, color=INK)
    axes.axvline(0, color=INK, lw=1, ls="--")
    axes.set_yticks(places, rows["metric"])
    axes.set_ylim(-0.7, len(rows) - 0.3)
    axes.set_xlim(-1.02, 1.02)
    axes.set_xlabel("Pearson's r with the mean ratings, turned by the metric's direction")
    for place, letters in zip(places, rows["letters"], strict=True):
        axes.text(
            1.01, place, letters, transform=axes.get_yaxis_transform(), va="center", fontsize=8
        )
    plain_axes(axes, grid="x")
    headline(
        axes,
        f"Metrics ranked over {league.n} stimuli of {league.n_items} items",
        "thick: 95 % over items; thin: Fisher's 95 %; a shared letter: not distinguishable",
    )
    return stamped(figure, points)


def sequence_table(ratings: pd.DataFrame) -> pd.DataFrame:
    """The numbers of `sequence_plot`: a, b, n, mean, low, high."""
    return pd.concat([found.assign(a=a, b=b) for a, b, found in _tracks(ratings)])[
        ["a", "b", "n", "mean", "low", "high"]
    ]


def sequence_plot(ratings: pd.DataFrame) -> Figure:
    """The confidence sequence of every pair of systems, after each listener; all of them together hold at 95 %.

    `ratings` holds finished sessions in order of arrival. Raises `AnalysisError` when there is no pair.
    """
    tracks = _tracks(ratings)
    columns = min(COLUMNS, len(tracks))
    lines = -(-len(tracks) // columns)
    figure = Figure(figsize=(max(5.6, 3.5 * columns), 1.0 + 2.6 * lines), layout="constrained")
    panels = figure.subplots(lines, columns, sharex=True, sharey=True, squeeze=False).ravel()
    for axes in panels[len(tracks) :]:
        axes.set_visible(False)
    shown = [found[found["n"] >= FIRST_LOOK] for _, _, found in tracks]
    reach = max([10.0, *(float(s[["low", "high"]].abs().max().max()) for s in shown if len(s))])
    for axes, (a, b, found), looked in zip(panels, tracks, shown, strict=False):
        plain_axes(axes)
        decided = len(looked) > 0 and (looked["low"].iloc[-1] > 0 or looked["high"].iloc[-1] < 0)
        colour = COLOURS[0] if decided else MUTED
        axes.fill_between(
            looked["n"], looked["low"], looked["high"], color=colour, alpha=0.25, lw=0
        )
        axes.plot(found["n"], found["mean"], color=colour, lw=1.6)
        axes.axhline(0, color=INK, lw=1, ls="--")
        axes.axvline(FIRST_LOOK, color=ALERT, lw=0.8, ls=":")
        axes.set_ylim(-1.1 * reach, 1.1 * reach)
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
        axes.set_title(wrapped(f"{a} − {b}", 40), loc="left", fontsize=9)
    for axes in panels[::columns]:
        axes.set_ylabel("difference (points)")
    for axes in panels[max(0, len(tracks) - columns) : len(tracks)]:
        axes.set_xlabel("listeners")
        axes.tick_params(labelbottom=True)
    heading(figure, "Differences while listeners came in")
    figure.supxlabel(
        f"band: asymptotic confidence sequences, together 95 % at all times;\n"
        f"dotted: first look, at {FIRST_LOOK} listeners; blue: decided",
        fontsize=8.5,
        color=MUTED,
    )
    return stamped(figure, ratings)


def _tracks(ratings: pd.DataFrame) -> list[tuple[str, str, pd.DataFrame]]:
    systems = ratings.loc[ratings["role"] == "system", "condition"].unique()
    pairs = list(combinations(systems, 2))
    tracks = []
    for a, b in pairs:
        try:
            tracks.append((a, b, track(ratings, a, b, alpha=ALPHA / len(pairs))))
        except AnalysisError:
            # nobody rated both: an incomplete design
            continue
    if not tracks:
        raise AnalysisError("sequence: expected two systems that a listener rated, found none")
    return tracks


def metric_table(points: pd.DataFrame) -> pd.DataFrame:
    """Pearson's r of every two metrics over the stimuli that all of them have a value for, and of each with the mean
    rating ('listeners'); rows and columns in the order of a clustering by 1 − |r| (average linkage).

    Metrics without a value or without variation are left out. Raises `AnalysisError` with fewer than two left.
    """
    wide = points.pivot_table(
        index=["item", "condition"], columns="metric", values="value", sort=False
    )
    rating = points.drop_duplicates(["item", "condition"]).set_index(["item", "condition"])[
        "rating"
    ]
    wide = wide.loc[:, wide.notna().mean() > COMPLETE].assign(**{LISTENERS: rating}).dropna()
    wide = wide.loc[:, wide.nunique() > 1]
    if wide.shape[1] < 3 or len(wide) < FEWEST:
        raise AnalysisError(
            f"metric map: expected two metrics that vary over {FEWEST} stimuli, found "
            f"{max(wide.shape[1] - 1, 0)} over {len(wide)}"
        )
    r = wide.corr()
    distance = np.clip(1 - r.abs().to_numpy(), 0, None)
    np.fill_diagonal(distance, 0.0)
    order = hierarchy.leaves_list(
        hierarchy.linkage(squareform(distance, checks=False), "average", optimal_ordering=True)
    )
    return r.iloc[order, order]


def metric_map(points: pd.DataFrame) -> Figure:
    """Which metrics say the same: r of every two, alike ones beside each other, the listeners among them."""
    table = metric_table(points)
    k = len(table)
    side = max(5.4, min(2.4 + 0.3 * k, 13.0))
    figure, axes = canvas(side + 0.8, side)
    shown = axes.imshow(table.to_numpy(), cmap="PuOr_r", vmin=-1, vmax=1)
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    size = 8.5 if k <= 20 else 6.5
    axes.set_xticks(range(k), table.columns, rotation=90, fontsize=size)
    axes.set_yticks(range(k), table.index, fontsize=size)
    for label in (*axes.get_xticklabels(), *axes.get_yticklabels()):
        if label.get_text() == LISTENERS:
            label.set_fontweight("bold")
    if k <= WRITTEN:
        for (row, column), r in np.ndenumerate(table.to_numpy()):
            colour = "white" if abs(r) > 0.7 else INK
            text = f"{r:.2f}".replace("-", "−")
            axes.text(column, row, text, ha="center", va="center", fontsize=6.5, color=colour)
    figure.colorbar(shown, ax=axes, label="Pearson's r, not turned", shrink=0.7)
    n = points.drop_duplicates(["item", "condition"]).shape[0]
    headline(axes, "Which metrics go together", f"over at most {n} stimuli; clustered by 1 − |r|")
    return stamped(figure, points)
