"""Sessions of webMUSHRA's front end posted to /collect by many clients at once, each of them sent twice.

    python -m tests.load.collect [--sessions 200] [--clients 32] [--database postgres://…]

starts gunicorn on the loopback with a home of its own, posts whole sessions (10 trials of 8 ratings) as webMUSHRA does,
kills the server (SIGKILL) in the middle, starts it again while the clients send on, and counts what is stored. It
prints what it measured and exits with 1 where a session is missing or doubled. Not part of the tests.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import tempfile
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from tests.load.sessions import RATINGS, Browser, Server, prepare

PAGES = 10


def body(names: list[str]) -> bytes:
    responses = [{"stimulus": name, "score": "50", "comment": None, "time": 900} for name in names]
    trials = [
        {"id": f"item {number}", "type": "mushra", "responses": responses}
        for number in range(1, PAGES + 1)
    ]
    session = {"testId": "load", "config": "load.yaml", "uuid": str(uuid.uuid4()), "trials": trials}
    return b"sessionJSON=" + json.dumps(session).encode()


def hand_in(port: int, sent: bytes) -> float:
    """Post until it is taken, and once more; returns ms to the first acknowledgement."""
    browser = Browser(port)
    before = time.perf_counter()
    for _ in range(2):
        status, text, _ = browser.ask("POST", "/collect", sent, "application/x-www-form-urlencoded")
        if (status, text) != (200, ""):
            raise AssertionError(f"expected 200 and nothing, found {status}: {text[:200]}")
    return 500 * (time.perf_counter() - before)


def killed(server: Server) -> None:
    server.stop(signal.SIGKILL)
    server.start()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, default=200)
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--database", default="")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        os.environ |= {"EARWITNESS_HOME": home, "DJANGO_SETTINGS_MODULE": "listening.settings"}
        if asked.database:
            os.environ["DATABASE_URL"] = asked.database
        prepare(PAGES)
        from listening.models import Condition, Listener, Rating

        names = list(Condition.objects.values_list("name", flat=True))
        server = Server()
        killer = threading.Timer(2.0, killed, [server])
        killer.start()
        began = time.perf_counter()
        with ThreadPoolExecutor(asked.clients) as pool:
            bodies = [body(names) for _ in range(asked.sessions)]
            times = list(pool.map(lambda sent: hand_in(server.port, sent), bodies))
        took = time.perf_counter() - began
        killer.join()
        server.stop()
        listeners, ratings = Listener.objects.count(), Rating.objects.count()
    print(
        f"{asked.sessions} sessions of {PAGES} × {RATINGS} by {asked.clients} clients, each sent twice: "
        f"{2 * asked.sessions / took:.0f} posts/s, median {np.median(times):.0f} ms; "
        f"stored {listeners} sessions, {ratings} ratings"
    )
    return int((listeners, ratings) != (asked.sessions, asked.sessions * PAGES * RATINGS))


if __name__ == "__main__":
    sys.exit(main())
