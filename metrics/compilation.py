"""Loops that only a compiler makes fast."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec

# numba comes with the extra `engine`.
AVAILABLE = find_spec("numba") is not None


def compiled(function: Callable[..., None]) -> Callable[..., None]:
    """Return `function` compiled where numba is installed, else as it is."""
    try:
        from numba import njit
    except ImportError:
        return function
    try:
        return njit(cache=True)(function)
    except RuntimeError:  # no folder that numba may write to
        return njit(function)
