"""Make a trapping clip: the beginning of a real one, and then a spoken instruction which answer to give."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from listening import traps
from listening.speech import SpeechError, speech
from models_registry.audio import AudioError, read, write
from models_registry.management.base import Refused, RefusingCommand


class Command(RefusingCommand):
    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("clip", type=Path, help="a clip like those that are rated")
        parser.add_argument("output", type=Path, metavar="OUTPUT.wav")
        spoken = parser.add_mutually_exclusive_group(required=True)
        spoken.add_argument("--spoken", type=Path, help="the recorded instruction")
        spoken.add_argument("--say", help='by espeak-ng, such as "Please answer two"')
        parser.add_argument("--language", default="en", help="of --say")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            instruction = (
                speech(options["say"], language=options["language"])
                if options["say"]
                else read(options["spoken"])
            )
            made = traps.trap(read(options["clip"]), instruction)
            write(options["output"], made, subtype="PCM_24")
        except (traps.TrapError, SpeechError, AudioError, OSError) as error:
            raise Refused(str(error)) from error
        self.stdout.write(f"{options['output']}: {made.duration:.2f} s")
