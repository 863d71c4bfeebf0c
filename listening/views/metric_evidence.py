"""A campaign's second page: its metrics ranked, mapped and taken apart, and the sounds on which one is furthest off."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import pandas as pd
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from listening import access
from listening.analysis.league import League
from listening.analysis.report import Correlation
from listening.campaign_evidence import Evidence
from listening.campaign_figures import Shown, figures_of, scatter_of
from listening.computed import correlation_of, metric_evidence_of
from listening.models import Campaign, Stimulus
from listening.playable_scatter import playable_scatter
from listening.views.awaiting import awaited
from listening.views.campaigns import visible_campaign

Record = dict[Hashable, Any]


@access.members
@require_safe
@awaited
def of_campaign(request: HttpRequest, slug: str) -> HttpResponse:
    campaign = visible_campaign(request, slug)
    correlation, problem = correlation_of(campaign)
    context = {
        "section": "campaigns",
        "campaign": campaign,
        "correlation": correlation,
        "problem": problem,
        **(metric_tables(campaign, correlation) if correlation else {}),
        **(chosen_metric(campaign, correlation, request.GET.get("metric")) if correlation else {}),
    }
    return render(request, "listening/campaigns/metrics.html", context)


def metric_tables(campaign: Campaign, correlation: Correlation) -> dict[str, Any]:
    found = metric_evidence_of(campaign, correlation)
    direction = correlation.table.drop_duplicates("metric").set_index("metric")["direction"]
    parts = found.parts.assign(direction=found.parts["metric"].map(direction))
    mapping = found.mapping.assign(direction=found.mapping["metric"].map(direction))
    return {
        "simulated": correlation.simulated_listeners,
        "n_listeners": correlation.listeners,
        "league": found.league,
        "league_rows": found.league.table.to_dict("records"),
        "left_out": left_out(found.league),
        "ceiling": found.ceiling,
        "mappings": mapping_tables(mapping),
        "parts": part_rows(parts[parts["direction"] != "none"]),
        "part_descriptors": part_rows(parts[parts["direction"] == "none"]),
        "caveats": (*correlation.caveats, *found.caveats),
        "league_figures": figures_of(Evidence(campaign), "league"),
    }


def left_out(league: League) -> list[tuple[str, list[str]]]:
    """Reasons with the metrics that they keep out of the league."""
    found: dict[str, list[str]] = {}
    for metric, why in league.left_out.items():
        found.setdefault(why, []).append(metric)
    return list(found.items())


def mapping_tables(mapping: pd.DataFrame) -> list[dict[str, Any]]:
    """For each level the metrics that have a direction, then the descriptors."""
    tables = []
    for level, of_level in mapping.groupby("level", sort=False):
        described = of_level["direction"] == "none"
        tables.append(
            {
                "level": level,
                "judging": mapping_table(of_level[~described]),
                "descriptors": mapping_table(of_level[described]),
            }
        )
    return tables


def mapping_table(mapping: pd.DataFrame) -> dict[str, Any]:
    """One row per metric with the last mapping that could be fitted, and why the others could not.

    `shared` are the reasons that hold for all of the rows, which name only others (`own_refusals`: some do); `fitted`
    says whether any row has errors at all.
    """
    rows = []
    for _, of_metric in mapping.groupby(["metric", "metric_version"], sort=False):
        records = of_metric.to_dict("records")
        fitted = [row for row in records if not row["reason"]]
        chosen = fitted[-1] if fitted else records[-1] | {"mapping": ""}
        refused = [refusal(row) for row in records if row["reason"]]
        rows.append(chosen | {"refused": refused})
    shared = (
        [why for why in rows[0]["refused"] if all(why in row["refused"] for row in rows)]
        if rows
        else []
    )
    for row in rows:
        row["refused"] = [why for why in row["refused"] if why not in shared]
    return {
        "rows": sorted(rows, key=lambda row: (pd.isna(row["rmse"]), row["rmse"])),
        "shared": shared,
        "own_refusals": any(row["refused"] for row in rows),
        "fitted": any(row["mapping"] for row in rows),
    }


def refusal(row: Record) -> str:
    """A mapping and why it was refused; some reasons name it themselves."""
    mapping, reason = str(row["mapping"]), str(row["reason"])
    if reason.startswith(f"{mapping} mapping"):
        return reason
    return f"{'unmapped' if mapping == 'none' else mapping}: {reason}"


def part_rows(parts: pd.DataFrame) -> list[dict[str, Any]]:
    """Within and between items beside each other, a row per metric."""
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for row in parts.to_dict("records"):
        beside = rows.setdefault((row["metric"], row["metric_version"]), {"metric": row["metric"]})
        beside[str(row["part"]).split()[0]] = row
    return list(rows.values())


def chosen_metric(
    campaign: Campaign, correlation: Correlation, asked: str | None
) -> dict[str, Any]:
    """The metric `asked` for, else the league's first: its scatter and its largest disagreements, to be heard."""
    found = metric_evidence_of(campaign, correlation)
    names = correlation.table["metric"].drop_duplicates().tolist()
    if asked is not None and asked not in names:
        raise Http404(f"{campaign.slug}: no metric {asked!r}")
    mapped = found.disagreements["metric"].drop_duplicates().tolist()
    ranked = found.league.table["metric"].tolist()
    metric = asked or next(iter([*ranked, *mapped, *names]))
    rows = correlation.table.query("metric == @metric and level == 'stimulus'")
    row = rows.to_dict("records")[0]
    return {
        "metric": metric,
        "metric_row": row,
        "metric_names": names,
        "scatter": [
            Shown(scatter_of(metric), Evidence(campaign), f"{row['reading'].capitalize()}.")
        ]
        if row["n"]
        else [],
        "playable": playable_scatter(
            playable(campaign, correlation.points.query("metric == @metric").to_dict("records"))
        ),
        "disagreements": playable(
            campaign, found.disagreements.query("metric == @metric").to_dict("records")
        ),
    }


def playable(campaign: Campaign, rows: list[Record]) -> list[Record]:
    """Each row with the stimulus that it is about: its sound, its reference and the version behind it."""
    stimuli = Stimulus.objects.filter(trial__campaign=campaign).select_related(
        "trial__reference", "signal", "condition__version__model"
    )
    by_name = {(one.trial.item, one.condition.name): one for one in stimuli}
    return [row | {"stimulus": by_name.get((row["item"], row["condition"]))} for row in rows]
