"""How an ablation looks."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
from django import forms
from matplotlib.figure import Figure

from listening.ablating import METRICS
from listening.drawing import COLOURS, INK, canvas
from listening.understanding import Picture, face
from listening.views.study_forms import SoundStudyForm
from metrics import catalogue
from models_registry.studying import Found


class AblationForm(SoundStudyForm):
    kind = "ablation"

    pairs = forms.BooleanField(required=False, label="Also any two parts removed")
    metrics = forms.MultipleChoiceField(
        required=False,
        initial=METRICS,
        label="Metrics",
        help_text="Held against the whole model's output.",
    )
    retrain = forms.BooleanField(
        required=False,
        label="Also train without each part",
        help_text="Takes as long as training so often.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        named = [(one.name, one.title) for one in catalogue.all() if one.needs_reference]
        fields: dict[str, Any] = self.fields
        fields["metrics"].choices = named


def shares(found: Found) -> Figure:
    """Each part's Shapley share of what the chain does, with its interval over the clips."""
    rows = found["shares"][::-1]
    figure, axes = canvas(6.4, 0.9 + 0.34 * len(rows))
    places = np.arange(len(rows))
    values = np.array([row["share"] for row in rows])
    axes.barh(places, values, color=COLOURS[0], height=0.6)
    for place, row in zip(places, rows, strict=True):
        if row["low"] is not None:
            axes.plot([row["low"], row["high"]], [place, place], color=INK, lw=1.6)
    axes.axvline(0, color=INK, lw=0.8)
    axes.set_yticks(places, [row["part"] for row in rows])
    axes.set_xlabel("share of what the chain does (their sum is 1)")
    axes.grid(axis="y", visible=False)
    return figure


def figures(found: Found) -> Mapping[str, Picture]:
    said = ", ".join(f"{row['part']} {row['share']:.2f}" for row in found["shares"])
    number = found["shares"][0]["n"] if found["shares"] else 0
    return {
        "shares": Picture(
            alt=f"Shapley shares: {said}",
            caption=f"Shapley shares of the change between input and output, with 95 % intervals over {number} clips.",
            draw=partial(shares, found),
        )
    }


def badge(found: Found) -> str:
    largest = max(found["shares"], key=lambda row: row["share"], default=None)
    return f"{largest['part']} does the most ({100 * largest['share']:.0f} %)" if largest else ""


def text(found: Found) -> str:
    """The table as a terminal shows it."""
    lines = [
        f"{found['version']} ({found['sha256'][:12]}) on {found['material']}",
        "",
        f"{'part':28} {'treatment':10} {'difference':>11} {'level':>8} {'spectral':>9} "
        + f"{found['measure'] + ' without':>16}"
        + "".join(f" {name:>14}" for name in _metrics(found)),
    ]
    for row in found["effects"]:
        loss = "" if row["loss"] is None else f"{row['loss']:+.4f}"
        lines.append(
            f"{' + '.join(row['parts']):28} {row['treatment']:10} {_decibels(row['difference_db']):>11} "
            f"{_decibels(row['level_db']):>8} {row['spectral']:9.4f} {loss:>16}"
            + "".join(f" {_mean(row['metrics'][name]):>14}" for name in _metrics(found))
        )
    lines += [f"no {name}: {reason}" for name, reason in found["unscored"].items()]
    lines += ["", "Shapley shares of what the chain does to its input:"]
    for share in found["shares"]:
        interval = (
            f"[{share['low']:.3f}, {share['high']:.3f}]" if share["low"] is not None else "one clip"
        )
        lines.append(f"{share['part']:28} {share['share']:7.3f}  {interval}  n {share['n']}")
    for row in found.get("retrained", ()):
        whole = "–" if row["whole"] is None else f"{row['whole']:.4f}"
        lines.append(
            f"trained without {row['part']}: {found['measure']} {row['without']:.4f} (whole: {whole})"
        )
    # of numbers, not within names
    return re.sub(r"(?<!\w)-(?=\d)", "−", "\n".join(lines))


def _metrics(found: Found) -> list[str]:
    return list(found["effects"][0].get("metrics", ()))


def _mean(metric: Found) -> str:
    return "–" if metric["mean"] is None else f"{metric['mean']:.2f} (n {metric['n']})"


def _decibels(value: float | None) -> str:
    return "none" if value is None or not math.isfinite(value) else f"{value:.1f} dB"


face(
    "ablation",
    form=AblationForm,
    template="listening/studies/ablation.html",
    figures=figures,
    text=text,
    badge=badge,
)
