"""What several metrics read of one signal is computed once: a spectrum, a power over time, a signal at another rate.

Results are kept by the content of the arrays that they come from, so that no caller need know of it and none can
be given another signal's.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Hashable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import numpy as np

P = ParamSpec("P")
R = TypeVar("R")

# Results of one function that are kept: a reference's and a degraded signal's, as they are and mixed to one channel.
KEPT = 4
# A minute and a half of mono at 48 kHz. Longer signals are computed anew each time: memory is dearer than time.
MOST_BYTES = 2**25


def kept(compute: Callable[P, R]) -> Callable[P, R]:
    """Keep the latest results of `compute`, which must depend on its arguments alone; nobody may write to them."""
    results: OrderedDict[Hashable, R] = OrderedDict()

    @wraps(compute)
    def remembering(*args: P.args, **kwargs: P.kwargs) -> R:
        if sum(a.nbytes for a in args if isinstance(a, np.ndarray)) > MOST_BYTES:
            return compute(*args, **kwargs)
        key = (*map(_content, args), *sorted(kwargs.items()))
        if key in results:
            results.move_to_end(key)
            return results[key]
        result = results[key] = compute(*args, **kwargs)
        if isinstance(result, np.ndarray):
            result.flags.writeable = False
        if len(results) > KEPT:
            results.popitem(last=False)
        return result

    return remembering


def _content(argument: Any) -> Hashable:
    if not isinstance(argument, np.ndarray):
        return argument
    data = np.ascontiguousarray(argument).data
    return argument.shape, str(argument.dtype), hashlib.sha256(data).digest()
