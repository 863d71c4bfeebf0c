"""One signal beside its reference: both to be heard, what lies between them, and every score with its reason.

The page opens at once; its figures are computed when they come into view, and kept.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

import soundfile
from django.core.files.base import ContentFile
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.http import urlencode
from django.views.decorators.http import require_POST, require_safe

from listening import access
from listening.computed import for_ever
from listening.drawing import rendered
from listening.evidence import latest_scores
from listening.models import Campaign, Stimulus
from listening.pairs import FIGURES, Pair, PairFigure, Traces, as_frame, laid
from listening.views.audio import ranged
from listening.views.figures import CONTENT_TYPES, as_csv
from metrics import catalogue
from metrics.contract import MetricError
from metrics.tasks import queue_scores
from models_registry.models import Rendering, Signal


@dataclass(frozen=True)
class Asked:
    """The signals that an address names, and whether the lag between them is to be undone."""

    signal: Signal
    reference: Signal | None
    align: bool

    @property
    def query(self) -> str:
        named = {"reference": self.reference.sha256} if self.reference else {}
        return urlencode(named | ({"aligned": 1} if self.align else {}))

    @property
    def key(self) -> str:
        return f"pair/{self.signal.sha256}/{self.query}"

    def pair(self) -> Pair:
        reference = self.reference.audio() if self.reference else None
        return laid(self.signal.audio(), reference, align=self.align)

    def traces(self, drawn: PairFigure) -> Traces:
        return for_ever(f"{self.key}/{drawn.name}", lambda: drawn.compute(self.pair()))

    def svg(self, drawn: PairFigure) -> bytes:
        found = self.traces(drawn)
        return for_ever(f"{self.key}/{drawn.name}.svg", lambda: rendered(drawn.draw(found), "svg"))


def asked(request: HttpRequest, sha256: str) -> Asked:
    reference = request.GET.get("reference")
    return Asked(
        access.find_signal(request, sha256),
        access.find_signal(request, reference) if reference else None,
        request.GET.get("aligned") == "1",
    )


@access.members
@require_safe
def detail(request: HttpRequest, sha256: str) -> HttpResponse:
    found = asked(request, sha256)
    scores = scores_of(found)
    alignment = next(
        (row["score"].settings["alignment"] for row in scores if "alignment" in said(row)), None
    )
    context = {
        "section": "scores",
        "asked": found,
        "problem": problem_of(found),
        "scores": scores,
        "alignment": alignment,
        "figures": [
            figure for figure in FIGURES.values() if found.reference or not figure.needs_reference
        ],
        "renderings": Rendering.objects.visible_to(request.user)
        .filter(output=found.signal)
        .select_related("version__model", "input"),
        "stimuli": Stimulus.objects.filter(
            signal=found.signal, trial__campaign__in=Campaign.objects.visible_to(request.user)
        ).select_related("trial__campaign", "condition"),
    }
    return render(request, "listening/scores/pair.html", context)


def said(row: dict[str, Any]) -> dict[str, Any]:
    return row["score"].settings if row["score"] else {}


def problem_of(found: Asked) -> str:
    """Why the two cannot be laid over each other, told from what is known without reading them."""
    signal, reference = found.signal, found.reference
    if reference is None or (found.align and reference.rate == signal.rate):
        return ""
    for what in ("rate", "channels", "frames"):
        expected, had = getattr(reference, what), getattr(signal, what)
        if expected != had:
            return f"expected {what} of {expected} as in the reference, found {had}"
    return ""


def scores_of(found: Asked) -> list[dict[str, Any]]:
    """Every metric of the catalogue that applies, with the pair's score, and the reference's own where it has one."""
    signal, reference = found.signal, found.reference
    both = {signal.pk, reference.pk} if reference else {signal.pk}
    latest = latest_scores(both, align=found.align)
    alone = latest.get((signal.pk, None), {})
    paired = latest.get((signal.pk, reference.pk), {}) if reference else {}
    of_reference = latest.get((reference.pk, None), {}) if reference else {}
    return [
        {
            "metric": metric,
            "score": (score := (paired if metric.needs_reference else alone).get(metric.name)),
            "of_reference": of_reference.get(metric.name),
            # there is none of the other kind
            "otherwise": score is not None and score.lag_undone is not metric.aligned(found.align),
        }
        for metric in catalogue.all()
        if reference or not metric.needs_reference
    ]


@access.members
@require_POST
def score(request: HttpRequest, sha256: str) -> HttpResponse:
    """Score this pair by every metric that it was not scored by yet."""
    found = asked(request, sha256)
    names = [metric.name for metric in catalogue.all()]
    pairs = [(found.signal, found.reference)]
    if found.reference:
        pairs.append((found.reference, None))
    actor, room = request.user.get_username(), access.room_of(request, found.signal)
    job = queue_scores(pairs, names, align=found.align, actor=actor, project=room)
    return redirect("job", job.pk)


@access.members
@require_safe
def difference(request: HttpRequest, sha256: str) -> HttpResponseBase:
    """Degraded less reference, as it is: not amplified."""
    try:
        sound = asked(request, sha256).pair().difference
    except MetricError as error:
        raise Http404(str(error)) from error
    buffer = io.BytesIO()
    soundfile.write(buffer, sound.samples.T, sound.rate, subtype="FLOAT", format="WAV")
    return ranged(request, ContentFile(buffer.getvalue()), size=buffer.tell())


def known(name: str) -> PairFigure:
    if name not in FIGURES:
        raise Http404(f"no figure {name!r} of a pair")
    return FIGURES[name]


@access.members
@require_safe
def figure_part(request: HttpRequest, sha256: str, name: str) -> HttpResponse:
    """A figure's part of the page, or the sentence that says why there is none."""
    found, drawn = asked(request, sha256), known(name)
    context: dict[str, Any] = {"asked": found, "figure": drawn}
    try:
        found.svg(drawn)
        context["words"] = drawn.say(found.traces(drawn))
    except MetricError as error:
        context["problem"] = str(error)
    return render(request, "listening/scores/figure.html", context)


@access.members
@require_safe
def figure(request: HttpRequest, sha256: str, name: str, form: str) -> HttpResponse:
    """The figure as SVG or PDF, or the data that it is drawn from as CSV."""
    found, drawn = asked(request, sha256), known(name)
    if form not in (*CONTENT_TYPES, "csv"):
        raise Http404(f"figures are csv, {', '.join(CONTENT_TYPES)}, not {form!r}")
    try:
        if form == "csv":
            return as_csv(as_frame(found.traces(drawn)), f"{name}-{sha256[:12]}.csv")
        content = (
            found.svg(drawn) if form == "svg" else rendered(drawn.draw(found.traces(drawn)), form)
        )
    except MetricError as error:
        raise Http404(str(error)) from error
    response = HttpResponse(content, content_type=CONTENT_TYPES[form])
    # signals never change, and so neither does what is drawn from them by this version
    response["Cache-Control"] = "private, max-age=3600"
    return response
