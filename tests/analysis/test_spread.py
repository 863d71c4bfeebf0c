"""The spread of numbers, held to what Schultz, Hahn & Spors (ICSA 2019) print of their listeners and their answers."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from listening.analysis.description import PERCENTILES, spread
from listening.analysis.frames import AnalysisError


@pytest.fixture
def study(shared):
    folder = shared / "data" / "ratings" / "abx_constant_phase"
    published = json.loads((folder / "published.json").read_text())
    return pd.read_csv(folder / "abx_constant_phase_shift.csv"), published


def test_the_ages_are_as_published(study):
    answers, published = study
    found = spread(answers.groupby("vp_id")["age"].first().to_numpy())
    assert found["n"] == published["n_listeners"]
    # printed to one decimal, 22.65 as 22.6
    for ours, theirs in {
        "mean": "mean",
        "sd": "sd_ddof1",
        **{f"p{n}": f"p{n}" for n in PERCENTILES},
    }.items():
        assert found[ours] == pytest.approx(published["age"][theirs], abs=0.0501)


def test_the_times_per_answer_are_as_published(study):
    answers, published = study
    signals = answers["trial_id"].str.replace(r"_\d+_\d+$", "", regex=True)
    for signal, printed in published["duration_percentiles_s_p5_p25_p50_p75_p95"].items():
        found = spread(answers.loc[signals == signal, "choice_time"].to_numpy() / 1000)
        assert [found[f"p{n}"] for n in PERCENTILES] == pytest.approx(printed, abs=0.0501)


def test_one_number_has_no_deviation_and_none_is_refused():
    assert np.isnan(spread(np.array([3.0]))["sd"])
    with pytest.raises(AnalysisError, match="found none"):
        spread(np.array([]))
