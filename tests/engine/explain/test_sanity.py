"""The checks tell good explanations from bad ones, and planted cues are found."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from models_registry.engine.explain import METHODS, curves, explain, planted, randomised, relevant
from models_registry.engine.explain.planted import tally

from .cast import asked, bent, chain, moved
from .planted_cues import case, found_in


def test_parts_by_relevance_bring_the_number_down_faster_than_any_order():
    question = asked(bent(), "energy:500-2000@0.1-0.3")
    tiles = question.tiles()
    found = explain(question, "relevance", tiles=tiles)
    course = curves(question, tiles, found.tiles, orders=10)
    assert course.passed
    assert course.insertion_z > 5
    assert (course.deletion[0], course.deletion[-1]) == pytest.approx((1, 0), abs=1e-9)
    assert (course.insertion[0], course.insertion[-1]) == pytest.approx((0, 1), abs=1e-9)


def test_a_map_at_random_is_no_better_than_random():
    question = asked(bent(), "energy:500-2000@0.1-0.3")
    tiles = question.tiles()
    noise = np.random.default_rng(1).normal(size=tiles.shape)
    # against the spread of single orders, not of their mean
    course = curves(question, tiles, noise, orders=10)
    assert abs(course.deletion_z) / math.sqrt(10) < 3


def test_a_map_turned_round_fails():
    question = asked(bent(), "energy:500-2000@0.1-0.3")
    tiles = question.tiles()
    found = explain(question, "relevance", tiles=tiles)
    assert curves(question, tiles, -found.tiles, orders=5).deletion_z < -5


def test_relevance_follows_the_parameters_and_the_signals_energy_does_not():
    question = asked(bent())
    tiles = question.tiles()
    found = explain(question, "relevance", tiles=tiles)
    checked = randomised(question, "relevance", tiles, found.tiles)
    assert checked.passed
    assert checked.n == 5
    # what a chain without frequency makes of a tile per energy is one number: nothing can be told
    flat = asked(chain(("gain", {"level": 3})))
    found = explain(flat, "relevance", tiles=tiles)
    checked = randomised(flat, "relevance", tiles, found.tiles)
    assert checked.passed is None


@pytest.mark.parametrize("method", [one for one in METHODS if one != "integrated-gradients"])
def test_a_hole_in_front_of_a_chain_is_found(method):
    assert planted(asked(bent()), method, cases=4).found == 4


def test_a_hole_in_front_of_an_adapter_is_found():
    assert planted(asked(moved("mlp"), "move:gain.level"), "relevance", cases=4).found == 4


def test_the_loudest_tile_is_not_the_cue():
    # so that a map of the signal alone fails where the methods below have to pass
    draw = np.random.default_rng(0)
    for _ in range(5):
        question, tiles, cue = case(draw)
        energy = tiles.summed(question.plane.spectra(question.signal).abs().square())
        assert int(energy.argmax()) != cue[0] * tiles.shape[1] + cue[1]


@pytest.mark.parametrize("method", METHODS)
def test_planted_cues_are_found_among_louder_distractors(method):
    found = found_in(method, cases=6)
    assert found.found == 6


def test_the_interval_is_wilsons():
    # Newcombe, Two-sided confidence intervals for the single proportion, 1998, table I: 81 of 263
    interval = tally(81, 263)
    assert (round(interval.low, 4), round(interval.high, 4)) == (0.2553, 0.3662)


def test_the_relevant_part_is_the_part_that_matters():
    # a tone that the target is about and one that it is not
    question = asked(chain(("gain", {"level": 0})), "energy:800-1200")
    time = torch.arange(question.signal.shape[-1], dtype=torch.float64) / question.chain.rate
    inside, outside = (0.2 * torch.sin(2 * torch.pi * f * time) for f in (1_000, 3_000))
    question.signal = (inside + outside)[None]
    tiles = question.tiles()
    for method in ("relevance", "occlusion"):
        kept = relevant(question, explain(question, method, tiles=tiles), tiles)
        assert np.square(kept - inside.numpy()).sum() < 0.1 * inside.square().sum().item()
