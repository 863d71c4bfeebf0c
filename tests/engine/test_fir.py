"""Finite impulse responses against scipy: convolution, frequency sampling, minimum phase, third octaves."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import signal as sp

from models_registry.engine import Chain, render
from models_registry.engine.blocks import Fir, GraphicEqualiser, SampledFir
from models_registry.engine.blocks.convolution import convolved

from .cast import noise, random_values, spec

RATE = 48_000


@pytest.mark.parametrize(
    ("taps", "frames"), [(1, 50), (3, 2), (64, 9_000), (700, 30_000), (2_000, 100)]
)
def test_convolution_is_scipys_lfilter(taps, frames):
    impulse = noise(taps, seed=1).astype(np.float64)
    x = noise(2, 1, frames).astype(np.float64)
    found, _ = convolved(torch.from_numpy(x), torch.from_numpy(impulse), None)
    np.testing.assert_allclose(found.numpy(), sp.lfilter(impulse, [1.0], x), atol=1e-12)


@pytest.mark.parametrize(("taps", "frames"), [(64, 9_000), (700, 30_000)])
def test_long_gradients_are_scipys_correlations(taps, frames):
    impulse = torch.from_numpy(noise(taps, seed=1)).double().requires_grad_()
    x = torch.from_numpy(noise(2, 1, frames)).double().requires_grad_()
    g = noise(2, 1, frames, seed=2).astype(np.float64)
    convolved(x, impulse, None)[0].backward(torch.from_numpy(g))
    h, rows = impulse.detach().numpy(), x.detach().numpy()
    expected = sp.lfilter(h, [1.0], g[..., ::-1])[..., ::-1]
    np.testing.assert_allclose(x.grad.numpy(), expected, atol=1e-11)
    lags = sum(
        sp.correlate(one[0], other[0], mode="full")[frames - 1 : frames - 1 + taps]
        for one, other in zip(g, rows, strict=True)
    )
    np.testing.assert_allclose(impulse.grad.numpy(), lags, atol=1e-9)


def test_a_new_response_passes_the_signal_through():
    block = Fir(RATE)
    values = {"taps": torch.tensor(block.parameters["taps"].default, dtype=torch.float64)}
    x = torch.from_numpy(noise(1, 1, 300)).double()
    np.testing.assert_allclose(block.process(x, values, None)[0], x, atol=1e-14)


def test_a_sampled_response_has_its_levels_at_its_frequencies_in_linear_phase():
    block = SampledFir(RATE, {"points": 40})
    values = random_values(block)
    taps = block.impulse(values).numpy()
    np.testing.assert_allclose(taps, taps[::-1], atol=1e-12)
    # held against scipy's evaluation of the taps
    measured = sp.freqz(taps, worN=block.frequencies().numpy(), fs=RATE)[1]
    np.testing.assert_allclose(20 * np.log10(np.abs(measured)), values["levels"], atol=1e-6)


@pytest.mark.parametrize("seed", range(3))
def test_a_minimum_phase_response_is_scipys(seed):
    block = GraphicEqualiser(RATE, {"taps": 1_023})
    values = {
        "levels": torch.from_numpy(noise(len(block.centres(RATE)), seed=seed, level=6)).double()
    }
    first, share = block.weights
    levels = values["levels"]
    magnitude = 10 ** ((levels[first] * (1 - share) + levels[first + 1] * share) / 20)
    size = 2 * (len(magnitude) - 1)
    linear = np.roll(np.fft.irfft(magnitude.numpy(), size), size // 2)
    expected = sp.minimum_phase(linear, method="homomorphic", n_fft=size, half=False)
    # scipy adds a millionth of the least magnitude before it takes the logarithm
    np.testing.assert_allclose(block.impulse(values).numpy(), expected[:1_023], atol=1e-6)


@pytest.mark.parametrize("phase", ["minimum", "linear"])
def test_a_band_has_its_level_at_its_centre(phase):
    block = GraphicEqualiser(RATE, {"phase": phase, "taps": 8_191})
    values = {"levels": torch.from_numpy(noise(31, level=3)).double()}
    centres = torch.tensor(block.centres(RATE), dtype=torch.float64)
    found = 20 * torch.log10(block.response(values, centres).abs())
    # from 100 Hz up a band is wider than ten of the response's lines
    np.testing.assert_allclose(found[7:].numpy(), values["levels"][7:].numpy(), atol=0.3)
    np.testing.assert_allclose(found.numpy(), values["levels"].numpy(), atol=1.5)


def test_centres_are_iec_61260s_and_end_below_the_highest_frequency():
    nominal = [
        20,
        25,
        31.5,
        40,
        50,
        63,
        80,
        100,
        125,
        160,
        200,
        250,
        315,
        400,
        500,
        630,
        800,
        1_000,
    ]
    nominal += [1_250, 1_600, 2_000, 2_500, 3_150, 4_000, 5_000, 6_300, 8_000, 10_000, 12_500]
    nominal += [16_000, 20_000]
    np.testing.assert_allclose(GraphicEqualiser.centres(RATE), nominal, rtol=0.02)
    assert GraphicEqualiser.centres(8_000)[-1] == pytest.approx(3_162, abs=1)
    assert GraphicEqualiser(8_000).parameters["levels"].size == 23


@pytest.mark.parametrize(
    "entry",
    [
        {"kind": "sampled-fir", "options": {"points": 100}},
        {"kind": "graphic-equaliser", "options": {"phase": "linear"}},
    ],
)
def test_linear_phase_is_aligned_when_rendered(entry):
    chain = Chain.from_spec(spec(blocks=[{"id": "flat"} | entry]))
    x = noise(1, 6_000)
    assert chain.latency > 50
    np.testing.assert_allclose(render(chain, x, 44_100, block_size=777), x, atol=1e-6)
