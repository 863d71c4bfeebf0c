"""Centred kernel alignment: held to closed forms, to the sum over quadruples, and to what its null must do."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy import stats

from models_registry.engine import EngineError
from models_registry.engine.congruence.similarity import (
    _Kernel,
    debiased_cka,
    plain_cka,
    similarity,
)


def walk(n, units, seed, memory=0.9):
    """Features that drift, as those of sounds do."""
    draw = np.random.default_rng(seed)
    steps = draw.normal(size=(n, units))
    for k in range(1, n):
        steps[k] += memory * steps[k - 1]
    return steps


def test_of_one_unit_each_it_is_the_squared_correlation():
    """Of scipy's Pearson correlation."""
    draw = np.random.default_rng(0)
    x = draw.normal(size=50)
    y = 0.5 * x + draw.normal(size=50)
    assert plain_cka(x[:, None], y[:, None]) == pytest.approx(stats.pearsonr(x, y)[0] ** 2)


def test_turned_and_scaled_it_is_the_same():
    draw = np.random.default_rng(1)
    x = draw.normal(size=(60, 5))
    turn = stats.ortho_group.rvs(5, random_state=1)
    assert plain_cka(x, 3 * x @ turn + 7) == pytest.approx(1)
    assert debiased_cka(x, 3 * x @ turn + 7) == pytest.approx(1)
    # but not under any other linear map (Kornblith et al., section 2.1)
    assert plain_cka(x, x * [1, 2, 4, 8, 16]) < 0.9


def test_the_unbiased_dependence_is_the_mean_over_quadruples():
    """The U-statistic that Song et al. 2012 estimate without a loop, written out (their eq. 4)."""
    draw = np.random.default_rng(2)
    x, y = draw.normal(size=(7, 3)), draw.normal(size=(7, 2))
    k, m = x @ x.T, y @ y.T
    sums = [
        k[i, j] * (m[i, j] + m[q, r] - 2 * m[i, q])
        for i, j, q, r in itertools.permutations(range(7), 4)
    ]
    assert _Kernel(x).with_(_Kernel(y)) == pytest.approx(np.mean(sums))


def test_wide_and_few_independent_features_are_not_called_alike():
    found = [
        debiased_cka(
            np.random.default_rng(2 * n).normal(size=(40, 60)),
            np.random.default_rng(2 * n + 1).normal(size=(40, 60)),
        )
        for n in range(200)
    ]
    assert abs(np.mean(found)) < 0.01
    assert plain_cka(walk(40, 60, 1, 0), walk(40, 60, 2, 0)) > 0.4


def test_features_that_only_drift_alike_are_not_called_alike():
    """Of drifting but independent features no more than the level are below it: p is a p value."""
    ps = [similarity([walk(150, 4, 2 * n)], [walk(150, 4, 2 * n + 1)]).p for n in range(60)]
    assert np.mean(np.array(ps) < 0.1) < 0.25
    assert stats.kstest(ps, "uniform").pvalue > 0.001


def test_what_is_alike_is_beyond_its_null_and_within_its_interval():
    draw = np.random.default_rng(5)
    xs = [walk(60, 5, seed) for seed in range(6)]
    map_ = draw.normal(size=(5, 8))
    ys = [x @ map_ + 2 * walk(60, 8, 50 + n) for n, x in enumerate(xs)]
    found = similarity(xs, ys)
    longer = [walk(20_000, 5, 100)]
    truth = debiased_cka(longer[0], longer[0] @ map_ + 2 * walk(20_000, 8, 101))
    assert found.low < truth < found.high
    assert found.p == pytest.approx(1 / 500)
    assert found.value > found.null_high
    assert (found.moments, found.clips) == (360, 6)


def test_constant_features_and_too_few_moments_are_refused_in_a_sentence():
    x = walk(50, 3, 0)
    with pytest.raises(EngineError, match="found constant ones"):
        similarity([x], [np.full((50, 2), 3.7)])
    with pytest.raises(EngineError, match="expected 20 moments or more"):
        similarity([x[:10]], [x[:10]])
    with pytest.raises(EngineError, match="as many moments"):
        similarity([x], [x[:-1]])
