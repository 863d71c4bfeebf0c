"""Models and versions: hashes, chain, learned values, training, renderings, and training once more."""

from __future__ import annotations

import sys

import pytest
from django.urls import reverse

from listening.views.diagram import diagram
from models_registry.models import AuditEvent, Job, TrainingRun
from tests.site.conftest import CHAIN
from tests.site.html import Page


def text_of(response):
    return " ".join(response.content.decode().split())


def test_a_version_shows_its_hashes_reason_and_environment(researcher, version):
    text = text_of(researcher.get(reverse("version", args=["overdrive", 1])))
    for shown in (version.sha256, version.weights_sha256, "the treble was dull", "to be tested"):
        assert shown in text
    assert "torch" in text


def test_learned_values_stand_with_unit_and_range(researcher, version):
    text = text_of(researcher.get(reverse("version", args=["overdrive", 1])))
    assert "−6</td> <td>dB</td>" in text
    assert "−24 … 24" in text
    # 47.9 of at most 48 dB
    assert text.count("at the end") == 1
    assert "adapter ±20 %" in text


def test_without_the_engine_the_page_says_what_is_missing(researcher, version, monkeypatch):
    monkeypatch.setitem(sys.modules, "models_registry.engine", None)
    response = researcher.get(reverse("version", args=["overdrive", 1]))
    assert response.status_code == 200
    text = text_of(response)
    assert "earwitness[engine]" in text
    assert version.sha256 in text


def test_weights_that_cannot_be_read_cost_their_table_only(researcher, version):
    version.weights.storage.delete(version.weights.name)
    response = researcher.get(reverse("version", args=["overdrive", 1]))
    assert response.status_code == 200
    assert "cannot be read" in text_of(response)


def test_renderings_play_beside_their_inputs(researcher, version):
    page = Page(researcher.get(reverse("version", args=["overdrive", 1])))
    rendering = version.renderings.get()
    for signal in (rendering.input, rendering.output):
        assert reverse("signal", args=[signal.sha256]) in page.sources


def test_the_diagram_puts_an_adapter_beneath_what_it_moves():
    drawn = diagram(CHAIN)
    pre, drive = drawn.blocks
    (follower,) = drawn.adapters
    assert pre.right < drive.x
    assert follower.lines == (drive.centre,)
    assert follower.y > drive.y + drawn.height_of_box
    assert follower.right <= drawn.width


def test_training_again_starts_from_the_version_s_recipe_and_seed(researcher, version):
    page = Page(researcher.get(reverse("version", args=["overdrive", 1])))
    assert f"{reverse('train')}?recipe=overdrive&seed=7" in page.links
    form = researcher.get(reverse("train"), {"recipe": "overdrive", "seed": 7})
    assert form.context["form"].initial == {"recipe": "overdrive", "seed": "7"}


def test_a_training_is_queued_with_its_reason(researcher, version):
    asked = {
        "recipe": "overdrive",
        "settings": "training.steps = 5",
        "seed": 3,
        "reason": "a softer knee",
    }
    response = researcher.post(reverse("train"), asked)
    run = TrainingRun.objects.get(seed=3)
    assert response.url == reverse("job", args=[run.job.pk])
    assert run.recipe["training"]["steps"] == 5
    assert run.reason == "a softer knee"
    assert run.job.arguments["actor"] == "alice"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"reason": ""}, "required"),
        ({"settings": "steps"}, "expected key=value"),
        ({"settings": "training.stepz=5"}, "did you mean"),
        ({"recipe": "/etc/passwd"}, "valid choice"),
        ({"seed": -1}, "greater than or equal to 0"),
    ],
)
def test_what_cannot_be_trained_is_refused_on_the_form(researcher, version, change, said):
    asked = {"recipe": "overdrive", "settings": "", "seed": 3, "reason": "a softer knee"} | change
    response = researcher.post(reverse("train"), asked)
    assert response.status_code == 200
    assert said in text_of(response)
    assert not TrainingRun.objects.filter(seed=3).exists()


def test_without_the_engine_training_is_refused_on_the_form(researcher, db, monkeypatch):
    monkeypatch.setitem(sys.modules, "models_registry.engine", None)
    asked = {"recipe": "overdrive", "settings": "", "seed": 3, "reason": "a softer knee"}
    response = researcher.post(reverse("train"), asked)
    assert "earwitness[engine]" in text_of(response)
    assert not Job.objects.exists()
    assert not AuditEvent.objects.exists()
