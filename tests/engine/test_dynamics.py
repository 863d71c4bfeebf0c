"""Dynamics against their definitions written out sample by sample, and against what their designs guarantee."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import lfilter

from models_registry.engine import Chain, render
from models_registry.engine.blocks import Compressor, Expander, Limiter
from models_registry.engine.blocks.dynamics import Ballistics

from .cast import BACKENDS, noise, random_values, spec

RATE = 48_000


@pytest.fixture(params=BACKENDS)
def backend(request, monkeypatch):
    for kind in (Compressor, Expander, Limiter):
        monkeypatch.setattr(kind, "backend", request.param)
    return request.param


def tensors(**values):
    return {name: torch.tensor(value, dtype=torch.float64) for name, value in values.items()}


def bursts(frames=3_000):
    """Noise that is loud and soft by turns."""
    envelope = np.where(np.arange(frames) // 400 % 2, 1.0, 0.02)
    return (envelope * noise(1, 1, frames, level=0.5)).astype(np.float64)


def by_hand(x, *, reduction, up, down):
    """Giannoulis et al. 2012, eqs. 4 and 16 (branching, in dB), one sample after the other."""
    speed_up, speed_down = (1 - math.exp(-1 / (ms / 1_000 * RATE)) for ms in (up, down))
    smooth, output = 0.0, []
    for sample in x.ravel():
        wanted = reduction(20 * math.log10(max(abs(sample), 1e-6)))
        speed = speed_up if wanted > smooth else speed_down
        smooth += speed * (wanted - smooth)
        output.append(sample * 10 ** (-smooth / 20))
    return np.array(output)


def knee(over, width):
    if 2 * over < -width:
        return 0.0
    return over if 2 * over > width else (over + width / 2) ** 2 / (2 * width)


@pytest.mark.parametrize(
    ("attack", "release", "ratio", "width"), [(0.1, 40.0, 4.0, 6.0), (30.0, 3.0, 20.0, 0.01)]
)
def test_a_compressor_is_its_definition_sample_by_sample(backend, attack, release, ratio, width):
    values = tensors(
        threshold=-30.0, ratio=ratio, knee=width, attack=attack, release=release, makeup=0.0
    )
    x = bursts()
    found = Compressor(RATE).process(torch.from_numpy(x), values, None)[0].numpy().ravel()
    expected = by_hand(
        x, reduction=lambda at: (1 - 1 / ratio) * knee(at + 30, width), up=attack, down=release
    )
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_an_expander_is_its_definition_sample_by_sample(backend):
    values = tensors(threshold=-20.0, ratio=3.0, knee=4.0, range=25.0, attack=0.5, release=20.0)
    x = bursts()
    found = Expander(RATE).process(torch.from_numpy(x), values, None)[0].numpy().ravel()
    expected = by_hand(
        x, reduction=lambda at: min(25.0, 2 * knee(-20 - at, 4.0)), up=20.0, down=0.5
    )
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_equal_speeds_are_scipys_one_pole(backend):
    target = torch.from_numpy(noise(2, 500)).double()
    speeds = torch.full((2, 2), 0.2, dtype=torch.float64)
    found = Ballistics.apply(target, speeds, torch.zeros(2, dtype=torch.float64), backend)
    expected = lfilter([0.2], [1, -0.8], target.numpy())
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-14)


def test_attack_and_release_are_time_constants(backend):
    # a step of 20 dB: after one time constant 1 - 1/e of the reduction of 15 dB is there, or 1/e left
    values = tensors(threshold=-20.0, ratio=4.0, knee=0.01, attack=10.0, release=50.0, makeup=0.0)
    x = torch.full((1, 1, 2 * RATE), 1.0, dtype=torch.float64)
    x[..., RATE:] = 1e-3
    y = Compressor(RATE).process(x, values, None)[0].ravel().numpy()
    gain = -20 * np.log10(y / x.ravel().numpy())
    assert gain[RATE - 1] == pytest.approx(15, abs=1e-6)
    assert gain[round(0.010 * RATE) - 1] == pytest.approx(15 * (1 - math.exp(-1)), abs=1e-3)
    assert gain[RATE + round(0.050 * RATE) - 1] == pytest.approx(15 * math.exp(-1), abs=1e-3)


def test_release_is_heard_and_learned(backend):
    # the fault for which an implementation that knows one time constant only was sent back
    values = tensors(threshold=-30.0, ratio=4.0, knee=6.0, attack=5.0, release=120.0, makeup=0.0)
    values["release"].requires_grad_()
    x = torch.from_numpy(bursts())
    slow = Compressor(RATE).process(x, values, None)[0]
    fast = Compressor(RATE).process(x, values | tensors(release=5.0), None)[0]
    assert (slow - fast).square().sum() > 0.01 * slow.square().sum()
    slow.square().sum().backward()
    assert values["release"].grad.abs() > 0


def test_static_curves_have_the_slopes_on_the_panel():
    levels = torch.tensor([-15.0, -5.0, -50.0, -40.0], dtype=torch.float64)
    linear = 10 ** (levels / 20)

    def out(block, values):
        return 20 * torch.log10(block.curve(values, linear))

    compressor = tensors(threshold=-30.0, ratio=4.0, knee=0.01, attack=1.0, release=1.0, makeup=3.0)
    one = out(Compressor(RATE), compressor)
    # above: 10 dB in give 10 / 4 out; below: nothing but the make-up
    assert (one[1] - one[0]).item() == pytest.approx(2.5, abs=1e-6)
    assert one[2].item() == pytest.approx(-47, abs=1e-6)
    expander = tensors(threshold=-30.0, ratio=2.0, knee=0.01, range=80.0, attack=1.0, release=1.0)
    other = out(Expander(RATE), expander)
    assert (other[3] - other[2]).item() == pytest.approx(20, abs=1e-6)
    assert other[0].item() == pytest.approx(-15, abs=1e-6)


def test_linked_channels_keep_their_balance():
    x = torch.from_numpy(np.concatenate([bursts(), 0.1 * bursts()], axis=1))
    values = random_values(Compressor(RATE), 4)
    linked, _ = Compressor(RATE, {"link": "together"}).process(x, values, None)
    np.testing.assert_allclose(linked[:, 1], 0.1 * linked[:, 0], atol=1e-12)
    each, _ = Compressor(RATE).process(x, values, None)
    assert not np.allclose(each[:, 1], 0.1 * each[:, 0])


@settings(max_examples=30, deadline=None)
@given(
    rate=st.sampled_from([8_000, 44_100, 96_000]),
    ahead=st.integers(1, 10),
    controls=st.lists(st.floats(0, 1), min_size=3, max_size=3),
    seed=st.integers(0, 99),
)
def test_no_sample_of_a_limiter_is_above_the_ceiling(rate, ahead, controls, seed):
    block = Limiter(rate, {"lookahead": ahead})
    places = [torch.tensor(c, dtype=torch.float64) for c in controls]
    values = block.physical(dict(zip(block.parameters, places, strict=True)))
    draw = np.random.default_rng(seed)
    x = draw.normal(size=(1, 1, 3_000)) * 10 ** draw.uniform(-3, 1.5, size=(1, 1, 3_000))
    output, _ = block.process(torch.from_numpy(x), values, None)
    assert output.abs().max() <= 10 ** (values["ceiling"].item() / 20) * (1 + 1e-9)


def test_a_limiter_leaves_what_is_soft_alone_and_in_its_place(backend):
    blocks = [{"id": "last", "kind": "limiter", "options": {"lookahead": 5}}]
    chain = Chain.from_spec(spec(blocks=blocks))
    x = noise(1, 3_000, level=0.1)
    assert chain.latency == round(0.005 * 44_100)
    np.testing.assert_allclose(render(chain, x, 44_100, block_size=301), x, atol=1e-4)


def test_a_limiter_reaches_the_ceiling_and_lets_go_of_it(backend):
    # a single peak of +6 dB: at the peak exactly the ceiling, a second later untouched
    values = tensors(drive=0.0, ceiling=0.0, release=20.0)
    x = np.full(RATE, 0.25)
    x[5_000] = 2.0
    block = Limiter(RATE, {"lookahead": 2})
    y = block.process(torch.from_numpy(x)[None, None], values, None)[0].ravel().numpy()
    assert y[5_000 + block.ahead] == pytest.approx(1.0, abs=1e-9)
    assert y[-1] == pytest.approx(0.25, abs=1e-6)


@pytest.mark.parametrize("link", ["each", "together"])
def test_a_moving_threshold_passes_gradcheck(backend, link):
    block = Compressor(RATE, {"link": link})
    signal = torch.from_numpy(noise(1, 2, 20)).double()
    track = (-30 + 5 * torch.from_numpy(noise(1, 2, 20, seed=1)).double()).requires_grad_()
    values = random_values(block)
    assert torch.autograd.gradcheck(
        lambda t: block.process(signal, values | {"threshold": t}, None)[0], [track]
    )
