"""A campaign's third page: the tests and plans behind its comparisons, beyond the differences themselves."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import Any

import pandas as pd
from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from listening import access
from listening.analysis.comparison import Comparison, equivalent_pairs
from listening.analysis.frames import METHODS, AnalysisError
from listening.analysis.monitoring import ALPHA, Progress, progress
from listening.analysis.opinions import OpinionAnalysis
from listening.analysis.performance import performance
from listening.analysis.planning import Plan, Variances, plan, power_table
from listening.analysis.report import AbxAnalysis, MushraAnalysis
from listening.campaign_evidence import Evidence
from listening.campaign_figures import figures_of
from listening.computed import analysis_of, once
from listening.evidence import in_order_of_arrival
from listening.models import Campaign
from listening.plan_sections import SHARE, abx_sections, attachment, resampled
from listening.views.awaiting import awaited
from listening.views.campaigns import visible_campaign

NO_COMPARISON = "Paired comparisons have their tests on the results page."
# hundredths of the scale: half of a quality band, worth finding in most tests
DIFFERENCE = 10.0


class PlanForm(forms.Form):
    """What only the researcher can say, in rating points."""

    margin = forms.FloatField(
        min_value=0.1,
        max_value=100,
        required=False,
        label="Margin of equivalence",
        help_text="rating points; declare it before the data",
    )
    difference = forms.FloatField(
        min_value=0.1,
        max_value=100,
        required=False,
        label="Difference to plan for",
        help_text="rating points; a tenth of the scale when left empty",
    )


class AbxPlanForm(forms.Form):
    """What only the researcher can say, of answers that are right or wrong."""

    share = forms.FloatField(
        min_value=0.01,
        max_value=0.999,
        required=False,
        label="Share of right answers to plan for",
        help_text=f"of a listener worth finding; {SHARE:g} when left empty",
    )


@dataclass(frozen=True)
class Planned:
    """The sentence of a plan and the powers around it, for a list of panels."""

    plan: Plan
    listeners: list[int]
    rows: list[tuple[int, list[tuple[float, float]]]]


@access.members
@require_safe
@awaited
def of_campaign(request: HttpRequest, slug: str) -> HttpResponse:
    campaign = visible_campaign(request, slug)
    answers = METHODS[campaign.method].reading == "answers"
    form = (AbxPlanForm if answers else PlanForm)(request.GET or None)
    asked = form.cleaned_data if form.is_valid() else {}
    context = {"section": "campaigns", "campaign": campaign, "form": form}
    return render(
        request, "listening/campaigns/statistics.html", context | found_for(campaign, asked)
    )


def found_for(campaign: Campaign, asked: dict[str, float | None]) -> dict[str, Any]:
    """Everything on the page, or the reason why there is nothing."""
    analysis, problem = analysis_of(campaign)
    if analysis is None:
        return {"problem": problem}
    found = Evidence(campaign)
    head = {
        "analysis": analysis,
        "simulated": analysis.simulated_listeners,
        "n_listeners": analysis.listeners,
    }
    if isinstance(analysis, AbxAnalysis):
        share = asked.get("share") or SHARE
        return head | {"sections": abx_sections(analysis, found.kept, share=share)}
    if isinstance(analysis, OpinionAnalysis):
        scale = METHODS[campaign.method].overall or next(iter(analysis.comparisons))
        kept = found.kept[found.kept["scale"] == scale]
        further = graded(campaign, analysis.comparisons[scale], kept, asked)
        return head | further | {"scale": scale}
    if isinstance(analysis, MushraAnalysis):
        return head | graded(campaign, analysis.comparison, found.compared, asked)
    return {"problem": NO_COMPARISON}


def graded(
    campaign: Campaign, compared: Comparison, kept: pd.DataFrame, asked: dict[str, float | None]
) -> dict[str, Any]:
    """The tests and plans of ratings that have means."""
    kind = METHODS[campaign.method]
    margin = asked.get("margin")
    difference = asked.get("difference") or (kind.high - kind.low) * DIFFERENCE / 100
    return {
        "comparison": compared,
        "pairs": compared.pairs.to_dict("records"),
        "margin": margin,
        "progress_figures": figures_of(Evidence(campaign), "progress"),
        **anova_table(compared),
        **(equivalence_table(kept, margin) if margin else {}),
        **once(campaign, f"progress/{margin}", lambda: progress_table(campaign, kept, margin)),
        **planned(compared, difference),
        **once(campaign, "performance", lambda: performance_table(kept)),
        "sections": once(campaign, "resampled", lambda: [attachment(kept), resampled(kept)]),
    }


def anova_table(compared: Comparison) -> dict[str, Any]:
    found = compared.anova
    if found is None or found.effects.empty:
        reasons = found.caveats if found else compared.caveats
        why = [text for text in reasons if "analysis of variance" in text]
        return {"anova_problem": "; ".join(why) or "there are not two conditions to compare"}
    effects = found.effects.assign(words=found.effects["effect"].str.replace(":", " × "))
    return {"anova": found, "effects": effects.to_dict("records")}


def equivalence_table(kept: pd.DataFrame, margin: float) -> dict[str, Any]:
    """Systems beside each other and beside the hidden reference."""
    rows = equivalent_pairs(kept, margin=margin, roles=("system", "reference"))
    references = kept.loc[kept["role"] == "reference", "condition"].unique()
    against = rows["a"].isin(references) | rows["b"].isin(references)
    return {"equivalence": rows.assign(against=against).to_dict("records")}


def progress_table(campaign: Campaign, kept: pd.DataFrame, margin: float | None) -> dict[str, Any]:
    """Every pair of systems, the sequences together at 95 %: each has its share of the error."""
    arrived = in_order_of_arrival(campaign, kept)
    systems = arrived.loc[arrived["role"] == "system", "condition"].unique()
    pairs = list(combinations(systems, 2))
    found: list[Progress] = []
    for a, b in pairs:
        try:
            found.append(progress(arrived, a, b, margin=margin, alpha=ALPHA / len(pairs)))
        except AnalysisError:
            # nobody rated both: an incomplete design
            continue
    return {
        "progress": found,
        "n_pairs": len(pairs),
        "coverage": 100 * (1 - ALPHA / max(len(pairs), 1)),
    }


def planned(compared: Comparison, difference: float) -> dict[str, Any]:
    model = compared.mixed
    if model is None:
        return {"plan_problem": "there is no mixed model to take variances from"}
    variances = Variances.of(model)
    listeners = sorted({max(2, round(model.n_listeners * by)) for by in (0.5, 1, 1.5, 2, 4)})
    items = sorted({max(2, model.n_items * by) for by in (1, 2, 4)})
    try:
        found = plan(variances, difference=difference, items=model.n_items)
        table = power_table(variances, difference=difference, listeners=listeners, items=items)
    except AnalysisError as why:
        return {"plan_problem": str(why)}
    rows = []
    for m in items:
        of = table[table["items"] == m]
        rows.append((m, list(zip(of["for_these_items"], of["for_such_items"], strict=True))))
    return {"planned": Planned(found, listeners, rows), "model": model}


def performance_table(kept: pd.DataFrame) -> dict[str, Any]:
    try:
        return {"performance": performance(kept).to_dict("records")}
    except AnalysisError as why:
        return {"performance_problem": str(why)}
