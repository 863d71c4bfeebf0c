"""The cumulative logit is R's `clm` and statsmodels' `OrderedModel`; its intervals draw listeners."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.miscmodels.ordinal_model import OrderedModel

from listening.analysis.frames import AnalysisError
from listening.analysis.ordinal import cumulative_logit


@pytest.fixture(scope="module")
def votes(reference):
    return reference.data("mos").rename(columns={"score": "rating", "system": "condition"})


def test_estimates_errors_and_likelihood_are_those_of_clm(reference, votes):
    expected = reference.expected("mos")["clm_logit"]
    found = cumulative_logit(votes)
    assert found.loglik == pytest.approx(expected["logLik"], rel=1e-9)
    systems, cuts = found.systems.set_index("system"), found.thresholds.set_index("threshold")
    checked = 0
    for name, theirs in expected["coef"].items():
        mine = cuts.loc[name] if "|" in name else systems.loc[name.removeprefix("system")]
        assert mine["estimate"] == pytest.approx(theirs["estimate"], rel=1e-6)
        assert mine["se"] == pytest.approx(theirs["se"], rel=1e-6)
        z = mine["estimate"] / mine["se"]
        assert z == pytest.approx(theirs["z"], rel=1e-6)
        assert 2 * stats.norm.sf(abs(z)) == pytest.approx(theirs["p"], rel=1e-3)
        if "|" not in name:
            assert mine["z"] == pytest.approx(theirs["z"], rel=1e-6)
            assert mine["p"] == pytest.approx(theirs["p"], rel=1e-3)
        checked += 1
    assert checked == 9
    # votes of one listener are alike: drawing listeners must not give the same errors
    assert found.resamples == 500
    assert (systems["ci_low"] < systems["estimate"])[1:].all()
    assert (systems["estimate"] < systems["ci_high"])[1:].all()


def test_the_model_is_statsmodels_on_a_small_set():
    rng = np.random.default_rng(2)
    data = pd.DataFrame({"condition": np.repeat(["x", "y", "z"], 60)})
    shift = data["condition"].map({"x": 0.0, "y": 0.7, "z": 1.5})
    data["rating"] = np.clip(np.round(3 + shift + rng.logistic(0, 0.7, 180)), 1, 5)
    data["listener"] = np.tile(np.arange(20), 9)
    found = cumulative_logit(data, resamples=50)
    dummies = pd.get_dummies(data["condition"], drop_first=True, dtype=float)
    fit = OrderedModel(data["rating"], dummies, distr="logit").fit(
        method="bfgs", gtol=1e-8, disp=False
    )
    assert found.systems["estimate"][1:].tolist() == pytest.approx(fit.params[:2], abs=1e-4)
    assert found.systems["se"][1:].tolist() == pytest.approx(fit.bse[:2], rel=1e-3)
    assert found.loglik == pytest.approx(fit.llf, rel=1e-8)


def test_the_listener_bootstrap_has_the_spread_of_repeated_tests():
    # 300 tests of 15 listeners whose bias is as large as the noise: the spread of b is known from them
    def ratings_of(rng):
        bias = rng.normal(0, 1.5, 15)
        rows = [
            (who, system, np.clip(np.round(3 + b + effect + rng.logistic(0, 0.6)), 1, 5))
            for who, b in enumerate(bias)
            for system, effect in (("x", 0.0), ("y", 0.5))
            for _ in range(4)
        ]
        return pd.DataFrame(rows, columns=["listener", "condition", "rating"])

    rng = np.random.default_rng(9)
    fits = [cumulative_logit(ratings_of(rng), resamples=0).systems.iloc[1] for _ in range(300)]
    spread = np.std([fit["estimate"] for fit in fits])
    own = np.mean([fit["se"] for fit in fits])
    drawn = np.mean(
        [
            cumulative_logit(ratings_of(rng), resamples=100).systems.iloc[1]["se_listener"]
            for _ in range(20)
        ]
    )
    assert abs(drawn - spread) < abs(own - spread)
    assert drawn == pytest.approx(spread, rel=0.25)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([("a", "x", 3), ("a", "x", 4)], "two systems and two categories, found 1 and 2"),
        ([("a", "x", 3), ("a", "y", 3)], "found 2 and 1"),
        ([("a", "x", 3), ("a", "x", 2), ("a", "y", 3)], "all of y in the greatest"),
        ([("a", "x", 3), ("a", "x", 2), ("a", "y", 2)], "all of y in the least"),
        ([("a", s, r + 2 * (s == "y")) for s in "xy" for r in (1, 2)], "share no category"),
    ],
)
def test_what_has_no_finite_strength_is_refused(rows, said):
    with pytest.raises(AnalysisError, match=said):
        cumulative_logit(pd.DataFrame(rows, columns=["listener", "condition", "rating"]))


def test_one_listener_has_estimates_but_no_listener_interval():
    rows = [("a", s, r) for s in "xy" for r in (2, 3, 4, 3 + (s == "y"))]
    found = cumulative_logit(pd.DataFrame(rows, columns=["listener", "condition", "rating"]))
    assert found.resamples == 0
    assert found.systems["estimate"].iloc[1] > 0
    assert np.isnan(found.systems["ci_low"]).all()
