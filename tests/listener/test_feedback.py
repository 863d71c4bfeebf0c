"""Right or wrong is said of practice, where the campaign asks for it, and of nothing else."""

from __future__ import annotations

import json
import uuid

import pytest
from django.test import Client
from django.urls import reverse

from listening import sessions
from listening.models import Page
from tests.factories import small_campaign

pytestmark = pytest.mark.django_db

PLAN: list[dict] = [{"part": "training", "items": ["tone 1"]}, {"part": "ratings"}]
RIGHT = {"abx": ("A", "B"), "triangle": ("1", "2", "3")}


def reply(page: Page, answer: str) -> dict:
    response = Client().post(
        reverse("responses", args=[page.session.token]),
        json.dumps({"id": str(uuid.uuid4()), "page": page.number, "answer": answer}),
        content_type="application/json",
    )
    assert response.status_code == 200
    return response.json()


def told_on(page: Page) -> str:
    html = Client().get(page.session.get_absolute_url()).content.decode()
    start = html.index(">", html.index('id="for-player"')) + 1
    return json.loads(html[start : html.index("</script>", start)])["told"]


@pytest.mark.parametrize("method", RIGHT)
def test_practice_tells_of_every_answer_and_again_after_a_reload(method):
    session = sessions.start(small_campaign(method, options={"feedback": True}, plan=PLAN))
    page = session.pages.get(kind=Page.Kind.TRAINING)
    assert told_on(page) == ""
    said = {}
    for answer in RIGHT[method]:
        said[answer] = reply(page, answer)["told"]
        assert told_on(page) == said[answer]
        assert said[answer] == ("right" if page.ratings.current().get().value else "wrong")
    assert sorted(said.values()).count("right") == 1


@pytest.mark.parametrize("method", RIGHT)
def test_a_page_that_counts_says_nothing(method):
    session = sessions.start(small_campaign(method, options={"feedback": True}, plan=PLAN))
    for page in session.pages.all():
        if page.kind == Page.Kind.RATING:
            for answer in RIGHT[method]:
                assert set(reply(page, answer)) == {"id"}
                assert told_on(page) == ""
        session.pages.filter(pk=page.pk).update(finished_at=session.created_at)


def test_practice_is_silent_unless_asked():
    session = sessions.start(small_campaign("abx", plan=PLAN))
    page = session.pages.get(kind=Page.Kind.TRAINING)
    assert set(reply(page, "A")) == {"id"}
    assert told_on(page) == ""
