"""Hold a tree of our results to the tree of figures in an expected JSON, leaf by leaf, and count them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import isnan, log10
from typing import Any

import pytest

# closed-form figures; R prints 15 digits
RELATIVE = 1e-6


def leaves(tree: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every figure, name and decision of `tree` with its path."""
    branches = (
        tree.items()
        if isinstance(tree, dict)
        else enumerate(tree)
        if isinstance(tree, list)
        else None
    )
    if branches is None:
        yield path, tree
        return
    for name, branch in branches:
        yield from leaves(branch, f"{path}/{name}")


def check(found: Any, expected: Any, *, tolerance: Callable[[str], Any] = lambda path: None) -> int:
    """Assert that `found` has every leaf of `expected`, and return their number.

    `tolerance` may give the keywords of `pytest.approx` for a path; a p-value below 1e-9 need only have R's
    order of magnitude.
    """
    mine = dict(leaves(found))
    theirs = dict(leaves(expected))
    assert not (missing := sorted(set(theirs) - set(mine))), f"not computed: {missing[:5]}"
    for path, value in theirs.items():
        assert _agrees(mine[path], value, path, tolerance(path)), (path, mine[path], value)
    return len(theirs)


def _agrees(found: Any, expected: Any, path: str, tolerance: Any) -> bool:
    if expected is None:
        return found is None or isnan(found)
    if isinstance(expected, (str, bool)):
        return bool(found == expected)
    if tolerance:
        return bool(found == pytest.approx(expected, **tolerance))
    name = path.rsplit("/", 1)[-1]
    if name.startswith("p") and 0 < expected < 1e-9:
        near = found == pytest.approx(expected, rel=3, abs=0)
        return bool(near and found >= 0) and (found == 0 or abs(log10(found / expected)) < 0.5)
    return bool(found == pytest.approx(expected, rel=RELATIVE, abs=1e-12))
