"""The figure of what a metric makes of known damage, and the same in words.

Pure; made without pyplot (see `listening.drawing`). Damage grows to the right in every panel.
"""

from __future__ import annotations

from matplotlib.figure import Figure

from listening.drawing import COLOURS, INK, MARKERS, MUTED, plain_axes
from metrics.catalogue import Direction, Metric
from metrics.response import DAMAGES, Response

BETTER = {Direction.HIGHER: ", higher is better", Direction.LOWER: ", lower is better"}


def response(metric: Metric, found: Response) -> Figure:
    """A panel for each kind of damage, all on one scale; the undamaged sound's value as a dashed line."""
    figure = Figure(figsize=(7.8, 2.9), layout="constrained")
    panels = figure.subplots(1, len(DAMAGES), sharey=True)
    for axes, damage, colour, marker in zip(panels, DAMAGES, COLOURS, MARKERS, strict=False):
        plain_axes(axes)
        values = [result.value for result in found.of[damage.name]]
        given = [(place, value) for place, value in enumerate(values) if value is not None]
        if found.undamaged.value is not None:
            axes.axhline(found.undamaged.value, color=MUTED, ls="--", lw=1.2)
        axes.plot(*zip(*given, strict=True) if given else ((), ()), marker=marker, color=colour)
        for place in set(range(len(values))) - {place for place, _ in given}:
            axes.text(
                place,
                0.02,
                "none",
                transform=axes.get_xaxis_transform(),
                ha="center",
                fontsize=8,
                color=MUTED,
            )
        axes.set_xlim(-0.4, len(values) - 0.6)
        axes.set_xticks(range(len(values)), [f"{at:g}" for at in damage.levels])
        axes.set_xlabel(f"{damage.name} ({damage.unit})", color=INK)
    unit = "" if metric.unit == "1" else f" ({metric.unit})"
    panels[0].set_ylabel(f"{metric.name}{unit}{BETTER.get(metric.direction, '')}", fontsize=8.5)
    return figure


def in_words(metric: Metric, found: Response) -> str:
    """The values at the least and the most damage of each kind, and why some are missing."""
    unit = "" if metric.unit == "1" else f" {metric.unit}"
    said = [f"A {found.sound}, synthetic, undamaged: {_value(found.undamaged.value)}{unit}."]
    for damage in DAMAGES:
        results = found.of[damage.name]
        said.append(
            f"{damage.name.capitalize()} from {damage.levels[0]:g} to {damage.levels[-1]:g} {damage.unit}: "
            f"{_value(results[0].value)} to {_value(results[-1].value)}{unit}."
        )
    everything = [found.undamaged, *(result for results in found.of.values() for result in results)]
    reasons = dict.fromkeys(result.message for result in everything if result.value is None)
    return " ".join([*said, *(f"None where {reason}." for reason in reasons)])


def _value(value: float | None) -> str:
    return "none" if value is None else f"{value:.3g}".replace("-", "−")
