"""Figures show the numbers that R gives, name their axes, and say when listeners were simulated."""

from __future__ import annotations

import io
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from listening import figures
from listening.analysis.correlation import join
from listening.analysis.frames import AnalysisError, scores_frame
from listening.analysis.screening import screen


@pytest.fixture
def ratings(reference):
    return reference.mushra()


@pytest.fixture
def kept(ratings):
    return screen(ratings).keep(ratings)


@pytest.fixture
def points(kept):
    means = kept.groupby(["item", "condition"])["rating"].mean().reset_index()
    scores = means.assign(
        metric="pesq_wb", unit="MOS-LQO", direction="higher", value=-means["rating"], status="ok"
    )
    return join(kept, scores_frame(scores.drop(columns="rating")), roles=["system"])


def all_figures(ratings, points, abx):
    return {
        "condition_means": figures.condition_means(ratings),
        "box_plots": figures.box_plots(ratings),
        "item_profile": figures.item_profile(ratings),
        "screening_plot": figures.screening_plot(ratings, screen(ratings)),
        "metric_scatter": figures.metric_scatter(points),
        "abx_proportions": figures.abx_proportions(abx),
    }


def words(figure):
    figure.draw_without_rendering()
    texts = figure.findobj(lambda artist: hasattr(artist, "get_text"))
    return " | ".join(text.get_text() for text in texts)


def test_intervals_of_the_condition_means_are_rs(reference, kept):
    expected = reference.expected("mushra")["descriptives"]
    axes = figures.condition_means(kept).axes[0]
    names = [label.get_text() for label in axes.get_xticklabels()]
    assert names == ["ref", "sysA", "sysB", "sysC", "mid", "low"]
    for name, bar in zip(names, axes.containers, strict=True):
        (segment,) = bar[2][0].get_segments()
        means = expected[name]["listener_means"]
        assert segment[:, 1] == pytest.approx(means["ci95"])
        assert bar[0].get_ydata()[0] == pytest.approx(means["mean"])


def test_boxes_are_rs_hinges(reference, kept):
    expected = reference.expected("mushra")["descriptives"]
    axes = figures.box_plots(kept).axes[0]
    for label, box in zip(axes.get_xticklabels(), axes.patches, strict=True):
        heights = np.asarray(box.get_path().vertices)[:, 1]
        by = expected[label.get_text()]["all_ratings"]
        assert (heights.min(), heights.max()) == (by["q1_hinge"], by["q3_hinge"])


def test_the_scatter_says_r_its_interval_n_and_the_sign(points):
    said = words(figures.metric_scatter(points))
    assert "pesq_wb: r = −1.00 [−1.00, −1.00], n = 30 stimuli" in said
    assert "disagrees with the listeners: r is negative although higher is better" in said
    assert "pesq_wb (MOS-LQO, higher is better)" in said


def test_a_scatter_counts_missing_scores_and_refuses_two_metrics(points):
    gappy = points.assign(value=points["value"].where(points["item"] != "I01"))
    assert "n = 27 stimuli, 3 without score" in words(figures.metric_scatter(gappy))
    two = pd.concat([points, points.assign(metric="stoi")])
    with pytest.raises(AnalysisError, match="scores of one metric, found 60 of pesq_wb, stoi"):
        figures.metric_scatter(two)


def test_the_screening_plot_marks_the_excluded_and_their_counts(ratings):
    said = words(figures.screening_plot(ratings, screen(ratings)))
    assert "2 of 20 listeners excluded" in said
    assert "L07 ✕" in said
    assert "L15 ✕" in said
    assert "3/10" in said
    assert "10/10" in said


def test_abx_intervals_are_rs_clopper_pearson(reference):
    expected = reference.expected("abx")["per_listener"]
    axes = figures.abx_proportions(reference.abx()).axes[0]
    drawn = np.vstack([segment for bar in axes.containers for segment in bar[2][0].get_segments()])
    # R's limits of every listener are among the ends drawn
    for row in expected:
        low, high = row["clopper_pearson95"]
        assert np.isclose(drawn[:, 0], low).any()
        assert np.isclose(drawn[:, 0], high).any()


def test_simulated_listeners_are_stamped_and_people_are_not(reference, ratings, points):
    abx = reference.abx()
    for name, figure in all_figures(ratings, points, abx).items():
        assert "SIMULATED" not in words(figure), name
    simulated = [frame.assign(simulated=True) for frame in (ratings, points, abx)]
    for name, figure in all_figures(*simulated).items():
        assert "SIMULATED LISTENERS" in words(figure), name
    mixed = ratings.assign(simulated=ratings["listener"] == "L01")
    assert "SOME LISTENERS ARE SIMULATED" in words(figures.condition_means(mixed))


def test_every_figure_names_its_axes_and_becomes_svg_pdf_and_png(reference, ratings, points):
    for name, figure in all_figures(ratings, points, reference.abx()).items():
        assert figure.axes[-1].get_xlabel(), name
        assert figure.axes[0].get_ylabel(), name
        for form, opening in (("svg", b"<?xml"), ("pdf", b"%PDF"), ("png", b"\x89PNG")):
            file = io.BytesIO()
            figure.savefig(file, format=form)
            assert file.getvalue().startswith(opening), (name, form)


def test_one_listener_and_one_item_can_be_drawn(ratings, reference):
    one = ratings[(ratings["listener"] == "L01") & (ratings["item"] == "I01")]
    assert "1 listener" in words(figures.condition_means(one))
    for draw in (figures.box_plots, figures.item_profile):
        assert "sysA" in words(draw(one))


def test_a_screening_plot_without_reference_or_anchor_is_refused(ratings):
    systems = ratings[ratings["role"] == "system"]
    with pytest.raises(AnalysisError, match="hidden reference or a 7 kHz anchor, found none"):
        figures.screening_plot(systems, screen(systems))


def test_figures_leave_pyplot_alone():
    code = "import sys, listening.figures; sys.exit('matplotlib.pyplot' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
