"""Chorus, stereo and emphasis against their formulas, scipy and printed standards."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from models_registry.engine import Chain, EngineError, SpecError
from models_registry.engine.blocks import Chorus, Emphasis, Stereo

from .cast import noise, spec

RATE = 48_000


def tensors(**values):
    return {name: torch.as_tensor(value, dtype=torch.float64) for name, value in values.items()}


def test_a_chorus_reads_where_its_swing_stands():
    values = tensors(rate=2.0, delay=5.0, depth=0.4, level=1.0, spread=0.25)
    time = np.arange(RATE // 2) / RATE
    phase = 2 * np.pi * 300 * time
    x = torch.from_numpy(np.stack([np.sin(phase)] * 2))[None]
    y = Chorus(RATE).process(x, values, None)[0].numpy()[0] - np.sin(phase)
    for channel in range(2):
        swing = np.sin(2 * np.pi * (2 * time + 0.25 * channel))
        expected = np.sin(2 * np.pi * 300 * (time - 0.005 * (1 + 0.4 * swing)))
        # the cubic is exact to a millionth at 300 Hz
        np.testing.assert_allclose(y[channel, 500:], expected[500:], atol=1e-5)


def test_a_vibrato_detunes_as_doppler_says():
    # d(delay)/dt = 0.01 s * 0.2 * 2π * 3 Hz: ±3.77 % of 1 kHz
    values = tensors(rate=3.0, delay=10.0, depth=0.2, level=1.0, spread=0.0)
    time = np.arange(RATE) / RATE
    analytic = np.exp(2j * np.pi * 1_000 * time)
    parts = [
        Chorus(RATE).process(torch.from_numpy(part.copy())[None, None], values, None)[0].numpy()
        for part in (analytic.real, analytic.imag)
    ]
    copy = (parts[0] + 1j * parts[1]).ravel() - analytic
    found = np.diff(np.unwrap(np.angle(copy[2_000:]))) * RATE / (2 * np.pi)
    shift = 1_000 * 0.010 * 0.2 * 2 * np.pi * 3
    assert found.max() == pytest.approx(1_000 + shift, abs=0.5)
    assert found.min() == pytest.approx(1_000 - shift, abs=0.5)


def test_a_chorus_passes_gradcheck_once_it_answers():
    block = Chorus(8_000, {"longest": 2})
    given = tensors(rate=4.0, delay=1.3, depth=0.5, level=0.6, spread=0.2)
    signal = torch.from_numpy(noise(1, 2, 60)).double().requires_grad_()
    state = block.process(signal.detach().flip(-1), given, None)[1]
    inputs = [v.requires_grad_() for v in given.values()]
    for before in (None, state):
        assert torch.autograd.gradcheck(
            lambda x, *v, before=before: block.process(x, dict(zip(given, v, strict=True)), before)[
                0
            ],
            [signal, *inputs],
        )


@pytest.mark.parametrize("pan", [-1.0, -0.3, 0.0, 0.8, 1.0])
def test_a_sound_keeps_its_power_while_it_moves(pan):
    mono = torch.from_numpy(noise(1, 1, 500)).double().expand(1, 2, 500)
    y = Stereo(RATE).process(mono, tensors(pan=pan, width=1.0), None)[0]
    assert y.square().sum().item() == pytest.approx(mono.square().sum().item(), rel=1e-12)
    left, right = y.square().sum(-1)[0].tolist()
    # the tangent law of the constant-power pot
    assert np.arctan2(np.sqrt(right), np.sqrt(left)) == pytest.approx(np.pi / 4 * (1 + pan))


def test_width_is_the_factor_of_the_difference():
    x = torch.from_numpy(noise(1, 2, 500)).double()
    block = Stereo(RATE)
    np.testing.assert_allclose(
        block.process(x, tensors(pan=0.0, width=1.0), None)[0], x, atol=1e-15
    )
    wide = block.process(x, tensors(pan=0.0, width=1.7), None)[0]
    np.testing.assert_allclose(wide[:, 0] - wide[:, 1], 1.7 * (x[:, 0] - x[:, 1]), atol=1e-14)
    np.testing.assert_allclose(wide.sum(1), x.sum(1), atol=1e-14)


def test_what_is_not_stereo_is_refused():
    chain = Chain.from_spec(spec(blocks=[{"id": "s", "kind": "stereo"}]))
    with pytest.raises(EngineError, match="expected two channels to place, found 1"):
        chain(torch.zeros(1, 1, 10))
    assert chain(torch.zeros(1, 2, 10))[0].shape == (1, 2, 10)
    with pytest.raises(SpecError, match="expected 0 to 2"):
        Chain.from_spec(spec(blocks=[{"id": "s", "kind": "stereo", "params": {"width": 3}}]))


def test_de_emphasis_is_that_of_the_compact_disc():
    # IEC 60908: 50 and 15 µs, so 10 lg((1 + (ω 15 µs)²) / (1 + (ω 50 µs)²)), 10.46 dB at most
    values = tensors(time=50.0, depth=20 * np.log10(50 / 15))
    grid = np.array([1_000.0, 2_000, 4_000, 8_000, 16_000])
    response = Emphasis(384_000).response(values, torch.from_numpy(grid))
    turns = 2e-6 * np.pi * grid
    expected = 10 * np.log10((1 + (15 * turns) ** 2) / (1 + (50 * turns) ** 2))
    np.testing.assert_allclose(20 * np.log10(response.abs().numpy()), expected, atol=0.03)
    assert values["depth"].item() == pytest.approx(10.46, abs=0.01)


def test_pre_emphasis_undoes_it():
    x = torch.from_numpy(noise(1, 1, 2_000)).double()
    block = Emphasis(RATE)
    down = block.process(x, tensors(time=50.0, depth=20 * np.log10(50 / 15)), None)[0]
    back = block.process(down, tensors(time=15.0, depth=20 * np.log10(15 / 50)), None)[0]
    np.testing.assert_allclose(back.numpy(), x.numpy(), atol=1e-12)
