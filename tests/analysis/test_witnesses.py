"""Last of this room, by its name: no figure of R's is forgotten, and the guide counts them rightly."""

from __future__ import annotations

import os

import pytest

from tests.analysis import conformance


@pytest.fixture
def ledger(reference, request):
    """What the tests of this room have compared, when all of them have run."""
    modules = {item.path for item in request.session.items}
    config = request.config
    partly = config.getoption("keyword") or any("::" in arg for arg in config.args)
    if partly or conformance.witnesses() - modules:
        pytest.skip("only some of the tests that compare with R are in this run")
    return reference.ledger


def test_every_figure_of_the_reference_set_is_compared_or_left_out_with_a_reason(ledger):
    assert conformance.unaccounted(ledger) == []


def test_the_guide_counts_the_figures_that_are_reproduced(ledger):
    """Else run `python -m tests.analysis.conformance` and look at what has changed."""
    if conformance.WRITING in os.environ:
        conformance.PAGE.write_text(conformance.page(ledger), encoding="utf-8")
    assert conformance.PAGE.read_text(encoding="utf-8") == conformance.page(ledger)
