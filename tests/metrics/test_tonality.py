"""Aures' tonality: the reference tone, tones in noise by Hastings et al., and the weights of the author's formulas."""

import numpy as np
import pytest

from metrics.psychoacoustics import tonality
from tests.metrics.sounds import RATE, at_level, band_noise, tone

# Hastings, Lee, Davies, Surprenant: Measurement of the attributes of complex tonal components (2003), fig. 1(a): a tone
# of 1 kHz and 85 dB, so many dB above the noise of its critical band (162 Hz wide), has so much tonality.
HASTINGS = {0: 0.016, 10: 0.075, 20: 0.209, 30: 0.408, 40: 0.592}
HASTINGS |= {50: 0.763, 60: 0.882, 70: 0.956, 80: 0.983}


def heard(signal):
    return tonality.tonality(signal, RATE)


@pytest.mark.parametrize("frequency", [1_000, 1_001.7, 998.0])
def test_the_reference_tone_has_1_unit_wherever_it_lies_between_lines(frequency):
    assert heard(tone(frequency, 60, 2.0)) == pytest.approx(1, abs=0.005)


@pytest.mark.parametrize(("ratio", "expected"), HASTINGS.items())
def test_a_tone_in_noise_is_as_tonal_as_published(ratio, expected):
    white = np.random.default_rng(1).standard_normal((1, 3 * RATE))
    in_band = 85 - ratio + 10 * np.log10(RATE / 2 / 162.2)
    measured = heard(tone(1_000, 85, 3.0) + at_level(white, in_band))
    assert measured == pytest.approx(expected, abs=0.03)


@pytest.mark.parametrize("frequency", [250, 500, 2_000, 4_000])
def test_tones_weigh_by_their_frequency_as_in_equation_9(frequency):
    """w2 = (1 + 0.2 (f/700 + 700/f)²)^(−0.29/2), for tones so far above quiet that nothing else counts."""

    def weight(f):
        return (1 + 0.2 * (f / 700 + 700 / f) ** 2) ** (-0.29 / 2)

    relative = heard(tone(frequency, 85, 1.0)) / heard(tone(1_000, 85, 1.0))
    assert relative == pytest.approx(weight(frequency) / weight(1_000), abs=0.01)


def test_the_threshold_in_quiet_is_terhardts():
    """Eq. (3) by hand at 1 kHz: 3.64 − 6.5 e^(−0.6·2.3²) + 0.001."""
    assert tonality.threshold(np.array([1_000.0])) == pytest.approx(3.369, abs=1e-3)


def test_noise_is_not_tonal():
    assert heard(band_noise(20, 20_000, 60, 2.0)) < 0.05


def test_a_chord_is_more_tonal_than_the_same_chord_in_noise():
    chord = sum(tone(frequency, 60, 2.0) for frequency in (262, 330, 392))
    assert heard(chord) > heard(chord + band_noise(100, 8_000, 65, 2.0)) + 0.2


def test_noise_makes_a_tone_less_tonal_than_its_reference():
    reference = tone(1_000, 60, 1.0)
    noisy = reference + band_noise(100, 8_000, 55, 1.0)
    assert tonality.tonality_difference(reference, noisy, RATE) < -0.2
    assert tonality.tonality_difference(reference, reference, RATE) == 0


def test_tones_above_5_khz_do_not_count():
    assert heard(tone(7_000, 60, 1.0)) == 0


def test_calibration_moves_the_level():
    louder = tonality.tonality_over_time(tone(1_000, 20, 1.0), full_scale_db=140)
    assert louder.mean() == pytest.approx(heard(tone(1_000, 60, 1.0)), rel=1e-9)
    assert heard(tone(1_000, 20, 1.0)) < 0.95
