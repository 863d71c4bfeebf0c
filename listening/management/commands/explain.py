"""Which part of a sound, or which parameter, makes a number of a model's output what it is; seen, heard and checked."""

from __future__ import annotations

from argparse import ArgumentParser
from functools import partial
from pathlib import Path
from typing import Any

from listening.explaining import METHODS, PARAMETERS, SIGNAL, explainer
from listening.management.study import StudyCommand
from models_registry import audio, studying
from models_registry.audio import Audio
from models_registry.management.base import Refused
from models_registry.models import ModelVersion


class Command(StudyCommand):
    help = __doc__
    kind = "explanation"
    sounds_help = "one sound; default: the first of the recipe's test clips"

    def add_settings(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--method", choices=METHODS, default=METHODS[0], help=f"default: {METHODS[0]}"
        )
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

    def settings(self, options: dict[str, Any]) -> dict[str, Any]:
        if len(options["files"]) > 1:
            raise Refused(f"expected one sound to explain, found {len(options['files'])}")
        asked = {name: options[name] for name in ("method", "of", "target", "condition")}
        if not options["files"]:
            # what is read from a file is cut as it is read
            asked |= {name: options[name] for name in ("start", "seconds")}
        if options["reference"]:
            version = ModelVersion.objects.named(options["model"])
            read = partial(self.read, options=options)
            (asked["reference"],) = studying.keep_files(version, [options["reference"]], read=read)
        return {**asked, "checks": not options["no_checks"]}

    def read(self, path: Path, *, options: dict[str, Any]) -> Audio:
        return audio.excerpt(
            path, start=options["start"], seconds=options["seconds"], most=explainer().LONGEST_S
        )
