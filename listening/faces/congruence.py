"""How a study of congruence with hearing looks."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from django import forms

from listening import hearing_figures
from listening.congruence import BEHIND
from listening.understanding import Picture, face
from listening.views.study_forms import SoundStudyForm
from models_registry.studying import Found


class CongruenceForm(SoundStudyForm):
    kind = "congruence"

    sensitivity = forms.BooleanField(
        required=False,
        initial=True,
        label="Also just-noticeable differences and masking curves",
        help_text="By staircases run on the model: a minute or two.",
    )


def figures(found: Found) -> Mapping[str, Picture]:
    """Those to which the study has an answer."""
    pictures = {}
    if found["layouts"]:
        said = "; ".join(
            f"{row['part']}: {len(row['centres'])} bands, most even on the {row['nearest']} scale"
            for row in found["layouts"]
        )
        pictures["layouts"] = Picture(
            alt=f"Bands beside the ear’s: {said}",
            caption="Centres of bands on the ERB-rate scale, where bands like the ear’s are evenly spaced.",
            draw=partial(hearing_figures.layouts, found["layouts"]),
        )
    if masking := found["masking"]:
        pictures["masking"] = Picture(
            alt="Error and masked threshold by frequency: "
            f"{_percent(masking['energy'])} of the error’s energy is masked",
            caption=f"Mean over {masking['clips']} clips; a sine of full scale has {found['full_scale']:g} dB SPL.",
            draw=partial(hearing_figures.masked_error, masking),
        )
    if found["similarities"]:
        said = "; ".join(
            f"{row['part']} with {row['pattern']} {row['value']:.2f}"
            for row in found["similarities"]
        )
        pictures["similarities"] = Picture(
            alt=f"Alignment of features with the ear: {said}",
            caption="95 % intervals by leaving out one stretch at a time; grey: what shifting in time leaves of it.",
            draw=partial(hearing_figures.similarities, found["similarities"]),
        )
    if found["listeners"]:
        said = "; ".join(_sharpness(one) for one in found["listeners"])
        pictures["thresholds"] = Picture(
            alt=f"Just-noticeable differences over people’s: {said}",
            caption="By staircase (two down, one up), with 95 % intervals over tracks. The first row set the internal "
            "noise of the ear alone and of each adapter; all else is prediction.",
            draw=partial(hearing_figures.thresholds, found["listeners"]),
            detailed=True,
        )
        curve = found["listeners"][0]["curve"]
        pictures["curves"] = Picture(
            alt="Masked thresholds beside a band of noise at 1 kHz, for the listeners in the table and the textbook",
            caption=f"Noise one ERB wide at {curve['masker_frequency']:g} Hz with {curve['masker_level']:g} dB SPL; "
            "textbook by Zwicker, Fastl and Terhardt.",
            draw=partial(hearing_figures.masking_curves, found["listeners"], found["textbook"]),
        )
    return pictures


def badge(found: Found) -> str:
    """The numbers in a few words: bands, error, features, sharpness."""
    said = []
    for row in found["layouts"][:1]:
        off = next(one for one in row["distances"] if one["scale"] == "erb")
        said.append(
            f"{row['part']} {off['distance']:.2f} {off['unit']} from even steps on the ear’s scale"
        )
    if masking := found["masking"]:
        said.append(f"{_percent(masking['energy'])} of the error masked")
    for row in found["similarities"][:1]:
        said.append(
            f"features {row['value']:.2f} ({row['low']:.2f} to {row['high']:.2f}) aligned with {row['pattern']}"
        )
    said += [_sharpness(one) for one in found["listeners"] if one["name"] == BEHIND]
    return "; ".join(said)


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _sharpness(listener: Found) -> str:
    ratios = [one["ratio"] for one in listener["thresholds"]]
    known = sorted(one for one in ratios if one is not None)
    if not known:
        return f"{listener['name']} tells nothing"
    return f"{listener['name']} needs {known[0]:.1f} to {known[-1]:.1f} times people’s differences"


def text(found: Found) -> str:
    """The tables as a terminal shows them."""
    lines = [f"{found['version']} ({found['sha256'][:12]}) on {found['material']}"]
    for row in found["layouts"]:
        lines += [
            "",
            f"{row['part']}: {len(row['centres'])} bands, most even on the {row['nearest']} scale",
        ]
        lines += [
            f"  {one['scale']:8} {one['distance']:10.3f} {one['unit']:8} from even places, {one['relative']:8.3f} steps"
            for one in row["distances"]
        ]
        if row["width_in_erb"] is not None:
            lines.append(
                f"  {row['width_in_erb']:.2f} ERB wide on the mean; {row['coarse']} bands nearer than a bin"
            )
    if masking := found["masking"]:
        lines += [
            "",
            f"error below the masked threshold: {100 * masking['energy']:.1f} % of its energy"
            f"{_ends(masking, 'energy', 100)}, {100 * masking['cells']:.1f} % of cells{_ends(masking, 'cells', 100)}; "
            f"noise to mask {masking['noise_to_mask']:.1f} dB (n {masking['clips']} clips)",
        ]
    for row in found["similarities"]:
        lines.append(
            f"{row['part']} ({row['kind']}) with the ear's {row['pattern']}: CKA {row['value']:.3f} "
            f"[{row['low']:.3f}, {row['high']:.3f}], by chance up to {row['null_high']:.3f}, p {row['p']:.3f} "
            f"(n {row['moments']} moments of {row['clips']} clips)"
        )
    for listener in found["listeners"]:
        lines += ["", f"{listener['name']} (internal noise {listener['noise']:.4g}):"]
        lines += [
            f"  {row['title']:42} {_difference(row):>34}   people {_people(row):>10}"
            for row in listener["thresholds"]
        ]
        lines.append(
            "  masked threshold beside noise at 1 kHz: "
            + ", ".join(
                f"{frequency:g} Hz {'–' if level is None else f'{level:.0f}'} ({book:.0f})"
                for frequency, level, book in zip(
                    listener["curve"]["frequencies"],
                    listener["curve"]["levels"],
                    listener["curve"]["textbook"],
                    strict=True,
                )
            )
            + " dB SPL (textbook)"
        )
    return "\n".join([*lines, "", *found["remarks"]]).rstrip()


def _ends(row: Found, key: str, factor: float) -> str:
    if row[f"{key}_low"] is None:
        return ""
    return f" [{factor * row[f'{key}_low']:.1f}, {factor * row[f'{key}_high']:.1f}]"


def _difference(row: Found) -> str:
    if row["value"] is None:
        return "not told at all"
    if row["at_most"]:
        return f"{row['value']:.3g} {row['unit']} or less × {row['ratio']:.2f}"
    ends = f"[{row['low']:.3g}, {row['high']:.3g}]"
    return f"{row['value']:.3g} {row['unit']} {ends} × {row['ratio']:.2f}"


def _people(row: Found) -> str:
    low, high = row["human"]
    return f"{low:.3g} {row['unit']}" if low == high else f"{low:.3g}–{high:.3g} {row['unit']}"


face(
    "congruence",
    form=CongruenceForm,
    template="listening/studies/congruence.html",
    figures=figures,
    text=text,
    badge=badge,
)
