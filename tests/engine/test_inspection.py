"""A look inside a chain at work: what each block hears, makes and is moved by, held against what is known of it."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from models_registry.audio import AudioError
from models_registry.engine import Chain, EngineError, render
from models_registry.engine.inspection import inspected, longest, sources_of
from tests.engine.cast import awake, followed, noise, spec

RATE = 16_000


def chain_of(*blocks, adapters=(), rate=RATE):
    return Chain.from_spec(
        {"version": 1, "rate": rate, "blocks": list(blocks), "adapters": list(adapters)}
    )


def passages(chain, samples):
    return {one.name: one for one in inspected(chain, samples).passages}


def test_the_last_block_gives_what_a_rendering_gives_and_each_hears_the_one_before():
    chain = Chain.from_spec(spec())
    samples = noise(2, 9_000)
    found = inspected(chain, samples).passages
    np.testing.assert_array_equal(found[-1].output, render(chain, samples, chain.rate))
    np.testing.assert_array_equal(found[0].given, samples)
    for before, after in zip(found, found[1:], strict=False):
        np.testing.assert_array_equal(after.given, before.output)


def test_late_blocks_are_moved_to_where_they_belong():
    """A limiter that has nothing to do is a delay of its look-ahead: input and output are the same."""
    chain = chain_of(
        {"id": "early", "kind": "limiter"},
        {"id": "bank", "kind": "filter-bank", "options": {"taps": 127}},
    )
    samples = noise(1, 5_000, level=0.05)
    for one in inspected(chain, samples).passages:
        np.testing.assert_allclose(one.output[:, 200:-200], one.given[:, 200:-200], atol=1e-6)


def test_behind_branches_a_block_hears_their_sum():
    branches = [
        [{"id": "clean", "kind": "gain", "params": {"level": -6}}],
        [{"id": "low", "kind": "biquad"}, {"id": "late", "kind": "limiter"}],
    ]
    chain = chain_of(
        {"id": "both", "kind": "parallel", "branches": branches}, {"id": "out", "kind": "gain"}
    )
    assert sources_of(chain.spec()) == {
        "clean": ("",),
        "low": ("",),
        "late": ("low",),
        "out": ("clean", "late"),
    }
    samples = noise(1, 5_000, level=0.05)
    found = passages(chain, samples)
    np.testing.assert_allclose(found["out"].given, (10**-0.3 + 1) * samples, atol=1e-6)
    np.testing.assert_array_equal(found["out"].output, render(chain, samples, RATE))


def test_a_compressor_shows_the_reduction_that_its_settings_ask_for():
    """20 dB over the threshold at a ratio of 4 are 15 dB too many (Giannoulis et al., 2012, eq. 4)."""
    settings = {"threshold": -30, "ratio": 4, "knee": 0.01, "attack": 1, "release": 5_000}
    chain = chain_of({"id": "one", "kind": "compressor", "params": settings})
    square = 10 ** (-10 / 20) * np.sign(np.sin(2 * np.pi * 500 * np.arange(8_000) / RATE + 0.1))
    gains = passages(chain, square[None].astype(np.float32))["one"].gains
    assert gains.values[-1, 0] == pytest.approx(-15, abs=0.01)
    assert gains.names == ("gain",)
    assert gains.times[-1] == pytest.approx(0.5, abs=1e-3)


def test_a_gate_shows_its_gain_by_band():
    """A band of noise far below what is called noise is turned down by the whole range."""
    chain = chain_of(
        {"id": "gate", "kind": "spectral-gate", "options": {"bands": 8}, "params": {"noise": -10}}
    )
    gains = passages(chain, noise(1, 16_000, level=0.01))["gate"].gains
    assert gains.values.shape == (len(gains.times), 8)
    assert gains.values[len(gains.times) // 2 :].max() == pytest.approx(-15, abs=0.2)
    np.testing.assert_array_equal(gains.centres, chain.profile("gate")[0])


def test_a_multiband_compressor_shows_a_line_for_each_band():
    chain = chain_of({"id": "mb", "kind": "multiband-compressor", "options": {"bands": 2}})
    gains = passages(chain, noise(1, 4_000))["mb"].gains
    assert gains.names == ("band 1", "band 2")
    assert gains.values.shape == (4_000, 2)


def test_what_makes_no_gain_shows_none():
    assert passages(chain_of({"id": "a", "kind": "gain"}), noise(1, 4_000))["a"].gains is None


def test_a_moved_parameter_is_shown_in_its_unit_within_its_allowed_band():
    chain = awake(Chain.from_spec(followed())).double()
    samples = noise(1, 9_000)
    found = {one.path: one for one in inspected(chain, samples).trajectories}
    drive = found["drive.drive"]
    offsets = chain.offsets(torch.from_numpy(samples[None]).double())["drive.drive"][0, 0].numpy()
    parameter = drive.parameter
    control = float(parameter.control(20.0))
    wanted = parameter.low + (parameter.high - parameter.low) * (control + offsets)
    np.testing.assert_allclose(drive.values[:, 0], wanted, atol=1e-3)
    span = 0.1 * (parameter.high - parameter.low)
    np.testing.assert_allclose([drive.low[0], drive.high[0]], [20 - span, 20 + span], atol=1e-2)
    assert drive.used == pytest.approx(np.sqrt(np.mean(offsets**2)) / 0.1)
    assert drive.at_bound == pytest.approx(np.mean(np.abs(offsets) > 0.099))


def test_a_parameter_that_moves_by_frames_has_a_value_for_each():
    block = {"id": "bands", "kind": "spectral-gains", "options": {"bands": 4, "window": 32}}
    chain = chain_of(
        block, adapters=[{"kind": "gru", "targets": {"bands.gains": 0.5}, "hidden": 2}]
    )
    (found,) = inspected(chain, noise(1, RATE)).trajectories
    assert found.values.shape == (len(found.times), 4)
    assert found.times[1] - found.times[0] == pytest.approx(0.016)
    # an adapter that was never trained says nothing
    assert (found.used, found.at_bound) == (0, 0)


def test_a_sound_that_is_too_long_is_refused_with_the_way_to_cut_it():
    chain = chain_of({"id": "a", "kind": "gain"}, rate=8_000)
    assert longest(chain, 1) == 30
    with pytest.raises(EngineError, match=r"found 31\.0 s: cut it, as by --start 0 --seconds 30"):
        inspected(chain, noise(1, 31 * 8_000))


def test_many_blocks_and_channels_shorten_what_can_be_held():
    chain = chain_of(*({"id": f"g{n}", "kind": "gain"} for n in range(40)), rate=48_000)
    assert longest(chain, 2) == pytest.approx(32e6 / (40 * 2 * 48_000))


@pytest.mark.parametrize("bad", [np.zeros((1, 4_000)), np.full((1, 4_000), np.nan)])
def test_silence_and_nan_are_refused(bad):
    with pytest.raises(AudioError, match="expected"):
        inspected(chain_of({"id": "a", "kind": "gain"}), bad.astype(np.float32))


def test_a_block_that_loses_its_signal_is_named():
    levels = [{"id": f"g{n}", "kind": "gain", "params": {"level": 48}} for n in range(1, 6)]
    with pytest.raises(EngineError, match="first in block 'g4'"):
        inspected(chain_of(*levels), noise(1, 4_000, level=0.2))
