"""Correlations agree with R, bootstraps with a plain resampling of items, and no negative r is hidden."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests

from listening.analysis import report
from listening.analysis.bootstrap import item_bootstrap
from listening.analysis.correlation import (
    Coefficient,
    correlate,
    join,
    kendall,
    pearson,
    reading,
    spearman,
)
from listening.analysis.frames import AnalysisError, scores_frame
from tests.analysis.conftest import campaign

ROLES = {"ref": "reference", **dict.fromkeys("abcde", "system")}
METRICS = ["m1", "m2", "m3", "m4", "m5"]


@pytest.fixture(scope="module")
def votes(reference):
    """Mean opinion score and metrics of every file of the P.1401 set."""
    mos = reference.data("p1401_votes").groupby("file")["score"].mean()
    return reference.data("p1401_metrics").assign(rating=lambda files: files["file"].map(mos))


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("level", ["per_file", "per_condition"])
def test_coefficients_and_p_values_are_rs(reference, votes, metric, level):
    expected = reference.expected("p1401")[level]["metrics"][metric]
    if level == "per_file":
        points = votes
    else:
        # there R pools all votes of a condition
        all_votes = reference.data("p1401_votes")
        points = votes.groupby("condition")[METRICS].mean()
        points["rating"] = all_votes.groupby("condition")["score"].mean()
    x = points[metric] * (-1 if expected["negated"] else 1)
    found = pearson(x, points["rating"])
    assert found.n == expected["N"]
    assert found.value == pytest.approx(expected["pearson"], rel=1e-9)
    assert found.p == pytest.approx(expected["pearson_p"], rel=1e-6)
    assert [found.low, found.high] == pytest.approx(expected["pearson_ci95_fisher"], rel=1e-9)
    rho, tau = spearman(x, points["rating"]), kendall(x, points["rating"])
    assert rho.value == pytest.approx(expected["spearman"], rel=1e-9)
    assert rho.p == pytest.approx(expected["spearman_p"], rel=1e-6)
    assert tau.value == pytest.approx(expected["kendall_tau_b"], rel=1e-9)
    assert tau.p == pytest.approx(expected["kendall_p_asymptotic"], rel=1e-6)


@pytest.mark.parametrize("level", ["stimulus", "condition"])
def test_the_item_bootstrap_is_a_plain_resampling_of_items(votes, level):
    points = pd.DataFrame(
        {
            "item": votes["file"].str[-2:],
            "condition": votes["condition"],
            "value": votes["m5"].round(1),
            "rating": votes["rating"],
        }
    )
    rng = np.random.default_rng(11)
    names = points["item"].unique()
    items = {name: points[points["item"] == name] for name in names}
    plain: list[list[float]] = []
    for _ in range(400):
        drawn = pd.concat([items[i] for i in rng.choice(names, len(names))])
        if level == "condition":
            drawn = drawn.groupby("condition")[["value", "rating"]].mean()
        # SciPy's own coefficients of every resample
        x, y = drawn["value"], drawn["rating"]
        plain.append([stats.pearsonr(x, y)[0], stats.spearmanr(x, y)[0], stats.kendalltau(x, y)[0]])
    expected = np.quantile(plain, [0.025, 0.975], axis=0).T
    found = item_bootstrap(points, level=level)
    assert np.array(list(found.values())) == pytest.approx(expected, abs=0.015)


def test_one_item_cannot_be_resampled():
    points = pd.DataFrame(
        {"item": "i", "condition": list("abcd"), "value": range(4), "rating": [1.0, 3, 2, 4]}
    )
    assert np.isnan(list(item_bootstrap(points, level="stimulus").values())).all()


GRADES = {
    who: {
        "ref": [100, 100, 100],
        "a": [80 + shift, 81, 85],
        "b": [60 + shift, 64, 58],
        "c": [40, 41 + shift, 47],
        "d": [20, 22, 29 + shift],
    }
    for who, shift in (("x", 0), ("y", 4))
}


@pytest.fixture
def ratings():
    return campaign(GRADES, ROLES)


def scored(ratings, **values):
    """Scores of every stimulus: metric → function of the mean rating."""
    means = ratings.groupby(["item", "condition"])["rating"].mean().reset_index()
    return scores_frame(
        pd.concat(
            means.drop(columns="rating").assign(
                metric=metric, direction="higher", value=of(means["rating"]), status="ok"
            )
            for metric, of in values.items()
        )
    )


def test_a_negative_r_stays_negative_and_is_named(ratings):
    scores = scored(ratings, contrary=lambda rating: -rating, good=lambda rating: 3 * rating)
    table = correlate(join(ratings, scores, roles=["system"]))
    for level in ("stimulus", "condition"):
        rows = table[table["level"] == level].set_index("metric")
        for coefficient in ("pearson", "spearman", "kendall"):
            assert rows[coefficient].to_dict() == pytest.approx({"contrary": -1, "good": 1})
        assert rows["reading"].to_dict() == {
            "contrary": "disagrees with the listeners: r is negative although higher is better",
            "good": "agrees with the listeners",
        }


BELOW, ABOVE = Coefficient(99, -0.4, 1e-4, -0.55, -0.2), Coefficient(99, 0.4, 1e-4, 0.2, 0.55)
SLIGHT, FEW = Coefficient(99, -0.1, 0.3, -0.29, 0.09), Coefficient(9, 0.4, 0.2, -0.3, 0.8)
UNSHOWN = "no agreement shown: the interval includes 0"


@pytest.mark.parametrize(
    ("r", "item_interval", "direction", "said"),
    [
        (BELOW, (-0.5, -0.1), "lower", "agrees with the listeners"),
        (BELOW, (-0.5, 0.1), "lower", UNSHOWN),
        (BELOW, (-0.5, -0.1), "none", "negative r"),
        (FEW, (np.nan, np.nan), "higher", UNSHOWN),
        (
            ABOVE,
            (0.1, 0.5),
            "lower",
            "disagrees with the listeners: r is positive although lower is better",
        ),
        (
            SLIGHT,
            (-0.2, -0.01),
            "higher",
            "no agreement shown: r is negative although higher is better, and the interval includes 0",
        ),
    ],
)
def test_a_reading_names_sign_and_direction_and_asks_both_intervals(
    r, item_interval, direction, said
):
    assert reading(r, item_interval, direction=direction) == said


def test_reference_and_anchors_enter_only_when_named(ratings):
    scores = scored(ratings, m=lambda rating: rating)
    assert len(join(ratings, scores, roles=["system"])) == 12
    assert len(join(ratings, scores, roles=["system", "reference"])) == 15


def test_missing_scores_are_counted_with_their_reasons(ratings):
    scores = scored(ratings, m=lambda rating: rating)
    silent = (scores["item"] == "i1") & (scores["condition"] == "a")
    crashed = (scores["item"] == "i2") & (scores["condition"] == "b")
    absent = (scores["item"] == "i3") & (scores["condition"] == "c")
    scores.loc[silent, ["status", "message"]] = ["silent", "the signal is silent"]
    scores.loc[crashed, ["status", "message"]] = ["crashed", ""]
    scores = scores_frame(scores[~absent])
    row = correlate(join(ratings, scores, roles=["system"])).iloc[0]
    assert (row["n"], row["missing"]) == (9, 3)
    assert row["missing_reasons"] == {"the signal is silent": 1, "crashed": 1, "not scored": 1}


def test_scores_meet_ratings_by_the_signals_hash_where_there_is_one(ratings):
    ratings = ratings.assign(signal=ratings["item"] + ratings["condition"])
    scores = scored(ratings, m=lambda rating: rating)
    hashed = scores.assign(
        signal=scores["item"] + scores["condition"], item="another title", condition=""
    )
    by_hash = join(ratings, hashed, roles=["system"])
    by_name = join(ratings.assign(signal=""), scores, roles=["system"])
    assert by_hash["value"].tolist() == by_name["value"].tolist()
    assert by_hash["value"].notna().all()


def test_a_signal_listed_twice_counts_once_but_two_values_are_refused(ratings):
    scores = scored(ratings, m=lambda rating: rating)
    twice = pd.concat([scores, scores.head(3)])
    assert len(join(ratings, twice, roles=["system"])) == 12
    other = pd.concat([scores, scores.head(1).assign(reference="other", value=0.0)])
    with pytest.raises(AnalysisError, match="expected one of m per stimulus, found several for i1"):
        join(ratings, other, roles=["system"])


def test_the_score_against_the_stimulus_own_reference_counts_beside_one_without(ratings):
    scores = scored(ratings, m=lambda rating: rating).assign(reference="own")
    alone = scores.head(3).assign(reference="", value=-1.0)
    both = pd.concat([alone, scores, alone])
    found = report.correlate(ratings, both, screening="none")
    wanted = report.correlate(ratings, scores, screening="none")
    pd.testing.assert_frame_equal(found.points, wanted.points)
    assert [c for c in found.caveats if "6 scores of m without a reference left aside" in c]
    assert not [c for c in wanted.caveats if "aside" in c]


def test_one_signal_of_two_items_is_scored_against_the_reference_of_each(ratings):
    names = ratings["item"] + ratings["condition"]
    # one system gives the same sound for two items, such as silence
    same = ratings["condition"].eq("a") & ratings["item"].isin(["i1", "i2"])
    ratings = ratings.assign(signal=names.where(~same, "one sound"))
    scores = scored(ratings, m=lambda rating: rating)
    hashes = ratings.drop_duplicates(["item", "condition"]).set_index(["item", "condition"])
    hashed = scores.join(hashes["signal"].rename("of"), on=["item", "condition"])
    scores = scores.assign(signal=hashed["of"], reference=scores["item"])
    found = join(ratings, scores, roles=["system"])
    by_name = join(ratings.assign(signal=""), scores, roles=["system"])
    assert found["value"].tolist() == by_name["value"].tolist()


def test_holm_is_taken_over_the_metrics_of_a_level(ratings):
    rng = np.random.default_rng(4)
    noise = {f"n{k}": lambda rating: rating + rng.normal(0, 30, len(rating)) for k in range(3)}
    table = correlate(join(ratings, scored(ratings, **noise), roles=["system"]))
    for _, rows in table.groupby("level"):
        expected = multipletests(rows["pearson_p"], method="holm")[1]
        assert rows["pearson_p_holm"].to_numpy(dtype=float) == pytest.approx(expected)


def test_constant_scores_and_too_few_points_have_a_reason_instead_of_numbers(ratings):
    table = correlate(join(ratings, scored(ratings, flat=lambda rating: 1.0), roles=["system"]))
    assert table["pearson"].isna().all()
    assert table["reading"].iloc[0] == "no correlation: expected scores that vary, found 12 times 1"
    few = ratings[ratings["condition"].isin(["a", "b", "c"]) & (ratings["item"] == "i1")]
    table = correlate(join(few, scored(ratings, m=lambda rating: rating), roles=["system"]))
    assert table["reading"].iloc[0] == "no correlation: expected at least 4 points, found 3"


def test_nothing_to_join_is_refused(ratings):
    scores = scored(ratings, m=lambda rating: rating)
    with pytest.raises(AnalysisError, match="conditions that are anchor35, found none"):
        join(ratings, scores, roles=["anchor35"])
    with pytest.raises(AnalysisError, match="expected scores, found none"):
        join(ratings, scores.iloc[:0], roles=["system"])
