"""Search: which configuration of a recipe to try next, when to give one up, and which ones are worth repeating.

A search explores first: the recipe as it is written is configuration 0, every other one is proposed by Optuna's
tree-structured Parzen estimator (Watanabe, Tree-Structured Parzen Estimator, arXiv:2304.11127) from what is known by
then, all with one seed. Then it confirms: the best (with several objectives, those of the Pareto front) and the recipe
as written are trained once more with each of several seeds that had no part in the choice; what those say is in
reliability.py. Nothing here keeps anything: the trials so far come in, the next one comes out, so that any store will
do and a killed worker loses nothing but its own step.

Conventions: objectives are "quality" (the recipe's measure on its test clips, the smaller the better), "cost" (seconds
of computing for a second of sound), "interpretability" (the share of what the chain does that its blocks do, not its
networks, by Shapley's value) and "parts" (how many blocks and networks there are to understand).
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.trial import FrozenTrial, TrialState, create_trial

from models_registry.engine.contract import EngineError
from models_registry.engine.space import Choices, Dimension, Space

optuna.logging.set_verbosity(optuna.logging.ERROR)

QUALITY, COST, INTERPRETABILITY, PARTS = "quality", "cost", "interpretability", "parts"
DIRECTIONS: dict[str, Literal["minimize", "maximize"]] = {
    QUALITY: "minimize",
    COST: "minimize",
    INTERPRETABILITY: "maximize",
    PARTS: "minimize",
}
RUNNING, DONE, PRUNED, FAILED = "running", "done", "pruned", "failed"

# trials drawn at random before the estimator has something to go by
RANDOM_AT_FIRST = 8
# so many have to be there before one is given up beside them, and not in the first quarter of its training
TO_COMPARE, WARM_UP = 4, 0.25
# where as many proposals are all known already, the space is taken to be exhausted
ATTEMPTS, GUIDED = 40, 5
# what of a chain that is known before it is trained stands for an objective; trials that have less of it are
# unlike, and none is given up beside a dearer one
KNOWN_BEFORE = {COST: COST, INTERPRETABILITY: "networks", PARTS: PARTS}


@dataclass(frozen=True)
class Plan:
    """How much is tried: `trials` configurations beside the recipe as written, then the best `finalists` of them with
    `seeds` further seeds each. Raises `EngineError`."""

    trials: int = 30
    seeds: int = 5
    finalists: int = 3
    objectives: tuple[str, ...] = (QUALITY,)
    seed: int = 0
    prune: bool = True

    def __post_init__(self) -> None:
        if self.trials < 1:
            raise EngineError(f"expected at least 1 trial, found {self.trials}")
        if self.seeds < 2:
            raise EngineError(
                f"expected at least 2 seeds to tell luck from a difference, found {self.seeds}"
            )
        if self.finalists < 1:
            raise EngineError(f"expected at least 1 finalist, found {self.finalists}")
        unknown = [name for name in self.objectives if name not in DIRECTIONS]
        if unknown or QUALITY not in self.objectives:
            raise EngineError(
                f"expected objectives of {', '.join(DIRECTIONS)}, quality among them, found "
                f"{', '.join(self.objectives) or 'none'}"
            )
        if len(set(self.objectives)) < len(self.objectives):
            raise EngineError(f"expected every objective once, found {', '.join(self.objectives)}")


@dataclass(frozen=True)
class Trial:
    """One training of a configuration (named by the number of the trial that explored it) with a seed: its `values` by
    objective, and `history` as (step, quality) at each validation."""

    number: int
    configuration: int
    seed: int
    choices: Choices
    state: str = RUNNING
    values: Mapping[str, float] = field(default_factory=dict)
    history: tuple[tuple[int, float], ...] = ()

    @property
    def explores(self) -> bool:
        return self.number == self.configuration


Step = Trial | Literal["wait", "over"]


def next_step(space: Space, plan: Plan, trials: Sequence[Trial]) -> Step:
    """The trial to begin now, "wait" while others still run that it depends on, or "over"."""
    if not trials:
        return Trial(0, 0, plan.seed, space.written() or {})
    exploring = [one for one in trials if one.explores]
    # what keeps the recipe as written from being trained keeps every other one from it
    if trials[0].state == RUNNING:
        return "wait"
    number = max(one.number for one in trials) + 1
    if len(exploring) <= plan.trials:
        choices = proposed(space, plan, exploring, number)
        if choices is not None:
            return Trial(number, number, plan.seed, choices)
    if any(one.state == RUNNING for one in exploring):
        return "wait"
    begun = {(one.configuration, one.seed) for one in trials}
    # seed by seed, so that a search that is stopped early has compared all with the same ones
    for seed in confirming_seeds(plan):
        for one in finalists(plan, trials):
            if (one.number, seed) not in begun:
                return Trial(number, one.number, seed, one.choices)
    return "wait" if any(one.state == RUNNING for one in trials) else "over"


def confirming_seeds(plan: Plan) -> list[int]:
    """The seeds that decide: not the one that the configurations were chosen by."""
    return [plan.seed + n for n in range(1, plan.seeds + 1)]


def finalists(plan: Plan, trials: Sequence[Trial]) -> list[Trial]:
    """The recipe as written, and the best of what was explored beside it: in quality, or evenly along the front."""
    done = [one for one in trials if one.explores and one.state == DONE]
    written = [one for one in done if one.number == 0]
    found = [one for one in done if one.number]
    if len(plan.objectives) > 1:
        found = front(plan.objectives, found)
    found.sort(key=lambda one: (one.values[QUALITY], one.number))
    if len(plan.objectives) > 1 and len(found) > plan.finalists > 1:
        last = len(found) - 1
        places = [round(n * last / (plan.finalists - 1)) for n in range(plan.finalists)]
        found = [found[place] for place in places]
    return [*written, *found[: plan.finalists]]


def front(objectives: Sequence[str], trials: Sequence[Trial]) -> list[Trial]:
    """The done trials that no other one matches in every objective and beats in one (Pareto)."""
    signed = {
        one.number: [
            one.values[name] * (1 if DIRECTIONS[name] == "minimize" else -1) for name in objectives
        ]
        for one in trials
        if one.state == DONE
    }

    def beaten(mine: list[float]) -> bool:
        return any(
            other != mine and all(a <= b for a, b in zip(other, mine, strict=True))
            for other in signed.values()
        )

    return [one for one in trials if one.number in signed and not beaten(signed[one.number])]


# proposals


def proposed(space: Space, plan: Plan, trials: Sequence[Trial], number: int) -> Choices | None:
    """What to explore as trial `number` after `trials`; the same for the same trials. None: nothing new was found."""
    known = [one.choices for one in trials]
    for attempt in range(ATTEMPTS):
        # an even draw where the estimator proposes again and again what is known
        guided = attempt < GUIDED and len(trials) >= RANDOM_AT_FIRST
        drawn = _seed(plan.seed, number, attempt)
        sampler = (
            optuna.samplers.TPESampler(
                seed=drawn,
                n_startup_trials=RANDOM_AT_FIRST,
                constant_liar=True,
            )
            if guided
            else optuna.samplers.RandomSampler(seed=drawn)
        )
        study = _study(space, plan, trials, sampler)
        trial = study.ask()
        choices: Choices = {}
        for one in space.active(choices):
            choices[one.path] = _suggested(trial, one)
        if choices not in known:
            return choices
    return None


def _seed(*numbers: int) -> int:
    """A seed of its own for every trial and attempt, so that a search that goes on proposes as one unbroken would."""
    found = 0
    for number in numbers:
        found = (found * 1_000_003 + number + 1) % 2**32
    return found


def _suggested(trial: optuna.Trial, one: Dimension) -> Any:
    if one.choices is not None:
        return trial.suggest_categorical(one.path, tuple(one.choices))
    if one.whole:
        return trial.suggest_int(one.path, int(one.low), int(one.high), log=one.log)
    return trial.suggest_float(one.path, one.low, one.high, log=one.log)


def _distribution(one: Dimension) -> BaseDistribution:
    if one.choices is not None:
        return CategoricalDistribution(tuple(one.choices))
    if one.whole:
        return IntDistribution(int(one.low), int(one.high), log=one.log)
    return FloatDistribution(one.low, one.high, log=one.log)


def _study(
    space: Space,
    plan: Plan,
    trials: Sequence[Trial],
    sampler: optuna.samplers.BaseSampler,
) -> optuna.Study:
    study = optuna.create_study(
        directions=[DIRECTIONS[name] for name in plan.objectives], sampler=sampler
    )
    for one in trials:
        # the recipe as written may lie outside the space, and what failed says nothing of how good it is
        if one.choices and one.state != FAILED:
            study.add_trial(_told(space, plan, one, trials))
    return study


def _told(space: Space, plan: Plan, one: Trial, trials: Sequence[Trial]) -> FrozenTrial:
    """`one` as Optuna keeps it. With several objectives it cannot keep a pruned one, which is then told with the
    quality at which it was given up, and what of it is not known as the worst there is."""
    distributions = {
        each.path: _distribution(each) for each in space.dimensions if each.path in one.choices
    }
    given: dict[str, Any] = {"params": dict(one.choices), "distributions": distributions}
    if one.state == RUNNING:
        return create_trial(state=TrialState.RUNNING, **given)
    if one.state == DONE:
        return create_trial(values=[one.values[name] for name in plan.objectives], **given)
    if len(plan.objectives) == 1:
        return create_trial(state=TrialState.PRUNED, intermediate_values=dict(one.history), **given)
    left = {QUALITY: one.history[-1][1], **one.values}
    return create_trial(
        values=[left.get(name, _worst(name, trials)) for name in plan.objectives], **given
    )


def _worst(name: str, trials: Sequence[Trial]) -> float:
    values = [one.values[name] for one in trials if one.state == DONE and name in one.values]
    worst = max if DIRECTIONS[name] == "minimize" else min
    return worst(values, default=0.0)


# giving up


def hopeless(plan: Plan, one: Trial, trials: Sequence[Trial], *, steps: int) -> bool:
    """Whether `one`, as far as its history goes of `steps`, is to be given up: by Optuna's median rule, held against
    explored trials alone that cost no more of what else is asked for (Golovin et al., Google Vizier, 2017)."""
    if not plan.prune or not one.explores or one.number == 0 or not one.history:
        return False
    dear = [KNOWN_BEFORE[name] for name in plan.objectives if name in KNOWN_BEFORE]
    beside = [
        other
        for other in trials
        if other.explores
        and other.state in (DONE, PRUNED)
        and other.history
        and all(other.values.get(key, math.inf) <= one.values.get(key, 0.0) for key in dear)
    ]
    study = optuna.create_study(direction="minimize")
    for other in beside:
        done = other.state == DONE
        study.add_trial(
            create_trial(
                state=TrialState.COMPLETE if done else TrialState.PRUNED,
                value=other.values[QUALITY] if done else None,
                intermediate_values=dict(other.history),
            )
        )
    pruner = optuna.pruners.MedianPruner(
        n_startup_trials=TO_COMPARE, n_warmup_steps=math.ceil(WARM_UP * steps)
    )
    frozen = create_trial(state=TrialState.RUNNING, intermediate_values=dict(one.history))
    with warnings.catch_warnings():
        # steps at which no other trial was judged
        warnings.simplefilter("ignore", RuntimeWarning)
        return pruner.prune(study, frozen)
