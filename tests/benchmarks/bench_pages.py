"""How long a campaign's results take: computed when first asked for, and from what is kept.

Run: `python -m tests.benchmarks.bench_pages`. A campaign of 5,040 ratings is imported into a database of its own; each
page is asked for through Django's test client, without a server in between.
"""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path

HOME = tempfile.TemporaryDirectory()
os.environ["EARWITNESS_HOME"] = HOME.name
os.environ["DJANGO_SETTINGS_MODULE"] = "listening.settings"
os.environ.update({f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL")})

import django  # noqa: E402

PAGES = ("campaign", "campaign-metrics", "campaign-statistics")
# listeners, items, conditions
SIZES = {"usual": (20, 42, 6), "large": (250, 40, 10)}
METRICS = ("stoi", "si-sdr", "log-spectral-distance", "loudness", "level")
ROLES = ("ref=reference", "low=anchor35", "mid=anchor70")


def stored(name: str, size: tuple[int, int, int]) -> None:
    """A campaign of ratings whose every stimulus is a signal with scores; the signals have no samples."""
    from django.core.management import call_command

    from listening.models import Stimulus
    from metrics.models import Score
    from models_registry.models import Signal
    from tests.benchmarks.bench_analysis import campaign

    table = Path(HOME.name, f"{name}.csv")
    ratings = campaign(*size)
    ratings[["listener", "item", "condition", "rating"]].to_csv(table, index=False)
    call_command(
        "import_ratings", table, campaign=name, role=list(ROLES), simulated=True, verbosity=0
    )
    means = ratings.groupby(["item", "condition"])["rating"].mean()
    for number, stimulus in enumerate(Stimulus.objects.filter(trial__campaign__slug=name)):
        stimulus.signal = Signal.objects.create(
            sha256=f"{name}{number}".rjust(64, "0"), rate=48000, channels=1, frames=48000
        )
        stimulus.save()
        mean = means[stimulus.trial.item, stimulus.condition.name]
        Score.objects.bulk_create(
            Score(
                metric=metric,
                metric_version="1",
                signal=stimulus.signal,
                value=mean + 5 * k * ((7 * number + k) % 11 - 5),
                status="ok",
            )
            for k, metric in enumerate(METRICS)
        )
    print(f"{name}: {len(ratings):,} ratings, {len(METRICS)} metrics")


def main() -> None:
    django.setup()
    from django.contrib.auth.models import User
    from django.core.management import call_command
    from django.test import Client
    from django.urls import reverse

    call_command("migrate", verbosity=0)
    client = Client(headers={"host": "localhost"})
    client.force_login(User.objects.create_superuser("bench"))
    for name, size in SIZES.items():
        stored(name, size)
        for page in PAGES:
            times = []
            for headers in ({"HX-Request": "true"}, {}, {}, {}):
                begun = time.perf_counter()
                response = client.get(reverse(page, args=[name]), headers=headers)
                times.append(time.perf_counter() - begun)
                assert response.status_code == (204 if headers else 200), (page, response)
            first, *kept = (1000 * t for t in times)
            print(f"{page:24} first {first:8.0f} ms   from what is kept {min(kept):6.0f} ms")


if __name__ == "__main__":
    main()
