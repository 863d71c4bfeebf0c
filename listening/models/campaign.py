"""Campaigns: a listening test's settings, and its way from draft to closed."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

from django.conf import settings
from django.db import models, transaction
from django.urls import reverse
from django.utils.timezone import now

from listening.models.material import Condition, Stimulus
from listening.plan import (
    Part,
    PlanError,
    checked_plan,
    default_plan,
    items_never_rated,
    not_recorded,
    part_named,
    recordings,
)
from listening.scheme import group_problems
from listening.translating import texts, translated, translation_problems
from models_registry import audit, standing
from models_registry.models import ModelVersion, Signal
from models_registry.teams import OfProject, Person, Project, operators_project

if TYPE_CHECKING:
    from listening.methods import Gates, Method


class CampaignError(ValueError):
    """A campaign that cannot be launched or changed as asked; the message says what is missing and where."""


class CampaignQuerySet(OfProject["Campaign"]):
    def visible_to(self, user: Person) -> Self:
        """Those of the person's projects; nobody sees what is a preview's copy."""
        return super().visible_to(user).filter(preview_of=None)

    def open(self) -> Self:
        return self.filter(state=Campaign.State.OPEN)


class Campaign(models.Model):
    """A whole listening test: its method, instructions, trials and quota."""

    class State(models.TextChoices):
        DRAFT = "draft"
        OPEN = "open"
        PAUSED = "paused"
        CLOSED = "closed"

    class Screening(models.TextChoices):
        """Declared before launch; the results page shows the ratings with and without it."""

        BS1534 = "bs1534-3", "ITU-R BS.1534-3 post-screening"
        MPEG = "mpeg-strict", "MPEG's strict rule"
        BS1116 = "bs1116-t", "ITU-R BS.1116-3's t-test of expertise"
        NONE = "none", "none"

    slug = models.SlugField(max_length=80, unique=True)
    title = models.CharField(max_length=200)
    method = models.SlugField(max_length=40)
    options = models.JSONField(
        default=dict, blank=True, help_text="what the method leaves to the campaign, by name"
    )
    instructions = models.TextField(blank=True)
    language = models.CharField(
        max_length=10,
        blank=True,
        choices=settings.LANGUAGES,
        help_text="of its texts, and so of the pages around them; none: what each browser asks for",
    )
    translations = models.JSONField(
        default=dict,
        blank=True,
        help_text="of its texts, by language (listening/translating.py)",
    )
    state = models.CharField(max_length=10, choices=State, default=State.DRAFT)
    screening = models.CharField(max_length=20, choices=Screening, default=Screening.BS1534)
    repetitions = models.PositiveSmallIntegerField(
        default=1, help_text="how often each trial is presented to a listener"
    )
    seed = models.PositiveIntegerField(default=0)
    quota = models.PositiveIntegerField(
        null=True, blank=True, help_text="listeners wanted; none: no end"
    )
    plan = models.JSONField(
        default=default_plan,
        help_text="the parts of a listener's way, in order (listening/plan.py)",
    )
    design = models.JSONField(
        default=dict,
        blank=True,
        help_text="how much each listener hears, in which order (listening/scheme.py)",
    )
    groups = models.JSONField(
        default=dict,
        blank=True,
        help_text="quotas by an answer or by invitation (listening/admission.py)",
    )
    opens_at = models.DateTimeField(
        null=True, blank=True, help_text="takes nobody before; none: from launch on"
    )
    closes_at = models.DateTimeField(
        null=True, blank=True, help_text="takes nobody from then on; none: until it is closed"
    )
    once_per_browser = models.BooleanField(
        default=False, help_text="who opens the plain link again comes back to their session"
    )
    collect_as = models.CharField(
        max_length=200,
        blank=True,
        db_index=True,
        help_text="the testId under which webMUSHRA's front end may post its sessions",
    )
    invited_only = models.BooleanField(
        default=False, help_text="takes listeners by invitations alone, none by the plain link"
    )
    retain_until = models.DateField(
        null=True, blank=True, help_text="after which listeners are forgotten (manage.py prune)"
    )
    preview_of = models.ForeignKey(
        "self",
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="previews",
        help_text="what this is a copy of, made to be looked at (listening/previewing.py)",
    )
    revises = models.SlugField(
        max_length=80,
        blank=True,
        help_text="the campaign that this one is a later revision of (listening/revising.py)",
    )
    source = models.TextField(blank=True, help_text="where imported ratings come from")
    project = models.ForeignKey(
        Project, on_delete=models.PROTECT, default=operators_project, related_name="campaigns"
    )
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="campaigns"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    launched_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)

    objects = CampaignQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return self.slug

    def get_absolute_url(self) -> str:
        return reverse("campaign", args=[self.slug])

    @property
    def rule(self) -> str:
        """The screening that was declared, where it is one for this method; else 'none'."""
        from listening.analysis.screening import FOR_METHODS

        return (
            self.screening
            if self.method in FOR_METHODS.get(self.screening, (self.method,))
            else self.Screening.NONE.value
        )

    @property
    def protocol(self) -> Method:
        """The test method's rules (listening/methods/), with this campaign's options."""
        from listening.methods import method_named

        return method_named(self.method, self.options)

    @property
    def languages(self) -> list[str]:
        """Those that its own texts are in; none where nothing is said of that."""
        return [self.language, *self.translations] if self.language else []

    def in_language(self, language: str) -> Campaign:
        """The campaign as listeners read it in one of its languages; nothing to be stored."""
        words = self.translations.get(language)
        if not words:
            return self
        read = copy(self)
        read.title = words.get(self.title, self.title)
        read.instructions = words.get(self.instructions, self.instructions)
        read.options, read.plan = translated(self.options, words), translated(self.plan, words)
        return read

    @property
    def group_quotas(self) -> dict[str, int]:
        """How many listeners are wanted of each group that has a quota."""
        return dict(self.groups.get("quotas", {}))

    @group_quotas.setter
    def group_quotas(self, quotas: Mapping[str, int]) -> None:
        self.groups = {**self.groups, "quotas": dict(quotas)}

    @property
    def texts(self) -> list[str]:
        """Everything of its own that listeners read."""
        return texts(
            title=self.title,
            instructions=self.instructions,
            options=self.options,
            plan=self.plan,
        )

    @property
    def gates(self) -> Gates:
        """What must be done before a rating page may be left."""
        ratings = part_named(self.plan, "ratings") or {}
        return replace(self.protocol.gates, **ratings.get("gates", {}))

    def set_options(self, options: dict[str, Any], *, actor: str) -> None:
        """Give a draft other options of its method; raises `CampaignError` with everything that is wrong with them."""
        from listening.methods import method_named

        if problems := list(method_named(self.method, options).option_problems()):
            raise CampaignError(f"{self.slug}: " + "; ".join(problems))
        with transaction.atomic():
            changed = Campaign.objects.filter(pk=self.pk, state=self.State.DRAFT).update(
                options=options
            )
            if not changed:
                raise CampaignError(
                    f"{self.slug}: expected a draft to change, found it {self.state}"
                )
            audit.record("options", self, actor=actor, content={"options": options})
        self.refresh_from_db()

    def lay_out(self, plan: list[Part], *, actor: str) -> None:
        """Give a draft another plan of parts; raises `CampaignError` with everything that is wrong with it."""
        try:
            checked_plan(plan, items=self.trials.values_list("item", flat=True))
        except PlanError as error:
            raise CampaignError(f"{self.slug}: {error}") from error
        with transaction.atomic():
            changed = Campaign.objects.filter(pk=self.pk, state=self.State.DRAFT).update(plan=plan)
            if not changed:
                raise CampaignError(
                    f"{self.slug}: expected a draft to lay out, found it {self.state}"
                )
            audit.record("plan", self, actor=actor, content={"plan": plan})
        self.refresh_from_db()

    def launch(self, *, actor: str, overridden: Mapping[str, int] | None = None) -> None:
        """Open a draft to listeners, once it is complete; raises `CampaignError` with every reason why not.

        `overridden` is what the lint warned of, by kind, and the author chose to do all the same.
        """
        if problems := self.problems():
            raise CampaignError(f"{self.slug} cannot be launched: " + "; ".join(problems))
        with transaction.atomic():
            opened = Campaign.objects.filter(pk=self.pk, state=self.State.DRAFT).update(
                state=self.State.OPEN, launched_at=now()
            )
            if not opened:
                raise CampaignError(
                    f"{self.slug}: expected a draft to launch, found it {self.state}"
                )
            try:
                standing.admit(self.versions(), campaign=self.slug)
            except standing.StandingError as error:
                raise CampaignError(f"{self.slug} cannot be launched: {error}") from error
            content = self.fingerprint() | {"overridden": dict(overridden or {})}
            audit.record("launch", self, actor=actor, content=content)
        self.refresh_from_db()

    def problems(self) -> list[str]:
        """Everything that keeps this campaign from being launched, one sentence each."""
        problems = [*self.protocol.option_problems()] or self.protocol.problems(self)
        try:
            checked_plan(self.plan, items=self.trials.values_list("item", flat=True))
        except PlanError as error:
            problems += error.problems
        else:
            problems += self.design_problems()
            problems += group_problems(self.groups, self.plan)
            problems += translation_problems(
                self.translations, language=self.language, languages=list(dict(settings.LANGUAGES))
            )
            if self.opens_at and self.closes_at and self.opens_at >= self.closes_at:
                problems.append(
                    "expected it to open before it closes, found it the other way round"
                )
            wanted = recordings(self.plan)
            stored = Signal.objects.filter(sha256__in=wanted).values_list("sha256", flat=True)
            problems += [not_recorded(sha256) for sha256 in sorted(wanted.difference(stored))]
        problems += filter(
            None, (standing.refusal(one, campaign=self.slug) for one in self.versions())
        )
        return problems

    def versions(self) -> list[ModelVersion]:
        """The model versions that it compares, with their standing."""
        found = ModelVersion.objects.with_standing().filter(conditions__campaign=self)
        return list(found.distinct())

    def design_problems(self) -> list[str]:
        """What is wrong with the declared design, one sentence each."""
        titles = self.trials.values_list("item", flat=True)
        rated = [item for item in titles if item not in items_never_rated(self.plan)]
        systems = self.conditions.filter(role=Condition.Role.SYSTEM).count()
        return self.protocol.design_problems(self.design, items=rated, systems=systems)

    def close(self, *, actor: str, reason: str) -> bool:
        """Take no new listeners; who is in the middle may finish. False where it is closed already."""
        from listening.attesting import attested

        with transaction.atomic():
            closed = Campaign.objects.filter(
                pk=self.pk, state__in=(self.State.OPEN, self.State.PAUSED)
            ).update(state=self.State.CLOSED, closed_at=now())
            if closed:
                content = attested(self)
                audit.record("close", self, actor=actor, reason=reason, content=content)
        self.refresh_from_db()
        if self.state != self.State.CLOSED:
            raise CampaignError(f"{self.slug}: expected an open campaign, found it {self.state}")
        return bool(closed)

    def pause(self, *, actor: str, reason: str) -> bool:
        """Take no new listeners for a while; who is in the middle goes on. False where it is paused already."""
        return self._turn(self.State.OPEN, self.State.PAUSED, "pause", actor=actor, reason=reason)

    def resume(self, *, actor: str) -> bool:
        """Take new listeners again. False where it does already."""
        return self._turn(self.State.PAUSED, self.State.OPEN, "resume", actor=actor)

    def _turn(self, old: str, new: str, act: str, *, actor: str, reason: str = "") -> bool:
        with transaction.atomic():
            turned = Campaign.objects.filter(pk=self.pk, state=old).update(state=new)
            if turned:
                audit.record(act, self, actor=actor, reason=reason)
        self.refresh_from_db()
        if self.state != new:
            raise CampaignError(
                f"{self.slug}: expected a campaign that is {old}, found it {self.state}"
            )
        return bool(turned)

    def fingerprint(self) -> dict[str, object]:
        """What listeners will hear, by hash, for the record."""
        stimuli = Stimulus.objects.filter(trial__campaign=self).select_related(
            "trial", "condition", "condition__version__model", "signal"
        )
        return {
            "method": self.method,
            "options": self.protocol.options,
            "screening": self.screening,
            "repetitions": self.repetitions,
            "plan": self.plan,
            "design": self.design,
            "groups": self.groups,
            "translations": self.translations,
            "opens_at": self.opens_at and self.opens_at.isoformat(),
            "closes_at": self.closes_at and self.closes_at.isoformat(),
            "stimuli": [
                [
                    stimulus.trial.item,
                    stimulus.condition.name,
                    stimulus.signal.sha256 if stimulus.signal else "",
                    str(stimulus.condition.version or ""),
                ]
                for stimulus in stimuli
            ],
        }
