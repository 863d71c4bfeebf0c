"""Listener performance has R's mean squares; a listener who rates at random stays below the floor."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from listening.analysis.frames import AnalysisError
from listening.analysis.performance import performance
from tests.analysis.trees import check

NAMES = {
    "listener": "listener",
    "ms_stimulus": "MS_stimulus",
    "ms_error": "MS_error",
    "discrimination": "F",
    "df1": "df1",
    "df2": "df2",
    "p": "p",
    "icc1": "icc1",
}


@pytest.fixture
def replicates(reference):
    data = reference.data("replicates")
    return data.rename(columns={"stimulus": "item", "score": "rating"}).assign(condition="c")


def test_every_listeners_figures_are_rs(reference, replicates):
    # R: anova(lm(score ~ stimulus)) per listener
    found = performance(replicates)
    mine = [{theirs: row[ours] for ours, theirs in NAMES.items()} for _, row in found.iterrows()]
    assert check(mine, reference.expected("replicates")) == 80


def test_reliability_and_agreement_are_their_definitions(replicates):
    found = performance(replicates).set_index("listener")
    assert found["reliability"]["L01"] == pytest.approx(
        found["ms_error"].mean() / found["ms_error"]["L01"]
    )
    means = replicates.pivot_table(index="item", columns="listener", values="rating")
    others = means.drop(columns="L03").mean(axis=1)
    # numpy's correlation
    assert found.loc["L03", "agreement"] == pytest.approx(np.corrcoef(means["L03"], others)[0, 1])


def test_random_raters_pass_the_floors_one_time_of_twenty():
    rng = np.random.default_rng(7)
    rows = pd.DataFrame(
        [(f"L{n}", f"i{s}", "c") for n in range(300) for s in range(10) for _ in range(2)],
        columns=["listener", "item", "condition"],
    )
    found = performance(rows.assign(rating=rng.integers(0, 101, len(rows))), shuffles=200)
    for measure in ("discrimination", "agreement"):
        # the standard error is 0.013
        assert (found[measure] > found[f"{measure}_floor"]).mean() == pytest.approx(0.05, abs=0.04)


def test_what_a_listener_cannot_show_is_missing_and_said(replicates):
    constant = replicates["listener"] == "L01"
    exact = replicates["listener"] == "L02"
    once = (replicates["listener"] == "L03") & (replicates["replicate"] == 2)
    strange = replicates.assign(
        rating=np.where(
            constant,
            50,
            np.where(exact, replicates["item"].str[1:].astype(int), replicates["rating"]),
        )
    )[~once]
    found = performance(strange).set_index("listener")
    assert found.loc["L01", "note"] == "gave every stimulus one rating"
    assert found.loc["L02", "note"] == "repeated every rating exactly"
    assert found.loc["L03", "note"] == "rated no stimulus twice"
    assert found.loc[["L01", "L02", "L03"], "discrimination"].isna().all()
    assert np.isfinite(found["reliability"]["L04"])


def test_without_repetitions_there_is_nothing_to_measure(replicates):
    with pytest.raises(AnalysisError, match="rated twice or more, found none"):
        performance(replicates[replicates["replicate"] == 1])


def test_when_everybody_repeats_exactly_or_says_one_thing_figures_are_missing_with_a_note(
    replicates,
):
    same = replicates.assign(rating=replicates["item"].str[1:].astype(float))
    found = performance(same)
    assert set(found["note"]) == {"repeated every rating exactly"}
    assert found["discrimination"].isna().all()
    found = performance(replicates.assign(rating=50.0))
    assert set(found["note"]) == {"gave every stimulus one rating"}
    assert found[["ms_error", "reliability", "agreement"]].isna().all(axis=None)
