"""What is written once is neither changed nor deleted: not by the code, not by SQL, on either database."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from pathlib import Path

import pytest
from django.apps import apps
from django.db import IntegrityError, connection, models, transaction

from listening import previewing
from listening.forgetting import forget
from listening.models import Listener, Page, Rating, Response, Session, Stimulus
from metrics.models import Score
from models_registry import audit, triggers
from models_registry.models import (
    Allowance,
    AudioModel,
    AuditEvent,
    Job,
    ModelVersion,
    Rendering,
    Study,
    TrainingRun,
)
from models_registry.written_once import WrittenOnceError, guarded
from tests.factories import here, mushra_campaign, stored_tone

pytestmark = pytest.mark.django_db
NAMES = sorted(model.__name__ for model in guarded())


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def rows() -> dict[str, models.Model]:
    """One of each kind that is written once."""
    campaign = mushra_campaign(items=1)
    model = AudioModel.objects.create(name="drive", title="Drive")
    job = Job.objects.create(kind="train")
    run = TrainingRun.objects.create(model=model, recipe={}, seed=1, reason="why", job=job)
    version = ModelVersion.objects.register(
        model, chain={}, weights=b"w", card={}, reason="why", run=run
    )
    signal = stored_tone(300)
    listener = Listener.objects.create(campaign=campaign, code="L")
    session = Session.objects.create(listener=listener, campaign=campaign, seed=1)
    page = Page.objects.create(session=session, trial=campaign.trials.get(), number=1)
    response = Response.objects.create(id=uuid.uuid4(), page=page, body={"comment": "loud"})
    stimulus = Stimulus.objects.filter(trial=page.trial).earliest("pk")
    made = [
        audit.record("note", "thing", actor="alice"),
        signal,
        run,
        version,
        Rendering.objects.create(version=version, input=signal, output=stored_tone(400)),
        Score.objects.create(metric="m", metric_version="1", signal=signal, value=1, status="ok"),
        response,
        Rating.objects.create(response=response, page=page, stimulus=stimulus, value=50),
    ]
    return {type(row).__name__: row for row in made}


def test_the_rows_that_the_house_writes_once_are_guarded(rows):
    assert {"AuditEvent", "ModelVersion", "Rating", "Rendering", "Response", "Score"} <= {*NAMES}
    assert {*rows} <= {*NAMES}
    assert triggers.missing() == []


def test_the_code_refuses_with_a_sentence(rows):
    for model, row in ((type(row), row) for row in rows.values()):
        kept = model._default_manager.filter(pk=row.pk)
        column = next(one.name for one in model._meta.concrete_fields if not one.primary_key)
        with pytest.raises(WrittenOnceError, match="are written once: expected none to be changed"):
            kept.update(**{column: getattr(row, column)})
        with pytest.raises(WrittenOnceError, match="are written once: expected none to be deleted"):
            kept.delete()
        assert kept.count() == 1


def test_a_row_in_hand_can_neither_be_saved_again_nor_deleted(rows):
    for row in rows.values():
        for act in (row.save, row.delete):
            with pytest.raises((IntegrityError, models.ProtectedError)), transaction.atomic():
                act()
        assert type(row)._default_manager.filter(pk=row.pk).exists()


def test_the_database_refuses_every_column_that_was_written(rows):
    for row in rows.values():
        quoted = connection.ops.quote_name
        kept = guarded()[type(row)]
        for field in row._meta.concrete_fields:
            column = quoted(field.column)
            same = f"UPDATE {quoted(row._meta.db_table)} SET {column} = {column}"
            if field.name in kept.may_change:
                assert _sql(same) >= 1
                continue
            with pytest.raises(IntegrityError, match="are written once: none is changed"):
                _sql(same)


def test_the_database_deletes_nothing(rows):
    for row in rows.values():
        with pytest.raises(IntegrityError, match="are written once: none is deleted"):
            _sql(f"DELETE FROM {connection.ops.quote_name(row._meta.db_table)}")


@pytest.mark.parametrize(
    ("number", "follows"), [(1, True), (2, False), (3, True), (2, True)], ids=str
)
def test_the_database_takes_an_event_only_after_the_last_one(number, follows):
    last = audit.record("note", "one", actor="alice")
    previous = last.sha256 if follows else "f" * 64
    made = AuditEvent(
        number=number, at="", actor="m", act="n", previous_sha256=previous, sha256="a"
    )
    if (number, follows) == (2, True):
        made.save(force_insert=True)
        return
    with pytest.raises(IntegrityError, match="added after the last one"), transaction.atomic():
        made.save(force_insert=True)


@pytest.mark.skipif(connection.vendor != "sqlite", reason="REPLACE is SQLite's")
def test_replace_puts_no_event_in_anothers_place():
    first, last = (audit.record("note", f"{n}", actor="alice") for n in range(2))
    with pytest.raises(IntegrityError, match="added after the last one"):
        _sql(
            "INSERT OR REPLACE INTO models_registry_auditevent "
            "(id, number, at, actor, act, subject, reason, content, previous_sha256, sha256) "
            f"VALUES ({first.pk}, 3, '', 'm', 'n', '', '', '{{}}', '{last.sha256}', 'a')"
        )


@pytest.mark.skipif(connection.vendor != "postgresql", reason="TRUNCATE is PostgreSQL's")
def test_no_table_is_emptied_at_once(rows):
    _sql("SET CONSTRAINTS ALL IMMEDIATE")
    for row in rows.values():
        with pytest.raises(IntegrityError, match="the table is not emptied"):
            _sql(f"TRUNCATE {connection.ops.quote_name(row._meta.db_table)} CASCADE")


def test_what_is_personal_goes_only_where_its_row_says_so(rows):
    response = Response.objects.filter(pk=rows["Response"].pk)
    with pytest.raises(WrittenOnceError, match="forget the listener instead"):
        response.update(body={})
    with pytest.raises(WrittenOnceError):
        response.delete()
    forget(rows["Rating"].page.session.listener, actor="alice")
    kept = Response.objects.get()
    assert "comment" not in kept.body
    assert kept.forgotten_at
    with pytest.raises(IntegrityError, match="but where a listener is forgotten"):
        _sql("UPDATE listening_response SET forgotten_at = NULL")
    with pytest.raises(IntegrityError, match="none is changed"):
        _sql("UPDATE listening_rating SET value = 99")


def test_ratings_that_are_to_go_go_and_so_do_previews(rows):
    listener = rows["Rating"].page.session.listener
    forget(listener, ratings="delete", actor="alice")
    assert not Rating.objects.exists()
    campaign = mushra_campaign(slug="looked-at", items=1)
    session = previewing.session_at(campaign, 1)
    Response.objects.create(id=uuid.uuid4(), page=session.pages.get(number=1), body={})
    previewing.discard(campaign)
    assert not Response.objects.exists()


def test_what_says_nothing_of_what_was_written_may_change(rows):
    AuditEvent.objects.update(project=here())
    TrainingRun.objects.update(history=[{"step": 1}])
    assert list(audit.breaks_in_chain()) == []


def test_lifted_lets_everything_pass_and_puts_everything_back(rows):
    with triggers.lifted():
        assert len(triggers.missing()) > 15
        _sql("UPDATE models_registry_signal SET title = 'another'")
    assert triggers.missing() == []
    with pytest.raises(IntegrityError):
        _sql("UPDATE models_registry_signal SET title = 'a third'")


def test_a_trigger_that_was_dropped_is_missed():
    name = "models_registry_signal_written_once_delete"
    of = " ON models_registry_signal" if connection.vendor == "postgresql" else ""
    _sql(f"DROP TRIGGER {name}{of}")
    assert triggers.missing() == [name]


def test_all_this_holds_on_postgresql_as_well(tmp_path):
    address = os.environ.get("EARWITNESS_TEST_POSTGRESQL", "")
    if not address:
        pytest.skip("set EARWITNESS_TEST_POSTGRESQL to the address of a database to test there")
    if os.environ.get("DATABASE_URL") == address:
        return
    found = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", __file__],
        env=os.environ | {"DATABASE_URL": address, "EARWITNESS_HOME": str(tmp_path)},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 0, found.stdout


def _sql(statement: str) -> int:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.rowcount


# what may change, and what else keeps it honest; every model stands here or is guarded
CHANGEABLE = {
    "AudioModel": "its title and how often it is reviewed may change; each change of the latter is an event",
    "Action": "is done later than it is asked for; both are events",
    "Campaign": "is edited while a draft; its launch is held to it by verify",
    "Certificate": "is withdrawn where a listener is forgotten",
    "Check": "goes where a listener is forgotten",
    "Condition": "is edited while its campaign is a draft; its launch is held to it by verify",
    "Entry": "a link that is used or taken back; both are events",
    "Invitation": "goes where a listener is forgotten",
    "Job": "moves while it is worked on; a bad end is an event",
    "Listener": "loses its codes where it is forgotten",
    "Measured": "is found again from its signals",
    "Membership": "roles change; each change is an event",
    "Page": "is finished or left out as a session goes on",
    "PointNote": "is a draft until its reviewer decides, and the decision's hash covers it",
    "Project": "is renamed; each change is an event",
    "Review": "is closed once; opening and closing are events",
    "Reviewer": "takes a seat or is turned away; both are events",
    "SearchTrial": "moves while it is worked on; what was found is written once, and an event",
    "Session": "moves as it goes on; who is left out is held to the events by verify",
    "Slot": "goes with its page",
    "Stimulus": "is edited while its campaign is a draft; its launch is held to it by verify",
    "StudyCampaign": "goes with a draft that is discarded",
    "TokenNote": "is a label; making and ending a token are events",
    "Trial": "is edited while its campaign is a draft; its launch is held to it by verify",
    "Visit": "grows while a page is open, and is no evidence of a judgement",
}
OURS = {"models_registry", "metrics", "listening"}
GUIDE = Path(__file__).parents[2] / "listening" / "guide" / "4-reviewers.md"


def test_every_kind_of_row_is_guarded_or_may_change_for_a_reason():
    ours = {one.__name__ for one in apps.get_models() if one._meta.app_label in OURS}
    assert ours == {*NAMES, *CHANGEABLE}
    assert {*NAMES}.isdisjoint(CHANGEABLE)


def test_the_guide_names_everything_that_is_written_once():
    _, _, told = GUIDE.read_text("utf-8").partition("What is evidence is written once.")
    told = told.partition("There is one way round")[0]
    named = {str(model._meta.verbose_name_plural) for model in guarded()}
    assert {one for one in named if one not in told} == set()


def test_what_is_not_known_at_first_is_written_once(rows):
    given = Allowance.objects.create(
        version=rows["ModelVersion"], standing=1, actor="olivia", reason="for the archive"
    )
    mine = Allowance.objects.filter(pk=given.pk)
    job = Job.objects.create(kind="study")
    asked = Study.objects.create(version=rows["ModelVersion"], kind="ablation", job=job)
    study = Study.objects.filter(pk=asked.pk)
    assert mine.update(used_for="spring") == 1
    assert study.update(result={"share": 0.5}) == 1
    for kept, field, value in ((mine, "used_for", "autumn"), (study, "result", {"share": 0.9})):
        with pytest.raises(WrittenOnceError, match=f"to be changed \\(in {field}\\)"):
            kept.update(**{field: value})
        with (
            pytest.raises(IntegrityError, match="are written once: none is changed"),
            transaction.atomic(),
        ):
            models.QuerySet.update(kept, **{field: value})
    with pytest.raises(IntegrityError, match="none is changed"):
        _sql("UPDATE models_registry_allowance SET reason = 'because'")
    with pytest.raises(IntegrityError, match="none is deleted"):
        _sql("DELETE FROM models_registry_allowance")
