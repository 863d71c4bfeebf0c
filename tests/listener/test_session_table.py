"""Every session in one row: its screenings and thresholds, and the volume it was heard at."""

from __future__ import annotations

import csv
import uuid

import pytest
from django.core.management import call_command

from listening import sessions
from listening.headphones import right_answer
from listening.models import Check, Page, Session
from listening.session_tables import sessions_frame
from listening.timeline import events
from tests.factories import mushra_campaign

pytestmark = pytest.mark.django_db

PLAN: list[dict] = [
    {"part": "volume"},
    {"part": "headphones", "test": "woods"},
    {"part": "ratings"},
]
VISIT = {
    "open_s": 60.0,
    "device_rate": 48000,
    "latency_s": 0.02,
    "drop_outs": 2,
    "hidden_s": 1.5,
    "heard": {"1": 3.0},
    "ended": [],
    "volume": [[1.0, -12.0], [2.0, -9.0]],
}


@pytest.fixture
def session() -> Session:
    session = sessions.start(mushra_campaign(items=1, plan=PLAN))
    wrong = 0
    for page in session.pages.all():
        if page.kind == Page.Kind.VOLUME:
            sessions.respond(session, page, uuid.uuid4(), {"volume_db": -11})
        elif page.kind == Page.Kind.HEADPHONES:
            right = right_answer(page.slots.get().clip.partition("/")[2])
            answer = right if wrong else "123".replace(right, "")[0]
            wrong = 1
            sessions.respond(session, page, uuid.uuid4(), {"answer": answer})
        else:
            sessions.visit(page, uuid.uuid4(), VISIT)
            break
        sessions.finish(session, page)
    Check.objects.create(
        session=session, part=9, test="digits", right=20, trials=24, passed=True, value=-9.25
    )
    return session


def test_a_row_says_what_screenings_found_and_how_it_was_listened_to(session):
    (row,) = sessions_frame(session.campaign).to_dict("records")
    assert row["session"] == str(session.token)
    assert (row["woods right"], row["woods trials"], row["woods passed"]) == (5, 6, True)
    assert row["digits value"] == -9.25
    assert row["volume_set_db"] == -11
    assert (row["volume_changes"], row["volume_lowest_db"], row["volume_highest_db"]) == (
        2,
        -12,
        -9,
    )
    assert (row["drop_outs"], row["hidden_s"], row["ending"]) == (2, 1.5, "not ended")


def test_a_check_done_again_counts_as_it_was_last(session):
    Check.objects.create(
        session=session, part=1, attempt=2, test="woods", right=2, trials=6, passed=False
    )
    (row,) = sessions_frame(session.campaign).to_dict("records")
    assert (row["woods right"], row["woods passed"]) == (2, False)


def test_they_are_exported_before_anybody_has_rated(session, tmp_path):
    sessions.start(session.campaign)
    call_command("export", session.campaign.slug, rows="sessions", to=tmp_path / "s.csv")
    first, second = csv.DictReader((tmp_path / "s.csv").read_text().splitlines())
    assert (first["digits value"], second["digits value"]) == ("-9.25", "")


def test_the_session_page_tells_the_threshold(session):
    assert "digits: 20 of 24, threshold -9.2 dB, passed" in [one.what for one in events(session)]
