"""Rooms: decay times by ISO 3382, energies by definition, images by mirrors, recursions by matrices written out."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy import signal as sp

from models_registry.engine import lines
from models_registry.engine.blocks import EarlyReflections, FeedbackNetwork
from models_registry.engine.blocks.network import lengths

from .cast import BACKENDS, noise, random_values
from .test_reverb import schroeder

RATE = 16_000


def tensors(**values):
    return {name: torch.tensor(value, dtype=torch.float64) for name, value in values.items()}


def network(**changes):
    base = {
        "rt60": 0.8,
        "bass": 1.0,
        "treble": 1.0,
        "low_crossing": 300.0,
        "high_crossing": 2_500.0,
        "ratio": 6.0,
    }
    return tensors(**base | changes)


def impulse_of(block, values, seconds):
    x = torch.zeros(1, 1, round(seconds * RATE), dtype=torch.float64)
    x[..., 0] = 1
    return block.process(x, values, None)[0].numpy().ravel()


@pytest.mark.parametrize("rt60", [0.3, 1.0, 2.5])
def test_the_decay_time_is_that_of_iso_3382(rt60):
    late = impulse_of(FeedbackNetwork(RATE), network(rt60=rt60), 3 * rt60)
    late[0] = 0
    assert schroeder(late) == pytest.approx(rt60, rel=0.05)


def test_bass_and_treble_decay_in_times_of_their_own():
    late = impulse_of(FeedbackNetwork(RATE), network(bass=1.6, treble=0.4), 4)
    late[0] = 0
    low = sp.sosfilt(sp.butter(6, 90, output="sos", fs=RATE), late)
    middle = sp.sosfilt(sp.butter(4, (700, 1_100), "band", output="sos", fs=RATE), late)
    high = sp.sosfilt(sp.butter(6, 6_500, "high", output="sos", fs=RATE), late)
    assert schroeder(low) == pytest.approx(1.6 * 0.8, rel=0.12)
    assert schroeder(middle) == pytest.approx(0.8, rel=0.12)
    assert schroeder(high) == pytest.approx(0.4 * 0.8, rel=0.15)


@pytest.mark.parametrize("ratio", [-6.0, 12.0])
@pytest.mark.parametrize("treble", [0.3, 1.0])
def test_the_ratio_is_direct_over_reverberant_energy(ratio, treble):
    late = impulse_of(FeedbackNetwork(RATE), network(ratio=ratio, treble=treble), 3)
    late[0] -= 1
    assert 10 * np.log10(1 / np.sum(late**2)) == pytest.approx(ratio, abs=0.1)


@pytest.mark.parametrize("backend", BACKENDS)
def test_without_loss_no_energy_is_lost(backend, monkeypatch):
    # a prototype whose filters do nothing: what is in the lines stays there
    delays = np.array([7, 11, 13, 17])
    sos = np.tile([1.0, 0, 0, 0, 0], (4, 1))
    x = np.zeros((1, 4_000))
    x[0, 0] = 1
    written, read = np.zeros((1, 4_019, 4)), np.zeros((1, 4_002, 4))
    lines.BACKENDS[backend].network(x, sos, delays, written, read)
    inside = [
        sum((written[0, 19 + t - d : 19 + t, n] ** 2).sum() for n, d in enumerate(delays))
        for t in (1, 100, 3_999)
    ]
    np.testing.assert_allclose(inside, 4, rtol=1e-12)


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_network_is_its_matrix_written_out(backend, monkeypatch):
    monkeypatch.setattr(FeedbackNetwork, "backend", backend)
    block = FeedbackNetwork(8_000, {"lines": 5, "size": 5})
    values = random_values(block, 3)
    x = noise(600).astype(np.float64)
    matrix = np.eye(5) - 2 / 5
    sos = block.sections(values).numpy()
    fed, found = np.zeros((700, 5)), np.zeros((602, 5))
    for t in range(600):
        for n, d in enumerate(block.delays):
            past = [fed[100 + t - d - k, n] for k in range(3)]
            found[t + 2, n] = sos[n, :3] @ past - sos[n, 3:] @ found[[t + 1, t], n]
        fed[100 + t] = x[t] / np.sqrt(5) + matrix @ found[t + 2]
    expected = x + block.share(values).item() * found[2:] @ block.out.numpy()
    signal = torch.from_numpy(x)[None, None]
    np.testing.assert_allclose(block.process(signal, values, None)[0].ravel(), expected, atol=1e-12)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_network_passes_gradcheck_once_it_answers(backend, monkeypatch):
    monkeypatch.setattr(FeedbackNetwork, "backend", backend)
    block = FeedbackNetwork(8_000, {"lines": 4, "size": 5})
    given = {n: v.requires_grad_() for n, v in random_values(block, 1).items()}
    signal = torch.from_numpy(noise(1, 2, 150)).double().requires_grad_()
    assert torch.autograd.gradcheck(
        lambda x, *v: block.process(x, dict(zip(given, v, strict=True)), None)[0],
        [signal, *given.values()],
        fast_mode=True,
    )


@settings(max_examples=40, deadline=None)
@given(
    rate=st.sampled_from([8_000, 44_100, 96_000]),
    controls=st.lists(st.floats(0, 1), min_size=6, max_size=6),
    count=st.integers(4, 16),
)
@example(rate=8_000, controls=[0.0, 0.95, 0.0, 0.0, 0.5, 0.5], count=16)
def test_no_line_ever_amplifies(rate, controls, count):
    # a lossless matrix and filters below 1 at every frequency: stable whatever the parameters
    block = FeedbackNetwork(rate, {"lines": count})
    places = [torch.tensor(c, dtype=torch.float64) for c in controls]
    values = block.physical(dict(zip(block.parameters, places, strict=True)))
    for section, delay in zip(block.sections(values).numpy(), block.delays, strict=True):
        _, response = sp.freqz(section[:3], [1, *section[3:]], worN=2_000)
        assert np.abs(response).max() <= block.pole_radius(values) ** delay * (1 + 1e-6) < 1
    assert len(set(block.delays)) == count


def test_lengths_are_primes_in_rising_order():
    found = lengths(8, 480, 2_000)
    assert list(found) == sorted(set(found))
    assert all(n % k for n in found for k in range(2, n))


def test_reflections_are_those_of_mirrors():
    # source and listener on a line through a room of 8 x 6 x 4 m, worked out by hand
    block = EarlyReflections(RATE, {"order": 1})
    values = tensors(
        length=8.0,
        width=6.0,
        height=4.0,
        source=[0.25, 0.5, 0.5],
        listener=[0.75, 0.5, 0.5],
        absorption=0.36,
    )
    late, strength = block.arrivals(values)
    direct = np.sqrt(4.0**2 + 0.01)
    # end walls: 2 m behind the source, 2 m behind the listener; side walls 3 m, floor and ceiling 2 m away
    ways = np.sort([8.0, 8.0, *[np.hypot(4, 6)] * 2, *[np.hypot(4, 4)] * 2])
    found = np.sort(late.numpy() / RATE * 343.2 + direct)
    np.testing.assert_allclose(found, ways, atol=1e-9)
    # √(1 − 0.36) is 0.8
    np.testing.assert_allclose(np.sort(strength), np.sort(0.8 * direct / ways), atol=1e-9)


def test_every_image_is_allen_and_berkleys():
    block = EarlyReflections(RATE, {"order": 3, "longest": 200})
    values = random_values(block, 2)
    room = np.array([values[n].item() for n in ("length", "width", "height")])
    source, listener = (values[n].numpy() * room for n in ("source", "listener"))
    direct = np.sqrt(((source - listener) ** 2).sum() + 0.01)
    expected = []
    # 1979, eq. 8: ±x + 2 r L, having met |r − p| + |r| walls at each of the two ends
    axis = [
        [
            ((1 - 2 * p) * source[k] + 2 * r * room[k], abs(r - p) + abs(r))
            for r in range(-3, 4)
            for p in (0, 1)
        ]
        for k in range(3)
    ]
    for x, i in axis[0]:
        for y, j in axis[1]:
            for z, k in axis[2]:
                if 0 < i + j + k <= 3:
                    way = np.sqrt(((np.array([x, y, z]) - listener) ** 2).sum())
                    expected.append((max((way - direct) * RATE / 343.2, 1), i + j + k, way))
    late, strength = block.arrivals(values)
    np.testing.assert_allclose(np.sort(late), np.sort([e[0] for e in expected]), rtol=1e-9)
    loss = 1 - values["absorption"].item()
    wanted = [direct / max(way, 0.1) * loss ** (walls / 2) for _, walls, way in expected]
    np.testing.assert_allclose(np.sort(strength), np.sort(wanted), rtol=1e-9)


def test_a_room_passes_gradcheck_once_it_answers():
    block = EarlyReflections(8_000, {"order": 1, "longest": 20})
    given = {n: v.requires_grad_() for n, v in random_values(block, 4).items()}
    given["length"] = torch.tensor(3.0).double().requires_grad_()
    signal = torch.from_numpy(noise(1, 1, 120)).double().requires_grad_()
    assert torch.autograd.gradcheck(
        lambda x, *v: block.process(x, dict(zip(given, v, strict=True)), None)[0],
        [signal, *given.values()],
        fast_mode=True,
    )
