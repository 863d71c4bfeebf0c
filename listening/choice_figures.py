"""Figures of tests whose answers are choices: right or wrong (ABX, triangle), and which of two is better.

Intervals are 95 %, and each figure names their kind.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch
from matplotlib.ticker import MaxNLocator, PercentFormatter
from scipy import stats

from listening.analysis import abx
from listening.analysis.frames import AnalysisError
from listening.analysis.preference_models import Strengths
from listening.analysis.sequential_abx import EVIDENCE, e_process
from listening.drawing import (
    ALERT,
    COLOURS,
    INK,
    MUTED,
    canvas,
    heading,
    headline,
    jitter,
    plain_axes,
    stamped,
    wrapped,
)

COLUMNS = 3
# of the funnel: what listeners who are all alike stay within
INSIDE = (0.95, 0.99)
# beyond this the paths of single listeners are no longer named
MOST_NAMED = 8
# from here on the graph's nodes would lie on each other
MOST_SYSTEMS = 14


def funnel(ratings: pd.DataFrame, *, chance: float = abx.CHANCE) -> Figure:
    """Each listener's share of right answers against the number of trials, a panel per pair.

    Inside the funnel lie 95 % and 99 % of listeners who are all as good as the pooled share (exact binomial); above
    the steps a listener is better than chance (one-sided, 5 %, not adjusted).
    """
    per_listener = abx.per_listener(ratings, chance=chance)
    pooled = abx.pooled(ratings, chance=chance)
    figure, panels = _panels(len(pooled), 3.6)
    most = int(per_listener["trials"].max())
    n = np.arange(1, max(most + 3, 12))
    for axes, (_, pair) in zip(panels, pooled.iterrows(), strict=False):
        mine = per_listener[(per_listener[abx.PAIR] == pair[abx.PAIR]).all(axis=1)]
        for inside, shade in zip(INSIDE, (0.3, 0.15), strict=True):
            low, high = stats.binom.interval(inside, n, pair["proportion"])
            axes.fill_between(n, low / n, high / n, color=COLOURS[4], alpha=shade, lw=0)
        needed = (stats.binom.isf(abx.SIGNIFICANCE, n, chance) + 1) / n
        axes.step(n, np.where(needed <= 1, needed, np.nan), where="mid", color=ALERT, lw=1)
        axes.axhline(pair["proportion"], color=COLOURS[0], lw=1.2)
        axes.axhline(chance, color=INK, lw=1, ls="--")
        trials = mine["trials"].to_numpy(dtype=float)
        axes.plot(
            trials + jitter(len(mine), spread=0.25),
            mine["proportion"],
            "o",
            ms=5,
            mew=0,
            alpha=0.75,
            color=INK,
        )
        axes.set_ylim(-0.03, 1.03)
        axes.set_xlim(0, n[-1])
        axes.yaxis.set_major_formatter(PercentFormatter(1.0))
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
        axes.set_xlabel("trials of a listener")
        axes.set_title(
            wrapped(f"{pair['condition']} against {pair['reference_condition']}", 34),
            loc="left",
            fontsize=9,
        )
    panels[0].set_ylabel("share of right answers")
    heading(figure, "Listeners beside chance")
    figure.supxlabel(
        "shaded: 95 % and 99 % of listeners with the pooled share (line); dashed: guessing;\n"
        "steps: from here on one listener is above guessing (one-sided 5 %, not adjusted)",
        fontsize=8.5,
        color=MUTED,
    )
    return stamped(figure, ratings)


def path_table(ratings: pd.DataFrame, *, chance: float = abx.CHANCE) -> pd.DataFrame:
    """The e-process of every listener and pair: condition, reference_condition, listener, trial, e."""
    found = []
    for names, trials in ratings.groupby([*abx.PAIR, "listener"], sort=False, observed=True):
        e = e_process(trials["rating"], chance=chance)
        head = dict(zip([*abx.PAIR, "listener"], names, strict=True))
        found.append(pd.DataFrame({**head, "trial": np.arange(1, len(e) + 1), "e": e}))
    return pd.concat(found, ignore_index=True)


def evidence_paths(ratings: pd.DataFrame, *, chance: float = abx.CHANCE) -> Figure:
    """Each listener's evidence that they do not guess, after every trial: who reaches 20 hears it."""
    table = path_table(ratings, chance=chance)
    pairs = table.groupby(abx.PAIR, sort=False, observed=True)
    figure, panels = _panels(pairs.ngroups, 3.6)
    many = table["listener"].nunique() > MOST_NAMED
    for axes, (names, of_pair) in zip(panels, pairs, strict=False):
        for place, (listener, path) in enumerate(of_pair.groupby("listener", sort=False)):
            heard = bool((path["e"] >= EVIDENCE).any())
            colour = (COLOURS[0] if heard else MUTED) if many else COLOURS[place % len(COLOURS)]
            axes.plot(
                path["trial"], path["e"], color=colour, lw=1.3, alpha=0.8, label=str(listener)
            )
        axes.axhline(EVIDENCE, color=ALERT, lw=1)
        axes.axhline(1, color=INK, lw=1, ls="--")
        axes.set_yscale("log")
        axes.set_xlabel("trial")
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
        axes.set_title(wrapped(f"{names[0]} against {names[1]}", 34), loc="left", fontsize=9)
    panels[0].set_ylabel("evidence E (log)")
    if not many:
        panels[len(pairs) - 1].legend(
            frameon=False, fontsize=8, loc="upper left", bbox_to_anchor=(1, 1)
        )
    heading(figure, "Evidence while trials came in")
    figure.supxlabel(
        f"E: Bayes factor against guessing; {EVIDENCE:g} or more (line): heard,\n"
        f"false alarms at most 5 % whenever one looks{'; blue: reached it' if many else ''}",
        fontsize=8.5,
        color=MUTED,
    )
    return stamped(figure, ratings)


def preference_graph(pairs: pd.DataFrame, rows: pd.DataFrame) -> Figure:
    """Who is preferred to whom: an arrow from the one less often chosen to the other, as wide as the share is far from
    one half; grey where Holm's p leaves it open.

    `pairs` as `preference.pairs` gives them; `rows` say whether listeners were simulated. Raises `AnalysisError` for no
    pair, or more systems than a circle shows.
    """
    names = sorted({*pairs["a"], *pairs["b"]})
    if not 2 <= len(names) <= MOST_SYSTEMS:
        raise AnalysisError(
            f"preference graph: expected 2 to {MOST_SYSTEMS} systems, found {len(names)}"
        )
    figure, axes = canvas(6.4, 5.6)
    angles = np.pi / 2 - 2 * np.pi * np.arange(len(names)) / len(names)
    place = {name: (np.cos(a), np.sin(a)) for name, a in zip(names, angles, strict=True)}
    for row in pairs.to_dict("records"):
        share = row["proportion_a"]
        if not np.isfinite(share):
            continue
        better, worse = (row["a"], row["b"]) if share >= 0.5 else (row["b"], row["a"])
        sure = row["p_holm"] < abx.SIGNIFICANCE
        arrow = FancyArrowPatch(
            place[worse],
            place[better],
            arrowstyle="-|>" if share != 0.5 else "-",
            mutation_scale=14,
            lw=0.8 + 7 * abs(share - 0.5),
            color=COLOURS[0] if sure else "#b5b5b5",
            shrinkA=26,
            shrinkB=26,
            zorder=1,
        )
        axes.add_patch(arrow)
        (x0, y0), (x1, y1) = place[worse], place[better]
        axes.text(
            x0 + 0.6 * (x1 - x0),
            y0 + 0.6 * (y1 - y0),
            f"{max(share, 1 - share):.0%}",
            ha="center",
            va="center",
            fontsize=8,
            bbox={"boxstyle": "round,pad=0.15", "fc": "white", "ec": "none"},
            zorder=2,
        )
    for name, (x, y) in place.items():
        axes.text(
            x,
            y,
            wrapped(name, 14),
            ha="center",
            va="center",
            fontsize=9,
            bbox={"boxstyle": "round,pad=0.5", "fc": "white", "ec": INK, "lw": 1.2},
            zorder=3,
        )
    axes.set_xlim(-1.45, 1.45)
    axes.set_ylim(-1.3, 1.3)
    axes.set_axis_off()
    headline(
        axes,
        "Who is preferred to whom",
        "arrow: to the more often chosen, with its share of decided choices; blue: p < .05 (binomial, Holm)",
    )
    return stamped(figure, rows)


def strength_forest(fit: Strengths, rows: pd.DataFrame) -> Figure:
    """Strengths of the systems on one scale, centred, with 95 % intervals (Wald) from the
    errors of the model, which takes comparisons for independent."""
    table = strength_table(fit).sort_values("centred")
    figure, axes = canvas(7.0, 1.7 + 0.42 * len(table))
    places = np.arange(len(table))
    axes.errorbar(
        table["centred"],
        places,
        xerr=np.nan_to_num(
            [table["centred"] - table["ci_low"], table["ci_high"] - table["centred"]]
        ),
        fmt="o",
        ms=5.5,
        capsize=4,
        lw=1.5,
        color=COLOURS[0],
    )
    axes.axvline(0, color=INK, lw=1, ls="--")
    axes.set_yticks(places, [wrapped(name, 24) for name in table["system"]])
    axes.set_ylim(-0.6, len(table) - 0.4)
    axes.set_xlabel("strength (log odds, centred)")
    plain_axes(axes, grid="x")
    axes.yaxis.grid(visible=False)
    headline(
        axes,
        "Strengths on one scale",
        f"{fit.model.partition(',')[0]}; 95 % intervals (Wald), {fit.n} comparisons of {fit.n_listeners} listeners",
    )
    return stamped(figure, rows)


def category_forest(pairs: pd.DataFrame, rows: pd.DataFrame) -> Figure:
    """How the second of every pair compares with the first (`preference.category_means`), with its 95 % t interval over
    listener means."""
    figure, axes = canvas(7.0, 1.7 + 0.42 * len(pairs))
    places = np.arange(len(pairs))[::-1]
    ends = [pairs["cmos"] - pairs["ci_low"], pairs["ci_high"] - pairs["cmos"]]
    axes.errorbar(
        pairs["cmos"],
        places,
        xerr=np.nan_to_num(ends),
        fmt="o",
        ms=5.5,
        capsize=4,
        lw=1.5,
        color=COLOURS[0],
    )
    axes.axvline(0, color=INK, lw=1, ls="--")
    names = pairs["b"] + " against " + pairs["a"]
    axes.set_yticks(places, [wrapped(name, 40) for name in names])
    axes.set_ylim(-0.6, len(pairs) - 0.4)
    axes.set_xlim(-3.1, 3.1)
    axes.set_xlabel("comparison (−3 much worse … 3 much better)")
    plain_axes(axes, grid="x")
    axes.yaxis.grid(visible=False)
    headline(
        axes,
        "Comparison mean opinions",
        "mean of listener means, 95 % t interval; the order of presentation is turned back",
    )
    return stamped(figure, rows)


def strength_table(fit: Strengths) -> pd.DataFrame:
    """system, centred, se, ci_low, ci_high: the interval by the model's own error of the centred strength."""
    half = stats.norm.ppf(0.975) * fit.systems["centred_se"]
    table = fit.systems[["system", "centred"]].assign(se=fit.systems["centred_se"])
    return table.assign(ci_low=table["centred"] - half, ci_high=table["centred"] + half)


def _panels(count: int, width: float) -> tuple[Figure, np.ndarray]:
    columns = min(COLUMNS, count)
    lines = -(-count // columns)
    figure = Figure(figsize=(max(5.8, width * columns), 1.3 + 3.0 * lines), layout="constrained")
    panels = figure.subplots(lines, columns, sharex=True, sharey=True, squeeze=False).ravel()
    for axes in panels[:count]:
        plain_axes(axes)
    for axes in panels[count:]:
        axes.set_visible(False)
    return figure, panels
