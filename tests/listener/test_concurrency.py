"""Answers that arrive at once: each is stored exactly once, and corrections form one chain."""

from __future__ import annotations

import json
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from listening import sessions
from listening.models import Rating, Response
from tests.factories import mushra_campaign


@pytest.mark.django_db(transaction=True)
def test_eight_clients_at_once_lose_nothing_and_double_nothing():
    session = sessions.start(mushra_campaign(items=1))
    page = session.pages.get()
    slots = [str(slot.token) for slot in page.slots.exclude(stimulus=None)]
    answers = [
        {"id": str(uuid.uuid4()), "page": 1, "slot": slots[n % len(slots)], "value": n}
        for n in range(40)
    ]

    def send(answer):
        try:
            return (
                Client()
                .post(
                    reverse("responses", args=[session.token]),
                    json.dumps(answer),
                    content_type="application/json",
                )
                .status_code
            )
        finally:
            connection.close()

    # every answer is sent twice, as after a lost acknowledgement
    with ThreadPoolExecutor(8) as clients:
        statuses = list(clients.map(send, [answer for answer in answers for _ in range(2)]))
    assert set(statuses) == {200}
    assert {str(response.pk) for response in Response.objects.all()} == {
        answer["id"] for answer in answers
    }
    assert page.ratings.count() == len(answers)
    assert page.ratings.current().count() == len(slots)


@pytest.mark.django_db
@pytest.mark.skipif(connection.vendor != "sqlite", reason="asks SQLite how it goes about it")
def test_an_answer_looks_at_its_own_page_however_many_have_rated_the_stimulus():
    session = sessions.start(mushra_campaign(items=1))
    page = session.pages.get()
    stimulus = page.slots.exclude(stimulus=None)[0].stimulus
    assert stimulus
    plan = Rating.objects.of(page, stimulus).explain()
    assert "rating_of_page (page_id=? AND stimulus_id=? AND scale=?)" in plan
