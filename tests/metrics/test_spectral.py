"""Spectral distances: closed forms and auraloss' figures."""

import numpy as np
import pytest
from scipy.signal import ShortTimeFFT, chirp, get_window

from metrics import spectral
from metrics.spectral import log_spectral_distance, multi_resolution_stft
from models_registry.audio import read

RATE = 16_000
TIME = np.arange(RATE) / RATE
REFERENCE = 0.5 * chirp(TIME, 50, 1, 7_000)[None]
DEGRADED = np.tanh(2 * REFERENCE) / 2 + 0.01 * np.sin(2 * np.pi * 3_000 * TIME)
NOISE = 0.1 * np.random.default_rng(0).standard_normal((1, RATE))


def test_mr_stft_is_that_of_auraloss():
    """auraloss 0.4.0, MultiResolutionSTFTLoss() with its defaults, in double precision (its windows are single)."""
    assert multi_resolution_stft(REFERENCE, DEGRADED, RATE) == pytest.approx(2.8108115, rel=1e-5)


def test_mr_stft_of_a_published_pair_is_that_of_auraloss(shared):
    folder = shared / "data" / "audio" / "pesq_reference_pair"
    clean, noisy = read(folder / "speech.wav"), read(folder / "speech_bab_0dB.wav")
    assert multi_resolution_stft(clean.samples, noisy.samples, clean.rate) == pytest.approx(
        2.5804415, rel=1e-5
    )


@pytest.mark.parametrize("gain_db", [-20.0, -6.0, 3.0])
def test_a_change_of_level_is_its_own_log_spectral_distance(gain_db):
    """|20·log10 g| in every band and frame; and (|1 − g|, |ln g|) in each resolution of the STFT distance."""
    gain = 10 ** (gain_db / 20)
    assert log_spectral_distance(NOISE, gain * NOISE, RATE) == pytest.approx(abs(gain_db), abs=1e-3)
    assert multi_resolution_stft(NOISE, gain * NOISE, RATE) == pytest.approx(
        abs(1 - gain) + abs(np.log(gain)), abs=1e-3
    )


def test_log_spectral_distance_is_the_root_mean_square_over_scipys_stft():
    """Gray and Markel's definition on scipy's ShortTimeFFT, frames inside the signal."""
    hum = NOISE + 0.05 * np.sin(2 * np.pi * 1_000 * TIME)
    stft = ShortTimeFFT(get_window("hann", 512), hop=128, fs=RATE)
    inside = slice(3, 3 + (RATE - 512) // 128 + 1)  # the first frame starts 3 steps early
    x, y = (np.abs(stft.stft(s[0]))[:, inside] for s in (NOISE, hum))
    expected = np.sqrt(np.mean((20 * np.log10(x / y)) ** 2, axis=0)).mean()
    assert log_spectral_distance(NOISE, hum, RATE) == pytest.approx(expected, rel=1e-9)


def test_a_copy_is_at_no_distance():
    assert log_spectral_distance(REFERENCE, REFERENCE, RATE) == 0
    assert multi_resolution_stft(REFERENCE, REFERENCE, RATE) == 0


def test_digital_silence_and_dither_are_alike():
    """What is 100 dB below full scale is no difference that anyone hears: gaps and dithered gaps are the same."""
    gap, dithered = NOISE.copy(), NOISE.copy()
    gap[:, RATE // 2 :] = 0
    dithered[:, RATE // 2 :] = 1e-7 * NOISE[:, RATE // 2 :]
    assert log_spectral_distance(gap, dithered, RATE) < 0.01


@pytest.mark.parametrize("measure", [log_spectral_distance, multi_resolution_stft])
def test_the_memory_that_is_used_does_not_show(measure, monkeypatch):
    whole = measure(NOISE, DEGRADED, RATE)
    monkeypatch.setattr(spectral, "BLOCK", 7)
    assert measure(NOISE, DEGRADED, RATE) == pytest.approx(whole, rel=1e-12)
