"""A recipe may shape what adapters make of a sound towards what the ear does, without losing quality."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest
import torch
from scipy import stats

from models_registry.engine import Chain, EngineError, Recipe, ablation, data_of, train
from models_registry.engine.adapters import Adapter
from models_registry.engine.auditory import excitation_level
from models_registry.engine.congruence import patterns
from models_registry.engine.congruence.similarity import plain_cka, similarity
from models_registry.engine.losses import CAMS, unlike_hearing
from tests.engine.cast import noise, spec

RATE = 16_000
CHAIN = {
    "version": 1,
    "rate": RATE,
    "blocks": [
        {
            "id": "bands",
            "kind": "spectral-gains",
            "options": {"bands": 16, "window": 32},
            "params": {"gains": -19},
            "bounds": {"gains": [-40, 2]},
        }
    ],
    "adapters": [{"kind": "mlp", "targets": {"bands.gains": 0.5}, "hidden": 16, "layers": 1}],
}


def of(units):
    """A chain with an adapter whose hidden units for 512 samples, every 128, are `units` (1, steps, n)."""
    adapter = SimpleNamespace(insight=lambda signal: units, hop=128, span=512)
    return cast(Chain, SimpleNamespace(rate=RATE, adapters=[adapter]))


def test_it_is_one_less_the_alignment_with_excitation():
    signal = torch.from_numpy(noise(1, 16_000)).double()
    pattern = excitation_level(signal, rate=RATE, bands=CAMS, size=512).transpose(1, 2)
    # the frame that ends with step k began three steps before it
    late = torch.nn.functional.pad(pattern, (0, 0, 3, 0))
    turn = torch.from_numpy(stats.ortho_group.rvs(CAMS, random_state=0))
    assert unlike_hearing(of(5 * late @ turn + 3), signal).item() == pytest.approx(0, abs=1e-9)
    other = torch.from_numpy(noise(1, late.shape[1], 7, seed=3)).double()
    known = 1 - plain_cka(other[0, 3:].numpy(), pattern[0].numpy())
    assert unlike_hearing(of(other), signal).item() == pytest.approx(known)


def test_a_chain_whose_adapters_hear_nothing_is_refused():
    with pytest.raises(EngineError, match="an adapter that listens, found none"):
        unlike_hearing(Chain.from_spec(spec()), torch.from_numpy(noise(1, 1, 8_000)))


def trained(folder, **loss):
    recipe = Recipe.load("denoise", quick=True).to_dict() | {"chain": CHAIN}
    recipe["loss"] = {"esr": 0, "stft": 0, "bin_gain": 1} | loss
    recipe["data"] |= {"seconds": 2, "test_clips": 6}
    recipe["training"] |= {"steps": 40, "segment": 12_000, "batch": 4, "validate_every": 60}
    recipe["training"] |= {"checkpoint_every": 60, "learning_rate": 0.01}
    made = Recipe.from_dict(recipe)
    result = train(made, seed=0, directory=folder)
    clips = ablation.clips_of(data_of(made, seed=0), most=6)
    adapter = cast(Adapter, result.chain.adapters[0])
    features = [patterns.features(adapter, clip.signal, rate=RATE) for clip in clips]
    ears = [patterns.excitation(clip.signal, rate=RATE) for clip in clips]
    return result.validation, similarity([np.asarray(one) for one in features], ears)


def test_features_come_nearer_to_the_ear_and_the_sound_is_as_good(tmp_path):
    """Judged by the ear of BS.1387, which the term does not know, on clips that training never had."""
    quality, plain = trained(tmp_path / "plain")
    shaped_quality, shaped = trained(tmp_path / "shaped", hearing=0.1)
    assert shaped.value > plain.value + 0.05
    assert shaped_quality < 1.05 * quality
