"""See which reviews are open, fall due or left something to do; and remind of those that fall due."""

from __future__ import annotations

import getpass
import json
from argparse import ArgumentParser
from typing import Any

from listening import reminding
from listening.models import Action, Review
from models_registry.management.base import RefusingCommand, add_format


class Command(RefusingCommand):
    help = (
        "List open reviews, versions whose review falls due within two weeks, and open actions. With --remind mail the "
        "owners of the versions that fall due, once for each time; made to be run every day."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--remind", action="store_true", help="mail the owners")
        add_format(parser, "text", "json")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["remind"]:
            self._remind(options["format"])
            return
        found = listing()
        if options["format"] == "json":
            self.stdout.write(json.dumps(found, indent=2, ensure_ascii=False))
            return
        for one in found["open"]:
            self.stdout.write(f"open     {one['review']:>5}  {one['of']}  {one['title']}")
        for one in found["due"]:
            when = "overdue" if one["overdue"] else "due"
            self.stdout.write(f"{when:8} {one['version']}  {one['due'][:10]}")
        for one in found["actions"]:
            when = "late" if one["late"] else "to do"
            self.stdout.write(f"{when:8} {one['due']}  {one['owner']}: {one['text']}")
        if not any(found.values()):
            self.stdout.write("nothing is open, due or to be done")

    def _remind(self, form: str) -> None:
        told = reminding.remind(actor=getpass.getuser())
        rows = [
            {
                "version": str(one.mark.version),
                "due": one.mark.due_at.isoformat() if one.mark.due_at else None,
                "to": list(one.sent_to),
                "not_sent": one.not_sent,
            }
            for one in told
        ]
        if form == "json":
            self.stdout.write(json.dumps(rows, indent=2, ensure_ascii=False))
            return
        for one in told:
            said = (
                f"not sent: {one.not_sent}" if one.not_sent else f"sent to {', '.join(one.sent_to)}"
            )
            self.stdout.write(
                f"{one.mark.version}: {one.mark.label}, due {one.mark.due_at:%Y-%m-%d}, {said}"
            )
        if not told:
            self.stdout.write("nobody had to be reminded")


def listing() -> dict[str, list[dict[str, Any]]]:
    reviews = Review.objects.open().select_related("version__model", "campaign")
    actions = Action.objects.open().select_related("decision__reviewer__review")
    return {
        "open": [{"review": one.pk, "of": str(one.subject), "title": one.title} for one in reviews],
        "due": [
            {
                "version": str(mark.version),
                "due": mark.due_at.isoformat() if mark.due_at else "",
                "overdue": mark.is_overdue,
            }
            for mark in reminding.due()
        ],
        "actions": [
            {
                "action": one.pk,
                "review": one.review.pk,
                "text": one.text,
                "owner": one.owner,
                "due": one.due_on.isoformat(),
                "late": one.is_late,
            }
            for one in actions
        ],
    }
