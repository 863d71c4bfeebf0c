"""Which tampering the database refuses, which `verify` finds, and which only a seal kept elsewhere does: the guide's
table is what is found here."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import pytest
from django.conf import settings
from django.db import IntegrityError, connection, models, transaction

from listening.models import Rating, Session, Stimulus
from listening.rehearsal import rehearse
from listening.verifying import CHECKS
from models_registry import audit, jobs, sealing, triggers
from models_registry.models import (
    AudioModel,
    AuditEvent,
    Job,
    ModelVersion,
    Signal,
    identity_hash,
)
from models_registry.triggers import GENESIS
from models_registry.verifying import verify
from tests.factories import mushra_campaign
from tests.site.conftest import scored

GUIDE = Path(__file__).parents[2] / "listening" / "guide" / "4-reviewers.md"
COLUMNS = ("the database refuses it", "`verify` finds it", "`verify --seal` finds it")


@pytest.fixture(autouse=True)
def home(settings, tmp_path):
    settings.MEDIA_ROOT, settings.SEAL_KEY = tmp_path, tmp_path / "seal_key.pem"
    settings.HOME = tmp_path


def change(rows, **changes):
    models.QuerySet.update(rows, **changes)


def events(*numbers):
    return AuditEvent.objects.filter(number__in=numbers)


def edit_an_event():
    change(events(3), reason="as agreed")


def edit_an_event_and_its_hash():
    event = events(3).get()
    event.reason = "as agreed"
    change(events(3), reason="as agreed", sha256=audit.event_hash(event))


def swap_two_events():
    one, other = events(2).get(), events(3).get()
    for number, event in ((2, other), (3, one)):
        change(events(number), act=event.act, subject=event.subject, content=event.content)


def delete_an_event_in_the_middle():
    models.QuerySet.delete(events(3))


def delete_the_last_event():
    models.QuerySet.delete(AuditEvent.objects.filter(pk=AuditEvent.objects.last().pk))


def insert_an_event_in_the_middle():
    before, after = events(2).get(), events(3).get()
    row = {"number": 10_000, "at": before.at, "actor": "mallory", "act": "approve"}
    event = AuditEvent(**row, subject="drive@1", previous_sha256="f" * 64, sha256="e" * 64)
    event.save(force_insert=True)
    for number in sorted(AuditEvent.objects.values_list("number", flat=True), reverse=True):
        if 3 <= number < 10_000:
            change(events(number), number=number + 1)
    change(AuditEvent.objects.filter(pk=after.pk), previous_sha256="d" * 64)
    rows = AuditEvent.objects.filter(pk=event.pk)
    event.number, event.previous_sha256 = 3, before.sha256
    digest = audit.event_hash(event)
    change(rows, number=3, previous_sha256=before.sha256, sha256=digest)
    change(AuditEvent.objects.filter(pk=after.pk), previous_sha256=digest)


def rewrite_all_events_with_fitting_hashes():
    previous = GENESIS
    change(events(3), reason="as agreed")
    for event in AuditEvent.objects.order_by("number"):
        event.previous_sha256 = previous
        previous = audit.event_hash(event)
        change(events(event.number), previous_sha256=event.previous_sha256, sha256=previous)


def add_an_event_at_the_end_with_fitting_hashes():
    last = AuditEvent.objects.last()
    event = AuditEvent(
        number=last.number + 1, at=last.at, actor="mallory", act="approve", subject="drive@1"
    )
    event.previous_sha256 = last.sha256
    event.sha256 = audit.event_hash(event)
    event.save(force_insert=True)


def replace_a_file_of_weights():
    Path(ModelVersion.objects.get().weights.path).write_bytes(b"heavier")


def replace_a_file_of_weights_and_its_hashes():
    replace_a_file_of_weights()
    weights = hashlib.sha256(b"heavier").hexdigest()
    version = ModelVersion.objects.get()
    change(
        ModelVersion.objects.all(),
        weights_sha256=weights,
        sha256=identity_hash(version.chain, weights),
    )


def replace_a_sound_s_file():
    one, other = Signal.objects.order_by("pk")[:2]
    Path(one.file.path).write_bytes(Path(other.file.path).read_bytes())


def play_another_sound_in_a_launched_campaign():
    stimulus = Stimulus.objects.latest("pk")
    Stimulus.objects.filter(pk=stimulus.pk).update(signal=Signal.objects.earliest("pk"))


def change_a_rating():
    change(Rating.objects.filter(pk=Rating.objects.earliest("pk").pk), value=99)


def delete_a_rating():
    models.QuerySet.delete(Rating.objects.filter(pk=Rating.objects.latest("pk").pk))


def take_a_listener_back_in_who_was_left_out():
    Session.objects.exclude(excluded_at=None).update(excluded_at=None, excluded_because="")


def change_what_a_stopped_training_goes_on_from():
    (Path(settings.HOME) / "training" / "checkpoint.pt").write_bytes(b"trained longer")


def drop_a_trigger():
    name = "models_registry_auditevent_written_once_delete"
    of = " ON models_registry_auditevent" if connection.vendor == "postgresql" else ""
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TRIGGER IF EXISTS {name}{of}")


TAMPERINGS: list[Callable[[], None]] = [
    edit_an_event,
    edit_an_event_and_its_hash,
    swap_two_events,
    delete_an_event_in_the_middle,
    insert_an_event_in_the_middle,
    delete_the_last_event,
    rewrite_all_events_with_fitting_hashes,
    replace_a_file_of_weights,
    replace_a_file_of_weights_and_its_hashes,
    replace_a_sound_s_file,
    play_another_sound_in_a_launched_campaign,
    change_a_rating,
    delete_a_rating,
    take_a_listener_back_in_who_was_left_out,
    change_what_a_stopped_training_goes_on_from,
    drop_a_trigger,
    add_an_event_at_the_end_with_fitting_hashes,
]


def title(tampering: Callable[[], None]) -> str:
    words = tampering.__name__.replace("sound_s", "sound's").replace("_", " ")
    return words[0].upper() + words[1:]


@pytest.mark.django_db
def test_the_guide_s_table_is_what_is_found(media):
    campaign = mushra_campaign(items=1)
    scored(campaign)
    rehearse(campaign, listeners=1, seed=1, actor="alice", progress=lambda share, message: None)
    model = AudioModel.objects.create(name="drive", title="Drive")
    version = ModelVersion.objects.register(model, chain={}, weights=b"w", card={}, reason="why")
    said = {"sha256": version.sha256, "weights_sha256": version.weights_sha256}
    audit.record("train", version, actor="alice", reason="why", content=said)
    campaign.sessions.get().exclude(reason="asleep", actor="alice")
    stopped_training()
    campaign.close(actor="alice", reason="enough")
    seal = sealing.seal(actor="alice")
    assert verify(CHECKS, seal=seal).breaks == []
    assert {title(one): found(one, seal, media) for one in TAMPERINGS} == told()
    assert verify(CHECKS, seal=seal).breaks == []


def stopped_training():
    left = Path(settings.HOME, "training", "checkpoint.pt")
    left.parent.mkdir()
    left.write_bytes(b"trained")
    job = Job.objects.create(kind="train", state=Job.State.RUNNING, attempt=1)
    lease = jobs.Lease(job)
    lease.leaves(left)
    assert lease.finish(Job.State.STOPPED, "asked to")
    assert AuditEvent.objects.last().act == "stopped"


@pytest.fixture
def media(settings):
    """The files that a tampering may replace, each with what is in it, once they are there."""
    return lambda: {
        path: path.read_bytes() for path in Path(settings.MEDIA_ROOT).rglob("*") if path.is_file()
    }


def found(tampering, seal, files) -> tuple[bool, bool, bool]:
    """Whether each of the three noticed; all is put back."""
    before = files()
    try:
        with transaction.atomic():
            tampering()
            transaction.set_rollback(True)
        refused = False
    except IntegrityError as error:
        refused = bool(re.search("written once|added after the last one", str(error)))
    for path, content in before.items():
        path.write_bytes(content)
    with transaction.atomic():
        with triggers.lifted() if refused else nullcontext():
            tampering()
        breaks = [one.where for one in verify(CHECKS, seal=seal).breaks]
        transaction.set_rollback(True)
    for path, content in before.items():
        path.write_bytes(content)
    by_the_record = [one for one in breaks if not one.startswith("the seal of")]
    return refused, bool(by_the_record), bool(breaks)


def told() -> dict[str, tuple[bool, ...]]:
    """The guide's table."""
    head = "| Somebody with the database and the files would … | " + " | ".join(COLUMNS) + " |"
    _, _, table = GUIDE.read_text("utf-8").partition(head + "\n")
    assert table, f"expected this table in the guide: {head}"
    rows = [line.strip("| ").split(" | ") for line in table.split("\n\n")[0].splitlines()[1:]]
    return {
        f"{name[0].upper()}{name[1:]}": tuple(one == "yes" for one in cells)
        for name, *cells in rows
    }


def test_a_seal_is_plain_json_that_says_what_it_seals(db):
    audit.record("note", "one", actor="alice")
    made = sealing.seal(actor="alice", reason="the end of the year")
    last = AuditEvent.objects.last()
    assert (last.act, last.reason) == ("seal", "the end of the year")
    assert (made["number"], made["sha256"]) == (last.number, last.sha256)
    assert sealing.read(sealing.as_text(made)) == json.loads(sealing.as_text(made)) == made
    audit.record("note", "two", actor="alice")
    assert list(sealing.breaks(made, sealing.public_key())) == []
