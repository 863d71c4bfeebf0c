"""Registers to look into: what is stored, as it is stored. Nothing here is written or deleted by hand."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest

from models_registry.models import (
    Allowance,
    AudioModel,
    AuditEvent,
    Job,
    ModelStatement,
    ModelVersion,
    Rendering,
    Signal,
    Standing,
    TrainingRun,
)


class Register(admin.ModelAdmin):
    """Rows that may be read, not added, changed or deleted: the record and the evidence must not pass by here."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


def register(model: type[Model], **options: Any) -> None:
    """Show `model` as a register with these options of `ModelAdmin`."""
    admin.site.register(model, type(f"{model.__name__}Register", (Register,), options))


register(
    Signal,
    list_display=["title", "sha256", "rate", "channels", "frames"],
    search_fields=["title", "sha256"],
)
register(AudioModel, list_display=["name", "title", "created_at"])
register(
    ModelVersion,
    list_display=["__str__", "sha256", "reason", "created_at"],
    search_fields=["sha256"],
)
register(ModelStatement, list_display=["__str__", "intent", "author", "created_at"])
register(
    Standing,
    list_display=["__str__", "number", "act", "actor", "reason", "at"],
    list_filter=["act"],
)
register(Allowance, list_display=["__str__", "actor", "reason", "used_for", "at"])
register(TrainingRun, list_display=["__str__", "seed", "reason", "created_at"])
register(Rendering, list_display=["__str__", "created_at"])
register(
    Job,
    list_display=["__str__", "progress", "message", "created_at"],
    list_filter=["state", "kind"],
)
register(
    AuditEvent,
    list_display=["number", "at", "act", "subject", "actor", "reason"],
    list_filter=["act", "actor"],
)
