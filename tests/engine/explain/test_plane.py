"""The time-frequency plane is exact: signals come back, energies add up, tiles hold every bin once."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.signal import ShortTimeFFT

from models_registry.engine.explain import Plane, Tiles
from tests.engine.cast import noise


@pytest.mark.parametrize(("rate", "frames"), [(16_000, 9_001), (44_100, 20_000), (8_000, 1_024)])
def test_a_signal_comes_back_and_its_energy_is_that_of_its_bins(rate, frames):
    plane, signal = Plane(rate, frames), torch.from_numpy(noise(2, frames)).double()
    spectra = plane.spectra(signal)
    assert spectra.shape == (2, plane.windows, plane.bins)
    np.testing.assert_allclose(plane.signal(spectra), signal, atol=1e-14)
    energy = (spectra.abs().square() * plane.weights()).sum()
    assert energy.item() == pytest.approx(signal.square().sum().item(), rel=1e-12)


def test_spectra_are_those_of_scipy():
    plane, signal = Plane(16_000, 8_000), noise(8_000).astype(float)
    window = np.hanning(plane.size + 1)[:-1]
    theirs = ShortTimeFFT(window, plane.hop, plane.rate).stft(signal)
    ours = plane.spectra(torch.from_numpy(signal)).numpy().T
    # scipy turns phases back to the window's middle; both begin where the first window reaches the signal
    np.testing.assert_allclose(
        np.abs(ours[:, 10:20]), np.abs(theirs[:, _shift(ours, theirs) + 10 :][:, :10]), atol=1e-9
    )


def _shift(ours, theirs):
    """Windows that scipy has before our first."""
    column = np.abs(ours[:, 10])
    return int(np.argmin([np.abs(np.abs(one) - column).sum() for one in theirs.T])) - 10


def test_what_samples_make_is_divided_among_bins_without_a_remainder():
    plane = Plane(16_000, 5_000)
    signal, slope = (torch.from_numpy(noise(1, 5_000, seed=n)).double() for n in (1, 2))
    parts = plane.divided(signal, slope)
    assert parts.sum().item() == pytest.approx((signal * slope).sum().item(), abs=1e-10)


def test_a_tone_lies_in_its_tile():
    plane = Plane(16_000, 16_000)
    time = torch.arange(16_000, dtype=torch.float64) / 16_000
    tone = torch.sin(2 * torch.pi * 1_000 * time) * ((time > 0.42) & (time < 0.48))
    tiles = Tiles.over(plane, bands=16, steps=10)
    power = tiles.summed(plane.spectra(tone[None]).abs().square())
    band, step = tiles.at(1_000, 0.45)
    assert power.argmax() == band * tiles.shape[1] + step


def test_tiles_hold_every_bin_once():
    plane = Plane(44_100, 30_000)
    tiles = Tiles.over(plane, bands=20, steps=7)
    values = np.random.default_rng(0).normal(size=tiles.shape)
    counts = tiles.summed(torch.ones(1, plane.windows, plane.bins, dtype=torch.float64))
    assert counts.sum() == plane.windows * plane.bins
    np.testing.assert_allclose(tiles.summed(tiles.spread(values)), values * counts)
    assert tiles.edges_hz()[0] == 0
    assert tiles.edges_hz()[-1] == pytest.approx(22_050, rel=0.01)
