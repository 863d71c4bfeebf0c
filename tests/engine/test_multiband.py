"""Dynamics by band and by onset: against single-band blocks, scipy's filters, definitions, and the loudness meter."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
import pytest
import torch
from scipy import signal as sp

from metrics import loudness
from models_registry.engine import Chain, render
from models_registry.engine.auditory import k_weighting
from models_registry.engine.blocks import (
    Compressor,
    Crossover,
    LoudnessSteering,
    MultibandCompressor,
    TransientShaper,
)

from .cast import BACKENDS, noise, spec

RATE = 48_000
SIDES: tuple[Literal["low", "high"], ...] = ("low", "high")


def tensors(**values):
    return {name: torch.tensor(value, dtype=torch.float64) for name, value in values.items()}


@pytest.fixture(params=BACKENDS)
def backend(request, monkeypatch):
    for kind in (Compressor, MultibandCompressor, TransientShaper, LoudnessSteering):
        monkeypatch.setattr(kind, "backend", request.param)
    return request.param


def bands_of(**changes):
    base = {
        "crossing1": 300.0,
        "crossing2": 3_000.0,
        "threshold": [-30.0, -20.0, -40.0],
        "ratio": [4.0, 2.0, 8.0],
        "knee": 4.0,
        "attack": [20.0, 5.0, 1.0],
        "release": [200.0, 80.0, 40.0],
        "makeup": [3.0, 0.0, -2.0],
    }
    return tensors(**base | changes)


def test_without_reduction_a_multiband_compressor_is_a_crossover():
    x = torch.from_numpy(noise(1, 2, 3_000)).double()
    values = bands_of(ratio=[1.0] * 3)
    levels = {f"level{n}": values["makeup"][n - 1] for n in (1, 2, 3)}
    crossings = {name: values[name] for name in ("crossing1", "crossing2")}
    expected, _ = Crossover(RATE).process(x, crossings | levels, None)
    found, _ = MultibandCompressor(RATE).process(x, values, None)
    np.testing.assert_allclose(found.numpy(), expected.numpy(), atol=1e-12)


def test_each_band_is_the_compressor_of_that_band(backend):
    x = torch.from_numpy(noise(1, 1, 6_000)).double()
    values = bands_of()
    expected = torch.zeros_like(x)
    low, high = (
        {corner: sp.butter(2, corner, kind, fs=RATE) for corner in (300, 3_000)} for kind in SIDES
    )
    turn = low[3_000][1][::-1], low[3_000][1]
    # Linkwitz-Riley of fourth order: two Butterworths each, and the all-pass of the other crossing
    filters = (
        [low[300], low[300], turn],
        [high[300], high[300], low[3_000], low[3_000]],
        [high[300], high[300], high[3_000], high[3_000]],
    )
    for n, parts in enumerate(filters):
        band = x.numpy()
        for b, a in parts:
            band = sp.lfilter(b, a, band)
        own = {
            name: values[name][n] for name in ("threshold", "ratio", "attack", "release", "makeup")
        } | {"knee": values["knee"]}
        expected += Compressor(RATE).process(torch.from_numpy(band), own, None)[0]
    found, _ = MultibandCompressor(RATE).process(x, values, None)
    np.testing.assert_allclose(found.numpy(), expected.numpy(), atol=1e-9)


def test_a_detector_hears_its_side_chain_and_not_the_rest():
    time = np.arange(RATE) / RATE
    bass = torch.from_numpy(0.7 * np.sin(2 * np.pi * 60 * time))[None, None]
    values = tensors(threshold=-30.0, ratio=8.0, knee=6.0, attack=5.0, release=100.0, makeup=0.0)
    full, _ = Compressor(RATE).process(bass, values, None)
    listening = values | tensors(listen=1_000.0, listen_q=math.sqrt(0.5))
    deaf, _ = Compressor(RATE, {"sidechain": "high-pass"}).process(bass, listening, None)
    assert full[..., -4_000:].abs().max() < 0.2
    # scipy's high-pass leaves 60 Hz at −49 dB, below the threshold: nothing is reduced
    response = sp.sosfreqz(sp.butter(2, 1_000, "high", fs=RATE, output="sos"), [60], fs=RATE)[1]
    assert 20 * np.log10(0.7 * np.abs(response[0])) < -33
    np.testing.assert_allclose(deaf[..., 4_000:], bass[..., 4_000:], atol=1e-6)


def test_a_side_chain_leaves_the_identity_of_earlier_models_alone():
    chain = Chain.from_spec(spec(blocks=[{"id": "c", "kind": "compressor"}]))
    assert chain.spec()["blocks"][0]["options"] == {"link": "each"}
    entry = {"id": "c", "kind": "compressor", "options": {"sidechain": "low-pass"}}
    given = Chain.from_spec(spec(blocks=[entry])).spec()["blocks"][0]
    assert given["options"] == {"link": "each", "sidechain": "low-pass"}
    assert Chain.from_spec(spec(blocks=[given])).spec()["blocks"][0] == given


SHAPER = {
    "quick": 1.0,
    "slow": 15.0,
    "fading": 30.0,
    "lasting": 500.0,
    "floor": -80.0,
}


def shaped(x, **values):
    given = tensors(**{"attack": 0.0, "sustain": 0.0} | SHAPER | values)
    return TransientShaper(RATE).process(torch.from_numpy(x), given, None)[0].numpy()


def strokes(level=1.0):
    """Two strokes a second that fall by 60 dB in 0.3 s."""
    time = np.arange(RATE) / RATE % 0.5
    return (level * 10 ** (-3 * time / 0.3) * np.sign(np.sin(2 * np.pi * 500 * time + 0.1)))[
        None, None
    ]


def test_a_shaper_at_rest_changes_nothing_and_hears_no_level():
    x = strokes()
    np.testing.assert_allclose(shaped(x), x, atol=1e-15)
    loud, soft = (
        shaped(strokes(level), attack=1.0)[..., RATE // 2 :] / level for level in (0.5, 0.25)
    )
    late = slice(2_000, 6_000)
    np.testing.assert_allclose(loud[..., late], soft[..., late], rtol=0.05, atol=1e-4)


def test_attack_lifts_onsets_and_sustain_decays():
    x = strokes(0.3)
    second = RATE // 2
    onset, decay = slice(second + 100, second + 500), slice(second + 7_000, second + 13_000)

    def change(y, part):
        return 10 * np.log10((y[..., part] ** 2).sum() / (x[..., part] ** 2).sum())

    harder, longer = shaped(x, attack=0.5), shaped(x, sustain=0.5)
    assert change(harder, onset) > 5
    assert abs(change(harder, decay)) < 1.5
    assert change(longer, decay) > 4
    assert abs(change(longer, onset)) < 1.5
    assert change(shaped(x, attack=-0.5), onset) < -5


def test_the_shapers_gain_is_its_definition_sample_by_sample(backend):
    x = strokes(0.5)[..., :3_000]
    found = shaped(x, attack=0.7, sustain=-0.4).ravel()
    # level followed quickly, the quick one followed slowly, level followed down
    one = {n: 1 - math.exp(-1_000 / (ms * RATE)) for n, ms in SHAPER.items() if n != "floor"}
    pairs = (("quick", "lasting"), ("slow", "quick"), ("quick", "fading"))
    states = [0.0, 0.0, 0.0]
    for n, sample in enumerate(x.ravel()):
        above = max(20 * math.log10(max(abs(sample), 1e-6)) + 80, 0)
        for k, (up, down) in enumerate(pairs):
            step = (states[0] if k == 1 else above) - states[k]
            states[k] += one[up if step > 0 else down] * step
        wanted = 0.7 * (states[0] - states[1]) - 0.4 * (states[0] - states[2])
        gain = 18 * math.tanh(wanted / 18)
        assert found[n] == pytest.approx(sample * 10 ** (gain / 20), abs=1e-10)


def test_the_weighting_is_the_standards_and_the_same_at_other_rates():
    standard = loudness.K_WEIGHTING
    found = k_weighting(RATE).numpy()
    np.testing.assert_allclose(np.insert(found, 3, 1.0, axis=1), standard, atol=1e-14)
    grid = np.geomspace(20, 4_000, 50)
    wanted = sp.sosfreqz(standard, grid, fs=RATE)[1]
    for rate in (16_000, 44_100, 96_000):
        sections = np.insert(k_weighting(rate).numpy(), 3, 1.0, axis=1)
        level = 20 * np.log10(np.abs(sp.sosfreqz(sections, grid, fs=rate)[1] / wanted))
        # the bilinear transform bends the shelf at the lowest rate
        np.testing.assert_allclose(level, 0, atol=0.6 if rate == 16_000 else 0.06)


@pytest.mark.parametrize("channels", [1, 2])
def test_the_loudness_meter_of_ebu_tech_3341_finds_the_target(channels):
    # two levels, 14 LU apart; the meter is that of the metrics, which knows the EBU's test signals
    seconds = 24
    level = np.where(np.arange(seconds * RATE) < 12 * RATE, 0.02, 0.1)
    x = (level * np.random.default_rng(0).normal(size=(channels, level.size))).astype(np.float32)
    entry = {
        "id": "fader",
        "kind": "loudness-steering",
        "params": {"target": -20, "range": 20, "time": 0.3},
    }
    chain = Chain.from_spec(spec(rate=RATE, blocks=[entry]))
    y = render(chain, x, RATE, block_size=5_000)
    before, after = (loudness.short_term(signal.astype(np.float64)) for signal in (x, y))
    assert np.ptp(before) > 13
    settled = np.r_[after[50:88], after[-50:]]
    np.testing.assert_allclose(settled, -20, atol=0.3)


def test_a_contour_is_followed_and_a_pause_is_not_lifted():
    block = LoudnessSteering(RATE)
    x = torch.from_numpy(noise(1, 1, 20 * RATE, level=0.05)).double()
    steps = 20 * RATE // block.hop
    contour = torch.where(torch.arange(steps) < 100, -30.0, -18.0).double()[None, None]
    values = tensors(range=30.0, time=0.2, gate=-60.0) | {"target": contour}
    y = block.process(x, values, None)[0][0].numpy()
    found = loudness.short_term(y)
    assert found[60] == pytest.approx(-30, abs=0.3)
    assert found[-1] == pytest.approx(-18, abs=0.3)
    quiet = 1e-4 * x
    still = tensors(target=-18.0, range=30.0, time=0.2, gate=-60.0)
    np.testing.assert_allclose(block.process(quiet, still, None)[0], quiet, rtol=1e-3)


def test_steering_passes_gradcheck_once_it_answers():
    # at 8 kHz a tenth of a second is 800 samples
    block = LoudnessSteering(8_000)
    x = torch.from_numpy(noise(1, 2, 2_500)).double().requires_grad_()
    given = tensors(target=-25.0, range=15.0, time=0.2, gate=-45.0)
    inputs = [v.requires_grad_() for v in given.values()]
    assert torch.autograd.gradcheck(
        lambda s, *v: block.process(s, dict(zip(given, v, strict=True)), None)[0],
        [x, *inputs],
        fast_mode=True,
    )
