"""The settings in a campaign's document: what is wrong with them, and as fields of the campaign's row."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from django.conf import settings

from listening.exchange.campaign_document import Data
from listening.methods import UnknownMethod, method_named
from listening.models import Campaign
from listening.plan import PlanError, checked_plan, default_plan, items_never_rated
from listening.scheme import group_problems
from listening.sound_library import Problems
from listening.translating import translation_problems

SCREENING = {"mushra": "bs1534-3", "bs1116": "bs1116-t"}


def settings_of(data: Data) -> dict[str, Any]:
    """A document's settings as fields of the campaign's row."""
    return {
        "title": data["title"],
        "method": data["method"],
        "options": data.get("options", {}),
        "instructions": data.get("instructions", ""),
        "language": data.get("language", ""),
        "screening": data.get("screening", SCREENING.get(data["method"], "none")),
        "repetitions": data.get("repetitions", 1),
        "seed": data.get("seed", 0),
        "quota": data.get("quota"),
        "plan": data.get("plan", default_plan()),
        "design": data.get("design", {}),
        "groups": data.get("groups", {}),
        "translations": data.get("translations", {}),
        "opens_at": _moment(data.get("opens")),
        "closes_at": _moment(data.get("closes")),
        "once_per_browser": data.get("once_per_browser", False),
        "collect_as": data.get("collect", ""),
        "invited_only": data.get("invited_only", False),
        "retain_until": date.fromisoformat(data["retain_until"])
        if "retain_until" in data
        else None,
    }


def setting_problems(data: Data) -> Problems:
    """What is wrong with a document beside its versions and sounds, and where."""
    problems: Problems = []
    try:
        method = method_named(data["method"], data.get("options", {}))
    except UnknownMethod as error:
        return [(("method",), str(error))]
    problems += [(("options",), what) for what in method.option_problems()]
    try:
        date.fromisoformat(data.get("retain_until", "2000-01-01"))
    except ValueError as error:
        problems.append((("retain_until",), f"expected a date, found {error}"))
    screening = data.get("screening", "none")
    if screening not in Campaign.Screening.values:
        rules = ", ".join(Campaign.Screening.values)
        problems.append((("screening",), f"expected one of {rules}, found {screening!r}"))
    try:
        items = [item["title"] for item in data["items"]]
        plan = checked_plan(data.get("plan", default_plan()), items=items)
    except PlanError as error:
        problems += [(("plan",), what) for what in error.problems]
    else:
        rated = [item for item in items if item not in items_never_rated(plan)]
        systems = sum(one.get("role", "system") == "system" for one in data["conditions"])
        found = method.design_problems(data.get("design", {}), items=rated, systems=systems)
        problems += [(("design",), what) for what in found]
        problems += [(("groups",), what) for what in group_problems(data.get("groups", {}), plan)]
    problems += [
        (("translations",), what)
        for what in translation_problems(
            data.get("translations", {}),
            language=data.get("language", ""),
            languages=list(dict(settings.LANGUAGES)),
        )
    ]
    for key in ("opens", "closes"):
        try:
            _moment(data.get(key))
        except ValueError as error:
            problems.append(((key,), f"expected a date and time, found {error}"))
    return problems


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
