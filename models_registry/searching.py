"""Searching for better recipes: workers begin one trial after another; who ends the last one says what was found.

A search's trials are rows, and a worker is a job: any number of them, on any machine that has the site's database and
its files, ask for the next trial and write it down before they begin it. Two cannot write the same one, and one whose
worker was lost is taken over by the next that asks, from its checkpoint. Importing this module does not import torch.
"""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils.timezone import now

from models_registry import audit, jobs, training
from models_registry.extra import engine
from models_registry.models import Job, ModelVersion, Search, SearchTrial
from models_registry.teams import Project

log = logging.getLogger(__name__)

OBJECTIVES = ("quality", "cost", "interpretability", "parts")
MOST_WORKERS = 64
# how often one who waits for others looks again
WAIT_S = 1.0
WAITING = "waiting for the version that another worker makes of the best"
STOPPED = "stopped; every trial is kept and the one at hand has a checkpoint: resume to go on"


class SearchError(ValueError):
    """A search that cannot be made or gone on with; the message says why and what to do."""


# asking


def searched(
    name: str,
    overrides: Mapping[str, str] | None = None,
    *,
    space: str | Path | Mapping[str, Any] | None = None,
    plan: Mapping[str, Any],
    reason: str = "",
    actor: str,
    project: Project,
) -> Search:
    """Write the search over a shipped recipe, by name, or any, by path; `space` is a file, what would stand in it, or
    the recipe's own (None). Raises `RecipeError`, `EngineError`."""
    recipe = training.load_recipe(name, overrides)
    of = engine("space").Space
    found = of.of(recipe, space) if isinstance(space, Mapping) else of.load(name, recipe, space)
    asked = engine("search").Plan(**plan)
    with transaction.atomic():
        search = Search.objects.create(
            project=project,
            recipe=recipe.to_dict(),
            space=found.to_dict(),
            plan={**asdict(asked), "objectives": list(asked.objectives)},
            reason=reason,
        )
        audit.record(
            "search",
            search,
            actor=actor,
            reason=reason,
            content={"recipe": recipe.to_dict(), "space": search.space, "plan": search.plan},
        )
    return search


def queue(search: Search, workers: int, *, actor: str) -> list[Job]:
    """Ask for `workers` at once; stopped and failed ones are asked again before others are added."""
    _may_go_on(search, workers)
    with transaction.atomic():
        known = [job for job in search.jobs.all() if job.is_over][:workers]
        for job in known:
            jobs.resume(job)
        new = [
            jobs.enqueue("search", _arguments(search, actor), project=search.project)
            for _ in range(workers - len(known))
        ]
        search.jobs.add(*new)
    return known + new


def here(search: Search, *, actor: str) -> Job:
    """A worker of the search that this process is, for `jobs.work_here`."""
    _may_go_on(search, 1)
    with transaction.atomic():
        job = jobs.hold("search", _arguments(search, actor), project=search.project)
        search.jobs.add(job)
    return job


def _arguments(search: Search, actor: str) -> dict[str, Any]:
    return {"search": str(search), "actor": actor}


def _may_go_on(search: Search, workers: int) -> None:
    if search.result is not None:
        raise SearchError(f"expected a search that is not over, found {search}, which is")
    if not 1 <= workers <= MOST_WORKERS:
        raise SearchError(f"expected 1 to {MOST_WORKERS} workers, found {workers}")


def unfinished(project: Project, name: str, number: int = 0) -> Search:
    """The search `number`, else the newest one over the recipe `name` that is not over; raises `SearchError`."""
    known = [
        one
        for one in Search.objects.filter(project=project, result__isnull=True)
        if one.recipe["name"] == name
    ]
    found = next((one for one in known if number in (0, one.pk)), None)
    if found is None:
        listed = ", ".join(str(one.pk) for one in known) or "none"
        wanted = f"search {number}" if number else "a search"
        raise SearchError(
            f"expected {wanted} over {name} that is not over, found none; there are: {listed}"
        )
    return found


# working


@jobs.handles("search")
def work(lease: jobs.Lease) -> str:
    """Arguments: search, actor, to be read; the search is the job's own."""
    search: Search = lease.job.searches.get()
    worker = _Worker(search, lease)
    while True:
        if lease.should_stop():
            raise jobs.Stopped(STOPPED)
        trial = worker.next()
        if trial is None:
            return _concluded(search, lease)
        if isinstance(trial, SearchTrial):
            worker.try_out(trial)
        else:
            lease.report(worker.share(0.0), "waiting for trials of other workers")
            time.sleep(WAIT_S)


class _Worker:
    """One job at work on a search."""

    def __init__(self, search: Search, lease: jobs.Lease) -> None:
        self.search, self.lease = search, lease
        self.space, self.plan = space_and_plan(search)
        self.began = time.monotonic()
        self.begun_with = search.trials.exclude(state=SearchTrial.State.RUNNING).count()

    def next(self) -> SearchTrial | str | None:
        """The trial to work on, now this worker's; "wait"; or None where there is nothing left to do."""
        while True:
            if taken := self._taken_over():
                return taken
            step = engine("search").next_step(self.space, self.plan, trials_of(self.search))
            if isinstance(step, str):
                return step if step == "wait" else None
            try:
                with transaction.atomic():
                    return self.search.trials.create(
                        number=step.number,
                        configuration=step.configuration,
                        seed=step.seed,
                        choices=step.choices,
                        job=self.lease.job,
                        attempt=self.lease.attempt,
                    )
            except IntegrityError:
                # another worker was first with this number: ask again, knowing of its trial
                continue

    def _taken_over(self) -> SearchTrial | None:
        for trial in self.search.trials.abandoned():
            mine = SearchTrial.objects.filter(
                pk=trial.pk,
                state=SearchTrial.State.RUNNING,
                job=trial.job_id,
                attempt=trial.attempt,
            ).update(job=self.lease.job, attempt=self.lease.attempt)
            if mine:
                trial.refresh_from_db()
                return trial
        return None

    def try_out(self, trial: SearchTrial) -> None:
        """Train what `trial` says and write down how it ended; one that was stopped stays to be taken over."""
        folder = folder_of(trial)
        steps = self.space.recipe.training["steps"]

        def hopeless(history: Sequence[tuple[int, float]], known: dict[str, float]) -> bool:
            self._mine(trial).update(history=history, values=known)
            one = engine("search").Trial(
                trial.number,
                trial.configuration,
                trial.seed,
                trial.choices,
                values=known,
                history=tuple(history),
            )
            every = trials_of(self.search)
            return bool(engine("search").hopeless(self.plan, one, every, steps=steps))

        try:
            recipe = recipe_of(self.space, trial)
            outcome = engine("trials").attempt(
                recipe,
                seed=trial.seed,
                objectives=self.plan.objectives,
                directory=folder,
                begun=[tuple(point) for point in trial.history],
                hopeless=hopeless,
                progress=lambda share, message: self._tell(trial, share, message),
                should_stop=self.lease.should_stop,
            )
        except Exception as error:
            # what keeps the recipe as written from being trained is no trial's fault
            if trial.number == 0:
                raise
            if not isinstance(error, ValueError):
                log.exception("%s failed", trial)
            self._end(trial, SearchTrial.State.FAILED, message=str(error) or repr(error))
        else:
            if outcome.state == "running":
                return
            self._end(trial, outcome.state, values=outcome.values, history=outcome.history)
        # a finalist's may yet become a version
        if trial.explores or trial.state == SearchTrial.State.FAILED:
            shutil.rmtree(folder, ignore_errors=True)

    def _mine(self, trial: SearchTrial) -> Any:
        # fenced by the attempt: a worker that slept through its lease writes nothing
        return SearchTrial.objects.filter(
            pk=trial.pk,
            state=SearchTrial.State.RUNNING,
            job=self.lease.job,
            attempt=self.lease.attempt,
        )

    def _end(self, trial: SearchTrial, state: str, **fields: Any) -> None:
        self._mine(trial).update(state=state, ended_at=now(), **fields)
        trial.refresh_from_db()

    def share(self, within: float) -> float:
        """How far the search is, 0 to 1, `within` a trial that is at hand."""
        ended = self.search.trials.exclude(state=SearchTrial.State.RUNNING).count()
        return min(1.0, (ended + within) / self.search.expected)

    def _tell(self, trial: SearchTrial, share: float, message: str) -> None:
        done = self.share(share)
        mine = done - self.begun_with / self.search.expected
        left = (time.monotonic() - self.began) * (1 - done) / mine if mine > 0 else 0.0
        again = "" if trial.explores else f" (configuration {trial.configuration} again)"
        self.lease.report(
            done,
            f"trial {trial.number + 1} of at most {self.search.expected}{again}: {message}; {left / 60:.0f} min in all",
        )


def space_and_plan(search: Search) -> tuple[Any, Any]:
    recipe = engine().Recipe.from_dict(search.recipe)
    plan = {**search.plan, "objectives": tuple(search.plan["objectives"])}
    return engine("space").Space.of(recipe, search.space), engine("search").Plan(**plan)


def trials_of(search: Search) -> list[Any]:
    """The trials so far as the engine takes them, in the order in which they began."""
    make = engine("search").Trial
    return [
        make(
            row.number,
            row.configuration,
            row.seed,
            row.choices,
            row.state,
            row.values,
            tuple((step, value) for step, value in row.history),
        )
        for row in SearchTrial.objects.filter(search=search).order_by("number")
    ]


def recipe_of(space: Any, trial: SearchTrial) -> Any:
    """The recipe that a trial follows: configuration 0 is the one as written."""
    return space.chosen(trial.choices) if trial.configuration else space.recipe


def folder_of(trial: SearchTrial) -> Path:
    return Path(settings.HOME, "searches", str(trial.search_id), str(trial.number))


# what comes of it


def _concluded(search: Search, lease: jobs.Lease) -> str:
    """Say what was found, once, and make the best a version where it is shown to be better."""
    space, plan = space_and_plan(search)
    result = engine("findings").found_by(space, plan, trials_of(search))
    with transaction.atomic():
        first = Search.objects.filter(pk=search.pk, result__isnull=True).update(
            result=result, environment=engine("checkpoints").environment(space.recipe, plan.seed)
        )
        if first:
            audit.record("search-found", search, actor=lease.job.arguments["actor"], content=result)
    if not result["shown"]:
        return str(result["sentence"])
    version = None if first else _awaited(search, lease)
    if version is None:
        lease.report(1.0, "making the best configuration a version")
        version = adopt(search, result["best"], actor=lease.job.arguments["actor"])
    return f"{result['sentence']} Registered {version}."


def _awaited(search: Search, lease: jobs.Lease) -> ModelVersion | None:
    """The version that another worker makes of the best; None where it falls to this one, since no other is at it."""
    while True:
        search.refresh_from_db()
        if search.version:
            return search.version
        if lease.should_stop():
            raise jobs.Stopped(STOPPED)
        lease.report(1.0, WAITING)
        others = search.jobs.filter(state=Job.State.RUNNING, lease_until__gte=now()).exclude(
            pk=lease.job.pk
        )
        # of those that only wait, the first is to do it
        if (
            not others.exclude(message=WAITING).exists()
            and not others.filter(pk__lt=lease.job.pk).exists()
        ):
            return None
        time.sleep(WAIT_S)


def queue_adoption(search: Search, configuration: int, *, actor: str) -> Job:
    """Ask a worker to make a finalist a version; raises `SearchError`."""
    _is_finalist(search, configuration)
    arguments = {**_arguments(search, actor), "number": search.pk, "configuration": configuration}
    return jobs.enqueue("search-adopt", arguments, project=search.project)


@jobs.handles("search-adopt")
def adopt_finalist(lease: jobs.Lease) -> str:
    """Arguments: number (of the search), configuration, actor."""
    asked = lease.job.arguments
    search = Search.objects.get(pk=asked["number"])
    return f"registered {adopt(search, asked['configuration'], actor=asked['actor'])}"


def adopt(search: Search, configuration: int, *, actor: str) -> ModelVersion:
    """Make a finalist a version, with what was found as its reason; raises `SearchError` for any other."""
    search.refresh_from_db()
    _is_finalist(search, configuration)
    space, plan = space_and_plan(search)
    trial = search.trials.filter(
        configuration=configuration,
        state=SearchTrial.State.DONE,
        seed__in=engine("search").confirming_seeds(plan),
    ).first()
    assert trial is not None
    recipe = recipe_of(space, trial)
    version = training.trained(recipe, seed=trial.seed, project=search.project)
    if version is None:
        version = _trained(search, trial, recipe, actor=actor)
    Search.objects.filter(pk=search.pk, version=None).update(version=version)
    return version


def _is_finalist(search: Search, configuration: int) -> None:
    if search.result is None:
        raise SearchError(f"expected a search that is over, found {search}, which is not")
    finalists = [row["configuration"] for row in search.result["finalists"]]
    if configuration not in finalists:
        raise SearchError(
            f"expected a finalist of {search} ({', '.join(map(str, finalists)) or 'none'}), found {configuration}"
        )


def _trained(search: Search, trial: SearchTrial, recipe: Any, *, actor: str) -> ModelVersion:
    """The version that the trial's training is, from its checkpoint where that is still there."""
    run = training.here(
        recipe,
        seed=trial.seed,
        reason=reason_for(search, trial),
        actor=actor,
        project=search.project,
    )
    folder = Path(settings.HOME, "training", str(run.pk))
    if folder_of(trial).is_dir() and not folder.exists():
        shutil.copytree(folder_of(trial), folder)
    failure = jobs.work_here(run.job, lambda share, message: None)
    if failure:
        raise failure
    return ModelVersion.objects.get(run=run)


def reason_for(search: Search, trial: SearchTrial) -> str:
    """Why a version of this configuration exists, from what the search found."""
    assert search.result is not None
    said = f"Search {search.pk} over {search.recipe['name']}: {search.result['sentence']}"
    if trial.configuration == search.result["best"]:
        return said
    words = engine("findings").words(trial.choices)
    return f"Configuration {trial.configuration} ({words}), chosen by hand. {said}"
