"""Tables of scores: sorted, filtered, compared, taken away as CSV, each value with its reason where there is none."""

from __future__ import annotations

import csv
import io

import pytest
from django.urls import reverse

from metrics import catalogue
from metrics.models import Score
from models_registry.models import Job, ModelVersion, Rendering
from tests.factories import mushra_campaign, stored_tone
from tests.site.conftest import scored as give_scores
from tests.site.html import Page
from tests.tampering import rewrite, strike


@pytest.fixture
def measured(db):
    """A campaign with scores that nobody has listened to yet."""
    campaign = mushra_campaign(items=2)
    give_scores(campaign)
    return campaign


def text_of(researcher, address):
    response = researcher.get(address)
    assert response.status_code == 200
    return " ".join(response.content.decode().split())


def address(campaign, query=""):
    return reverse("campaign-scores", args=[campaign.slug]) + query


def rows_of(researcher, where):
    response = researcher.get(where)
    assert response["Content-Type"].startswith("text/csv")
    return list(csv.DictReader(io.StringIO(response.content.decode())))


def scored(signal, reference, value, metric="si-sdr"):
    return Score.objects.create(
        metric=metric,
        metric_version=catalogue.get(metric).version,
        signal=signal,
        reference=reference,
        value=value,
        unit=catalogue.get(metric).unit,
        status="ok",
    )


def test_a_campaign_s_table_holds_every_stimulus_with_both_sounds(researcher, measured):
    page = Page(researcher.get(address(measured)))
    sounds = [source for source in page.sources if source.startswith("/signals/")]
    assert len(sounds) == 2 * 2 * 5
    for trial in measured.trials.all():
        for stimulus in trial.stimuli.all():
            pair = reverse("pair", args=[stimulus.signal.sha256])
            assert f"{pair}?reference={trial.reference.sha256}" in page.links


def test_the_csv_holds_the_rows_as_they_are_stored(researcher, measured):
    rows = rows_of(researcher, address(measured, "?metric=si-sdr&format=csv"))
    assert len(rows) == 2 * 5
    for row in rows:
        stored = Score.objects.get(
            metric="si-sdr",
            signal__sha256=row["signal"],
            reference__sha256=row["reference"],
        )
        assert float(row["value"]) == stored.value
        assert row["metric_version"] == stored.metric_version
        assert row["unit"] == "dB"


@pytest.mark.parametrize(("sort", "backwards"), [("si-sdr", False), ("-si-sdr", True)])
def test_rows_are_sorted_by_a_metric_and_what_has_no_value_comes_last(
    researcher, measured, sort, backwards
):
    silent = measured.trials.first().stimuli.get(condition__name="system one").signal
    rewrite(
        Score.objects.filter(metric="si-sdr", signal=silent),
        value=None,
        status="silent",
        message="it was silent",
    )
    rows = rows_of(researcher, address(measured, f"?metric=si-sdr&sort={sort}&format=csv"))
    values = [float(row["value"]) for row in rows[:-1]]
    assert values == sorted(values, reverse=backwards)
    assert rows[-1]["status"] == "silent"


def test_words_and_status_narrow_the_rows_and_a_refusal_shows_its_sentence(researcher, measured):
    silent = measured.trials.first().stimuli.get(condition__name="system one").signal
    rewrite(
        Score.objects.filter(metric="si-sdr", signal=silent),
        value=None,
        status="not_applicable",
        message="it was silent",
    )
    rows = rows_of(researcher, address(measured, "?metric=si-sdr&q=system+two&format=csv"))
    assert {row["condition"] for row in rows} == {"system two"}
    refused = address(measured, "?metric=si-sdr&status=refused")
    assert [row["signal"] for row in rows_of(researcher, refused + "&format=csv")] == [
        silent.sha256
    ]
    text = text_of(researcher, refused)
    assert "it was silent" in text
    assert "not applicable" in text
    assert "No signal here matches" in text_of(researcher, address(measured, "?q=xyzzy"))


def test_every_metric_shown_is_defined_in_place(researcher, measured):
    text = text_of(researcher, address(measured, "?metric=si-sdr"))
    assert 'popovertarget="define-si-sdr"' in text
    assert catalogue.get("si-sdr").description in text


def test_conditions_are_compared_in_the_direction_of_the_metric(researcher, measured):
    for trial in measured.trials.all():
        for name, values in {"lsd": (3.0, 1.0), "si-sdr": (5.0, 9.0)}.items():
            for condition, value in zip(("system one", "system two"), values, strict=True):
                signal = trial.stimuli.get(condition__name=condition).signal
                strike(Score.objects.filter(metric=name, signal=signal))
                scored(signal, trial.reference, value, metric=name)
    query = "?metric=lsd&metric=si-sdr&first=system one&second=system two"
    text = text_of(researcher, address(measured, query))
    assert text.count("system two in 2, system one in 0 of 2") == 2
    assert "<strong>−2</strong> dB" in text
    assert "<strong>4</strong> dB" in text


def test_versions_are_compared_over_the_inputs_that_both_rendered(researcher, version, tmp_path):
    first = version.renderings.get()
    second = ModelVersion.objects.register(
        version.model, chain=version.chain, weights=b"other", card={}, reason="another"
    )
    target = stored_tone(500)
    other = Rendering.objects.create(version=second, input=first.input, output=stored_tone(310))
    Rendering.objects.create(version=second, input=stored_tone(210), output=stored_tone(320))
    scored(first.output, target, 10.0)
    scored(other.output, target, 7.0)
    where = reverse("version-scores", args=["overdrive", 1])
    assert "Compare with" in text_of(researcher, where)
    text = text_of(researcher, where + "?second=overdrive@2")
    assert "<strong>−3</strong> dB" in text
    assert "overdrive@2 in 0, overdrive@1 in 1 of 1" in text


def test_any_signals_stand_on_a_table_of_their_own_with_what_made_them(researcher, version):
    rendering = version.renderings.get()
    scored(rendering.output, stored_tone(500), 10.0)
    scored(stored_tone(600), None, -12.0, metric="integrated-loudness")
    rows = rows_of(
        researcher, reverse("scores") + "?metric=si-sdr&metric=integrated-loudness&format=csv"
    )
    assert [(row["metric"], row["model_version"]) for row in rows] == [
        ("integrated-loudness", ""),
        ("si-sdr", "overdrive@1"),
    ]
    assert len(rows_of(researcher, reverse("scores") + "?q=600&format=csv")) == 1


def test_a_job_s_table_holds_its_pairs_alone(researcher, db):
    signal, reference = stored_tone(440), stored_tone(450)
    scored(signal, reference, 3.0)
    scored(stored_tone(460), reference, 4.0)
    job = Job.objects.create(
        kind="score-signals",
        state=Job.State.DONE,
        arguments={"pairs": [[signal.pk, reference.pk]], "metrics": ["si-sdr"], "actor": "alice"},
    )
    where = f"{reverse('scores')}?job={job.pk}"
    assert where in Page(researcher.get(reverse("job", args=[job.pk]))).links
    assert [row["signal"] for row in rows_of(researcher, where + "&format=csv")] == [signal.sha256]


def test_a_table_without_rows_says_so(researcher, db):
    assert "Nothing has been scored yet" in text_of(researcher, reverse("scores"))
