"""Agreement of listeners is that of R's `psych`, `friedman.test` and Krippendorff's own coincidences."""

from __future__ import annotations

import numpy as np
import pytest

from listening.analysis.frames import AnalysisError
from listening.analysis.reliability import cronbach, intraclass, kendall_w, krippendorff, matrix


@pytest.fixture(scope="module")
def ratings(reference):
    return reference.data("ratings_complete").set_index("stimulus").to_numpy(dtype=float)


def test_intraclass_correlations_and_intervals_are_rs(reference, ratings):
    expected = reference.expected("reliability")["icc"]
    found = intraclass(ratings).set_index("kind")
    assert set(found.index) == set(expected)
    for kind, theirs in expected.items():
        mine = found.loc[kind]
        for column, name in (
            ("icc", "icc"),
            ("f", "F"),
            ("df1", "df1"),
            ("df2", "df2"),
            ("p", "p"),
        ):
            assert mine[column] == pytest.approx(theirs[name], rel=1e-8)
        assert [mine["ci_low"], mine["ci_high"]] == pytest.approx(theirs["ci95"], rel=1e-6)


def test_cronbachs_alpha_and_kendalls_w_are_rs(reference, ratings):
    expected = reference.expected("reliability")
    assert cronbach(ratings) == pytest.approx(expected["cronbach_alpha"], rel=1e-9)
    found, theirs = kendall_w(ratings), expected["kendall_W"]
    assert found.w == pytest.approx(theirs["W"], rel=1e-9)
    assert found.chi2 == pytest.approx(theirs["chi2"], rel=1e-9)
    assert found.df == theirs["df"]
    assert found.p == pytest.approx(theirs["p"], rel=1e-8)


@pytest.mark.parametrize("level", ["nominal", "ordinal", "interval"])
def test_krippendorffs_alpha_is_rs_with_and_without_gaps(reference, ratings, level):
    expected = reference.expected("reliability")
    assert krippendorff(ratings, level=level) == pytest.approx(
        expected["krippendorff_complete"][level], rel=1e-9
    )
    votes = matrix(reference.data("mos").rename(columns={"score": "rating"}))
    assert np.isnan(votes).any()
    assert krippendorff(votes, level=level) == pytest.approx(
        expected["krippendorff_mos_incomplete"][level], rel=1e-9
    )


def test_krippendorffs_published_example():
    # Krippendorff (2011), "Computing Krippendorff's alpha-reliability", section C: four observers, twelve units
    nan = np.nan
    observers = [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, nan, nan, nan],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, nan, 3],
        [nan, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, nan],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, nan],
    ]
    units = np.array(observers).T
    for level, alpha in (("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849)):
        assert krippendorff(units, level=level) == pytest.approx(alpha, abs=5e-4)


def test_shrout_and_fleiss_published_example():
    # Shrout & Fleiss (1979), tables 2 to 4: six targets, four judges
    ratings = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]
    found = intraclass(ratings).set_index("kind")["icc"]
    published = {"ICC1": 0.17, "ICC2": 0.29, "ICC3": 0.71}
    published |= {"ICC1k": 0.44, "ICC2k": 0.62, "ICC3k": 0.91}
    assert found.to_dict() == pytest.approx(published, abs=0.005)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: intraclass(np.array([[1, 2, 3]])), "found 1 by 3"),
        (lambda: intraclass(np.array([[1, np.nan], [2, 3]])), "complete design, found 1 gaps"),
        (lambda: intraclass(np.ones((4, 3))), "differ, found none"),
        (lambda: cronbach(np.ones((4, 3))), "stimuli that differ"),
        (lambda: kendall_w(np.ones((4, 3))), "ratings differ"),
        (lambda: krippendorff(np.ones((4, 3))), "ratings that differ"),
        (lambda: krippendorff([[1.0, np.nan], [np.nan, 2.0]]), "a stimulus with two votes"),
        (lambda: krippendorff([[1.0, 2.0]], level="ratio"), "found 'ratio'"),
    ],
)
def test_what_has_no_agreement_is_refused_with_a_sentence(call, said):
    with pytest.raises(AnalysisError, match=said):
        call()


def test_full_agreement_is_one():
    full = np.array([[1.0, 1, 1], [3, 3, 3], [5, 5, 5]])
    assert [krippendorff(full, level=level) for level in ("nominal", "ordinal")] == [1, 1]
    assert kendall_w(full).w == pytest.approx(1)
    assert cronbach(full) == pytest.approx(1)
