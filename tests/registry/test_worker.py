"""A real worker process, killed in the middle of a training: the job runs again, once, from its checkpoint."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import pytest
from django.conf import settings

MANAGE = str(settings.BASE_DIR / "manage.py")
pytest.importorskip("torch", reason="the extra 'engine' is not installed")

QUEUE = """
from models_registry import training
run = training.queue("overdrive", {"training.steps": "60", "data.seconds": "1", "training.batch": "2",
    "training.checkpoint_every": "5", "training.validate_every": "10"}, seed=3, actor="alice")
print(run.job.pk)
"""
STATE = """
import json
from models_registry.models import Job, ModelVersion
job = Job.objects.get()
print(json.dumps([job.state, job.attempt, job.progress, job.message, ModelVersion.objects.count()]))
"""
EXPIRE = """
from datetime import timedelta
from django.utils.timezone import now
from models_registry.models import Job
Job.objects.update(lease_until=now() - timedelta(seconds=1))
"""


@pytest.fixture
def site(tmp_path):
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

    manage("migrate", "--verbosity", "0")
    yield manage, worker
    for process in workers:
        if process.poll() is None:
            process.terminate()
            process.wait(30)


def state(manage):
    return json.loads(manage("shell", "--verbosity", "0", "--command", STATE))


def wait_for(manage, condition, seconds=120):
    deadline = time.monotonic() + seconds
    while not condition(found := state(manage)):
        assert time.monotonic() < deadline, f"still {found} after {seconds} s"
        time.sleep(0.5)
    return found


def test_a_killed_workers_training_runs_again_once_and_registers_once(site):
    manage, worker = site
    manage("shell", "--verbosity", "0", "--command", QUEUE)
    first = worker()
    wait_for(manage, lambda found: found[2] > 0.2)
    os.killpg(first.pid, signal.SIGKILL)
    first.wait()
    assert state(manage)[:2] == ["running", 1]
    manage("shell", "--verbosity", "0", "--command", EXPIRE)
    worker()
    done = wait_for(manage, lambda found: found[0] in ("done", "failed"))
    assert done == ["done", 2, 1.0, "registered overdrive@1", 1]
    assert "1 versions are as they were recorded" in manage("verify")
