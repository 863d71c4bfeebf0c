"""Figures of a campaign: one function each, from a tidy frame to a matplotlib `Figure` for page, paper or notebook.

Figures are made without pyplot, so that they hold no state between threads. Whenever a row is simulated, the
figure says so. Intervals are 95 %, and each figure names their kind.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from listening.analysis import abx
from listening.analysis.bootstrap import item_bootstrap
from listening.analysis.correlation import pearson, reading
from listening.analysis.description import describe, listener_means
from listening.analysis.frames import AnalysisError
from listening.analysis.plain import number, p_value
from listening.analysis.screening import LIMIT, TITLES, Screening
from listening.drawing import (
    ALERT,
    COLOURS,
    GRID,
    INK,
    MUTED,
    NAME_WIDTH,
    ROLE_COLOURS,
    canvas,
    condition_styles,
    heading,
    headline,
    jitter,
    legend,
    ordered,
    plain_axes,
    rating_axis,
    stamped,
    width_for,
    wrapped,
)


def condition_means(ratings: pd.DataFrame) -> Figure:
    """Mean rating per condition with its 95 % interval, over listener means, which are shown as dots."""
    described = ordered(describe(ratings))
    means = listener_means(ratings)
    figure, axes = canvas(width_for(len(described)), 4.6)
    for place, (_, row) in enumerate(described.iterrows()):
        colour = ROLE_COLOURS.get(row["role"], COLOURS[0])
        dots = means.loc[means["condition"] == row["condition"], "rating"].to_numpy()
        axes.plot(place + jitter(len(dots)), dots, "o", ms=3.5, mew=0, alpha=0.45, color=colour)
        axes.errorbar(
            [place + 0.26],
            [row["mean_of_listeners"]],
            yerr=_half(row["mean_of_listeners"], row["ci_low"], row["ci_high"]),
            fmt="D",
            ms=5.5,
            capsize=4,
            lw=1.6,
            color=colour,
        )
    _name_conditions(axes, described)
    rating_axis(axes, ratings["rating"], str(ratings["method"].iloc[0]))
    headline(
        axes,
        "Mean rating per condition",
        f"diamonds: mean of listener means, 95 % t interval; dots: {_listeners(ratings)}",
    )
    return stamped(figure, ratings)


def box_plots(ratings: pd.DataFrame) -> Figure:
    """Box plots of all ratings per condition: Tukey's hinges, whiskers to 1.5 interquartile ranges, outliers."""
    described = ordered(describe(ratings))
    figure, axes = canvas(width_for(len(described)), 4.6)
    boxes = []
    for _, row in described.iterrows():
        values = ratings.loc[ratings["condition"] == row["condition"], "rating"].to_numpy()
        low, high = row["q1"] - 1.5 * row["iqr"], row["q3"] + 1.5 * row["iqr"]
        inside = values[(values >= low) & (values <= high)]
        boxes.append(
            {
                "med": row["median"],
                "q1": row["q1"],
                "q3": row["q3"],
                "whislo": inside.min(),
                "whishi": inside.max(),
                "mean": row["mean"],
                "fliers": values[(values < low) | (values > high)],
            }
        )
    drawn = axes.bxp(
        boxes,
        positions=list(range(len(boxes))),
        widths=0.55,
        patch_artist=True,
        showmeans=True,
        medianprops={"color": INK, "lw": 2},
        meanprops={"marker": "D", "mfc": "white", "mec": INK, "ms": 5},
        flierprops={"marker": "o", "ms": 3.5, "mfc": "none", "mec": MUTED},
        manage_ticks=False,
    )
    for patch, role in zip(drawn["boxes"], described["role"], strict=True):
        patch.set(facecolor=ROLE_COLOURS.get(role, COLOURS[0]), alpha=0.35, edgecolor=INK)
    _name_conditions(axes, described)
    rating_axis(axes, ratings["rating"], str(ratings["method"].iloc[0]))
    headline(
        axes,
        "Distribution of ratings per condition",
        "box: Tukey's hinges; line: median; diamond: mean; circles: beyond 1.5 IQR",
    )
    return stamped(figure, ratings)


def item_profile(ratings: pd.DataFrame) -> Figure:
    """Mean rating of every condition for every item, with its 95 % interval over listeners."""
    order = list(ordered(describe(ratings))["condition"])
    cells = describe(ratings, by=["condition", "item"])
    items = sorted(ratings["item"].unique())
    figure, axes = canvas(max(6.4, min(1.6 + 0.75 * len(items), 13.0)), 5.0)
    shifts = np.linspace(-0.3, 0.3, len(order)) if len(order) > 1 else [0.0]
    styles = condition_styles(order, dict(zip(cells["condition"], cells["role"], strict=True)))
    for condition, shift in zip(order, shifts, strict=True):
        row = cells[cells["condition"] == condition].set_index("item").reindex(items)
        half = (row["ci_high"] - row["ci_low"]).fillna(0) / 2
        colour, marker = styles[condition]
        axes.errorbar(
            np.arange(len(items)) + shift,
            row["mean_of_listeners"],
            yerr=half,
            fmt=marker,
            ms=4.5,
            lw=0,
            elinewidth=1,
            color=colour,
            label=condition,
        )
    for place in range(1, len(items)):
        axes.axvline(place - 0.5, color=GRID, lw=0.8, zorder=0)
    axes.set_xlim(-0.5, len(items) - 0.5)
    axes.set_xticks(range(len(items)), [wrapped(i, 16) for i in items], rotation=40, ha="right")
    axes.set_xlabel("item")
    rating_axis(axes, ratings["rating"], str(ratings["method"].iloc[0]))
    legend(axes, figure)
    headline(axes, "Ratings per item", "mean and 95 % t interval over listeners")
    return stamped(figure, ratings)


def screening_plot(ratings: pd.DataFrame, screening: Screening) -> Figure:
    """What the post-screening looks at: each listener's ratings of hidden reference and 7 kHz anchor, and 90.

    The share of ratings on the wrong side of 90 stands above each listener; those excluded are marked.
    """
    shown = {"reference": "hidden reference", "anchor70": "7 kHz anchor"}
    present = [role for role in shown if (ratings["role"] == role).any()]
    if not present:
        raise AnalysisError(
            "screening plot: expected ratings of a hidden reference or a 7 kHz anchor, found none"
        )
    decisions = screening.decisions
    places = {listener: place for place, listener in enumerate(decisions["listener"])}
    width = max(6.4, min(1.8 + 0.36 * len(places), 14.0))
    figure = Figure(figsize=(width, 1.4 + 2.5 * len(present)), layout="constrained")
    panels = figure.subplots(len(present), 1, sharex=True, squeeze=False)[:, 0]
    for axes, role in zip(panels, present, strict=True):
        plain_axes(axes)
        of_role = ratings[ratings["role"] == role]
        x = of_role["listener"].map(places).to_numpy(dtype=float)
        y = of_role["rating"].to_numpy()
        wrong = y < LIMIT if role == "reference" else y > LIMIT
        out = of_role["listener"].isin(screening.excluded).to_numpy()
        shift = jitter(len(x), spread=0.18)
        for chosen, colour, marker in ((~out, COLOURS[0], "o"), (out, ALERT, "X")):
            axes.plot((x + shift)[chosen], y[chosen], marker, ms=5, mew=0, alpha=0.6, color=colour)
        axes.axhline(LIMIT, color=INK, lw=1, ls="--")
        for listener, place in places.items():
            theirs = (of_role["listener"] == listener).to_numpy()
            if n := int(theirs.sum()):
                count = int((wrong & theirs).sum())
                axes.text(
                    place,
                    103,
                    f"{count}/{n}",
                    ha="center",
                    va="bottom",
                    rotation=90 if len(places) > 14 else 0,
                    fontsize=7.5,
                    color=ALERT if listener in screening.excluded else MUTED,
                )
        side = "below" if role == "reference" else "above"
        axes.set_ylim(min(60.0, float(y.min()) - 5) if role == "reference" else 0, 118)
        axes.set_yticks([t for t in range(0, 101, 20) if t >= axes.get_ylim()[0]] + [90])
        axes.set_ylabel(f"rating of the\n{shown[role]}")
        axes.text(
            1.005,
            LIMIT,
            f"{LIMIT:g}",
            transform=axes.get_yaxis_transform(),
            va="center",
            fontsize=8,
        )
        axes.set_title(
            f"numbers: how many ratings are {side} {LIMIT:g}, of all",
            loc="left",
            fontsize=8.5,
            color=MUTED,
        )
    labels = [f"{x} ✕" if x in screening.excluded else x for x in places]
    panels[-1].set_xticks(range(len(places)), labels, rotation=60, ha="right", fontsize=8)
    panels[-1].set_xlabel("listener (✕ excluded)")
    panels[-1].set_xlim(-0.6, len(places) - 0.4)
    heading(
        figure,
        f"{TITLES[screening.rule]}: {len(screening.excluded)} of {len(places)} listeners excluded",
    )
    return stamped(figure, ratings)


def metric_scatter(points: pd.DataFrame, *, method: str = "mushra") -> Figure:
    """Mean rating against one metric's score, a point per stimulus; r, its interval and n in the title.

    `points` are the rows of `correlation.join` for one metric, of ratings by `method`. Raises `AnalysisError` when
    they hold several metrics or no score.
    """
    complete = points.dropna(subset="value")
    names = points["metric"].unique()
    if len(names) != 1 or complete.empty:
        raise AnalysisError(
            f"scatter: expected scores of one metric, found {len(complete)} of {', '.join(names) or 'none'}"
        )
    figure, axes = canvas(7.2, 4.8)
    order = list(complete.groupby("condition")["rating"].mean().sort_values(ascending=False).index)
    styles = condition_styles(
        order, dict(zip(complete["condition"], complete["role"], strict=True))
    )
    for condition in order:
        of_condition = complete[complete["condition"] == condition]
        colour, marker = styles[condition]
        axes.plot(
            of_condition["value"],
            of_condition["rating"],
            marker,
            ms=5.5,
            mew=0,
            alpha=0.75,
            color=colour,
            label=condition,
        )
    first = complete.iloc[0]
    better = "" if first["direction"] == "none" else f"{first['direction']} is better"
    unit = ", ".join(text for text in (first["unit"], better) if text)
    axes.set_xlabel(f"{names[0]} ({unit})" if unit else str(names[0]))
    rating_axis(axes, complete["rating"], method, mean="mean ")
    legend(axes, figure)
    headline(axes, *_agreement(str(names[0]), complete, missing=len(points) - len(complete)))
    return stamped(figure, points)


def abx_proportions(ratings: pd.DataFrame) -> Figure:
    """Proportion of right answers per listener and pooled, with Clopper-Pearson intervals, a panel per pair."""
    chance = abx.chance_of(ratings)
    per_listener, pooled = (f(ratings, chance=chance) for f in (abx.per_listener, abx.pooled))
    listeners = per_listener["listener"].nunique()
    figure = Figure(
        figsize=(max(4.6, 1.0 + 3.6 * len(pooled)), 2.2 + 0.26 * listeners), layout="constrained"
    )
    panels = figure.subplots(1, len(pooled), sharex=True, sharey=True, squeeze=False)[0]
    names = list(per_listener["listener"].unique())
    places = {name: len(names) - place for place, name in enumerate(names)}
    for axes, (_, pair) in zip(panels, pooled.iterrows(), strict=True):
        plain_axes(axes, grid="x")
        mine = per_listener[(per_listener[abx.PAIR] == pair[abx.PAIR]).all(axis=1)]
        heard = mine["p_holm"] < 0.05
        for chosen, colour, marker in ((heard, COLOURS[0], "o"), (~heard, MUTED, "o")):
            _intervals(axes, mine[chosen], mine[chosen]["listener"].map(places), colour, marker)
        _intervals(axes, pair.to_frame().T, pd.Series([0]), INK, "D")
        axes.axvline(chance, color=INK, lw=1, ls="--")
        axes.set_xlim(-0.02, 1.02)
        axes.set_xlabel("proportion correct")
        axes.xaxis.set_major_formatter(PercentFormatter(1.0))
        axes.set_title(
            f"{wrapped(pair['condition'], 30)} against {pair['reference_condition']}\n"
            f"{pair['correct']} of {pair['trials']} right, p {_equals(pair['p'])}",
            loc="left",
            fontsize=9,
        )
    panels[0].set_yticks([0, *places.values()], ["all", *places])
    panels[0].set_ylim(-0.7, len(names) + 0.7)
    panels[0].set_ylabel("listener")
    method = "ABX" if chance == abx.CHANCE else "Odd one out"
    heading(figure, f"{method}: proportion of right answers")
    figure.supxlabel(
        "95 % Clopper-Pearson intervals; dashed: chance; blue: p < .05 after Holm",
        fontsize=8.5,
        color=MUTED,
    )
    return stamped(figure, ratings)


def _agreement(metric: str, complete: pd.DataFrame, *, missing: int) -> tuple[str, str]:
    """Title and subtitle of a scatter: r with interval and n, and what it says."""
    n = f"n = {len(complete)} stimuli" + (f", {missing} without score" if missing else "")
    try:
        r = pearson(complete["value"], complete["rating"])
    except AnalysisError as why:
        return f"{metric}: no correlation, {n}", str(why)
    fmt = number(2)
    items = item_bootstrap(complete, level="stimulus")["pearson"]
    said = reading(r, items, direction=str(complete["direction"].iloc[0]))
    return f"{metric}: r = {fmt(r.value)} [{fmt(r.low)}, {fmt(r.high)}], {n}", said


def _name_conditions(axes: Axes, described: pd.DataFrame) -> None:
    names = [wrapped(name, NAME_WIDTH) for name in described["condition"]]
    axes.set_xticks(range(len(names)), names)
    axes.set_xlim(-0.6, len(names) - 0.4)
    axes.set_xlabel("condition")


def _intervals(axes: Axes, rows: pd.DataFrame, y: pd.Series, colour: str, marker: str) -> None:
    middle = rows["proportion"].to_numpy(dtype=float)
    ends = [middle - rows["ci_low"].to_numpy(float), rows["ci_high"].to_numpy(float) - middle]
    axes.errorbar(middle, y, xerr=ends, fmt=marker, ms=5, capsize=3, lw=1.3, color=colour)


def _half(middle: float, low: float, high: float) -> list[list[float]] | None:
    return [[middle - low], [high - middle]] if np.isfinite(low) and np.isfinite(high) else None


def _listeners(ratings: pd.DataFrame) -> str:
    n = ratings["listener"].nunique()
    return f"{n} listener{'s' if n > 1 else ''}"


def _equals(p: float) -> str:
    text = p_value(p)
    return text if text.startswith("<") else f"= {text}"
