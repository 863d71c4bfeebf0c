"""The overdrive recipe beside black boxes of the same CPU time: an LSTM with 32 units and a TCN of 16 channels.

python -m tests.benchmarks.bench_overdrive [SECONDS] [circuit | KLON FOLDER]

On the project's own pedal; on the published circuit in `tests.diode_clipper`, 20 s of plucks to learn from and 6 s of
others to judge by; or on DataIn and Data100 (gain 1.0) in KLON FOLDER: clips 0 to 199 to learn from, 200 to 239 to
judge by, from sample 8,000 on with the mean removed. Every model trains for about SECONDS of CPU time; the chain's
steps are chosen from the time that its first ones take.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import torch
from torch import Tensor, nn

from models_registry import instruments
from models_registry.audio import Audio, write
from models_registry.engine import Recipe, TrainingResult, train
from models_registry.engine.data import Dataset
from models_registry.engine.losses import error_to_signal, spectral_distance
from models_registry.engine.material import data_of
from tests.diode_clipper import distorted

RATE = 44_100


class Lstm(nn.Module):
    """Sample by sample, with the input added."""

    def __init__(self) -> None:
        super().__init__()
        self.cell = nn.LSTM(1, 32, batch_first=True)
        self.head = nn.Linear(32, 1)

    def forward(self, x: Tensor) -> Tensor:
        hidden, _ = self.cell(x.transpose(1, 2))
        return self.head(hidden).transpose(1, 2) + x


class Tcn(nn.Module):
    """Seven causal layers of 16 channels, kernel 9, dilations from 1 to 64."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv1d(1, 16, 1)
        self.layers = nn.ModuleList(nn.Conv1d(16, 16, 9, dilation=2**n) for n in range(7))
        self.head = nn.Conv1d(16, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        along = self.first(x)
        for n, layer in enumerate(self.layers):
            along = along + torch.tanh(layer(nn.functional.pad(along, (8 * 2**n, 0))))
        return self.head(along)


def judged(model: nn.Module, data: Dataset) -> float:
    error = energy = 0.0
    with torch.no_grad():
        for n in range(len(data.test)):
            target = data.judged(data.test.wet[n : n + 1])
            estimate = data.judged(model(data.test.dry[n : n + 1]))
            error += (estimate - target).square().sum().item()
            energy += target.square().sum().item()
    return error / energy


def black_box(model: nn.Module, data: Dataset, seconds: float) -> tuple[float, int]:
    """Error-to-signal ratio on the test clips and the number of steps."""
    optimiser = torch.optim.Adam(model.parameters(), lr=0.004)
    began, step = time.process_time(), 0
    while time.process_time() - began < seconds:
        clips = data.batch(size=8, seed=0, step=step)
        estimate, target = data.judged(model(clips.dry)), data.judged(clips.wet)
        loss = error_to_signal(estimate, target)
        loss = loss + 0.1 * spectral_distance(estimate, target, sizes=(512, 2_048))
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        step += 1
    return judged(model, data), step


def trained(name: str, given: dict[str, str], steps: int) -> tuple[TrainingResult, float]:
    """The result of `steps` steps, and the CPU seconds they took with the data's making and one validation."""
    changes = {"training.steps": str(steps), "training.validate_every": "1000000"}
    began = time.process_time()
    with tempfile.TemporaryDirectory() as directory:
        result = train(Recipe.load(name, {**given, **changes}), seed=0, directory=directory)
    return result, time.process_time() - began


def plucked(folder: Path) -> dict[str, str]:
    """Write plucks before and after the published circuit to `folder`; the settings that train on them."""
    for name, seconds, seed in (("0 heard", 20.0, 1), ("1 unseen", 6.0, 2)):
        dry = instruments.sources(rate=RATE, seconds=seconds, seed=seed)["plucked melody"].samples
        wet = distorted(dry[0].astype(float), RATE)[None].astype(dry.dtype)
        for side, samples in (("dry", dry), ("wet", wet)):
            (folder / side).mkdir(exist_ok=True)
            write(folder / side / f"{name}.wav", Audio(samples, RATE))
    return of_pairs(folder / "dry", folder / "wet", "[0, 1]", "[1, 2]", "4410")


def of_pairs(dry: Path, wet: Path, learned: str, judged_by: str, skip: str) -> dict[str, str]:
    return {
        "data.source": "pairs",
        "data.dry": str(dry),
        "data.wet": str(wet),
        "data.train": learned,
        "data.test": judged_by,
        "data.skip": skip,
    }


def main() -> None:
    torch.set_num_threads(1)
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 60.0
    where = sys.argv[2] if len(sys.argv) > 2 else ""
    with tempfile.TemporaryDirectory() as folder:
        if where == "circuit":
            compared(seconds, plucked(Path(folder)), ["overdrive", "overdrive-diodes"])
        elif where:
            clips = Path(where)
            given = of_pairs(clips / "DataIn", clips / "Data100", "[0, 200]", "[200, 240]", "8000")
            compared(seconds, given, ["overdrive", "overdrive-parallel"])
        else:
            compared(seconds, {"data.seconds": "12"}, ["overdrive", "overdrive-diodes"])


def compared(seconds: float, given: dict[str, str], names: list[str]) -> None:
    """Train each of the recipes `names` and both black boxes on what the settings `given` name."""
    for name in names:
        # compiles what there is to compile
        trained(name, given, 1)
        once, thrice = (trained(name, given, count)[1] for count in (10, 30))
        steps = max(20, round(20 * seconds / max(thrice - once, 1e-3)))
        result, spent = trained(name, given, steps)
        count = sum(parameter.numel() for parameter in result.chain.parameters())
        print(
            f"{name}: ESR {result.validation:.4f}, {count} parameters, {steps} steps, {spent:.0f} s; "
            f"best linear FIR {result.baseline:.3f}",
            flush=True,
        )
    data = data_of(Recipe.load("overdrive", given), seed=0)
    for kind in (Tcn, Lstm):
        torch.manual_seed(0)
        model = kind()
        error, steps = black_box(model, data, seconds)
        count = sum(parameter.numel() for parameter in model.parameters())
        print(f"{kind.__name__}: ESR {error:.4f}, {count} parameters, {steps} steps", flush=True)


if __name__ == "__main__":
    main()
