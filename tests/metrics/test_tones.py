"""ECMA-418-1:2024: the examples in its text, and tones in noise whose ratios follow from their powers."""

import numpy as np
import pytest

from metrics.contract import MetricError, Status
from metrics.psychoacoustics import tones
from tests.metrics.sounds import RATE, band_noise, tone


def test_the_critical_bands_of_the_examples():
    """Clause 10: 162.2 Hz wide at 1 kHz, 117.3 Hz at 500 Hz; clause 12.2: from 922.2 to 1084.4 Hz at 1 kHz."""
    assert tones.critical_bandwidth(np.array([1_000.0, 500.0])) == pytest.approx(
        [162.2, 117.3], abs=0.05
    )
    lower, upper = tones.critical_band(np.array([1_000.0]))
    assert (lower[0], upper[0]) == pytest.approx((922.2, 1_084.4), abs=0.05)


def test_the_proximity_of_the_examples():
    """Clause 11.6: 23 Hz at 150 Hz, 63.8 Hz at 850 Hz."""
    assert tones.proximity(150) == pytest.approx(23, abs=0.5)
    assert tones.proximity(850) == pytest.approx(63.8, abs=0.05)


def in_noise(*frequencies, decibels=60, density=30, seconds=8.0):
    """Tones of that level in noise of that level in each Hz up to 20 kHz."""
    noise = band_noise(20, 20_000, density + 10 * np.log10(19_980), seconds)
    return noise + sum(tone(frequency, decibels, seconds) for frequency in frequencies)


@pytest.mark.parametrize("frequency", [250, 1_000, 4_000])
def test_the_ratio_of_a_tone_to_the_noise_in_its_critical_band(frequency):
    """By eq. (11): 70 dB − (30 dB + 10 lg Δf); what ripples above the line of 11.3 counts with the tone."""
    width = float(tones.critical_bandwidth(np.array(frequency)))
    expected = 70 - 30 - 10 * np.log10(width)
    measured = tones.tone_to_noise_ratio(in_noise(frequency, decibels=70), RATE)
    assert measured == pytest.approx(expected, abs=0.5)


def test_two_tones_close_by_count_together():
    """Clause 11.6: from 1 kHz on every tone of the same critical band does; two alike are 3 dB more."""
    expected = 63 - 30 - 10 * np.log10(162.2)
    assert tones.tone_to_noise_ratio(in_noise(1_000, 1_040), RATE) == pytest.approx(
        expected, abs=0.5
    )


def test_two_tones_farther_apart_count_apart_and_are_no_noise_to_each_other():
    """At 300 Hz tones 40 Hz apart are not close: proximity is 24 Hz."""
    assert tones.proximity(300) < 30
    width = float(tones.critical_bandwidth(np.array(300.0)))
    expected = 60 - 30 - 10 * np.log10(width)
    assert tones.tone_to_noise_ratio(in_noise(300, 340), RATE) == pytest.approx(expected, abs=0.7)


@pytest.mark.parametrize(
    ("frequency", "lowest", "highest"),
    # By Tables 2 and 3: −149.5 + 1.001 f − 6.9e-5 f² and 149.5 + 1.035 f + 7.7e-5 f²; 6.8 + 0.806 f − 8.2e-6 f² and
    # 3.3 + 1.215 f + 2.16e-5 f².
    [(1_000, 782.5, 1_261.5), (4_000, 3_099.6, 5_208.9)],
)
def test_the_prominence_of_a_critical_band_over_its_neighbours(frequency, lowest, highest):
    """By eq. (23): tone and noise of the band over the mean noise of the contiguous ones."""
    lower, upper = (float(edge) for edge in tones.critical_band(np.array(frequency)))
    noise = 10**3.0
    middle = 10**6 + noise * (upper - lower)
    neighbours = noise * ((lower - lowest) + (highest - upper)) / 2
    frequencies, ratios = tones.prominence_ratios(*tones.power_spectrum(in_noise(frequency), RATE))
    assert ratios[frequencies == frequency] == pytest.approx(
        10 * np.log10(middle / neighbours), abs=0.2
    )
    assert tones.prominence_ratio(in_noise(frequency), RATE) == pytest.approx(ratios.max())


def test_the_lowest_tones_have_a_neighbour_of_100_hz():
    """By eq. (24): at 120 Hz the lower band starts at 20 Hz and is scaled up to 100 Hz."""
    frequencies, ratios = tones.prominence_ratios(*tones.power_spectrum(in_noise(120), RATE))
    lower, upper = (float(edge) for edge in tones.critical_band(np.array(120.0)))
    noise = 10**3.0
    highest = 149.5 + 1.035 * 120 + 7.7e-5 * 120**2
    expected = (10**6 + noise * (upper - lower)) / (noise * (100 + highest - upper) / 2)
    assert ratios[frequencies == 120] == pytest.approx(10 * np.log10(expected), abs=0.3)


def test_noise_has_no_prominent_tone():
    """Clauses 11.5 and 12.6: prominent from 8 and 9 dB on."""
    noise = band_noise(20, 20_000, 70, seconds=8)
    assert tones.tone_to_noise_ratio(noise, RATE) < 3
    assert tones.prominence_ratio(noise, RATE) < 3


def test_a_tone_alone_stands_out_from_the_threshold_of_hearing():
    """The threshold in quiet is 3 dB at 1 kHz (Zwicker, Fastl, fig. 2.1)."""
    assert tones.tone_to_noise_ratio(tone(1_000, 60, 2.0), RATE) == pytest.approx(57, abs=1)
    assert tones.prominence_ratio(tone(1_000, 60, 2.0), RATE) > 50


def test_the_most_prominent_of_several_tones_is_given():
    both = in_noise(500) + tone(3_000, 70, 8.0)
    width = float(tones.critical_bandwidth(np.array(3_000.0)))
    expected = 70 - 30 - 10 * np.log10(width)
    assert tones.tone_to_noise_ratio(both, RATE) == pytest.approx(expected, abs=0.5)


def test_inaudible_sounds_have_no_tones():
    for ratio in (tones.tone_to_noise_ratio, tones.prominence_ratio):
        with pytest.raises(MetricError, match="threshold of hearing") as refusal:
            ratio(tone(100, 8, 1.0), RATE)
        assert refusal.value.status is Status.SILENT
