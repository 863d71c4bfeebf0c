"""Numbers as text: what rounds to nothing has no sign, and hyphens within names are none."""

from __future__ import annotations

import numpy as np
import pytest

from listening.analysis.plain import MISSING, figures, number, signed
from listening.templatetags import evidence


@pytest.mark.parametrize("value", [-0.04, 0.04, -0.0, np.float32(-0.04)])
def test_what_rounds_to_nothing_has_no_sign(value):
    assert number(1)(value) == "0.0"


def test_a_negative_number_has_a_minus_sign():
    assert number(2)(-1.234) == "−1.23"


def test_minus_signs_go_to_numbers_and_not_into_names():
    assert signed("mr-stft -3 dB … [-1, pesq-2]") == "mr-stft −3 dB … [−1, pesq-2]"


@pytest.mark.parametrize(
    ("value", "digits", "printed"),
    [
        (19_845.0, 4, "19845"),
        (-48.0, 4, "−48"),
        (0.00376249, 4, "0.003762"),
        (99.7, 2, "100"),
        (3.7e-05, 2, "3.7e−05"),
        (6.02e23, 3, "6.02e+23"),
        (-0.0, 3, "0"),
    ],
)
def test_significant_figures_are_printed_plainly(value, digits, printed):
    assert figures(value, digits) == printed


def test_a_whole_is_a_hundred_per_cent():
    assert evidence.percent(0.998, 2) == "100 %"
    assert evidence.percent(None) == MISSING


def test_standard_errors_say_which_way():
    assert evidence.beyond(-28.4) == "28.4 standard errors worse"
    assert evidence.beyond(6) == "6.0 standard errors better"
