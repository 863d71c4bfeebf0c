"""Run background jobs until stopped."""

from __future__ import annotations

import threading
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand

from models_registry import jobs


class Command(BaseCommand):
    help = "Run background jobs (training, rendering, scoring) until stopped."

    def handle(self, *args: Any, **options: Any) -> None:
        threading.Thread(target=jobs.sweep_for_ever, daemon=True, name="sweep").start()
        if str(settings.TASKS["default"]["BACKEND"]).endswith("RQBackend"):
            call_command("rqworker", "default", job_class="django_tasks_rq.Job")
        else:
            call_command("db_worker", reload=False, interval=0.5)
