"""Figures of opinion scores: means with their intervals, and how the votes are spread, a panel per scale."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from listening.analysis import mos
from listening.analysis.description import listener_means
from listening.analysis.frames import METHODS
from listening.drawing import (
    COLOURS,
    INK,
    MUTED,
    WORDS,
    heading,
    jitter,
    plain_axes,
    rating_axis,
    stamped,
    wrapped,
)

# what a continuous scale is cut into for a picture of its votes
BANDS = 5


def mean_table(ratings: pd.DataFrame) -> pd.DataFrame:
    """Mean opinion scores per scale and condition (`mos.means`), the best of a scale first."""
    tables = [
        mos.means(votes, by="condition").assign(scale=scale)
        for scale, votes in ratings.groupby("scale", sort=False, observed=True)
    ]
    found = pd.concat(tables, ignore_index=True)
    columns = ["scale", "condition", "n", "n_listeners", "mean", "mean_of_listeners"]
    found = found[[*columns, "listeners_low", "listeners_high"]]
    found = found.rename(columns={"listeners_low": "ci_low", "listeners_high": "ci_high"})
    return found.sort_values(["scale", "mean"], ascending=[True, False], kind="stable")


def opinion_means(ratings: pd.DataFrame) -> Figure:
    """Mean opinion of every condition with its 95 % t interval over listener means, which are shown as dots."""
    table, method = mean_table(ratings), str(ratings["method"].iloc[0])
    scales = list(ratings["scale"].unique())
    order = list(table.groupby("condition")["mean"].mean().sort_values(ascending=False).index)
    figure, panels = _panels(scales, len(order))
    for axes, scale in zip(panels, scales, strict=True):
        of_scale = ratings[ratings["scale"] == scale]
        means = listener_means(of_scale)
        rows = table[table["scale"] == scale].set_index("condition").reindex(order)
        for place, (condition, row) in enumerate(rows.iterrows()):
            dots = means.loc[means["condition"] == condition, "rating"].to_numpy()
            axes.plot(
                place + jitter(len(dots)), dots, "o", ms=3, mew=0, alpha=0.35, color=COLOURS[0]
            )
            half = np.nan_to_num(
                [
                    [row["mean_of_listeners"] - row["ci_low"]],
                    [row["ci_high"] - row["mean_of_listeners"]],
                ]
            )
            axes.errorbar(
                [place + 0.26],
                [row["mean_of_listeners"]],
                yerr=half,
                fmt="D",
                ms=5,
                capsize=4,
                lw=1.5,
                color=INK,
            )
        rating_axis(axes, of_scale["rating"], method)
        _name(axes, order, scale)
    heading(figure, "Mean opinions")
    figure.supxlabel(
        "diamonds: mean of listener means, 95 % t interval; dots: listeners",
        fontsize=8.5,
        color=MUTED,
    )
    return stamped(figure, ratings)


def share_table(ratings: pd.DataFrame) -> pd.DataFrame:
    """Share of the votes per scale, condition and category (a band of a continuous scale)."""
    kind = METHODS[str(ratings["method"].iloc[0])]
    rating = ratings["rating"]
    if not kind.whole:
        width = (kind.high - kind.low) / BANDS
        band = np.clip((rating - kind.low) // width, 0, BANDS - 1)
        rating = kind.low + band * width
    counts = (
        ratings.assign(category=rating)
        .groupby(["scale", "condition", "category"], observed=True)
        .size()
    )
    share = counts / counts.groupby(level=[0, 1]).transform("sum")
    return share.rename("share").reset_index()


def vote_shares(ratings: pd.DataFrame) -> Figure:
    """Stacked shares of the categories for every condition, the worst at the bottom."""
    table, method = share_table(ratings), str(ratings["method"].iloc[0])
    scales, categories = list(ratings["scale"].unique()), sorted(table["category"].unique())
    order = list(ratings.groupby("condition")["rating"].mean().sort_values(ascending=False).index)
    figure, panels = _panels(scales, len(order))
    shades = mpl.colormaps["cividis"](np.linspace(0, 1, max(len(categories), 2)))
    words = (
        dict(zip(range(1, 6), WORDS.get(method, ()), strict=False)) if METHODS[method].whole else {}
    )
    for axes, scale in zip(panels, scales, strict=True):
        of_scale = table[table["scale"] == scale]
        below = np.zeros(len(order))
        for shade, category in zip(shades, categories, strict=False):
            share = of_scale[of_scale["category"] == category].set_index("condition")["share"]
            height = share.reindex(order).fillna(0).to_numpy()
            label = f"{category:g} {words.get(int(category), '')}".strip()
            axes.bar(range(len(order)), height, 0.7, bottom=below, color=shade, label=label)
            below += height
        axes.yaxis.set_major_formatter(PercentFormatter(1.0))
        axes.set_ylabel("share of votes")
        _name(axes, order, scale)
    handles, labels = panels[0].get_legend_handles_labels()
    panels[0].legend(
        handles[::-1],
        labels[::-1],
        loc="upper left",
        bbox_to_anchor=(1, 1),
        frameon=False,
        fontsize=8.5,
    )
    heading(figure, "How the votes are spread")
    return stamped(figure, ratings)


def _panels(scales: list[str], conditions: int) -> tuple[Figure, list[Axes]]:
    width = max(6.4, min(2.6 + 0.95 * conditions, 14.0))
    figure = Figure(figsize=(width, 0.8 + 3.6 * len(scales)), layout="constrained")
    panels = list(figure.subplots(len(scales), 1, squeeze=False)[:, 0])
    for axes in panels:
        plain_axes(axes)
    return figure, panels


def _name(axes: Axes, order: list[str], scale: str) -> None:
    axes.set_xticks(range(len(order)), [wrapped(str(name), 13) for name in order])
    axes.set_xlim(-0.6, len(order) - 0.4)
    if scale:
        axes.set_title(scale, loc="left", fontsize=9.5)
