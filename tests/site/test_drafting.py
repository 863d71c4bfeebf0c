"""Long work on drafts by jobs: all of it is made or nothing, also where it is stopped or its worker is lost."""

from __future__ import annotations

import pytest
from django.urls import reverse

from listening import linting, making, measuring, mending
from listening.models import Campaign, Measured
from listening.models.campaign import CampaignError
from models_registry import jobs, staging
from models_registry.models import AuditEvent, Job, Signal
from tests.site.test_making import folder, send, zipped

MADE = {"made": ["anchor35", "anchor70"]}


@pytest.fixture(autouse=True)
def long(monkeypatch):
    """Everything is long."""
    monkeypatch.setattr(making, "QUICK_S", 0.0)


@pytest.fixture
def queued(researcher):
    """A draft that waits for a worker."""
    sent = send(researcher, zipped(folder()))
    asked = researcher.post(sent.url, MADE)
    job = Job.objects.get(kind="draft")
    assert asked.url == reverse("job", args=[job.pk])
    # twice the same button is one job
    assert researcher.post(sent.url, MADE).url == asked.url
    return job


def run(job):
    jobs.run(job.pk)
    job.refresh_from_db()
    return job


def files(settings):
    return [one for one in settings.MEDIA_ROOT.rglob("*.wav") if "intake" not in one.parts]


def test_a_job_makes_the_draft_and_measures_its_sounds(researcher, queued, waiting):
    assert (Campaign.objects.count(), Signal.objects.count(), waiting()) == (0, 0, 1)
    assert run(queued).state == Job.State.DONE, queued.message
    campaign = Campaign.objects.get()
    assert campaign.problems() == []
    assert (measuring.lacking(campaign), waiting()) == ([], 0)
    shown = researcher.get(reverse("job", args=[queued.pk])).content.decode()
    assert campaign.get_absolute_url() in shown
    polled = researcher.get(
        reverse("job", args=[queued.pk]),
        headers={"HX-Request": "true", "HX-Target": "progress"},
    )
    assert polled["HX-Redirect"] == campaign.get_absolute_url()
    assert (
        b"Align loudness" in researcher.get(reverse("campaign-lint", args=[campaign.slug])).content
    )


@pytest.mark.parametrize("after", [0.01, 0.2, 0.45])
def test_a_stopped_one_leaves_nothing_and_can_be_done_again(
    queued, waiting, settings, monkeypatch, after
):
    report = jobs.Lease.report

    def stopped(lease, progress, message=""):
        report(lease, progress, message)
        if progress >= after:
            lease.stop()

    monkeypatch.setattr(jobs.Lease, "report", stopped)
    assert run(queued).state == Job.State.STOPPED
    assert queued.message == "stopped; nothing was made"
    assert (Campaign.objects.count(), Signal.objects.count(), files(settings)) == (0, 0, [])
    assert waiting() == 1
    monkeypatch.setattr(jobs.Lease, "report", report)
    jobs.resume(queued)
    assert run(queued).state == Job.State.DONE
    assert Campaign.objects.count() == 1


def test_what_fails_while_it_is_stored_leaves_no_row_and_no_file(queued, settings, monkeypatch):
    monkeypatch.setattr(Campaign, "fingerprint", lambda campaign: 1 / 0)
    assert run(queued).state == Job.State.FAILED
    assert (Campaign.objects.count(), Signal.objects.count(), files(settings)) == (0, 0, [])


def test_a_worker_that_was_lost_after_the_draft_was_made_makes_no_second(queued):
    run(queued)
    Job.objects.filter(pk=queued.pk).update(state=Job.State.QUEUED)
    assert run(queued).state == Job.State.DONE
    assert Campaign.objects.count() == 1


def test_a_name_that_was_taken_meanwhile_is_said_on_the_jobs_page(queued):
    Campaign.objects.create(slug="three-codecs", title="Another", method="mushra")
    assert run(queued).state == Job.State.FAILED
    assert "exists already" in queued.message


def test_unmeasured_sounds_are_measured_by_a_job_and_nothing_is_launched_before(researcher, queued):
    run(queued)
    Measured.objects.all().delete()
    campaign = Campaign.objects.get()
    lint = reverse("campaign-lint", args=[campaign.slug])
    assert b"Measure them" in researcher.get(lint).content
    launched = researcher.post(
        reverse("campaign-launch", args=[campaign.slug]), {"despite": "on"}, follow=True
    )
    assert b"Not every sound is measured yet" in launched.content
    researcher.post(reverse("campaign-measure", args=[campaign.slug]))
    job = Job.objects.get(kind="measure")
    waits = researcher.get(lint, headers={"HX-Request": "true"}).content.decode()
    assert "every 2s" in waits
    assert "Measure them" not in waits
    assert run(job).message == "15 sounds measured"
    assert b"Align loudness" in researcher.get(lint).content


def test_mending_by_a_job_changes_all_sounds_or_none(researcher, queued, monkeypatch, settings):
    run(queued)
    campaign = Campaign.objects.get()
    before, held = campaign.fingerprint(), len(files(settings))
    asked = {"act": "loudness"}
    address = reverse("campaign-mend", args=[campaign.slug])
    assert researcher.post(address, asked).url == campaign.get_absolute_url()
    job = Job.objects.get(kind="mend")
    act = mending.ACTS["loudness"]
    done = []

    def failing(*sounds, **options):
        done.append(sounds)
        return act(*sounds, **options) if len(done) < 3 else 1 / 0

    monkeypatch.setattr(mending, "_loudness", failing)
    assert run(job).state == Job.State.FAILED
    assert (campaign.fingerprint(), len(files(settings))) == (before, held)
    monkeypatch.setattr(mending, "_loudness", act)
    jobs.resume(job)
    assert run(job).state == Job.State.DONE, job.message
    assert AuditEvent.objects.filter(act="mend").count() == 1
    assert "loudness" not in {one.code for one in linting.findings(campaign)}


def test_mending_does_not_undo_what_was_changed_meanwhile(queued):
    run(queued)
    campaign = Campaign.objects.get()
    trial = campaign.trials.first()
    other = Signal.objects.exclude(trials=trial).first()

    def meanwhile(share, message):
        if share == 0:
            trial.stimuli.update(signal=other)

    with pytest.raises(CampaignError, match="changed meanwhile"):
        mending.mend(campaign, "loudness", actor="alice", progress=meanwhile)
    assert set(trial.stimuli.values_list("signal", flat=True)) == {other.pk}


def test_a_stage_that_a_dead_worker_left_is_swept_out(settings, monkeypatch):
    left = settings.MEDIA_ROOT / "staging" / "left"
    left.mkdir(parents=True)
    monkeypatch.setattr(staging, "KEPT_S", -1)
    staging.sweep()
    assert not left.exists()
