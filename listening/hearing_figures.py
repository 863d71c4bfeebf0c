"""Figures of how far a version agrees with hearing, from what a study of it found.

Made without pyplot (see `listening.drawing`). Frequencies are in Hz on the ERB-rate scale, so that what is even to the
ear is even on paper; levels in dB SPL.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import cycle
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter
from numpy.typing import ArrayLike, NDArray

from listening.drawing import COLOURS, GRID, INK, MARKERS, MUTED, canvas

Row = Mapping[str, Any]

TICKS = (100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000)
BESIDE: Mapping[str, Any] = {
    "xytext": (6, 0),
    "textcoords": "offset points",
    "va": "center",
    "fontsize": 8,
}
STYLES = ("-", "--", "-.", ":")


def cams(frequency: ArrayLike) -> NDArray[np.float64]:
    """Places on the ERB-rate scale (Glasberg, Moore, 1990)."""
    return 21.4 * np.log10(1 + 0.00437 * np.asarray(frequency, dtype=np.float64))


def layouts(rows: Sequence[Row]) -> Figure:
    """Where the bands of each part lie, above bands one ERB apart."""
    figure, axes = canvas(6.4, 1.3 + 0.42 * len(rows))
    inside = [cams(row["centres"]) for row in rows]
    low, high = min(one.min() for one in inside), max(one.max() for one in inside)
    places = [np.arange(np.ceil(low), high + 0.5), *inside]
    names = ["the ear, every ERB", *(str(row["part"]) for row in rows)]
    colours = [MUTED, *(colour for _, colour in zip(rows, cycle(COLOURS), strict=False))]
    heights = np.arange(len(names))[::-1]
    for height, at, colour in zip(heights, places, colours, strict=True):
        axes.eventplot(at, lineoffsets=height, linelengths=0.6, colors=colour, linewidths=1.4)
    axes.set_yticks(heights, names)
    axes.grid(axis="y", visible=False)
    _frequencies(axes, (low - 0.5, high + 0.5))
    return figure


def masked_error(found: Row) -> Figure:
    """Mean level of the error and of the masked threshold, by band."""
    figure, axes = canvas(6.4, 3.4)
    at = cams(found["centres"])
    error, threshold = (np.array(found[key]) for key in ("error_level", "threshold_level"))
    axes.plot(at, threshold, color=INK, lw=1.6, ls="--", label="masked threshold")
    axes.plot(at, error, color=COLOURS[0], lw=1.8, label="error")
    if (above := error > threshold).any():
        axes.fill_between(
            at, threshold, error, where=above, color=COLOURS[1], alpha=0.35, lw=0, label="above it"
        )
    axes.set_ylabel("mean level (dB SPL)")
    # bands without any error are below the picture
    top = max(error.max(), threshold.max())
    axes.set_ylim(max(min(error.min(), threshold.min()), top - 90) - 3, top + 5)
    axes.legend(frameon=False, fontsize=8.5)
    _frequencies(axes, (at[0], at[-1]))
    return figure


def similarities(rows: Sequence[Row]) -> Figure:
    """How alike features are to the ear's patterns, with intervals, beside what they would be by chance."""
    figure, axes = canvas(6.4, 1.2 + 0.4 * len(rows))
    heights = np.arange(len(rows))[::-1]
    for height, row in zip(heights, rows, strict=True):
        axes.barh(
            height, row["null_high"] - min(0, row["null_mean"]), left=min(0, row["null_mean"]),
            height=0.5, color=GRID, label="95 % of shifted in time" if height == 0 else None,
        )  # fmt: skip
        axes.plot([row["low"], row["high"]], [height, height], color=COLOURS[0], lw=1.8)
        axes.plot(row["value"], height, MARKERS[0], color=COLOURS[0], ms=6)
    axes.set_yticks(heights, [f"{row['part']}, {row['pattern']}" for row in rows])
    axes.set_xlim(min(0.0, *(row["low"] for row in rows)) - 0.02, 1.02)
    axes.axvline(0, color=INK, lw=0.8)
    axes.set_xlabel("alignment with the ear’s pattern (debiased linear CKA)")
    axes.grid(axis="y", visible=False)
    axes.grid(axis="x", color=GRID, lw=0.8)
    figure.legend(loc="outside lower center", frameon=False, fontsize=8.5)
    return figure


def thresholds(listeners: Sequence[Row]) -> Figure:
    """Just-noticeable differences over those of people, by task and listener."""
    titles = [row["title"] for row in listeners[0]["thresholds"]]
    figure, axes = canvas(7.2, 1.6 + 0.42 * len(titles))
    heights = np.arange(len(titles))[::-1]
    spread = np.linspace(0.22, -0.22, len(listeners)) if len(listeners) > 1 else np.zeros(1)
    looks = zip(cycle([INK, *COLOURS]), cycle(MARKERS))
    for listener, up, (colour, marker) in zip(listeners, spread, looks, strict=False):
        shown = False
        for height, row in zip(heights, listener["thresholds"], strict=True):
            if row["ratio"] is None:
                continue
            label = None if shown else listener["name"]
            axes.plot(row["ratio"], height + up, marker, color=colour, ms=5, label=label)
            if row["at_most"]:
                axes.annotate("or less", (row["ratio"], height + up), **BESIDE, color=colour)
            else:
                scale = row["ratio"] / row["value"]
                ends = [scale * row["low"], scale * row["high"]]
                axes.plot(ends, [height + up] * 2, color=colour, lw=1.6)
            shown = True
    for height, row in zip(heights, listeners[0]["thresholds"], strict=True):
        low, high = row["human"]
        middle = np.sqrt(low * high)
        ends = [low / middle, high / middle]
        axes.plot(ends, [height] * 2, color=MUTED, lw=9, alpha=0.3, solid_capstyle="butt")
    axes.axvline(1, color=MUTED, lw=1, ls="--")
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_yticks(heights, titles)
    axes.set_ylim(-0.6, len(titles) - 0.4)
    axes.set_xlabel("just-noticeable difference over people’s (1: as sharp as people)")
    axes.grid(axis="y", visible=False)
    axes.grid(axis="x", color=GRID, lw=0.8)
    figure.legend(loc="outside lower center", ncols=2, frameon=False, fontsize=8.5)
    return figure


def masking_curves(listeners: Sequence[Row], textbook: Row) -> Figure:
    """The level at which a tone is told beside a band of noise, by the tone's frequency."""
    figure, axes = canvas(6.4, 3.8)
    at = cams(textbook["frequencies"])
    axes.plot(at, textbook["levels"], color=MUTED, lw=5, alpha=0.5, label="textbook")
    looks = zip(cycle([INK, *COLOURS]), cycle(STYLES), cycle(MARKERS))
    for listener, (colour, style, marker) in zip(listeners, looks, strict=False):
        curve = listener["curve"]
        levels = [np.nan if one is None else one for one in curve["levels"]]
        look: dict[str, Any] = {"marker": marker, "color": colour, "ls": style, "lw": 1.5, "ms": 4}
        axes.plot(cams(curve["frequencies"]), levels, label=listener["name"], **look)
    axes.set_ylabel("level of the tone (dB SPL)")
    axes.legend(frameon=False, fontsize=8.5)
    _frequencies(axes, (at[0] - 0.4, at[-1] + 0.4), ticks=(500, 700, 1_000, 1_400, 2_000))
    return figure


def _frequencies(axes: Axes, ends: tuple[float, float], *, ticks: Sequence[int] = TICKS) -> None:
    shown = [one for one in ticks if ends[0] <= cams(one) <= ends[1]]
    axes.set_xticks(
        [float(cams(one)) for one in shown],
        [f"{one // 1_000}k" if one >= 1_000 and one % 1_000 == 0 else str(one) for one in shown],
    )
    axes.set_xlim(*ends)
    axes.grid(axis="x", color=GRID, lw=0.8)
    axes.set_xlabel("frequency (Hz, on the ERB-rate scale)")
