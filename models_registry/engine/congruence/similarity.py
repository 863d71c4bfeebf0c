"""How alike two representations of the same moments are: linear centred kernel alignment, with its null and interval.

S. Kornblith, M. Norouzi, H. Lee, G. Hinton, Similarity of Neural Network Representations Revisited, ICML 2019. The
estimate is the debiased one (T. Nguyen, M. Raghu, S. Kornblith, ICLR 2021, with the unbiased dependence of L. Song et
al., J. Mach. Learn. Res. 13, 2012, eq. 5), since the plain one is high for any two wide representations of few moments.

Conventions: representations are (moments, units) with moments in order of time, one array for each clip. Neighbouring
moments resemble each other, so the null shifts one representation against the other in time, round the end, and keeps
what neighbours share; the interval leaves out one stretch of moments at a time.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from models_registry.engine.contract import EngineError

Array = NDArray[np.float64]

# the unbiased estimate divides by n − 3
FEWEST = 20
SHIFTS = 499
CONFIDENCE = 0.95
# so many stretches at least are left out in turn
STRETCHES = 10
# a unit that moves less than this beside its size stands still
STILL = 1e-9


@dataclass(frozen=True)
class Similarity:
    """Debiased CKA with its interval, the plain one, the mean and 95th percentile of the null, the share of the null
    that comes up to it (p), and on how many moments of how many clips."""

    value: float
    low: float
    high: float
    plain: float
    null_mean: float
    null_high: float
    p: float
    moments: int
    clips: int


def plain_cka(x: Array, y: Array) -> float:
    """Linear CKA of `x` (moments, units) and `y`: 0 to 1, 1 where one is the other turned and scaled (eq. 3 with linear
    kernels); for one unit each the squared correlation."""
    a, b = _centred(x), _centred(y)
    return float(
        np.square(a.T @ b).sum() / math.sqrt(np.square(a.T @ a).sum() * np.square(b.T @ b).sum())
    )


def debiased_cka(x: Array, y: Array) -> float:
    """The same from unbiased estimates: about 0 for independent representations however wide they are."""
    a, b = _Kernel(_centred(x)), _Kernel(_centred(y))
    return a.with_(b) / math.sqrt(_positive(a) * _positive(b))


def similarity(xs: Sequence[Array], ys: Sequence[Array], *, seed: int = 0) -> Similarity:
    """How alike `xs` and `ys` are over clips; raises `EngineError` for too few moments or what does not change."""
    if len(xs) != len(ys) or any(len(x) != len(y) for x, y in zip(xs, ys, strict=False)):
        raise EngineError(
            f"expected as many moments in both, found {[len(x) for x in xs]} and {[len(y) for y in ys]}"
        )
    moments = sum(len(x) for x in xs)
    if moments < FEWEST:
        raise EngineError(
            f"expected {FEWEST} moments or more to compare, found {moments}: give longer signals"
        )
    x, y = np.concatenate(xs), np.concatenate(ys)
    value = debiased_cka(x, y)
    null = _null(x, y, np.random.default_rng(seed))
    stretches = _stretches([len(one) for one in xs])
    left_out = np.array([debiased_cka(x[~out], y[~out]) for out in stretches])
    count = len(stretches)
    # Efron's jackknife
    error = math.sqrt((count - 1) / count * float(np.square(left_out - left_out.mean()).sum()))
    margin = float(stats.t.ppf((1 + CONFIDENCE) / 2, count - 1)) * error
    return Similarity(
        value=value,
        low=value - margin,
        high=value + margin,
        plain=plain_cka(x, y),
        null_mean=float(null.mean()),
        null_high=float(np.quantile(null, 0.95)),
        p=float((1 + (null >= value).sum()) / (1 + len(null))),
        moments=moments,
        clips=len(xs),
    )


def _centred(x: Array) -> Array:
    values = np.asarray(x, dtype=np.float64)
    if values.ndim != 2 or not np.isfinite(values).all():
        raise EngineError(
            f"expected finite values (moments, units), found an array shaped {values.shape}"
        )
    centred = values - values.mean(axis=0)
    if not np.abs(centred).max(initial=0) > STILL * max(1.0, np.abs(values).max(initial=0)):
        raise EngineError(
            "expected features that change from moment to moment, found constant ones"
        )
    return centred


class _Kernel:
    """The linear kernel of `x` (moments, units) without its diagonal, never written out."""

    def __init__(self, x: Array) -> None:
        self.x = x
        self.diagonal = np.square(x).sum(axis=1)
        self.sums = x @ x.sum(axis=0) - self.diagonal

    def with_(self, other: _Kernel) -> float:
        """The unbiased dependence on `other` (Song et al., eq. 5)."""
        n = len(self.x)
        trace = np.square(self.x.T @ other.x).sum() - self.diagonal @ other.diagonal
        both = self.sums.sum() * other.sums.sum() / ((n - 1) * (n - 2))
        return float((trace + both - 2 / (n - 2) * (self.sums @ other.sums)) / (n * (n - 3)))

    def shifted(self, by: int) -> _Kernel:
        moved = object.__new__(_Kernel)
        moved.x, moved.diagonal, moved.sums = (
            np.roll(one, by, axis=0) for one in (self.x, self.diagonal, self.sums)
        )
        return moved


def _positive(kernel: _Kernel) -> float:
    found = kernel.with_(kernel)
    if not found > 0:
        raise EngineError(
            "expected features that change from moment to moment, found ones that hardly do"
        )
    return found


def _null(x: Array, y: Array, draw: np.random.Generator) -> Array:
    a, b = _Kernel(_centred(x)), _Kernel(_centred(y))
    scale = math.sqrt(_positive(a) * _positive(b))
    # not so little that the moments still meet their neighbours
    least = max(1, len(x) // 20)
    shifts = draw.integers(least, len(x) - least + 1, size=SHIFTS)
    known = {int(by): a.with_(b.shifted(int(by))) / scale for by in np.unique(shifts)}
    return np.array([known[int(by)] for by in shifts])


def _stretches(lengths: Sequence[int]) -> list[NDArray[np.bool_]]:
    """Masks (moments,) of clips, or of parts of clips where there are fewer than `STRETCHES`."""
    each = math.ceil(STRETCHES / len(lengths))
    begins = np.cumsum([0, *lengths])
    found = []
    for begin, length in zip(begins, lengths, strict=False):
        for part in np.array_split(np.arange(begin, begin + length), min(each, length)):
            mask = np.zeros(begins[-1], dtype=np.bool_)
            mask[part] = True
            found.append(mask)
    return found
