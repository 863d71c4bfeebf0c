"""Prove the record: walk the chain of events, every signal's samples and every version's weights."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError

from models_registry import audit
from models_registry.management.base import RefusingCommand
from models_registry.models import AuditEvent, ModelVersion, Signal


class Command(RefusingCommand):
    help = "Walk the record, the signals and the weights; name the first break (exit code 1)."

    def handle(self, *args: Any, **options: Any) -> None:
        for found in (*audit.breaks_in_chain(), *audit.breaks_in_files()):
            raise CommandError(f"the record is broken at {found.where}: {found.what}", returncode=1)
        last = AuditEvent.objects.order_by("-number").first()
        self.stdout.write(
            f"{AuditEvent.objects.count()} events, {Signal.objects.count()} signals and "
            f"{ModelVersion.objects.count()} versions are as they were recorded"
            + (f"; last event {last.sha256}" if last else "")
        )
