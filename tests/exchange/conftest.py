"""The published neural-codec ratings."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def codec_folder(shared: Path) -> Path:
    return shared / "data" / "ratings" / "mushra_neural_codec"
