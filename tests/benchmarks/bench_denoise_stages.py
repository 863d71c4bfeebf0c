"""What a second stage before the levels of `denoise` is worth: none, the comb of
`denoise-comb` (told or not told which bands repeat), a deep filter.

python -m tests.benchmarks.bench_denoise_stages --home FOLDER [--steps N] [--stages gains,untold,comb,taps]
    [--recordings FOLDER] [--voices FOLDER] [--rate HZ] [--pause SECONDS]

Material, mixtures and measures are those of `bench_denoise`. Each stage is trained in a folder of its own, for about
the same processor time or for N steps, then all are judged on the same mixtures: PESQ-wb, STOI and
SI-SDR by ratio beside the noisy input, the two formulas told the noise's level, and the gains that the clean speech
would give; and, mixture by mixture, what each stage adds to the levels alone, with the 95 % interval of the mean.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from models_registry.audio import Audio
from models_registry.engine import Chain, render
from models_registry.engine.recipe import content_of
from tests.benchmarks.bench_denoise import (
    METRICS,
    RATE,
    RATIOS,
    by_formula,
    judged,
    oracle,
    spoken,
    test_set,
    trained,
)

ALONE = "gains"
STAGES = (ALONE, "untold", "comb", "taps")
# of the deep filter, which take the 9.8 minutes of processor time that the recipes take
STEPS = 4_500
TAPS = {"bands": 12, "window": 32, "overlap": 2, "order": 3, "highest": 3_000}
Mix = tuple[str, str, float, Audio, Audio]
Judged = dict[str, NDArray[np.float64]]


def recipe(stage: str) -> dict[str, Any]:
    """The recipe with `stage` before its levels by band."""
    if stage in ("comb", "untold"):
        combed = content_of("denoise-comb")
        if stage == "untold":
            combed["chain"]["adapters"][0].pop("voicing")
        return combed
    made = content_of("denoise")
    if stage == ALONE:
        return made
    (bands,), (adapter,) = made["chain"]["blocks"], made["chain"]["adapters"]
    # the filter's own frames are two late already
    bands["options"]["ahead"] = 0
    made["chain"]["blocks"] = [{"id": "taps", "kind": "deep-filter", "options": TAPS}, bands]
    # what the taps' weights take is taken from the network, to stay below 100,000
    adapter |= {
        "hidden": 78,
        "targets": adapter["targets"] | {"taps.real": 0.5, "taps.imaginary": 0.5},
    }
    made["training"]["steps"] = STEPS
    return made


def judged_all(chains: dict[str, Chain], mixes: list[Mix]) -> Judged:
    """PESQ-wb, STOI and SI-SDR (mixtures, 3) of everything, by name."""
    found: dict[str, list[list[float]]] = defaultdict(list)
    for _, _, _, noisy, clean in mixes:
        outputs = {
            "noisy": noisy,
            "wiener": by_formula("wiener", noisy, clean),
            "log-spectral": by_formula("log-spectral", noisy, clean),
            **{
                name: Audio(render(chain, noisy.samples, noisy.rate), noisy.rate)
                for name, chain in chains.items()
            },
            "oracle 64": oracle(64, noisy, clean),
        }
        for name, output in outputs.items():
            found[name].append(judged(clean, output))
    return {name: np.array(rows) for name, rows in found.items()}


def told(found: Judged, mixes: list[Mix], stages: list[str]) -> None:
    """Print the table by ratio, and what each stage adds to the levels alone."""
    ratios = np.array([ratio for _, _, ratio, _, _ in mixes])
    groups = {"all": ratios > -np.inf} | {f"{one:g} dB": ratios == one for one in RATIOS}
    for name, rows in found.items():
        for group, chosen in groups.items():
            pesq, stoi, sdr = rows[chosen].mean(0)
            print(
                f"{name:13s} {group:6s} n {chosen.sum():3d}  PESQ-wb {pesq:.2f}  STOI {stoi:.3f}  SI-SDR {sdr:.1f} dB"
            )
    for name in stages:
        if name == ALONE or ALONE not in stages:
            continue
        for group, chosen in groups.items():
            more = found[name][chosen] - found[ALONE][chosen]
            count = len(more)
            wide = stats.t.ppf(0.975, count - 1) * more.std(axis=0, ddof=1) / np.sqrt(count)
            parts = (
                f"{metric} {more[:, n].mean():+.3f} ± {wide[n]:.3f}"
                for n, metric in enumerate(METRICS)
            )
            print(f"{name} less {ALONE}, {group:6s} n {count:3d}  {'  '.join(parts)}")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--steps")
    parser.add_argument("--stages", default=",".join(STAGES))
    parser.add_argument("--recordings", type=Path)
    parser.add_argument("--voices", type=Path)
    parser.add_argument("--pause", type=float)
    parser.add_argument("--rate", type=int, default=RATE)
    asked = parser.parse_args()
    stages = asked.stages.split(",")
    chains = {}
    for stage in stages:
        home = asked.home / stage
        home.mkdir(parents=True, exist_ok=True)
        path = home / "recipe.json"
        path.write_text(json.dumps(recipe(stage)))
        chains[stage], _ = trained(
            str(path), asked.steps, home, asked.pause, asked.voices, asked.rate
        )
    with tempfile.TemporaryDirectory() as passing:
        spoken("test", Path(passing), asked.rate)
        mixes = test_set(Path(passing), asked.recordings, asked.rate)
    told(judged_all(chains, mixes), mixes, stages)


if __name__ == "__main__":
    main()
