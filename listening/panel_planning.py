"""How many listeners and items a campaign needs, and what they cost in time: for its page, its command and the API.

Variances are those of published ratings, of a past campaign's fitted model, or given; a page takes as long as it took
people in past campaigns by the same method, or as its sounds are long.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from math import ceil, sqrt
from typing import Any

import numpy as np
import pandas as pd
from django.db.models import Count, Q, QuerySet

from listening.analysis import planning
from listening.analysis.frames import METHODS, AnalysisError
from listening.analysis.mixed import MixedModel
from listening.analysis.opinions import OpinionAnalysis
from listening.analysis.plain import MISSING
from listening.analysis.planning import PUBLISHED, Share, Variances
from listening.analysis.report import MushraAnalysis
from listening.computed import analysis_of, for_ever
from listening.models import Campaign, Condition, Page, Visit
from listening.presenting import drawn, material_of
from listening.scheme import Scheme

POWERS = (0.8, 0.9)
PUBLISHED_SOURCE = (
    "published MUSHRA ratings of seven speech codecs (Stahl, Windtner and Sontacchi, IEEE Access 12, 2024): "
    "19 listeners, 16 items"
)
# a listener hears each sound through about twice and needs a moment to rate it
TIMES_HEARD, SECONDS_TO_RATE = 2.0, 3.0
FEWEST_PAGES, MOST_VISITS = 20, 5000
LISTENERS = (*range(4, 21, 2), *range(25, 61, 5), 80, 100)
READINGS = ("grades", "opinions", "differences")


@dataclass(frozen=True)
class Assumed:
    """Variances on the campaign's scale, and where they come from."""

    variances: Variances
    source: str


@dataclass(frozen=True)
class Pace:
    """Minutes that a rating page takes, and how that is known."""

    minutes: float
    source: str


@dataclass(frozen=True)
class Effort:
    """What a listener of the campaign does: rating pages for each item that is heard, further ones, at a pace."""

    pages_per_item: float
    further_pages: int
    pace: Pace
    share: Share

    @property
    def shares(self) -> bool:
        """Whether listeners hear a part of the material."""
        return self.share != Share()

    def minutes(self, items: int) -> float:
        heard = min(self.share.items or items, items)
        return (self.pages_per_item * heard + self.further_pages) * self.pace.minutes

    def hours(self, items: int, listeners: float) -> float:
        return listeners * self.minutes(items) / 60


@dataclass(frozen=True)
class PowerPlan:
    """`panels` and `table` as in listening/analysis/planning.py, with minutes (a listener's) and hours beside."""

    difference: float
    assumed: Assumed
    effort: Effort
    panels: pd.DataFrame
    table: pd.DataFrame
    fewest_items: int | None

    @property
    def sds(self) -> tuple[float, float, float]:
        """Standard deviations of listener × condition, item × condition and residual."""
        known = self.assumed.variances
        return sqrt(known.listener_condition), sqrt(known.item_condition), sqrt(known.residual)

    @property
    def rows(self) -> list[dict[str, str]]:
        """The panels as a page shows them."""
        return [
            {
                "items": str(row["items"]),
                "power": f"{row['power']:g}",
                "such": _whole(row["for_such_items"]),
                "such_between": _between(row["such_low"], row["such_high"]),
                "these": _whole(row["for_these_items"]),
                "hours_such": _hours(row["hours_such"]),
                "hours_these": _hours(row["hours_these"]),
                "minutes": _whole(row["minutes"]),
            }
            for row in self.panels.to_dict("records")
        ]

    def as_dict(self) -> dict[str, Any]:
        variances = self.assumed.variances
        rows = self.panels.astype(object).where(self.panels.notna(), None)
        return {
            "difference": self.difference,
            "variances": {
                "listener_condition": variances.listener_condition,
                "item_condition": variances.item_condition,
                "residual": variances.residual,
                "source": self.assumed.source,
            },
            "minutes_per_page": self.effort.pace.minutes,
            "minutes_source": self.effort.pace.source,
            "fewest_items": self.fewest_items,
            "simulations": planning.SIMULATIONS,
            "panels": rows.to_dict("records"),
            "power": self.table.to_dict("records"),
        }


def _whole(value: float) -> str:
    return MISSING if pd.isna(value) else f"{ceil(value)}"


def _hours(value: float) -> str:
    return MISSING if pd.isna(value) else f"{value:.1f}" if value < 10 else f"{ceil(value)}"


def _between(low: float, high: float) -> str:
    if pd.isna(low) or low == high:
        return ""
    return f"{_whole(low)} or more" if pd.isna(high) else f"{_whole(low)}–{_whole(high)}"


def plan_of(
    campaign: Campaign,
    *,
    difference: float | None = None,
    items: Sequence[int] = (),
    past: Campaign | None = None,
    sds: tuple[float, float, float] | None = None,
    minutes: float | None = None,
) -> PowerPlan:
    """The plan for a campaign whose ratings have means.

    `difference` is a tenth of the scale where nothing is said; `items` are the numbers to look at; variances are of the
    campaign `past`, or of the standard deviations `sds` (listener × condition, item × condition, residual), or
    published. Raises `AnalysisError` for a method without means or a past campaign without a model.
    """
    kind = METHODS[campaign.method]
    if kind.reading not in READINGS:
        raise AnalysisError(
            f"power: expected a method whose ratings have means, found {campaign.protocol.title}"
        )
    difference = difference or (kind.high - kind.low) / 10
    assumed = _assumed(campaign, past, sds)
    effort = effort_of(campaign, minutes=minutes)
    planned = len(material_of(campaign))
    items = sorted({max(2, n) for n in items or (planned, 2 * planned, 4 * planned)})
    asked: dict[str, Any] = {"difference": difference, "share": effort.share}
    key = sha256(repr((assumed.variances, asked, items)).encode()).hexdigest()

    def computed() -> tuple[pd.DataFrame, pd.DataFrame, int | None]:
        return (
            planning.panels(assumed.variances, items=items, powers=POWERS, **asked),
            planning.power_table(assumed.variances, items=items, listeners=LISTENERS, **asked),
            planning.fewest_items(assumed.variances, **asked),
        )

    panels, table, fewest = for_ever(f"power/{key}", computed)
    panels = panels.assign(
        minutes=[effort.minutes(int(m)) for m in panels["items"]],
        hours_these=[
            effort.hours(int(m), n)
            for m, n in zip(panels["items"], panels["for_these_items"], strict=True)
        ],
        hours_such=[
            effort.hours(int(m), n)
            for m, n in zip(panels["items"], panels["for_such_items"], strict=True)
        ],
    )
    return PowerPlan(difference, assumed, effort, panels, table, fewest)


def _assumed(
    campaign: Campaign, past: Campaign | None, sds: tuple[float, float, float] | None
) -> Assumed:
    systems = campaign.conditions.filter(role=Condition.Role.SYSTEM).count()
    kind = METHODS[campaign.method]
    if sds is not None:
        of_listener, of_item, residual = (sd**2 for sd in sds)
        return Assumed(Variances(of_listener, of_item, residual, max(2, systems)), "as given")
    if past is not None:
        model = model_of(past)
        scale = METHODS[past.method]
        found = Variances.of(model).scaled((kind.high - kind.low) / (scale.high - scale.low))
        simulated = past.listeners.filter(simulated=True).exists()
        source = (
            f"the model of {past.title}: {model.n_listeners}{' simulated' if simulated else ''} listeners, "
            f"{model.n_items} items, {model.n_ratings} ratings"
        )
    else:
        found = PUBLISHED.scaled((kind.high - kind.low) / 100)
        source = PUBLISHED_SOURCE
    variances = Variances(
        found.listener_condition, found.item_condition, found.residual, max(2, systems)
    )
    return Assumed(variances, source)


def model_of(past: Campaign) -> MixedModel:
    """The mixed model of a campaign's results; raises `AnalysisError` where there is none."""
    analysis, problem = analysis_of(past)
    model = None
    if isinstance(analysis, MushraAnalysis):
        model = analysis.comparison.mixed
    elif isinstance(analysis, OpinionAnalysis):
        scale = METHODS[past.method].overall or next(iter(analysis.comparisons))
        model = analysis.comparisons[scale].mixed
    if model is None:
        raise AnalysisError(problem or f"power: expected a model of {past.slug}, found none")
    return model


def past_campaigns(campaign: Campaign, among: QuerySet[Campaign]) -> QuerySet[Campaign]:
    """Campaigns `among` those that a person may see which have finished sessions by a method with means."""
    methods = [name for name, kind in METHODS.items() if kind.reading in READINGS]
    return (
        among.filter(method__in=methods)
        .exclude(pk=campaign.pk)
        .annotate(n_done=Count("sessions", filter=Q(sessions__finished_at__isnull=False)))
        .filter(n_done__gt=1)
    )


# what it costs


def effort_of(campaign: Campaign, *, minutes: float | None = None) -> Effort:
    """What a listener does, from the pages of the design's first row."""
    material = material_of(campaign)
    pages = list(drawn(campaign, campaign.seed, row=0, material=material)) if material else []
    heard = {trial.pk for trial, _, _ in pages}
    scheme = Scheme.of(campaign.design)
    repeats = sum(repetition > campaign.repetitions for _, repetition, _ in pages)
    per_item = (len(pages) - repeats) / max(len(heard), 1)
    trained: list[str] = next(
        (part["items"] for part in campaign.plan if part["part"] == "training"), []
    )
    practised = round(len(trained) * per_item / max(campaign.repetitions, 1))
    systems = campaign.conditions.filter(role=Condition.Role.SYSTEM).count()
    share = Share(
        items=scheme.items,
        conditions=min(scheme.systems or systems, systems) / systems if systems else 1.0,
    )
    if minutes:
        pace = Pace(minutes, "as given")
    else:
        sounds = [len(slots) for _, _, slots in pages]
        pace = _pace(campaign, float(np.mean(sounds)) if sounds else 1.0)
    return Effort(per_item, repeats + practised, pace, share)


def _pace(campaign: Campaign, sounds: float) -> Pace:
    """By how long people had pages of `sounds` sounds open, else by the length of the sounds."""
    visits = Visit.objects.filter(
        page__session__campaign__method=campaign.method,
        page__session__listener__simulated=False,
        page__session__campaign__preview_of=None,
        page__kind=Page.Kind.RATING,
    ).exclude(page__finished_at=None)
    seconds: dict[int, float] = defaultdict(float)
    latest = visits.order_by("-opened_at").values_list("page", "body__open_s")
    for page, open_s in latest[:MOST_VISITS]:
        seconds[page] += open_s
    if len(seconds) >= FEWEST_PAGES:
        slots = dict(
            Page.objects.filter(pk__in=seconds).annotate(n=Count("slots")).values_list("pk", "n")
        )
        per_sound = np.median([open_s / max(slots[page], 1) for page, open_s in seconds.items()])
        return Pace(
            float(per_sound * sounds / 60),
            f"the median of {len(seconds)} pages by {campaign.protocol.title} here, by their number of sounds",
        )
    lengths = [
        signal.duration
        for trial, stimuli in material_of(campaign).items()
        if (signal := trial.reference or next((s.signal for s in stimuli if s.signal), None))
    ]
    length = float(np.mean(lengths)) if lengths else 10.0
    return Pace(
        float(sounds * (TIMES_HEARD * length + SECONDS_TO_RATE) / 60),
        f"{sounds:.3g} sounds of {length:.3g} s, each heard {TIMES_HEARD:g} times and rated in {SECONDS_TO_RATE:g} s",
    )
