"""Least squares at the end of a training, and what it says about how well the data determine each parameter.

Witness: ordinary least squares of statsmodels for a problem that is linear, impulse response taps.
"""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm
import torch

from models_registry.engine import Chain, EngineError, Recipe, train
from models_registry.engine.data import Clips, Dataset
from models_registry.engine.polish import polish

from .cast import noise

RATE = 44_100


def chain_of(*blocks):
    return Chain.from_spec({"version": 1, "rate": RATE, "blocks": list(blocks)})


def data_of(dry, wet):
    clips = Clips(torch.from_numpy(dry), torch.from_numpy(wet))
    return Dataset(clips, clips, RATE, 0, False)


def test_taps_and_their_errors_are_those_of_ordinary_least_squares():
    chain = chain_of({"id": "taps", "kind": "fir", "options": {"taps": 4}})
    dry = noise(2, 1, 4_000)
    right = np.array([0.6, -0.3, 0.2, 0.1])
    wet = np.stack([np.convolve(one[0], right)[:4_000] for one in dry])[:, None]
    wet = (wet + noise(2, 1, 4_000, seed=1, level=0.05)).astype(np.float32)
    found = polish(chain, data_of(dry, wet), steps=20)
    lagged = np.stack([np.pad(dry[:, 0], ((0, 0), (k, 0)))[:, :4_000] for k in range(4)], -1)
    fitted = sm.OLS(wet.astype(np.float64).ravel(), lagged.astype(np.float64).reshape(-1, 4)).fit()
    assert [one.value for one in found] == pytest.approx(fitted.params, abs=1e-5)
    # the taps' range is 4 wide
    assert [4 * one.error for one in found] == pytest.approx(fitted.bse, rel=0.01)
    assert [one.low for one in found] == pytest.approx(fitted.conf_int()[:, 0], abs=1e-4)


def test_two_gains_in_a_row_are_said_to_trade_off():
    gains = [{"id": name, "kind": "gain"} for name in ("first", "second")]
    found = polish(chain_of(*gains), data_of(noise(1, 1, 500), 2 * noise(1, 1, 500)), steps=20)
    one = found[0]
    assert one.partner == "second.level"
    assert one.correlation == pytest.approx(-1, abs=1e-6)
    assert "these data do not determine it" in one.statement
    assert "trades off against second.level" in one.statement


def test_a_network_is_refused():
    chain = chain_of({"id": "taps", "kind": "fir", "options": {"taps": 200}})
    with pytest.raises(EngineError, match="1 to 100 free parameters, found 200"):
        polish(chain, data_of(noise(1, 1, 500), noise(1, 1, 500)), steps=1)


def test_the_compressor_recipe_finds_the_settings_that_made_its_data(tmp_path):
    recipe = Recipe.load(
        "compressor", {"data.seconds": "1", "training.segment": "44100"}, quick=True
    )
    result = train(recipe, seed=1, directory=tmp_path)
    assert result.validation is not None
    assert result.baseline is not None
    assert result.validation < 0.01 * result.baseline
    first, last = result.history[0], result.history[-1]
    assert last["monitor.settings_error"] < 0.5 * first["monitor.settings_error"]
    assert [one.name for one in result.certainty][0] == "low.frequency"
    assert len(result.certainty) == 14
    again = train(recipe, seed=1, directory=tmp_path)
    assert again.certainty == result.certainty
    assert again.history == result.history


def test_noise_is_as_loud_as_asked():
    from models_registry.engine.data import dataset

    recipe = Recipe.load("compressor", {"data.noise": "-20", "data.seconds": "1"})
    clean = Recipe.load("compressor", {"data.seconds": "1"})
    noisy, without = (
        dataset(one.data, chain=one.chain, segment=44_100, seed=0) for one in (recipe, clean)
    )
    added = (noisy.train.wet - without.train.wet).square().mean((1, 2))
    share = added / without.train.wet.square().mean((1, 2))
    assert share.numpy() == pytest.approx(np.full(len(share), 0.01), rel=0.05)
    assert torch.equal(noisy.test.wet, without.test.wet)
