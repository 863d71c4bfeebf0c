"""A preview shows every page with its sounds, takes answers, and never counts."""

from __future__ import annotations

import json
import uuid

import pytest
from django.urls import reverse

from listening import previewing, sessions
from listening.models import Campaign, Listener, Rating, Session
from tests.factories import WHOLE_PLAN, mushra_campaign


@pytest.fixture
def draft(db):
    return mushra_campaign(items=2, launched=False)


def address(draft):
    return reverse("campaign-preview", args=[draft.slug])


def test_every_page_of_a_whole_way_opens_with_its_sounds(researcher, draft):
    draft.lay_out(WHOLE_PLAN, actor="alice")
    listed = researcher.get(address(draft)).content.decode()
    pages = listed.count("Open page")
    assert pages > len(WHOLE_PLAN)
    for number in range(1, pages + 1):
        shown = researcher.post(address(draft), {"page": number}, follow=True)
        assert shown.status_code == 200
        assert b"Nothing here is counted" in shown.content
        page = Session.objects.get().current_page()
        assert page.number == number
        for slot in page.slots.all():
            sound = reverse("stimulus", args=[page.session.token, slot.token])
            assert researcher.get(sound).status_code == 200


def test_what_is_answered_in_a_preview_is_nowhere_and_goes_with_the_next(researcher, draft):
    session = previewing.session_at(draft, 1)
    page = session.pages.get(number=1)
    slot = next(slot for slot in page.slots.all() if slot.stimulus_id)
    for value in (50, 60):
        sessions.respond(session, page, uuid.uuid4(), {"slot": str(slot.token), "value": value})
    assert Rating.objects.count() == 2
    for listed in ("/campaigns/", "/", "/api/campaigns/", "/api/sessions/", "/api/ratings/"):
        assert "preview-" not in researcher.get(listed).content.decode(), listed
    assert json.loads(researcher.get("/api/ratings/").content)["results"] == []
    assert researcher.get(session.campaign.get_absolute_url()).status_code == 404
    assert researcher.get(reverse("welcome", args=[session.campaign.slug])).status_code == 404
    assert draft.sessions.count() == draft.listeners.count() == 0
    previewing.session_at(draft, 2)
    assert (Rating.objects.count(), Session.objects.count(), Listener.objects.count()) == (0, 1, 1)
    assert Campaign.objects.filter(preview_of=draft).count() == 1


def test_a_draft_that_cannot_be_launched_says_why(researcher, draft):
    draft.conditions.filter(role="anchor35").delete()
    assert "3.5 kHz anchor" in researcher.get(address(draft)).content.decode()
    assert researcher.post(address(draft), {"page": "1"}).status_code == 200
    assert Session.objects.count() == 0


def test_listeners_see_nothing_of_it_and_a_visitor_has_no_preview(anonymous, draft):
    assert anonymous.get(address(draft)).status_code == 302
    draft.launch(actor="alice")
    shown = anonymous.post(reverse("welcome", args=[draft.slug]), follow=True)
    assert b"preview-bar" not in shown.content


def test_a_draft_is_edited_while_its_preview_is_open(researcher, draft):
    session = previewing.session_at(draft, 1)
    draft.trials.all().delete()
    assert researcher.get(session.get_absolute_url()).status_code == 200
