"""The figures of an ablation: whose share is how large, what changes without a part, what two parts do together, and
what listeners said.

Each takes an ablation as its study keeps it (see ablating.py, ablation_campaigns.py). Intervals are 95 %.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import TwoSlopeNorm
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from listening.drawing import COLOURS, GRID, INK, MARKERS, MUTED, canvas, plain_axes, stamped
from listening.explanation_figures import PARTS
from metrics import catalogue

Found = dict[str, Any]
TREATMENTS = ("removed", "default", "linear")
# beyond this a matrix has no room for its numbers
MOST_NUMBERS = 12


def shares(found: Found) -> Figure:
    """Each part's Shapley share of what the chain does, with its interval over the clips."""
    figure, axes = canvas(6.4, 0.9 + 0.34 * len(found["shares"]))
    _shares(axes, found)
    return figure


def _shares(axes: Axes, found: Found) -> None:
    rows = found["shares"][::-1]
    values = np.array([row["share"] for row in rows])
    axes.barh(np.arange(len(rows)), values, color=COLOURS[0], height=0.6)
    for place, row in enumerate(rows):
        _interval(axes, place, row["low"], row["high"], INK)
    axes.axvline(0, color=INK, lw=0.8)
    _named(axes, [row["part"] for row in rows])
    axes.set_xlabel("share of what the chain does (their sum is 1)")


def _interval(axes: Axes, place: float, low: float | None, high: float | None, colour: str) -> None:
    if low is not None and high is not None:
        axes.plot([low, high], [place, place], color=colour, lw=1.6)


def _named(axes: Axes, names: Sequence[str]) -> None:
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(-0.6, len(names) - 0.4)
    axes.grid(axis="y", visible=False)
    axes.grid(axis="x", color=GRID, lw=0.8)


def parts_of(found: Found) -> list[str]:
    """The parts, the largest share first."""
    return [row["part"] for row in found["shares"]]


def alone(found: Found) -> list[Found]:
    """The effects of one part each."""
    return [row for row in found["effects"] if len(row["parts"]) == 1]


def effects(found: Found) -> Figure:
    """The difference from the whole, by part and treatment."""
    parts = parts_of(found)[::-1]
    figure, axes = canvas(6.8, 1.1 + 0.46 * len(parts))
    for number, treatment in enumerate(TREATMENTS):
        rows = [row for row in alone(found) if row["treatment"] == treatment]
        rows = [row for row in rows if row["difference_db"] is not None]
        if not rows:
            continue
        places = [parts.index(row["parts"][0]) + 0.2 * (1 - number) for row in rows]
        axes.plot(
            [row["difference_db"] for row in rows],
            places,
            MARKERS[number],
            color=COLOURS[number],
            ms=6,
            label=treatment,
        )
        for place, row in zip(places, rows, strict=True):
            _interval(axes, place, row.get("low_db"), row.get("high_db"), COLOURS[number])
    _named(axes, parts)
    axes.set_xlabel("difference (dB of the whole output’s energy)")
    axes.legend(frameon=False, fontsize=8.5, loc="upper left", bbox_to_anchor=(1, 1))
    return figure


def losses(found: Found) -> Figure:
    """How far the recipe's measure rises without a part, by treatment; what falls is better without."""
    parts = parts_of(found)[::-1]
    figure, axes = canvas(6.8, 1.1 + 0.46 * len(parts))
    for number, treatment in enumerate(TREATMENTS):
        rows = [row for row in alone(found) if row["treatment"] == treatment]
        axes.plot(
            [row["loss"] for row in rows],
            [parts.index(row["parts"][0]) + 0.2 * (1 - number) for row in rows],
            MARKERS[number],
            color=COLOURS[number],
            ms=6,
            ls="none",
            label=treatment,
        )
    sizes = [abs(row["loss"]) for row in alone(found) if row["loss"]]
    if sizes and max(sizes) > 10 * min(sizes):
        # to either side of what changes the least by powers of ten, so that a small fall is seen beside a large rise
        least = 10 ** max(np.floor(np.log10(min(sizes))), np.floor(np.log10(max(sizes))) - 4)
        axes.set_xscale("symlog", linthresh=least)
        axes.xaxis.set_minor_formatter(NullFormatter())
    axes.axvline(0, color=INK, lw=0.8)
    _named(axes, parts)
    axes.set_xlabel(f"rise of {found['measure']} (below 0: better without)")
    axes.legend(frameon=False, fontsize=8.5, loc="upper left", bbox_to_anchor=(1, 1))
    return figure


def heard_metrics(found: Found) -> list[str]:
    """The metrics that could be computed for some part that was removed."""
    removed = [row for row in alone(found) if row["treatment"] == "removed"]
    names = list(removed[0].get("metrics", ())) if removed else []
    return [
        name for name in names if any(row["metrics"][name]["mean"] is not None for row in removed)
    ]


def with_unit(name: str) -> str:
    """A metric's name, with its unit where it has one."""
    try:
        unit = catalogue.get(name).unit
    except catalogue.UnknownMetric:
        return name
    return f"{name} ({unit})" if unit not in ("", "1") else name


def metrics(found: Found) -> Figure:
    """What listeners' models say of the output without each part, held against the whole's."""
    names, parts = heard_metrics(found), parts_of(found)[::-1]
    figure = Figure(figsize=(2.2 + 2.6 * len(names), 1.1 + 0.34 * len(parts)), layout="constrained")
    panels = figure.subplots(1, len(names), squeeze=False, sharey=True)[0]
    for axes, name, colour in zip(panels, names, cycle(COLOURS), strict=False):
        plain_axes(axes)
        for row in alone(found):
            one = row["metrics"][name]
            if row["treatment"] == "removed" and one["mean"] is not None:
                place = parts.index(row["parts"][0])
                axes.plot(one["mean"], place, "o", color=colour, ms=6)
                _interval(axes, place, one.get("low"), one.get("high"), colour)
        _named(axes, parts)
        axes.set_xlabel(with_unit(name))
    return figure


def joint(found: Found) -> tuple[str, dict[frozenset[str], float]]:
    """What removing two parts costs beyond what both cost alone, by pair, and in which figure: the recipe's measure
    where it is known, else the spectral distance. Below 0 they do one thing together; above 0 each stands in for the
    other."""
    known = all(row["loss"] is not None for row in found["effects"])
    key = "loss" if known else "spectral"
    single = {row["parts"][0]: row[key] for row in alone(found) if row["treatment"] == "removed"}
    return found["measure"] if known else "spectral distance", {
        frozenset(row["parts"]): row[key] - sum(single[part] for part in row["parts"])
        for row in found["effects"]
        if len(row["parts"]) == 2
    }


def pairs(found: Found) -> Figure:
    """The matrix of what two parts do only together."""
    name, table = joint(found)
    parts = parts_of(found)
    n = len(parts)
    values = np.full((n, n), np.nan)
    for i, a in enumerate(parts):
        for j, b in enumerate(parts):
            values[i, j] = table.get(frozenset((a, b)), np.nan) if a != b else np.nan
    most = float(np.nanmax(np.abs(values))) or 1.0
    size = 2.6 + 0.55 * n
    figure = Figure(figsize=(size + 0.8, size - 0.6), layout="constrained")
    axes = figure.subplots()
    drawn = axes.imshow(values, cmap=PARTS, norm=TwoSlopeNorm(0, -most, most))
    figure.colorbar(drawn, ax=axes, shrink=0.8, label=f"{name} beyond the sum of both")
    axes.set_xticks(range(n), parts, rotation=45, ha="right", fontsize=8.5)
    axes.set_yticks(range(n), parts, fontsize=8.5)
    axes.tick_params(colors=INK)
    if n <= MOST_NUMBERS:
        for i, j in np.argwhere(np.isfinite(values)):
            said = f"{values[i, j]:.2g}".replace("-", "−")
            # the ends of the colours are dark
            colour = "white" if abs(values[i, j]) > 0.6 * most else INK
            axes.text(j, i, said, ha="center", va="center", fontsize=7.5, color=colour)
    return figure


def retrained(found: Found) -> Figure:
    """The recipe's measure with each part removed from the trained model, and trained without it from the start."""
    rows = found["retrained"][::-1]
    figure, axes = canvas(6.8, 1.2 + 0.36 * len(rows))
    taken = {row["parts"][0]: row["loss"] for row in alone(found) if row["treatment"] == "removed"}
    whole = rows[0]["whole"]
    for place, row in enumerate(rows):
        named = place == 0
        axes.plot(
            row["without"], place, "o", color=COLOURS[0], label="trained without it" * named or None
        )
        loss = taken.get(row["part"])
        if whole is not None and loss is not None:
            words = "taken away afterwards" * named or None
            axes.plot(whole + loss, place, "s", color=COLOURS[1], label=words)
            axes.plot([row["without"], whole + loss], [place, place], color=MUTED, lw=1, zorder=0)
    if whole is not None:
        axes.axvline(whole, color=INK, lw=1, ls="--", label="the whole model")
    _named(axes, [row["part"] for row in rows])
    axes.set_xlabel(f"{found['measure']} on the test clips")
    axes.legend(frameon=False, fontsize=8.5, loc="upper left", bbox_to_anchor=(1, 1))
    return figure


def ratings(found: Found, number: int) -> Figure:
    """The shares beside what listeners of one campaign said of each part."""
    campaign = found["ratings"][number]
    said = {row["part"]: row for row in campaign["parts"]}
    parts = parts_of(found)[::-1]
    figure = Figure(figsize=(8.6, 1.3 + 0.34 * len(parts)), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    plain_axes(left)
    plain_axes(right)
    _shares(left, found)
    left.set_xlabel("share of what the chain does")
    for place, part in enumerate(parts):
        row = said.get(part)
        if row and row["value"] is not None:
            right.plot(row["value"], place, "o", color=COLOURS[1], ms=6)
            _interval(right, place, row["low"], row["high"], COLOURS[1])
    right.axvline(0 if campaign["graded"] else 0.5, color=INK, lw=0.8)
    _named(right, parts)
    right.set_xlabel(campaign["axis"])
    listened = [True] * campaign["simulated"]
    listened += [False] * (campaign["listeners"] - campaign["simulated"])
    return stamped(figure, pd.DataFrame({"simulated": listened}))
