"""Monitors: each shows the fault it is named for, by as much as was put in, and warns in a sentence."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import signal as sp

from models_registry import instruments
from models_registry.engine import Chain, EngineError, Recipe, train
from models_registry.engine.monitors import drift, phase, temporal
from models_registry.watch import LIMITS, limits, outside

from .cast import followed, noise, spec

RATE = 44_100


@pytest.fixture(scope="module")
def drums():
    played = instruments.sources(rate=RATE, seconds=3, seed=0)["drum pattern"].samples
    return torch.from_numpy(played)[None].double()


def shifted(signal, samples):
    return torch.nn.functional.pad(signal, (samples, 0))[..., : signal.shape[-1]]


def test_a_perfect_estimate_shows_nothing(drums):
    found = phase(drums, drums, rate=RATE) | temporal(drums, drums, rate=RATE) | drift(drums, drums)
    assert found.pop("monitor.coherence") == pytest.approx(1, abs=1e-3)
    assert found.pop("monitor.band_coherence") == pytest.approx(1, abs=1e-9)
    assert found == pytest.approx(dict.fromkeys(found, 0), abs=1e-6)
    assert {"monitor.pre_echo", "monitor.attack_shift", "monitor.modulation_deviation"} <= set(
        found
    )
    assert outside(found | {"monitor.coherence": 1}, LIMITS) == {}


def test_a_delay_is_a_deviation_of_group_delay_and_a_shift_of_attacks(drums):
    white = torch.from_numpy(noise(4, 1, RATE)).double()
    late = shifted(white, 44)  # 1 ms
    assert phase(late, white, rate=RATE)["monitor.group_delay_deviation"] == pytest.approx(
        1_000 * 44 / RATE, rel=0.05
    )
    found = temporal(shifted(drums, 265), drums, rate=RATE)  # 6 ms
    assert found["monitor.attack_shift"] == pytest.approx(6, abs=1)


def test_noise_that_has_nothing_to_do_with_the_target_is_incoherent():
    one, other = (torch.from_numpy(noise(16, 1, RATE, seed=n)).double() for n in (0, 1))
    assert phase(one, other, rate=RATE)["monitor.coherence"] < 0.2


def test_bands_that_are_turned_each_on_its_own_are_no_longer_coherent_and_a_filter_leaves_them_so(
    drums,
):
    # scipy's all-pass of 100 and 0 samples' delay by frequency keeps them, polarity too
    rings = 0.9**20
    taps = [rings] + [0] * 99 + [1], [1] + [0] * 99 + [rings]
    passed = torch.from_numpy(sp.lfilter(*taps, drums.numpy()))
    for kept in (passed, -drums, shifted(drums, 44)):
        assert phase(kept, drums, rate=RATE)["monitor.band_coherence"] > 0.97
    # what a vocoder loses: every frame's bins get phases of their own
    window = sp.windows.hann(1_024, sym=False)
    transform = sp.ShortTimeFFT(window, 256, fs=RATE)
    spectra = transform.stft(drums.numpy())
    turns = np.exp(2j * np.pi * np.random.default_rng(0).random(spectra.shape))
    lost = torch.from_numpy(transform.istft(spectra * turns, k1=drums.shape[-1]))
    assert phase(lost, drums, rate=RATE)["monitor.band_coherence"] < 0.7


def test_a_tone_in_one_band_has_no_other_to_be_coherent_with():
    tone = torch.sin(2 * np.pi * 1_000 * torch.arange(RATE).double() / RATE)[None, None]
    assert "monitor.band_coherence" not in phase(0 * tone, tone, rate=RATE)


def test_energy_before_attacks_is_a_pre_echo(drums):
    smeared = drums + 0.3 * torch.nn.functional.pad(drums, (0, 220))[..., 220:]
    assert temporal(smeared, drums, rate=RATE)["monitor.pre_echo"] > 6


def test_a_gain_is_a_drift_of_level_and_no_more(drums):
    assert drift(2 * drums, drums)["monitor.level_drift"] == pytest.approx(
        20 * np.log10(2), abs=1e-6
    )
    assert temporal(2 * drums, drums, rate=RATE)["monitor.modulation_deviation"] == pytest.approx(
        20 * np.log10(2), abs=1e-3
    )


@pytest.mark.parametrize("frames", [1, 64, 600])
def test_clips_too_short_for_an_attack_are_not_read(drums, frames):
    short = drums[..., :frames]
    assert "monitor.pre_echo" not in temporal(short, short, rate=RATE)


def test_leaving_a_limit_is_a_sentence_with_both_ends():
    within = limits({"level_drift": [-1, 1]})
    row = {"monitor.level_drift": 2.5, "monitor.coherence": 0.9}
    assert outside(row, within) == {
        "level_drift": "the output's level differs from the target's: level drift 2.5 dB, expected -1 to 1 dB"
    }
    assert outside(row, LIMITS) == {}


def short(**changes):
    return Recipe.load(
        "overdrive",
        {
            "data.seconds": "1",
            "training.steps": "12",
            "training.segment": "11025",
            "training.batch": "2",
            "training.validate_every": "2",
            "training.checkpoint_every": "4",
            **changes,
        },
    )


def test_what_is_watched_is_kept_with_the_history(tmp_path):
    result = train(short(), seed=0, directory=tmp_path)
    last = result.history[-1]
    assert last["value.drive.drive"] == pytest.approx(result.chain.readings()["drive.drive"].value)
    for block in ("pre", "drive", "post", "level"):
        of_block = [value for key, value in last.items() if key.startswith(f"share.{block}.")]
        assert sum(of_block) == pytest.approx(1)
        assert last[f"gradient.{block}"] > 0
    # the curve's smoothness says nothing to an equaliser
    assert last["share.pre.curvature"] == 0
    assert result.history[0]["warnings"]


def broken_from(step, monkeypatch):
    """Let the level jump by 20 dB from the given validation on, once."""
    from models_registry.engine import monitors

    right, calls = monitors.drift, iter(range(1_000))

    def wrong(estimate, target):
        found = right(estimate, target)
        return found | {"monitor.level_drift": 20.0 if next(calls) == step else 0.0}

    monkeypatch.setattr(monitors, "drift", wrong)


def test_a_policy_stops_at_a_new_fault(tmp_path, monkeypatch):
    broken_from(3, monkeypatch)
    with pytest.raises(EngineError, match="level drift 20 dB, expected -3 to 3 dB"):
        train(short(**{"training.policy": "stop"}), seed=0, directory=tmp_path)


def test_a_policy_goes_back_to_the_checkpoint_at_half_the_pace(tmp_path, monkeypatch):
    broken_from(3, monkeypatch)
    result = train(short(**{"training.policy": "roll back"}), seed=0, directory=tmp_path)
    said = [
        text for row in result.history for text in row.get("warnings", []) if "went back" in text
    ]
    assert said == [
        "went back from step 6 to step 4 at 0.5 of the learning rate: the output's level differs from the "
        "target's: level drift 20 dB, expected -3 to 3 dB"
    ]
    assert result.history[-1]["step"] == 12


def test_without_a_policy_it_is_a_warning_only(tmp_path, monkeypatch):
    broken_from(3, monkeypatch)
    result = train(short(), seed=0, directory=tmp_path)
    assert any("level drift 20 dB" in text for text in result.history[3]["warnings"])


def test_a_training_that_no_longer_gets_better_ends_early(tmp_path):
    # so small a step changes nothing
    changes = {"training.patience": "2", "training.learning_rate": "1e-7", "training.steps": "100"}
    result = train(short(**changes), seed=0, directory=tmp_path)
    assert result.history[-1]["step"] < 30
    assert result.validation is not None


def test_what_is_learned_is_grouped_by_block_and_adapter():
    groups = Chain.from_spec(followed()).groups()
    assert list(groups) == ["pre", "drive", "post", "level", "adapter 1"]
    assert len(groups["pre"]) == 18
    assert set(Chain.from_spec(spec()).groups()) == {"pre", "drive", "post", "level"}
