"""The site and its commands where the extra `engine` is not installed."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from django.conf import settings

# what an import of torch does where there is none
WITHOUT_TORCH = """
import os, sys

class NoTorch:
    def find_spec(self, name, path=None, target=None):
        if name == "torch":
            raise ModuleNotFoundError("No module named 'torch'", name="torch")

sys.meta_path.insert(0, NoTorch())
os.environ["DJANGO_SETTINGS_MODULE"] = "listening.settings"
from django.core.management import execute_from_command_line
execute_from_command_line(["manage.py", *sys.argv[1:]])
"""


@pytest.fixture
def manage(tmp_path):
    def run(*arguments):
        return subprocess.run(
            [sys.executable, "-c", WITHOUT_TORCH, *arguments],
            env={**os.environ, "EARWITNESS_HOME": str(tmp_path)},
            cwd=settings.BASE_DIR,
            capture_output=True,
            text=True,
        )

    return run


def test_training_without_the_engine_says_what_to_install(manage):
    refused = manage("train", "overdrive")
    assert refused.returncode == 2
    assert "pip install 'earwitness[engine]'" in refused.stderr
    assert "Traceback" not in refused.stderr


@pytest.mark.parametrize("command", ["check", "migrate", "metrics"])
def test_what_needs_no_engine_runs_without_it(manage, command):
    assert manage(command).returncode == 0
