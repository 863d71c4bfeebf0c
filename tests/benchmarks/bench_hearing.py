"""What the term `hearing` does: alignment of the adapter's features with the ear, and quality, by its weight.

python -m tests.benchmarks.bench_hearing [--weights 0,0.03,0.1,0.3] [--seeds 3] [--steps N] [--figure FILE]

The recipe `denoise` in its quick settings, trained anew for each weight and seed. Alignment is debiased linear CKA with
the excitation levels of BS.1387's ear, which the term does not know, on test clips; quality is the error-to-signal
ratio there. The figure shows one against the other, a line for each seed.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from listening.drawing import COLOURS, MARKERS, canvas, rendered
from models_registry.engine import Recipe, ablation, congruence, data_of, train
from models_registry.engine.adapters import Adapter

CLIPS = 8


def trained(weight: float, seed: int, steps: int) -> tuple[float, float]:
    """Alignment and error-to-signal ratio."""
    changes = {"loss.hearing": str(weight)} if weight else {}
    recipe = Recipe.load("denoise", {"training.steps": str(steps), **changes}, quick=True)
    with tempfile.TemporaryDirectory() as folder:
        result = train(recipe, seed=seed, directory=folder)
    adapter = cast(Adapter, result.chain.adapters[0])
    rate = result.chain.rate
    clips = ablation.clips_of(data_of(recipe, seed=seed), most=CLIPS)
    features = [congruence.features(adapter, clip.signal, rate=rate) for clip in clips]
    ears = [congruence.excitation(clip.signal, rate=rate) for clip in clips]
    alike = congruence.similarity([np.asarray(one) for one in features], ears)
    assert result.validation is not None
    return alike.value, result.validation


def draw(weights: list[float], found: NDArray[np.float64], path: Path) -> None:
    """`found` (seeds, weights, 2)."""
    figure, axes = canvas(6.4, 3.8)
    for seed, rows in enumerate(found):
        axes.plot(rows[:, 0], rows[:, 1], color=COLOURS[seed], marker=MARKERS[seed], label=f"seed {seed}")  # fmt: skip
        for weight, (x, y) in zip(weights, rows, strict=True):
            axes.annotate(f"{weight:g}", (x, y), xytext=(4, 4), textcoords="offset points", fontsize=8)  # fmt: skip
    axes.set_xlabel("alignment with the ear’s excitation (debiased CKA)")
    axes.set_ylabel("error-to-signal ratio on test clips")
    axes.set_ylim(bottom=0)
    axes.legend(frameon=False)
    path.write_bytes(rendered(figure, path.suffix.removeprefix(".")))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", default="0,0.03,0.1,0.3")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=150)
    parser.add_argument("--figure", type=Path)
    options = parser.parse_args()
    weights = [float(one) for one in options.weights.split(",")]
    found = np.zeros((options.seeds, len(weights), 2))
    for seed in range(options.seeds):
        for place, weight in enumerate(weights):
            found[seed, place] = trained(weight, seed, options.steps)
            alike, error = found[seed, place]
            said = f"seed {seed}, weight {weight:g}: CKA {alike:.3f}, ESR {error:.4f}"
            print(said, flush=True)
    for place, weight in enumerate(weights):
        gain = found[:, place] - found[:, 0]
        print(
            f"weight {weight:g}: CKA {found[:, place, 0].mean():.3f} (change {gain[:, 0].mean():+.3f}, "
            f"{gain[:, 0].min():+.3f} to {gain[:, 0].max():+.3f}), ESR {found[:, place, 1].mean():.4f} "
            f"(change {gain[:, 1].mean():+.4f}) over {options.seeds} seeds"
        )
    if options.figure:
        draw(weights, found, options.figure)


if __name__ == "__main__":
    main()
