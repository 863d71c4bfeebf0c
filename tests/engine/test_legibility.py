"""What of a chain can be read: closed cases in which the share, and what can be found again, follow from arithmetic."""

from __future__ import annotations

import numpy as np
import pytest

from models_registry.engine import Chain, EngineError, legibility
from models_registry.engine.ablation import clip

from .cast import awake, followed, noise

RATE = 44_100


def chain_of(*blocks, **more):
    return Chain.from_spec({"version": 1, "rate": RATE, "blocks": list(blocks), **more})


def gain(name, level):
    return {"id": name, "kind": "gain", "params": {"level": level}}


def test_without_networks_the_parameters_explain_all_of_it():
    found = legibility.explained(
        chain_of(gain("level", -6)), [clip(noise(1, 2_000)), clip(noise(1, 2_000, seed=1))]
    )
    assert (found.share, found.low, found.high, found.n) == (1.0, 1.0, 1.0, 2)


def test_what_a_network_adds_is_what_the_parameters_leave_over():
    chain = awake(Chain.from_spec(followed()))
    sound = noise(1, 1_000)
    (out,), (alone,) = (_output(one, sound) for one in (chain, _without_networks(chain)))
    expected = 1 - np.sum((alone - out) ** 2) / np.sum((sound[0] - out) ** 2)
    found = legibility.explained(chain, [clip(sound)])
    assert 0 < expected < 1
    assert found.share == pytest.approx(expected, abs=1e-6)
    assert np.isnan(found.low)


def _output(chain, sound):
    import torch

    with torch.no_grad():
        return chain.double().aligned(torch.from_numpy(sound)[None].double())[0][0].numpy()


def _without_networks(chain):
    bare = Chain.from_spec({**chain.spec(), "adapters": []})
    bare.load_state_dict(
        {k: v for k, v in chain.state_dict().items() if not k.startswith("adapters")}
    )
    return bare


def test_a_chain_that_does_nothing_explains_nothing():
    with pytest.raises(EngineError, match="expected a chain that changes its input"):
        legibility.explained(chain_of(gain("level", 0)), [clip(noise(1, 2_000))])


def test_one_gain_is_found_again_and_of_two_in_a_row_only_their_sum():
    sounds = [clip(noise(1, 4_000))]
    one = legibility.recovered(chain_of(gain("level", -6)), sounds)
    assert (one.share, one.count) == (1.0, 1)
    assert one.median_error < 1e-6
    two = legibility.recovered(chain_of(gain("first", -6), gain("second", 3)), sounds)
    assert two.count == 2
    assert two.share < 1


def test_where_no_setting_is_free_there_is_nothing_to_find():
    still = {"id": "level", "kind": "gain", "params": {"level": -6}, "frozen": ["level"]}
    with pytest.raises(EngineError, match="free parameters, found 0"):
        legibility.recovered(chain_of(still), [clip(noise(1, 2_000))])
