"""Delays against numpy's shifts and scipy's interpolation; the loop against its difference equation (lfilter)."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import signal as sp
from scipy.interpolate import BarycentricInterpolator

from models_registry.engine.blocks import Delay, Echo
from models_registry.engine.blocks.delay import lagrange

from .cast import BACKENDS, noise

RATE = 48_000


def ms(samples):
    return torch.as_tensor(samples * 1_000 / RATE, dtype=torch.float64)


@pytest.mark.parametrize("samples", [1, 2, 17, 480])
def test_a_whole_number_of_samples_is_a_shift(samples):
    x = noise(1, 2, 1_000).astype(np.float64)
    found, _ = Delay(RATE).process(torch.from_numpy(x), {"time": ms(samples)}, None)
    expected = np.pad(x, ((0, 0), (0, 0), (samples, 0)))[..., :1_000]
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-9)


@pytest.mark.parametrize("fraction", [1.0, 1.25, 1.5, 1.9])
def test_between_samples_it_is_scipys_cubic_through_the_four_nearest(fraction):
    weights = lagrange(torch.tensor(fraction, dtype=torch.float64)).numpy()
    for k in range(4):
        unit = np.eye(4)[k]
        assert weights[k] == pytest.approx(
            BarycentricInterpolator(range(4), unit)(fraction), abs=1e-12
        )


def test_a_moving_time_reads_the_cubic_at_each_sample():
    block = Delay(RATE)
    x = noise(1, 1, 600).astype(np.float64)
    time = np.linspace(5.3, 90.7, 600)
    found, _ = block.process(
        torch.from_numpy(x), {"time": ms(torch.from_numpy(time))[None, None]}, None
    )
    for n in (100, 250, 599):
        whole = int(np.floor(time[n])) - 1
        near = [x[0, 0, n - whole - k] for k in range(4)]
        expected = BarycentricInterpolator(range(4), near)(time[n] - whole)
        assert found[0, 0, n].item() == pytest.approx(float(expected), abs=1e-9)


def test_a_still_and_a_moving_time_agree_and_carry_the_same_state():
    block = Delay(RATE)
    x = torch.from_numpy(noise(2, 1, 400)).double()
    still, one = block.process(x, {"time": ms(33.4)}, None)
    moving, other = block.process(x, {"time": ms(33.4).expand(2, 1, 400)}, None)
    np.testing.assert_allclose(still, moving, atol=1e-12)
    assert torch.equal(one, other)


def test_a_moving_time_passes_gradcheck():
    block = Delay(RATE)
    signal = torch.from_numpy(noise(1, 1, 30)).double().requires_grad_()
    time = ms(torch.linspace(2.3, 6.4, 30, dtype=torch.float64))[None, None].requires_grad_()
    assert torch.autograd.gradcheck(
        lambda x, t: block.process(x, {"time": t}, None)[0], [signal, time], eps=1e-7, atol=1e-4
    )


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("samples", [2.0, 2.5, 31.0, 200.7])
def test_the_loop_is_its_difference_equation(backend, samples, monkeypatch):
    monkeypatch.setattr(Echo, "backend", backend)
    values = {"time": ms(samples)} | {
        "feedback": torch.tensor(-0.8, dtype=torch.float64),
        "level": torch.tensor(0.6, dtype=torch.float64),
    }
    x = noise(2, 1, 3_000).astype(np.float64)
    found, _ = Echo(RATE).process(torch.from_numpy(x), values, None)
    whole = int(np.floor(samples)) - 1
    late = np.zeros(whole + 4)
    late[whole:] = lagrange(torch.tensor(samples - whole, dtype=torch.float64)).numpy()
    # late / (1 − g · late) behind level, beside the signal
    loop = 0.8 * late
    loop[0] += 1
    expected = x + 0.6 * sp.lfilter(late, loop, x)
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-9)


@pytest.mark.parametrize("samples", [2.5, 7.0, 31.5])
@pytest.mark.parametrize("feedback", [-0.98, 0.5, 0.98])
def test_no_pole_is_outside_of_what_is_reported(samples, feedback):
    whole = int(np.floor(samples)) - 1
    loop = np.zeros(whole + 4)
    loop[0] = 1
    fraction = torch.tensor(samples - whole, dtype=torch.float64)
    loop[whole:] -= feedback * lagrange(fraction).numpy()
    largest = np.abs(np.roots(loop)).max()
    values = {"time": ms(samples), "feedback": torch.tensor(feedback)}
    assert largest < 1
    assert Echo(RATE).pole_radius(values) == pytest.approx(largest, abs=0.05)
    assert largest <= Echo(RATE).pole_radius(values) + 1e-6
