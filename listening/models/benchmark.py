"""Benchmarks: a frozen set of items and rules, and the systems that entered it.

A benchmark is never changed: editing makes a new edition of the same name. Its hash covers everything by which entries
are judged. Only whether its page is shown to everyone may be turned.
"""

from __future__ import annotations

import hashlib

from django.db import models
from django.urls import reverse

from listening.models.campaign import Campaign
from models_registry.models import Job, ModelVersion, Signal, Study, canonical_json
from models_registry.teams import OfProject, Project, operators_project
from models_registry.written_once import WrittenOnce


class BenchmarkQuerySet(WrittenOnce, OfProject["Benchmark"]):
    may_change = ("is_public",)

    def newest(self) -> BenchmarkQuerySet:
        """The last edition of each name."""
        later = Benchmark.objects.filter(
            slug=models.OuterRef("slug"), edition__gt=models.OuterRef("edition")
        )
        return self.filter(~models.Exists(later))

    def named(self, name: str) -> Benchmark:
        """Find `slug` (its last edition) or `slug@N`; `DoesNotExist` says what there is instead."""
        slug, _, edition = name.partition("@")
        of_name = self.filter(slug=slug).order_by("-edition")
        if edition:
            of_name = of_name.filter(edition=int(edition) if edition.isdigit() else 0)
        found = of_name.first()
        if found is None:
            known = ", ".join(str(one) for one in self) or "none"
            raise self.model.DoesNotExist(
                f"expected a benchmark such as voices@1, found {name!r}; there are: {known}"
            )
        return found

    def public(self) -> BenchmarkQuerySet:
        """Those whose page everyone may read."""
        return self.filter(is_public=True)


class Benchmark(models.Model):
    """One edition: items with their references, and by what entries are judged (`rules`, see benchmarking.py)."""

    slug = models.SlugField(max_length=80)
    edition = models.PositiveIntegerField(default=1)
    title = models.CharField(max_length=200)
    purpose = models.TextField(help_text="what it is meant to tell, and for which sounds")
    rules = models.JSONField(help_text="metrics, the one that ranks, probes, and a campaign design")
    sha256 = models.CharField(max_length=64, help_text="of items, references and rules")
    is_public = models.BooleanField(default=False, help_text="its page is shown to everyone")
    project = models.ForeignKey(
        Project, on_delete=models.PROTECT, default=operators_project, related_name="benchmarks"
    )
    campaigns = models.ManyToManyField(
        Campaign,
        related_name="benchmarks",
        blank=True,
        help_text="where people rated the outputs of its entries",
    )
    author = models.CharField(max_length=150)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = BenchmarkQuerySet.as_manager()

    class Meta:
        ordering = ["slug", "-edition"]
        constraints = [
            models.UniqueConstraint(fields=["slug", "edition"], name="benchmark_edition_once")
        ]

    def __str__(self) -> str:
        return f"{self.slug}@{self.edition}"

    def get_absolute_url(self) -> str:
        return reverse("benchmark", args=[self.slug, self.edition])

    @property
    def metrics(self) -> list[str]:
        return list(self.rules["metrics"])

    def content_hash(self) -> str:
        """What `sha256` must be for the rows as they are."""
        items = self.items.select_related("input", "reference").order_by("number")
        return content_hash(
            self.rules,
            [
                (one.title, one.input.sha256, one.reference.sha256 if one.reference else None)
                for one in items
            ],
        )


def content_hash(rules: dict, items: list[tuple[str, str, str | None]]) -> str:
    """SHA-256 (hex) of rules and items (title, hash of the input, hash of the reference)."""
    text = canonical_json({"rules": rules, "items": [list(one) for one in items]})
    return hashlib.sha256(text.encode()).hexdigest()


class BenchmarkItemQuerySet(WrittenOnce, models.QuerySet["BenchmarkItem"]):
    pass


class BenchmarkItem(models.Model):
    """One sound that goes into every system, and what ideally comes out, where that is known."""

    benchmark = models.ForeignKey(Benchmark, on_delete=models.PROTECT, related_name="items")
    number = models.PositiveIntegerField()
    title = models.CharField(max_length=200)
    input = models.ForeignKey(Signal, on_delete=models.PROTECT, related_name="benchmark_inputs")
    reference = models.ForeignKey(
        Signal,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="benchmark_references",
    )

    objects = BenchmarkItemQuerySet.as_manager()

    class Meta:
        ordering = ["number"]
        constraints = [
            models.UniqueConstraint(fields=["benchmark", "number"], name="benchmark_item_number"),
            models.UniqueConstraint(fields=["benchmark", "input"], name="benchmark_item_once"),
        ]

    def __str__(self) -> str:
        return f"{self.benchmark} {self.number}: {self.title}"


class BenchmarkEntryQuerySet(WrittenOnce, OfProject["BenchmarkEntry"]):
    way = "benchmark__project"
    once = ("measured", "withdrawn_because", "withdrawn_by", "withdrawn_at")

    def standing(self) -> BenchmarkEntryQuerySet:
        """Those that were not withdrawn."""
        return self.filter(withdrawn_at=None)


class BenchmarkEntry(models.Model):
    """A system in a benchmark: a registered version, or the outputs that another team sent of theirs."""

    benchmark = models.ForeignKey(Benchmark, on_delete=models.PROTECT, related_name="entries")
    name = models.CharField(max_length=100)
    version = models.ForeignKey(
        ModelVersion,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="benchmark_entries",
    )
    condition = models.CharField(max_length=100, blank=True)
    team = models.CharField(max_length=200, blank=True)
    licence = models.CharField(max_length=200, blank=True)
    description = models.TextField(blank=True)
    measured = models.JSONField(
        default=dict,
        help_text="cost, and what of it can be read; of a version, once its job is done",
    )
    studies = models.ManyToManyField(Study, related_name="benchmark_entries", blank=True)
    job = models.OneToOneField(Job, on_delete=models.PROTECT, related_name="benchmark_entry")
    actor = models.CharField(max_length=150)
    created_at = models.DateTimeField(auto_now_add=True)
    withdrawn_because = models.TextField(blank=True)
    withdrawn_by = models.CharField(max_length=150, blank=True)
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    objects = BenchmarkEntryQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        verbose_name_plural = "benchmark entries"
        constraints = [
            models.UniqueConstraint(fields=["benchmark", "name"], name="benchmark_entry_name_once"),
            models.UniqueConstraint(
                fields=["benchmark", "version", "condition"],
                condition=models.Q(version__isnull=False),
                name="benchmark_version_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} in {self.benchmark}"

    @property
    def project(self) -> Project:
        return self.benchmark.project


class BenchmarkOutputQuerySet(WrittenOnce, models.QuerySet["BenchmarkOutput"]):
    pass


class BenchmarkOutput(models.Model):
    """What a system made of an item."""

    entry = models.ForeignKey(BenchmarkEntry, on_delete=models.PROTECT, related_name="outputs")
    item = models.ForeignKey(BenchmarkItem, on_delete=models.PROTECT, related_name="outputs")
    signal = models.ForeignKey(Signal, on_delete=models.PROTECT, related_name="benchmark_outputs")

    objects = BenchmarkOutputQuerySet.as_manager()

    class Meta:
        ordering = ["item__number"]
        constraints = [
            models.UniqueConstraint(fields=["entry", "item"], name="benchmark_output_once")
        ]

    def __str__(self) -> str:
        return f"{self.entry.name} · {self.item.title}"
