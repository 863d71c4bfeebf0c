"""A comb that finds the pitch itself, against the arithmetic of a comb, and its network's ear for voices."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from models_registry.engine.blocks import PitchFilter
from models_registry.engine.voicing import Periods, repeating

from .cast import BRIEF, noise

RATE = 16_000
OPTIONS = {"bands": 16, "window": 32}


def block(**more):
    return PitchFilter(RATE, OPTIONS | more)


def filtered(made, signal, strength):
    values = {"strength": torch.full((16,), float(strength), dtype=torch.float64)}
    late = made.outlet.latency
    found, _ = made.process(torch.nn.functional.pad(signal, (0, late)), values, None)
    return found[..., late:]


def pulses(period, frames=16_000):
    """Every harmonic alike: a pulse per `period` samples."""
    x = torch.zeros(1, 1, frames, dtype=torch.float64)
    x[..., ::period] = 1
    return x


def test_at_no_strength_the_sound_comes_back_exactly():
    x = torch.from_numpy(noise(1, 1, 5_000)).double()
    assert (filtered(block(), x, 0) - x).abs().max() < 1e-13


@pytest.mark.parametrize("period", [47, 80, 133, 200])
def test_what_repeats_stays(period):
    x = pulses(period)
    inside = slice(2_000, 14_000)
    error = (filtered(block(), x, 1) - x)[..., inside].square().sum()
    assert error < 1e-12 * x[..., inside].square().sum()


@pytest.mark.parametrize("period", [80, 133])
def test_noise_beside_a_voice_falls_and_never_by_more_than_an_average_of_three(period):
    """Three equal weights leave a third of the energy of noise, a band that is only partly voiced keeps more."""
    x = pulses(period)
    other = torch.from_numpy(noise(1, 1, 16_000, seed=3)).double()
    inside = slice(2_000, 14_000)
    shares = []
    for ratio in (0, 10):
        mixed = other * (x.square().mean() / other.square().mean()).sqrt() * 10 ** (-ratio / 20)
        left = (filtered(block(), x + mixed, 1) - x)[..., inside].square().sum()
        shares.append((left / mixed[..., inside].square().sum()).item())
    assert 1 / 3 < shares[1] < 0.5
    assert shares[1] < shares[0] < 0.7


def test_the_profile_is_the_level_half_way_between_two_harmonics():
    made = block()
    strength = torch.linspace(0, 0.7, 16, dtype=torch.float64)
    centres, profile = made.profile({"strength": strength})
    # a third of each of three periods, mixed with now: 1 + 2 cos(pi) over 3
    share = strength.numpy()
    expected = 20 * np.log10(np.abs((1 - share) + share * (1 + 2 * np.cos(np.pi)) / 3))
    assert centres.shape == (16,)
    np.testing.assert_allclose(
        profile["between the harmonics of a voice"].numpy(), expected, atol=0.2
    )


def test_noise_alone_is_hardly_touched():
    x = torch.from_numpy(noise(1, 1, 32_000, seed=2)).double()
    changed = (filtered(block(), x, 1) - x).square().sum() / x.square().sum()
    assert changed < 0.05


@pytest.mark.parametrize("frequency", [75.0, 110.0, 180.0, 260.0, 390.0])
def test_the_period_of_harmonics_in_noise_is_found(frequency):
    time = np.arange(512) / RATE
    tone = sum(
        np.sin(2 * np.pi * k * frequency * time + k) / k
        for k in range(1, 40)
        if k * frequency < 7_000
    )
    x = torch.from_numpy(tone + 0.3 * noise(512, seed=1)).float()
    power = torch.fft.rfft(x * torch.hann_window(512)).abs().square()[None, None]
    periods = Periods(RATE, 512, 512, 70, 400)
    found = RATE / periods.of(periods.score(power)).item()
    assert found == pytest.approx(frequency, rel=0.03)


def test_a_band_of_harmonics_repeats_and_one_of_noise_does_not():
    low, high = pulses(80, 8_000)[0, 0], torch.from_numpy(noise(8_000, seed=4)).double()
    spectrum = torch.fft.rfft(high)
    spectrum[: len(spectrum) // 2] = 0
    low_spectrum = torch.fft.rfft(low)
    low_spectrum[len(spectrum) // 2 :] = 0
    x = torch.fft.irfft(low_spectrum / low_spectrum.abs().max() + spectrum / spectrum.abs().max())
    frames = x.unfold(0, 512, 256) * torch.hann_window(512, dtype=torch.float64)
    power = torch.fft.rfft(frames).abs().square()[None]
    halves = torch.zeros(257, 2, dtype=torch.float64)
    halves[:128, 0], halves[130:, 1] = 1, 1
    periods = torch.full(power.shape[:2], 80.0, dtype=torch.float64)
    found = repeating(power, periods, halves, 512).mean((0, 1))
    # a Hann window covers 0.91 of itself 80 samples later
    window = np.hanning(513)[:-1]
    covered = np.dot(window[80:], window[:-80]) / np.dot(window, window)
    assert found[0].item() == pytest.approx(covered, abs=0.01)
    assert abs(found[1].item()) < 0.1


def test_strengths_pass_gradcheck_and_the_signal_too():
    made = PitchFilter(8_000, BRIEF["pitch-filter"])
    x = torch.from_numpy(noise(1, 1, 120, seed=5)).double().requires_grad_()
    steps = 120 // made.hop
    track = (0.5 + 0.2 * torch.from_numpy(noise(1, 1, steps, 3)).double()).clamp(0.05, 0.95)
    assert torch.autograd.gradcheck(
        lambda signal, one: made.process(signal, {"strength": one}, None)[0],
        [x, track.requires_grad_()],
    )
