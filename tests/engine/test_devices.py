"""The pedal's circuit against scipy's stiff solver at tight tolerance, and what such a circuit must do."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from models_registry import devices
from models_registry.audio import Audio
from models_registry.devices import Circuit, clipper, diode_current, overdrive

RATE = 44_100


@pytest.mark.parametrize("level", [0.001, 0.05, 0.5])
def test_the_clipper_solves_its_differential_equation(level):
    # witness: scipy.integrate.solve_ivp, Radau, on Kirchhoff's equations as printed in the module
    c = Circuit()
    rate, frames = 8 * RATE, 4_000

    def source(t):
        return level * np.sin(2 * np.pi * 440 * t)

    def kirchhoff(t, state):
        u, v = state
        i = (c.gain * source(t) - u - v) / c.series_resistance
        out = i - v / c.leak_resistance - diode_current(v, c)
        return [i / c.input_capacitance, out / c.clip_capacitance]

    time = np.arange(frames) / rate
    exact = solve_ivp(
        kirchhoff, (0, time[-1]), [0, 0], method="Radau", t_eval=time, rtol=1e-9, atol=1e-12
    ).y[1]
    found = clipper(source(time), rate)
    assert np.sum((found - exact) ** 2) / np.sum(exact**2) < 1e-6


def test_quiet_playing_is_linear_and_loud_playing_is_not():
    time = np.arange(RATE // 4) / RATE
    sine = np.sin(2 * np.pi * 440 * time).astype(np.float32)

    def gain(level):
        wet = overdrive(Audio(level * sine[None], RATE)).samples[0, RATE // 8 :]
        return np.abs(wet).max() / level

    assert gain(1e-4) == pytest.approx(gain(2e-4), rel=2e-3)
    assert gain(1.0) < gain(1e-4) / 4


def test_a_loud_note_leaves_a_bias_that_leaks_away_as_the_linear_circuit_does():
    # unlike diodes charge C1; the slowest eigenvalue of the circuit with small-signal diodes says how it discharges
    c, rate = Circuit(), 8 * RATE
    small = c.saturation_current * 1.5 / c.diode_voltage + 1 / c.leak_resistance
    series = 1 / c.series_resistance
    matrix = [
        [-series / c.input_capacitance, -series / c.input_capacitance],
        [-series / c.clip_capacitance, -(series + small) / c.clip_capacitance],
    ]
    slowest = np.linalg.eigvals(matrix).max()
    time = np.arange(round(0.09 * rate)) / rate
    node = clipper(np.where(time < 0.04, 0.8 * np.sin(2 * np.pi * 200 * time), 0.0), rate)
    early, late = node[round(0.065 * rate)], node[round(0.085 * rate)]
    assert abs(node[round(0.042 * rate)]) > 0.05
    assert late / early == pytest.approx(np.exp(0.020 * slowest), rel=0.01)


def test_the_pedal_stays_aligned_and_bounded():
    click = np.zeros((1, 4_000), dtype=np.float32)
    click[0, 2_000] = 0.5
    wet = overdrive(Audio(click, RATE)).samples[0]
    # the sharp onset comes with the click, give or take the anti-aliasing
    assert abs(int(np.argmax(np.abs(wet) > 0.1)) - 2_000) <= 2
    loud = overdrive(Audio(np.sign(np.sin(np.arange(8_000) / 20))[None].astype(np.float32), RATE))
    assert loud.samples.shape == (1, 8_000)
    assert np.abs(loud.samples).max() < 1.2


def test_without_the_compiler_the_same_numbers_come_out(monkeypatch):
    x = 0.3 * np.sin(np.arange(500) / 5)
    compiled = clipper(x, RATE)
    monkeypatch.setattr(devices, "_clip_fast", devices._clip)
    np.testing.assert_allclose(clipper(x, RATE), compiled, atol=1e-9)
