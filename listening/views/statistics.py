"""A campaign's third page: the tests and plans behind its comparisons, beyond the differences themselves."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import Any

import pandas as pd
from django import forms
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from listening.analysis.comparison import Comparison, equivalent_pairs
from listening.analysis.frames import AnalysisError
from listening.analysis.monitoring import ALPHA, Progress, progress
from listening.analysis.performance import performance
from listening.analysis.planning import Plan, Variances, plan, power_table
from listening.analysis.report import MushraAnalysis
from listening.campaign_evidence import Evidence
from listening.campaign_figures import figures_of
from listening.computed import analysis_of, once, ratings_of
from listening.evidence import in_order_of_arrival
from listening.models import Campaign
from listening.views.campaigns import visible_campaign

NO_COMPARISON = (
    "ABX asks whether one system is told from another: its tests are on the results page."
)
# half of a quality band of the scale, worth finding in most tests
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
        help_text=f"rating points; {DIFFERENCE:g} when left empty",
    )


@dataclass(frozen=True)
class Planned:
    """The sentence of a plan and the powers around it, for a list of panels."""

    plan: Plan
    listeners: list[int]
    rows: list[tuple[int, list[tuple[float, float]]]]


@login_required
@require_safe
def of_campaign(request: HttpRequest, slug: str) -> HttpResponse:
    campaign = visible_campaign(request, slug)
    form = PlanForm(request.GET or None)
    asked = form.cleaned_data if form.is_valid() else {}
    context = {"section": "campaigns", "campaign": campaign, "form": form}
    return render(
        request, "listening/campaigns/statistics.html", context | found_for(campaign, asked)
    )


def found_for(campaign: Campaign, asked: dict[str, float | None]) -> dict[str, Any]:
    """Everything on the page, or the reason why there is nothing."""
    analysis, problem = analysis_of(campaign)
    if analysis and not isinstance(analysis, MushraAnalysis):
        return {"problem": NO_COMPARISON}
    if not isinstance(analysis, MushraAnalysis):
        return {"problem": problem}
    kept = analysis.screening.keep(ratings_of(campaign))
    margin, difference = asked.get("margin"), asked.get("difference") or DIFFERENCE
    return {
        "analysis": analysis,
        "simulated": analysis.simulated_listeners,
        "n_listeners": analysis.listeners,
        "comparison": analysis.comparison,
        "pairs": analysis.comparison.pairs.to_dict("records"),
        "margin": margin,
        "progress_figures": figures_of(Evidence(campaign), "progress"),
        **anova_table(analysis.comparison),
        **(equivalence_table(kept, margin) if margin else {}),
        **progress_table(campaign, kept, margin),
        **planned(analysis.comparison, difference),
        **once(campaign, "performance", lambda: performance_table(kept)),
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
