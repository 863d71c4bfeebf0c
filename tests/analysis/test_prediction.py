"""Ratings predicted from scores: exact where ratings follow scores exactly, P.1401's error elsewhere, never beyond."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from listening.analysis.frames import AnalysisError
from listening.analysis.p1401 import evaluate
from listening.analysis.prediction import predictor


def points(scores, ratings, metric="pesq"):
    return pd.DataFrame({"metric": metric, "value": scores, "rating": ratings})


def test_a_line_is_taken_over_exactly():
    found = predictor(points([1.0, 2, 3, 4], [20.0, 40, 60, 80]))
    assert found.mapping.kind == "linear"
    assert found(2.5) == pytest.approx(50)
    assert found.rmse == pytest.approx(0, abs=1e-9)
    assert found.r.n == 4


@pytest.mark.parametrize("sign", [1, -1])
def test_the_error_of_a_curve_is_that_of_p1401(sign):
    draw = np.random.default_rng(3)
    scores = draw.uniform(-3, 5, 40)
    ratings = 50 + 6 * scores + draw.normal(0, 5, 40)
    found = predictor(points(sign * scores, ratings))
    opinions = pd.DataFrame({"mos": ratings, "sd": 1.0, "n": 10, "ci": 1.0, "ci_t": 1.0})
    table, negated = evaluate(sign * scores, opinions, mappings=["monotone cubic"])
    assert negated == (sign < 0)
    assert found.rmse == pytest.approx(table["rmse"][0], rel=1e-9)


def test_beyond_the_scores_that_were_rated_nothing_is_made_up():
    found = predictor(points([1.0, 2, 3, 4], [20.0, 40, 60, 80]))
    assert found(100.0) == found(4.0)
    assert found(-100.0) == found(1.0)


def test_the_metric_that_agrees_best_is_taken_where_none_is_named():
    draw = np.random.default_rng(0)
    scores = np.arange(8.0)
    both = pd.concat(
        [
            points(scores, scores + draw.normal(0, 3, 8), "vague"),
            points(-scores, scores + draw.normal(0, 0.1, 8), "sharp"),
        ]
    )
    assert predictor(both).metric == "sharp"
    assert predictor(both, metric="vague").metric == "vague"


@pytest.mark.parametrize(
    ("scores", "message"),
    [([1.0, 2, np.nan], "at least 4"), ([2.0, 2, 2, 2, 2], "that vary"), ([], "scored: none")],
)
def test_too_little_to_go_by_is_refused(scores, message):
    with pytest.raises(AnalysisError, match=message):
        predictor(points(scores, np.arange(float(len(scores)))))


def test_a_metric_that_was_not_scored_is_refused_with_those_that_were():
    with pytest.raises(AnalysisError, match=r"scores of stoi .*scored: pesq"):
        predictor(points([1.0, 2, 3, 4], [20.0, 40, 60, 80]), metric="stoi")
