"""The row is the truth: claimed once, taken back from the dead, given up in the end."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils.timezone import now

from models_registry import jobs
from models_registry.models import Job
from tests.factories import here

pytestmark = pytest.mark.django_db(transaction=True)

State = Job.State


@pytest.fixture
def kinds(monkeypatch):
    """Handlers for the test alone."""
    monkeypatch.setattr(jobs, "HANDLERS", dict(jobs.HANDLERS))
    calls: list[str] = []

    @jobs.handles("count")
    def count(lease):
        calls.append(lease.job.arguments["name"])
        lease.report(0.5, "half way")
        return "counted"

    @jobs.handles("break")
    def fail(lease):
        raise ValueError("expected more, found less")

    @jobs.handles("patient")
    def wait(lease):
        lease.report(0.25, "waiting")
        lease.stop()
        if lease.should_stop():
            raise jobs.Stopped("stopped at a quarter; resume to go on")
        return "never stopped"

    @jobs.handles("sleepy")
    def sleep(lease):
        Job.objects.update(lease_until=now() - timedelta(seconds=1))
        jobs.sweep()
        jobs.claim(lease.job.pk)
        raise RuntimeError("this row is there already")

    return calls


def test_a_job_is_done_once_however_often_the_bell_rings(kinds):
    job = jobs.enqueue("count", {"name": "alice"}, project=here())
    for _ in range(3):
        jobs.run(job.pk)
    job.refresh_from_db()
    assert kinds == ["alice"]
    assert (job.state, job.message, job.progress, job.attempt) == (State.DONE, "counted", 1, 1)
    assert job.rung_at is not None
    assert job.finished_at is not None


def test_a_failing_job_keeps_the_reason(kinds):
    job = jobs.enqueue("break", {}, project=here())
    jobs.run(job.pk)
    job.refresh_from_db()
    assert (job.state, job.message) == (State.FAILED, "expected more, found less")


def test_a_job_that_was_asked_to_stop_says_how_to_go_on_and_can_be_resumed(kinds):
    job = jobs.enqueue("patient", {}, project=here())
    jobs.run(job.pk)
    job.refresh_from_db()
    assert (job.state, job.progress) == (State.STOPPED, 0.25)
    assert "resume to go on" in job.message
    assert jobs.resume(job)
    assert job.state == State.QUEUED
    assert not jobs.resume(job)


def test_stopping_a_queued_job_ends_it_at_once(kinds):
    job = jobs.enqueue("count", {"name": "alice"}, project=here())
    job.request_stop()
    jobs.run(job.pk)
    job.refresh_from_db()
    assert job.state == State.STOPPED
    assert kinds == []


def test_an_expired_lease_goes_back_to_the_queue_and_is_rung_again(kinds):
    job = jobs.enqueue("count", {"name": "alice"}, project=here())
    assert jobs.claim(job.pk)
    Job.objects.update(lease_until=now() - timedelta(seconds=1), rung_at=None)
    jobs.sweep()
    job.refresh_from_db()
    assert (job.state, job.attempt) == (State.QUEUED, 1)
    assert job.rung_at is not None
    jobs.run(job.pk)
    job.refresh_from_db()
    assert (job.state, job.attempt, kinds) == (State.DONE, 2, ["alice"])


def test_a_lease_that_still_runs_is_left_alone(kinds):
    job = jobs.enqueue("count", {"name": "alice"}, project=here())
    jobs.claim(job.pk)
    jobs.sweep()
    job.refresh_from_db()
    assert job.state == State.RUNNING


def test_a_worker_that_slept_through_its_lease_writes_nothing(kinds):
    job = jobs.enqueue("count", {"name": "alice"}, project=here())
    slow = jobs.claim(job.pk)
    assert slow is not None
    Job.objects.update(lease_until=now() - timedelta(seconds=1))
    jobs.sweep()
    jobs.claim(job.pk)
    jobs.Lease(slow).finish(State.DONE, "late")
    job.refresh_from_db()
    assert (job.state, job.attempt, job.message) == (
        State.RUNNING,
        2,
        "its worker was lost; queued again",
    )


def test_who_lost_its_lease_is_told_so_in_a_sentence_whatever_failed_after_it(kinds, caplog):
    job = jobs.hold("sleepy", {}, project=here())
    failure = jobs.work_here(job, lambda share, message: None)
    assert isinstance(failure, jobs.Stopped)
    assert str(failure).startswith(f"job {job.pk} went to another worker: ")
    assert (job.state, job.attempt) == (State.RUNNING, 2)
    assert [(one.message, one.exc_info) for one in caplog.records] == [(str(failure), None)]


def test_three_lost_leases_are_enough(kinds):
    job = jobs.enqueue("count", {"name": "alice"}, project=here())
    for _ in range(jobs.MAX_ATTEMPTS):
        assert jobs.claim(job.pk)
        Job.objects.update(lease_until=now() - timedelta(seconds=1))
        jobs.sweep()
    job.refresh_from_db()
    assert job.state == State.FAILED
    assert "worker lost 3 times" in job.message


def test_a_forgotten_doorbell_is_rung_again(kinds):
    job = jobs.enqueue("count", {"name": "alice"}, project=here())
    long_ago = now() - timedelta(minutes=5)
    Job.objects.update(rung_at=long_ago)
    jobs.sweep()
    job.refresh_from_db()
    assert job.rung_at
    assert job.rung_at > long_ago


def test_an_unknown_kind_is_refused_before_anything_is_written():
    with pytest.raises(LookupError, match="no handler for jobs of kind 'juggle'"):
        jobs.enqueue("juggle", {}, project=here())
    assert not Job.objects.exists()


def test_a_job_whose_process_died_can_be_taken_up_once(kinds):
    job = jobs.hold("count", {"name": "bob"}, project=here())
    assert not jobs.take(job)
    Job.objects.update(lease_until=now() - timedelta(seconds=1))
    assert jobs.take(job)
    assert not jobs.take(job)
    assert (job.state, job.attempt) == (State.RUNNING, 2)


def test_work_done_here_is_held_from_the_start(kinds):
    seen = []
    job = jobs.hold("count", {"name": "bob"}, project=here())
    jobs.sweep()
    jobs.run(job.pk)
    assert kinds == []
    assert jobs.work_here(job, lambda *step: seen.append(step)) is None
    assert job.state == State.DONE
    assert seen == [(0.5, "half way")]
