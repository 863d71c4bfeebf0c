"""What must hold of any measure of a difference, whatever it measures: copies, polarity, noise, common changes."""

from functools import cache

import numpy as np
import pytest
from scipy.signal import butter, sosfilt

from metrics import catalogue
from metrics.catalogue import Direction
from metrics.contract import MetricError

RATE = 48_000
SECONDS = 3
COMPARING = [metric for metric in catalogue.all() if metric.needs_reference]
JUDGING = [metric for metric in COMPARING if metric.direction is not Direction.NONE]
# What they give is a change of a sensation, up or down, and not a distance.
CHANGES = [metric for metric in COMPARING if metric.direction is Direction.NONE]


@cache
def sound(seed=0):
    """Noise like a voice's: resonances, syllables, a little of everything up to 20 kHz."""
    frames = SECONDS * RATE
    time = np.arange(frames) / RATE
    white = np.random.default_rng(seed).standard_normal(frames)
    voiced = sum(
        gain * sosfilt(butter(2, band, "band", fs=RATE, output="sos"), white)
        for band, gain in (((300, 900), 3), ((1_200, 2_400), 2), ((3_000, 5_000), 1))
    )
    envelope = 0.55 - 0.45 * np.cos(2 * np.pi * 3 * time)
    signal = (0.05 * envelope * (voiced + 0.1 * white))[None]
    signal.flags.writeable = False
    return signal


@cache
def hiss():
    return 0.05 * np.random.default_rng(9).standard_normal((1, SECONDS * RATE))


def measured(metric, degraded, reference=None):
    reference = sound() if reference is None else reference
    return metric.function(reference, degraded, RATE)


def named(metrics):
    return pytest.mark.parametrize("metric", metrics, ids=lambda metric: metric.name)


def worse_first(metric, values):
    return sorted(values, reverse=metric.direction is Direction.LOWER)


@named(COMPARING)
def test_a_copy_is_the_best_there_is_or_has_no_ratio(metric):
    try:
        copy = measured(metric, sound())
    except MetricError as refusal:
        assert "equals the reference" in str(refusal)  # noqa: PT017
        return
    if metric in CHANGES:
        assert copy == pytest.approx(0, abs=1e-9)
        return
    noisy = measured(metric, sound() + 0.3 * hiss())
    assert copy != noisy
    assert worse_first(metric, [copy, noisy]) == [noisy, copy]
    if metric.direction is Direction.LOWER and metric.range[0] == 0:
        assert copy == pytest.approx(0, abs=1e-9)


@named(JUDGING)
def test_more_noise_is_worse(metric):
    values = [measured(metric, sound() + gain * hiss()) for gain in (0.01, 0.1, 1.0)]
    assert values == worse_first(metric, values)[::-1]
    assert len(set(values)) > 1


@named(COMPARING)
def test_turning_both_signals_over_changes_nothing(metric):
    degraded = sound() + 0.3 * hiss()
    turned = measured(metric, -degraded, -sound())
    assert turned == pytest.approx(measured(metric, degraded), rel=1e-6, abs=1e-9)


@named([metric for metric in COMPARING if not metric.calibration])
def test_turning_both_signals_down_changes_little_where_level_is_not_calibrated(metric):
    degraded = sound() + 0.3 * hiss()
    quieter = measured(metric, 0.5 * degraded, 0.5 * sound())
    assert quieter == pytest.approx(measured(metric, degraded), rel=0.05, abs=1e-6)
