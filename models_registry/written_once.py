"""Rows that are written once: the manager refuses to change or delete them, as the database's triggers do after it.

A model whose manager is made of `WrittenOnce` says so; models_registry/triggers.py holds the database to it.
"""

from __future__ import annotations

from typing import Any, ClassVar

from django.apps import apps
from django.db import IntegrityError, models

# set in the statement that empties what is personal of a row
FORGOTTEN = "forgotten_at"


class WrittenOnceError(IntegrityError):
    """A change of what is written once; the message says of what, and what to do instead."""


class WrittenOnce:
    """What a `QuerySet` inherits first whose rows can be added and read, and no more.

    `may_change` are fields that say nothing of what was written; `once` those that are empty until they are written,
    such as a result; `personal` those that may be emptied together with
    setting `forgotten_at`, as only listening/forgetting.py does, after which a row may be deleted as well. Of rows that
    are `chained`, each names the hash of the one before.
    """

    may_change: ClassVar[tuple[str, ...]] = ()
    once: ClassVar[tuple[str, ...]] = ()
    personal: ClassVar[tuple[str, ...]] = ()
    chained: ClassVar[bool] = False
    model: Any
    filter: Any
    exclude: Any

    def update(self, **kwargs: Any) -> int:
        fixed = set(kwargs).difference(self.may_change)
        if self.personal and kwargs.get(FORGOTTEN):
            fixed -= {FORGOTTEN, *self.personal}
        for name in fixed.intersection(self.once):
            nothing = empty(self.model._meta.get_field(name))
            asked = {f"{name}__isnull": True} if nothing is None else {name: nothing}
            if not self.exclude(**asked).exists():
                fixed.discard(name)
        if fixed:
            raise self._refused(f"to be changed (in {', '.join(sorted(fixed))})")
        return int(super().update(**kwargs))  # type: ignore[misc]

    update.alters_data = True  # type: ignore[attr-defined]

    def delete(self) -> tuple[int, dict[str, int]]:
        if not self.personal or self.filter(**{FORGOTTEN: None}).exists():
            raise self._refused("to be deleted")
        done: tuple[int, dict[str, int]] = super().delete()  # type: ignore[misc]
        return done

    delete.alters_data = True  # type: ignore[attr-defined]
    delete.queryset_only = True  # type: ignore[attr-defined]

    def _refused(self, what: str) -> WrittenOnceError:
        way = "forget the listener" if self.personal else "add one that says what is so now"
        many = self.model._meta.verbose_name_plural
        return WrittenOnceError(f"{many} are written once: expected none {what}; {way} instead")


def empty(field: Any) -> Any:
    """What a field that is written once holds until then."""
    if field.null:
        return None
    return {} if isinstance(field, models.JSONField) else ""


def guarded() -> dict[type[models.Model], WrittenOnce]:
    """Every model whose rows are written once, with its rows."""
    known: dict[type[models.Model], object]
    known = {model: model._default_manager.all() for model in apps.get_models()}
    return {model: rows for model, rows in known.items() if isinstance(rows, WrittenOnce)}
