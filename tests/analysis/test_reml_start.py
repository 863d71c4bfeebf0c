"""Large designs settle from their mean squares in a few steps, at the minimum that the search finds."""

from __future__ import annotations

import numpy as np
import pytest

from listening.analysis import crossed, reml


def holed(conditions=6, listeners=60, items=30, *, spread=5.0):
    """A design with a tenth of its ratings missing; `spread` is the deviation of the interactions."""
    rng = np.random.default_rng(1)
    k, of, at = (codes.ravel() for codes in np.indices((conditions, listeners, items)))
    kept = rng.random(k.size) > 0.1
    k, of, at = k[kept], of[kept], at[kept]
    y = rng.normal(0, 8, listeners)[of] + rng.normal(0, 6, items)[at] + rng.normal(0, 10, k.size)
    y += rng.normal(0, spread, (conditions, listeners))[k, of]
    y += rng.normal(0, spread, (conditions, items))[k, at]
    return crossed.design(of, at, k, y)


def test_newtons_steps_from_the_mean_squares_end_where_the_search_does(monkeypatch):
    design = holed()
    asked: list[float] = []
    plain = crossed.Unbalanced.at

    def counted(of, ratios):
        asked.append(1)
        return plain(of, ratios)

    monkeypatch.setattr(crossed.Unbalanced, "at", counted)
    searched, _ = reml._searched(design, crossed.TERMS, lambda r: reml.restricted(design, r))
    by_search = len(asked)
    found = reml.fit(design, crossed.TERMS)
    assert found.ratios == pytest.approx(searched, rel=1e-6)
    assert len(asked) - by_search < 0.75 * by_search


def test_a_component_that_may_be_nothing_is_searched_for():
    design = holed(spread=0.0)
    assert reml._from_guess(design, crossed.TERMS) is None
    assert (reml.fit(design, crossed.TERMS).ratios[2:] < 1e-2).all()
