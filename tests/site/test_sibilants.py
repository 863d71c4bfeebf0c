"""The guide's story, by its own commands: what spoils the sibilants is found, named, mended and told apart blind."""

from __future__ import annotations

import csv
import json
import re
import shlex

import numpy as np
import pandas as pd
import pytest
from django.core.management import CommandError, call_command
from scipy.stats import binomtest

from listening.views.guide import FOLDER
from models_registry.models import ModelVersion, Study
from tests.factories import small_campaign

pytest.importorskip("models_registry.engine", reason="needs the extra 'engine'")

STORY = FOLDER / "3-sibilants.md"
# s: a window of the map's to either side
NEAR = 0.02


def commands():
    lines = re.findall(r"^    python manage\.py (.+)$", STORY.read_text(encoding="utf-8"), re.M)
    return [shlex.split(line) for line in lines]


def near_sibilants(found, sound):
    """Of the map's relevance, the share near a sibilant of `sound`, and the share of the time that this is."""
    with open("story/sibilants.csv", newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["sound"] == sound]
    stretches = [(float(row["start_s"]) - NEAR, float(row["end_s"]) + NEAR) for row in rows]
    edges = np.array(found["map"]["edges_s"])
    starts, ends = edges[:-1], edges[1:]
    inside = sum(
        np.clip(np.minimum(ends, b) - np.maximum(starts, a), 0, None) for a, b in stretches
    )
    relevance = np.abs(np.array(found["map"]["values"])).sum(0)
    return (relevance * inside / (ends - starts)).sum() / relevance.sum(), inside.sum() / edges[-1]


def test_the_story_of_the_guide_happens_as_it_is_told(db, settings, tmp_path, monkeypatch):
    settings.HOME = tmp_path / "home"
    settings.MEDIA_ROOT = settings.HOME / "media"
    settings.HOME.mkdir()
    monkeypatch.chdir(tmp_path)
    names = [name for name, *_ in commands()]
    assert names == [
        "sibilants", "train", "explain", "ablate", "counterfactual", "train", "render",
        "import_campaign", "rehearse", "export",
    ]  # fmt: skip
    for name, *arguments in commands():
        call_command(name, *arguments)

    spoilt, mended = (ModelVersion.objects.named(f"voice@{n}") for n in (1, 2))
    errors = [one.card["validation"]["error_to_signal_ratio"] for one in (spoilt, mended)]
    # "great" by its number
    assert 0.002 < errors[0] < 0.01
    assert errors[1] < 1e-3 * errors[0]
    assert mended.reason.startswith("no sound in training")

    explained = json.loads((tmp_path / "why" / "explanation.json").read_text())["result"]
    share, time = near_sibilants(explained, "sentence-0")
    assert share > 0.95
    assert time < 0.45

    ablated = Study.objects.get(kind="ablation").result
    better = {
        (tuple(row["parts"]), row["treatment"])
        for row in ablated["effects"]
        if row["loss"] < -0.5 * errors[0]
    }
    assert better == {(("sibilance",), "linear")}

    turned = Study.objects.get(kind="counterfactual").result["answers"]
    by_name = {one["changes"][0]["name"]: one["changes"][0]["after"] for one in turned}
    assert by_name["sibilance.ratio[1]"] == pytest.approx(1.5, abs=0.15)
    assert by_name["sibilance.threshold[1]"] == pytest.approx(-26, abs=2)

    heard = pd.read_csv("heard.csv")
    assert heard["simulated"].all()
    for name, told in (("a", True), ("b", False)):
        right = heard[heard["item"].str.endswith(name)]["rating"]
        low, high = binomtest(int(right.sum()), len(right)).proportion_ci()
        assert (low > 0.5) == told
        assert high > 0.5


def test_a_folder_with_files_in_it_is_left_alone(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(CommandError, match="a new or an empty folder"):
        call_command("sibilants", str(tmp_path))
    assert [one.name for one in tmp_path.iterdir()] == ["mine.txt"]


@pytest.mark.parametrize("listeners", ["0", "501"])
def test_how_many_are_simulated_is_limited(db, listeners):
    campaign = small_campaign("abx")
    with pytest.raises(CommandError, match="expected 1 to 500 listeners"):
        call_command("rehearse", campaign.slug, "--listeners", listeners)
