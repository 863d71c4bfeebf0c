"""Models, their versions, the trainings that made them and what they rendered."""

from __future__ import annotations

import hashlib
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from django.core.files.base import ContentFile
from django.db import models, transaction

from models_registry.extra import engine
from models_registry.models.jobs import Job
from models_registry.models.record import canonical_json
from models_registry.models.signals import Signal
from models_registry.teams import OfProject, Project, operators_project
from models_registry.written_once import WrittenOnce

if TYPE_CHECKING:
    from models_registry.engine import Chain


class NoReason(ValueError):
    """A version was to be made without a why; the message says what is wanted."""

    def __init__(self, what: str) -> None:
        super().__init__(
            f"expected a reason for {what}, found none: say what is to sound different, or which physics it lacked"
        )


class AudioModelQuerySet(OfProject["AudioModel"]):
    pass


class AudioModel(models.Model):
    """A named line of versions that serve one purpose."""

    name = models.SlugField(max_length=80, unique=True)
    title = models.CharField(max_length=200)
    purpose = models.TextField(blank=True)
    project = models.ForeignKey(
        Project, on_delete=models.PROTECT, default=operators_project, related_name="models"
    )
    review_days = models.PositiveIntegerField(
        null=True, blank=True, help_text="after which an approval falls due for review; none: never"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = AudioModelQuerySet.as_manager()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def latest(self) -> ModelVersion | None:
        return self.versions.order_by("-number").first()


class ModelVersionQuerySet(WrittenOnce, OfProject["ModelVersion"]):
    way = "model__project"
    # a restored version keeps the time at which it was made elsewhere
    may_change = ("created_at",)

    def with_standing(self) -> ModelVersionQuerySet:
        """With what `standing.of` reads of each, however many there are."""
        return self.select_related("model").prefetch_related("standings")

    def named(self, name: str) -> ModelVersion:
        """Find `model` (its latest version) or `model@N`; `DoesNotExist` says what there is instead."""
        model_name, _, number = name.partition("@")
        versions = self.filter(model__name=model_name).select_related("model")
        if number:
            found = versions.filter(number=int(number)).first() if number.isdigit() else None
        else:
            found = versions.order_by("-number").first()
        if found is None:
            known = ", ".join(str(version) for version in self.select_related("model")) or "none"
            raise self.model.DoesNotExist(
                f"expected a registered version such as model@1, found {name!r}; registered: {known}"
            )
        return found

    def register(
        self,
        model: AudioModel,
        *,
        chain: dict[str, Any],
        weights: bytes,
        card: dict[str, Any],
        reason: str,
        parent: ModelVersion | None = None,
        run: TrainingRun | None = None,
    ) -> ModelVersion:
        """Write the next version of `model`; its hash covers the chain's specification and the weights.

        Raises `NoReason`.
        """
        if not reason.strip():
            raise NoReason(f"the next version of {model}")
        weights_sha256 = hashlib.sha256(weights).hexdigest()
        sha256 = identity_hash(chain, weights_sha256)
        with transaction.atomic():
            AudioModel.objects.select_for_update().get(pk=model.pk)
            latest = model.latest()
            version = self.model(
                model=model,
                number=latest.number + 1 if latest else 1,
                chain=chain,
                weights_sha256=weights_sha256,
                sha256=sha256,
                card=card,
                reason=reason,
                parent=parent or latest,
                run=run,
            )
            version.weights.save(f"{weights_sha256}.safetensors", ContentFile(weights), save=False)
            version.save()
        return version


def identity_hash(chain: dict[str, Any], weights_sha256: str) -> str:
    """The identity of a model in listening tests: its chain's specification and its weights."""
    return hashlib.sha256(
        canonical_json({"chain": chain, "weights": weights_sha256}).encode()
    ).hexdigest()


def weights_path(instance: ModelVersion, filename: str) -> str:
    return str(PurePath("weights", instance.model.name, filename))


class ModelVersion(models.Model):
    """A chain's specification and trained weights, and why they differ from their parent's."""

    model = models.ForeignKey(AudioModel, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    chain = models.JSONField(help_text="the chain's specification")
    weights = models.FileField(upload_to=weights_path, max_length=300)
    weights_sha256 = models.CharField(max_length=64)
    sha256 = models.CharField(max_length=64, help_text="of specification and weights")
    card = models.JSONField(default=dict)
    parent = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="children"
    )
    reason = models.TextField(help_text="why this version exists, in terms of sound or physics")
    run = models.OneToOneField(
        "TrainingRun", on_delete=models.PROTECT, null=True, blank=True, related_name="version"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ModelVersionQuerySet.as_manager()

    class Meta:
        ordering = ["model__name", "number"]
        constraints = [
            models.UniqueConstraint(fields=["model", "number"], name="version_number_once"),
            models.CheckConstraint(condition=~models.Q(reason=""), name="version_has_a_reason"),
        ]

    def __str__(self) -> str:
        return f"{self.model.name}@{self.number}"

    @property
    def knows(self) -> list[str]:
        """The devices, rooms or speakers that the version knows by name; read without torch."""
        adapters = self.chain.get("adapters", [])
        return list(dict.fromkeys(name for one in adapters for name in one.get("names", [])))

    @property
    def project(self) -> Project:
        return self.model.project

    def load(self) -> Chain:
        """Build the chain with its weights; imports torch."""
        chain: Chain = engine().Chain.from_spec(self.chain).load(self.weights.path)
        return chain


class TrainingRunQuerySet(WrittenOnce, OfProject["TrainingRun"]):
    way = "model__project"
    # they grow while it trains
    may_change = ("history", "environment")


class TrainingRun(models.Model):
    """One training of a model from a recipe and a seed: what was asked, where it ran, how the loss went."""

    model = models.ForeignKey(AudioModel, on_delete=models.PROTECT, related_name="runs")
    recipe = models.JSONField(help_text="the whole recipe, overrides applied")
    seed = models.PositiveIntegerField()
    reason = models.TextField()
    environment = models.JSONField(default=dict)
    history = models.JSONField(default=list)
    job = models.OneToOneField(Job, on_delete=models.PROTECT, related_name="training_run")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = TrainingRunQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"training {self.pk} of {self.model.name}"

    @property
    def project(self) -> Project:
        return self.model.project


class RenderingQuerySet(WrittenOnce, OfProject["Rendering"]):
    way = "version__model__project"


class Rendering(models.Model):
    """A version's output for an input signal."""

    version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="renderings")
    input = models.ForeignKey(Signal, on_delete=models.PROTECT, related_name="renderings")
    condition = models.CharField(
        max_length=100,
        blank=True,
        help_text="the device, room or speaker it sounds as; empty: none",
    )
    output = models.ForeignKey(Signal, on_delete=models.PROTECT, related_name="rendered_by")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = RenderingQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["version", "input", "condition"], name="rendering_once_per_input"
            )
        ]

    def __str__(self) -> str:
        return f"{self.made_by} of {self.input}"

    @property
    def made_by(self) -> str:
        """The version, and after a colon the condition under which it rendered."""
        return f"{self.version}:{self.condition}" if self.condition else str(self.version)
