"""Several devices, one chain: each found from pairs and without them, and a new one from ten seconds."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.signal import freqz, lfilter

from models_registry.audio import Audio, AudioError, write
from models_registry.engine import Chain, EngineError, Recipe, RecipeError, adopted, train
from models_registry.engine.conditions import conditions, known_devices, programme
from models_registry.engine.data import Clips

RATE = 16_000
SHORT = {
    "chain.rate": str(RATE),
    "data.count": "2",
    "data.seconds": "24",
    "training.segment": "32768",
    "training.steps": "80",
    "training.validate_every": "80",
    "training.learning_rate": "0.04",
}


def erb_grid(low=100.0, high=5_000.0, count=60):
    """Frequencies (Hz) evenly spaced on the ear's scale (Glasberg and Moore 1990, equation 4)."""
    first, last = 21.4 * np.log10(4.37e-3 * np.array([low, high]) + 1)
    return (10 ** (np.linspace(first, last, count) / 21.4) - 1) / 4.37e-3


def decibels(response):
    return 20 * np.log10(np.abs(response))


def error(chain, name, wanted):
    found = decibels(chain.under(name).response("response", erb_grid()))
    return float(np.sqrt(np.mean((found - wanted) ** 2)))


# witness: the response that made the recordings, compared on the ear's scale
@pytest.mark.parametrize(("paired", "limit"), [("true", 0.2), ("false", 0.8)])
def test_the_responses_of_known_devices_are_found(tmp_path, paired, limit):
    recipe = Recipe.load("device", {**SHORT, "data.paired": paired})
    result = train(recipe, seed=0, directory=tmp_path)
    assert result.validation is not None
    assert result.baseline is not None
    assert result.validation < result.baseline
    for name, device in known_devices(2, rate=RATE, seed=0).items():
        wanted = decibels(device.response("eq", erb_grid()))
        assert np.sqrt(np.mean(wanted**2)) > 2
        assert error(result.chain, name, wanted) < limit


def new_device():
    """A second-order resonance (scipy runs it and says its response)."""
    b, a = [1.0, -1.2, 0.55], [1.0, -0.9, 0.4]
    sound = programme(10.0, RATE, [1])
    return sound, lfilter(b, a, sound), decibels(freqz(b, a, worN=erb_grid(), fs=RATE)[1])


def clips(dry, wet, size=32_768):
    count = dry.shape[1] // size
    parts = (one[0, : count * size].reshape(count, 1, size) for one in (dry, wet))
    first, second = (torch.from_numpy(np.asarray(part, dtype=np.float32)) for part in parts)
    return Clips(first, second)


def known_chain():
    torch.manual_seed(0)
    return Chain.from_spec(Recipe.load("device", SHORT).chain)


@pytest.mark.parametrize(("paired", "limit"), [(True, 0.2), (False, 0.8)])
def test_a_new_device_is_found_from_ten_seconds_and_the_others_stay(paired, limit):
    dry, wet, wanted = new_device()
    chain = known_chain()
    grown = adopted(chain, "mine", clips(dry if paired else programme(10.0, RATE, [2]), wet))
    assert grown.conditions == ("device 1", "device 2", "mine")
    assert error(grown, "mine", wanted) < limit
    for name in chain.conditions:
        assert np.array_equal(
            chain.under(name).response("response", erb_grid()),
            grown.under(name).response("response", erb_grid()),
        )


def test_what_cannot_be_adopted_is_refused():
    dry, wet, _ = new_device()
    with pytest.raises(EngineError, match="a new name, found 'device 1'"):
        adopted(known_chain(), "device 1", clips(dry, wet))
    with pytest.raises(AudioError, match="wet: expected finite, audible sound"):
        adopted(known_chain(), "mine", clips(dry, 0 * wet))


def recorded(folder, seconds=3.0, seed=0):
    folder.mkdir(parents=True)
    write(folder / "take.wav", Audio(programme(seconds, RATE, [seed]), RATE))
    return folder


def test_folders_name_the_devices_and_a_batch_is_of_one_of_them(tmp_path):
    for side in ("dry", "wet"):
        recorded(tmp_path / "all" / "pair" / side)
    recorded(tmp_path / "all" / "alone", seed=1)
    given = {
        "data.devices": str(tmp_path / "all"),
        "data.dry": str(recorded(tmp_path / "programme", seed=2)),
    }
    recipe = Recipe.load("device", {**SHORT, **given, "training.segment": "8192"})
    assert recipe.chain["adapters"][0]["names"] == ["alone", "pair"]
    made = conditions(recipe.data, rate=RATE, segment=8_192, seed=0)
    batches = [made.batch(size=2, seed=0, step=step) for step in range(4)]
    assert [batch.condition for batch in batches] == ["alone", "pair"] * 2
    assert torch.equal(batches[1].dry, batches[1].wet)
    assert not torch.equal(batches[0].dry, batches[0].wet)
    assert [part.condition for part in made.parts(16)] == ["alone", "pair"]


def test_recordings_that_cannot_serve_are_refused(tmp_path):
    recorded(tmp_path / "all" / "alone")
    given = {**SHORT, "data.devices": str(tmp_path / "all"), "training.segment": "8192"}
    with pytest.raises(AudioError, match="expected the folders dry and wet"):
        conditions(Recipe.load("device", given).data, rate=RATE, segment=8_192, seed=0)
    with pytest.raises(RecipeError, match="data.devices: expected folders by name"):
        Recipe.load("device", {"data.devices": str(tmp_path / "none")})
    with pytest.raises(RecipeError, match="expected a chain with an adapter of kind 'embedding'"):
        Recipe.load("overdrive", {"data.source": "devices"})
    with pytest.raises(RecipeError, match="training.polish: expected data of one device"):
        Recipe.load("device", {"training.polish": "3"})
