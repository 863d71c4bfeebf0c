"""Numbers as pages show them: the same roundings as the command line's, a dash for what is missing."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from typing import Any

from django import template

from listening.ablation_figures import with_unit
from listening.analysis import plain

register = template.Library()


@register.filter
def number(value: float | None, digits: int = 2) -> str:
    return plain.number(digits)(value) if _present(value) else plain.MISSING


@register.filter
def figures(value: float | None, digits: int = 4) -> str:
    """To `digits` significant figures, for scores whose sizes differ by orders of magnitude."""
    return plain.figures(value, digits) if _present(value) else plain.MISSING  # type: ignore[arg-type]


@register.filter
def beginning(named: Mapping[str, Any], start: str) -> list[tuple[str, Any]]:
    """Those whose names begin so, with their names."""
    return [(name, one) for name, one in named.items() if name.startswith(start)]


@register.filter
def percent(value: float | None, digits: int = 3) -> str:
    """A share, to `digits` significant figures."""
    return f"{plain.figures(100 * value, digits)} %" if _present(value) else plain.MISSING  # type: ignore[operator]


@register.filter
def beyond(z: float) -> str:
    return plain.beyond(z)


@register.filter
def signed(text: str) -> str:
    """A sentence with minus signs before its numbers."""
    return plain.signed(text)


@register.filter
def measured(name: str) -> str:
    """A metric's name with its unit."""
    return with_unit(name)


@register.filter
def words(name: str) -> str:
    """A status as it is said."""
    return name.replace("_", " ")


@register.filter
def p_value(value: float | None) -> str:
    return plain.p_value(value) if _present(value) else plain.MISSING  # type: ignore[arg-type]


def _present(value: float | None) -> bool:
    return value is not None and isfinite(value)
