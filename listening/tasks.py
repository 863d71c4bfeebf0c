"""Background jobs of the listening floor."""

from __future__ import annotations

from listening.models import Campaign
from listening.scoring import score_campaign
from models_registry.jobs import Lease, Stopped, handles


@handles("score-campaign")
def score(lease: Lease) -> str:
    """Arguments: campaign (slug), actor."""
    campaign = Campaign.objects.get(slug=lease.job.arguments["campaign"])
    written = score_campaign(
        campaign,
        actor=lease.job.arguments.get("actor", "worker"),
        progress=lease.report,
        should_stop=lease.should_stop,
    )
    if lease.should_stop():
        raise Stopped(f"stopped after {written} scores; score again to go on")
    return f"{written} new scores"
