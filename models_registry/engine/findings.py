"""What a search found, in plain data and one sentence: finalists over their seeds, what is shown, what matters."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from models_registry.engine.contract import EngineError
from models_registry.engine.importance import importance
from models_registry.engine.measures import TABLE
from models_registry.engine.reliability import CONFIDENCE, Comparison, comparisons, repeated
from models_registry.engine.search import DONE, QUALITY, Plan, Trial, confirming_seeds, front
from models_registry.engine.space import Choices, Space

WRITTEN = 0


def found_by(space: Space, plan: Plan, trials: Sequence[Trial]) -> dict[str, Any]:
    """Everything that `trials` say, as plain data (NaN as None): the `best` configuration beside the recipe as written,
    whether it is `shown` to be better, and the `sentence` that says so."""
    configurations = {one.configuration: one.choices for one in trials if one.explores}
    table, pairs = repeated(plan, trials), comparisons(plan, trials)
    best = next((one.configuration for one in table if one.configuration != WRITTEN), None)
    verdict = next((one for one in pairs if {one.better, one.worse} == {best, WRITTEN}), None)
    shown = verdict is not None and verdict.better == best and verdict.shown
    explored = [one for one in trials if one.explores and one.state == DONE]
    return {
        "best": best,
        "shown": shown,
        "sentence": _sentence(space, configurations, best, verdict, len(pairs)),
        "seeds": confirming_seeds(plan),
        "finalists": [_plain(asdict(one)) for one in table],
        "comparisons": [_plain({**asdict(one), "shown": one.shown}) for one in pairs],
        "front": [one.number for one in front(plan.objectives, explored)],
        "importance": _importance(space, trials, plan),
    }


def words(choices: Choices) -> str:
    """What was chosen, to be read: `training.learning_rate 0.11, blocks.pre none`."""
    return ", ".join(f"{path} {said(value)}" for path, value in choices.items()) or "as written"


def said(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _sentence(
    space: Space,
    configurations: dict[int, Choices],
    best: int | None,
    verdict: Comparison | None,
    pairs: int,
) -> str:
    measure = TABLE[space.recipe.measure]
    if best is None or verdict is None:
        return "No configuration beside the recipe as written came through every stage."
    unit = f" {measure.unit}" if measure.unit else ""
    interval = f"{verdict.difference:.3g}{unit}"
    if math.isfinite(verdict.low):
        interval += f" [{verdict.low:.3g}, {verdict.high:.3g}]"
    interval = interval.replace("-", "−")
    over = (
        f"over {verdict.n} seed{'' if verdict.n == 1 else 's'} (paired t, {100 * CONFIDENCE:.0f} % over all "
        f"{pairs} pair{'' if pairs == 1 else 's'} of finalists together)"
    )
    what = f"Configuration {best} of {len(configurations)} ({words(configurations[best])})"
    if verdict.better == best and verdict.shown:
        return f"{what} is better than the recipe as written: {measure.title} lower by {interval} {over}."
    better = "lower" if verdict.better == best else "higher"
    return (
        f"No configuration is shown to be better than the recipe as written. {what} comes closest: "
        f"{measure.title} {better} by {interval} {over}."
    )


def _importance(space: Space, trials: Sequence[Trial], plan: Plan) -> dict[str, Any]:
    try:
        found = importance(space, trials, seed=plan.seed)
    except EngineError as error:
        return {"shares": [], "reason": str(error)}
    reason = (
        ""
        if found.tells
        else f"The trials do not tell: a forest foretells {100 * max(0.0, found.foretold):.0f} % of the variance of "
        "trials that it has not seen."
    )
    return {**_plain(asdict(found)), "tells": found.tells, "reason": reason}


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    return {
        key: None if isinstance(value, float) and not math.isfinite(value) else value
        for key, value in row.items()
    }


def best_so_far(trials: Sequence[Trial]) -> Trial | None:
    """The explored trial of the best quality."""
    done = [one for one in trials if one.explores and one.state == DONE]
    return min(done, key=lambda one: one.values[QUALITY], default=None)
