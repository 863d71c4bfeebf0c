"""How an inspection looks."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from django import forms

from listening import inspection_figures as draw
from listening.analysis.plain import MISSING, number, signed
from listening.analysis.plain import figures as short
from listening.inspecting import MOST_SECONDS
from listening.portraits import pictures_of
from listening.understanding import Picture, face
from listening.views.study_forms import SoundStudyForm
from models_registry.studying import Found


class InspectionForm(SoundStudyForm):
    kind = "inspection"

    condition = forms.ChoiceField(required=False, label="As")
    start = forms.FloatField(
        required=False, min_value=0, initial=0, label="From", help_text="Seconds into the sound."
    )
    seconds = forms.FloatField(
        required=False,
        min_value=0,
        initial=0,
        label="Length",
        help_text=f"Seconds; 0: to its end. At most {MOST_SECONDS:g}, fewer where there are many blocks.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fields: dict[str, Any] = self.fields
        fields["condition"].choices = [
            ("", "none in particular"),
            *((name, name) for name in self.version.knows),
        ]
        if not self.version.knows:
            del self.fields["condition"]
        fields["signals"].help_text = "One. Without any, the first test clip of the recipe."

    def settings(self) -> dict[str, Any]:
        asked = super().settings()
        return asked | {name: asked.get(name) or 0.0 for name in ("start", "seconds")}


def figures(found: Found) -> Mapping[str, Picture]:
    pictures: dict[str, Picture] = {}
    for block in found["blocks"]:
        number = block["number"]
        pictures[f"{number}-signal"] = _signal(found, block)
        if block["gains"]:
            pictures[f"{number}-gains"] = _gains(block)
        for name, picture in pictures_of(block):
            pictures[f"{number}-{name}"] = picture
    for n, one in enumerate(found["moved"], start=1):
        said = f"{short(one['least'], 3)} to {short(one['most'], 3)} {one['unit']}".strip()
        reach = f"{short(min(one['low']), 3)} to {short(max(one['high']), 3)} {one['unit']}".strip()
        pictures[f"moved-{n}"] = Picture(
            alt=f"{one['path']} over time, from {said}",
            caption=f"{one['path']} over time: {said}, where {reach} can be reached; {100 * one['used']:.0f} % of the "
            f"authority used (effective value), {100 * one['at_bound']:.1f} % of the time at the bound.",
            draw=partial(draw.moved, one),
        )
    return pictures


def _signal(found: Found, block: Found) -> Picture:
    difference = block["difference_db"]
    changed = (
        "It changed nothing."
        if difference is None
        else f"What it changed: {_db(difference)} relative to its input."
    )
    caption = f"Wave, level, spectrogram and excitation before and after. {changed}"
    draws = partial(draw.signal, block, rate=found["rate"], seconds=found["seconds"])
    alt = f"{block['name']}: {caption}"
    return Picture(alt=alt, caption=caption, draw=draws, detailed=True)


def _gains(block: Found) -> Picture:
    span = f"{_db(block['gains']['least'])} to {_db(block['gains']['most'])}"
    caption = f"Gain made of this sound: {span}, make-up included."
    return Picture(
        alt=f"{block['name']}: {caption}", caption=caption, draw=partial(draw.gains, block)
    )


def _db(value: float | None) -> str:
    return MISSING if value is None else f"{number(1)(value)} dB"


def badge(found: Found) -> str:
    heard = [row for row in found["blocks"] if row["difference_db"] is not None]
    most = max(heard, key=lambda row: row["difference_db"], default=None)
    return (
        f"{most['name']} changes the most ({_db(most['difference_db'])} of its input)"
        if most
        else ""
    )


def text(found: Found) -> str:
    """The table as a terminal shows it."""
    said = f" as {found['condition']}" if found["condition"] else ""
    lines = [
        f"{found['version']}{said} ({found['sha256'][:12]}) at work on {found['title']}, {found['seconds']:.2f} s "
        f"at {found['rate']} Hz",
        "",
        f"{'block':20} {'kind':22} {'RMS':>10} {'loudness':>11} {'true peak':>11} {'level':>10} {'changed':>10}",
    ]
    for row in found["blocks"]:
        level = row["level"]
        lines.append(
            f"{row['name']:20} {row['kind']:22} {_unit(level['rms'], 'dBFS'):>10} "
            f"{_unit(level['loudness'], 'LUFS'):>11} {_unit(level['true_peak'], 'dBTP'):>11} "
            f"{_unit(row['change_db'], 'dB'):>10} {_unit(row['difference_db'], 'dB'):>10}"
        )
    for one in found["moved"]:
        lines.append(
            f"{one['path']} moved from {one['least']:.4g} to {one['most']:.4g} {one['unit']}".rstrip()
            + f": {100 * one['used']:.0f} % of the authority, at the bound {100 * one['at_bound']:.1f} % of the time"
        )
    return signed("\n".join(lines))


def _unit(value: float | None, unit: str) -> str:
    return MISSING if value is None else f"{number(1)(value)} {unit}"


face(
    "inspection",
    form=InspectionForm,
    template="listening/studies/inspection.html",
    figures=figures,
    text=text,
    badge=badge,
)
