"""Write the material of the guide's story: sentences with sibilants and vowels without, through a voice processor, a
recipe to learn it by, and listening tests of what was learned."""

from __future__ import annotations

import csv
import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from models_registry import audio, sibilants
from models_registry.audio import Audio
from models_registry.extra import engine
from models_registry.management.base import Refused, RefusingCommand

SENTENCES, VOWELS = 6, 6


class Command(RefusingCommand):
    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path, help="a new folder")

    def handle(self, *args: Any, **options: Any) -> None:
        room, folder = engine(), options["folder"]
        if folder.exists() and any(folder.iterdir()):
            raise Refused(f"{folder}: expected a new or an empty folder, found files in it")
        device = room.Chain.from_spec(sibilants.DEVICE)
        for side in ("dry", "wet"):
            (folder / side).mkdir(parents=True, exist_ok=True)
        rows = []
        for name, seed, hissing in (
            *((f"sentence-{n}", n, True) for n in range(SENTENCES)),
            *((f"vowels-{n}", 100 + n, False) for n in range(VOWELS)),
        ):
            dry, stretches = sibilants.sentence(seed, hissing=hissing)
            wet = room.render(device, dry, sibilants.RATE)
            for side, samples in (("dry", dry), ("wet", wet)):
                audio.write(folder / side / f"{name}.wav", Audio(samples, sibilants.RATE))
            rows += [(name, f"{start:.4f}", f"{end:.4f}") for start, end in stretches]
        with (folder / "sibilants.csv").open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([("sound", "start_s", "end_s"), *rows])
        _write(folder / "voice.json", _recipe(folder))
        _write(folder / "heard.json", _campaign())
        self.stdout.write(
            f"{SENTENCES} sentences and {VOWELS} sounds without sibilants in {folder}, dry and wet; when they hiss: "
            "sibilants.csv; the recipe: voice.json; the listening test: heard.json"
        )


def _write(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def _recipe(folder: Path) -> dict[str, Any]:
    """Two sentences to judge by; what is learned from begins with the sounds without sibilants."""
    first = SENTENCES + VOWELS
    return {
        "name": "voice",
        "title": "A voice processor",
        "purpose": "Learn tone, taming of sibilants, drive and level of a voice processor.",
        "chain": sibilants.model(),
        "data": {
            "source": "pairs",
            "dry": str(folder / "dry"),
            "wet": str(folder / "wet"),
            "test": [0, 2],
            "train": [SENTENCES, first],
            "remove_mean": False,
        },
        "loss": {"esr": 1, "stft": 0},
        "training": {
            "steps": 20,
            "batch": 4,
            "segment": round(sibilants.SECONDS * sibilants.RATE),
            "learning_rate": 0.05,
            "validate_every": 10,
            "checkpoint_every": 20,
            "polish": 15,
        },
    }


def _campaign() -> dict[str, Any]:
    """Each of two versions (items a and b) against the device itself, by what is rendered below `heard/`."""
    return {
        "format": "earwitness-campaign/1",
        "slug": "sibilants",
        "title": "Which of the two is X?",
        "method": "abx",
        "conditions": [{"name": "device"}, {"name": "model"}],
        "repetitions": 4,
        "items": [
            {
                "title": f"sentence {n}, {name}",
                "reference": f"wet/sentence-{n}.wav",
                "stimuli": {
                    "device": f"wet/sentence-{n}.wav",
                    "model": f"heard/sentence-{n}.voice@{version}.wav",
                },
            }
            for version, name in enumerate("ab", start=1)
            for n in range(2)
        ],
    }
