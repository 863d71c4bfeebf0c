"""A bundle asked for on a campaign's page, fetched from its job's page, and restored from a browser."""

from __future__ import annotations

import io
import os
import time
import zipfile
from uuid import UUID

import pytest
from django.core.management import call_command
from django.urls import reverse

from listening import sessions
from listening.bundling import KEPT_S, kept_at, verify_bundle
from listening.models import Campaign, Rating
from models_registry import jobs, triggers
from models_registry.models import Job
from models_registry.teams import Membership, Role
from tests.factories import here, mushra_campaign
from tests.site.html import Page
from tests.site.test_parcels import sent


@pytest.fixture
def campaign(db):
    made = mushra_campaign(items=1)
    session = sessions.start(made)
    page = session.pages.earliest("number")
    for number, slot in enumerate(page.slots.exclude(stimulus=None)):
        body = {"slot": str(slot.token), "value": 50 + number}
        sessions.respond(session, page, UUID(int=number), body)
    return made


def done(response):
    """The job that was queued, once a worker has done it."""
    job = Job.objects.get(pk=int(response.url.rstrip("/").rsplit("/", 1)[-1]))
    jobs.run(job.pk)
    job.refresh_from_db()
    return job


def test_a_bundle_is_made_by_a_job_fetched_from_its_page_and_restored(
    researcher, alice, campaign, settings, tmp_path
):
    address = reverse("campaign-bundle", args=[campaign.slug])
    assert address in researcher.get(campaign.get_absolute_url()).content.decode()
    job = done(researcher.post(address, {"sounds": "on"}))
    assert job.state == "done", job.message
    link = reverse("bundle", args=[job.pk])
    assert link in Page(researcher.get(reverse("job", args=[job.pk]))).links
    answer = researcher.get(link)
    assert answer["Content-Disposition"] == 'attachment; filename="tones.zip"'
    content = answer.getvalue()
    (tmp_path / "tones.zip").write_bytes(content)
    assert verify_bundle(tmp_path / "tones.zip").manifest["sounds"] is True
    before = sorted(Rating.objects.values_list("value", flat=True))

    with triggers.lifted():
        call_command("flush", "--no-input", verbosity=0)
    settings.MEDIA_ROOT = tmp_path / "another"
    alice.pk = None
    alice.save()
    Membership.objects.create(project=here(), user=alice, role=Role.OWNER)
    researcher.force_login(alice)
    key = sent(researcher, {"tones.zip": content})
    restored = done(researcher.post(reverse("campaign-restore"), {"parcel": key}))
    assert restored.message == "tones: 1 sessions restored"
    assert Campaign.objects.get().owner == alice
    assert sorted(Rating.objects.values_list("value", flat=True)) == before
    assert list((settings.MEDIA_ROOT / "parcels").glob("*/*")) == []


def test_a_changed_bundle_fails_with_a_sentence_and_leaves_nothing(researcher, campaign):
    job = done(researcher.post(reverse("campaign-bundle", args=[campaign.slug])))
    changed = io.BytesIO()
    with zipfile.ZipFile(kept_at(job.pk)) as old, zipfile.ZipFile(changed, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            new.writestr(name, content.replace(b"50.0", b"99.0") if "Rating" in name else content)
    key = sent(researcher, {"tones.zip": changed.getvalue()})
    failed = done(researcher.post(reverse("campaign-restore"), {"parcel": key}))
    assert failed.state == "failed"
    assert "rows/Rating.jsonl" in failed.message
    assert "it was changed" in failed.message
    assert Campaign.objects.count() == 1


def test_what_was_not_sent_whole_is_not_restored(researcher):
    refused = researcher.post(reverse("campaign-restore"), {"parcel": str(UUID(int=5))})
    assert refused.status_code == 200
    assert "Expected files that were announced" in refused.content.decode()
    key = sent(researcher, {"a.zip": b"x", "b.zip": b"y"})
    refused = researcher.post(reverse("campaign-restore"), {"parcel": key})
    assert "Expected one bundle, found 2 files." in refused.content.decode()
    assert Job.objects.count() == 0


def test_a_bundle_is_kept_for_a_day(researcher, campaign):
    address = reverse("campaign-bundle", args=[campaign.slug])
    first = done(researcher.post(address))
    old = time.time() - KEPT_S - 60
    os.utime(kept_at(first.pk), (old, old))
    done(researcher.post(address))
    assert researcher.get(reverse("bundle", args=[first.pk])).status_code == 404
