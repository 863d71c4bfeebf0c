"""Figures of a version looked into: what a block made of a sound, and what it is by itself.

Each takes a part of the inspection's answer (see `listening.inspecting`) and draws it without pyplot, in the colours of
`listening.drawing`. Frequencies in Hz, levels in dB, times in s.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import cycle
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle
from matplotlib.ticker import EngFormatter, LogLocator, NullFormatter

from listening.chain_figures import STYLES
from listening.drawing import COLOURS, GRID, INK, MUTED, canvas, heading, plain_axes
from listening.sound_views import CAM, FLOOR_DB, centres
from metrics.psychoacoustics.moore_glasberg import frequency_of_cam

Part = Mapping[str, Any]

SHADES = "magma"
# what is softer than the loudest by more than this is not shown
SPAN_DB = 80.0
# more lines than these are drawn as a map
MOST_LINES = 6
TICKS_HZ = (100, 300, 1_000, 3_000, 10_000)


def signal(block: Part, *, rate: int, seconds: float) -> Figure:
    """Wave, level, spectrogram and excitation behind a block beside those before it, and the spectrogram of what it
    changed."""
    views = block["views"]
    given, output = views["given"], views["output"]
    figure = Figure(figsize=(9.6, 8.4), layout="constrained")
    panels = figure.subplots(3, 2)
    _wave(panels[0, 0], given["wave"], output["wave"], seconds)
    _lines(panels[0, 1], given["level"], output["level"], seconds)
    top = float(np.max(output["spectrogram"]))
    _map(figure, panels[1, 0], output["spectrogram"], rate, seconds, top, "Spectrogram after it")
    if block["difference"] is None:
        _nothing(panels[1, 1], "What it changed: nothing")
    else:
        top = float(np.max(views["difference"]))
        _map(figure, panels[1, 1], views["difference"], rate, seconds, top, "What it changed")
    _excitation(panels[2, 0], given["excitation"], output["excitation"])
    _excitation_change(panels[2, 1], given["excitation"], output["excitation"])
    heading(figure, f"After {block['name']} ({block['kind']})")
    return figure


def _named(axes: Axes, title: str) -> None:
    axes.set_title(title, loc="left", fontsize=9.5, fontweight="bold")


def _legend(axes: Axes) -> None:
    """Beside the title, where it hides nothing."""
    axes.legend(
        frameon=False,
        fontsize=8,
        ncols=2,
        loc="lower right",
        bbox_to_anchor=(1, 0.99),
        borderaxespad=0,
    )


def _nothing(axes: Axes, title: str) -> None:
    axes.set_axis_off()
    _named(axes, title)


def _wave(axes: Axes, given: Any, output: Any, seconds: float) -> None:
    plain_axes(axes)
    for wave, colour, label, alpha in (
        (np.array(given), MUTED, "before", 0.35),
        (np.array(output), COLOURS[0], "after", 0.75),
    ):
        times = np.linspace(0, seconds, len(wave))
        axes.fill_between(
            times, wave[:, 0], wave[:, 1], color=colour, alpha=alpha, lw=0.4, label=label
        )
    axes.set_xlim(0, seconds)
    axes.set_xlabel("time (s)")
    axes.set_ylabel("full scale = 1")
    _legend(axes)
    _named(axes, "Wave")


def _lines(axes: Axes, given: Any, output: Any, seconds: float) -> None:
    plain_axes(axes)
    for values, colour, style, label in (
        (given, MUTED, "--", "before"),
        (output, COLOURS[0], "-", "after"),
    ):
        axes.plot(
            np.linspace(0, seconds, len(values)), values, style, color=colour, lw=1.3, label=label
        )
    top = max(np.max(given), np.max(output))
    axes.set_ylim(max(FLOOR_DB, top - SPAN_DB), top + 4)
    axes.set_xlim(0, seconds)
    axes.set_xlabel("time (s)")
    axes.set_ylabel("level (dBFS)")
    _legend(axes)
    _named(axes, "Level")


def _map(
    figure: Figure, axes: Axes, rows: Any, rate: int, seconds: float, top: float, title: str
) -> None:
    values = np.array(rows, dtype=float)
    edges = np.arange(len(values) + 1)
    times = np.linspace(0, seconds, values.shape[1] + 1)
    drawn = axes.pcolormesh(
        times,
        edges,
        values,
        cmap=SHADES,
        # nothing is kept that is softer than the floor
        vmin=min(max(top - SPAN_DB, FLOOR_DB), top - 1),
        vmax=top,
        rasterized=True,
    )
    # rows are even in Cams: ticks where round frequencies fall between their edges
    places = centres(rate)
    ticks = [one for one in TICKS_HZ if places[0] <= one <= places[-1]]
    axes.set_yticks(np.interp(ticks, places, edges), [f"{one:g}" for one in ticks], fontsize=8)
    axes.set_xlabel("time (s)")
    axes.set_ylabel("frequency (Hz)")
    axes.tick_params(labelsize=8, colors=INK)
    bar = figure.colorbar(drawn, ax=axes, pad=0.02)
    bar.set_label("dB re full scale", fontsize=8)
    bar.ax.tick_params(labelsize=7.5)
    _named(axes, title)


def _of_ear(axes: Axes) -> None:
    plain_axes(axes)
    places = frequency_of_cam(CAM)
    ticks = [one for one in TICKS_HZ if places[0] <= one <= places[-1]]
    axes.set_xticks(np.interp(ticks, places, CAM), [f"{one:g}" for one in ticks], fontsize=8)
    axes.set_xlim(CAM[0], CAM[-1])
    axes.set_xlabel("frequency (Hz, even in Cams)")


def _excitation(axes: Axes, given: Any, output: Any) -> None:
    _of_ear(axes)
    axes.plot(CAM, given, "--", color=MUTED, lw=1.2, label="before")
    axes.plot(CAM, output, color=COLOURS[0], lw=1.6, label="after")
    top = max(np.max(given), np.max(output))
    axes.set_ylim(max(-10.0, min(np.min(given), np.min(output)) - 5), top + 5)
    axes.set_ylabel("excitation (dB SPL)")
    _legend(axes)
    _named(axes, "Excitation of hearing")


def _excitation_change(axes: Axes, given: Any, output: Any) -> None:
    _of_ear(axes)
    # below the threshold in quiet, about 0 dB, nothing changes that is heard
    change = np.maximum(output, 0) - np.maximum(given, 0)
    axes.fill_between(CAM, 0, change, color=COLOURS[0], alpha=0.3, lw=0)
    axes.plot(CAM, change, color=COLOURS[0], lw=1.6)
    axes.axhline(0, color=MUTED, lw=0.8)
    reach = max(3.0, 1.1 * float(np.abs(change).max()))
    axes.set_ylim(-reach, reach)
    axes.set_ylabel("change (dB)")
    _named(axes, "Change of excitation")


def response(block: Part) -> Figure:
    """Magnitude, phase and group delay."""
    found = block["response"]
    figure = Figure(figsize=(6.4, 6.6), layout="constrained")
    panels = figure.subplots(3, 1, sharex=True)
    drawn = (
        ("magnitude", "gain (dB)", 6.0),
        ("phase", "phase (°)", 10.0),
        ("delay", "group delay (ms)", 0.1),
    )
    for axes, (key, label, least) in zip(panels, drawn, strict=True):
        plain_axes(axes)
        values = np.array(found[key])
        axes.plot(found["frequencies"], values, color=COLOURS[0], lw=1.6)
        axes.axhline(0, color=MUTED, lw=0.8)
        # what is flat is drawn flat, not as its rounding errors
        low, high = min(-least, float(values.min())), max(least, float(values.max()))
        axes.set_ylim(low - 0.05 * (high - low), high + 0.05 * (high - low))
        _frequencies(axes)
        axes.set_ylabel(label)
    panels[-1].set_xlabel("frequency (Hz)")
    heading(figure, f"{block['name']}: frequency response, phase and group delay")
    return figure


def _frequencies(axes: Axes) -> None:
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(EngFormatter(sep=""))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.grid(axis="x", color=GRID, lw=0.8)


def roots(block: Part) -> Figure:
    """Poles and zeros in the z plane."""
    figure, axes = canvas(5.2, 4.9)
    axes.add_patch(Circle((0, 0), 1, fill=False, ec=MUTED, lw=1))
    for key, marker, colour in (("zeros", "o", COLOURS[0]), ("poles", "x", COLOURS[5])):
        found = np.array(block[key]).reshape(-1, 2)
        axes.plot(
            *found.T,
            marker,
            color=colour,
            ms=7,
            mew=1.6,
            mfc="none",
            ls="none",
            label=f"{key} ({len(found)})",
        )
    axes.set_aspect("equal")
    reach = max(1.1, min(2.5, 1.05 * float(np.abs(block["zeros"] + block["poles"]).max(initial=1))))
    axes.set_xlim(-reach, reach)
    axes.set_ylim(-reach, reach)
    axes.grid(axis="x", color=GRID, lw=0.8)
    axes.set_xlabel("real part")
    axes.set_ylabel("imaginary part")
    axes.legend(frameon=False, fontsize=8, loc="upper right")
    _named(axes, f"{block['name']}: poles and zeros; largest pole {block['pole_radius']:.4f}")
    return figure


def curve(block: Part) -> Figure:
    """Output against input, and the same in dB."""
    levels, output = (np.array(one) for one in block["curve"])
    figure = Figure(figsize=(7.4, 3.5), layout="constrained")
    left, right = figure.subplots(1, 2)
    for axes in (left, right):
        plain_axes(axes)
        axes.grid(axis="x", color=GRID, lw=0.8)
    left.plot(levels, levels, "--", color=MUTED, lw=1, label="unchanged")
    left.plot(levels, output, color=COLOURS[0], lw=1.8, label=block["name"])
    left.set_xlabel("input (full scale = 1)")
    left.set_ylabel("output (full scale = 1)")
    left.legend(frameon=False, fontsize=8)
    _named(left, "Input to output")
    given = 20 * np.log10(np.abs(levels[levels > 0]))
    right.plot(given, given, "--", color=MUTED, lw=1)
    for side, style, label in ((levels > 0, "-", "positive"), (levels < 0, ":", "negative")):
        level = 20 * np.log10(np.maximum(np.abs(output[side]), 1e-6))
        right.plot(
            given, level if side[-1] else level[::-1], style, color=COLOURS[0], lw=1.8, label=label
        )
    right.set_xlabel("input (dBFS)")
    right.set_ylabel("output (dBFS)")
    right.legend(frameon=False, fontsize=8)
    _named(right, "The same in dB")
    heading(figure, f"{block['name']}: static curve")
    return figure


def gains(block: Part) -> Figure:
    """The gain that the block made of its signal over time, by band where there are several."""
    found = block["gains"]
    values = np.array(found["values"])
    title = f"{block['name']}: gain that it made of this sound"
    if len(values) > MOST_LINES:
        return over_time(values, found["times"], found["names"], "gain (dB)", title)
    figure, axes = canvas(6.4, 3.2)
    for name, line, colour, style in zip(
        found["names"], values, cycle(COLOURS), cycle(STYLES), strict=False
    ):
        axes.plot(found["times"], line, color=colour, ls=style, lw=1.4, label=name)
    axes.axhline(0, color=MUTED, lw=0.8)
    low, high = float(values.min()), float(values.max())
    axes.set_ylim(min(low, -1) - 0.5, max(high, 0) + 0.5)
    axes.set_xlabel("time (s)")
    axes.set_ylabel("gain (dB)")
    if len(values) > 1:
        axes.legend(frameon=False, fontsize=8)
    _named(axes, title)
    return figure


def over_time(
    values: Any, times: Sequence[float], names: Sequence[str], label: str, title: str
) -> Figure:
    """Many lines over time as a map, a row for each."""
    figure = Figure(figsize=(6.4, 3.8), layout="constrained")
    axes = figure.subplots()
    rows = np.array(values)
    step = times[-1] - times[-2] if len(times) > 1 else 1.0
    drawn = axes.pcolormesh(
        [*times, times[-1] + step], np.arange(len(rows) + 1), rows, cmap="viridis", rasterized=True
    )
    every = max(1, len(names) // 8)
    axes.set_yticks(np.arange(0, len(names), every) + 0.5, list(names)[::every], fontsize=8)
    axes.tick_params(labelsize=8, colors=INK)
    axes.set_xlabel("time (s)")
    figure.colorbar(drawn, ax=axes, pad=0.02).set_label(label, fontsize=8.5)
    _named(axes, title)
    return figure


def bank(block: Part) -> Figure:
    """The bands into which a block divides what it hears."""
    found = block["bank"]
    figure, axes = canvas(6.4, 3.2)
    for line, colour in zip(found["bands"].values(), cycle(COLOURS), strict=False):
        axes.plot(found["frequencies"], line, color=colour, lw=1)
    axes.set_ylim(-48, 6)
    axes.set_xlim(found["frequencies"][0], found["frequencies"][-1])
    _frequencies(axes)
    axes.set_xlabel("frequency (Hz)")
    axes.set_ylabel("gain (dB)")
    _named(axes, f"{block['name']}: its {len(found['bands'])} bands, without their levels")
    return figure


def decay(block: Part) -> Figure:
    """Reverberation time by octave."""
    rows = [row for row in block["decay"] if row["seconds"] is not None]
    figure, axes = canvas(6.4, 3.0)
    places = np.arange(len(rows))
    values = [row["seconds"] for row in rows]
    axes.bar(places, values, width=0.6, color=COLOURS[0])
    for place, value in zip(places, values, strict=True):
        axes.annotate(
            f"{value:.2f}",
            (place, value),
            (0, 3),
            textcoords="offset points",
            ha="center",
            fontsize=8,
        )
    axes.set_xticks(places, [f"{row['octave']:g}" for row in rows])
    axes.set_ylim(0, 1.15 * max(values, default=1))
    axes.set_xlabel("octave (Hz)")
    axes.set_ylabel("T30 (s)")
    _named(axes, f"{block['name']}: reverberation time by octave")
    return figure


def learned(block: Part, one: Part) -> Figure:
    """A parameter that is a list of numbers, within its range."""
    figure, axes = canvas(6.4, 2.9)
    places = np.array(one["centres"] or range(1, len(one["values"]) + 1))
    axes.plot(
        places, one["values"], color=COLOURS[0], lw=1.4, marker="." if len(places) < 80 else ""
    )
    low, high = min(one["values"]), max(one["values"])
    room = 0.1 * (high - low) or 1.0
    axes.set_ylim(max(one["range"][0], low - room), min(one["range"][1], high + room))
    if one["centres"]:
        _frequencies(axes)
    axes.set_xlabel("frequency (Hz)" if one["centres"] else "number")
    axes.set_ylabel(f"{one['name']} ({one['unit']})" if one["unit"] else one["name"])
    _named(axes, f"{block['name']}.{one['name']}: {one['meaning']}")
    return figure


def moved(one: Part) -> Figure:
    """A parameter that an adapter moves over time, within the band that it may reach."""
    values = np.array(one["values"])
    name = one["path"].rpartition(".")[2]
    label = f"{name} ({one['unit']})" if one["unit"] else name
    title = f"{one['path']}: {one['meaning']}, moved by an adapter"
    if len(values) > 1:
        places = one["centres"] or range(1, len(values) + 1)
        names = [f"{place:.0f}{' Hz' if one['centres'] else ''}" for place in places]
        return over_time(values, one["times"], names, label, title)
    figure, axes = canvas(6.4, 3.2)
    low, high, start = (np.ravel(one[key])[0] for key in ("low", "high", "start"))
    axes.axhspan(low, high, color=COLOURS[0], alpha=0.1, lw=0, label="what the adapter may reach")
    axes.axhline(start, color=MUTED, lw=1, ls="--", label="without it")
    axes.plot(one["times"], values[0], color=COLOURS[0], lw=1.3)
    if one["scale"] == "log":
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_major_formatter(EngFormatter(sep=""))
        axes.yaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel("time (s)")
    axes.set_ylabel(label)
    axes.legend(frameon=False, fontsize=8)
    _named(axes, title)
    return figure
