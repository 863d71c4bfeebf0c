"""Adapters under the lamp: what was planted in them is found, in units, and a leak that was planted is one."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from models_registry.engine import Chain, EngineError, adoption, leaks
from models_registry.engine.lamp import distances, held_and_used, told_apart
from models_registry.engine.leaks import embedding, leak
from models_registry.engine.probing import variance_share
from models_registry.engine.takes import FACTORS, TEXT, Take, crossed
from tests.engine.cast import awake

RATE = 8_000


def chain_of(block, adapter):
    return Chain.from_spec(
        {"version": 1, "rate": RATE, "blocks": [{"id": "one", **block}], "adapters": [adapter]}
    )


def knowing(*names):
    """A gain that each device sets for itself."""
    targets = {"one.level": 0.25}
    return chain_of(
        {"kind": "gain"},
        {"kind": "embedding", "targets": targets, "size": 1, "names": list(names)},
    )


def tones(level, count=4):
    """Takes of loud and soft noise."""
    draw = np.random.default_rng(0)
    return [
        Take(torch.from_numpy(by * draw.normal(size=4_000)), {"level": name})
        for _ in range(count)
        for name, by in (("soft", level / 10), ("loud", level))
    ]


def test_every_voice_says_every_text_everywhere_at_one_level():
    takes = crossed(RATE, seconds=0.4, texts=1)
    cells = {tuple(one.labels[factor] for factor in (*FACTORS, TEXT)) for one in takes}
    assert len(takes) == len(cells) == 4 * 3 * 3
    for one in takes:
        assert one.signal.square().mean().sqrt().item() == pytest.approx(0.05)


def test_an_adapter_that_follows_the_level_holds_the_level():
    chain = awake(
        chain_of(
            {"kind": "clipper"}, {"kind": "follower", "targets": {"one.drive": 0.2}, "hidden": 3}
        )
    )
    takes = tones(0.3)
    (held,), (used,) = held_and_used(chain, takes)
    assert held.hidden.shape == (8, 3)
    assert held.said.shape == (8, 1)
    labels = [one.labels["level"] for one in takes]
    assert variance_share(held.hidden, labels, factor="level", draws=50).share > 0.5
    # 0.2 of 84 dB to either side of the 0 dB of a new clipper
    assert [used.low, used.high] == pytest.approx([-16.8, 16.8])
    assert used.low <= used.percentiles[0] <= used.percentiles[2] <= used.high
    assert 0 < used.used <= 1
    assert used.n == 8


def test_authority_that_is_spent_is_told():
    chain = chain_of(
        {"kind": "clipper"}, {"kind": "follower", "targets": {"one.drive": 0.2}, "hidden": 3}
    )
    with torch.no_grad():
        chain.adapters[0].head.bias.fill_(20.0)
    _, (used,) = held_and_used(chain, tones(0.3))
    # the first two hops are silent, since what is heard acts later
    assert used.used == pytest.approx(1, abs=0.05)
    assert used.at_bound == pytest.approx(1, abs=0.07)
    assert used.percentiles[1] == pytest.approx(16.8, abs=0.01)


def test_what_each_device_does_is_said_in_decibels():
    chain = knowing("near", "far")
    with torch.no_grad():
        chain.adapters[0].basis.data.fill_(1.0)
        chain.adapters[0].points.copy_(torch.atanh(torch.tensor([[0.5], [-0.25]])))
    found = told_apart(chain, [])
    assert [one.condition for one in found] == ["near", "far"]
    # 0.25 of 96 dB, half and minus a quarter of it
    levels = [one.settings[0].values[0] for one in found]
    np.testing.assert_allclose(levels, [12, -6], atol=1e-5)
    np.testing.assert_allclose(found[0].responses["one"], 12, atol=1e-5)
    np.testing.assert_allclose(distances(found)["one"], [[0, 18], [18, 0]], atol=1e-5)
    _, (used,) = held_and_used(chain, [])
    assert used.used == pytest.approx(np.sqrt((0.25 + 0.0625) / 2))
    assert used.n == 2


@pytest.fixture
def unlearned(monkeypatch):
    """Devices are met without a step of learning; how well one is learned is tested elsewhere."""
    monkeypatch.setattr(adoption, "STEPS", 0)


def measured(draw):
    """An adoption that reads the level off the clips, as exactly as a tenth of a decibel."""

    def adopted(chain, name, clips, *, skip):
        grown = adoption.adopted(chain, name, clips, skip=skip)
        ratio = (clips.wet.square().mean() / clips.dry.square().mean()).item()
        level = 10 * np.log10(ratio) + 0.1 * draw.normal()
        with torch.no_grad():
            grown.get_parameter("adapters.0.points")[-1] = np.arctanh(level / 24)
        return grown

    return adopted


def test_a_gain_that_is_the_device_s_alone_leaks_nothing(unlearned, monkeypatch):
    """Devices that only differ in level have one level, whatever is played."""
    levels = {"a": -9.0, "b": 0.0, "c": 9.0}
    monkeypatch.setattr(leaks, "known_devices", lambda *a, **k: plain_gains(levels))
    monkeypatch.setattr(leaks, "adopted", measured(np.random.default_rng(2)))
    chain = knowing("near", "far")
    with torch.no_grad():
        chain.adapters[0].basis.data.fill_(1.0)
    found = leak(chain, seconds=0.4)
    assert found.device.accuracy == 1
    assert not found.content.is_read
    assert found.shares[0].share == pytest.approx(1, abs=0.01)
    assert found.by_device == pytest.approx(np.std(list(levels.values())), rel=0.02)
    assert found.by_content == pytest.approx(0, abs=0.15)


def plain_gains(levels):
    return {
        name: Chain.from_spec(
            {
                "version": 1,
                "rate": RATE,
                "blocks": [{"id": "g", "kind": "gain", "params": {"level": level}}],
            }
        )
        for name, level in levels.items()
    }


def test_an_embedding_that_takes_up_the_content_is_caught(unlearned, monkeypatch):
    monkeypatch.setattr(
        leaks, "known_devices", lambda *a, **k: plain_gains(dict.fromkeys("abc", 0.0))
    )
    # nothing is learned but the stain: by device, in turn, two takes of each content
    stains = iter([n / 10 for _ in "abc" for n in range(len(leaks.CONTENTS)) for _ in range(2)])
    monkeypatch.setattr(leaks, "embedding", lambda *a: np.array([next(stains)]))
    found = leak(knowing("near", "far"), takes=2, seconds=0.4)
    assert found.content.is_read
    assert found.content.accuracy > 0.9
    assert found.shares[1].share > 0.9


def test_an_embedding_is_what_is_kept_for_one_condition_alone():
    chain = knowing("near", "far")
    with torch.no_grad():
        chain.adapters[0].points[1] = 3.0
    np.testing.assert_array_equal(embedding(chain, "far"), [3.0])


def test_a_chain_without_adapters_or_devices_gets_a_sentence():
    plain = Chain.from_spec({"version": 1, "rate": RATE, "blocks": [{"id": "a", "kind": "gain"}]})
    with pytest.raises(EngineError, match="a chain with an adapter, found none"):
        held_and_used(plain, [])
    with pytest.raises(EngineError, match="knows devices by name, found none"):
        leak(plain)
