"""How many listeners a paired comparison needs: choices by the sign test, comparison categories by the t-test on means.

These are the tests of the results page: choices of all listeners counted as independent, two-sided at 5 % (a listener's
choices are alike, so that several of one tell less than as many of several); and means of listeners, two-sided at 5 %.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, sqrt
from typing import Any

import pandas as pd

from listening.analysis.abx_planning import trials_needed
from listening.analysis.choices import categories
from listening.analysis.frames import METHODS, AnalysisError
from listening.analysis.plain import number, whole
from listening.analysis.power import paired_t_listeners
from listening.analysis.preference import category_means
from listening.computed import ratings_of
from listening.models import Campaign
from listening.panel_planning import POWERS, Effort, effort_of
from listening.presenting import drawn, material_of
from listening.report_sections import Section, laid_out

# what is worth finding, where nothing else is asked for: choices two to one, and half a category
SHARE, CATEGORIES = 2 / 3, 0.5
# nobody's measurement: most of P.800's categories lie within one of the mean
ASSUMED_SD = 1.0
# two-sided at 5 %, of which the other side is of no use to who plans for one
ONE_SIDE = 0.025


@dataclass(frozen=True)
class PairPlan:
    """`rows`: power, answers (choices that are decided, or NaN), listeners and hours, for one pair of systems."""

    asked: dict[str, float]
    sentence: str
    source: str
    effort: Effort
    answers_each: float
    rows: pd.DataFrame

    @property
    def section(self) -> Section:
        columns = {"Power": (self.rows["power"], number(1))}
        if self.rows["answers"].notna().all():
            columns["Decided choices"] = (self.rows["answers"], whole)
        columns |= {
            "Listeners": (self.rows["listeners"], whole),
            "Hours": (self.rows["hours"], number(1)),
            "Minutes for each": (self.rows["minutes"], number(1)),
        }
        words = [
            self.sentence,
            self.source,
            f"A listener of this draft meets each pair {self.answers_each:.3g} times. Time: {self.effort.pace.source}; "
            "rating and practice pages alone.",
        ]
        caption = (
            "Listeners for one pair of systems at 5 %, two-sided, not adjusted for several pairs."
        )
        return Section("Listeners and hours", words, [laid_out(caption, columns)])

    def as_dict(self) -> dict[str, Any]:
        rows = self.rows.astype(object).where(self.rows.notna(), None)
        return self.asked | {
            "answers_each": self.answers_each,
            "minutes_per_page": self.effort.pace.minutes,
            "minutes_source": self.effort.pace.source,
            "source": self.source,
            "panels": rows.to_dict("records"),
        }


def compares(campaign: Campaign) -> bool:
    """Whether this module plans it."""
    return METHODS[campaign.method].reading in ("preferences", "categories")


def plan_of(
    campaign: Campaign,
    *,
    share: float | None = None,
    ties: float | None = None,
    difference: float | None = None,
    sd: float | None = None,
    past: Campaign | None = None,
    minutes: float | None = None,
) -> PairPlan:
    """The plan of a preference (`share` of the decided choices, and the share of `ties`) or of CCR (`difference` in
    categories, `sd` of listeners' means as given, or as the campaign `past` had it).

    Raises `AnalysisError` for what cannot be planned for.
    """
    effort, each = effort_of(campaign, minutes=minutes), _answers_each(campaign)
    if METHODS[campaign.method].reading == "preferences":
        return _of_choices(campaign, share or SHARE, ties or 0.0, effort, each)
    return _of_categories(campaign, difference or CATEGORIES, sd, past, effort, each)


def _of_choices(
    campaign: Campaign, share: float, ties: float, effort: Effort, each: float
) -> PairPlan:
    if not 0 <= ties < 1:
        raise AnalysisError(f"power: expected a share of ties from 0 to below 1, found {ties:g}")
    share = max(share, 1 - share)
    answers = [trials_needed(share, target=power, alpha=ONE_SIDE).safely for power in POWERS]
    listeners = [ceil(n / (each * (1 - ties))) for n in answers]
    return PairPlan(
        {"share": share, "ties": ties},
        f"To find that {100 * share:.0f} % of those who decide prefer one system of a pair, where "
        f"{100 * ties:.0f} % of the answers are no preference.",
        "By the exact binomial test of the results page, with ties left out and every choice taken as independent: "
        "where listeners answer alike on several items, it takes more of them.",
        effort,
        each,
        _rows(campaign, listeners, answers, effort),
    )


def _of_categories(
    campaign: Campaign,
    difference: float,
    sd: float | None,
    past: Campaign | None,
    effort: Effort,
    each: float,
) -> PairPlan:
    source = "as given"
    if sd is None and past is not None:
        sd, source = _sd_of(past), f"of {past.title}, over its pairs"
    elif sd is None:
        sd, source = ASSUMED_SD, "assumed, from no measurement: give that of a pilot"
    listeners = [
        ceil(paired_t_listeners(difference=difference, sd=sd, power=power)) for power in POWERS
    ]
    return PairPlan(
        {"difference": difference, "sd": sd},
        f"To find a comparison mean opinion score (CMOS) of {difference:g} categories.",
        f"By the t-test of the results page on listeners' means, whose SD is {sd:.3g} categories: {source}.",
        effort,
        each,
        _rows(campaign, listeners, [float("nan")] * len(POWERS), effort),
    )


def _sd_of(past: Campaign) -> float:
    """Of listeners' means, over the pairs of a campaign of the same method."""
    ratings = ratings_of(past)
    if past.method != "ccr" or ratings.empty:
        raise AnalysisError(f"power: expected ratings by CCR in {past.slug}, found none")
    spread = category_means(categories(ratings))["sd"].dropna()
    if spread.empty or not (spread > 0).any():
        raise AnalysisError(f"power: expected listeners of {past.slug} who differ, found none")
    return sqrt(float((spread**2).mean()))


def _rows(
    campaign: Campaign, listeners: list[int], answers: Sequence[float], effort: Effort
) -> pd.DataFrame:
    items = len(material_of(campaign))
    return pd.DataFrame(
        {
            "power": POWERS,
            "answers": [float(n) for n in answers],
            "listeners": listeners,
            "hours": [effort.hours(items, n) for n in listeners],
            "minutes": effort.minutes(items),
        }
    )


def _answers_each(campaign: Campaign) -> float:
    """How often a listener meets each pair: on how many items, and how often on each."""
    pages = drawn(campaign, campaign.seed, row=0)
    met = [
        frozenset(slot.stimulus.condition_id for slot in slots if slot.stimulus)
        for _, _, slots in pages
    ]
    if not met:
        raise AnalysisError("power: expected items with two systems to compare, found none")
    return len(met) / len(set(met))
