"""Campaigns that were made of a study of a version, so that what listeners said is found from there."""

from __future__ import annotations

from django.db import models

from listening.models.campaign import Campaign
from models_registry.models import Study


class StudyCampaign(models.Model):
    """That `campaign` plays what `study` made."""

    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="campaigns")
    campaign = models.OneToOneField(Campaign, on_delete=models.CASCADE, related_name="origin")

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.campaign.slug} of {self.study}"
