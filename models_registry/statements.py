"""The hand-written part of a version's card: what it is meant for, what it takes for granted, where not to trust it.

Statements are only added: the newest holds, and those before stay to be read.
"""

from __future__ import annotations

from django.db import transaction

from models_registry import audit
from models_registry.models import ModelStatement, ModelVersion

PARTS = ("intent", "assumptions", "caveats")
LONGEST = {"intent": 10_000, "assumptions": 10_000, "caveats": 10_000, "licence": 80}


class StatementError(ValueError):
    """A statement that cannot be written; the message says why."""


def write(
    version: ModelVersion,
    *,
    intent: str = "",
    assumptions: str = "",
    caveats: str = "",
    licence: str = "",
    actor: str,
) -> ModelStatement:
    """Keep the next statement on `version`; what is left empty stays as the statement before has it. A licence, by
    which the version may be used, need not be stated.

    Raises `StatementError` where a part is said nowhere, too long, or where nothing would change.
    """
    given = {
        "intent": intent.strip(),
        "assumptions": assumptions.strip(),
        "caveats": caveats.strip(),
        "licence": licence.strip(),
    }
    with transaction.atomic():
        # two at once are numbered one after the other
        ModelVersion.objects.select_for_update().get(pk=version.pk)
        before = latest(version)
        stood = {name: getattr(before, name) if before else "" for name in LONGEST}
        said = {name: given[name] or stood[name] for name in LONGEST}
        _check(said, stood, version)
        statement = ModelStatement.objects.create(
            version=version, number=before.number + 1 if before else 1, author=actor, **said
        )
        audit.record(
            "state",
            statement,
            actor=actor,
            reason=said["intent"],
            content={"version": version.sha256, "number": statement.number, **said},
        )
    return statement


def latest(version: ModelVersion) -> ModelStatement | None:
    """What holds of `version` now; None where nobody has said anything."""
    return version.statements.order_by("-number").first()


def parts_of(statement: ModelStatement) -> dict[str, str]:
    """The three texts by name."""
    return {name: getattr(statement, name) for name in PARTS}


def _check(said: dict[str, str], stood: dict[str, str], version: ModelVersion) -> None:
    if missing := [name for name in PARTS if not said[name]]:
        raise StatementError(
            f"expected intent, assumptions and caveats of {version}, found no {' and no '.join(missing)}: "
            "where none are known, say that"
        )
    for name, longest in LONGEST.items():
        if len(said[name]) > longest:
            raise StatementError(
                f"expected at most {longest} characters, found {len(said[name])} in {name}"
            )
    if said == stood:
        raise StatementError(
            f"expected something else than what is said of {version} already, found the same"
        )
