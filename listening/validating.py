"""The validation of a registered version: synthetic probes, its blocks' promises, ladders of realism, and the gate.

Ladders are scored by metrics against what is known to be right (see `models_registry.engine.probes.rungs`). Where the
version has a parent, both go through the same samples, and what got worse beyond its tolerance is a regression.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import numpy as np

from listening.analysis.plain import plain
from metrics import catalogue
from metrics.catalogue import Direction
from metrics.scoring import Pair, score_pairs
from models_registry.audio import Audio, peak_db
from models_registry.extra import engine
from models_registry.models import ModelVersion
from models_registry.studying import Found, Told, chain_of, study

PASSED, REGRESSED, BROKEN = "passed", "regressed", "promises broken"
# what a truth is called on the page
TRUTHS = {
    "clean": "the sound before the damage",
    "device": "what the device that the model learned makes of the same input",
    "itself": "the version's own output for the sound before the damage: what is right is not known",
}


@study(
    "validation",
    title="Validation",
    purpose="Synthetic probes of which everything is known, and ladders of realism: what it does, what its blocks "
    "promise, where it fails, and what got worse since its parent.",
    settings={"suite": "standard", "own": None},
)
def validate(version: ModelVersion, settings: Found, told: Told) -> Found:
    """Put `version`, and its parent, to a suite: one of the shipped by name, or `own`, its data.

    Raises `ProbeError`, `EngineError`, `UnknownMetric`.
    """
    probes = engine().probes
    suite = suite_of(settings)
    judged = {
        one.metric: catalogue.get(one.metric) for ladder in suite.ladders for one in ladder.judged
    }
    parent = version.parent if _comparable(version) else None
    versions = [version, *([parent] if parent else [])]
    # here, where what is gone is said in a sentence, and not by each worker
    chain, *_ = [chain_of(one) for one in versions]
    run = version.run
    asked = probes.Asked(
        suite,
        tuple(probes.Model(one.chain, one.weights.path) for one in versions),
        run.recipe if run and "data" in run.recipe else None,
        run.seed if run else 0,
    )
    told(0.0, "starting")
    tasks = probes.tasks_of(asked, list(chain.blocks))
    gathered = _Gathered(
        judged=list(judged), clean=probes.truth_of(asked.recipe, 0).kind == "clean"
    )
    gathered.take(probes.answers(asked, tasks), len(tasks), told)
    found: Found = {
        "version": str(version),
        "sha256": version.sha256,
        "parent": str(parent) if parent else None,
        "suite": {"name": suite.name, "title": suite.title, "sha256": suite.sha256},
        "truth": TRUTHS[probes.truth_of(asked.recipe, 0).kind],
        "probes": [_probe(probes, one, gathered.tried) for one in suite.probes],
        "blocks": [
            _kept(one) for name in version_blocks(tasks) for one in gathered.kept.get(name, [])
        ],
        "ladders": [
            _ladder(number, ladder, gathered, judged, bool(parent))
            for number, ladder in enumerate(suite.ladders)
        ],
    }
    found["regressions"] = [
        sentence for one in (*found["probes"], *found["ladders"]) for sentence in one["regressions"]
    ]
    broken = any(not one["holds"] for one in found["blocks"])
    found["verdict"] = BROKEN if broken else REGRESSED if found["regressions"] else PASSED
    return dict(plain(found))


def suite_of(settings: Found) -> Any:
    """The suite that the settings name or hold."""
    suites = engine().probes.suite
    if settings["own"] is not None:
        return suites.parsed(settings["own"], name=settings["suite"])
    if settings["suite"] not in suites.shipped():
        known = ", ".join(suites.shipped())
        raise engine().probes.ProbeError(
            f"expected a suite of {known}, found '{settings['suite']}'"
        )
    return suites.load(settings["suite"])


def _comparable(version: ModelVersion) -> bool:
    parent = version.parent
    return parent is not None and parent.chain["rate"] == version.chain["rate"]


def version_blocks(tasks: list[Any]) -> list[str]:
    return [task.what for task in tasks if isinstance(task.what, str)]


class _Gathered:
    """The answers, sorted: probes by model and name, promises by block, scores by model, place and metric."""

    def __init__(self, *, judged: list[str], clean: bool) -> None:
        self.judged, self.clean = judged, clean
        self.tried: dict[tuple[int, str], Any] = {}
        self.kept: dict[str, list[Any]] = {}
        self.scores: dict[tuple[int, Any, str, str], float] = {}
        self.reasons: dict[tuple[int, int], set[str]] = defaultdict(set)

    def take(self, answers: Iterator[Any], count: int, told: Told) -> None:
        for key, results in score_pairs(self._pairs(answers, count, told), self.judged):
            model, place, side = key
            for one in results:
                if one.value is None:
                    self.reasons[model, place.ladder].add(f"{one.metric}: {one.message}")
                else:
                    self.scores[model, place, side, one.metric] = one.value

    def _pairs(self, answers: Iterator[Any], count: int, told: Told) -> Iterator[Pair[Any]]:
        probes = engine().probes
        for number, answer in enumerate(answers, 1):
            what, model = answer.task.what, answer.task.model
            told(number / count, _said(what))
            if answer.found is None:
                if isinstance(what, probes.Place):
                    self.reasons[model, what.ladder].add(answer.reason)
                continue
            if isinstance(what, probes.Probe):
                self.tried[model, what.name] = answer.found
            elif isinstance(what, str):
                self.kept[what] = answer.found
            elif answer.found.wanted is None:
                self.reasons[model, what.ladder].add("what should come out is not known")
            else:
                yield Pair((model, what, "output"), answer.found.wanted, answer.found.output)
                if self.clean and model == 0 and _unlike(answer.found):
                    yield Pair((model, what, "input"), answer.found.wanted, answer.found.given)


def _unlike(heard: Any) -> bool:
    """Whether the input differs from what is wanted, so that there is something to score."""
    difference: Audio = heard.wanted
    return peak_db(difference.samples - heard.given.samples) > -120


def _said(what: Any) -> str:
    return f"{getattr(what, 'name', None) or (what if isinstance(what, str) else 'ladders of realism')}"


# probes and promises


def _probe(probes: Any, asked: Any, tried: dict[tuple[int, str], Any]) -> Found:
    """One probe's readings, beside the parent's, and what of them is a regression."""
    kind = probes.kind(asked.kind)
    mine, before = tried[0, asked.name], tried.get((1, asked.name))
    found: Found = {
        "name": asked.name,
        "kind": asked.kind,
        "purpose": kind.purpose,
        "settings": {**kind.settings, **asked.settings},
        "reason": mine.reason,
        "readings": [],
        "curve": asdict(mine.finding.curve) if mine.finding and mine.finding.curve else None,
        "before": None,
        "regressions": [],
    }
    if before and before.finding and before.finding.curve:
        found["before"] = before.finding.curve.lines
    if mine.finding is None:
        if before and before.finding:
            found["regressions"] = [f"{asked.name}: its parent could be read, now: {mine.reason}"]
        return found
    for quantity in kind.quantities:
        value = mine.finding.values.get(quantity.name)
        was = before.finding.values.get(quantity.name) if before and before.finding else None
        tolerance = asked.tolerances.get(quantity.name, quantity.tolerance)
        worse = _worse(quantity, value, was, tolerance)
        found["readings"].append(
            {
                "name": quantity.name, "unit": quantity.unit, "meaning": quantity.meaning,
                "value": value, "parent": was, "tolerance": tolerance, "worse": worse,
            }
        )  # fmt: skip
        if worse is not None:
            found["regressions"].append(
                f"{asked.name}: {quantity.name} {value:.1f} {quantity.unit}, was {was:.1f} {quantity.unit}: worse by "
                f"{worse:.1f} {quantity.unit}, allowed {tolerance:g} {quantity.unit}"
            )
    return found


def _worse(
    quantity: Any, value: float | None, was: float | None, tolerance: float | None
) -> float | None:
    """By how much `value` is worse than it `was`, where that is more than the tolerance; else None."""
    if value is None or was is None or tolerance is None:
        return None
    if quantity.floor is not None:
        value, was = max(value, quantity.floor), max(was, quantity.floor)
    change = value - was
    by = {"more": change, "less": -change, "": abs(change)}[quantity.worse]
    return by if by > tolerance else None


def _kept(one: Any) -> Found:
    least, most = one.expectation.least, one.expectation.most
    bounds = [
        f"{word} {bound:g}"
        for word, bound in (("at least", least), ("at most", most))
        if np.isfinite(bound)
    ]
    return {
        "block": one.block,
        "kind": one.kind,
        "probe": one.probe,
        "quantity": one.expectation.quantity,
        "expected": f"{' and '.join(bounds)} {one.unit}",
        "value": one.value,
        "unit": one.unit,
        "reason": one.reason,
        "holds": one.holds,
    }


# ladders


def _ladder(
    number: int,
    ladder: Any,
    gathered: _Gathered,
    judged: dict[str, Any],
    compared: bool,
) -> Found:
    """A ladder's curves by metric, its failure point, and what got worse."""
    probes = engine().probes
    degrees = probes.degrees_of(ladder)
    unit = probes.unit_of(ladder)
    found: Found = {
        "name": ladder.name,
        "damage": ladder.damage,
        "source": ladder.source,
        "at": list(degrees),
        "unit": unit,
        "reasons": sorted(gathered.reasons[0, number]),
        "metrics": [],
        "regressions": [],
    }
    for one in ladder.judged:
        metric = judged[one.metric]
        lines = {
            side: [
                _mean(gathered, (model, number, degree, key), one.metric)
                for degree in range(len(degrees))
            ]
            for side, model, key in (
                ("output", 0, "output"),
                ("input", 0, "input"),
                ("parent", 1, "output"),
            )
        }
        sign = 1 if metric.direction is Direction.HIGHER else -1
        means = [row["mean"] for row in lines["output"]]
        before = [row["mean"] for row in lines["parent"]]
        found["metrics"].append(
            {
                "metric": one.metric, "title": metric.title, "unit": metric.unit, "limit": one.limit,
                "tolerance": one.tolerance, "higher": sign > 0, "lines": lines,
                "fails": failure(degrees, means, one.limit, sign, unit, ordered=bool(ladder.damage)),
                "parent_fails": failure(degrees, before, one.limit, sign, unit, ordered=bool(ladder.damage))
                if compared else None,
            }
        )  # fmt: skip
        for at, now, was in zip(degrees, means, before, strict=True):
            if now is not None and was is not None and sign * (was - now) > one.tolerance:
                found["regressions"].append(
                    f"{ladder.name} at {_degree(at, unit)}: {one.metric} {now:.2f} {metric.unit}, was {was:.2f}: "
                    f"worse by {abs(was - now):.2f}, allowed {one.tolerance:g}"
                )
    return found


def _mean(gathered: _Gathered, rung: tuple[int, int, int, str], metric: str) -> Found:
    """Over the sources of one rung: the model's number, the ladder's, the degree's, and the side."""
    model, number, degree, side = rung
    values = [
        value
        for (of, place, heard, name), value in gathered.scores.items()
        if (of, place.ladder, place.degree, heard, name) == (model, number, degree, side, metric)
    ]
    if not values:
        return {"mean": None, "least": None, "most": None, "n": 0}
    return {
        "mean": float(np.mean(values)),
        "least": min(values),
        "most": max(values),
        "n": len(values),
    }


def failure(
    degrees: tuple[Any, ...],
    means: list[float | None],
    limit: float,
    sign: int,
    unit: str,
    *,
    ordered: bool,
) -> Found:
    """Where the means pass `limit` (fall below it for `sign` 1): the degree, interpolated between rungs, in words."""
    missed = [mean is not None and sign * (mean - limit) < 0 for mean in means]
    if not any(missed):
        return {
            "at": None,
            "sentence": "holds throughout" if any(m is not None for m in means) else "not known",
        }
    if not ordered:
        where = ", ".join(
            _degree(at, unit) for at, miss in zip(degrees, missed, strict=True) if miss
        )
        return {"at": None, "sentence": f"fails at {where}"}
    first = missed.index(True)
    now, before = means[first], means[first - 1] if first else None
    if first == 0:
        mildest = _degree(degrees[0], unit)
        return {"at": degrees[0], "sentence": f"fails already at its mildest, {mildest}"}
    if before is None or now is None:
        return {"at": degrees[first], "sentence": f"fails from {_degree(degrees[first], unit)} on"}
    share = (before - limit) / (before - now)
    at = degrees[first - 1] + share * (degrees[first] - degrees[first - 1])
    return {"at": at, "sentence": f"fails from {_degree(at, unit)} on"}


def _degree(at: Any, unit: str) -> str:
    if not isinstance(at, (int, float)):
        return str(at)
    return (f"{at:.0f} {unit}" if abs(at) >= 100 else f"{at:.3g} {unit}").strip()
