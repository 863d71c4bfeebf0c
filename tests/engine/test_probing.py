"""What goes with a factor and what can be read: against F of scipy, scikit-learn's discriminant, and known truths."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from models_registry.engine import EngineError
from models_registry.engine.probing import SHRINKAGE, probe, variance_share


def two_factors(effect, *, n=60, dimensions=5, seed=0):
    """Rows in which `speaker` moves every dimension by `effect` and `room` moves none."""
    draw = np.random.default_rng(seed)
    speakers = np.arange(n) % 3
    rooms = (np.arange(n) // 3) % 2
    rows = draw.normal(size=(n, dimensions)) + effect * (speakers[:, None] - 1)
    return rows, [f"s{k}" for k in speakers], [f"r{k}" for k in rooms]


def test_the_share_follows_from_scipy_s_f():
    rows, speakers, _ = two_factors(0.5, dimensions=1)
    found = variance_share(rows, speakers, factor="speaker", draws=20)
    parts = [rows[np.array(speakers) == name, 0] for name in ("s0", "s1", "s2")]
    f = stats.f_oneway(*parts).statistic
    # Kelley's ε² in terms of F (Okada, Behaviormetrika 40(2), 2013, eq. 7)
    assert found.share == pytest.approx(2 * (f - 1) / (2 * f + 57))


def test_within_blocks_the_share_follows_from_the_sums_of_squares_of_statsmodels():
    """Two factors crossed, two rows in each cell: the error of one is what is left within the other's levels."""
    frame = pytest.importorskip("pandas").DataFrame
    api = pytest.importorskip("statsmodels.formula.api", reason="needs statsmodels")
    anova = pytest.importorskip("statsmodels.stats.anova").anova_lm
    draw = np.random.default_rng(3)
    speakers, rooms = (np.repeat(np.arange(3), 4), np.tile(np.repeat(np.arange(2), 2), 3))
    rows = (0.7 * speakers + 3.0 * rooms + draw.normal(size=12))[:, None]
    names, places = [f"s{k}" for k in speakers], [f"r{k}" for k in rooms]
    table = anova(
        api.ols("y ~ C(s) + C(r)", frame({"y": rows[:, 0], "s": names, "r": places})).fit()
    )
    between, error = table["sum_sq"]["C(s)"], table["mean_sq"]["Residual"]
    wanted = (between - 2 * error) / table["sum_sq"].sum()
    found = variance_share(rows, names, factor="speaker", within=places, draws=20)
    assert found.share == pytest.approx(wanted)


def test_what_goes_with_nothing_expects_nothing_and_keeps_its_error_rate():
    shares, low_p = [], 0
    for seed in range(60):
        rows, _, rooms = two_factors(0.0, n=30, seed=seed)
        found = variance_share(rows, rooms, factor="room", draws=60, seed=seed)
        shares.append(found.share)
        low_p += found.p <= 0.05
    assert np.mean(shares) == pytest.approx(0, abs=0.01)
    # of 60 at 5 %: more than 8 would come once in a hundred times
    assert low_p <= 8


def test_the_interval_covers_the_share_that_the_population_has():
    """Three levels one standard deviation apart: between 2 / 3, within 1."""
    truth, covered = (2 / 3) / (5 / 3), 0
    for seed in range(60):
        rows, speakers, _ = two_factors(1.0, n=60, seed=seed)
        found = variance_share(rows, speakers, factor="speaker", draws=100, seed=seed)
        covered += found.low <= truth <= found.high
    # of 60 at 95 %: fewer than 52 would come once in a hundred times
    assert covered >= 52


def test_what_is_there_is_read_and_what_is_not_is_not():
    rows, speakers, rooms = two_factors(3.0)
    read = probe(rows, speakers, factor="speaker", groups=rooms)
    assert read.accuracy > 0.95
    assert read.is_read
    assert read.low < read.accuracy <= read.high
    assert read.chance == pytest.approx(1 / 3, abs=0.05)
    not_read = probe(rows, rooms, factor="room", groups=speakers)
    assert not not_read.is_read
    assert not_read.low < 0.5 < not_read.high


def test_the_probe_is_scikit_learn_s_discriminant():
    learn = pytest.importorskip("sklearn.discriminant_analysis", reason="needs scikit-learn")
    rows, speakers, rooms = two_factors(0.6)
    labels, groups = np.array(speakers), np.array(rooms)
    right = 0
    for room in np.unique(groups):
        out = groups == room
        known = rows[~out]
        other = learn.LinearDiscriminantAnalysis(solver="lsqr", covariance_estimator=_Shrunken())
        other.fit(known, labels[~out])
        right += np.sum(other.predict(rows[out]) == labels[out])
    assert probe(rows, speakers, factor="speaker", groups=rooms, draws=5).accuracy == right / 60


class _Shrunken:
    """The covariance within classes, shrunken as the probe's; scikit-learn asks for it class by class."""

    def fit(self, rows):
        covariance = np.cov(rows.T, bias=True) * len(rows) / (len(rows) - 1)
        spread = np.trace(covariance) / len(covariance)
        self.covariance_ = (1 - SHRINKAGE) * covariance + SHRINKAGE * spread * np.eye(
            len(covariance)
        )
        return self


def test_as_many_dimensions_as_wished_do_no_harm():
    rows, speakers, rooms = two_factors(0.0, dimensions=300)
    found = probe(rows, speakers, factor="speaker", groups=rooms, draws=50)
    assert found.p > 0.01
    assert variance_share(rows, speakers, factor="speaker", draws=50).share < 0.1


@pytest.mark.parametrize("measure", [variance_share, probe])
@pytest.mark.parametrize(
    ("rows", "labels", "sentence"),
    [
        (np.ones((6, 2)), list("aabbcc"), "features that vary"),
        (np.eye(6), list("aaaaaa"), "two levels or more"),
        (np.eye(6), list("aaaaab"), "the rarest of 1"),
        (np.eye(6), list("ab"), "a label for each row"),
        (np.full((4, 1), np.nan), list("aabb"), "finite features"),
    ],
)
def test_what_cannot_be_told_gets_a_sentence(measure, rows, labels, sentence):
    with pytest.raises(EngineError, match=f"speaker: expected .*{sentence}|{sentence}"):
        measure(rows, labels, factor="speaker")
