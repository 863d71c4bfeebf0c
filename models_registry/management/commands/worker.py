"""Run background jobs until stopped."""

from __future__ import annotations

import os
import signal
import threading
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand

from models_registry import jobs


class Command(BaseCommand):
    help = "Run background jobs (training, rendering, scoring) until stopped."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--parent", type=int, metavar="PID", help="end when this process is gone"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        def end_with_parent() -> None:
            if options["parent"] and os.getppid() != options["parent"]:
                os.kill(os.getpid(), signal.SIGTERM)

        threading.Thread(
            target=jobs.sweep_for_ever, args=(end_with_parent,), daemon=True, name="sweep"
        ).start()
        if str(settings.TASKS["default"]["BACKEND"]).endswith("RQBackend"):
            call_command("rqworker", "default", job_class="django_tasks_rq.Job")
        else:
            call_command("db_worker", reload=False, interval=0.5)
