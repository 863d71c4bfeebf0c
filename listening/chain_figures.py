"""Figures of a model version: what a block does to a signal, and how training went.

Made without pyplot, as those of a campaign are (see `listening.drawing`, whose colours they share). Frequencies are
in Hz, gains in dB, levels relative to full scale.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import cycle
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, LogLocator, NullFormatter, StrMethodFormatter
from numpy.typing import ArrayLike, NDArray
from scipy.signal import butter, sosfilt, welch

from listening.drawing import COLOURS, GRID, INK, MUTED, canvas, plain_axes

LOWEST_HZ = 20.0
# Hz between bass, middle and treble of a room, below half of every rate there is
BORDERS = (350.0, 2_800.0)
# seconds of a waveform that a page has room for
EXCERPT = 0.04
# −160 dB: silence has a level too
FLOOR = 1e-16
STYLES = ("-", "--", ":", "-.", (0, (5, 1)))
# what a row of a training's history holds beside the terms of its loss
NO_TERMS = {"step", "loss", "gradient_norm", "warnings"}
JUDGED = "validation_"
MEASURES = {
    "esr": ("Error-to-signal ratio", "ESR (1 = as much error as signal)"),
    "erb": ("Deviation from the target by ERB band", "root mean square over bands (dB)"),
    "response": ("Deviation of the responses by ERB band", "root mean square (dB)"),
    "spectral": ("Distance of spectrograms", "multi-resolution STFT distance"),
}


def frequency_response(
    frequencies: ArrayLike,
    response: ArrayLike,
    *,
    name: str,
    under: Mapping[str, ArrayLike] | None = None,
) -> Figure:
    """Magnitude in dB of a complex `response` at `frequencies` (Hz), beside those `under` conditions by name."""
    magnitude = _magnitude(response)
    figure, axes = canvas(6.4, 3.2)
    axes.plot(frequencies, magnitude, color=COLOURS[0], lw=1.8, label="what all share")
    styles = zip(cycle(COLOURS[1:]), cycle(STYLES[1:]))
    for (condition, other), (colour, style) in zip((under or {}).items(), styles, strict=False):
        shown = _magnitude(other)
        axes.plot(frequencies, shown, color=colour, ls=style, lw=1.4, label=condition)
        magnitude = np.concatenate([magnitude, shown])
    if under:
        axes.legend(frameon=False, fontsize=8.5)
    axes.axhline(0, color=MUTED, lw=0.8)
    axes.set_xlim(LOWEST_HZ, float(np.max(np.asarray(frequencies))))
    # a flat response is drawn flat, not as its rounding errors
    low, high = min(-6.0, float(magnitude.min())), max(6.0, float(magnitude.max()))
    axes.set_ylim(low - 0.05 * (high - low), high + 0.05 * (high - low))
    _frequency_axis(axes)
    axes.set_ylabel("gain (dB)")
    axes.set_title(f"{name}: frequency response", loc="left", fontsize=10, fontweight="bold")
    return figure


def _magnitude(response: ArrayLike) -> NDArray[np.float64]:
    return np.asarray(20 * np.log10(np.maximum(np.abs(response), 1e-12)))


def curve(levels: ArrayLike, output: ArrayLike, *, name: str) -> Figure:
    """Output against input level of a memoryless block, beside the straight line that would change nothing."""
    figure, axes = canvas(6.4, 4.2)
    axes.plot(levels, levels, color=MUTED, lw=1, ls="--", label="unchanged")
    axes.plot(levels, output, color=COLOURS[0], lw=1.8, label=name)
    axes.axhline(0, color=MUTED, lw=0.8)
    axes.axvline(0, color=MUTED, lw=0.8)
    axes.grid(axis="x", color=GRID, lw=0.8)
    axes.set_xlabel("input (full scale = 1)")
    axes.set_ylabel("output (full scale = 1)")
    axes.legend(frameon=False, fontsize=8.5)
    axes.set_title(f"{name}: input to output", loc="left", fontsize=10, fontweight="bold")
    return figure


def characteristic(levels: ArrayLike, output: ArrayLike, *, name: str) -> Figure:
    """Output against input level (dB) that has lasted, beside the straight line that would change nothing."""
    figure, axes = canvas(6.4, 4.2)
    given = np.asarray(levels)
    axes.plot(given, given, color=MUTED, lw=1, ls="--", label="unchanged")
    axes.plot(given, output, color=COLOURS[0], lw=1.8, label=name)
    axes.set_ylim(given[0] - 10, max(0.0, float(np.max(output))) + 3)
    axes.grid(axis="x", color=GRID, lw=0.8)
    axes.set_xlabel("input level (dB full scale)")
    axes.set_ylabel("output level (dB full scale)")
    axes.legend(frameon=False, fontsize=8.5)
    axes.set_title(f"{name}: level in, level out", loc="left", fontsize=10, fontweight="bold")
    return figure


def band_levels(
    centres: ArrayLike, levels: Mapping[str, ArrayLike], *, name: str, unit: str = "dB"
) -> Figure:
    """What holds in each band at `centres` (Hz), one stepped line for each name in `levels`."""
    figure, axes = canvas(6.4, 3.2)
    places = np.asarray(centres, dtype=np.float64)
    styles = zip(cycle(COLOURS), cycle(STYLES))
    for (label, level), (colour, style) in zip(levels.items(), styles, strict=False):
        axes.plot(places, level, color=colour, ls=style, lw=1.6, ds="steps-mid", label=label)
    axes.axhline(0, color=MUTED, lw=0.8)
    # flat levels are drawn flat, not as their rounding errors
    low, high = axes.get_ylim()
    axes.set_ylim(min(low, -6), max(high, 6))
    _frequency_axis(axes)
    axes.set_xlim(places.min(), places.max())
    axes.set_ylabel(f"level ({unit})")
    axes.legend(frameon=False, fontsize=8.5)
    axes.set_title(f"{name}: levels by band", loc="left", fontsize=10, fontweight="bold")
    return figure


def excerpt(samples: ArrayLike, rate: int, *, name: str) -> Figure:
    """The first `EXCERPT` seconds of `samples` at `rate` Hz, and the level of all of them over frequency."""
    signal = np.asarray(samples, dtype=np.float64)
    figure = Figure(figsize=(9.6, 3.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    for axes in (left, right):
        plain_axes(axes)
    shown = signal[: round(EXCERPT * rate)]
    left.plot(1_000 * np.arange(shown.size) / rate, shown, color=COLOURS[0], lw=1.2)
    left.set_xlabel("time (ms)")
    left.set_ylabel("full scale = 1")
    left.set_title(f"{name}: its sound", loc="left", fontsize=10, fontweight="bold")
    size = min(signal.size, 8_192)
    frequencies, power = welch(signal, rate, "hann", size, scaling="spectrum", detrend=False)
    level = 10 * np.log10(np.maximum(power, FLOOR))
    right.plot(frequencies[1:], level[1:], color=COLOURS[0], lw=1.2)
    _frequency_axis(right)
    right.set_xlim(LOWEST_HZ, rate / 2)
    right.set_ylim(max(level.max() - 90, -160), level.max() + 6)
    right.set_ylabel("level (dB)")
    right.set_title("Level of each line", loc="left", fontsize=10, fontweight="bold")
    return figure


def tone(given: ArrayLike, output: ArrayLike, rate: int, *, name: str) -> Figure:
    """A tone that goes in, and each channel of what comes out (channels, frames)."""
    figure, axes = canvas(6.4, 3.2)
    times = 1_000 * np.arange(np.size(given)) / rate
    axes.plot(times, given, color=MUTED, lw=1, ls="--", label="in")
    for number, (channel, colour) in enumerate(
        zip(np.atleast_2d(output), COLOURS, strict=False), start=1
    ):
        label = "out" if np.ndim(output) < 2 or len(np.asarray(output)) == 1 else f"out {number}"
        axes.plot(times, channel, color=colour, lw=1.6, label=label)
    axes.set_xlabel("time (ms)")
    axes.set_ylabel("full scale = 1")
    axes.legend(frameon=False, fontsize=8.5)
    axes.set_title(f"{name}: a tone through it", loc="left", fontsize=10, fontweight="bold")
    return figure


def energy_decay(impulse: ArrayLike, rate: int, *, name: str) -> Figure:
    """Energy still to come of an impulse response at `rate` Hz, in dB, in three bands (ISO 3382-1, Schroeder's)."""
    response = np.asarray(impulse, dtype=np.float64)
    times = np.arange(response.size) / rate
    figure, axes = canvas(6.4, 3.2)
    low, high = BORDERS
    bands = (
        (f"below {low:g} Hz", butter(4, low, fs=rate, output="sos")),
        (f"{low:g} to {high:g} Hz", butter(2, (low, high), "bandpass", fs=rate, output="sos")),
        (f"above {high:g} Hz", butter(4, high, "highpass", fs=rate, output="sos")),
    )
    for (label, filtering), colour, style in zip(bands, COLOURS, STYLES, strict=False):
        left = np.cumsum(sosfilt(filtering, response)[::-1] ** 2)[::-1]
        level = 10 * np.log10(np.maximum(left / max(left[0], FLOOR), FLOOR))
        axes.plot(times, level, color=colour, ls=style, lw=1.6, label=label)
    axes.set_ylim(-66, 3)
    axes.set_xlabel("time (s)")
    axes.set_ylabel("energy to come (dB)")
    axes.legend(frameon=False, fontsize=8.5)
    axes.set_title(f"{name}: energy decay", loc="left", fontsize=10, fontweight="bold")
    return figure


def reaction(levels: ArrayLike, gain: ArrayLike, rate: int, *, name: str) -> Figure:
    """The level that goes in and that comes out (dB) over time, where the gain needs time to follow."""
    level, change = np.asarray(levels, dtype=np.float64), np.asarray(gain, dtype=np.float64)
    # so many points are drawn as a line can show
    step = max(1, level.size // 2_000)
    times = np.arange(level.size)[::step] / rate
    figure, axes = canvas(6.4, 3.2)
    axes.plot(times, level[::step], color=MUTED, lw=1, ls="--", label="in")
    axes.plot(times, (level + change)[::step], color=COLOURS[0], lw=1.8, label="out")
    axes.set_xlabel("time (s)")
    axes.set_ylabel("level (dB)")
    axes.legend(frameon=False, fontsize=8.5)
    axes.set_title(f"{name}: a level that steps", loc="left", fontsize=10, fontweight="bold")
    return figure


def _frequency_axis(axes: Axes) -> None:
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(EngFormatter(sep=""))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.grid(axis="x", color=GRID, lw=0.8)
    axes.set_xlabel("frequency (Hz)")


def training_history(history: Sequence[Mapping[str, Any]], *, weights: Mapping[str, Any]) -> Figure:
    """The loss, its terms as `weights` let them enter it, and the error-to-signal ratio on the test clips, by step."""
    figure = Figure(figsize=(9.6, 3.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    for axes in (left, right):
        plain_axes(axes)
        axes.set_xlabel("training step")
    _draw_loss(left, history, weights)
    _draw_errors(right, history)
    figure.legend(loc="outside lower left", ncols=6, frameon=False, fontsize=8.5)
    return figure


def _draw_loss(
    axes: Axes, history: Sequence[Mapping[str, Any]], weights: Mapping[str, Any]
) -> None:
    steps = [row["step"] for row in history]
    # a key with a point is something watched, not a term
    terms = [
        name
        for name in history[0]
        if name not in NO_TERMS and "." not in name and not name.startswith(JUDGED)
    ]
    for name, colour, style in zip(["loss", *terms], cycle([INK, *COLOURS]), cycle(STYLES)):
        weight = weights.get(name, 1.0)
        scheduled = not isinstance(weight, (int, float))
        label = f"{name}, weight scheduled" if scheduled else name
        label = label if scheduled or weight == 1 else f"{name} × {weight:g}"
        values = [
            row[name] * row.get(f"weight.{name}", 1 if scheduled else weight) for row in history
        ]
        axes.semilogy(steps, values, color=colour, ls=style, lw=1.6, label=label)
    # a term that begins at its optimum would otherwise squeeze the others flat
    axes.set_ylim(bottom=max(axes.get_ylim()[0], 1e-5 * min(row["loss"] for row in history)))
    axes.set_title("Loss and its terms", loc="left", fontsize=10, fontweight="bold")
    axes.set_ylabel("mean since the last point")


def _draw_errors(axes: Axes, history: Sequence[Mapping[str, Any]]) -> None:
    steps = [row["step"] for row in history]
    measure = next(key for key in history[0] if key.startswith(JUDGED)).removeprefix(JUDGED)
    errors = [row[JUDGED + measure] for row in history]
    axes.semilogy(steps, errors, color=COLOURS[0], lw=1.8, marker="o", ms=3)
    axes.annotate(
        f"{errors[-1]:.4g}",
        (steps[-1], errors[-1]),
        xytext=(0, 7),
        textcoords="offset points",
        ha="right",
        fontsize=9,
        color=COLOURS[0],
    )
    axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())
    title, label = MEASURES.get(measure, (measure, measure))
    axes.set_title(f"{title} on the test clips", loc="left", fontsize=10, fontweight="bold")
    axes.set_ylabel(label)
