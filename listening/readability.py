"""What a leaderboard says of the models behind it: how far they can be read, where they fail, and what they cost.

Each reading takes a study's result and gives a number, its n and what else is to be said. Pure.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

Found = dict[str, Any]
Reading = tuple[float | None, int | None, str]


def networks_share(ablation: Found) -> Reading:
    """The adapters' part of the Shapley shares, which add up to 1 over all parts."""
    shares = ablation["shares"]
    adapters = [one["share"] for one in shares if one["part"].startswith("adapter ")]
    n = max((one["n"] for one in shares), default=0)
    said = f"{len(adapters)} of {len(shares)} parts are networks"
    return (float(sum(adapters)), n, said) if shares else (None, None, "no part was told")


def faithfulness(explanation: Found) -> Reading:
    """How much smaller the area under deletion is than under random orders, as a share of the latter."""
    checks = explanation.get("checks", {})
    curves = checks.get("curves")
    passed = [name for name, one in checks.items() if one["passed"]]
    said = f"{len(passed)} of {len(checks)} checks passed" if checks else ""
    if curves is None or not curves["random_area"]:
        return None, None, said or "not applicable: nothing could be taken away"
    random, deletion = curves["random_area"], curves["deletion_area"]
    return (random - deletion) / random, curves["orders"], said


def sparsity(explanation: Found) -> Reading:
    """Gini's index of the sizes of the map's parts."""
    tiles = explanation.get("tiles")
    sizes = np.abs(np.asarray(tiles["values"] if tiles else [], dtype=float)).ravel()
    if not sizes.size or not sizes.any():
        return None, None, "not applicable: the map is empty"
    return gini(sizes), int(sizes.size), ""


def gini(sizes: ArrayLike) -> float:
    """Gini's index of non-negative sizes: 0 where all are equal, 1 − 1/N where one has everything.

    Hurley & Rickard, Comparing Measures of Sparsity, IEEE Transactions on Information Theory 55, 2009, eq. (2).
    """
    c = np.sort(np.asarray(sizes, dtype=float))
    count = len(c)
    k = np.arange(1, count + 1)
    return float(1 - 2 * np.sum(c / c.sum() * (count - k + 0.5) / count))


def rungs_held(validation: Found) -> Reading:
    """Of all rungs of all ladders that a metric judged, the share on which it keeps its limit."""
    held = judged = 0
    failing = []
    for ladder in validation["ladders"]:
        for metric in ladder["metrics"]:
            sign = 1 if metric["higher"] else -1
            means = [row["mean"] for row in metric["lines"]["output"] if row["mean"] is not None]
            kept = sum(sign * (mean - metric["limit"]) >= 0 for mean in means)
            held, judged = held + kept, judged + len(means)
            if kept < len(means):
                failing.append(
                    f"{ladder['name']} {metric['fails']['sentence']} ({metric['metric']})"
                )
    if not judged:
        return (
            None,
            None,
            "not applicable: no rung could be judged, since what should come out is not known",
        )
    return held / judged, judged, "; ".join(failing) or "holds throughout"
