"""The parts of a card that say what listeners and metrics say.

Of the campaigns only those of the version's own project are read, so that a card says the same to everybody.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import Any

import numpy as np
from scipy import stats

from listening import score_tables
from listening.analysis.plain import plain
from listening.analysis.results import Analysis
from listening.cards.card import Part, Result
from listening.cards.studied import number_of
from listening.computed import analysis_of
from listening.models import Condition
from listening.report_sections import Section, Table
from metrics import catalogue
from models_registry.models import ModelVersion

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Shape:
    """How one reading of ratings tells of a condition: the column of the value, of its interval's ends and of n."""

    value: str
    quantity: str
    words: str
    low: str = "ci_low"
    high: str = "ci_high"
    n: str = "n_listeners"


# of grades, opinions, answers, preferences, categories: the first of which a row has the value
SHAPES = (
    Shape(
        "after_mean_of_listeners", "mean-rating", "mean rating",
        "after_ci_low", "after_ci_high", "after_n_listeners",
    ),
    Shape("proportion_a", "preferred", "{a} preferred to {b}, share of decided choices"),
    Shape("cmos", "comparison", "{b} compared with {a}, mean category"),
    Shape("proportion", "told-apart", "told from {reference_condition}, share of right answers"),
    Shape("mean", "mean-opinion", "mean opinion"),
)  # fmt: skip


def ratings(version: ModelVersion) -> Part:
    """What people (and, said so, programs) rated, with intervals and n."""
    told = list(ratings_of(version))
    if not told:
        section = Section("What listeners say", ["Nobody has listened to it in a test."])
        return Part(
            "ratings", section, None, "python manage.py design …, or Campaigns, New campaign"
        )
    rows = [
        [
            one["campaign"],
            one["what"],
            f"{one['value']:.2f}".replace("-", "−"),
            "–"
            if one["low"] is None
            else f"{one['low']:.2f} to {one['high']:.2f}".replace("-", "−"),
            str(one["n"]),
            _who(one),
        ]
        for one in told
    ]
    table = Table(
        "By campaign; intervals are 95 %. Ratings by simulated listeners are a rehearsal and no evidence.",
        ["Campaign", "What", "Value", "Interval", "Listeners", "Who"],
        rows,
        (False, False, True, True, True, False),
    )
    results = [
        Result(
            one["quantity"],
            one["what"],
            one["value"],
            one["campaign"],
            ""
            if one["low"] is None
            else f"95 % {one['low']:.2f} to {one['high']:.2f}, n {one['n']}",
        )
        for one in told
        if not one["simulated"]
    ]
    people = any(not one["simulated"] for one in told)
    words = [] if people else ["No person has rated it: every listener so far is simulated."]
    how = "" if people else "python manage.py invite CAMPAIGN --count 20"
    return Part("ratings", Section("What listeners say", words, [table]), told, how, results)


def _who(one: dict[str, Any]) -> str:
    if not one["simulated"]:
        return "people"
    if one["simulated"] == one["listeners"]:
        return "SIMULATED, no people"
    return f"{one['simulated']} of {one['listeners']} SIMULATED"


def ratings_of(version: ModelVersion) -> Iterator[dict[str, Any]]:
    """One for each value that a campaign of the version's project tells of it."""
    conditions = Condition.objects.filter(version=version, campaign__project=version.project)
    for condition in conditions.select_related("campaign").order_by("campaign__pk", "pk"):
        analysis, _ = analysis_of(condition.campaign)
        if analysis is None:
            continue
        for one in _rows(analysis, condition.name):
            yield {
                "campaign": condition.campaign.title,
                "slug": condition.campaign.slug,
                "method": analysis.method,
                "condition": condition.name,
                "listeners": analysis.listeners,
                "simulated": analysis.simulated_listeners,
                **one,
            }


def _rows(analysis: Analysis, condition: str) -> Iterator[dict[str, Any]]:
    """What the analysis' summary says of one condition: its means, or its pairs."""
    for row in plain(analysis.summary):
        if condition not in (row.get("condition"), row.get("a"), row.get("b")):
            continue
        shape = next((one for one in SHAPES if row.get(one.value) is not None), None)
        if shape is not None:
            scale = f", {row['scale']}" if row.get("scale") else ""
            yield {
                "what": shape.words.format_map(row) + scale,
                "quantity": shape.quantity,
                "value": row[shape.value],
                "low": row.get(shape.low),
                "high": row.get(shape.high),
                "n": row.get(shape.n) or analysis.listeners,
            }


def metrics(version: ModelVersion) -> Part:
    """What each metric says of its renderings: mean, interval, n."""
    values: dict[str, list[float]] = {}
    pairs = score_tables.of_version(version)
    for row in score_tables.with_scores(pairs, score_tables.scored_metrics(pairs)):
        for name, score in row.scores.items():
            if score.value is not None and np.isfinite(score.value):
                values.setdefault(name, []).append(score.value)
    if not values:
        section = Section("What metrics say", ["No rendering of it was scored."])
        how = f"python manage.py render {version} FILE…, then score them on its page"
        return Part("metrics", section, None, how)
    told: list[dict[str, Any]] = []
    for name, given in sorted(values.items()):
        known = catalogue.get(name)
        half = _half(given)
        told.append(
            {
                "metric": name,
                "title": known.title,
                "version": known.version,
                "unit": known.unit,
                "better": known.direction.value,
                "mean": fmean(given),
                "low": None if half is None else fmean(given) - half,
                "high": None if half is None else fmean(given) + half,
                "n": len(given),
            }
        )
    rows = [
        [
            one["title"],
            number_of(one["mean"], one["unit"]),
            "–"
            if one["low"] is None
            else f"{one['low']:.3g} to {one['high']:.3g}".replace("-", "−"),
            str(one["n"]),
            one["better"],
        ]
        for one in told
    ]
    words = [
        "Numbers computed from the sounds. How far they can stand in for ears, only a listening test tells."
    ]
    table = Table(
        "Means over its renderings, with 95 % t intervals.",
        ["Metric", "Mean", "Interval", "n", "Better"], rows, (False, True, True, True, False),
    )  # fmt: skip
    results = [
        Result(
            one["metric"],
            one["title"],
            one["mean"],
            f"{one['n']} rendered signals",
            f"version {one['version']}",
        )
        for one in told
    ]
    return Part(
        "metrics", Section("What metrics say", words, [table]), plain(told), results=results
    )


def _half(values: list[float]) -> float | None:
    """Half the 95 % t interval of a mean; none of a single value."""
    n = len(values)
    if n < 2:
        return None
    return float(stats.t.ppf((1 + CONFIDENCE) / 2, n - 1) * stdev(values) / n**0.5)
