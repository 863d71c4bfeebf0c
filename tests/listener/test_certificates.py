"""A qualification holds across campaigns until it expires, for whom a recruiter's link names, and tells no name."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db.models import F
from django.utils.timezone import now

from listening import forgetting, sessions
from listening.headphones import right_answer
from listening.models import Certificate, Page, Session
from listening.plan import PlanError, checked_plan
from listening.renewal import renew
from tests.factories import mushra_campaign

pytestmark = pytest.mark.django_db

DAY = 24 * 60
QUALIFICATION: list[dict] = [
    {"part": "instructions", "text": "Sit down.", "certificate": "p808", "expires_min": 30 * DAY},
    {
        "part": "headphones",
        "test": "channels",
        "certificate": "p808",
        "expires_min": 30 * DAY,
    },
]
PLAN = [*QUALIFICATION, {"part": "ratings"}]


def campaign(slug: str, **fields):
    return mushra_campaign(slug=slug, items=1, **{"plan": PLAN, **fields})


def qualify(session: Session, *, passing: bool = True) -> None:
    for page in session.pages.exclude(kind=Page.Kind.RATING):
        if page.kind == Page.Kind.HEADPHONES:
            right = right_answer(page.slots.get().clip.partition("/")[2])
            wrong = "both" if right == "left" else "left"
            answer = {"answer": right if passing else wrong}
            sessions.respond(session, page, uuid.uuid4(), answer)
        sessions.finish(session, page)


def kinds(session: Session) -> list[str]:
    return [page.kind for page in session.pages_ahead()]


def test_who_qualified_in_one_campaign_goes_straight_to_the_ratings_of_another():
    qualify(sessions.start(campaign("one"), external_code="W7"))
    session = sessions.start(campaign("two"), external_code="W7")
    assert kinds(session) == ["rating"]
    other = sessions.start(campaign("three"), external_code="W8")
    assert kinds(other) == ["instructions", *["headphones"] * 4, "rating"]


def test_the_welcome_counts_only_the_pages_that_will_be_shown(client):
    qualify(sessions.start(campaign("one"), external_code="W7"))
    campaign("two")
    for person, pages in (("W7", "1 page"), ("W8", "6 pages")):
        html = client.get(f"/t/two/?PROLIFIC_PID={person}").content.decode()
        assert pages in html


def test_half_a_qualification_and_a_failed_one_certify_nothing():
    session = sessions.start(campaign("one"), external_code="W7")
    sessions.finish(session, session.pages.get(number=1))
    assert not Certificate.objects.exists()
    qualify(sessions.start(campaign("two"), external_code="W8"), passing=False)
    assert not Certificate.objects.exists()


def test_a_campaign_that_names_another_certificate_asks_everything():
    qualify(sessions.start(campaign("one"), external_code="W7"))
    renamed = [part | ({"certificate": "p835"} if "certificate" in part else {}) for part in PLAN]
    assert "headphones" in kinds(sessions.start(campaign("two", plan=renamed), external_code="W7"))


def age(certificate: Certificate, days: float) -> None:
    Certificate.objects.filter(pk=certificate.pk).update(
        earned_at=F("earned_at") - timedelta(days=days),
        expires_at=F("expires_at") - timedelta(days=days),
    )


def test_a_certificate_ends_with_its_time_and_earlier_where_a_campaign_says_so():
    qualify(sessions.start(campaign("one"), external_code="W7"))
    certificate = Certificate.objects.get()
    age(certificate, 29)
    strict = [part | ({"expires_min": DAY} if "certificate" in part else {}) for part in PLAN]
    assert len(kinds(sessions.start(campaign("strict", plan=strict), external_code="W7"))) == 6
    assert kinds(sessions.start(campaign("two"), external_code="W7")) == ["rating"]
    age(certificate, 1.1)
    assert len(kinds(sessions.start(campaign("three"), external_code="W7"))) == 6


def test_what_expires_between_two_visits_is_asked_before_the_next_rating_page():
    qualify(sessions.start(campaign("one"), external_code="W7"))
    session = sessions.start(campaign("two"), external_code="W7")
    renew(session, at=now() + timedelta(days=29))
    assert kinds(session) == ["rating"]
    renew(session, at=now() + timedelta(days=31))
    assert kinds(session) == ["instructions", *["headphones"] * 4, "rating"]


def test_links_that_name_nobody_and_invitations_certify_nothing():
    one = campaign("one")
    for code in ("", "invitation:ABC", "browser:0123"):
        qualify(sessions.start(one, external_code=code))
    assert not Certificate.objects.exists()


def test_the_certificate_keeps_a_keyed_hash_and_no_code(settings):
    qualify(sessions.start(campaign("one"), external_code="W7"))
    certificate = Certificate.objects.get()
    assert "W7" not in str(vars(certificate))
    settings.SECRET_KEY = "another"
    assert "headphones" in kinds(sessions.start(campaign("two"), external_code="W7"))


def test_whoever_is_forgotten_holds_no_certificate_and_pruning_takes_expired_ones():
    for person in ("W7", "W8"):
        qualify(sessions.start(campaign(person.lower()), external_code=person))
    forgetting.forget(forgetting.listener_called("W7"), actor="alice")
    (left,) = Certificate.objects.all()
    age(left, 31)
    call_command("prune")
    assert not Certificate.objects.exists()


def test_the_session_page_says_what_a_certificate_spared():
    from listening.timeline import events

    qualify(sessions.start(campaign("one"), external_code="W7"))
    spared = events(sessions.start(campaign("two"), external_code="W7"))
    assert [one.what for one in spared[1:]] == [
        "spared part 1, instructions",
        "spared part 2, headphones",
    ]
    assert spared[1].notes[0].startswith("certificate p808, earned ")


@pytest.mark.parametrize(
    ("part", "problem"),
    [
        ({"certificate": "p808"}, "expected expires_min beside certificate, found none"),
        ({"certificate": "P 808", "expires_min": 1}, "found 'P 808'"),
    ],
)
def test_a_certificate_has_a_name_and_an_end(part, problem):
    plan = [{"part": "instructions", "text": "Sit down.", **part}, {"part": "ratings"}]
    with pytest.raises(PlanError, match=problem):
        checked_plan(plan, items=["tone 1"])
