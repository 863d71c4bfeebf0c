"""Rendering: the same samples whatever the block size, aligned, at the input's rate, every channel alike."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from models_registry.audio import AudioError
from models_registry.engine import Chain, EngineError, render
from models_registry.engine.blocks import BLOCKS, Gain, register
from models_registry.engine.contract import Port

from .cast import awake, followed, noise, spec


@pytest.fixture
def chain():
    torch.manual_seed(0)
    return awake(Chain.from_spec(followed()))


@pytest.mark.parametrize("block_size", [1, 63, 64, 65, 1_000, 4_999, 5_000])
def test_the_block_size_changes_nothing(chain, block_size):
    x = noise(2, 5_000)
    whole = render(chain, x, 44_100)
    np.testing.assert_allclose(render(chain, x, 44_100, block_size=block_size), whole, atol=1e-7)


def test_blocks_agree_to_double_precision_inside_the_chain(chain):
    exact = chain.double()
    x = torch.from_numpy(noise(1, 2, 3_000)).double()
    with torch.no_grad():
        whole, _ = exact(x)
        state, parts = None, []
        for part in x.split(101, dim=-1):
            output, state = exact(part, state)
            parts.append(output)
    assert (torch.cat(parts, -1) - whole).abs().max() < 1e-12


def test_a_mono_chain_treats_every_channel_on_its_own(chain):
    x = noise(2, 2_000)
    both = render(chain, x, 44_100)
    for channel in range(2):
        np.testing.assert_allclose(render(chain, x[[channel]], 44_100)[0], both[channel], atol=1e-7)


def test_rendering_leaves_the_chain_as_it_was(chain):
    render(chain, noise(1, 500), 44_100)
    assert chain.adapters[0].head.weight.dtype == torch.float32
    assert chain.training


@pytest.mark.parametrize("rate", [16_000, 48_000, 96_000])
def test_another_rate_keeps_length_alignment_and_level(rate):
    # a gain of -6.02 dB halves; 400 Hz passes every resampler unharmed
    half = Chain.from_spec(spec(blocks=[{"id": "l", "kind": "gain", "params": {"level": -6.0206}}]))
    time = np.arange(rate // 2) / rate
    x = (0.5 * np.sin(2 * np.pi * 400 * time) * np.hanning(time.size))[None].astype(np.float32)
    y = render(half, x, rate)
    assert y.shape == x.shape
    np.testing.assert_allclose(y, x / 2, atol=1e-4)


class Late(Gain):
    """Ten samples late, and says so."""

    kind = "late"
    outlet = Port(latency=10)

    def process(self, signal, values, state):
        past = torch.zeros(*signal.shape[:-1], 10, dtype=signal.dtype) if state is None else state
        joined = torch.cat([past, signal], -1)
        return joined[..., : signal.shape[-1]], joined[..., -10:]


@pytest.mark.parametrize("block_size", [7, 400])
def test_declared_latency_is_taken_out(block_size):
    register(Late)
    try:
        chain = Chain.from_spec(spec(blocks=[{"id": n, "kind": "late"} for n in ("a", "b")]))
    finally:
        del BLOCKS["late"]
    x = noise(1, 300)
    assert chain.latency == 20
    np.testing.assert_array_equal(render(chain, x, 44_100, block_size=block_size), x)


@pytest.mark.parametrize(
    ("samples", "sentence"),
    [
        (np.full((1, 100), np.nan, dtype=np.float32), "found 100 NaN"),
        (np.zeros((1, 100), dtype=np.float32), "found silence"),
        (np.zeros((1, 0), dtype=np.float32), "found no samples"),
        (np.ones(100, dtype=np.float32), "found 1 dimension"),
    ],
)
def test_what_is_no_audio_is_refused(chain, samples, sentence):
    with pytest.raises(AudioError, match=sentence):
        render(chain, samples, 44_100)


def test_a_block_size_of_nothing_is_refused(chain):
    with pytest.raises(EngineError, match="at least 1 sample, found 0"):
        render(chain, noise(1, 100), 44_100, block_size=0)
