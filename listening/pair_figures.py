"""Figures of a signal beside its reference, each drawn from traces, and each in words for who does not see it.

Pure; made without pyplot (see `listening.drawing`). The keys of a figure's traces are the sounds' names, or
`quantity of sound`; times are in s, frequencies in Hz, levels in dB.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import cycle

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, NullFormatter
from numpy.typing import NDArray

from listening.drawing import ALERT, COLOURS, INK, MUTED, canvas, headline, plain_axes
from metrics.traces import Trace

Traces = Mapping[str, Trace]
Array = NDArray[np.float64]
# of dB below the loudest point that the eye can tell apart
RANGE_DB = 90.0
# perceptually uniform, and read alike by colour-blind eyes
MAP, DIVERGING = "viridis", "RdBu_r"
STYLES = ("--", "-")
SOUND_COLOURS = (MUTED, COLOURS[0])
# commonly inaudible (see the metric nmr)
INAUDIBLE_DB = -10.0


def spectrograms(found: Traces) -> Figure:
    """Reference, degraded signal and difference below each other, on one scale of dB."""
    top = max(float(np.nanmax(trace.values)) for trace in found.values())
    figure, panels = _panels(found, height=2.1)
    for axes, (name, trace) in zip(panels, found.items(), strict=True):
        drawn = _heat(axes, trace, low=top - RANGE_DB, high=top, colours=MAP)
        axes.set_title(name, loc="left", fontsize=9.5, fontweight="bold")
    figure.colorbar(drawn, ax=panels, label="dB re full scale", pad=0.01)
    return figure


def spectrograms_in_words(found: Traces) -> str:
    loudest = ", ".join(
        f"{name} {np.nanmax(trace.values):.0f} dB at {_hertz(_loudest_band(trace))}"
        for name, trace in found.items()
    )
    return f"Level over time and frequency. The loudest point of each: {loudest}.".replace("-", "−")


def specific_loudness(found: Traces) -> Figure:
    """N′(z, t) of both sounds, on one scale."""
    top = max(float(np.nanmax(trace.values)) for trace in found.values())
    figure, panels = _panels(found, height=2.3)
    for axes, (name, trace) in zip(panels, found.items(), strict=True):
        drawn = _heat(axes, trace, low=0.0, high=top or 1.0, colours=MAP)
        axes.set_title(_sound(name), loc="left", fontsize=9.5, fontweight="bold")
    figure.colorbar(drawn, ax=panels, label="sone/Bark", pad=0.01)
    return figure


def specific_loudness_in_words(found: Traces) -> str:
    means = ", ".join(
        f"{_sound(name)} {np.nanmax(trace.values):.2f} sone/Bark at {_loudest_band(trace):.1f} Bark"
        for name, trace in found.items()
    )
    return f"How loudness is spread over critical bands and time. The greatest of each: {means}."


def masking(found: Traces) -> Figure:
    """Above: error and threshold by frequency, their power averaged over time. Below: where the error rises above."""
    threshold, error, ratio = (
        found[name] for name in ("masking-threshold", "error", "noise-to-mask-in-bands")
    )
    figure = Figure(figsize=(9.6, 6.4), layout="constrained")
    above, below = figure.subplots(2, 1, height_ratios=(1, 1.15))
    plain_axes(above)
    bands = _bands(threshold)
    mask, noise = _mean_level(threshold.values), _mean_level(error.values)
    above.semilogx(bands, mask, color=INK, ls="--", lw=1.6, label="masking threshold")
    above.semilogx(bands, noise, color=COLOURS[0], lw=1.6, label="error")
    above.fill_between(
        bands,
        mask,
        noise,
        where=(noise > mask).tolist(),
        color=ALERT,
        alpha=0.35,
        lw=0,
        label="audible" if (noise > mask).any() else None,
    )
    _frequency_axis(above.xaxis, above)
    above.set_xlim(bands[0], bands[-1])
    above.set_ylim(bottom=max(above.get_ylim()[0], float(mask.min()) - 60))
    above.set_xlabel("frequency (Hz)")
    above.set_ylabel(threshold.unit)
    above.legend(frameon=False, fontsize=8.5)
    above.set_title("averaged over time", loc="left", fontsize=9.5, fontweight="bold")
    drawn = _heat(below, ratio, low=-30.0, high=30.0, colours=DIVERGING)
    below.set_xlabel("time (s)")
    below.set_title("error over threshold", loc="left", fontsize=9.5, fontweight="bold")
    figure.colorbar(drawn, ax=below, label="dB (above 0: audible)", pad=0.01, extend="both")
    return figure


def masking_in_words(found: Traces) -> str:
    threshold, error = (
        _mean_level(found["masking-threshold"].values),
        _mean_level(found["error"].values),
    )
    bands = _bands(found["error"])
    audible = 100 * float(np.mean(found["noise-to-mask-in-bands"].values > 0))
    worst = int(np.argmax(error - threshold))
    over = error[worst] - threshold[worst]
    side = "above" if over > 0 else "below"
    return (
        f"The error lies above the masking threshold in {audible:.1f} % of moments and bands as drawn; averaged over "
        f"time it comes nearest at {_hertz(bands[worst])}, {abs(over):.1f} dB {side} it."
    )


def noise_to_mask(found: Traces) -> Figure:
    """NMR(t), with the level from which on errors are commonly heard."""
    trace = found["noise-to-mask"]
    figure, axes = canvas(9.6, 2.8)
    axes.plot(trace.times, trace.values, color=COLOURS[0], lw=1.2)
    axes.axhline(0, color=INK, lw=1, ls="--")
    axes.axhline(INAUDIBLE_DB, color=MUTED, lw=1, ls=":")
    axes.set_ylim(bottom=max(axes.get_ylim()[0], -60.0))
    axes.margins(x=0)
    axes.set_xlabel("time (s)")
    axes.set_ylabel("dB")
    headline(
        axes,
        "Noise-to-mask ratio",
        "dashed: the error is as strong as its mask; dotted: −10 dB, commonly inaudible below; cut at −60 dB",
    )
    return figure


def noise_to_mask_in_words(found: Traces) -> str:
    trace = found["noise-to-mask"]
    values, high = trace.values, int(np.nanargmax(trace.values))
    share = 100 * np.nanmean(values > INAUDIBLE_DB)
    return (
        f"Median {np.nanmedian(values):.1f} dB, at most {values[high]:.1f} dB at "
        f"{trace.times[high]:.2f} s; above −10 dB for {share:.0f} % of the time."
    ).replace(" -", " −")


def loudness_and_sharpness(found: Traces) -> Figure:
    """N(t) and S(t) of both sounds."""
    quantities = list(dict.fromkeys(name.partition(" of ")[0] for name in found))
    figure = Figure(figsize=(9.6, 2.5 * len(quantities)), layout="constrained")
    panels = np.atleast_1d(figure.subplots(len(quantities), 1, sharex=True))
    for axes, quantity in zip(panels, quantities, strict=True):
        plain_axes(axes)
        sounds = {name: one for name, one in found.items() if name.startswith(f"{quantity} of ")}
        looks = list(zip(SOUND_COLOURS, STYLES, strict=True))[-len(sounds) :]
        for (name, trace), (colour, style) in zip(sounds.items(), cycle(looks), strict=False):
            axes.plot(trace.times, trace.values, color=colour, ls=style, lw=1.3, label=_sound(name))
            axes.set_title(trace.title, loc="left", fontsize=9.5, fontweight="bold")
            axes.set_ylabel(trace.unit)
        axes.set_ylim(bottom=0)
        axes.margins(x=0)
    panels[0].legend(frameon=False, fontsize=8.5, ncols=2)
    panels[-1].set_xlabel("time (s)")
    return figure


def loudness_in_words(found: Traces) -> str:
    medians = ", ".join(
        f"{name} {np.nanmedian(trace.values):.2f} {trace.unit}" for name, trace in found.items()
    )
    return f"Medians over time: {medians}."


def _panels(found: Traces, *, height: float) -> tuple[Figure, list[Axes]]:
    figure = Figure(figsize=(9.6, 0.5 + height * len(found)), layout="constrained")
    panels = list(np.atleast_1d(figure.subplots(len(found), 1, sharex=True, sharey=True)))
    panels[-1].set_xlabel("time (s)")
    return figure, panels


def _heat(axes: Axes, trace: Trace, *, low: float, high: float, colours: str):  # type: ignore[no-untyped-def]
    """Draw bands over time; as pixels, since a hundred thousand paths would choke a browser."""
    drawn = axes.pcolormesh(
        trace.times,
        _bands(trace),
        trace.values,
        vmin=low,
        vmax=high,
        cmap=colours,
        shading="nearest",
        rasterized=True,
    )
    if trace.band_unit == "Hz":
        axes.set_yscale("log")
        _frequency_axis(axes.yaxis, axes)
        axes.set_ylabel("Hz")
    else:
        axes.set_ylabel(trace.band_unit)
    axes.tick_params(labelsize=8.5, colors=INK)
    return drawn


def _frequency_axis(axis, axes: Axes) -> None:  # type: ignore[no-untyped-def]
    axis.set_major_formatter(EngFormatter(sep=""))
    axis.set_minor_formatter(NullFormatter())


def _mean_level(values: Array) -> Array:
    """The level of the mean power over time."""
    return np.asarray(10 * np.log10(np.nanmean(10 ** (values / 10), axis=1)))


def _bands(trace: Trace) -> Array:
    if trace.bands is None:
        raise ValueError(f"{trace.name}: expected a trace in bands, found one without")
    return trace.bands


def _loudest_band(trace: Trace) -> float:
    band, _ = np.unravel_index(int(np.nanargmax(trace.values)), trace.values.shape)
    return float(_bands(trace)[band])


def _hertz(frequency: float) -> str:
    return f"{frequency / 1000:.1f} kHz" if frequency >= 1000 else f"{frequency:.0f} Hz"


def _sound(name: str) -> str:
    return name.rpartition(" of ")[2]
