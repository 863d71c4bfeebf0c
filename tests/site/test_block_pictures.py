"""Every kind of block shows itself on a version's page, by the figure that fits it."""

from __future__ import annotations

import re

import numpy as np
import pytest

pytest.importorskip("torch")

import torch

from listening.block_pictures import picture_of
from listening.views.guide import FOLDER
from listening.views.registry import card_lines
from models_registry.engine import Chain
from models_registry.engine.blocks import BLOCKS

EXPECTED = {
    "equaliser": "frequency response",
    "compressor": "curve",
    "spectral-gains": "levels by band",
    "wiener": "levels by band",
    "harmonic-filter": "frequency response",
    "harmonics": "sound",
    "filtered-noise": "levels by band",
    "string": "frequency response",
    "settling": "sound",
    "stereo": "waveform of a tone",
    "reverb": "energy decay",
    "early-reflections": "energy decay",
    "convolution": "energy decay",
    "feedback-network": "energy decay",
    "filter-bank": "levels by band",
    "multiband-compressor": "levels by band",
    "transient-shaper": "gain over time",
    "loudness-steering": "gain over time",
}


@pytest.mark.parametrize("kind", BLOCKS)
def test_every_block_has_its_picture(kind):
    chain = Chain.from_spec({"version": 1, "rate": 16_000, "blocks": [{"id": "one", "kind": kind}]})
    picture = picture_of(chain, "one")
    assert picture.shows == EXPECTED.get(kind, picture.shows)
    figure = picture.draw(chain, "one")
    drawn = [
        line for axes in figure.axes for line in axes.get_lines() if np.size(line.get_xdata()) > 2
    ]
    assert drawn
    assert "one" in figure.axes[0].get_title(loc="left")


def test_a_block_that_devices_differ_in_shows_each_of_them():
    blocks = [{"id": "tone", "kind": "equaliser"}, {"id": "last", "kind": "equaliser"}]
    entry = {"kind": "embedding", "targets": {"tone.low_gain": 0.2}, "names": ["hall", "studio"]}
    chain = Chain.from_spec({"version": 1, "rate": 16_000, "blocks": blocks, "adapters": [entry]})
    with torch.no_grad():
        chain.get_parameter("adapters.0.points")[1] = 3.0
    axes = picture_of(chain, "tone").draw(chain, "tone").axes[0]
    shown = {line.get_label(): np.asarray(line.get_ydata()) for line in axes.get_lines()}
    levels = 20 * np.log10(np.abs(chain.under("studio").response("tone", [20.0])))
    assert shown["studio"][0] == pytest.approx(levels[0])
    assert shown["hall"] == pytest.approx(shown["what all share"])
    assert axes.get_legend() is not None
    # what no device moves is drawn once
    assert picture_of(chain, "last").draw(chain, "last").axes[0].get_legend() is None


def test_a_card_says_each_setting_and_each_device_in_a_line_of_its_own():
    lines = dict(
        card_lines(
            {
                "certainty": ["a = 1", "b = 2"],
                "conditions": {"hall": "63 Hz -2 dB, 1000 Hz +1 dB"},
                "data": {"source": "pairs", "skip": 4},
                "readings": [1],
            }
        )
    )
    assert lines == {
        "Certainty": ["a = 1", "b = 2"],
        "Conditions": ["hall: 63 Hz -2 dB, 1000 Hz +1 dB"],
        "Data": ["source pairs, skip 4"],
    }


def test_the_guide_names_every_block_and_no_other():
    text = (FOLDER / "3-model-builders.md").read_text(encoding="utf-8")
    section = text.split("## Blocks there are")[1].split("\n\n")[1]
    assert sorted(re.findall(r"`([a-z-]+)`", section)) == sorted(BLOCKS)


def test_there_is_no_picture_of_a_block_that_is_not_there():
    chain = Chain.from_spec({"version": 1, "rate": 16_000, "blocks": [{"id": "a", "kind": "gain"}]})
    assert picture_of(chain, "b") is None


def test_what_follows_the_level_is_drawn_in_decibels_as_on_a_panel():
    params = {"threshold": -20, "ratio": 4, "knee": 6, "makeup": 3}
    entry = {"id": "one", "kind": "compressor", "params": params}
    chain = Chain.from_spec({"version": 1, "rate": 16_000, "blocks": [entry]})
    axes = picture_of(chain, "one").draw(chain, "one").axes[0]
    given, output = (np.asarray(data) for data in axes.get_lines()[1].get_data())
    # the ratio's definition: 1 dB for 1 dB below the knee, 1 for 4 above it
    assert np.interp([-60, 0], given, output) == pytest.approx([-57, -20 + 20 / 4 + 3], abs=0.01)
