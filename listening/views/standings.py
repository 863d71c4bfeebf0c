"""The acts on a version's standing, each with its reason, from the page of the version or of its model."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from listening import access
from models_registry import standing
from models_registry.models import AudioModel, ModelVersion
from models_registry.standing import Act, Mark, StandingError
from models_registry.teams import Role

ALLOW = "allow"
# what a button says, and what it does
TITLES: dict[str, str] = {
    Act.NOMINATE: "Make it a candidate",
    Act.APPROVE: "Approve it",
    Act.REJECT: "Reject it",
    Act.RETIRE: "Retire it for good",
    ALLOW: "Let it into one campaign all the same",
}
# whoever may change the model may propose; the rest is for its owners
ACTS = {
    Act.NOMINATE: standing.nominate,
    Act.APPROVE: standing.approve,
    Act.REJECT: standing.reject,
    Act.RETIRE: standing.retire,
    ALLOW: standing.allow,
}


class ActForm(forms.Form):
    """One act and why."""

    act = forms.ChoiceField(choices=list(TITLES.items()))
    reason = forms.CharField(
        max_length=standing.LONGEST_REASON,
        label="Why",
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="Kept in the record, with your name.",
    )


class IntervalForm(forms.Form):
    """After how many days an approval falls due for review."""

    days = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=standing.MOST_DAYS,
        label="Review every … days",
        help_text="Counted from each approval. Empty: approvals hold until somebody changes them.",
    )
    reason = forms.CharField(max_length=standing.LONGEST_REASON, label="Why")


def act_form(mark: Mark, role: Role | None) -> ActForm | None:
    """The form with what this person may do to a version that stands so; None: nothing."""
    if role is None or not role.includes(Role.EDITOR):
        return None
    acts = [act for act, (starts, _) in standing.WAYS.items() if mark.state in starts]
    offered = [act for act in acts if act in ACTS] + ([ALLOW] if mark.why_barred else [])
    if role != Role.OWNER:
        offered = [act for act in offered if act == Act.NOMINATE]
    if not offered:
        return None
    form = ActForm()
    fields: dict[str, Any] = form.fields
    fields["act"].choices = [(act, TITLES[act]) for act in offered]
    return form


@access.editors
@require_POST
def act(request: HttpRequest, name: str, number: int) -> HttpResponse:
    versions = ModelVersion.objects.select_related("model__project")
    version = access.find(request, versions, model__name=name, number=number)
    form = ActForm(request.POST)
    if not form.is_valid():
        messages.error(request, f"Nothing was done: {next(iter(form.errors.values()))[0]}")
    else:
        asked = form.cleaned_data["act"]
        if asked != Act.NOMINATE:
            access.standing(request).require(version.project, Role.OWNER)
        try:
            ACTS[asked](
                version, actor=request.user.get_username(), reason=form.cleaned_data["reason"]
            )
            messages.success(request, f"{version}: {standing.of(version).label}.")
        except StandingError as error:
            messages.error(request, f"Nothing was done: {error}.")
    return redirect(reverse("version", args=[name, number]) + "#standing")


@access.owners
@require_POST
def interval(request: HttpRequest, name: str) -> HttpResponse:
    model = access.find(request, AudioModel.objects.select_related("project"), name=name)
    form = IntervalForm(request.POST)
    if form.is_valid():
        days = form.cleaned_data["days"]
        actor, reason = request.user.get_username(), form.cleaned_data["reason"]
        standing.review_every(model, days, actor=actor, reason=reason)
        said = f"every {days} days after an approval" if days else "never by itself"
        messages.success(request, f"A review of {model.title} falls due {said}.")
    else:
        messages.error(request, f"Nothing was changed: {next(iter(form.errors.values()))[0]}")
    return redirect("model", name)
