"""Clipping against its formulas and scipy's integrals, with its aliases measured; the switch-on transient."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from scipy.integrate import quad
from scipy.signal import lfilter

from models_registry.engine.blocks import Clipper, Settling

from .cast import noise

RATE = 48_000
FORMULAS: dict[str, Callable[..., Any]] = {
    "tanh": np.tanh,
    "soft": lambda u: np.where(np.abs(u) < 1.5, u - 4 * u**3 / 27, np.sign(u)),
    "hard": lambda u: np.clip(u, -1, 1),
}


def tensors(**values):
    return {name: torch.tensor(value, dtype=torch.float64) for name, value in values.items()}


def out(x, *, shape="tanh", aliasing="none", **values):
    block = Clipper(RATE, {"shape": shape, "aliasing": aliasing})
    signal = torch.as_tensor(x, dtype=torch.float64).reshape(1, 1, -1)
    return (
        block.process(signal, tensors(**({"drive": 0.0, "ceiling": 0.0} | values)), None)[0]
        .ravel()
        .numpy()
    )


@pytest.mark.parametrize("shape", FORMULAS)
def test_the_curve_is_its_formula_between_drive_and_ceiling(shape):
    x = noise(500, level=1).astype(np.float64)
    found = out(x, shape=shape, drive=12.0, ceiling=-6.0)
    drive, ceiling = 10 ** (12 / 20), 10 ** (-6 / 20)
    np.testing.assert_allclose(found, ceiling * FORMULAS[shape](drive * x / ceiling), atol=1e-12)


@pytest.mark.parametrize("shape", FORMULAS)
def test_antialiasing_is_the_mean_of_the_curve_between_neighbours(shape):
    # by scipy's quadrature; steps tiny, ordinary and across both corners
    x = np.array([0.0, 0.3, 0.3, 0.3 + 1e-9, 0.30005, -2.0, 2.5, 2.5000001, 40.0, -900.0])
    found = out(x, shape=shape, aliasing="antiderivative")
    for n in range(1, x.size):
        a, b = x[n - 1], x[n]
        corners = [c for c in (-1.5, -1.0, 0.0, 1.0, 1.5) if min(a, b) < c < max(a, b)]
        if abs(b - a) < 1e-3:
            expected = FORMULAS[shape]((a + b) / 2)
        else:
            expected = quad(FORMULAS[shape], a, b, points=corners or None, limit=500)[0] / (b - a)
        # the midpoint rule's error over the largest step it is used for is step² / 24
        assert found[n] == pytest.approx(float(expected), abs=2e-8)


def aliases(shape, aliasing, below):
    """Energy of what is no harmonic up to `below` Hz, relative to all harmonics, dB."""
    frequency = 1_733  # a prime number of periods a second: aliases fall between the harmonics
    x = np.sin(2 * np.pi * frequency * np.arange(2 * RATE) / RATE)
    spectrum = np.abs(np.fft.rfft(out(x, shape=shape, aliasing=aliasing, drive=20.0)[RATE:])) ** 2
    harmonic = np.zeros(spectrum.size, dtype=bool)
    harmonic[::frequency] = True
    alias = ~harmonic & (np.arange(spectrum.size) <= below)
    return 10 * np.log10(spectrum[alias].sum() / spectrum[harmonic].sum())


@pytest.mark.parametrize(("below", "gain"), [(24_000, 5), (5_000, 20)])
@pytest.mark.parametrize("shape", FORMULAS)
def test_aliases_are_lower_with_the_antiderivative(shape, below, gain):
    plain, better = aliases(shape, "none", below), aliases(shape, "antiderivative", below)
    print(f"{shape} to {below} Hz: aliases {plain:.1f} dB, antiderivative {better:.1f} dB")
    assert better < plain - gain


def test_output_stays_within_the_ceiling():
    x = noise(2_000, level=30).astype(np.float64)
    for shape in FORMULAS:
        for aliasing in ("none", "antiderivative"):
            found = out(x, shape=shape, aliasing=aliasing, drive=30.0, ceiling=-12.0)
            assert np.abs(found).max() <= 10 ** (-12 / 20) * (1 + 1e-12)


def test_settling_is_a_capacitor_that_discharges():
    # the impulse response of scipy's one-pole with the same time constant
    values = tensors(offset=3.0, time=20.0)
    found = Settling(RATE).process(torch.zeros(2, 1, 4_000).double(), values, None)[0]
    impulse = np.zeros(4_000)
    impulse[0] = 3.0
    expected = lfilter([1], [1, -np.exp(-1 / (0.020 * RATE))], impulse)
    np.testing.assert_allclose(found[1, 0].numpy(), expected, atol=1e-12)


def test_settling_at_rest_changes_nothing():
    x = torch.from_numpy(noise(1, 2, 100))
    assert torch.equal(Settling(RATE).process(x, tensors(offset=0.0, time=20.0), None)[0], x)
