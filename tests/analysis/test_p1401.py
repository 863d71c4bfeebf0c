"""Mappings, errors and comparisons of metrics are R's, at both levels, for every metric of the reference set."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from listening.analysis.correlation import kendall, pearson, spearman
from listening.analysis.frames import AnalysisError
from listening.analysis.p1401 import compare_metrics, evaluate, mean_opinions, statistical_distances
from listening.analysis.report import correlate

METRICS = ["m1", "m2", "m3", "m4", "m5"]
LEVELS = {"per_file": "file", "per_condition": "condition"}
MAPPINGS = {
    "none": "unmapped_d1",
    "linear": "linear_d2",
    "cubic": "cubic_unconstrained_d4",
    "monotone cubic": "cubic_monotone_d4",
}
ERRORS = {
    "d": "d",
    "rmse": "rmse",
    "rmse_star": "rmse_star",
    "rmse_star_t": "rmse_star_ci_t",
    "outlier_ratio": "outlier_ratio",
    "outlier_ratio_t": "outlier_ratio_ci_t",
    "outliers": "n_outliers",
    "pearson": "pearson_after_mapping",
    "largest": "max_abs_error",
    "mean": "mean_error",
}


def by_mapping(table):
    return {row["mapping"]: row for row in table.to_dict("records")}


@pytest.fixture(scope="module")
def levels(reference):
    """Points and metrics of each level, as R's."""
    votes = reference.data("p1401_votes").rename(columns={"score": "rating"})
    metrics = reference.data("p1401_metrics")
    per_condition = metrics.groupby("condition", sort=False)[METRICS].mean().reset_index(drop=True)
    return {
        "per_file": (mean_opinions(votes, by="file"), metrics[METRICS]),
        "per_condition": (mean_opinions(votes, by="condition"), per_condition),
    }


@pytest.mark.parametrize("level", LEVELS)
def test_means_and_intervals_of_the_points_are_rs(levels, reference, level):
    points = levels[level][0].set_index(LEVELS[level])
    expected = reference.expected("p1401")[level]["mos"]
    assert len(expected) == len(points) == reference.expected("p1401")[level]["N"]
    for row in expected:
        mine = points.loc[row["id"]]
        for name, theirs in (("mos", "mos"), ("sd", "sd"), ("n", "n"), ("ci_t", "ci_t")):
            assert mine[name] == pytest.approx(row[theirs], rel=1e-9)
        assert mine["ci"] == pytest.approx(row["ci_p1401"], rel=1e-9)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("metric", METRICS)
def test_the_errors_after_every_mapping_are_rs(levels, reference, level, metric):
    points, scores = levels[level]
    expected = reference.expected("p1401")[level]["metrics"][metric]
    table, negated = evaluate(scores[metric], points, on_scale=True)
    assert negated == expected["negated"]
    checked = 0
    for mine in table.to_dict("records"):
        theirs = expected[MAPPINGS[mine["mapping"]]]
        if theirs is None:
            assert mine["reason"] == "the metric is not on the scale of the ratings"
            continue
        # R fits the constrained cubic on a grid of 4,001 slopes
        rel = 1e-4 if mine["mapping"] == "monotone cubic" else 1e-6
        for name, their_name in ERRORS.items():
            assert mine[name] == pytest.approx(theirs[their_name], rel=rel, abs=2e-7), name
            checked += 1
        ends = [mine["rmse_low"], mine["rmse_high"]]
        assert ends == pytest.approx(theirs["rmse_ci95"], rel=rel)
        ends = [mine["outlier_low"], mine["outlier_high"]]
        assert ends == pytest.approx(theirs["outlier_ratio_ci95_wald"], rel=rel)
        checked += 4
    assert checked == (4 - expected["negated"]) * 14


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("metric", METRICS)
def test_the_coefficients_of_every_mapping_are_rs(levels, reference, level, metric):
    points, scores = levels[level]
    expected = reference.expected("p1401")[level]["metrics"][metric]
    table, _ = evaluate(scores[metric], points)
    rows = by_mapping(table)
    free, held = rows["cubic"], rows["monotone cubic"]
    assert free["monotone"] == expected["cubic_unconstrained_d4"]["monotone_on_data_range"]
    assert held["held"] == expected["cubic_monotone_d4"]["constraint_active"]
    assert held["monotone"]
    assert held["centre"] == pytest.approx(expected["cubic_monotone_d4"]["u_center"])
    assert held["half_range"] == pytest.approx(expected["cubic_monotone_d4"]["u_halfrange"])
    theirs = expected["cubic_monotone_d4"]["coef_u"]
    assert held["coefficients"] == pytest.approx(theirs, rel=1e-3, abs=1e-3)
    # R's others are in the scores
    for kind, key in (("linear", "linear_d2"), ("cubic", "cubic_unconstrained_d4")):
        row = rows[kind]
        line = np.polynomial.Polynomial([-row["centre"], 1.0]) / row["half_range"]
        mine = np.polynomial.Polynomial(row["coefficients"])(line).coef
        assert mine == pytest.approx(expected[key]["coef"], rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("level", LEVELS)
def test_comparisons_of_all_pairs_are_rs(levels, reference, level):
    points, scores = levels[level]
    expected = reference.expected("p1401")[level]["comparisons"]
    names = {"r_a": "r_a", "r_b": "r_b", "r_ab": "r_ab", "williams_t": "williams_t"}
    names |= {"williams_df": "williams_df", "williams_p": "williams_p"}
    names |= {"mrr_z": "meng_rosenthal_rubin_z", "mrr_p": "meng_p"}
    names |= {"fisher_z": "fisher_z_independent", "fisher_p": "fisher_p_two_sided"}
    names |= {"outlier_z": "outlier_ratio_z_unpooled", "outlier_z_pooled": "outlier_ratio_z_pooled"}
    checked = 0
    found = compare_metrics(scores, points)
    assert len(found) == len(expected) == 10
    for mine, theirs in zip(found.to_dict("records"), expected, strict=True):
        assert (mine["a"], mine["b"]) == (theirs["a"], theirs["b"])
        for name, their_name in names.items():
            assert mine[name] == pytest.approx(theirs[their_name], rel=1e-6), name
            checked += 1
        assert abs(mine["williams_t"]) == pytest.approx(theirs["psych_r_test_t"], rel=1e-6)
    for kind, key, rel in (
        ("none", "rmse_unmapped", 1e-6),
        ("linear", "rmse_linear", 1e-6),
        ("monotone cubic", "rmse_cubic_monotone", 3e-4),
    ):
        table = compare_metrics(scores, points, mapping=kind, on_scale=True)
        for mine, theirs in zip(table.to_dict("records"), expected, strict=True):
            if not isinstance(theirs[key], dict):
                assert np.isnan(mine["f"])
                continue
            errors = theirs[key]
            for name, their_name in (
                ("f", "F_rmse"),
                ("f_df", "df"),
                ("f_critical", "F_crit_95"),
                ("f_star", "F_rmse_star"),
            ):
                assert mine[name] == pytest.approx(errors[their_name], rel=rel), name
                checked += 1
            assert mine["f_p"] == pytest.approx(errors["p_one_sided"], rel=20 * rel)
            assert (mine["f"] > mine["f_critical"]) == errors["significant"]
            assert (mine["f_star"] > mine["f_critical"]) == errors["significant_star"]
    # unmapped there are six pairs: the metric that falls with quality has no raw error
    assert checked == 10 * 12 + (6 + 10 + 10) * 4


@pytest.mark.parametrize("level", LEVELS)
def test_distances_from_the_best_metric_are_rs(levels, reference, level):
    points, scores = levels[level]
    expected = reference.expected("p1401")[level]["statistical_distance_rmse_star"]
    tables = {metric: by_mapping(evaluate(scores[metric], points)[0]) for metric in METRICS}
    stars = pd.Series({m: rows["monotone cubic"]["rmse_star"] for m, rows in tables.items()})
    found = statistical_distances(stars, n=len(points))
    assert found.to_dict() == pytest.approx(expected, rel=1e-3, abs=1e-6)


def test_too_few_points_constant_scores_and_single_votes_have_reasons():
    votes = pd.DataFrame({"file": list("abcdef"), "rating": [1.0, 2, 3, 4, 5, 5]})
    points = mean_opinions(votes, by="file")
    rows = by_mapping(evaluate([1, 2, 3, 4, 5, 6], points)[0])
    assert "expected at least 20 points, found 6" in rows["monotone cubic"]["reason"]
    assert rows["linear"]["rmse"] > 0
    # one vote each: no interval, hence no outliers
    assert np.isnan(rows["linear"]["rmse_star"])
    flat = by_mapping(evaluate(np.ones(6), points)[0])
    assert "scores that vary, found 6 times 1" in flat["linear"]["reason"]
    both = compare_metrics(pd.DataFrame({"a": np.ones(6), "b": np.arange(6.0)}), points)
    assert both[["williams_p", "p_holm", "f"]].isna().all(axis=None)
    assert compare_metrics(pd.DataFrame({"only": np.arange(6.0)}), points).empty
    with pytest.raises(AnalysisError, match="more than 4 points, found 3"):
        statistical_distances(pd.Series([1.0]), n=3)


def test_all_outliers_against_none_have_no_unpooled_z():
    truth = np.linspace(1, 5, 30)
    votes = pd.DataFrame({"file": np.repeat(range(30), 2), "rating": np.repeat(truth, 2)})
    # both votes of a file are a little apart, so its interval is narrow
    votes["rating"] += np.tile([-1e-3, 1e-3], 30)
    points = mean_opinions(votes, by="file")
    scores = pd.DataFrame({"exact": truth, "far": truth + np.tile([-1.0, 1.0], 15)})
    found = compare_metrics(scores, points, mapping="linear").iloc[0]
    assert found["n"] == 30
    assert np.isnan(found["outlier_z"])
    assert abs(found["outlier_z_pooled"]) > 7


def test_nsim_beside_the_tcd_voip_ratings(shared):
    # counts and coefficients: SciPy on the published files; the metric and the ratings are not ours
    folder = shared / "data" / "ratings" / "tcdvoip_mos_vs_visqol_nsim"
    stored = json.loads((folder / "published.json").read_text())
    mos = pd.read_csv(folder / "tcd_voip_testset_subjective_mos.csv")
    nsim = pd.read_csv(folder / "tcd_voip_testset_speech_mode_nsim.csv")
    nsim = nsim.assign(Filename=nsim["degraded"].str.split("/").str[-1])
    # three of the files have no score
    both = mos.merge(nsim, on="Filename").dropna()
    theirs = stored["reproduced_here"]
    assert len(both) == theirs["n_merged"]
    assert pearson(both["vnsim"], both["MOS"]).value == pytest.approx(theirs["pearson"], abs=5e-5)
    assert spearman(both["vnsim"], both["MOS"]).value == pytest.approx(theirs["spearman"], abs=5e-5)
    assert kendall(both["vnsim"], both["MOS"]).value == pytest.approx(theirs["kendall"], abs=5e-5)
    points = pd.DataFrame({"mos": both["MOS"], "ci": np.nan, "ci_t": np.nan})
    rows = by_mapping(evaluate(both["vnsim"], points)[0])
    # the mapping that ViSQOL ships, an exponential fitted to a later version of these scores
    published = stored["published"]
    shipped = published["a"] + np.exp(published["b"] * (both["vnsim"] - published["x0"]))
    assert published["a"] + np.exp(published["b"] * (1 - published["x0"])) == pytest.approx(
        published["kConformanceUnscaledPerfectScoreExponential"]
    )
    shipped_error = np.sqrt(((both["MOS"] - shipped) ** 2).mean())
    cubic = rows["monotone cubic"]
    assert cubic["rmse"] < rows["linear"]["rmse"]
    # least squares on these very points cannot do worse than a curve from elsewhere
    assert cubic["rmse"] < shipped_error
    assert np.isnan(cubic["rmse_star"])


def test_nsim_per_condition_of_tcd_voip_through_the_whole_correlation(shared):
    # published.json: the correlations of the means of the 96 conditions; four talkers are their items
    folder = shared / "data" / "ratings" / "tcdvoip_mos_vs_visqol_nsim"
    theirs = json.loads((folder / "published.json").read_text())["reproduced_here"]
    mos = pd.read_csv(folder / "tcd_voip_testset_subjective_mos.csv")
    nsim = pd.read_csv(folder / "tcd_voip_testset_speech_mode_nsim.csv")
    stimuli = mos.assign(
        condition=mos["Filename"].str.rsplit("_", n=1).str[0],
        item=mos["Filename"].str.rsplit("_", n=1).str[1],
    )
    ratings = stimuli.rename(columns={"MOS": "rating"}).assign(
        # the mean of a stimulus is all that is published
        method="bs2132",
        role="system",
        listener="panel",
        trial=range(len(stimuli)),
    )
    nsim["Filename"] = nsim["degraded"].str.split("/").str[-1]
    scores = stimuli.merge(nsim.dropna(), on="Filename").rename(columns={"vnsim": "value"})
    scores = scores.assign(metric="nsim", direction="higher")[
        ["item", "condition", "metric", "value", "direction"]
    ]
    found = correlate(ratings, scores, screening="none")
    of_level = {row["level"]: row for row in found.table.to_dict("records")}
    assert (of_level["stimulus"]["n"], of_level["stimulus"]["missing"]) == (theirs["n_merged"], 3)
    assert of_level["stimulus"]["pearson"] == pytest.approx(theirs["pearson"], abs=5e-5)
    per_condition = theirs["per_condition_n96"]
    assert of_level["condition"]["n"] == 96
    pearson_r, rho = (of_level["condition"][name] for name in ("pearson", "spearman"))
    assert pearson_r == pytest.approx(per_condition["pearson"], abs=5e-5)
    # theirs took means that differ by rounding alone for different: SciPy on means of nine decimals does not
    assert rho == pytest.approx(per_condition["spearman"], abs=5e-4)
    rows = by_mapping(found.metrics.mapping.query("level == 'condition'"))
    # a line leaves r as it is; numpy's polynomials on the 96 means
    means = (
        scores.merge(stimuli, on=["item", "condition"])
        .groupby("condition")[["value", "MOS"]]
        .mean()
    )
    ranked = stats.spearmanr(means["value"].round(9), means["MOS"].round(9)).statistic
    assert rho == pytest.approx(ranked, rel=1e-9)
    cubic = np.polynomial.Polynomial.fit(means["value"], means["MOS"], 3)(means["value"])
    error = np.sqrt(((means["MOS"] - cubic) ** 2).sum() / (96 - 4))
    assert rows["linear"]["pearson"] == pytest.approx(per_condition["pearson"], abs=5e-5)
    assert rows["cubic"]["rmse"] == pytest.approx(error, rel=1e-9)
