"""Triggers that keep rows as they were written, on SQLite and PostgreSQL, whoever writes: this code, another program,
or a person at the database's prompt.

`guard` in a model's migration installs them. They look at no other table, for SQLite refuses to rename a table that a
trigger elsewhere names, as Django does to alter one. It alters by building the table anew, and the triggers go with the
old one: such a migration ends with `guard` once more, and one that fills such a table works within `lifted`.

The database's owner can drop triggers, and no trigger can stop that. `manage.py verify` names each that is missing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.db import connection, migrations, models, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from models_registry.written_once import FORGOTTEN, empty, guarded

# what the first event of the record names as the hash before it
GENESIS = "0" * 64
# in every trigger's name, by which they are found
MARK = "_written_once_"
REFUSES, FOLLOWS = "earwitness_written_once", "earwitness_next_event"
NOT_NEXT = "an audit event is added after the last one, whose hash it names"
POSTGRESQL = (
    f"""CREATE OR REPLACE FUNCTION {REFUSES}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION USING MESSAGE = TG_ARGV[0], ERRCODE = 'integrity_constraint_violation';
END $$""",
    f"""CREATE OR REPLACE FUNCTION {FOLLOWS}() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE last_number bigint; last_sha256 text;
BEGIN
  EXECUTE format('SELECT number, sha256 FROM %I.%I ORDER BY number DESC LIMIT 1', TG_TABLE_SCHEMA, TG_TABLE_NAME)
    INTO last_number, last_sha256;
  IF NEW.number <> COALESCE(last_number, 0) + 1 OR NEW.previous_sha256 <> COALESCE(last_sha256, '{GENESIS}') THEN
    RAISE EXCEPTION USING MESSAGE = TG_ARGV[0], ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NEW;
END $$""",
)


def guard(
    app: str,
    name: str,
    *,
    may_change: Sequence[str] = (),
    once: Sequence[str] = (),
    personal: Sequence[str] = (),
    chained: bool = False,
) -> migrations.RunPython:
    """A migration's operation: install the triggers of a model as its columns then are (see `WrittenOnce`)."""

    def install(state: Any, editor: Any) -> None:
        model = state.get_model(app, name)
        made = triggers(
            editor.connection,
            model,
            may_change=may_change,
            once=once,
            personal=personal,
            chained=chained,
        )
        with editor.connection.cursor() as cursor:
            _drop(editor.connection, cursor, _there(editor.connection, model._meta.db_table))
            if editor.connection.vendor == "postgresql":
                for sql in POSTGRESQL:
                    cursor.execute(sql)
            for sql in made.values():
                cursor.execute(sql)

    def remove(state: Any, editor: Any) -> None:
        table = state.get_model(app, name)._meta.db_table
        with editor.connection.cursor() as cursor:
            _drop(editor.connection, cursor, _there(editor.connection, table))

    return migrations.RunPython(install, remove)


def triggers(
    database: BaseDatabaseWrapper,
    model: type[models.Model],
    *,
    may_change: Sequence[str] = (),
    once: Sequence[str] = (),
    personal: Sequence[str] = (),
    chained: bool = False,
) -> dict[str, str]:
    """The statements that make a model's triggers, by the triggers' names; none on any other kind of database."""
    if database.vendor not in ("sqlite", "postgresql"):
        return {}
    options, quoted = model._meta, database.ops.quote_name
    apart = {*may_change, *once, *personal, *((FORGOTTEN,) if personal else ())}
    # sorted: a migration's fields stand in another order
    fixed = sorted(str(one.column) for one in options.concrete_fields if one.name not in apart)
    many = f"{options.verbose_name_plural} are written once"
    made = [("update", f"UPDATE OF {', '.join(map(quoted, fixed))}", "", "none is changed")]
    for field in (one for one in options.concrete_fields if one.name in once):
        column, nothing = quoted(str(field.column)), empty(field)
        # PostgreSQL reads the literal as the column's type
        written = "IS NOT NULL" if nothing is None else f"<> '{nothing}'"
        when = f"OLD.{column} {written}"
        made.append((f"set_{field.name}", f"UPDATE OF {column}", when, "none is changed"))
    if personal:
        but, columns = "but where a listener is forgotten", (*personal, FORGOTTEN)
        changed = f"UPDATE OF {', '.join(map(quoted, columns))}"
        made += [
            ("forget", changed, f"NEW.{quoted(FORGOTTEN)} IS NULL", f"none is changed {but}"),
            ("delete", "DELETE", f"OLD.{quoted(FORGOTTEN)} IS NULL", f"none is deleted {but}"),
        ]
    else:
        made.append(("delete", "DELETE", "", "none is deleted"))
    if database.vendor == "postgresql":
        made.append(("truncate", "TRUNCATE", "", "the table is not emptied"))
    found = {
        f"{options.db_table}{MARK}{kind}": _trigger(
            database, options.db_table, kind, event, when, f"{many}: {words}"
        )
        for kind, event, when, words in made
    }
    if chained:
        when = _not_next(quoted(options.db_table)) if database.vendor == "sqlite" else ""
        found[f"{options.db_table}{MARK}insert"] = _trigger(
            database, options.db_table, "insert", "INSERT", when, NOT_NEXT
        )
    return found


def _trigger(
    database: BaseDatabaseWrapper, table: str, kind: str, event: str, when: str, words: str
) -> str:
    quoted = database.ops.quote_name
    head = f"CREATE TRIGGER {quoted(table + MARK + kind)} BEFORE {event} ON {quoted(table)}"
    condition = f" WHEN ({when})" if when else ""
    if database.vendor == "sqlite":
        return f"{head} FOR EACH ROW{condition} BEGIN SELECT RAISE(ABORT, '{words}'); END"
    each = "STATEMENT" if kind == "truncate" else "ROW"
    calls = FOLLOWS if kind == "insert" else REFUSES
    return f"{head} FOR EACH {each}{condition} EXECUTE FUNCTION {calls}('{words}')"


def _not_next(rows: str) -> str:
    """Whether an event does not follow the last one, or would take another's place, as SQLite's REPLACE does."""
    last = f"(SELECT sha256 FROM {rows} ORDER BY number DESC LIMIT 1)"
    return (
        f"NEW.number IS NOT (SELECT COALESCE(MAX(number), 0) + 1 FROM {rows}) "
        f"OR NEW.previous_sha256 IS NOT COALESCE({last}, '{GENESIS}') "
        f"OR EXISTS (SELECT 1 FROM {rows} WHERE id = NEW.id OR sha256 = NEW.sha256)"
    )


def missing() -> list[str]:
    """The triggers that should be there, and are not, or are other ones, or are switched off; by name."""
    there = _there(connection)
    found = []
    for model, rows in guarded().items():
        told = {
            "may_change": rows.may_change,
            "once": rows.once,
            "personal": rows.personal,
            "chained": rows.chained,
        }
        for name, sql in triggers(connection, model, **told).items():  # type: ignore[arg-type]
            # PostgreSQL gives its own wording back
            same = connection.vendor != "sqlite" or there.get(name, ("", ""))[1] == sql
            if name not in there or not same:
                found.append(name)
    return found


@contextmanager
def lifted() -> Iterator[None]:
    """Within, nothing is guarded: for a migration that fills such a table, and for tests. By the tables' owner only."""
    with transaction.atomic(), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            # a table with checks still to come cannot be altered
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        found = _there(connection)
        _drop(connection, cursor, found)
        yield
        if connection.vendor == "postgresql":
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for _, sql in found.values():
            cursor.execute(sql)


def _there(database: BaseDatabaseWrapper, table: str = "") -> dict[str, tuple[str, str]]:
    """The triggers that are installed and switched on, of one table or of all: by name its table and its statement."""
    asked = {
        "sqlite": "SELECT name, tbl_name, sql FROM sqlite_master WHERE type = 'trigger'",
        "postgresql": (
            "SELECT tgname, relname, pg_get_triggerdef(pg_trigger.oid) FROM pg_trigger "
            "JOIN pg_class ON pg_class.oid = tgrelid WHERE NOT tgisinternal AND tgenabled <> 'D'"
        ),
    }.get(database.vendor)
    if asked is None:
        return {}
    with database.cursor() as cursor:
        cursor.execute(asked)
        rows = cursor.fetchall()
    return {
        name: (of, sql) for name, of, sql in rows if MARK in name and (not table or of == table)
    }


def _drop(database: BaseDatabaseWrapper, cursor: Any, found: dict[str, tuple[str, str]]) -> None:
    quoted = database.ops.quote_name
    for name, (table, _) in found.items():
        of = f" ON {quoted(table)}" if database.vendor == "postgresql" else ""
        cursor.execute(f"DROP TRIGGER {quoted(name)}{of}")
