"""Filter banks: the ear's scales against printed tables, bands that add up, each alone at its centre."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from models_registry.engine.auditory import bark
from models_registry.engine.blocks import FilterBank
from models_registry.engine.blocks.filterbank import SCALES

from .cast import noise

RATE = 48_000
# Zwicker 1961: upper edges (Hz) of the critical bands 1 to 24
EDGES = [100, 200, 300, 400, 510, 630, 770, 920, 1_080, 1_270, 1_480, 1_720, 2_000, 2_320, 2_700]
EDGES += [3_150, 3_700, 4_400, 5_300, 6_400, 7_700, 9_500, 12_000, 15_500]


def test_the_bark_scale_is_zwickers_table():
    # Zwicker and Terhardt state an accuracy of ±0.2 Bark
    found = bark(torch.tensor(EDGES, dtype=torch.float64)).numpy()
    np.testing.assert_allclose(found, np.arange(1, 25), atol=0.2)


def test_octaves_stand_at_the_standards_frequencies():
    # IEC 61260-1, nominal mid-band frequencies
    found = FilterBank(RATE, {"scale": "octave"}).centres()
    np.testing.assert_allclose(
        found, [31.5, 63, 125, 250, 500, 1_000, 2_000, 4_000, 8_000, 16_000], rtol=0.02
    )


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("rate", [8_000, 48_000, 96_000])
def test_bands_add_up_to_the_signal(scale, rate):
    block = FilterBank(rate, {"scale": scale, "taps": 255})
    x = torch.from_numpy(noise(1, 2, 900)).double()
    bands = block.bands(torch.nn.functional.pad(x, (0, block.outlet.latency)))
    total = bands.sum(0)[..., block.outlet.latency :]
    assert (total - x).abs().max() < 1e-13
    assert len(bands) == block.parameters["levels"].size


@pytest.mark.parametrize("scale", SCALES)
def test_a_band_alone_has_its_level_at_its_centre(scale):
    block = FilterBank(RATE, {"scale": scale, "taps": 16_383})
    levels = torch.from_numpy(noise(block.parameters["levels"].size, level=4)).double()
    found = 20 * torch.log10(block.response({"levels": levels}, block.centres()).abs())
    # from 100 Hz up a band is wider than the response's lines
    wide = block.centres() > 100
    np.testing.assert_allclose(found[wide].numpy(), levels[wide].numpy(), atol=0.15)


def test_a_bank_is_its_weighed_bands():
    block = FilterBank(RATE, {"scale": "bark", "taps": 501})
    x = torch.from_numpy(noise(1, 1, 3_000)).double()
    levels = torch.from_numpy(noise(block.parameters["levels"].size, level=6)).double()
    expected = (10 ** (levels / 20)[:, None, None, None] * block.bands(x)).sum(0)
    found, _ = block.process(x, {"levels": levels}, None)
    np.testing.assert_allclose(found.numpy(), expected.numpy(), atol=1e-12)
