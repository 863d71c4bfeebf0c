"""Any valid chain over any signal: finite, shaped as it came, the same whatever the pieces, still after silence."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from models_registry.engine import Chain, Stream, render
from models_registry.engine.blocks import BLOCKS, SoundBlock

from .cast import BRIEF, noise

RATES = [8_000, 11_025, 16_000, 44_100, 48_000, 96_000]


@st.composite
def block(draw, number, rate, channels, brief=True):
    kind = draw(st.sampled_from(sorted(BLOCKS)))
    cls = BLOCKS[kind]
    if cls.inlet.channels not in (0, channels):
        kind, cls = "gain", BLOCKS["gain"]
    options = BRIEF.get(kind, {}) if brief else {}
    places = draw(st.lists(st.floats(0, 1), min_size=1, max_size=6))
    params = {}
    for n, parameter in enumerate(cls(rate, options).parameters.values()):
        control = places[n % len(places)]
        value = float(parameter.physical(control))
        # rounding may step over an end
        value = min(max(value, parameter.low), parameter.high)
        params[parameter.name] = value if parameter.size == 1 else [value] * parameter.size
    return {"id": f"b{number}", "kind": kind, "options": options, "params": params}


@st.composite
def chains(draw, rates=RATES, brief=True):
    rate = draw(st.sampled_from(rates))
    channels = draw(st.sampled_from([1, 2]))
    blocks = [draw(block(n, rate, channels, brief)) for n in range(draw(st.integers(1, 3)))]
    if draw(st.booleans()):
        other = draw(block(9, rate, channels, brief))
        blocks.append({"id": "mix", "kind": "parallel", "branches": [[], [other]]})
    return Chain.from_spec({"version": 1, "rate": rate, "blocks": blocks}), channels


@settings(max_examples=30, deadline=None)
@given(
    made=chains(), frames=st.integers(1, 6_000), batch=st.integers(1, 3), seed=st.integers(0, 99)
)
def test_a_random_chain_keeps_shape_and_stays_finite(made, frames, batch, seed):
    chain, channels = made
    signal = torch.from_numpy(noise(batch, channels, frames, seed=seed)).requires_grad_()
    output, state = chain(signal)
    assert output.shape == signal.shape
    assert output.dtype == signal.dtype
    assert output.isfinite().all()
    # a block that answers late has not heard the signal yet
    if output.requires_grad:
        output.square().mean().backward()
    for parameter in chain.parameters():
        assert parameter.grad is None or parameter.grad.isfinite().all()
    assert 0 <= chain.pole_radius() < 1
    assert Chain.from_spec(chain.spec()).spec_hash == chain.spec_hash
    with torch.no_grad():
        # one sample at a time is a signal too
        more, _ = chain(signal[..., :1].detach(), state)
    assert more.isfinite().all()


@settings(max_examples=25, deadline=None)
@given(made=chains(), frames=st.integers(1, 12_000), piece=st.integers(1, 5_000))
def test_a_random_chain_renders_the_same_whatever_the_pieces(made, frames, piece):
    chain, channels = made
    x = noise(channels, frames)
    whole = render(chain, x, chain.rate)
    assert whole.shape == x.shape
    np.testing.assert_array_equal(render(chain, x, chain.rate, block_size=max(piece, 200)), whole)


@settings(max_examples=25, deadline=None)
@given(made=chains(), level=st.floats(-1, 1))
def test_a_random_chain_bears_a_constant_and_ends_without_denormals(made, level):
    chain, channels = made
    stream = Stream(chain, channels, chain.rate)
    steady = np.full((channels, 4_096), level, dtype=np.float32)
    for samples in (steady, steady, 0 * steady, 0 * steady):
        assert np.isfinite(stream.push(samples)[""]).all()
    smallest = np.finfo(np.float64).tiny
    for name, state in stream.state.blocks.items():
        for part in tensors(state):
            tiny = (part.abs() > 0) & (part.abs() < smallest)
            assert not tiny.any() or isinstance(chain.blocks[name], SoundBlock)


@settings(max_examples=3, deadline=None)
# frames of a millisecond would take a minute
@given(made=chains(rates=RATES[:1], brief=False), seed=st.integers(0, 99))
def test_a_random_chain_goes_on_for_ten_minutes(made, seed):
    chain, channels = made
    stream = Stream(chain, channels, chain.rate)
    minute = noise(channels, 60 * chain.rate, seed=seed)
    sizes = []
    for _ in range(10):
        output = stream.push(minute)[""]
        assert np.isfinite(output).all()
        sizes.append(sum(t.numel() for s in stream.state.blocks.values() for t in tensors(s)))
    # what is carried from minute to minute does not grow; an unfinished frame may be longer or shorter
    assert abs(sizes[-1] - sizes[0]) < chain.rate / 2


def tensors(state):
    """Every double-precision tensor in a block's state."""
    if isinstance(state, torch.Tensor):
        return [state] if state.dtype == torch.float64 else []
    if isinstance(state, (tuple, list)):
        return [one for part in state for one in tensors(part)]
    return []
