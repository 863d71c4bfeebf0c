"""`analyse` and `correlate` give every figure, with and without screening, and say what is simulated."""

from __future__ import annotations

import json
import re
from decimal import Decimal

import pandas as pd
import pytest

from listening.analysis.comparison import compare
from listening.analysis.frames import AnalysisError
from listening.analysis.report import MushraAnalysis, analyse, correlate
from listening.exchange.ratings import parse
from tests.analysis.conftest import campaign


def test_the_neural_codec_set_is_screened_and_described_as_published(codec, published):
    result = json.loads(analyse(codec.ratings).to_json())
    screening = result["screening"]
    assert {row["listener"] for row in screening["excluded"]} == {
        str(listener) for listener in published["removed_ids"]
    }
    assert screening["ratings_before"] == published["rows_all"] == 1512
    assert screening["ratings_after"] == published["rows_filtered"] == 1368
    assert screening["listeners_before"] == published["listeners_all"]
    means = {row["condition"]: row["after_screening"]["mean"] for row in result["conditions"]}
    assert {c: round(mean, 2) for c, mean in means.items()} == published["mean_filtered"]
    assert not result["simulated"]


def test_the_filtered_file_of_the_authors_is_what_screening_keeps(codec, codec_folder):
    kept = analyse(codec.ratings).screening.keep(codec.ratings)
    theirs = parse(codec_folder / "ratings_formated_filtered.csv", campaign="codec").ratings
    key = ["listener", "item", "condition"]
    pd.testing.assert_series_equal(
        kept.set_index(key)["rating"].sort_index(), theirs.set_index(key)["rating"].sort_index()
    )


@pytest.mark.parametrize("corpus", ["", "TSP", "VCTK"])
def test_the_published_wilcoxon_tests_are_over_ratings_by_the_normal_approximation(
    codec, published, corpus
):
    kept = analyse(codec.ratings).screening.keep(codec.ratings)
    pairs = compare(kept[kept["item"].str.startswith(corpus)]).pairs.set_index(["a", "b"])
    checked = 0
    for claim, p in published["wilcoxon_p"].items():
        names, _, of_corpus = claim.partition(", ")
        if of_corpus == corpus:
            a, b = names.split(" vs ")
            digits = len(Decimal(str(p)).as_tuple().digits)
            found = pairs.loc[(a, b) if (a, b) in pairs.index else (b, a), "p_wilcoxon_ratings"]
            assert float(f"{found:.{digits - 1}e}") == p
            checked += 1
    assert checked == (2 if corpus == "" else 1)


def test_every_condition_is_given_with_and_without_screening(reference):
    expected = reference.expected("mushra")["descriptives"]
    ratings = reference.mushra()
    result = json.loads(analyse(ratings).to_json())
    assert [row["listener"] for row in result["screening"]["excluded"]] == ["L07", "L15"]
    for row in result["conditions"]:
        before, after = row["before_screening"], row["after_screening"]
        theirs = expected[row["condition"]]
        assert (before["n_ratings"], after["n_ratings"]) == (200, 180)
        assert after["mean"] == pytest.approx(theirs["all_ratings"]["mean"], rel=1e-12)
        assert after["mean_of_listeners"] == pytest.approx(theirs["listener_means"]["mean"])
        assert [after["ci_low"], after["ci_high"]] == pytest.approx(
            theirs["listener_means"]["ci95"]
        )
        mine = ratings.loc[ratings["condition"] == row["condition"], "rating"]
        assert before["mean"] == pytest.approx(mine.mean(), rel=1e-12)
    assert len(result["items"]) == 60
    assert len(result["comparison"]["pairs"]) == 3
    assert result["scope"] == "for these items, and listeners like these"


def test_text_shows_screening_with_reasons_conditions_and_pairs(reference):
    text = analyse(reference.mushra()).to_text()
    assert "1080 of 1200 ratings kept, 2 of 20 listeners excluded" in text
    assert "L07: rated the hidden reference below 90 on 3 of 10 items" in text
    # R's figures, rounded
    assert "82.84  [80.08, 85.61]" in text
    assert "ref: ratings may have several modes (b = 0.798 > 5/9)" in text
    assert "Friedman: χ² = 24.11, df 2" in text
    # R's mixed model of the systems: 7.73, its interval and its degrees of freedom
    assert "by the crossed mixed model, for items like these, and listeners like these" in text
    assert re.search(r"7\.73 +\[4\.14, 11\.33\] +1\.76 +27\.9", text)
    assert "F(2, 27.9) = 16.11" in text
    # R's Huynh-Feldt epsilon of the systems
    assert "Analysis of variance over 18 complete listeners, for these items" in text
    assert "nan" not in text


def test_the_mixed_model_is_in_the_json_with_its_scope_before_and_after_screening(reference):
    result = json.loads(analyse(reference.mushra()).to_json())
    expected = reference.expected("mushra")["lmer_systems_only_crossed_interactions"]
    mixed = result["comparison"]["mixed"]
    assert mixed["scope"] == "for items like these, and listeners like these"
    assert [row["difference"] for row in mixed["pairs"]] == pytest.approx(
        [row["estimate"] for row in expected["pairs_satterthwaite"]]
    )
    before = result["comparison_before_screening"]["mixed"]
    assert (mixed["n_listeners"], before["n_listeners"]) == (18, 20)


BAD = {
    "one listener": lambda r: r[r["listener"] == "L01"],
    "one item": lambda r: r[r["item"] == "I01"],
    "one listener and one item": lambda r: r[(r["listener"] == "L01") & (r["item"] == "I01")],
    "everybody 100": lambda r: r.assign(rating=100.0),
    "constant conditions": lambda r: r.assign(rating=r["condition"].str.len() * 10.0),
    "ties everywhere": lambda r: r.assign(rating=(r["rating"] > 60) * 100.0),
    "only the reference": lambda r: r[r["role"] == "reference"],
    "two systems, no anchors": lambda r: r[r["condition"].isin(["sysA", "sysB"])],
    "a listener with one rating": lambda r: r[(r["listener"] != "L01") | ~r.duplicated("listener")],
    "missing cells": lambda r: r.sample(frac=0.5, random_state=3),
    "hardly any cells": lambda r: r.sample(frac=0.03, random_state=3),
    "odd names": lambda r: r.assign(
        condition=r["condition"]
        .map({"sysA": '=1+1, "quoted"', "sysB": "a:b"})
        .fillna(r["condition"])
    ),
}


@pytest.mark.parametrize("kind", BAD)
def test_bad_ratings_give_a_result_with_caveats_and_never_a_missing_number(reference, kind):
    analysis = analyse(BAD[kind](reference.mushra()), screening="none")
    text = analysis.to_text()
    assert "nan" not in text
    assert "inf" not in text
    json.loads(analysis.to_json())
    assert isinstance(analysis, MushraAnalysis)
    comparison = analysis.comparison
    if comparison.mixed is None or comparison.pairs["p_t"].isna().any():
        assert comparison.caveats


def test_abx_goes_through_the_same_call(reference):
    analysis = analyse(reference.abx().assign(simulated=True))
    result = json.loads(analysis.to_json())
    expected = reference.expected("abx")["pooled"]
    assert result["simulated"]
    assert result["simulated_listeners"] == 12
    assert result["pairs"][0]["p"] == pytest.approx(expected["p_greater"])
    assert len(result["listeners_by_pair"]) == 12
    assert "SIMULATED: 12 of them" in analysis.to_text()
    assert "the listeners differ (χ² = 37.0, df 11, p 0.0001)" in analysis.to_text()


def test_results_without_numbers_are_null_in_json_and_a_dash_in_text():
    analysis = analyse(campaign({"a": {"s": [50], "t": [60]}}, {"s": "system", "t": "system"}))
    row = json.loads(analysis.to_json())["conditions"][0]["after_screening"]
    assert (row["ci_low"], row["sd"], row["modality"]) == (None, None, None)
    assert "–" in analysis.to_text()
    assert "nan" not in analysis.to_text()


def test_a_rule_that_keeps_nobody_is_refused_and_none_still_works():
    ratings = campaign({"a": {"r": [50]}, "b": {"r": [60]}}, {"r": "reference"})
    with pytest.raises(AnalysisError, match="keep a listener, found all 2 excluded"):
        analyse(ratings)
    assert analyse(ratings, screening="none").screening.ratings_after == 2


def _scores(ratings):
    means = ratings.groupby(["item", "condition"])["rating"].mean().reset_index()
    falling = means.assign(metric="falling", direction="higher", value=-means["rating"])
    failed = means.assign(metric="failed", direction="higher", value=None, status="crashed")
    return pd.concat([falling.assign(status="ok"), failed]).drop(columns="rating")


def test_correlate_shows_a_negative_r_and_counts_what_is_missing(reference):
    ratings = reference.mushra()
    correlation = correlate(ratings, _scores(ratings))
    falling, failed = json.loads(correlation.to_json())["correlations"][:2]
    assert falling["pearson"] < -0.9
    assert falling["pearson_low"] < falling["pearson"] < falling["pearson_high"] < 0
    assert (falling["n"], falling["n_items"]) == (30, 10)
    assert (failed["n"], failed["missing"], failed["pearson"]) == (0, 30, None)
    assert failed["missing_reasons"] == {"crashed": 30}
    text = correlation.to_text()
    assert "disagrees with the listeners: r is negative although higher is better" in text
    assert "failed: 30 missing, crashed" in text
    assert "nan" not in text


def test_descriptors_are_listed_after_the_metrics_that_judge_in_one_family(reference):
    ratings = reference.mushra()
    scores = _scores(ratings).query("metric == 'falling'")
    described = scores.assign(metric="centroid", direction="none")
    text = correlate(ratings, pd.concat([described, scores])).to_text()
    for level in text.split("\nPer ")[1:]:
        places = [level.index(word) for word in ("falling", "Descriptors, of which", "centroid")]
        assert places == sorted(places)
    # both r are −1 over 30 stimuli: Holm's family counts descriptors too
    assert text.count("p adjusted by Holm over all 2 metrics of this level") == 1


def test_correlate_uses_only_the_kept_listeners(reference):
    ratings = reference.mushra()
    screened = correlate(ratings, _scores(ratings))
    everybody = correlate(ratings, _scores(ratings), screening="none")
    kept = ratings[~ratings["listener"].isin(["L07", "L15"])]
    by_hand = kept.groupby(["item", "condition"])["rating"].mean()
    for _, point in screened.points.iterrows():
        assert point["rating"] == pytest.approx(by_hand[point["item"], point["condition"]])
    assert everybody.points["rating"].sum() != screened.points["rating"].sum()


def test_correlate_says_when_there_are_few_items_and_refuses_abx(reference):
    ratings = reference.mushra()
    few = ratings[ratings["item"].isin(["I01", "I02", "I03"])]
    assert correlate(few, _scores(few)).caveats == (
        "only 3 item(s): an interval that draws items is rough",
    )
    with pytest.raises(AnalysisError, match="expected ratings that have means, found abx"):
        correlate(reference.abx(), _scores(ratings))
