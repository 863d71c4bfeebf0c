"""Jobs: progress that asks again until the job is over, stopping, going on."""

from __future__ import annotations

import pytest
from django.urls import reverse

from models_registry.models import AuditEvent, Job

State = Job.State


@pytest.fixture
def job(db):
    return Job.objects.create(
        kind="score-campaign", state=State.RUNNING, progress=0.25, message="5 of 20"
    )


def address(job):
    return reverse("job", args=[job.pk])


def test_a_running_job_s_page_asks_again(researcher, job):
    text = researcher.get(address(job)).content.decode()
    assert f'hx-get="{address(job)}" hx-trigger="every 2s"' in text
    assert "25 %" in text
    assert "5 of 20" in text


def test_htmx_gets_the_part_and_not_the_page(researcher, job):
    part = researcher.get(address(job), headers={"HX-Request": "true", "HX-Target": "progress"})
    assert part.content.decode().lstrip().startswith('<div id="progress"')
    assert b"<html" not in part.content


@pytest.mark.parametrize("state", [State.DONE, State.FAILED, State.STOPPED])
def test_a_job_that_is_over_is_not_asked_again(researcher, job, state):
    Job.objects.filter(pk=job.pk).update(state=state)
    assert b"hx-get" not in researcher.get(address(job)).content


def test_a_running_job_is_asked_to_stop(researcher, job):
    researcher.post(reverse("job-stop", args=[job.pk]))
    job.refresh_from_db()
    assert job.stop_requested
    assert AuditEvent.objects.get(act="stop").actor == "alice"
    assert "Asked to stop" in researcher.get(address(job)).content.decode()


def test_a_queued_job_stops_at_once(researcher, job):
    Job.objects.filter(pk=job.pk).update(state=State.QUEUED)
    researcher.post(reverse("job-stop", args=[job.pk]))
    job.refresh_from_db()
    assert job.state == State.STOPPED


def test_a_stopped_job_goes_on_and_a_done_one_does_not(researcher, job):
    Job.objects.filter(pk=job.pk).update(state=State.STOPPED)
    researcher.post(reverse("job-resume", args=[job.pk]))
    job.refresh_from_db()
    assert job.state == State.QUEUED
    Job.objects.filter(pk=job.pk).update(state=State.DONE)
    researcher.post(reverse("job-resume", args=[job.pk]))
    job.refresh_from_db()
    assert job.state == State.DONE


def test_a_training_s_job_shows_its_history(researcher, version):
    text = researcher.get(address(version.run.job)).content.decode()
    assert reverse("history-figure", args=[version.run.job.pk, "svg"]) + "?points=2" in text
    assert reverse("version", args=["overdrive", 1]) in text


def test_a_long_list_of_what_was_asked_is_cut_short_in_words(researcher, job):
    hashes = [f"{number:064x}" for number in range(10)]
    Job.objects.filter(pk=job.pk).update(arguments={"versions": ["a@1", "b@2"], "signals": hashes})
    text = researcher.get(address(job)).content.decode()
    assert "a@1, b@2" in text
    assert f"{hashes[7]} and 2 more" in text
    assert hashes[8] not in text
