"""From a folder of files to a draft: what is taken, how it is laid out, and that hostile uploads leave nothing."""

from __future__ import annotations

import io
import stat
import zipfile

import numpy as np
import pytest
import soundfile
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from listening import templating
from listening.models import Campaign
from models_registry.models import Job, Rendering, Signal
from tests.factories import here, mushra_campaign, stored_tone
from tests.site.html import Page

RATE = 44_100
SYSTEMS = {"ref": 1.0, "codec a": 0.7, "codec b": 0.5}


def wav(frequency, level=0.5, seconds=0.6):
    time = np.arange(int(seconds * RATE)) / RATE
    sound = level * np.sin(2 * np.pi * frequency * time)
    buffer = io.BytesIO()
    soundfile.write(buffer, sound, RATE, format="WAV", subtype="PCM_16")
    return buffer.getvalue()


def folder(pattern="{condition}/{item}.wav", items=("guitar", "speech", "drums")):
    return {
        pattern.format(condition=system, item=item): wav(220 * place, level / 2)
        for place, item in enumerate(items, start=1)
        for system, level in SYSTEMS.items()
    }


def zipped(files, **options):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, **options) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return SimpleUploadedFile("sounds.zip", buffer.getvalue())


def send(client, *files, **fields):
    data = {"title": "Three codecs", "method": "mushra", "source": "files", "sounds": files}
    return client.post(reverse("campaign-new"), data | fields)


def test_a_zip_becomes_a_table_and_the_table_a_draft(researcher, waiting):
    sent = send(researcher, zipped({"mytest/" + name: wave for name, wave in folder().items()}))
    assert sent.status_code == 302
    page = researcher.get(sent.url)
    text = page.content.decode()
    assert "3 items by 3 conditions" in text
    assert 'value="{condition}/{item}.wav"' in text
    assert "hole" not in text
    assert Page(page).unlabelled_fields() == []
    assert Campaign.objects.count() == 0
    roles = {"role-0": "reference", "role-1": "system", "role-2": "system"}
    made = researcher.post(
        sent.url,
        {"pattern": "{condition}/{item}.wav", "made": ["anchor35", "anchor70"], **roles},
    )
    campaign = Campaign.objects.get()
    assert made.url == campaign.get_absolute_url()
    assert (campaign.slug, campaign.method, campaign.state) == ("three-codecs", "mushra", "draft")
    assert campaign.owner.username == "alice"
    assert [trial.item for trial in campaign.trials.all()] == ["drums", "guitar", "speech"]
    assert {one.name: one.role for one in campaign.conditions.all()} == {
        "ref": "reference",
        "anchor 3.5 kHz": "anchor35",
        "anchor 7 kHz": "anchor70",
        "codec a": "system",
        "codec b": "system",
    }
    assert campaign.problems() == []
    assert waiting() == 0


def test_files_by_themselves_are_paired_by_their_names(researcher):
    files = folder("{item}_{condition}.wav", items=("drum_loop", "bass_line"))
    sent = send(researcher, *(SimpleUploadedFile(name, wave) for name, wave in files.items()))
    text = researcher.get(sent.url).content.decode()
    assert 'value="{item}_{condition}.wav"' in text
    assert "2 items by 3 conditions" in text


def test_holes_are_shown_and_their_items_may_be_left_out(researcher):
    files = folder()
    del files["codec b/drums.wav"]
    sent = send(researcher, zipped(files))
    text = researcher.get(sent.url).content.decode()
    assert "1 hole" in text
    assert text.count(">missing<") == 1
    researcher.post(sent.url, {"whole": "on", "made": ["anchor35", "anchor70"]})
    campaign = Campaign.objects.get()
    assert [trial.item for trial in campaign.trials.all()] == ["guitar", "speech"]
    assert campaign.problems() == []


def test_without_anchors_the_method_is_told_so(researcher):
    sent = send(researcher, zipped(folder()))
    researcher.post(sent.url, {})
    campaign = Campaign.objects.get()
    assert campaign.options == {"anchors": []}
    assert campaign.problems() == []


def test_further_anchors_are_made_of_the_reference_by_kind_and_degree(researcher):
    sent = send(researcher, zipped(folder()))
    asked = {"damaged": ["mnru", "packet-loss"], "at-mnru": "10", "at-packet-loss": "2.5"}
    researcher.post(sent.url, {**asked, "made": ["anchor35", "anchor70"]})
    campaign = Campaign.objects.get()
    assert {one.name: one.made for one in campaign.conditions.filter(role="anchor")} == {
        "modulated noise 10 dB": {"kind": "mnru", "at": 10.0},
        "lost packets 2.5 %": {"kind": "packet-loss", "at": 2.5},
    }
    assert campaign.problems() == []


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"damaged": "mp3", "at-mp3": "soft"}, "expected a bit rate in kbit/s, found"),
        ({"damaged": "mp3", "at-mp3": "4"}, "a bit rate of 8 to 320 kbit/s for MP3, found 4"),
        ({"damaged": "fire", "at-fire": "1"}, "expected one of low-pass, mnru"),
    ],
)
def test_a_strange_anchor_gets_a_sentence_and_makes_nothing(researcher, waiting, asked, sentence):
    sent = send(researcher, zipped(folder()))
    refused = researcher.post(sent.url, asked)
    assert refused.status_code == 422
    assert sentence in refused.content.decode()
    assert (Campaign.objects.count(), waiting()) == (0, 1)


def test_two_references_are_refused_and_what_waits_stays(researcher, waiting):
    sent = send(researcher, zipped(folder()))
    refused = researcher.post(sent.url, {"role-0": "reference", "role-1": "reference"})
    assert refused.status_code == 422
    assert "expected one reference" in refused.content.decode()
    assert (Campaign.objects.count(), Signal.objects.count(), waiting()) == (0, 0, 1)


def test_what_waits_is_of_its_owner_alone(researcher, bob, client):
    sent = send(researcher, zipped(folder()))
    client.force_login(bob)
    assert client.get(sent.url).status_code == 404
    assert client.post(sent.url).status_code == 404


def link_in_a_zip():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        entry = zipfile.ZipInfo("ref/guitar.wav")
        entry.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(entry, "/etc/passwd")
    return SimpleUploadedFile("links.zip", buffer.getvalue())


def lying_zip():
    """A zip that declares 100 bytes and holds a megabyte."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/b.wav", b"\0" * 1_000_000)
    content = bytearray(buffer.getvalue())
    for mark, place in ((b"PK\x01\x02", 24), (b"PK\x03\x04", 22)):
        found = content.find(mark) + place
        content[found : found + 4] = (100).to_bytes(4, "little")
    return SimpleUploadedFile("lies.zip", bytes(content))


def half_a_wav():
    return SimpleUploadedFile("ref_guitar.wav", wav(440)[:2000])


HOSTILE = {
    "a way up": (lambda: zipped({"../up.wav": wav(440)}), "within one folder"),
    "a way up, the other stroke": (lambda: zipped({"a\\..\\up.wav": wav(440)}), "within one folder"),
    "a root": (lambda: zipped({"/etc/up.wav": wav(440)}), "within one folder"),
    "a drive": (lambda: zipped({"C:/up.wav": wav(440)}), "within one folder"),
    "a link": (link_in_a_zip, "a link"),
    "zeros": (lambda: zipped({"a/b.wav": b"\0" * 40_000_000}), "at most 20 MB"),
    "a size that lies": (lying_zip, "lies.zip: expected"),
    "a zip in a zip": (lambda: zipped({"a/inner.zip": b"PK"}), "an archive within an archive"),
    "no zip": (lambda: SimpleUploadedFile("a.zip", b"nothing"), "another kind of file"),
    "half a sound": (half_a_wav, "a broken file"),
    "no sound": (lambda: zipped({"a/b.wav": b"text"}), "does not decode"),
    "nothing to hear": (lambda: zipped({"readme.txt": b"text"}), "found none"),
    "a name without end": (lambda: zipped({"a/" + "b" * 300 + ".wav": wav(440)}), "at most 200 bytes"),
    "a name with signs that cannot be shown": (lambda: zipped({"a/\x1b[2J.wav": wav(440)}), "can be shown"),
    "the same name twice": (lambda: zipped({"a/b.wav": wav(440), "a\\b.wav": wav(440)}), "found it twice"),
    "a file where a folder is": (
        lambda: zipped({"a.wav": wav(440), "a.wav/b.wav": wav(440)}),
        "a name of its own",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", HOSTILE)
def test_hostile_uploads_get_a_sentence_and_leave_nothing(researcher, settings, waiting, what):
    settings.CAMPAIGN_MB = 20
    file, sentence = HOSTILE[what]
    refused = send(researcher, file())
    assert refused.status_code == 422
    assert sentence in refused.content.decode()
    assert (waiting(), Signal.objects.count()) == (0, 0)


def test_too_much_is_refused_before_it_is_read(researcher, settings):
    settings.CAMPAIGN_MB = 1
    sent = send(researcher, SimpleUploadedFile("a.wav", b"\0" * 3_000_000))
    assert sent.status_code == 413
    assert "at most 1 MB" in sent.content.decode()


def test_more_sounds_than_are_taken(researcher, settings, waiting):
    settings.CAMPAIGN_FILES = 4
    refused = send(researcher, zipped(folder()))
    assert "at most 4 sounds" in refused.content.decode()
    assert waiting() == 0


def test_names_in_any_script(researcher):
    files = folder("{item}/{condition}.wav", items=("ギター", "Größe", "صوت"))
    sent = send(researcher, zipped(files), title="ギター")
    researcher.post(sent.url, {"made": ["anchor35", "anchor70"]})
    campaign = Campaign.objects.get()
    assert campaign.slug == "campaign"
    assert {trial.item for trial in campaign.trials.all()} == {"ギター", "Größe", "صوت"}


def test_a_folder_of_the_server_only_where_the_setting_names_one(
    researcher, settings, tmp_path, waiting
):
    assert "folder on the server" not in researcher.get(reverse("campaign-new")).content.decode()
    assert send(researcher, source="server", folder=".").status_code == 422
    for name, wave in folder().items():
        path = tmp_path / "import" / "codecs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(wave)
    settings.IMPORT_ROOT = tmp_path / "import"
    assert "folder on the server" in researcher.get(reverse("campaign-new")).content.decode()
    for wrong in ("..", "codecs/../..", "/etc"):
        assert send(researcher, source="server", folder=wrong).status_code == 422
    sent = send(researcher, source="server", folder="codecs")
    researcher.post(sent.url, {"made": ["anchor35", "anchor70"]})
    assert Campaign.objects.get().problems() == []
    assert (tmp_path / "import/codecs/ref/guitar.wav").exists()
    (tmp_path / "import/codecs/out.wav").symlink_to("/etc/passwd")
    refused = send(researcher, source="server", folder="codecs", title="Again")
    assert "a link out of it" in refused.content.decode()
    assert waiting() == 0


def test_versions_by_signals_with_what_is_missing_rendered_on_request(researcher, version):
    first, second = stored_tone(200), stored_tone(250)
    sent = send(
        researcher, source="renderings", versions=[version.pk], inputs=[first.pk, second.pk]
    )
    text = researcher.get(sent.url).content.decode()
    assert "2 items by 2 conditions" in text
    assert "1 hole" in text
    researcher.post(sent.url, {"act": "render"})
    job = Job.objects.get(kind="render")
    assert job.arguments == {
        "versions": ["overdrive@1"],
        "signals": [second.sha256],
        "actor": "alice",
    }
    Rendering.objects.create(version=version, input=second, output=stored_tone(350))
    researcher.post(sent.url, {"made": ["anchor35", "anchor70"]})
    campaign = Campaign.objects.get()
    assert campaign.conditions.get(name="overdrive@1").version == version
    assert campaign.problems() == []


def test_sounds_that_were_sent_become_a_draft_with_a_templates_settings(researcher):
    source = mushra_campaign(slug="panel", items=1, launched=False)
    fields = [{"path": "repetitions", "label": "How often", "default": 1, "least": 1}]
    data = templating.written(
        "campaign",
        templating.settings_of(source),
        name="panel",
        title="Panel",
        purpose="",
        fields=fields,
    )
    template = templating.keep(data, source="panel", project=here(), actor="alice")
    assert "Panel (panel@1)" in researcher.get(reverse("campaign-new")).content.decode()
    fresh = {"title": "Fresh sounds", "method": "acr", "template": template.pk}
    table = send(researcher, zipped(folder()), **fresh).url
    assert "How often" in researcher.get(table).content.decode()
    refused = researcher.post(table, {"field-0": "0"})
    assert refused.status_code == 422
    assert not Campaign.objects.filter(slug="fresh-sounds").exists()
    researcher.post(table, {"field-0": "3", "made": ["anchor35", "anchor70"]})
    draft = Campaign.objects.get(slug="fresh-sounds")
    assert (draft.method, draft.repetitions, draft.title) == ("mushra", 3, "Fresh sounds")
    assert draft.plan == source.plan
