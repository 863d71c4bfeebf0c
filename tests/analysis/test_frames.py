"""The tidy frames take what is complete and refuse the rest with one sentence."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from listening.analysis.frames import (
    DIRECTIONS,
    RATING_COLUMNS,
    AnalysisError,
    ratings_frame,
    scores_frame,
    single_method,
)
from metrics.catalogue import Direction

ROW = {
    "method": "mushra",
    "listener": 7,
    "trial": 1,
    "item": "i",
    "condition": "c",
    "role": "system",
    "rating": 50,
}
ANSWER = ROW | {"method": "abx", "rating": 1, "x_was": "c", "answer": "c"}
VOTE = ROW | {"method": "acr", "rating": 4}
SCORE = {"metric": "stoi", "value": 0.9, "item": "i", "condition": "c"}


def rows(*changes, row=ROW):
    return pd.DataFrame([row | change for change in changes])


def test_absent_columns_get_their_defaults_and_further_ones_are_kept():
    frame = ratings_frame(rows({"file": "a.wav"}))
    assert list(frame.columns) == [*RATING_COLUMNS, "file"]
    row = frame.iloc[0]
    assert (row["listener"], row["session"], row["position"], row["file"]) == ("7", "", -1, "a.wav")
    assert not row["simulated"]
    pd.testing.assert_frame_equal(ratings_frame(frame), frame)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (rows({}).drop(columns="role"), r"expected the column\(s\) role, found method, listener"),
        (
            rows({"rating": 101}),
            r"from 0 to 100 by mushra, found 101 \(listener '7', trial 1, i · c\)",
        ),
        (rows({"rating": -0.5}), "from 0 to 100 by mushra, found -0.5"),
        (rows({"rating": 3.5}, row=VOTE), "expected whole ratings from 1 to 5 by acr, found 3.5"),
        (rows({"rating": 0}, row=VOTE), "expected whole ratings from 1 to 5 by acr, found 0"),
        (
            rows({"rating": 5.1}, row=VOTE | {"method": "bs1116"}),
            "from 1 to 5 by bs1116, found 5.1",
        ),
        (rows({"scale": "SIG"}), "expected no scale beside a rating by mushra, found one"),
        (
            rows({"method": "p835"}, row=VOTE),
            "expected a scale beside a rating by p835, found none",
        ),
        (rows({"rating": "good"}), "expected a number as rating, found 'good' in row 1"),
        (rows({"rating": np.nan}), "expected a number as rating, found nan"),
        (rows({"trial": 1.5}), "expected a whole number as trial, found 1.5"),
        (rows({"role": "codec"}), "expected role to be one of reference, .* found 'codec'"),
        (rows({"method": "mos"}), "expected method to be one of mushra, .* found 'mos'"),
        (rows({"listener": None}), "name its listener, found an empty one"),
        (rows({"simulated": "no"}), "expected simulated to be true or false, found 'no'"),
        (rows({}, {"rating": 60}), "found two by listener '7' in trial 1 of 'c'"),
        (rows({"rating": 0.5}, row=ANSWER), r"1 \(correct\) or 0 \(wrong\) by abx, found 0.5"),
        (rows({"answer": "d"}, row=ANSWER), "1 exactly where the answer is what X was"),
    ],
)
def test_a_frame_that_cannot_be_ratings_is_refused(data, message):
    with pytest.raises(AnalysisError, match=message):
        ratings_frame(data)


def test_a_repeated_item_is_another_trial():
    assert len(ratings_frame(rows({}, {"trial": 2}))) == 2


def test_one_stimulus_may_be_rated_on_several_scales():
    of_speech = VOTE | {"method": "p835", "scale": "SIG"}
    assert len(ratings_frame(rows({}, {"scale": "BAK"}, row=of_speech))) == 2
    with pytest.raises(AnalysisError, match="one rating per listener, session, trial, condition"):
        ratings_frame(rows({}, {}, row=of_speech))


def test_one_campaign_and_one_method_at_a_time():
    two = ratings_frame(rows({"campaign": "a"}, {"campaign": "b"}))
    with pytest.raises(AnalysisError, match="expected one campaign at a time, found a, b"):
        single_method(two)
    with pytest.raises(AnalysisError, match="expected at least one rating, found none"):
        single_method(two.iloc[:0])


def test_scores_that_failed_have_no_value_whatever_stands_there():
    frame = scores_frame(rows({}, {"status": "silent", "value": 0.0}, row=SCORE))
    assert frame["value"].isna().tolist() == [False, True]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (rows({"value": None}, row=SCORE), "finite value .* found none for stoi of i · c"),
        (rows({"value": np.inf}, row=SCORE), "finite value .* found none for stoi of i · c"),
        (rows({"direction": "up"}, row=SCORE), "direction to be one of .* found 'up'"),
        (rows({}, row=SCORE).drop(columns="metric"), r"expected the column\(s\) metric"),
    ],
)
def test_a_frame_that_cannot_be_scores_is_refused(data, message):
    with pytest.raises(AnalysisError, match=message):
        scores_frame(data)


def test_directions_are_the_words_of_the_metrics_catalogue():
    assert set(DIRECTIONS) == {str(direction) for direction in Direction}
