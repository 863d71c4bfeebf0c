"""The figures of an explanation: a heat map over the spectrogram, courses of deletion and insertion, parameters' parts.

Each takes an explanation as its study keeps it (see explaining.py).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, Normalize
from matplotlib.figure import Figure
from numpy.typing import NDArray

from listening.analysis.plain import figures
from listening.drawing import ALERT, COLOURS, GRID, INK, MUTED, canvas, heading
from listening.hearing_figures import cams

Found = dict[str, Any]

# white is what makes nothing
PARTS = LinearSegmentedColormap.from_list("parts", [COLOURS[0], "#ffffff", ALERT])
TICKS_HZ = (100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000)
MOST_PARAMETERS = 16


def drawn_map(found: Found) -> Found:
    """The finest map that there is."""
    return found.get("map") or found["tiles"]


def heat(found: Found) -> Figure:
    """Above, the sound's levels in grey; below, what each region makes, the square root of it as colour."""
    figure = Figure(figsize=(7.4, 6.0), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True, sharey=True)
    there = found["spectrogram"]
    grey = above.pcolormesh(
        *_edges(there), np.array(there["values"]), cmap="Greys", vmin=-60, vmax=0, rasterized=True
    )
    figure.colorbar(grey, ax=above, label="level (dB of the loudest)", pad=0.01)
    map_ = drawn_map(found)
    values = np.array(map_["values"])
    scale = float(np.abs(values).max())
    shown = np.sign(values) * np.sqrt(np.abs(values) / (scale or 1.0))
    drawn = below.pcolormesh(
        *_edges(map_), shown, cmap=PARTS, norm=Normalize(-1, 1), rasterized=True
    )
    # the sound under it, as lines of equal level
    centres = [(edges[1:] + edges[:-1]) / 2 for edges in _edges(there)]
    below.contour(*centres, np.array(there["values"]), levels=[-30], colors=MUTED, linewidths=0.5)
    bar = figure.colorbar(
        drawn, ax=below, label=f"part ({found['target']['unit'] or 'no unit'})", pad=0.01
    )
    marks = np.array([-1, -0.25, 0, 0.25, 1]) if scale else np.zeros(1)
    bar.set_ticks(
        np.sign(marks) * np.sqrt(np.abs(marks)), labels=[figures(mark * scale, 2) for mark in marks]
    )
    for axes in (above, below):
        _erb_axis(axes, found["rate"] / 2)
        axes.grid(visible=False)
    above.set_title("The sound", loc="left", fontsize=9.5, fontweight="bold")
    below.set_title("What each region of it makes", loc="left", fontsize=9.5, fontweight="bold")
    title = found["target"]["title"]
    heading(figure, f"{title[:1].upper()}{title[1:]}, by {found['method']}")
    below.set_xlabel("time (s)")
    return figure


def _edges(map_: Found) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    return np.array(map_["edges_s"]), cams(map_["edges_hz"])


def _erb_axis(axes: Axes, top: float) -> None:
    ticks = [one for one in TICKS_HZ if one < top]
    axes.set_yticks(
        cams(ticks),
        [f"{one:g}" if one < 1_000 else f"{one / 1_000:g}k" for one in ticks],
    )
    axes.set_ylim(0, float(cams(top)))
    axes.set_ylabel("frequency (Hz, ERB scale)")
    axes.tick_params(labelsize=8.5, colors=INK)


def courses(found: Found) -> Figure:
    """The number while tiles are taken away, or put back, the most relevant first; and in random orders."""
    curves = found["checks"]["curves"]
    figure, axes = canvas(6.4, 3.9)
    share = 100 * np.array(curves["shares"])
    for name, words, colour, marker in (
        ("deletion", "taken away first", COLOURS[0], "o"),
        ("insertion", "put back first", COLOURS[2], "s"),
    ):
        axes.plot(
            share, curves[name], color=colour, marker=marker, ms=4, label=f"most relevant {words}"
        )
    axes.plot(
        share,
        curves["random"],
        color=MUTED,
        ls="--",
        label=f"taken away in random order (mean of {curves['orders']})",
    )
    axes.set_xlabel("tiles (%)")
    axes.set_ylabel("the number (whole 1, silence 0)")
    axes.legend(frameon=False, fontsize=8.5, loc="lower left", bbox_to_anchor=(0, 1))
    return figure


def parameters(found: Found) -> Figure:
    """What each parameter makes of the number, the largest first."""
    rows = found["parameters"][:MOST_PARAMETERS][::-1]
    figure, axes = canvas(6.8, 1.0 + 0.32 * len(rows))
    parts = [row["part"] for row in rows]
    places = np.arange(len(rows))
    axes.barh(
        places, parts, color=[ALERT if part > 0 else COLOURS[0] for part in parts], height=0.6
    )
    axes.axvline(0, color=INK, lw=0.8)
    axes.set_yticks(places, [row["parameter"] for row in rows])
    axes.set_xlabel(f"part ({found['target']['unit'] or 'no unit'})")
    axes.grid(axis="y", visible=False)
    axes.grid(axis="x", color=GRID, lw=0.8)
    return figure
