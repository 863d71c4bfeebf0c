"""One result for each metric, whatever happens: also when the code that computes it dies or hangs."""

import os
import pickle
import signal
import sys
import time

import numpy as np
import pytest

from metrics import catalogue, scoring, worker
from metrics.catalogue import Channels, Direction, UnknownMetric, metric
from metrics.contract import MetricError, Status
from models_registry.audio import Audio

RATE = 16_000


def declared(name, **other):
    return metric(
        name=name,
        title="A metric for tests",
        unit="1",
        direction=Direction.NONE,
        range=(None, None),
        needs_reference=False,
        channels=Channels.ALL,
        min_duration=0.01,
        standard="none",
        citation="none",
        version="1",
        licence="none",
        **other,
    )


@declared("test-segfault")
def segfault(signal_, rate):
    """Ends its process as PESQ's C code does on a long signal."""
    os.kill(os.getpid(), signal.SIGSEGV)


@declared("test-exit")
def leave(signal_, rate):
    """Ends its process on purpose."""
    os._exit(3)


@declared("test-hang")
def hang(signal_, rate):
    """Never comes back."""
    time.sleep(600)


@declared("test-nan")
def nothing(signal_, rate):
    """Computes what is no number."""
    return float("nan")


@declared("test-process")
def process(signal_, rate):
    """Says in which process it runs."""
    return float(os.getpid())


TEST_METRICS = {
    name: catalogue._declared.pop(name)
    for name in list(catalogue._declared)
    if name.startswith("test-")
}


@pytest.fixture(autouse=True)
def registered(monkeypatch):
    """In the catalogue during these tests only."""
    for name, declaration in TEST_METRICS.items():
        monkeypatch.setitem(catalogue._declared, name, declaration)


def audio(seconds=1.0, *, rate=RATE, channels=1, seed=0):
    samples = 0.1 * np.random.default_rng(seed).standard_normal((channels, round(seconds * rate)))
    return Audio(samples.astype(np.float32), rate)


def statuses(results):
    return {result.metric: result.status for result in results}


def test_results_come_in_the_order_of_the_names_with_unit_and_version():
    results = scoring.score(audio(), audio(seed=1), ["true-peak", "si-sdr", "lsd"])
    assert [result.metric for result in results] == ["true-peak", "si-sdr", "lsd"]
    assert [result.unit for result in results] == ["dBTP", "dB", "dB"]
    assert all(result.status is Status.OK and result.message == "" for result in results)
    assert all(result.version == catalogue.get(result.metric).version for result in results)


def test_a_separate_process_measures_the_same_as_this_one():
    names = [m.name for m in catalogue.all() if not m.name.startswith("test-")]
    reference, degraded = (audio(4.0, rate=48_000, channels=2, seed=n) for n in range(2))
    here = scoring.score(reference, degraded, names, isolate=False)
    there = scoring.score(reference, degraded, names)
    assert statuses(here) == statuses(there)
    assert {r.metric for r in here if r.status is not Status.OK} == {"loudness-range"}  # 30 s
    # Not to the last bit: that process computes with one thread, this one may add up in another order.
    values = [[r.value for r in results if r.value is not None] for results in (here, there)]
    assert values[1] == pytest.approx(values[0], rel=1e-9)


@pytest.mark.parametrize(
    ("name", "reason"), [("test-segfault", "signal 11"), ("test-exit", "exit code 3")]
)
def test_a_crash_costs_its_own_result_only(name, reason):
    before, crashed, after = scoring.score(
        None, audio(), ["true-peak", name, "integrated-loudness"]
    )
    assert (crashed.status, crashed.value) == (Status.CRASHED, None)
    assert reason in crashed.message
    assert before.status is after.status is Status.OK


def test_a_hang_is_ended_and_the_rest_goes_on(monkeypatch):
    monkeypatch.setattr(scoring, "TIME_LIMIT_S", 1.0)
    monkeypatch.setattr(scoring, "TIME_LIMIT_PER_S", 0.0)
    stuck, after = scoring.score(None, audio(), ["test-hang", "true-peak"])
    assert (stuck.status, stuck.value) == (Status.TIMEOUT, None)
    assert "within 1 s" in stuck.message
    assert after.status is Status.OK


def test_the_process_is_kept_and_is_not_this_one():
    first, second = (scoring.score(None, audio(), ["test-process"])[0].value for _ in range(2))
    assert first == second != os.getpid()
    assert scoring.score(None, audio(), ["test-process"], isolate=False)[0].value == os.getpid()


def test_a_kept_process_that_someone_ended_is_replaced():
    (first,) = scoring.score(None, audio(), ["test-process"])
    assert first.value is not None
    os.kill(int(first.value), signal.SIGKILL)
    os.waitid(os.P_PID, int(first.value), os.WEXITED | os.WNOWAIT)
    (second,) = scoring.score(None, audio(), ["test-process"])
    assert second.status is Status.OK
    assert second.value != first.value


def test_a_value_that_is_no_number_is_a_status():
    (result,) = scoring.score(None, audio(), ["test-nan"])
    assert (result.status, result.value) == (Status.NON_FINITE, None)
    assert "expected a finite value, found nan" in result.message


def test_metrics_that_do_not_apply_say_so_beside_those_that_do():
    results = scoring.score(audio(0.2), audio(0.2, seed=1), ["pesq-wb", "si-sdr"])
    assert statuses(results) == {"pesq-wb": Status.TOO_SHORT, "si-sdr": Status.OK}
    assert "expected at least 1 s, found 0.2 s" in results[0].message


def test_without_a_reference_only_metrics_that_need_none_have_a_value():
    results = scoring.score(None, audio(), ["snr", "true-peak"])
    assert statuses(results) == {"snr": Status.NOT_APPLICABLE, "true-peak": Status.OK}
    assert results[0].message == "expected a reference, found none"


@pytest.mark.parametrize(
    ("degraded", "sentence"),
    [
        (audio(1.1), "expected 16000 frames as in the reference, found 17600 frames"),
        (audio(rate=8_000), "expected 16000 Hz as in the reference, found 8000 Hz"),
        (audio(channels=2), "expected 1 channel as in the reference, found 2 channels"),
    ],
    ids=["length", "rate", "channels"],
)
def test_signals_that_do_not_match_are_not_compared(degraded, sentence):
    results = scoring.score(audio(), degraded, ["stoi", "true-peak"])
    assert statuses(results) == {"stoi": Status.MISMATCH, "true-peak": Status.OK}
    assert sentence in results[0].message


def delayed(signal, frames, gain=1.0):
    return Audio(np.float32(gain) * np.pad(signal.samples, ((0, 0), (frames, 0))), signal.rate)


def test_how_a_signal_lies_is_kept_with_what_was_compared_and_changes_nothing():
    late = Audio(np.roll(-0.5 * audio(2.0).samples, 40, axis=1), RATE)
    snr, peak = scoring.score(audio(2.0), late, ["snr", "true-peak"])
    assert snr.alignment is not None
    assert (snr.alignment.lag, snr.alignment.polarity, snr.aligned) == (40, -1, False)
    assert snr.value == pytest.approx(-0.97, abs=0.05)  # 10·log10 1/(1 + ¼): unrelated noise
    assert snr.settings["alignment"]["lag"] == 40
    assert (peak.alignment, peak.settings) == (None, {})


def test_a_lag_is_undone_where_asked_for_and_wanted():
    names = ["snr", "loudness-difference", "true-peak"]
    snr, difference, peak = scoring.score(audio(), delayed(audio(), 50, 0.5), names, align=True)
    assert snr.value == pytest.approx(20 * np.log10(2), abs=1e-4)
    assert (snr.aligned, difference.aligned, peak.aligned) == (True, False, False)
    assert difference.value == pytest.approx(20 * np.log10(0.5), abs=0.01)  # of each whole signal
    assert peak.status is Status.OK


def test_where_no_lag_can_be_told_signals_of_one_length_are_compared_as_they_lie():
    """A system that changes every phase, such as a vocoder, leaves nothing that correlates."""
    (result,) = scoring.score(audio(seed=0), audio(seed=1), ["lsd"], align=True)
    assert result.value == scoring.score(audio(seed=0), audio(seed=1), ["lsd"])[0].value
    assert not result.aligned
    assert result.alignment.correlation < 0.1


@pytest.mark.parametrize("align", [False, True])
@pytest.mark.parametrize(
    ("degraded", "status"),
    [
        (audio(2.0, seed=1), Status.MISMATCH),
        (audio(rate=8_000), Status.MISMATCH),
        (audio(channels=2), Status.MISMATCH),
        (Audio(np.full((1, RATE), np.nan, np.float32), RATE), Status.NON_FINITE),
        (Audio(np.zeros((1, RATE), np.float32), RATE), Status.SILENT),
    ],
    ids=["unrelated and longer", "rate", "channels", "NaN", "silence"],
)
def test_what_cannot_be_compared_cannot_be_aligned(degraded, status, align):
    (result,) = scoring.score(audio(), degraded, ["lsd"], align=align)
    assert (result.status, result.value) == (status, None)


def test_arrays_are_handed_over_again_after_a_crash():
    names = ["snr", "test-segfault", "esr", "true-peak"]
    results = scoring.score(audio(), audio(seed=1), names)
    alone = [
        scoring.score(audio(), audio(seed=1), [name])[0].value for name in ("esr", "true-peak")
    ]
    assert [r.value for r in results[2:]] == alone


def test_an_unknown_name_is_refused_before_anything_runs():
    with pytest.raises(UnknownMetric, match="did you mean stoi"):
        scoring.score(None, audio(), ["stoy"])


def test_a_corpus_gives_every_pair_its_own_results():
    reference = audio()
    pairs = [
        scoring.Pair(gain, reference, Audio(np.float32(gain) * reference.samples, RATE))
        for gain in (0.9, 0.5, 0.1, 2.0, 0.25, 0.75)
    ]
    results = dict(scoring.score_pairs(pairs, ["esr", "test-process"]))
    assert len(results) == len(pairs)
    for gain, (esr, _) in results.items():
        assert esr.value == pytest.approx((1 - gain) ** 2, rel=1e-5)
    assert len({worked.value for _, worked in results.values()}) <= 2


def test_a_corpus_survives_crashes():
    pairs = (scoring.Pair(seed, None, audio(seed=seed)) for seed in range(3))
    results = dict(scoring.score_pairs(pairs, ["test-segfault", "true-peak"]))
    assert sorted(results) == list(range(3))
    for crashed, peak in results.values():
        assert crashed.status is Status.CRASHED
        assert peak.status is Status.OK


def test_a_corpus_is_read_only_as_fast_as_it_is_scored():
    read = []

    def pairs():
        for number in range(20):
            read.append(number)
            yield scoring.Pair(number, None, audio(0.1))

    results = scoring.score_pairs(pairs(), ["true-peak"], processes=2)
    next(results)
    assert len(read) <= 5


def test_an_error_keeps_its_status_on_its_way_between_processes():
    error = pickle.loads(pickle.dumps(MetricError("too quiet", Status.SILENT)))
    assert (str(error), error.status) == ("too quiet", Status.SILENT)


def test_a_worker_that_cannot_start_is_an_error_and_not_a_score(monkeypatch):
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(RuntimeError, match="did not start"):
        worker.Worker()
