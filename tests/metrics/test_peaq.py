"""What PEAQ's quantities promise of any pair: order under more degradation, indifference, and refusals.

Conformance of the values is in test_peaq_conformance.py and test_peaq_ear_model.py.
"""

import numpy as np
import pytest
import soxr
from scipy.signal import butter, sosfilt

from metrics import catalogue, peaq
from metrics.contract import MetricError, Status
from metrics.peaq import quantities

RATE = 48_000
NAMES = [metric.name for metric in catalogue.all() if "BS.1387" in metric.standard]


def music(seconds=3.0, channels=2):
    """Plucked notes of 24 partials over a hint of noise, without anything above 15 kHz, in 16 bits."""
    rng = np.random.default_rng(0)
    time = np.arange(round(seconds * RATE)) / RATE
    pitches = 220 * 2 ** (rng.integers(0, 12, channels) / 12)
    tones = [
        sum(np.sin(2 * np.pi * f * k * time + rng.uniform(0, 6)) / k for k in range(1, 25))
        for f in pitches
    ]
    plucked = 0.15 * np.exp(-3 * (time % 0.5)) * np.stack(tones)
    return sixteen_bits(low_passed(plucked + 3e-3 * rng.standard_normal(plucked.shape), 15_000))


def sixteen_bits(signal):
    return np.round(signal * 2**15) / 2**15


def low_passed(signal, frequency):
    return sosfilt(butter(8, frequency, fs=RATE, output="sos"), signal)


def noise(level, seed=1):
    return level * np.random.default_rng(seed).standard_normal(REFERENCE.shape)


def measured(name, degraded, reference=None):
    return catalogue.get(name).function(
        REFERENCE if reference is None else reference, degraded, RATE
    )


REFERENCE = music()


def test_the_catalogue_offers_the_grade_and_the_models_own_quantities():
    assert set(NAMES) == {
        "peaq-odg",
        "peaq-di",
        "nmr",
        "disturbed-frames",
        "audible-error",
        "excitation-distance",
        "peaq-adb",
        "peaq-modulation-difference",
        "peaq-windowed-modulation-difference",
        "peaq-added-modulation",
        "peaq-noise-loudness",
        "peaq-error-harmonics",
        "peaq-detection",
        "2f-model",
    }
    assert all("92 dB SPL" in catalogue.get(name).calibration for name in NAMES)


@pytest.mark.parametrize("channels", [1, 2])
def test_a_copy_is_without_fault(channels):
    copy = REFERENCE[:channels]
    perfect = {"peaq-adb": 0, "peaq-modulation-difference": 0, "disturbed-frames": 0}
    perfect |= {"audible-error": 0, "excitation-distance": 0, "2f-model": 100}
    for name, value in perfect.items():
        assert measured(name, copy, copy) == value
    assert measured("peaq-odg", copy, copy) == pytest.approx(0.2, abs=0.02)
    assert measured("nmr", copy, copy) < -100


DEGRADATIONS = {
    "noise": [REFERENCE + noise(level) for level in (3e-4, 1e-3, 3e-3, 1e-2)],
    "low-pass": [low_passed(REFERENCE, cut_off) for cut_off in (10_000, 7_000, 4_000, 2_000)],
    "clipping": [np.clip(REFERENCE, -level, level) for level in (0.25, 0.18, 0.12, 0.06)],
}
# variables of the model that count what was added, while a low-pass takes away
OF_WHAT_IS_ADDED = ("peaq-added-modulation", "peaq-noise-loudness", "peaq-error-harmonics")


@pytest.mark.parametrize("kind", DEGRADATIONS)
@pytest.mark.parametrize("name", NAMES)
def test_more_degradation_is_never_scored_better(name, kind):
    if kind == "low-pass" and name in OF_WHAT_IS_ADDED:
        assert measured(name, DEGRADATIONS[kind][-1]) > measured(name, REFERENCE)
        return
    degradations = DEGRADATIONS[kind]
    worse = 1 if catalogue.get(name).direction == "lower" else -1
    perfect = measured(name, REFERENCE)
    scores = [worse * measured(name, degraded) for degraded in degradations]
    assert scores == sorted(scores)
    assert scores[-1] > perfect * worse


def test_noise_under_the_mask_is_not_heard_and_noise_above_it_is():
    """Noise shaped like the signal, 40 dB below it, is masked; the same power of white noise is not."""
    masked = sixteen_bits(REFERENCE * (1 + 0.01 * np.sign(np.sin(np.arange(REFERENCE.shape[1])))))
    error = masked - REFERENCE
    white = REFERENCE + noise(float(np.sqrt(np.mean(error**2))))
    assert measured("nmr", masked) < measured("nmr", white) - 6
    assert measured("peaq-odg", masked) > measured("peaq-odg", white)


def test_polarity_and_the_order_of_channels_do_not_matter():
    degraded = REFERENCE + noise(1e-3)
    for name in NAMES:
        value = measured(name, degraded)
        assert measured(name, -degraded) == pytest.approx(value, rel=1e-9)
        assert measured(name, degraded[::-1], REFERENCE[::-1]) == pytest.approx(value, rel=1e-9)


def test_a_channel_silent_in_both_signals_does_not_count():
    reference, degraded = REFERENCE[:1], (REFERENCE + noise(3e-3))[:1]
    padded = [np.pad(signal, ((0, 1), (0, 0))) for signal in (degraded, reference)]
    for name in NAMES:
        assert measured(name, *padded) == measured(name, degraded, reference)


def test_silence_around_the_sound_does_not_count():
    """5.2.4: frames before and after the data of the reference are left out; its filters start a little earlier."""
    degraded = REFERENCE + noise(3e-3)
    padded = [np.pad(signal, ((0, 0), (RATE, RATE))) for signal in (degraded, REFERENCE)]
    assert measured("peaq-odg", *padded) == pytest.approx(measured("peaq-odg", degraded), abs=0.05)
    assert measured("nmr", *padded) == pytest.approx(measured("nmr", degraded), abs=0.1)


def test_samples_finer_than_16_bits_are_graded_like_16_bits():
    """Without a floor, arithmetic of 1e-16 would count as bandwidth wherever recordings end and rounding begins."""
    degraded = REFERENCE + low_passed(noise(1e-3), 10_000)
    coarse = measured("peaq-odg", sixteen_bits(degraded))
    assert measured("peaq-odg", degraded) == pytest.approx(coarse, abs=0.05)


def test_44_1_khz_is_resampled_and_graded_alike():
    degraded = REFERENCE + low_passed(noise(1e-3), 10_000)
    reference_44, degraded_44 = (
        soxr.resample(signal.T, RATE, 44_100, quality="VHQ").T for signal in (REFERENCE, degraded)
    )
    grade = catalogue.get("peaq-odg").function(reference_44, degraded_44, 44_100)
    assert grade == pytest.approx(measured("peaq-odg", degraded), abs=0.1)


def test_a_few_samples_of_delay_cost_more_than_a_grade():
    moved = [
        measured("peaq-odg", REFERENCE[:, d:], REFERENCE[:, : -d or None]) for d in (0, 100, 1000)
    ]
    assert moved[0] > moved[1] > moved[2]
    assert moved[2] < -3


def test_playback_level_decides_what_can_be_heard():
    """At 40 dB less, a noise that was plainly there sinks below the threshold in quiet."""
    degraded = REFERENCE + noise(3e-4)
    loud = peaq.basic(REFERENCE, degraded, RATE)
    soft = peaq.basic(REFERENCE, degraded, RATE, full_scale_db=52.0)
    assert soft.variables.total_nmr < loud.variables.total_nmr - 10
    assert soft.odg > loud.odg


def test_a_louder_copy_excites_the_ear_by_so_much_more():
    loud = noise(0.1)
    assert measured("excitation-distance", 2 * loud, loud) == pytest.approx(6.02, abs=0.6)


def test_the_result_holds_masking_over_time_and_band():
    degraded = REFERENCE + noise(1e-3)
    result = peaq.basic(REFERENCE, degraded, RATE)
    frames = len(result.times)
    assert result.frequencies.shape == (109,)
    assert result.masking_threshold.shape == result.noise_to_mask.shape == (2, frames, 109)
    assert result.excitation.shape == (2, 2, frames, 109)
    assert np.diff(result.times) == pytest.approx(1024 / RATE)
    assert 0 < result.times[0] < result.times[-1] < 3
    per_channel = 10 * np.log10(np.mean(10 ** (result.noise_to_mask / 10), axis=(1, 2)))
    assert result.variables.total_nmr == pytest.approx(per_channel.mean())
    assert measured("audible-error", degraded) == 100 * np.mean(result.noise_to_mask > 0)
    assert np.isfinite(result.variables).all()


def test_an_error_shows_where_it_is():
    """A burst of 3 kHz in the left ear, from 1.5 s to 1.6 s."""
    degraded = REFERENCE.copy()
    burst = slice(round(1.5 * RATE), round(1.6 * RATE))
    degraded[0, burst] += 0.05 * np.sin(2 * np.pi * 3000 * np.arange(RATE // 10) / RATE)
    result = peaq.basic(REFERENCE, degraded, RATE)
    frame, band = np.unravel_index(
        np.argmax(result.noise_to_mask[0]), result.noise_to_mask[0].shape
    )
    assert 1.5 <= result.times[frame] <= 1.6
    assert result.frequencies[band] == pytest.approx(3000, rel=0.05)
    assert result.noise_to_mask[1].max() < -60


def test_a_pair_is_computed_once_for_all_its_quantities(monkeypatch):
    runs = []

    def counted(*pair):
        runs.append(pair)
        return peaq.basic(*pair)

    monkeypatch.setattr(quantities, "basic", counted)
    first, second = REFERENCE + noise(1e-3, seed=8), REFERENCE + noise(1e-3, seed=9)
    values = [measured(name, first) for name in NAMES]
    assert len(runs) == 1
    assert measured("peaq-di", second) != measured("peaq-di", first)
    assert len(runs) == 2
    assert [measured(name, first) for name in NAMES] == values


def refusal(reference, degraded, rate=RATE, name="peaq-odg"):
    with pytest.raises(MetricError) as refused:
        catalogue.get(name).function(reference, degraded, rate)
    return refused.value.status, str(refused.value)


def test_more_than_two_channels_are_refused():
    surround = np.concatenate([REFERENCE, REFERENCE])
    status, message = refusal(surround, surround)
    assert status is Status.NOT_APPLICABLE
    assert "expected 1 or 2 channels, found 4" in message


def test_rates_without_the_band_are_refused():
    assert refusal(REFERENCE, REFERENCE, 32_000)[0] is Status.UNSUPPORTED_RATE


def test_five_minutes_are_enough():
    long = np.zeros((1, 301 * RATE))
    long[:] = np.resize([0.1, -0.1], long.shape)
    status, message = refusal(long, long)
    assert status is Status.NOT_APPLICABLE
    assert "expected at most 300 s" in message


def test_a_whisper_below_the_threshold_of_data_is_silence():
    status, message = refusal(REFERENCE * 1e-4, REFERENCE)
    assert status is Status.SILENT
    assert "reference" in message


def test_a_degraded_signal_below_the_threshold_of_hearing_is_silence():
    """At 25 dB SPL and less the model hears less than 0.1 sone: nothing to compare, not a perfect score."""
    status, message = refusal(REFERENCE, REFERENCE * 3e-4)
    assert status is Status.SILENT
    assert "0.1 sone" in message


def test_a_short_sound_in_long_silence_is_too_short():
    click = np.zeros((1, 2 * RATE))
    click[:, 100:2000] = REFERENCE[:1, :1900]
    status, message = refusal(click, click)
    assert status is Status.TOO_SHORT
    assert "0.1 s" in message


@pytest.mark.parametrize(
    ("degraded", "rate", "status"),
    [
        (REFERENCE * np.nan, RATE, Status.NON_FINITE),
        (REFERENCE * 0, RATE, Status.SILENT),
        (REFERENCE, 44_100, Status.UNSUPPORTED_RATE),
        (REFERENCE[:, :-1], RATE, Status.MISMATCH),
        (REFERENCE[:1], RATE, Status.MISMATCH),
    ],
    ids=["no numbers", "silence", "rate", "length", "channels"],
)
def test_the_plain_function_refuses_pairs_that_do_not_fit(degraded, rate, status):
    with pytest.raises(MetricError) as refused:
        peaq.basic(REFERENCE, degraded, rate)
    assert refused.value.status is status
