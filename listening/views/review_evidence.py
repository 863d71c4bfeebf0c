"""What reviewers hear, see and read of a version or campaign in their room, with or without an account."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from listening.cards.card import ModelCard
from listening.cards.gathering import card_of
from listening.cards.plain_words import INTRODUCTIONS, words_in
from listening.edge_cases import sounds_of
from listening.kinds import kind_card
from listening.models import Review, Reviewer, SoundComment
from listening.pairs import FIGURES
from listening.stepping import KIND
from listening.understanding import face_of
from listening.views.audio import ranged
from listening.views.figures import served
from listening.views.pairs import Asked as Pair
from listening.views.review_seats import Seat, seated
from metrics.contract import MetricError
from models_registry import statements
from models_registry.models import Signal, Study

# reviewers with what they said of moments of sounds
Comments = list[tuple[Reviewer, SoundComment]]
# of those answers that are heard in pairs
MOST_QUESTIONS = 3

# in the room


def about(review: Review, comments: Comments, *, asked: str = "") -> dict[str, Any]:
    """What is said of a version in plain words, and what studies made of it to be heard; `asked` is the key of the
    inspection to show where there are several."""
    version = review.version
    if version is None:
        return {}
    inspections = list(version.studies.done().filter(kind=KIND).order_by("-pk"))
    chosen = next((one for one in inspections if str(one.pk) == asked), None)
    inspection = chosen or next(iter(inspections), None)
    return {
        "version": version,
        "statement": statements.latest(version),
        "inspection": inspection,
        "inspections": inspections,
        "going": version.studies.filter(kind=KIND).select_related("job").order_by("-pk").first(),
        "steps": _steps(inspection, comments) if inspection else [],
        "counterfactuals": [
            one
            for one in version.studies.done().filter(kind="counterfactual").order_by("-pk")
            if one.result.get("answers")
        ][:MOST_QUESTIONS],
    }


def comments_on(comments: Comments, signal: Signal) -> Comments:
    """Those of the comments that are on the sound."""
    return [pair for pair in comments if pair[1].signal_id == signal.pk]


def _steps(inspection: Study, comments: Comments) -> list[dict[str, Any]]:
    sounds = {one.sha256: one for one in inspection.signals.all()}
    pictures = face_of(KIND).figures(inspection.result)
    steps = []
    for block in inspection.result["blocks"]:
        figure, card = f"{block['number']}-signal", kind_card(block["kind"])
        signal = sounds[block["output"]["sha256"]]
        steps.append(
            {
                **block,
                "purpose": card.purpose if card else "",
                "picture": pictures.get(figure),
                "figure": figure,
                "signal": signal,
                "heard_as": f"step {block['number']}, {block['name']}",
                "key": f"step-{block['number']}",
                "comments": comments_on(comments, signal),
            }
        )
    return steps


def sound_in(seat: Seat, sha256: str) -> Signal:
    return get_object_or_404(sounds_of(seat.review), sha256=sha256)


# what is heard and seen


@seated
@require_safe
def sound(request: HttpRequest, seat: Seat, sha256: str) -> HttpResponseBase:
    found = sound_in(seat, sha256)
    return ranged(request, found.file.open("rb"), size=found.file.size)


@seated
@require_safe
def spectrogram(request: HttpRequest, seat: Seat, sha256: str) -> HttpResponse:
    """What the sound is made of over time, beside what it is compared with (`?reference=`)."""
    asked = request.GET.get("reference", "")
    pair = Pair(sound_in(seat, sha256), sound_in(seat, asked) if asked else None, align=False)
    try:
        content = pair.svg(FIGURES["spectrograms"])
    except MetricError:
        # the two cannot be laid over each other: the sound by itself
        content = Pair(pair.signal, None, align=False).svg(FIGURES["spectrograms"])
    response = HttpResponse(content, content_type="image/svg+xml")
    response["Cache-Control"] = "private, max-age=3600"
    return response


@seated
@require_safe
def study_figure(request: HttpRequest, seat: Seat, study: int, name: str) -> HttpResponse:
    """A figure of a study of the version that is judged."""
    if seat.review.version is None:
        raise Http404("a campaign has no studies")
    found = get_object_or_404(seat.review.version.studies.done(), pk=study)
    pictures = face_of(found.kind).figures(found.result)
    if name not in pictures:
        raise Http404(f"{found} has no figure {name!r}")
    response = served(pictures[name].draw(), "svg")
    response["Cache-Control"] = "private, max-age=3600"
    return response


@seated
@require_safe
def card(request: HttpRequest, seat: Seat) -> HttpResponse:
    """The version's whole model card, with what its words mean."""
    if seat.review.version is None:
        raise Http404("a campaign has no model card")
    found = card_of(seat.review.version)
    parts = [(part, INTRODUCTIONS.get(part.name, "")) for part in found.parts]
    context = {
        "review": seat.review,
        "seat": seat,
        "version": seat.review.version,
        "card": found,
        "parts": parts,
        "words": words_in(_texts(found)),
        "noindex": True,
    }
    return render(request, "listening/reviews/card.html", context)


def _texts(found: ModelCard) -> Iterator[str]:
    for part in found.parts:
        yield from part.section.paragraphs
        for table in part.section.tables:
            yield from (table.caption, *table.heading)
            yield from (cell for row in table.rows for cell in row)


@seated
@require_safe
def card_figure(request: HttpRequest, seat: Seat, part: str, number: int) -> HttpResponse:
    """A figure of the card by its place in its part."""
    if seat.review.version is None:
        raise Http404("a campaign has no model card")
    found = next((one for one in card_of(seat.review.version).parts if one.name == part), None)
    pictures = list(found.section.pictures) if found else []
    if not 0 <= number < len(pictures):
        raise Http404(f"the card has no figure {part} {number}")
    response = HttpResponse(pictures[number].picture("svg"), content_type="image/svg+xml")
    response["Cache-Control"] = "private, max-age=600"
    return response
