"""Noise reduction on unseen voices and noises: 60 mixtures at 0, 5, 10 and 15 dB, PESQ-wb, STOI and SI-SDR.

python -m tests.benchmarks.bench_denoise [--steps N] [--recordings FOLDER] [--recipe NAME]

Speech is made by flite and espeak-ng where they are installed: three voices of the one and five of the other to train
with, two others with other sentences to test with. FOLDER may hold real speech (16 kHz) for the test, and a pair
speech.wav and speech_bab_0dB.wav whose difference is real babble. Kinds of noise in the test are said with each line:
those that training had in other realisations, and those that it never had. Beside the trained chain: the noisy input,
Wiener's and the log-spectral gain with the noise's true mean level, and the gains that the clean speech would give
(the bound).
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import tempfile
import time
from collections import defaultdict
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from metrics.scoring import score
from models_registry import noises
from models_registry.audio import Audio, mono, read, resample, write
from models_registry.engine import Chain, Recipe, render, train
from models_registry.engine.blocks import SpectralGains

RATE = 16_000
METRICS = ("pesq-wb", "stoi", "si-sdr")
RATIOS = (0.0, 5.0, 10.0, 15.0)
TRAINED = ("white", "pink", "hum", "gusts", "machine", "babble")
UNSEEN = ("brown", "clatter")
VOICES = {
    "train": (
        *(("flite", name) for name in ("kal16", "awb", "slt")),
        *(
            ("espeak-ng", name)
            for name in ("en-us", "en-us+f2", "en-gb-scotland+m3", "en-029", "en-us+m7")
        ),
    ),
    "test": (("flite", "rms"), ("espeak-ng", "en-gb+f5")),
}
# IEEE Recommended Practice for Speech Quality Measurements, 1969, lists 1 to 4.
SENTENCES = """The birch canoe slid on the smooth planks. Glue the sheet to the dark blue background.
It's easy to tell the depth of a well. These days a chicken leg is a rare dish. Rice is often served in round bowls.
The juice of lemons makes fine punch. The box was thrown beside the parked truck. The hogs were fed chopped corn and
garbage. Four hours of steady work faced us. A large size in stockings is hard to sell. The boy was there when the sun
rose. A rod is used to catch pink salmon. The source of the huge river is the clear spring. Kick the ball straight and
follow through. Help the woman get back to her feet. A pot of tea helps to pass the evening. Smoky fires lack flame
and heat. The soft cushion broke the man's fall. The salt breeze came across from the sea. The girl at the booth sold
fifty bonds. The small pup gnawed a hole in the sock. The fish twisted and turned on the bent hook. Press the pants
and sew a button on the vest. The swan dive was far short of perfect. The beauty of the view stunned the young boy.
Two blue fish swam in the tank. Her purse was full of useless trash. The colt reared and threw the tall rider. It
snowed, rained, and hailed the same morning. Read verse out loud for pleasure. Hoist the load to your left shoulder.
Take the winding path to reach the lake. Note closely the size of the gas tank. Wipe the grease off his dirty face.
Mend the coat before you go out. The wrist was badly strained and hung limp. The stray cat gave birth to kittens. The
young girl gave no clear response."""


def spoken(part: str, folder: Path) -> None:
    """One file per voice and six sentences."""
    every = [one.strip() for one in SENTENCES.replace("\n", " ").split(". ")]
    sentences = every[:27] if part == "train" else every[27:]
    for program, voice in VOICES[part]:
        if shutil.which(program) is None:
            raise SystemExit(
                f"{program}: expected to be installed, to make the speech of this benchmark"
            )
        for start in range(0, len(sentences), 6):
            text = ". ".join(sentences[start : start + 6]) + "."
            path = folder / f"{program}-{voice.replace('+', '-')}-{start}.wav"
            if program == "flite":
                call = ["flite", "-voice", voice, "-t", text, "-o", str(path)]
            else:
                call = ["espeak-ng", "-v", voice, "-w", str(path), text]
            subprocess.run(call, check=True, capture_output=True)
            write(path, resample(mono(read(path)), RATE))


def test_set(spoken_in: Path, recordings: Path | None) -> list[tuple[str, float, Audio, Audio]]:
    """Kind of noise, ratio, noisy, clean."""
    rng = np.random.default_rng(7)
    voices = [mono(read(path)).samples[0] for path in sorted(spoken_in.glob("*.wav"))]
    made = {kind: noises.NOISES[kind] for kind in (*TRAINED, *UNSEEN)}
    found: dict[str, NDArray[np.float64]] = {
        kind: make(60.0, RATE, np.random.default_rng([99, n]))
        for n, (kind, make) in enumerate(made.items())
    }
    if recordings is not None:
        files = sorted(
            path for path in recordings.rglob("*") if path.suffix in (".wav", ".ogg", ".flac")
        )
        clean = [path for path in files if "bab" not in path.name]
        voices += [resample(mono(read(path)), RATE).samples[0] for path in clean]
        pairs = [path for path in files if path.name == "speech_bab_0dB.wav"]
        for path in pairs:
            both, alone = (read(one).samples[0] for one in (path, path.with_name("speech.wav")))
            found["real babble"] = np.tile((both - alone).astype(np.float64), 4)
    mixes = []
    for n in range(60):
        kind = list(found)[n % len(found)]
        voice, noise = voices[n % len(voices)], found[kind]
        length = min(4 * RATE, voice.size)
        begin = int(rng.integers(voice.size - length + 1))
        speech = voice[begin : begin + length].astype(np.float64)
        begin = int(rng.integers(noise.size - length + 1))
        other = noise[begin : begin + length]
        ratio = RATIOS[n // len(found) % len(RATIOS)]
        other = other * np.sqrt(np.mean(speech**2) / np.mean(other**2)) * 10 ** (-ratio / 20)
        gain = 0.5 / np.abs(speech + other).max()
        noisy, wanted = (
            Audio((gain * one)[None].astype(np.float32), RATE) for one in (speech + other, speech)
        )
        mixes.append((kind, ratio, noisy, wanted))
    return mixes


def oracle(noisy: Audio, clean: Audio) -> Audio:
    """The clean speech's level in each of 32 bands, on the noisy spectrum."""
    block = SpectralGains(RATE, {"bands": 32, "window": 32, "overlap": 2})
    late = torch.zeros(1, 1, block.outlet.latency)
    pair = [
        torch.cat([torch.from_numpy(one.samples)[None], late], -1).double()
        for one in (noisy, clean)
    ]
    heard, wanted = (block.band_energy(one) for one in pair)
    level = 10 * torch.log10((wanted + 1e-12) / (heard + 1e-12)).clamp(-60, 0)
    output, _ = block.process(pair[0], {"gains": level[:, None]}, None)
    return Audio(output[0, :, block.outlet.latency :].float().numpy(), RATE)


def by_formula(rule: str, noisy: Audio, clean: Audio) -> Audio:
    """Wiener's or the log-spectral gain, told the noise's mean level in each band."""
    options = {"bands": 32, "window": 32, "overlap": 2, "rule": rule}
    noise = torch.from_numpy(noisy.samples - clean.samples)[None].double()
    block = SpectralGains(RATE, {"bands": 32, "window": 32, "overlap": 2})
    level = (10 * torch.log10(block.band_energy(noise).mean((0, 1)) + 1e-12)).clamp(-120, 0)
    entry = {"id": "w", "kind": "wiener", "options": options, "params": {"noise": level.tolist()}}
    chain = Chain.from_spec({"version": 1, "rate": RATE, "blocks": [entry]})
    return Audio(render(chain, noisy.samples, RATE), RATE)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", default="3000")
    parser.add_argument("--recipe", default="denoise")
    parser.add_argument("--recordings", type=Path)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        folders = {name: Path(home, name) for name in ("train", "test", "noise")}
        for folder in folders.values():
            folder.mkdir()
        for part in ("train", "test"):
            spoken(part, folders[part])
        for n, kind in enumerate(TRAINED):
            for take in range(3):
                made = noises.NOISES[kind](40.0, RATE, np.random.default_rng([take, n]))
                write(
                    folders["noise"] / f"{kind}{take}.wav",
                    Audio((0.05 * made)[None].astype(np.float32), RATE),
                )
        recipe = Recipe.load(
            asked.recipe,
            {
                "data.clean": str(folders["train"]),
                "data.noise": str(folders["noise"]),
                "training.steps": asked.steps,
                "data.test_clips": "8",
            },
        )
        began = time.process_time()
        result = train(recipe, seed=0, directory=Path(home, "run"))
        spent = time.process_time() - began
        count = sum(parameter.numel() for parameter in result.chain.parameters())
        print(
            f"{asked.recipe}: {count} parameters, {spent / 60:.1f} CPU minutes, ESR {result.validation:.3f}",
            flush=True,
        )
        mixes = test_set(folders["test"], asked.recordings)
    found: dict[tuple[str, str], list[list[float]]] = defaultdict(list)
    for kind, ratio, noisy, clean in mixes:
        outputs = {
            "noisy": noisy,
            "wiener": by_formula("wiener", noisy, clean),
            "log-spectral": by_formula("log-spectral", noisy, clean),
            "trained": Audio(render(result.chain, noisy.samples, RATE), RATE),
            "oracle": oracle(noisy, clean),
        }
        for name, output in outputs.items():
            values = [one.value for one in score(clean, output, METRICS, isolate=False)]
            row = [float("nan") if value is None else value for value in values]
            seen = "seen kinds of noise" if kind in TRAINED else "unseen kinds of noise"
            for group in ("all", f"{ratio:g} dB", seen):
                found[group, name].append(row)
    for (group, name), rows in sorted(found.items()):
        pesq, stoi, sdr = np.nanmean(rows, axis=0)
        print(
            f"{group:22s} {name:13s} n {len(rows):3d}  PESQ-wb {pesq:.2f}  STOI {stoi:.3f}  SI-SDR {sdr:.1f} dB"
        )


if __name__ == "__main__":
    main()
