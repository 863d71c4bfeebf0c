"""Lessons: what was tried, what happened, and what to do next time, tied to what it was learned from."""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce
from operator import or_

from django.db import models
from django.db.models import Q
from django.urls import reverse

from listening.models.campaign import Campaign
from models_registry.models import ModelVersion, TrainingRun
from models_registry.teams import OfProject, Project, operators_project
from models_registry.written_once import WrittenOnce

SEARCHED = ("title", "tried", "happened", "advice")


class LessonQuerySet(WrittenOnce, OfProject["Lesson"]):
    may_change = ("campaign",)

    def current(self) -> LessonQuerySet:
        """Those that no later one corrects."""
        return self.filter(corrected_by=None)

    def saying(self, words: str) -> LessonQuerySet:
        """Those in which each of the words stands somewhere."""
        found = self
        for word in words.split():
            anywhere = [Q(**{f"{field}__icontains": word}) for field in SEARCHED]
            found = found.filter(reduce(or_, anywhere) | Q(tags__name__icontains=word))
        return found.distinct()

    def tagged(self, kind: str, names: Iterable[str]) -> LessonQuerySet:
        return self.filter(tags__kind=kind, tags__name__in=list(names)).distinct()

    def for_use_of(self, *, blocks: Iterable[str], task: str) -> LessonQuerySet:
        """What to know before one uses these kinds of blocks and adapters, or trains this recipe again."""
        of_task = Q(tags__kind=LessonTag.Kind.TASK, tags__name=task)
        of_blocks = Q(tags__kind=LessonTag.Kind.BLOCK, tags__name__in=list(blocks))
        return self.current().filter(of_task | of_blocks).distinct()


class Lesson(models.Model):
    """One lesson; written once, and corrected by another that names it."""

    class Failure(models.TextChoices):
        UNSTABLE = "unstable", "did not stay finite"
        LEARNED_NOTHING = "learned-nothing", "learned nothing"
        ARTEFACTS = "artefacts", "artefacts can be heard"
        WRONG_SOUND = "wrong-sound", "sounds other than it should"
        DATA = "data", "the data were at fault"
        COST = "cost", "too slow or too large"
        EVIDENCE = "evidence", "the ratings told nothing"

    project = models.ForeignKey(
        Project, on_delete=models.PROTECT, default=operators_project, related_name="lessons"
    )
    title = models.CharField(max_length=200)
    tried = models.TextField()
    happened = models.TextField()
    advice = models.TextField(blank=True)
    evidence = models.JSONField(default=list, help_text="addresses")
    failure = models.CharField(max_length=20, choices=Failure, blank=True)
    run = models.ForeignKey(
        TrainingRun, on_delete=models.PROTECT, null=True, blank=True, related_name="lessons"
    )
    version = models.ForeignKey(
        ModelVersion, on_delete=models.PROTECT, null=True, blank=True, related_name="lessons"
    )
    # a draft may be deleted
    campaign = models.ForeignKey(
        Campaign, on_delete=models.SET_NULL, null=True, blank=True, related_name="lessons"
    )
    corrects = models.OneToOneField(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="corrected_by"
    )
    author = models.CharField(max_length=150)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = LessonQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"lesson {self.pk}"

    def get_absolute_url(self) -> str:
        return reverse("lesson", args=[self.pk])


class LessonTagQuerySet(WrittenOnce, models.QuerySet["LessonTag"]):
    pass


class LessonTag(models.Model):
    """A kind of block or adapter, or a task (a recipe), that a lesson is about."""

    class Kind(models.TextChoices):
        BLOCK = "block"
        TASK = "task"

    lesson = models.ForeignKey(Lesson, on_delete=models.PROTECT, related_name="tags")
    kind = models.CharField(max_length=10, choices=Kind)
    name = models.SlugField(max_length=80)

    objects = LessonTagQuerySet.as_manager()

    class Meta:
        ordering = ["kind", "name"]
        constraints = [
            models.UniqueConstraint(fields=["lesson", "kind", "name"], name="lesson_tag_once")
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"
