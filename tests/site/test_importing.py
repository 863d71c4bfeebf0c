"""Documents and webMUSHRA's configurations on the web: what becomes of them, and what is refused, with its place."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from listening import making
from listening.composing import describe
from listening.exchange import campaign_document
from listening.models import Campaign
from models_registry import jobs
from models_registry.models import AuditEvent, Job, Signal
from tests.factories import mushra_campaign
from tests.site.html import Page
from tests.site.test_making import wav, zipped

SOUNDS = {"audio/ref.wav": wav(300), "audio/a.wav": wav(300, 0.3), "audio/b.wav": wav(300, 0.2)}
CONFIG = """\
testname: Three codecs
testId: three_codecs
pages:
  - type: generic
    id: hello
    name: Hello
    content: Listen: twice
  - - random
    - type: mushra
      id: drums
      reference: configs/audio/ref.wav
      createAnchor35: true
      createAnchor70: true
      stimuli:
        A: configs/audio/a.wav
        B: configs/audio/b.wav
  - type: finish
    name: Thanks
    content: Bye
"""
SPATIAL = "  - type: spatial\n    id: where\n    name: Where\n"


def send(client, text, *files, name="test.yaml", **fields):
    document = SimpleUploadedFile(name, text.encode())
    return client.post(
        reverse("campaign-import"), {"document": document, "sounds": files} | fields, follow=True
    )


def test_a_configuration_with_a_zip_of_its_sounds_becomes_a_draft(researcher, waiting):
    shown = send(researcher, CONFIG, zipped(SOUNDS))
    campaign = Campaign.objects.get()
    assert shown.redirect_chain[-1][0] == campaign.get_absolute_url()
    assert (campaign.slug, campaign.state, campaign.collect_as) == (
        "three_codecs",
        "draft",
        "three_codecs",
    )
    assert campaign.problems() == []
    assert campaign.owner.username == "alice"
    assert set(campaign.conditions.values_list("name", flat=True)) == {
        "reference",
        "anchor35",
        "anchor70",
        "A",
        "B",
    }
    sent = Signal.objects.filter(holders=campaign.project)
    assert {one.provenance for one in sent} == {
        f"configs/{name}, uploaded by alice" for name in SOUNDS
    }
    event = AuditEvent.objects.get(act="upload")
    assert set(event.content["signals"]) == {one.sha256 for one in sent}
    assert waiting() == 0


def test_a_document_of_ours_names_what_is_stored_and_makes_the_same_campaign(researcher):
    first = describe(mushra_campaign(launched=False))
    text = campaign_document.dump(first | {"slug": "again"}, form="json")
    send(researcher, text, name="again.json")
    assert describe(Campaign.objects.get(slug="again")) == first | {"slug": "again"}


def test_pages_without_a_counterpart_are_named_with_their_place_and_left_out_on_request(
    researcher, waiting
):
    text = CONFIG.replace("  - type: finish", SPATIAL + "  - type: finish")
    refused = send(researcher, text, zipped(SOUNDS))
    assert refused.status_code == 422
    assert Page(refused).unlabelled_fields() == []
    assert "test.yaml, line 17, column 5: " in refused.content.decode()
    assert (Campaign.objects.count(), Signal.objects.count(), waiting()) == (0, 0, 0)
    shown = send(researcher, text, zipped(SOUNDS), skip="on").content.decode()
    assert "Left out: where:" in shown
    assert Campaign.objects.get().trials.count() == 1


@pytest.mark.parametrize(
    ("change", "files", "said"),
    [
        (("testId", "&anchor testId"), SOUNDS, "test.yaml, line 2, column 1: expected plain data"),
        (("testname:", "testname: [1"), SOUNDS, "test.yaml, line 2,"),
        (
            ("audio/b.wav", "audio/c.wav"),
            SOUNDS,
            "test.yaml, line 16, column 12: expected the file",
        ),
        (("", ""), {}, "expected a folder of audio"),
        (("", ""), {"../ref.wav": wav(300)}, "within one folder"),
        (("", ""), {"audio/ref.wav": wav(300)[:900]}, "a broken file"),
    ],
)
def test_what_is_wrong_is_said_and_leaves_nothing(researcher, waiting, change, files, said):
    text = CONFIG.replace(*change) if change[0] else CONFIG
    refused = send(researcher, text, *([zipped(files)] if files else []))
    assert refused.status_code == 422
    assert said in refused.content.decode()
    assert (Campaign.objects.count(), Signal.objects.count(), waiting()) == (0, 0, 0)


def test_a_name_that_is_taken_is_refused_and_another_may_be_given(researcher, waiting):
    send(researcher, CONFIG, zipped(SOUNDS))
    signals = Signal.objects.count()
    refused = send(researcher, CONFIG, zipped(SOUNDS))
    assert "exists already" in refused.content.decode()
    assert (Campaign.objects.count(), Signal.objects.count(), waiting()) == (1, signals, 0)
    send(researcher, CONFIG, zipped(SOUNDS), slug="second")
    assert Campaign.objects.filter(slug="second").exists()


def test_a_large_one_is_made_by_a_job_and_a_script_is_told_where_to_go(researcher, monkeypatch):
    monkeypatch.setattr(making, "QUICK_S", 0.5)
    document = SimpleUploadedFile("test.yaml", CONFIG.encode())
    told = researcher.post(
        reverse("campaign-import"),
        {"document": document, "sounds": [zipped(SOUNDS)]},
        headers={"X-Sending": "1"},
    )
    job = Job.objects.get(kind="import-campaign")
    assert (told.status_code, told["X-Onward"]) == (204, reverse("job", args=[job.pk]))
    assert Campaign.objects.count() == 0
    jobs.run(job.pk)
    job.refresh_from_db()
    assert job.state == Job.State.DONE, job.message
    campaign = Campaign.objects.get()
    assert campaign.get_absolute_url() in researcher.get(told["X-Onward"]).content.decode()
