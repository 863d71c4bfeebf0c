"""How an ablation looks."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial
from typing import Any

from django import forms

from listening import ablation_figures as draw
from listening.ablating import usual
from listening.ablation_campaigns import ratings
from listening.analysis.plain import figures as short
from listening.analysis.plain import signed
from listening.understanding import Picture, face
from listening.views.study_forms import SoundStudyForm
from metrics import catalogue
from models_registry.models import Study
from models_registry.studying import Found


class AblationForm(SoundStudyForm):
    kind = "ablation"

    pairs = forms.BooleanField(required=False, label="Also any two parts removed")
    metrics = forms.MultipleChoiceField(
        required=False,
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
        fields["metrics"].initial = usual(self.version.chain["rate"])

    @classmethod
    def again(cls, study: Study) -> Found:
        asked = super().again(study)
        # those that are usual were not chosen
        if asked["metrics"] is None:
            del asked["metrics"]
        return asked


def figures(found: Found) -> Mapping[str, Picture]:
    said = ", ".join(f"{row['part']} {row['share']:.2f}" for row in found["shares"])
    number = found["shares"][0]["n"] if found["shares"] else 0
    over = f"with 95 % intervals over {number} clips" if number > 1 else "over one clip"
    pictures = {
        "shares": Picture(
            alt=f"Shapley shares: {said}",
            caption=f"Shapley shares of the change between input and output, {over}.",
            draw=partial(draw.shares, found),
        ),
        "effects": Picture(
            alt=f"Differences without a part: {_differences(found)}",
            caption=f"What changes when a part is removed, at its defaults or linear, {over}. No mark: nothing.",
            draw=partial(draw.effects, found),
            detailed=True,
        ),
    }
    single = draw.alone(found)
    if single and all(row["loss"] is not None for row in single):
        better = [
            f"{row['parts'][0]} {row['treatment']} {short(row['loss'], 2)}"
            for row in single
            if row["loss"] < 0
        ]
        pictures["losses"] = Picture(
            alt=f"Rise of {found['measure']} without a part; better without: {', '.join(better) or 'none'}",
            caption=f"How far {found['measure']} rises when a part is removed, at its defaults or linear, mean over "
            f"{number} clip{'s' * (number != 1)}; left of 0 the model is better without. Powers of ten to either side.",
            draw=partial(draw.losses, found),
            detailed=True,
        )
    if names := draw.heard_metrics(found):
        pictures["metrics"] = Picture(
            alt=f"{', '.join(names)} of the output without each part: {_heard(found, names)}",
            caption=f"{', '.join(names)} of the output without each part, held against the whole’s: mean, {over}.",
            draw=partial(draw.metrics, found),
        )
    name, table = draw.joint(found)
    if table:
        least, most = (pick(table, key=lambda both: table[both]) for pick in (min, max))
        pictures["pairs"] = Picture(
            alt=f"{name} beyond the sum of both alone: from {table[least]:.2g} ({' and '.join(sorted(least))}) to "
            f"{table[most]:.2g} ({' and '.join(sorted(most))})",
            caption=f"Two parts removed at once: {name} beyond what both cost alone. Below 0 (blue) they do one thing "
            "together, above 0 (orange) each stands in for the other.",
            draw=partial(draw.pairs, found),
        )
    if rows := found.get("retrained"):
        said = ", ".join(f"{row['part']} {row['without']:.3g}" for row in rows)
        pictures["retrained"] = Picture(
            alt=f"{found['measure']} trained without each part: {said}",
            caption=f"{found['measure']} where a part was taken from the trained model, and where the recipe was "
            "followed once more without it: what training makes up for.",
            draw=partial(draw.retrained, found),
        )
    for place, one in enumerate(found.get("ratings", ())):
        if one["parts"]:
            said = ", ".join(
                f"{row['part']} {row['value']:.2f}"
                for row in one["parts"]
                if row["value"] is not None
            )
            pictures[f"ratings-{place + 1}"] = Picture(
                alt=f"{one['campaign']}, {one['axis']}: {said}",
                caption=f"Shares beside what {one['listeners']} listeners of {one['campaign']} said, with 95 % "
                f"intervals: {one['meaning']}.",
                draw=partial(draw.ratings, found, place),
            )
    return pictures


def _differences(found: Found) -> str:
    rows = (row for row in draw.alone(found) if row["treatment"] == "removed")
    return ", ".join(f"{row['parts'][0]} {_decibels(row['difference_db'])}" for row in rows)


def _heard(found: Found, names: list[str]) -> str:
    rows = (row for row in draw.alone(found) if row["treatment"] == "removed")
    return "; ".join(
        f"{row['parts'][0]} {' and '.join(_mean(row['metrics'][name]) for name in names)}"
        for row in rows
    )


def badge(found: Found) -> str:
    largest = max(found["shares"], key=lambda row: row["share"], default=None)
    return f"{largest['part']} does the most ({100 * largest['share']:.0f} %)" if largest else ""


def text(found: Found) -> str:
    """The table as a terminal shows it."""
    heads = {name: _headed(name) for name in _metrics(found)}
    lines = [
        f"{found['version']} ({found['sha256'][:12]}) on {found['material']}",
        "",
        f"{'part':28} {'treatment':10} {'difference':>11} {'level':>8} {'spectral':>9} "
        + f"{found['measure'] + ' without':>16}"
        + "".join(f" {head:>{width}}" for head, width in heads.values()),
    ]
    for row in found["effects"]:
        loss = "" if row["loss"] is None else f"{row['loss']:+.4f}"
        lines.append(
            f"{' + '.join(row['parts']):28} {row['treatment']:10} {_decibels(row['difference_db']):>11} "
            f"{_decibels(row['level_db']):>8} {row['spectral']:9.4f} {loss:>16}"
            + "".join(
                f" {_estimate(row['metrics'][name]):>{width}}" for name, (_, width) in heads.items()
            )
        )
    if (said := found.get("metrics", {})) and said["why"]:
        lines.append(f"{', '.join(said['names'])}: {said['why']}")
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
    for one in found.get("ratings", ()):
        simulated = f", {one['simulated']} simulated" if one["simulated"] else ""
        lines += [
            "",
            f"{one['campaign']} ({one['method']}, {one['listeners']} listeners, "
            f"{one['left_out']} left out{simulated})",
        ]
        lines += [one["problem"]] if one["problem"] else [f"{one['meaning']}:"]
        lines += [f"{row['part']:28} {_said(row)}" for row in one["parts"]]
    return signed("\n".join(lines))


def _said(row: Found) -> str:
    if row["value"] is None:
        return str(row["problem"])
    ends = row["problem"] if row["low"] is None else f"[{row['low']:.2f}, {row['high']:.2f}]"
    return f"{row['value']:7.2f}  {ends}  n {row['n']} {row['of']}"


def _metrics(found: Found) -> list[str]:
    return list(found["effects"][0].get("metrics", ()))


def _headed(name: str) -> tuple[str, int]:
    """What stands over a metric's column, with its unit, and how wide that is."""
    # a plug-in that scored then may be gone
    unit = next((one.unit for one in catalogue.all() if one.name == name), "")
    head = f"{name} ({unit})" if unit else name
    return head, max(26, len(head))


def _estimate(metric: Found) -> str:
    """The mean with its interval and n."""
    if metric.get("low") is None:
        return _mean(metric)
    return f"{metric['mean']:.2f} [{metric['low']:.2f}, {metric['high']:.2f}] (n {metric['n']})"


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
    later=lambda study: {"ratings": ratings(study)},
)
