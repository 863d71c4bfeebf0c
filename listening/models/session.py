"""Sessions: who hears what in which order, and what they answered.

A session's pages and slots are drawn once from its seed and stored, so that a reload, a crash or another device
shows the same order. Responses and ratings are append-only.
"""

from __future__ import annotations

import uuid
from typing import Any

from django.db import models, transaction
from django.db.models import Q
from django.urls import reverse
from django.utils.timezone import now

from listening.models.campaign import Campaign, Stimulus, Trial
from models_registry.models import Signal


class Listener(models.Model):
    """A person (or a simulation, labelled as such) who rates; no name, no address, only a code."""

    campaign = models.ForeignKey(Campaign, on_delete=models.PROTECT, related_name="listeners")
    code = models.CharField(max_length=64)
    simulated = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["campaign", "code"], name="listener_code_once")
        ]

    def __str__(self) -> str:
        return f"{self.code} (simulated)" if self.simulated else self.code


class Session(models.Model):
    """A listener's way through a campaign; its token is the only key to it."""

    token = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    listener = models.ForeignKey(Listener, on_delete=models.PROTECT, related_name="sessions")
    campaign = models.ForeignKey(Campaign, on_delete=models.PROTECT, related_name="sessions")
    seed = models.BigIntegerField()
    consented_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"session {self.pk} of {self.listener}"

    def get_absolute_url(self) -> str:
        return reverse("session", args=[self.token])

    def current_page(self) -> Page | None:
        """The first page not yet finished; None when the session is over."""
        return self.pages.filter(finished_at=None).select_related("trial").first()

    def finish_page(self, page: Page) -> None:
        """Close `page`; the session ends with its last page."""
        frozen_now = now()
        with transaction.atomic():
            Page.objects.filter(pk=page.pk, finished_at=None).update(finished_at=frozen_now)
            if not self.pages.filter(finished_at=None).exists():
                Session.objects.filter(pk=self.pk, finished_at=None).update(finished_at=frozen_now)
        self.refresh_from_db()


class Page(models.Model):
    """One presentation of a trial to a session, at a place in its order."""

    session = models.ForeignKey(Session, on_delete=models.CASCADE, related_name="pages")
    trial = models.ForeignKey(Trial, on_delete=models.PROTECT, related_name="pages")
    number = models.PositiveIntegerField(help_text="place in the session, from 1")
    repetition = models.PositiveSmallIntegerField(default=1, help_text="of the trial, from 1")
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["number"]
        constraints = [
            models.UniqueConstraint(fields=["session", "number"], name="page_number_once")
        ]

    def __str__(self) -> str:
        return f"page {self.number} of session {self.session_id}"


class Slot(models.Model):
    """One thing to play on a page, under an opaque address of its own.

    `stimulus` is what is heard; the open reference of a MUSHRA page has none. ABX's X is a slot of its own that
    plays A's or B's stimulus: which one is known only here.
    """

    token = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    page = models.ForeignKey(Page, on_delete=models.CASCADE, related_name="slots")
    position = models.PositiveSmallIntegerField(help_text="place on screen, from 0")
    label = models.CharField(
        max_length=20, help_text="what the listener sees: Reference, A, B, X, 1 …"
    )
    stimulus = models.ForeignKey(
        Stimulus, on_delete=models.PROTECT, null=True, blank=True, related_name="slots"
    )

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["page", "position"], name="slot_position_once"),
            models.UniqueConstraint(fields=["page", "label"], name="slot_label_once"),
        ]

    def __str__(self) -> str:
        return f"{self.label} of page {self.page_id}"

    @property
    def signal(self) -> Signal | None:
        return self.stimulus.signal if self.stimulus else self.page.trial.reference


class Response(models.Model):
    """One answer as it was sent, under the UUID its browser gave it; accepted once, never changed."""

    id = models.UUIDField(primary_key=True)
    page = models.ForeignKey(Page, on_delete=models.PROTECT, related_name="responses")
    body = models.JSONField()
    received_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["received_at"]

    def __str__(self) -> str:
        return f"response {self.id}"


class RatingQuerySet(models.QuerySet["Rating"]):
    def current(self) -> RatingQuerySet:
        """Each judgement as it stands: without those a later one corrects."""
        return self.filter(superseded_by=None)

    def write(
        self,
        *,
        response: Response,
        page: Page,
        stimulus: Stimulus,
        value: float,
        detail: dict[str, Any],
    ) -> Rating:
        """Add a rating that supersedes the page's earlier rating of the same stimulus, if there is one."""
        earlier = self.current().filter(page=page, stimulus=stimulus).first()
        return self.create(
            response=response,
            page=page,
            stimulus=stimulus,
            value=value,
            detail=detail,
            supersedes=earlier,
        )


class Rating(models.Model):
    """A listener's judgement of a stimulus; a correction is a new row that names the one it supersedes."""

    response = models.ForeignKey(Response, on_delete=models.PROTECT, related_name="ratings")
    page = models.ForeignKey(Page, on_delete=models.PROTECT, related_name="ratings")
    stimulus = models.ForeignKey(Stimulus, on_delete=models.PROTECT, related_name="ratings")
    value = models.FloatField()
    detail = models.JSONField(
        default=dict, help_text="what else the method keeps, such as X and the answer"
    )
    supersedes = models.OneToOneField(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="superseded_by"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = RatingQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        constraints = [
            # the first judgement of a stimulus on a page is one row; later ones form a chain behind it
            models.UniqueConstraint(
                fields=["page", "stimulus"],
                condition=Q(supersedes__isnull=True),
                name="rating_first_once",
            )
        ]

    def __str__(self) -> str:
        return f"{self.value:g} for {self.stimulus}"
