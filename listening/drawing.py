"""What all figures share: canvas, colours, the quality scale, titles and the stamp on simulated ratings.

Colours are those of Okabe and Ito (2008), told apart by colour-blind readers; conditions differ by marker as well.
"""

from __future__ import annotations

import io
import textwrap
import threading
from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.transforms import offset_copy

from listening.analysis.frames import METHODS

INK, MUTED, GRID, ALERT = "#222222", "#767676", "#e3e3e3", "#d55e00"
COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#a6851a", "#222222")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
ROLE_COLOURS = {"reference": INK, "anchor35": MUTED, "anchor70": MUTED, "anchor": MUTED}
# the reference first, then what is compared, then the anchors
ROLE_ORDER = ("reference", "system", "anchor70", "anchor", "anchor35")
QUALITIES = ("Bad", "Poor", "Fair", "Good", "Excellent")
IMPAIRMENTS = ("Very annoying", "Annoying", "Slightly annoying", "Perceptible", "Imperceptible")
# BS.1534-3's continuous quality scale in five bands, and the words at the grades of the others
WORDS = {"mushra": QUALITIES, "acr": QUALITIES, "dcr": IMPAIRMENTS, "bs1116": IMPAIRMENTS}
NAME_WIDTH = 13
# of PNG, as printers want it
DPI = 200
# matplotlib's caches of fonts and of mathematical text are not made for threads
DRAWING = threading.Lock()


def rendered(figure: Figure, form: str) -> bytes:
    """The figure as svg, pdf or png, the same bytes for the same rows."""
    buffer = io.BytesIO()
    undated = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}.get(form)
    with DRAWING, mpl.rc_context({"svg.hashsalt": "earwitness", "pdf.fonttype": 42}):
        figure.savefig(buffer, format=form, metadata=undated, dpi=DPI)
    return buffer.getvalue()


def canvas(width: float, height: float) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.subplots()
    plain_axes(axes)
    return figure, axes


def plain_axes(axes: Axes, *, grid: str = "y") -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y" if grid == "y" else "x", color=GRID, lw=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(labelsize=8.5, colors=INK)


def rating_axis(axes: Axes, rating: pd.Series, method: str, *, mean: str = "") -> None:
    """The scale of `method` upright, its words beside it; of difference grades, where `rating` lies beyond the scale,
    as much as there are, and 0."""
    kind = METHODS[method]
    what = f"{mean}rating"
    if not rating.between(kind.low, kind.high).all():
        low, high = min(float(rating.min()), -1.0), max(float(rating.max()), 0.0)
        axes.set_ylim(low - 0.2, high + 0.2)
        axes.axhline(0, color=INK, lw=1, ls="--")
        axes.set_ylabel(f"{mean}difference grade")
        return
    span = kind.high - kind.low
    axes.set_ylim(kind.low - 0.03 * span, kind.high + 0.03 * span)
    axes.set_yticks(np.linspace(kind.low, kind.high, 6 if span > 10 else round(span) + 1))
    axes.set_ylabel(f"{what} ({kind.low:g}–{kind.high:g})")
    words = WORDS.get(method, ())
    places = (
        np.linspace(kind.low, kind.high, 2 * len(words) + 1)[1::2] if span > 10 else range(1, 6)
    )
    for place, word in zip(places, words, strict=False):
        axes.text(
            1.01,
            place,
            word,
            transform=axes.get_yaxis_transform(),
            va="center",
            fontsize=8,
            color=MUTED,
        )


def legend(axes: Axes, figure: Figure) -> None:
    # beside the names of the quality bands
    axes.legend(
        loc="upper left",
        bbox_to_anchor=(1.0, 1.0),
        borderaxespad=0,
        bbox_transform=offset_copy(axes.transAxes, figure, x=0.85),
        frameon=False,
        fontsize=8.5,
        title="condition",
        alignment="left",
    )


def headline(axes: Axes, title: str, subtitle: str) -> None:
    axes.set_title(title, loc="left", fontsize=11, fontweight="bold", pad=22)
    axes.annotate(
        subtitle,
        (0, 1),
        xycoords="axes fraction",
        xytext=(0, 8),
        textcoords="offset points",
        fontsize=8.5,
        color=MUTED,
    )


def heading(figure: Figure, title: str) -> None:
    figure.suptitle(title, x=0.01, ha="left", fontsize=11, fontweight="bold")


def stamped(figure: Figure, rows: pd.DataFrame) -> Figure:
    if not rows["simulated"].any():
        return figure
    words = "simulated listeners" if rows["simulated"].all() else "some listeners are simulated"
    strip = 0.32 / figure.get_figheight()
    if not figure.get_suptitle():
        figure.set_layout_engine("constrained", rect=(0, 0, 1, 1 - strip))
    figure.text(
        0.99,
        1 - strip / 2,
        words.upper(),
        ha="right",
        va="center",
        fontsize=8.5,
        fontweight="bold",
        color=ALERT,
        bbox={"boxstyle": "square,pad=0.3", "fc": "white", "ec": ALERT, "lw": 1.2},
    )
    return figure


def ordered(described: pd.DataFrame) -> pd.DataFrame:
    rank = described["role"].map({role: place for place, role in enumerate(ROLE_ORDER)})
    sort = described.assign(rank=rank).sort_values(["rank", "mean"], ascending=[True, False])
    return sort.drop(columns="rank").reset_index(drop=True)


def condition_styles(
    conditions: Sequence[str], roles: dict[str, str]
) -> dict[str, tuple[str, str]]:
    """Colour and marker of each condition; systems take colours in turn, the others their role's."""
    systems = [c for c in conditions if roles[c] == "system"]
    styles = {
        c: (COLOURS[place % len(COLOURS)], MARKERS[place % len(MARKERS)])
        for place, c in enumerate(systems)
    }
    others = [c for c in conditions if roles[c] != "system"]
    return styles | {c: (ROLE_COLOURS[roles[c]], "_x+1"[k % 4]) for k, c in enumerate(others)}


def jitter(n: int, *, spread: float = 0.14) -> np.ndarray:
    return np.random.default_rng(0).uniform(-spread, spread, n)


def wrapped(name: str, width: int) -> str:
    return "\n".join(textwrap.wrap(name, width, break_long_words=True)) or name


def width_for(conditions: int) -> float:
    return max(5.6, min(1.6 + 0.95 * conditions, 14.0))
