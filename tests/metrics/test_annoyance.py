"""Psychoacoustic annoyance: the worked example, and what the formula promises."""

import pytest

from metrics.psychoacoustics import fluctuation, loudness, roughness, sharpness
from metrics.psychoacoustics.annoyance import annoyance, psychoacoustic_annoyance
from tests.metrics.sounds import RATE, amplitude_modulated, band_noise, tone


def test_the_worked_example():
    """phonometry 3.3: 30 sone, 2 acum, 0.5 vacil and 0.3 asper give wS 0.100129, wFR 0.212516 and PA 37.0478."""
    assert annoyance(30, 2, 0.5, 0.3) == pytest.approx(37.0478, abs=2e-4)
    assert annoyance(30, 2, 0, 0) == pytest.approx(30 * 1.100129, abs=2e-5)
    assert annoyance(30, 0, 0.5, 0.3) == pytest.approx(30 * 1.212516, abs=2e-5)


def test_a_sound_neither_sharp_nor_modulated_annoys_by_its_loudness():
    assert annoyance(12, 1.75, 0, 0) == 12
    assert annoyance(0, 5, 1, 1) == 0


def test_of_a_signal_it_joins_the_four_sensations():
    hiss = amplitude_modulated(band_noise(500, 12_000, 65, seconds=3), 4, 65)
    expected = annoyance(
        loudness.zwicker_n5(hiss, RATE),
        sharpness.sharpness_mean(hiss, RATE),
        fluctuation.fluctuation_strength(hiss, RATE),
        roughness.roughness(hiss, RATE),
    )
    assert psychoacoustic_annoyance(hiss, RATE) == expected
    assert expected > loudness.zwicker_n5(hiss, RATE)


def test_modulation_and_sharpness_annoy():
    steady = tone(1_000, 60, 2.0)
    rough = amplitude_modulated(steady, 70, 60)
    sharp = band_noise(5_000, 12_000, 60, seconds=2)
    plain = psychoacoustic_annoyance(steady, RATE) / loudness.zwicker_n5(steady, RATE)
    for annoying in (rough, sharp):
        by_loudness = psychoacoustic_annoyance(annoying, RATE) / loudness.zwicker_n5(annoying, RATE)
        assert by_loudness > plain + 0.1
