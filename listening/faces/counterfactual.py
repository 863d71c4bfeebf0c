"""How a counterfactual looks."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from django import forms
from matplotlib.figure import Figure

from listening.analysis.plain import figures as number
from listening.counterfactuals import MOST_ANSWERS, OUTPUT, asked, changeable
from listening.drawing import COLOURS, GRID, INK, canvas
from listening.understanding import Picture, face
from listening.views.study_forms import SoundStudyForm
from models_registry.models import Signal, Study
from models_registry.studying import Found


class CounterfactualForm(SoundStudyForm):
    kind = "counterfactual"
    here = ("signals", "reference")

    target = forms.CharField(
        max_length=120,
        label="Target",
        help_text="esr<=0.1 (a recipe’s measure: esr, spectral, erb, response), si-sdr>=10 (any metric), "
        "rating:CAMPAIGN>=60 (the rating that a campaign’s stimuli predict)",
    )
    change = forms.MultipleChoiceField(
        required=False,
        label="What may be changed",
        help_text="reverb, noise, band and level are the sound’s, the rest the version’s; none chosen: all single "
        "numbers that it learned.",
    )
    against = forms.ChoiceField(
        choices=[
            ("", "what the recipe wants, else the sound as it is"),
            (OUTPUT, "what the version makes now"),
        ],
        required=False,
        label="Held against",
    )
    reference = forms.ModelChoiceField(
        Signal.objects.none(), required=False, label="or against this sound"
    )
    answers = forms.IntegerField(min_value=1, max_value=MOST_ANSWERS, initial=3, label="Answers")
    sparse = forms.BooleanField(
        required=False,
        initial=True,
        label="As few numbers as can be, rather than the smallest change",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fields: dict[str, Any] = self.fields
        fields["change"].choices = [(one, one) for one in changeable(self.version.chain)]
        fields["reference"].widget.choices = [("", "none"), *fields["reference"].widget.choices]

    @classmethod
    def again(cls, study: Study) -> Found:
        named = study.settings["reference"]
        return super().again(study) | {"against": named if named == OUTPUT else ""}

    def settings(self) -> dict[str, Any]:
        found = super().settings()
        asked(found["target"])
        reference, against = found.pop("reference"), found.pop("against")
        return {**found, "reference": reference.sha256 if reference else against}


def changes(found: Found) -> Figure:
    """Every change of every answer, on its range: from where the number is to where it would have to be."""
    rows = [
        (n, change, declared)
        for n, answer in enumerate(found["answers"], start=1)
        for change in answer["changes"]
        for declared in found["changeable"]
        if declared["name"] == change["name"]
    ][::-1]
    figure, axes = canvas(7.0, 0.9 + 0.36 * len(rows))
    for height, (n, change, declared) in enumerate(rows):
        colour = COLOURS[(n - 1) % len(COLOURS)]
        axes.plot([0, 1], [height, height], color=GRID, lw=5, solid_capstyle="round")
        start = declared["place"]
        axes.annotate(
            "",
            (start + change["share"], height),
            (start, height),
            arrowprops={"arrowstyle": "-|>", "color": colour, "lw": 2, "shrinkA": 0, "shrinkB": 0},
        )
        axes.plot(start, height, "o", color=INK, ms=4)
        said = f"{number(change['before'])} → {number(change['after'])} {change['unit']}"
        axes.text(1.03, height, said, va="center", fontsize=8.5, color=INK)
    names = [f"{n}: {change['name']}" for n, change, _ in rows]
    axes.set_yticks(range(len(rows)), names)
    axes.set_ylim(-0.7, len(rows) - 0.3)
    axes.set_xlim(-0.02, 1.02)
    axes.set_xlabel("place in the allowed range (0: its low end, 1: its high end)")
    axes.grid(axis="y", visible=False)
    return figure


def figures(found: Found) -> Mapping[str, Picture]:
    if not found["answers"]:
        return {}
    said = "; ".join(f"answer {n}: {_said(one)}" for n, one in enumerate(found["answers"], start=1))
    return {
        "changes": Picture(
            alt=f"Changes on their ranges. {said}",
            caption="From where each number is (dot) to where it would have to be (arrow), by answer, on its range.",
            draw=partial(changes, found),
            detailed=True,
        )
    }


def _said(answer: Found) -> str:
    parts = [
        f"{one['name']} {number(one['before'])} → {number(one['after'])} {one['unit']}".strip()
        for one in answer["changes"]
    ]
    return ", ".join(parts)


def _target(found: Found) -> str:
    target = found["target"]
    sign = "≥" if target["above"] else "≤"
    return f"{target['name']} {sign} {number(target['value'])} {target['unit']}".strip()


def badge(found: Found) -> str:
    if not found["answers"]:
        return f"nothing found for {_target(found)}"
    return f"{_target(found)} by {_said(found['answers'][0])}"


def _listed(answers: list[int]) -> str:
    return ("answer " if len(answers) == 1 else "answers ") + " and ".join(map(str, answers))


def text(found: Found) -> str:
    """The answers as a terminal shows them."""
    lines = [
        f"{found['version']} ({found['sha256'][:12]}) on {found['clips']} of {found['material']}, held against "
        f"{found['against']}",
        f"{_target(found)}: is {number(found['before'])}",
    ]
    if found["trust"]:
        lines.append(found["trust"])
    for n, answer in enumerate(found["answers"], start=1):
        lines += [
            "",
            f"{n}. {found['target']['name']} {number(answer['score'])}, size {answer['size']:.3f} of the ranges "
            f"(sound {answer['sound'][:12]})",
        ]
        lines += [
            f"   {one['name']:28} {number(one['before']):>10} → {number(one['after']):>10} {one['unit']:4}"
            f" ({100 * one['share']:+.1f} % of its range)".replace("(-", "(−")
            for one in answer["changes"]
        ]
        if same := answer.get("same_as"):
            lines.append(
                f"   makes the same sound as {_listed(same)}: which of them was turned no sound can tell"
            )
    if found["reason"]:
        lines += ["", f"{found['reason']}: the nearest was {number(found['nearest'])}"]
    lines.append(f"{found['trials']} trials")
    return "\n".join(lines)


face(
    "counterfactual",
    form=CounterfactualForm,
    template="listening/studies/counterfactual.html",
    figures=figures,
    text=text,
    badge=badge,
)
