"""Background jobs of the listening floor."""

from __future__ import annotations

from uuid import UUID

from django.contrib.auth.models import User

from listening import ablation_campaigns, benchmarking, drafting, parcels, verifying
from listening.bundling import keep_bundle
from listening.faces import (
    ablation,
    adapters,
    congruence,
    counterfactual,
    explanation,
    inspection,
    validation,
)
from listening.models import Campaign
from listening.scoring import score_campaign
from listening.unbundling import import_bundle
from models_registry.jobs import Lease, Stopped, handles
from models_registry.models import Study

# what they register is reached by its name
__all__ = [
    "ablation",
    "adapters",
    "benchmarking",
    "congruence",
    "counterfactual",
    "drafting",
    "explanation",
    "inspection",
    "validation",
    "verifying",
]


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


@handles("bundle")
def bundle(lease: Lease) -> str:
    """Arguments: campaign (slug), sounds (whether they go with it), actor."""
    arguments = lease.job.arguments
    campaign = Campaign.objects.get(slug=arguments["campaign"])
    lease.report(0.0, f"packing {campaign.slug}")
    path = keep_bundle(campaign, lease.job.pk, actor=arguments["actor"], sounds=arguments["sounds"])
    return f"{campaign.slug}.zip, {path.stat().st_size / 1e6:.1f} MB, kept for a day"


@handles("restore")
def restore(lease: Lease) -> str:
    """Arguments: parcel (its key) and owner (theirs), actor."""
    arguments = lease.job.arguments
    parcel = parcels.parcel_of(arguments["owner"], UUID(arguments["parcel"]))
    ((name, _),) = parcel.files
    lease.report(0.0, f"holding every file of {name} to its hash")
    owner = User.objects.get(pk=arguments["owner"])
    campaign = import_bundle(
        parcel.path(0), owner=owner, actor=arguments["actor"], project=lease.job.project
    )
    parcel.discard()
    return f"{campaign.slug}: {campaign.sessions.count()} sessions restored"


@handles("ablation-campaign")
def ablation_campaign(lease: Lease) -> str:
    """Arguments: study (its key), method, parts, items, owner (their key), actor."""
    arguments = lease.job.arguments
    study = Study.objects.select_related("version__model__project").get(pk=arguments["study"])
    asked = ablation_campaigns.Asked(
        arguments["method"], tuple(arguments["parts"]), tuple(arguments["items"])
    )

    def told(share: float, message: str) -> None:
        if lease.should_stop():
            raise Stopped("stopped; no draft was made")
        lease.report(share, message)

    owner = User.objects.get(pk=arguments["owner"])
    campaign = ablation_campaigns.draft(
        study, asked, owner=owner, actor=arguments["actor"], told=told
    )
    return f"{campaign.slug}: a draft of {campaign.trials.count()} items"
