"""The review room: what reviewers hear, see, note and sign. They need a link or an account, and no code.

Whoever opens a link says their name once; from then on this browser's session knows their seat. Members of the project
come by their account, and take a seat with the first thing that they say.
"""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from listening import deciding, reviewing
from listening.deciding import Asked
from listening.edge_cases import edge_cases
from listening.models import Decision, Finding
from listening.reviewing import ReviewError
from listening.views.review_evidence import about, comments_on, sound_in
from listening.views.review_seats import SEATS, Seat, seated
from listening.views.reviews import said_in, sentence

CONDITIONS = 5


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
    sounds = [(case, comments_on(said["comments"], case.signal)) for case in edge_cases(review)]
    context = {
        "review": review,
        "seat": seat,
        "agenda": [(point, notes.get(point.pk)) for point in review.points.all()],
        "sounds": sounds,
        "findings": said["findings"],
        "severities": Finding.Severity.choices,
        "form": form or DecisionForm(),
        "conditions": conditions or Conditions(prefix="condition"),
        **about(review, said["comments"], asked=request.GET.get("inspection", "")),
    }
    return render(request, "listening/reviews/room.html", context, status=status)


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


@seated
@require_POST
def comment(request: HttpRequest, seat: Seat, sha256: str) -> HttpResponse:
    """Keep a comment; the room's script gets the list of the sound's comments, others the room."""
    problem, signal = "", sound_in(seat, sha256)
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
        said = comments_on(said_in(seat.review)["comments"], signal)
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
