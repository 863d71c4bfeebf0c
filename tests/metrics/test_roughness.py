"""Roughness of modulated tones: Zwicker and Fastl's listeners, Daniel and Weber's own model, other implementations.

Tolerance: 17 %, the just noticeable difference that Daniel and Weber give.
"""

import numpy as np
import pytest

from metrics.psychoacoustics import roughness
from tests.metrics.sounds import RATE, amplitude_modulated, band_noise, tone

# Zwicker, Fastl: Psychoacoustics, fig. 11.2: modulation frequency of a 1 kHz tone (Hz), roughness (asper).
LISTENERS = {30: 0.431, 40: 0.650, 50: 0.846, 60: 0.958, 70: 0.991, 80: 0.955}
LISTENERS |= {90: 0.868, 100: 0.754, 120: 0.564, 140: 0.429, 160: 0.344}
# Daniel and Weber (1997), fig. 3: the same by their model.
AUTHORS = {20: 0.201, 30: 0.421, 40: 0.644, 50: 0.822, 60: 0.961}
AUTHORS |= {70: 0.986, 80: 0.907, 90: 0.791, 100: 0.677, 120: 0.486}
# Fig. 11.2 near the maximum of each carrier: carrier, modulation frequency (Hz), roughness.
CARRIERS = [(125, 30, 0.334), (250, 40, 0.481), (500, 60, 0.67)]
CARRIERS += [(2_000, 70, 0.84), (4_000, 70, 0.652), (8_000, 70, 0.436)]
# The same by metasona 0.2.2, an independent implementation of the model.
METASONA = {20: 0.183, 30: 0.381, 40: 0.602, 50: 0.827, 60: 0.961, 70: 1.000}
METASONA |= {80: 0.972, 90: 0.869, 100: 0.764, 120: 0.564, 160: 0.312}
METASONA_CARRIERS = [(125, 30, 0.313), (250, 40, 0.434), (500, 60, 0.703)]
METASONA_CARRIERS += [(2_000, 70, 0.943), (4_000, 70, 0.611), (8_000, 70, 0.397)]


def modulated_tone(carrier, modulation, decibels=60, depth=1.0):
    return amplitude_modulated(tone(carrier, decibels), modulation, decibels, depth)


def heard(carrier, modulation, **how):
    return roughness.roughness(modulated_tone(carrier, modulation, **how), RATE)


def test_the_reference_sound_has_1_asper():
    assert heard(1_000, 70) == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize(("modulation", "expected"), LISTENERS.items())
def test_a_modulated_tone_is_as_rough_as_listeners_say(modulation, expected):
    assert heard(1_000, modulation) == pytest.approx(expected, rel=0.17)


@pytest.mark.parametrize(("modulation", "expected"), AUTHORS.items())
def test_a_modulated_tone_is_as_rough_as_the_authors_say(modulation, expected):
    assert heard(1_000, modulation) == pytest.approx(expected, rel=0.17)


@pytest.mark.parametrize(("carrier", "modulation", "expected"), CARRIERS)
def test_other_carriers_are_as_rough_as_listeners_say(carrier, modulation, expected):
    assert heard(carrier, modulation) == pytest.approx(expected, rel=0.17)


@pytest.mark.parametrize(("modulation", "expected"), METASONA.items())
def test_another_implementation_agrees(modulation, expected):
    assert heard(1_000, modulation) == pytest.approx(expected, abs=0.006)


@pytest.mark.parametrize(("carrier", "modulation", "expected"), METASONA_CARRIERS)
def test_another_implementation_agrees_on_carriers(carrier, modulation, expected):
    assert heard(carrier, modulation) == pytest.approx(expected, abs=0.006)


def test_roughness_grows_with_the_depth_of_modulation_as_a_power():
    """Zwicker, Fastl, 11.1: the exponent is about 1.6; a tenth of the depth is a tenth of an asper or less."""
    depths = np.array([0.25, 0.5, 1.0])
    values = np.array([heard(1_000, 70, depth=depth) for depth in depths])
    exponents = np.diff(np.log(values)) / np.diff(np.log(depths))
    assert ((exponents > 1.2) & (exponents < 2.2)).all()


def test_a_steady_tone_is_not_rough():
    assert roughness.roughness(tone(1_000, 60), RATE) < 0.01


def test_an_inaudible_sound_is_not_rough():
    below_threshold = modulated_tone(125, 30, decibels=10)
    assert roughness.roughness(below_threshold, RATE) == 0


def test_the_channels_add_up_and_lie_where_the_tone_is():
    """1 kHz is at 8.5 Bark; channels lie at half Barks from 0.5."""
    specific = roughness.specific_roughness_over_time(modulated_tone(1_000, 70))
    assert specific.shape == (47, 9)
    assert 7 <= (specific.mean(axis=1).argmax() + 1) / 2 <= 10
    assert specific.sum(axis=0) == pytest.approx(
        roughness.roughness_over_time(modulated_tone(1_000, 70))
    )


def test_r5_hears_the_rough_moments():
    mixed = np.concatenate(
        [tone(1_000, 60, 1.8), modulated_tone(1_000, 70)[:, : RATE // 5]], axis=1
    )
    assert roughness.roughness_r5(mixed, RATE) > 4 * roughness.roughness(mixed, RATE)


def test_beats_make_a_sound_rougher_than_its_reference():
    """Two tones 70 Hz apart beat; two a fifth apart do not."""
    rough = tone(1_000, 60) + tone(1_070, 60)
    smooth = tone(1_000, 60) + tone(1_500, 60)
    assert roughness.roughness_difference(smooth, rough, RATE) > 0.4
    assert roughness.roughness_difference(rough, rough, RATE) == 0


def test_calibration_moves_the_level():
    signal = modulated_tone(1_000, 70, decibels=50)
    louder = roughness.roughness_over_time(signal, full_scale_db=110)
    assert louder.mean() == pytest.approx(heard(1_000, 70), rel=1e-9)


def test_noise_is_rougher_when_it_is_modulated():
    noise = band_noise(100, 10_000, 60)
    assert roughness.roughness(amplitude_modulated(noise, 70, 60), RATE) > 5 * roughness.roughness(
        noise, RATE
    )
