"""A real worker process, killed in the middle of a training: the job runs again, once, from its checkpoint."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing

import pytest
from django.conf import settings
from django.db import connection

MANAGE = str(settings.BASE_DIR / "manage.py")
pytest.importorskip("torch", reason="the extra 'engine' is not installed")

QUEUE = """
from models_registry import training
from models_registry.teams import Project
run = training.queue("overdrive", {"training.steps": "400", "data.seconds": "1", "training.batch": "2",
    "training.checkpoint_every": "5", "training.validate_every": "10"}, seed=3, actor="alice",
    project=Project.objects.operators())
print(run.job.pk)
"""
STATE = """
SELECT state, attempt, progress, message, (SELECT count(*) FROM models_registry_modelversion)
FROM models_registry_job
"""


@pytest.fixture
def site(transactional_db, tmp_path):
    environment = {**os.environ, "EARWITNESS_HOME": str(tmp_path), "OMP_NUM_THREADS": "1"}

    def manage(*arguments):
        return subprocess.run(
            [sys.executable, MANAGE, *arguments],
            env=environment,
            check=True,
            capture_output=True,
            text=True,
        ).stdout

    workers = []

    def worker():
        process = subprocess.Popen(
            [sys.executable, MANAGE, "worker"], env=environment, start_new_session=True
        )
        workers.append(process)
        return process

    # migrated already
    connection.ensure_connection()
    with closing(sqlite3.connect(tmp_path / "earwitness.sqlite3")) as database:
        connection.connection.backup(database)
    yield manage, worker
    for process in workers:
        if process.poll() is None:
            process.terminate()
            process.wait(30)


def state(database, change=""):
    with closing(sqlite3.connect(database, timeout=20)) as opened, opened:
        if change:
            opened.execute(change)
        return opened.execute(STATE).fetchone()


def wait_for(database, condition, seconds=150):
    deadline = time.monotonic() + seconds
    while not condition(found := state(database)):
        assert time.monotonic() < deadline, f"still {found} after {seconds} s"
        time.sleep(0.2)
    return found


def test_a_killed_workers_training_runs_again_once_and_registers_once(site, tmp_path):
    manage, worker = site
    database = tmp_path / "earwitness.sqlite3"
    manage("shell", "--verbosity", "0", "--command", QUEUE)
    first = worker()
    # the progress that others see is written by the heartbeat
    wait_for(database, lambda found: found[2] > 0)
    os.killpg(first.pid, signal.SIGKILL)
    first.wait()
    expired = "UPDATE models_registry_job SET lease_until = '2000-01-01 00:00:00'"
    assert state(database, expired)[:2] == ("running", 1)
    worker()
    done = wait_for(database, lambda found: found[0] in ("done", "failed"))
    assert done == ("done", 2, 1.0, "registered overdrive@1", 1)
    assert "1 versions are as they were recorded" in manage("verify")
