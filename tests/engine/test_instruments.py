"""The project's instruments measure like their names: in tune, in formant, safe in level, the same by seed."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import welch

from models_registry import instruments

RATE = 44_100


def fundamental(x, near, rate=RATE):
    """The partial nearest `near` (Hz), by the phase advance between two windows one hop apart."""
    hop, size = 64, x.size - 64
    bin_hz = np.arange(size) * near
    window = np.hanning(size)
    first, second = (
        np.sum(x[start : start + size] * window * np.exp(-2j * np.pi * bin_hz / rate))
        for start in (0, hop)
    )
    advance = np.angle(second / first * np.exp(-2j * np.pi * near * hop / rate))
    return near + advance * rate / (2 * np.pi * hop)


@pytest.mark.parametrize("rate", [16_000, 44_100, 48_000])
@pytest.mark.parametrize("note", [40, 45, 57, 64, 76])
def test_plucked_strings_are_in_tune_to_a_cent(note, rate):
    # equal temperament at A4 = 440 Hz; 1 cent is a factor of 2^(1/1200)
    expected = 440 * 2 ** ((note - 69) / 12)
    x = instruments.pluck(expected, 1.5, rate, np.random.default_rng(note))
    # after the burst, where the string rings by itself
    found = fundamental(x[rate // 5 : rate], expected, rate)
    assert abs(1_200 * np.log2(found / expected)) < 1


def test_the_tuning_is_equal_temperament():
    # ISO 16 and the usual table: A4, middle C, low E of the guitar
    assert [instruments.midi(n) for n in (69, 60, 40)] == pytest.approx([440, 261.6256, 82.40689])


def test_brass_is_in_tune_before_its_vibrato_and_swings_with_it():
    x = instruments.brass(220.0, 1.5, RATE)
    assert abs(1_200 * np.log2(fundamental(x[3_000:8_800], 220.0) / 220)) < 1
    late = [fundamental(x[s : s + 2_000], 220.0) for s in range(RATE // 2, RATE, 500)]
    swing = 1_200 * np.log2(max(late) / min(late))
    assert 15 < swing < 26  # ±12 cents, smoothed a little by the analysis window


def test_a_string_fades_by_its_decay_time():
    # 60 dB in 2 s: 15 dB from 0.5 s to 1.0 s for the fundamental, whose loop loss sets the time
    x = instruments.pluck(110.0, 1.6, RATE, np.random.default_rng(0), decay=2.0)
    carrier = np.exp(-2j * np.pi * 110 * np.arange(x.size) / RATE)
    window = np.hanning(8_000)
    early, late = (abs(np.sum((x * carrier)[s : s + 8_000] * window)) for s in (22_050, 44_100))
    assert 20 * np.log10(early / late) == pytest.approx(15, abs=0.5)


def test_drums_have_their_energy_where_drums_have_it():
    rng = np.random.default_rng(0)
    centroid = {}
    for name in ("kick", "snare", "hat"):
        frequencies, power = welch(instruments.drum(name, 0.3, RATE, rng), RATE, nperseg=4_096)
        centroid[name] = np.sum(frequencies * power) / np.sum(power)
    assert centroid["kick"] < 150 < 300 < centroid["snare"] < centroid["hat"]
    assert centroid["hat"] > 6_000


def test_the_voice_speaks_in_syllables_below_4_khz_at_a_mans_pitch():
    x = instruments.voice(4.0, RATE, np.random.default_rng(1))
    frequencies, power = welch(x, RATE, nperseg=4_096)
    assert power[frequencies < 4_000].sum() > 0.9 * power.sum()
    envelope = np.sqrt(np.convolve(x**2, np.ones(882) / 882, "same"))[::441]
    rate = np.count_nonzero(np.diff(envelope > 0.3 * envelope.max()) > 0) / 4 / 2
    assert 1.5 < rate < 8  # syllables a second in speech
    assert np.mean(envelope < 0.02 * envelope.max()) > 0.03  # pauses
    spectrum = np.abs(np.fft.rfft(x * np.hanning(x.size)))
    lag = np.fft.irfft(spectrum**2)[RATE // 160 : RATE // 80].argmax() + RATE // 160
    assert 90 < RATE / lag < 140


@pytest.mark.parametrize("rate", [16_000, 44_100])
def test_sources_are_safe_to_play(rate):
    played = instruments.sources(rate=rate, seconds=3.0, seed=4)
    assert len(played) >= 5
    for name, audio in played.items():
        x = audio.samples
        assert x.shape == (1, 3 * rate), name
        assert x.dtype == np.float32
        assert 0.5 < np.abs(x).max() <= 10 ** (-1 / 20)
        assert abs(x[0, 0]) < 1e-4
        assert abs(x[0, -1]) < 1e-4
        assert np.isfinite(x).all()
        assert abs(x.mean()) < 0.02


def test_a_seed_names_a_performance():
    one, same, other = (instruments.sources(seconds=1.0, seed=seed) for seed in (0, 0, 1))
    for name in one:
        assert np.array_equal(one[name].samples, same[name].samples)
        assert not np.array_equal(one[name].samples, other[name].samples)
