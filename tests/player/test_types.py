"""The player's JSDoc types hold, where TypeScript's compiler is installed."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest


def test_the_players_types_hold():
    compiler = shutil.which("tsc")
    if compiler is None:
        pytest.skip("no TypeScript compiler: npm install --global typescript")
    checked = subprocess.run(
        [compiler, "--project", Path(__file__).parent], capture_output=True, text=True
    )
    assert checked.returncode == 0, checked.stdout
