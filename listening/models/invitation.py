"""Invitations: links made in advance, each for one session."""

from __future__ import annotations

import secrets
from datetime import datetime

from django.db import models
from django.urls import reverse
from django.utils.timezone import now

from listening.models.campaign import Campaign
from listening.models.session import CODE_ALPHABET, Session
from listening.scheme import MAX_GROUP

CODE_LENGTH = 12


class InvitationQuerySet(models.QuerySet["Invitation"]):
    def make(
        self,
        campaign: Campaign,
        count: int,
        *,
        expires_at: datetime | None = None,
        group: str = "",
    ) -> list[Invitation]:
        """`count` new ones, under codes that nobody guesses (60 bits)."""
        made = [
            Invitation(campaign=campaign, code=_code(), expires_at=expires_at, group=group)
            for _ in range(count)
        ]
        Invitation.objects.bulk_create(made)
        return made


def _code() -> str:
    return "".join(secrets.choice(CODE_ALPHABET) for _ in range(CODE_LENGTH))


class Invitation(models.Model):
    """A link for one session; whoever opens it again comes back to that session while it lasts."""

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="invitations")
    code = models.CharField(max_length=CODE_LENGTH, unique=True)
    group = models.CharField(max_length=MAX_GROUP, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = InvitationQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"invitation {self.code} to {self.campaign.slug}"

    def get_absolute_url(self) -> str:
        return reverse("invitation", args=[self.campaign.slug, self.code])

    @property
    def external_code(self) -> str:
        """What the listener it invites is called by; no recruiter's code has a colon."""
        return f"invitation:{self.code}"

    @property
    def session(self) -> Session | None:
        """The one session it began, if it was used."""
        of_campaign = Session.objects.filter(campaign=self.campaign_id)
        return of_campaign.filter(listener__external_code=self.external_code).first()

    @property
    def has_expired(self) -> bool:
        return self.expires_at is not None and self.expires_at <= now()
