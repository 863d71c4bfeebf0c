"""A crowded end of the scale and a panel that is too small are said."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from listening.analysis.cautions import cautions
from listening.analysis.comparison import compare
from listening.analysis.frames import AnalysisError
from tests.analysis.conftest import campaign

ROLES = {"ref": "reference", "a": "system", "b": "system"}


def rated(spread, listeners=12):
    rng = np.random.default_rng(4)
    grades = {
        f"L{n}": {
            "ref": [100.0] * 4,
            "a": list(np.round(rng.normal(60, spread, 4)).clip(5, 95)),
            "b": list(np.round(rng.normal(50, spread, 4)).clip(5, 95)),
        }
        for n in range(listeners)
    }
    return campaign(grades, ROLES)


def test_a_system_at_the_top_is_named_but_not_the_hidden_reference():
    ratings = rated(5)
    ratings.loc[(ratings["condition"] == "a") & (ratings["trial"] < 3), "rating"] = 100.0
    (found,) = cautions(ratings, compare(ratings))
    assert found.startswith("a: 50 % of its ratings are the highest there is (100)")


def test_a_panel_that_would_miss_a_tenth_of_the_scale_is_told_what_it_would_find():
    ratings = rated(25, listeners=4)
    compared = compare(ratings)
    (found,) = cautions(ratings, compared)
    assert f"up to {compared.pairs['detectable'].iloc[0]:.1f} points" in found
    assert cautions(rated(4), compare(rated(4))) == ()


def test_ratings_by_several_methods_are_refused():
    ratings = rated(5)
    mixed = pd.concat([ratings, ratings.assign(method="bs2132")])
    with pytest.raises(AnalysisError, match="expected ratings by one method, found 2"):
        cautions(mixed, compare(ratings))
