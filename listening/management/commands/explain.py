"""Which part of a sound, or which parameter, makes a number of a model's output what it is; seen, heard and checked."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from listening.drawing import rendered
from listening.explaining import METHODS, PARAMETERS, SIGNAL
from listening.management.study import StudyCommand
from listening.understanding import face_of
from models_registry import audio, studying
from models_registry.management.base import Refused
from models_registry.models import ModelVersion, Signal, Study


class Command(StudyCommand):
    help = __doc__
    kind = "explanation"
    sounds_help = "one sound; default: the first of the recipe's test clips"

    def add_settings(self, parser: ArgumentParser) -> None:
        parser.add_argument("--method", choices=METHODS, default=METHODS[0])
        parser.add_argument(
            "--of", choices=(SIGNAL, PARAMETERS), default=SIGNAL, help="what is to be divided"
        )
        parser.add_argument(
            "--target",
            default="energy",
            help="energy[:LOW-HIGH][@START-END] in Hz and s, loss:TERM, move:BLOCK.PARAMETER[:NUMBER], or metric:NAME "
            "(by occlusion); default: %(default)s",
        )
        parser.add_argument(
            "--reference", type=Path, metavar="FILE", help="what should have come out"
        )
        parser.add_argument("--start", type=float, default=0.0, metavar="S", help="begin there")
        parser.add_argument(
            "--seconds",
            type=float,
            default=0.0,
            metavar="S",
            help="go on for so long; 0: to the end",
        )
        parser.add_argument(
            "--as",
            dest="condition",
            default="",
            metavar="CONDITION",
            help="a device, room or speaker",
        )
        parser.add_argument("--no-checks", action="store_true", help="leave the checks out")
        parser.add_argument(
            "--out", type=Path, metavar="DIR", help="write figures, sounds and the answer there"
        )

    def settings(self, options: dict[str, Any]) -> dict[str, Any]:
        if len(options["files"]) > 1:
            raise Refused(f"expected one sound to explain, found {len(options['files'])}")
        if (out := options["out"]) and out.exists() and not out.is_dir():
            raise Refused(f"expected a directory to write to, found the file {out}")
        asked = {
            name: options[name]
            for name in ("method", "of", "target", "start", "seconds", "condition")
        }
        if options["reference"]:
            version = ModelVersion.objects.named(options["model"])
            (asked["reference"],) = studying.keep_files(version, [options["reference"]])
        return {**asked, "checks": not options["no_checks"]}

    def answered(self, study: Study, options: dict[str, Any]) -> None:
        super().answered(study, options)
        if options["out"]:
            _write(study, options["out"])


def _write(study: Study, out: Path) -> None:
    """The figures as SVG and PDF, the sounds as WAV, the answer as JSON."""
    found = study.result
    out.mkdir(parents=True, exist_ok=True)
    for name, picture in face_of(study.kind).figures(found).items():
        for form in ("svg", "pdf"):
            (out / f"{name}.{form}").write_bytes(rendered(picture.draw(), form))
    for sound in found.get("sounds", ()):
        signal = Signal.objects.get(sha256=sound["sha256"])
        audio.write(out / f"{sound['name'].replace(' ', '-')}.wav", signal.audio())
    (out / "explanation.json").write_text(json.dumps(found, indent=2, ensure_ascii=False))
