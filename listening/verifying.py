"""What the listening floor holds against the record: launched campaigns, and bundles that wait to be fetched."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings

from listening.bundling import verify_bundle
from listening.exchange.errors import ExchangeError
from listening.models import Campaign
from models_registry import jobs, verifying
from models_registry.audit import Break
from models_registry.models import AuditEvent
from models_registry.verifying import Check

# of a launched campaign what nothing may change; how many are wanted, and when, may (listening/revising.py)
FROZEN = ("method", "screening", "repetitions", "plan", "stimuli")


def _launches() -> Iterator[Break | None]:
    """Each campaign is what its launch recorded."""
    campaigns = {one.slug: one for one in Campaign.objects.filter(preview_of=None)}
    for event in AuditEvent.objects.filter(act="launch").iterator():
        where = f"campaign {event.subject}"
        campaign = campaigns.get(event.subject)
        if campaign is None:
            yield Break(where, f"event {event.number} launched it, found none", event)
            continue
        there = campaign.fingerprint()
        changed = [
            key for key in FROZEN if key in event.content and event.content[key] != there[key]
        ]
        yield (
            Break(
                where,
                f"expected what event {event.number} launched, found other {', '.join(changed)}",
                event,
            )
            if changed
            else None
        )


def _bundles() -> Iterator[Break | None]:
    for path in _kept():
        try:
            verify_bundle(path)
        except (ExchangeError, OSError) as error:
            yield Break(f"bundle {path.name}", str(error))
        else:
            yield None


def _kept() -> list[Path]:
    return sorted(Path(settings.MEDIA_ROOT, "bundles").glob("*.zip"))


CHECKS = [
    *verifying.CHECKS,
    Check("launches", AuditEvent.objects.filter(act="launch").count, _launches),
    Check("bundles", lambda: len(_kept()), _bundles),
]


@jobs.handles("verify")
def verify_queued(lease: jobs.Lease) -> str:
    """Arguments: actor."""

    def told(share: float, message: str) -> None:
        if lease.should_stop():
            raise jobs.Stopped("stopped before everything was looked at")
        lease.report(share, message)

    report = verifying.verify(CHECKS, told=told)
    report.kept(actor=lease.job.arguments["actor"])
    return sentence(report.checked, len(report.breaks))


def sentence(checked: dict[str, Any], breaks: int) -> str:
    """What came of it, in one sentence."""
    if breaks:
        return f"the record is broken: {breaks} thing{'' if breaks == 1 else 's'} not as recorded"
    return (
        f"{checked['events']} events, {checked['signals']} signals and {checked['versions']} versions are as they were "
        "recorded, and so is what else the events tell of"
    )
