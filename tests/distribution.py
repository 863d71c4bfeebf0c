"""How `pytest -n` deals the tests to its processes: a file stays together, and so does the room of the analysis.

The analysis's tests share a ledger of R's figures, which one process must keep. Module fixtures are made once, as in a
run of one process.
"""

from __future__ import annotations

from xdist.scheduler import LoadScopeScheduling

# rooms that are not dealt out by the file
TOGETHER = ("tests/analysis/",)


class ByRoom(LoadScopeScheduling):  # type: ignore[misc]
    """Deals out files and rooms; those with the most tests first, so that no process is left with a long one."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return next((room for room in TOGETHER if file.startswith(room)), file)
