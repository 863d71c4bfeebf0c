"""Measuring in a process of its own, because native code can end or hang the process that calls it.

PESQ's C code writes past its tables on signals with many utterances; such a crash costs one measurement here and
no caller. A worker is started once and kept: it imports the libraries once and computes with one thread.
"""

from __future__ import annotations

import atexit
import os
import queue
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from typing import Any

import numpy as np

from metrics.contract import MetricError, Status

Outcome = tuple[Status, float | None, str]
Call = tuple[Callable[..., float], tuple[Any, ...]]

# Starting means importing numpy, scipy and the metrics' libraries, on a machine that may be busy.
START_LIMIT_S = 120.0
ONE_THREAD = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL", "NUMBA")}


@dataclass(frozen=True)
class _Held:
    """Stands for an array that the process already has."""

    number: int


def _is_array(argument: object) -> bool:
    return isinstance(argument, np.ndarray)


def outcome(function: Callable[..., float], arguments: tuple[Any, ...]) -> Outcome:
    """Call one metric and say how that ended."""
    try:
        return Status.OK, function(*arguments), ""
    except MetricError as error:
        return error.status, None, str(error)


class Worker:
    """A child process that measures one call after the other."""

    def __init__(self) -> None:
        self._start()

    def _start(self) -> None:
        self._connection, theirs = Pipe()
        # Not a multiprocessing.Process: that would import the caller's script again, and none may start one
        # inside a daemon.
        self._process = subprocess.Popen(
            [sys.executable, "-m", "metrics.worker", str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            env={
                **os.environ,
                **ONE_THREAD,
                "PYTHONPATH": os.pathsep.join(p for p in sys.path if p),
            },
        )
        theirs.close()
        if not self._connection.poll(START_LIMIT_S) or not self._is_ready():
            self.close()
            raise RuntimeError("the process that measures did not start; its message is above")

    def _is_ready(self) -> bool:
        try:
            return self._connection.recv() == "ready"
        except EOFError:
            return False

    def outcomes(self, calls: Sequence[Call], *, time_limit: float) -> Iterator[Outcome]:
        """Yield the outcome of each call in turn; each may take `time_limit` seconds.

        Arrays that several calls share are handed over once.
        A call that ends or overstays the process is `crashed` or `timeout`; the rest go on in a fresh one.
        """
        arrays = {id(a): a for _, arguments in calls for a in arguments if _is_array(a)}
        number = {identity: n for n, identity in enumerate(arrays)}
        fresh = True
        for function, arguments in calls:
            if self._process.poll() is not None:
                self._start()
                fresh = True
            sent = [_Held(number[id(a)]) if _is_array(a) else a for a in arguments]
            try:
                if fresh:
                    self._connection.send(list(arrays.values()))
                    fresh = False
                self._connection.send((function, sent))
                if self._connection.poll(time_limit):
                    yield self._connection.recv()
                    continue
                ended = (
                    Status.TIMEOUT,
                    None,
                    f"expected an answer within {time_limit:g} s, found none",
                )
            except (EOFError, ConnectionError):
                code = self._process.wait()
                reason = f"signal {-code}" if code < 0 else f"exit code {code}"
                ended = Status.CRASHED, None, f"the computation ended its process ({reason})"
            self.close()
            self._start()
            fresh = True
            yield ended

    def close(self) -> None:
        """End the process, also in the middle of a call."""
        self._connection.close()
        self._process.kill()
        self._process.wait()


_idle: queue.LifoQueue[Worker] = queue.LifoQueue()


@contextmanager
def borrowed() -> Iterator[Worker]:
    """Lend a worker, started when none is idle; a caller that fails midway does not give it back."""
    try:
        worker = _idle.get_nowait()
    except queue.Empty:
        worker = Worker()
    try:
        yield worker
    except BaseException:
        worker.close()
        raise
    _idle.put(worker)


@atexit.register
def _close_idle() -> None:
    with suppress(queue.Empty):
        while True:
            _idle.get_nowait().close()


def _forget_parents_workers() -> None:
    global _idle
    _idle = queue.LifoQueue()


os.register_at_fork(after_in_child=_forget_parents_workers)


def main(connection: Connection) -> None:
    """Answer calls until the other end closes."""
    from metrics import catalogue

    catalogue.all()
    connection.send("ready")
    arrays: list[Any] = []
    while True:
        try:
            message = connection.recv()
        except EOFError:
            return
        if isinstance(message, list):
            arrays = message
            # What nobody can change need be looked at only once (metrics.intermediates).
            for array in arrays:
                array.flags.writeable = False
            continue
        function, arguments = message
        found = tuple(arrays[a.number] if isinstance(a, _Held) else a for a in arguments)
        connection.send(outcome(function, found))


if __name__ == "__main__":
    # Under its own name: what is unpickled here must be of the same classes as what is compared with it.
    from metrics.worker import main as run

    run(Connection(int(sys.argv[1])))
