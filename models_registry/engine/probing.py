"""What a representation holds: how much of it goes with a factor, and what can be read from it.

Conventions: features are (n, dimensions), one row per observation; a factor has one label for each row. Everything is
held against the same figure with the labels shuffled, and has an interval; what is random follows from a seed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from models_registry.engine.contract import EngineError

Array = NDArray[np.float64]
Labels = NDArray[np.intp]

CONFIDENCE = 0.95
DRAWS = 500
# of the mean variance, added to each dimension's: as many dimensions as observations then do no harm
SHRINKAGE = 0.1
FOLDS = 5
# of the total variance relative to the mean square: less is rounding
CONSTANT = 1e-12


@dataclass(frozen=True)
class VarianceShare:
    """The share of a representation's variance that goes with a factor of so many `levels`: ε² (0: none but chance, 1:
    all of it) with its 95 % interval, p of a permutation test, over `n` observations."""

    factor: str
    levels: int
    share: float
    low: float
    high: float
    p: float
    n: int


@dataclass(frozen=True)
class Probe:
    """How often a linear probe reads a factor of so many `levels` from rows that it has not learned from: `accuracy`
    with its 95 % interval (Clopper-Pearson), `chance` and p by shuffled labels, over `n` observations."""

    factor: str
    levels: int
    accuracy: float
    low: float
    high: float
    chance: float
    p: float
    n: int

    @property
    def is_read(self) -> bool:
        """Whether it is read more often than chance would have it."""
        return self.p < 1 - CONFIDENCE


def _checked(features: ArrayLike, labels: Sequence[str], factor: str) -> tuple[Array, Labels]:
    rows = np.asarray(features, dtype=np.float64)
    if rows.ndim != 2 or len(rows) != len(labels):
        raise EngineError(
            f"{factor}: expected a label for each row of features, found {len(labels)} labels for {rows.shape}"
        )
    if not np.isfinite(rows).all():
        raise EngineError(f"{factor}: expected finite features, found NaN or infinity")
    names, numbers = np.unique(np.asarray(labels), return_inverse=True)
    least = np.bincount(numbers).min() if len(names) else 0
    if len(names) < 2 or least < 2:
        raise EngineError(
            f"{factor}: expected two levels or more, each of two observations or more, found {len(names)} level(s), "
            f"the rarest of {least}"
        )
    centred = rows - rows.mean(0)
    if not (centred**2).sum() > CONSTANT * max((rows**2).sum(), CONSTANT):
        raise EngineError(f"{factor}: expected features that vary, found the same for every row")
    return centred, numbers


def variance_share(
    features: ArrayLike,
    labels: Sequence[str],
    *,
    factor: str,
    within: Sequence[str] | None = None,
    seed: int = 0,
    draws: int = DRAWS,
) -> VarianceShare:
    """The share of the variance of `features`, summed over dimensions, that the levels of a factor explain.

    ε² (Kelley, An Unbiased Correlation Ratio Measure, PNAS 21(9), 1935), which expects 0 where there is nothing and may
    fall below. With `within` (a label for each row: the other factors') the error is that within these blocks, and
    labels are shuffled within them. A basic bootstrap interval, over rows within cells or, where cells hold one row,
    over blocks. Raises `EngineError` for features that do not vary, or for too few observations.
    """
    rows, numbers = _checked(features, labels, factor)
    draw = np.random.default_rng(seed)
    # the same sums of squares in as few dimensions as there are observations
    if rows.shape[1] > len(rows):
        u, s, _ = np.linalg.svd(rows, full_matrices=False)
        rows = u * s
    blocks = _blocks(within, len(rows))
    found = _epsilon(rows, numbers, blocks)
    null = np.array(
        [_epsilon(rows, _shuffled(numbers, blocks, draw), blocks) for _ in range(draws)]
    )
    again = np.array(
        [_epsilon(rows[c], numbers[c], k) for c, k in _again(numbers, blocks, draws, draw)]
    )
    tail = 100 * (1 - CONFIDENCE) / 2
    low, high = 2 * found - np.percentile(again, [100 - tail, tail])
    p = (1 + np.count_nonzero(null >= found - 1e-12)) / (1 + draws)
    levels = int(numbers.max()) + 1
    return VarianceShare(
        factor, levels, found, float(low), min(1.0, float(high)), float(p), len(rows)
    )


def _blocks(labels: Sequence[str] | None, n: int) -> Labels:
    if labels is None:
        return np.zeros(n, dtype=np.intp)
    return np.unique(np.asarray(labels), return_inverse=True)[1]


def _again(
    numbers: Labels, blocks: Labels, draws: int, draw: np.random.Generator
) -> Iterator[tuple[Labels, Labels]]:
    """Rows drawn with replacement, and the block of each."""
    cell = blocks * (numbers.max() + 1) + numbers
    cells = [np.flatnonzero(cell == n) for n in np.unique(cell)]
    whole = [np.flatnonzero(blocks == n) for n in range(blocks.max() + 1)]
    for _ in range(draws):
        if min(one.size for one in cells) > 1:
            chosen = np.concatenate([draw.choice(one, one.size) for one in cells])
            yield chosen, blocks[chosen]
        else:
            drawn = draw.integers(len(whole), size=len(whole))
            sizes = [whole[n].size for n in drawn]
            yield np.concatenate([whole[n] for n in drawn]), np.repeat(np.arange(len(drawn)), sizes)


def _epsilon(rows: Array, numbers: Labels, blocks: Labels) -> float:
    total = ((rows - rows.mean(0)) ** 2).sum()
    inner = rows - _means(rows, blocks)[blocks]
    within = (inner**2).sum()
    between = (np.bincount(numbers)[:, None] * _means(inner, numbers) ** 2).sum()
    levels = np.count_nonzero(np.bincount(numbers)) - 1
    rest = len(rows) - np.count_nonzero(np.bincount(blocks)) - levels
    if not total > 0:
        return 0.0
    return float((between - levels * (within - between) / max(1, rest)) / total)


def _means(rows: Array, numbers: Labels) -> Array:
    """The mean of the rows of each number (numbers, dimensions); 0 where there is none."""
    sums = np.zeros((numbers.max() + 1, rows.shape[1]))
    np.add.at(sums, numbers, rows)
    return sums / np.maximum(np.bincount(numbers), 1)[:, None]


def probe(
    features: ArrayLike,
    labels: Sequence[str],
    *,
    factor: str,
    groups: Sequence[str] | None = None,
    seed: int = 0,
    draws: int = 200,
) -> Probe:
    """How well a regularised linear discriminant reads a factor from `features`, by cross-validation.

    With `groups` (a label for each row) whole groups are left out in turn and labels are shuffled within them, so that
    what is read holds in a group never seen; without, `FOLDS` folds. Raises `EngineError` as `variance_share`.
    """
    rows, numbers = _checked(features, labels, factor)
    draw = np.random.default_rng(seed)
    if groups is None:
        parts = _folds(numbers, draw)
        blocks = _blocks(None, len(rows))
    else:
        blocks = parts = _blocks(groups, len(rows))
        if parts.max() < 1:
            raise EngineError(
                f"{factor}: expected two groups or more to leave out in turn, found one"
            )
    splits = [(_Discriminant(rows[parts != n]), parts == n) for n in range(parts.max() + 1)]

    def right(of: Labels) -> int:
        return sum(
            int(np.count_nonzero(known(of[~out], rows[out]) == of[out])) for known, out in splits
        )

    hits = right(numbers)
    null = np.array([right(_shuffled(numbers, blocks, draw)) for _ in range(draws)])
    n = len(rows)
    interval = stats.binomtest(hits, n).proportion_ci(CONFIDENCE, method="exact")
    p = (1 + np.count_nonzero(null >= hits)) / (1 + draws)
    return Probe(
        factor,
        int(numbers.max()) + 1,
        hits / n,
        float(interval.low),
        float(interval.high),
        float(null.mean() / n),
        float(p),
        n,
    )


class _Discriminant:
    """A linear discriminant with one shrunken covariance for all classes; what does not hang on labels, once."""

    def __init__(self, rows: Array) -> None:
        self.mean = rows.mean(0)
        # in the space of the rows: no more dimensions than observations
        _, s, axes = np.linalg.svd(rows - self.mean, full_matrices=False)
        self.axes = axes[s > 1e-9 * max(s.max(), 1e-300)].T
        self.rows = (rows - self.mean) @ self.axes

    def __call__(self, numbers: Labels, rows: Array) -> Labels:
        """The class of each of `rows`, learned from the labels `numbers` of the rows known."""
        classes, place = np.unique(numbers, return_inverse=True)
        counts, centres = np.bincount(place), _means(self.rows, place)
        rest = self.rows - centres[place]
        covariance = rest.T @ rest / max(1, len(rest) - len(classes))
        spread = np.trace(covariance) / len(covariance)
        covariance = (1 - SHRINKAGE) * covariance + SHRINKAGE * max(spread, 1e-300) * np.eye(
            len(covariance)
        )
        weights = np.linalg.solve(covariance, centres.T)
        score = ((rows - self.mean) @ self.axes) @ weights - 0.5 * (centres.T * weights).sum(0)
        return np.asarray(classes[np.argmax(score + np.log(counts / counts.sum()), axis=1)])


def _folds(numbers: Labels, draw: np.random.Generator) -> Labels:
    """A fold for each row, every class spread over all of them."""
    parts = np.empty(len(numbers), dtype=np.intp)
    for n in range(numbers.max() + 1):
        members = draw.permutation(np.flatnonzero(numbers == n))
        parts[members] = np.arange(members.size) % min(FOLDS, len(numbers))
    return np.unique(parts, return_inverse=True)[1]


def _shuffled(numbers: Labels, blocks: Labels, draw: np.random.Generator) -> Labels:
    mixed = numbers.copy()
    for n in range(blocks.max() + 1):
        inside = np.flatnonzero(blocks == n)
        mixed[inside] = numbers[draw.permutation(inside)]
    return mixed
