"""Views of a sound are where and as loud as the sound: levels, spectrogram and excitation of tones and clicks."""

from __future__ import annotations

import numpy as np
import pytest

from listening.sound_views import CAM, COLUMNS, FLOOR_DB, ROWS, centres, views
from metrics.psychoacoustics.moore_glasberg import frequency_of_cam
from models_registry.audio import Audio
from tests.factories import tone


@pytest.mark.parametrize("frequency", [250.0, 1_000.0, 6_000.0])
def test_a_tone_is_seen_at_its_frequency_and_level(frequency):
    seen = views(tone(frequency, level=0.5, duration=1.0, rate=44_100))
    assert seen.spectrogram.shape == (ROWS, COLUMNS)
    row = int(np.argmax(seen.spectrogram[:, COLUMNS // 2]))
    edges = centres(44_100)
    assert edges[row - 1] <= frequency <= edges[row + 2]
    # half of full scale; a tone between two lines of the transform loses up to 1.42 dB (Harris, 1978: Hann)
    assert -6.02 - 1.43 <= seen.spectrogram[row, COLUMNS // 2] <= -6.0
    # over stretches that hold no whole periods
    assert 10 * np.log10(np.mean(10 ** (seen.level / 10))) == pytest.approx(-9.03, abs=0.02)
    np.testing.assert_allclose([seen.wave.min(), seen.wave.max()], [-0.5, 0.5], atol=0.01)
    place = frequency_of_cam(CAM[[int(np.argmax(seen.excitation))]])[0]
    assert place == pytest.approx(frequency, rel=0.12)


def test_the_excitation_of_a_tone_of_1_khz_is_its_level():
    """By ISO 532-2's definition of the excitation; a full-scale sine has 100 dB SPL."""
    seen = views(tone(1_000, level=0.1, duration=1.0))
    # the filters are a Cam apart, so that the nearest may miss the tone by half of one
    assert seen.excitation.max() == pytest.approx(80, abs=1.5)


@pytest.mark.parametrize("at", [0.3, 1.5, 2.7])
@pytest.mark.parametrize("rate", [8_000, 44_100])
def test_a_click_is_seen_when_it_is(at, rate):
    samples = np.zeros((1, 3 * rate), dtype=np.float32)
    samples[0, round(at * rate)] = 1
    seen = views(Audio(samples, rate))
    assert 3 * np.argmax(seen.level) / len(seen.level) == pytest.approx(at, abs=0.02)
    column = np.argmax(seen.spectrogram.max(0))
    assert 3 * column / seen.spectrogram.shape[1] == pytest.approx(at, abs=0.04)
    assert seen.spectrogram[:, 5].max() == FLOOR_DB


def test_a_sound_of_some_samples_is_seen_too():
    seen = views(tone(1_000, duration=0.004))
    assert np.isfinite(seen.spectrogram).all()
    assert np.isfinite(seen.excitation).all()
