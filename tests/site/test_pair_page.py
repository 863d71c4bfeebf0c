"""A signal beside its reference: three sounds, figures that come when they are seen, and every score."""

from __future__ import annotations

import io
import xml.etree.ElementTree as ET

import numpy as np
import pandas as pd
import pytest
import soundfile
from django.urls import reverse

from listening.pairs import FIGURES
from metrics import catalogue
from metrics.models import Score
from models_registry.audio import Audio
from models_registry.models import Job, Signal
from tests.factories import here, mushra_campaign, stored_tone
from tests.site.html import Page
from tests.tampering import strike

SVG = "{http://www.w3.org/2000/svg}svg"


@pytest.fixture
def pair(db):
    return stored_tone(440, level=0.5), stored_tone(445, level=0.4)


def address(pair, name="pair", *more):
    reference, degraded = pair
    where = reverse(name, args=[degraded.sha256, *more])
    return f"{where}?reference={reference.sha256}"


def text_of(response):
    return " ".join(response.content.decode().split())


def test_reference_degraded_and_difference_can_be_heard(researcher, pair):
    page = Page(researcher.get(address(pair)))
    reference, degraded = pair
    assert reverse("signal", args=[reference.sha256]) in page.sources
    assert reverse("signal", args=[degraded.sha256]) in page.sources
    assert address(pair, "pair-difference") in page.sources
    body = researcher.get(address(pair, "pair-difference")).getvalue()
    samples, rate = soundfile.read(io.BytesIO(body), dtype="float32")
    assert rate == 48_000
    expected = degraded.audio().samples - reference.audio().samples
    np.testing.assert_array_equal(samples, expected[0])


def test_the_page_opens_without_computing_a_figure(researcher, pair, monkeypatch):
    def no_pair(*args, **kwargs):
        raise AssertionError("the sounds were read")

    monkeypatch.setattr(Signal, "audio", no_pair)
    text = text_of(researcher.get(address(pair)))
    for name in FIGURES:
        assert f'hx-get="{reverse("pair-figure-part", args=[pair[1].sha256, name])}' in text


@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_comes_as_a_part_with_words_as_a_picture_and_as_data(researcher, pair, name):
    part = researcher.get(address(pair, "pair-figure-part", name))
    page = Page(part)
    picture = address(pair, "pair-figure", name, "svg")
    assert page.sources == [picture]
    assert page.unlabelled_images == 0
    assert "<html" not in text_of(part)
    assert ET.fromstring(researcher.get(picture).content).tag == SVG
    table = researcher.get(address(pair, "pair-figure", name, "csv"))
    frame = pd.read_csv(io.BytesIO(table.content))
    assert list(frame) == ["quantity", "time_s", "band", "band_unit", "value", "unit"]
    assert frame["value"].notna().any()
    assert frame["time_s"].between(0, 1.1).all()


def test_what_has_no_reference_shows_what_needs_none(researcher, pair):
    page = Page(researcher.get(reverse("pair", args=[pair[0].sha256])))
    sounds = [source for source in page.sources if source.endswith(".wav")]
    assert sounds == [reverse("signal", args=[pair[0].sha256])]
    refused = researcher.get(reverse("pair-figure", args=[pair[0].sha256, "masking", "svg"]))
    assert refused.status_code == 404
    drawn = researcher.get(reverse("pair-figure", args=[pair[0].sha256, "loudness", "svg"]))
    assert drawn.status_code == 200


def test_signals_of_other_length_have_no_difference_and_a_sentence_says_why(researcher, pair):
    longer = stored_tone(440, duration=1.5)
    text = text_of(researcher.get(address((longer, pair[1]))))
    assert "expected frames of 72000 as in the reference, found 48000" in text
    assert "difference.wav" not in text
    assert researcher.get(address((longer, pair[1]), "pair-difference")).status_code == 404


def test_a_figure_that_cannot_be_computed_says_why_in_its_place(researcher, db):
    short = stored_tone(440, duration=0.5), stored_tone(450, duration=0.5)
    text = text_of(researcher.get(address(short, "pair-figure-part", "noise-to-mask")))
    assert "expected at least 1 s, found 0.5 s" in text
    assert "<img" not in text


def test_a_lag_is_undone_where_that_is_asked_for(researcher, db):
    noise = np.random.default_rng(1).standard_normal((1, 48_000), np.float32)
    reference = Signal.objects.store(Audio(noise, 48_000), title="noise")
    late = np.concatenate([np.zeros((1, 100), np.float32), noise[:, :-100]], axis=1)
    degraded = Signal.objects.store(Audio(late, 48_000), title="late noise")
    here().signals.add(reference, degraded)
    where = address((reference, degraded), "pair-difference")
    as_it_lies, _ = soundfile.read(io.BytesIO(researcher.get(where).getvalue()))
    aligned, _ = soundfile.read(io.BytesIO(researcher.get(where + "&aligned=1").getvalue()))
    assert np.abs(as_it_lies).max() > 0.1
    assert len(aligned) == 48_000 - 100
    assert np.abs(aligned).max() == 0


def test_every_metric_stands_there_with_its_value_or_its_sentence(researcher, pair):
    reference, degraded = pair
    Score.objects.create(
        metric="si-sdr",
        metric_version=catalogue.get("si-sdr").version,
        signal=degraded,
        reference=reference,
        value=12.5,
        unit="dB",
        status="ok",
        settings={
            "alignment": {
                "lag": 3,
                "gain_db": -1.9,
                "polarity": -1,
                "drift_ppm": None,
                "correlation": 0.5,
            },
            "aligned": False,
        },
    )
    Score.objects.create(
        metric="pesq-wb",
        metric_version=catalogue.get("pesq-wb").version,
        signal=degraded,
        reference=reference,
        status="too_short",
        message="expected at least 9 s",
    )
    text = text_of(researcher.get(address(pair)))
    for said in ("12.5", "too short", "expected at least 9 s", "lag 3 samples", "polarity turned"):
        assert said in text
    for metric in catalogue.all():
        assert reverse("metric", args=[metric.name]) in text


def test_a_rendering_leads_to_its_version_and_a_stimulus_to_its_campaign(researcher, version):
    page = Page(researcher.get(reverse("pair", args=[version.renderings.get().output.sha256])))
    assert reverse("version", args=["overdrive", 1]) in page.links
    campaign = mushra_campaign(items=1)
    stimulus = campaign.trials.first().stimuli.first()
    page = Page(researcher.get(reverse("pair", args=[stimulus.signal.sha256])))
    assert campaign.get_absolute_url() in page.links


def test_scoring_a_pair_queues_a_job_that_names_both(researcher, pair):
    reference, degraded = pair
    response = researcher.post(address(pair, "pair-score"))
    job = Job.objects.get(kind="score-signals")
    assert response.url == reverse("job", args=[job.pk])
    assert job.arguments["pairs"] == [[degraded.pk, reference.pk], [reference.pk, None]]
    assert (job.arguments["actor"], job.arguments["align"]) == ("alice", False)


def test_scores_are_of_the_signals_as_they_lie_or_aligned_and_say_so(researcher, pair):
    reference, degraded = pair
    for lag_undone, value in ((False, -3.5), (True, 0.25)):
        Score.objects.create(
            metric="peaq-odg",
            metric_version=catalogue.get("peaq-odg").version,
            signal=degraded,
            reference=reference,
            lag_undone=lag_undone,
            value=value,
            status="ok",
        )
    as_they_lie = text_of(researcher.get(address(pair)))
    aligned = text_of(researcher.get(address(pair) + "&aligned=1"))
    assert "−3.5" in as_they_lie
    assert "lag undone</small>" not in as_they_lie
    assert "0.25" in aligned
    assert "as they lie</small>" not in aligned
    strike(Score.objects.filter(lag_undone=True))
    assert "as they lie</small>" in text_of(researcher.get(address(pair) + "&aligned=1"))
    researcher.post(address(pair, "pair-score") + "&aligned=1")
    assert Job.objects.get().arguments["align"] is True


def test_what_is_not_there_is_not_found(researcher, pair):
    reference, degraded = pair
    assert researcher.get(reverse("pair", args=["0" * 64])).status_code == 404
    assert researcher.get(f"{address(pair)}0").status_code == 404
    assert researcher.get(address(pair, "pair-figure", "nothing", "svg")).status_code == 404
    assert researcher.get(address(pair, "pair-figure", "loudness", "exe")).status_code == 404
