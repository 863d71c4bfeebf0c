"""Searches: what may change of a recipe, how much is tried, and every trial that was made."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from models_registry.models.jobs import Job
from models_registry.models.versions import ModelVersion
from models_registry.teams import OfProject, Project, operators_project
from models_registry.written_once import WrittenOnce


class SearchQuerySet(WrittenOnce, OfProject["Search"]):
    once = ("result", "environment", "version")


class Search(models.Model):
    """One search over a recipe. Its trials are the truth: workers come and go, and each begins the next one."""

    project = models.ForeignKey(
        Project, on_delete=models.PROTECT, default=operators_project, related_name="searches"
    )
    recipe = models.JSONField(help_text="the whole recipe as written, overrides applied")
    space = models.JSONField(help_text="what may change of it")
    plan = models.JSONField(help_text="how much is tried, and by which objectives")
    reason = models.TextField(blank=True)
    environment = models.JSONField(default=dict)
    result = models.JSONField(null=True, blank=True, help_text="what was found, once it is over")
    version = models.ForeignKey(
        ModelVersion, on_delete=models.PROTECT, null=True, blank=True, related_name="searches"
    )
    jobs = models.ManyToManyField(Job, related_name="searches", help_text="its workers")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = SearchQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        verbose_name_plural = "searches"

    def __str__(self) -> str:
        return f"search {self.pk} of {self.recipe['name']}"

    @property
    def objectives(self) -> list[str]:
        return list(self.plan["objectives"])

    @property
    def expected(self) -> int:
        """How many trials there will be at most: those that explore, then the finalists and the recipe as written."""
        confirming = (min(self.plan["finalists"], self.plan["trials"]) + 1) * self.plan["seeds"]
        return int(1 + self.plan["trials"] + confirming)

    @property
    def state(self) -> str:
        """Of its workers, the one that says most; done once there is a result."""
        if self.result is not None:
            return str(Job.State.DONE)
        states = {job.state for job in self.jobs.all()}
        order = (Job.State.RUNNING, Job.State.QUEUED, Job.State.STOPPED, Job.State.FAILED)
        return str(next((one for one in order if one in states), Job.State.STOPPED))

    @property
    def is_at_work(self) -> bool:
        return self.state in (Job.State.RUNNING, Job.State.QUEUED)

    def request_stop(self) -> None:
        """Ask all its workers to stop at their next check; the trials at hand keep their checkpoints."""
        for job in self.jobs.all():
            job.request_stop()


class SearchTrialQuerySet(models.QuerySet["SearchTrial"]):
    def abandoned(self) -> SearchTrialQuerySet:
        """Trials that are said to run and that nobody holds: their worker ended, was lost, or began anew."""
        held = Q(job__state=Job.State.RUNNING, job__attempt=models.F("attempt")) & Q(
            job__lease_until__gte=Now()
        )
        return self.filter(state=SearchTrial.State.RUNNING).exclude(held)


class SearchTrial(models.Model):
    """One training of one configuration with one seed."""

    class State(models.TextChoices):
        RUNNING = "running"
        DONE = "done"
        PRUNED = "pruned", "given up"
        FAILED = "failed"

    search = models.ForeignKey(Search, on_delete=models.CASCADE, related_name="trials")
    number = models.PositiveIntegerField()
    configuration = models.PositiveIntegerField(help_text="number of the trial that explored it")
    seed = models.PositiveIntegerField()
    choices = models.JSONField()
    state = models.CharField(max_length=10, choices=State, default=State.RUNNING)
    values = models.JSONField(default=dict, help_text="by objective, and what was counted")
    history = models.JSONField(default=list, help_text="[step, quality] at each validation")
    message = models.TextField(blank=True)
    job = models.ForeignKey(Job, on_delete=models.PROTECT, related_name="search_trials")
    attempt = models.PositiveSmallIntegerField(help_text="of the job")
    began_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    objects = SearchTrialQuerySet.as_manager()

    class Meta:
        ordering = ["search", "number"]
        constraints = [
            models.UniqueConstraint(fields=["search", "number"], name="search_trial_once"),
            models.UniqueConstraint(
                fields=["search", "configuration", "seed"], name="search_seed_once"
            ),
        ]

    def __str__(self) -> str:
        return f"trial {self.number} of {self.search}"

    @property
    def explores(self) -> bool:
        return self.number == self.configuration

    @property
    def quality(self) -> float | None:
        """The recipe's measure at the end, or where it was given up."""
        found: Any = self.values.get("quality")
        return found if found is not None else (self.history[-1][1] if self.history else None)
