"""Mean opinion scores and models of listeners are R's, and those of published votes (BT.500 demo, NFLX, VCC 2018)."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from listening.analysis.frames import AnalysisError
from listening.analysis.mos import (
    alternating_projection,
    bias_removed,
    kurtosis_screening,
    means,
    sos,
    zrec,
)
from listening.analysis.reliability import agreement


@pytest.fixture(scope="module")
def votes(reference):
    return reference.data("mos").rename(columns={"score": "rating", "system": "condition"})


@pytest.fixture(scope="module")
def expected(reference):
    return reference.expected("mos")


def compare(table, expected, *, key, rel=1e-8):
    """Hold columns of `table` (ours → R's figures by name) to R's; returns how many figures."""
    rows = table.set_index(table.columns[0])
    checked = 0
    for column, theirs in key.items():
        assert set(rows.index) == set(theirs)
        for name, value in theirs.items():
            assert rows.loc[name, column] == pytest.approx(
                np.nan if value in (None, "NaN", "NA") else value, rel=rel, abs=1e-12, nan_ok=True
            ), (column, name)
            checked += 1
    return checked


def test_means_of_stimuli_and_systems_are_rs(votes, expected):
    rows = means(votes).set_index("stimulus")
    assert len(rows) == len(expected["stimuli"]) == 60
    for name, theirs in expected["stimuli"].items():
        mine = rows.loc[name]
        for column in ("n", "mean", "sd", "se", "median"):
            assert mine[column] == pytest.approx(theirs[column], rel=1e-9)
        assert mine["ci_high"] - mine["mean"] == pytest.approx(theirs["ci95_half"], rel=1e-9)
        assert mine["mean"] - mine["ci_low"] == pytest.approx(theirs["ci95_half"], rel=1e-9)
    rows = means(votes, by="condition").set_index("condition")
    for name, theirs in expected["systems"].items():
        mine, every, of_each = rows.loc[name], theirs["all_ratings"], theirs["listener_means"]
        for column in ("n", "mean", "sd", "se"):
            assert mine[column] == pytest.approx(every[column], rel=1e-9)
        assert mine["n_listeners"] == of_each["n"]
        assert mine["mean_of_listeners"] == pytest.approx(of_each["mean"], rel=1e-9)
        half = mine["listeners_high"] - mine["mean_of_listeners"]
        assert half == pytest.approx(of_each["ci95_half"], rel=1e-9)
        assert mine["ci_high"] - mine["mean"] == pytest.approx(every["ci95_half"], rel=1e-9)
        # half the interval is so many standard errors of one mean per listener
        error = half / stats.t.ppf(0.975, mine["n_listeners"] - 1)
        assert error == pytest.approx(of_each["se"], rel=1e-9)
        assert error * mine["n_listeners"] ** 0.5 == pytest.approx(of_each["sd"], rel=1e-9)
        ratings = votes.loc[votes["condition"] == name, "rating"]
        assert [(ratings == k).sum() for k in range(1, 6)] == list(theirs["counts_1_to_5"])
    table = means(votes)
    assert sos(table["mean"], table["sd"]) == pytest.approx(expected["sos_hypothesis_a"], rel=1e-9)


def test_bias_removal_projection_and_zrec_are_rs(votes, expected):
    theirs = expected["p913_bias_removed"]
    found = bias_removed(votes)
    checked = compare(found.stimuli, expected, key={"mos": theirs["mos"], "sd": theirs["sd"]})
    checked += compare(found.listeners, expected, key={"bias": theirs["bias"]})
    assert checked == 160
    theirs = expected["p910_alternating_projection"]
    found = alternating_projection(votes)
    assert found.iterations == theirs["iterations"]
    key = {"mos": theirs["mos"], "se": theirs["sos_ci_std_by_stimulus"]}
    key |= {"model_se": theirs["sos_std_by_subject"]}
    checked = compare(found.stimuli, expected, key=key)
    key = {"bias": theirs["bias"], "inconsistency": theirs["inconsistency"]}
    assert checked + compare(found.listeners, expected, key=key) == 260
    theirs = expected["zrec"]
    found = zrec(votes)
    checked = compare(found.stimuli, expected, key={"mos": theirs["mos"], "ci": theirs["ci95"]})
    key = {"bias": theirs["bias_factor"], "inconsistency": theirs["inconsistency"]}
    assert checked + compare(found.listeners, expected, key=key) == 200


@pytest.mark.parametrize(
    ("ddof", "key"), [(1, "bt500_screening_sd_n1"), (0, "bt500_screening_sd_n")]
)
def test_screening_by_kurtosis_is_rs_with_either_divisor(votes, expected, ddof, key):
    theirs, found = expected[key], kurtosis_screening(votes, ddof=ddof)
    figures = {"above": theirs["P"], "below": theirs["Q"]}
    figures |= {"share": theirs["ratio1"], "asymmetry": theirs["ratio2"]}
    assert compare(found, expected, key=figures) == 160
    assert found.loc[found["rejected"], "listener"].tolist() == theirs["rejected"]


def test_each_listeners_agreement_is_rs(votes, expected):
    theirs = expected["listener_agreement"]
    key = {
        ours: {who: figures[name] for who, figures in theirs.items()}
        for ours, name in {
            "n": "n",
            "sd": "sd",
            "pearson": "pearson_with_mos",
            "pearson_leave_one_out": "pearson_leave_one_out",
            "spearman": "spearman_with_mos",
            "spearman_leave_one_out": "spearman_leave_one_out",
            "pearson_conditions": "pearson_system_means",
        }.items()
    }
    found = agreement(votes)
    assert compare(found, expected, key=key) == 280
    # the one who always said the same is named: a correlation cannot tell
    assert found.loc[found["constant"], "listener"].tolist() == ["L31"]


def test_the_demonstration_of_bt500_is_reproduced(shared):
    folder = shared / "data" / "ratings" / "bt500_p910_demo"
    published = json.loads((folder / "expected.json").read_text())
    raw = pd.read_csv(folder / "sample_data.csv", header=None)
    assert raw.shape == (79, 26)
    found = alternating_projection(long(raw))
    for column, theirs in (("mos", "mos_j"), ("se", "sos_j")):
        assert found.stimuli[column].to_numpy() == pytest.approx(published[theirs], abs=1e-12)
    for column, theirs in (("bias", "bias_i"), ("inconsistency", "inconsistency_i")):
        assert found.listeners[column].to_numpy() == pytest.approx(published[theirs], abs=1e-12)


def long(raw):
    """A table (stimuli, listeners) as tidy votes, in its order."""
    stacked = raw.stack().dropna().rename("rating").rename_axis(["stimulus", "listener"])
    return stacked.reset_index()


def test_the_means_of_the_nflx_votes_are_those_of_sureals_tests(shared):
    folder = shared / "data" / "ratings" / "bt500_p910_demo"
    published = json.loads((folder / "published.json").read_text())["published"]
    published = published["sureal_test_mos_model"]
    votes = json.loads((folder / "nflx_public_raw_votes.json").read_text())["dis_videos"]
    votes = sorted(votes, key=lambda video: video["asset_id"])
    table = means(long(pd.DataFrame([video["os"] for video in votes])))
    table = table.assign(stimulus=table["stimulus"].astype(int)).sort_values("stimulus")
    assert table["mean"].iloc[0] == pytest.approx(published["mos[0]"], rel=1e-12)
    assert table["mean"].iloc[10] == pytest.approx(published["mos[10]"], rel=1e-12)
    assert table["mean"].mean() == pytest.approx(published["mean_mos"], rel=1e-12)
    assert table["se"].mean() == pytest.approx(published["mean_sem"], rel=1e-12)


def test_the_system_means_of_vcc_2018_are_the_published_ones(shared):
    folder = shared / "data" / "ratings" / "vcc2018_acr"
    parts = [pd.read_csv(path) for path in sorted(folder.glob("*_data.csv.gz"))]
    votes = pd.concat(parts, ignore_index=True)
    assert len(votes) == 61_040
    name = votes["WAV_PATH"].str.removesuffix(".wav").str.split("_")
    votes = votes.assign(
        condition=name.str[-1] + "_" + name.str[0], listener=votes["JUDGE"], rating=votes["MOS"]
    )
    published = pd.read_csv(folder / "vcc2018_system.csv").set_index("system_ID")["mean"]
    # the published means are over the utterances' means; the set misses part of the votes behind these
    utterances = votes.drop_duplicates("WAV_PATH").assign(rating=lambda once: once["MEAN"])
    found = means(utterances, by="condition").set_index("condition")["mean"]
    assert len(published) == 38
    assert (found[published.index] - published).abs().max() < 0.0052
    of_votes = means(votes, by="condition").set_index("condition")["mean"]
    assert (of_votes[published.index] - published).abs().max() < 0.06


def test_one_listener_one_stimulus_and_votes_that_agree_have_no_nonsense():
    one = pd.DataFrame({"listener": ["a"], "stimulus": ["s"], "rating": [4]})
    row = means(one).iloc[0]
    assert row["mean"] == 4
    assert np.isnan(row[["sd", "ci_low", "listeners_low"]].astype(float)).all()
    found = alternating_projection(one)
    assert found.stimuli["mos"].tolist() == [4]
    assert np.isnan(agreement(one).iloc[0]["pearson"])
    assert not kurtosis_screening(one)["rejected"].any()
    agreed = pd.DataFrame({"listener": list("ab"), "stimulus": ["s", "s"], "rating": [5, 5]})
    assert alternating_projection(agreed).stimuli["mos"].tolist() == [5]
    with pytest.raises(AnalysisError, match="votes differ, found none"):
        zrec(agreed)
    table = means(agreed)
    with pytest.raises(AnalysisError, match="means inside the scale"):
        sos(table["mean"], table["sd"])


def test_what_is_no_vote_is_refused():
    with pytest.raises(AnalysisError, match=r"column\(s\) stimulus, found listener, rating"):
        bias_removed(pd.DataFrame({"listener": ["a"], "rating": [1]}))
    with pytest.raises(AnalysisError, match="found good"):
        bias_removed(pd.DataFrame({"listener": ["a"], "stimulus": ["s"], "rating": ["good"]}))
    with pytest.raises(AnalysisError, match="at least one, found none"):
        bias_removed(pd.DataFrame({"listener": [], "stimulus": [], "rating": []}))
