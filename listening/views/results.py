"""What a campaign's page shows of its evidence: the tables of the analysis, or the reason why there is none."""

from __future__ import annotations

from functools import singledispatch
from typing import Any

import pandas as pd

from listening import controls
from listening.analysis import abx, report
from listening.analysis.cautions import cautions
from listening.analysis.grades import DifferenceAnalysis
from listening.analysis.mixed import MixedModel
from listening.analysis.screening import TITLES
from listening.campaign_evidence import Evidence
from listening.campaign_figures import Shown, figures_of, scatter_of
from listening.computed import analysis_of, correlation_of, ratings_of
from listening.drawing import ordered
from listening.evidence import left_out
from listening.excluding import flagged, pages_left_out
from listening.models import Campaign, Check, Condition
from listening.result_sections import sections_of


def evidence(campaign: Campaign) -> dict[str, Any]:
    """Everything on the page that comes from ratings and scores."""
    found = Evidence(campaign)
    ratings = ratings_of(campaign)
    analysis, problem = analysis_of(campaign)
    correlation, correlation_problem = correlation_of(campaign)
    return {
        "n_ratings": len(ratings),
        "flagged": flagged_pages(campaign),
        **control_tables(campaign, ratings),
        "thresholds": Check.objects.filter(
            session__campaign=campaign, value__isnull=False
        ).select_related("session__listener"),
        "failed_checks": Check.objects.filter(session__campaign=campaign, passed=False)
        .select_related("session__listener")
        .order_by("-pk"),
        "left_out": {why: count for why, count in left_out(campaign).items() if count},
        "n_simulated": ratings.loc[ratings["simulated"], "listener"].nunique(),
        "analysis": analysis,
        "problem": problem,
        "screening_title": TITLES[campaign.rule],
        **(screening_tables(analysis) if analysis else {}),
        "correlation": correlation,
        "correlation_problem": correlation_problem,
        "correlation_levels": correlation_levels(correlation) if correlation else [],
        **(page_of(analysis, found) if analysis else {}),
        "correlation_figures": metric_figures(correlation, found) if correlation else [],
    }


def flagged_pages(campaign: Campaign) -> list[dict[str, Any]]:
    """Rating pages of which a browser told something that a researcher should know, the last first."""
    out = pages_left_out(campaign)
    return [
        {"page": page, "flags": flags, "left_out": out.get(page.pk, "")}
        for page, flags in flagged(campaign)
        if flags or page.pk in out
    ]


def control_tables(campaign: Campaign, ratings: pd.DataFrame) -> dict[str, Any]:
    """Who answered the control questions how."""
    decided = controls.judged(campaign, ratings)
    if decided is None:
        return {}
    rows = decided.decisions.query("gold_asked + trap_asked > 0")
    only_flags = controls.declared(campaign).get("on_fail") == "flag"
    return {"controls": rows.to_dict("records"), "controls_only_flag": only_flags}


def screening_tables(analysis: report.Analysis) -> dict[str, Any]:
    decisions = analysis.screening.decisions
    return {
        "n_kept": int((~decisions["excluded"]).sum()),
        "decisions": decisions.to_dict("records"),
        "excluded": decisions[decisions["excluded"]].to_dict("records"),
        "n_ratings_out": int(analysis.screening.left_out["ratings"].sum()),
        "pages_out": analysis.screening.left_out.to_dict("records"),
    }


@singledispatch
def page_of(analysis: report.Analysis, found: Evidence) -> dict[str, Any]:
    """What the results are shown by: `template`, and what it needs."""
    return {
        "template": "listening/campaigns/sections.html",
        "sections": sections_of(analysis, found),
        "screening_figures": figures_of(found, "screening"),
    }


@page_of.register
def _(analysis: DifferenceAnalysis, found: Evidence) -> dict[str, Any]:
    return page_of.dispatch(report.Analysis)(analysis, found)


@page_of.register
def _(analysis: report.MushraAnalysis, found: Evidence) -> dict[str, Any]:
    sections = ("ratings", "listeners", "comparisons", "screening")
    return {
        "template": "listening/campaigns/mushra.html",
        **mushra_tables(analysis),
        "cautions": cautions(found.kept, analysis.comparison),
        **{f"{section}_figures": figures_of(found, section) for section in sections},
    }


@page_of.register
def _(analysis: report.AbxAnalysis, found: Evidence) -> dict[str, Any]:
    return {
        "template": "listening/campaigns/abx.html",
        **abx_tables(analysis),
        "ratings_figures": figures_of(found, "ratings"),
    }


def mushra_tables(analysis: report.MushraAnalysis) -> dict[str, Any]:
    conditions, items = presented(analysis.conditions), presented(analysis.items)
    may_have_modes = conditions["after_multimodal"].eq(True) & (conditions["role"] == "system")
    return {
        "conditions": conditions.to_dict("records"),
        "items": items.sort_values("item", kind="stable").to_dict("records"),
        "pairs": analysis.comparison.pairs.to_dict("records"),
        "comparison": analysis.comparison,
        **mixed_tables(analysis.comparison.mixed),
        "several_modes": conditions[may_have_modes].to_dict("records"),
    }


def mixed_tables(model: MixedModel | None) -> dict[str, Any]:
    if model is None:
        return {}
    words = model.components["term"].str.replace(":", " × ")
    return {
        "mixed_pairs": model.pairs.to_dict("records"),
        "mixed_components": model.components.assign(words=words).to_dict("records"),
    }


def presented(described: pd.DataFrame) -> pd.DataFrame:
    """In the order of the figures, with roles in words."""
    words = described["role"].map(dict(Condition.Role.choices))
    return ordered(described.assign(mean=described["after_mean"], role_in_words=words))


def abx_tables(analysis: report.AbxAnalysis) -> dict[str, Any]:
    return {
        "sequential": analysis.test,
        "abx_caveats": analysis.caveats,
        "chance": 100 * analysis.chance,
        "abx_pairs": analysis.pairs.to_dict("records"),
        "abx_listeners": analysis.per_listener.to_dict("records"),
        "abx_scope": abx.SCOPE,
    }


def correlation_levels(correlation: report.Correlation) -> list[dict[str, Any]]:
    """Each level: metrics that judge, descriptors, the size of Holm's family; why, where no row has a correlation."""
    levels = []
    for level, rows in correlation.table.groupby("level", sort=False):
        reasons = set(rows["reading"]) if rows["pearson"].isna().all() else set()
        rows = rows.assign(contrary=rows["reading"].str.startswith("disagrees"))
        descriptors = rows["direction"] == "none"
        levels.append(
            {
                "level": level,
                "family": int(rows["pearson_p"].notna().sum()),
                "rows": rows[~descriptors].to_dict("records"),
                "descriptors": rows[descriptors].to_dict("records"),
                "without": "; ".join(sorted(reasons)),
            }
        )
    return levels


def metric_figures(correlation: report.Correlation, found: Evidence) -> list[Shown]:
    """A scatter for every metric that has a correlation."""
    rows = correlation.table[correlation.table["level"] == "stimulus"].dropna(subset="pearson")
    return [
        Shown(scatter_of(metric), found, f"{reading}.")
        for metric, reading in zip(rows["metric"], rows["reading"].str.capitalize(), strict=True)
    ]
