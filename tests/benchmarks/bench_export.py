"""How long a large campaign's table of ratings takes, and how much memory, written part by part.

Run: `python -m tests.benchmarks.bench_export [RATINGS]`. Listeners of 20 pages by 5 ratings are put into a database of
their own; each size is written by a process of its own, whose peak of memory is what it reports.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from uuid import uuid4

# five conditions each
ITEMS = 20
RATINGS_EACH = 5 * ITEMS


def fill(listeners: int) -> None:
    """A MUSHRA campaign of simulated listeners, each with a rating of every stimulus."""
    from django.core.management import call_command
    from django.db import transaction

    from listening.models import Listener, Page, Rating, Response, Session, Slot
    from tests.factories import mushra_campaign

    call_command("migrate", verbosity=0)
    campaign = mushra_campaign(items=ITEMS)
    trials = {trial: list(trial.stimuli.all()) for trial in campaign.trials.all()}
    with transaction.atomic():
        for number in range(listeners):
            code = f"sim-{number}"
            listener = Listener.objects.create(campaign=campaign, code=code, simulated=True)
            session = Session.objects.create(listener=listener, campaign=campaign, seed=number)
            pages = Page.objects.bulk_create(
                Page(session=session, trial=trial, number=place)
                for place, trial in enumerate(trials, start=1)
            )
            answers = Response.objects.bulk_create(
                Response(id=uuid4(), page=page, body={}) for page in pages
            )
            shown = list(zip(pages, answers, trials.values(), strict=True))
            Slot.objects.bulk_create(
                Slot(page=page, stimulus=stimulus, position=position, label=str(position))
                for page, _, stimuli in shown
                for position, stimulus in enumerate(stimuli)
            )
            Rating.objects.bulk_create(
                Rating(response=answer, page=page, stimulus=stimulus, value=50.0, detail={})
                for page, answer, stimuli in shown
                for stimulus in stimuli
            )


def write() -> None:
    from listening.exporting import export
    from listening.models import Campaign, Rating

    path = Path(os.environ["EARWITNESS_HOME"], "ratings.csv")
    begun = time.perf_counter()
    export(Campaign.objects.get(), path, actor="bench")
    took = time.perf_counter() - begun
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    count = Rating.objects.count()
    size = path.stat().st_size / 1e6
    mapped = mapped_mb()
    print(
        f"{count:9,} ratings: {took:6.1f} s, {size:6.0f} MB of CSV, peak {peak:5.0f} MB, "
        f"{mapped:.0f} MB of it the database and libraries as mapped files"
    )


def mapped_mb() -> float:
    """What of this process's memory is files that the system may take back, such as SQLite's (up to its mmap_size)."""
    status = Path("/proc/self/status")
    if not status.exists():
        return 0.0
    fields = dict(line.split(":", 1) for line in status.read_text().splitlines())
    return float(fields["RssFile"].split()[0]) / 1024


def main() -> None:
    most = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    for ratings in (most // 100, most // 10, most):
        with tempfile.TemporaryDirectory() as home:
            environment = os.environ | {
                "EARWITNESS_HOME": home,
                "DJANGO_SETTINGS_MODULE": "listening.settings",
                "LISTENERS": str(ratings // RATINGS_EACH),
            }
            for act in ("fill", "write"):
                command = [sys.executable, "-m", "tests.benchmarks.bench_export", act]
                subprocess.run(command, env=environment, check=True)


if __name__ == "__main__":
    if sys.argv[1:] in (["fill"], ["write"]):
        import django

        django.setup()
        if sys.argv[1] == "fill":
            fill(int(os.environ["LISTENERS"]))
        else:
            write()
    else:
        main()
