"""How an explanation looks."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
from django import forms

from listening.analysis.plain import beyond, signed
from listening.explaining import METHODS, PARAMETERS, SIGNAL
from listening.explanation_figures import courses, drawn_map, heat, parameters
from listening.understanding import Picture, face
from listening.views.study_forms import SoundStudyForm
from models_registry.models import Signal
from models_registry.studying import Found

TITLES = {
    "integrated-gradients": "Integrated gradients: adds up exactly",
    "gradient-input": "Gradient × input: fast and local",
    "smoothgrad": "SmoothGrad: the slope, averaged over noise",
    "relevance": "Relevance: block by block, with a ledger",
    "occlusion": "Occlusion: any number, any metric",
}


class ExplanationForm(SoundStudyForm):
    kind = "explanation"
    here = ("signals", "reference")

    method = forms.ChoiceField(choices=[(one, TITLES[one]) for one in METHODS], label="Method")
    of = forms.ChoiceField(
        choices=[(SIGNAL, "the sound, by band and time"), (PARAMETERS, "the learned parameters")],
        label="What is to be divided",
    )
    target = forms.CharField(
        max_length=120,
        initial="energy",
        label="What is explained",
        help_text="energy, energy:2000-8000@0.5-1 (Hz, s), loss:esr, loss:stft, loss:audible (with a reference), "
        "move:BLOCK.PARAMETER (what an adapter adds), metric:NAME (by occlusion)",
    )
    reference = forms.ModelChoiceField(
        Signal.objects.none(),
        required=False,
        label="Reference",
        help_text="What should have come out; the recipe’s own where its test clip is taken.",
    )
    start = forms.FloatField(min_value=0, initial=0, label="Begin at (s)")
    seconds = forms.FloatField(
        min_value=0,
        max_value=20,
        initial=0,
        label="Go on for (s)",
        help_text="0: to the end; at most 20 s.",
    )
    condition = forms.ChoiceField(required=False, label="As")
    checks = forms.BooleanField(
        required=False, initial=True, label="Check whether the method can be believed here"
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fields: dict[str, Any] = self.fields
        fields["condition"].choices = [
            ("", "none in particular"),
            *((one, one) for one in self.version.knows),
        ]
        if not self.version.knows:
            del fields["condition"]
        fields["reference"].widget.choices = [("", "none"), *fields["reference"].widget.choices]

    def settings(self) -> dict[str, Any]:
        found = super().settings()
        reference = found.pop("reference")
        return {**found, "reference": reference.sha256 if reference else ""}


def figures(found: Found) -> Mapping[str, Picture]:
    if found["of"] == PARAMETERS:
        said = ", ".join(f"{row['parameter']} {row['part']:.3g}" for row in found["parameters"][:5])
        return {
            "parameters": Picture(
                alt=f"Parts of the parameters: {said}",
                caption=f"What each parameter’s way from its beginning makes of {found['target']['title']}; "
                "orange raises, blue lowers.",
                draw=partial(parameters, found),
            )
        }
    pictures = {
        "map": Picture(
            alt=f"Heat map by frequency and time; {highest(found)}",
            caption="Above, the sound; below, what each region of it makes (colour: the square root of the part, so "
            "that small ones are seen; orange raises, blue lowers; lines: where the sound is 30 dB below its loudest).",
            draw=partial(heat, found),
            detailed=True,
        )
    }
    if curves := found.get("checks", {}).get("curves"):
        pictures["courses"] = Picture(
            alt=f"Courses of the number: area {curves['deletion_area']:.2f} by deletion, "
            f"{curves['insertion_area']:.2f} by insertion, {curves['random_area']:.2f} in random order",
            caption=f"The number as tiles go. Deletion is {beyond(curves['deletion_z'])} than the mean of "
            f"{curves['orders']} random orders, insertion {beyond(curves['insertion_z'])}.",
            draw=partial(courses, found),
        )
    return pictures


def highest(found: Found) -> str:
    """The band and the time that do most to make the number what it is, and their share of all that does so."""
    map_ = drawn_map(found)
    lowered = found["silent"] is not None and found["value"] < found["silent"]
    values = np.array(map_["values"]) * (-1 if lowered else 1)
    band, step = np.unravel_index(int(values.argmax()), values.shape)
    hertz, seconds = map_["edges_hz"], map_["edges_s"]
    made = values[values > 0].sum()
    if not made > 0:
        return "nothing is made by any part of the sound"
    done = "taken off" if lowered else "made"
    return (
        f"most is {done} from {hertz[band]:.0f} to {hertz[band + 1]:.0f} Hz at {seconds[step]:.2f} to "
        f"{seconds[step + 1]:.2f} s ({100 * values.max() / made:.1f} %)"
    )


def badge(found: Found) -> str:
    if found["of"] == PARAMETERS:
        first = found["parameters"][0]
        return f"{first['parameter']} makes the most of {found['target']['title']}"
    doubts = sum(one.get("passed") is False for one in found.get("checks", {}).values())
    doubt = f"; fails {doubts} check{'s' * (doubts > 1)}" if doubts else ""
    return f"{found['method']}: {highest(found)}{doubt}"


def text(found: Found) -> str:
    """What a terminal shows."""
    unit = f" {found['target']['unit']}" if found["target"]["unit"] else ""
    lines = [
        f"{found['version']} ({found['sha256'][:12]}) on {found['material']}, {found['seconds']:.2f} s",
        f"{found['target']['title']} = {found['value']:.5g}{unit}, explained by {found['method']}",
        "",
        *(f"! {one}" for one in found["remarks"]),
    ]
    if found["of"] == PARAMETERS:
        lines += [f"{'parameter':32} {'began at':>12} {'is':>12} {'part':>12}"]
        lines += [
            f"{row['parameter']:32} {row['start']:12.4g} {row['value']:12.4g} {row['part']:12.4g}  {row['unit']}"
            for row in found["parameters"]
        ]
    else:
        lines += _of_signal(found)
    return signed("\n".join(lines))


def _of_signal(found: Found) -> list[str]:
    lines = [highest(found)]
    if found["error"] is not None:
        lines.append(f"the parts miss their sum by {100 * found['error']:.2g} %")
    for row in found["ledger"]:
        lines.append(
            f"{row['part']:20} arrives {row['arrives']:12.5g}  passes on {row['passes']:12.5g}  absorbs "
            f"{row['absorbs']:12.5g}  lost {row['lost']:9.2g}"
        )
    checks = found.get("checks", {})
    if one := checks.get("planted"):
        lines.append(
            f"planted cues found in {one['found']} of {one['cases']} (95 % {one['low']:.2f} to {one['high']:.2f})"
        )
    if one := checks.get("curves"):
        lines.append(
            f"deletion {beyond(one['deletion_z'])}, insertion {beyond(one['insertion_z'])} than {one['orders']} random "
            "orders"
        )
    if (one := checks.get("randomised")) and one["correlation"] is not None:
        lines.append(
            f"rank correlation with the maps of {one['n']} random chains {one['correlation']:.2f}"
        )
    for sound in found["sounds"]:
        lines.append(
            f"{sound['name']:26} {sound['value']:12.5g}  {100 * sound['energy']:6.1f} % of the energy  "
            f"{sound['sha256'][:12]}"
        )
    return lines


face(
    "explanation",
    form=ExplanationForm,
    template="listening/studies/explanation.html",
    figures=figures,
    text=text,
    badge=badge,
)
