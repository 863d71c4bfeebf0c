"""The clipping stage that is solved as a circuit, against scipy's stiff solver and root finder; and the benchmark's.

Witness: scipy.integrate.solve_ivp (Radau) on the differential equation as printed in the module, scipy.optimize.brentq
for what a level that lasts comes to, scipy.signal's bilinear transform for the stage without diodes.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
import soxr
import torch
from scipy.integrate import solve_ivp
from scipy.optimize import brentq
from scipy.signal import bilinear, lfilter

from models_registry.engine.blocks import BLOCKS
from tests import diode_clipper

from .cast import noise

RATE = 8 * 44_100
STAGE = {
    "drive": 26.0,
    "corner": 7_234.0,
    "upper": -5.2,
    "upper_knee": 0.0453,
    "lower": -2.0,
    "lower_knee": 0.08,
}


def stage(rate=RATE, **options):
    return BLOCKS["diode-pair"](rate, options)


def values(**changes):
    return {name: torch.tensor(value).double() for name, value in (STAGE | changes).items()}


def current(v):
    """Through both diodes at `v`, Shockley's law with each limit where it reaches 1."""
    up, down = 10 ** (STAGE["upper"] / 20), 10 ** (STAGE["lower"] / 20)
    return sum(
        sign * (math.exp((sign * v - limit) / STAGE[knee]) - math.exp(-limit / STAGE[knee]))
        for sign, limit, knee in ((1, up, "upper_knee"), (-1, down, "lower_knee"))
    )


@pytest.mark.parametrize("level", [0.002, 0.1, 0.5])
def test_the_stage_solves_its_differential_equation(level):
    time = np.arange(1_500) / RATE

    def source(t):
        return 10 ** (STAGE["drive"] / 20) * level * np.sin(2 * np.pi * 900 * t)

    def slope(t, v):
        return [2 * np.pi * STAGE["corner"] * (source(t) - v[0] - current(v[0]))]

    exact = solve_ivp(
        slope, (0, time[-1]), [0.0], method="Radau", t_eval=time, rtol=1e-9, atol=1e-12
    ).y[0]
    given = torch.from_numpy(level * np.sin(2 * np.pi * 900 * time))[None, None]
    found = stage().process(given, values(), None)[0][0, 0].numpy()
    assert np.sum((found - exact) ** 2) / np.sum(exact**2) < 1e-6


def test_a_level_that_lasts_comes_to_where_resistor_and_diodes_agree():
    levels = np.linspace(-1, 1, 41)
    drive = 10 ** (STAGE["drive"] / 20)
    wanted = [brentq(lambda v, u=drive * u: u - v - current(v), -3, 3, xtol=1e-14) for u in levels]
    found = stage().curve(values(), torch.from_numpy(levels)).numpy()
    np.testing.assert_allclose(found, wanted, atol=1e-8)


def test_without_diodes_it_is_a_first_order_low_pass():
    # limits far above the signal; the trapezoidal rule is the bilinear transform
    corner = 2 * np.pi * STAGE["corner"]
    x = noise(1, 1, 2_000, level=0.01).astype(np.float64)
    wanted = lfilter(*bilinear([corner], [1, corner], fs=44_100), x)
    free = values(drive=0.0, upper=12.0, lower=12.0, upper_knee=0.1, lower_knee=0.1)
    found = stage(44_100).process(torch.from_numpy(x), free, None)[0].numpy()
    np.testing.assert_allclose(found, wanted, atol=1e-12)


def test_twice_the_rate_is_much_nearer_to_the_circuit_than_once():
    # the benchmark's circuit with the diodes of its paper, solved at eight times the rate
    limit = -diode_clipper.THERMAL * math.log(diode_clipper.RESISTANCE * diode_clipper.SATURATION)
    knee, level = diode_clipper.THERMAL, 20 * math.log10(limit)
    corner = 1 / (2 * math.pi * diode_clipper.RESISTANCE * diode_clipper.CAPACITANCE)
    told = values(
        drive=0.0, corner=corner, upper=level, lower=level, upper_knee=knee, lower_knee=knee
    )
    # a band-limited signal, so that all that folds back is the clipper's own
    x = 6 * lfilter([1], [1, -0.9], noise(1, 6_000, level=0.2).astype(np.float64))[0]
    dense = soxr.resample(x, 44_100, RATE, quality="VHQ")
    wanted = soxr.resample(diode_clipper.clipped(dense, RATE), RATE, 44_100, quality="VHQ")
    errors = []
    for option in ("none", "2x"):
        block = stage(44_100, oversampling=option)
        late = block.outlet.latency
        given = torch.from_numpy(np.pad(x, (0, late)))[None, None]
        found = block.process(given, told, None)[0][0, 0, late:].numpy()
        middle = slice(500, 5_500)
        errors.append(np.sum((found - wanted)[middle] ** 2) / np.sum(wanted[middle] ** 2))
    print(f"error to signal at the rate {errors[0]:.5f}, at twice the rate {errors[1]:.5f}")
    assert errors[1] < errors[0] / 5
    assert errors[1] < 0.01


def test_the_benchmarks_circuit_solves_its_own_equation():
    time = np.arange(3_000) / RATE
    source = 8 * np.sin(2 * np.pi * 700 * time)
    exact = solve_ivp(
        lambda t, v: [diode_clipper.clipper_slope(8 * math.sin(2 * math.pi * 700 * t), v[0])],
        (0, time[-1]),
        [0.0],
        method="Radau",
        t_eval=time,
        rtol=1e-9,
        atol=1e-12,
    ).y[0]
    found = diode_clipper.clipped(source, RATE)
    assert np.sum((found - exact) ** 2) / np.sum(exact**2) < 1e-6
