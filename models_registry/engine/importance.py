"""Which modules of a chain a search's results hang on: shares of the variance of quality over the space.

A forest of trees learns the rank of each trial's quality from what was chosen; the shares are those of the forest over
an even draw from the whole space, as the trials themselves crowd where it was good. `alone` is the share that goes
with a module's choices by themselves, `total` what would be left of the variance if all else were known (Sobol's
indices, with a module's choices taken together: Saltelli et al., Global Sensitivity Analysis, 2008, by the estimators
of Jansen, Computer Physics Communications 117, 1999); they differ by what modules do together. Intervals are of forests
that learned from redrawn trials.

Conventions: matrices are (draws, columns); a module's columns are taken together.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.model_selection import KFold, cross_val_predict

from models_registry.engine.contract import EngineError
from models_registry.engine.search import DONE, PRUNED, QUALITY, Trial
from models_registry.engine.space import Choices, Dimension, Space

TREES, REDRAWN, DRAWS, FOLDS = 40, 20, 512, 5
LEAST = 10
CONFIDENCE = 0.95
# where the forest cannot foretell a trial from the others, its shares mean nothing
FORETOLD = 0.1

Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class Share:
    """A module's shares of the variance, with 95 % intervals of `total`."""

    module: str
    alone: float
    total: float
    low: float
    high: float


@dataclass(frozen=True)
class Importance:
    """Shares by module, the largest first, over `n` trials; `foretold` is the share of the variance of their ranks that
    the forest foretells of trials that it has not seen (R² by cross-validation)."""

    shares: list[Share]
    n: int
    foretold: float

    @property
    def tells(self) -> bool:
        return self.foretold >= FORETOLD


def importance(space: Space, trials: Sequence[Trial], *, seed: int = 0) -> Importance:
    """What `trials` say of each module. Pruned trials count with the quality at which they were given up.

    Raises `EngineError` for fewer than 10 explored trials, or where all are alike.
    """
    used = [one for one in trials if one.explores and one.choices and _quality(one) is not None]
    if len(used) < LEAST:
        raise EngineError(f"expected at least {LEAST} explored trials, found {len(used)}")
    quality = np.array([_quality(one) for one in used], dtype=np.float64)
    if np.ptp(quality) == 0:
        raise EngineError(
            f"expected trials of different quality, found {quality[0]:g} for all {len(used)}"
        )
    known, ranks = _matrix(space, [one.choices for one in used]), stats.rankdata(quality)
    draw = np.random.default_rng(seed)
    groups = _groups(space)
    first, second = (_drawn(space, draw) for _ in range(2))
    mixed = [
        [{**a, **{path: b[path] for path in paths}} for a, b in zip(first, second, strict=True)]
        for paths in groups.values()
    ]
    asked = np.concatenate([_matrix(space, one) for one in (first, second, *mixed)])

    def shares(rows: NDArray[np.intp]) -> tuple[Matrix, Matrix]:
        forest = _forest(int(draw.integers(2**31))).fit(known[rows], ranks[rows])
        a, b, *c = forest.predict(asked).reshape(len(groups) + 2, DRAWS)
        return jansen(a, b, np.stack(c))

    count = len(used)
    alone, total = shares(np.arange(count))
    again = np.stack([shares(draw.integers(count, size=count))[1] for _ in range(REDRAWN)])
    low, high = np.quantile(again, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2], axis=0)
    found = [
        Share(module, float(a), float(t), float(min(lo, t)), float(max(hi, t)))
        for module, a, t, lo, hi in zip(groups, alone, total, low, high, strict=True)
    ]
    return Importance(
        sorted(found, key=lambda one: -one.total), count, _foretold(known, ranks, seed)
    )


def sobol(
    function: Callable[[Matrix], Matrix],
    first: Matrix,
    second: Matrix,
    groups: Sequence[Sequence[int]],
) -> tuple[Matrix, Matrix]:
    """Shares alone and total of `function` for `groups` of columns over two independent draws of its arguments."""
    mixed = []
    for group in groups:
        one = first.copy()
        one[:, group] = second[:, group]
        mixed.append(function(one))
    return jansen(function(first), function(second), np.stack(mixed))


def jansen(first: Matrix, second: Matrix, mixed: Matrix) -> tuple[Matrix, Matrix]:
    """Shares alone and total from values (draws,) of two independent draws and `mixed` (groups, draws): the first draw
    with a group's columns of the second."""
    variance = np.concatenate([first, second]).var()
    if variance == 0:
        return np.zeros(len(mixed)), np.zeros(len(mixed))
    alone = 1 - ((second - mixed) ** 2).mean(1) / (2 * variance)
    total = ((first - mixed) ** 2).mean(1) / (2 * variance)
    return np.clip(alone, 0, 1), np.clip(total, 0, 1)


def _quality(one: Trial) -> float | None:
    if one.state == DONE:
        return one.values[QUALITY]
    return one.history[-1][1] if one.state == PRUNED and one.history else None


def _forest(seed: int) -> ExtraTreesRegressor:
    return ExtraTreesRegressor(TREES, min_samples_leaf=2, bootstrap=False, random_state=seed)


def _foretold(known: Matrix, ranks: Matrix, seed: int) -> float:
    folds = KFold(min(FOLDS, len(ranks)), shuffle=True, random_state=seed)
    told = cross_val_predict(_forest(seed), known, ranks, cv=folds)
    return float(1 - ((told - ranks) ** 2).sum() / ((ranks - ranks.mean()) ** 2).sum())


def _groups(space: Space) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for one in space.dimensions:
        found.setdefault(one.module, []).append(one.path)
    return found


def _drawn(space: Space, draw: np.random.Generator) -> list[Choices]:
    """Even draws of every dimension, those included that do not apply: another module's choice may call for them."""
    columns = {}
    for one in space.dimensions:
        if one.choices is not None:
            labels = list(one.choices)
            columns[one.path] = [labels[n] for n in draw.integers(len(labels), size=DRAWS)]
            continue
        columns[one.path] = [_number(one, share) for share in draw.random(DRAWS)]
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _number(one: Dimension, share: float) -> float:
    if one.log:
        value = math.exp(math.log(one.low) + share * math.log(one.high / one.low))
    else:
        value = one.low + share * (one.high - one.low)
    return round(value) if one.whole else value


def _place(one: Dimension, value: float) -> float:
    """Where `value` is in the range, 0 to 1."""
    if one.log:
        return math.log(value / one.low) / math.log(one.high / one.low)
    return (value - one.low) / (one.high - one.low)


def _matrix(space: Space, rows: Sequence[Mapping[str, object]]) -> Matrix:
    """What was chosen as numbers: a column for a range, one for each label; what does not apply is in the middle."""
    found = []
    for choices in rows:
        applies = {one.path for one in space.active(choices)}
        row: list[float] = []
        for one in space.dimensions:
            value = choices.get(one.path) if one.path in applies else None
            if one.choices is None:
                row.append(0.5 if value is None else _place(one, value))  # type: ignore[arg-type]
            else:
                row += [float(value == label) for label in one.choices]
        found.append(row)
    return np.array(found)
