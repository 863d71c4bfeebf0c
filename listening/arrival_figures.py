"""The figure of a campaign's arrivals: sessions begun and finished by time, against the quota. Pure."""

from __future__ import annotations

import pandas as pd
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure

from listening.drawing import COLOURS, MUTED, canvas, stamped


def arrivals(sessions: pd.DataFrame, *, quota: int | None = None) -> Figure:
    """Steps of how many sessions had begun, and were finished, at each time; a line where the quota is reached.

    `sessions` has one row per session: began and finished (times in UTC, the latter missing where it is not) and
    simulated.
    """
    figure, axes = canvas(9.6, 3.2)
    for column, colour in (("began", MUTED), ("finished", COLOURS[0])):
        times = pd.to_datetime(sessions[column], utc=True).dropna().sort_values()
        counts = range(1, len(times) + 1)
        axes.step(times, counts, "o-", ms=3, where="post", label=column, color=colour)
    if quota:
        axes.axhline(quota, ls="--", lw=1, color=MUTED, label="quota")
    # room above the quota, and beside the steps for what they are
    axes.set_ylim(0, 1.08 * max(len(sessions), quota or 0, 1))
    axes.set_ylabel("sessions")
    locator = AutoDateLocator()  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_locator(locator)
    dates = ConciseDateFormatter(locator)  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_formatter(dates)
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False, fontsize=8.5)
    return stamped(figure, sessions)
