"""The learned curve against scipy's B-splines, and its promises: silence stays, levels stay bounded."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.interpolate import BSpline

from models_registry.engine.blocks import Gain, Waveshaper
from models_registry.engine.blocks.waveshaper import POINTS, SPACING, STRAIGHT

from .cast import BACKENDS, noise, random_values


@pytest.fixture(params=BACKENDS)
def waveshaper(request, monkeypatch):
    monkeypatch.setattr(Waveshaper, "backend", request.param)
    return Waveshaper(44_100)


def at(drive=0.0, bias=0.0, curve=STRAIGHT):
    return {
        "drive": torch.tensor(drive, dtype=torch.float64),
        "bias": torch.tensor(bias, dtype=torch.float64),
        "curve": torch.tensor(curve, dtype=torch.float64),
    }


def squeezed(level):
    # tanh(asinh(u) / 2), the other form of u / (1 + √(1 + u²))
    return np.tanh(np.arcsinh(level) / 2)


@pytest.mark.parametrize("seed", range(3))
def test_the_curve_is_scipys_uniform_cubic_b_spline(waveshaper, seed):
    values = random_values(waveshaper, seed)
    x = noise(1, 1, 2_000, level=1).astype(np.float64)
    knots = -1 + SPACING * np.arange(-3, POINTS + 1)
    spline = BSpline(knots, values["curve"].numpy(), 3)
    drive, bias = 10 ** (values["drive"].item() / 20), values["bias"].item()
    expected = spline(squeezed(drive * x + bias)) - spline(squeezed(bias))
    found = waveshaper.process(torch.from_numpy(x), values, None)[0].numpy()
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_by_default_it_only_squeezes(waveshaper):
    x = np.linspace(-3, 3, 101)
    found = waveshaper.curve(at(), torch.from_numpy(x)).numpy()
    np.testing.assert_allclose(found, squeezed(x), atol=1e-12)


def test_silence_stays_silence_whatever_the_bias(waveshaper):
    values = random_values(waveshaper)
    assert not waveshaper.process(torch.zeros(1, 2, 50), values, None)[0].any()


@pytest.mark.parametrize("level", [1e-30, 1.0, 1e3, 1e15])
def test_output_stays_within_the_control_points(waveshaper, level):
    # a B-spline lies in the hull of its control points (de Boor), and silence is taken off once
    curve = np.random.default_rng(0).uniform(-2, 2, POINTS)
    x = torch.from_numpy(noise(1, 1, 1_000, level=level)).requires_grad_()
    output = waveshaper.process(x, at(48.0, 0.3, curve), None)[0]
    assert output.isfinite().all()
    assert output.abs().max() <= 4
    output.sum().backward()
    assert x.grad.isfinite().all()


def test_gain_multiplies_by_decibels():
    # +20 dB is a factor of ten
    values = {"level": torch.tensor(20.0, dtype=torch.float64)}
    x = torch.from_numpy(noise(1, 2, 10))
    block = Gain(44_100)
    np.testing.assert_allclose(block.process(x, values, None)[0].numpy(), 10 * x.numpy(), rtol=1e-6)
    assert block.response(values, torch.tensor([100.0]).double()).item() == pytest.approx(10)
