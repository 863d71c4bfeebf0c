"""Bands beside hearing's own: the scales are the published ones, and evenly spread bands are said to be."""

from __future__ import annotations

import numpy as np
import pytest

from models_registry.engine import Chain, EngineError
from models_registry.engine.congruence.layout import (
    bark,
    distance,
    erb,
    erb_rate,
    layout,
    layouts,
)
from tests.engine.cast import followed

# Zwicker, J. Acoust. Soc. Am. 33(2), 1961: the edges of the critical bands 0 to 24 (Hz)
EDGES = [0, 100, 200, 300, 400, 510, 630, 770, 920, 1080, 1270, 1480, 1720, 2000, 2320, 2700, 3150, 3700]  # fmt: skip
EDGES += [4400, 5300, 6400, 7700, 9500, 12000, 15500]


def test_bark_is_zwickers_table():
    """Within 0.05 Bark between 0.2 and 6.7 kHz, as Traunmüller says of his formula, and 0.2 beyond."""
    inner = [n for n, edge in enumerate(EDGES) if 200 <= edge <= 6_700]
    np.testing.assert_allclose(bark(EDGES)[inner], inner, atol=0.05)
    np.testing.assert_allclose(bark(EDGES), range(25), atol=0.25)


def test_erb_is_glasberg_and_moores():
    """1990: 132.6 Hz at 1 kHz (24.7 · 5.37), and Cams are the integral of 1 over the ERB from nothing on."""
    assert erb(1_000) == pytest.approx(132.6, abs=0.05)
    fine = np.linspace(0, 8_000, 400_001)
    steps = np.diff(fine) / erb((fine[1:] + fine[:-1]) / 2)
    # their 21.4 is rounded from 21.33
    np.testing.assert_allclose(np.cumsum(steps)[[24_999, -1]], erb_rate([500, 8_000]), rtol=4e-3)


def test_bands_between_zwickers_edges_lie_evenly_in_bark_and_nowhere_else_as_evenly():
    centres = [(a + b) / 2 for a, b in zip(EDGES, EDGES[1:], strict=False)]
    found = layout("bank", centres)
    assert found.nearest == "bark"
    away = {one.scale: one.relative for one in found.distances}
    assert away["bark"] < 0.2 < away["erb"] < away["octave"]
    assert away["linear"] > 3


def test_the_distance_is_zero_for_even_places_and_known_for_a_square():
    cams = np.linspace(5, 30, 26)
    hertz = (10 ** (cams / 21.4) - 1) / 0.00437
    found = distance(hertz, "erb")
    assert found.distance == pytest.approx(0, abs=1e-9)
    assert found.step == pytest.approx(1)
    # k² against the even 4k of k = 0 … 4: off by 0, 3, 4, 3, 0
    square = distance([100 + 100 * k**2 for k in range(5)], "linear")
    assert square.distance == pytest.approx(100 * np.sqrt(34 / 5))
    assert square.relative == pytest.approx(np.sqrt(34 / 5) / 4)


def bands_chain(*blocks, rate=16_000, adapters=()):
    return Chain.from_spec(
        {"version": 1, "rate": rate, "blocks": list(blocks), "adapters": list(adapters)}
    )


def test_a_mask_and_its_network_lie_on_the_ear_and_the_count_says_what_bins_cannot_part():
    gains = {"id": "mask", "kind": "spectral-gains", "options": {"bands": 64, "window": 32}}
    gru = {"kind": "gru", "targets": {"mask.gains": 0.5}, "bands": 24, "hidden": 4, "layers": 1}
    found = {one.part: one for one in layouts(bands_chain(gains, adapters=[gru]))}
    assert set(found) == {"mask", "adapter 1"}
    for one in found.values():
        assert one.nearest == "erb"
        assert one.distances[0].relative < 1e-6
    # bins of 31.25 Hz: as many steps between centres are smaller
    mask = found["mask"]
    assert mask.coarse == sum(b - a < 31.25 for a, b in zip(mask.centres, mask.centres[1:], strict=False))  # fmt: skip
    assert mask.coarse is not None
    assert mask.coarse > 5


def test_a_bank_in_erb_is_as_wide_as_the_ear_and_one_in_octaves_is_not():
    # raised cosines one Cam to either side have an area of one Cam
    ear = layouts(bands_chain({"id": "b", "kind": "filter-bank", "options": {"scale": "erb"}}))[0]
    assert ear.width_in_erb == pytest.approx(1, abs=0.15)
    octave = layouts(
        bands_chain({"id": "b", "kind": "filter-bank", "options": {"scale": "octave"}})
    )[0]
    assert octave.nearest == "octave"
    assert octave.width_in_erb is not None
    assert octave.width_in_erb > 2


def test_a_chain_without_bands_has_no_layout_and_too_few_bands_are_refused():
    assert layouts(Chain.from_spec(followed())) == []
    with pytest.raises(EngineError, match="at least 4 bands in rising order"):
        distance([100, 200, 300], "erb")
