"""Metrics against listeners over several campaigns, without their differing levels being taken for agreement.

Campaigns have their own items, listeners and use of the scale, so that points of two campaigns thrown together would
correlate by level alone. Pooled within campaigns: ratings and scores are taken around their campaign's mean, and
Pearson's r is that of what is left (the correlation within groups of Bland & Altman 1995, df = N − campaigns − 1). Its
interval draws whole items with replacement in every campaign. Beside it stands ODAQ's aggregate, tanh(mean artanh |r|),
in which every campaign counts alike and the sign is lost.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from listening.analysis.bootstrap import BLOCK, CONFIDENCE, RESAMPLES, SEED
from listening.analysis.correlation import FEWEST
from listening.analysis.frames import METHODS, AnalysisError
from listening.analysis.parts import aggregate, repeated_measures
from listening.analysis.plain import Format, interval, number, plain, table, whole
from listening.analysis.report import Correlation

Values = NDArray[np.float64]
COLUMNS = ["metric", "metric_version", "direction", "campaigns", "n", "n_items", "r", "p"]
COLUMNS += ["item_low", "item_high", "aggregate", "least", "greatest", "reading"]
POOLING_METHODS = {
    "r": "of ratings and scores around their campaign's mean (within groups), df = n − campaigns − 1",
    "item_low, item_high": "95 % percentile bootstrap that draws whole items within every campaign, 2,000 resamples, "
    "fixed seed",
    "aggregate": "tanh(mean artanh |r|) over campaigns, each alike; blind to the sign",
    "metrics": "by name and version: scores of another version are not pooled",
}


@dataclass(frozen=True)
class PooledCorrelation:
    """`pooled`: one row per metric (`COLUMNS`, unrounded); `each`: every campaign's correlations per stimulus;
    `left_out`: metric, campaign and why it is not in the pool; only stimuli with a role in `roles` enter."""

    campaigns: tuple[Correlation, ...]
    pooled: pd.DataFrame
    each: pd.DataFrame
    left_out: pd.DataFrame
    caveats: tuple[str, ...]

    @property
    def scope(self) -> str:
        return f"within these {len(self.campaigns)} campaigns, {self.campaigns[0].scope}"

    @property
    def simulated_listeners(self) -> int:
        return sum(one.simulated_listeners for one in self.campaigns)

    def as_dict(self) -> dict[str, Any]:
        heads = [
            {
                "campaign": one.campaign,
                "method": one.method,
                "listeners": one.listeners,
                "simulated_listeners": one.simulated_listeners,
                "screening": one.screening.rule,
                "excluded": len(one.screening.excluded),
            }
            for one in self.campaigns
        ]
        return plain(
            {
                "campaigns": heads,
                "scope": self.scope,
                "pooled": self.pooled,
                "each": self.each,
                "left_out": self.left_out,
                "caveats": self.caveats,
                "methods": POOLING_METHODS,
            }
        )

    def to_json(self) -> str:
        """Every figure, unrounded; a missing one is null."""
        return json.dumps(self.as_dict(), ensure_ascii=False, indent=2, allow_nan=False)

    def to_text(self) -> str:
        """The pooled table and every campaign's r, rounded, for a terminal."""
        rows, each = self.pooled, self.each
        columns: dict[str, tuple[pd.Series, Format]] = {
            "metric": (rows["metric"], str),
            "campaigns": (rows["campaigns"], whole),
            "n": (rows["n"], whole),
            "items": (rows["n_items"], whole),
            "r within": (rows["r"], number(3)),
            "over items": interval(rows, "item_low", "item_high", digits=3),
            "aggregate": (rows["aggregate"], number(3)),
            "reading": (rows["reading"], str),
        }
        single: dict[str, tuple[pd.Series, Format]] = {
            "metric": (each["metric"], str),
            "campaign": (each["campaign"], str),
            "n": (each["n"], whole),
            "r": (each["pearson"], number(3)),
            "over items": interval(each, "pearson_item_low", "pearson_item_high", digits=3),
            "reading": (each["reading"], str),
        }
        simulated = [f"{self.simulated_listeners} listeners are simulated."]
        left_out = [
            f"left out: {metric} of {campaign}: {why}"
            for metric, campaign, why in self.left_out.to_numpy()
        ]
        sections = [
            *simulated * bool(self.simulated_listeners),
            f"Pooled {self.scope}:\n" + table(columns),
        ]
        sections += [
            "Each campaign:\n" + table(single),
            *(["\n".join(left_out)] if left_out else []),
        ]
        return "\n\n".join([*sections, *self.caveats]) + "\n"


def pool(
    correlations: Sequence[Correlation], *, resamples: int = RESAMPLES, seed: int = SEED
) -> PooledCorrelation:
    """Pool every metric that two campaigns or more can say something of.

    Raises `AnalysisError` for fewer than two campaigns, one given twice, ratings that are not on one scale or not of
    the same roles, and when no metric can be pooled.
    """
    _check(correlations)
    each = pd.concat(
        [
            one.table.query("level == 'stimulus'").assign(campaign=one.campaign)
            for one in correlations
        ],
        ignore_index=True,
    )
    points = pd.concat(
        [one.points.assign(campaign=one.campaign) for one in correlations], ignore_index=True
    )
    known = each[each["pearson"].notna()]
    silent = each[each["pearson"].isna()]
    out = [(r["metric"], r["campaign"], r["reading"]) for r in silent.to_dict("records")]
    rows = []
    for (metric, version), of_metric in known.groupby(["metric", "metric_version"], sort=False):
        if len(of_metric) < 2:
            only = str(of_metric["campaign"].iloc[0])
            out.append(
                (
                    metric,
                    only,
                    f"no other campaign has a correlation of its version {version or '(none)'}",
                )
            )
            continue
        chosen = points[
            (points["metric"] == metric)
            & (points["metric_version"] == version)
            & points["campaign"].isin(of_metric["campaign"])
        ].dropna(subset="value")
        rows.append(_row(of_metric, chosen, resamples, seed))
    if not rows:
        why = "; ".join(f"{metric} of {name}: {reason}" for metric, name, reason in out[:3])
        raise AnalysisError(
            f"pooling: expected a metric with a correlation in two campaigns, found none ({why})"
        )
    caveats = dict.fromkeys(
        f"{one.campaign}: {said}" for one in correlations for said in one.caveats
    )
    signals = points.drop_duplicates(["campaign", "item", "condition"]).query("signal != ''")[
        "signal"
    ]
    if twice := int(signals.duplicated().sum()):
        caveats[
            f"{twice} sound(s) were rated in more than one place: these points are not independent"
        ] = None
    return PooledCorrelation(
        tuple(correlations),
        pd.DataFrame(rows, columns=COLUMNS),
        each[["campaign", *(c for c in each if c not in ("campaign", "level"))]],
        pd.DataFrame(out, columns=["metric", "campaign", "why"]),
        tuple(caveats),
    )


def _check(correlations: Sequence[Correlation]) -> None:
    names = [one.campaign for one in correlations]
    if len(set(names)) < 2 or len(set(names)) < len(names):
        raise AnalysisError(
            f"pooling: expected two different campaigns or more, found {', '.join(names) or 'none'}"
        )
    scales = {one.campaign: _scale(one) for one in correlations}
    if len(set(scales.values())) > 1:
        found = ", ".join(f"{name} with {scale}" for name, scale in scales.items())
        raise AnalysisError(f"pooling: expected ratings on one scale, found {found}")
    if len({one.roles for one in correlations}) > 1:
        raise AnalysisError(
            "pooling: expected conditions of the same roles in every campaign, found others"
        )


def _scale(one: Correlation) -> str:
    """What a campaign's mean ratings are, in words that are equal where the means compare."""
    kind = METHODS[one.method]
    scale = str(one.ratings["scale"].iloc[0])
    grade = "difference grades" if kind.reading == "differences" else "ratings"
    return f"{grade} from {kind.low:g} to {kind.high:g}" + (f" of {scale}" if scale else "")


def _row(
    of_metric: pd.DataFrame, points: pd.DataFrame, resamples: int, seed: int
) -> dict[str, Any]:
    first = of_metric.iloc[0]
    r = of_metric["pearson"].to_numpy(dtype=float)
    within = repeated_measures(points["value"], points["rating"], points["campaign"])
    low, high = _over_items(points, resamples, seed)
    return {
        **{name: str(first[name]) for name in ("metric", "metric_version", "direction")},
        "campaigns": len(of_metric),
        "n": len(points),
        "n_items": points.drop_duplicates(["campaign", "item"]).shape[0],
        "r": within.value,
        "p": within.p,
        "item_low": low,
        "item_high": high,
        "aggregate": aggregate(r),
        "least": float(r.min()),
        "greatest": float(r.max()),
        "reading": _reading(r, low, high, str(first["direction"])),
    }


def _reading(r: Values, low: float, high: float, direction: str) -> str:
    mixed = "; campaigns differ in sign" if r.min() < 0 < r.max() else ""
    if not (low > 0 or high < 0):
        return "not shown: the interval over items includes 0, or there is none" + mixed
    sign = "positive" if low > 0 else "negative"
    if direction == "none":
        return f"{sign} r{mixed}"
    agrees = (sign == "positive") == (direction == "higher")
    said = "agrees" if agrees else f"disagrees (r is {sign} although {direction} is better)"
    return f"{said}{mixed}"


def _over_items(points: pd.DataFrame, resamples: int, seed: int) -> tuple[float, float]:
    """Ends of the bootstrap interval of r within campaigns; missing where a campaign has one item only."""
    rng = np.random.default_rng(seed)
    sums = np.zeros((resamples, 3))
    for _, of_campaign in points.groupby("campaign", sort=False):
        codes, items = pd.factorize(of_campaign["item"])
        if len(items) < 2:
            return float("nan"), float("nan")
        drawn = rng.multinomial(len(items), np.full(len(items), 1 / len(items)), size=resamples)
        # around the mean, so that sums of squares do not cancel
        x, y = (
            (of_campaign[c] - of_campaign[c].mean()).to_numpy(dtype=float)
            for c in ("value", "rating")
        )
        powers = np.column_stack([np.ones_like(x), x, y, x * x, y * y, x * y])
        for start in range(0, resamples, BLOCK):
            block = slice(start, start + BLOCK)
            n, sx, sy, xx, yy, xy = (drawn[block][:, codes] @ powers).T
            sums[block] += np.column_stack([xx - sx**2 / n, yy - sy**2 / n, xy - sx * sy / n])
    with np.errstate(invalid="ignore", divide="ignore"):
        r = sums[:, 2] / np.sqrt(sums[:, 0] * sums[:, 1])
    r = r[np.isfinite(r)]
    if len(r) < FEWEST:
        return float("nan"), float("nan")
    low, high = np.quantile(r, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return float(low), float(high)
