"""How a running campaign is doing: who came, who finished, who dropped out where, and what is slow, broken or skipped.

Made to be asked every few seconds: a handful of grouped queries, however many listeners there are. Simulated listeners
are counted on their own; whoever has shown no sign of life for `SILENT` in a session that is not over has dropped out.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

import numpy as np
from django.core.cache import cache
from django.db.models import Count, Max, Q
from django.utils.timezone import now

from listening import telemetry
from listening.analysis.frames import AnalysisError
from listening.analysis.screening import screen
from listening.computed import ratings_of
from listening.models import Campaign, Check, Page, Rating, Response, Session, Stimulus, Visit
from listening.models.session import TURNED_AWAY

# longer than the breaks that listeners take
SILENT = timedelta(hours=1)
# of a grid that can still be read
MOST_ITEMS, MOST_CONDITIONS = 60, 20


@dataclass(frozen=True)
class Standing:
    """One session as it stands: its state in words, the page it is at (none when it is over), its last sign of life."""

    session: Session
    state: str
    page: Page | None
    seen_at: datetime


@dataclass(frozen=True)
class Flow:
    """Sessions of one kind of listeners, by what became of them."""

    started: int
    finished: int
    under_way: int
    dropped: int
    turned_away: int

    @property
    def completion(self) -> float | None:
        """Share of the sessions that are over, one way or the other, that were finished."""
        over = self.finished + self.dropped + self.turned_away
        return self.finished / over if over else None


def standings(campaign: Campaign, *, at: datetime | None = None) -> list[Standing]:
    """Every session of the campaign, the last to begin first."""
    at = at or now()
    of_campaign = Page.objects.filter(session__campaign=campaign)
    finished = dict(
        of_campaign.filter(left_out=False)
        .values_list("session")
        .annotate(last=Max("finished_at"))
        .order_by()
    )
    answered = dict(
        Response.objects.filter(page__session__campaign=campaign)
        .values_list("page__session")
        .annotate(last=Max("received_at"))
        .order_by()
    )
    current: dict[int, Page] = {}
    ahead = of_campaign.filter(session__ending="", finished_at=None).only(
        "session_id", "number", "kind", "part", "attempt"
    )
    rests = dict(
        of_campaign.filter(kind=Page.Kind.BREAK, content__has_key="rest_min").values_list(
            "pk", "content__rest_min"
        )
    )
    # what is done again comes first
    for page in sorted(ahead, key=lambda page: (page.attempt == 1, page.number)):
        current.setdefault(page.session_id, page)
    found = []
    for session in campaign.sessions.select_related("listener").order_by("-pk"):
        signs = (session.created_at, finished.get(session.pk), answered.get(session.pk))
        seen_at = max(sign for sign in signs if sign)
        at_page = current.get(session.pk)
        patience = SILENT + timedelta(minutes=rests.get(at_page.pk, 0) if at_page else 0)
        state = session.ending or ("dropped" if at - seen_at > patience else "under way")
        found.append(Standing(session, state, at_page, seen_at))
    return found


def flow(standing: list[Standing]) -> Flow:
    states = Counter(one.state for one in standing)
    return Flow(
        started=len(standing),
        finished=states[Session.Ending.FINISHED],
        under_way=states["under way"],
        dropped=states["dropped"],
        turned_away=sum(states[ending] for ending in TURNED_AWAY),
    )


def dropped_where(standing: list[Standing]) -> list[dict[str, Any]]:
    """Pages at which people dropped out, in the order of the listener's way."""
    pages = [one.page for one in standing if one.state == "dropped" and one.page]
    counted = Counter((page.number, page.get_kind_display()) for page in pages)
    return [
        {"number": number, "kind": kind, "listeners": n}
        for (number, kind), n in sorted(counted.items())
    ]


def arrivals(standing: list[Standing], *, at: datetime | None = None) -> dict[str, float | None]:
    """How many began in the last hour and day, and how many finished per day over the last week."""
    at = at or now()
    began = [one.session.created_at for one in standing]
    ended = [one.session.finished_at for one in standing if one.session.finished_at]
    first = min(began, default=at)
    # a campaign younger than a week has had less time
    days = max(min((at - first) / timedelta(days=1), 7.0), 1 / 24)
    recent = sum(at - one <= timedelta(days=7) for one in ended)
    return {
        "hour": sum(at - one <= timedelta(hours=1) for one in began),
        "day": sum(at - one <= timedelta(days=1) for one in began),
        "finished_per_day": recent / days if ended else None,
    }


def cells(campaign: Campaign) -> dict[str, Any]:
    """How many ratings each stimulus has, people's and simulated ones apart, as a grid of items and conditions."""
    counted: dict[int, dict[str, Any]] = {
        row["stimulus"]: dict(row)
        for row in Rating.objects.counted()
        .filter(page__session__campaign=campaign)
        .order_by()
        .values("stimulus")
        .annotate(
            people=Count("pk", filter=Q(page__session__listener__simulated=False)),
            simulated=Count("pk", filter=Q(page__session__listener__simulated=True)),
        )
    }
    stimuli = Stimulus.objects.filter(trial__campaign=campaign)
    rows = stimuli.order_by("trial__number", "condition").values_list(
        "pk", "trial__item", "condition__name"
    )
    none = {"people": 0, "simulated": 0}
    grid: dict[str, dict[str, dict[str, Any]]] = defaultdict(dict)
    for pk, item, condition in rows:
        grid[item][condition] = counted.get(pk, none)
    conditions = list(campaign.conditions.values_list("name", flat=True))
    people = [cell["people"] for of_item in grid.values() for cell in of_item.values()]
    return {
        "conditions": conditions[:MOST_CONDITIONS],
        "rows": [
            (item, [of_item.get(name) for name in conditions[:MOST_CONDITIONS]])
            for item, of_item in list(grid.items())[:MOST_ITEMS]
        ],
        "n": len(people),
        "fewest": min(people, default=0),
        "most": max(people, default=0),
    }


def times(campaign: Campaign) -> list[dict[str, Any]]:
    """Seconds that people had a rating page of each item open, as their browsers tell: median and quartiles."""
    visits = Visit.objects.filter(page__session__campaign=campaign, page__kind=Page.Kind.RATING)
    seconds: dict[tuple[str, int], float] = defaultdict(float)
    for item, page, open_s in visits.values_list("page__trial__item", "page", "body__open_s"):
        seconds[item, page] += open_s
    found = []
    for item, of_item in groupby(sorted(seconds.items()), key=lambda one: one[0][0]):
        values = [value for _, value in of_item]
        low, median, high = np.percentile(values, [25, 50, 75])
        found.append(
            {"item": item, "pages": len(values), "low": low, "median": median, "high": high}
        )
    return found


def checks(campaign: Campaign) -> list[dict[str, Any]]:
    """Sound checks and hearing tests: how many were done, and failed."""
    done = Check.objects.filter(session__campaign=campaign).order_by("test").values("test")
    counted = done.annotate(n=Count("pk"), failed=Count("pk", filter=Q(passed=False)))
    return [dict(row) for row in counted]


def playback(campaign: Campaign) -> dict[str, int]:
    """Pages that browsers told of, and on how many of them something went wrong (the limits of telemetry.py)."""
    limits, page = telemetry.LIMITS, Count("page", distinct=True)
    told: dict[str, int] = Visit.objects.filter(page__session__campaign=campaign).aggregate(
        pages=page,
        drop_outs=Count("page", distinct=True, filter=Q(body__drop_outs__gt=limits["drop_outs"])),
        hidden=Count("page", distinct=True, filter=Q(body__hidden_s__gt=limits["hidden_s"])),
        failed=Count("page", distinct=True, filter=Q(body__has_key="failed")),
        late=Count("page", distinct=True, filter=Q(body__latency_s__gt=limits["latency_s"])),
    )
    return told


def screening(campaign: Campaign, *, finished: int) -> dict[str, Any]:
    """What the declared rule says of the listeners so far; computed anew when another session is finished."""
    key = f"screening-so-far/{campaign.pk}/{campaign.created_at.timestamp()}/{finished}"
    kept: dict[str, Any] | None = cache.get(key)
    if kept is None:
        try:
            ratings = ratings_of(campaign)
            if ratings.empty:
                return {"problem": "no ratings yet"}
            decided = screen(ratings, rule=campaign.rule).decisions
            out = decided[decided["excluded"]]
            kept = {
                "listeners": len(decided),
                "out": out[["listener", "reason"]].to_dict("records"),
            }
        except AnalysisError as error:
            kept = {"problem": str(error)}
        cache.set(key, kept, 3600)
    return kept
