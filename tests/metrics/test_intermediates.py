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

    compute.calls = calls
    return compute


def test_equal_content_is_computed_once(doubled):
    signal = np.arange(4.0)
    first, second = doubled(signal), doubled(signal.copy())
    assert second is first
    assert len(doubled.calls) == 1


def test_a_signal_that_was_changed_in_place_is_another_signal(doubled):
    signal = np.arange(4.0)
    doubled(signal)
    signal[0] = 9
    assert doubled(signal)[0] == 18


def test_shape_type_and_other_arguments_count(doubled):
    signal = np.arange(4.0)
    doubled(signal)
    assert doubled(signal.reshape(2, 2)).shape == (2, 2)
    assert doubled(np.ascontiguousarray(signal).view(np.int64)).dtype == np.int64
    doubled(signal, 2)
    doubled(signal, rate=3)
    assert len(doubled.calls) == 5


def test_what_is_kept_cannot_be_written_to(doubled):
    result = doubled(np.arange(4.0))
    with pytest.raises(ValueError, match="read-only"):
        result[0] = 1


def test_little_is_kept_and_nothing_large(doubled, monkeypatch):
    for number in range(10):
        doubled(np.full(4, float(number)))
    doubled(np.full(4, 0.0))
    assert len(doubled.calls) == 11
    monkeypatch.setattr(intermediates, "MOST_BYTES", 8)
    doubled(np.full(4, 0.0))
    assert len(doubled.calls) == 12
