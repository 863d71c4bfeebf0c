"""Difference grades, and whether a listener's show expertise (ITU-R BS.1116-3).

A subjective difference grade (SDG) is the grade of a system less that of the hidden reference in the same trial: 0
when no difference was heard, above 0 when the two were mistaken for each other.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats

from listening.analysis.description import CONFIDENCE
from listening.analysis.frames import AnalysisError

PRESENTATION = ["listener", "session", "trial", "item"]
# grades are given to 0.1; this is less than any of them and more than what subtraction leaves
DECIMALS = 6
EXPERTISE_COLUMNS = ["listener", "n", "mean", "sd", "t", "df", "p", "upper", "expert"]


def difference_grades(ratings: pd.DataFrame) -> pd.DataFrame:
    """The rows of the systems, `rating` being their difference grades.

    Trials without a hidden reference have none. Raises `AnalysisError` when that leaves no grade.
    """
    systems = ratings[ratings["role"] == "system"]
    grades = less_reference(ratings)[systems.index]
    found = systems.assign(rating=grades)[grades.notna()]
    if found.empty:
        raise AnalysisError(
            "difference grades: expected systems rated beside a hidden reference, found none"
        )
    return found


def less_reference(ratings: pd.DataFrame) -> pd.Series:
    """Each row's rating less that of the hidden reference in the same trial; missing where there is none, and for the
    hidden reference itself."""
    reference = ratings[ratings["role"] == "reference"].drop_duplicates(PRESENTATION)
    beside = ratings[PRESENTATION].merge(
        reference[[*PRESENTATION, "rating"]], on=PRESENTATION, how="left"
    )["rating"]
    found = (ratings["rating"] - beside.to_numpy()).round(DECIMALS)
    return found.where(ratings["role"] != "reference")


def expertise(grades: pd.DataFrame) -> pd.DataFrame:
    """Test per listener that the mean difference grade lies below 0: one-sided t-test at 5 %.

    `grades` has the columns listener and rating (the difference grade). Returns `EXPERTISE_COLUMNS`: upper is
    the mean's one-sided 95 % limit, which is below 0 for an expert. Without spread, or with one grade, there is no
    test (t, p and upper are missing), and the sign of the mean decides.
    """
    by_listener = grades.groupby("listener", sort=False, observed=True)["rating"]
    table = by_listener.agg(n="count", mean="mean", sd="std").reset_index()
    n, mean, sd = (table[c].to_numpy(dtype=float) for c in ("n", "mean", "sd"))
    tested = (n > 1) & (sd > 0)
    se = np.where(tested, sd / np.sqrt(n), np.nan)
    t, df = mean / se, np.where(tested, n - 1, np.nan)
    p = stats.t.cdf(t, df)
    return table.assign(
        t=t,
        df=n - 1,
        p=p,
        upper=mean + stats.t.ppf(CONFIDENCE, df) * se,
        expert=np.where(tested, p < 1 - CONFIDENCE, mean < 0),
    )[EXPERTISE_COLUMNS]
