"""Work that takes longer than a request. The row is the truth, the queue is a doorbell.

A `Job` row says what is to be done and how far it is. The task queue carries only its key, so a doorbell that is lost
or rings twice does no harm: whoever claims the row first works, and a lease that stops being renewed is taken back by
the sweep. A handler is registered by `@handles("kind")` in an app's `tasks.py`.
"""

from __future__ import annotations

import logging
import signal
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import close_old_connections, transaction
from django.db.models import DateTimeField, ExpressionWrapper, F, Q
from django.db.models.functions import Now
from django.utils.module_loading import autodiscover_modules
from django_tasks import task

from models_registry import audit
from models_registry.models import Job
from models_registry.teams import Project

log = logging.getLogger(__name__)

# Long enough for native code that keeps the interpreter to itself for seconds.
LEASE = timedelta(seconds=60)
# A worker may die of the job itself; after this many lost leases the job is the suspect.
MAX_ATTEMPTS = 3
# A queued row whose doorbell was lost is rung again after this long.
RING_AGAIN = timedelta(seconds=60)


class Stopped(Exception):
    """Raised by a handler that stopped because it was asked to; the message says how to go on."""


class Lost(Stopped):
    """The job went to another worker while this one slept; nothing that this one says of it counts."""


class Lease:
    """What a handler holds while it works: a way to report, and the question whether to stop."""

    def __init__(self, job: Job, on_progress: Callable[[float, str], None] | None = None) -> None:
        self.job = job
        self.attempt = job.attempt
        self._on_progress = on_progress
        self._progress, self._message = job.progress, job.message
        self._stop = threading.Event()
        self._over = threading.Event()
        self._leaves: Path | None = None
        self._heart = threading.Thread(target=self._beat, daemon=True, name=f"lease-{job.pk}")

    def report(self, progress: float, message: str = "") -> None:
        """Say how far the work is (0…1) and what is being done; shown within seconds."""
        self._progress, self._message = min(max(progress, 0.0), 1.0), message
        if self._on_progress:
            self._on_progress(self._progress, message)

    def leaves(self, path: Path) -> None:
        """Name the file from which the work goes on where it ends early; the record then has its hash."""
        self._leaves = path

    def should_stop(self) -> bool:
        """True once someone asked to stop, or once the lease was lost to another worker."""
        return self._stop.is_set()

    def stop(self) -> None:
        self._stop.set()

    def _mine(self) -> Any:
        # fenced by the attempt: a worker that slept through its lease writes nothing
        return Job.objects.filter(pk=self.job.pk, state=Job.State.RUNNING, attempt=self.attempt)

    def _renew(self) -> None:
        renewed = self._mine().update(
            lease_until=_from_now(LEASE), progress=self._progress, message=self._message
        )
        if not renewed or self._mine().filter(stop_requested=True).exists():
            self._stop.set()

    def _beat(self) -> None:
        # Two seconds between beats, not a third of the lease, since the page's progress bar lives on them.
        while not self._over.wait(2):
            try:
                self._renew()
            except Exception:
                log.exception("job %s: its lease could not be renewed", self.job.pk)
            finally:
                close_old_connections()

    def __enter__(self) -> Lease:
        self._heart.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._over.set()
        self._heart.join()

    def finish(self, state: Job.State, message: str) -> bool:
        """Write how the work ended; False where the lease was lost to another worker."""
        done = {"progress": 1.0} if state == Job.State.DONE else {"progress": self._progress}
        left = self._leaves if state != Job.State.DONE else None
        with transaction.atomic():
            written = self._mine().update(
                state=state, message=message, lease_until=None, finished_at=Now(), **done
            )
            if written and state != Job.State.DONE:
                _recorded(self.job, state, message, left)
        return bool(written)


def _recorded(job: Job, state: Job.State, message: str, left: Path | None = None) -> None:
    """An end that is no result is an event as well: what failed is evidence."""
    content: dict[str, Any] = {"job": job.pk}
    if left and left.is_file():
        content["left"] = {"file": str(left.relative_to(settings.HOME)), **audit.fingerprint(left)}
    audit.record(
        state,
        f"{job.kind} {job.pk}",
        actor=job.arguments.get("actor", "the worker"),
        reason=message,
        content=content,
        project=job.project,
    )


Handler = Callable[[Lease], str]
HANDLERS: dict[str, Handler] = {}


def handles(kind: str) -> Callable[[Handler], Handler]:
    """Register the function that does jobs of `kind`; it returns the closing message."""

    def register(handler: Handler) -> Handler:
        HANDLERS[kind] = handler
        return handler

    return register


def _from_now(span: timedelta) -> ExpressionWrapper:
    # the database's clock, so that workers on several hosts agree
    return ExpressionWrapper(Now() + span, output_field=DateTimeField())


def handler_for(kind: str) -> Handler:
    if kind not in HANDLERS:
        autodiscover_modules("tasks")
    try:
        return HANDLERS[kind]
    except KeyError:
        raise LookupError(
            f"no handler for jobs of kind {kind!r}; known: {sorted(HANDLERS)}"
        ) from None


@task()
def run_job(pk: int) -> None:
    """The doorbell."""
    run(pk)


def enqueue(kind: str, arguments: dict[str, Any], *, project: Project) -> Job:
    """Write the row; a worker is rung once the surrounding transaction is committed."""
    handler_for(kind)
    job = Job.objects.create(kind=kind, arguments=arguments, project=project)
    transaction.on_commit(partial(_ring, job.pk))
    return job


def open_to_all() -> Q:
    """Jobs that anyone may take up: waiting, stopped, failed, or held by a worker that is gone."""
    return Q(state__in=(Job.State.QUEUED, Job.State.STOPPED, Job.State.FAILED)) | Q(
        state=Job.State.RUNNING, lease_until__lt=Now()
    )


def resume(job: Job) -> bool:
    """Queue a stopped or failed job once more; False when someone else was first."""
    with transaction.atomic():
        queued = Job.objects.filter(
            pk=job.pk, state__in=(Job.State.STOPPED, Job.State.FAILED)
        ).update(
            state=Job.State.QUEUED, attempt=0, stop_requested=False, finished_at=None, message=""
        )
        if queued:
            transaction.on_commit(partial(_ring, job.pk))
    job.refresh_from_db()
    return bool(queued)


def take(job: Job) -> bool:
    """Hold an unfinished job in this process, for `work_here`; False when someone else holds it."""
    taken = (
        Job.objects.filter(pk=job.pk)
        .filter(open_to_all())
        .update(
            state=Job.State.RUNNING,
            attempt=F("attempt") + 1,
            lease_until=_from_now(LEASE),
            stop_requested=False,
            finished_at=None,
        )
    )
    job.refresh_from_db()
    return bool(taken)


def _ring(pk: int) -> None:
    Job.objects.filter(pk=pk).update(rung_at=Now())
    run_job.enqueue(pk)


def claim(pk: int) -> Job | None:
    """Compare-and-set: one winner, however many doorbells ring."""
    won = Job.objects.filter(pk=pk, state=Job.State.QUEUED).update(
        state=Job.State.RUNNING, attempt=F("attempt") + 1, lease_until=_from_now(LEASE)
    )
    return Job.objects.get(pk=pk) if won else None


def run(pk: int) -> None:
    """Claim the job and do it in this process; nothing happens where another worker was first."""
    if job := claim(pk):
        _work(job, Lease(job))


def hold(kind: str, arguments: dict[str, Any], *, project: Project) -> Job:
    """Write a job that this process holds from the start, for `work_here`; no worker will take it."""
    handler_for(kind)
    return Job.objects.create(
        kind=kind,
        arguments=arguments,
        project=project,
        state=Job.State.RUNNING,
        attempt=1,
        lease_until=_from_now(LEASE),
    )


def work_here(job: Job, on_progress: Callable[[float, str], None]) -> Exception | None:
    """Do a job held by this process; Ctrl-C asks it to stop, so that it can keep what it has."""
    lease = Lease(job, on_progress)
    in_main_thread = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGINT, lambda *_: lease.stop()) if in_main_thread else None
    try:
        failure = _work(job, lease)
    finally:
        if in_main_thread:
            signal.signal(signal.SIGINT, before)
    job.refresh_from_db()
    return failure


def _work(job: Job, lease: Lease) -> Exception | None:
    failure: Exception | None = None
    with lease:
        try:
            message = handler_for(job.kind)(lease)
            state = Job.State.DONE
        except Stopped as stopped:
            failure, state, message = stopped, Job.State.STOPPED, str(stopped)
        except Exception as error:
            failure, state, message = error, Job.State.FAILED, str(error) or repr(error)
    if not lease.finish(state, message):
        # whatever ended it here, such as a row that the other worker wrote first
        failure = Lost(
            f"job {job.pk} went to another worker: this process was silent for more than "
            f"{LEASE.total_seconds():.0f} s, asleep or short of processor time; the other one's result counts"
        )
        log.warning("%s", failure)
    elif state == Job.State.FAILED:
        log.error("job %s (%s) failed", job.pk, job.kind, exc_info=failure)
    return failure


def _give_up(job: Job) -> None:
    message = f"worker lost {MAX_ATTEMPTS} times in a row: the job may be what kills it"
    with transaction.atomic():
        lost = Job.objects.filter(pk=job.pk, state=Job.State.RUNNING, lease_until__lt=Now())
        if lost.update(state=Job.State.FAILED, finished_at=Now(), message=message):
            _recorded(job, Job.State.FAILED, message)


def sweep() -> None:
    """Take back expired leases, give up on jobs that lost too many, ring again for forgotten rows."""
    expired = Job.objects.filter(state=Job.State.RUNNING, lease_until__lt=Now())
    for job in expired.filter(attempt__gte=MAX_ATTEMPTS):
        _give_up(job)
    for pk in expired.values_list("pk", flat=True):
        if Job.objects.filter(pk=pk, state=Job.State.RUNNING, lease_until__lt=Now()).update(
            state=Job.State.QUEUED, lease_until=None, message="its worker was lost; queued again"
        ):
            _ring(pk)
    forgotten = Job.objects.filter(state=Job.State.QUEUED).filter(
        Q(rung_at=None)
        | Q(rung_at__lt=ExpressionWrapper(Now() - RING_AGAIN, output_field=DateTimeField()))
    )
    for pk in forgotten.values_list("pk", flat=True):
        _ring(pk)


def sweep_for_ever(each_time: Callable[[], None], every: float = 5.0) -> None:
    """The worker's second thread; `each_time` is called between sweeps."""
    while True:
        each_time()
        try:
            sweep()
        except Exception:
            log.exception("the sweep failed; it tries again")
        finally:
            close_old_connections()
        time.sleep(every)
