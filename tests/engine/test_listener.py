"""Computed listeners: what they hear is known, how they decide is signal detection theory, and what they come to is
what a chain's own figures say."""

from __future__ import annotations

import math
from typing import cast

import numpy as np
import pytest
import torch
from scipy.stats import norm

from models_registry.engine import Chain, EngineError
from models_registry.engine.adapters import Adapter
from models_registry.engine.congruence.layout import erb
from models_registry.engine.congruence.listener import (
    Decision,
    EarAlone,
    behind,
    features_of,
    internal_noise,
)
from models_registry.engine.congruence.sensitivity import (
    calibrated,
    masking_curve,
    textbook,
    thresholds,
)
from models_registry.engine.congruence.tasks import (
    TASKS,
    amplitude,
    frequency,
    intensity,
    modulation,
    noise,
    tone,
)
from tests.engine.cast import followed

RATE = 16_000
EAR = EarAlone(RATE)


def heard(sound):
    return EAR(sound[None])[0]


def chain_of(*blocks):
    return Chain.from_spec(
        {"version": 1, "rate": RATE, "blocks": list(blocks), "adapters": []}
    ).double()


def channel(frequency):
    return int(np.abs(EAR.centres - frequency).argmin())


def test_a_tone_has_its_level_at_its_place_and_a_gammatones_skirts_elsewhere():
    """Of fourth order: 10 lg (1 + (Δf / b)²)⁴ below, b 1.019 ERB (Patterson et al. 1992)."""
    own = channel(1_000)
    at = float(EAR.centres[own])
    steady = heard(tone(at, 70, RATE))[100:200].mean(0)
    assert steady[own] == pytest.approx(70, abs=0.1)
    for other in (own - 3, own - 1, own + 1, own + 3):
        width = 1.019 * float(erb(EAR.centres[other]))
        known = 70 - 40 * math.log10(1 + ((EAR.centres[other] - at) / width) ** 2)
        assert steady[other] == pytest.approx(known, abs=0.3)


@pytest.mark.parametrize("frequency", [523.0, 3_990.0, 6_100.0])
def test_the_ear_hears_the_same_at_any_rate(frequency):
    """Its filters are thinned out by what the rate leaves room for, and nothing of that is to be heard."""
    other = EarAlone(48_000)
    found, same = (
        one(tone(frequency, 65, one.rate)[None])[0, 50:200, : len(EAR.centres) - 1].mean(0)
        for one in (EAR, other)
    )
    np.testing.assert_allclose(found, same, atol=0.5)


def test_silence_is_the_threshold_in_quiet_and_a_stop_dies_away_as_a_leaky_integrator():
    """3.4 dB SPL at 1 kHz (Terhardt 1979); 4.34 dB per 2.5 ms."""
    silence = heard(np.zeros(4_000))
    assert np.interp(1_000, EAR.centres, silence.mean(0)) == pytest.approx(3.37, abs=0.1)
    sound = tone(4_000, 80, RATE)
    stopped = heard(np.concatenate([sound[:4_000], np.zeros(2_000)]))
    course = stopped[128:138, channel(4_000)]
    assert np.diff(course).mean() == pytest.approx(-4.343 * 2 / 2.5, rel=0.03)


def test_peoples_thresholds_are_the_published_ones():
    known = {task.name: task.human for task in TASKS}
    # Praat's manual, phonToDifferenceLimens: the difference limens from threshold to L dB are 30 (1.0167^L − 1), whose
    # slope is one limen per ΔL
    for level in (20.0, 40.0, 65.0):
        above = level - 3.37
        per_db = 30 * math.log(1.0167) * 1.0167**above
        of_intensity = 10 ** (intensity(level).person / 10) - 1
        assert of_intensity * per_db == pytest.approx(math.log(10) / 10, rel=0.02)
    # The Open University, Hearing, 11.2: Δf / f is about 0.002 from 500 to 2000 Hz
    for middle in (500, 1_000, 2_000):
        assert frequency(middle).person / middle == pytest.approx(0.002, abs=0.0003)
    # University of Washington, SPHSC 461: about 5 % at low rates, 3 dB more at 50 to 60 Hz
    low, high = known["modulation-4"]
    assert (low, high) == pytest.approx((5.0, 7.1), abs=0.05)
    assert modulation(60).human[0] / low == pytest.approx(math.sqrt(2), rel=0.01)
    assert modulation(50).human[1] / high == pytest.approx(math.sqrt(2), rel=0.01)
    # Gelfand
    assert known["gap"] == (2, 3)


def test_a_noise_has_the_level_of_the_tone_and_a_gap_takes_its_own_time():
    made = noise(60, RATE, np.random.default_rng(0), ends=(100, 5_000))
    assert np.sqrt(2 * np.square(made).mean()) == pytest.approx(amplitude(60))
    gap = next(task for task in TASKS if task.name == "gap")
    whole, cut = (gap.sound(by, RATE, np.random.default_rng(1)) for by in (0.0, 10.0))
    assert (whole != cut).sum() == pytest.approx(0.010 * RATE, abs=2)


def test_the_decision_is_that_of_signal_detection_theory():
    """Two intervals: Φ of d′ over √2, d′ the distance over the noise (Green, Swets 1966)."""
    draw = np.random.default_rng(0)
    standard, target = draw.normal(size=(2, 1, 7, 3))
    far = float(np.linalg.norm(target - standard))
    for sharp in (0.5, 1.0, 2.0):
        found = Decision(standard, target, noise=far / sharp)
        assert found.share == pytest.approx(norm.cdf(sharp / math.sqrt(2)))
        drawn = np.mean([found.right(draw) for _ in range(4_000)])
        assert drawn == pytest.approx(found.share, abs=0.025)
    assert Decision(standard, standard, noise=1).share == 0.5
    assert Decision(standard, target, noise=internal_noise(standard, target)).share == (
        pytest.approx(math.sqrt(0.5))
    )


def test_who_is_calibrated_by_levels_notices_the_level_that_people_do():
    sharp = calibrated(EAR, RATE)
    (found,) = thresholds(EAR, rate=RATE, noise=sharp, tasks=TASKS[:1])
    assert found.low is not None
    assert found.high is not None
    assert found.low < TASKS[0].person < found.high
    assert found.ratio == pytest.approx(1, abs=0.2)


def test_behind_a_chain_that_does_nothing_the_ear_hears_the_same_and_behind_a_compressor_less():
    """Four dB in for one out make a difference of level four times as large to be noticed."""
    through = behind(chain_of({"id": "g", "kind": "gain", "params": {"level": 0}}), EAR)
    sound = tone(1_000, 65, RATE)[None]
    np.testing.assert_allclose(through(sound), EAR(sound), atol=1e-3)
    # too slow to follow the waveform, and as loud behind it as before: 27 dB below full scale
    block = {"threshold": -60, "ratio": 4, "knee": 0.01, "attack": 1, "release": 50}
    block["makeup"] = 33 * 3 / 4
    squeezed = behind(chain_of({"id": "c", "kind": "compressor", "params": block}), EAR)
    sharp = calibrated(EAR, RATE)
    alone, behind_it = (
        thresholds(one, rate=RATE, noise=sharp, tasks=TASKS[:1])[0] for one in (EAR, squeezed)
    )
    assert behind_it.ratio is not None
    assert alone.ratio is not None
    assert behind_it.ratio / alone.ratio == pytest.approx(4, rel=0.2)


def test_beside_a_band_of_noise_a_tone_has_to_be_as_loud_as_textbooks_say_at_its_place():
    """67 dB beside 70 at 1 kHz (Zwicker, Fastl); 27 dB less a Bark below; and within 10 dB where filters are linear."""
    assert textbook(1_000) == pytest.approx(67)
    assert textbook(851) == pytest.approx(67 - 27, abs=0.2)
    found = masking_curve(EAR, rate=RATE, noise=calibrated(EAR, RATE), probes=(-1.0, 0.0, 1.0))
    levels = np.array(found.levels, dtype=float)
    assert levels[1] == pytest.approx(67, abs=3)
    np.testing.assert_allclose(levels, found.textbook, atol=10)
    assert levels[1] > levels[2] > levels[0] or levels[1] > levels[0]


def test_an_adapter_that_hears_no_signal_or_nothing_of_levels_is_said_in_a_sentence():
    spec = followed()
    spec["adapters"] = [
        {"kind": "embedding", "targets": {"drive.drive": 0.1}, "names": ["a"], "size": 2}
    ]
    deaf = features_of(cast(Adapter, Chain.from_spec(spec).adapters[0]))
    with pytest.raises(EngineError, match="'embedding', which hears no signal"):
        deaf(np.zeros((1, 4_000)))
    with pytest.raises(EngineError, match="changes with the level"):
        calibrated(lambda sounds: np.ones((len(sounds), 5, 2)), RATE)


def test_what_is_told_however_small_it_is_comes_to_at_most_the_smallest():
    level = lambda sounds: 20 * np.log10(np.sqrt(np.square(sounds).mean(1)))[:, None, None]  # noqa: E731
    (found,) = thresholds(level, rate=RATE, noise=1e-4, tasks=TASKS[:1])
    assert found.at_most
    assert found.value == pytest.approx(20 / 2**10)
    (found,) = thresholds(level, rate=RATE, noise=1.0, tasks=TASKS[:1])
    # d′ of 0.77 with a noise of 1 dB
    assert not found.at_most
    assert found.value == pytest.approx(0.77, rel=0.15)


def test_whoever_hears_nothing_comes_to_no_threshold():
    (found,) = thresholds(
        lambda sounds: np.ones((len(sounds), 5, 2)), rate=RATE, noise=1.0, tasks=TASKS[:1]
    )
    assert (found.value, found.ratio) == (None, None)


def test_the_ear_behind_a_chain_that_breaks_is_refused():
    chain = chain_of({"id": "g", "kind": "gain"})
    with torch.no_grad():
        for parameter in chain.parameters():
            parameter.fill_(float("nan"))
    with pytest.raises(EngineError, match="finite sound"):
        behind(chain, EAR)(np.zeros((1, 4_000)))
