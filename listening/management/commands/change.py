"""Change how many listeners a running campaign wants, in all or of a group, and when; a launch freezes the rest."""

from __future__ import annotations

import getpass
from argparse import ArgumentParser, ArgumentTypeError
from datetime import UTC, datetime
from typing import Any

from listening.management.base import CampaignCommand
from listening.revising import change
from models_registry.management.base import Refused, key_values

NONE = "none"


def quota(text: str) -> int | None:
    if text != NONE and not (text.isdecimal() and int(text) > 0):
        raise ArgumentTypeError(f"expected a number above 0, or {NONE}, found {text!r}")
    return None if text == NONE else int(text)


def of_group(text: str) -> int | None:
    if text != NONE and not text.isdecimal():
        raise Refused(f"expected a number for a group, or {NONE}, found {text!r}")
    return None if text == NONE else int(text)


def moment(text: str) -> datetime | None:
    """ISO 8601; UTC where nothing else is said."""
    if text == NONE:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise ArgumentTypeError(f"expected a date and time, or {NONE}, found {text!r}") from error
    return found if found.tzinfo else found.replace(tzinfo=UTC)


class Command(CampaignCommand):
    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        asked = {"quota": quota, "opens": moment, "closes": moment}
        for name, kind in asked.items():
            parser.add_argument(f"--{name}", type=kind, default=..., help=f"or {NONE}")
        parser.add_argument(
            "--group",
            action="append",
            default=[],
            metavar="NAME=N",
            help=f"how many of a group, or {NONE} for no quota; may be given again for others",
        )
        parser.add_argument("--reason", required=True, help="it goes into the record")

    def handle(self, *args: Any, **options: Any) -> None:
        campaign = self.campaign(options)
        keys = {"quota": "quota", "opens": "opens_at", "closes": "closes_at"}
        asked = {key: options[name] for name, key in keys.items() if options[name] is not ...}
        if groups := key_values(options["group"], "--group NAME=N"):
            asked["group_quotas"] = {name: of_group(text) for name, text in groups.items()}
        changed = change(campaign, asked, reason=options["reason"], actor=getpass.getuser())
        for key, before in changed.items():
            self.stdout.write(f"{campaign.slug}: {key} was {before}, is {getattr(campaign, key)}")
        if not changed:
            self.stdout.write(f"{campaign.slug}: nothing differs")
