"""Noise reduction on unseen voices and noises: 60 mixtures at 0, 5, 10 and 15 dB, PESQ-wb, STOI and SI-SDR.

python -m tests.benchmarks.bench_denoise [--steps N] [--recordings FOLDER] [--recipe NAME]
    [--voices FOLDER] [--rate HZ] [--home FOLDER [--pause SECONDS]]

Speech is made by flite and espeak-ng where they are installed: three voices of the one (each at three paces) and thirty
of the other to train with, two others with other sentences to test with; --voices FOLDER holds recordings of others
that are trained with too. --recordings FOLDER may hold real speech (16 kHz) for the test, and a pair speech.wav and
speech_bab_0dB.wav whose difference is real babble. Kinds of noise in the test are said
with each line: those that training had in other realisations, and those that it never had. Beside the trained chain:
the noisy input, Wiener's and the log-spectral gain with the noise's true mean level, and the gains that the clean
speech would give (the bound). With --home the training can be interrupted (by --pause after so many seconds) and the
same command goes on where it was; the processor time of all its parts is added up. --rate 48000 trains, renders and
judges at 48 kHz; PESQ is defined to 16 kHz only, so both sounds are resampled for it, STOI and SI-SDR are at the rate.
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

# the rate that PESQ wants, and of the voices
RATE = 16_000
METRICS = ("pesq-wb", "stoi", "si-sdr")
RATIOS = (0.0, 5.0, 10.0, 15.0)
TRAINED = ("white", "pink", "hum", "gusts", "machine", "babble")
UNSEEN = ("brown", "clatter")
# many short takes: one of hum has one frequency, one of a machine one band and speed
TAKES, TAKE_S = 20, 8.0
# pace (1 is the voice's own) and mean pitch in Hz of flite's, pitch (0 to 99) and words a minute of espeak-ng's
Voice = tuple[str, str, float, float]
ESPEAK = """en-us en-us+f2 en-gb-scotland+m3 en-029 en-us+m7 en-us+f1 en-us+f3 en-us+f4 en-gb-x-gbclan+m1 en-gb-x-rp+m5
en-us+klatt2 en-us+klatt4 en-us+Annie en-us+linda de+m2 fr+f2 es+m4 it+f4 pl sv+f3 nl pt-br+m6 hi fi+f1 ru da+m8 cs+f2
en-us+Storm en-us+steph en-us+Andrea"""
VOICES: dict[str, tuple[Voice, ...]] = {
    "train": (
        *(
            ("flite", name, pace, factor * pitch)
            for name, pitch in (("kal16", 105), ("awb", 140), ("slt", 170))
            for pace, factor in ((1.0, 1.0), (0.85, 1.12), (1.15, 0.9))
        ),
        *(
            ("espeak-ng", name, (35, 50, 65)[n % 3], (140, 160, 175, 190)[n % 4])
            for n, name in enumerate(ESPEAK.split())
        ),
    ),
    "test": (("flite", "rms", 1.0, 0.0), ("espeak-ng", "en-gb+f5", 50, 175)),
}
# IEEE Recommended Practice for Speech Quality Measurements, 1969, lists 1 to 4, and 5 to 7 for training.
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
MORE = """A king ruled the state in the early days. The ship was torn apart on the sharp reef. Sickness kept him home
the third week. The wide road shimmered in the hot sun. The lazy cow lay in the cool grass. Lift the square stone
over the fence. The rope will bind the seven books at once. Hop over the fence and plunge in. The friendly gang left
the drug store. Mesh wire keeps chicks inside. The frosty air passed through the coat. The crooked maze failed to
fool the mouse. Adding fast leads to wrong sums. The show was a flop from the very start. A saw is a tool used for
making boards. The wagon moved on well oiled wheels. March the soldiers past the next hill. A cup of sugar makes
sweet fudge. Place a rosebush near the porch steps. Both lost their lives in the raging storm. We talked of the side
show in the circus. Use a pencil to write the first draft. He ran half way to the hardware store. The clock struck to
mark the third period. A small creek cut across the field. Cars and busses stalled in snow drifts. The set of china
hit the floor with a crash. This is a grand season for hikes on the road. The dune rose from the edge of the water.
Those words were the cue for the actor to leave."""
# how many sentences of the training's a voice says in all, in files of six
SAID = 18


def spoken(part: str, folder: Path, rate: int) -> None:
    """Files of six sentences by each voice at `rate`: all of the test's, or a draw of the training's."""
    every, more = (text.replace("\n", " ").rstrip(".").split(". ") for text in (SENTENCES, MORE))
    draw = np.random.default_rng(1)
    for number, (program, voice, pace, pitch) in enumerate(VOICES[part]):
        if shutil.which(program) is None:
            raise SystemExit(
                f"{program}: expected to be installed, to make the speech of this benchmark"
            )
        sentences = (
            every[27:] if part == "test" else list(draw.permutation(every[:27] + more))[:SAID]
        )
        for start in range(0, len(sentences), 6):
            text = ". ".join(sentences[start : start + 6]) + "."
            # training keeps the last fifth by name for its own test: no voice of it as a whole
            path = folder / f"{start}-{program}-{voice.replace('+', '-')}-{number}.wav"
            if program == "flite":
                call = ["flite", "-voice", voice, "--setf", f"duration_stretch={pace}"]
                if pitch:
                    call += ["--setf", f"int_f0_target_mean={pitch}"]
                call += ["-t", text, "-o", str(path)]
            else:
                settings = ["-p", f"{pace:g}", "-s", f"{pitch:g}"]
                call = ["espeak-ng", "-v", voice, *settings, "-w", str(path), text]
            subprocess.run(call, check=True, capture_output=True)
            write(path, resample(mono(read(path)), rate))


def test_set(
    spoken_in: Path, recordings: Path | None, rate: int
) -> list[tuple[str, str, float, Audio, Audio]]:
    """Kind of talker, kind of noise, ratio, noisy, clean."""
    rng = np.random.default_rng(7)
    voices = [mono(read(path)).samples[0] for path in sorted(spoken_in.glob("*.wav"))]
    made_by = len(voices)
    made = {kind: noises.NOISES[kind] for kind in (*TRAINED, *UNSEEN)}
    found: dict[str, NDArray[np.float64]] = {
        kind: make(60.0, rate, np.random.default_rng([99, n]))
        for n, (kind, make) in enumerate(made.items())
    }
    if recordings is not None:
        files = sorted(
            path for path in recordings.rglob("*") if path.suffix in (".wav", ".ogg", ".flac")
        )
        clean = [path for path in files if "bab" not in path.name]
        voices += [resample(mono(read(path)), rate).samples[0] for path in clean]
        pairs = [path for path in files if path.name == "speech_bab_0dB.wav"]
        for path in pairs:
            both, alone = (
                resample(mono(read(one)), rate).samples[0]
                for one in (path, path.with_name("speech.wav"))
            )
            found["real babble"] = np.tile((both - alone).astype(np.float64), 4)
    mixes = []
    for n in range(60):
        kind = list(found)[n % len(found)]
        voice, noise = voices[n % len(voices)], found[kind]
        length = min(4 * rate, voice.size)
        begin = int(rng.integers(voice.size - length + 1))
        speech = voice[begin : begin + length].astype(np.float64)
        begin = int(rng.integers(noise.size - length + 1))
        other = noise[begin : begin + length]
        ratio = RATIOS[n // len(found) % len(RATIOS)]
        other = other * np.sqrt(np.mean(speech**2) / np.mean(other**2)) * 10 ** (-ratio / 20)
        gain = 0.5 / np.abs(speech + other).max()
        noisy, wanted = (
            Audio((gain * one)[None].astype(np.float32), rate) for one in (speech + other, speech)
        )
        talker = "synthetic voices" if n % len(voices) < made_by else "recorded voices"
        mixes.append((talker, kind, ratio, noisy, wanted))
    return mixes


def oracle(bands: int, noisy: Audio, clean: Audio) -> Audio:
    """The clean speech's level in each of `bands`, on the noisy spectrum."""
    block = SpectralGains(noisy.rate, {"bands": bands, "window": 32, "overlap": 2})
    late = torch.zeros(1, 1, block.outlet.latency)
    pair = [
        torch.cat([torch.from_numpy(one.samples)[None], late], -1).double()
        for one in (noisy, clean)
    ]
    heard, wanted = (block.band_energy(one) for one in pair)
    level = 10 * torch.log10((wanted + 1e-12) / (heard + 1e-12)).clamp(-60, 0)
    output, _ = block.process(pair[0], {"gains": level[:, None]}, None)
    return Audio(output[0, :, block.outlet.latency :].float().numpy(), noisy.rate)


def by_formula(rule: str, noisy: Audio, clean: Audio) -> Audio:
    """Wiener's or the log-spectral gain, told the noise's mean level in each band."""
    options = {"bands": 32, "window": 32, "overlap": 2, "rule": rule}
    noise = torch.from_numpy(noisy.samples - clean.samples)[None].double()
    block = SpectralGains(noisy.rate, {"bands": 32, "window": 32, "overlap": 2})
    level = (10 * torch.log10(block.band_energy(noise).mean((0, 1)) + 1e-12)).clamp(-120, 0)
    entry = {"id": "w", "kind": "wiener", "options": options, "params": {"noise": level.tolist()}}
    chain = Chain.from_spec({"version": 1, "rate": noisy.rate, "blocks": [entry]})
    return Audio(render(chain, noisy.samples, noisy.rate), noisy.rate)


def trained(
    recipe: str,
    steps: str | None,
    home: Path,
    pause: float | None,
    voices: Path | None,
    rate: int,
) -> tuple[Chain, Recipe]:
    """The chain that `recipe` gives from the training material, made in `home`; says what it cost."""
    folders = {name: home / name for name in ("train", "noise")}
    if not all(folder.is_dir() for folder in folders.values()):
        for folder in folders.values():
            folder.mkdir(parents=True)
        spoken("train", folders["train"], rate)
        for path in sorted(voices.iterdir()) if voices else ():
            write(
                folders["train"] / path.with_suffix(".wav").name, resample(mono(read(path)), rate)
            )
        for n, kind in enumerate(TRAINED):
            for take in range(TAKES):
                made = noises.NOISES[kind](TAKE_S, rate, np.random.default_rng([take, n]))
                sound = Audio((0.05 * made)[None].astype(np.float32), rate)
                write(folders["noise"] / f"{take}-{kind}.wav", sound)
    settings = {"clean": folders["train"], "noise": folders["noise"], "test_clips": 8}
    given = {f"data.{key}": str(value) for key, value in settings.items()}
    if rate != RATE:
        given |= {"chain.rate": str(rate), "training.segment": str(3 * rate)}
    asked = Recipe.load(recipe, given | ({"training.steps": steps} if steps else {}))
    record = home / "seconds"
    before = float(record.read_text()) if record.is_file() else 0.0
    began = time.process_time()

    def noted(share: float, message: str, row: object) -> None:
        record.write_text(f"{before + time.process_time() - began:.1f}")
        print(message, end="\r", flush=True)

    start = time.monotonic()
    result = train(
        asked,
        seed=0,
        directory=home / "run",
        progress=noted,
        should_stop=lambda: pause is not None and time.monotonic() - start > pause,
    )
    record.write_text(f"{before + time.process_time() - began:.1f}")
    if result.stopped:
        raise SystemExit("\npaused at a checkpoint; the same command goes on from there")
    minutes = (before + time.process_time() - began) / 60
    count = sum(parameter.numel() for parameter in result.chain.parameters())
    print(
        f"\n{recipe}: {count} parameters, {asked.training['steps']} steps, {minutes:.1f} CPU minutes, "
        f"ESR {result.validation:.3f}",
        flush=True,
    )
    return result.chain, asked


def judged(clean: Audio, output: Audio) -> list[float]:
    """PESQ-wb at 16 kHz, STOI and SI-SDR at the sounds' own rate."""
    wanted, found = (one if one.rate == RATE else resample(one, RATE) for one in (clean, output))
    values = [
        *score(wanted, found, METRICS[:1], isolate=False),
        *score(clean, output, METRICS[1:], isolate=False),
    ]
    return [float("nan") if one.value is None else one.value for one in values]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps")
    parser.add_argument("--recipe", default="denoise")
    parser.add_argument("--recordings", type=Path)
    parser.add_argument("--voices", type=Path)
    parser.add_argument("--home", type=Path)
    parser.add_argument("--pause", type=float)
    parser.add_argument("--rate", type=int, default=RATE)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as passing:
        home = asked.home or Path(passing)
        chain, recipe = trained(
            asked.recipe, asked.steps, home, asked.pause, asked.voices, asked.rate
        )
        made = Path(passing, "test")
        made.mkdir()
        spoken("test", made, asked.rate)
        mixes = test_set(made, asked.recordings, asked.rate)
    bands = next(
        one["options"]["bands"]
        for one in recipe.chain["blocks"]
        if one["kind"] == SpectralGains.kind
    )
    found: dict[tuple[str, str], list[list[float]]] = defaultdict(list)
    for talker, kind, ratio, noisy, clean in mixes:
        outputs = {
            "noisy": noisy,
            "wiener": by_formula("wiener", noisy, clean),
            "log-spectral": by_formula("log-spectral", noisy, clean),
            "trained": Audio(render(chain, noisy.samples, noisy.rate), noisy.rate),
            "oracle 32": oracle(32, noisy, clean),
            f"oracle {bands}": oracle(bands, noisy, clean),
        }
        for name, output in outputs.items():
            row = judged(clean, output)
            seen = "seen kinds of noise" if kind in TRAINED else "unseen kinds of noise"
            for group in ("all", f"{ratio:g} dB", seen, talker):
                found[group, name].append(row)
    for (group, name), rows in sorted(found.items()):
        pesq, stoi, sdr = np.nanmean(rows, axis=0)
        print(
            f"{group:22s} {name:13s} n {len(rows):3d}  PESQ-wb {pesq:.2f}  STOI {stoi:.3f}  SI-SDR {sdr:.1f} dB"
        )


if __name__ == "__main__":
    main()
