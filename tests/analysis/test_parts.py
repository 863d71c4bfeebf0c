"""Parts of a correlation are those of statsmodels' regressions; pooled ones those that ODAQ and Zimtohrli print."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf

from listening.analysis.correlation import pearson
from listening.analysis.frames import AnalysisError
from listening.analysis.parts import (
    aggregate,
    by_group,
    ceiling,
    partial_correlation,
    partials,
    parts,
    pooled,
    repeated_measures,
)


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(8)
    frame = pd.DataFrame({"item": np.repeat([f"i{k}" for k in range(7)], 6)})
    frame["z"] = rng.normal(size=42)
    frame["x"] = rng.normal(size=42) + 0.5 * frame["z"] + pd.factorize(frame["item"])[0]
    frame["y"] = 0.4 * frame["x"] + rng.normal(size=42) - pd.factorize(frame["item"])[0]
    return frame


def test_the_correlation_within_items_is_that_of_the_analysis_of_covariance(data):
    # Bakdash & Marusich (2017): sign and share of variance of the common slope, by statsmodels
    fit = smf.ols("y ~ x + C(item)", data=data).fit()
    r = np.sign(fit.params["x"]) * np.sqrt(
        fit.tvalues["x"] ** 2 / (fit.tvalues["x"] ** 2 + fit.df_resid)
    )
    found = repeated_measures(data["x"], data["y"], data["item"])
    assert found.value == pytest.approx(r, rel=1e-9)
    assert found.p == pytest.approx(fit.pvalues["x"], rel=1e-9)
    assert found.n - 2 == fit.df_resid == 42 - 7 - 1
    assert found.low < found.value < found.high
    # between items the sign is the other one
    means = data.groupby("item")[["x", "y"]].mean()
    assert pearson(means["x"], means["y"]).value < 0 < found.value


def test_an_item_of_one_condition_says_nothing_within(data):
    alone = pd.DataFrame({"item": ["new"], "x": [50.0], "y": [-50.0]})
    more = pd.concat([data, alone])
    assert repeated_measures(more["x"], more["y"], more["item"]) == repeated_measures(
        data["x"], data["y"], data["item"]
    )


def test_the_partial_correlation_is_that_of_a_regression(data):
    fit = smf.ols("y ~ x + z", data=data).fit()
    t = fit.tvalues["x"]
    found = partial_correlation(data["x"], data["y"], data["z"])
    assert found.value == pytest.approx(t / np.sqrt(t**2 + fit.df_resid), rel=1e-9)
    assert found.p == pytest.approx(fit.pvalues["x"], rel=1e-9)
    residual = [smf.ols(f"{v} ~ z", data=data).fit().resid for v in ("x", "y")]
    assert found.value == pytest.approx(np.corrcoef(*residual)[0, 1], rel=1e-9)


def points_of(data):
    rows = data.assign(condition=[f"c{k % 6}" for k in range(len(data))], rating=data["y"])
    return pd.concat(
        rows.assign(
            metric=name, metric_version="1", direction="higher", value=rows[name], signal=""
        )
        for name in ("x", "z")
    ).reset_index(drop=True)


def test_every_metric_has_its_parts_and_missing_scores_are_left_out(data):
    points = points_of(data)
    points.loc[[0, 5], "value"] = np.nan
    table = {(row["metric"], row["part"]): row for row in parts(points).to_dict("records")}
    left = data.drop(index=[0, 5])
    expected = repeated_measures(left["x"], left["y"], left["item"])
    assert table["x", "within items"]["r"] == pytest.approx(expected.value)
    assert table["x", "within items"]["n"] == 40
    assert table["z", "between items"]["n"] == 7
    one = partials(points, given="z")
    assert one["metric"].tolist() == ["x"]
    assert one["r"].iloc[0] == pytest.approx(
        partial_correlation(left["x"], left["y"], left["z"]).value
    )
    with pytest.raises(AnalysisError, match="expected one metric 'level', found x, z"):
        partials(points, given="level")


def test_one_item_constant_scores_and_copies_have_reasons(data):
    points = points_of(data)
    within, between = parts(points[points["item"] == "i0"]).to_dict("records")[:2]
    assert np.isfinite(within["r"])
    assert "at least 4 points, found 1" in between["reason"]
    flat = parts(points.assign(value=3.0))
    assert flat["r"].isna().all()
    assert (flat["reason"] != "").all()
    copy = points.assign(value=points.groupby("metric")["value"].transform(lambda v: v.iloc[0] * 0))
    copy["value"] = np.tile(data["x"], 2)
    assert "all explained" in partials(copy, given="z")["reason"].iloc[0]


def test_the_aggregates_of_odaq_are_the_published_ones(shared):
    table = pd.read_csv(
        shared / "data" / "ratings" / "odaq_benchmark_table" / "odaq_correlations.csv"
    )
    groups = ["DE", "LP", "PE", "SH", "TM", "UN"]
    assert len(table) == 9
    for row in table.to_dict("records"):
        found = aggregate([row[g] for g in groups])
        # the published correlations have two decimals, and so have the aggregates
        assert found == pytest.approx(row["AGG_recomputed"], abs=5e-5)
        assert found == pytest.approx(row["AGG_published"], abs=0.01)


def test_zimtohrlis_leaderboard_is_the_published_one(shared):
    path = shared / "data" / "ratings" / "zimtohrli_correlation_report" / "spearman_tables.json"
    tables = json.loads(path.read_text())
    board = tables.pop("Global leaderboard across all studies")
    rows = [
        {"metric": metric, "study": study, "r": float(rho)}
        for study, table in tables.items()
        # one study of the eight gives the accuracy of its pairs instead, which enters alike
        for metric, rho, *_ in table[[row[0] for row in table].index("Score type") + 1 :]
    ]
    assert len(tables) == 8
    found = pooled(pd.DataFrame(rows)).set_index("metric")
    for metric, mse, least, greatest, mean in board[1:]:
        mine = found.loc[metric]
        assert mine["n_studies"] == 8
        figures = [mine["mse"], mine["least"], mine["greatest"], mine["mean"]]
        theirs = [float(mse), float(least), float(greatest), float(mean)]
        assert figures == pytest.approx(theirs, abs=1e-12)
    # one more metric was in one study only
    order = found[found["n_studies"] == 8].sort_values("mse").index.tolist()
    assert order == [row[0] for row in board[1:]]


def test_pooling_over_campaigns_weighs_by_their_size():
    # Hedges & Olkin by hand: weights n − 3 of artanh r
    table = pd.DataFrame(
        {"metric": "m", "study": list("abc"), "r": [0.5, 0.7, 0.2], "n": [20, 40, 13]}
    )
    found = pooled(table).iloc[0]
    z, w = np.arctanh(table["r"]), table["n"] - 3
    mean = (w * z).sum() / w.sum()
    assert found["fixed"] == pytest.approx(np.tanh(mean))
    half = 1.959963985 / np.sqrt(w.sum())
    ends = [found["fixed_low"], found["fixed_high"]]
    assert ends == pytest.approx([np.tanh(mean - half), np.tanh(mean + half)])
    q = (w * (z - mean) ** 2).sum()
    assert found["q"] == pytest.approx(q)
    tau2 = max(0, (q - 2) / (w.sum() - (w**2).sum() / w.sum()))
    wr = 1 / (1 / w + tau2)
    assert found["random"] == pytest.approx(np.tanh((wr * z).sum() / wr.sum()))
    assert found["random_low"] < found["fixed_low"]


def test_pooling_copes_with_perfect_small_and_missing_correlations():
    table = pd.DataFrame({"metric": "m", "study": list("ab"), "r": [1.0, np.nan], "n": [9, 9]})
    found = pooled(table).iloc[0]
    assert (found["n_studies"], found["aggregate"]) == (1, 1)
    with pytest.raises(AnalysisError, match="expected a correlation, found none"):
        pooled(table.assign(r=np.nan))


def test_groups_are_correlated_apart(data):
    found = by_group(points_of(data)).set_index(["metric", "group"])
    assert len(found) == 12
    of_group = data[np.arange(42) % 6 == 2]
    expected = pearson(of_group["x"], of_group["y"])
    assert found.loc[("x", "c2"), "r"] == pytest.approx(expected.value)


def complete(reference):
    wide = reference.data("ratings_complete").set_index("stimulus")
    long = wide.stack().rename("rating").rename_axis(["item", "listener"]).reset_index()
    return long.assign(condition="c")


def test_the_ceiling_of_a_complete_design_is_rs_icc(reference):
    expected = reference.expected("reliability")["icc"]["ICC3k"]
    found = ceiling(complete(reference))
    assert found.reliability == pytest.approx(expected["icc"], rel=1e-9)
    assert [found.low, found.high] == pytest.approx(np.sqrt(expected["ci95"]), rel=1e-6)
    assert (found.n_stimuli, found.n_listeners) == (30, 8)


def test_the_ceiling_with_gaps_is_close_to_that_without(reference):
    data = complete(reference)
    found = ceiling(data.drop(index=[17]))
    assert found.method == "split halves"
    # one rating of 240 is missing
    assert found.reliability == pytest.approx(ceiling(data).reliability, abs=0.01)
    assert np.isnan(found.low)


def test_no_metric_of_the_true_means_beats_the_ceiling_on_average():
    rng = np.random.default_rng(6)
    ceilings, reached = [], []
    for _ in range(200):
        truth = rng.normal(size=25)
        votes = truth[:, None] + rng.normal(0, 2, (25, 10)) + rng.normal(0, 1, 10)
        item, listener = np.indices(votes.shape)
        frame = pd.DataFrame({"item": item.ravel(), "listener": listener.ravel(), "condition": "c"})
        ceilings.append(ceiling(frame.assign(rating=votes.ravel())).ceiling)
        reached.append(np.corrcoef(truth, votes.mean(axis=1))[0, 1])
    assert np.mean(ceilings) == pytest.approx(np.mean(reached), abs=0.02)


def test_one_listener_has_no_ceiling(reference):
    data = complete(reference)
    with pytest.raises(AnalysisError, match="at least 2 stimuli"):
        ceiling(data[data["listener"] == "R01"])
