"""Whatever is put into whichever metric: a right value or a reason, never a plausible number for rubbish."""

import os
from collections import Counter
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from metrics import catalogue
from metrics.catalogue import MetricError, Status

METRICS = catalogue.all()
RATE = 48_000


@cache
def noise(seconds=4.0, channels=1, rate=RATE, seed=0):
    samples = np.random.default_rng(seed).standard_normal((channels, round(seconds * rate)))
    samples *= 0.1
    samples.flags.writeable = False
    return samples


def good(metric, *, rate=RATE, seconds=None):
    """A reference and a degraded signal that `metric` can measure."""
    channels = metric.layouts[0] if metric.layouts else 1
    seconds = seconds or max(4.0, metric.min_duration)
    reference = noise(seconds, channels, rate)
    return reference, reference + 0.2 * noise(seconds, channels, rate, seed=1)


def measured(metric, reference, degraded, rate=RATE):
    signals = (reference, degraded) if metric.needs_reference else (degraded,)
    return metric.function(*signals, rate)


def outcome(metric, pair, rate=RATE):
    """The status of the measurement and its message; a value is checked to be one."""
    try:
        value = measured(metric, pair[0], pair[1], rate)
    except MetricError as refusal:
        value, ended = None, (refusal.status, str(refusal))
    if value is None:
        assert ended[1]
        assert "\n" not in ended[1]
        return ended
    assert type(value) is float
    low, high = metric.range
    assert np.isfinite(value)
    assert low is None or value >= low
    assert high is None or value <= high
    return Status.OK, ""


def spoilt(signal, value):
    spoilt = signal.copy()
    spoilt[-1, 1234] = value
    return spoilt


def bursts(signal, count=200, period_s=0.06, rate=8_000):
    """`count` bursts of sound with pauses between them."""
    frames = round(count * period_s * rate)
    sounding = np.arange(frames) % round(period_s * rate) < 0.5 * period_s * rate
    return np.resize(signal, (len(signal), frames)) * sounding


@pytest.fixture(params=METRICS, ids=lambda metric: metric.name)
def metric(request):
    return request.param


def both(change):
    return lambda x, y: (change(x), change(y))


# What is made of a good reference and degraded signal, how that must end, and a part of the reason.
TABLE = {
    "a good pair": (lambda x, y: (x, y), {Status.OK}, ""),
    "silent reference": (lambda x, y: (0 * x, y), {Status.SILENT}, "found silence"),
    "silent degraded": (lambda x, y: (x, 0 * y), {Status.SILENT}, "found silence"),
    "both silent": (both(lambda s: 0 * s), {Status.SILENT}, "found silence"),
    "a constant offset": (both(lambda s: 0 * s + 0.1), {Status.SILENT}, "found silence"),
    "empty": (both(lambda s: s[:, :0]), {Status.TOO_SHORT}, "found no samples"),
    "one sample": (both(lambda s: s[:, :1]), {Status.TOO_SHORT, Status.SILENT}, "expected"),
    "1 ms": (both(lambda s: s[:, :48]), {Status.TOO_SHORT}, "expected at least"),
    "10 ms": (both(lambda s: s[:, :480]), {Status.OK, Status.TOO_SHORT}, ""),
    "80 ms": (both(lambda s: s[:, :3_840]), {Status.OK, Status.TOO_SHORT}, ""),
    "NaN": (lambda x, y: (x, spoilt(y, np.nan)), {Status.NON_FINITE}, "found 1 NaN or infinite"),
    "NaN in the reference": (
        lambda x, y: (spoilt(x, np.nan), y),
        {Status.NON_FINITE},
        "found 1 NaN or infinite",
    ),
    "Inf": (lambda x, y: (x, spoilt(y, np.inf)), {Status.NON_FINITE}, "found 1 NaN or infinite"),
    "-Inf": (lambda x, y: (x, spoilt(y, -np.inf)), {Status.NON_FINITE}, "found 1 NaN or infinite"),
    "other length": (
        lambda x, y: (x, y[:, :-1]),
        {Status.MISMATCH},
        "frames as in the reference, found",
    ),
    "other channels": (
        lambda x, y: (x, np.concatenate([y, y])),
        {Status.MISMATCH, Status.NOT_APPLICABLE},
        "channel",
    ),
    "swapped axes": (both(lambda s: s.T), {Status.NOT_APPLICABLE}, "channels in the first axis"),
    "no channel axis": (both(lambda s: s[0]), {Status.NOT_APPLICABLE}, "found 1 dimension"),
    "25 channels": (
        both(lambda s: s[:1].repeat(25, 0)),
        {Status.NOT_APPLICABLE},
        "expected 1 to 24 channels",
    ),
    "stereo": (
        both(lambda s: np.concatenate([s[:1], 0.5 * s[:1] + 0.1 * s[:1, ::-1]])),
        {Status.OK},
        "",
    ),
    "int16": (
        both(lambda s: (s * 32767).astype(np.int16)),
        {Status.NOT_APPLICABLE},
        "found int16 samples",
    ),
    "int16 as floating point": (
        both(lambda s: s * 32767),
        {Status.NOT_APPLICABLE},
        "integers, not scaled",
    ),
    "clipped": (lambda x, y: (x, np.clip(50 * y, -1, 1)), {Status.OK}, ""),
}
# How each row ended for each metric, in this run of the tests.
FOUND: dict[str, dict[str, Status]] = {}
OWN = [metric for metric in METRICS if not metric.extra]
PAGE = Path(__file__).resolve().parents[2] / "listening" / "guide" / "6-metrics.md"
HEADING = "| Input | How many metrics end how |\n|---|---|\n"
ABOUT_THE_REFERENCE = {"silent reference", "NaN in the reference", "other length", "other channels"}


@pytest.mark.parametrize("row", TABLE)
def test_the_failure_table(metric, row):
    if row in ABOUT_THE_REFERENCE and not metric.needs_reference:
        return
    change, statuses, reason = TABLE[row]
    status, message = outcome(metric, change(*good(metric)))
    FOUND.setdefault(row, {})[metric.name] = status
    if row == "other length" and not metric.wants_alignment:
        assert status is Status.OK  # a difference between values of each whole signal
        return
    assert status in statuses, message
    assert reason in message


def table_of_outcomes():
    """The guide's table of what becomes of bad input: own metrics alone, whichever extras are installed."""
    lines = []
    for row in TABLE:
        ends = Counter(FOUND[row][metric.name] for metric in OWN if metric.name in FOUND[row])
        counts = [f"{ends[status]} {status.replace('_', ' ')}" for status in Status if ends[status]]
        lines.append(f"| {row} | {', '.join(counts)} |")
    return HEADING + "\n".join(lines) + "\n\n"


def test_the_guides_table_of_bad_input_is_current():
    """Else set WRITE_GUIDE=1, run this file again, and look at what has changed."""
    concerned = {
        (row, metric.name)
        for row in TABLE
        for metric in OWN
        if metric.needs_reference or row not in ABOUT_THE_REFERENCE
    }
    if not concerned <= {(row, name) for row, ends in FOUND.items() for name in ends}:
        pytest.skip("the failure table was not run as a whole")
    text = PAGE.read_text(encoding="utf-8")
    before, _, after = text.partition(HEADING)
    current = before + table_of_outcomes() + after.partition("\n\n")[2]
    if os.environ.get("WRITE_GUIDE"):
        PAGE.write_text(current, encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == current


@pytest.mark.parametrize("rate", [0, 4_000, 500_000])
def test_impossible_rates_are_refused(metric, rate):
    status, message = outcome(metric, good(metric), rate)
    assert status is Status.UNSUPPORTED_RATE
    assert f"found {rate} Hz" in message


def test_five_minutes_are_measured_or_refused(metric):
    """Just more, so that a limit of five minutes shows."""
    rate = max(8_000, metric.min_rate)
    status, message = outcome(metric, good(metric, rate=rate, seconds=301), rate)
    assert status is (Status.OK if metric.max_duration > 301 else Status.NOT_APPLICABLE), message


def test_two_hundred_utterances_are_measured_or_refused(metric):
    """PESQ's library has room for 50 and writes past them: test_speech.py has as many as its limit lets through."""
    rate = max(8_000, metric.min_rate)
    signals = [bursts(signal, rate=rate) for signal in good(metric, rate=rate)]
    status, message = outcome(metric, signals, rate)
    assert status is (Status.OK if metric.min_duration <= 12 else Status.TOO_SHORT), message


def test_eighty_seconds_of_utterances_are_refused_by_what_they_would_crash():
    signals = [bursts(noise(rate=16_000), period_s=0.4, rate=16_000)] * 2
    for name in ("pesq-wb", "pesq-nb", "csig", "cbak", "covl"):
        status, message = outcome(catalogue.get(name), signals, rate=16_000)
        assert status is Status.NOT_APPLICABLE
        assert "expected at most 20 s, found 80 s" in message
    assert outcome(catalogue.get("stoi"), signals, rate=16_000)[0] is Status.OK


def test_just_less_than_the_declared_minimum_is_too_short_and_the_minimum_is_not(metric):
    frames = round(metric.min_duration * RATE)
    x, y = good(metric)
    status, message = outcome(metric, (x[:, : frames - 1], y[:, : frames - 1]))
    assert status is Status.TOO_SHORT
    assert f"expected at least {metric.min_duration:g} s" in message
    assert outcome(metric, (x[:, :frames], y[:, :frames])) == (Status.OK, "")


def test_wideband_speech_is_not_judged_from_a_telephone_band():
    for name in ("pesq-wb", "covl", "mcd"):
        metric = catalogue.get(name)
        status, message = outcome(metric, good(metric, rate=8_000), rate=8_000)
        assert status is Status.UNSUPPORTED_RATE
        assert "expected a sample rate of 16000 to 192000 Hz, found 8000 Hz" in message


def test_stereo_copies_of_a_channel_measure_as_that_channel(metric):
    if metric.layouts:
        return
    x, y = good(metric)
    stereo = measured(metric, x.repeat(2, 0), y.repeat(2, 0))
    # BS.1770 adds the power of the channels: two alike are 3.01 LU louder than one.
    louder = {"plr": -1}.get(metric.name, 1 if metric.unit == "LUFS" else 0)
    expected = measured(metric, x, y) + louder * 10 * np.log10(2)
    assert stereo == pytest.approx(expected, abs=1e-6)


def test_channels_that_cancel_are_no_mono_signal():
    antiphase = np.concatenate([noise(), -noise()])
    for metric in METRICS:
        if metric.channels is catalogue.Channels.MEAN:
            status, message = outcome(metric, (antiphase, antiphase))
            assert status is Status.SILENT
            assert "cancel" in message


def test_single_precision_is_measured_like_double(metric):
    single = [signal.astype(np.float32) for signal in good(metric)]
    value = measured(metric, *single)
    double = measured(metric, *(signal.astype(np.float64) for signal in single))
    assert value == pytest.approx(double, rel=1e-12)  # ESTOI adds random numbers of that size
