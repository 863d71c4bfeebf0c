"""An instrument played from its pitch and loudness: how near it comes to a performance that training never heard.

python -m tests.benchmarks.bench_resynthesis [--steps N] [--recordings FOLDER]

Beside the trained chain: the same bank before training (tracked pitch and loudness, partials that fall by 6 dB per
octave, no breath), and the same chain trained for as long whose network may only move pitch and level, so that one
learned spectrum of partials and of breath serves all notes. The tracker is held to tones of known pitch first.
"""

from __future__ import annotations

import argparse
import copy
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from models_registry.engine import Recipe, TrainingResult, train
from models_registry.engine.material import data_of
from models_registry.engine.pitch import Yin

RATE, HOP = 16_000, 160


def bare(content: dict[str, Any]) -> dict[str, Any]:
    """The recipe with a network that moves nothing but pitch and level."""
    content = copy.deepcopy(content)
    (adapter,) = content["chain"]["adapters"]
    adapter["targets"] = {
        path: adapter["targets"][path] for path in ("tone.frequency", "tone.level")
    }
    return content


def trained(recipe: Recipe) -> tuple[TrainingResult, float]:
    """The result, and the processor time in s."""
    with tempfile.TemporaryDirectory() as home:
        began = time.process_time()
        result = train(recipe, seed=0, directory=Path(home))
        return result, time.process_time() - began


def known_tones() -> None:
    """The tracker on 100 sums of sines with vibrato of known course, and in noise 20 dB below."""
    tracker, draw = Yin(RATE), np.random.default_rng(0)
    errors: dict[str, list[float]] = {}
    for _ in range(100):
        time_s = np.arange(RATE) / RATE
        pitch = draw.uniform(70, 900) * 2 ** (0.3 / 12 * np.sin(2 * np.pi * 5 * time_s))
        phase = 2 * np.pi * np.cumsum(pitch) / RATE
        count = max(1, min(12, int(0.45 * RATE / pitch.max())))
        sound = sum(np.sin(k * phase + draw.uniform(0, 6)) / k for k in range(1, count + 1))
        level = np.sqrt(np.mean(sound**2))
        for name, noise in (("clean", 0.0), ("noise 20 dB below", 0.1)):
            heard = 0.1 * (sound / level + noise * draw.normal(size=RATE))
            found = tracker(torch.from_numpy(heard).unfold(0, tracker.size, HOP)).frequency.numpy()
            period = RATE / found
            middle = tracker.size - (tracker.window + tracker.smoothed + period) / 2
            at = np.round(np.arange(found.size) * HOP + middle).astype(int)
            errors.setdefault(f"yin, {name}", []).extend(1_200 * np.log2(found / pitch[at]))
    for name, cents in errors.items():
        off = np.abs(cents)
        print(
            f"{name:24s} n {off.size:5d}  median {np.median(off):.2f} cents, 95 % {np.quantile(off, 0.95):.2f} cents, "
            f"off by more than 50 cents {100 * np.mean(off > 50):.2f} %"
        )


def played(result: TrainingResult, recipe: Recipe) -> str:
    """How far pitch and level of the output are from the input's on the test clips."""
    clips = data_of(recipe, seed=0).test.dry
    with torch.no_grad():
        output, _ = result.chain.aligned(clips)
    tracker = Yin(RATE)
    pitches = [tracker(one[:, 0].unfold(1, tracker.size, HOP)) for one in (clips, output)]
    sure = (pitches[0].aperiodicity < 0.1) & (pitches[1].aperiodicity < 0.1)
    cents = 1_200 * torch.log2(pitches[1].frequency / pitches[0].frequency)[sure].abs()
    levels = [
        10 * torch.log10(one[:, 0].unfold(1, 4 * HOP, HOP).square().mean(-1))
        for one in (clips, output)
    ]
    loud = levels[0] > levels[0].max() - 40
    error = (levels[1] - levels[0])[loud]
    return (
        f"pitch off by {cents.median():.1f} cents in the median, level by {error.square().mean().sqrt():.1f} dB "
        f"({100 * sure.double().mean():.0f} % of the frames have a pitch in both)"
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps")
    parser.add_argument("--recordings")
    asked = parser.parse_args()
    known_tones()
    given = {"training.steps": asked.steps, "data.recordings": asked.recordings}
    recipe = Recipe.load("resynthesis", {key: value for key, value in given.items() if value})
    for name, one in (
        ("one spectrum for all notes", Recipe.from_dict(bare(recipe.to_dict()))),
        ("resynthesis", recipe),
    ):
        result, seconds = trained(one)
        count = sum(parameter.numel() for parameter in result.chain.parameters())
        print(
            f"{name}: {count} parameters, {one.training['steps']} steps, {seconds / 60:.1f} CPU minutes, "
            f"multi-resolution STFT distance {result.validation:.3f}, before training {result.baseline:.3f}; "
            f"{played(result, one)}",
            flush=True,
        )


if __name__ == "__main__":
    main()
