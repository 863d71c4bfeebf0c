"""Responses, group delays, poles, zeros, bands and decay times, against scipy's and those that are known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import signal

from models_registry.engine import Chain, EngineError
from models_registry.engine.characteristics import (
    bank,
    decay_times,
    poles_and_zeros,
    response,
    reverberation_time,
)

RATE = 16_000


def one(kind, options=None, params=None):
    block = {"id": "one", "kind": kind, "options": options or {}, "params": params or {}}
    return Chain.from_spec({"version": 1, "rate": RATE, "blocks": [block]})


BUTTERWORTH = ("biquad", {"shape": "low-pass"}, {"frequency": 2_000, "q": 2**-0.5})


def test_poles_and_zeros_of_butterworth_s_low_pass_are_scipy_s():
    poles, zeros = poles_and_zeros(one(*BUTTERWORTH), "one")
    wanted_zeros, wanted_poles, _ = signal.butter(2, 2_000, fs=RATE, output="zpk")
    np.testing.assert_allclose(np.sort_complex(poles), np.sort_complex(wanted_poles), atol=1e-4)
    # two zeros in one place are found to the root of the rounding
    np.testing.assert_allclose(zeros, wanted_zeros, atol=1e-4)


@pytest.mark.parametrize(
    ("mix", "kind"),
    [((1, 0, 0), "low"), ((0, 0, 1), "high"), ((0, 1, 0), "bandpass")],
)
def test_poles_and_zeros_of_the_variable_filter_are_scipy_s(mix, kind):
    low, band, high = mix
    params = {"frequency": 1_500, "q": 2**-0.5, "low": low, "band": band, "high": high}
    poles, zeros = poles_and_zeros(one("variable-filter", params=params), "one")
    _, wanted, _ = signal.butter(2, 1_500, fs=RATE, output="zpk")
    np.testing.assert_allclose(np.sort_complex(poles), np.sort_complex(wanted), atol=1e-4)
    places = {"low": [-1, -1], "high": [1, 1], "bandpass": [-1, 1]}[kind]
    np.testing.assert_allclose(np.sort(zeros.real), places, atol=2e-2)


def test_the_zeros_of_taps_are_those_of_their_polynomial():
    taps = np.poly([0.5, -0.25, 0.9])
    poles, zeros = poles_and_zeros(one("fir", {"taps": 4}, {"taps": taps.tolist()}), "one")
    np.testing.assert_allclose(np.sort(zeros.real), [-0.25, 0.5, 0.9], atol=2e-3)
    np.testing.assert_allclose(poles, 0, atol=1e-9)


@pytest.mark.parametrize("kind", ["reverb", "clipper", "gain"])
def test_what_has_no_poles_to_draw_has_none(kind):
    assert [roots.size for roots in poles_and_zeros(one(kind), "one")] == [0, 0]


def test_the_group_delay_is_scipy_s():
    chain = one(*BUTTERWORTH)
    frequencies = np.geomspace(20, 7_500, 50)
    b, a = signal.butter(2, 2_000, fs=RATE)
    _, wanted = signal.group_delay((b, a), frequencies, fs=RATE)
    found = response(chain, "one", frequencies)
    np.testing.assert_allclose(found.delay, 1_000 * wanted / RATE, rtol=1e-3, atol=1e-6)
    _, h = signal.freqz(b, a, frequencies, fs=RATE)
    np.testing.assert_allclose(found.magnitude, 20 * np.log10(np.abs(h)), atol=1e-2)
    np.testing.assert_allclose(found.phase, np.rad2deg(np.unwrap(np.angle(h))), atol=0.05)


def test_a_latency_that_is_taken_out_of_renderings_is_taken_out_of_phase_and_delay():
    """A linear-phase bank turns no phase."""
    chain = one("filter-bank", {"taps": 255})
    found = response(chain, "one", np.geomspace(100, 7_000, 40))
    assert found.latency == 127
    np.testing.assert_allclose(found.delay, 0, atol=1e-5)
    np.testing.assert_allclose(found.phase, 0, atol=1e-5)


def test_a_delay_delays_every_frequency_alike():
    found = response(one("delay", params={"time": 2}), "one", [100, 500, 1_000])
    np.testing.assert_allclose(found.delay, 2, atol=1e-3)


def test_what_is_not_linear_has_no_response():
    with pytest.raises(EngineError, match="LinearBlock"):
        response(one("clipper"), "one", [100.0])


def test_the_bands_of_a_crossover_meet_at_minus_six_decibels():
    """Linkwitz and Riley's fourth order."""
    found = bank(one("crossover", {"bands": 2}, {"crossing1": 1_000}), "one", [100.0, 1_000, 7_000])
    np.testing.assert_allclose([found["band 1"][1], found["band 2"][1]], -6.02, atol=0.01)
    assert found["band 1"][0] == pytest.approx(0, abs=0.01)
    assert found["band 2"][2] == pytest.approx(0, abs=0.01)


@pytest.mark.parametrize(
    ("kind", "options"), [("filter-bank", {"scale": "octave"}), ("spectral-gains", {"bands": 8})]
)
def test_the_bands_of_a_bank_add_up_to_one(kind, options):
    found = bank(one(kind, options), "one", np.linspace(50, 7_000, 30))
    total = np.sum([10 ** (level / 20) for level in found.values()], axis=0)
    np.testing.assert_allclose(total, 1, atol=2e-3)


def test_a_block_without_bands_has_none():
    assert bank(one("gain"), "one", [100.0]) == {}


@pytest.mark.parametrize("seconds", [0.4, 2.0])
def test_the_reverberation_time_of_noise_that_decays_is_read_off(seconds):
    time = np.arange(round(1.2 * seconds * RATE)) / RATE
    draw = np.random.default_rng(0).normal(size=time.size)
    found = reverberation_time(draw * 10 ** (-3 * time / seconds), RATE)
    assert found == pytest.approx(seconds, rel=0.03)


def test_a_room_decays_by_octaves_as_it_is_set():
    chain = one("feedback-network", params={"rt60": 0.8, "treble": 1, "bass": 1, "ratio": 0})
    found = decay_times(chain, "one")
    for octave in (500, 1_000, 2_000, 4_000):
        assert found[octave] == pytest.approx(0.8, rel=0.06)
    assert decay_times(one("gain"), "one") == {}


def test_silence_has_no_reverberation_time():
    assert reverberation_time(np.zeros(100), RATE) is None
