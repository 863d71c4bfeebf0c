"""What is computed once for several metrics is each signal's own, and nobody can spoil it."""

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


def test_little_is_kept_and_nothing_large(doubled, monkeypatch):
    double, calls = doubled
    for number in range(10):
        double(np.full(4, float(number)))
    double(np.full(4, 0.0))
    assert len(calls) == 11
    monkeypatch.setattr(intermediates, "MOST_BYTES", 8)
    double(np.full(4, 0.0))
    assert len(calls) == 12
