"""What every sensation promises, whatever its formula: hearing is deaf to polarity, and a copy is no different."""

import numpy as np
import pytest

from metrics import catalogue
from tests.metrics.sounds import RATE, amplitude_modulated, band_noise, tone

SENSATIONS = [
    metric
    for metric in catalogue.all()
    if metric.function.__module__.startswith("metrics.psychoacoustics.")
]
OF_ONE = [metric for metric in SENSATIONS if not metric.needs_reference]
COMPARED = [metric for metric in SENSATIONS if metric.needs_reference]
SOUND = amplitude_modulated(band_noise(100, 9_000, 65, 2.0), 4, 65, 0.8) + tone(1_000, 60, 2.0)
OTHER = SOUND + band_noise(2_000, 12_000, 60, 2.0, seed=1)


@pytest.fixture(params=OF_ONE, ids=lambda metric: metric.name)
def metric(request):
    return request.param


@pytest.fixture(params=COMPARED, ids=lambda metric: metric.name)
def compared(request):
    return request.param


def test_polarity_cannot_be_heard(metric):
    assert metric.function(-SOUND, RATE) == pytest.approx(metric.function(SOUND, RATE), rel=1e-9)


def test_a_copy_is_no_different(compared):
    assert compared.function(SOUND, SOUND, RATE) == 0
    assert compared.function(SOUND, -SOUND, RATE) == pytest.approx(0, abs=1e-9)


def test_a_difference_turns_round_and_a_distance_does_not(compared):
    forth, back = compared.function(SOUND, OTHER, RATE), compared.function(OTHER, SOUND, RATE)
    assert forth != 0
    is_distance = compared.direction is catalogue.Direction.LOWER
    assert back == pytest.approx(forth if is_distance else -forth)


def test_every_sensation_of_one_signal_has_no_better_and_no_worse(metric):
    assert metric.direction is catalogue.Direction.NONE


@pytest.mark.parametrize(
    "name",
    ["zwicker-n", "zwicker-nmax", "zwicker-n5", "zwicker-n10", "zwicker-n50", "moore-glasberg-n"]
    + ["psychoacoustic-annoyance", "sharpness-aures"],
)
def test_a_louder_sound_has_more_of_what_loudness_makes(name):
    measure = catalogue.get(name).function
    values = [measure(gain * SOUND, RATE) for gain in (0.25, 0.5, 1.0)]
    assert (np.diff(values) > 0).all()


def test_every_sensation_says_what_full_scale_means():
    assert all("dB SPL" in metric.calibration for metric in SENSATIONS)
