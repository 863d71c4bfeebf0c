"""The front of a leaderboard: sound against what can be read, and against what it costs."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator

from listening.drawing import COLOURS, GRID, MUTED, plain_axes
from listening.leaderboards import Board, Line
from listening.understanding import Picture

AXES = ("explained", "real_time")


def pictures(board: Board) -> dict[str, Picture]:
    """The figures that there are numbers for, by name."""
    shown = [one for one in board.lines if _place(board, one, "explained")]
    if not shown:
        return {}
    best = [one.entry.name for one in board.lines if one.front]
    said = f"{board.ranked_by.title} against what can be read and against cost, of {len(shown)} entries; "
    said += f"on the front: {', '.join(best)}" if best else "none is on the front"
    return {
        "front": Picture(
            alt=said,
            caption=f"Filled: on the Pareto front, so that no other entry is as good in {board.ranked_by.title}, share "
            "explained by named parameters and real-time factor and better in one of them. Entries without a model "
            "behind them have no place here.",
            draw=lambda: front(board),
        )
    }


def front(board: Board) -> Figure:
    """Sound against legibility and against cost, a panel each; the better, the further to the upper right and left."""
    figure = Figure(figsize=(8.4, 4.2), layout="constrained")
    for axes, name in zip(figure.subplots(1, 2, sharey=True), AXES, strict=True):
        _panel(axes, board, name)
        plain_axes(axes)
        axes.grid(axis="x", color=GRID, lw=0.8)
    unit = f" ({board.ranked_by.unit})" if board.ranked_by.unit else ""
    better = "higher" if board.ranked_by.higher else "lower"
    figure.axes[0].set_ylabel(f"{board.ranked_by.title}{unit}, {better} is better")
    return figure


def _panel(axes: Axes, board: Board, name: str) -> None:
    (column,) = (one for one in board.columns if one.name == name)
    places = [
        (line, place) for line in board.lines if (place := _place(board, line, name)) is not None
    ]
    for line, (x, y) in places:
        cell = line.cells[board.ranked_by.name]
        if cell.low is not None and cell.high is not None:
            axes.plot([x, x], [cell.low, cell.high], color=MUTED, lw=1)
        colour = COLOURS[0]
        axes.plot(x, y, "o", mfc=colour if line.front else "white", mec=colour, ms=7)
    if name == "real_time" and places:
        axes.set_xscale("log")
        # 0.005 says more of a real-time factor than a power of ten
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
        axes.xaxis.set_minor_locator(NullLocator())
    axes.margins(0.14, 0.12)
    left, right = axes.get_xlim()
    span = np.ptp(axes.get_ylim())
    middle = np.sqrt(left * right) if name == "real_time" else (left + right) / 2
    for line, (x, y) in places:
        beyond = x > middle
        below = any(other[1] > y and abs(other[1] - y) < 0.04 * span for _, other in places)
        axes.annotate(
            line.entry.name,
            (x, y),
            textcoords="offset points",
            xytext=(-8 if beyond else 8, -10 if below else 4),
            ha="right" if beyond else "left",
            fontsize=8,
        )
    unit = f" ({column.unit})" if column.unit else ""
    axes.set_xlabel(f"{column.title}{unit}, {'higher' if column.higher else 'lower'} is better")


def _place(board: Board, line: Line, name: str) -> tuple[float, float] | None:
    x, y = line.cells[name].value, line.cells[board.ranked_by.name].value
    if x is None or y is None:
        return None
    return (100 * x if name == "explained" else x), y
