"""The dashboard of a running campaign says who came, who finished and dropped out where, and what is wrong."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils.timezone import now

from listening import campaign_progress as going
from listening import sessions
from listening.alerts import alerts
from listening.models import Check, Page, Response, Session, Slot, Visit
from listening.timeline import events
from tests.factories import WHOLE_PLAN, mushra_campaign
from tests.site.html import Page as Html


@pytest.fixture
def campaign(db):
    """Four people: one finished, one refused, one under way, one silent for two hours on page 2."""
    campaign = mushra_campaign(items=2, quota=4)
    begun = [sessions.start(campaign) for _ in range(4)]
    begun[0].pages.update(finished_at=now())
    begun[0].end(Session.Ending.FINISHED)
    begun[1].end(Session.Ending.REFUSED)
    long_ago = now() - timedelta(hours=2)
    Session.objects.filter(pk=begun[3].pk).update(created_at=long_ago)
    begun[3].pages.filter(number=1).update(finished_at=long_ago)
    return campaign


def visit(page, heard, *, open_s=30.0, **more):
    body = {
        "open_s": open_s,
        "hidden_s": 0,
        "device_rate": 48_000,
        "latency_s": 0.01,
        "drop_outs": 0,
        "heard": heard,
        "ended": [],
        "volume": [],
    }
    return Visit.objects.create(pk=uuid.uuid4(), page=page, body=body | more)


def test_everybody_is_counted_once_by_what_became_of_them(campaign):
    standing = going.standings(campaign)
    assert going.flow(standing) == going.Flow(4, 1, 1, 1, 1)
    assert going.flow(standing).completion == 1 / 3
    assert going.dropped_where(standing) == [
        {"number": 2, "kind": standing[0].page.get_kind_display(), "listeners": 1}
    ]


def test_the_rate_of_arrival_is_of_the_last_hour_and_day(campaign):
    found = going.arrivals(going.standings(campaign))
    assert (found["hour"], found["day"]) == (3, 4)
    # one finished in the two hours that the campaign has had
    assert found["finished_per_day"] == pytest.approx(12, rel=0.01)


def test_simulated_listeners_are_counted_apart(researcher, rated):
    text = researcher.get(reverse("campaign-progress", args=[rated.slug])).content.decode()
    assert "10 sessions of simulated listeners" in text
    assert "there are no people yet" in text
    assert "From 0 to 0 ratings by people for each of 10 stimuli" in text
    cells = going.cells(rated)
    assert {cell["simulated"] for _, row in cells["rows"] for cell in row} == {10}


def test_htmx_gets_the_changing_part_alone_and_asks_no_more_once_closed(researcher, campaign):
    address = reverse("campaign-progress", args=[campaign.slug])
    part = researcher.get(address, headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in part
    assert 'hx-trigger="every 10s"' in part
    assert "Quota: 1 of 4" in part
    campaign.close(actor="alice", reason="enough")
    assert "hx-trigger" not in researcher.get(address).content.decode()


def test_times_are_the_quartiles_of_what_browsers_told(campaign):
    pages = Page.objects.filter(session__campaign=campaign, trial__number=1)
    for page, seconds in zip(pages, (10.0, 20.0, 30.0, 60.0), strict=True):
        visit(page, {}, open_s=seconds, drop_outs=int(seconds == 60))
    (row,) = going.times(campaign)
    # the quartiles of R's quantile(c(10, 20, 30, 60)), its default type 7
    assert (row["low"], row["median"], row["high"]) == (17.5, 25.0, 37.5)
    assert going.playback(campaign) == {
        "pages": 4,
        "drop_outs": 1,
        "hidden": 0,
        "late": 0,
        "failed": 0,
    }


def test_sound_checks_that_failed_are_counted(campaign):
    for part, passed in enumerate((True, False, False)):
        session = campaign.sessions.first()
        Check.objects.create(
            session=session, part=part, test="woods", right=3, trials=6, passed=passed
        )
    assert going.checks(campaign) == [{"test": "woods", "n": 3, "failed": 2}]


def test_a_sound_whose_file_is_gone_is_an_alert(campaign):
    assert alerts(campaign) == []
    stimulus = campaign.trials.first().stimuli.get(condition__name="system one")
    stimulus.signal.file.storage.delete(stimulus.signal.file.name)
    (alert,) = alerts(campaign)
    assert alert.startswith("tone 1 · system one: its sound cannot be played")


def test_a_sound_that_nobody_hears_while_they_hear_the_others_is_an_alert(campaign):
    slots = Slot.objects.filter(stimulus__condition__name="system two", page__trial__number=2)
    for slot in slots:
        others = slot.page.slots.exclude(pk=slot.pk).values_list("label", flat=True)
        visit(slot.page, dict.fromkeys(others, 4.0))
    (alert,) = alerts(campaign)
    assert alert.startswith("tone 2 · system two: shown on the last 4 pages")
    visit(slot.page, {slot.label: 1.0})
    assert alerts(campaign) == []


def test_a_sound_that_a_browser_could_not_load_is_an_alert(campaign):
    slot = Slot.objects.filter(
        stimulus__condition__name="system two", page__trial__number=2
    ).first()
    others = slot.page.slots.exclude(pk=slot.pk).values_list("label", flat=True)
    visit(slot.page, dict.fromkeys(others, 4.0), failed=[slot.label])
    (alert,) = alerts(campaign)
    assert alert.startswith(
        "tone 2 · system two: could not be loaded by the browsers of 1 listener"
    )
    assert going.playback(campaign)["failed"] == 1


def test_a_connection_that_fails_is_told_from_a_sound_that_does(campaign):
    """Whoever can load nothing has no connection; three of them are the server's affair."""
    pages = [one.pages.get(number=1) for one in campaign.sessions.all()[:3]]
    for count, page in enumerate(pages, start=1):
        visit(page, {}, failed=list(page.slots.values_list("label", flat=True)))
        assert len(alerts(campaign)) == (count == 3)
    assert alerts(campaign)[0].startswith("no sound of a page could be loaded")
    assert "3 listeners" in alerts(campaign)[0]


def test_a_question_that_everybody_passes_over_is_an_alert(db):
    campaign = mushra_campaign(items=2, plan=WHOLE_PLAN)

    def answer(comment):
        pages = sessions.start(campaign).pages.filter(kind="questions")
        body = {"answers": {"comment": comment}}
        Response.objects.create(pk=uuid.uuid4(), page=pages.latest("number"), body=body)

    for _ in range(3):
        answer(None)
    assert alerts(campaign) == [
        "the question 'comment' was shown to 3 listeners and answered by none"
    ]
    answer("loud")
    assert alerts(campaign) == []


def test_a_session_has_a_time_line_in_order(researcher, campaign):
    session = campaign.sessions.first()
    page = session.pages.first()
    visit(page, {}, drop_outs=2)
    found = events(session)
    assert [event.at for event in found] == sorted(event.at for event in found)
    assert found[0].what == "began"
    assert any("2 drop-outs" in note for event in found for note in event.notes)
    address = reverse("campaign-session", args=[campaign.slug, session.pk])
    assert Html(researcher.get(address)).headings


def test_a_session_of_another_campaign_has_no_page_here(researcher, campaign):
    other = sessions.start(mushra_campaign(slug="other", items=1))
    address = reverse("campaign-session", args=[campaign.slug, other.pk])
    assert researcher.get(address).status_code == 404


def test_a_hundred_more_listeners_cost_no_more_queries(
    researcher, campaign, django_assert_max_num_queries
):
    address = reverse("campaign-progress", args=[campaign.slug])
    researcher.get(address)
    for _ in range(20):
        sessions.start(campaign)
    with django_assert_max_num_queries(35):
        researcher.get(address)
