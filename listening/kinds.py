"""Kinds of blocks and adapters as the site tells of them: looked up in the engine, which may not be installed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from models_registry.extra import EngineMissing, engine

if TYPE_CHECKING:
    from models_registry.engine import Card


def blocks() -> dict[str, Any]:
    """Every kind of block by name; raises `EngineMissing`."""
    return dict(sorted(engine("blocks").BLOCKS.items()))


def adapters() -> dict[str, Any]:
    """Every kind of adapter by name; raises `EngineMissing`."""
    return dict(sorted(engine("adapters").ADAPTERS.items()))


def kind_card(kind: str) -> Card | None:
    """The card of a kind of block or adapter; None where there is none, or no engine to ask."""
    try:
        found = blocks().get(kind) or adapters().get(kind)
    except EngineMissing:
        return None
    card: Card | None = found.card if found else None
    return card
