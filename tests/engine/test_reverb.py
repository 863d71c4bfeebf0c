"""Reverberation: decay times by Schroeder's integral, energy by its definition, streams against scipy's convolution."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import signal as sp

from models_registry.engine import Chain, render
from models_registry.engine.blocks import Reverb
from models_registry.engine.blocks.partitioned import PARTITION, Stream

from .cast import noise, random_values, spec

RATE = 16_000


def values(rt60=0.5, ratio=6.0):
    return {
        "rt60": torch.as_tensor(rt60, dtype=torch.float64).expand(12),
        "levels": torch.zeros(12, dtype=torch.float64),
        "ratio": torch.tensor(ratio, dtype=torch.float64),
    }


def schroeder(impulse):
    """RT60 from the slope of the backward-integrated energy between -5 and -35 dB (ISO 3382-1, T30)."""
    left = np.cumsum(impulse[::-1] ** 2)[::-1]
    level = 10 * np.log10(left / left[0])
    part = (level < -5) & (level > -35)
    slope = np.polyfit(np.flatnonzero(part) / RATE, level[part], 1)[0]
    return -60 / slope


@pytest.mark.parametrize("rt60", [0.2, 0.5, 1.0])
def test_the_decay_time_is_that_of_iso_3382(rt60):
    impulse = Reverb(RATE, {"length": 2_000}).impulse(values(rt60)).numpy()
    assert schroeder(impulse) == pytest.approx(rt60, rel=0.05)


def test_each_end_of_the_spectrum_has_its_own_decay_time():
    slow_bass = torch.cat([torch.full((6,), 1.0), torch.full((6,), 0.2)]).double()
    impulse = Reverb(RATE, {"length": 2_000}).impulse(values(slow_bass)).numpy()
    low = sp.sosfiltfilt(sp.butter(6, 300, output="sos", fs=RATE), impulse)
    high = sp.sosfiltfilt(sp.butter(6, 4_000, "high", output="sos", fs=RATE), impulse)
    assert schroeder(low) == pytest.approx(1.0, rel=0.15)
    assert schroeder(high) == pytest.approx(0.2, rel=0.15)


@pytest.mark.parametrize("ratio", [-6.0, 12.0])
def test_the_ratio_is_direct_over_reverberant_energy(ratio):
    x = torch.zeros(1, 1, 3 * RATE, dtype=torch.float64)
    x[..., 0] = 1
    y = Reverb(RATE).process(x, values(ratio=ratio), None)[0].ravel()
    y[0] -= 1
    assert 10 * np.log10(1 / y.square().sum().item()) == pytest.approx(ratio, abs=1e-6)


def test_the_noise_is_the_seeds_and_always_the_same():
    one, two = (Reverb(RATE, {"seed": 3}).impulse(values()) for _ in range(2))
    assert torch.equal(one, two)
    assert not torch.equal(one, Reverb(RATE, {"seed": 4}).impulse(values()))


@pytest.mark.parametrize("taps", [10, PARTITION, PARTITION + 1, 3 * PARTITION + 77])
@pytest.mark.parametrize("size", [1_000, PARTITION, 20_001])
def test_a_stream_is_scipys_convolution_at_every_block_size(taps, size):
    impulse, x = noise(taps, seed=1).astype(np.float64), noise(2, 25_000).astype(np.float64)
    stream = Stream(torch.from_numpy(impulse), 2)
    found = torch.cat([stream.advance(part) for part in torch.from_numpy(x).split(size, 1)], 1)
    expected = sp.fftconvolve(x, impulse[None], axes=1)[:, :25_000]
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-11)


def test_rendering_in_blocks_is_what_training_hears():
    chain = Chain.from_spec(spec(blocks=[{"id": "room", "kind": "reverb"}]))
    x = noise(2, 30_000)
    whole = chain.double()(torch.from_numpy(x).double()[None])[0][0].detach().numpy()
    for size in (777, 4_096, 30_000):
        np.testing.assert_allclose(render(chain, x, 44_100, block_size=size), whole, atol=1e-6)


def test_a_short_room_passes_gradcheck():
    block = Reverb(8_000, {"length": 10})
    given = random_values(block)
    signal = torch.from_numpy(noise(1, 2, 30)).double().requires_grad_()
    inputs = [v.requires_grad_() for v in given.values()]
    assert torch.autograd.gradcheck(
        lambda x, *v: block.process(x, dict(zip(given, v, strict=True)), None)[0], [signal, *inputs]
    )
