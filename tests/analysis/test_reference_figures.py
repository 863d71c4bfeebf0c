"""Every figure of the statistics reference set on screening and description is reproduced, and counted."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from listening.analysis.cells import cells
from listening.analysis.comparison import friedman
from listening.analysis.description import describe, hinges, mean_interval
from listening.analysis.screening import screen
from tests.analysis.trees import check


@pytest.fixture
def kept(reference):
    ratings = reference.mushra()
    return screen(ratings).keep(ratings)


def _interval(n, mean, sd):
    low, high = mean_interval(np.array([mean]), np.array([sd]), np.array([n]))
    return {
        "n": n,
        "mean": mean,
        "sd": sd,
        "se": sd / n**0.5,
        "ci95_half": (high[0] - low[0]) / 2,
        "ci95": [low[0], high[0]],
    }


def _over_ratings(row, values):
    """Our description of one group under R's names; quantiles of type 7 are NumPy's, to be told apart from hinges."""
    low, middle, high = hinges(values)
    assert (low, middle, high) == (row["q1"], row["median"], row["q3"])
    outlying = (values < low - 1.5 * row["iqr"]) | (values > high + 1.5 * row["iqr"])
    assert outlying.sum() == row["n_outliers"]
    return _interval(row["n_ratings"], row["mean"], row["sd"]) | {
        "median": middle,
        "q1_hinge": low,
        "q3_hinge": high,
        "iqr_hinge": row["iqr"],
        "outliers": np.sort(values[outlying]).tolist(),
    }


def _closed_form(expected):
    """Without what is not ours: NumPy's quantiles, and population skewness."""
    others = ("q1_type7", "q3_type7", "skewness_g1")
    return {name: value for name, value in expected.items() if name not in others}


def test_every_condition_is_described_as_in_r(reference, kept):
    expected = reference.expected("mushra")
    figures = 0
    for _, row in describe(kept).iterrows():
        theirs = expected["descriptives"][row["condition"]]
        values = kept.loc[kept["condition"] == row["condition"], "rating"].to_numpy()
        figures += check(_over_ratings(row, values), _closed_form(theirs["all_ratings"]))
        means = _interval(row["n_listeners"], row["mean_of_listeners"], row["sd_of_listeners"])
        figures += check(means, theirs["listener_means"])
        mine = {
            "skewness_G1": stats.skew(values, bias=False),
            "excess_kurtosis_G2": stats.kurtosis(values, bias=False),
            "b": row["modality"],
        }
        figures += check(mine, expected["multimodality"][row["condition"]])
    assert set(describe(kept)["condition"]) == set(expected["conditions"])
    assert figures == 6 * (11 + 7 + 3) + 28


def test_every_condition_of_every_item_is_described_as_in_r(reference, kept):
    expected = reference.expected("mushra")["descriptives_by_item"]
    figures = 0
    for _, row in describe(kept, by=["item", "condition"]).iterrows():
        here = (kept["item"] == row["item"]) & (kept["condition"] == row["condition"])
        mine = _over_ratings(row, kept.loc[here, "rating"].to_numpy())
        figures += check(mine, _closed_form(expected[row["item"]][row["condition"]]))
    assert figures == 60 * 11 + 43


@pytest.mark.parametrize(
    ("family", "conditions"),
    [
        ("all_conditions", ("ref", "mid", "low", "sysA", "sysB", "sysC")),
        ("systems_only", ("sysA", "sysB", "sysC")),
        ("close_systems", ("sysB", "sysC")),
    ],
)
def test_friedmans_test_is_rs_on_listeners_and_on_listener_item_blocks(
    reference, kept, family, conditions
):
    cell = cells(kept[kept["condition"].isin(conditions)])
    expected = reference.expected("mushra")["inference"][family]
    assert set(cell.conditions) == set(expected["conditions"])
    expected = expected["friedman"]
    found = {}
    for name, blocks in (
        ("listener_blocks", cell.listener_means()),
        ("listener_item_blocks", cell.means),
    ):
        test = friedman(blocks, conditions=cell.conditions)
        found[name] = {
            "n": test.n,
            "k": len(test.conditions),
            "chi2": test.chi2,
            "df": test.df,
            "p": test.p,
            "kendall_W": test.kendall_w,
        }
    assert check(found, expected) == 12


@pytest.mark.parametrize(("name", "figures"), [("mushra", 192), ("plain", 133), ("exempt", 133)])
def test_post_screening_has_rs_decisions_counts_and_shares(reference, name, figures):
    if name == "mushra":
        ratings, expected = reference.mushra(), reference.expected("mushra")["postscreen_bs1534_3"]
    else:
        ratings = reference.mushra("postscreen_edges")
        ratings = ratings[ratings["campaign"] == name]
        expected = reference.expected("postscreen_edges")[name]
    screening = screen(ratings)
    anchors = ratings[ratings["role"] == "anchor70"]
    above = anchors.assign(above=anchors["rating"] > 90).groupby("item")["above"].mean()
    columns = {
        "listener": "listener",
        "ref_below90": "reference_below_90",
        "ref_items": "reference_rated",
        "mid_above90_all_items": "anchor70_above_90_all",
        "mid_above90_nonexempt": "anchor70_above_90",
        "mid_items_nonexempt": "anchor70_rated",
    }
    found = {
        "exempt_items": list(screening.exempt_items),
        "mid_above90_fraction_by_item": above.to_dict(),
        "listeners": [
            {theirs: row[ours] for theirs, ours in columns.items()}
            | {
                "fails_reference": "hidden reference" in row["reason"],
                "fails_mid": "7 kHz anchor" in row["reason"],
                "excluded": bool(row["excluded"]),
            }
            for _, row in screening.decisions.iterrows()
        ],
        "excluded": list(screening.excluded),
    }
    assert check(found, expected) == figures
