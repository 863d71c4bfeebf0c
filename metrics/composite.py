"""Frame-by-frame distances of speech, and the composite ratings that Hu and Loizou fitted to listeners from them.

Conventions: signals are (channels, frames) in −1…1; the mean of the channels is measured, at 16 kHz; reference and
degraded are expected to be aligned in time. Frames are 30 ms under a Hann window, each a quarter of one after the
last. LLR, WSS and cepstral distance are the mean of the lowest 95 % of the frames, as in the authors' work.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from metrics.catalogue import Channels, Direction, metric
from metrics.contract import Signal
from metrics.intermediates import kept
from metrics.speech import PESQ_LICENCE, PESQ_MAX_DURATION, PESQ_MIN_DURATION, PESQ_VERSION, pesq

Array = NDArray[np.float64]

RATE = 16_000
FRAME = 480
STEP = FRAME // 4
FFT = 1024
MIN_DURATION = 0.5
WINDOW = np.hanning(FRAME + 2)[1:-1]
# Frames that are held in memory at a time.
BLOCK = 2048
# What stands for the power of nothing: the square of the last bit of a full-scale sample.
NOTHING = np.finfo(np.float64).eps
SNR_RANGE_DB = (-10.0, 35.0)
WEIGHT_EXPONENT = 0.2
LPC_ORDER = 16
LLR_LIMIT, CEPSTRAL_LIMIT_DB = 2.0, 10.0
KEPT_SHARE = 0.95
# Centre frequencies and widths (Hz) of the critical bands: Quackenbush, Barnwell, Clements, Objective measures of
# speech quality, 1988.
# fmt: off
BAND_CENTRE = np.array([
    50.0, 120.0, 190.0, 260.0, 330.0, 400.0, 470.0, 540.0, 617.372, 703.378, 798.717, 904.128, 1020.38,
    1148.30, 1288.72, 1442.54, 1610.70, 1794.16, 1993.93, 2211.08, 2446.71, 2701.97, 2978.04, 3276.17, 3597.63,
])
BAND_WIDTH = np.array([
    70.0, 70.0, 70.0, 70.0, 70.0, 70.0, 70.0, 77.3724, 86.0056, 95.3398, 105.411, 116.256, 127.914,
    140.423, 153.823, 168.154, 183.457, 199.776, 217.153, 235.631, 255.255, 276.072, 298.126, 321.465, 346.136,
])
# fmt: on
# Below the point that the authors call −30 dB a filter passes nothing.
BAND_FLOOR = math.exp(-30 / (2 * 2.303))
# Klatt's constants: how much a slope counts that is far below the frame's maximum, and below its own peak.
K_MAX, K_LOCAL = 20.0, 1.0
SPEECH = (
    "Hu, Loizou: Evaluation of objective quality measures for speech enhancement, IEEE TASLP 16(1), 2008,"
    " doi:10.1109/TASL.2007.911054"
)


def _band_filters() -> Array:
    """Return the critical bands as Gaussian weights of the spectrum's lower half, (25, FFT // 2)."""
    bins = np.arange(FFT // 2)
    centre, width = (np.array([BAND_CENTRE, BAND_WIDTH]) / (RATE / 2) * (FFT // 2))[..., None]
    weights = np.exp(-11 * ((bins - np.floor(centre)) / width) ** 2)
    weights *= BAND_WIDTH.min() / BAND_WIDTH[:, None]
    weights[weights < BAND_FLOOR] = 0
    return weights


BANDS = _band_filters()


def _framewise(
    compare: Callable[[Array, Array], Array], reference: Signal, degraded: Signal
) -> Array:
    """Return `compare` of each pair of windowed frames (n, FRAME)."""
    x, y = (sliding_window_view(s[0], FRAME)[::STEP][:-1] for s in (reference, degraded))
    return np.concatenate(
        [
            compare(x[start : start + BLOCK] * WINDOW, y[start : start + BLOCK] * WINDOW)
            for start in range(0, len(x), BLOCK)
        ]
    )


def _lowest(distances: Array) -> float:
    return float(np.sort(distances)[: round(KEPT_SHARE * len(distances))].mean())


@kept
def _segmental_snr(reference: Signal, degraded: Signal) -> float:
    def compare(x: Array, y: Array) -> Array:
        x, y = _sounding(x, y)
        signal, noise = (x**2).sum(axis=1), ((x - y) ** 2).sum(axis=1)
        return np.clip(10 * np.log10(signal / (noise + NOTHING) + NOTHING), *SNR_RANGE_DB)

    return float(_framewise(compare, reference, degraded).mean())


def _sounding(x: Array, y: Array) -> tuple[Array, Array]:
    """Return the frames in which either signal holds anything: nothing against nothing has no ratio."""
    power = np.maximum((x**2).sum(axis=1), (y**2).sum(axis=1))
    return x[power > NOTHING], y[power > NOTHING]


def _weighted_snr(x: Array, y: Array) -> Array:
    magnitudes = []
    for frames in _sounding(x, y):
        spectrum = np.abs(np.fft.rfft(frames, FFT))[:, : FFT // 2]
        total = np.maximum(spectrum.sum(axis=1, keepdims=True), NOTHING)
        magnitudes.append(spectrum / total @ BANDS.T)
    clean = np.maximum(magnitudes[0], NOTHING)
    error = np.maximum((magnitudes[0] - magnitudes[1]) ** 2, NOTHING)
    weight = clean**WEIGHT_EXPONENT
    snr = (weight * 10 * np.log10(clean**2 / error)).sum(axis=1) / weight.sum(axis=1)
    return np.clip(snr, *SNR_RANGE_DB)


def _autocorrelation(frames: Array) -> Array:
    """Return lags 0 to `LPC_ORDER` of each frame, (n, order + 1)."""
    spectrum = np.fft.rfft(frames, FFT)
    lags = np.fft.irfft(spectrum.real**2 + spectrum.imag**2)[:, : LPC_ORDER + 1]
    lags[:, 0] += FRAME * NOTHING**2
    return lags


def _predictor(lags: Array) -> Array:
    """Return the prediction-error filters 1, a1, … of each row of autocorrelations (Levinson, Durbin)."""
    coefficients = np.zeros_like(lags)
    coefficients[:, 0] = 1
    error = lags[:, 0].copy()
    for order in range(1, lags.shape[1]):
        reflection = -(coefficients[:, :order] * lags[:, order:0:-1]).sum(axis=1) / error
        previous = coefficients[:, : order + 1].copy()
        coefficients[:, : order + 1] += reflection[:, None] * previous[:, ::-1]
        error *= 1 - reflection**2
    return coefficients


@kept
def _log_likelihood_ratios(reference: Signal, degraded: Signal) -> Array:
    index = np.abs(np.subtract.outer(np.arange(LPC_ORDER + 1), np.arange(LPC_ORDER + 1)))

    def compare(x: Array, y: Array) -> Array:
        lags = _autocorrelation(x)
        toeplitz = lags[:, index]
        residual = [
            np.einsum("ni,nij,nj->n", filters, toeplitz, filters)
            for filters in (_predictor(lags), _predictor(_autocorrelation(y)))
        ]
        return np.log(residual[1] / residual[0])

    return _framewise(compare, reference, degraded)


def _cepstrum(predictor: Array) -> Array:
    """Return the cepstrum c1, c2, … (n, order) of the all-pole spectrum 1/A."""
    order = predictor.shape[1] - 1
    cepstrum = np.zeros((len(predictor), order))
    for n in range(1, order + 1):
        k = np.arange(1, n)
        past = (k / n * cepstrum[:, : n - 1] * predictor[:, n - k]).sum(axis=1)
        cepstrum[:, n - 1] = -predictor[:, n] - past
    return cepstrum


def _cepstral_distances(x: Array, y: Array) -> Array:
    clean, other = (_cepstrum(_predictor(_autocorrelation(frames))) for frames in (x, y))
    return 10 / np.log(10) * np.sqrt(2 * ((clean - other) ** 2).sum(axis=1))


def _slopes(frames: Array) -> tuple[Array, Array]:
    """Return the slopes (dB) between critical bands (n, 24) and Klatt's weights of them."""
    spectrum = np.fft.rfft(frames, FFT)[:, : FFT // 2]
    power = (spectrum.real**2 + spectrum.imag**2) @ BANDS.T
    level = 10 * np.log10(np.maximum(power, 1e-10))
    slope = np.diff(level, axis=1)
    peak = _nearest_peak(level, slope)
    below = level.max(axis=1, keepdims=True) - level[:, :-1]
    weight = K_MAX / (K_MAX + below) * K_LOCAL / (K_LOCAL + peak - level[:, :-1])
    return slope, weight


def _nearest_peak(level: Array, slope: Array) -> Array:
    """Return the level of the peak that each slope belongs to: up to the right where it rises, else to the left."""
    upper, lower = np.empty_like(slope), np.empty_like(slope)
    # The authors' search upwards stops one band below the peak.
    upper[:, -1] = level[:, -2]
    for band in range(slope.shape[1] - 2, -1, -1):
        rises = slope[:, band + 1] > 0
        upper[:, band] = np.where(rises, upper[:, band + 1], level[:, band])
    lower[:, 0] = level[:, 0]
    for band in range(1, slope.shape[1]):
        falls = slope[:, band - 1] <= 0
        lower[:, band] = np.where(falls, lower[:, band - 1], level[:, band])
    return np.where(slope > 0, upper, lower)


@kept
def _weighted_slopes(reference: Signal, degraded: Signal) -> float:
    def compare(x: Array, y: Array) -> Array:
        (clean, clean_weight), (other, other_weight) = _slopes(x), _slopes(y)
        weight = (clean_weight + other_weight) / 2
        return (weight * (clean - other) ** 2).sum(axis=1) / weight.sum(axis=1)

    return _lowest(_framewise(compare, reference, degraded))


speech_metric = partial(
    metric,
    needs_reference=True,
    channels=Channels.MEAN,
    rates=(RATE,),
    min_rate=RATE,
)
of_frames = partial(speech_metric, min_duration=MIN_DURATION, version="1", licence="own code")


@of_frames(
    name="segmental-snr",
    title="Segmental SNR",
    unit="dB",
    direction=Direction.HIGHER,
    range=SNR_RANGE_DB,
    standard="none; Loizou's framing, each frame limited to −10…35 dB",
    citation="Hansen, Pellom: An effective quality evaluation protocol for speech enhancement algorithms, ICSLP 1998",
)
def segmental_snr(reference: Signal, degraded: Signal, rate: int) -> float:
    """Signal-to-noise ratio of each 30 ms, averaged in dB: quiet speech sounds count as much as loud ones."""
    return _segmental_snr(reference, degraded)


@of_frames(
    name="fw-segmental-snr",
    title="Frequency-weighted segmental SNR",
    unit="dB",
    direction=Direction.HIGHER,
    range=SNR_RANGE_DB,
    standard="none; 25 critical bands weighted by the reference's magnitude to the power 0.2",
    citation=SPEECH,
)
def fw_segmental_snr(reference: Signal, degraded: Signal, rate: int) -> float:
    """Signal-to-noise ratio of the magnitudes in critical bands up to 3.8 kHz; each frame's level does not count."""
    return float(_framewise(_weighted_snr, reference, degraded).mean())


@of_frames(
    name="llr",
    title="LLR, log-likelihood ratio",
    unit="1",
    direction=Direction.LOWER,
    range=(0.0, LLR_LIMIT),
    standard="none; linear prediction of order 16, each frame limited to 2",
    citation="Quackenbush, Barnwell, Clements: Objective measures of speech quality, Prentice Hall 1988",
)
def log_likelihood_ratio(reference: Signal, degraded: Signal, rate: int) -> float:
    """How badly the degraded signal's spectral envelope predicts the reference; level does not count."""
    return _lowest(np.clip(_log_likelihood_ratios(reference, degraded), 0, LLR_LIMIT))


@of_frames(
    name="wss",
    title="WSS, weighted spectral slope",
    unit="dB²",
    direction=Direction.LOWER,
    range=(0.0, None),
    standard="none; 25 critical bands, Klatt's weights Kmax 20 and Klocmax 1",
    citation="Klatt: Prediction of perceived phonetic distance from critical-band spectra, ICASSP 1982",
)
def weighted_spectral_slope(reference: Signal, degraded: Signal, rate: int) -> float:
    """Difference of the spectra's slopes between critical bands, the most at peaks: where vowels are told apart."""
    return _weighted_slopes(reference, degraded)


@of_frames(
    name="cepstral-distance",
    title="Cepstral distance",
    unit="dB",
    direction=Direction.LOWER,
    range=(0.0, CEPSTRAL_LIMIT_DB),
    standard="none; cepstrum of linear prediction of order 16 without c0, each frame limited to 10 dB",
    citation=(
        "Kitawaki, Nagabuchi, Itoh: Objective quality evaluation for low-bit-rate speech coding systems, "
        "IEEE JSAC 6(2), 1988"
    ),
)
def cepstral_distance(reference: Signal, degraded: Signal, rate: int) -> float:
    """Distance of the spectral envelopes in dB; level does not count."""
    distances = _framewise(_cepstral_distances, reference, degraded)
    return _lowest(np.minimum(distances, CEPSTRAL_LIMIT_DB))


rating = partial(
    speech_metric,
    unit="MOS",
    direction=Direction.HIGHER,
    range=(1.0, 5.0),
    min_duration=PESQ_MIN_DURATION,
    max_duration=PESQ_MAX_DURATION,
    standard="none; the scales are those of ITU-T P.835",
    citation=SPEECH,
    version=PESQ_VERSION,
    licence=PESQ_LICENCE,
)


@rating(name="csig", title="Csig, composite rating of the speech signal")
def composite_signal(reference: Signal, degraded: Signal, rate: int) -> float:
    """Predicted rating of the speech alone, from 1, very distorted, to 5, not distorted."""
    likelihood, opinion, slopes, _ = _composite_parts(reference, degraded)
    return _rated(3.093 - 1.029 * likelihood + 0.603 * opinion - 0.009 * slopes)


@rating(name="cbak", title="Cbak, composite rating of the background")
def composite_background(reference: Signal, degraded: Signal, rate: int) -> float:
    """Predicted rating of the background alone, from 1, very intrusive, to 5, not noticeable."""
    _, opinion, slopes, snr = _composite_parts(reference, degraded)
    return _rated(1.634 + 0.478 * opinion - 0.007 * slopes + 0.063 * snr)


@rating(name="covl", title="Covl, composite rating over all")
def composite_overall(reference: Signal, degraded: Signal, rate: int) -> float:
    """Predicted rating of the whole, from 1, bad, to 5, excellent."""
    likelihood, opinion, slopes, _ = _composite_parts(reference, degraded)
    return _rated(1.594 + 0.805 * opinion - 0.512 * likelihood - 0.007 * slopes)


def _composite_parts(reference: Signal, degraded: Signal) -> tuple[float, float, float, float]:
    """Return LLR (not limited, as the ratings were fitted), wideband PESQ, WSS and segmental SNR."""
    return (
        _lowest(_log_likelihood_ratios(reference, degraded)),
        pesq(reference, degraded, RATE, "wb"),
        _weighted_slopes(reference, degraded),
        _segmental_snr(reference, degraded),
    )


def _rated(value: float) -> float:
    return float(np.clip(value, 1, 5))
