"""What was watched in a training, on the job's page and the version's: table, warnings, figures."""

from __future__ import annotations

import pytest
from django.urls import reverse

from listening import monitor_figures
from models_registry.models import TrainingRun
from tests.tampering import rewrite

pytestmark = pytest.mark.django_db


def row(step, level):
    return {
        "step": step,
        "loss": 0.5,
        "esr": 0.5,
        "validation_esr": 0.5,
        "monitor.level_drift": level,
        "monitor.coherence": 0.9,
        "monitor.erb_100_hz": -1.0,
        "monitor.erb_1000_hz": 2.0,
        "value.pre.low_gain": -6.0 + step,
        "share.pre.esr": 0.75,
        "share.pre.stft": 0.25,
        "gradient.pre": 0.1,
        "warnings": ["the output's level differs from the target's"] if abs(level) > 3 else [],
    }


@pytest.fixture
def watched(version):
    TrainingRun.objects.filter(pk=version.run.pk).update(history=[row(0, 9.5), row(50, -0.25)])
    return version


def test_the_run_s_page_says_what_is_watched(researcher, watched):
    text = researcher.get(reverse("job", args=[watched.run.job.pk])).content.decode()
    assert "What was watched: 1 warning" in text
    assert "step 0: the output&#x27;s level differs" in text
    assert "−0.25" in text
    assert "−3 … 3" in text
    for name in monitor_figures.CAPTIONS:
        assert reverse("monitor-figure", args=[watched.run.job.pk, name, "svg"]) in text


def test_the_version_s_page_shows_it_too(researcher, watched):
    address = reverse("version", args=["overdrive", 1])
    assert "What was watched" in researcher.get(address).content.decode()


def test_a_value_outside_its_limits_is_said_so(researcher, watched):
    rewrite(
        TrainingRun.objects.filter(pk=watched.run.pk),
        history=[row(0, 0)],
        recipe={"name": "overdrive", "limits": {"coherence": [0.95, 1]}},
    )
    text = researcher.get(reverse("job", args=[watched.run.job.pk])).content.decode()
    assert "<strong>the output&#x27;s phase no longer follows" in text


@pytest.mark.parametrize("name", sorted(monitor_figures.CAPTIONS))
def test_every_figure_is_served(researcher, watched, name):
    for form, begins in (("svg", b"<?xml"), ("pdf", b"%PDF")):
        answer = researcher.get(reverse("monitor-figure", args=[watched.run.job.pk, name, form]))
        assert answer.status_code == 200
        assert answer.content.startswith(begins)


def test_a_run_without_monitors_shows_none(researcher, version):
    assert (
        "watched" not in researcher.get(reverse("job", args=[version.run.job.pk])).content.decode()
    )
    for name in (*monitor_figures.CAPTIONS, "none"):
        address = reverse("monitor-figure", args=[version.run.job.pk, name, "svg"])
        assert researcher.get(address).status_code == 404
