"""Who hears what, in which order: pure, and the same for the same seed.

The order is that of SHA-256 digests of the seed and the thing's name, so that it depends on nothing else: not on
the order of the arguments, the version of Python or that of NumPy. Each order is equally likely over seeds.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

Thing = TypeVar("Thing")


class DesignError(ValueError):
    """A design that cannot be drawn as asked; the message says what was expected and found."""


@dataclass(frozen=True)
class Presentation:
    """One trial at its place in a session: the stimuli in their order on screen."""

    trial: str
    stimuli: tuple[str, ...]


def presentation_order(
    stimuli: Mapping[str, Sequence[str]], *, seed: int | str
) -> list[Presentation]:
    """Draw the order of the trials and, within each, the order of its stimuli on screen.

    `stimuli` maps each trial to the conditions it presents; every one appears exactly once. Raises
    `DesignError` when a trial has none or names one twice.
    """
    for trial, conditions in stimuli.items():
        if not conditions:
            raise DesignError(f"trial {trial!r}: expected at least one stimulus, found none")
        if len(set(conditions)) < len(conditions):
            raise DesignError(f"trial {trial!r}: expected each stimulus once, found one twice")
    return [
        Presentation(trial, tuple(shuffled(stimuli[trial], seed=f"{seed}/{trial}")))
        for trial in shuffled(list(stimuli), seed=seed)
    ]


def balanced_orders(
    pairs: Mapping[str, Sequence[str]], *, seed: int | str
) -> dict[str, tuple[str, ...]]:
    """Draw which of two things each page presents first.

    Of the pages that present the same two, half have either first, to within one; which half is drawn. Raises
    `DesignError` for a page of other than two.
    """
    pages: dict[tuple[str, ...], list[str]] = {}
    for page, two in pairs.items():
        if len(set(two)) != 2 or len(two) != 2:
            raise DesignError(f"page {page!r}: expected two things to order, found {len(two)}")
        pages.setdefault(tuple(sorted(two)), []).append(page)
    orders = {}
    for two, of_two in pages.items():
        one = tuple(shuffled(two, seed=f"{seed}/{two}"))
        for place, page in enumerate(shuffled(of_two, seed=f"{seed}/{two}/pages")):
            orders[page] = one[::-1] if place % 2 else one
    return orders


def shuffled(things: Sequence[Thing], *, seed: int | str) -> list[Thing]:
    """`things` in the order of their digests under `seed`."""
    return sorted(things, key=lambda thing: hashlib.sha256(f"{seed}\0{thing}".encode()).digest())
