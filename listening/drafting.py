"""Long work on drafts, by jobs: making them of what waits (listening/intake.py), measuring and mending their sounds.

Each act stores all of what it makes or nothing, so that one that fails, is stopped or loses its worker can be done
again.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User

from listening import campaign_files, making, measuring, mending
from listening import intake as intakes
from listening.intake import Intake
from listening.models import Campaign
from listening.sound_library import Progress
from models_registry import jobs
from models_registry.jobs import Lease, Stopped, handles
from models_registry.models import Job
from models_registry.teams import Project

# kinds of jobs whose arguments name the campaign that they make or change
MAKING = ("draft", "import-campaign")
KINDS = (*MAKING, "measure", "mend")


def queue_table(intake: Intake, choices: making.Choices, *, project: Project) -> Job:
    """Have the draft made that was laid out at the table of items by conditions."""
    arguments = _of_intake(intake, [intake.slug]) | {"choices": asdict(choices)}
    return _once("draft", arguments, "intake", project=project)


def queue_document(
    intake: Intake, slugs: list[str], *, slug: str, skip: bool, project: Project
) -> Job:
    """Have the drafts made that a document describes, which waits with its sounds."""
    arguments = _of_intake(intake, slugs) | {"slug": slug, "skip": skip}
    return _once("import-campaign", arguments, "intake", project=project)


def queue_measuring(campaign: Campaign, *, actor: str) -> Job:
    arguments = {"campaign": campaign.slug, "actor": actor}
    return _once("measure", arguments, "campaign", project=campaign.project)


def queue_mending(campaign: Campaign, act: str, *, actor: str) -> Job:
    arguments = {"campaign": campaign.slug, "act": act, "actor": actor}
    return _once("mend", arguments, "campaign", project=campaign.project)


def at_work(campaign: Campaign) -> Job | None:
    """The job that makes, measures or mends the campaign's sounds now."""
    return _going(KINDS, "campaign", campaign.slug, campaign.project)


def is_unmeasured(campaign: Campaign) -> bool:
    """Whether so much is still to be measured that a job should do it."""
    wanted = [signal for signal, _ in measuring.lacking(campaign)]
    return measuring.channel_seconds(wanted) > making.QUICK_S


def is_long(campaign: Campaign) -> bool:
    """Whether to read and write all its sounds is work for a job."""
    sounds = [
        stimulus.signal
        for trial in measuring.trials(campaign)
        for stimulus in trial.stimuli.all()
        if stimulus.signal
    ]
    return measuring.channel_seconds(sounds) > making.QUICK_S


def _of_intake(intake: Intake, slugs: list[str]) -> dict[str, Any]:
    owner = User.objects.get(pk=intake.owner)
    return {
        "campaign": slugs[0],
        "campaigns": slugs,
        "intake": intake.key,
        "owner": owner.pk,
        "actor": owner.get_username(),
    }


def _once(kind: str, arguments: dict[str, Any], by: str, *, project: Project) -> Job:
    """The job of this kind that is going on for the same thing, or else a new one."""
    going = _going((kind,), by, arguments[by], project)
    return going or jobs.enqueue(kind, arguments, project=project)


def _going(kinds: tuple[str, ...], by: str, value: str, project: Project) -> Job | None:
    going = Job.objects.filter(
        project=project, kind__in=kinds, state__in=(Job.State.QUEUED, Job.State.RUNNING)
    )
    return going.filter(**{f"arguments__{by}": value}).order_by("-pk").first()


@handles("draft")
def make(lease: Lease) -> str:
    """Arguments: campaign and campaigns (slugs), intake, owner, actor, choices."""
    asked = lease.job.arguments
    if not (made := _made_before(lease.job)):
        intake = intakes.waiting(UUID(asked["intake"]), owner=asked["owner"])
        documents = [making.described(intake, making.Choices(**asked["choices"]))]
        made = _made(lease, intake, documents)
    return _measured(lease, made)


@handles("import-campaign")
def import_document(lease: Lease) -> str:
    """Arguments: campaign and campaigns (slugs), intake, owner, actor, slug, skip."""
    asked = lease.job.arguments
    if not (made := _made_before(lease.job)):
        intake = intakes.waiting(UUID(asked["intake"]), owner=asked["owner"])
        raw = intake.document_path.read_bytes()
        found = campaign_files.found_in(
            raw, name=intake.document, slug=asked["slug"], skip=asked["skip"]
        )
        made = _made(lease, intake, found.documents)
    return _measured(lease, made)


@handles("measure")
def measure(lease: Lease) -> str:
    """Arguments: campaign (slug), actor."""
    campaign = Campaign.objects.get(slug=lease.job.arguments["campaign"])
    count = measuring.measure(campaign, _until(lease, "stopped; what was measured is kept"))
    return f"{count} sounds measured"


@handles("mend")
def mend(lease: Lease) -> str:
    """Arguments: campaign (slug), act, actor."""
    asked = lease.job.arguments
    campaign = Campaign.objects.get(slug=asked["campaign"])
    progress = _until(lease, "stopped; nothing was changed", share=0.7)
    done = mending.mend(campaign, asked["act"], actor=asked["actor"], progress=progress)
    stopped = "the sounds are changed; measuring them was stopped"
    measuring.measure(campaign, _until(lease, stopped, begun=0.7, share=0.3))
    return f"{mending.TITLES[asked['act']]}: {len(done)} sounds changed"


def _made_before(job: Job) -> list[Campaign]:
    """What a worker made that was lost before it could say so; all of them or none."""
    slugs = job.arguments["campaigns"]
    found = Campaign.objects.filter(
        slug__in=slugs,
        project=job.project,
        owner=job.arguments["owner"],
        created_at__gte=job.created_at,
    )
    return list(found) if found.count() == len(slugs) else []


def _made(lease: Lease, intake: Intake, documents: list[Any]) -> list[Campaign]:
    return making.drafts(
        intake,
        documents,
        owner=User.objects.get(pk=intake.owner),
        project=lease.job.project,
        progress=_until(lease, "stopped; nothing was made", share=0.5),
    )


def _measured(lease: Lease, campaigns: list[Campaign]) -> str:
    names = ", ".join(campaign.slug for campaign in campaigns)
    share = 0.5 / len(campaigns)
    for place, campaign in enumerate(campaigns):
        stopped = f"{names}: made as a draft; measuring its sounds was stopped"
        progress = _until(lease, stopped, begun=0.5 + share * place, share=share)
        measuring.measure(campaign, progress)
    return f"{names}: made as a draft, and every sound measured"


def _until(lease: Lease, stopped: str, *, begun: float = 0.0, share: float = 1.0) -> Progress:
    """Tells how far a part of the job is, and ends it where it is asked to stop."""

    def progress(done: float, message: str) -> None:
        lease.report(begun + share * done, message)
        if lease.should_stop():
            raise Stopped(stopped)

    return progress
