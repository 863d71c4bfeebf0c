"""From ratings and scores to the whole of P.1401: R's figures once more, through the call that commands use."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from listening.analysis.frames import AnalysisError, ratings_frame, scores_frame
from listening.analysis.report import correlate

METRICS = ["m1", "m2", "m3", "m4", "m5"]
LEVELS = {"per_file": "stimulus", "per_condition": "condition"}
KINDS = {
    "linear": "linear_d2",
    "cubic": "cubic_unconstrained_d4",
    "monotone cubic": "cubic_monotone_d4",
}


@pytest.fixture(scope="module")
def campaign(reference):
    """The P.1401 set as a campaign: a file is an item of its condition."""
    votes = reference.data("p1401_votes")
    return ratings_frame(
        votes.assign(
            method="mushra",
            role="system",
            item=votes["file"].str[-2:],
            trial=votes["file"].str[-1].astype(int),
            rating=votes["score"],
        )
    )


@pytest.fixture(scope="module")
def scores(reference):
    metrics = reference.data("p1401_metrics").assign(item=lambda m: m["file"].str[-2:])
    long = metrics.melt(["item", "condition"], METRICS, var_name="metric")
    # m4 is a distance
    return scores_frame(long.assign(direction=np.where(long["metric"] == "m4", "lower", "higher")))


@pytest.fixture(scope="module")
def result(campaign, scores):
    return json.loads(correlate(campaign, scores, screening="none", given="m3").to_json())


@pytest.mark.parametrize("level", LEVELS)
def test_mappings_through_the_whole_call_are_rs(reference, result, level):
    expected = reference.expected("p1401")[level]
    rows = [row for row in result["mapping"] if row["level"] == LEVELS[level]]
    checked = 0
    for row in rows:
        if row["mapping"] == "none":
            assert row["rmse"] is None
            continue
        theirs = expected["metrics"][row["metric"]][KINDS[row["mapping"]]]
        for name in ("rmse", "rmse_star", "outlier_ratio"):
            assert row[name] == pytest.approx(theirs[name], rel=1e-4, abs=1e-7)
            checked += 1
        if row["mapping"] == "monotone cubic":
            distance = expected["statistical_distance_rmse_star"][row["metric"]]
            assert row["distance"] == pytest.approx(distance, rel=1e-3, abs=1e-6)
            checked += 1
    assert checked == 5 * 10


def test_the_league_and_its_comparisons_are_rs(reference, result):
    expected = reference.expected("p1401")["per_file"]
    league = result["league"]
    assert (league["n"], league["n_items"], league["left_out"]) == (144, 6, {})
    for row in league["table"]:
        theirs = expected["metrics"][row["metric"]]
        assert row["r"] == pytest.approx(theirs["pearson"], rel=1e-9)
        assert [row["low"], row["high"]] == pytest.approx(theirs["pearson_ci95_fisher"], rel=1e-9)
        assert row["rmse"] == pytest.approx(theirs["linear_d2"]["rmse"], rel=1e-9)
    by_pair = {frozenset((row["a"], row["b"])): row for row in expected["comparisons"]}
    for row in league["pairs"]:
        theirs = by_pair[frozenset((row["a"], row["b"]))]
        assert row["williams_p"] == pytest.approx(theirs["williams_p"], rel=1e-6)
    for row in result["comparisons"]:
        theirs = by_pair[frozenset((row["a"], row["b"]))]
        assert abs(row["mrr_z"]) == pytest.approx(abs(theirs["meng_rosenthal_rubin_z"]), rel=1e-6)
        assert row["f"] == pytest.approx(theirs["rmse_cubic_monotone"]["F_rmse"], rel=3e-4)
    assert len(result["comparisons"]) == len(league["pairs"]) == 10


def test_everything_of_the_evidence_is_in_the_json_and_the_text(campaign, scores, result):
    assert {row["part"] for row in result["parts"]} == {"within items", "between items"}
    assert {row["given"] for row in result["given"]} == {"m3"}
    assert len(result["given"]) == 4
    assert len(result["disagreements"]) == 50
    assert len(result["by_condition"]) == 5 * 24
    assert 0.9 < result["ceiling"]["ceiling"] < 1
    text = correlate(campaign, scores, screening="none").to_text()
    assert "League over 144 stimuli of 6 items" in text
    assert "No metric can be expected above r = 0.9" in text
    assert "nan" not in text


def test_bad_scores_leave_sentences_and_nulls(campaign, scores):
    flat = scores.assign(value=1.0)
    found = correlate(campaign, flat, screening="none")
    result = json.loads(found.to_json())
    assert result["league"]["table"] == []
    assert "scores that vary" in result["league"]["left_out"]["m1"]
    assert all(row["rmse"] is None and row["reason"] for row in result["mapping"])
    assert "left out: m1" in found.to_text()
    alone = campaign[campaign["listener"] == campaign["listener"].iloc[0]]
    single = correlate(alone, scores, screening="none")
    assert json.loads(single.to_json())["ceiling"] is None
    assert "at least 2 stimuli" in single.to_text()
    # one rating each: no interval, so no outliers
    assert pd.isna(single.metrics.mapping["outlier_ratio"].iloc[1])
    with pytest.raises(AnalysisError, match="expected one metric 'level', found m1"):
        correlate(campaign, scores, screening="none", given="level").to_json()


def test_names_with_commas_quotes_and_formulas_go_through(campaign, scores):
    odd = {"m1": '=cmd,"x"', "m2": "a\nb"}
    named = scores.assign(metric=scores["metric"].replace(odd))
    result = json.loads(correlate(campaign, named, screening="none").to_json())
    assert {row["metric"] for row in result["league"]["table"]} >= set(odd.values())
