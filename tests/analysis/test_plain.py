"""Numbers as text: what rounds to nothing has no sign, and hyphens within names are none."""

from __future__ import annotations

import numpy as np
import pytest

from listening.analysis.plain import number, signed


@pytest.mark.parametrize("value", [-0.04, 0.04, -0.0, np.float32(-0.04)])
def test_what_rounds_to_nothing_has_no_sign(value):
    assert number(1)(value) == "0.0"


def test_a_negative_number_has_a_minus_sign():
    assert number(2)(-1.234) == "−1.23"


def test_minus_signs_go_to_numbers_and_not_into_names():
    assert signed("mr-stft -3 dB … [-1, pesq-2]") == "mr-stft −3 dB … [−1, pesq-2]"
