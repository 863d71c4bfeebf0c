"""The review room: what reviewers hear, see, note and sign. They need a link or an account, and no code.

Whoever opens a link says their name once; from then on this browser's session knows their seat. Members of the project
come by their account, and take a seat with the first thing that they say.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, Concatenate, ParamSpec

from django import forms
from django.contrib import messages
from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from listening import access, deciding, reviewing
from listening.deciding import Asked
from listening.edge_cases import edge_cases, sounds_of
from listening.models import Decision, Finding, Review, Reviewer
from listening.pairs import FIGURES
from listening.reviewing import ReviewError
from listening.understanding import face_of
from listening.views.audio import ranged
from listening.views.figures import served
from listening.views.pairs import Asked as Pair
from listening.views.registry import card_lines
from listening.views.reviews import REVIEWS, said_in, sentence
from metrics.contract import MetricError
from models_registry import statements
from models_registry.models import ModelVersion, Signal, Study

SEATS = "review-seats"
CONDITIONS = 5
Address = ParamSpec("Address")


@dataclass(frozen=True)
class Seat:
    """Who sits where; a member who has said nothing yet has no reviewer's row."""

    review: Review
    reviewer: Reviewer | None
    user: User | None

    def taken(self) -> Reviewer:
        """The reviewer, who is made one now where they were none."""
        if self.reviewer is not None:
            return self.reviewer
        assert self.user is not None
        return reviewing.seat(self.review, self.user)

    @property
    def may_speak(self) -> bool:
        return self.review.is_open and not self.decision

    @property
    def decision(self) -> Decision | None:
        return Decision.objects.filter(reviewer=self.reviewer).first() if self.reviewer else None


Room = Callable[Concatenate[HttpRequest, Seat, Address], HttpResponseBase]


def seated(view: Room[Address]) -> Callable[..., HttpResponseBase]:
    """A page of a review for its reviewers: by a seat of this browser's, else as a member of the project."""

    @wraps(view)
    def by_link(
        request: HttpRequest, pk: int, *args: Address.args, **named: Address.kwargs
    ) -> HttpResponseBase:
        key = request.session.get(SEATS, {}).get(str(pk))
        if key is None:
            return by_account(request, pk, *args, **named)
        reviewer = (
            Reviewer.objects.select_related(
                "review__project", "review__version__model", "review__campaign"
            )
            .filter(pk=key, review=pk)
            .first()
        )
        if reviewer is None or not reviewer.is_seated:
            return render(request, "listening/reviews/no_entry.html", status=403)
        return view(request, Seat(reviewer.review, reviewer, None), *args, **named)

    @access.belonging
    def by_account(
        request: HttpRequest, /, pk: int, *args: Address.args, **named: Address.kwargs
    ) -> HttpResponseBase:
        review = access.find(request, REVIEWS.all(), pk=pk)
        assert isinstance(request.user, User)
        mine = review.reviewers.filter(user=request.user).first()
        if mine is not None:
            mine.review = review
        return view(request, Seat(review, mine, request.user), *args, **named)

    return by_link


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def enter(request: HttpRequest, secret: str) -> HttpResponse:
    """What an invitation opens: a name is asked for once, and the room opens."""
    reviewer = reviewing.invited_by_link(secret)
    if reviewer is None:
        return render(request, "listening/reviews/no_entry.html", status=404)
    context: dict[str, Any] = {"review": reviewer.review, "reviewer": reviewer, "noindex": True}
    if request.method == "POST":
        try:
            if not reviewer.name:
                reviewing.introduce(reviewer, request.POST.get("name", ""))
        except ReviewError as error:
            context["problem"] = sentence(error)
            return render(request, "listening/reviews/enter.html", context, status=422)
        seats = dict(request.session.get(SEATS, {}))
        request.session[SEATS] = seats | {str(reviewer.review_id): reviewer.pk}
        return redirect("review-room", reviewer.review_id)
    return render(request, "listening/reviews/enter.html", context)


class DecisionForm(forms.Form):
    """What somebody decides, why, and their name under it."""

    verdict = forms.ChoiceField(
        choices=Decision.Verdict.choices, widget=forms.RadioSelect, label="Decision"
    )
    reason = forms.CharField(
        max_length=reviewing.LONGEST, label="Why", widget=forms.Textarea(attrs={"rows": 3})
    )
    signed_as = forms.CharField(
        max_length=100,
        label="Signed: your name",
        help_text="As you gave it. A signed decision is final.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )


class ConditionForm(forms.Form):
    """One condition of an approval; all of it, or nothing."""

    text = forms.CharField(required=False, max_length=reviewing.LONGEST, label="What is to be done")
    owner = forms.CharField(required=False, max_length=150, label="Who sees to it")
    due_on = forms.DateField(
        required=False, label="Until when", widget=forms.DateInput(attrs={"type": "date"})
    )

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if any(given.values()) and not all(given.get(name) for name in self.fields):
            raise forms.ValidationError(
                "Expected what is to be done, by whom and until when; one of them is missing."
            )
        return given


Conditions = forms.formset_factory(ConditionForm, extra=2, max_num=CONDITIONS, validate_max=True)


@seated
@require_safe
def room(request: HttpRequest, seat: Seat) -> HttpResponse:
    return _room(request, seat)


def _room(
    request: HttpRequest,
    seat: Seat,
    *,
    form: DecisionForm | None = None,
    conditions: Any = None,
    status: int = 200,
) -> HttpResponse:
    review, reviewer = seat.review, seat.reviewer
    notes = {one.point_id: one for one in reviewer.notes.all()} if reviewer else {}
    said = said_in(review)
    sounds = [(case, _comments_on(said, case.signal)) for case in edge_cases(review)]
    context = {
        "review": review,
        "seat": seat,
        "agenda": [(point, notes.get(point.pk)) for point in review.points.all()],
        "sounds": sounds,
        "findings": said["findings"],
        "severities": Finding.Severity.choices,
        "form": form or DecisionForm(),
        "conditions": conditions or Conditions(prefix="condition"),
        **_about(review.version),
    }
    return render(request, "listening/reviews/room.html", context, status=status)


def _about(version: ModelVersion | None) -> dict[str, Any]:
    """What is said of a version in plain words, and what studies made of it to be heard."""
    if version is None:
        return {}
    inspection = version.studies.done().filter(kind="inspection").first()
    counterfactual = version.studies.done().filter(kind="counterfactual").first()
    return {
        "version": version,
        "statement": statements.latest(version),
        "card": card_lines(version.card),
        "inspection": inspection,
        "steps": _steps(inspection) if inspection else [],
        "counterfactual": counterfactual,
    }


def _steps(inspection: Study) -> list[dict[str, Any]]:
    pictures = face_of("inspection").figures(inspection.result)
    return [
        {
            **block,
            "picture": pictures.get(f"{block['number']}-signal"),
            "figure": f"{block['number']}-signal",
        }
        for block in inspection.result["blocks"]
    ]


def _comments_on(said: dict[str, Any], signal: Signal) -> list[Any]:
    return [pair for pair in said["comments"] if pair[1].signal_id == signal.pk]


def _back(request: HttpRequest, seat: Seat, place: str) -> HttpResponse:
    return redirect(reverse("review-room", args=[seat.review.pk]) + f"#{place}")


@seated
@require_POST
def note(request: HttpRequest, seat: Seat, number: int) -> HttpResponse:
    try:
        reviewing.note(
            seat.taken(),
            number,
            request.POST.get("text", ""),
            is_done=request.POST.get("is_done") == "on",
        )
        messages.success(request, f"Your notes on point {number} are kept.")
    except ReviewError as error:
        messages.error(request, sentence(error))
    return _back(request, seat, f"point-{number}")


def _sound(seat: Seat, sha256: str) -> Signal:
    return get_object_or_404(sounds_of(seat.review), sha256=sha256)


@seated
@require_POST
def comment(request: HttpRequest, seat: Seat, sha256: str) -> HttpResponse:
    """Keep a comment; the room's script gets the list of the sound's comments, others the room."""
    problem, signal = "", _sound(seat, sha256)
    try:
        at_s = float(request.POST.get("at", "").replace(",", ".") or "nan")
        reviewing.comment(seat.taken(), signal, at_s, request.POST.get("text", ""))
    except ValueError as error:
        problem = (
            sentence(error)
            if isinstance(error, ReviewError)
            else f"Expected the moment in seconds, found {request.POST.get('at', '')[:40]!r}."
        )
    if "HX-Request" in request.headers:
        said = _comments_on(said_in(seat.review), signal)
        context = {"comments": said, "problem": problem, "signal": signal}
        return render(request, "listening/reviews/comments.html", context)
    if problem:
        messages.error(request, problem)
    return _back(request, seat, f"sound-{sha256[:12]}")


@seated
@require_POST
def finding(request: HttpRequest, seat: Seat) -> HttpResponse:
    try:
        reviewing.find(seat.taken(), request.POST.get("severity", ""), request.POST.get("text", ""))
        messages.success(request, "Your finding is kept.")
    except ReviewError as error:
        messages.error(request, sentence(error))
    return _back(request, seat, "findings")


@seated
@require_POST
def decide(request: HttpRequest, seat: Seat) -> HttpResponse:
    form = DecisionForm(request.POST)
    conditions = Conditions(request.POST, prefix="condition")
    if form.is_valid() and conditions.is_valid():
        given = form.cleaned_data
        asked = [Asked(**one) for one in conditions.cleaned_data if one and one["text"]]
        try:
            deciding.decide(
                seat.taken(),
                given["verdict"],
                reason=given["reason"],
                signed_as=given["signed_as"],
                conditions=asked,
            )
        except ReviewError as error:
            form.add_error(None, sentence(error))
        else:
            messages.success(request, "Your decision is signed and in the record. Thank you.")
            return _back(request, seat, "decision")
    return _room(request, seat, form=form, conditions=conditions, status=422)


# what is heard and seen


@seated
@require_safe
def sound(request: HttpRequest, seat: Seat, sha256: str) -> HttpResponseBase:
    found = _sound(seat, sha256)
    return ranged(request, found.file.open("rb"), size=found.file.size)


@seated
@require_safe
def spectrogram(request: HttpRequest, seat: Seat, sha256: str) -> HttpResponse:
    """What the sound is made of over time, beside what it is compared with (`?reference=`)."""
    asked = request.GET.get("reference", "")
    pair = Pair(_sound(seat, sha256), _sound(seat, asked) if asked else None, align=False)
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
