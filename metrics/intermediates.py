"""What several metrics read of one signal is computed once: a spectrum, a power over time, a signal at another rate.

Results are kept by the content of the arrays that they come from, so that no caller need know of it and none can
be given another signal's.
"""

from __future__ import annotations

import hashlib
import weakref
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from dataclasses import is_dataclass
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import numpy as np
from numpy.typing import NDArray

P = ParamSpec("P")
R = TypeVar("R")

# What all results together may hold: those of a pair of two minutes.
MOST_BYTES = 2**28
# Of those without arrays, whose keys hold memory too.
MOST_RESULTS = 256

_results: OrderedDict[Hashable, tuple[Any, int]] = OrderedDict()


def kept(compute: Callable[P, R]) -> Callable[P, R]:
    """Keep the latest results of `compute`, which must depend on its arguments alone; nobody may write to them."""

    @wraps(compute)
    def remembering(*args: P.args, **kwargs: P.kwargs) -> R:
        key = (compute, *map(_content, args), *sorted(kwargs.items()))
        if key in _results:
            _results.move_to_end(key)
            return _results[key][0]
        result = compute(*args, **kwargs)
        arrays = list(_arrays(result))
        for array in arrays:
            array.flags.writeable = False
        _results[key] = result, sum(array.nbytes for array in arrays)
        total = sum(size for _, size in _results.values())
        while total > MOST_BYTES or len(_results) > MOST_RESULTS:
            _, (_, size) = _results.popitem(last=False)
            total -= size
        return result

    return remembering


def forget() -> None:
    """Drop all results that are kept."""
    _results.clear()


def _arrays(result: object) -> Iterator[NDArray[Any]]:
    if isinstance(result, np.ndarray):
        yield result
    elif isinstance(result, tuple):
        for part in result:
            yield from _arrays(part)
    elif is_dataclass(result):
        yield from _arrays(tuple(vars(result).values()))


# Digests of arrays that nobody can write to, as long as they live, by identity.
_digests: dict[int, tuple[weakref.ref[NDArray[Any]], bytes]] = {}


def _content(argument: Any) -> Hashable:
    if not isinstance(argument, np.ndarray):
        return argument
    return argument.shape, str(argument.dtype), _digest(argument)


def _digest(array: NDArray[Any]) -> bytes:
    # A read-only view may still change with what it is a view of.
    fixed = not array.flags.writeable and array.base is None
    known = _digests.get(id(array)) if fixed else None
    if known and known[0]() is array:
        return known[1]
    digest = hashlib.sha256(np.ascontiguousarray(array).data).digest()
    if fixed:
        identity = id(array)
        forget = weakref.ref(array, lambda _: _digests.pop(identity, None))
        _digests[identity] = forget, digest
    return digest
