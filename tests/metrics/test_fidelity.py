"""Signal-to-error ratios: figures of other implementations, invariances, and no ratio where there is none."""

import numpy as np
import pytest
from scipy.signal import chirp, lfilter

from metrics.contract import MetricError, Status
from metrics.fidelity import esr, sdr, si_sdr, snr

RATE = 16_000
TIME = np.arange(RATE) / RATE
REFERENCE = 0.5 * chirp(TIME, 50, 1, 7_000)[None]
DEGRADED = np.tanh(2 * REFERENCE) / 2 + 0.01 * np.sin(2 * np.pi * 3_000 * TIME)


def test_si_sdr_and_snr_give_the_figures_of_torchmetrics():
    """The example in torchmetrics' documentation; neither measure changes when a signal is repeated."""
    target, estimate = np.array([[3.0, -0.5, 2.0, 7.0]]), np.array([[2.5, 0.0, 2.0, 8.0]])
    target, estimate = np.tile(target, 1_000), np.tile(estimate, 1_000)
    assert si_sdr(target, estimate, RATE) == pytest.approx(18.4030, abs=5e-5)
    assert snr(target, estimate, RATE) == pytest.approx(16.1805, abs=5e-5)


def test_figures_of_auraloss_and_mir_eval():
    """auraloss 0.4.0 (SISDRLoss without mean removal, ESRLoss) and mir_eval 0.8.2 (bss_eval_sources) on this pair."""
    assert si_sdr(REFERENCE, DEGRADED, RATE) == pytest.approx(22.8932184, abs=1e-6)
    assert esr(REFERENCE, DEGRADED, RATE) == pytest.approx(0.03891505408, abs=1e-9)
    assert sdr(REFERENCE, DEGRADED, RATE) == pytest.approx(22.9418438, abs=1e-6)


def test_snr_of_noise_at_a_known_level_is_that_level():
    """Two orthogonal sines of amplitude 1 and 0.1: 20 dB, and an error-to-signal ratio of 0.01."""
    tone = np.sin(2 * np.pi * 500 * TIME)[None]
    noisy = tone + 0.1 * np.sin(2 * np.pi * 700 * TIME)
    assert snr(tone, noisy, RATE) == pytest.approx(20, abs=1e-9)
    assert si_sdr(tone, noisy, RATE) == pytest.approx(20, abs=1e-9)
    assert esr(tone, noisy, RATE) == pytest.approx(0.01, abs=1e-12)


def test_only_the_scale_invariant_measures_forgive_level_and_polarity():
    for factor in (0.5, -1.0, 0.001):
        assert si_sdr(REFERENCE, factor * DEGRADED, RATE) == pytest.approx(
            si_sdr(REFERENCE, DEGRADED, RATE), abs=1e-9
        )
        assert sdr(REFERENCE, factor * DEGRADED, RATE) == pytest.approx(
            sdr(REFERENCE, DEGRADED, RATE), abs=1e-6
        )
    assert snr(REFERENCE, -REFERENCE, RATE) == pytest.approx(-20 * np.log10(2))


def test_only_bss_eval_forgives_a_filter():
    rng = np.random.default_rng(0)
    noise = 0.1 * rng.standard_normal((1, RATE))
    noise[:, -10:] = 0  # room for the filter to ring out
    filtered = lfilter([0.0, 0.5, 0.3, -0.2], [1.0], noise)
    assert sdr(noise, filtered + 1e-4 * rng.standard_normal((1, RATE)), RATE) > 50
    assert si_sdr(noise, filtered, RATE) < 0


@pytest.mark.parametrize("measure", [si_sdr, snr, sdr])
def test_a_copy_has_no_ratio(measure):
    with pytest.raises(MetricError, match="equals the reference: the ratio is infinite") as refusal:
        measure(REFERENCE, REFERENCE, RATE)
    assert refusal.value.status is Status.NOT_APPLICABLE


def test_a_copy_has_an_error_of_zero():
    assert esr(REFERENCE, REFERENCE, RATE) == 0


def test_an_unrelated_signal_has_no_ratio():
    tone, other = (np.sin(2 * np.pi * f * TIME)[None] for f in (500, 700))
    with pytest.raises(MetricError, match="nothing of the reference"):
        si_sdr(tone, other, RATE)


def test_stereo_is_one_vector_with_one_scale():
    """(s, s) against (s, s/2): the best scale is 3/4, the error s/4 in each channel, the ratio (3/4)²/(1/4)² = 9."""
    noise = np.random.default_rng(0).standard_normal(RATE) * 0.1
    reference, degraded = np.stack([noise, noise]), np.stack([noise, noise / 2])
    assert si_sdr(reference, degraded, RATE) == pytest.approx(10 * np.log10(9), abs=1e-9)
