"""What the commands about a campaign share."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from listening.models import Campaign
from models_registry.management.base import Refused, RefusingCommand


class CampaignCommand(RefusingCommand):
    """A command whose first argument names a campaign; `argument` is what its help says of it."""

    argument = "the campaign's slug"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("campaign", help=self.argument)

    def campaign(self, options: dict[str, Any]) -> Campaign:
        try:
            return Campaign.objects.get(slug=options["campaign"])
        except Campaign.DoesNotExist:
            known = ", ".join(Campaign.objects.values_list("slug", flat=True)) or "none"
            raise Refused(
                f"expected a campaign, found no {options['campaign']!r}; there are: {known}"
            ) from None
