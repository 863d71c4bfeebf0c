"""How adapters under the lamp look."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import PurePath
from typing import Any

from django import forms

from listening import lamp_figures as draw
from listening.analysis.plain import p_value, signed
from listening.lamp import KIND, labelled
from listening.understanding import Picture, face
from listening.uploads import keep_all
from listening.views.study_forms import BEFORE, StudyForm
from listening.views.uploads import ManyFilesField
from models_registry.models import Study
from models_registry.studying import Found, StudyError


class AdaptersForm(StudyForm):
    kind = KIND

    material = forms.ChoiceField(required=False, label="Sounds")
    sent = ManyFilesField(
        required=False,
        label="Sounds of your own",
        help_text="In place of those above, with a table.",
    )
    table = forms.FileField(
        required=False,
        label="Their labels",
        help_text="A CSV table with a column file, the names of the sounds sent, and a column for each factor that is "
        "looked for, such as speaker, room, device.",
    )
    leak = forms.BooleanField(
        required=False,
        initial=True,
        label="Try whether devices’ embeddings hold what was played",
        help_text="Meets new devices through several programmes: minutes.",
    )
    seed = forms.IntegerField(min_value=0, initial=0, required=False, label="Seed of the takes")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fields: dict[str, Any] = self.fields
        fields["material"].choices = [
            ("", "synthetic voices, rooms and devices, each with each"),
            *(
                (
                    choice,
                    f"the {len(one.settings['signals'])} sounds of study {one.pk}, by "
                    f"{', '.join(one.settings['labels'])}",
                )
                for choice, one in self.asked_before()
                if one.settings["signals"]
            ),
        ]
        if not self.version.knows:
            del fields["leak"]

    @classmethod
    def again(cls, study: Study) -> Found:
        asked = study.settings
        own = f"{BEFORE}{study.pk}" if asked["signals"] else ""
        return {"leak": asked["leak"], "seed": asked["seed"], "material": own}

    def settings(self) -> Found:
        asked = self.cleaned_data
        found = {"leak": asked.get("leak", False), "seed": asked.get("seed") or 0}
        if asked["sent"] or asked["table"]:
            return found | {"labels": self._table()[1]}
        if asked["material"]:
            before = self.before(asked["material"]).settings
            return found | {name: before[name] for name in ("signals", "labels")}
        return found

    def sounds(self, actor: str) -> Found:
        if not self.cleaned_data["sent"]:
            return {}
        by_name = {one.name: one for one in self.cleaned_data["sent"]}
        files = [by_name[name] for name in self._table()[0]]
        kept = keep_all(files, actor=actor, project=self.version.project)
        return {"signals": [one.sha256 for one in kept]}

    def _table(self) -> tuple[list[str], dict[str, list[str]]]:
        """The names of the sounds sent and their labels, each sound once; raises `StudyError`."""
        table, sent = self.cleaned_data["table"], self.cleaned_data["sent"]
        if not (table and sent):
            found = "the sounds" if sent else "the table"
            raise StudyError(f"expected sounds together with a table of labels, found only {found}")
        table.seek(0)
        paths, labels = labelled(table.read(), name=table.name)
        files = [PurePath(path).name for path in paths]
        names = [one.name for one in sent]
        if lacking := [name for name in files if name not in names]:
            raise StudyError(
                f"expected every sound of the table among those sent, found none called {lacking[0]}"
            )
        if further := [name for name in names if name not in files]:
            raise StudyError(
                f"expected a row of the table for every sound sent, found none for {further[0]}"
            )
        if len(set(files)) < len(files) or len(set(names)) < len(names):
            raise StudyError("expected every sound once, found one twice")
        return files, labels


def figures(found: Found) -> Mapping[str, Picture]:
    pictures: dict[str, Picture] = {}
    for n, one in enumerate(found["adapters"], start=1):
        if one["held"] and any(not row["problem"] for row in one["held"]["shares"]):
            said = "; ".join(
                f"{row['factor']} {100 * row['share']:.0f} % of {row['of']}"
                for row in one["held"]["shares"]
                if not row["problem"]
            )
            pictures[f"shares-{n}"] = Picture(
                alt=f"{one['name']}: {said}",
                caption=f"{one['name']}: share of variance with each factor over {found['n']} takes, 95 % intervals.",
                draw=partial(draw.shares, one),
            )
    if found["authority"]:
        said = ", ".join(f"{row['path']} {100 * row['used']:.0f} %" for row in found["authority"])
        pictures["authority"] = Picture(
            alt=f"Authority used: {said}",
            caption="How far each parameter was moved, between the ends that its adapter may reach.",
            draw=partial(draw.authority, found),
            detailed=True,
        )
    for block, table in found["distances"].items():
        devices = ", ".join(one["condition"] for one in found["conditions"])
        pictures[f"responses-{block}"] = Picture(
            alt=f"Response of {block} by device: {devices}",
            caption=f"{block}: its response as each device.",
            draw=partial(draw.responses, found, block),
        )
        if len(table) > 1:
            far = max(max(row) for row in table)
            pictures[f"distances-{block}"] = Picture(
                alt=f"Distances between the devices’ responses of {block}, up to {far:.1f} dB",
                caption=f"{block}: how far the devices’ responses are from each other, root mean square over Cams.",
                draw=partial(draw.distances, found, block),
            )
    if found["leak"]:
        pictures["leak"] = Picture(
            alt=found["said"],
            caption="How often a linear probe reads what was played, and which device it was, from embeddings learned "
            "anew; and how far the response moves with each.",
            draw=partial(draw.leak, found),
            detailed=True,
        )
    return pictures


def badge(found: Found) -> str:
    if found["leak"]:
        return (
            "the embedding leaks what was played" if found["leak"]["is_read"] else "no leak found"
        )
    used = max(found["authority"], key=lambda row: row["used"], default=None)
    return f"{used['path']} uses {100 * used['used']:.0f} % of its authority" if used else ""


def text(found: Found) -> str:
    """The answer as a terminal shows it."""
    lines = [f"{found['version']} ({found['sha256'][:12]}) on {found['material']}", ""]
    lines.append(
        f"{'moved':28} {'may reach':>24} {'5 %':>9} {'median':>9} {'95 %':>9} {'used':>6} {'at bound':>9} {'n':>4}"
    )
    for row in found["authority"]:
        reach = f"{row['low']:.4g} … {row['high']:.4g} {row['unit']}".strip()
        five, middle, most = (f"{one:9.4g}" for one in row["percentiles"])
        lines.append(
            f"{row['path']:28} {reach:>24} {five} {middle} {most} {100 * row['used']:4.0f} % "
            f"{100 * row['at_bound']:7.1f} % {row['n']:4}"
        )
    for one in found["adapters"]:
        lines += ["", f"{one['name']} ({one['kind']}), moves {', '.join(one['targets'])}"]
        if not one["held"]:
            lines.append("does not listen: it holds a point for each device")
            continue
        for row in one["held"]["shares"]:
            lines.append(f"  {row['factor']:10} of {row['of']:13} {_share(row)}")
        for row in one["held"]["probes"]:
            lines.append(f"  {row['factor']:10} is read: {_read(row)}")
    for block, table in found["distances"].items():
        far = max(max(row) for row in table)
        lines += ["", f"{block}: devices up to {far:.1f} dB from each other"]
    lines += ["", found["said"] or "Whether embeddings leak was not asked"]
    return signed("\n".join(lines))


def _share(row: Found) -> str:
    if row["problem"]:
        return row["problem"]
    ends = f"[{100 * row['low']:.1f}, {100 * row['high']:.1f}]"
    return f"{100 * row['share']:5.1f} % {ends}, p {p_value(row['p'])}, n {row['n']}"


def _read(row: Found) -> str:
    if row["problem"]:
        return row["problem"]
    return (
        f"{100 * row['accuracy']:.0f} % [{100 * row['low']:.0f}, {100 * row['high']:.0f}], chance "
        f"{100 * row['chance']:.0f} %, p {p_value(row['p'])}"
    )


face(
    KIND,
    form=AdaptersForm,
    template="listening/studies/adapters.html",
    figures=figures,
    text=text,
    badge=badge,
)
