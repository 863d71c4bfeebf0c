"""From a recipe to a version: a training run is a job, and its result is registered once.

Importing this module does not import torch; running it does.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import transaction

from models_registry import audit, jobs
from models_registry.extra import engine
from models_registry.models import (
    AudioModel,
    Job,
    ModelVersion,
    NoReason,
    TrainingRun,
    canonical_json,
)
from models_registry.teams import Project

if TYPE_CHECKING:
    from models_registry.engine import Recipe

# The history is shown while it grows; once a second is as often as anyone looks.
HISTORY_EVERY_S = 1.0


def shipped() -> list[str]:
    """The recipes that come with the project; found without importing the engine, which may not be installed."""
    folder = files("models_registry").joinpath("engine", "recipes")
    names = (file.name for file in folder.iterdir())
    return sorted(name.removesuffix(".json") for name in names if name.endswith(".json"))


def shipped_content(name: str) -> dict[str, Any]:
    """What the file of a shipped recipe says; read without the engine."""
    file = files("models_registry").joinpath("engine", "recipes", f"{name}.json")
    content: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return content


def load_recipe(
    name: str, overrides: Mapping[str, str] | None = None, *, quick: bool = False
) -> Recipe:
    """A shipped recipe by name or any by path; refuses with one sentence where torch is not installed."""
    recipe: Recipe = engine().Recipe.load(name, overrides, quick=quick)
    return recipe


def queue(
    name: str,
    overrides: Mapping[str, str] | None = None,
    *,
    seed: int,
    reason: str = "",
    actor: str,
    project: Project,
) -> TrainingRun:
    """Ask a worker to train the recipe; raises `RecipeError` before anything is written."""
    recipe = load_recipe(name, overrides)
    return queue_recipe(recipe, seed=seed, reason=reason, actor=actor, project=project)


def queue_recipe(
    recipe: Recipe, *, seed: int, reason: str = "", actor: str, project: Project
) -> TrainingRun:
    """Ask a worker to train a recipe that is at hand."""
    with transaction.atomic():
        job = jobs.enqueue("train", {"actor": actor}, project=project)
        return _run(recipe, job, seed=seed, reason=reason, actor=actor)


def here(
    recipe: Recipe, *, seed: int, reason: str = "", actor: str, project: Project
) -> TrainingRun:
    """A run that this process holds (`jobs.work_here`): an unfinished one of the same recipe and seed goes on."""
    same = TrainingRun.objects.filter(
        recipe=recipe.to_dict(), seed=seed, version=None, model__project=project
    )
    for unfinished in same.filter(job__in=Job.objects.filter(jobs.open_to_all())):
        if jobs.take(unfinished.job):
            return unfinished
    with transaction.atomic():
        job = jobs.hold("train", {"actor": actor}, project=project)
        return _run(recipe, job, seed=seed, reason=reason, actor=actor)


def trained(recipe: Recipe, *, seed: int, project: Project) -> ModelVersion | None:
    """The version that this recipe and seed gave before in the project, if they did."""
    of_project = ModelVersion.objects.filter(model__project=project)
    return of_project.filter(run__recipe=recipe.to_dict(), run__seed=seed).first()


def _run(recipe: Recipe, job: Job, *, seed: int, reason: str, actor: str) -> TrainingRun:
    model, created = AudioModel.objects.get_or_create(
        name=_name_in(job.project, recipe.name),
        project=job.project,
        defaults={"title": recipe.title, "purpose": recipe.purpose},
    )
    if created:
        said = {"recipe_sha256": _hashed(recipe.to_dict())}
        audit.record("register", model, actor=actor, reason=recipe.purpose, content=said)
    # the first of its line exists for what the recipe is for; what differs from it differs for a reason
    reason = reason.strip()
    if not reason and model.versions.exists():
        raise NoReason(f"another version of {model}")
    run = TrainingRun.objects.create(
        model=model,
        recipe=recipe.to_dict(),
        seed=seed,
        reason=reason or f"{recipe.purpose} (seed {seed})",
        job=job,
    )
    asked = {"job": job.pk, "seed": seed, "recipe_sha256": _hashed(run.recipe)}
    audit.record("train-ask", run, actor=actor, reason=run.reason, content=asked)
    return run


def _hashed(recipe: Mapping[str, Any]) -> str:
    return hashlib.sha256(canonical_json(recipe).encode()).hexdigest()


def _name_in(project: Project, name: str) -> str:
    """The recipe's own name, or, where another project has a model of it, one that says which project's this is."""
    taken = AudioModel.objects.filter(name=name).exclude(project=project).exists()
    if not taken:
        return name
    # names are installation-wide: addresses, MODEL@N and listeners' records go by them
    ending = f"-{project.slug}"[:40]
    return name[: 80 - len(ending)] + ending


@jobs.handles("train")
def train(lease: jobs.Lease) -> str:
    """Arguments: actor. The run is the job's own."""
    run: TrainingRun = lease.job.training_run
    if version := ModelVersion.objects.filter(run=run).first():
        return f"{version} was already registered"
    directory = settings.HOME / "training" / str(run.pk)
    lease.leaves(directory / engine("training").CHECKPOINT)
    result = engine().train(
        engine().Recipe.from_dict(run.recipe),
        seed=run.seed,
        directory=directory,
        progress=_Reporter(lease, run),
        should_stop=lease.should_stop,
    )
    TrainingRun.objects.filter(pk=run.pk).update(
        history=result.history, environment=result.environment
    )
    if result.stopped:
        raise jobs.Stopped("stopped at a checkpoint; train with the same recipe and seed to go on")
    return f"registered {_register(run, result, actor=lease.job.arguments['actor'])}"


def _register(run: TrainingRun, result: Any, *, actor: str) -> ModelVersion:
    weights = Path(result.weights).read_bytes()
    with transaction.atomic():
        version = ModelVersion.objects.register(
            run.model,
            chain=result.chain.spec(),
            weights=weights,
            card=card(run, result),
            reason=run.reason,
            run=run,
        )
        audit.record(
            "train",
            version,
            actor=actor,
            reason=run.reason,
            content={
                "sha256": version.sha256,
                "weights_sha256": version.weights_sha256,
                "recipe": run.recipe,
                "seed": run.seed,
            },
        )
    return version


def card(run: TrainingRun, result: Any) -> dict[str, Any]:
    """What the version is for, what it learned and how far it can be trusted, from the run itself."""
    return {
        "purpose": run.recipe["purpose"],
        "data": run.recipe["data"],
        "material": result.material,
        "readings": [
            {
                "name": name,
                "value": reading.value,
                "unit": reading.parameter.unit,
                "low": reading.parameter.low,
                "high": reading.parameter.high,
                "meaning": reading.parameter.meaning,
                "moved_by_adapter": reading.authority,
            }
            for name, reading in result.chain.readings().items()
        ],
        **({"conditions": told} if (told := engine().told_apart(result.chain)) else {}),
        "validation": _judged(result),
        **({"certainty": [one.statement for one in result.certainty]} if result.certainty else {}),
    }


def _judged(result: Any) -> dict[str, Any]:
    measure = engine().MEASURES[result.measure]
    name = measure.title.lower().replace("-", "_").replace(" ", "_")
    beside = f"{measure.compared_with.lower().replace(' ', '_')}_{name}"
    return {name: result.validation, beside: result.baseline}


class _Reporter:
    """Passes progress to the lease, and the history so far to the run's row."""

    def __init__(self, lease: jobs.Lease, run: TrainingRun) -> None:
        self.lease, self.run = lease, run
        self.history: list[dict[str, Any]] = list(run.history)
        self.written_at = 0.0

    def __call__(
        self, share: float, message: str, measured: Mapping[str, Any] | None = None
    ) -> None:
        self.lease.report(share, message)
        if measured:
            self.history.append(dict(measured))
        if measured and time.monotonic() - self.written_at > HISTORY_EVERY_S:
            TrainingRun.objects.filter(pk=self.run.pk).update(history=self.history)
            self.written_at = time.monotonic()
