"""The parts of a card that say what a version is and how it came about: use, chain, parameters, data, training."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from django.urls import reverse

from listening import chain_figures, monitor_figures
from listening.block_pictures import picture_of
from listening.cards.card import Drawn, Part, Result
from listening.kinds import kind_card
from listening.learned import LearnedBlock, shown
from listening.lessons import leaves
from listening.report_sections import Section, Table
from listening.watched import of_run
from models_registry import statements, watch
from models_registry.models import ModelVersion

UNKNOWN = "not stated"


def use(version: ModelVersion) -> Part:
    """What it is for, why it exists, and what its makers say."""
    statement = statements.latest(version)
    said = statements.parts_of(statement) if statement else {}
    facts: dict[str, Any] = {
        "task": version.card.get("purpose", "") or version.model.purpose,
        "model": version.model.title,
        "reason": version.reason,
        "parent": str(version.parent) if version.parent else None,
        "registered": version.created_at.strftime("%Y-%m-%d"),
        "statement": {
            **said,
            "number": statement.number,
            "author": statement.author,
            "date": statement.created_at.strftime("%Y-%m-%d"),
        }
        if statement
        else None,
    }
    rows = [
        ["Task", facts["task"] or UNKNOWN],
        ["Why this version exists", version.reason],
        ["Came from", str(version.parent or "nothing: the first of its line")],
        ["Registered", facts["registered"]],
        *([name.capitalize(), text] for name, text in said.items()),
    ]
    words = [f"Said by {statement.author}, {facts['statement']['date']}."] if statement else []
    section = Section("Task and intended use", words, [Table("", ["", ""], rows)])
    how = (
        ""
        if statement
        else f"python manage.py statement {version} --intent … --assumptions … --caveats …"
    )
    return Part("use", section, facts, how)


def chain(version: ModelVersion) -> Part:
    """The blocks in their order and the adapters that move them, each with its purpose."""
    spec = version.chain
    parts = [
        {"name": entry["id"], "kind": entry["kind"], "purpose": _purpose(entry["kind"])}
        for entry in leaves(spec.get("blocks", ()))
    ]
    moved = [
        {
            "kind": entry["kind"],
            "purpose": _purpose(entry["kind"]),
            "moves": dict(entry.get("targets", {})),
        }
        for entry in spec.get("adapters", ())
    ]
    rows = [[one["name"], one["kind"], one["purpose"]] for one in parts]
    rows += [
        [
            "adapter",
            one["kind"],
            f"{one['purpose']} Moves "
            + ", ".join(
                f"{n} by ±{100 * share:g} % of its range" for n, share in one["moves"].items()
            )
            + ".",
        ]
        for one in moved
    ]
    rate = f"{spec['rate']} Hz" if "rate" in spec else "an unknown rate"
    words = [f"Sound passes through these parts in their order, at {rate}."]
    table = Table("The parts, first to last.", ["Part", "Kind", "What it is for"], rows)
    facts = {"rate": spec.get("rate"), "blocks": parts, "adapters": moved, "knows": version.knows}
    return Part("chain", Section("How it is built", words, [table]), facts)


def _purpose(kind: str) -> str:
    card = kind_card(kind)
    return card.purpose if card else ""


def parameters(version: ModelVersion, blocks: list[LearnedBlock], problem: str) -> Part:
    """Every learned value beside its range and default."""
    facts: Any
    if problem:
        facts = version.card.get("readings", [])
        rows = [
            [one["name"], _value(one.get("value")), one.get("unit", ""), _range(one), "", ""]
            for one in facts
        ]
        words = [problem, "The values below are those that were kept when it was registered."]
        pictures: list[Drawn] = []
    else:
        facts = [
            {
                "name": f"{block.name}.{value.name}",
                "meaning": value.meaning,
                "value": _rounded(value.number),
                "shown": value.value,
                "unit": value.unit,
                "range": value.range,
                "default": value.default,
                "place_percent": _rounded(value.place),
                "at_the_end": value.at_the_end,
                "adapter_percent": value.authority,
            }
            for block in blocks
            for value in block.values
        ]
        rows = [
            [str(one[key]) for key in ("name", "shown", "unit", "range", "default")]
            for one in facts
        ]
        for row, one in zip(rows, facts, strict=True):
            row.append(_place(one))
        words, pictures = [], list(_pictures(version, blocks))
    if any(one.get("adapter_percent") for one in facts):
        words.append("An adapter moves some of these while sound goes by, within the share stated.")
    table = Table(
        "Every parameter: what was learned, within which range, and where it would be by default.",
        ["Parameter", "Value", "Unit", "Range", "Default", "Place in range"],
        rows,
        (False, True, False, True, True, False),
    )
    return Part("parameters", Section("What it learned", words, [table], pictures), facts)


def _pictures(version: ModelVersion, blocks: list[LearnedBlock]) -> Iterator[Drawn]:
    for block in blocks:
        if block.figure:
            address = reverse(
                "block-figure", args=[version.model.name, version.number, block.name, "svg"]
            )
            what = f"{block.figure.capitalize()} of {block.name} ({block.kind})"
            yield Drawn(
                f"block-{block.name}", what, what, address, partial(_drawn, version, block.name)
            )


def _drawn(version: ModelVersion, block: str) -> Any:
    loaded = version.load()
    picture = picture_of(loaded, block)
    assert picture is not None
    return picture.draw(loaded, block)


def _place(one: Mapping[str, Any]) -> str:
    if one["place_percent"] is None:
        return ""
    moved = f", adapter ±{one['adapter_percent']:g} %" if one["adapter_percent"] else ""
    end = ", at the end" if one["at_the_end"] else ""
    return f"{one['place_percent']:.0f} %{end}{moved}"


def _rounded(value: float | None) -> float | None:
    """Six figures: what two processors agree on."""
    return None if value is None else float(f"{value:.6g}")


def _value(value: Any) -> str:
    if isinstance(value, list):
        return f"{len(value)} points"
    return "" if value is None else shown(value)


def _range(one: Mapping[str, Any]) -> str:
    return f"{shown(one['low'])} … {shown(one['high'])}" if "low" in one else ""


def training(version: ModelVersion) -> Part:
    """How training went: its measure on clips not trained on, what was watched, every warning."""
    run = version.run
    judged = {
        name: value
        for name, value in (version.card.get("validation") or {}).items()
        if isinstance(value, int | float)
    }
    if run is None:
        words = [
            f"It was not trained by itself: one device was added to {version.parent}."
            if version.card.get("adopted")
            else "It was registered without a training run: how it was trained is not known."
        ]
        section = Section("How training went", words)
        return Part("training", section, {"run": None, "validation": judged})
    seen = of_run(run)
    warnings: list[dict[str, Any]] = (
        [] if seen is None else [{"step": step, "text": text} for step, text in seen.warnings]
    )
    rows = [[name.replace("_", " ").capitalize(), shown(value)] for name, value in judged.items()]
    tables = (
        [Table("On clips that were not trained on.", ["", ""], rows, (False, True))] if rows else []
    )
    if seen and seen.rows:
        watched = [
            [
                one.name,
                f"{one.value} {one.unit}".strip(),
                one.healthy,
                "no" if one.outside else "yes",
                one.meaning if one.outside else "",
            ]
            for one in seen.rows
        ]
        tables.append(
            Table(
                "What was watched, at the last validation.",
                ["Monitor", "Value", "Healthy", "Within", "Outside means"],
                watched,
            )
        )
    if warnings:
        tables.append(
            Table(
                "Warnings while it trained.",
                ["Step", "Warning"],
                [[str(one["step"]), str(one["text"])] for one in warnings],
                (True, False),
            )
        )
    words = [
        f"Recipe {run.recipe.get('name', 'unnamed')}, seed {run.seed}, "
        f"{run.history[-1]['step'] if run.history else 'an unknown number of'} steps."
    ]
    if not warnings:
        words.append("No monitor warned." if seen and seen.rows else "Nothing was watched.")
    facts = {
        "recipe": run.recipe.get("name", ""),
        "seed": run.seed,
        "validation": {name: _rounded(value) for name, value in judged.items()},
        "monitors": [
            {"name": one.name, "value": one.value, "unit": one.unit, "within": not one.outside}
            for one in (seen.rows if seen else [])
        ],
        "warnings": warnings,
    }
    results = [
        Result(name, name.replace("_", " "), value, f"test clips of the recipe {facts['recipe']}")
        for name, value in judged.items()
        # the other is what it is compared with
        if list(judged).index(name) == 0
    ]
    section = Section("How training went", words, tables, list(_courses(version)))
    return Part("training", section, facts, results=results)


def _courses(version: ModelVersion) -> Iterator[Drawn]:
    run = version.run
    if run is None or not run.history:
        return
    history = run.history
    yield Drawn(
        "training",
        "Loss terms and validation error by training step",
        f"Loss falls from {history[0]['loss']:.4g} to {history[-1]['loss']:.4g}",
        reverse("history-figure", args=[run.job.pk, "svg"]) + f"?points={len(history)}",
        lambda: chain_figures.training_history(history, weights=run.recipe.get("loss", {})),
    )
    seen = of_run(run)
    if seen and "monitors" in seen.figures:
        yield Drawn(
            "monitors",
            seen.figures["monitors"],
            seen.figures["monitors"],
            reverse("monitor-figure", args=[run.job.pk, "monitors", "svg"])
            + f"?points={len(history)}",
            lambda: monitor_figures.monitors(history, watch.limits(run.recipe.get("limits", {}))),
        )


def environment(version: ModelVersion) -> Part:
    """Software and machine of the training, and the hashes that name the version."""
    known = dict(version.run.environment) if version.run else {}
    rows = [[name, str(value)] for name, value in known.items()]
    rows += [["chain and weights", version.sha256], ["weights", version.weights_sha256]]
    words = [] if known else ["The software it was trained with is not recorded."]
    section = Section(
        "Environment and hashes",
        words,
        [Table("SHA-256 of the version and of its weights, and what trained it.", ["", ""], rows)],
    )
    return Part("environment", section, {key: str(value) for key, value in known.items()})
