"""Power against the number of listeners, for several numbers of items: what `planning.power_table` holds."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from listening.drawing import COLOURS, GRID, INK, MARKERS, MUTED, headline, plain_axes

# of power: the two that plans are made for
LINES = (0.8, 0.9)
SCOPES = {
    "for_such_items": "items like these: crossed mixed model",
    "for_these_items": "these items alone: paired t-test",
}


def power_figure(table: pd.DataFrame, *, difference: float) -> Figure:
    """A panel for each scope, a line for each number of items; shades are Monte-Carlo intervals."""
    figure = Figure(figsize=(8.4, 3.9), layout="constrained")
    for place, (axes, (column, words)) in enumerate(
        zip(figure.subplots(1, 2, sharey=True), SCOPES.items(), strict=True)
    ):
        _panel(axes, table, column)
        headline(axes, words.split(":")[0].capitalize(), words.split(": ")[1])
        if not place:
            axes.set_ylabel(f"power to find {difference:g} points at 5 %")
    figure.get_axes()[1].legend(
        title="items", frameon=False, fontsize=8.5, loc="lower right", title_fontsize=8.5
    )
    return figure


def _panel(axes: Axes, table: pd.DataFrame, column: str) -> None:
    plain_axes(axes)
    axes.set_ylim(0, 1.02)
    axes.set_xlabel("listeners")
    for line in LINES:
        axes.axhline(line, color=MUTED, lw=0.9, ls="--")
    for place, (items, of) in enumerate(table.groupby("items", sort=True)):
        colour = COLOURS[place % len(COLOURS)]
        if column == "for_such_items":
            axes.fill_between(
                of["listeners"], of["such_low"], of["such_high"], color=colour, alpha=0.25, lw=0
            )
        axes.plot(
            of["listeners"],
            of[column],
            color=colour,
            marker=MARKERS[place % len(MARKERS)],
            ms=3.5,
            lw=1.4,
            label=str(items),
        )
    axes.tick_params(colors=INK)
    axes.grid(color=GRID)
