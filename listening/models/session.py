"""Sessions: who hears what in which order, and what they answered.

A session is a row of pages, drawn once from its seed and stored with their slots, so that a reload, a crash or another
device shows the same order. Responses and ratings are append-only.
"""

from __future__ import annotations

import uuid

from django.db import IntegrityError, models, transaction
from django.db.models import ExpressionWrapper, Q
from django.urls import reverse
from django.utils.timezone import now

from listening import digits, headphones
from listening.models.campaign import Campaign, CampaignError
from listening.models.material import Stimulus, Trial
from listening.scheme import MAX_GROUP
from models_registry import audit
from models_registry.audio import Audio
from models_registry.models import Signal
from models_registry.written_once import WrittenOnce

# No 0/O, 1/I/L: a code may be read aloud or copied by hand.
CODE_ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"


class Listener(models.Model):
    """A person (or a simulation, labelled as such) who rates; no name, no address, only a code."""

    campaign = models.ForeignKey(Campaign, on_delete=models.PROTECT, related_name="listeners")
    code = models.CharField(max_length=64)
    external_code = models.CharField(
        max_length=64,
        blank=True,
        help_text="what a recruiter calls the person, such as PROLIFIC_PID",
    )
    simulated = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["campaign", "code"], name="listener_code_once"),
            models.UniqueConstraint(
                fields=["campaign", "external_code"],
                condition=~Q(external_code=""),
                name="listener_external_code_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.code} (simulated)" if self.simulated else self.code


class Session(models.Model):
    """A listener's way through a campaign; its token is the only key to it."""

    class Ending(models.TextChoices):
        FINISHED = "finished"
        SCREENED_OUT = "screened-out", "screened out"
        REFUSED = "refused", "did not consent"
        FULL = "full", "the group was full"

    token = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    listener = models.ForeignKey(Listener, on_delete=models.PROTECT, related_name="sessions")
    campaign = models.ForeignKey(Campaign, on_delete=models.PROTECT, related_name="sessions")
    seed = models.BigIntegerField()
    row = models.PositiveIntegerField(
        null=True, blank=True, help_text="of the campaign's design, from 0 (listening/allotting.py)"
    )
    group = models.CharField(
        max_length=MAX_GROUP,
        blank=True,
        help_text="whose quota it counts for (listening/admission.py)",
    )
    holds_row = models.BooleanField(
        default=False, help_text="nobody else is given the same row of the design"
    )
    external = models.JSONField(
        default=dict, help_text="what the recruiter's link said of this session"
    )
    language = models.CharField(
        max_length=10, blank=True, help_text="that it began in, and goes on in on any device"
    )
    certified = models.JSONField(
        default=dict,
        help_text="parts that a certificate spared, by their place in the plan, and when it was earned",
    )
    consented_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    ending = models.CharField(max_length=12, choices=Ending, blank=True)
    excluded_at = models.DateTimeField(null=True, blank=True)
    excluded_because = models.TextField(blank=True, help_text="why a researcher leaves it out")
    forgotten_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["campaign", "row"],
                condition=Q(holds_row=True),
                name="design_row_held_once",
            )
        ]

    def __str__(self) -> str:
        return f"session {self.pk} of {self.listener}"

    def get_absolute_url(self) -> str:
        return reverse("session", args=[self.token])

    @property
    def shown(self) -> models.QuerySet[Page]:
        """The pages without those that were left out."""
        return self.pages.filter(left_out=False)

    @property
    def may_end_early(self) -> bool:
        """Whether there may be fewer pages than are drawn: the answers say when there were enough."""
        early = self.campaign.protocol.ends_early
        return early and not self.pages.filter(left_out=True).exists()

    def current_page(self) -> Page | None:
        """The first page not yet finished; None when the session is over."""
        return None if self.ending else self.pages_ahead().first()

    def pages_ahead(self) -> models.QuerySet[Page]:
        """The pages not yet finished, in the order in which they come: what is done again comes first."""
        first_time = ExpressionWrapper(Q(attempt=1), output_field=models.BooleanField())
        ahead = self.pages.filter(finished_at=None).select_related("trial")
        return ahead.order_by(first_time, "number")

    def finish_page(self, page: Page) -> None:
        """Close `page`; the session ends with its last page."""
        with transaction.atomic():
            Page.objects.filter(pk=page.pk, finished_at=None).update(finished_at=now())
            if not self.pages.filter(finished_at=None).exists():
                self.end(self.Ending.FINISHED)
        self.refresh_from_db()

    def leave_out_after(self, page: Page) -> None:
        """Close what is left of the part that `page` belongs to, unseen: its answers suffice."""
        rest = self.pages.filter(part=page.part, number__gt=page.number, finished_at=None)
        rest.update(finished_at=now(), left_out=True)

    def end(self, ending: Ending) -> None:
        """End a session that has not ended; only one that went to its last page is finished."""
        finished = ending == self.Ending.FINISHED
        Session.objects.filter(pk=self.pk, ending="").update(
            ending=ending, finished_at=now() if finished else None
        )
        self.refresh_from_db()
        if self.ending == self.Ending.FINISHED:
            self.take_row_back()
        else:
            self.free_row()

    def free_row(self) -> None:
        """Let another session have the row of the design that this one will not complete."""
        Session.objects.filter(pk=self.pk).update(holds_row=False)
        self.holds_row = False

    def take_row_back(self) -> None:
        """Hold the row of the design again that was lost, if nobody else does."""
        if self.row is None or self.holds_row or self.listener.simulated:
            return
        try:
            with transaction.atomic():
                Session.objects.filter(pk=self.pk).update(holds_row=True)
        except IntegrityError:
            # somebody else has it
            return
        self.holds_row = True

    def exclude(self, *, reason: str, actor: str, out: bool = True) -> None:
        """Leave its ratings out of the evidence, or take them back in; they are kept."""
        act, reason = "exclude" if out else "include", reason.strip()
        if not reason:
            raise CampaignError(f"expected a reason to {act} a session, found none")
        with transaction.atomic():
            changed = Session.objects.filter(pk=self.pk, excluded_at__isnull=out).update(
                excluded_at=now() if out else None, excluded_because=reason if out else ""
            )
            if not changed:
                found = "left out already" if out else "not left out"
                raise CampaignError(f"session {self.pk}: cannot {act} it, for it is {found}")
            # by number: whoever is forgotten later has no name in the record
            content = {"session": self.pk}
            if out:
                self.free_row()
            else:
                self.take_row_back()
            audit.record(act, self.campaign, actor=actor, reason=reason, content=content)
        self.refresh_from_db()


# who did not take part, whatever they did before that was known
TURNED_AWAY = (Session.Ending.REFUSED, Session.Ending.SCREENED_OUT, Session.Ending.FULL)


class Page(models.Model):
    """One stop of a session: a trial to be rated, or another part of the campaign's plan."""

    class Kind(models.TextChoices):
        RATING = "rating"
        CONTROL = "control", "control question"
        TRAINING = "training"
        CONSENT = "consent"
        INSTRUCTIONS = "instructions"
        QUESTIONS = "questions"
        VOLUME = "volume"
        HEADPHONES = "headphones"
        DIGITS = "digits", "digits in noise"
        BREAK = "break"

    session = models.ForeignKey(Session, on_delete=models.CASCADE, related_name="pages")
    kind = models.CharField(max_length=12, choices=Kind, default=Kind.RATING)
    part = models.PositiveSmallIntegerField(default=0, help_text="of the plan, from 0")
    content = models.JSONField(
        default=dict, help_text="the part as it was shown, such as the text consented to"
    )
    trial = models.ForeignKey(
        Trial, on_delete=models.PROTECT, null=True, blank=True, related_name="pages"
    )
    number = models.PositiveIntegerField(help_text="place in the session, from 1")
    repetition = models.PositiveSmallIntegerField(default=1, help_text="of the trial, from 1")
    attempt = models.PositiveSmallIntegerField(
        default=1, help_text="at the part, from 1; a part that has expired is done again"
    )
    finished_at = models.DateTimeField(null=True, blank=True)
    left_out = models.BooleanField(
        default=False, help_text="closed unseen: the answers before it sufficed"
    )

    class Meta:
        ordering = ["number"]
        constraints = [
            models.UniqueConstraint(fields=["session", "number"], name="page_number_once"),
            models.CheckConstraint(
                condition=~Q(kind__in=["rating", "control", "training"]) | Q(trial__isnull=False),
                name="page_rated_of_a_trial",
            ),
        ]

    def __str__(self) -> str:
        return f"page {self.number} of session {self.session_id}"

    @property
    def place(self) -> int:
        """Among the pages that are shown, from 1; what is done again comes between pages of other numbers."""
        return self.session.shown.exclude(pk=self.pk).exclude(finished_at=None).count() + 1

    @property
    def is_judged(self) -> bool:
        """Whether the campaign's method says what is asked here, in earnest, for control or for practice."""
        return self.kind in (self.Kind.RATING, self.Kind.CONTROL, self.Kind.TRAINING)


class Slot(models.Model):
    """One thing to play on a page, under an opaque address of its own.

    `stimulus` is what is heard; the open reference of a MUSHRA page has none. ABX's X is a slot of its own that
    plays A's or B's stimulus: which one is known only here. A headphone check plays a `clip` of our own making.
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
    clip = models.CharField(
        max_length=40,
        blank=True,
        help_text="test/variant of listening/headphones.py, or digits/triplet@dB of listening/digits.py",
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
        if self.stimulus:
            return self.stimulus.signal
        return self.page.trial.reference if self.page.trial else None

    @property
    def rate(self) -> int:
        """Hz; every sound of a page has the same."""
        return self.signal.rate if self.signal else headphones.RATE

    def audio(self) -> Audio | None:
        """What is heard; None where there is nothing to hear."""
        if self.clip.startswith("digits/"):
            return self._triplet()
        if self.clip:
            return headphones.clip(self.clip, seed=str(self.token))
        return self.signal.audio() if self.signal else None

    def _triplet(self) -> Audio | None:
        """Digits in noise; None while the answers before it have not said how loud."""
        said, _, ratio = self.clip.removeprefix("digits/").partition("@")
        if not ratio:
            return None
        hashes = self.page.content["recordings"]
        signals = {one.sha256: one for one in Signal.objects.filter(sha256__in=hashes.values())}
        voice = {digit: signals[sha256].audio() for digit, sha256 in hashes.items()}
        return digits.triplet(voice, said, ratio=float(ratio), seed=str(self.token))


class ResponseQuerySet(WrittenOnce, models.QuerySet["Response"]):
    # a restored answer keeps the time at which it came in elsewhere
    may_change = ("received_at",)
    personal = ("body",)


class Response(models.Model):
    """One answer as it was sent, under the UUID its browser gave it; accepted once, never changed."""

    id = models.UUIDField(primary_key=True)
    page = models.ForeignKey(Page, on_delete=models.PROTECT, related_name="responses")
    body = models.JSONField()
    received_at = models.DateTimeField(auto_now_add=True)
    forgotten_at = models.DateTimeField(
        null=True, blank=True, help_text="when what was personal of it was taken out"
    )

    objects = ResponseQuerySet.as_manager()

    class Meta:
        ordering = ["received_at"]

    def __str__(self) -> str:
        return f"response {self.id}"


class Check(models.Model):
    """The outcome of a headphone screening or a hearing test, once its last trial is answered."""

    session = models.ForeignKey(Session, on_delete=models.PROTECT, related_name="checks")
    part = models.PositiveSmallIntegerField(help_text="of the plan, from 0")
    test = models.CharField(max_length=20)
    attempt = models.PositiveSmallIntegerField(default=1, help_text="at the part, from 1")
    right = models.PositiveSmallIntegerField()
    trials = models.PositiveSmallIntegerField()
    passed = models.BooleanField()
    value = models.FloatField(
        null=True, blank=True, help_text="what was measured, such as a threshold in dB"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["session", "part", "attempt"], name="check_once")
        ]

    def __str__(self) -> str:
        return f"{self.test}: {self.right} of {self.trials} by session {self.session_id}"


class Visit(models.Model):
    """One time that a page was open in a browser, as that browser tells it (listening/telemetry.py)."""

    id = models.UUIDField(primary_key=True)
    page = models.ForeignKey(Page, on_delete=models.CASCADE, related_name="visits")
    body = models.JSONField()
    opened_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["opened_at"]

    def __str__(self) -> str:
        return f"visit to page {self.page_id}"
