"""Blind recovery of 14 settings of equaliser, compressor and drive: 20 random known chains, judged on other music.

python -m tests.benchmarks.bench_compressor [CHAINS]

Once with the wet signal as it is and once with white noise 20 dB below it. Prints, per chain, the error-to-signal ratio
on the unseen signal and the seconds taken; then medians, the error of every parameter in fractions of its range, how
often its true value lay within its 95 % interval, and with what it trades off.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections import defaultdict

import numpy as np

from models_registry.engine import Recipe, train
from models_registry.engine.data import dataset
from models_registry.engine.polish import TRADED


def recovered(
    noise: str | None, seed: int, found: dict[str, list[tuple[float, bool, str]]]
) -> tuple[float, float]:
    """Decibels of error on the unseen signal and seconds taken; what was found of each parameter is added to
    `found`."""
    recipe = Recipe.load("compressor", {"data.noise": noise} if noise else None)
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as directory:
        result = train(recipe, seed=seed, directory=directory)
    seconds = time.perf_counter() - began
    segment = recipe.training["segment"]
    truth = dataset(recipe.data, chain=recipe.chain, segment=segment, seed=seed).truth
    assert truth is not None
    assert result.validation is not None
    settings = truth.readings()
    for one in result.certainty:
        right, parameter = settings[one.name].value, settings[one.name].parameter
        assert isinstance(right, float)
        distance = abs(float(parameter.control(right)) - float(parameter.control(one.value)))
        traded = one.partner if abs(one.correlation) > TRADED else ""
        found[one.name].append((distance, one.low <= right <= one.high, traded))
    return 10 * float(np.log10(result.validation)), seconds


def main() -> None:
    chains = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    for noise in (None, "-20"):
        print(f"noise: {noise or 'none'}{' dB' if noise else ''}")
        found: dict[str, list[tuple[float, bool, str]]] = defaultdict(list)
        figures = []
        for seed in range(chains):
            figures.append(recovered(noise, seed, found))
            print(f"  chain {seed}: {figures[-1][0]:.1f} dB, {figures[-1][1]:.0f} s", flush=True)
        errors, seconds = np.array(figures).T
        print(
            f"  median {np.median(errors):.1f} dB (worst {errors.max():.1f}), "
            f"median {np.median(seconds):.0f} s (longest {seconds.max():.0f})"
        )
        for name, rows in found.items():
            distances = [row[0] for row in rows]
            partners = sorted({row[2] for row in rows if row[2]})
            print(
                f"  {name}: error median {np.median(distances):.5f}, largest {max(distances):.4f} of the range; "
                f"within its interval {sum(row[1] for row in rows)} of {len(rows)}; "
                f"trades off against {', '.join(partners) or 'nothing'}"
            )


if __name__ == "__main__":
    main()
