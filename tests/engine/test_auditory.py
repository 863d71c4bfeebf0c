"""The ear's bands against Glasberg and Moore's figures and scipy's spectra; the losses and monitors made from them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import signal as sp

from models_registry.engine import Chain, Recipe
from models_registry.engine.auditory import (
    band_energy,
    band_weights,
    centres,
    erb_rate,
    frequency_of,
)
from models_registry.engine.losses import band_distance
from models_registry.engine.monitors import BANDS, drift, parameters, spectral
from models_registry.engine.regularisers import amplification

from .cast import noise, spec

RATE = 44_100


def test_the_scale_is_glasberg_and_moores():
    # ERB = 24.7 (4.37 f / kHz + 1) (1990, eq. 3): one Cam further is one ERB further; 1 kHz lies at 15.6 Cams
    assert erb_rate(torch.tensor(1_000.0)).item() == pytest.approx(15.6, abs=0.05)
    for f in (100.0, 1_000.0, 8_000.0):
        steps = torch.tensor([f - 0.5, f + 0.5], dtype=torch.float64)
        cams_per_hz = (erb_rate(steps)[1] - erb_rate(steps)[0]).item()
        # the two printed constants 21.4 and 24.7 agree to half a per cent
        assert 1 / cams_per_hz == pytest.approx(24.7 * (4.37 * f / 1_000 + 1), rel=0.006)
        assert frequency_of(erb_rate(torch.tensor(f))).item() == pytest.approx(f, rel=1e-5)


@pytest.mark.parametrize("rate", [8_000, 44_100, 96_000])
def test_bands_share_all_energy_and_lose_none(rate):
    np.testing.assert_allclose(band_weights(rate, 1_024, 40).sum(0), 1, atol=1e-12)
    x = noise(8_192).astype(np.float64)
    window = sp.windows.hann(1_024, sym=False)
    frames = np.lib.stride_tricks.sliding_window_view(x, 1_024)[::256]
    expected = (np.abs(np.fft.rfft(frames * window)) ** 2).sum()
    found = band_energy(torch.from_numpy(x)[None], rate=rate, bands=40, size=1_024)
    assert found.sum().item() == pytest.approx(expected, rel=1e-9)


def test_a_tone_lies_in_its_band():
    place = centres(RATE, 40)[20].item()
    x = torch.sin(2 * torch.pi * place * torch.arange(RATE).double() / RATE)
    energy = band_energy(x[None], rate=RATE, bands=40).mean((0, 2))
    assert int(energy.argmax()) == 20


def test_band_distance_knows_level_and_not_phase():
    y = torch.from_numpy(noise(1, 30_000)).double()
    assert band_distance(y, y, rate=RATE).item() == 0
    assert band_distance(-y, y, rate=RATE).item() == 0
    # 10 dB everywhere is 1, but for the floor
    assert band_distance(y * 10**0.5, y, rate=RATE).item() == pytest.approx(1, abs=0.02)


def test_band_distance_passes_gradcheck():
    x = torch.from_numpy(noise(1, 80)).double().requires_grad_()
    y = torch.from_numpy(noise(1, 80, seed=1)).double()
    assert torch.autograd.gradcheck(lambda e: band_distance(e, y, rate=8_000, bands=6), [x])


def flat(**params):
    blocks = [
        {"id": "e", "kind": "equaliser", "params": params},
        {"id": "g", "kind": "gain", "params": {"level": 12}},
    ]
    return Chain.from_spec(spec(blocks=blocks))


def test_only_what_a_filter_amplifies_is_against_passivity():
    assert amplification(flat()).item() == pytest.approx(0, abs=1e-9)
    assert amplification(flat(peak2_gain=-12)).item() == pytest.approx(0, abs=1e-9)
    # a peak of 6 dB, held to scipy's response of the same sections
    chain = flat(peak2_gain=6)
    sections = chain.blocks["e"].sections(chain.values("e")).detach().numpy()
    grid = np.geomspace(30, 16_000, 128)
    response = sp.freqz_sos(np.insert(sections, 3, 1.0, axis=1), grid, fs=RATE)[1]
    level = np.maximum(20 * np.log10(np.abs(response)), 0)
    assert amplification(chain).item() == pytest.approx(np.mean(level**2), rel=1e-6)


def test_spectral_monitors_say_what_was_done_to_a_band():
    y = torch.from_numpy(noise(3, 1, 40_000)).double()
    same = spectral(y, y, rate=RATE)
    assert len(same) == BANDS + 1
    assert all(value == 0 for value in same.values())
    half = spectral(y / 2, y, rate=RATE)
    assert half["monitor.erb_deviation"] == pytest.approx(6.0206, abs=1e-3)
    b, a = sp.butter(6, 1_000, fs=RATE)
    dull = spectral(torch.from_numpy(sp.lfilter(b, a, y.numpy())), y, rate=RATE)
    shown = list(dull.values())[:BANDS]
    assert abs(shown[0]) < 1
    assert shown[BANDS - 1] < -40


def test_drift_is_the_added_mean_in_effective_values():
    y = torch.from_numpy(noise(2, 1, 5_000, level=0.5)).double()
    effective = y.square().mean().sqrt().item()
    found = drift(y + 0.1 * effective, y)["monitor.dc_drift"]
    assert found == pytest.approx(0.1, rel=1e-9)


def test_the_margin_is_the_nearest_parameters():
    # levels reach from -48 to 48 dB: 43.2 is 5 % from the upper end
    blocks = [
        {"id": name, "kind": "gain", "params": {"level": at}}
        for name, at in (("a", 0), ("b", 43.2))
    ]
    found = parameters(Chain.from_spec(spec(blocks=blocks)))["monitor.range_margin"]
    assert found == pytest.approx(0.05, abs=1e-9)


def test_new_terms_are_part_of_a_recipe_only_where_they_are_given():
    plain = Recipe.load("overdrive")
    assert {"erb", "passivity"}.isdisjoint(plain.loss)
    given = Recipe.load("overdrive", {"loss.erb": "0.5", "loss.passivity": "1e-4"})
    assert given.loss["erb"] == 0.5
    assert given.hash != plain.hash
    assert Recipe.from_dict(given.to_dict()) == given


def test_what_was_registered_before_keeps_its_identity():
    # these hashes name models in listening tests that have been held; they must never change
    assert Recipe.load("overdrive").hash.startswith("95ed559b5e8e")
    assert Recipe.load("overdrive-adapter").hash.startswith("e732fc56c85b")
    specs = [Chain.from_spec(Recipe.load(n).chain) for n in ("overdrive", "overdrive-adapter")]
    assert [c.spec_hash[:12] for c in specs] == ["758aedfc3fc1", "2456c76aeb9a"]
