"""ISO 532-2:2017, Annex B: tones, noises and complexes; the standard's own uncertainty is 2.8 phon (about 20 %)."""

import numpy as np
import pytest

from metrics.contract import MetricError
from metrics.psychoacoustics import moore_glasberg as model
from tests.metrics.sounds import RATE, band_noise, tone


def loudness_of(*components, **listening):
    frequency, level = np.array(sorted(components), dtype=float).T
    return model.loudness_of_components(frequency, level, **listening)


def white(low, high, density):
    """Components 10 Hz apart, each in the middle of the 10 Hz whose level it has (clause 5.3)."""
    return [(f, density + 10) for f in range(low + 5, high, 10)]


def pink(density):
    """From 50 Hz to 15 kHz, of that spectrum level at 1 kHz."""
    return [(f, density - 3 * np.log2(f / 1000) + 10) for f in range(50, 15_001, 10)]


# Table B.1 to B.4: components, loudness (sone, with the digits given).
ANNEX_B = {
    "1 kHz 10 dB": ([(1000, 10)], 0.03, 0.005),
    "1 kHz 20 dB": ([(1000, 20)], 0.14, 0.01),
    "1 kHz 30 dB": ([(1000, 30)], 0.43, 0.01),
    "1 kHz 40 dB": ([(1000, 40)], 1.0, 0.01),
    "1 kHz 50 dB": ([(1000, 50)], 2.1, 0.05),
    "1 kHz 60 dB": ([(1000, 60)], 4.1, 0.05),
    "1 kHz 70 dB": ([(1000, 70)], 8.1, 0.07),
    "1 kHz 80 dB": ([(1000, 80)], 15.8, 0.1),
    "3 kHz 20 dB": ([(3000, 20)], 0.35, 0.01),
    "3 kHz 40 dB": ([(3000, 40)], 1.8, 0.05),
    "3 kHz 60 dB": ([(3000, 60)], 7.0, 0.1),
    "3 kHz 80 dB": ([(3000, 80)], 27.2, 0.3),
    "100 Hz 50 dB": ([(100, 50)], 0.351, 0.004),
    "white 950-1050 Hz, 40 dB": (white(950, 1050, 40), 4.21, 0.1),
    "white 500-1500 Hz, 40 dB": (white(500, 1500, 40), 14.17, 0.15),
    "white 500-1500 Hz, 30 dB": (white(500, 1500, 30), 7.97, 0.08),
    "pink 0 dB": (pink(0), 3.64, 0.05),
    "pink 20 dB": (pink(20), 15.85, 0.16),
    "pink 40 dB": (pink(40), 48.59, 0.5),
    "three close tones": ([(1500, 60), (1600, 60), (1700, 60)], 6.31, 0.1),
    "three spread tones": ([(1000, 60), (1600, 60), (2400, 60)], 12.49, 0.15),
    "ten harmonics": ([(100 * n, 30) for n in range(1, 11)], 2.00, 0.03),
    "tone in noise": ([(1000, 60), *white(950, 1050, 40)], 5.09, 0.1),
    "tone beside noise": ([(1000, 60), *white(1450, 1550, 40)], 7.17, 0.1),
}


@pytest.mark.parametrize(("components", "expected", "within"), ANNEX_B.values(), ids=ANNEX_B)
def test_annex_b_in_a_free_field(components, expected, within):
    assert loudness_of(*components) == pytest.approx(expected, abs=within)


@pytest.mark.parametrize(("level", "expected"), [(20, 0.07), (40, 0.54), (60, 2.31), (80, 8.82)])
def test_annex_b_by_one_earphone(level, expected):
    measured = loudness_of((1000, level), field=None, ears=1)
    assert measured == pytest.approx(expected, rel=0.02, abs=0.005)


def test_two_ears_hear_one_and_a_half_times_what_one_hears():
    """Clause 8.1."""
    both, one = loudness_of((1000, 40)), loudness_of((1000, 40), ears=1)
    assert both / one == pytest.approx(1.5, abs=0.02)


@pytest.mark.parametrize(("level", "expected"), [(40, 1.0), (60, 4.1), (80, 15.8)])
def test_a_recorded_tone_is_as_loud_as_its_component(level, expected):
    assert model.moore_glasberg_n(tone(1_000, level), RATE) == pytest.approx(expected, rel=0.02)


def test_recorded_noise_is_as_loud_as_annex_b_says():
    """White noise from 500 to 1500 Hz of 40 dB in each Hz has 70 dB."""
    noise = band_noise(500, 1_500, 70, seconds=4)
    assert model.moore_glasberg_n(noise, RATE) == pytest.approx(14.17, rel=0.02)


def test_the_excitation_of_1_khz_is_its_level():
    """By eq. (4): the filter at 1 kHz weighs it with 1; free field and middle ear cancel there (2.6 − 2.6 dB)."""
    at_1k = model.excitation(
        np.array([1000.0]),
        model.cochlear_power(np.array([1000.0]), np.array([60.0])),
        cam=np.array([21.366 * np.log10(5.368)]),
    )
    assert 10 * np.log10(at_1k) == pytest.approx(60, abs=0.01)


def test_ears_that_hear_different_things_inhibit_less():
    """Clause 8.1: two ears with separate halves of a sound are louder than half of the two with the whole."""
    low, high = tone(200, 60), tone(4_000, 60)
    both = model.moore_glasberg_n(np.concatenate([low + high, low + high]), RATE)
    apart = model.moore_glasberg_n(np.concatenate([low, high]), RATE)
    assert 0.5 * both < apart < both
    assert model.moore_glasberg_n(low + high, RATE) == pytest.approx(both)


def test_more_ears_than_two_are_refused():
    with pytest.raises(MetricError, match="one or two channels, for two ears, found 3"):
        model.moore_glasberg_n(np.concatenate([tone(1_000, 60)] * 3), RATE)
