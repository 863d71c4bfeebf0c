"""A signal and its reference as traces: what the pages of a pair draw, and give as data.

Pure: `Audio` in, `metrics.traces.Trace` out. Both signals are taken as they were scored, or with the lag between them
undone where that is asked for; nothing else is ever done to them. Traces are thinned to what a page can show.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from scipy.signal import ShortTimeFFT
from scipy.signal.windows import hann

from listening import pair_figures
from metrics import traces
from metrics.alignment import aligned, estimate
from metrics.contract import MetricError, Status, check_pair
from metrics.traces import Trace
from models_registry.audio import Audio

# a page is about a thousand pixels wide
STEPS = 600
BANDS, LOWEST_HZ = 160, 20.0
WINDOW_S = 0.046
# a full-scale sine is 0 dB; what is quieter than this is drawn as this
FLOOR_DB = -120.0
REFERENCE, DEGRADED, DIFFERENCE = "reference", "degraded", "difference"

Traces = Mapping[str, Trace]


@dataclass(frozen=True)
class Pair:
    """A degraded signal and its reference, of one rate, layout and length; or a signal without a reference."""

    degraded: Audio
    reference: Audio | None = None

    @property
    def sounds(self) -> dict[str, Audio]:
        there = {REFERENCE: self.reference} if self.reference else {}
        return there | {DEGRADED: self.degraded}

    @property
    def difference(self) -> Audio:
        """Degraded less reference, sample by sample; raises `MetricError` without a reference."""
        if self.reference is None:
            raise MetricError("expected a reference, found none")
        return Audio(self.degraded.samples - self.reference.samples, self.degraded.rate)


def laid(degraded: Audio, reference: Audio | None, *, align: bool = False) -> Pair:
    """Lay the two over each other, their lag undone where `align` asks for it; raises `MetricError` if they cannot."""
    if reference is None:
        return Pair(degraded)
    shapes = reference.samples.shape, degraded.samples.shape
    if not align:
        check_pair(*shapes, reference.rate, degraded.rate)
        return Pair(degraded, reference)
    # of one length or not: only what they share is kept
    check_pair((shapes[0][0], 0), (shapes[1][0], 0), reference.rate, degraded.rate)
    found = estimate(reference.samples, degraded.samples, degraded.rate)
    first, second = aligned(reference.samples, degraded.samples, found)
    rate = degraded.rate
    return Pair(Audio(second.astype(np.float32), rate), Audio(first.astype(np.float32), rate))


def spectrogram(audio: Audio, *, title: str) -> Trace:
    """Power in bands of equal width on a logarithmic scale of frequency, the mean of the channels, in dB full scale."""
    size = min(round(WINDOW_S * audio.rate), audio.frames)
    if size < 32:
        raise MetricError(f"expected at least 32 samples, found {audio.frames}", Status.TOO_SHORT)
    hop = max(size // 4, -(-audio.frames // STEPS))
    window = hann(size, sym=False)
    transform = ShortTimeFFT(window, hop, audio.rate, mfft=max(2048, size))
    # of a full-scale sine the line stands at 1
    scale = 2 / window.sum()
    power = np.zeros((transform.f_pts, transform.p_num(audio.frames)))
    for channel in audio.samples:
        power += np.abs(scale * transform.stft(channel.astype(np.float64))) ** 2
    edges = np.geomspace(LOWEST_HZ, audio.rate / 2, BANDS + 1)
    centres = np.sqrt(edges[:-1] * edges[1:])
    lines = np.searchsorted(transform.f, edges)
    # a band narrower than a line shows the line next to it
    first = np.minimum(lines[:-1], transform.f_pts - 1)
    loudest = np.maximum.reduceat(power / len(audio.samples), first, axis=0)
    times = transform.t(audio.frames)
    inside = (times >= 0) & (times <= audio.duration)
    levels = np.maximum(10 * np.log10(loudest + 1e-30), FLOOR_DB)
    return Trace(
        "spectrogram", title, "dB re full scale", times[inside], levels[:, inside], centres, "Hz"
    )


def _spectrograms(pair: Pair) -> Traces:
    found = {name: spectrogram(sound, title=name) for name, sound in pair.sounds.items()}
    if pair.reference:
        found[DIFFERENCE] = spectrogram(pair.difference, title=DIFFERENCE)
    return found


def _of_both(*names: str) -> Callable[[Pair], Traces]:
    """Each quantity of each of the two sounds, as `quantity of sound`."""

    def compute(pair: Pair) -> Traces:
        return {
            f"{name} of {which}": traces.get(name).of(sound.samples, rate=sound.rate).thinned(STEPS)
            for name in names
            for which, sound in pair.sounds.items()
        }

    return compute


def _of_pair(*names: str) -> Callable[[Pair], Traces]:
    """Each quantity that compares the two sounds."""

    def compute(pair: Pair) -> Traces:
        if pair.reference is None:
            raise MetricError("expected a reference, found none")
        both = pair.reference.samples, pair.degraded.samples
        return {
            name: traces.get(name).of(*both, rate=pair.degraded.rate).thinned(STEPS)
            for name in names
        }

    return compute


@dataclass(frozen=True)
class PairFigure:
    """A figure of the pair page: what it is drawn from, by what, and what it says to who does not see it."""

    name: str
    title: str
    compute: Callable[[Pair], Traces]
    draw: Callable[[Traces], Figure]
    say: Callable[[Traces], str]
    needs_reference: bool = False


FIGURES = {
    figure.name: figure
    for figure in (
        PairFigure(
            "spectrograms",
            "Spectrograms on one scale",
            _spectrograms,
            pair_figures.spectrograms,
            pair_figures.spectrograms_in_words,
        ),
        PairFigure(
            "specific-loudness",
            "Specific loudness N′(z, t)",
            _of_both("specific-loudness"),
            pair_figures.specific_loudness,
            pair_figures.specific_loudness_in_words,
        ),
        PairFigure(
            "masking",
            "Error and masking threshold",
            _of_pair("masking-threshold", "error", "noise-to-mask-in-bands"),
            pair_figures.masking,
            pair_figures.masking_in_words,
            needs_reference=True,
        ),
        PairFigure(
            "noise-to-mask",
            "Noise-to-mask ratio over time",
            _of_pair("noise-to-mask"),
            pair_figures.noise_to_mask,
            pair_figures.noise_to_mask_in_words,
            needs_reference=True,
        ),
        PairFigure(
            "loudness",
            "Loudness and sharpness over time",
            _of_both("loudness", "sharpness"),
            pair_figures.loudness_and_sharpness,
            pair_figures.loudness_in_words,
        ),
    )
}


def as_frame(found: Traces) -> pd.DataFrame:
    """The data of a figure as it is drawn: one row per quantity, moment and band (empty where there is none)."""
    frames = []
    for name, trace in found.items():
        values = np.atleast_2d(trace.values)
        bands = [np.nan] if trace.bands is None else trace.bands
        time, band = np.meshgrid(trace.times, bands)
        columns = {"quantity": name, "time_s": time.ravel(), "band": band.ravel()}
        frames.append(
            pd.DataFrame(
                columns
                | {"band_unit": trace.band_unit, "value": values.ravel(), "unit": trace.unit}
            )
        )
    return pd.concat(frames, ignore_index=True)
