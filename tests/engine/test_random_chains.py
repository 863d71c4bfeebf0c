"""Random valid chains: any blocks, options, parameters, rates, lengths and batches give finite sound and slopes, and
the same sound however it is divided."""

from __future__ import annotations

import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models_registry.engine import Chain
from models_registry.engine.blocks import BLOCKS

from .cast import noise

# what makes a block slow, kept small
SMALL = {"length": 100, "longest": 20, "taps": 255}
# a limiter may not hear a hundred thousandth more than another whose rounding differs
STREAMING = 1e-7


@st.composite
def entries(draw, rate, number):
    kind = draw(st.sampled_from(sorted(BLOCKS)))
    options = {}
    for option in BLOCKS[kind].choices:
        if option.words:
            options[option.name] = draw(st.sampled_from(option.words))
        else:
            low, high = option.low, min(option.high, max(option.low, int(option.default)))
            options[option.name] = SMALL.get(option.name, draw(st.integers(low, high)))
    block = BLOCKS[kind](rate, options)
    params = {}
    for parameter in block.parameters.values():
        places = [draw(st.floats(0, 1)) for _ in range(min(parameter.size, 2))] * parameter.size
        values = [
            float(parameter.physical(torch.tensor(place, dtype=torch.float64)))
            for place in places[: parameter.size]
        ]
        # rounding may step over an end
        values = [min(max(value, parameter.low), parameter.high) for value in values]
        params[parameter.name] = values[0] if parameter.size == 1 else values
    return {"id": f"b{number}", "kind": kind, "options": options, "params": params}


@st.composite
def chains(draw):
    rate = draw(st.sampled_from([8_000, 16_000, 44_100, 96_000]))
    count = draw(st.integers(1, 3))
    blocks = [draw(entries(rate, number)) for number in range(count)]
    return {"version": 1, "rate": rate, "blocks": blocks}


@settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(
    spec=chains(),
    frames=st.integers(1, 3_000),
    batch=st.integers(1, 2),
    channels=st.integers(1, 2),
    cut=st.floats(0, 1),
    level=st.sampled_from([0.0, 1e-6, 0.2, 5.0]),
)
def test_any_chain_is_finite_learns_and_streams(spec, frames, batch, channels, cut, level):
    chain = Chain.from_spec(spec)
    wide = max(block.inlet.channels for block in chain.blocks.values())
    x = torch.from_numpy(noise(batch, wide or channels, frames, level=level)).double()
    x.requires_grad_()
    whole, _ = chain(x)
    assert whole.shape == x.shape
    assert whole.isfinite().all()
    # what is shorter than a frame has not come out yet, and nothing to learn from
    if whole.requires_grad:
        whole.square().mean().backward()
    slopes = [x.grad, *(parameter.grad for parameter in chain.parameters())]
    assert all(slope.isfinite().all() for slope in slopes if slope is not None)
    state, parts = None, []
    for part in x.detach().split(max(1, round(cut * frames)), dim=-1)[:2]:
        output, state = chain(part, state)
        parts.append(output)
    found = torch.cat(parts, -1)
    whole = whole[..., : found.shape[-1]]
    assert (found - whole).abs().max() <= STREAMING * max(1, whole.abs().max().item())
    assert chain.pole_radius() < 1
    assert chain.tail() >= 0
