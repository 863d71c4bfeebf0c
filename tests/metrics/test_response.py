"""A metric's response to known damage: every degree measured, in the direction that the metric declares."""

import pytest

from metrics import catalogue
from metrics.catalogue import Direction
from metrics.response import DAMAGES, response


@pytest.mark.parametrize("name", ["si-sdr", "lsd", "stoi"])
def test_more_damage_is_worse_in_the_metric_s_own_direction(name):
    """Not the published value of any sound: that noise, band limit and clipping are damage is what all agree on."""
    metric = catalogue.get(name)
    found = response(metric)
    for damage in DAMAGES:
        results = found.of[damage.name]
        least, most = results[0].value, results[-1].value
        assert least is not None
        assert most is not None
        assert (most < least) is (metric.direction is Direction.HIGHER)


def test_a_copy_without_a_value_says_why_and_the_frame_holds_every_result():
    found = response(catalogue.get("si-sdr"))
    assert found.undamaged.value is None
    assert "equals the reference" in found.undamaged.message
    frame = found.frame()
    assert len(frame) == 1 + sum(len(damage.levels) for damage in DAMAGES)
    assert frame["status"].tolist()[0] == "not_applicable"


def test_a_metric_of_one_signal_is_measured_too():
    assert response(catalogue.get("crest-factor")).undamaged.status == "ok"
