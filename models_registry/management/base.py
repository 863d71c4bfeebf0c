"""What the project's commands share."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any, ClassVar

from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError, ProgrammingError

from models_registry.teams import Project

# how SQLite and PostgreSQL say that a table is not there
MISSING_TABLE = ("no such table:", "does not exist")


class Refused(CommandError):
    """Bad input: one sentence on stderr and exit code 2."""

    def __init__(self, message: str) -> None:
        super().__init__(message, returncode=2)


class RefusingCommand(BaseCommand):
    """A command that answers its rooms' own errors with one sentence and exit code 2."""

    refuses: ClassVar[tuple[type[Exception], ...]] = (ValueError,)

    def execute(self, *args: Any, **options: Any) -> str | None:
        try:
            return super().execute(*args, **options)
        except CommandError:
            raise
        except self.refuses as error:
            raise Refused(str(error)) from error
        except (OperationalError, ProgrammingError) as error:
            if any(words in str(error) for words in MISSING_TABLE):
                raise Refused(
                    "expected a database with its tables, found none: run `python manage.py migrate` first"
                ) from error
            raise


def add_format(parser: ArgumentParser, *choices: str) -> None:
    """The option every listing command has."""
    parser.add_argument(
        "--format", choices=choices, default=choices[0], help=f"default: {choices[0]}"
    )


def add_project(parser: ArgumentParser) -> None:
    """The option of every command that makes something."""
    parser.add_argument(
        "--project",
        default="",
        metavar="SLUG",
        help="the project that it is to belong to (default: the first)",
    )


def project_of(options: dict[str, Any]) -> Project:
    """The project that `add_project` asked for."""
    if not options["project"]:
        return Project.objects.operators()
    found = Project.objects.filter(slug=options["project"]).first()
    if found is None:
        known = ", ".join(Project.objects.values_list("slug", flat=True)) or "none"
        raise Refused(f"expected a project, found no {options['project']!r}; there are: {known}")
    return found


def key_values(pairs: list[str], option: str) -> dict[str, str]:
    """The texts `key=value` of a repeated option as a mapping."""
    for pair in pairs:
        if "=" not in pair:
            raise Refused(f"expected {option}, found {pair!r}")
    return dict(pair.split("=", 1) for pair in pairs)
