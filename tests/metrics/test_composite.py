"""Distances of speech frames and the composite ratings: figures of other programs, closed forms, and scipy."""

import numpy as np
import pytest
from scipy.linalg import solve_toeplitz
from scipy.signal import lfilter

from metrics import composite
from metrics.composite import (
    cepstral_distance,
    composite_background,
    composite_overall,
    composite_signal,
    fw_segmental_snr,
    log_likelihood_ratio,
    segmental_snr,
    weighted_spectral_slope,
)
from models_registry.audio import read

RATE = 16_000
NOISE = 0.1 * np.random.default_rng(0).standard_normal((1, RATE))
SPEECHLIKE = lfilter([1.0], [1.0, -1.3, 0.8], NOISE)
DISTANCES = [log_likelihood_ratio, weighted_spectral_slope, cepstral_distance]
RATINGS = [composite_signal, composite_background, composite_overall]
EVERYTHING = [segmental_snr, fw_segmental_snr, *DISTANCES, *RATINGS]


@pytest.fixture(scope="module")
def pair(shared):
    folder = shared / "data" / "audio" / "pesq_reference_pair"
    return [read(folder / name).samples for name in ("speech.wav", "speech_bab_0dB.wav")]


@pytest.mark.parametrize(
    ("measure", "expected"),
    [
        (segmental_snr, -4.038664584070841),
        (fw_segmental_snr, 3.3554001065825747),
        (log_likelihood_ratio, 0.9592598938641901),
        (weighted_spectral_slope, 52.65786610835307),
        (cepstral_distance, 6.388916397199876),
    ],
)
def test_a_published_pair_scores_as_in_pysepm(pair, measure, expected):
    """pysepm-evo 0.1.1 on this pair; pysepm gives the printed figures of Loizou's own MATLAB programs."""
    assert measure(*pair, RATE) == pytest.approx(expected, rel=1e-9)


def test_the_ratings_combine_their_parts_as_loizous_program_does(monkeypatch):
    """The MATLAB program's results that pysepm keeps for a noisy recording: PESQ, WSS, segmental SNR, three ratings.

    It prints the likelihood ratio with a limit that the ratings do not have: Csig gives it here, Covl confirms it.
    """
    opinion, slopes, snr = 1.16241814, 44.69861369, -0.21686175
    csig, cbak, covl = 2.03799216, 1.86308328, 1.54331585
    likelihood = (3.093 + 0.603 * opinion - 0.009 * slopes - csig) / 1.029
    assert likelihood > 1.25307655  # as printed, with the limit
    parts = (likelihood, opinion, slopes, snr)
    monkeypatch.setattr(composite, "_composite_parts", lambda *_: parts)
    assert composite_background(NOISE, NOISE, RATE) == pytest.approx(cbak, abs=1e-7)
    assert composite_overall(NOISE, NOISE, RATE) == pytest.approx(covl, abs=1e-7)


def test_the_ratings_stay_on_their_scale(monkeypatch):
    """The same results for a processed recording: Cbak 1.59704621, while Csig and Covl end at 1."""
    parts = (3.0, 1.05947055, 66.79548151, -1.20337052)
    monkeypatch.setattr(composite, "_composite_parts", lambda *_: parts)
    assert composite_background(NOISE, NOISE, RATE) == pytest.approx(1.59704621, abs=1e-7)
    assert composite_signal(NOISE, NOISE, RATE) == composite_overall(NOISE, NOISE, RATE) == 1


def test_parts_of_the_ratings_are_the_metrics_of_these_names(pair):
    likelihood, opinion, slopes, snr = composite._composite_parts(*pair)
    assert opinion == pytest.approx(1.0832337141036987, rel=1e-12)  # published with the pair
    assert slopes == weighted_spectral_slope(*pair, RATE)
    assert snr == segmental_snr(*pair, RATE)
    assert likelihood == pytest.approx(0.9607521284186255, rel=1e-9)  # pysepm's, for the composite


def test_a_copy_is_the_best_there_is(pair):
    clean = pair[0]
    assert segmental_snr(clean, clean, RATE) == fw_segmental_snr(clean, clean, RATE) == 35
    for measure in DISTANCES:
        assert measure(clean, clean, RATE) == 0
    for measure in RATINGS:
        assert measure(clean, clean, RATE) == 5


@pytest.mark.parametrize("gain", [0.5, -0.5, 2.0])
def test_only_segmental_snr_hears_level_and_polarity(gain):
    """A signal that is g times the reference has an error of 1 − g: −20·log10|1 − g| in every frame."""
    assert segmental_snr(SPEECHLIKE, gain * SPEECHLIKE, RATE) == pytest.approx(
        np.clip(-20 * np.log10(abs(1 - gain)), -10, 35), abs=1e-9
    )
    assert fw_segmental_snr(SPEECHLIKE, gain * SPEECHLIKE, RATE) == 35
    for measure in DISTANCES:
        assert measure(SPEECHLIKE, gain * SPEECHLIKE, RATE) == pytest.approx(0, abs=1e-6)


def test_prediction_filters_solve_scipys_normal_equations():
    frames = SPEECHLIKE[0, : 10 * 480].reshape(10, 480)
    lags = composite._autocorrelation(frames)
    for row, filters in zip(lags, composite._predictor(lags), strict=True):
        assert filters[0] == 1
        assert filters[1:] == pytest.approx(-solve_toeplitz(row[:-1], row[1:]), rel=1e-9)


def test_the_cepstrum_of_a_pole_is_known():
    """ln 1/(1 − p/z) = Σ pⁿ/n · z⁻ⁿ."""
    pole = 0.8
    cepstrum = composite._cepstrum(np.array([[1, -pole] + [0.0] * 15]))
    n = np.arange(1, 17)
    assert cepstrum[0] == pytest.approx(pole**n / n, abs=1e-12)


def test_distances_know_an_envelope_from_another():
    """Likelihood ratio of white noise against one resonance, in theory: ln of the prediction gain (Itakura)."""
    long = 0.1 * np.random.default_rng(1).standard_normal((1, 10 * RATE))
    coloured = lfilter([1.0], [1.0, -0.5], long)
    assert log_likelihood_ratio(long, coloured, RATE) == pytest.approx(np.log(1 + 0.25), abs=0.03)


@pytest.mark.parametrize("measure", EVERYTHING)
def test_more_noise_scores_worse(pair, measure):
    clean, _ = pair
    hiss = np.random.default_rng(0).standard_normal(clean.shape) * np.sqrt(np.mean(clean**2))
    scores = [measure(clean, clean + level * hiss, RATE) for level in (0.01, 0.05, 0.2, 1.0)]
    assert scores == sorted(scores, reverse=measure not in DISTANCES)
    assert len(set(scores)) == 4


@pytest.mark.parametrize("measure", EVERYTHING[:5])
def test_digital_silence_within_a_signal_is_finite(measure):
    """Gaps in one signal or in both, as gates and lost packets leave them."""
    gap, both = SPEECHLIKE.copy(), SPEECHLIKE.copy()
    gap[:, 4_000:8_000] = both[:, 3_000:9_000] = 0
    for reference, degraded in ((gap, SPEECHLIKE), (SPEECHLIKE, gap), (both, gap), (gap, both)):
        assert np.isfinite(measure(reference, degraded, RATE))
    assert measure(gap, gap, RATE) == measure(SPEECHLIKE, SPEECHLIKE, RATE)


@pytest.mark.parametrize("measure", EVERYTHING[:5])
def test_the_memory_that_is_used_does_not_show(measure, monkeypatch):
    degraded = SPEECHLIKE + 0.1 * NOISE
    whole = measure(SPEECHLIKE, degraded, RATE)
    monkeypatch.setattr(composite, "BLOCK", 7)
    # one more sample: what was computed above is not to be found again
    reference, degraded = (np.pad(s, ((0, 0), (0, 1))) for s in (SPEECHLIKE, degraded))
    assert measure(reference, degraded, RATE) == pytest.approx(whole, rel=1e-12)
