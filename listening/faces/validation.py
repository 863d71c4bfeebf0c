"""How a validation looks."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
from django import forms
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, NullFormatter

from listening.analysis.plain import signed
from listening.drawing import ALERT, COLOURS, GRID, INK, MUTED, canvas
from listening.understanding import Picture, face
from listening.validating import BROKEN, PASSED
from listening.views.study_forms import BEFORE, StudyForm
from models_registry.degradations import DEGRADATIONS
from models_registry.extra import engine
from models_registry.models import Study
from models_registry.studying import Found


class ValidationForm(StudyForm):
    kind = "validation"

    suite = forms.ChoiceField(label="Suite")
    own = forms.FileField(
        required=False,
        label="A suite of your own",
        help_text="A YAML or JSON file of probes and ladders, in place of the suite above.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fields: dict[str, Any] = self.fields
        suites = engine().probes.suite
        fields["suite"].choices = [
            *((name, suites.load(name).title) for name in suites.shipped()),
            *(
                (choice, f"{one.settings['suite']}, as sent for study {one.pk}")
                for choice, one in self.asked_before()
                if one.settings["own"]
            ),
        ]

    @classmethod
    def again(cls, study: Study) -> Found:
        own = study.settings["own"]
        return {"suite": f"{BEFORE}{study.pk}" if own else study.settings["suite"]}

    def settings(self) -> dict[str, Any]:
        sent, chosen = self.cleaned_data["own"], self.cleaned_data["suite"]
        if not sent and chosen.startswith(BEFORE):
            return dict(self.before(chosen).settings)
        if not sent:
            return {"suite": chosen, "own": None}
        suites = engine().probes.suite
        if sent.size > suites.LARGEST:
            raise ValueError(
                f"{sent.name}: expected at most {suites.LARGEST} bytes, found {sent.size}"
            )
        name = sent.name.rpartition(".")[0] or sent.name
        data = suites.understood(sent.read(), name=sent.name)
        suites.parsed(data, name=name)
        return {"suite": name, "own": data}


def probe(found: Found, number: int) -> Figure:
    """The curve of one probe, the parent's dashed."""
    one = found["probes"][number]
    curve = one["curve"]
    figure, axes = canvas(6.4, 3.0)
    x = np.array(curve["x"], dtype=float)
    # between two harmonics there is nothing
    single = curve["axis"] == "harmonic"
    now: dict[str, Any] = {"marker": "o", "ls": "none"} if single else {"lw": 1.6}
    then: dict[str, Any] = (
        {"marker": "_", "ms": 12, "ls": "none"} if single else {"lw": 1, "ls": "--"}
    )
    for (name, line), colour in zip(curve["lines"].items(), COLOURS, strict=False):
        axes.plot(x, np.array(line, dtype=float), color=colour, label=name, **now)
        if one["before"]:
            before = np.array(one["before"][name], dtype=float)
            if before.size == x.size:
                axes.plot(x, before, color=colour, label=f"{name}, parent", **then)
    if single:
        axes.set_xticks(x, [f"{order:g}" for order in x])
    if curve["logarithmic"]:
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter(EngFormatter(sep=""))
        axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel(curve["axis"])
    axes.set_ylabel(curve["unit"])
    axes.legend(frameon=False, fontsize=8.5)
    axes.set_title(one["name"], loc="left", fontsize=10, fontweight="bold")
    return figure


def ladder(found: Found, number: int, judged: int) -> Figure:
    """A metric over the degree of damage: mean and range over sources, the limit, the input's and the parent's."""
    one = found["ladders"][number]
    metric = one["metrics"][judged]
    figure, axes = canvas(6.4, 3.0)
    x = np.arange(len(one["at"]))
    output = metric["lines"]["output"]
    mean, least, most = (
        np.array([row[key] for row in output], dtype=float) for key in ("mean", "least", "most")
    )
    # instruments have no order, and so nothing between them
    named = any(isinstance(at, str) for at in one["at"])
    if not named:
        axes.fill_between(x, least, most, color=COLOURS[0], alpha=0.15, lw=0)
    style = "none" if named else "-"
    axes.plot(x, mean, color=COLOURS[0], marker="o", ms=4, lw=1.6, ls=style, label="output")
    for side, dashes, marker in (("parent", "--", "_"), ("input", ":", "x")):
        line = np.array([row["mean"] for row in metric["lines"][side]], dtype=float)
        if np.isfinite(line).any():
            drawn: dict[str, Any] = {"ls": "none", "marker": marker} if named else {"ls": dashes}
            axes.plot(x, line, color=MUTED, lw=1.4, label=side, **drawn)
    axes.axhline(metric["limit"], color=INK, lw=0.8)
    axes.annotate("limit", (x[0], metric["limit"]), fontsize=8, va="bottom", color=INK)
    ticks = [at if isinstance(at, str) else signed(f"{at:g}") for at in one["at"]]
    axes.set_xticks(x, ticks, fontsize=8.5)
    axes.set_xlabel(_degrees(one))
    axes.set_ylabel(f"{metric['metric']} ({metric['unit']})")
    axes.legend(frameon=False, fontsize=8.5)
    title = f"{one['name']}: {signed(metric['fails']['sentence'])}"
    axes.set_title(title, loc="left", fontsize=10, fontweight="bold")
    return figure


def _degrees(one: Found) -> str:
    """What grows along a ladder, with its unit."""
    damage = DEGRADATIONS.get(one["damage"])
    # without its article
    said = f"{one['name']}: {damage.quantity.partition(' ')[2]}" if damage else one["name"]
    return f"{said} ({one['unit']})" if one["unit"] else said


def overview(found: Found) -> Figure:
    """Every rung of every ladder by every metric, from the mildest to the worst: whether the mean holds the limit."""
    rows = _scored(found)
    figure, axes = canvas(7.6, 0.9 + 0.24 * len(rows))
    for place, (_, metric) in enumerate(reversed(rows)):
        for rung, row in enumerate(metric["lines"]["output"]):
            if row["mean"] is None:
                continue
            holds = _holds(metric, row["mean"])
            axes.plot(
                rung,
                place,
                "o" if holds else "X",
                color=COLOURS[0] if holds else ALERT,
                ms=6 if holds else 7,
            )
    axes.set_yticks(
        range(len(rows)),
        [f"{one['name']}, {metric['metric']}" for one, metric in reversed(rows)],
        fontsize=8.5,
    )
    axes.set_ylim(-0.6, len(rows) - 0.4)
    most = max(len(one["at"]) for one, _ in rows)
    axes.set_xticks(range(most), [str(rung + 1) for rung in range(most)])
    axes.set_xlabel("rung, from the mildest (dot: the limit is held, cross: it is not)")
    axes.grid(axis="y", color=GRID, lw=0.6)
    return figure


def _scored(found: Found) -> list[tuple[Found, Found]]:
    """Each ladder with each of its metrics that was computed."""
    return [
        (one, metric)
        for one in found["ladders"]
        for metric in one["metrics"]
        if any(row["n"] for row in metric["lines"]["output"])
    ]


def _holds(metric: Found, mean: float) -> bool:
    return bool(mean >= metric["limit"] if metric["higher"] else mean <= metric["limit"])


def figures(found: Found) -> Mapping[str, Picture]:
    pictures = {}
    if rows := _scored(found):
        failing = [
            f"{one['name']} ({metric['metric']}) {metric['fails']['sentence']}"
            for one, metric in rows
            if not metric["fails"]["sentence"].startswith("holds")
        ]
        pictures["overview"] = Picture(
            alt=signed(f"Ladders at a glance: {'; '.join(failing) or 'all hold throughout'}"),
            caption=f"All ladders at a glance: {len(rows) - len(failing)} of {len(rows)} curves hold their limits "
            "throughout. Each is drawn below.",
            draw=partial(overview, found),
            detailed=True,
        )
    for number, one in enumerate(found["probes"]):
        if one["curve"]:
            pictures[f"probe-{number}"] = Picture(
                alt=f"{one['name']}: {_readings(one)}",
                caption=f"{one['name']}: {one['purpose']}",
                draw=partial(probe, found, number),
            )
    for number, one in enumerate(found["ladders"]):
        for judged, metric in enumerate(one["metrics"]):
            if not any(row["n"] for row in metric["lines"]["output"]):
                continue
            means = ", ".join(
                f"{at}: {_number(row['mean'], 1)}"
                for at, row in zip(one["at"], metric["lines"]["output"], strict=True)
            )
            sources = max(row["n"] for row in metric["lines"]["output"])
            pictures[f"ladder-{number}-{judged}"] = Picture(
                alt=f"{one['name']}, {metric['metric']} by degree: {means}",
                caption=f"{metric['title']}: mean and range over {sources} source{'s' * (sources > 1)} a rung.",
                draw=partial(ladder, found, number, judged),
            )
    return pictures


def badge(found: Found) -> str:
    if found["verdict"] == PASSED:
        held = f", no worse than {found['parent']}" if found["parent"] else ""
        return f"passed {found['suite']['name']}{held}"
    if found["verdict"] == BROKEN:
        return f"{found['suite']['name']}: {sum(not one['holds'] for one in found['blocks'])} promises broken"
    return f"{found['suite']['name']}: {len(found['regressions'])} worse than {found['parent']}"


def text(found: Found) -> str:
    """The readings, promises and failure points as a terminal shows them."""
    parent = found["parent"]
    lines = [
        f"{found['version']} ({found['sha256'][:12]}): {badge(found)}",
        f"ladders are held against {found['truth']}",
        "",
        f"{'probe':24} {'reading':14} {'value':>12}" + (f" {parent:>20}" if parent else ""),
    ]
    for one in found["probes"]:
        if one["reason"]:
            lines.append(f"{one['name']:24} {one['reason']}")
        for row in one["readings"]:
            before = f" {_number(row['parent'], 2):>20}" if parent else ""
            value = f"{_number(row['value'], 2)} {row['unit']}"
            lines.append(f"{one['name']:24} {row['name']:14} {value:>12}{before}")
    kept = sum(one["holds"] for one in found["blocks"])
    lines += ["", f"{kept} of {len(found['blocks'])} promises of blocks kept"]
    for one in found["blocks"]:
        if not one["holds"]:
            shown = one["reason"] or f"{_number(one['value'], 2)} {one['unit']}"
            lines.append(
                f"broken: {one['block']} ({one['kind']}) under {one['probe']}: {one['quantity']} "
                f"{one['expected']}, found {shown}"
            )
    lines += ["", f"{'ladder':16} {'metric':26} failure point"]
    for one in found["ladders"]:
        for metric in one["metrics"]:
            lines.append(f"{one['name']:16} {metric['metric']:26} {metric['fails']['sentence']}")
    if parent:
        lines += ["", f"worse than {parent}: {len(found['regressions']) or 'nothing'}"]
        lines += found["regressions"]
    return signed("\n".join(lines))


def _readings(one: Found) -> str:
    return ", ".join(
        f"{row['name']} {_number(row['value'], 1)} {row['unit']}" for row in one["readings"]
    )


def _number(value: float | None, digits: int) -> str:
    return "–" if value is None else f"{value:z.{digits}f}"


face(
    "validation",
    form=ValidationForm,
    template="listening/studies/validation.html",
    figures=figures,
    text=text,
    badge=badge,
)
