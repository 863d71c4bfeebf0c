"""Who hears what, in which order: pure, and the same for the same seed.

The order is that of SHA-256 digests of the seed and the thing's name, so that it depends on nothing else: not on
the order of the arguments, the version of Python or that of NumPy. Each order is equally likely over seeds.

What is balanced over listeners is drawn by **row**: a number from 0 that no two sessions share
(listening/allotting.py). What each row holds is known beforehand.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import gcd
from typing import TypeVar

Thing = TypeVar("Thing")

# rows after which dealing begins anew, so that a row far down needs not all before it
SEASON = 120


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


def williams_row(n: int, row: int) -> list[int]:
    """The order of `n` things, numbered from 0, in the `row` of Williams' square that balances what follows what.

    Over n rows of an even n, or 2n of an odd one, each thing stands in each place equally often and directly follows
    each other thing equally often (E. J. Williams, Aust. J. Sci. Res. A 2, 149, 1949). Further rows begin anew.
    """
    if n < 1 or row < 0:
        raise DesignError(f"expected a row from 0 and one thing or more, found row {row} of {n}")
    # 0, 1, n-1, 2, n-2, …: neighbours differ by every number once (an even n), or forwards and backwards together
    first = [(place + 1) // 2 if place % 2 else -place // 2 for place in range(n)]
    if n % 2 and (row // n) % 2:
        first.reverse()
    return [(one + row) % n for one in first]


def williams_rows(n: int) -> int:
    """How many rows Williams' square of `n` things has."""
    return n if n % 2 == 0 or n == 1 else 2 * n


def in_williams_order(things: Sequence[Thing], *, row: int, seed: int | str) -> list[Thing]:
    """`things` in the order of a row; which of them is which number is drawn from `seed`."""
    named = shuffled(things, seed=seed)
    return [named[number] for number in williams_row(len(named), row)]


def crossed_order(
    conditions: Sequence[str], items: Sequence[str], *, row: int, seed: int | str
) -> list[tuple[str, str]]:
    """Every condition of every item, one by one: in each block of as many places as there are conditions, each once.

    Within every block conditions stand in a row of Williams' square, and over as many rows as that has, the
    balance holds in each block; over as many such rounds as there are items each of them has been everywhere as often.
    From block to block no condition follows itself, and they follow one another in turn.
    """
    named, ordered = shuffled(conditions, seed=f"{seed}/conditions"), shuffled(items, seed=seed)
    n = len(named)
    of_block = williams_row(n, row)
    # items move on when the square is through: together they would keep each other out of some places
    turn = row // williams_rows(n)
    found = []
    for block in range(len(ordered)):
        found += [(named[one], ordered[(block + one + turn) % len(ordered)]) for one in of_block]
        # the same row shifted is a row of the same square: its first comes so far behind the last before it
        behind = 1 + block % max(n - 1, 1)
        shift = of_block[-1] + behind - of_block[0]
        of_block = [(one + shift) % n for one in of_block]
    return found


def dealt(things: Sequence[str], *, size: int, row: int, seed: int | str) -> list[str]:
    """Which `size` of `things` a row gets.

    After every row each thing was dealt as often as every other, to within one, and exactly as often after each
    `dealing_round` of rows; two things are dealt together as evenly as choosing the rarest company allows.
    """
    if not 1 <= size <= len(things):
        raise DesignError(f"expected 1 to {len(things)} of them to be dealt, found {size}")
    season, nth = divmod(row, _season(len(things), size))
    return list(_dealt_season(tuple(things), size, f"{seed}/{season}")[nth])


def dealt_before(thing: str, things: Sequence[str], *, size: int, row: int, seed: int | str) -> int:
    """How many rows before `row` were dealt `thing`."""
    length = _season(len(things), size)
    season, nth = divmod(row, length)
    now = _dealt_season(tuple(things), size, f"{seed}/{season}")[:nth]
    return season * length * size // len(things) + sum(thing in one for one in now)


def dealing_round(n: int, size: int) -> int:
    """After how many rows `size` of `n` things were dealt to each, every thing has been dealt equally often."""
    return n // gcd(n, size)


def _season(n: int, size: int) -> int:
    whole = dealing_round(n, size)
    return whole * -(-SEASON // whole)


@lru_cache(maxsize=512)
def _dealt_season(things: tuple[str, ...], size: int, seed: str) -> tuple[tuple[str, ...], ...]:
    """The hands of a whole season: the rarest things first, of these the ones that met the chosen least."""
    n, rows = len(things), _season(len(things), size)
    if size == n:
        return (things,) * rows
    dealt_so_far = [0] * n
    together = [[0] * n for _ in range(n)]
    hands = []
    for row in range(rows):
        luck = {number: k for k, number in enumerate(shuffled(range(n), seed=f"{seed}/{row}"))}
        hand: list[int] = []
        met = [0] * n
        for _ in range(size):
            left = (number for number in range(n) if number not in hand)
            chosen = min(left, key=lambda one: (dealt_so_far[one], met[one], luck[one]))
            hand.append(chosen)
            met = [a + b for a, b in zip(met, together[chosen], strict=True)]
        for one in hand:
            dealt_so_far[one] += 1
            for other in hand:
                together[one][other] += one != other
        hands.append(tuple(things[number] for number in sorted(hand)))
    return tuple(hands)
