"""Commands answer what they cannot do with one sentence."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent


def test_a_database_without_tables_is_told_from_a_fault(tmp_path):
    asked = [sys.executable, "manage.py", "models"]
    env = {key: value for key, value in os.environ.items() if key != "DATABASE_URL"}
    env["EARWITNESS_HOME"] = str(tmp_path / "home")
    done = subprocess.run(asked, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "run `python manage.py migrate` first" in done.stderr
    assert "Traceback" not in done.stderr
