"""Figures of a search: how it went, its finalists over their seeds, the front of its objectives, what matters.

Each takes what `search_tables.told` says of a search.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter, StrMethodFormatter

from listening.drawing import ALERT, COLOURS, GRID, INK, MUTED, canvas, plain_axes
from listening.understanding import Picture

Told = dict[str, Any]
UNITS = {
    "quality": "quality figure (the smaller the better)",
    "cost": "cost (s of computing per s of sound)",
    "interpretability": "share that can be read (1 = all)",
    "parts": "blocks and networks",
}


def pictures(told: Told) -> dict[str, Picture]:
    """The figures that there are rows for, by name."""
    drawn: dict[str, Picture] = {}
    done = [one for one in explored(told) if one["quality"] is not None]
    if done:
        best = min(done, key=lambda one: one["quality"])
        drawn["history"] = Picture(
            alt=f"Quality by trial: {len(done)} trials, the best is number {best['number']} at {best['quality']:.3g}",
            caption=f"{measure(told)} of every configuration, and the best so far. Hollow: given up, at what it had "
            "reached. The dashed line is the recipe as written.",
            draw=partial(history, told),
        )
    result = told["result"]
    if not result:
        return drawn
    if result["finalists"]:
        said = "; ".join(
            f"{row['configuration']}: {row['mean']:.3g}" for row in result["finalists"]
        )
        drawn["finalists"] = Picture(
            alt=f"Means over seeds by configuration: {said}",
            caption="Each finalist with each of the confirming seeds, and the mean with its own 95 % interval. "
            "Configuration 0 is the recipe as written; one colour is one seed.",
            draw=partial(finalists, told),
        )
    others = [name for name in told["plan"]["objectives"] if name != "quality"]
    if others and result["front"]:
        drawn["front"] = Picture(
            alt=f"Quality against {', '.join(others)}: {len(result['front'])} configurations are on the front",
            caption="Configurations that no other one matches in every objective and beats in one are filled.",
            draw=partial(front, told),
        )
    shares = result["importance"]["shares"]
    if shares:
        said = ", ".join(f"{row['module']} {row['total']:.2f}" for row in shares)
        drawn["importance"] = Picture(
            alt=f"Share of the variance of quality by module: {said}",
            caption="Share of the variance of quality over the whole space that hangs on each module, with its 95 % "
            f"interval over redrawn trials (n {result['importance']['n']}); dark: on the module alone.",
            draw=partial(importance, told),
        )
    return drawn


def explored(told: Told) -> list[Told]:
    """The trials that explore, with their quality at the end or where they were given up."""
    return [
        {**one, "quality": _quality(one)}
        for one in told["trials"]
        if one["number"] == one["configuration"]
    ]


def measure(told: Told) -> str:
    return {
        "esr": "Error-to-signal ratio",
        "erb": "Deviation by ERB band (dB)",
        "response": "Deviation of the response (dB)",
        "spectral": "Distance of spectrograms",
    }[told["measure"]]


def history(told: Told) -> Figure:
    """Quality by trial, on a logarithmic scale."""
    rows = [one for one in explored(told) if one["quality"] is not None]
    figure, axes = canvas(6.8, 3.4)
    numbers = np.array([one["number"] for one in rows])
    values = np.array([one["quality"] for one in rows])
    pruned = np.array([one["state"] == "pruned" for one in rows])
    done = np.array([one["state"] == "done" for one in rows])
    axes.plot(numbers[done], values[done], "o", color=COLOURS[0], ms=5, label="trained to the end")
    if pruned.any():
        at = (numbers[pruned], values[pruned])
        axes.plot(*at, "o", mfc="white", mec=MUTED, ms=5, label="given up")
    if done.any():
        best = np.minimum.accumulate(values[done])
        axes.step(numbers[done], best, where="post", color=COLOURS[0], lw=1.4, label="best so far")
    if rows[0]["number"] == 0 and done[0]:
        axes.axhline(values[0], color=INK, lw=1, ls="--", label="as written")
    _logarithmic(axes, values.min())
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel("trial")
    axes.set_ylabel(measure(told))
    axes.legend(frameon=False, fontsize=8.5)
    return figure


def finalists(told: Told) -> Figure:
    """Each finalist's quality by seed, and means with intervals."""
    rows = told["result"]["finalists"][::-1]
    figure, axes = canvas(6.8, 1.2 + 0.5 * len(rows))
    seeds = told["result"]["seeds"]
    for place, row in enumerate(rows):
        for trial in told["trials"]:
            if trial["configuration"] == row["configuration"] and trial["seed"] in seeds:
                value = trial["values"].get("quality")
                if value is not None:
                    colour = COLOURS[seeds.index(trial["seed"]) % len(COLOURS)]
                    axes.plot(value, place - 0.18, "o", color=colour, ms=4.5)
        if row["low"] is not None:
            axes.plot([row["low"], row["high"]], [place + 0.12] * 2, color=INK, lw=1.6)
        axes.plot(row["mean"], place + 0.12, "D", color=INK, ms=5.5)
    names = [_name(row["configuration"]) for row in rows]
    axes.set_yticks(range(len(rows)), names)
    axes.set_ylim(-0.5, len(rows) - 0.5)
    plain_axes(axes, grid="x")
    axes.set_xlabel(measure(told))
    return figure


def front(told: Told) -> Figure:
    """Quality against each other objective, a panel for each."""
    others = [name for name in told["plan"]["objectives"] if name != "quality"]
    figure = Figure(figsize=(max(5.2, 3.6 * len(others)), 3.6), layout="constrained")
    panels = np.atleast_1d(figure.subplots(1, len(others), sharey=True))
    rows = [one for one in explored(told) if one["state"] == "done"]
    for name, axes in zip(others, panels, strict=True):
        _panel(axes, rows, name, set(told["result"]["front"]))
        plain_axes(axes)
        axes.grid(axis="x", color=GRID, lw=0.8)
    panels[0].set_ylabel(measure(told))
    return figure


def _panel(axes: Axes, rows: list[Told], name: str, best: set[int]) -> None:
    for one in rows:
        if name not in one["values"]:
            continue
        on = one["number"] in best
        colour = ALERT if one["number"] == 0 else COLOURS[0]
        at = (one["values"][name], one["quality"])
        axes.plot(*at, "o", mfc=colour if on else "white", mec=colour if on else MUTED, ms=6)
    low, high = axes.get_xlim()
    for one in rows:
        if name in one["values"] and one["number"] in best:
            # inwards, so that no name leaves its panel
            right = one["values"][name] > (low + high) / 2
            axes.annotate(
                _name(one["number"]),
                (one["values"][name], one["quality"]),
                textcoords="offset points",
                xytext=(-7 if right else 7, 3),
                ha="right" if right else "left",
                fontsize=8,
            )
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=name == "parts"))
    axes.set_xlabel(UNITS[name])
    _logarithmic(axes, min((one["quality"] for one in rows), default=0))


def _logarithmic(axes: Axes, least: float) -> None:
    """Quality upright by its ratios, where there are any, in plain numbers."""
    if least > 0:
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 3, 5)))
        axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
        axes.yaxis.set_minor_formatter(NullFormatter())


def importance(told: Told) -> Figure:
    """Shares of the variance of quality by module."""
    rows = told["result"]["importance"]["shares"][::-1]
    figure, axes = canvas(6.4, 1.0 + 0.42 * len(rows))
    places = np.arange(len(rows))
    axes.barh(places, [row["total"] for row in rows], color=COLOURS[4], height=0.6, label="total")
    axes.barh(places, [row["alone"] for row in rows], color=COLOURS[0], height=0.3, label="alone")
    for place, row in zip(places, rows, strict=True):
        axes.plot([row["low"], row["high"]], [place, place], color=INK, lw=1.6)
    axes.set_yticks(places, [row["module"] for row in rows])
    axes.set_xlim(0, max(1.0, *(row["high"] for row in rows)))
    plain_axes(axes, grid="x")
    axes.set_xlabel("share of the variance of quality")
    axes.legend(frameon=False, fontsize=8.5, loc="lower right")
    return figure


def _name(configuration: int) -> str:
    return "0, as written" if configuration == 0 else str(configuration)


def _quality(one: Told) -> float | None:
    found = one["values"].get("quality")
    if found is None and one["history"]:
        found = one["history"][-1][1]
    return found
