"""The league's intervals are a plain resampling of items; its letters say exactly which pairs differ."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from listening.analysis.league import disagreements, league, letters


def points_of(scores, rating, *, direction=None, items=12):
    """Stimuli of `items` by conditions, metric → scores."""
    n = len(rating)
    base = pd.DataFrame({"item": [f"i{k % items:02d}" for k in range(n)], "rating": rating})
    base["condition"] = [f"c{k // items}" for k in range(n)]
    rows = [
        base.assign(
            metric=name,
            metric_version="1",
            direction=(direction or {}).get(name, "higher"),
            value=values,
            signal="",
        )
        for name, values in scores.items()
    ]
    return pd.concat(rows, ignore_index=True)


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(12)
    rating = rng.normal(50, 15, 96)
    scores = {
        "best": rating + rng.normal(0, 4, 96),
        "good": rating + rng.normal(0, 14, 96),
        "alike": rating + rng.normal(0, 15, 96),
        "falling": -rating + rng.normal(0, 25, 96),
        "noise": rng.normal(size=96),
    }
    return scores, rating


def test_the_table_ranks_by_turned_correlations(data):
    scores, rating = data
    found = league(points_of(scores, rating, direction={"falling": "lower"}))
    table = found.table.set_index("metric")
    assert table.index[0] == "best"
    assert table.index[-1] == "noise"
    for name, values in scores.items():
        sign = -1 if name == "falling" else 1
        assert table.loc[name, "r"] == pytest.approx(sign * stats.pearsonr(values, rating)[0])
        line = stats.linregress(values, rating)
        e = rating - line.intercept - line.slope * values
        assert table.loc[name, "rmse"] == pytest.approx(np.sqrt((e**2).sum() / 94))
    assert table["rank"].tolist() == [1, 2, 3, 4, 5]
    assert (found.n, found.n_items, found.left_out) == (96, 12, {})


def test_a_metric_against_the_ears_stands_last_with_its_sign(data):
    scores, rating = data
    found = league(points_of(scores, rating)).table
    assert found["metric"].iloc[-1] == "falling"
    assert found["r"].iloc[-1] < -0.3


def test_descriptors_stand_in_no_league_beside_metrics_that_judge(data):
    scores, rating = data
    found = league(points_of(scores, rating, direction={"good": "none", "falling": "lower"}))
    assert set(found.table["metric"]) == {"best", "alike", "falling", "noise"}
    assert "descriptor" in found.left_out["good"]
    assert len(found.pairs) == 6
    only = league(points_of(scores, rating, direction=dict.fromkeys(scores, "none")))
    assert set(only.table["metric"]) == set(scores)


def test_paired_intervals_are_a_plain_resampling_of_items(data):
    scores, rating = data
    points = points_of({k: scores[k] for k in ("good", "alike")}, rating)
    found = league(points)
    pair = found.pairs.iloc[0]
    wide = points.pivot(index=["item", "condition"], columns="metric", values="value").reset_index()
    wide["rating"] = (
        points[points["metric"] == "good"]
        .set_index(["item", "condition"])["rating"]
        .loc[list(zip(wide["item"], wide["condition"], strict=True))]
        .to_numpy()
    )
    rng = np.random.default_rng(3)
    names = wide["item"].unique()
    items = {name: wide[wide["item"] == name] for name in names}
    plain: list[list[float]] = []
    for _ in range(600):
        drawn = pd.concat([items[i] for i in rng.choice(names, len(names))])
        y, row = drawn["rating"], []
        errors = []
        for name in ("good", "alike"):
            row.append(stats.pearsonr(drawn[name], y)[0])
            line = stats.linregress(drawn[name], y)
            e = y - line.intercept - line.slope * drawn[name]
            errors.append(np.sqrt((e**2).sum() / (len(y) - 2)))
        plain.append([row[0] - row[1], errors[0] - errors[1], row[0]])
    low, high = np.quantile(plain, [0.025, 0.975], axis=0)
    sign = 1 if pair["a"] == "good" else -1
    mine = sorted([sign * pair["low"], sign * pair["high"]])
    assert mine == pytest.approx([low[0], high[0]], abs=0.02)
    mine = sorted([sign * pair["rmse_low"], sign * pair["rmse_high"]])
    assert mine == pytest.approx([low[1], high[1]], abs=0.35)
    of_good = found.table.set_index("metric").loc["good"]
    assert [of_good["item_low"], of_good["item_high"]] == pytest.approx([low[2], high[2]], abs=0.02)


def test_clear_differences_are_told_apart_and_equals_share_a_letter(data):
    scores, rating = data
    found = league(points_of(scores, rating, direction={"falling": "lower"}))
    shared = found.table.set_index("metric")["letters"]
    assert not set(shared["best"]) & set(shared["good"])
    assert set(shared["good"]) & set(shared["alike"])
    assert len(found.pairs) == 10
    for pair in found.pairs.to_dict("records"):
        common = set(shared[pair["a"]]) & set(shared[pair["b"]])
        assert bool(common) != pair["distinguishable"]


@pytest.mark.parametrize("seed", range(20))
def test_letters_say_exactly_which_pairs_differ(seed):
    rng = np.random.default_rng(seed)
    names = list("pqrstu")
    alike = {frozenset(pair) for pair in combinations(names, 2) if rng.random() < 0.5}
    found = letters(names, alike)
    for a, b in combinations(names, 2):
        assert bool(set(found[a]) & set(found[b])) == (frozenset((a, b)) in alike)
    # no letter is within another one
    columns = {c: {n for n in names if c in found[n]} for c in set("".join(found.values()))}
    assert not any(x < y for x in columns.values() for y in columns.values())
    assert "a" in found[names[0]]


def test_metrics_that_fail_are_left_out_by_name_and_few_gaps_thin_the_stimuli(data):
    scores, rating = data
    gaps = scores["good"].copy()
    gaps[:5] = np.nan
    failing = scores["alike"].copy()
    failing[:40] = np.nan
    chosen = {"best": scores["best"], "gaps": gaps, "failing": failing, "flat": np.ones(96)}
    found = league(points_of(chosen, rating))
    assert found.n == 91
    assert set(found.table["metric"]) == {"best", "gaps"}
    assert found.left_out["failing"] == "40 of 96 stimuli without a score"
    assert "scores that vary" in found.left_out["flat"]


def test_copies_one_item_and_nothing_at_all_have_no_nonsense(data):
    scores, rating = data
    twice = league(points_of({"one": scores["best"], "two": scores["best"]}, rating))
    assert twice.table["letters"].tolist() == ["a", "a"]
    assert not twice.pairs["distinguishable"].iloc[0]
    single = league(points_of(scores, rating, items=1))
    assert single.table["item_low"].isna().all()
    assert not single.pairs["distinguishable"].any()
    empty = league(points_of({"flat": np.ones(96)}, rating))
    assert empty.table.empty
    assert empty.pairs.empty
    assert league(points_of({"only": scores["best"]}, rating)).table["letters"].tolist() == ["a"]


def test_the_largest_disagreements_are_those_off_the_line(data):
    scores, rating = data
    off = scores["best"].copy()
    off[17] += 80
    found = disagreements(points_of({"best": off, "flat": np.ones(96)}, rating), most=3)
    assert len(found) == 3
    first = found.iloc[0]
    assert (first["item"], first["condition"]) == ("i05", "c1")
    line = stats.linregress(off, rating)
    assert first["predicted"] == pytest.approx(line.intercept + line.slope * off[17])
    assert first["difference"] == pytest.approx(rating[17] - first["predicted"])
    assert first["difference"] < 0
    assert disagreements(points_of({"flat": np.ones(96)}, rating)).empty
