"""What a recording's spectrum and stereo image are like, in single numbers; none of them is a matter of quality.

Conventions: signals are (channels, frames) in −1…1, analysed at their own rate in Hann windows of 40 ms each 10 ms.
A frame's spectrum is the root of the channels' summed power. Frames more than 60 dB below the strongest one do not
count, except for shares of energy, in which they hardly do.
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from scipy.signal import get_window

from metrics.catalogue import Channels, Direction, metric
from metrics.contract import MetricError, Signal, Status
from metrics.intermediates import kept
from models_registry.audio import SILENCE_PEAK

Array = NDArray[np.float64]

WINDOW_S, STEP_S = 0.04, 0.01
GATE_DB = -60.0
ROLLOFF_SHARE = 0.95
HIGH_HZ = 8_000.0
# A band of some width above it must exist.
HIGH_MIN_RATE = 22_050
# Frames that are held in memory at a time.
BLOCK = 256


class Described(NamedTuple):
    """One value for each frame."""

    power: Array
    high_power: Array
    centroid: Array
    bandwidth: Array
    rolloff: Array
    flatness: Array
    flux: Array

    def mean(self, values: Array) -> float:
        """Return the mean of `values` over the frames that sound."""
        return float(values[self.power > self.power.max() * 10 ** (GATE_DB / 10)].mean())


@kept
def described(signal: Signal, rate: int) -> Described:
    """Return what can be said of each frame of `signal`."""
    width = round(WINDOW_S * rate)
    window = get_window("hann", width)
    frames = sliding_window_view(signal, width, axis=1)[:, :: round(STEP_S * rate)]
    hertz = np.fft.rfftfreq(width, 1 / rate).astype(np.float64)
    blocks = []
    before: Array | None = None
    for start in range(0, frames.shape[1], BLOCK):
        spectra = np.fft.rfft(frames[:, start : start + BLOCK] * window)
        power = (spectra.real**2 + spectra.imag**2).sum(axis=0)
        blocks.append(_block(power, hertz, before))
        before = power[-1:]
    return Described(*map(np.concatenate, zip(*blocks, strict=True)))


def _block(power: Array, hertz: Array, before: Array | None) -> tuple[Array, ...]:
    """Return the fields of `Described` for spectra (frames, bins); `before` is the spectrum of the frame before."""
    with np.errstate(divide="ignore", invalid="ignore"):
        magnitude = np.sqrt(power)
        share = magnitude / magnitude.sum(axis=1, keepdims=True)
        centroid = share @ hertz
        bandwidth = np.sqrt((share * (hertz - centroid[:, None]) ** 2).sum(axis=1))
        total = np.cumsum(power, axis=1)
        rolloff = hertz[np.argmax(total >= ROLLOFF_SHARE * total[:, -1:], axis=1)]
        flatness = np.exp(np.log(power).mean(axis=1)) / power.mean(axis=1)
        followed = magnitude if before is None else np.concatenate([np.sqrt(before), magnitude])
        unit = followed / np.linalg.norm(followed, axis=1, keepdims=True)
        change = np.linalg.norm(np.diff(unit, axis=0), axis=1)
    # Nothing comes before the first frame, and a sound after nothing is as new as can be.
    flux = np.concatenate([np.zeros(len(power) - len(change)), change])
    flux[np.isnan(flux)] = np.sqrt(2)
    return (
        total[:, -1],
        power[:, hertz >= HIGH_HZ].sum(axis=1),
        centroid,
        bandwidth,
        rolloff,
        flatness,
        flux,
    )


descriptor = partial(
    metric,
    direction=Direction.NONE,
    needs_reference=False,
    channels=Channels.ALL,
    min_duration=0.1,
    version="1",
    licence="own code",
)
PEETERS = "Peeters: A large set of audio features for sound description, CUIDADO project report, IRCAM 2004"


@descriptor(
    name="spectral-centroid",
    title="Spectral centroid",
    unit="Hz",
    range=(0.0, None),
    standard="none; mean frequency of the magnitude spectrum, averaged over time",
    citation=PEETERS,
)
def spectral_centroid(signal: Signal, rate: int) -> float:
    """Where the middle of the spectrum lies: bright sounds have a high one."""
    frames = described(signal, rate)
    return frames.mean(frames.centroid)


@descriptor(
    name="spectral-bandwidth",
    title="Spectral bandwidth",
    unit="Hz",
    range=(0.0, None),
    standard="none; standard deviation of the magnitude spectrum about its centroid, averaged over time",
    citation=PEETERS,
)
def spectral_bandwidth(signal: Signal, rate: int) -> float:
    """How far the spectrum spreads about its centroid."""
    frames = described(signal, rate)
    return frames.mean(frames.bandwidth)


@descriptor(
    name="spectral-rolloff",
    title="Spectral roll-off (95 %)",
    unit="Hz",
    range=(0.0, None),
    standard="none; frequency below which 95 % of a frame's energy lies, averaged over time",
    citation=PEETERS,
)
def spectral_rolloff(signal: Signal, rate: int) -> float:
    """Up to where the spectrum reaches."""
    frames = described(signal, rate)
    return frames.mean(frames.rolloff)


@descriptor(
    name="spectral-flatness",
    title="Spectral flatness",
    unit="1",
    range=(0.0, 1.0),
    standard="none; geometric over arithmetic mean of the power spectrum, averaged over time",
    citation=(
        "Johnston: Transform coding of audio signals using perceptual noise criteria, IEEE JSAC 6(2), 1988,"
        " doi:10.1109/49.608"
    ),
)
def spectral_flatness(signal: Signal, rate: int) -> float:
    """Whether a sound is like a tone, 0, or like noise; white noise comes to e⁻ᵞ = 0.56, an impulse to 1."""
    frames = described(signal, rate)
    return frames.mean(frames.flatness)


@descriptor(
    name="spectral-flux",
    title="Spectral flux",
    unit="1",
    range=(0.0, 2**0.5),
    standard="none; distance of successive magnitude spectra, each of length 1, averaged over time",
    citation=(
        "Tzanetakis, Cook: Musical genre classification of audio signals, IEEE TSAP 10(5), 2002,"
        " doi:10.1109/TSA.2002.800560"
    ),
)
def spectral_flux(signal: Signal, rate: int) -> float:
    """How much the shape of the spectrum changes in 10 ms: 0 for a steady tone; level does not count."""
    frames = described(signal, rate)
    return frames.mean(frames.flux)


@descriptor(
    name="high-frequency-energy",
    title="Energy above 8 kHz",
    unit="%",
    range=(0.0, 100.0),
    min_rate=HIGH_MIN_RATE,
    standard="none; share of the energy of the whole signal",
    citation="textbook definition",
)
def high_frequency_energy(signal: Signal, rate: int) -> float:
    """What share of the energy lies above 8 kHz: the band that is lost first."""
    frames = described(signal, rate)
    return 100 * float(frames.high_power.sum() / frames.power.sum())


@descriptor(
    name="stereo-width",
    title="Stereo width",
    unit="%",
    range=(0.0, 100.0),
    layouts=(2,),
    min_duration=0.02,
    standard="none; energy of the side signal (L − R)/2 in that of mid and side",
    citation="textbook definition",
)
def stereo_width(signal: Signal, rate: int) -> float:
    """How much of the energy differs between left and right: 0 mono, 50 unrelated channels, 100 antiphase."""
    mid, side = (signal[0] + signal[1]) / 2, (signal[0] - signal[1]) / 2
    return 100 * float(side @ side / (mid @ mid + side @ side))


@descriptor(
    name="inter-channel-correlation",
    title="Inter-channel correlation",
    unit="1",
    range=(-1.0, 1.0),
    layouts=(2,),
    min_duration=0.02,
    standard="none; correlation coefficient of left and right, as on a correlation meter",
    citation="textbook definition",
)
def inter_channel_correlation(signal: Signal, rate: int) -> float:
    """How alike left and right are whatever their levels: 1 mono, 0 unrelated, −1 antiphase."""
    centred = signal - signal.mean(axis=1, keepdims=True)
    if np.abs(centred).max(axis=1).min() < SILENCE_PEAK:
        raise MetricError("expected sound in both channels, found silence in one", Status.SILENT)
    return float(np.clip(np.corrcoef(centred)[0, 1], -1, 1))
