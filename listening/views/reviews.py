"""Reviews as a project's members see them: what is open, who takes part, what was decided, what is to be done."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from listening import access, agenda, deciding, reminding, reviewing, templating
from listening.models import Action, Campaign, Review, Template
from listening.reviewing import Invited, ReviewError
from listening.views.template_forms import AnswerForm
from models_registry.models import ModelVersion

SHOWN = 100


class OpenForm(AnswerForm):
    """What the review is called, until when it should be done, and what the template of its agenda asks."""

    title = forms.CharField(
        required=False, max_length=200, help_text="Empty: made of what is reviewed."
    )
    due_on = forms.DateField(
        required=False,
        label="To be done by",
        help_text="Empty: as many days from now as the agenda says, where it does.",
        widget=forms.DateInput(attrs={"type": "date"}),
    )


class InviteForm(forms.Form):
    """Whom to ask, and for how long the link is good."""

    email = forms.EmailField(
        required=False,
        label="Mail it to",
        help_text="Empty: you pass it on yourself. The link is shown to you in any case.",
    )
    days = forms.IntegerField(
        min_value=1, max_value=90, initial=21, label="Days until the link expires"
    )


class ReasonForm(forms.Form):
    """Why something is done, for the record."""

    reason = forms.CharField(
        max_length=reviewing.LONGEST, label="Why", widget=forms.Textarea(attrs={"rows": 2})
    )


REVIEWS = Review.objects.select_related("project", "version__model", "campaign")


def visible_review(request: HttpRequest, pk: int) -> Review:
    return access.find(request, REVIEWS.all(), pk=pk)


@access.members
@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """Open reviews, what falls due, what is to be done; then the reviews that are closed."""
    reviews = access.listed(request, REVIEWS.all())
    versions = access.listed(request, ModelVersion.objects.all())
    context = {
        "section": "reviews",
        "open": reviews.filter(closed_at=None)[:SHOWN],
        "closed": reviews.exclude(closed_at=None)[:SHOWN],
        "due": reminding.due(versions),
        "actions": _open_actions(request)[:5],
    }
    return render(request, "listening/reviews/index.html", context)


def _open_actions(request: HttpRequest) -> Any:
    return access.listed(request, Action.objects.open()).select_related(
        "decision__reviewer__review__version__model", "decision__reviewer__review__campaign"
    )


@access.members
@require_safe
def actions(request: HttpRequest) -> HttpResponse:
    """Every condition of an approval that nobody has met yet, the most urgent first."""
    context = {"section": "reviews", "actions": _open_actions(request)[:SHOWN]}
    return render(request, "listening/reviews/actions.html", context)


@access.members
@require_POST
def finish(request: HttpRequest, pk: int) -> HttpResponse:
    action = access.find(request, Action.objects.all(), pk=pk)
    try:
        deciding.finish(
            action, actor=request.user.get_username(), note=request.POST.get("note", "")
        )
        messages.success(request, "Done, and in the record.")
    except ReviewError as error:
        messages.error(request, sentence(error))
    return redirect("review-actions")


@access.editors
@require_http_methods(["GET", "HEAD", "POST"])
def of_version(request: HttpRequest, name: str, number: int) -> HttpResponse:
    """A new review of a version."""
    versions = ModelVersion.objects.select_related("model__project")
    return _new(request, access.find(request, versions, model__name=name, number=number))


@access.editors
@require_http_methods(["GET", "HEAD", "POST"])
def of_campaign(request: HttpRequest, slug: str) -> HttpResponse:
    """A new review of a campaign."""
    return _new(request, access.find(request, Campaign.objects.all(), slug=slug))


def _new(request: HttpRequest, subject: ModelVersion | Campaign) -> HttpResponse:
    known = access.listed(request, Template.objects.newest().filter(kind=Template.Kind.REVIEW))
    asked = request.GET.get("template", "")
    template = get_object_or_404(known, pk=asked) if asked.isdecimal() else None
    form = OpenForm(request.POST if request.method == "POST" else None)
    if template:
        form.ask(template)
    if request.method == "POST" and form.is_valid():
        try:
            return redirect(_opened(form, subject, actor=request.user.get_username()))
        except ValueError as error:
            form.add_error(None, sentence(error))
    content = template.document["content"] if template else agenda.STANDARD.as_data()
    context = {
        "section": "reviews",
        "form": form,
        "subject": subject,
        "version": subject if isinstance(subject, ModelVersion) else None,
        "templates": known,
        "template": template,
        "agenda": agenda.from_data(content),
    }
    status = 422 if form.errors else 200
    return render(request, "listening/reviews/new.html", context, status=status)


def _opened(form: OpenForm, subject: ModelVersion | Campaign, *, actor: str) -> Review:
    """Raises `ReviewError`, and what a template's answers are refused with."""
    said = {name: form.cleaned_data[name] for name in ("title", "due_on")}
    if form.template is None:
        return reviewing.open_review(subject, **said, actor=actor)
    return templating.begin_review(
        form.template, form.answers, subject=subject, **said, actor=actor
    )


@access.members
@require_safe
def detail(request: HttpRequest, pk: int) -> HttpResponse:
    return _page(request, visible_review(request, pk))


def _page(
    request: HttpRequest,
    review: Review,
    *,
    form: InviteForm | None = None,
    invited: Invited | None = None,
    status: int = 200,
) -> HttpResponse:
    decisions = deciding.decisions_of(review)
    context = {
        "section": "reviews",
        "review": review,
        "reviewers": review.reviewers.select_related("user", "decision"),
        "decisions": [(one, deciding.still_holds(one)) for one in decisions],
        "outcome": deciding.outcome_of(decisions, wanted=review.decisions_wanted),
        "unchanged": reviewing.hash_of(review.subject) == review.sha256,
        "agenda": [
            (point, point.notes.select_related("reviewer")) for point in review.points.all()
        ],
        **said_in(review),
        "form": form or InviteForm(),
        "reason_form": ReasonForm(),
        "invited": invited,
    }
    return render(request, "listening/reviews/detail.html", context, status=status)


def said_in(review: Review) -> dict[str, Any]:
    """The findings, the worst first, and the comments in the order of the sounds."""
    worst_first = {"critical": 0, "major": 1, "minor": 2}
    reviewers = review.reviewers.prefetch_related("findings", "comments__signal")
    findings = [(who, one) for who in reviewers for one in who.findings.all()]
    comments = [(who, one) for who in reviewers for one in who.comments.all()]
    return {
        "findings": sorted(findings, key=lambda pair: worst_first[pair[1].severity]),
        "comments": sorted(comments, key=lambda pair: (pair[1].signal_id, pair[1].at_s)),
    }


@access.editors
@never_cache
@require_POST
def invite(request: HttpRequest, pk: int) -> HttpResponse:
    """A link for one reviewer, shown on the page this once: only its hash is kept."""
    review, form = visible_review(request, pk), InviteForm(request.POST)
    if not form.is_valid():
        return _page(request, review, form=form, status=422)
    try:
        invited = reviewing.invite(
            review,
            **form.cleaned_data,
            actor=request.user.get_username(),
            address=lambda secret: request.build_absolute_uri(
                reverse("review-enter", args=[secret])
            ),
        )
    except ReviewError as error:
        messages.error(request, sentence(error))
        return redirect(review)
    return _page(request, review, invited=invited)


@access.editors
@require_POST
def uninvite(request: HttpRequest, pk: int, reviewer: int) -> HttpResponse:
    review = visible_review(request, pk)
    found = get_object_or_404(review.reviewers.select_related("review__project"), pk=reviewer)
    if reviewing.turn_away(found, actor=request.user.get_username()):
        messages.success(request, f"{found} may take part no longer; what they said stays.")
    return redirect(review)


@access.owners
@require_POST
def close(request: HttpRequest, pk: int) -> HttpResponse:
    review, form = visible_review(request, pk), ReasonForm(request.POST)
    if not form.is_valid():
        messages.error(request, f"It stays open: {next(iter(form.errors.values()))[0]}")
        return redirect(review)
    try:
        outcome = deciding.close(
            review, actor=request.user.get_username(), reason=form.cleaned_data["reason"]
        )
        messages.success(request, f"Closed: {outcome.label}.")
    except ReviewError as error:
        messages.error(request, sentence(error))
    return redirect(review)


def sentence(error: ValueError) -> str:
    return f"{str(error)[:1].upper()}{str(error)[1:]}."
