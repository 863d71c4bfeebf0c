"""Write a campaign's ratings as the table that webMUSHRA would have written of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from listening.attesting import attested
from listening.evidence import ratings_frame
from listening.exchange.tables import replace_file
from listening.exchange.webmushra_tables import Rated, table
from listening.models import Campaign, Page, Rating, Response, Visit
from models_registry import audit


def export_webmushra(campaign: Campaign, folder: Path, *, actor: str) -> Path:
    """Write the table into `folder`, which is made where it is not there; the record keeps who took it."""
    questions = [
        question["name"]
        for part in campaign.plan
        if part["part"] == "questions"
        for question in part["questions"]
    ]
    rated = list(_rated(campaign))
    name, content = table(
        campaign.method,
        rated,
        test_id=campaign.collect_as or campaign.slug,
        questions=questions,
        answers=_answers(campaign),
    )
    folder.mkdir(parents=True, exist_ok=True)
    replace_file(folder / name, content)
    said = {"format": "webmushra", "ratings": len(rated)} | audit.fingerprint(content)
    said |= attested(campaign)
    audit.record("export", campaign, actor=actor, content=said)
    return folder / name


def _rated(campaign: Campaign) -> Iterator[Rated]:
    counted = Rating.objects.counted().filter(page__session__campaign=campaign).order_by("pk")
    details = counted.values_list("page_id", "detail")
    rows = ratings_frame(campaign).itertuples()
    seconds = _seconds(campaign)
    for (page, detail), row in zip(details, rows, strict=True):
        yield Rated(
            listener=str(row.listener),
            page=page,
            item=str(row.item),
            condition=str(row.condition),
            other=str(row.reference_condition),
            hidden_reference=bool(row.role == "reference"),
            value=float(row.rating),  # type: ignore[arg-type]
            seconds=seconds.get(page, 0.0),
            comment=detail.get("comment", ""),
        )


def _seconds(campaign: Campaign) -> dict[int, float]:
    """How long each page was open, by its browser's account or by the front end's that collected it."""
    found: dict[int, float] = defaultdict(float)
    pages = Page.objects.filter(session__campaign=campaign, kind=Page.Kind.RATING)
    visits = Visit.objects.filter(page__in=pages).values_list("page", "body__open_s")
    for page, open_s in visits:
        found[page] += open_s
    collected = Response.objects.filter(page__in=pages, body__has_key="seconds")
    found.update(collected.values_list("page", "body__seconds"))
    return found


def _answers(campaign: Campaign) -> dict[str, dict[str, str]]:
    """Each listener's answers to the questions, as text."""
    found: dict[str, dict[str, str]] = defaultdict(dict)
    said = Response.objects.filter(
        page__session__campaign=campaign, page__kind=Page.Kind.QUESTIONS
    ).order_by("received_at")
    for code, body in said.values_list("page__session__listener__code", "body"):
        for name, answer in body["answers"].items():
            said_of = answer if isinstance(answer, list) else [answer]
            found[code][name] = ", ".join(str(one) for one in said_of if one is not None)
    return found
