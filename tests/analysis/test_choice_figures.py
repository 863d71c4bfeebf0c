"""The figures of choices show the analysis's numbers: funnel, evidence, graph and strengths."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from matplotlib.patches import FancyArrowPatch
from scipy import stats

from listening.analysis import abx, preference
from listening.analysis.frames import AnalysisError
from listening.analysis.preference_models import bradley_terry
from listening.choice_figures import (
    evidence_paths,
    funnel,
    path_table,
    preference_graph,
    strength_forest,
    strength_table,
)
from tests.analysis.test_evidence_figures import words


@pytest.fixture
def choices(reference):
    return preference.choices_frame(reference.data("abpref")).assign(simulated=False)


def test_the_funnel_is_scipy_s_binomial_around_the_pooled_share(reference):
    ratings = reference.abx()
    axes = funnel(ratings).axes[0]
    share = abx.pooled(ratings)["proportion"].iloc[0]
    low, high = stats.binom.interval(0.95, 16, share)
    inner = np.asarray(axes.collections[0].get_paths()[0].vertices)
    at_16 = inner[inner[:, 0] == 16][:, 1]
    assert (at_16.min(), at_16.max()) == pytest.approx((low / 16, high / 16))
    dots = np.asarray(axes.lines[-1].get_ydata(), dtype=float)
    assert np.sort(dots) == pytest.approx(sorted(abx.per_listener(ratings)["proportion"]))


def test_the_last_evidence_is_that_of_the_table(reference):
    ratings = reference.abx()
    last = path_table(ratings).groupby("listener")["e"].last()
    expected = abx.per_listener(ratings).set_index("listener")["e_final"]
    assert last.to_dict() == pytest.approx(expected.to_dict())
    drawn = {
        float(np.asarray(line.get_ydata())[-1])
        for line in evidence_paths(ratings).axes[0].lines[:12]
    }
    assert max(drawn) == pytest.approx(expected.max())


def test_every_decided_pair_has_an_arrow_and_says_its_share(choices):
    pairs = preference.pairs(choices)
    figure = preference_graph(pairs, choices)
    arrows = [p for p in figure.axes[0].patches if isinstance(p, FancyArrowPatch)]
    assert len(arrows) == len(pairs)
    row = pairs.iloc[0]
    assert f"{max(row['proportion_a'], 1 - row['proportion_a']):.0%}" in words(figure)


def test_strengths_are_the_model_s_with_wald_s_interval(choices):
    fit = bradley_terry(choices, ties="davidson")
    table = strength_table(fit)
    half = (table["ci_high"] - table["ci_low"]) / 2
    assert (half / fit.systems["centred_se"]).to_numpy() == pytest.approx(1.959964, abs=1e-6)
    assert "Davidson" in words(strength_forest(fit, choices))


def test_a_graph_of_one_system_or_too_many_is_refused(choices):
    names = [f"s{n:02}" for n in range(16)]
    many = pd.DataFrame({"a": names[:-1], "b": names[1:], "proportion_a": 0.5, "p_holm": 1.0})
    for pairs in (preference.pairs(choices).iloc[:0], many):
        with pytest.raises(AnalysisError, match="expected 2 to 14 systems"):
            preference_graph(pairs, choices)


def test_one_listener_of_one_trial_can_be_drawn(reference):
    one = reference.abx().iloc[:1]
    for draw in (funnel, evidence_paths):
        draw(one.assign(simulated=True)).draw_without_rendering()
    assert np.isfinite(path_table(one)["e"]).all()
