"""Control questions among the ratings, as crowd tests after ITU-T P.808 ask them: known answers, never counted.

A gold clip has an answer that everybody who listens gives, within a tolerance; a trapping clip says which answer to
give. Both look to the listener like any rating page, since they are one: of an item that is never rated, in the
campaign's own method (listening/parts.py puts them among the others). What is answered is stored with the page and
compared here; `listening.analysis.screening` decides.
"""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from listening.analysis.screening import Screening, control_questions
from listening.models import Campaign, Page, Rating
from listening.models.session import TURNED_AWAY
from listening.plan import Part, part_named

COLUMNS = ["listener", "session", "trial", "item", "kind", "answer", "expected", "within"]


def declared(campaign: Campaign) -> Part:
    """What the plan says of control questions; empty where it says nothing."""
    found: Part = (part_named(campaign.plan, "ratings") or {}).get("controls", {})
    return found


def answers(campaign: Campaign) -> pd.DataFrame:
    """One row per answer to a control question, with what was expected; of people who were not turned away."""
    ratings = (
        Rating.objects.current()
        .filter(page__session__campaign=campaign, page__kind=Page.Kind.CONTROL)
        .exclude(page__session__ending__in=TURNED_AWAY)
        .select_related("page__session__listener", "page__trial", "stimulus__condition")
        .order_by("pk")
    )
    return pd.DataFrame([row for rating in ratings for row in _row(rating)], columns=COLUMNS)


def _row(rating: Rating) -> Iterator[dict[str, object]]:
    """Where the question names a condition or a scale, only its rating is an answer."""
    page, question = rating.page, rating.page.content
    if question.get("condition", rating.stimulus.condition.name) != rating.stimulus.condition.name:
        return
    if question.get("scale", rating.scale) != rating.scale:
        return
    yield {
        "listener": page.session.listener.code,
        "session": str(page.session.token),
        "trial": page.number,
        "item": page.trial.item if page.trial else "",
        "kind": question["control"],
        "answer": rating.value,
        "expected": float(question["answer"]),
        "within": float(question.get("within", 1 if question["control"] == "gold" else 0)),
    }


def judged(campaign: Campaign, ratings: pd.DataFrame) -> Screening | None:
    """Whose answers to control questions were as expected; None where nobody answered any."""
    asked = answers(campaign)
    return None if asked.empty or ratings.empty else control_questions(ratings, asked)
