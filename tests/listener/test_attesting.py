"""What events say of a campaign's ratings holds while ratings are added and listeners are forgotten, and no longer
where one was changed."""

from __future__ import annotations

import pytest

from listening.attesting import ATTESTED, STRUCK, attested, disagreements
from listening.forgetting import forget
from listening.models import Rating
from listening.rehearsal import rehearse
from models_registry import audit, jobs
from models_registry.models import AuditEvent, Job
from tests.factories import here, mushra_campaign
from tests.site.conftest import no_progress, scored
from tests.tampering import rewrite

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def home(settings, tmp_path):
    settings.MEDIA_ROOT = settings.HOME = tmp_path


@pytest.fixture
def closed():
    campaign = mushra_campaign(items=1)
    scored(campaign)
    rehearse(campaign, listeners=2, seed=1, actor="alice", progress=no_progress)
    campaign.close(actor="alice", reason="enough")
    return campaign


def found():
    return [what for _, what in disagreements() if what]


def test_closing_says_what_the_ratings_were(closed):
    said = AuditEvent.objects.get(act="close").content[ATTESTED]
    assert said["ratings"] == Rating.objects.count() > 0
    assert said["last"] == Rating.objects.latest("pk").pk
    assert {ATTESTED: said} == attested(closed)
    assert found() == []


def test_whoever_is_forgotten_breaks_nothing_and_hides_nothing(closed):
    one, other = closed.listeners.order_by("pk")
    rewrite(Rating.objects.filter(page__session__listener=one), detail={"comment": "loud"})
    forget(one, actor="alice")
    assert found() == []
    ratings = Rating.objects.filter(page__session__listener=one).count()
    forget(one, ratings="delete", actor="alice")
    event = AuditEvent.objects.last()
    assert (event.act, len(event.content[STRUCK])) == ("forget", ratings)
    assert found() == []
    kept = Rating.objects.filter(page__session__listener=other)
    rewrite(kept.filter(pk=kept.latest("pk").pk), value=1.5)
    (what,) = found()
    assert "one was changed" in what


def test_what_is_said_after_somebody_was_forgotten_holds_as_well(closed):
    one, other = closed.listeners.order_by("pk")
    forget(one, ratings="delete", actor="alice")
    written = AuditEvent.objects.get(act="close").content[ATTESTED]
    assert attested(closed)[ATTESTED] == written
    audit.record("analyse", closed, actor="alice", content=attested(closed))
    forget(other, ratings="delete", actor="alice")
    audit.record("analyse", closed, actor="alice", content=attested(closed))
    assert not Rating.objects.exists()
    assert found() == []


def test_a_rating_that_comes_later_is_no_break(closed):
    last = Rating.objects.latest("pk")
    before = [found()]
    Rating.objects.write(
        response=last.response, page=last.page, stimulus=last.stimulus, value=7, detail={}
    )
    assert [found()] == before == [[]]


def test_work_that_fails_is_an_event_with_its_reason(monkeypatch):
    def handler(lease):
        raise ValueError("the loss is not finite")

    monkeypatch.setitem(jobs.HANDLERS, "doomed", handler)
    job = jobs.enqueue("doomed", {"actor": "alice"}, project=here())
    jobs.run(job.pk)
    event = AuditEvent.objects.last()
    assert (event.act, event.subject, event.actor) == ("failed", f"doomed {job.pk}", "alice")
    assert event.reason == "the loss is not finite"
    assert event.content == {"job": job.pk}
    assert event.project == Job.objects.get(pk=job.pk).project
