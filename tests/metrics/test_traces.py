"""Quantities over time are those of the metrics that they belong to, moment by moment, in their units."""

import numpy as np
import pytest

from metrics import catalogue, traces
from metrics.contract import MetricError, Status
from tests.metrics.sounds import RATE, band_noise, tone

REFERENCE = band_noise(100, 8_000, 60, seconds=2)
NOISY = REFERENCE + band_noise(2_000, 12_000, 50, seconds=2, seed=1)


def trace(name, *signals, rate=RATE):
    return traces.get(name).of(*signals, rate=rate)


@pytest.mark.parametrize("quantity", traces.QUANTITIES.values(), ids=lambda q: q.name)
def test_every_trace_is_in_order(quantity):
    signals = (REFERENCE, NOISY) if quantity.needs_reference else (NOISY,)
    found = quantity.of(*(np.tile(signal, 2) for signal in signals), rate=RATE)
    assert found.values.shape[-1] == len(found.times)
    assert (np.diff(found.times) > 0).all()
    assert found.times[0] >= 0
    assert found.times[-1] <= 4
    assert np.isfinite(found.values).any()
    assert found.values.ndim == (1 if found.bands is None else 2)
    assert bool(found.band_unit) is (found.bands is not None)
    if found.bands is not None:
        assert len(found.values) == len(found.bands)
    assert found.calibration == catalogue.get(quantity.metric).calibration


@pytest.mark.parametrize(
    ("name", "metric"),
    [("loudness", "zwicker-nmax"), ("momentary-loudness", "max-momentary-loudness")],
)
def test_the_greatest_value_is_the_maximum_that_the_catalogue_gives(name, metric):
    whole = catalogue.get(metric).function(NOISY, RATE)
    assert np.nanmax(trace(name, NOISY).values) == pytest.approx(whole, abs=0.02)


def test_a_tone_of_40_db_has_1_sone_at_every_moment_once_it_has_begun():
    """By the definition of the sone; ISO 532-1 tolerates 5 %."""
    found = trace("loudness", tone(1_000, 40, 2.0))
    assert found.values[found.times > 1] == pytest.approx(1, rel=0.05)


def test_a_tone_shows_in_its_own_critical_band():
    found = trace("specific-loudness", tone(1_000, 60, 1.0))
    assert found.bands[found.values.mean(axis=1).argmax()] == pytest.approx(8.5, abs=0.6)
    assert np.diff(found.times) == pytest.approx(0.01)


def test_a_meter_reads_minus_23_lufs_as_in_tech_3341():
    wave = 10 ** (-23 / 20) * np.sin(2 * np.pi * 1_000 * np.arange(5 * RATE) / RATE)
    for name in ("momentary-loudness", "short-term-loudness"):
        assert trace(name, np.stack([wave, wave])).values == pytest.approx(-23, abs=0.1)


def test_silence_has_no_loudness_in_lufs_and_no_sharpness():
    pausing = np.concatenate([REFERENCE, np.zeros_like(REFERENCE)], axis=1)
    for name in ("momentary-loudness", "sharpness"):
        assert np.isnan(trace(name, pausing).values[-1])


def test_the_noise_to_mask_ratio_over_time_averages_to_the_total():
    total = catalogue.get("nmr").function(REFERENCE, NOISY, RATE)
    over_time = trace("noise-to-mask", REFERENCE, NOISY).values
    assert 10 * np.log10(np.mean(10 ** (over_time / 10))) == pytest.approx(total)


def test_the_error_stands_over_the_mask_by_the_noise_to_mask_ratio():
    error, mask, ratio = (
        trace(name, REFERENCE, NOISY).values
        for name in ("error", "masking-threshold", "noise-to-mask-in-bands")
    )
    assert error - mask == pytest.approx(ratio)


def test_thinning_keeps_the_mean_and_the_span():
    whole = trace("loudness", NOISY)
    few = whole.thinned(100)
    assert len(few.times) == 100
    assert few.values.mean() == pytest.approx(whole.values.mean())
    assert whole.thinned(5_000) is whole
    with_gaps = trace("sharpness", np.concatenate([NOISY, np.zeros_like(NOISY)], axis=1))
    assert np.isnan(with_gaps.thinned(50).values[-1])
    assert np.isfinite(with_gaps.thinned(50).values[:20]).all()


def test_what_the_metric_refuses_the_trace_refuses():
    with pytest.raises(MetricError) as refusal:
        trace("loudness", np.zeros((1, RATE)))
    assert refusal.value.status is Status.SILENT
    with pytest.raises(MetricError) as refusal:
        trace("error", REFERENCE, NOISY[:, 1:])
    assert refusal.value.status is Status.MISMATCH
    with pytest.raises(MetricError, match="found 'brightness'; known are loudness"):
        traces.get("brightness")
