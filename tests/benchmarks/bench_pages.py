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


def main() -> None:
    django.setup()
    from django.contrib.auth.models import User
    from django.core.management import call_command
    from django.test import Client
    from django.urls import reverse

    from tests.benchmarks.bench_analysis import campaign

    call_command("migrate", verbosity=0)
    ratings = Path(HOME.name, "ratings.csv")
    campaign(20, 42, 6)[["listener", "item", "condition", "rating"]].to_csv(ratings, index=False)
    roles = [
        f"{name}={role}"
        for name, role in (("ref", "reference"), ("low", "anchor35"), ("mid", "anchor70"))
    ]
    call_command(
        "import_ratings", ratings, campaign="bench", role=roles, simulated=True, verbosity=0
    )
    client = Client(headers={"host": "localhost"})
    client.force_login(User.objects.create_superuser("bench"))
    for name in PAGES:
        times = []
        for _ in range(4):
            begun = time.perf_counter()
            response = client.get(reverse(name, args=["bench"]))
            times.append(time.perf_counter() - begun)
            assert response.status_code == 200, (name, response.status_code)
        first, *kept = (1000 * t for t in times)
        print(f"{name:24} first {first:8.0f} ms   from what is kept {min(kept):6.0f} ms")


if __name__ == "__main__":
    main()
