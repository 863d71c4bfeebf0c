"""What the listening floor holds against the record: launched campaigns, and bundles that wait to be fetched."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings

from listening import access, attesting
from listening.bundling import verify_bundle
from listening.exchange.errors import ExchangeError
from listening.models import Campaign, Session
from models_registry import jobs, verifying
from models_registry.audit import Break
from models_registry.models import AuditEvent, AuditEventQuerySet, Verification
from models_registry.teams import sees_all
from models_registry.verifying import Check

# of a launched campaign what nothing may change; how many are wanted, and when, may (listening/revising.py)
FROZEN = ("method", "screening", "repetitions", "plan", "stimuli")
# of a verification's breaks, so many are shown on pages
MOST_SHOWN = 20


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


def _ratings() -> Iterator[Break | None]:
    """Ratings are what they were when a campaign was closed, analysed, reported or exported."""
    for event, what in attesting.disagreements():
        where = f"ratings of {event.subject}"
        yield Break(where, f"at event {event.number} ({event.act}) {what}", event) if what else None


def _exclusions() -> Iterator[Break | None]:
    """Who is left out of the evidence is who the last event of theirs left out."""
    last: dict[int, AuditEvent] = {}
    for event in _excluded().order_by("number"):
        last[event.content["session"]] = event
    left_out = dict(Session.objects.filter(pk__in=last).values_list("pk", "excluded_at"))
    for number, event in last.items():
        # whoever is forgotten with all that they gave is gone
        kept = number not in left_out or bool(left_out[number]) == (event.act == "exclude")
        what = f"event {event.number} is the last to say whether it counts ({event.act}), found otherwise"
        yield None if kept else Break(f"session {number} of {event.subject}", what, event)


def _excluded() -> AuditEventQuerySet:
    return AuditEvent.objects.filter(act__in=("exclude", "include"))


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
    Check("ratings", lambda: attesting.attestations().count(), _ratings),
    Check("exclusions", lambda: _excluded().count(), _exclusions),
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


def last_verification(here: access.Standing) -> dict[str, Any] | None:
    """The last one; of what is another project's, or nobody's, its members are told only how much there is."""
    last = Verification.objects.first()
    if last is None:
        return None
    mine = {one.pk for one in here.roles}
    shown = [one for one in last.breaks if sees_all(here.user) or one["project"] in mine]
    return {
        "row": last,
        "sentence": sentence(last.checked, last.number_of_breaks),
        "breaks": shown[:MOST_SHOWN],
        "more": last.number_of_breaks - len(shown[:MOST_SHOWN]),
    }


def sentence(checked: dict[str, Any], breaks: int) -> str:
    """What came of it, in one sentence."""
    if breaks:
        return f"the record is broken: {breaks} thing{'' if breaks == 1 else 's'} not as recorded"
    return (
        f"{checked['events']} events, {checked['signals']} signals and {checked['versions']} versions are as they were "
        "recorded, and so is what else the events tell of"
    )
