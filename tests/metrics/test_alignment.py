"""How a signal lies to its reference: what was done to it is what is found."""

import numpy as np
import pytest
import soxr
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import lfilter

from metrics import alignment
from metrics.alignment import aligned, estimate
from metrics.contract import MetricError, Status
from metrics.spectral import log_spectral_distance
from models_registry.audio import read

RATE = 16_000
SOUND = 0.1 * lfilter([1.0], [1.0, -0.8], np.random.default_rng(0).standard_normal((1, 6 * RATE)))
HISS = 0.01 * np.random.default_rng(1).standard_normal((1, 8 * RATE))


def found(*arguments):
    result = estimate(*arguments)
    assert result is not None
    return result


@settings(max_examples=20, deadline=None)
@given(
    lag=st.integers(-RATE // 2, RATE // 2),
    gain=st.floats(0.05, 4),
    polarity=st.sampled_from([1, -1]),
    noisy=st.booleans(),
)
def test_lag_gain_and_polarity_are_what_was_done(lag, gain, polarity, noisy):
    sound = SOUND[:, : 2 * RATE]
    degraded = np.pad(sound, ((0, 0), (lag, 0))) if lag > 0 else sound[:, -lag:]
    degraded = polarity * gain * degraded
    if noisy:
        degraded = degraded + gain * HISS[:, : degraded.shape[1]]
    how = found(sound, degraded, RATE)
    assert (how.lag, how.polarity) == (lag, polarity)
    assert how.gain_db == pytest.approx(20 * np.log10(gain), abs=0.02)
    x, y = aligned(sound, degraded, how)
    assert x.shape == y.shape
    if not noisy:
        assert y == pytest.approx(polarity * gain * x, abs=1e-12)
        assert how.correlation == pytest.approx(1, abs=1e-9)


@pytest.mark.parametrize("ppm", [-500, -20, 0, 3, 50, 400])
def test_drift_is_that_of_a_resampler(ppm):
    """soxr makes a signal that runs slower by so many millionths."""
    slower = soxr.resample(SOUND[0], RATE, RATE * (1 + 1e-6 * ppm), quality="VHQ")[None]
    assert found(SOUND, slower, RATE).drift_ppm == pytest.approx(ppm, rel=0.01, abs=3)


def test_drift_needs_time_and_likeness():
    assert found(SOUND[:, : 3 * RATE], SOUND[:, : 3 * RATE], RATE).drift_ppm is None
    buried = SOUND + 100 * HISS[:, : SOUND.shape[1]]
    assert found(SOUND, buried, RATE).drift_ppm is None


def test_a_periodic_signal_lies_at_the_smallest_lag():
    tone = np.sin(2 * np.pi * 440 * np.arange(RATE) / RATE)[None]
    assert found(tone, tone, RATE).lag == 0


def test_published_codec_pairs_lie_where_their_publishers_put_them(shared):
    """Pairs of ViSQOL's test data, aligned in the data set; delays of these codecs' encoders put back in."""
    folder = shared / "data" / "conformance" / "peaq_visqol_pairs"
    for name in ("sopr_256k_aac", "moonlight_128k_aac", "strauss_lp35"):
        reference, degraded = (
            read(folder / f"{name}_{which}.flac") for which in ("reference", "degraded")
        )
        for delay in (0, 1_105, 4_230):
            late = np.pad(degraded.samples, ((0, 0), (delay, 0)))
            assert found(reference.samples, late, reference.rate).lag == delay


def test_channels_that_cancel_are_aligned_by_one_of_them():
    wide = np.concatenate([SOUND, -SOUND])
    assert found(wide, np.pad(wide, ((0, 0), (77, 0))), RATE).lag == 77


def test_aligning_undoes_a_delay_and_nothing_else():
    late = np.pad(0.5 * SOUND, ((0, 0), (300, 0)))[:, : SOUND.shape[1]]
    x, y = aligned(SOUND, late, estimate(SOUND, late, RATE))
    assert log_spectral_distance(SOUND, late, RATE) > 6.1
    assert log_spectral_distance(x, y, RATE) == pytest.approx(20 * np.log10(2), abs=1e-3)


def test_signals_with_nothing_in_common_are_not_aligned():
    other = HISS[:, : SOUND.shape[1]]
    with pytest.raises(MetricError, match="correlate by 0.7 or more once aligned") as refusal:
        aligned(SOUND, other, estimate(SOUND, other, RATE))
    assert refusal.value.status is Status.MISMATCH
    silent = np.zeros_like(SOUND)
    assert estimate(SOUND, silent, RATE) is None
    with pytest.raises(MetricError, match="found silence"):
        aligned(SOUND, silent, None)


def test_a_long_recording_is_judged_by_its_beginning(monkeypatch):
    monkeypatch.setattr(alignment, "MOST_S", 2)
    late = np.pad(SOUND, ((0, 0), (123, 0)))
    late[:, 3 * RATE :] = 0
    how = found(SOUND, late, RATE)
    assert how.lag == 123
    assert how.correlation == pytest.approx(1, abs=1e-9)
