"""Biquads, crossover and state-variable filter against scipy's designs, and their known identities."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import signal as sp

from models_registry.engine.blocks import Biquad, Crossover, Gain, VariableFilter
from models_registry.engine.blocks.cascade import RAISED, SHAPES

from .cast import BACKENDS, noise, random_values

RATE = 48_000
GRID = np.geomspace(15, 20_000, 60)


def tensors(**values):
    return {name: torch.tensor(value, dtype=torch.float64) for name, value in values.items()}


def response(block, values):
    return block.response(values, torch.from_numpy(GRID)).numpy()


def prototype(shape: str, gain: float, q: float) -> tuple[list[float], list[float]]:
    """H(s) as printed in the W3C note, s normalised to the corner."""
    a = 10.0 ** (gain / 40)
    middle = math.sqrt(a) / q
    shapes: dict[str, tuple[list[float], list[float]]] = {
        "low-pass": ([1], [1, 1 / q, 1]),
        "high-pass": ([1, 0, 0], [1, 1 / q, 1]),
        "band-pass": ([1 / q, 0], [1, 1 / q, 1]),
        "notch": ([1, 0, 1], [1, 1 / q, 1]),
        "all-pass": ([1, -1 / q, 1], [1, 1 / q, 1]),
        "peak": ([1, a / q, 1], [1, 1 / (a * q), 1]),
        "low-shelf": ([a, a * middle, a * a], [a, middle, 1]),
        "high-shelf": ([a * a, a * middle, a], [1, middle, a]),
    }
    return shapes[shape]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("seed", range(3))
def test_each_shape_is_its_analogue_prototype_bilinearly_transformed(shape, seed):
    block = Biquad(RATE, {"shape": shape})
    values = random_values(block, seed)
    f0, q = values["frequency"].item(), values["q"].item()
    b, a = prototype(shape, values["gain"].item() if shape in RAISED else 0.0, q)
    warp = 1 / math.tan(math.pi * f0 / RATE)
    expected = sp.freqz(*sp.bilinear(b, a, fs=warp / 2), GRID, fs=RATE)[1]
    np.testing.assert_allclose(response(block, values), expected, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(
    ("kind", "options"),
    [*((Biquad, {"shape": s}) for s in SHAPES), *((Crossover, {"bands": n}) for n in (2, 4))],
)
def test_every_shape_passes_gradcheck(kind, options, backend, monkeypatch):
    monkeypatch.setattr(kind, "backend", backend)
    block = kind(RATE, options)
    values = random_values(block, 1)
    signal = torch.from_numpy(noise(1, 2, 20)).double()

    def output(signal, *given):
        return block.process(signal, dict(zip(values, given, strict=True)), None)[0]

    inputs = [one.clone().requires_grad_() for one in (signal, *values.values())]
    assert torch.autograd.gradcheck(output, inputs)


@pytest.mark.parametrize("kind", ["low", "high"])
def test_passes_of_q_root_half_are_scipys_butterworth(kind):
    block = Biquad(RATE, {"shape": f"{kind}-pass"})
    values = tensors(frequency=300.0, q=math.sqrt(0.5))
    found = block.sections(values)[0].numpy()
    b, a = sp.butter(2, 300, btype=kind, fs=RATE)
    np.testing.assert_allclose(found, [*b, *a[1:]], atol=1e-12)


@pytest.mark.parametrize(("shape", "design"), [("notch", sp.iirnotch), ("band-pass", sp.iirpeak)])
def test_notch_and_band_pass_meet_scipys_at_the_centre(shape, design):
    # scipy's Q is that of the digital band width, so only high Q agrees closely
    block = Biquad(RATE, {"shape": shape})
    found = response(block, tensors(frequency=1_000.0, q=30.0))
    b, a = design(1_000, 30, fs=RATE)
    expected = sp.freqz(b, a, GRID, fs=RATE)[1]
    np.testing.assert_allclose(np.abs(found), np.abs(expected), atol=2e-3)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("shape", SHAPES)
def test_a_filter_at_20_hz_is_exact_to_120_db(shape, backend, monkeypatch):
    monkeypatch.setattr(Biquad, "backend", backend)
    block = Biquad(RATE, {"shape": shape})
    values = tensors(frequency=20.0, q=0.7, gain=18.0)
    x = noise(1, 1, RATE)
    found = block.process(torch.from_numpy(x), values, None)[0].numpy()
    sos = np.insert(block.sections(values).numpy(), 3, 1.0, axis=1)
    expected = sp.sosfilt(sos, x.astype(np.float64), axis=-1)
    assert 10 * np.log10(np.sum((found - expected) ** 2) / np.sum(expected**2)) < -120


@settings(max_examples=40, deadline=None)
@given(
    shape=st.sampled_from(SHAPES),
    rate=st.sampled_from([8_000, 48_000, 192_000]),
    controls=st.lists(st.floats(0, 1), min_size=3, max_size=3),
)
def test_every_setting_is_stable(shape, rate, controls):
    block = Biquad(rate, {"shape": shape})
    places = [torch.tensor(c, dtype=torch.float64) for c in controls]
    values = block.physical(dict(zip(block.parameters, places, strict=False)))
    assert block.pole_radius(values) < 1


@pytest.mark.parametrize("bands", [2, 3, 5])
def test_equal_levels_add_to_an_all_pass(bands):
    # Lipshitz and Vanderkooy 1986: fourth-order Linkwitz-Riley bands sum to an all-pass
    block = Crossover(RATE, {"bands": bands})
    values = tensors(**{name: p.default for name, p in block.parameters.items()})
    np.testing.assert_allclose(np.abs(response(block, values)), 1, atol=1e-9)


def test_a_band_is_two_butterworths_and_6_db_down_where_bands_meet():
    block = Crossover(RATE, {"bands": 2})
    values = tensors(crossing1=700.0, level1=0.0, level2=0.0)
    low = block.bands(values)[0].numpy()
    twice = np.tile(sp.butter(2, 700, output="sos", fs=RATE), (2, 1))
    expected = sp.freqz_sos(twice, [100, 700, 3_000], fs=RATE)[1]
    found = sp.freqz_sos(np.insert(low, 3, 1.0, axis=1), [100, 700, 3_000], fs=RATE)[1]
    np.testing.assert_allclose(found, expected, rtol=1e-9)
    assert 20 * np.log10(abs(found[1])) == pytest.approx(-6.0206, abs=1e-3)


@pytest.fixture(params=BACKENDS)
def variable(request, monkeypatch):
    monkeypatch.setattr(VariableFilter, "backend", request.param)
    return VariableFilter(RATE)


@pytest.mark.parametrize("shape", ["low", "band", "high"])
def test_a_still_state_variable_filter_is_the_cookbooks_biquad(variable, shape):
    shares = {name: float(name == shape) for name in ("low", "band", "high")}
    values = tensors(frequency=900.0, q=3.0, **shares)
    x = noise(1, 2, 2_000).astype(np.float64)
    found = variable.process(torch.from_numpy(x), values, None)[0].numpy()
    b, a = prototype(f"{shape}-pass", 0, 3.0)
    warp = 1 / math.tan(math.pi * 900 / RATE)
    expected = sp.lfilter(*sp.bilinear(b, a, fs=warp / 2), x)
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_a_corner_that_moves_wildly_stores_no_energy(variable):
    # trapezoidal integrators: with no input the stored energy s1² + s2² never grows (Zavalishin 2018)
    track = torch.exp(torch.empty(1, 1, 4_000).uniform_(4, 9.5, generator=generator())).double()
    x = torch.zeros(1, 1, 4_000, dtype=torch.float64)
    values = tensors(q=40.0, low=1.0, band=0.0, high=0.0) | {"frequency": track}
    start = torch.tensor([[1.0, -1.0]], dtype=torch.float64)
    state, energy = start, [2.0]
    for part in range(8):
        cut = slice(500 * part, 500 * part + 500)
        moved = values | {"frequency": track[..., cut]}
        _, state = variable.process(x[..., cut], moved, state)
        energy.append(state.square().sum().item())
    assert all(later <= before for before, later in zip(energy, energy[1:], strict=False))


def generator():
    return torch.Generator().manual_seed(0)


def test_a_moving_corner_passes_gradcheck(variable):
    signal = torch.from_numpy(noise(1, 2, 12)).double()
    track = (
        1_000 + 4_000 * torch.from_numpy(noise(1, 2, 12, seed=1)).double().abs()
    ).requires_grad_()
    values = random_values(variable)
    assert torch.autograd.gradcheck(
        lambda f: variable.process(signal, values | {"frequency": f}, None)[0], [track], eps=1e-3
    )


def test_an_unused_share_of_a_gain_is_the_gains_response():
    # low = band·damping = high = 1 sums to the input: s² + s/Q + 1 over itself
    values = tensors(frequency=500.0, q=2.0, low=1.0, band=1.0, high=1.0)
    flat = Gain(RATE).response(tensors(level=0.0), torch.from_numpy(GRID)).numpy()
    np.testing.assert_allclose(response(VariableFilter(RATE), values), flat, atol=1e-12)
