"""Work longer than a request, as a row."""

from __future__ import annotations

from django.db import models
from django.utils.timezone import now

from models_registry.teams import OfProject, Project, operators_project


class JobQuerySet(OfProject["Job"]):
    pass


class Job(models.Model):
    """Work longer than a request. The row is the truth; the queue only rings (see jobs.py)."""

    class State(models.TextChoices):
        QUEUED = "queued"
        RUNNING = "running"
        DONE = "done"
        STOPPED = "stopped"
        FAILED = "failed"

    kind = models.SlugField(max_length=40)
    arguments = models.JSONField(default=dict)
    project = models.ForeignKey(
        Project, on_delete=models.PROTECT, default=operators_project, related_name="jobs"
    )
    state = models.CharField(max_length=10, choices=State, default=State.QUEUED)
    attempt = models.PositiveSmallIntegerField(default=0)
    lease_until = models.DateTimeField(null=True, blank=True)
    stop_requested = models.BooleanField(default=False)
    progress = models.FloatField(default=0)
    message = models.TextField(blank=True)
    rung_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = JobQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        indexes = [models.Index(fields=["state", "lease_until"], name="job_state_lease")]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(progress__gte=0, progress__lte=1), name="job_progress_is_a_share"
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}: {self.state}"

    @property
    def is_over(self) -> bool:
        return self.state in (self.State.DONE, self.State.STOPPED, self.State.FAILED)

    def request_stop(self) -> None:
        """Ask the worker to stop at its next check; a queued job stops at once."""
        stopped = Job.objects.filter(pk=self.pk, state=self.State.QUEUED).update(
            state=self.State.STOPPED, finished_at=now(), message="stopped before it began"
        )
        if not stopped:
            Job.objects.filter(pk=self.pk, state=self.State.RUNNING).update(stop_requested=True)
