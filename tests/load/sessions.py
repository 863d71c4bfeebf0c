"""Complete sessions posted by 1, 8 and 32 clients to a running server, one of them killed in the middle.

    python -m tests.load.sessions [--sessions 60] [--clients 1 8 32] [--killed 8] [--pages 10] [--database postgres://…]

starts gunicorn on the loopback with a home of its own, lets clients go through whole MUSHRA sessions (10 pages of 8
ratings), and checks in the database that every acknowledged answer is stored exactly once. Then it kills the server
(SIGKILL) in the middle of a last round of so many clients (0: no such round), starts it again and lets the clients send
on, as browsers do. It prints what it measured, the first fifty sessions beside the last fifty, and exits with 1 if an
answer is missing or doubled. Not part of the tests: it measures a machine. Where SQLite's file lies is TMPDIR's affair.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent.parent
CLIENTS = (1, 8, 32)
# enough to be in the middle of something
KILLED_SESSIONS = 60
FIFTY = 50
RATINGS = 8
PATIENCE_S = 60.0


def prepare(pages: int) -> None:
    """In the server's database: a campaign of `pages` items with eight signals to rate each."""
    import django

    django.setup()
    from django.core.management import call_command

    from listening.models import Campaign, Condition, Stimulus, Trial
    from tests.factories import ROLES, Role, stored_tone

    call_command("migrate", verbosity=0)
    campaign = Campaign.objects.create(slug="load", title="Load", method="mushra")
    names = [*ROLES, *(f"system {n}" for n in range(RATINGS - len(ROLES)))]
    conditions = [
        Condition.objects.create(campaign=campaign, name=name, role=ROLES.get(name, Role.SYSTEM))
        for name in names
    ]
    for number in range(1, pages + 1):
        tones = [stored_tone(300 + 10 * number + n, duration=0.5) for n in range(RATINGS)]
        trial = Trial.objects.create(
            campaign=campaign, number=number, item=f"item {number}", reference=tones[0]
        )
        for condition, tone in zip(conditions, tones, strict=True):
            Stimulus.objects.create(trial=trial, condition=condition, signal=tone)
    campaign.launch(actor="load")


def stored() -> dict[str, int]:
    """How many ratings follow from each response in the database."""
    from django.db.models import Count

    from listening.models import Response

    counted = Response.objects.annotate(n=Count("ratings")).values_list("pk", "n")
    return {str(pk): n for pk, n in counted}


class Server:
    """gunicorn on a free port of the loopback."""

    def __init__(self) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.start()

    def start(self) -> None:
        command = [sys.executable, "-m", "gunicorn", "--chdir", str(ROOT), "--workers", "2"]
        command += ["--threads", "8", "--worker-class", "gthread", "--log-level", "error"]
        command += ["--bind", f"127.0.0.1:{self.port}", "listening.wsgi"]
        # a group of its own, so that its workers die with it
        self.process = subprocess.Popen(command, process_group=0)
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            try:
                # an answer: the socket is there before any worker is
                asked = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
                asked.request("GET", "/t/none/")
                asked.getresponse()
                return
            except OSError:
                time.sleep(0.1)
        raise TimeoutError(f"expected gunicorn to answer within {PATIENCE_S:g} s")

    def stop(self, sent: signal.Signals = signal.SIGTERM) -> None:
        os.killpg(self.process.pid, sent)
        self.process.wait(timeout=30)


class Browser:
    """A client that sends again what was not acknowledged."""

    def __init__(self, port: int) -> None:
        self.port, self.resent = port, 0
        self.connection: http.client.HTTPConnection | None = None

    def ask(
        self, method: str, path: str, body: bytes = b"", kind: str = ""
    ) -> tuple[int, str, str]:
        """Status, text and Location of the reply, however often it takes."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                if self.connection is None:
                    self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
                headers = {"Content-Type": kind} if kind else {}
                self.connection.request(method, path, body, headers)
                reply = self.connection.getresponse()
                text = reply.read().decode()
                if reply.status < 500:
                    return reply.status, text, reply.headers.get("Location", "")
            except (OSError, http.client.HTTPException):
                self.connection = None
            if time.monotonic() > deadline:
                raise TimeoutError(f"expected a reply to {method} {path} within {PATIENCE_S:g} s")
            self.resent += 1
            time.sleep(0.1)


def sit_through(port: int, acknowledged: set[str], lock: threading.Lock) -> list[float]:
    """A whole session; returns how long each answer took, in ms."""
    browser = Browser(port)
    times: list[float] = []
    browser.ask("GET", "/t/load/")
    _, _, session = browser.ask("POST", "/t/load/", kind="application/x-www-form-urlencoded")
    while True:
        _, html, _ = browser.ask("GET", session)
        found = re.search(r'id="for-player"[^>]*>(.*?)</script>', html)
        if found is None:
            return times
        page = json.loads(found.group(1))
        for slot in page["slots"][1:]:
            answer = {"id": str(uuid.uuid4()), "page": page["page"], "slot": slot["token"]}
            body = json.dumps(answer | {"value": 50}).encode()
            before = time.perf_counter()
            status, text, _ = browser.ask("POST", page["responses"], body, "application/json")
            times.append(1000 * (time.perf_counter() - before))
            if status != 200:
                raise AssertionError(f"expected an acknowledgement, found {status}: {text}")
            with lock:
                acknowledged.add(str(answer["id"]))
        browser.ask("POST", page["finish"])


def spread(times: np.ndarray) -> str:
    """Median, mean and 95th percentile of what answers took."""
    return (
        f"{np.median(times):.1f} ms (mean {times.mean():.1f}, 95 % {np.percentile(times, 95):.0f})"
    )


def run_round(server: Server, clients: int, sessions: int, acknowledged: set[str]) -> None:
    lock, before = threading.Lock(), time.perf_counter()
    with ThreadPoolExecutor(clients) as pool:
        jobs = [pool.submit(sit_through, server.port, acknowledged, lock) for _ in range(sessions)]
        times = [job.result() for job in jobs]
    took = time.perf_counter() - before
    answers = np.concatenate(times)
    few = FIFTY if sessions >= 4 * FIFTY else max(1, sessions // 10)
    first, last = np.concatenate(times[:few]), np.concatenate(times[-few:])
    print(
        f"{clients:3} clients: {sessions} sessions, {answers.size} answers in {took:.1f} s, "
        f"{answers.size / took:.0f} answers/s; median {np.median(answers):.0f} ms, "
        f"95 % {np.percentile(answers, 95):.0f} ms, longest {answers.max():.0f} ms; "
        f"first {few} sessions {spread(first)}, last {few} {spread(last)}",
        flush=True,
    )


def killed_round(server: Server, clients: int, sessions: int, acknowledged: set[str]) -> None:
    """Kill the server in the middle, and start it again."""
    start, reached = len(acknowledged), 0

    def kill() -> None:
        nonlocal reached
        while len(acknowledged) - start < sessions * RATINGS * 2:
            time.sleep(0.01)
        server.stop(signal.SIGKILL)
        reached = len(acknowledged) - start
        server.start()

    killer = threading.Thread(target=kill)
    killer.start()
    run_round(server, clients, sessions, acknowledged)
    killer.join()
    print(
        f"    killed (SIGKILL) after {reached} acknowledged answers of that round, and started again"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sessions", type=int, default=60, help="in each round")
    parser.add_argument("--clients", type=int, nargs="*", default=CLIENTS, help="at once, by round")
    parser.add_argument("--killed", type=int, default=8, help="clients of the round with a kill")
    parser.add_argument("--pages", type=int, default=10)
    parser.add_argument(
        "--database", help="an empty database, as in DATABASE_URL (default: SQLite)"
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        os.environ |= {"EARWITNESS_HOME": home, "DJANGO_SETTINGS_MODULE": "listening.settings"}
        os.environ |= {"DATABASE_URL": options.database} if options.database else {}
        prepare(options.pages)
        server, acknowledged = Server(), set[str]()
        try:
            for clients in options.clients:
                run_round(server, clients, options.sessions, acknowledged)
            if options.killed:
                sessions = min(options.sessions, KILLED_SESSIONS)
                killed_round(server, options.killed, sessions, acknowledged)
        finally:
            server.stop()
        found = stored()
    lost = [one for one in acknowledged if one not in found]
    doubled = [one for one, ratings in found.items() if ratings != 1]
    print(
        f"{len(acknowledged)} acknowledged, {len(found)} stored, {len(lost)} lost, "
        f"{len(doubled)} without exactly one rating"
    )
    return 1 if lost or doubled else 0


if __name__ == "__main__":
    sys.exit(main())
