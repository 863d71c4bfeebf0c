"""Changing what is written once, as somebody would who owns the database: to show that it is noticed, or to arrange."""

from __future__ import annotations

from typing import Any

from django.db import models

from models_registry import triggers


def rewrite(rows: models.QuerySet, **changes: Any) -> int:
    """Update `rows` past the manager and the triggers; returns how many there were."""
    with triggers.lifted():
        return models.QuerySet.update(rows, **changes)


def strike(rows: models.QuerySet) -> None:
    """Delete `rows` past the manager and the triggers."""
    with triggers.lifted():
        models.QuerySet.delete(rows)
