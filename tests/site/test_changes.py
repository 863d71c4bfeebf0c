"""What changed since the parent: parts, values, settings, results, and both to be heard, blind if wished."""

from __future__ import annotations

import json

import pytest
from django.urls import reverse

from listening import changes
from metrics import catalogue
from metrics.models import Score
from models_registry.models import Job, ModelVersion, NoReason, Rendering
from tests.factories import stored_tone
from tests.site.html import Page


@pytest.fixture
def child(version, tmp_path):
    """The version with its drive 24 dB lower, a gain after it, and one rendering of the parent's input."""
    from models_registry.engine import Chain

    spec = json.loads(json.dumps(version.chain))
    spec["blocks"][1]["params"]["drive"] = 23.9
    spec["blocks"].append({"id": "level", "kind": "gain"})
    chain = Chain.from_spec(spec)
    chain.save(tmp_path / "child.safetensors")
    made = ModelVersion.objects.register(
        version.model,
        chain=chain.spec(),
        weights=(tmp_path / "child.safetensors").read_bytes(),
        card={"validation": {"error_to_signal_ratio": 0.125}},
        reason="it clipped soft notes",
    )
    source = version.renderings.get().input
    Rendering.objects.create(version=made, input=source, output=stored_tone(350))
    Rendering.objects.create(version=version, input=stored_tone(500), output=stored_tone(550))
    return made


def address(child):
    return reverse("version-changes", args=[child.model.name, child.number])


def text_of(response):
    return " ".join(response.content.decode().split())


def test_parts_and_values_are_told_most_moved_first(version, child):
    parts, problem = changes.chain_changes(version, child)
    assert problem == ""
    assert "block 'level' (gain) is new" in parts
    moved, stayed, _ = changes.moved_values(version, child)
    first = moved[0]
    # 24 of 72 dB
    assert (first.name, first.before, first.after, first.unit) == (
        "drive.drive",
        "47.9",
        "23.9",
        "dB",
    )
    assert first.share == pytest.approx(-100 * 24 / 72, abs=0.1)
    assert first.way == "33.3 % down"
    assert len(moved) == 1
    assert stayed == len(version.load().readings()) - 1


def test_the_page_tells_results_of_both_and_plays_both(researcher, version, child):
    metric = catalogue.get("si-sdr")
    item = version.renderings.order_by("pk").first().input
    for one, value in ((version, 10.0), (child, 14.0)):
        Score.objects.create(
            metric="si-sdr", metric_version=metric.version, unit="dB", status="ok", value=value,
            signal=one.renderings.get(input=item).output, reference=item,
        )  # fmt: skip
    response = researcher.get(address(child))
    text = text_of(response)
    assert "it clipped soft notes" in text
    assert "0.125" in text
    (compared,) = response.context["scored"]
    assert compared.difference == 4
    sources = set(Page(response).sources)
    for one in (version, child):
        played = one.renderings.get(input=item).output
        assert reverse("signal", args=[played.sha256]) in sources
    assert response.context["missing"] == 1
    assert address(child) in Page(researcher.get(reverse("version", args=["overdrive", 2]))).links


def test_blind_both_sides_are_there_in_an_order_of_chance_and_unnamed(researcher, version, child):
    orders = set()
    for seed in range(8):
        response = researcher.get(address(child), {"blind": seed})
        ((pair, sides),) = response.context["blind"]
        assert [letter for letter, *_ in sides] == ["A", "B"]
        assert {whose for *_, whose in sides} == {"overdrive@1", "overdrive@2"}
        orders.add(tuple(whose for *_, whose in sides))
    assert len(orders) == 2
    again = researcher.get(address(child), {"blind": 7})
    assert again.context["blind"][0][1] == sides


def test_what_is_missing_is_queued_by_a_click(researcher, version, child):
    researcher.post(address(child), {"act": "render"})
    job = Job.objects.get(kind="render")
    lacking = version.renderings.order_by("pk").last().input
    assert job.arguments["versions"] == ["overdrive@2"]
    assert job.arguments["signals"] == [lacking.sha256]


@pytest.mark.parametrize("method", ["abx", "preference"])
def test_a_click_leads_to_the_table_of_a_draft(researcher, version, child, method, settings):
    response = researcher.post(address(child), {"act": "draft", "method": method})
    text = text_of(researcher.get(response.url))
    assert "overdrive@1" in text
    assert "overdrive@2" in text
    assert researcher.post(address(child), {"act": "draft", "method": "fuzz"}).status_code == 404


def test_the_first_of_a_line_has_no_such_page(researcher, version):
    assert researcher.get(address(version)).status_code == 404


@pytest.mark.parametrize("reason", ["", " \n "])
def test_no_version_is_registered_without_a_why(version, reason):
    with pytest.raises(NoReason, match="expected a reason for the next version of overdrive"):
        ModelVersion.objects.register(version.model, chain={}, weights=b"", card={}, reason=reason)
    assert ModelVersion.objects.count() == 1


def test_another_training_of_a_model_is_refused_until_somebody_says_why(version):
    from django.core.management import CommandError, call_command

    with pytest.raises(CommandError, match="expected a reason for another version of overdrive"):
        call_command("train", "overdrive", "--set", "training.steps=1")
    assert not Job.objects.filter(kind="train", state="queued").exists()
