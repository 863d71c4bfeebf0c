"""Rendering: the same samples whatever the block size, aligned, at the input's rate, every channel alike."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from models_registry.audio import AudioError
from models_registry.engine import Chain, EngineError, Stream, render
from models_registry.engine.blocks import BLOCKS, Gain, register
from models_registry.engine.contract import Port

from .cast import awake, followed, noise, spec


@pytest.fixture
def chain():
    torch.manual_seed(0)
    return awake(Chain.from_spec(followed()))


@pytest.mark.parametrize("block_size", [1, 63, 64, 65, 1_000, 4_999, 5_000])
def test_the_block_size_changes_nothing(chain, block_size):
    x = noise(2, 5_000)
    whole = render(chain, x, 44_100)
    np.testing.assert_array_equal(render(chain, x, 44_100, block_size=block_size), whole)


def test_blocks_agree_to_double_precision_inside_the_chain(chain):
    exact = chain.double()
    x = torch.from_numpy(noise(1, 2, 3_000)).double()
    with torch.no_grad():
        whole, _ = exact(x)
        state, parts = None, []
        for part in x.split(101, dim=-1):
            output, state = exact(part, state)
            parts.append(output)
    assert (torch.cat(parts, -1) - whole).abs().max() < 1e-12


def test_a_mono_chain_treats_every_channel_on_its_own(chain):
    x = noise(2, 2_000)
    both = render(chain, x, 44_100)
    for channel in range(2):
        np.testing.assert_allclose(render(chain, x[[channel]], 44_100)[0], both[channel], atol=1e-7)


def test_rendering_leaves_the_chain_as_it_was(chain):
    render(chain, noise(1, 500), 44_100)
    assert chain.adapters[0].head.weight.dtype == torch.float32
    assert chain.training


@pytest.mark.parametrize("block_size", [1_000, 30_000])
def test_the_block_size_changes_nothing_where_rates_differ_or_long_responses_wait(block_size):
    blocks = [
        {"id": "room", "kind": "reverb", "options": {"length": 200}},
        {"id": "bands", "kind": "spectral-gains"},
        {"id": "late", "kind": "limiter"},
    ]
    chain = Chain.from_spec(spec(blocks=blocks))
    x = noise(2, 20_000)
    whole = render(chain, x, 32_000)
    np.testing.assert_array_equal(render(chain, x, 32_000, block_size=block_size), whole)


@pytest.mark.parametrize("rate", [16_000, 44_100])
def test_the_tail_goes_on_until_the_chain_has_died_away(rate):
    blocks = [{"id": "echo", "kind": "echo", "params": {"time": 100, "feedback": 0.5, "level": 1}}]
    chain = Chain.from_spec(spec(blocks=blocks))
    x = noise(1, rate // 5)
    short, long = render(chain, x, rate), render(chain, x, rate, tail=True)
    assert short.shape == x.shape
    assert long.shape[1] == x.shape[1] + round(chain.tail() * rate)
    np.testing.assert_allclose(long[:, : x.shape[1] - 200], short[:, : x.shape[1] - 200], atol=1e-5)
    # what comes after the end is the last repeats, 60 dB down when it is over
    assert np.abs(long[:, x.shape[1] :]).max() > 0.1
    assert np.abs(long[:, -rate // 20 :]).max() < 2e-3 * np.abs(x).max() * 3


def test_stems_are_aligned_with_the_input():
    blocks = [
        {"id": "level", "kind": "gain"},
        {"id": "mix", "kind": "parallel", "branches": [[], [{"id": "late", "kind": "limiter"}]]},
        {"id": "bands", "kind": "spectral-gains"},
    ]
    chain = Chain.from_spec(spec(blocks=blocks))
    x = noise(1, 9_000, level=0.05)
    stream = Stream(chain, 1, 44_100, stems=True)
    ready = [stream.push(x), stream.finish()]
    stems = {name: np.concatenate([one[name] for one in ready], axis=1) for name in ready[0]}
    assert set(stems) == {"", "level", "late", "bands"}
    assert chain.latencies()["bands"] == chain.latency > chain.latencies()["late"] > 0
    # none of these changes a soft sound, the parallel doubles it
    for name, factor in (("level", 1), ("late", 1), ("bands", 2), ("", 2)):
        np.testing.assert_allclose(stems[name], factor * x, atol=1e-6)


class Failing(Gain):
    """Loses its signal after a while, to a value of its choice."""

    kind = "failing"
    value = float("nan")

    def process(self, signal, values, state):
        begun = state or 0
        lost = torch.arange(begun, begun + signal.shape[-1]) >= 5_000
        return torch.where(lost, self.value, signal), begun + signal.shape[-1]


@pytest.mark.parametrize("value", [float("nan"), float("-inf"), 1e9])
def test_a_signal_that_is_lost_stops_at_the_block_that_lost_it(value, monkeypatch):
    monkeypatch.setattr(Failing, "value", value)
    register(Failing)
    try:
        blocks = [
            {"id": "a", "kind": "gain"},
            {"id": "b", "kind": "failing", "params": {"level": 3}},
            {"id": "c", "kind": "gain"},
        ]
        chain = Chain.from_spec(spec(blocks=blocks))
    finally:
        del BLOCKS["failing"]
    # sample 5,000 at 44.1 kHz
    with pytest.raises(
        EngineError, match=r"found others at 0\.113 s, first in block 'b' \(failing, level 3 dB\)"
    ):
        render(chain, noise(1, 9_000), 44_100)


def test_what_dies_away_is_over_and_leaves_no_denormals():
    # a resonance at 20 Hz falls below the smallest normal number after some minutes: its state is 1 when begun
    chain = Chain.from_spec(spec(blocks=[{"id": "eq", "kind": "equaliser"}]))
    stream = Stream(chain, 1, 44_100)
    stream.push(noise(1, 4_096))
    for _ in range(60):
        last = stream.push(np.zeros((1, 4_096), dtype=np.float32))
    state = stream.state.blocks["eq"].numpy()
    smallest = np.finfo(np.float64).tiny
    assert not ((np.abs(state) > 0) & (np.abs(state) < smallest)).any()
    assert not last[""].any()


@pytest.mark.parametrize("rate", [16_000, 48_000, 96_000])
def test_another_rate_keeps_length_alignment_and_level(rate):
    # a gain of -6.02 dB halves; 400 Hz passes every resampler unharmed
    half = Chain.from_spec(spec(blocks=[{"id": "l", "kind": "gain", "params": {"level": -6.0206}}]))
    time = np.arange(rate // 2) / rate
    x = (0.5 * np.sin(2 * np.pi * 400 * time) * np.hanning(time.size))[None].astype(np.float32)
    y = render(half, x, rate)
    assert y.shape == x.shape
    np.testing.assert_allclose(y, x / 2, atol=1e-4)


class Late(Gain):
    """Ten samples late, and says so."""

    kind = "late"
    outlet = Port(latency=10)

    def process(self, signal, values, state):
        past = torch.zeros(*signal.shape[:-1], 10, dtype=signal.dtype) if state is None else state
        joined = torch.cat([past, signal], -1)
        return joined[..., : signal.shape[-1]], joined[..., -10:]


@pytest.mark.parametrize("block_size", [7, 400])
def test_declared_latency_is_taken_out(block_size):
    register(Late)
    try:
        chain = Chain.from_spec(spec(blocks=[{"id": n, "kind": "late"} for n in ("a", "b")]))
    finally:
        del BLOCKS["late"]
    x = noise(1, 300)
    assert chain.latency == 20
    np.testing.assert_array_equal(render(chain, x, 44_100, block_size=block_size), x)


@pytest.mark.parametrize(
    ("samples", "sentence"),
    [
        (np.full((1, 100), np.nan, dtype=np.float32), "found 100 NaN"),
        (np.zeros((1, 100), dtype=np.float32), "found silence"),
        (np.zeros((1, 0), dtype=np.float32), "found no samples"),
        (np.ones(100, dtype=np.float32), "found 1 dimension"),
        (np.full((1, 100), 3_000, dtype=np.int16), "full scale 1, found int16"),
        ([[0, 1]], "full scale 1, found int64"),
    ],
)
def test_what_is_no_audio_is_refused(chain, samples, sentence):
    with pytest.raises(AudioError, match=sentence):
        render(chain, samples, 44_100)


def test_a_block_size_of_nothing_is_refused(chain):
    with pytest.raises(EngineError, match="at least 1 sample, found 0"):
        render(chain, noise(1, 100), 44_100, block_size=0)
