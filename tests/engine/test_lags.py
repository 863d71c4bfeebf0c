"""Lags at which one sound holds copies of another, of sounds that were put together so."""

from __future__ import annotations

import numpy as np
import torch
from scipy import signal

from models_registry.engine.lags import copies
from tests.engine.cast import noise


def sounds(count=2, frames=3_000):
    return [torch.from_numpy(noise(1, frames, seed=n)).double() for n in range(count)]


def filtered(taps, one):
    made = signal.fftconvolve(one.numpy(), taps[None], axes=-1)
    return torch.from_numpy(made[..., : one.shape[-1]])


def test_the_copies_that_a_filter_makes_are_found_the_strongest_first():
    taps = np.zeros(500)
    taps[[0, 137, 401]] = 1.0, 0.4, -0.7
    made = [filtered(taps, one) for one in sounds()]
    assert copies(sounds(), made, count=2) == [401, 137]


def test_a_copy_may_come_first():
    late = np.zeros(100)
    late[90] = 1.0
    assert copies([filtered(late, one) for one in sounds()], sounds(), count=1) == [-90]


def test_an_echo_that_is_elsewhere_is_found_by_where_it_should_be():
    """(1 + 0.8 z^-300) / (1 + 0.8 z^-200): the one to come at 300, the one to go at 200."""
    was, wanted = np.zeros(201), np.zeros(301)
    was[[0, 200]] = wanted[[0, 300]] = 1.0, 0.8
    found = [filtered(was, one) for one in sounds()]
    goal = [filtered(wanted, one) for one in sounds()]
    assert set(copies(found, goal, count=2)) == {200, 300}


def test_silence_holds_no_copies():
    silence = [torch.zeros(1, 500)]
    assert copies(silence, silence, count=3) == []
