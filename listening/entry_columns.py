"""What a leaderboard compares beside sound: the model behind an entry, as far as there is one.

How far it can be read comes first: each column says how it is defined, and a cell is a number or the reason why there
is none. Outputs that another team sent have no parameters: what is asked of these is not applicable, never zero.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from listening.analysis.ranking import Rank
from listening.cards.gathering import card_of
from listening.models import Benchmark, BenchmarkEntry
from listening.readability import Reading, faithfulness, networks_share, rungs_held, sparsity
from models_registry.models import Study

OUTSIDE = "not applicable: outputs were sent, not a model"
PENDING = "not measured yet"
UNASKED = "not asked by this benchmark"
SOUND, READ, ROBUST, COST = "Sound", "Interpretability", "Robustness", "Cost"


@dataclass(frozen=True)
class Column:
    """What is compared: its name and title, in which unit, whether `higher` is better (None: neither), and how it is
    defined."""

    name: str
    group: str
    title: str
    unit: str
    higher: bool | None
    definition: str


@dataclass(frozen=True)
class Cell:
    """A number with its interval (95 %), its n and its rank where it has one; or, without a number, the reason."""

    value: float | None = None
    low: float | None = None
    high: float | None = None
    n: int | None = None
    said: str = ""
    rank: Rank | None = None


def model_columns(benchmark: Benchmark) -> list[Column]:
    """What is compared of the models behind the entries."""
    watts = benchmark.rules["watts"]
    return [
        Column(
            "explained", READ, "Explained by named parameters", "%", True,
            "Interpretability: the share of the output's change that named parameters explain. The chain runs "
            "with its networks silent, its blocks at their learned values: 1 less the energy of what is missing "
            "from its whole output, over the energy of the difference between that output and the input. Mean "
            "over the items tried, 95 % interval (Student t).",
        ),
        Column(
            "networks", READ, "Networks' share", "%", False,
            "The share of what the chain does that its adapters (small networks) do, by Shapley's value over all "
            "parts: what parts do only together is counted to all of them. From the ablation on the benchmark's "
            "items.",
        ),
        Column(
            "faithfulness", READ, "Faithfulness", "%", True,
            "How much faster the explained number falls when what the explanation ranks first is taken away "
            "first, than in random orders: (area under random orders − area under deletion) / area under random "
            "orders. 0 is chance, below 0 worse than it. Beside it how many of the explanation's checks it "
            "passed.",
        ),
        Column(
            "sparsity", READ, "Sparsity", "", None,
            "How few parts of the sound carry the explanation: Gini's index of the sizes of the map's tiles, 0 "
            "where all are equal, towards 1 where one has everything (Hurley & Rickard, 2009). A sparser map is "
            "easier to read, not better.",
        ),
        Column(
            "recovered", READ, "Settings found again", "%", True,
            "Recoverability of known parameters: every setting is moved up to a quarter of its range away, and "
            "least squares look for it from input and output alone. The share that came back within 5 % of its "
            "range; what trades off against another setting does not.",
        ),
        Column(
            "card", READ, "Card completeness", "%", True,
            "Of the parts of the model card, those for which there is evidence.",
        ),
        Column(
            "rungs", ROBUST, "Rungs held", "%", True,
            f"The validation suite {benchmark.rules['suite']} damages sounds step by step. Of all steps that could"
            " be judged, the share at which the score keeps its limit. Each version is judged by what is known to"
            " be right for it: the recipes' truths differ.",
        ),
        Column(
            "parameters", COST, "Learned numbers", "", False, "How many numbers training moved.",
        ),
        Column(
            "real_time", COST, "Real-time factor", "s/s", False,
            "Processor seconds per second of one channel of noise, on one thread, the least of five goes, on the "
            "machine that did the entry's job.",
        ),
        Column(
            "energy", COST, "Energy, estimated", "J/s", False,
            f"An estimate, not a measurement: joules per second of sound if one busy core takes {watts:g} W, as "
            "this benchmark assumes.",
        ),
    ]  # fmt: skip


def model_cells(entry: BenchmarkEntry, standing: dict[int, Cell]) -> dict[str, Cell]:
    """The cells of `model_columns` for an entry; `standing` is what `completeness` says."""
    benchmark = entry.benchmark
    if entry.version is None:
        return {one.name: Cell(said=OUTSIDE) for one in model_columns(benchmark)}
    measured = entry.measured
    studies = {one.kind: one for one in entry.studies.all()}
    cost = measured.get("real_time")
    return {
        "explained": _measured(measured, "explained"),
        "networks": _of_study(benchmark, studies, "ablation", networks_share),
        "faithfulness": _of_study(benchmark, studies, "explanation", faithfulness),
        "sparsity": _of_study(benchmark, studies, "explanation", sparsity),
        "recovered": _measured(measured, "recovered"),
        "card": standing[entry.pk],
        "rungs": _of_study(benchmark, studies, "validation", rungs_held),
        "parameters": Cell(measured["parameters"]) if measured else Cell(said=PENDING),
        "real_time": Cell(cost, said=measured["machine"]) if measured else Cell(said=PENDING),
        "energy": Cell(cost * benchmark.rules["watts"]) if measured else Cell(said=PENDING),
    }


def _measured(measured: dict[str, Any], name: str) -> Cell:
    if not measured:
        return Cell(said=PENDING)
    found = measured[name]
    if "reason" in found:
        return Cell(said=f"not measured: {found['reason']}")
    n = found.get("n", found.get("count"))
    return Cell(found["share"], found.get("low"), found.get("high"), n)


def _of_study(
    benchmark: Benchmark,
    studies: dict[str, Study],
    kind: str,
    read: Callable[[dict[str, Any]], Reading],
) -> Cell:
    if kind not in benchmark.rules["studies"]:
        return Cell(said=UNASKED)
    study = studies.get(kind)
    if study is None or study.job.state in ("queued", "running"):
        return Cell(said=PENDING)
    if not study.result:
        return Cell(said=f"its {kind} {study.job.state}: {study.job.message}")
    value, n, said = read(study.result)
    return Cell(value, n=n, said=said)


def completeness(entries: Sequence[BenchmarkEntry]) -> dict[int, Cell]:
    """How much of what a model card should say there is evidence for, by the entry's key."""
    found = {}
    for entry in entries:
        if entry.version is None:
            continue
        card = card_of(entry.version)
        there, count = card.complete
        lacks = [part.section.title for part in card.parts if part.how]
        said = f"lacks {', '.join(lacks)}" if lacks else "complete"
        found[entry.pk] = Cell(there / count, n=count, said=said)
    return found
