"""PEAQ's basic version from two signals to a grade, with what it holds about masking on the way.

The signals must be aligned to the sample: PEAQ compares frame with frame, and takes a delay of a few milliseconds for
the worst of distortions.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from metrics.contract import (
    MetricError,
    Signal,
    Status,
    check_layout,
    check_pair,
    check_signal,
)
from metrics.peaq import ear_model as ear
from metrics.peaq import movs, network, patterns
from metrics.peaq.ear_model import FRAME, RATE, STEP, Array
from models_registry.audio import SILENCE_PEAK

# Frames transformed at once, so that an hour needs no more memory for spectra than a second.
BLOCK = 64
# 5.2.4: data begins and ends where five samples in a row add up to more than this (200 of 32768).
BOUNDARY_SAMPLES, BOUNDARY_SUM = 5, 200 / 2**15
# Variance of the error of 16-bit samples, for which the Recommendation was written, and how far the strongest of the
# bins in which a noise floor is sought stands above their mean, or more. Finer samples and resampled ones have no
# such floor: rounding errors of the arithmetic would then count as bandwidth.
ROUNDING_POWER = 2.0**-30 / 12
ROUNDING_PEAK = 3.0


@dataclass(frozen=True, eq=False)
class PeaqResult:
    """What PEAQ's basic version says of a pair of signals.

    odg: objective difference grade, 0.2 (no difference) to −4 (very annoying). di: distortion index, its unbounded
    twin. variables: the 11 model output variables. times: centres (s) of the frames (n). frequencies: centres (Hz) of
    the bands (109). excitation: dB SPL behind the outer and middle ear, of reference and degraded signal (2, channels,
    n, 109). masking_threshold: dB SPL there too, (channels, n, 109). noise_to_mask: dB, (channels, n, 109); above 0 dB
    the error can be heard. Channels are those in which there is sound.
    """

    odg: float
    di: float
    variables: movs.ModelOutput
    times: Array
    frequencies: Array
    excitation: Array
    masking_threshold: Array
    noise_to_mask: Array


@dataclass(frozen=True, eq=False)
class _Frames:
    """What is read from the spectra. Patterns of both signals are (2, channels, frames, 109)."""

    excitation: Array
    noise: Array
    bandwidths: Array
    harmonics: Array


def basic(
    reference: Signal,
    degraded: Signal,
    rate: int,
    *,
    full_scale_db: float = ear.FULL_SCALE_DB_SPL,
) -> PeaqResult:
    """Compare `degraded` with `reference`, both (1 or 2 channels, samples) at 48 kHz in −1…1 and aligned.

    full_scale_db: level (dB SPL) at which a full-scale sine is played.
    A channel that is silent in both signals is left out: it would count as a perfect one.
    Raises `MetricError` for other rates and channels, for signals that are silent or no numbers, and when there is
    too little sound to compare.
    """
    if rate != RATE:
        raise MetricError(f"expected {RATE} Hz, found {rate} Hz", Status.UNSUPPORTED_RATE)
    check_signal(reference, name="reference")
    check_signal(degraded, name="degraded")
    check_pair(reference.shape, degraded.shape, rate, rate)
    check_layout(len(reference), (1, 2))
    span = np.maximum(np.ptp(reference, axis=1), np.ptp(degraded, axis=1))
    heard = span / 2 >= SILENCE_PEAK
    if not heard.all():
        reference, degraded = reference[heard], degraded[heard]
    first, end = _frames_with_data(reference)
    frames = _analysed(reference, degraded, end, full_scale_db)
    return _compared(frames, first)


def _frames_with_data(reference: Signal) -> tuple[int, int]:
    """Return the first frame with data in the reference, and the one after the last."""
    magnitude = np.abs(reference)
    starts = reference.shape[1] - BOUNDARY_SAMPLES + 1
    sums = magnitude[:, :starts].copy()
    for later in range(1, BOUNDARY_SAMPLES):
        sums += magnitude[:, later : later + starts]
    loud = np.flatnonzero((sums > BOUNDARY_SUM).any(0))
    if not loud.size:
        raise MetricError("reference: expected sound, found near silence", Status.SILENT)
    # a frame counts if at least half of it is before the end of the data
    samples = loud[-1] + BOUNDARY_SAMPLES
    return int(loud[0]) // STEP, (int(samples) - FRAME // 2) // STEP + 1


def _analysed(reference: Signal, degraded: Signal, count: int, full_scale_db: float) -> _Frames:
    """Transform the first `count` frames, zeros after the end, and keep what the comparison needs."""
    least_floor = ROUNDING_PEAK * ROUNDING_POWER * ear.power_of_unit_noise(full_scale_db)
    bands, noise, bandwidths, harmonics = [], [], [], []
    for start in range(0, count, BLOCK):
        block = range(start, min(start + BLOCK, count))
        frames = np.stack([_framed(reference, block), _framed(degraded, block)])
        spectra = ear.spectra(frames, full_scale_db)
        heard = spectra * ear.EAR_GAIN
        bands.append(ear.grouped(heard))
        noise.append(ear.grouped(np.square(np.sqrt(heard[0]) - np.sqrt(heard[1]))))
        bandwidths.append(movs.bandwidths(spectra[0], spectra[1], least_floor))
        harmonics.append(movs.error_harmonics(frames, spectra))
    return _Frames(
        excitation=ear.excitation(np.concatenate(bands, axis=2)),
        noise=np.concatenate(noise, axis=1),
        bandwidths=np.concatenate(bandwidths, axis=2),
        harmonics=np.concatenate(harmonics, axis=1),
    )


def _framed(signal: Signal, block: range) -> Array:
    """Return the frames (channels, frames, 2048) of that range, zeros after the end of the signal."""
    piece = signal[:, block[0] * STEP : block[-1] * STEP + FRAME]
    missing = (len(block) - 1) * STEP + FRAME - piece.shape[1]
    if missing:
        piece = np.pad(piece, ((0, 0), (0, missing)))
    return np.lib.stride_tricks.sliding_window_view(piece, FRAME, axis=-1)[:, ::STEP]


def _compared(frames: _Frames, first: int) -> PeaqResult:
    """Compare from frame `first`; those before it only set the filters going."""
    excitation = ear.smeared(frames.excitation)
    modulation, mean_loudness = patterns.modulation(frames.excitation)
    adapted = patterns.adapted(excitation)[:, :, first:]
    modulation, mean_loudness = modulation[:, :, first:], mean_loudness[:, first:]
    excitation = excitation[:, :, first:]
    settled = max(movs.SETTLING_FRAMES - first, 0)
    heard = movs.first_audible(patterns.loudness(excitation)) + movs.AFTER_ONSET_FRAMES
    count = excitation.shape[2]
    if count - max(settled, heard) < movs.WINDOW_FRAMES:
        raise MetricError(
            "expected sound for 0.1 s after the first half second, found less", Status.TOO_SHORT
        )
    first_difference, second_difference, weight = (
        values[:, settled:] for values in movs.modulation_differences(modulation, mean_loudness)
    )
    noise_loudness = movs.noise_loudness(modulation, adapted)[:, max(settled, heard) :]
    probability, steps = movs.detection(excitation)
    threshold = movs.masking_threshold(excitation[0])
    noise_to_mask = frames.noise[:, first:] / threshold
    bandwidth_ref, bandwidth_test = frames.bandwidths[:, :, first:]
    variables = movs.ModelOutput(
        bandwidth_ref=movs.mean_of_measured(bandwidth_ref),
        bandwidth_test=movs.mean_of_measured(bandwidth_test),
        total_nmr=movs.average_noise_to_mask(noise_to_mask),
        win_mod_diff1=movs.windowed(first_difference),
        adb=movs.average_distorted_block(probability, steps),
        ehs=1000 * movs.mean_of_measured(frames.harmonics[:, first:]),
        avg_mod_diff1=movs.weighted_mean(first_difference, weight),
        avg_mod_diff2=movs.weighted_mean(second_difference, weight),
        rms_noise_loud=movs.root_mean_square(noise_loudness),
        mfpd=movs.filtered_maximum(probability),
        rel_dist_frames=movs.disturbed_frames(noise_to_mask),
    )
    di = network.distortion_index(variables)
    return PeaqResult(
        odg=network.grade(di),
        di=di,
        variables=variables,
        times=((first + np.arange(count)) * STEP + FRAME / 2) / RATE,
        frequencies=ear.CENTRES,
        excitation=10 * np.log10(excitation),
        masking_threshold=10 * np.log10(threshold),
        noise_to_mask=10 * np.log10(noise_to_mask),
    )
