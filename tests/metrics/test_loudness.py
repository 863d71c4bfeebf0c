"""BS.1770-5 and EBU Tech 3341: the standards' own test signals, synthesised."""

import numpy as np
import pytest
from scipy.signal import resample_poly

from metrics.contract import MetricError, Status
from metrics.loudness import (
    integrated_loudness,
    loudness_difference,
    loudness_range,
    max_momentary_loudness,
    max_short_term_loudness,
    peak_to_loudness_ratio,
    true_peak,
)

RATE = 48_000


def tone(*parts, hz=1_000.0, rate=RATE, channels=2):
    """A sine shaped (channels, frames) of (level in dBFS, seconds) after one another; None is silence."""
    amplitude = np.concatenate(
        [
            np.full(round(seconds * rate), 0.0 if level is None else 10 ** (level / 20))
            for level, seconds in parts
        ]
    )
    wave = amplitude * np.sin(2 * np.pi * hz / rate * np.arange(len(amplitude)))
    return np.tile(wave, (channels, 1))


@pytest.mark.parametrize("channel", range(3))
def test_a_full_scale_sine_in_a_front_channel_is_minus_3_01(channel):
    """BS.1770-5, Annex 1: 0 dBFS at 997 Hz in the left, right or centre channel reads −3.01 LKFS."""
    signal = np.zeros((5, 10 * RATE))
    signal[channel] = tone((0, 10), hz=997, channels=1)
    assert integrated_loudness(signal, RATE) == pytest.approx(-3.01, abs=0.01)


def test_surround_channels_count_more_and_the_lfe_channel_not_at_all():
    """BS.1770-5, Table 3: weights 1.41 (1.49 dB) and none, in the order L R C LFE Ls Rs."""
    front, surround, lfe = np.zeros((3, 6, 5 * RATE))
    wave = tone((-20, 5), hz=997, channels=1)
    front[0], surround[4] = wave, wave
    lfe[3] = wave
    raised = integrated_loudness(surround, RATE) - integrated_loudness(front, RATE)
    assert raised == pytest.approx(10 * np.log10(1.41), abs=1e-9)
    with pytest.raises(MetricError, match="gate") as refusal:
        integrated_loudness(lfe, RATE)
    assert refusal.value.status is Status.SILENT


INTEGRATED: dict[str, tuple[list[tuple[float, float]], float]] = {
    "1": ([(-23, 20)], -23.0),
    "2": ([(-33, 20)], -33.0),
    "3": ([(-36, 10), (-23, 60), (-36, 10)], -23.0),
    "4": ([(-72, 10), (-36, 10), (-23, 60), (-36, 10), (-72, 10)], -23.0),
    "5": ([(-26, 20), (-20, 20.1), (-26, 20)], -23.0),
}


@pytest.mark.parametrize("case", INTEGRATED)
def test_integrated_loudness_passes_tech_3341(case):
    parts, expected = INTEGRATED[case]
    assert integrated_loudness(tone(*parts), RATE) == pytest.approx(expected, abs=0.1)


@pytest.mark.parametrize("case", ["1", "2"])
def test_a_steady_tone_is_as_loud_at_its_loudest(case):
    """Tech 3341, cases 1 and 2: momentary, short-term and integrated loudness are one."""
    parts, expected = INTEGRATED[case]
    assert max_momentary_loudness(tone(*parts), RATE) == pytest.approx(expected, abs=0.1)
    assert max_short_term_loudness(tone(*parts), RATE) == pytest.approx(expected, abs=0.1)


def test_integrated_loudness_of_five_channels_passes_tech_3341():
    """Case 6: L and R at −28, C at −24, Ls and Rs at −30 dBFS."""
    signal = np.concatenate(
        [tone((level, 20), channels=1) for level in (-28.0, -28.0, -24.0, -30.0, -30.0)]
    )
    assert integrated_loudness(signal, RATE) == pytest.approx(-23.0, abs=0.1)


def test_short_term_loudness_passes_tech_3341_case_9():
    assert max_short_term_loudness(tone(*[(-20, 1.34), (-30, 1.66)] * 5), RATE) == pytest.approx(
        -23.0, abs=0.1
    )


@pytest.mark.parametrize("number", range(20))
def test_short_term_loudness_passes_tech_3341_case_10(number):
    signal = tone((None, number * 0.15), (-23, 3), (None, 1))
    assert max_short_term_loudness(signal, RATE) == pytest.approx(-23.0, abs=0.1)


def test_short_term_loudness_passes_tech_3341_case_11():
    signals = [tone((None, n * 0.15), (-38 + n, 3), (None, 3 - n * 0.15)) for n in range(20)]
    peaks = [max_short_term_loudness(signal, RATE) for signal in signals]
    assert peaks == pytest.approx([-38.0 + n for n in range(20)], abs=0.1)


def test_momentary_loudness_passes_tech_3341_case_12():
    assert max_momentary_loudness(tone(*[(-20, 0.18), (-30, 0.22)] * 25), RATE) == pytest.approx(
        -23.0, abs=0.1
    )


@pytest.mark.parametrize("number", range(20))
def test_momentary_loudness_passes_tech_3341_case_13(number):
    signal = tone((None, number * 0.02), (-23, 0.4), (None, 1))
    assert max_momentary_loudness(signal, RATE) == pytest.approx(-23.0, abs=0.1)


def test_momentary_loudness_passes_tech_3341_case_14():
    signals = [tone((None, n * 0.02), (-38 + n, 0.4), (None, 0.4 - n * 0.02)) for n in range(20)]
    peaks = [max_momentary_loudness(signal, RATE) for signal in signals]
    assert peaks == pytest.approx([-38.0 + n for n in range(20)], abs=0.1)


@pytest.mark.parametrize(
    ("levels", "expected"),
    [
        ((-20, -30), 10),
        ((-20, -15), 5),
        ((-40, -20), 20),
        ((-50, -35, -20, -35, -50), 15),
    ],
    ids=["1", "2", "3", "4"],
)
def test_loudness_range_passes_tech_3342(levels, expected):
    """The cases' own tolerance is 1 LU."""
    signal = tone(*[(level, 20) for level in levels])
    assert loudness_range(signal, RATE) == pytest.approx(expected, abs=0.1)


def test_loudness_range_of_a_steady_tone_is_none_and_pauses_do_not_count():
    assert loudness_range(tone((-23, 30)), RATE) == pytest.approx(0, abs=0.01)
    assert loudness_range(tone((-23, 60), (-72, 60)), RATE) < 1


def test_loudness_range_of_a_short_clip_is_refused():
    with pytest.raises(MetricError, match="expected at least 30 s, found 29") as refusal:
        loudness_range(tone((-20, 14.5), (-30, 14.5)), RATE)
    assert refusal.value.status is Status.TOO_SHORT


def test_loudness_range_below_the_gate_is_refused():
    with pytest.raises(MetricError, match="gate of -70 LUFS"):
        loudness_range(tone((-80, 31)), RATE)


@pytest.mark.parametrize("rate", [16_000, 44_100, 48_000])
def test_peak_to_loudness_ratio_of_a_sine_is_known(rate):
    """A stereo sine at 997 Hz with its peak at −20 dBFS reads −20 LKFS (BS.1770-5: −3.01 in one channel of two)."""
    assert peak_to_loudness_ratio(tone((-20, 5), hz=997, rate=rate), rate) == pytest.approx(
        0.0, abs=0.02
    )


def faded(wave, rate=RATE):
    """With fades of 10 ms: a tone that starts at full level overshoots when interpolated, which is not tested here."""
    ramp = np.minimum(np.arange(len(wave)) / (0.01 * rate), 1)
    return wave * ramp * ramp[::-1]


@pytest.mark.parametrize(
    ("divisor", "amplitude", "degrees", "expected"),
    [
        (4, 0.5, 0, -6.0),
        (4, 0.5, 45, -6.0),
        (6, 0.5, 60, -6.0),
        (8, 0.5, 67.5, -6.0),
        (4, 1.41, 45, 3.0),
    ],
    ids=["15", "16", "17", "18", "19"],
)
def test_true_peak_passes_tech_3341(divisor, amplitude, degrees, expected):
    phase = 2 * np.pi * np.arange(RATE) / divisor + np.radians(degrees)
    signal = faded(amplitude * np.sin(phase))[None]
    assert expected - 0.4 <= true_peak(signal, RATE) <= expected + 0.2


@pytest.mark.parametrize("offset", range(4), ids=["20", "21", "22", "23"])
def test_true_peak_of_a_burst_passes_tech_3341(offset):
    """One period of fs/4 at full scale in a tone of fs/6 at half, made at 4 fs, thinned from each of four samples."""
    period, half = 16, 12 * 2_000
    burst = np.sin(2 * np.pi * np.arange(period) / period)
    hum = 0.5 * np.sin(2 * np.pi * np.arange(half) / 24)
    fine = faded(np.concatenate([hum, burst, hum]), rate=4 * RATE)
    assert -0.4 <= true_peak(fine[None, offset::4], RATE) <= 0.2


def test_true_peak_does_not_depend_on_where_blocks_end():
    """A tone of −6 dBFS longer than a block: what is seen at the seams is the tone, not a step."""
    phase = np.pi / 2 * np.arange(6 * RATE) + np.pi / 4
    assert true_peak(faded(0.5 * np.sin(phase))[None], RATE) == pytest.approx(-6.02, abs=0.01)


@pytest.mark.parametrize("frames", [500, 511, 70_001])
@pytest.mark.parametrize(("rate", "factor"), [(8_000, 24), (44_100, 5), (96_000, 2), (192_000, 1)])
def test_true_peak_is_that_of_scipys_interpolation(rate, factor, frames):
    """resample_poly with its default length and a Kaiser window of 9: all peaks of Tech 3341 within 0.2 dB."""
    signal = 0.1 * np.random.default_rng(frames).standard_normal((2, max(frames, rate // 100)))
    wave = resample_poly(signal, factor, 1, axis=-1, window=("kaiser", 9.0))
    expected = 20 * np.log10(np.abs(wave).max())
    assert true_peak(signal, rate) == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("rate", [8_000, 24_000, 44_100, 96_000])
def test_loudness_does_not_depend_on_the_sample_rate(rate):
    signal = tone((-23, 10), rate=rate)
    assert integrated_loudness(signal, rate) == pytest.approx(-23.0, abs=0.1)
    assert true_peak(signal, rate) == pytest.approx(-23.0, abs=0.2)


def test_loudness_difference_is_the_change_of_level():
    signal = tone((-23, 2))
    assert loudness_difference(signal, 2 * signal, RATE) == pytest.approx(20 * np.log10(2))
    assert loudness_difference(signal, signal, RATE) == 0


def test_what_lies_below_the_gate_has_no_loudness():
    with pytest.raises(MetricError, match="gate of -70 LUFS") as refusal:
        integrated_loudness(tone((-80, 5)), RATE)
    assert refusal.value.status is Status.SILENT


def test_a_layout_that_the_standard_does_not_weight_is_refused():
    with pytest.raises(MetricError, match="expected 1, 2, 5 or 6 channels, found 4"):
        integrated_loudness(tone((-23, 1), channels=4), RATE)
