"""What is computed once for several metrics is each signal's own, and nobody can spoil it."""

from collections import OrderedDict

import numpy as np
import pytest

from metrics import intermediates
from metrics.intermediates import kept


@pytest.fixture
def doubled():
    calls = []

    @kept
    def compute(signal, rate=1):
        calls.append(rate)
        return 2 * signal

    return compute, calls


def test_equal_content_is_computed_once(doubled):
    double, calls = doubled
    signal = np.arange(4.0)
    first, second = double(signal), double(signal.copy())
    assert second is first
    assert len(calls) == 1


def test_a_signal_that_was_changed_in_place_is_another_signal(doubled):
    double, calls = doubled
    signal = np.arange(4.0)
    double(signal)
    signal[0] = 9
    assert double(signal)[0] == 18


def test_shape_type_and_other_arguments_count(doubled):
    double, calls = doubled
    signal = np.arange(4.0)
    double(signal)
    assert double(signal.reshape(2, 2)).shape == (2, 2)
    assert double(np.ascontiguousarray(signal).view(np.int64)).dtype == np.int64
    double(signal, 2)
    double(signal, rate=3)
    assert len(calls) == 5


def test_what_is_kept_cannot_be_written_to(doubled):
    double, calls = doubled
    result = double(np.arange(4.0))
    with pytest.raises(ValueError, match="read-only"):
        result[0] = 1


def test_what_is_kept_has_a_limit_of_memory_and_the_oldest_goes_first(doubled, monkeypatch):
    double, calls = doubled
    monkeypatch.setattr(intermediates, "_results", OrderedDict())
    monkeypatch.setattr(intermediates, "MOST_BYTES", 3 * 32)
    for number in (0, 1, 2, 0, 3):
        double(np.full(4, float(number)))
    assert len(calls) == 4
    double(np.full(4, 0.0))
    assert len(calls) == 4
    double(np.full(4, 1.0))
    assert len(calls) == 5
    monkeypatch.setattr(intermediates, "MOST_BYTES", 8)
    for _ in range(2):
        double(np.full(4, 11.0))
    assert len(calls) == 7
    assert not intermediates._results


def test_what_nobody_can_write_to_is_read_once_and_forgotten_with_it(doubled, monkeypatch):
    double, calls = doubled
    signal = np.arange(4.0)
    signal.flags.writeable = False
    first = double(signal)
    monkeypatch.setattr("hashlib.sha256", None)
    assert double(signal) is first
    identity = id(signal)
    assert identity in intermediates._digests
    del signal
    assert identity not in intermediates._digests


def test_a_read_only_view_may_still_change(doubled):
    double, calls = doubled
    signal = np.arange(4.0)
    view = signal[:]
    view.flags.writeable = False
    double(view)
    signal[0] = 9
    assert double(view)[0] == 18


def test_of_a_tuple_no_part_can_be_written_to():
    compute = kept(lambda signal: (signal + 1, (signal + 2, 3.0)))
    first, (second, _) = compute(np.arange(4.0))
    assert not first.flags.writeable
    assert not second.flags.writeable
