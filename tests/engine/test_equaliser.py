"""The equaliser against scipy: its design by the bilinear transform, its recursion by sosfilt, its response by FFT."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import signal as sp

from models_registry.engine.blocks import Equaliser
from models_registry.engine.blocks.equaliser import BANDS

from .cast import BACKENDS, noise, random_values

RATE = 44_100


def sos(block, values):
    sections = block.sections(values).detach().numpy()
    return np.insert(sections, 3, 1.0, axis=1)


@pytest.fixture(params=BACKENDS)
def equaliser(request, monkeypatch):
    monkeypatch.setattr(Equaliser, "backend", request.param)
    return Equaliser(RATE)


@pytest.mark.parametrize("seed", range(5))
def test_sections_are_the_cookbooks_analogue_prototypes_bilinearly_transformed(seed):
    # prototypes H(s) as printed in the W3C note; scipy.signal.bilinear does the transform
    block = Equaliser(RATE)
    values = random_values(block, seed)
    frequencies = np.geomspace(20, 20_000, 50)
    for n, band in enumerate(BANDS):
        f0, gain, q = (values[f"{band}_{what}"].item() for what in ("frequency", "gain", "q"))
        a, w0 = 10 ** (gain / 40), 2 * math.pi * f0
        middle = math.sqrt(a) / q
        if band == "low":
            b_s, a_s = a * np.array([1, middle, a]), np.array([a, middle, 1])
        elif band == "high":
            b_s, a_s = a * np.array([a, middle, 1]), np.array([1, middle, a])
        else:
            b_s, a_s = np.array([1, a / q, 1]), np.array([1, 1 / (a * q), 1])
        # s normalised to f0, pre-warped so that f0 stays where it is
        warp = 1 / math.tan(w0 / (2 * RATE))
        expected = sp.freqz(*sp.bilinear(b_s, a_s, fs=warp / 2), frequencies, fs=RATE)[1]
        found = sp.freqz_sos(sos(block, values)[n : n + 1], frequencies, fs=RATE)[1]
        np.testing.assert_allclose(found, expected, rtol=1e-9)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("seed", range(3))
def test_the_output_is_sosfilts(equaliser, dtype, seed):
    values = random_values(equaliser, seed)
    x = noise(2, 3, 5_000).astype(dtype)
    found = equaliser.process(torch.from_numpy(x), values, None)[0].numpy()
    expected = sp.sosfilt(sos(equaliser, values), x.astype(np.float64), axis=-1)
    error = np.sum((found - expected) ** 2) / np.sum(expected**2)
    assert found.dtype == dtype
    assert error < (1e-24 if dtype == np.float64 else 1e-14)


def test_a_20_hz_shelf_is_exact_to_120_db(equaliser):
    values = {
        p.name: torch.tensor(p.default, dtype=torch.float64) for p in equaliser.parameters.values()
    }
    values |= {
        "low_frequency": torch.tensor(20.0).double(),
        "low_gain": torch.tensor(18.0).double(),
    }
    x = noise(1, 1, RATE)
    found = equaliser.process(torch.from_numpy(x), values, None)[0].numpy()
    expected = sp.sosfilt(sos(equaliser, values), x.astype(np.float64), axis=-1)
    assert 10 * np.log10(np.sum((found - expected) ** 2) / np.sum(expected**2)) < -120


def test_carried_state_continues_as_if_nothing_had_happened(equaliser):
    values = random_values(equaliser, 1)
    x = torch.from_numpy(noise(1, 2, 3_000)).double()
    whole, _ = equaliser.process(x, values, None)
    state, parts = None, []
    for part in x.split([1, 1, 998, 2_000], dim=-1):
        output, state = equaliser.process(part, values, state)
        parts.append(output)
    np.testing.assert_allclose(torch.cat(parts, -1).numpy(), whole.numpy(), atol=1e-13)


@pytest.mark.parametrize("seed", range(3))
def test_the_analytic_response_is_the_spectrum_of_the_impulse_response(equaliser, seed):
    values = random_values(equaliser, seed)
    impulse = torch.zeros(1, 1, 2**17, dtype=torch.float64)
    impulse[..., 0] = 1
    measured = np.fft.rfft(equaliser.process(impulse, values, None)[0].numpy().ravel())
    frequencies = np.fft.rfftfreq(2**17, 1 / RATE)
    analytic = equaliser.response(values, torch.from_numpy(frequencies)).numpy()
    np.testing.assert_allclose(analytic, measured, atol=1e-6 * np.abs(measured).max())


def test_gains_of_zero_leave_the_signal_alone(equaliser):
    values = {
        p.name: torch.tensor(p.default, dtype=torch.float64) for p in equaliser.parameters.values()
    }
    x = torch.from_numpy(noise(1, 1, 500)).double()
    np.testing.assert_allclose(equaliser.process(x, values, None)[0].numpy(), x.numpy(), atol=1e-13)


@settings(max_examples=60, deadline=None)
@given(
    rate=st.sampled_from([8_000, 16_000, 44_100, 96_000, 192_000]),
    controls=st.lists(st.floats(0, 1), min_size=18, max_size=18),
)
def test_every_setting_is_stable(rate, controls):
    block = Equaliser(rate)
    tensors = [torch.tensor(c, dtype=torch.float64) for c in controls]
    values = block.physical(dict(zip(block.parameters, tensors, strict=True)))
    assert block.pole_radius(values) < 1
    output, _ = block.process(torch.ones(1, 1, 400), values, None)
    assert output.isfinite().all()


@pytest.mark.parametrize("end", [0.0, 1.0])
def test_range_ends_stay_finite_in_output_and_gradient(equaliser, end):
    controls = {
        name: torch.tensor(end, dtype=torch.float64, requires_grad=True)
        for name in equaliser.parameters
    }
    x = torch.from_numpy(noise(1, 1, 2_000, level=100)).requires_grad_()
    output, _ = equaliser.process(x, equaliser.physical(controls), None)
    output.square().mean().backward()
    assert output.isfinite().all()
    assert x.grad.isfinite().all()
    assert all(control.grad.isfinite() for control in controls.values())


def test_bands_move_down_with_the_sample_rate():
    assert Equaliser(16_000).parameters["high_frequency"].high == 7_200
    assert Equaliser(96_000).parameters["high_frequency"].high == 20_000


@pytest.mark.parametrize("backend", BACKENDS)
def test_without_gradients_the_numbers_are_the_same(backend):
    # the loop that keeps no history for a gradient is held to the one that does
    block = Equaliser(44_100)
    block.backend = backend
    values = random_values(block, 4)
    signal = torch.from_numpy(noise(2, 2, 3_000)).double()
    with torch.no_grad():
        begun, state = block.process(signal[..., :1], values, None)
        rest, state = block.process(signal[..., 1:], values, state)
    whole, after = block.process(signal, values, None)
    assert torch.equal(torch.cat([begun, rest], -1), whole)
    assert torch.equal(state, after)
