"""Blind recovery of 14 settings of equaliser, compressor and drive: 20 random known chains, judged on other music.

python -m tests.benchmarks.bench_compressor KEPT [CHAINS] [SECONDS]

Once with the wet signal as it is and once with white noise 20 dB below it. What is found of each chain is kept in the
file KEPT, one line of JSON each, and a chain in it is not done again; no chain is begun that might end after SECONDS,
so that a machine need not be quiet for half an hour at a time. Prints, per chain, the error-to-signal ratio on the
unseen signal and the seconds taken; then medians, the error of every parameter in fractions of its range, how often its
true value lay within its 95 % interval, and with what it trades off.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from models_registry.engine import Recipe, train
from models_registry.engine.data import dataset
from models_registry.engine.polish import TRADED

NOISES = (None, "-20")
# so long a chain may take; no other is begun where less is left
LONGEST_S = 75.0


def recovered(noise: str | None, seed: int) -> dict[str, Any]:
    """Decibels of error on the unseen signal, seconds taken, and what was found of each parameter: distance from the
    truth in fractions of the range, whether that lies within the interval, and the partner it trades off against."""
    recipe = Recipe.load("compressor", {"data.noise": noise} if noise else None)
    began, spent = time.perf_counter(), time.process_time()
    with tempfile.TemporaryDirectory() as directory:
        result = train(recipe, seed=seed, directory=directory)
    seconds, spent = time.perf_counter() - began, time.process_time() - spent
    segment = recipe.training["segment"]
    truth = dataset(recipe.data, chain=recipe.chain, segment=segment, seed=seed).truth
    assert truth is not None
    assert result.validation is not None
    settings = truth.readings()
    found = {}
    for one in result.certainty:
        right, parameter = settings[one.name].value, settings[one.name].parameter
        assert isinstance(right, float)
        distance = abs(float(parameter.control(right)) - float(parameter.control(one.value)))
        traded = one.partner if abs(one.correlation) > TRADED else ""
        found[one.name] = (distance, one.low <= right <= one.high, one.error, traded)
    decibels = 10 * float(np.log10(result.validation))
    return {
        "noise": noise,
        "seed": seed,
        "decibels": decibels,
        "seconds": seconds,
        "cpu": spent,
        "found": found,
    }


def told(rows: list[dict[str, Any]]) -> None:
    """Print what `rows`, of one noise, say together."""
    decibels, seconds, spent = (
        np.array([row[key] for row in rows]) for key in ("decibels", "seconds", "cpu")
    )
    print(
        f"{len(rows)} chains, noise {rows[0]['noise'] or 'none'}: median {np.median(decibels):.1f} dB "
        f"(worst {decibels.max():.1f}), median {np.median(seconds):.0f} s (longest {seconds.max():.0f}; "
        f"of the processor {np.median(spent):.0f}, longest {spent.max():.0f})"
    )
    for name in rows[0]["found"]:
        distances, within, errors, partners = zip(
            *(row["found"][name] for row in rows), strict=True
        )
        traded = {partner: partners.count(partner) for partner in sorted(set(partners) - {""})}
        print(
            f"  {name}: error median {np.median(distances):.5f}, largest {max(distances):.4f} of the range; "
            f"its interval's half width median {1.96 * np.median(errors):.5f}; within it {sum(within)} of {len(rows)}; "
            f"trades off against {', '.join(f'{k} ({n})' for k, n in traded.items()) or 'nothing'}"
        )


def main() -> None:
    kept = Path(sys.argv[1])
    chains = int(sys.argv[2]) if len(sys.argv) > 2 else 20
    until = time.perf_counter() + (float(sys.argv[3]) if len(sys.argv) > 3 else float("inf"))
    rows = [json.loads(line) for line in kept.read_text().splitlines()] if kept.exists() else []
    done = {(row["noise"], row["seed"]) for row in rows}
    for noise, seed in ((noise, seed) for noise in NOISES for seed in range(chains)):
        if (noise, seed) in done or time.perf_counter() + LONGEST_S > until:
            continue
        row = recovered(noise, seed)
        print(
            f"  noise {noise or 'none'}, chain {seed}: {row['decibels']:.1f} dB, {row['seconds']:.0f} s",
            flush=True,
        )
        with kept.open("a") as file:
            file.write(json.dumps(row) + "\n")
        rows.append(json.loads(json.dumps(row)))
    for noise in NOISES:
        if mine := [row for row in rows if row["noise"] == noise]:
            told(mine)


if __name__ == "__main__":
    main()
