"""Rows of a design: never one to two who listen, given out again when they were not completed."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.utils.timezone import now

from listening import sessions
from listening.models import Campaign, Page, Response, Session
from tests.factories import mushra_campaign

LISTENERS = 24


def campaign_of(**design) -> Campaign:
    campaign = mushra_campaign(items=1, launched=False)
    Campaign.objects.filter(pk=campaign.pk).update(design=design or {"order": "williams"})
    campaign.refresh_from_db()
    campaign.launch(actor="alice")
    return campaign


def complete(session: Session) -> None:
    for page in session.pages.all():
        session.finish_page(page)


def silent_since(session: Session, hours: float) -> None:
    Session.objects.filter(pk=session.pk).update(created_at=now() - timedelta(hours=hours))


@pytest.mark.django_db(transaction=True)
def test_who_begin_at_once_get_rows_of_their_own():
    campaign = campaign_of()

    def begin(_: int) -> int:
        try:
            row = sessions.start(campaign).row
            return -1 if row is None else row
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as listeners:
        rows = list(listeners.map(begin, range(LISTENERS)))
    assert sorted(rows) == list(range(LISTENERS))


@pytest.mark.django_db(transaction=True)
def test_a_stale_row_is_given_to_one_of_those_who_begin_at_once():
    campaign = campaign_of()
    silent_since(sessions.start(campaign), 25)

    def begin(_: int) -> int:
        try:
            row = sessions.start(campaign).row
            return -1 if row is None else row
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as listeners:
        rows = list(listeners.map(begin, range(8)))
    assert sorted(rows) == list(range(8))


def test_on_postgresql_as_well(tmp_path):
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


@pytest.mark.django_db
def test_the_lowest_free_row_is_given_next():
    campaign = campaign_of()
    first, second = sessions.start(campaign), sessions.start(campaign)
    complete(second)
    first.end(Session.Ending.SCREENED_OUT)
    third, fourth = sessions.start(campaign), sessions.start(campaign)
    assert [one.row for one in (first, second, third, fourth)] == [0, 1, 0, 2]


@pytest.mark.django_db
def test_a_session_that_is_left_out_of_the_evidence_gives_its_row_to_another():
    campaign = campaign_of()
    first = sessions.start(campaign)
    complete(first)
    first.exclude(reason="an echo", actor="alice")
    assert sessions.start(campaign).row == 0
    first.exclude(reason="it was none", actor="alice", out=False)
    first.refresh_from_db()
    assert not first.holds_row
    # and it has its row again where nobody else has it
    alone = sessions.start(campaign)
    alone.exclude(reason="late", actor="alice")
    alone.exclude(reason="in time", actor="alice", out=False)
    alone.refresh_from_db()
    assert alone.holds_row


@pytest.mark.django_db
def test_a_sign_of_life_keeps_the_row():
    campaign = campaign_of(hold_hours=2)
    first = sessions.start(campaign)
    silent_since(first, 3)
    page = first.pages.get()
    Response.objects.create(id="00000000-0000-4000-8000-000000000001", page=page, body={})
    assert sessions.start(campaign).row == 1
    Response.objects.update(received_at=now() - timedelta(hours=3))
    Page.objects.filter(pk=page.pk).update(finished_at=now())
    assert sessions.start(campaign).row == 2
    Page.objects.filter(pk=page.pk).update(finished_at=None)
    assert sessions.start(campaign).row == 0


@pytest.mark.django_db
def test_who_comes_back_late_goes_on_and_has_the_row_again_while_it_is_free(client):
    campaign = campaign_of()
    first = sessions.start(campaign)
    silent_since(first, 25)
    sessions.start(campaign)
    first.refresh_from_db()
    assert not first.holds_row
    # the next one took it
    assert client.get(first.get_absolute_url()).status_code == 200
    complete(first)
    first.refresh_from_db()
    assert (first.ending, first.holds_row) == ("finished", False)
    third = sessions.start(campaign)
    Session.objects.filter(pk=third.pk).update(holds_row=False)
    client.get(third.get_absolute_url())
    third.refresh_from_db()
    assert third.holds_row


@pytest.mark.django_db
def test_simulated_listeners_have_rows_of_their_own_count():
    campaign = campaign_of()
    simulated = [sessions.start(campaign, simulated=True) for _ in range(3)]
    assert [one.row for one in simulated] == [0, 1, 2]
    assert sessions.start(campaign).row == 0


@pytest.mark.django_db
def test_without_a_design_nobody_has_a_row():
    assert sessions.start(mushra_campaign(items=1)).row is None
