"""What must hold of any measure of a difference, whatever it measures: copies, polarity, noise, common changes."""

from functools import cache

import numpy as np
import pytest
from scipy.signal import butter, sosfilt, sosfiltfilt

from metrics import catalogue
from metrics.catalogue import Direction
from metrics.contract import MetricError, Status
from metrics.scoring import score
from models_registry.audio import Audio

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


# What noise does not touch, in either direction, because another fault is measured.
NOT_NOISE = {
    # white noise on white noise is no harmonic structure
    "peaq-error-harmonics",
}


@named([metric for metric in JUDGING if metric.name not in NOT_NOISE])
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


# `sdr` forgives linear filters; a network that was fitted to codecs grades what is far worse than them as it happens;
# and an error without harmonics has no structure to measure.
NOT_FILTERS = {"sdr", "peaq-odg", "peaq-di", "peaq-error-harmonics"}


@cache
def low_passed(hz):
    sections = butter(6, hz, "low", fs=RATE, output="sos")
    # forth and back, lest a delay be measured
    return np.ascontiguousarray(sosfiltfilt(sections, sound()))


@named([metric for metric in JUDGING if metric.name not in NOT_FILTERS])
def test_a_low_pass_is_worse_than_a_copy_and_a_lower_one_no_better(metric):
    values = [measured(metric, low_passed(hz)) for hz in (800, 4_000)]
    assert values == worse_first(metric, values)
    try:
        copy = measured(metric, sound())
    except MetricError:
        return
    assert worse_first(metric, [values[0], copy]) == [values[0], copy]


@named(JUDGING)
def test_harder_clipping_is_no_better(metric):
    peak = np.abs(sound()).max()
    values = [
        measured(metric, np.clip(sound(), -share * peak, share * peak)) for share in (0.1, 0.5)
    ]
    assert values == worse_first(metric, values)


@named([metric for metric in COMPARING if metric.wants_alignment])
def test_a_delay_is_undone_by_alignment(metric):
    late = np.pad(sound() + 0.3 * hiss(), ((0, 0), (480, 0)))
    reference, degraded = (
        Audio(signal.astype(np.float32), RATE)
        for signal in (np.pad(sound(), ((0, 0), (0, 480))), late)
    )
    (found,) = score(reference, degraded, [metric.name], align=True, isolate=False)
    assert found.aligned
    assert found.alignment.lag == 480
    single = [signal.astype(np.float32) for signal in (sound() + 0.3 * hiss(), sound())]
    assert found.value == pytest.approx(measured(metric, *single), rel=1e-6, abs=1e-9)


@named([metric for metric in COMPARING if not metric.wants_alignment])
def test_a_delay_hardly_matters_to_differences_of_whole_signals(metric):
    degraded = sound() + 0.3 * hiss()
    change = measured(metric, np.roll(degraded, 480, axis=1)) - measured(metric, degraded)
    whole = abs(measured(metric, degraded)) + abs(measured(metric, sound() + hiss()))
    # by 10 ms more or less, frames end elsewhere
    assert abs(change) <= 0.05 * whole + (0.1 if metric.unit == "dB" else 0.01)


@named(catalogue.all())
def test_silence_has_no_value(metric):
    signals = [np.zeros((metric.layouts[0] if metric.layouts else 1, SECONDS * RATE))]
    with pytest.raises(MetricError) as refusal:
        metric.function(*signals * (1 + metric.needs_reference), RATE)
    assert refusal.value.status is Status.SILENT
