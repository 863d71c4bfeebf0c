"""Whatever is put into whichever metric: a right value or a reason, never a plausible number for rubbish."""

import numpy as np
import pytest

from metrics import catalogue
from metrics.catalogue import MetricError, Status

METRICS = catalogue.all()
RATE = 48_000


def noise(seconds=4.0, channels=1, rate=RATE, seed=0):
    return 0.1 * np.random.default_rng(seed).standard_normal((channels, round(seconds * rate)))


def measured(metric, signal, rate=RATE, *, reference=None):
    """The metric of `signal`; where it needs a reference, against that or a noisier copy of the signal itself."""
    if not metric.needs_reference:
        return metric.function(signal, rate)
    if reference is None:
        reference = (
            signal
            + np.asarray(0.01, signal.dtype)
            * noise(1.0, rate=max(signal.shape))[:, : signal.shape[-1]]
        )
    return metric.function(reference, signal, rate)


def refused(metric, *arguments, **named):
    with pytest.raises(MetricError) as refusal:
        measured(metric, *arguments, **named)
    message = str(refusal.value)
    assert message
    assert "\n" not in message
    return refusal.value.status, message


def spoilt(value):
    signal = noise()
    signal[0, 1234] = value
    return signal


@pytest.fixture(params=METRICS, ids=lambda metric: metric.name)
def metric(request):
    return request.param


def test_good_input_gives_a_finite_float(metric):
    value = measured(metric, noise(), reference=noise() + 0.02 * noise(seed=1))
    assert type(value) is float
    assert np.isfinite(value)
    low, high = metric.range
    assert low is None or value >= low
    assert high is None or value <= high


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_samples_that_are_no_numbers_are_refused(metric, value):
    assert refused(metric, spoilt(value), reference=noise())[0] is Status.NON_FINITE
    if metric.needs_reference:
        assert refused(metric, noise(), reference=spoilt(value))[0] is Status.NON_FINITE


@pytest.mark.parametrize("level", [0.0, 0.1], ids=["zeros", "a constant offset"])
def test_silence_is_refused_on_either_side(metric, level):
    silence = np.full((1, 4 * RATE), level)
    assert refused(metric, silence, reference=noise())[0] is Status.SILENT
    if metric.needs_reference:
        assert refused(metric, noise(), reference=silence)[0] is Status.SILENT
        assert refused(metric, silence, reference=silence)[0] is Status.SILENT


@pytest.mark.parametrize("frames", [0, 2, 48])
def test_less_than_a_moment_is_too_short(metric, frames):
    signal = noise()[:, :frames]
    assert refused(metric, signal, reference=signal)[0] is Status.TOO_SHORT


def test_just_less_than_the_declared_minimum_is_too_short_and_the_minimum_is_not(metric):
    frames = round(metric.min_duration * RATE)
    reference, signal = noise()[:, :frames], noise()[:, :frames] + 0.02 * noise(seed=1)[:, :frames]
    status, message = refused(metric, signal[:, :-1], reference=reference[:, :-1])
    assert status is Status.TOO_SHORT
    assert f"expected at least {metric.min_duration:g} s" in message
    assert np.isfinite(measured(metric, signal, reference=reference))


def test_more_than_the_declared_maximum_is_refused():
    metric = catalogue.get("pesq-nb")
    signal = noise(seconds=21, rate=8_000)
    status, message = refused(metric, signal, 8_000, reference=signal)
    assert status is Status.NOT_APPLICABLE
    assert "expected at most 20 s, found 21 s" in message


@pytest.mark.parametrize(
    ("signal", "complaint"),
    [
        (noise()[0], "shaped .channels, frames., found 1 dim"),
        (noise(channels=2).T, "found 192000"),
        (noise(channels=25), "found 25"),
        ((noise() * 32767).astype(np.int16), "found int16 samples"),
        (noise() * 32767, "integers, not scaled"),
    ],
    ids=["no channel axis", "swapped axes", "25 channels", "int16", "int16 as float"],
)
def test_arrays_of_another_kind_are_refused(metric, signal, complaint):
    with pytest.raises(MetricError, match=complaint):
        measured(metric, signal, reference=signal)


@pytest.mark.parametrize("rate", [0, 4_000, 500_000])
def test_impossible_rates_are_refused(metric, rate):
    assert refused(metric, noise(), rate, reference=noise())[0] is Status.UNSUPPORTED_RATE


def test_wideband_pesq_refuses_telephone_band():
    status, message = refused(
        catalogue.get("pesq-wb"), noise(rate=8_000), 8_000, reference=noise(rate=8_000)
    )
    assert status is Status.UNSUPPORTED_RATE
    assert "expected a sample rate of 16000 to 192000 Hz, found 8000 Hz" in message


@pytest.mark.parametrize(
    "metric", [m for m in METRICS if m.needs_reference], ids=lambda metric: metric.name
)
def test_lengths_and_channels_must_match(metric):
    status, message = refused(metric, noise()[:, :-1], reference=noise())
    assert status is Status.MISMATCH
    assert "expected 192000 frames as in the reference, found 191999 frames" in message
    status, message = refused(metric, noise(channels=2), reference=noise())
    assert status is Status.MISMATCH
    assert "expected 1 channel as in the reference, found 2 channels" in message


def test_stereo_copies_of_a_channel_measure_as_that_channel(metric):
    reference, signal = noise(), noise() + 0.02 * noise(seed=1)
    mono = measured(metric, signal, reference=reference)
    stereo = measured(metric, signal.repeat(2, 0), reference=reference.repeat(2, 0))
    # BS.1770 adds the power of the channels: two alike are 3.01 LU louder than one.
    louder = 10 * np.log10(2) if metric.unit == "LUFS" else 0.0
    assert stereo == pytest.approx(mono + louder, abs=1e-6)


def test_channels_that_cancel_are_no_mono_signal():
    signal = noise()
    antiphase = np.concatenate([signal, -signal])
    status, message = refused(catalogue.get("stoi"), antiphase, reference=antiphase)
    assert status is Status.SILENT
    assert "cancel" in message


def test_single_precision_is_measured_like_double(metric):
    reference, signal = (
        noise().astype(np.float32),
        (noise() + 0.02 * noise(seed=1)).astype(np.float32),
    )
    single = measured(metric, signal, reference=reference)
    double = measured(metric, signal.astype(np.float64), reference=reference.astype(np.float64))
    assert single == pytest.approx(double, rel=1e-12)  # ESTOI adds random numbers of that size
