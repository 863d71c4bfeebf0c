"""Figures of a comparison: who rated what how, which conditions differ by how much, and how ratings are distributed.

Intervals are 95 %, and each figure names their kind.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from scipy import stats

from listening.analysis.comparison import Comparison
from listening.analysis.description import describe, listener_means
from listening.analysis.frames import AnalysisError
from listening.drawing import (
    COLOURS,
    INK,
    MUTED,
    ROLE_COLOURS,
    canvas,
    heading,
    headline,
    ordered,
    plain_axes,
    stamped,
    wrapped,
)

# perceptually even, and alike to all eyes
SHADES = "cividis"
COLUMNS = 4
# beyond this the names of listeners no longer fit
MOST_NAMED = 60
MOST_WRITTEN = 400
BINS = 20


def listener_table(ratings: pd.DataFrame) -> pd.DataFrame:
    """Mean rating of each listener (rows, the strictest first) for each condition (columns, the best first)."""
    means = listener_means(ratings).pivot(index="listener", columns="condition", values="rating")
    return means.loc[
        means.mean(axis=1).sort_values().index, ordered(describe(ratings))["condition"]
    ]


def listener_map(ratings: pd.DataFrame) -> Figure:
    """Listener × condition: each listener's mean rating as a shade; a blank where a listener did not rate."""
    table = listener_table(ratings)
    n, k = table.shape
    figure, axes = canvas(max(5.6, min(2.6 + 0.85 * k, 14.0)), max(3.2, min(1.9 + 0.24 * n, 13.0)))
    values = table.to_numpy(dtype=float)
    shown = axes.imshow(np.ma.masked_invalid(values), cmap=SHADES, aspect="auto")
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    axes.set_xticks(range(k), [wrapped(str(name), 13) for name in table.columns])
    axes.set_yticks(range(n) if n <= MOST_NAMED else [], table.index if n <= MOST_NAMED else None)
    axes.set_xlabel("condition")
    axes.set_ylabel("listener")
    if values.size <= MOST_WRITTEN:
        middle = np.nanmean([np.nanmin(values), np.nanmax(values)])
        for (row, column), value in np.ndenumerate(values):
            if np.isfinite(value):
                colour = "white" if value < middle else INK
                digits = 0 if np.nanmax(values) > 10 else 1
                text = f"{value:.{digits}f}"
                axes.text(column, row, text, ha="center", va="center", fontsize=7.5, color=colour)
    figure.colorbar(shown, ax=axes, label="mean rating", shrink=0.8)
    headline(axes, "Listeners and conditions", f"mean rating; the strictest of {n} listeners first")
    return stamped(figure, ratings)


def difference_table(compared: Comparison) -> pd.DataFrame:
    """Pairs a − b with both claims: kind ('such items' of the mixed model, 'these items' of the paired t-test),
    difference, ci_low, ci_high, p_holm.

    Raises `AnalysisError` when there is no pair.
    """
    paired = compared.pairs.rename(columns={"mean_difference": "difference", "p_t_holm": "p_holm"})
    columns = ["a", "b", "difference", "ci_low", "ci_high", "p_holm"]
    kinds = {"these items": paired}
    if compared.mixed is not None:
        kinds["such items"] = compared.mixed.pairs
    found = [
        table[columns].assign(kind=kind, order=range(len(table))) for kind, table in kinds.items()
    ]
    joined = pd.concat(found, ignore_index=True).dropna(subset="difference")
    if joined.empty:
        raise AnalysisError("differences: expected two conditions to compare, found none")
    return joined.sort_values(["order", "kind"], kind="stable").drop(columns="order")


def difference_forest(compared: Comparison, ratings: pd.DataFrame) -> Figure:
    """Every pair's difference with its intervals, for these items and for items like these.

    `ratings` say whether listeners were simulated. Raises `AnalysisError` as `difference_table` does.
    """
    table = difference_table(compared)
    names = (table["a"] + " − " + table["b"]).drop_duplicates().tolist()
    figure, axes = canvas(7.4, 1.6 + 0.42 * len(names))
    styles = {"such items": (0.13, INK, "o"), "these items": (-0.13, COLOURS[0], "D")}
    for kind, rows in table.groupby("kind", sort=False):
        shift, colour, marker = styles[str(kind)]
        place = [
            len(names) - names.index(f"{a} − {b}") + shift
            for a, b in zip(rows["a"], rows["b"], strict=True)
        ]
        middle = rows["difference"].to_numpy(dtype=float)
        ends = np.nan_to_num([middle - rows["ci_low"], rows["ci_high"] - middle])
        axes.errorbar(
            middle,
            place,
            xerr=ends,
            fmt=marker,
            ms=4.5,
            capsize=3,
            lw=1.3,
            color=colour,
            label=f"for {kind}",
        )
    axes.axvline(0, color=INK, lw=1, ls="--")
    axes.set_yticks(range(len(names), 0, -1), [wrapped(name, 40) for name in names])
    axes.set_ylim(0.4, len(names) + 0.6)
    axes.set_xlabel("difference (points)")
    plain_axes(axes, grid="x")
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False, fontsize=8.5)
    headline(
        axes,
        "Differences between conditions",
        "95 %, not adjusted; circles: mixed model; diamonds: paired t over listener means",
    )
    return stamped(figure, ratings)


def residual_table(ratings: pd.DataFrame) -> pd.DataFrame:
    """What is left of each rating after the means of its condition and item and of its listener's leaning: condition,
    role, residual, and the normal quantile beside it."""
    cell = ratings.groupby(["condition", "item"], observed=True)["rating"].transform("mean")
    left = ratings["rating"] - cell
    left = left - left.groupby(
        [ratings["listener"], ratings["condition"]], observed=True
    ).transform("mean")
    table = ratings[["condition", "role", "rating"]].assign(residual=left)
    of_condition = table.groupby("condition", observed=True)["residual"]
    share = (of_condition.rank(method="first") - 0.375) / (of_condition.transform("count") + 0.25)
    return table.assign(normal=stats.norm.ppf(share))


def distributions(ratings: pd.DataFrame) -> Figure:
    """A histogram of the ratings of every condition, and below it their residuals' Q-Q plot (Blom's quantiles)."""
    names = list(ordered(describe(ratings))["condition"])
    table = residual_table(ratings)
    columns = min(COLUMNS, len(names))
    lines = -(-len(names) // columns)
    figure = Figure(figsize=(max(5.6, 2.6 * columns), 0.9 + 3.9 * lines), layout="constrained")
    panels = figure.subplots(2 * lines, columns, squeeze=False, height_ratios=[1, 1.5] * lines)
    low, high = float(ratings["rating"].min()), float(ratings["rating"].max())
    edges = np.linspace(low, max(high, low + 1), BINS + 1)
    for place in range(lines * columns):
        above, below = panels[2 * (place // columns) : 2 * (place // columns) + 2, place % columns]
        if place >= len(names):
            above.set_visible(False)
            below.set_visible(False)
            continue
        of = table[table["condition"] == names[place]]
        colour = ROLE_COLOURS.get(of["role"].iloc[0], COLOURS[0])
        plain_axes(above)
        plain_axes(below)
        above.hist(of["rating"], bins=edges, color=colour, alpha=0.55)
        above.set_title(wrapped(names[place], 24), loc="left", fontsize=9)
        above.set_xlabel("rating", fontsize=8.5)
        below.plot(of["normal"], of["residual"], ".", ms=3.5, color=colour)
        sd = float(of["residual"].std()) if len(of) > 1 else 0.0
        reach = np.array([-3.0, 3.0])
        below.plot(reach, sd * reach, color=MUTED, lw=1)
        below.set_xlabel("normal quantile", fontsize=8.5)
        if place % columns == 0:
            above.set_ylabel("ratings")
            below.set_ylabel("residual")
    heading(figure, "Histograms of the ratings, and Q-Q plots of their residuals")
    figure.supxlabel(
        "residual: less the mean of condition and item and the listener's leaning; line: normal of the same spread",
        fontsize=8.5,
        color=MUTED,
    )
    return stamped(figure, ratings)
