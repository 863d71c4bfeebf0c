"""Memory that is freed while training stays with the process, and goes back to the system afterwards."""

from __future__ import annotations

import subprocess
import sys
from unittest.mock import Mock, call

import pytest

from models_registry.engine import memory

# in a process of its own, whose heap has no holes that other tests left; 4 MB are 977 pages of 4 KiB
COUNTED = """
import resource, runpy, sys
kept = runpy.run_path(sys.argv[1])["kept"]
faults = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_minflt
def touched():
    for _ in range(3): bytearray(b"1") * 4_000_000
    before = faults()
    for _ in range(20): bytearray(b"1") * 4_000_000
    return faults() - before
with kept(): within = touched()
print(within, touched())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="page faults are counted as Linux counts them")
def test_freed_memory_is_asked_for_once_only_until_the_end():
    if memory._glibc() is None:
        pytest.skip("a C library without mallopt")
    ran = subprocess.run(
        [sys.executable, "-c", COUNTED, memory.__file__], capture_output=True, text=True, check=True
    )
    within, afterwards = map(int, ran.stdout.split())
    assert within < 500
    assert afterwards > 10_000


def test_another_c_library_is_asked_for_nothing(monkeypatch):
    other = Mock(spec=["mallopt", "malloc_trim"])
    monkeypatch.setattr("ctypes.CDLL", lambda name: other)
    memory._glibc.cache_clear()
    try:
        with memory.kept():
            pass
    finally:
        memory._glibc.cache_clear()
    assert other.mock_calls == []


def test_what_was_kept_is_given_back_where_the_work_fails(monkeypatch):
    library = Mock()
    monkeypatch.setattr(memory, "_glibc", lambda: library)
    with pytest.raises(RuntimeError), memory.kept():
        raise RuntimeError
    asked = [call.mallopt(*one) for one in (*memory.KEPT.items(), *memory.USUAL.items())]
    assert library.mock_calls == [*asked, call.malloc_trim(0)]
