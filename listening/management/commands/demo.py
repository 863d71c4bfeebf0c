"""Run the whole loop once: train, render, listen, score, correlate, export; then serve the site."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError

from listening import demonstration as steps
from listening.analysis.report import correlate
from listening.evidence import ratings_frame, scores_frame
from listening.exporting import export
from listening.models import Campaign
from listening.rehearsal import FOLLOWED_METRIC, rehearse
from listening.scoring import score_campaign
from models_registry.jobs import Stopped
from models_registry.management.base import Refused, RefusingCommand
from models_registry.management.progress import bar

ACTOR = "demo"
LISTENERS = {"mushra": 20, "abx": 12}
# of the many, those that a newcomer has heard of
SHOWN_METRICS = (FOLLOWED_METRIC, "peaq-odg", "2f-model", "lsd", "si-sdr", "pesq-wb", "stoi")


class Command(RefusingCommand):
    help = (
        "Run the loop end to end on recordings or built-in instruments, then serve the site. "
        "Can be run again without harm."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--quick", action="store_true", help="train for seconds, not minutes")
        parser.add_argument("--no-serve", action="store_true", help="stop when all is made")
        parser.add_argument("--audio", type=Path, metavar="DIR", help="your own dry recordings")
        parser.add_argument(
            "--port", type=int, default=8000, help="of the site that opens (default: 8000)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if not 0 < options["port"] < 65536:
            raise Refused(f"expected a port from 1 to 65535, found {options['port']}")
        call_command("migrate", verbosity=0)
        self.step("database", settings.DATABASES["default"]["NAME"])
        owner, password = steps.researcher()
        self.step(
            "account",
            f"{owner.username}" + (f", password {password} (shown once)" if password else ""),
        )
        pairs = steps.sources(options["audio"])
        self.step(
            "sources", f"{len(pairs)} items, dry and through the overdrive: " + ", ".join(pairs)
        )
        versions = [self.trained(name, quick=options["quick"]) for name in steps.RECIPES]
        with bar("render") as report:
            items = steps.rendered(pairs, versions, actor=ACTOR, report=report)
        self.step("render", f"{len(items) * len(versions)} renderings")
        campaigns = steps.campaigns(items, versions, owner=owner, actor=ACTOR)
        for campaign in campaigns:
            self.fill(campaign)
        for campaign in campaigns:
            self.evidence(campaign)
        self.step("record", f"last event {steps.recorded(ACTOR)}")
        self.tell(campaigns, options)
        if not options["no_serve"]:
            call_command("runserver", f"127.0.0.1:{options['port']}", use_reloader=False)

    def step(self, name: str, text: str) -> None:
        self.stdout.write(f"{name:<10} {text}")

    def trained(self, name: str, *, quick: bool) -> Any:
        try:
            with bar(f"train {name}") as report:
                version = steps.version(name, quick=quick, actor=ACTOR, report=report)
                report(1, "")
        except Stopped as stopped:
            raise CommandError(f"{name}: {stopped}") from stopped
        error = version.card["validation"]
        self.step(
            "train",
            f"{version}: error-to-signal ratio {error['error_to_signal_ratio']:.3f} on unseen clips "
            f"(best linear filter {error['best_linear_fir_error_to_signal_ratio']:.3f}), "
            f"hash {version.sha256[:12]}",
        )
        return version

    def fill(self, campaign: Campaign) -> None:
        with bar(f"score {campaign.slug}") as report:
            written = score_campaign(campaign, actor=ACTOR, progress=report)
            report(1, "")
        self.step("score", f"{campaign.slug}: {written} new scores")
        with bar(f"listen {campaign.slug}") as report:
            added = rehearse(
                campaign,
                listeners=LISTENERS[campaign.method],
                seed=steps.SEED,
                actor=ACTOR,
                progress=report,
            )
        self.step(
            "listen",
            f"{campaign.slug}: {added} new SIMULATED listeners, whose taste follows {FOLLOWED_METRIC}",
        )

    def evidence(self, campaign: Campaign) -> None:
        ratings, scores = ratings_frame(campaign), scores_frame(campaign)
        self.stdout.write(
            "\n" + campaign.protocol.analyse(ratings, screening=campaign.rule).to_text()
        )
        if campaign.method == "mushra":
            shown = scores[scores["metric"].isin(SHOWN_METRICS)]
            self.stdout.write(correlate(ratings, shown, screening=campaign.rule).to_text())
            self.step("correlate", f"python manage.py correlate {campaign.slug} gives every metric")
        folder = settings.HOME / "exports"
        folder.mkdir(exist_ok=True)
        for suffix in ("csv", "json", "xlsx"):
            path = folder / f"{campaign.slug}.{suffix}"
            export(campaign, path, actor=ACTOR)
            self.step("export", str(path))

    def tell(self, campaigns: tuple[Campaign, ...], options: dict[str, Any]) -> None:
        site = f"http://127.0.0.1:{options['port']}"
        self.stdout.write("")
        for campaign in campaigns:
            self.step("listen at", f"{site}/t/{campaign.slug}/")
            self.step("results", f"{site}{campaign.get_absolute_url()}")
        self.step("files", str(settings.HOME))
        if options["no_serve"]:
            self.step("serve", f"python manage.py runserver {options['port']}")
