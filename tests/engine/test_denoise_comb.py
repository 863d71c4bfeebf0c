"""The recipe `denoise-comb` from end to end: a comb and levels by band, one network for both, what explains them."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from models_registry.engine import Chain, Recipe, attributed, render, train
from models_registry.engine.ablation import Clip, ablated, outputs
from models_registry.engine.inspection import inspected
from models_registry.engine.rendering import Stream

from .cast import awake, noise

SHORT = {
    "data.seconds": "3",
    "training.segment": "8000",
    "training.steps": "2",
    "training.validate_every": "2",
    "training.batch": "2",
    "data.test_clips": "1",
}


@pytest.fixture(scope="module")
def chain():
    return awake(Chain.from_spec(Recipe.load("denoise-comb").chain))


def test_it_differs_from_the_levels_alone_by_its_comb():
    alone, combed = Recipe.load("denoise"), Recipe.load("denoise-comb")
    assert (alone.data, alone.loss) == (combed.data, combed.loss)
    (levels,), (comb, behind) = alone.chain["blocks"], combed.chain["blocks"]
    assert comb["kind"] == "pitch-filter"
    # the comb's frames are three late, the levels alone are heard two ahead
    assert levels["options"].pop("ahead") == 2
    behind["options"].pop("ahead", None)
    assert levels == behind


def voice(rate, seconds=1.0):
    time = np.arange(round(seconds * rate)) / rate
    pitch = 2 * np.pi * np.cumsum(140 + 20 * np.sin(3 * time)) / rate
    spoken = sum(np.sin(k * pitch + k * k) / k for k in range(1, 25))
    return (0.05 * spoken[None] + noise(1, time.size, level=0.02)).astype(np.float32)


@pytest.mark.parametrize("rate", [16_000, 48_000])
def test_it_has_fewer_than_100_000_parameters_and_trains_at_both_rates(rate, tmp_path):
    changed = {"chain.rate": str(rate), "training.segment": str(rate // 2)}
    recipe = Recipe.load("denoise-comb", SHORT | changed)
    result = train(recipe, seed=0, directory=tmp_path)
    assert sum(one.numel() for one in result.chain.parameters()) < 100_000
    moved = [
        name
        for name, one in result.chain.adapters[0].head.named_parameters()
        if one.detach().abs().max() > 0
    ]
    assert moved == ["weight", "bias"]
    sound = voice(rate)
    assert np.isfinite(render(result.chain, sound, rate)).all()


def test_a_rendering_is_the_same_bits_whatever_pieces_it_comes_in(chain):
    sound = voice(16_000)
    whole = render(chain, sound, 16_000)
    stream, begun, parts = Stream(chain, 1, 16_000), 0, []
    for frames in (1, 255, 4_097, 700, sound.shape[1]):
        parts.append(stream.push(sound[:, begun : begun + frames])[""])
        begun += frames
    parts.append(stream.finish()[""])
    np.testing.assert_array_equal(np.concatenate(parts, axis=1), whole)


def test_both_stages_are_read_in_their_units(chain):
    readings = chain.readings()
    strength, gains = readings["comb.strength"], readings["bands.gains"]
    assert (len(strength.value), len(gains.value)) == (16, 64)
    assert gains.parameter.unit == "dB"
    assert all(0 <= one <= 1 for one in strength.value)
    sound = voice(16_000, 0.5)
    found = inspected(chain, sound)
    comb, bands = found.passages
    np.testing.assert_array_equal(bands.given, comb.output)
    # what a comb leaves of a frame itself: from all of it to a third
    assert comb.gains is not None
    assert -9.6 <= comb.gains.values.min() < -1
    assert comb.gains.values.max() <= 1e-6
    assert {one.path for one in found.trajectories} == {"comb.strength", "bands.gains"}


def test_without_its_comb_the_chain_is_levels_alone(chain):
    clip = Clip(torch.from_numpy(voice(16_000, 0.5)))
    exact = chain.double()
    with ablated(exact, {"comb": "removed"}):
        (without,) = outputs(exact, [clip])
    (whole,) = outputs(exact, [clip])
    assert (whole - without).square().sum() > 1e-4 * whole.square().sum()


def test_what_it_leaves_is_explained_to_the_last_part(chain):
    found = attributed(chain.double(), torch.from_numpy(voice(16_000, 0.3)).double()[None])
    assert found.relevance.sum().item() + found.bias == pytest.approx(found.total)
    assert abs(found.bias) <= 1e-9 * found.total
