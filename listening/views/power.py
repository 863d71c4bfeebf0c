"""Before anybody listens: how many listeners and items find a difference, and how many hours they take."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from listening import access, pair_planning, panel_planning
from listening.analysis.frames import METHODS, AnalysisError
from listening.models import Campaign
from listening.panel_planning import PowerPlan
from listening.plan_sections import SHARE, planned_trials
from listening.power_figures import power_figure
from listening.views.campaigns import visible_campaign
from listening.views.figures import as_csv, served

MOST_ITEMS, MOST_NUMBERS = 300, 6


class PowerForm(forms.Form):
    """What a plan is made for; everything has a default."""

    difference = forms.FloatField(
        min_value=0.01,
        max_value=100,
        required=False,
        label="Difference to find",
        help_text="rating points; a tenth of the scale when left empty",
    )
    items = forms.CharField(
        max_length=60,
        required=False,
        label="Numbers of items",
        help_text="such as 8, 12, 16; when left empty those of the draft, twice and four times as many",
    )
    past = forms.ChoiceField(required=False, label="Variances of")
    sd_listener = forms.FloatField(
        min_value=0, max_value=100, required=False, label="SD, listener × condition"
    )
    sd_item = forms.FloatField(
        min_value=0, max_value=100, required=False, label="SD, item × condition"
    )
    sd_residual = forms.FloatField(
        min_value=0.01,
        max_value=100,
        required=False,
        label="SD, residual",
        help_text="all three, or none",
    )
    minutes = forms.FloatField(
        min_value=0.05,
        max_value=60,
        required=False,
        label="Minutes per page",
        help_text="when left empty as told below",
    )

    def __init__(self, *args: Any, past: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["past"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [("", "published ratings"), *past]

    def clean_items(self) -> list[int]:
        text: str = self.cleaned_data["items"]
        numbers = text.replace(",", " ").replace(";", " ").split()
        if len(numbers) > MOST_NUMBERS or not all(
            one.isdecimal() and 2 <= int(one) <= MOST_ITEMS for one in numbers
        ):
            raise forms.ValidationError(
                f"expected up to {MOST_NUMBERS} numbers from 2 to {MOST_ITEMS}, found {text!r}"
            )
        return [int(one) for one in numbers]

    def clean(self) -> dict[str, Any]:
        asked: dict[str, Any] = super().clean() or {}
        given = [asked.get(name) is not None for name in ("sd_listener", "sd_item", "sd_residual")]
        if any(given) and not all(given):
            raise forms.ValidationError("expected all three standard deviations, or none of them")
        return asked


class ShareForm(forms.Form):
    """Of answers that are right or wrong."""

    share = forms.FloatField(
        min_value=0.01,
        max_value=0.999,
        required=False,
        label="Share of right answers to plan for",
        help_text=f"of a listener worth finding; {SHARE:g} when left empty",
    )


class ChoiceForm(forms.Form):
    """Of preferences."""

    share = forms.FloatField(
        min_value=0.01,
        max_value=0.99,
        required=False,
        label="Share of choices to plan for",
        help_text="that prefer one system, of those that decide; two of three when left empty",
    )
    ties = forms.FloatField(
        min_value=0,
        max_value=0.95,
        required=False,
        label="Share without a preference",
        help_text="none when left empty",
    )
    minutes = forms.FloatField(
        min_value=0.05, max_value=60, required=False, label="Minutes per page"
    )


class CategoryForm(forms.Form):
    """Of comparison categories."""

    difference = forms.FloatField(
        min_value=0.01,
        max_value=6,
        required=False,
        label="Difference to find",
        help_text="in categories; a half when left empty",
    )
    sd = forms.FloatField(
        min_value=0.01,
        max_value=6,
        required=False,
        label="SD of listeners' means",
        help_text="in categories, as a pilot had it",
    )
    past = forms.ChoiceField(required=False, label="or that of")
    minutes = forms.FloatField(
        min_value=0.05, max_value=60, required=False, label="Minutes per page"
    )

    def __init__(self, *args: Any, past: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["past"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [("", "no campaign"), *past]


@access.members
@require_safe
def of_campaign(request: HttpRequest, slug: str) -> HttpResponse:
    campaign = visible_campaign(request, slug)
    context: dict[str, Any] = {"section": "campaigns", "campaign": campaign}
    if METHODS[campaign.method].reading == "answers":
        form = ShareForm(request.GET or None)
        share = (form.cleaned_data.get("share") if form.is_valid() else None) or SHARE
        chance = float(getattr(campaign.protocol, "chance", 0.5))
        context |= {"form": form, "sections": [planned_trials(share, chance)]}
        return render(request, "listening/campaigns/power.html", context)
    if pair_planning.compares(campaign):
        return render(
            request, "listening/campaigns/power.html", context | _of_pairs(request, campaign)
        )
    asked = _form(request, campaign)
    context["form"] = asked
    if not asked.is_bound or asked.is_valid():
        try:
            context["plan"] = _plan(request, campaign, asked)
            context["query"] = request.GET.urlencode()
        except AnalysisError as error:
            context["problem"] = str(error)
    return render(request, "listening/campaigns/power.html", context)


def _of_pairs(request: HttpRequest, campaign: Campaign) -> dict[str, Any]:
    visible = Campaign.objects.visible_to(request.user)
    form: forms.Form
    if METHODS[campaign.method].reading == "preferences":
        form = ChoiceForm(request.GET or None)
    else:
        among = visible.filter(method=campaign.method).exclude(pk=campaign.pk)[:200]
        form = CategoryForm(request.GET or None, past=[(one.slug, one.title) for one in among])
    context: dict[str, Any] = {"form": form}
    if form.is_bound and not form.is_valid():
        return context
    asked = dict(form.cleaned_data) if form.is_bound else {}
    if past := asked.pop("past", None):
        asked["past"] = visible.get(slug=past)
    try:
        context["sections"] = [pair_planning.plan_of(campaign, **asked).section]
    except AnalysisError as error:
        context["problem"] = str(error)
    return context


@access.members
@require_safe
def figure(request: HttpRequest, slug: str, form: str) -> HttpResponse:
    """Power against listeners, as a picture or as the table behind it."""
    campaign = visible_campaign(request, slug)
    asked = _form(request, campaign)
    if asked.is_bound and not asked.is_valid():
        raise Http404("no such plan")
    try:
        plan = _plan(request, campaign, asked)
    except AnalysisError as error:
        raise Http404(str(error)) from error
    if form == "csv":
        return as_csv(plan.table, f"{slug}-power.csv")
    return served(power_figure(plan.table, difference=plan.difference), form)


def _form(request: HttpRequest, campaign: Campaign) -> PowerForm:
    among = panel_planning.past_campaigns(campaign, Campaign.objects.visible_to(request.user))
    return PowerForm(request.GET or None, past=[(one.slug, one.title) for one in among[:200]])


def _plan(request: HttpRequest, campaign: Campaign, form: PowerForm) -> PowerPlan:
    asked = form.cleaned_data if form.is_bound else {}
    past = asked.get("past")
    sds = (asked.get("sd_listener"), asked.get("sd_item"), asked.get("sd_residual"))
    return panel_planning.plan_of(
        campaign,
        difference=asked.get("difference"),
        items=asked.get("items") or (),
        past=Campaign.objects.visible_to(request.user).get(slug=past) if past else None,
        sds=None if sds[2] is None else (sds[0] or 0.0, sds[1] or 0.0, sds[2]),
        minutes=asked.get("minutes"),
    )
