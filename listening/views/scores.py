"""Tables of scores: of a campaign, of a model version's renderings, of any signals; sorted, filtered, compared."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from listening import access, score_tables
from listening.score_tables import Row
from listening.views.campaigns import visible_campaign
from listening.views.figures import as_csv
from metrics import catalogue
from metrics.catalogue import Metric
from models_registry import audit
from models_registry.models import Job, ModelVersion, Rendering

STATUSES = {"ok": "with a value", "refused": "refused", "unscored": "not scored yet"}
Record = dict[str, Any]


@access.members
@require_safe
def of_campaign(request: HttpRequest, slug: str) -> HttpResponse:
    campaign = visible_campaign(request, slug)
    rows = score_tables.of_campaign(campaign)
    context = {
        "section": "campaigns",
        "heading": f"Scores of {campaign.title}",
        "campaign": campaign,
        "first": request.GET.get("first", ""),
        "conditions": list(dict.fromkeys(row.condition for row in rows)),
        "name": campaign.slug,
    }
    return table(request, rows, context)


@access.members
@require_safe
def of_version(request: HttpRequest, name: str, number: int) -> HttpResponse:
    version = access.find(
        request, ModelVersion.objects.select_related("model"), model__name=name, number=number
    )
    others = ModelVersion.objects.visible_to(request.user).exclude(pk=version.pk)
    others = others.exclude(renderings=None)
    others = others.select_related("model")
    rows = score_tables.of_version(version)
    for other in others:
        if str(other) == request.GET.get("second"):
            rows += score_tables.of_version(other)
    context = {
        "section": "models",
        "heading": f"Scores of {version}",
        "version": version,
        "first": str(version),
        "conditions": [str(other) for other in others],
        "name": f"{name}-{number}",
    }
    return table(request, rows, context)


@access.members
@require_safe
def of_any(request: HttpRequest) -> HttpResponse:
    """The newest pairs, or those of one piece of work."""
    job = None
    if (number := request.GET.get("job", "")).isdecimal():
        job = access.find(request, Job.objects.all(), pk=number, kind="score-signals")
    renderings = Rendering.objects.visible_to(request.user)
    rows = (
        score_tables.of_pairs(
            [tuple(pair) for pair in job.arguments["pairs"]], renderings=renderings
        )
        if job
        else score_tables.of_any(
            request.GET.get("q", ""),
            among=access.listed_signals(request),
            renderings=renderings,
        )
    )
    context = {
        "section": "scores",
        "heading": "Scores",
        "job": job,
        "most": score_tables.MOST,
        "capped": len(rows) == score_tables.MOST,
        "name": "scores",
        "align": not job or job.arguments.get("align", False),
    }
    return table(request, rows, context)


def table(request: HttpRequest, rows: Sequence[Row], context: Record) -> HttpResponse:
    """Answer with the `rows` and metrics that the address asks for, as a page or as CSV."""
    scored = score_tables.scored_metrics(rows)
    names = [name for name in request.GET.getlist("metric") if name in scored]
    names = names or score_tables.usual(scored)
    asked = {key: request.GET.get(key, "") for key in ("q", "status", "sort", "second")}
    filled = score_tables.with_scores(rows, names, align=context.get("align", True))
    shown = score_tables.filtered(filled, names, words=asked["q"], status=asked["status"])
    if asked["sort"].removeprefix("-") in ["item", "condition", *names]:
        shown = score_tables.ordered(shown, asked["sort"])
    if request.GET.get("format") == "csv":
        answer = as_csv(score_tables.as_table(shown, names), f"{context['name']}-scores.csv")
        of = context.get("campaign") or context.get("version") or "scores"
        said = {"format": "scores"} | audit.fingerprint(answer.content)
        audit.record("export", of, actor=request.user.get_username(), content=said)
        return answer
    first, second = context.get("first", ""), asked["second"]
    compared = score_tables.compared(filled, first, second, names) if first and second else []
    context |= {
        "asked": asked,
        "rows": [(row, [(name, row.scores.get(name)) for name in names]) for row in shown],
        "n_rows": len(rows),
        "lags": set[bool]().union(*(row.lags for row in shown)),
        "columns": [column(catalogue.get(name), asked["sort"]) for name in names],
        "item_sort": turned("item", asked["sort"]),
        "condition_sort": turned("condition", asked["sort"]),
        "families": families(scored, names),
        "statuses": STATUSES,
        "comparisons": compared,
    }
    return render(request, "listening/scores/table.html", context)


def column(metric: Metric, sort: str) -> Record:
    order = {metric.name: "ascending", f"-{metric.name}": "descending"}.get(sort, "")
    return {"metric": metric, "sort": turned(metric.name, sort), "order": order}


def turned(name: str, sort: str) -> str:
    """What the heading of a column asks for: its order, or the opposite of the one there is."""
    return f"-{name}" if sort == name else name


def families(scored: Sequence[str], chosen: Sequence[str]) -> list[tuple[str, list[Record]]]:
    """The metrics to choose from, by family."""
    found: dict[str, list[Record]] = {}
    for metric in map(catalogue.get, scored):
        choice = {"metric": metric, "chosen": metric.name in chosen}
        found.setdefault(metric.family, []).append(choice)
    return list(found.items())
