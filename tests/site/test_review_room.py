"""The review room as its people meet it: by a link without an account, or as members; and nobody else."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from listening import reviewing
from listening.edge_cases import edge_cases
from listening.models import Decision
from models_registry import standing
from models_registry.models import AuditEvent
from tests.factories import stored_tone
from tests.site.html import Page
from tests.site.reviews import a_version, invited

HOSTILE = "<script>alert('x')</script>\0 \u202e"


@pytest.fixture
def version(db):
    return a_version()


@pytest.fixture
def review(version):
    return reviewing.open_review(version, title="Is it fit for speech?", actor="alice")


@pytest.fixture
def visitor(review):
    """Somebody without an account who opened their link and said their name."""
    _, secret = invited(review, "")
    client = Client()
    client.post(reverse("review-enter", args=[secret]), {"name": " Ida  Berg "})
    return client


def at(name, review, *more):
    return reverse(f"review-{name}", args=[review.pk, *more])


def test_a_link_asks_for_a_name_once_and_opens_the_room(review):
    _, secret = invited(review, "")
    client, address = Client(), reverse("review-enter", args=[secret])
    assert client.get(at("room", review)).status_code == 302
    assert "Your name" in client.get(address).content.decode()
    assert client.post(address, {"name": " "}).status_code == 422
    text = client.post(address, {"name": "Ida"}, follow=True).content.decode()
    assert "You are here as Ida." in text
    again = Client()
    assert 'name="name"' not in again.get(address).content.decode()
    assert again.post(address, {"name": "Eve"}, follow=True).status_code == 200
    assert review.reviewers.get().name == "Ida"


def test_an_expert_without_an_account_hears_says_and_decides(review, visitor, version, researcher):
    sound = version.renderings.get().output
    response = visitor.get(at("room", review))
    assert Page(response).headings
    room = response.content.decode()
    for words in (
        "Real-world listening",
        "What to look for",
        "never sung to",
        "picked because it comes first",
    ):
        assert words in room
    assert visitor.get(at("sound", review, sound.sha256)).status_code == 200
    assert visitor.get(at("spectrogram", review, sound.sha256))["Content-Type"] == "image/svg+xml"
    visitor.post(at("note", review, 1), {"text": "too dull", "is_done": "on"})
    said = visitor.post(
        at("comment", review, sound.sha256),
        {"at": "0.5", "text": "a click"},
        headers={"HX-Request": "true"},
    ).content.decode()
    assert 'data-jump="0.50"' in said
    visitor.post(at("finding", review), {"severity": "critical", "text": "it clicks"})
    decision = {
        "verdict": "conditions",
        "reason": "good but for the click",
        "signed_as": "ida berg",
        "condition-TOTAL_FORMS": "2",
        "condition-INITIAL_FORMS": "0",
        "condition-0-text": "take the click out",
        "condition-0-owner": "alice",
    }
    refused = visitor.post(at("decide", review), decision)
    assert refused.status_code == 422
    assert "one of them is missing" in refused.content.decode()
    room = visitor.post(
        at("decide", review), decision | {"condition-0-due_on": "2030-01-01"}, follow=True
    ).content.decode()
    assert "Your decision is signed" in room
    assert Decision.objects.get().reviewer.name == "Ida Berg"
    page = researcher.get(review.get_absolute_url()).content.decode()
    for words in ("too dull", "a click", "it clicks", "take the click out", "is as it was"):
        assert words in page
    closed = researcher.post(at("close", review), {"reason": "one has spoken"}, follow=True)
    assert "Closed: approved with conditions." in closed.content.decode()
    assert standing.of(version).state == "approved"
    actions = researcher.get(reverse("review-actions")).content.decode()
    assert "take the click out" in actions
    told = researcher.get(f"/api/reviews/{review.pk}/").json()
    assert told["decisions"][0]["actions"][0]["owner"] == "alice"


def test_a_member_takes_part_by_their_account(review, researcher):
    researcher.post(at("finding", review), {"severity": "minor", "text": "a little dull"})
    assert review.reviewers.get().user.get_username() == "alice"
    assert AuditEvent.objects.get(act="review-finding").actor == "alice"


def test_hostile_text_stays_text(review, visitor, version, researcher):
    sound = version.renderings.get().output
    visitor.post(at("comment", review, sound.sha256), {"at": "0", "text": HOSTILE})
    visitor.post(at("finding", review), {"severity": "minor", "text": HOSTILE})
    for client, address in ((visitor, at("room", review)), (researcher, review.get_absolute_url())):
        text = client.get(address).content.decode()
        assert "<script>alert" not in text
        assert "&lt;script&gt;alert" in text
    for bad in ("soon", "nan", "-1", "1e999"):
        visitor.post(at("comment", review, sound.sha256), {"at": bad, "text": "when?"})
    assert review.reviewers.get().comments.count() == 1


def test_a_seat_opens_one_review_and_its_sounds_alone(review, visitor):
    other = reviewing.open_review(a_version("other"), actor="alice")
    assert visitor.get(at("room", other)).status_code == 302
    assert visitor.get(review.get_absolute_url()).status_code == 302
    foreign = stored_tone(999).sha256
    assert visitor.get(at("sound", review, foreign)).status_code == 404
    assert visitor.post(at("comment", review, foreign), {"at": "0", "text": "x"}).status_code == 404


def test_a_link_that_was_taken_back_opens_nothing(review, visitor, researcher):
    reviewer = review.reviewers.get()
    researcher.post(at("uninvite", review, reviewer.pk))
    refused = visitor.post(at("finding", review), {"severity": "minor", "text": "x"})
    assert refused.status_code == 403
    assert "expired, was taken back" in refused.content.decode()
    assert Client().get(reverse("review-enter", args=["not-a-secret"])).status_code == 404


def test_an_owner_invites_and_sees_the_link_once(review, researcher):
    page = researcher.post(at("invite", review), {"days": 7}).content.decode()
    assert "/review/" in page
    assert "Copy it now" in page
    assert "Copy it now" not in researcher.get(review.get_absolute_url()).content.decode()


def test_the_worst_rated_and_most_disagreed_sounds_come_first(rated):
    review = reviewing.open_review(rated, actor="alice")
    cases = edge_cases(review)
    reasons = " ".join(reason for case in cases for reason in case.why)
    assert "Among the lowest rated in" in reasons
    assert "Listeners disagreed on it" in reasons
    assert "made by programs" in reasons
    assert "by programs and not by people" in reasons
    means = [
        float(case.why[0].split(": ")[1].split(" on average")[0])
        for case in cases
        if case.why[0].startswith("Among the lowest")
    ]
    assert means == sorted(means)
