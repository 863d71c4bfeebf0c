"""Known damage, done to a sound by degrees: low-pass, noise, rooms, a coder, lost packets, clipping, level, bits.

What a listening test needs as an anchor and a robustness ladder needs as a rung. Every kind keeps length, channels,
rate and place in time, so that the result can be held against the original sample by sample; what is random follows
from a seed. Pure: `Audio` in, `Audio` out.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial

import numpy as np
import soundfile
from numpy.typing import NDArray
from scipy import signal

from models_registry import noises
from models_registry.audio import Audio, AudioError, resample

Samples = NDArray[np.float64]

# 60 dB leaves 10 dB beside the 50 dB of BS.1534-3's mask; the same Kaiser window bounds the ripple to 0.009 dB.
ATTENUATION_DB = 60.0
# The transition ends at 4 kHz for a 3.5 kHz low-pass (where 25 dB would do) and in proportion above.
STOP_RATIO = 4_000 / 3_500
PACKET_S = 0.020
# packets are lost in runs of two on average, as on a busy network (ITU-T G.191's Gilbert model with a memory)
MEAN_RUN = 2.0
MP3_RATES = (8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)
# direct sound over reverberation, dB: a talker in the hand, across the table, across the room
DISTANCES = {"reverb-near": 12.0, "reverb": 0.0, "reverb-far": -6.0}
# the first reflection of a small room comes after about a metre's detour
FIRST_REFLECTION_S = 0.0025
# an encoder's 577 samples and a decoder's 528, which a decoder that is told of them leaves out
MP3_DELAY = 577 + 528


@dataclass(frozen=True)
class Degradation:
    """A kind of damage: what its one number is, what it may be, and what does it."""

    name: str
    title: str
    quantity: str
    unit: str
    least: float
    most: float
    usual: float
    source: str
    apply: Callable[[Audio, float, int], Audio]

    def __call__(self, sound: Audio, at: float, *, seed: int = 0) -> Audio:
        """`sound` damaged to the degree `at`, in `unit`; raises `AudioError` for a degree out of range."""
        if not self.least <= at <= self.most:
            raise AudioError(
                f"expected {self.quantity} of {self.least:g} to {self.most:g} {self.unit} for {self.title}, "
                f"found {at:g}"
            )
        return self.apply(sound, at, seed)


# low-pass


@lru_cache
def low_pass(cut_off: float, rate: int) -> Samples:
    """Odd-length linear-phase FIR (taps,) that passes up to `cut_off` Hz within ±0.1 dB and stops from 8/7 of it."""
    stop = cut_off * STOP_RATIO
    if stop >= rate / 2:
        raise AudioError(
            f"a {cut_off:g} Hz low-pass needs a sample rate above {2 * stop:.0f} Hz, found {rate} Hz"
        )
    taps, beta = signal.kaiserord(ATTENUATION_DB, (stop - cut_off) / (rate / 2))
    return signal.firwin(taps | 1, (cut_off + stop) / 2, window=("kaiser", beta), fs=rate)


def low_passed(sound: Audio, cut_off: float) -> Audio:
    """`sound` without what lies above `cut_off` Hz, and without delay.

    Raises `AudioError` where the sample rate is too low to hold the transition band.
    """
    taps = low_pass(cut_off, sound.rate)[np.newaxis]
    return _like(sound, signal.oaconvolve(_wide(sound), taps, mode="same", axes=-1))


# noise


def modulated_noise(sound: Audio, q: float, seed: int) -> Audio:
    """Noise that follows the signal's own amplitude: y = x (1 + 10^(−Q/20) N), ITU-T P.810 (2.1)."""
    draw = np.random.default_rng(seed).standard_normal(sound.samples.shape)
    return _like(sound, _wide(sound) * (1 + 10 ** (-q / 20) * draw))


def shaped_noise(sound: Audio, ratio: float, seed: int) -> Audio:
    """Steady noise with the sound's own long-term spectrum, `ratio` dB below it."""
    clean = _wide(sound)
    frame = min(2_048, sound.frames)
    _, power = signal.welch(clean, nperseg=frame, axis=-1, detrend=False)
    draw = np.fft.rfft(np.random.default_rng(seed).standard_normal(clean.shape))
    places = np.linspace(0, 1, draw.shape[-1])
    grid = np.linspace(0, 1, power.shape[-1])
    shape = np.sqrt(np.stack([np.interp(places, grid, one) for one in power]))
    return _like(sound, clean + _at(np.fft.irfft(draw * shape, sound.frames), clean, ratio))


def _at(noise: Samples, clean: Samples, ratio: float) -> Samples:
    """`noise` with an energy `ratio` dB below that of `clean`, over all channels."""
    return noise * np.sqrt(np.sum(clean**2) / max(np.sum(noise**2), 1e-300) / 10 ** (ratio / 10))


def added_noise(sound: Audio, ratio: float, seed: int, *, kind: str) -> Audio:
    """Noise of a `kind` of `noises.NOISES`, the same in every channel, `ratio` dB below the sound."""
    made = noises.NOISES[kind](sound.duration, sound.rate, np.random.default_rng(seed))
    clean = _wide(sound)
    noise = np.broadcast_to(np.resize(made, sound.frames), clean.shape)
    return _like(sound, clean + _at(noise, clean, ratio))


# rooms


def reverberant(sound: Audio, decay: float, seed: int, *, ratio: float) -> Audio:
    """`sound` and its reverberation, which falls by 60 dB in `decay` s and is `ratio` dB below the direct sound.

    The direct sound stays as it was; each channel has noise of its own that dies away (Polack 1988). What rings on
    after the end is cut off.
    """
    response = room(decay, ratio, sound.rate, sound.channels, seed)
    wet = signal.oaconvolve(_wide(sound), response, axes=-1)
    return _like(sound, wet[:, : sound.frames])


def room(decay: float, ratio: float, rate: int, channels: int, seed: int) -> Samples:
    """The impulse response (channels, frames) of `reverberant`: 1 at the first sample, then the reverberation."""
    frames = round(1.2 * decay * rate) + 1
    start = min(round(FIRST_REFLECTION_S * rate), frames - 1)
    draw = np.random.default_rng(seed).standard_normal((channels, frames))
    late = draw * 10 ** (-3 * np.arange(frames) / (decay * rate))
    late[:, :start] = 0
    late *= 10 ** (-ratio / 20) / np.sqrt(np.sum(late**2, axis=-1, keepdims=True))
    late[:, 0] = 1
    return late


# transmission


def packets_lost(sound: Audio, share: float, seed: int) -> Audio:
    """Packets of 20 ms replaced by silence: `share` % of them, in runs of two on average (Gilbert's model)."""
    size = round(PACKET_S * sound.rate)
    count = -(-sound.frames // size)
    kept = np.repeat(~_losses(count, share / 100, seed), size)[: sound.frames]
    return _like(sound, _wide(sound) * kept)


def _losses(count: int, share: float, seed: int) -> NDArray[np.bool_]:
    """Which of `count` packets are lost (Gilbert 1960): P(lost → kept) = 1/run, P(kept → lost) to match the share."""
    if share == 0:
        return np.zeros(count, bool)
    leave = 1 / MEAN_RUN
    enter = leave * share / (1 - share)
    draw = np.random.default_rng(seed)
    lost = np.empty(count, bool)
    state = draw.random() < share
    for place, chance in enumerate(draw.random(count)):
        lost[place] = state
        state = chance >= leave if state else chance < enter
    return lost


def mp3(sound: Audio, bitrate: float) -> Audio:
    """`sound` through an MP3 coder (libsndfile's LAME) at a constant `bitrate` in kbit/s for all channels, in place.

    A rate that MP3 has not, and a bit rate below 32 kbit/s, which only its lower rates have, are reached by
    resampling there and back. Raises `AudioError` for more than two channels.
    """
    if sound.channels > 2:
        raise AudioError(f"MP3 holds one or two channels, found {sound.channels}")
    within = [rate for rate in MP3_RATES if bitrate >= 32 or rate <= 24_000]
    rate = (
        sound.rate
        if sound.rate in within
        else max(r for r in within if r <= max(sound.rate, 8_000))
    )
    coded = resample(sound, rate) if rate != sound.rate else sound
    decoded = Audio(_coded(coded.samples, rate, bitrate), rate)
    back = resample(decoded, sound.rate) if rate != sound.rate else decoded
    short = max(sound.frames - back.frames, 0)
    return _like(sound, np.pad(back.samples, ((0, 0), (0, short)))[:, : sound.frames])


def _coded(samples: NDArray[np.float32], rate: int, bitrate: float) -> NDArray[np.float32]:
    # libsndfile speaks of a level between 0, the highest bit rate of the MPEG version, and 1, the lowest
    highest, lowest = (320, 32) if rate >= 32_000 else (160, 8)
    level = min(max((highest - bitrate) / (highest - lowest), 0.0), 0.9999)
    held = io.BytesIO()
    with soundfile.SoundFile(
        held, "w", rate, len(samples), format="MP3", subtype="MPEG_LAYER_III",
        compression_level=level, bitrate_mode="CONSTANT",
    ) as file:  # fmt: skip
        file.write(samples.T)
    held.seek(0)
    decoded, _ = soundfile.read(held, dtype="float32", always_2d=True)
    # a frame too small to hold the note of the coder's delay comes back whole, the delay before it
    start = MP3_DELAY if len(decoded) > samples.shape[1] else 0
    return decoded[start : start + samples.shape[1]].T


# levels


def clipped(sound: Audio, above: float) -> Audio:
    """`sound` cut off `above` dB below its peak."""
    ceiling = np.abs(sound.samples).max() * 10 ** (-above / 20)
    return Audio(np.clip(sound.samples, -ceiling, ceiling), sound.rate)


def quantised(sound: Audio, bits: float, seed: int) -> Audio:
    """`sound` in steps of 2 / 2^`bits`, with triangular dither of two steps (Lipshitz, Wannamaker, Vanderkooy 1992)."""
    step = 2 / 2 ** round(bits)
    draw = np.random.default_rng(seed).uniform(-0.5, 0.5, (2, *sound.samples.shape)).sum(axis=0)
    return _like(sound, step * np.round(_wide(sound) / step + draw))


def _wide(sound: Audio) -> Samples:
    return sound.samples.astype(np.float64)


def _like(sound: Audio, samples: NDArray[np.floating]) -> Audio:
    return Audio(samples.astype(np.float32), sound.rate)


DEGRADATIONS = {
    one.name: one
    for one in (
        Degradation(
            "low-pass", "low-pass", "a cut-off", "Hz", 200, 20_000, 3_500,
            "ITU-R BS.1534-3, 5.1", lambda sound, at, seed: low_passed(sound, at),
        ),
        Degradation(
            "mnru", "modulated noise", "a signal-to-noise ratio Q", "dB", 0, 50, 15,
            "ITU-T P.810", modulated_noise,
        ),
        Degradation(
            "noise", "noise of the sound's own spectrum", "a signal-to-noise ratio", "dB", -20, 60, 10,
            "long-term spectrum by Welch's method", shaped_noise,
        ),
        Degradation(
            "mp3", "MP3", "a bit rate", "kbit/s", 8, 320, 32,
            "ISO/IEC 11172-3 and 13818-3", lambda sound, at, seed: mp3(sound, at),
        ),
        Degradation(
            "packet-loss", "lost packets", "a share", "%", 0, 50, 10,
            "Gilbert's two states, packets of 20 ms", packets_lost,
        ),
        *(
            Degradation(
                f"{kind}-noise", f"{kind} noise", "a signal-to-noise ratio", "dB", -20, 60, 10,
                "synthetic: see noises.py", partial(added_noise, kind=kind),
            )
            for kind in noises.NOISES
        ),
        *(
            Degradation(
                name, f"reverberation (direct sound {ratio:+g} dB)".replace("-", "−"),
                "a reverberation time", "s", 0.05, 10, 0.6,
                "noise that decays exponentially (Polack 1988)",
                partial(reverberant, ratio=ratio),
            )
            for name, ratio in DISTANCES.items()
        ),
        Degradation(
            "clipping", "clipping", "a height cut off", "dB below the peak", 0, 60, 12,
            "samples limited to a ceiling", lambda sound, at, seed: clipped(sound, at),
        ),
        Degradation(
            "level", "level", "a gain", "dB", -80, 20, -20,
            "samples multiplied", lambda sound, at, seed: _like(sound, _wide(sound) * 10 ** (at / 20)),
        ),
        Degradation(
            "bit-depth", "fewer bits", "a word length", "bit", 2, 24, 8,
            "rounding with triangular dither (Lipshitz et al. 1992)", quantised,
        ),
    )
}  # fmt: skip
