"""Figures of what was watched while a model learned: healthy ranges, bands, parameters, and whose gradient moved what.

Made without pyplot from the rows of a run's history (see `models_registry.watch`). Each function raises `ValueError`
where the history holds nothing of its kind.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, MaxNLocator, NullFormatter

from listening.drawing import ALERT, COLOURS, GRID, INK, MUTED, canvas, plain_axes
from models_registry.watch import GRADIENT, PREFIX, SHARE, VALUE, Limit

Row = Mapping[str, Any]
BAND = re.compile(rf"{re.escape(PREFIX)}erb_(\d+)_hz")
COLUMNS = 3
# More parameters than a page can show: those that moved most.
MOST = 12


def monitors(history: Sequence[Row], limits: Mapping[str, Limit]) -> Figure:
    """Every monitor with limits by training step; the healthy range is shaded, points outside it are marked."""
    present = [name for name in limits if any(PREFIX + name in row for row in history)]
    figure, panels = _panels(len(present), "monitors")
    for axes, name in zip(panels, present, strict=True):
        limit = limits[name]
        steps, values = _track(history, PREFIX + name)
        axes.axhspan(limit.low, limit.high, color=COLOURS[0], alpha=0.08, lw=0)
        axes.plot(steps, values, color=COLOURS[0], lw=1.4)
        out = (values < limit.low) | (values > limit.high)
        axes.plot(steps[out], values[out], "X", color=ALERT, ms=6, mew=0)
        low, high = float(values.min()), float(values.max())
        room = 0.1 * max(high - low, 1e-3 * max(abs(high), abs(low)), 1e-9)
        axes.set_ylim(low - room, high + room)
        _title(axes, name.replace("_", " "), limit.unit)
    return figure


def bands(history: Sequence[Row]) -> Figure:
    """Level by band of the ear's scale relative to the target, before training and now."""
    found = sorted((int(match[1]), key) for key in history[0] if (match := BAND.fullmatch(key)))
    if not found:
        raise ValueError("bands: expected levels by band in the history, found none")
    figure, axes = canvas(6.4, 3.2)
    places = [place for place, _ in found]
    for row, colour, style, label in (
        (history[0], MUTED, "--", "before training"),
        (history[-1], COLOURS[0], "-", f"step {history[-1]['step']}"),
    ):
        axes.plot(
            places,
            [row[key] for _, key in found],
            style,
            color=colour,
            lw=1.6,
            marker="o",
            ms=3,
            label=label,
        )
    axes.axhline(0, color=INK, lw=0.8)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(EngFormatter(sep=""))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.grid(axis="x", color=GRID, lw=0.8)
    axes.set_xlabel("frequency (Hz)")
    axes.set_ylabel("level re target (dB)")
    axes.legend(frameon=False, fontsize=8.5)
    axes.set_title("Energy by ERB band", loc="left", fontsize=10, fontweight="bold")
    return figure


def parameters(history: Sequence[Row], units: Mapping[str, str]) -> Figure:
    """The parameters that moved most, in their units, by training step."""
    keys = [key for key in history[-1] if key.startswith(VALUE)]
    spans = {
        key: np.ptp(values) / (np.abs(values).max() + 1e-12)
        for key in keys
        if len(values := _track(history, key)[1])
    }
    chosen = sorted(spans, key=lambda key: -spans[key])[:MOST]
    figure, panels = _panels(len(chosen), "parameters")
    for axes, key in zip(panels, [key for key in keys if key in chosen], strict=True):
        steps, values = _track(history, key)
        axes.plot(steps, values, color=COLOURS[0], lw=1.4)
        name = key.removeprefix(VALUE)
        _title(axes, name, units.get(name, ""))
    return figure


def gradients(history: Sequence[Row]) -> Figure:
    """For each block, how much of its gradient each term of the loss made at the last validation."""
    shares = {
        key.removeprefix(SHARE): value
        for key, value in history[-1].items()
        if key.startswith(SHARE)
    }
    if not shares:
        raise ValueError("gradients: expected shares of terms in the history, found none")
    blocks = list(dict.fromkeys(name.rpartition(".")[0] for name in shares))
    terms = list(dict.fromkeys(name.rpartition(".")[2] for name in shares))
    figure, axes = canvas(6.4, 1.2 + 0.42 * len(blocks))
    plain_axes(axes, grid="x")
    begun = np.zeros(len(blocks))
    for number, term in enumerate(terms):
        part = np.array([shares.get(f"{block}.{term}", 0.0) for block in blocks])
        colour, hatch = COLOURS[number % len(COLOURS)], ("", "//", "..", "xx")[number % 4]
        axes.barh(
            blocks,
            part,
            left=begun,
            color=colour,
            hatch=hatch,
            edgecolor="white",
            lw=0.5,
            label=term,
        )
        begun += part
    for place, block in enumerate(blocks):
        norm = history[-1].get(GRADIENT + block)
        if norm is not None:
            axes.annotate(
                f"{norm:.2g}",
                (1.01, place),
                va="center",
                fontsize=8,
                color=MUTED,
                annotation_clip=False,
            )
    axes.invert_yaxis()
    axes.set_xlim(0, 1)
    axes.set_xlabel("share of the gradient by term; right: norm of the block's gradient")
    axes.set_title("What moves each block", loc="left", fontsize=10, fontweight="bold")
    figure.legend(loc="outside lower left", ncols=6, frameon=False, fontsize=8.5)
    return figure


def _panels(count: int, what: str) -> tuple[Figure, list[Axes]]:
    if not count:
        raise ValueError(f"{what}: expected some in the history, found none")
    rows = -(-count // COLUMNS)
    figure = Figure(figsize=(9.6, 0.5 + 1.75 * rows), layout="constrained")
    every = list(figure.subplots(rows, COLUMNS, squeeze=False).flat)
    for axes in every[count:]:
        axes.set_visible(False)
    for axes in every[:count]:
        plain_axes(axes)
        axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))
        axes.yaxis.set_major_locator(MaxNLocator(4))
    for axes in every[max(0, count - COLUMNS) : count]:
        axes.set_xlabel("training step", fontsize=8.5)
    return figure, every[:count]


def _title(axes: Axes, name: str, unit: str) -> None:
    axes.set_title(f"{name} ({unit})" if unit else name, loc="left", fontsize=9)


def _track(history: Sequence[Row], key: str) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    rows = [(row["step"], row[key]) for row in history if key in row]
    steps, values = zip(*rows, strict=True) if rows else ((), ())
    return np.array(steps, dtype=float), np.array(values, dtype=float)


# What a run's page shows beside its loss: the figure's name, its caption, and how it is drawn.
CAPTIONS: Mapping[str, str] = {
    "monitors": "What was watched, with the range in which it is healthy; crosses are outside it.",
    "bands": "Energy by band of the ear's scale relative to the target, before training and now.",
    "parameters": "The parameters that moved most, in their units.",
    "gradients": "Which term of the loss moves which block, at the last validation.",
}
SHOWN: Mapping[str, Callable[[Sequence[Row]], bool]] = {
    "monitors": lambda history: PREFIX + "level_drift" in history[-1],
    "bands": lambda history: any(BAND.fullmatch(key) for key in history[0]),
    "parameters": lambda history: any(key.startswith(VALUE) for key in history[-1]),
    "gradients": lambda history: any(key.startswith(SHARE) for key in history[-1]),
}
