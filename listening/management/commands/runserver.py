"""The development server, with a worker beside it, so that one command is a whole site."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser
from django.core.management.commands.runserver import Command as RunserverCommand


class Command(RunserverCommand):
    help = "Serve the site on this machine, with a worker for background jobs beside it."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--no-worker", action="store_true", help="run jobs by `worker` elsewhere"
        )

    def inner_run(self, *args: Any, **options: Any) -> None:
        if not options["no_worker"]:
            manage = str(settings.BASE_DIR / "manage.py")
            # a session of its own: Ctrl-C is for the server, and the worker ends after it, between jobs
            subprocess.Popen(
                [sys.executable, manage, "worker", "--parent", str(os.getpid())],
                start_new_session=True,
            )
        super().inner_run(*args, **options)
