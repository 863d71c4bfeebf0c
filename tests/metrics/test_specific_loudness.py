"""N'(z): the pattern whose area is the loudness of ISO 532-1."""

import numpy as np
import pytest

from metrics.psychoacoustics import iso532_tables as table
from metrics.psychoacoustics import loudness as zwicker
from metrics.psychoacoustics import specific_loudness as patterns
from tests.metrics.sounds import RATE, band_noise, tone


def test_the_pattern_of_levels_has_the_area_of_annex_b2():
    """83.2957 sone is the standard's; the samples end the steps in which N' falls, hence up to 2 % less."""
    levels = [-60, -60, 78, 79, 89, 72, 80, 89, 75, 87, 85, 79, 86, 80]
    levels += [71, 70, 72, 71, 72, 74, 69, 65, 67, 77, 68, 58, 45, 30]
    core = zwicker._core_loudness(np.array(levels, dtype=float), "free")
    pattern = patterns.specific_of_core(core)
    assert pattern.shape == (240,)
    area = patterns.BARK_STEP * pattern.sum()
    assert 0.98 * 83.2957 < area < 83.2957
    # Midway between the ends of each step nothing is lost.
    starts = np.maximum(np.concatenate([[0], pattern[:-1]]), core[band_of_steps()])
    assert patterns.BARK_STEP * (starts + pattern).sum() / 2 == pytest.approx(83.2957, rel=1e-3)


def band_of_steps():
    limits = np.rint(table.UPPER_LIMIT * 10).astype(int)
    return np.repeat(np.arange(21), np.diff(limits, prepend=0))


def test_a_tone_excites_its_own_critical_band_and_those_above():
    """1 kHz is at 8.5 Bark (Zwicker & Fastl, Table 6.1); the pattern falls steeply below and slowly above."""
    pattern = patterns.specific_loudness(tone(1_000, 70))
    peak = patterns.BARK[pattern.argmax()]
    assert 7.9 < peak <= 9.2
    below, above = pattern[np.searchsorted(patterns.BARK, [6.0, 12.0])]
    assert below < above / 2


def test_it_falls_from_a_band_by_the_slope_of_table_a9():
    """By hand: 1 sone/Bark in band 10 falls 0.62 per Bark to 0.82 … and 0.1 Bark on is 0.62·0.1 lower."""
    core = np.zeros(21)
    core[9] = 1.0
    pattern = patterns.specific_of_core(core)
    end = round(table.UPPER_LIMIT[9] * 10)
    assert pattern[end - 1] == 1.0
    assert pattern[end - 14 : end - 1] == pytest.approx(1.0)
    assert pattern[end] == pytest.approx(1.0 - 0.1 * 0.62)
    assert (np.diff(pattern[end - 1 : end + 30]) < 0).all()
    assert not pattern[: end - 14].any()


def test_over_time_its_area_is_the_loudness_before_weighting():
    burst = np.concatenate([tone(1_000, 70, 0.3), np.zeros((1, RATE // 5))], axis=1)
    over_time = patterns.specific_loudness_over_time(burst)
    steps = zwicker.loudness_over_time(burst).shape[0]
    assert over_time.shape == (240, steps)
    steady = patterns.specific_loudness(tone(1_000, 70, 3.0))
    loud = steady > 0.5
    assert over_time[loud, 100] == pytest.approx(steady[loud], rel=0.01)
    assert 0 < over_time[:, 160].sum() < over_time[:, 140].sum() / 2  # decay, not an edge


def test_the_distance_counts_what_loudness_cancels():
    low, high = band_noise(200, 400, 60), band_noise(3_000, 4_000, 55, seed=1)
    assert patterns.specific_loudness_distance(low, low, RATE) == 0
    apart = patterns.specific_loudness_distance(low, high, RATE)
    each = [zwicker.loudness_over_time(s).mean() for s in (low, high)]
    assert apart == pytest.approx(sum(each), rel=0.1)
    assert patterns.specific_loudness_distance(high, low, RATE) == apart


def test_the_distance_grows_with_the_noise_that_is_added():
    reference = band_noise(200, 4_000, 65)
    noise = band_noise(100, 12_000, 65, seed=1)
    distances = [
        patterns.specific_loudness_distance(reference, reference + gain * noise, RATE)
        for gain in (0.01, 0.03, 0.1, 0.3, 1.0)
    ]
    assert (np.diff(distances) > 0).all()


def test_what_the_ears_exchange_is_a_distance():
    low, high = band_noise(200, 400, 60), band_noise(3_000, 4_000, 55, seed=1)
    swapped = patterns.specific_loudness_distance(
        np.concatenate([low, high]), np.concatenate([high, low]), RATE
    )
    assert swapped == pytest.approx(patterns.specific_loudness_distance(low, high, RATE))


def test_a_long_sound_is_measured_in_blocks_like_a_short_one(monkeypatch):
    reference = band_noise(200, 4_000, 65)
    degraded = reference + 0.1 * band_noise(100, 12_000, 65, seed=1)
    whole = patterns.specific_loudness_distance(reference, degraded, RATE)
    monkeypatch.setattr(patterns, "BLOCK", 77)
    assert patterns.specific_loudness_distance(reference, degraded, RATE) == pytest.approx(whole)
