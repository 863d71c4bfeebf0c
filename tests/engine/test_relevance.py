"""Relevance is conserved: what the samples of the input make of the output adds up to it, block by block."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from models_registry.engine import Chain, attributed, relevance
from models_registry.engine.blocks import BLOCKS, SoundBlock

from .cast import awake, followed, noise, random_values, spec
from .test_every_block import VARIANTS, heard_by, made

# moved by the signal, or bent: without the mode gradient times input does not add up
BENT = ["compressor", "expander", "clipper", "waveshaper", "wiener", "limiter"]


def explained(block, signal, values, weights):
    """The weighed output, and the sum of gradient times input."""
    given = signal.clone().requires_grad_()
    output, _ = block.process(given, values, None)
    total = (weights * output).sum()
    if not total.requires_grad:
        return output, total.item(), 0.0
    (slope,) = torch.autograd.grad(total, given)
    return output, total.item(), (slope * signal).sum().item()


def heard(kind, options):
    block = made(kind, options)
    # beyond every latency, so that the output is not silence alone
    signal = heard_by(block, 1, 1, 6_000 + 2 * block.outlet.latency).double()
    return block, signal, random_values(block, 2)


@pytest.mark.parametrize(("kind", "options"), VARIANTS)
def test_every_block_conserves_relevance(kind, options):
    block, signal, values = heard(kind, options)
    plain, _ = block.process(signal, values, None)
    # every sample of the output with its own sign, so that none answers for another
    weights = plain * torch.rand(plain.shape, generator=torch.Generator().manual_seed(1)).double()
    with relevance():
        output, total, parts = explained(block, signal, values, weights)
    assert (output - plain).abs().max() <= 1e-12 * max(1, plain.abs().max())
    bias = 0.0
    if isinstance(block, SoundBlock):
        # declared: these sound by themselves
        bias = (weights * block.process(0 * signal, values, None)[0]).sum().item()
    assert abs(total - bias - parts) <= 1e-9 * (weights * plain).abs().sum().item()


@pytest.mark.parametrize("kind", BENT)
def test_without_the_mode_a_block_that_bends_does_not_conserve(kind):
    block, signal, values = heard(kind, {})
    with torch.no_grad():
        weights, _ = block.process(signal, values, None)
    _, total, parts = explained(block, signal, values, weights)
    # the threshold of what is called conserved
    assert abs(total - parts) > 0.01 * total


def test_a_chain_with_its_adapter_explains_its_energy():
    chain = awake(Chain.from_spec(followed())).double()
    signal = torch.from_numpy(noise(1, 1, 4_000)).double()
    found = attributed(chain, signal)
    with torch.no_grad():
        energy = chain(signal)[0].square().sum().item()
    assert found.total == pytest.approx(energy)
    assert abs(found.bias) <= 1e-9 * energy
    assert found.relevance.sum().item() == pytest.approx(energy)


def test_relevance_lies_where_the_sound_is():
    # a gain of 6.02 dB quadruples the energy of each sample, and that is its relevance
    chain = Chain.from_spec(spec(blocks=[{"id": "l", "kind": "gain", "params": {"level": 6.0206}}]))
    signal = torch.zeros(1, 1, 100, dtype=torch.float64)
    signal[..., 40:50] = torch.linspace(-1, 1, 10, dtype=torch.float64)
    found = attributed(chain.double(), signal)
    np.testing.assert_allclose(found.relevance, 4 * signal.square(), rtol=1e-4)


def test_a_sound_that_a_block_makes_by_itself_is_bias():
    chain = Chain.from_spec(
        spec(blocks=[{"id": "pulses", "kind": "exciter"}, {"id": "l", "kind": "gain"}])
    )
    found = attributed(chain.double(), torch.from_numpy(noise(1, 1, 2_000)).double())
    assert not found.relevance.any()
    assert found.bias == found.total > 0


def test_a_measure_of_ones_own_is_divided_up():
    # the first hundred samples' sum is made by the first hundred samples
    chain = Chain.from_spec(spec(blocks=[{"id": "d", "kind": "clipper"}])).double()
    signal = torch.from_numpy(noise(1, 1, 300)).double()
    found = attributed(chain, signal, lambda output: output[..., :100].sum())
    assert not found.relevance[..., 100:].any()
    assert found.relevance.sum().item() == pytest.approx(found.total)


def test_the_mode_ends_with_its_context():
    block = BLOCKS["clipper"](44_100)
    values = random_values(block)
    signal = torch.from_numpy(noise(1, 1, 100)).double()
    with pytest.raises(ZeroDivisionError), relevance():
        raise ZeroDivisionError
    given = signal.clone().requires_grad_()
    assert torch.autograd.gradcheck(lambda x: block.process(x, values, None)[0], [given])
