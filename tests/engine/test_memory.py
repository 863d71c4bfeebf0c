"""Memory that is freed while training stays with the process, and goes back to the system afterwards."""

from __future__ import annotations

import resource
import sys

import numpy as np
import pytest

from models_registry.engine import memory


def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt


def touch(times):
    """Pages that the system had to give for pieces of 4 MB, made and freed again and again."""
    for _ in range(3):
        np.ones(500_000)
    before = faults()
    for _ in range(times):
        np.ones(500_000)
    return faults() - before


@pytest.mark.skipif(sys.platform != "linux", reason="page faults are counted as Linux counts them")
def test_freed_memory_is_asked_for_once_only():
    if memory._glibc() is None:
        pytest.skip("a C library without mallopt")
    with memory.kept():
        assert touch(20) < 500
    # 4 MB are 977 pages of 4 KiB
    assert touch(20) > 5_000


def test_without_glibc_nothing_is_changed(monkeypatch):
    monkeypatch.setattr(memory, "_glibc", lambda: None)
    with memory.kept():
        pass
