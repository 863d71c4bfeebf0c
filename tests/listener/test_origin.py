"""Listeners need no cookie; what another site's page sends in a listener's name is refused."""

from __future__ import annotations

import json
import uuid

import pytest
from django.test import Client

from listening import sessions
from listening.models import Response
from tests.factories import WHOLE_PLAN, mushra_campaign

pytestmark = pytest.mark.django_db

FOREIGN = [
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Origin": "https://elsewhere.example"},
    {"Origin": "null"},
]
OWN = [
    {},
    {"Sec-Fetch-Site": "same-origin"},
    {"Sec-Fetch-Site": "none"},
    {"Origin": "http://testserver"},
]


@pytest.fixture
def visitor():
    return Client(enforce_csrf_checks=True)


def answer(session) -> dict:
    slot = session.pages.get(number=1).slots.get(label="1")
    return {"id": str(uuid.uuid4()), "page": 1, "slot": str(slot.token), "value": 50}


@pytest.mark.parametrize("headers", OWN)
def test_a_listener_without_cookies_takes_part(visitor, headers):
    campaign = mushra_campaign(items=1)
    started = visitor.post("/t/tones/", headers=headers)
    session = campaign.sessions.get()
    assert started["Location"] == session.get_absolute_url()
    page = visitor.get(started["Location"])
    body = json.dumps(answer(session))
    sent = visitor.post(f"/s/{session.token}/responses/", body, "application/json", headers=headers)
    assert sent.status_code == 200
    assert not page.cookies
    assert not visitor.cookies


@pytest.mark.parametrize("headers", FOREIGN)
def test_another_sites_page_can_neither_start_nor_answer_nor_finish(visitor, headers):
    campaign = mushra_campaign(items=2, plan=WHOLE_PLAN)
    assert visitor.post("/t/tones/", headers=headers).status_code == 403
    assert not campaign.sessions.exists()
    session = sessions.start(campaign)
    address = f"/s/{session.token}/"
    for path in ("responses/", "pages/1/", "pages/1/visit/", "pages/1/finish/"):
        assert visitor.post(address + path, {"consent": "no"}, headers=headers).status_code == 403
    session.refresh_from_db()
    assert not Response.objects.exists()
    assert session.ending == ""
    assert session.current_page().number == 1
