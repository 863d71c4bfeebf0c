"""What is compared in a campaign: conditions, items as trials, and stimuli, each one condition of one item."""

from __future__ import annotations

from django.db import models

from models_registry.models import ModelVersion, Signal


class Condition(models.Model):
    """What is compared across items: a model version, the hidden reference, an anchor, an uploaded system."""

    class Role(models.TextChoices):
        REFERENCE = "reference", "hidden reference"
        ANCHOR35 = "anchor35", "3.5 kHz anchor"
        ANCHOR70 = "anchor70", "7 kHz anchor"
        ANCHOR = "anchor", "other anchor"
        SYSTEM = "system", "system under test"

    campaign = models.ForeignKey("Campaign", on_delete=models.CASCADE, related_name="conditions")
    name = models.CharField(max_length=100)
    role = models.CharField(max_length=10, choices=Role, default=Role.SYSTEM)
    version = models.ForeignKey(
        ModelVersion, on_delete=models.PROTECT, null=True, blank=True, related_name="conditions"
    )
    made = models.JSONField(
        default=dict, blank=True, help_text="an anchor's kind of damage and its degree"
    )

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["campaign", "name"], name="condition_name_once")
        ]

    def __str__(self) -> str:
        return self.name


class Trial(models.Model):
    """One page's worth of one item: the open reference and the stimuli to be judged against each other."""

    campaign = models.ForeignKey("Campaign", on_delete=models.CASCADE, related_name="trials")
    number = models.PositiveIntegerField()
    item = models.CharField(max_length=200, help_text="title of the programme material")
    reference = models.ForeignKey(
        Signal, on_delete=models.PROTECT, null=True, blank=True, related_name="trials"
    )

    class Meta:
        ordering = ["number"]
        constraints = [
            models.UniqueConstraint(fields=["campaign", "number"], name="trial_number_once")
        ]

    def __str__(self) -> str:
        return f"{self.campaign.slug} {self.number}: {self.item}"


class Measured(models.Model):
    """What one sound was found to be like, by itself or under another: signals never change, so it is found once."""

    signal = models.ForeignKey(Signal, on_delete=models.CASCADE, related_name="+")
    against = models.ForeignKey(
        Signal,
        on_delete=models.CASCADE,
        related_name="+",
        help_text="the sound that it was held against; itself: measured by itself",
    )
    version = models.PositiveSmallIntegerField(help_text="of the measures")
    found = models.JSONField()

    class Meta:
        verbose_name_plural = "measured sounds"
        constraints = [
            models.UniqueConstraint(
                fields=["signal", "against", "version"], name="measured_once_per_version"
            )
        ]

    def __str__(self) -> str:
        return f"{self.signal} against {self.against}"


class Stimulus(models.Model):
    """One condition of one item, as one signal (none where imported ratings came without audio)."""

    trial = models.ForeignKey(Trial, on_delete=models.CASCADE, related_name="stimuli")
    condition = models.ForeignKey(Condition, on_delete=models.CASCADE, related_name="stimuli")
    signal = models.ForeignKey(
        Signal, on_delete=models.PROTECT, null=True, blank=True, related_name="stimuli"
    )

    class Meta:
        verbose_name_plural = "stimuli"
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["trial", "condition"], name="stimulus_once_per_trial")
        ]

    def __str__(self) -> str:
        return f"{self.trial.item} · {self.condition.name}"
