"""A progress bar for commands whose work reports a share and a message."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tqdm import tqdm


@contextmanager
def bar(title: str) -> Iterator[Callable[[float, str], None]]:
    """Yield `report(share, message)`; draws on stderr, and only there, so that output can be piped."""
    with tqdm(
        total=100,
        desc=title,
        bar_format="{desc}: {percentage:3.0f}% |{bar:30}| {elapsed} {postfix}",
    ) as drawn:

        def report(share: float, message: str = "") -> None:
            drawn.set_postfix_str(message, refresh=False)
            drawn.update(100 * share - drawn.n)

        yield report
