"""Excitation patterns over time: the levels they must have by their formulas, and how far two of them lie apart."""

import numpy as np
import pytest

from metrics.contract import MetricError, Status
from metrics.psychoacoustics import excitation_distance as patterns
from tests.metrics.sounds import RATE, band_noise, tone

DISTANCES = [patterns.bark_excitation_distance, patterns.erb_excitation_distance]


@pytest.fixture(params=DISTANCES, ids=["Bark", "ERB"])
def distance(request):
    return request.param


def test_a_tone_excites_its_own_critical_bands_with_its_level():
    """Terhardt: a component counts in full in the channels around it, and 27 dB/Bark less below, from its neighbour."""
    levels = patterns.bark_excitation_levels(tone(1_000, 70, 0.5))
    assert levels.shape == (1, 47, 9)
    at_8_5_bark = levels[0, 16]
    assert at_8_5_bark == pytest.approx(70, abs=0.05)
    # A bin at 8.5 Bark, read at 7.5 Bark from its neighbour at 8.
    assert levels[0, 14] == pytest.approx(70 - 27 * 0.5, abs=1.0)
    # S2 = −24 − 230/1000 + 0.2·L, read at 10.5 Bark from its neighbour at 10: 1.5 Bark away. The window spreads the
    # tone over three bins, each softer than the tone, and so a little steeper.
    assert levels[0, 20] == pytest.approx(70 - 1.5 * (24.23 - 0.2 * 70), abs=1.2)


def test_a_tone_excites_its_own_auditory_filter_with_its_level():
    """ISO 532-2, 7.2 to 7.4: at 1 kHz free field and middle ear cancel, and the filter there weighs it with 1."""
    levels = patterns.erb_excitation_levels(tone(1_000, 70, 0.5))
    assert levels.shape == (1, 75, 9)
    nearest = np.argmin(np.abs(patterns.CAM - 21.366 * np.log10(5.368)))
    assert levels[0, nearest] == pytest.approx(70, abs=1)  # up to a quarter Cam beside it
    assert levels[0, nearest].max() == levels.max()


def test_a_copy_is_at_no_distance(distance):
    sound = band_noise(100, 10_000, 60)
    assert distance(sound, sound, RATE) == 0
    assert distance(sound, -sound, RATE) == pytest.approx(0, abs=1e-9)


def test_half_a_decibel_is_heard_as_half_a_decibel_or_a_little_more(distance):
    """Upper slopes grow shallower with level, so that far bands gain more than the level itself."""
    sound = band_noise(100, 10_000, 60)
    assert 0.5 - 1e-3 <= distance(sound, sound * 10 ** (0.5 / 20), RATE) < 0.7


def test_the_distance_is_the_same_both_ways(distance):
    one, other = band_noise(100, 10_000, 60), band_noise(200, 5_000, 55, seed=1)
    assert distance(one, other, RATE) == pytest.approx(distance(other, one, RATE))


def test_the_distance_grows_with_the_noise_that_is_added(distance):
    reference = band_noise(200, 4_000, 65)
    noise = band_noise(100, 12_000, 65, seed=1)
    distances = [
        distance(reference, reference + gain * noise, RATE) for gain in (0.01, 0.03, 0.1, 0.3, 1.0)
    ]
    assert (np.diff(distances) > 0).all()


def test_what_is_below_the_threshold_makes_no_difference(distance):
    reference = tone(1_000, 60)
    assert distance(reference, reference + tone(100, 5), RATE) == pytest.approx(0, abs=1e-6)


def test_sound_that_nobody_hears_is_refused(distance):
    with pytest.raises(MetricError, match="above the threshold of hearing") as refusal:
        distance(tone(100, 8), tone(100, 9), RATE)
    assert refusal.value.status is Status.SILENT
