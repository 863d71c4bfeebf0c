"""Where versions stand, beside their names."""

from __future__ import annotations

from typing import Any

from django import template

from models_registry import standing
from models_registry.models import ModelVersion

register = template.Library()


@register.inclusion_tag("listening/parts/barred.html")
def barred(version: ModelVersion | None) -> dict[str, Any]:
    """Why no new campaign takes the version; nothing where one may."""
    return {"mark": standing.of(version) if version else None}
