"""Curves against the formulas that name them, scipy's low-pass and B-splines; how much of them folds back."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import signal as sp

from models_registry.engine import Chain, Recipe, render
from models_registry.engine.blocks import (
    AsymmetricClipper,
    Clipper,
    Polynomial,
    Quantiser,
    Rising,
    SampleHold,
    WienerHammerstein,
)
from models_registry.engine.blocks.cascade import section
from models_registry.engine.blocks.oversampling import REACH, alias_level, low_pass

from .cast import noise, random_values, spec

RATE = 44_100


def tensors(**values):
    return {name: torch.as_tensor(value, dtype=torch.float64) for name, value in values.items()}


def test_a_full_scale_sine_gets_the_harmonics_that_were_asked_for():
    wanted = np.array([1.0, 0.3, -0.2, 0.1, 0.05, -0.02, 0.01])
    values = tensors(drive=0.0, harmonics=wanted)
    time = torch.arange(RATE).double() / RATE
    y = Polynomial(RATE).process(torch.cos(2 * torch.pi * 500 * time)[None, None], values, None)[0]
    spectrum = 2 * np.fft.rfft(y.numpy().ravel()).real / RATE
    np.testing.assert_allclose(spectrum[500 * np.arange(1, 8)], wanted, atol=1e-10)


def test_a_polynomial_is_numpys_chebyshev_series():
    values = random_values(Polynomial(RATE)) | tensors(drive=0.0)
    x = np.linspace(-1, 1, 101)
    series = np.polynomial.chebyshev.Chebyshev([0, *values["harmonics"].numpy()])
    found = Polynomial(RATE).curve(values, torch.from_numpy(x)).numpy()
    np.testing.assert_allclose(found, series(x) - series(0.0), atol=1e-12)


@settings(max_examples=15, deadline=None)
@given(
    slopes=st.lists(st.floats(0, 1), min_size=64, max_size=64),
    rest=st.floats(-1, 1),
    drive=st.floats(-24, 48),
)
def test_a_rising_curve_never_falls(slopes, rest, drive):
    block = Rising(RATE)
    steepness = block.parameters["steepness"].physical(torch.tensor(slopes).double())
    values = tensors(drive=drive, bias=rest) | {"steepness": steepness}
    levels = torch.linspace(-4, 4, 2_001).double()
    assert block.curve(values, levels).diff().min() >= -1e-12


def test_a_rising_curve_is_straight_by_default():
    values = tensors(drive=0.0, bias=0.0, steepness=np.ones(64))
    x = np.linspace(-2, 2, 101)
    found = Rising(RATE).curve(values, torch.from_numpy(x)).numpy()
    # but for the squeezing: u / (1 + √(1 + u²))
    np.testing.assert_allclose(found, x / (1 + np.sqrt(1 + x**2)), atol=1e-12)


def test_two_limits_make_even_harmonics_and_equal_ones_do_not():
    time = torch.arange(RATE).double() / RATE
    sine = torch.sin(2 * torch.pi * 500 * time)[None, None]

    def second(**values):
        y = AsymmetricClipper(RATE).process(
            sine, tensors(**{"drive": 12.0, "bias": 0.0, "lower": -12.0} | values), None
        )[0]
        return 20 * np.log10(2 * abs(np.fft.rfft(y.numpy().ravel())[1_000]) / RATE + 1e-20)

    assert second(upper=-6.0) > -35
    assert second(upper=-12.0) < -200
    assert second(upper=-12.0, bias=0.2) > -40


def test_the_halves_reach_their_limits():
    values = tensors(drive=48.0, bias=0.0, upper=-6.0206, lower=-12.0412)
    found = AsymmetricClipper(RATE).curve(values, torch.tensor([-1.0, 1.0]).double())
    np.testing.assert_allclose(found.numpy(), [-0.25, 0.5], atol=1e-6)


def test_a_stage_is_its_filters_and_its_curve_in_a_row():
    block = WienerHammerstein(RATE)
    values = random_values(block, 2)
    x = noise(1, 1, 2_000).astype(np.float64)
    half = torch.tensor(np.sqrt(0.5))
    front = [
        section("high-pass", values["high_pass"], half, RATE),
        section("peak", values["peak"], values["q"], RATE, values["gain"]),
    ]
    back = section("low-pass", values["low_pass"], half, RATE)
    driven = sp.sosfilt(np.insert(torch.cat(front).numpy(), 3, 1.0, axis=1), x)
    bent = AsymmetricClipper(RATE).shaped(torch.from_numpy(driven), values).numpy()
    expected = sp.sosfilt(np.insert(back.numpy(), 3, 1.0, axis=1), bent)
    expected *= 10 ** (values["level"].item() / 20)
    found = block.process(torch.from_numpy(x), values, None)[0].numpy()
    np.testing.assert_allclose(found, expected, atol=1e-10)


@pytest.mark.parametrize("factor", [2, 4, 8])
def test_the_low_pass_is_flat_and_rejects_a_hundred_decibels(factor):
    grid, response = sp.freqz(low_pass(factor).numpy(), worN=16_384, fs=factor)
    level = 20 * np.log10(np.abs(response) + 1e-12)
    assert np.abs(level[grid < 0.45]).max() < 1e-3
    assert level[grid > 0.55].max() < -99


@pytest.mark.parametrize("factor", ["2x", "4x", "8x"])
def test_a_straight_curve_comes_back_at_the_higher_rate(factor):
    # clipping far above the signal is the signal
    block = Clipper(RATE, {"aliasing": factor})
    values = tensors(drive=0.0, ceiling=12.0)
    x = 1e-4 * noise(1, 1, 3_000).astype(np.float64)
    x = sp.sosfiltfilt(sp.butter(12, 0.8, output="sos"), x)
    y = block.process(torch.from_numpy(x.copy()), values, None)[0].numpy()
    assert block.outlet.latency == 2 * REACH
    error = y[..., 2 * REACH + 200 :] - x[..., 200 : -2 * REACH]
    assert np.abs(error).max() < 1e-4 * np.abs(x).max()


def test_what_folds_back_is_measured_and_falls_with_the_rate():
    # 5 kHz, 24 dB into a tanh: the measured table for the four ways
    values = tensors(drive=24.0, ceiling=0.0)
    found = {
        way: alias_level(Clipper(RATE, {"aliasing": way}), values, frequency=5_003, level=0.5)
        for way in ("none", "antiderivative", "2x", "4x", "8x")
    }
    measured = {"none": -13.5, "antiderivative": -20.7, "2x": -31.7, "4x": -59.7}
    assert {way: found[way] for way in measured} == pytest.approx(measured, abs=1)
    assert found["8x"] < -100
    # a cube has no harmonic above the third, 15 kHz: nothing to fold at any rate
    cube = tensors(drive=0.0, harmonics=[0.75, 0, 0.25])
    clean = alias_level(Polynomial(RATE, {"order": 3}), cube, frequency=5_003, level=0.5)
    assert clean < -200


def test_rendering_takes_out_the_latency_of_oversampling():
    entry = {"id": "c", "kind": "waveshaper", "options": {"oversampling": "4x"}}
    chain = Chain.from_spec(spec(blocks=[entry]))
    tone = np.sin(2 * np.pi * 300 * np.arange(8_000) / RATE)
    x = (0.01 * np.hanning(8_000) * tone)[None].astype(np.float32)
    # soft sounds pass at half their level (the squeezing's slope at 0)
    found = render(chain, x, RATE, block_size=333)
    np.testing.assert_allclose(found, x / 2, atol=2e-6)


def test_models_from_before_keep_their_identity():
    chain = Chain.from_spec(Recipe.load("overdrive").chain)
    assert chain.spec_hash.startswith("758aedfc3fc1")
    assert all("options" not in block for block in chain.spec()["blocks"])


def test_an_oversampled_curve_passes_gradcheck_once_it_answers():
    block = Rising(8_000, {"oversampling": "2x"})
    given = random_values(block)
    track = (6 * torch.from_numpy(noise(1, 1, 90, seed=1)).double()).requires_grad_()
    signal = torch.from_numpy(noise(1, 1, 90)).double().requires_grad_()
    inputs = [signal, track, given["bias"].requires_grad_(), given["steepness"].requires_grad_()]
    assert torch.autograd.gradcheck(
        lambda x, d, b, s: block.process(x, {"drive": d, "bias": b, "steepness": s}, None)[0],
        inputs,
        fast_mode=True,
    )


def test_sharp_steps_are_rounding_and_their_noise_is_a_twelfth_of_a_step():
    values = tensors(bits=8.0, sharpness=200.0)
    x = np.random.default_rng(0).uniform(-0.9, 0.9, 50_000)
    found = Quantiser(RATE).curve(values, torch.from_numpy(x)).numpy()
    step = 2.0**-7
    away = np.abs(x / step % 1 - 0.5) > 0.06
    np.testing.assert_allclose(found[away], (step * np.round(x / step))[away], atol=1e-10)
    # Widrow: q² / 12
    assert np.mean((found - x) ** 2) == pytest.approx(step**2 / 12, rel=0.05)
    round_edges = Quantiser(RATE).curve(tensors(bits=8.0, sharpness=0.5), torch.from_numpy(x))
    assert np.abs(round_edges.numpy() - x).max() < 0.05 * step


@pytest.mark.parametrize("divisor", [2, 5, 7])
def test_a_clock_that_divides_the_rate_repeats_every_so_many_samples(divisor):
    x = noise(1, 1, 210).astype(np.float64)
    values = tensors(clock=RATE / divisor)
    found = SampleHold(RATE).process(torch.from_numpy(x), values, None)[0].numpy()
    np.testing.assert_allclose(found, np.repeat(x[..., ::divisor], divisor, -1), atol=1e-9)


def test_a_clock_between_takes_the_straight_line_between_samples():
    clock = 9_973.0
    x = noise(1, 1, 500).astype(np.float64)
    found = SampleHold(RATE).process(torch.from_numpy(x), tensors(clock=clock), None)[0]
    now = np.arange(500)
    ticks = np.floor(now * clock / RATE) * RATE / clock
    np.testing.assert_allclose(found.ravel(), np.interp(ticks, now, x.ravel()), atol=1e-9)
