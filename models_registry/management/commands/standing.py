"""See where a version stands, or take it further: candidate, approved, rejected, retired, or let in all the same."""

from __future__ import annotations

import getpass
import json
from argparse import ArgumentParser
from typing import Any

from models_registry import standing
from models_registry.management.base import Refused, RefusingCommand, add_format
from models_registry.models import ModelVersion, Standing

ACTS = {
    "nominate": standing.nominate,
    "approve": standing.approve,
    "reject": standing.reject,
    "retire": standing.retire,
    "allow": standing.allow,
}


class Command(RefusingCommand):
    help = (
        "Print where a version stands and what was done to it; with --act, --actor and --reason do the next thing: "
        "nominate a draft, approve or reject a candidate, retire it, or allow a barred version into one campaign. With "
        "--review-every let approvals of its model fall due for review."
    )
    refuses = (ValueError, ModelVersion.DoesNotExist)

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("version", metavar="MODEL[@N]", help="without @N: its latest version")
        parser.add_argument("--act", choices=ACTS, help="what to do")
        parser.add_argument("--actor", default="", metavar="NAME", help="who does it")
        parser.add_argument("--reason", default="", help="why, for the record")
        parser.add_argument(
            "--review-every",
            metavar="DAYS",
            type=int,
            help="let a review of the model's approved versions fall due after so many days; 0: never",
        )
        add_format(parser, "text", "json")

    def handle(self, *args: Any, **options: Any) -> None:
        version = ModelVersion.objects.named(options["version"])
        given = {"actor": options["actor"], "reason": options["reason"]}
        if any(given.values()) and not options["act"] and options["review_every"] is None:
            raise Refused(
                "expected --act or --review-every beside --actor and --reason, found none"
            )
        if options["review_every"] is not None:
            standing.review_every(version.model, options["review_every"] or None, **given)
        if options["act"]:
            if options["act"] == "approve":
                # whatever name is given, somebody sits at this shell
                standing.check_approver(version, getpass.getuser())
            ACTS[options["act"]](version, **given)
        mark, acts = standing.of(version), standing.history(version)
        if options["format"] == "json":
            self.stdout.write(json.dumps(_as_data(mark, acts), indent=2, ensure_ascii=False))
            return
        due = f", review due {mark.due_at:%Y-%m-%d}" if mark.due_at else ""
        self.stdout.write(f"{version}: {mark.label}{due}")
        if mark.why_barred:
            self.stdout.write(f"not for new campaigns: {mark.why_barred}")
        for one in acts:
            self.stdout.write(f"{one.at:%Y-%m-%d %H:%M}  {one.act} by {one.actor}: {one.reason}")


def _as_data(mark: standing.Mark, acts: list[Standing]) -> dict[str, Any]:
    return {
        "version": str(mark.version),
        "state": mark.state,
        "rejected": mark.is_rejected,
        "overdue": mark.is_overdue,
        "due": mark.due_at.isoformat() if mark.due_at else None,
        "barred": mark.why_barred,
        "acts": [
            {
                "act": one.act,
                "state": one.state,
                "actor": one.actor,
                "reason": one.reason,
                "sha256": one.sha256,
                "at": one.at.isoformat(),
            }
            for one in acts
        ],
    }
