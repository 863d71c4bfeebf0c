"""What every test may use."""

from __future__ import annotations

from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parent.parent.parent / "shared"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of published data and reference results beside the project."""
    if not SHARED.is_dir():
        pytest.skip("the published data set (../shared) is not here")
    return SHARED
