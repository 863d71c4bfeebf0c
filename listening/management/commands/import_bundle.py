"""Restore a campaign from a bundle, with its sounds, versions, sessions and ratings; everything or nothing."""

from __future__ import annotations

import getpass
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from listening.unbundling import import_bundle
from models_registry.management.base import RefusingCommand, add_project, project_of


class Command(RefusingCommand):
    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        add_project(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        campaign = import_bundle(
            options["file"], actor=getpass.getuser(), project=project_of(options)
        )
        self.stdout.write(
            f"{campaign.slug}: {campaign.sessions.count()} sessions restored: {campaign.get_absolute_url()}"
        )
