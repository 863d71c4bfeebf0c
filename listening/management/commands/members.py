"""Show who belongs to a project, give somebody another role there, or let them in or out."""

from __future__ import annotations

import getpass
import json
from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.models import User

from listening import joining
from models_registry.management.base import (
    Refused,
    RefusingCommand,
    add_format,
    add_project,
    project_of,
)
from models_registry.teams import Role

OUT = "out"


class Command(RefusingCommand):
    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_project(parser)
        parser.add_argument("--user", default="", metavar="NAME", help="whose role is to be set")
        parser.add_argument(
            "--role", choices=[*Role.values, OUT], help=f"{OUT}: belongs there no more"
        )
        add_format(parser, "text", "json")

    def handle(self, *args: Any, **options: Any) -> None:
        project = project_of(options)
        if bool(options["user"]) != bool(options["role"]):
            raise Refused("expected --user and --role together, found one of them")
        if options["user"]:
            user = User.objects.filter(username=options["user"]).first()
            if user is None:
                raise Refused(f"expected an account, found no {options['user']!r}")
            role = None if options["role"] == OUT else Role(options["role"])
            joining.set_role(project, user, role, actor=getpass.getuser())
        rows = [
            {"name": one.user.get_username(), "role": str(one.role)}
            for one in project.memberships.select_related("user")
        ]
        if options["format"] == "json":
            self.stdout.write(json.dumps({"project": project.slug, "members": rows}, indent=2))
            return
        self.stdout.write(f"{project.slug}: {project.name}, {len(rows)} members")
        for row in rows:
            self.stdout.write(f"{row['name']}: {row['role']}")
