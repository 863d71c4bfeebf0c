"""Descriptors of spectrum and stereo image: librosa's figures, scipy, and closed forms."""

import numpy as np
import pytest
from scipy.signal import ShortTimeFFT, get_window, welch

from metrics import descriptors
from metrics.contract import MetricError, Status
from metrics.descriptors import (
    high_frequency_energy,
    inter_channel_correlation,
    spectral_bandwidth,
    spectral_centroid,
    spectral_flatness,
    spectral_flux,
    spectral_rolloff,
    stereo_width,
)
from models_registry.audio import read

RATE = 48_000
TIME = np.arange(2 * RATE) / RATE
NOISE = 0.1 * np.random.default_rng(0).standard_normal((2, 2 * RATE))
SPECTRAL = [
    spectral_centroid,
    spectral_bandwidth,
    spectral_rolloff,
    spectral_flatness,
    spectral_flux,
    high_frequency_energy,
]


def tone(hz, amplitude=0.1):
    return amplitude * np.sin(2 * np.pi * hz * TIME)[None]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("speech.wav", (1785.0744590044317, 1512.0304334721666, 2276.954397394137, 0.0433066504)),
        (
            "speech_bab_0dB.wav",
            (1324.6999683461486, 1546.1476948925547, 1570.4397394136809, 0.0242536973),
        ),
    ],
)
def test_a_published_pair_is_described_as_by_librosa(shared, name, expected):
    """librosa 0.11.0 (n_fft=640, hop_length=160, center=False; roll_percent=0.95 of the power), mean over frames."""
    recording = read(shared / "data" / "audio" / "pesq_reference_pair" / name)
    for measure, value in zip(SPECTRAL[:4], expected, strict=True):
        assert measure(recording.samples, recording.rate) == pytest.approx(value, rel=1e-8)


@pytest.mark.parametrize("hz", [500, 3_000, 12_000])
def test_a_tone_lies_where_it_is(hz):
    assert spectral_centroid(tone(hz), RATE) == pytest.approx(hz, rel=0.01)
    assert spectral_rolloff(tone(hz), RATE) == pytest.approx(hz, abs=25)  # one bin of 40 ms
    assert spectral_flatness(tone(hz), RATE) < 1e-6
    assert spectral_flux(tone(hz), RATE) == pytest.approx(0, abs=1e-4)
    assert high_frequency_energy(tone(hz), RATE) == pytest.approx(100 * (hz > 8_000), abs=1e-6)


def test_white_noise_fills_the_band():
    """Mean frequency fs/4, spread fs/(4·√3), roll-off 95 % of fs/2, flatness e^−γ (Euler's constant)."""
    assert spectral_centroid(NOISE, RATE) == pytest.approx(12_000, rel=0.01)
    assert spectral_bandwidth(NOISE, RATE) == pytest.approx(12_000 / np.sqrt(3), rel=0.01)
    assert spectral_rolloff(NOISE, RATE) == pytest.approx(22_800, rel=0.01)
    assert spectral_flatness(NOISE[:1], RATE) == pytest.approx(np.exp(-np.euler_gamma), rel=0.02)
    assert high_frequency_energy(NOISE, RATE) == pytest.approx(100 * 2 / 3, rel=0.01)


def test_an_impulse_is_flat():
    alone = np.zeros((1, RATE))
    alone[0, RATE // 2] = 1
    assert spectral_flatness(alone, RATE) == pytest.approx(1, abs=1e-9)


def test_flux_is_the_distance_of_scipys_spectra():
    stft = ShortTimeFFT(get_window("hann", 1_920), hop=480, fs=RATE)
    count = (NOISE.shape[1] - 1_920) // 480 + 1
    inside = slice(3, 3 + count)  # the first frame starts 3 steps early
    magnitude = np.abs(stft.stft(NOISE[0]))[:, inside]
    unit = magnitude / np.linalg.norm(magnitude, axis=0)
    expected = np.append(0, np.linalg.norm(np.diff(unit, axis=1), axis=0)).mean()
    assert spectral_flux(NOISE[:1], RATE) == pytest.approx(expected, rel=1e-9)


def test_high_frequency_energy_is_that_of_scipys_periodogram():
    signal = NOISE[:1] + tone(1_000) + tone(9_000, 0.05)
    hertz, density = welch(signal[0], RATE, nperseg=1_920, noverlap=1_440, detrend=False)
    density[1:-1] /= 2  # a two-sided density's half: edge bins count as much as the others here
    expected = 100 * density[hertz >= 8_000].sum() / density.sum()
    assert high_frequency_energy(signal, RATE) == pytest.approx(expected, rel=1e-9)


def test_a_band_that_is_not_there_has_no_energy_to_speak_of():
    with pytest.raises(MetricError, match="expected a sample rate of 22050") as refusal:
        high_frequency_energy(NOISE, 16_000)
    assert refusal.value.status is Status.UNSUPPORTED_RATE


@pytest.mark.parametrize("measure", SPECTRAL)
def test_level_polarity_and_pauses_do_not_count(measure):
    sounding = NOISE[:1] + tone(1_000)
    value = measure(sounding, RATE)
    assert measure(-0.01 * sounding, RATE) == pytest.approx(value, rel=1e-9)
    paused = np.concatenate([sounding, np.zeros_like(sounding)], axis=1)
    assert measure(paused, RATE) == pytest.approx(value, rel=0.03)


@pytest.mark.parametrize("measure", SPECTRAL)
def test_the_memory_that_is_used_does_not_show(measure, monkeypatch):
    whole = measure(NOISE[:, :-10], RATE)
    monkeypatch.setattr(descriptors, "BLOCK", 7)
    longer = np.pad(NOISE[:, :-10], ((0, 0), (0, 1)))  # not the signal whose description is kept
    assert measure(longer, RATE) == pytest.approx(whole, rel=1e-9)


@pytest.mark.parametrize(
    ("left", "right", "width", "correlation"),
    [
        (1.0, 1.0, 0, 1),
        (1.0, -1.0, 100, -1),
        (1.0, 0.5, 10, 1),  # ((1 − ½)/2)² / (((1 + ½)/2)² + ((1 − ½)/2)²)
        (0.5, -1.0, 90, -1),
    ],
)
def test_stereo_of_one_source(left, right, width, correlation):
    signal = NOISE[:1] * np.array([[left], [right]])
    assert stereo_width(signal, RATE) == pytest.approx(width, abs=1e-9)
    assert inter_channel_correlation(signal, RATE) == pytest.approx(correlation, abs=1e-9)


def test_stereo_of_two_sources():
    """Channels that share half of their power correlate by a half."""
    assert stereo_width(NOISE, RATE) == pytest.approx(50, abs=1)
    shared, own = np.random.default_rng(1).standard_normal((2, 1, 2 * RATE))
    assert inter_channel_correlation(
        0.1 * np.concatenate([shared + own, shared - own[:, ::-1]]), RATE
    ) == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize("measure", [stereo_width, inter_channel_correlation])
def test_what_is_not_stereo_has_no_image(measure):
    for channels in (1, 3):
        with pytest.raises(MetricError, match=f"expected 2 channels, found {channels}"):
            measure(np.resize(NOISE, (channels, RATE)), RATE)


def test_a_silent_channel_correlates_with_nothing():
    signal = NOISE.copy()
    signal[1] = 0
    with pytest.raises(MetricError, match="found silence in one"):
        inter_channel_correlation(signal, RATE)
    assert stereo_width(signal, RATE) == pytest.approx(50, abs=1e-9)
