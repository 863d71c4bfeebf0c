"""Ratings: what follows from responses, append-only; a correction is a new row that names the one it supersedes."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import Q

from listening.models.material import Stimulus
from listening.models.session import TURNED_AWAY, Page, Response
from models_registry.written_once import WrittenOnce


class RatingQuerySet(WrittenOnce, models.QuerySet["Rating"]):
    # a restored rating keeps the time at which it was given elsewhere
    may_change = ("created_at",)
    personal = ("detail",)

    def counted(self) -> RatingQuerySet:
        """What enters the evidence: no practice or control question, and nobody turned away or without consent."""
        return (
            self.current()
            .filter(page__kind=Page.Kind.RATING)
            .exclude(page__session__ending__in=TURNED_AWAY)
        )

    def in_order(self) -> models.QuerySet[Rating, float]:
        """The values alone, in the order in which their pages were shown."""
        return self.order_by("page__number").values_list("value", flat=True)

    def current(self) -> RatingQuerySet:
        """Each judgement as it stands: without those a later one corrects."""
        return self.filter(superseded_by=None)

    def of(self, page: Page, stimulus: Stimulus, scale: str = "") -> RatingQuerySet:
        """The judgement of a stimulus on a page and scale as it stands; none before the first."""
        return self.current().filter(page=page, stimulus=stimulus, scale=scale)

    def write(
        self,
        *,
        response: Response,
        page: Page,
        stimulus: Stimulus,
        value: float,
        detail: dict[str, Any],
        scale: str = "",
    ) -> Rating:
        """Add a rating that supersedes the page's earlier one of the same stimulus and scale, if there is one."""
        earlier = self.of(page, stimulus, scale).first()
        return self.create(
            response=response,
            page=page,
            stimulus=stimulus,
            scale=scale,
            value=value,
            detail=detail,
            supersedes=earlier,
        )


class Rating(models.Model):
    """A listener's judgement of a stimulus; a correction is a new row that names the one it supersedes."""

    response = models.ForeignKey(Response, on_delete=models.PROTECT, related_name="ratings")
    page = models.ForeignKey(Page, on_delete=models.PROTECT, related_name="ratings")
    stimulus = models.ForeignKey(Stimulus, on_delete=models.PROTECT, related_name="ratings")
    scale = models.CharField(
        max_length=40, blank=True, help_text="where the method has several, such as SIG"
    )
    value = models.FloatField()
    detail = models.JSONField(
        default=dict, help_text="what else the method keeps, such as X and the answer"
    )
    supersedes = models.OneToOneField(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="superseded_by"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    forgotten_at = models.DateTimeField(
        null=True, blank=True, help_text="when what was personal of it was taken out"
    )

    objects = RatingQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        indexes = [
            # without it SQLite goes through every listener's rating of the stimulus at each answer
            models.Index(fields=["page", "stimulus", "scale"], name="rating_of_page")
        ]
        constraints = [
            # the first judgement of a stimulus on a page and scale is one row; later ones form a chain behind it
            models.UniqueConstraint(
                fields=["page", "stimulus", "scale"],
                condition=Q(supersedes__isnull=True),
                name="rating_first_once",
            )
        ]

    def __str__(self) -> str:
        return f"{self.value:g} for {self.stimulus}"
