"""Pooling over campaigns takes off each campaign's level, counts what it holds, and refuses what does not compare."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf

from listening.analysis.frames import AnalysisError, scores_frame
from listening.analysis.pooling import pool
from listening.analysis.report import correlate
from tests.analysis.conftest import campaign

ROLES = {"ref": "reference", **dict.fromkeys("abc", "system")}


def correlation(name, *, level=0.0, items=6, seed=1, sign=1.0, **further):
    """Ratings of one campaign around `level`, whose metric m goes with them and whose metric n is noise."""
    rng = np.random.default_rng(seed)
    graded = {
        f"l{listener}": {
            condition: np.clip(level + 10 * place + rng.normal(0, 3, items), 0, 100)
            for place, condition in enumerate(ROLES)
        }
        for listener in range(4)
    }
    ratings = campaign(graded, ROLES).assign(campaign=name, **further)
    means = ratings.groupby(["item", "condition"])["rating"].mean().reset_index()
    noise = rng.normal(0, 4, (2, len(means)))
    scores = pd.concat(
        means.drop(columns="rating").assign(metric=metric, direction="higher", value=value)
        for metric, value in [("m", sign * means["rating"] - level + noise[0]), ("n", noise[1])]
    )
    return correlate(ratings, scores_frame(scores), screening="none")


def test_the_pooled_r_is_the_one_of_an_analysis_of_covariance():
    """statsmodels' OLS with a mean per campaign: partial r = t/√(t² + df), and its p (Bland & Altman 1995)."""
    both = [correlation("one", level=10), correlation("two", level=60, items=4, seed=2)]
    row = pool(both).pooled.set_index("metric").loc["m"]
    points = pd.concat(one.points.query("metric == 'm'").assign(c=one.campaign) for one in both)
    fitted = smf.ols("rating ~ C(c) + value", points).fit()
    t = fitted.tvalues["value"]
    assert row["r"] == pytest.approx(t / np.sqrt(t**2 + fitted.df_resid), rel=1e-9)
    assert row["p"] == pytest.approx(fitted.pvalues["value"], rel=1e-6)
    assert (row["n"], row["n_items"], row["campaigns"]) == (30, 10, 2)


def test_campaigns_that_differ_in_level_alone_do_not_make_a_correlation():
    both = [correlation("one", level=5), correlation("two", level=60, seed=2)]
    moved = [one.points.query("metric == 'n'") for one in both]
    thrown = pd.concat([moved[0], moved[1].assign(value=moved[1]["value"] + 100)])
    assert np.corrcoef(thrown["value"], thrown["rating"])[0, 1] > 0.9
    row = pool(both).pooled.set_index("metric").loc["n"]
    assert abs(row["r"]) < 0.5
    assert row["item_low"] < 0 < row["item_high"]
    assert row["reading"].startswith("not shown")


def test_the_interval_is_a_plain_resampling_of_items_within_campaigns():
    both = [correlation("one", level=10), correlation("two", level=60, seed=2)]
    row = pool(both).pooled.set_index("metric").loc["m"]
    rng = np.random.default_rng(0)
    drawn = []
    for _ in range(600):
        parts = []
        for one in both:
            items = dict(
                list(one.points.query("metric == 'm'").groupby("item")[["value", "rating"]])
            )
            chosen = pd.concat([items[i] for i in rng.choice(list(items), len(items))])
            parts.append(chosen - chosen.mean())
        drawn.append(pd.concat(parts).corr().iloc[0, 1])
    assert [row["item_low"], row["item_high"]] == pytest.approx(
        np.quantile(drawn, [0.025, 0.975]), abs=0.015
    )


def test_the_aggregate_loses_the_sign_but_the_reading_names_it():
    found = pool([correlation("one"), correlation("two", seed=2, sign=-1.0)])
    row = found.pooled.set_index("metric").loc["m"]
    assert row["least"] < 0 < row["greatest"]
    assert row["aggregate"] > 0.8
    assert "campaigns differ in sign" in row["reading"]


def test_what_cannot_be_pooled_is_left_out_by_name_or_refused_in_a_sentence():
    one, two = correlation("one"), correlation("two", seed=2)
    with pytest.raises(AnalysisError, match="two different campaigns or more, found one, one"):
        pool([one, one])
    opinions = one.ratings.assign(campaign="votes", method="acr", rating=3.0)
    opinions["rating"] = 1.0 + np.arange(len(opinions)) % 5
    scores = one.points[["item", "condition", "metric", "metric_version", "direction", "value"]]
    votes = correlate(opinions, scores_frame(scores), screening="none")
    with pytest.raises(
        AnalysisError, match="one scale, found one with ratings from 0 to 100, votes"
    ):
        pool([one, votes])
    other = one.points.assign(metric_version="2")
    table = one.table.assign(metric_version="2")
    newer = replace(one, campaign="newer", points=other, table=table)
    with pytest.raises(AnalysisError, match="a metric with a correlation in two campaigns"):
        pool([two, newer])
    found = pool([one, two, newer])
    assert set(found.left_out["campaign"]) == {"newer"}
    assert found.pooled["campaigns"].tolist() == [2, 2]
    assert json.loads(found.to_json())["pooled"][0]["n"] == 36
    assert "left out: m of newer" in found.to_text()
