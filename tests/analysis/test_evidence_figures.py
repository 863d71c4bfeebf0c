"""The figures behind the results page draw the analysis's numbers, and say when listeners were simulated."""

from __future__ import annotations

import numpy as np
import pytest

from listening.analysis.frames import AnalysisError
from listening.analysis.league import league
from listening.analysis.monitoring import ALPHA, FIRST_LOOK, progress
from listening.evidence_figures import (
    LISTENERS,
    league_forest,
    metric_map,
    metric_table,
    sequence_plot,
    sequence_table,
)
from tests.analysis.conftest import campaign
from tests.analysis.test_league import points_of


@pytest.fixture
def arrived():
    rng = np.random.default_rng(5)
    grades = {
        f"L{n}": {"a": [70 + rng.normal(0, 4)], "b": [60.0], "c": [61 + rng.normal(0, 4)]}
        for n in range(20)
    }
    return campaign(grades, dict.fromkeys("abc", "system"))


@pytest.fixture
def points():
    rng = np.random.default_rng(1)
    rating = rng.normal(50, 15, 48)
    scores = {"near": rating + rng.normal(0, 5, 48), "far": rng.normal(size=48)}
    return points_of(scores, rating).assign(simulated=False)


def drawn(line):
    return tuple(np.asarray(values, dtype=float) for values in line.get_data())


def words(figure):
    figure.draw_without_rendering()
    found = figure.findobj(lambda artist: hasattr(artist, "get_text"))
    return " | ".join(text.get_text() for text in found)


def test_every_pair_has_a_panel_that_ends_where_progress_stands(arrived):
    panels = [axes for axes in sequence_plot(arrived).axes if axes.get_visible()]
    pairs = [("a", "b"), ("a", "c"), ("b", "c")]
    assert [axes.get_title(loc="left") for axes in panels] == [f"{a} − {b}" for a, b in pairs]
    for axes, (a, b) in zip(panels, pairs, strict=True):
        now = progress(arrived, a, b, alpha=ALPHA / 3)
        n, mean = drawn(axes.lines[0])
        assert (n[-1], mean[-1]) == pytest.approx((20, now.mean))
        corners = np.asarray(axes.collections[0].get_paths()[0].vertices)
        assert corners[:, 0].min() == FIRST_LOOK
        assert corners[corners[:, 0] == 20, 1].min() == pytest.approx(now.low)
        assert corners[corners[:, 0] == 20, 1].max() == pytest.approx(now.high)


def test_a_sequence_of_few_listeners_has_no_band_and_of_one_system_no_figure(arrived):
    few = arrived[arrived["listener"].isin([f"L{n}" for n in range(3)])]
    assert len(drawn(sequence_plot(few).axes[0].lines[0])[0]) == 3
    with pytest.raises(AnalysisError, match="two systems"):
        sequence_plot(arrived[arrived["condition"] == "a"])


def test_the_forest_shows_every_metric_at_its_r(points):
    found = league(points)
    axes = league_forest(found, points).axes[0]
    (r,) = (drawn(line)[0] for line in axes.lines if line.get_marker() == "o")
    assert r.tolist() == pytest.approx(found.table["r"].tolist())
    names = [label.get_text() for label in axes.get_yticklabels()]
    assert names == found.table["metric"].tolist() == ["near", "far"]


def test_an_empty_league_is_refused(points):
    constant = points.assign(value=1.0)
    with pytest.raises(AnalysisError, match="league: expected metrics"):
        league_forest(league(constant), constant)


def test_simulated_listeners_are_stamped(arrived, points):
    assert "SIMULATED" not in words(sequence_plot(arrived.assign(simulated=False)))
    assert "SIMULATED" in words(sequence_plot(arrived.assign(simulated=True)))
    assert "SIMULATED" in words(league_forest(league(points), points.assign(simulated=True)))


def test_the_metric_map_holds_every_r_and_the_listeners_beside_what_is_like_them(points):
    table = metric_table(points)
    wide = points.pivot(index=["item", "condition"], columns="metric", values="value")
    near = points[points["metric"] == "near"]
    assert table.loc["near", "far"] == pytest.approx(np.corrcoef(wide["near"], wide["far"])[0, 1])
    expected = np.corrcoef(near["value"], near["rating"])[0, 1]
    assert table.loc["near", LISTENERS] == pytest.approx(expected)
    order = list(table.columns)
    assert abs(order.index("near") - order.index(LISTENERS)) == 1
    assert list(table.index) == order
    shown = metric_map(points).axes[0].images[0].get_array()
    assert np.asarray(shown) == pytest.approx(table.to_numpy())


def test_one_metric_has_no_map(points):
    with pytest.raises(AnalysisError, match="expected two metrics"):
        metric_table(points[points["metric"] == "near"])


def test_the_sequences_as_a_table_are_those_drawn(arrived):
    table = sequence_table(arrived)
    now = progress(arrived, "a", "b", alpha=ALPHA / 3)
    last = table.query("a == 'a' and b == 'b'").iloc[-1]
    assert (last["mean"], last["low"], last["high"]) == (now.mean, now.low, now.high)
