"""The follower: silent at the start, bounded always, causal, and able to hear what it claims to hear."""

from __future__ import annotations

import pytest
import torch

from models_registry.engine import Chain
from models_registry.engine.adapters import Follower, Target

from .cast import awake, followed, noise, spec


def test_an_untrained_adapter_changes_nothing():
    x = torch.from_numpy(noise(1, 1, 2_000))
    with torch.no_grad():
        plain, _ = Chain.from_spec(spec())(x)
        adapted, _ = Chain.from_spec(followed())(x)
    torch.testing.assert_close(adapted, plain, atol=1e-6, rtol=0)


def test_offsets_never_exceed_their_authority():
    chain = Chain.from_spec(followed())
    torch.nn.init.constant_(chain.get_parameter("adapters.0.head.weight"), 1e6)
    x = torch.from_numpy(noise(1, 1, 5_000, level=50))
    found = {path: offset.abs().max().item() for path, offset in chain.offsets(x).items()}
    assert found == pytest.approx({"drive.bias": 0.2, "drive.drive": 0.1})


def test_the_future_is_not_heard():
    torch.manual_seed(0)
    chain = awake(Chain.from_spec(followed()))
    x = torch.from_numpy(noise(1, 1, 2_000))
    changed = x.clone()
    changed[..., 1_000:] *= -3
    assert torch.equal(
        chain.offsets(x)["drive.bias"][..., :1_000],
        chain.offsets(changed)["drive.bias"][..., :1_000],
    )


def test_features_are_level_brightness_and_asymmetry():
    follower = Follower({"drive.bias": Target(0.1)}, rate=44_100, hop=64, hidden=2)
    time = torch.arange(64) / 64
    # whole periods: a sine of amplitude a has the mean square a²/2 and no asymmetry
    sines = torch.stack(
        [torch.sin(2 * torch.pi * 4 * time), 0.1 * torch.sin(2 * torch.pi * 16 * time)]
    )
    one, other = follower.heard(sines[None])[0]
    assert one[0].item() == pytest.approx(1 + torch.tensor(0.5).log10().item() / 4, abs=1e-4)
    assert (one[0] - other[0]).item() == pytest.approx(20 / 40, abs=1e-4)
    assert other[1] > one[1]
    assert one[2].item() == pytest.approx(0, abs=1e-5)
    spikes = torch.zeros(1, 1, 64)
    spikes[..., 5] = -1
    assert follower.heard(spikes)[0, 0, 2].item() == pytest.approx(-1, abs=1e-4)
