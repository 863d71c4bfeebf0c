"""Reviews: people who need know nothing of code judge a version or a campaign, and sign what they decide.

A review names the hash of what is judged. Comments, findings and decisions are written once; notes on the agenda may be
changed until their author has decided. Actions are the conditions of a decision, until somebody has done them.
"""

from __future__ import annotations

from datetime import datetime
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils.timezone import localdate, now

from listening.models.campaign import Campaign
from models_registry.models import ModelVersion, Signal
from models_registry.teams import OfProject, Project
from models_registry.written_once import WrittenOnce


class ReviewQuerySet(OfProject["Review"]):
    def open(self) -> Self:
        return self.filter(closed_at=None)


class Review(models.Model):
    """One review of one version or one campaign, with its agenda and its reviewers."""

    class Outcome(models.TextChoices):
        APPROVED = "approved"
        CONDITIONS = "conditions", "approved with conditions"
        REJECTED = "rejected"
        WITHDRAWN = "withdrawn", "closed without an outcome"

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="reviews")
    title = models.CharField(max_length=200)
    version = models.ForeignKey(
        ModelVersion, on_delete=models.PROTECT, null=True, blank=True, related_name="reviews"
    )
    campaign = models.ForeignKey(
        Campaign, on_delete=models.PROTECT, null=True, blank=True, related_name="reviews"
    )
    sha256 = models.CharField(max_length=64, help_text="of what is judged, as it was at the start")
    agenda_from = models.CharField(
        max_length=100, default="standard", help_text="the template of its agenda"
    )
    decisions_wanted = models.PositiveSmallIntegerField(
        default=1, help_text="signed decisions that an approval takes"
    )
    interval_days = models.PositiveIntegerField(
        default=0,
        help_text="after an approval, until the model's next review falls due; 0: as it is",
    )
    due_on = models.DateField(null=True, blank=True)
    opened_by = models.CharField(max_length=150)
    created_at = models.DateTimeField(auto_now_add=True)
    outcome = models.CharField(max_length=12, choices=Outcome, blank=True)
    closed_by = models.CharField(max_length=150, blank=True)
    closed_because = models.TextField(blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)

    objects = ReviewQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(version__isnull=False, campaign__isnull=True)
                | Q(version__isnull=True, campaign__isnull=False),
                name="review_of_one_thing",
            ),
            # two that are opened at once would each begin half of the evidence
            models.UniqueConstraint(
                fields=["version"], condition=Q(closed_at=None), name="review_open_once_of_version"
            ),
            models.UniqueConstraint(
                fields=["campaign"],
                condition=Q(closed_at=None),
                name="review_open_once_of_campaign",
            ),
        ]

    def __str__(self) -> str:
        return f"review {self.pk} of {self.subject}"

    def get_absolute_url(self) -> str:
        return reverse("review", args=[self.pk])

    @property
    def subject(self) -> ModelVersion | Campaign:
        found = self.version or self.campaign
        assert found
        return found

    @property
    def is_open(self) -> bool:
        return self.closed_at is None

    @property
    def is_late(self) -> bool:
        return self.is_open and self.due_on is not None and self.due_on < localdate()


class AgendaPointQuerySet(WrittenOnce, models.QuerySet["AgendaPoint"]):
    pass


class AgendaPoint(models.Model):
    """One point of a review's agenda, as it was copied from the template."""

    review = models.ForeignKey(Review, on_delete=models.PROTECT, related_name="points")
    number = models.PositiveSmallIntegerField()
    topic = models.SlugField(max_length=40)
    title = models.CharField(max_length=200)
    do = models.TextField()
    look_for = models.TextField()

    objects = AgendaPointQuerySet.as_manager()

    class Meta:
        ordering = ["number"]
        constraints = [
            models.UniqueConstraint(fields=["review", "number"], name="agenda_number_once")
        ]

    def __str__(self) -> str:
        return self.title


class ReviewerQuerySet(models.QuerySet["Reviewer"]):
    def seated(self, at: datetime | None = None) -> Self:
        """Those who may take part now: invited, not turned away, the invitation not expired."""
        unexpired = Q(expires_at=None) | Q(expires_at__gt=at or now())
        return self.filter(unexpired, ended_at=None)


class Reviewer(models.Model):
    """A person in a review, by an account or by a link of which only the hash is kept."""

    review = models.ForeignKey(Review, on_delete=models.PROTECT, related_name="reviewers")
    name = models.CharField(max_length=100, blank=True, help_text="as they gave it; empty: not yet")
    email = models.EmailField(blank=True)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    secret_sha256 = models.CharField(max_length=64, unique=True, null=True, blank=True)
    invited_by = models.CharField(max_length=150)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True, help_text="when it was taken back")

    objects = ReviewerQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["review", "user"], name="reviewer_once"),
            models.CheckConstraint(
                condition=Q(user__isnull=False) | Q(secret_sha256__isnull=False),
                name="reviewer_has_a_way_in",
            ),
        ]

    def __str__(self) -> str:
        return self.name or self.email or f"invitation {self.pk}"

    @property
    def actor(self) -> str:
        """Who they are in the record; a colon sets who came by a link apart from every account."""
        return self.user.get_username() if self.user else f"reviewer {self.pk}: {self.name}"

    @property
    def is_seated(self) -> bool:
        return self.ended_at is None and (self.expires_at is None or self.expires_at > now())


class PointNote(models.Model):
    """What one reviewer noted on one point of the agenda, and whether they are done with it."""

    point = models.ForeignKey(AgendaPoint, on_delete=models.PROTECT, related_name="notes")
    reviewer = models.ForeignKey(Reviewer, on_delete=models.PROTECT, related_name="notes")
    text = models.TextField(blank=True)
    is_done = models.BooleanField(default=False)
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["point__number"]
        constraints = [
            models.UniqueConstraint(fields=["point", "reviewer"], name="point_note_once")
        ]

    def __str__(self) -> str:
        return f"{self.reviewer} on {self.point}"


class SoundCommentQuerySet(WrittenOnce, models.QuerySet["SoundComment"]):
    pass


class SoundComment(models.Model):
    """What one reviewer said of one moment of a sound."""

    reviewer = models.ForeignKey(Reviewer, on_delete=models.PROTECT, related_name="comments")
    signal = models.ForeignKey(Signal, on_delete=models.PROTECT, related_name="review_comments")
    at_s = models.FloatField(help_text="seconds from the beginning of the sound")
    text = models.TextField()
    created_at = models.DateTimeField(auto_now_add=True)

    objects = SoundCommentQuerySet.as_manager()

    class Meta:
        ordering = ["signal", "at_s", "pk"]
        constraints = [
            models.CheckConstraint(condition=Q(at_s__gte=0), name="comment_within_the_sound")
        ]

    def __str__(self) -> str:
        return f"{self.reviewer} at {self.at_s:.2f} s of {self.signal}"


class FindingQuerySet(WrittenOnce, models.QuerySet["Finding"]):
    pass


class Finding(models.Model):
    """What one reviewer found wrong, and how bad it is."""

    class Severity(models.TextChoices):
        MINOR = "minor", "minor: a blemish that need not stop anybody"
        MAJOR = "major", "major: many users would notice or be served worse"
        CRITICAL = "critical", "critical: it must not be used like this"

    reviewer = models.ForeignKey(Reviewer, on_delete=models.PROTECT, related_name="findings")
    severity = models.CharField(max_length=10, choices=Severity)
    text = models.TextField()
    created_at = models.DateTimeField(auto_now_add=True)

    objects = FindingQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.severity} finding {self.pk}"


class DecisionQuerySet(WrittenOnce, models.QuerySet["Decision"]):
    pass


class Decision(models.Model):
    """What one reviewer decided, signed by name over everything that they saw and said."""

    class Verdict(models.TextChoices):
        APPROVE = "approve", "Approve"
        CONDITIONS = "conditions", "Approve with conditions"
        REJECT = "reject", "Reject"

    reviewer = models.OneToOneField(Reviewer, on_delete=models.PROTECT, related_name="decision")
    verdict = models.CharField(max_length=10, choices=Verdict)
    reason = models.TextField()
    signed_as = models.CharField(max_length=100)
    sha256 = models.CharField(max_length=64, help_text="of what was judged and said (reviewing.py)")
    signed_at = models.DateTimeField()

    objects = DecisionQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.get_verdict_display()} by {self.signed_as}"


class ActionQuerySet(OfProject["Action"]):
    way = "decision__reviewer__review__project"

    def open(self) -> Self:
        return self.filter(done_at=None)


class Action(models.Model):
    """A condition of a decision: what somebody has to do, and until when."""

    decision = models.ForeignKey(Decision, on_delete=models.PROTECT, related_name="actions")
    text = models.TextField()
    owner = models.CharField(max_length=150, help_text="who sees to it")
    due_on = models.DateField()
    done_by = models.CharField(max_length=150, blank=True)
    done_note = models.TextField(blank=True)
    done_at = models.DateTimeField(null=True, blank=True)

    objects = ActionQuerySet.as_manager()

    class Meta:
        ordering = ["due_on", "pk"]

    def __str__(self) -> str:
        return f"action {self.pk}: {self.text[:80]}"

    @property
    def review(self) -> Review:
        return self.decision.reviewer.review

    @property
    def project(self) -> Project:
        return self.review.project

    @property
    def is_late(self) -> bool:
        return self.done_at is None and self.due_on < localdate()


class ReminderQuerySet(WrittenOnce, models.QuerySet["Reminder"]):
    pass


class Reminder(models.Model):
    """That a version's review was reminded of: once for each time that it falls due."""

    version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="reminders")
    standing = models.PositiveIntegerField(help_text="the number of the approval that falls due")
    sent_to = models.JSONField(default=list)
    sent_at = models.DateTimeField(auto_now_add=True)

    objects = ReminderQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["version", "standing"], name="reminder_once")
        ]

    def __str__(self) -> str:
        return f"reminder of {self.version}"
