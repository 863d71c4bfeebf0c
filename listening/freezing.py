"""Freezing a benchmark: its items and the rules by which its entries are compared, checked and written once.

The rules are plain data: `metrics` that judge outputs against the references, `ranked_by` one of them, whether lags are
undone (`align`), the `studies` asked of registered versions and the `suite` of their validation, the power (`watts`) by
which energy is estimated from computing time, and perhaps a campaign design (`campaign`: settings of a campaign
document, without conditions and items).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import IntegrityError, transaction

from listening.exchange import campaign_document
from listening.models import Benchmark, BenchmarkItem
from listening.models.benchmark import content_hash
from metrics import catalogue
from metrics.catalogue import Direction
from models_registry import audit
from models_registry.models import Signal
from models_registry.teams import Project

Rules = dict[str, Any]
# an item with its title, what goes in, and what should come out
Item = tuple[str, Signal, Signal | None]

STUDIES = ("ablation", "explanation", "validation")
RULES: Rules = {
    "metrics": ["peaq-odg", "si-sdr"],
    "ranked_by": "peaq-odg",
    "align": True,
    "studies": list(STUDIES),
    "suite": "standard",
    "watts": 15.0,
    "campaign": None,
}
# what a campaign of a benchmark is where its rules do not say otherwise
USUAL_DESIGN: Rules = {"method": "mushra", "title": "Which sounds better?"}
MOST_ITEMS, MOST_WATTS = 500, 10_000.0
TAKEN = ("new",)


class BenchmarkError(ValueError):
    """What cannot be frozen or entered as asked; the message says why and what to do."""


def freeze(
    slug: str,
    *,
    title: str,
    purpose: str,
    items: Sequence[Item],
    rules: Rules,
    project: Project,
    actor: str,
) -> Benchmark:
    """Keep a benchmark, as the next edition where there is one of this name; raises `BenchmarkError`."""
    if slug in TAKEN:
        raise BenchmarkError(f"expected another name, found {slug!r}, which stands in addresses")
    if not purpose.strip() or not title.strip():
        raise BenchmarkError("expected a title and what the benchmark is meant to tell, found none")
    rules = checked_rules(rules)
    _check_items(items, rules)
    sha256 = content_hash(rules, [(t, a.sha256, b.sha256 if b else None) for t, a, b in items])
    try:
        with transaction.atomic():
            before = Benchmark.objects.select_for_update().filter(slug=slug).first()
            if before is not None and before.project_id != project.pk:
                raise BenchmarkError(
                    f"expected a name that no other project's benchmark has, found {slug!r} taken"
                )
            if before is not None and before.sha256 == sha256:
                raise BenchmarkError(
                    f"expected something else than {before} has, found the same items and rules"
                )
            made = Benchmark.objects.create(
                slug=slug,
                edition=before.edition + 1 if before else 1,
                title=title,
                purpose=purpose,
                rules=rules,
                sha256=sha256,
                project=project,
                author=actor,
            )
            BenchmarkItem.objects.bulk_create(
                BenchmarkItem(benchmark=made, number=n, title=t, input=a, reference=b)
                for n, (t, a, b) in enumerate(items, start=1)
            )
            project.signals.add(*{s for _, a, b in items for s in (a, b) if s is not None})
            audit.record(
                "benchmark",
                made,
                actor=actor,
                reason=purpose,
                content={"sha256": sha256, "rules": rules, "items": len(items)},
            )
    except IntegrityError as error:
        raise BenchmarkError(
            f"expected to be the only one to edit {slug}, found a new edition made a moment ago: look at it first"
        ) from error
    return made


def checked_rules(given: Rules) -> Rules:
    """`given` over the usual rules; raises `BenchmarkError` at what is unknown or out of range."""
    if strange := sorted(set(given) - set(RULES)):
        raise BenchmarkError(f"expected rules among {', '.join(RULES)}, found {', '.join(strange)}")
    rules = {**RULES, **given}
    for name in ("metrics", "studies"):
        if not isinstance(rules[name], list) or not all(isinstance(n, str) for n in rules[name]):
            raise BenchmarkError(f"expected {name} to be a list of names, found {rules[name]!r}")
    if not rules["metrics"]:
        raise BenchmarkError("expected at least one metric, found none")
    for name in rules["metrics"]:
        catalogue.get(name)
    if rules["ranked_by"] not in rules["metrics"]:
        raise BenchmarkError(
            f"expected ranked_by to be one of the metrics {', '.join(rules['metrics'])}, found {rules['ranked_by']!r}"
        )
    if catalogue.get(rules["ranked_by"]).direction is Direction.NONE:
        raise BenchmarkError(
            f"expected ranked_by to be a metric that says which is better, found {rules['ranked_by']}, a descriptor"
        )
    if strange := sorted(set(rules["studies"]) - set(STUDIES)):
        raise BenchmarkError(
            f"expected studies among {', '.join(STUDIES)}, found {', '.join(strange)}"
        )
    watts = rules["watts"]
    if isinstance(watts, bool) or not isinstance(watts, int | float) or not 0 < watts <= MOST_WATTS:
        raise BenchmarkError(f"expected watts from 0 to {MOST_WATTS:g}, found {watts!r}")
    if not isinstance(rules["align"], bool):
        raise BenchmarkError(f"expected align to be true or false, found {rules['align']!r}")
    _check_design(rules["campaign"])
    return rules


def _check_design(design: Any) -> None:
    if design is None:
        return
    if not isinstance(design, dict):
        raise BenchmarkError(
            f"expected campaign to be the settings of a campaign, found {design!r}"
        )
    if strange := sorted({"slug", "conditions", "items", "format"} & set(design)):
        raise BenchmarkError(
            f"expected a campaign without {', '.join(strange)}, which entries bring"
        )
    whole = {**USUAL_DESIGN, **design, "conditions": [{"name": "one"}], "items": [{"title": "one"}]}
    campaign_document.checked(
        {**whole, "format": campaign_document.FORMAT, "slug": "one"}, name="campaign"
    )


def _check_items(items: Sequence[Item], rules: Rules) -> None:
    if not 1 <= len(items) <= MOST_ITEMS:
        raise BenchmarkError(f"expected 1 to {MOST_ITEMS} items, found {len(items)}")
    seen: dict[str, str] = {}
    needy = [name for name in rules["metrics"] if catalogue.get(name).needs_reference]
    for title, given, ideal in items:
        if given.sha256 in seen:
            raise BenchmarkError(
                f"expected each sound once, found {title!r} to be {seen[given.sha256]!r} again"
            )
        seen[given.sha256] = title
        if ideal is None and needy:
            raise BenchmarkError(
                f"{title}: expected a reference, which {', '.join(needy)} need, found none"
            )
        if ideal is not None and shape(ideal) != shape(given):
            raise BenchmarkError(
                f"{title}: expected a reference of {said(given)}, found {said(ideal)}"
            )


def shape(signal: Signal) -> tuple[int, int, int]:
    return signal.rate, signal.channels, signal.frames


def said(signal: Any) -> str:
    """Rate, channels and frames in words."""
    channels = f"{signal.channels} channel{'s' * (signal.channels != 1)}"
    return f"{signal.rate} Hz, {channels} and {signal.frames} samples"
