"""Sounds against the formulas they are made by, scipy's filters and spectra, and numpy's generator."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import signal as sp

from models_registry.engine import Chain, render
from models_registry.engine.blocks import (
    Exciter,
    FilteredNoise,
    Harmonics,
    PluckedString,
    Wavetable,
)
from models_registry.engine.blocks.noise import white

from .cast import BACKENDS, noise, random_values, spec

RATE = 16_000


def tensor(value):
    return torch.as_tensor(value, dtype=torch.float64)


def silence(frames, channels=1):
    return torch.zeros(1, channels, frames, dtype=torch.float64)


def line(x, frequency):
    """Amplitude of the sine at `frequency` (Hz) in `x`, whose length holds whole periods."""
    turns = np.exp(-2j * np.pi * frequency * np.arange(x.size) / RATE)
    return 2 * abs(x @ turns) / x.size


def test_partials_have_their_levels_and_the_whole_has_its_own():
    block = Harmonics(RATE, {"partials": 4})
    values = {
        "frequency": tensor(250.0),
        "level": tensor(-12.0),
        "partials": tensor([0.0, -6, -20, -3]),
    }
    x = block.sound(values, RATE).numpy()
    assert 10 * np.log10(np.mean(x**2)) == pytest.approx(-12, abs=1e-9)
    levels = [20 * np.log10(line(x, 250 * k)) for k in (1, 2, 3, 4)]
    np.testing.assert_allclose(np.array(levels) - levels[0], [0, -6, -20, -3], atol=1e-9)


def test_no_partial_is_heard_above_half_the_rate():
    block = Harmonics(RATE)
    values = {"frequency": tensor(1_100.0), "level": tensor(0.0), "partials": torch.zeros(40)}
    x = block.sound(values, RATE).numpy() * np.blackman(RATE)
    spectrum = np.abs(np.fft.rfft(x))
    away = np.ones(spectrum.size, dtype=bool)
    for k in range(1, 8):
        away[1_100 * k - 5 : 1_100 * k + 6] = False
    assert spectrum[away].max() < 1e-4 * spectrum.max()


def glide(block, frames=4_000):
    steps = frames // block.hop
    low, high = np.linspace(200, 400, steps), np.linspace(-30, -10, steps)
    return {
        "frequency": tensor(low)[None, None],
        "level": tensor(high)[None, None],
    }


def test_a_glide_is_the_integral_of_its_frequency():
    block = Harmonics(RATE, {"partials": 1, "hop": 50})
    tracks = glide(block)
    x = block.process(silence(4_000), tracks | {"partials": tensor(0.0)}, None)[0].numpy().ravel()
    # a value is reached when the hop after the one in which it was heard begins; the defaults before
    at = np.arange(4_000)
    frequency, level = (
        np.interp(at, 50 * np.arange(82), np.r_[default, default, tracks[name].ravel()])
        for name, default in (("frequency", 220), ("level", -20))
    )
    phase = np.r_[0, np.cumsum(frequency)[:-1]] / RATE
    expected = np.sqrt(2) * 10 ** (level / 20) * np.sin(2 * np.pi * phase)
    np.testing.assert_allclose(x, expected, atol=1e-9)


@pytest.mark.parametrize("kind", [Harmonics, Wavetable, Exciter])
def test_moving_sounds_do_not_depend_on_the_division_into_blocks(kind):
    block = kind(RATE)
    values = random_values(block, 1) | glide(block)
    whole, _ = block.process(silence(4_000), values, None)
    state, parts, done, heard = None, [], 0, 0
    for size in (1, 63, 7, 1_000, 929, 2_000):
        done += size
        steps = done // block.hop
        now = values | {name: values[name][:, :, heard:steps] for name in ("frequency", "level")}
        heard = steps
        output, state = block.process(silence(size), now, state)
        parts.append(output)
    assert (torch.cat(parts, -1) - whole).abs().max() < 1e-12


@pytest.mark.parametrize("kind", [Harmonics, Wavetable, Exciter])
def test_moving_sounds_pass_gradcheck(kind):
    options = {Harmonics: {"partials": 3}, Wavetable: {"points": 8}, Exciter: {}}[kind]
    block = kind(8_000, {"hop": 8} | options)
    values = random_values(block, 2)
    tracks = [
        (300 + 50 * tensor(noise(1, 2, 4))).requires_grad_(),
        (-3 + tensor(noise(1, 2, 4, seed=1))).requires_grad_(),
    ]

    def output(frequency, level):
        moved = values | {"frequency": frequency, "level": level}
        return block.process(torch.zeros(1, 2, 36).double(), moved, None)[0]

    assert torch.autograd.gradcheck(output, tracks)


def test_phases_stay_exact_for_an_hour():
    # 440.1 Hz at 48 kHz: after an hour the phase is that of integer arithmetic
    block = Harmonics(48_000, {"partials": 1})
    values = {"frequency": tensor(440.1), "level": tensor(0.0), "partials": tensor(0.0)}
    state = None
    for _ in range(6):
        _, state = block.process(silence(100_000), values, state)
    step = round((440.1 / 48_000) * 2**63)
    expected = (step * 600_000 + 2**63) % 2**64 - 2**63
    assert int(state.phase) == expected


def test_a_wavetable_repeats_its_period_without_aliases():
    block = Wavetable(RATE, {"points": 64})
    saw = np.linspace(-1, 1, 64, endpoint=False)
    values = {"frequency": tensor(125.0), "level": tensor(-6.0), "table": tensor(saw)}
    x = block.sound(values, RATE).numpy()
    # the discrete spectrum of the points is that of the sound, but for its level
    partials = np.abs(np.fft.rfft(saw))[1:20]
    found = np.array([line(x, 125 * k) for k in range(1, 20)])
    np.testing.assert_allclose(found / found[0], partials / partials[0], rtol=2e-3)
    high = block.sound(values | {"frequency": tensor(1_333.0)}, RATE).numpy() * np.blackman(RATE)
    spectrum = np.abs(np.fft.rfft(high))
    away = np.ones(spectrum.size, dtype=bool)
    for k in range(1, 7):
        away[max(0, 1_333 * k - 5) : 1_333 * k + 6] = False
    assert 20 * np.log10(spectrum[away].max() / spectrum.max()) < -60


def test_pulses_come_at_their_rate_with_their_width_and_peak():
    values = {"frequency": tensor(20.0), "level": tensor(-6.0206), "width": tensor(2.0)}
    x = Exciter(RATE).sound(values, RATE).numpy()
    peaks, _ = sp.find_peaks(x)
    assert len(peaks) == 20
    np.testing.assert_allclose(np.diff(peaks), 800)
    # scipy's periodic Hann window of 2 ms
    np.testing.assert_allclose(x[:32], 0.5 * sp.windows.hann(32, sym=False), atol=1e-6)
    assert not x[33:799].any()


def test_noise_is_numpys_philox_whatever_stretch_is_asked_for():
    raw = np.random.Philox(key=[7, 0]).random_raw(1_000)
    expected = (2 * ((raw >> np.uint64(11)) * 2.0**-53) - 1) * np.sqrt(3)
    np.testing.assert_array_equal(white(7, 2, 0, 1_000)[0].numpy(), expected)
    for start, frames in ((0, 1), (3, 10), (501, 499)):
        part = white(7, 2, start, frames)[0].numpy()
        np.testing.assert_array_equal(part, expected[start : start + frames])
    both = white(7, 2, 0, 50_000).numpy()
    assert np.corrcoef(both)[0, 1] == pytest.approx(0, abs=0.02)
    assert both.var() == pytest.approx(1, rel=0.02)


def test_noise_has_its_level_in_each_band():
    block = FilteredNoise(RATE, {"bands": 16})
    levels = tensor(-50 + 8 * np.sin(np.arange(16) / 3))
    x = block.process(silence(20 * RATE), {"levels": levels}, None)[0].ravel()
    spectra = torch.fft.rfft(x.unfold(0, block.size, block.hop) * block.window)[None]
    found = 10 * torch.log10(block.band_power(spectra).mean((0, 1)))
    # the overlapping triangles share what their neighbours have
    np.testing.assert_allclose(found[3:].numpy(), levels[3:].numpy(), atol=0.8)
    flat = block.process(silence(20 * RATE), {"levels": torch.full((16,), -50.0).double()}, None)
    spectra = torch.fft.rfft(flat[0].ravel().unfold(0, block.size, block.hop) * block.window)[None]
    found = 10 * torch.log10(block.band_power(spectra).mean((0, 1)))
    np.testing.assert_allclose(found[3:].numpy(), -50, atol=0.6)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_string_is_scipys_recursive_filter(backend, monkeypatch):
    monkeypatch.setattr(PluckedString, "backend", backend)
    block = PluckedString(RATE)
    values = random_values(block, 4)
    lag, taps = block._loop(values)
    a = np.zeros(lag + 6)
    a[0] = 1
    a[lag:] -= taps.numpy()
    x = noise(1, 1, 5_000).astype(np.float64)
    level = 10 ** (values["level"].item() / 20)
    found = block.process(tensor(x), values, None)[0].numpy()
    np.testing.assert_allclose(found, level * sp.lfilter([1.0], a, x), atol=1e-10)


@pytest.mark.parametrize("frequency", [82.4, 196.0, 330.0])
def test_a_string_is_in_tune_and_decays_in_its_time(frequency):
    values = {"frequency": frequency, "decay": 1.5, "damping": 0.2, "level": 0.0}
    values = {name: tensor(v) for name, v in values.items()}
    block = PluckedString(RATE)
    pulse = silence(2 * RATE)
    pulse[..., 0] = 1
    x = block.process(pulse, values, None)[0].numpy().ravel()
    # its lowest resonance by the analytic response, finer than a cent
    grid = frequency * 2 ** (np.linspace(-30, 30, 6_001) / 1_200)
    peak = grid[block.response(values, tensor(grid)).abs().argmax()]
    assert abs(1_200 * np.log2(peak / frequency)) < 1
    late, early = (
        abs(
            np.exp(-2j * np.pi * frequency * np.arange(4_000) / RATE)
            @ (x[s : s + 4_000] * np.hanning(4_000))
        )
        for s in (RATE + 2_000, 2_000)
    )
    assert 20 * np.log10(late / early) == pytest.approx(-60 / 1.5, abs=0.5)


def test_a_plucked_string_is_a_chain():
    blocks = [
        {"id": "pluck", "kind": "exciter", "params": {"frequency": 2.0, "width": 1.0}},
        {"id": "body", "kind": "string", "params": {"frequency": 110.0}},
    ]
    chain = Chain.from_spec(spec(blocks=blocks))
    x = render(chain, noise(1, 30_000), 44_100, block_size=4_096)
    assert np.abs(x[0, 22_050:26_000]).max() > 3 * np.abs(x[0, 18_000:22_000]).max()
    np.testing.assert_allclose(
        render(chain, noise(1, 30_000), 44_100, block_size=777), x, atol=1e-7
    )
