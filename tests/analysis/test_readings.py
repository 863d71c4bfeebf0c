"""Every method's ratings are read as what they are: difference grades, opinions on one scale or on several."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from listening.analysis.frames import METHODS, AnalysisError, ratings_frame
from listening.analysis.opinions import OpinionAnalysis
from listening.analysis.report import READINGS, analyse, correlate


@pytest.fixture(scope="module")
def impairments(reference):
    return json.loads(analyse(reference.bs1116(), screening="bs1116-t").to_json())


def test_every_reading_has_an_analysis():
    assert {kind.reading for kind in METHODS.values()} <= set(READINGS)


def test_difference_grades_are_screened_and_described_as_in_r(reference, impairments):
    theirs = reference.expected("bs1116")
    kept = {row["listener"] for row in impairments["experts"] if row["expert"]}
    assert kept == set(theirs["experts"])
    assert impairments["screening"]["listeners_after"] == len(kept)
    for row in impairments["conditions"]:
        system, mine = theirs["systems"][row["condition"]], row["after_screening"]
        assert mine["mean"] == pytest.approx(system["all_ratings"]["mean"])
        assert [mine["ci_low"], mine["ci_high"]] == pytest.approx(system["listener_means"]["ci95"])
    for row in impairments["items"]:
        of_item = theirs["systems"][row["condition"]]["per_item"][row["item"]]
        assert row["after_screening"]["ci_high"] == pytest.approx(of_item["ci95"][1])


def test_how_the_hidden_reference_was_told_is_counted_and_tested_as_in_r(reference, impairments):
    data = reference.data("bs1116")
    theirs = reference.expected("bs1116")
    data = data[data["listener"].isin(theirs["experts"])]
    signs = (data["grade_system"] - data["grade_reference"]).groupby(data["system"])
    for row in impairments["identification"]:
        of_system = signs.get_group(row["condition"])
        assert row["identified"] == (of_system < 0).sum()
        assert row["tied"] == (of_system == 0).sum()
        assert row["misidentified"] == (of_system > 0).sum()
        assert row["t"] == pytest.approx(theirs["systems"][row["condition"]]["t_vs_zero"])
        assert row["p"] == pytest.approx(theirs["systems"][row["condition"]]["p_two_sided"])


def test_difference_grades_are_compared_by_the_mixed_model_and_raw_grades_are_kept(impairments):
    assert impairments["comparison"]["mixed"]["n_ratings"] == 160
    assert {row["condition"] for row in impairments["grades"]} == {
        "reference",
        "codecX",
        "codecY",
    }


def test_the_text_shows_grades_differences_and_how_the_reference_was_told(reference):
    text = analyse(reference.bs1116(), screening="bs1116-t").to_text()
    assert "2 of 12 listeners excluded" in text
    for heading in ("Grades:", "Difference grades:", "The hidden reference, by how it was graded"):
        assert heading in text


def test_mushras_rules_are_not_applied_to_impairments(reference):
    screening = analyse(reference.bs1116()).screening
    assert screening.excluded == ()
    assert screening.not_applied == ("ITU-R BS.1534-3 section 4.1.2 is for MUSHRA, this is bs1116",)


def test_opinions_are_described_as_in_r(reference):
    theirs = reference.expected("mos")["systems"]
    (scale,) = json.loads(analyse(reference.acr(), screening="none").to_json())["scales"]
    assert scale["scale"] == ""
    for row in scale["conditions"]:
        assert row["mean"] == pytest.approx(theirs[row["condition"]]["all_ratings"]["mean"])
    assert scale["comparison"]["pairs"]
    assert scale["ordinal"] is not None


@pytest.fixture(scope="module")
def speech(reference):
    """The reference votes on each of P.835's scales, those of the background one lower."""
    votes = reference.acr().assign(method="p835")
    lower = (votes["rating"] - 1).clip(lower=1)
    scales = [votes.assign(scale="SIG"), votes.assign(scale="BAK", rating=lower)]
    return ratings_frame(pd.concat([*scales, votes.assign(scale="OVRL")]))


def test_each_scale_has_its_own_report(reference, speech):
    analysis = analyse(speech, screening="none")
    assert isinstance(analysis, OpinionAnalysis)
    assert list(analysis.reports) == ["SIG", "BAK", "OVRL"]
    theirs = reference.expected("mos")["systems"]
    means = analysis.summary.set_index(["scale", "condition"])["mean"]
    for system, of_system in theirs.items():
        assert means["SIG", system] == pytest.approx(of_system["all_ratings"]["mean"])
        assert means["BAK", system] < of_system["all_ratings"]["mean"]
    text = analysis.to_text()
    assert text.index("\n\nSIG:") < text.index("\n\nBAK:") < text.index("\n\nOVRL:")


def test_metrics_are_held_against_the_overall_scale_or_the_one_that_is_named(reference, speech):
    stimuli = speech.groupby(["item", "condition"])["rating"].mean().reset_index()
    # the metric is the mean on BAK, so that it is that scale's perfect metric
    backgrounds = speech[speech["scale"] == "BAK"].groupby(["item", "condition"])["rating"].mean()
    scores = stimuli.drop(columns="rating").assign(
        metric="m", direction="higher", value=backgrounds.to_numpy()
    )
    named = correlate(speech, scores, screening="none", scale="BAK").table.iloc[0]
    overall = correlate(speech, scores, screening="none").table.iloc[0]
    assert named["pearson"] == pytest.approx(1)
    assert 0.9 < overall["pearson"] < 1
    with pytest.raises(AnalysisError, match="one scale of several, SPEED, found SIG, BAK, OVRL"):
        correlate(speech, scores, screening="none", scale="SPEED")
    sliders = ratings_frame(speech.assign(method="attributes"))
    with pytest.raises(AnalysisError, match="one scale of several, none was named, found SIG"):
        correlate(sliders, scores, screening="none")


def test_metrics_are_held_against_difference_grades(reference):
    ratings = reference.bs1116()
    differences = {
        key: row["mean"]
        for name, system in reference.expected("bs1116")["systems"].items()
        for key, row in (((item, name), of) for item, of in system["per_item"].items())
    }
    scores = pd.DataFrame(
        [(item, name, mean) for (item, name), mean in differences.items()],
        columns=["item", "condition", "value"],
    ).assign(metric="m", direction="higher")
    found = correlate(ratings, scores, screening="bs1116-t")
    assert found.table.iloc[0]["pearson"] == pytest.approx(1)
