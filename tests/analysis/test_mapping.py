"""The constrained cubic is the optimum: a general solver finds none better. Dependent correlations are `cocor`'s."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import optimize

from listening.analysis.correlation_tests import dependent_difference
from listening.analysis.frames import AnalysisError
from listening.analysis.mapping import fit_mapping


def squares(mapping, x, y):
    return float(((y - mapping(x)) ** 2).sum())


@pytest.mark.parametrize("seed", range(12))
def test_no_monotone_cubic_fits_better(seed):
    rng = np.random.default_rng(seed)
    x = np.sort(rng.uniform(-1, 1, 40))
    x[[0, -1]] = -1, 1
    shapes = [-x, x - 2.5 * x**3, x**2, np.sin(6 * x), -np.exp(2 * x), np.abs(x + 0.6)]
    y = shapes[seed % 6] + rng.normal(0, 0.2, 40)
    found = fit_mapping(x, y)
    assert found.held
    slopes = np.polynomial.polynomial.polyder(np.array(found.coefficients))
    grid = np.linspace(-1, 1, 2001)
    assert np.polynomial.polynomial.polyval(grid, slopes).min() >= -1e-8
    # SciPy's SLSQP on a grid of slopes, from the free fit
    columns = np.vander(x, 4, increasing=True)
    slope_rows = np.column_stack([0 * grid, 1 + 0 * grid, 2 * grid, 3 * grid**2])
    other = optimize.minimize(  # type: ignore[call-overload]
        lambda b: ((y - columns @ b) ** 2).sum(),
        np.array([y.mean(), 0.1, 0, 0]),
        jac=lambda b: -2 * columns.T @ (y - columns @ b),
        constraints=optimize.LinearConstraint(slope_rows, 0.0, np.inf),
        method="SLSQP",
        options={"ftol": 1e-14, "maxiter": 500},
    )
    assert squares(found, x, y) == pytest.approx(other.fun, rel=1e-6, abs=1e-9)


def test_a_cubic_that_rises_is_left_alone():
    x = np.linspace(1, 5, 30)
    y = 2 + 0.1 * (x - 3) ** 3 + 0.2 * x
    free, kept = fit_mapping(x, y, kind="cubic"), fit_mapping(x, y)
    assert not kept.held
    assert kept.coefficients == free.coefficients
    assert kept.in_scores() == pytest.approx([2 - 2.7, 2.7 + 0.2, -0.9, 0.1])
    assert fit_mapping(x, y, kind="none")(x) == pytest.approx(x)


@pytest.mark.parametrize(
    ("scores", "kind", "said"),
    [
        ([1.0, 2.0], "linear", "at least 3 points, found 2"),
        (np.arange(19.0), "cubic", "cubic mapping: expected at least 20 points, found 19"),
        (np.ones(25), "monotone cubic", "found 25 times 1"),
        ([1.0, np.nan, 2.0], "linear", "finite"),
        ([1.0, 2.0, 3.0], "spline", "found 'spline'"),
    ],
)
def test_what_cannot_be_mapped_is_refused(scores, kind, said):
    with pytest.raises(AnalysisError, match=said):
        fit_mapping(scores, np.arange(float(len(scores))), kind=kind)


def test_dependent_correlations_are_the_example_of_cocor():
    # R package cocor: r.jk = .2, r.jh = .5, r.kh = .1, n = 315
    found = dependent_difference(0.2, 0.5, 0.1, 315)
    assert found.williams_t == pytest.approx(-4.494993, abs=5e-7)
    assert found.williams_df == 312
    assert found.williams_p == pytest.approx(9.8e-6, rel=0.01)
    assert found.dunn_clark_z == pytest.approx(-4.441155, abs=5e-7)
    assert found.steiger_z == pytest.approx(-4.415183, abs=5e-7)
    assert found.mrr_z == pytest.approx(-4.389932, abs=5e-7)
    assert [found.mrr_low, found.mrr_high] == pytest.approx([-0.501308, -0.191840], abs=5e-7)


def test_equal_metrics_and_few_points_have_no_difference_to_test():
    with pytest.raises(AnalysisError, match="between −1 and 1"):
        dependent_difference(0.5, 0.5, 1.0, 20)
    with pytest.raises(AnalysisError, match="between −1 and 1"):
        dependent_difference(1 - 1e-15, 1 - 3e-16, 1 - 2e-16, 20)
    with pytest.raises(AnalysisError, match="at least 4 points, found 3"):
        dependent_difference(0.5, 0.4, 0.2, 3)
