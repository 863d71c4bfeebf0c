"""Every metric with a published value gives it, and the guide's table of them says what was measured."""

import pytest

from metrics import catalogue
from tests.metrics import conformance


@pytest.fixture(scope="module")
def deviations(shared):
    return [(claim, claim.deviation()) for claim in conformance.claims()]


def test_every_value_lies_within_its_tolerance(deviations):
    beyond = {
        (claim.metric, claim.case): (deviation, claim.tolerance)
        for claim, deviation in deviations
        if not abs(deviation) <= claim.tolerance
    }
    assert beyond == {}


def test_the_page_in_the_guide_is_current(deviations):
    """Else run `python -m tests.metrics.conformance` and look at what has changed."""
    assert conformance.PAGE.read_text(encoding="utf-8") == conformance.page(deviations)


def test_the_table_covers_every_family_of_metrics(deviations):
    covered = {catalogue.get(claim.metric).function.__module__ for claim, _ in deviations}
    assert covered >= {
        "metrics.speech",
        "metrics.composite",
        "metrics.mel_cepstrum",
        "metrics.loudness",
        "metrics.descriptors",
        "metrics.psychoacoustics.loudness",
        "metrics.psychoacoustics.moore_glasberg",
        "metrics.psychoacoustics.sharpness",
        "metrics.psychoacoustics.roughness",
        "metrics.psychoacoustics.fluctuation",
        "metrics.psychoacoustics.tonality",
        "metrics.peaq.quantities",
    }
