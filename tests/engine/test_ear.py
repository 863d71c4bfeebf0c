"""The differentiable ear against that of the metrics (held to BS.1387's conformance data), and filters against
scipy."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import signal as sp

from metrics.peaq import ear_model, patterns
from models_registry.engine import EngineError, ear
from models_registry.engine.blocks import EarWeighting, Gammatone

from .cast import noise

RATE = 48_000


def frames_of(x):
    return np.lib.stride_tricks.sliding_window_view(x, 2_048, -1)[..., ::1_024, :]


def sine(level_db, frequency=1_000.0, seconds=1.0, rate=RATE):
    time = torch.arange(round(seconds * rate), dtype=torch.float64) / rate
    return 10 ** (level_db / 20) * torch.sin(2 * torch.pi * frequency * time)[None]


def test_every_stage_is_that_of_peaqs_ear():
    x = noise(2, 12_000, level=0.1).astype(np.float64)
    x[:, 6_000:] *= 0.01
    by = ear.scale(RATE)
    np.testing.assert_allclose(by.centres.numpy(), ear_model.CENTRES, rtol=1e-12)
    power = ear.band_power(torch.from_numpy(x), by)
    wanted = ear_model.grouped(ear_model.spectra(frames_of(x)) * ear_model.EAR_GAIN)
    np.testing.assert_allclose(power.numpy(), wanted, rtol=1e-9)
    unsmeared = ear.excitation(power, by)
    wanted = ear_model.excitation(wanted)
    np.testing.assert_allclose(unsmeared.numpy(), wanted, rtol=1e-9)
    pattern = ear.smeared(unsmeared, by)
    wanted = ear_model.smeared(wanted)
    np.testing.assert_allclose(pattern.numpy(), wanted, rtol=1e-9)
    np.testing.assert_allclose(
        ear.masked_threshold(pattern, by).numpy(), wanted * ear_model.MASKING_OFFSET, rtol=1e-9
    )
    np.testing.assert_allclose(
        ear.loudness(pattern, by).numpy(), patterns.loudness(wanted), rtol=1e-9, atol=1e-12
    )


@pytest.mark.parametrize("rate", [16_000, 44_100, 96_000])
def test_another_rate_hears_the_same(rate):
    def heard(at):
        by = ear.scale(at)
        pattern = ear.excitation(ear.band_power(sine(-30, rate=at), by), by)
        return by.centres, 10 * torch.log10(pattern[0, 5])

    places, level = heard(rate)
    others, wanted = heard(RATE)
    low = (places < 6_000).numpy()
    expected = np.interp(places.numpy()[low], others.numpy(), wanted.numpy())
    np.testing.assert_allclose(level.numpy()[low], expected, atol=1.0)


@pytest.mark.parametrize(("pace", "octave"), [(2.0, 0), (4.0, 1), (8.0, 2)])
def test_a_tone_that_fluctuates_has_its_depth_in_its_octave(pace, octave):
    seconds, depth = 4.0, 0.4
    time = torch.arange(round(seconds * RATE), dtype=torch.float64) / RATE
    x = sine(-20, seconds=seconds) * (1 + depth * torch.sin(2 * torch.pi * pace * time))
    by = ear.scale(RATE)
    found = ear.modulation(ear.band_power(x, by), by, rate=RATE)[0]
    at = int(torch.searchsorted(by.centres, torch.tensor(1_000.0).double()))
    assert found[at, octave].item() == pytest.approx(depth / np.sqrt(2), rel=0.05)
    others = [k for k in range(3) if k != octave]
    assert found[at, others].max() < 0.03


def test_the_ear_passes_gradcheck():
    by = ear.scale(8_000, 2.0)
    x = torch.from_numpy(noise(1, 5 * by.size // 2, level=0.1)).double().requires_grad_()

    def heard(signal):
        pattern = ear.smeared(ear.excitation(ear.band_power(signal, by), by), by)
        return ear.masked_threshold(pattern, by).log(), ear.loudness(pattern, by)

    assert torch.autograd.gradcheck(heard, [x], fast_mode=True)


def test_too_little_sound_is_refused_with_a_sentence():
    by = ear.scale(RATE)
    with pytest.raises(EngineError, match="expected at least 2048 samples, found 100"):
        ear.band_power(torch.zeros(1, 100), by)
    with pytest.raises(EngineError, match="expected at least 47 frames, found 3"):
        ear.modulation(torch.ones(1, 3, 109), by, rate=RATE)
    with pytest.raises(EngineError, match="expected a rate from 8000 to 192000 Hz, found 100"):
        ear.scale(100)


# where scipy's eight poles in one polynomial still keep their digits
@pytest.mark.parametrize(
    ("frequency", "rate"), [(1_000.0, 16_000), (3_000.0, 16_000), (6_000.0, 48_000)]
)
def test_a_gammatone_of_normal_width_is_scipys(frequency, rate):
    b, a = sp.gammatone(frequency, "iir", fs=rate)
    values = {"frequency": torch.tensor(frequency).double(), "width": torch.tensor(1.0).double()}
    grid = np.geomspace(max(50, frequency / 4), min(4 * frequency, 0.45 * rate), 200)
    wanted = sp.freqz(b, a, grid, fs=rate)[1]
    centre = sp.freqz(b, a, [frequency], fs=rate)[1]
    found = Gammatone(rate).response(values, torch.from_numpy(grid)).numpy()
    # scipy sets 0 dB at its centre too, by another formula
    np.testing.assert_allclose(found, wanted / np.abs(centre), atol=1e-5)


def test_a_gammatone_is_as_wide_as_glasberg_and_moore_measured():
    # its equivalent rectangle: the power over all frequencies over that at the centre
    grid = torch.linspace(0, 24_000, 200_001).double()
    for frequency, width in ((1_000.0, 1.0), (1_000.0, 2.0), (4_000.0, 1.0)):
        values = {"frequency": torch.tensor(frequency).double(), "width": torch.tensor(width)}
        power = Gammatone(RATE).response(values, grid).abs().square()
        found = power.sum().item() * 24_000 / 200_000
        expected = width * 24.7 * (4.37 * frequency / 1_000 + 1)
        assert found == pytest.approx(expected, rel=0.03)


@pytest.mark.parametrize("amount", [1.0, 0.5])
def test_the_weighting_is_the_formula_of_the_standard(amount):
    block = EarWeighting(RATE, {"taps": 4_095})
    grid = np.geomspace(100, 16_000, 60)
    # BS.1387-2, eq. 7, written out
    khz = grid / 1_000
    level = -0.6 * 3.64 * khz**-0.8 + 6.5 * np.exp(-0.6 * (khz - 3.3) ** 2) - 1e-3 * khz**3.6
    values = {"amount": torch.tensor(amount).double()}
    found = 20 * torch.log10(block.response(values, torch.from_numpy(grid)).abs()).numpy()
    np.testing.assert_allclose(found, amount * level, atol=0.05)
