"""A chain that plays what it hears: its pitch and its loudness, in time, in any division; learned from a solo."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from models_registry.audio import Audio, AudioError, write
from models_registry.engine import Chain, Recipe, SpecError, train
from models_registry.engine.pitch import Yin
from models_registry.engine.solos import performance, solos

from .cast import awake

RATE, HOP = 16_000, 160
SMALL = {"partials": 8, "hop": HOP, "latency": 2 * HOP}


def player(**changes):
    tone = {
        "id": "tone", "kind": "harmonics", "options": SMALL, "params": {"frequency": 245},
        "bounds": {"frequency": [60, 1_000]}, "frozen": ["frequency"],
    }  # fmt: skip
    adapter = {
        "kind": "player", "hidden": 8, "layers": 1,
        "targets": {"tone.frequency": 0.5, "tone.level": 0.5, "tone.partials": 0.3},
    }  # fmt: skip
    torch.manual_seed(0)
    return Chain.from_spec(
        {"version": 1, "rate": RATE, "blocks": [tone | changes], "adapters": [adapter]}
    )


def glide(seconds=2.0):
    """Sines from 150 Hz to 300 Hz, first soft and then 20 dB louder: the sound, and its pitch at each sample."""
    time = np.arange(int(seconds * RATE)) / RATE
    pitch = 150 * 2 ** (time / seconds)
    phase = 2 * np.pi * np.cumsum(pitch) / RATE
    sound = sum(np.sin(k * phase) / k for k in range(1, 7))
    level = np.where(time < seconds / 2, 0.03, 0.3)
    return torch.from_numpy(level * sound)[None, None], pitch


def test_what_is_heard_is_played_in_tune_in_time_and_as_loud():
    given, pitch = glide()
    with torch.no_grad():
        output, _ = player().double().aligned(given)
    tracker = Yin(RATE)
    frames = output[0, 0].unfold(0, tracker.size, HOP)
    found = tracker(frames).frequency.numpy()
    again = tracker(given[0, 0].unfold(0, tracker.size, HOP)).frequency.numpy()
    inside = slice(20, -10)
    assert np.abs(1_200 * np.log2(found / again))[inside].max() < 20
    level = 10 * np.log10(
        [np.mean(one.numpy()[0, 0].reshape(-1, 400) ** 2, 1) for one in (output, given)]
    )
    difference = level[0] - level[1]
    # the loudness is told by frames of 20 ms
    settled = np.r_[5:38, 44:78]
    assert np.abs(difference[settled]).max() < 1.5
    assert pitch[-1] == pytest.approx(300, rel=1e-3)


def test_the_output_does_not_depend_on_how_the_signal_is_divided():
    chain, (x, _) = awake(player()).double(), glide(0.5)
    with torch.no_grad():
        whole, _ = chain(x)
        parts, state, start = [], None, 0
        for length in (1, 159, 700, 1, 3_000, 4_139):
            part, state = chain(x[..., start : start + length], state)
            parts.append(part)
            start += length
    torch.testing.assert_close(torch.cat(parts, -1), whole, atol=1e-9, rtol=0)


def test_the_last_pitch_holds_where_there_is_none():
    x, _ = glide(0.5)
    x[..., 4_000:] = 0
    moved = player().double().offsets(x)["tone.frequency"][0, 0, :]
    held = moved[4_000 // HOP + 5 :]
    assert held.unique().numel() == 1
    heard = 60 * (1_000 / 60) ** (held[0].item() + np.log(245 / 60) / np.log(1_000 / 60))
    assert heard == pytest.approx(150 * 2**0.5, rel=0.03)


@pytest.mark.parametrize(
    ("changes", "found"),
    [({"frozen": []}, "tone.frequency (not frozen)"), ({"kind": "wavetable", "options": {}}, "")],
)
def test_a_pitch_that_training_would_move_is_refused(changes, found):
    with pytest.raises(SpecError) as caught:
        player(**changes)
    assert found in str(caught.value)


def recipe(**changes):
    return Recipe.load("resynthesis", {"data.seconds": "6", "training.segment": "16000", **changes})


def test_a_performance_follows_from_its_seed():
    one, same, other = (performance("brass line", seconds=2, rate=RATE, seed=n) for n in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert np.abs(one - other).max() > 0.1
    assert np.abs(one).max() == pytest.approx(10 ** (-3 / 20), rel=1e-6)


def test_recordings_are_divided_and_too_short_ones_refused(tmp_path):
    for n in range(5):
        sound = performance("brass line", seconds=3, rate=RATE, seed=n)
        write(tmp_path / f"take{n}.wav", Audio(sound, RATE))
    made = recipe(**{"data.recordings": str(tmp_path), "data.skip": "0"})
    data = solos(made.data, rate=RATE, segment=16_000, seed=0)
    assert (len(data.train), len(data.test)) == (12, 3)
    assert torch.equal(data.train.dry, data.train.wet)
    with pytest.raises(AudioError, match="take0.wav: expected at least 60000 frames"):
        solos(made.data, rate=RATE, segment=60_000, seed=0)


def test_a_few_steps_bring_it_nearer_to_the_instrument(tmp_path):
    short = recipe(
        **{
            "training.steps": "14",
            "training.validate_every": "14",
            "training.batch": "3",
        }
    ).to_dict()
    tone = short["chain"]["blocks"][0]["branches"][0][0]
    tone["options"]["partials"] = 10
    tone["params"].pop("partials")
    result = train(Recipe.from_dict(short), seed=0, directory=tmp_path)
    assert result.measure == "spectral"
    assert result.validation is not None
    assert result.baseline is not None
    assert result.validation < 0.9 * result.baseline
