"""Figures of adapters under the lamp: shares of variance, authority used, what devices do, and what leaks.

Each takes the study's answer (see `listening.lamp`); made without pyplot, as all figures of the house.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import cycle
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, NullFormatter, PercentFormatter

from listening.analysis.plain import figures
from listening.chain_figures import STYLES
from listening.drawing import COLOURS, GRID, INK, MUTED, canvas, plain_axes

Found = Mapping[str, Any]


def shares(adapter: Found) -> Figure:
    """The share of variance that goes with each factor, in the hidden units and in what the adapter says."""
    rows = [row for row in adapter["held"]["shares"] if not row["problem"]][::-1]
    figure, axes = canvas(6.4, 1.2 + 0.34 * len(rows))
    for place, row in enumerate(rows):
        colour = COLOURS[0] if row["of"] == "hidden units" else COLOURS[1]
        axes.barh(place, row["share"], color=colour, height=0.6)
        axes.plot([row["low"], row["high"]], [place, place], color=INK, lw=1.6)
    axes.axvline(0, color=INK, lw=0.8)
    axes.set_yticks(range(len(rows)), [f"{row['factor']}: {row['of']}" for row in rows])
    axes.xaxis.set_major_formatter(PercentFormatter(1.0))
    axes.set_xlim(min(0, *(row["low"] for row in rows)) - 0.02, 1)
    axes.grid(axis="y", visible=False)
    axes.grid(axis="x", color=GRID, lw=0.8)
    axes.set_xlabel("share of variance (ε²), 95 % interval")
    axes.set_title(
        f"{adapter['name']} ({adapter['kind']}): what goes with what",
        loc="left",
        fontsize=10,
        fontweight="bold",
    )
    return figure


def authority(found: Found) -> Figure:
    """How far every parameter is moved, in parts of what its adapter may move it."""
    rows = found["authority"][::-1]
    figure, axes = canvas(7.2, 1.3 + 0.42 * len(rows))
    for place, row in enumerate(rows):
        span = row["high"] - row["low"] or 1.0
        low, middle, high = ((one - row["low"]) / span for one in row["percentiles"])
        axes.barh(place, 1, color=GRID, height=0.62)
        axes.barh(place, high - low, left=low, color=COLOURS[0], height=0.34)
        axes.plot([middle, middle], [place - 0.28, place + 0.28], color=INK, lw=2)
    names = [
        f"{row['path']}\n{figures(row['low'], 3)} … {figures(row['high'], 3)} {row['unit']}".strip()
        for row in rows
    ]
    axes.set_yticks(range(len(rows)), names, fontsize=8)
    axes.set_xlim(0, 1)
    axes.xaxis.set_major_formatter(PercentFormatter(1.0))
    axes.grid(axis="y", visible=False)
    axes.set_xlabel(
        "place between the ends that the adapter may reach: 5th to 95th percentile, median"
    )
    axes.set_title("Authority used", loc="left", fontsize=10, fontweight="bold")
    return figure


def responses(found: Found, block: str) -> Figure:
    """What a linear block does under each condition."""
    figure, axes = canvas(6.4, 3.6)
    for one, colour, style in zip(found["conditions"], cycle(COLOURS), cycle(STYLES), strict=False):
        axes.plot(
            found["grid"],
            one["responses"][block],
            color=colour,
            ls=style,
            lw=1.5,
            label=one["condition"],
        )
    axes.axhline(0, color=MUTED, lw=0.8)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(EngFormatter(sep=""))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.grid(axis="x", color=GRID, lw=0.8)
    axes.set_xlabel("frequency (Hz)")
    axes.set_ylabel("gain (dB)")
    axes.legend(frameon=False, fontsize=8, ncols=2)
    axes.set_title(f"{block}: response by device", loc="left", fontsize=10, fontweight="bold")
    return figure


def distances(found: Found, block: str) -> Figure:
    """How far the devices are from each other, dB."""
    values = np.array(found["distances"][block])
    names = [one["condition"] for one in found["conditions"]]
    side = max(3.4, 1.6 + 0.45 * len(names))
    figure = Figure(figsize=(side + 1.2, side), layout="constrained")
    axes = figure.subplots()
    drawn = axes.imshow(values, cmap="viridis", vmin=0)
    axes.set_xticks(range(len(names)), names, rotation=45, ha="right", fontsize=8)
    axes.set_yticks(range(len(names)), names, fontsize=8)
    if len(names) <= 10:
        middle = values.max() / 2
        for (row, column), value in np.ndenumerate(values):
            colour = "white" if value < middle else INK
            axes.text(
                column, row, f"{value:.1f}", ha="center", va="center", fontsize=8, color=colour
            )
    figure.colorbar(drawn, ax=axes, pad=0.02).set_label(
        "dB, root mean square over Cams", fontsize=8
    )
    axes.set_title(f"{block}: device to device", loc="left", fontsize=10, fontweight="bold")
    return figure


def leak(found: Found) -> Figure:
    """How often content and device are read from embeddings learned anew, and how far each moves the response."""
    rows = [found["leak"]["content"], found["leak"]["device"]]
    figure = Figure(figsize=(8.4, 2.8), layout="constrained")
    left, right = figure.subplots(1, 2)
    for axes in (left, right):
        plain_axes(axes, grid="x")
    for place, row in enumerate(rows):
        ends = [[row["accuracy"] - row["low"]], [row["high"] - row["accuracy"]]]
        left.errorbar(
            row["accuracy"], place, xerr=ends, fmt="o", ms=7, color=COLOURS[place], capsize=4
        )
        left.plot([row["chance"]] * 2, [place - 0.3, place + 0.3], color=INK, lw=1.4, ls="--")
    left.set_yticks([0, 1], ["what was\nplayed", "the device"])
    left.set_ylim(-0.6, 1.6)
    left.set_xlim(0, 1.04)
    left.xaxis.set_major_formatter(PercentFormatter(1.0))
    left.set_xlabel("read rightly; dashed: chance")
    left.set_title("Read from the embedding", loc="left", fontsize=10, fontweight="bold")
    spans = [found["leak"]["by_content"], found["leak"]["by_device"]]
    if None in spans:
        right.set_axis_off()
        return figure
    right.barh([0, 1], spans, color=COLOURS[:2], height=0.5)
    for place, value in enumerate(spans):
        right.annotate(
            f"{value:.2f} dB",
            (value, place),
            (4, 0),
            textcoords="offset points",
            va="center",
            fontsize=8.5,
        )
    right.set_yticks([0, 1], ["", ""])
    right.set_ylim(-0.6, 1.6)
    right.set_xlim(0, 1.25 * max(spans))
    right.set_xlabel("response moved (dB, root mean square)")
    right.set_title("What that comes to", loc="left", fontsize=10, fontweight="bold")
    return figure
