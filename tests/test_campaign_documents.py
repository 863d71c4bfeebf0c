"""Campaigns from files and back: a document, a configuration of webMUSHRA, and what is refused whole."""

from __future__ import annotations

import json

import pytest
from django.core.management import CommandError, call_command

from listening.composing import compose, describe
from listening.exchange import campaign_document
from listening.exchange.documents import Document, DocumentError
from listening.models import Campaign, Stimulus
from models_registry import audio
from tests.factories import abx_campaign, here, mushra_campaign, tone

pytestmark = pytest.mark.django_db

CONFIG = """
testname: Codecs
testId: codecs_1
pages:
    - {type: generic, id: first, name: Welcome, content: "<p>Hello</p>"}
    -
        - random
        - type: mushra
          id: trial1
          content: Note: listen
          reference: configs/resources/audio/guitar.wav
          createAnchor35: true
          createAnchor70: true
          stimuli: {C1: configs/resources/audio/c1.wav, C2: configs/resources/audio/c2.wav}
        - type: mushra
          id: trial2
          reference: configs/resources/audio/voice.wav
          createAnchor35: true
          createAnchor70: true
          stimuli: {C1: configs/resources/audio/c3.wav, C2: configs/resources/audio/c4.wav}
    - {type: finish, name: Thanks, questionnaire: [{type: text, label: eMail, name: email}]}
"""


@pytest.fixture(autouse=True)
def home(settings, tmp_path):
    settings.HOME = tmp_path / "home"
    settings.MEDIA_ROOT = settings.HOME / "media"


@pytest.fixture
def sounds(tmp_path):
    """A folder as a laboratory has it: the files without webMUSHRA's own path in front of them."""
    folder = tmp_path / "sounds"
    folder.mkdir()
    for place, name in enumerate(("guitar", "voice", "c1", "c2", "c3", "c4")):
        audio.write(folder / f"{name}.wav", tone(300.0 + 70 * place, level=0.4))
    return folder


@pytest.fixture
def imported(tmp_path, sounds, capsys):
    """Run `import_campaign` on the text of a file; returns what it printed."""

    def run(text, *options, name="config.yaml"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        capsys.readouterr()
        call_command("import_campaign", str(path), "--audio", str(sounds), *options)
        return capsys.readouterr().out

    return run


def test_one_command_takes_a_configuration_from_file_to_open(imported):
    out = imported(CONFIG, "--launch")
    campaign = Campaign.objects.get()
    assert out.startswith("codecs_1: MUSHRA, 5 conditions, 2 items, open: ")
    assert (campaign.state, campaign.collect_as, campaign.title) == ("open", "codecs_1", "Codecs")
    assert set(campaign.conditions.values_list("name", "role")) == {
        ("reference", "reference"),
        ("anchor35", "anchor35"),
        ("anchor70", "anchor70"),
        ("C1", "system"),
        ("C2", "system"),
    }
    assert [part["part"] for part in campaign.plan] == ["instructions", "ratings", "questions"]


def test_the_sounds_are_those_of_the_files_and_the_hidden_reference_is_the_open_one(
    imported, sounds
):
    imported(CONFIG)
    hashes = {path.stem: audio.content_hash(audio.read(path)) for path in sounds.iterdir()}
    found = {
        (stimulus.trial.item, stimulus.condition.name): stimulus.signal.sha256
        for stimulus in Stimulus.objects.select_related("trial", "condition", "signal")
    }
    assert found["trial2", "C2"] == hashes["c4"]
    assert found["trial2", "reference"] == hashes["voice"]
    trial = Campaign.objects.get().trials.get(item="trial2")
    assert trial.reference.sha256 == hashes["voice"]


def test_what_is_missing_is_named_all_at_once_and_nothing_is_made(imported, sounds):
    (sounds / "c1.wav").unlink()
    (sounds / "c4.wav").write_bytes(b"RIFF")
    with pytest.raises(CommandError) as refusal:
        imported(CONFIG)
    assert "c1.wav in the folder of audio, found none" in str(refusal.value)
    assert "c4.wav" in str(refusal.value)
    assert not Campaign.objects.exists()


def test_a_campaign_that_cannot_be_launched_is_not_half_made(imported, sounds):
    audio.write(sounds / "c2.wav", tone(440.0, duration=2.0))
    with pytest.raises(CommandError, match="trial1: expected the same length"):
        imported(CONFIG, "--launch")
    assert not Campaign.objects.exists()


def test_a_test_without_an_anchor_or_a_system_somewhere_opens_and_says_what_it_is_not(imported):
    text = CONFIG.replace("createAnchor70: true", "createAnchor70: false").replace(
        ", C2: configs/resources/audio/c4.wav", ""
    )
    imported(text, "--launch")
    campaign = Campaign.objects.get()
    assert campaign.state == "open"
    assert campaign.protocol.standard == "after ITU-R BS.1534-3, but without its 7 kHz anchor"
    assert campaign.options == {"anchors": ["anchor35"], "incomplete": True}


MADE = """
format: earwitness-campaign/1
slug: speech
title: Speech
method: mushra
conditions:
  - {name: reference, role: reference}
  - {name: low, role: anchor35}
  - {name: mid, role: anchor70}
  - {name: coded, role: anchor, made: {kind: mp3, at: 24}}
  - {name: noisy, role: anchor, made: {kind: mnru}}
  - {name: C1}
items:
  - title: voice
    reference: voice.wav
    stimuli: {C1: c1.wav}
"""


def test_anchors_are_made_by_kind_and_degree_and_a_round_trip_keeps_how(imported):
    imported(MADE, name="speech.yaml")
    campaign = Campaign.objects.get()
    described = describe(campaign)
    assert described["conditions"][3]["made"] == {"kind": "mp3", "at": 24}
    assert described["conditions"][4]["made"] == {"kind": "mnru"}
    sounds = described["items"][0]["stimuli"]
    assert len(set(sounds.values())) == 6
    copy = compose(Document("copy", {**described, "slug": "copy"}), project=here(), actor="alice")
    assert describe(copy) == {**described, "slug": "copy"}


def test_only_anchors_are_made_by_damage(imported):
    with pytest.raises(CommandError, match="line 10.*expected the role anchor for what is made"):
        imported(MADE.replace("role: anchor, made: {kind: mp3", "made: {kind: mp3"), name="a.yaml")
    with pytest.raises(CommandError, match="8 to 320 kbit/s for MP3, found 900"):
        imported(MADE.replace("at: 24", "at: 900"), name="b.yaml")


@pytest.mark.parametrize("make", [mushra_campaign, abx_campaign])
@pytest.mark.parametrize("form", campaign_document.FORMATS)
def test_a_round_trip_changes_nothing(make, form):
    campaign = make(launched=False)
    Campaign.objects.filter(pk=campaign.pk).update(invited_only=True, retain_until="2027-06-30")
    campaign.refresh_from_db()
    before = describe(campaign)
    assert (before["invited_only"], before["retain_until"]) == (True, "2027-06-30")
    text = campaign_document.dump(before | {"slug": "copy"}, form=form)
    copy = compose(campaign_document.parse(text, name="copy"), project=here(), actor="alice")
    assert describe(copy) == before | {"slug": "copy"}


def test_a_round_trip_by_files_changes_nothing_but_where_the_sounds_are(tmp_path, capsys):
    campaign = mushra_campaign(launched=False)
    target, folder = tmp_path / "out" / "campaign.yaml", tmp_path / "out"
    folder.mkdir()
    call_command("export_campaign", campaign.slug, "--to", str(target), "--audio", str(folder))
    call_command("import_campaign", str(target), "--slug", "copy")
    assert describe(Campaign.objects.get(slug="copy")) == describe(campaign) | {"slug": "copy"}


def test_the_terminal_gets_the_document_and_nothing_else(capsys):
    campaign = mushra_campaign(launched=False)
    call_command("export_campaign", campaign.slug, "--format", "json")
    assert json.loads(capsys.readouterr().out) == describe(campaign)


def changed(**changes) -> Document:
    data = describe(mushra_campaign(launched=False)) | {"slug": "copy"} | changes
    return campaign_document.parse(campaign_document.dump(data, form="yaml"), name="test.yaml")


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"method": "karaoke"}, "line 4, column 9: expected a test method"),
        ({"options": {"colour": 1}}, "found 'colour'"),
        ({"options": {"anchors": ["anchor99"]}}, "found 'anchor99'"),
        ({"retain_until": "2026-02-30"}, "expected a date"),
        ({"screening": "by taste"}, "found 'by taste'"),
        ({"plan": [{"part": "dance"}]}, "found 'dance'"),
        (
            {"conditions": [{"name": "x", "version": "nobody@1"}], "items": [{"title": "t"}]},
            "'nobody@1'",
        ),
        (
            {"items": [{"title": "t", "reference": "sha256:00"}]},
            "expected the hash of a stored signal",
        ),
        ({"items": [{"title": "t", "reference": "a.wav"}]}, "expected a folder of audio"),
    ],
)
def test_what_cannot_be_made_is_refused_with_its_place(changes, what):
    with pytest.raises(DocumentError) as refusal:
        compose(changed(**changes), project=here(), actor="alice")
    assert what in str(refusal.value)
    assert not Campaign.objects.filter(slug="copy").exists()


def test_a_path_out_of_the_folder_leads_nowhere(imported, sounds):
    audio.write(sounds.parent / "secret.wav", tone(440.0))
    with pytest.raises(CommandError, match="expected the file ../secret.wav"):
        imported(CONFIG.replace("configs/resources/audio/c1.wav", "../secret.wav"))


def test_a_slug_that_is_taken_is_refused(imported):
    imported(CONFIG)
    with pytest.raises(CommandError, match="'codecs_1' exists already"):
        imported(CONFIG)


def test_every_setting_of_a_campaign_is_in_its_document():
    """What a new field would silently lose; the rest is what happened to the campaign, not what it is."""
    happened = {
        "id",
        "state",
        "source",
        "owner",
        "project",
        "preview_of",
        "revises",
        "created_at",
        "launched_at",
        "closed_at",
    }
    settings = {field.name for field in Campaign._meta.concrete_fields} - happened
    known = set(campaign_document.schema()["properties"]) - {"format", "conditions", "items"}
    called = {"collect_as": "collect", "opens_at": "opens", "closes_at": "closes"}
    assert {called.get(name, name) for name in settings} == known
