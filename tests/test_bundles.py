"""A campaign travels in one file, checked by hash and restored with its ids; a changed or hostile one is refused."""

from __future__ import annotations

import hashlib
import json
import uuid
import zipfile

import pytest
from django.core.management import CommandError, call_command
from pandas.testing import assert_frame_equal

from listening import sessions
from listening.bundling import export_bundle, verify_bundle
from listening.composing import describe
from listening.evidence import ratings_frame
from listening.exchange.errors import ExchangeError
from listening.models import Campaign, Condition, Rating, Session
from listening.unbundling import import_bundle
from listening.verifying import CHECKS
from models_registry import triggers, verifying
from models_registry.models import AudioModel, ModelVersion, Signal
from tests.factories import WHOLE_PLAN, mushra_campaign
from tests.site.conftest import version  # noqa: F401

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "media"


@pytest.fixture
def campaign(db):
    """With an answered and a begun session, and a judgement that was corrected."""
    made = mushra_campaign(items=2, plan=WHOLE_PLAN)
    person = sessions.start(made, external_code="PROLIFIC-7")
    sessions.start(made)
    page = person.pages.filter(kind="rating").earliest("number")
    (slot, *others) = page.slots.exclude(stimulus=None)
    for number, (rated, value) in enumerate([(slot, 10), *((s, 50) for s in others), (slot, 20)]):
        body = {"slot": str(rated.token), "value": value}
        sessions.respond(person, page, uuid.UUID(int=number), body)
    person.exclude(reason="an echo", actor="alice")
    return made


@pytest.fixture
def bundle(campaign, tmp_path):
    path = tmp_path / "tones.zip"
    export_bundle(campaign, path, actor="alice")
    return path


def elsewhere(settings, tmp_path):
    """Another installation: no rows, no files."""
    with triggers.lifted():
        call_command("flush", "--no-input", verbosity=0)
    settings.MEDIA_ROOT = tmp_path / "another"


def rewritten(path, name, content):
    """The bundle with one file replaced, and its manifest as it was."""
    with zipfile.ZipFile(path) as old:
        files = {entry: old.read(entry) for entry in old.namelist()}
    files[name] = content
    with zipfile.ZipFile(path, "w") as new:
        for entry, data in files.items():
            new.writestr(entry, data)


def test_the_manifest_holds_the_hash_of_every_file(bundle):
    with zipfile.ZipFile(bundle) as archive:
        manifest = json.loads(archive.read("manifest.json"))
        for name in set(archive.namelist()) - {"manifest.json"}:
            assert (
                manifest["files"][name]["sha256"] == hashlib.sha256(archive.read(name)).hexdigest()
            )
        assert {
            "README.md",
            "LICENCE.txt",
            "campaign.yaml",
            "record.jsonl",
            "software.json",
        } <= set(archive.namelist())


def test_another_installation_gets_the_same_campaign_ids_and_all(
    campaign, bundle, settings, tmp_path, capsys
):
    before, document = ratings_frame(campaign), describe(campaign)
    tokens = set(Session.objects.values_list("token", "listener__code", "created_at"))
    slots = set(campaign.sessions.values_list("pages__slots__token", flat=True))
    chain = list(Rating.objects.values_list("value", "supersedes__value", "response", "created_at"))
    elsewhere(settings, tmp_path)
    call_command("import_bundle", str(bundle))
    assert "2 sessions restored" in capsys.readouterr().out
    restored = Campaign.objects.get()
    assert describe(restored) == document
    # where a rating's provenance is told is each installation's own
    after, told = (one.drop(columns="provenance") for one in (ratings_frame(restored), before))
    assert_frame_equal(after, told)
    assert set(Session.objects.values_list("token", "listener__code", "created_at")) == tokens
    assert set(restored.sessions.values_list("pages__slots__token", flat=True)) == slots
    found = Rating.objects.values_list("value", "supersedes__value", "response", "created_at")
    assert sorted(found, key=str) == sorted(chain, key=str)
    assert verifying.verify(CHECKS).breaks == []


def test_a_begun_session_goes_on_at_the_new_place(campaign, bundle, settings, tmp_path, client):
    token = campaign.sessions.latest("pk").token
    elsewhere(settings, tmp_path)
    import_bundle(bundle, actor="bob")
    assert client.get(f"/s/{token}/").status_code == 200


def test_a_version_comes_with_its_weights(version, campaign, settings, tmp_path):  # noqa: F811
    Condition.objects.filter(name="system one").update(version=version)
    path, sha256 = tmp_path / "with.zip", version.sha256
    with version.weights.open("rb") as file:
        weights = file.read()
    export_bundle(campaign, path, actor="alice")
    elsewhere(settings, tmp_path)
    import_bundle(path, actor="bob")
    restored = ModelVersion.objects.get()
    assert (str(restored), restored.sha256) == ("overdrive@1", sha256)
    with restored.weights.open("rb") as file:
        assert file.read() == weights
    assert AudioModel.objects.get().purpose == "a test"


def test_verifying_names_the_first_file_that_was_changed(bundle, capsys):
    call_command("verify_bundle", str(bundle))
    assert "files are as they were written" in capsys.readouterr().out
    with zipfile.ZipFile(bundle) as archive:
        rows = archive.read("rows/Rating.jsonl")
    rewritten(bundle, "rows/Rating.jsonl", rows.replace(b'"value": 20', b'"value": 90'))
    with pytest.raises(CommandError, match="rows/Rating.jsonl: expected SHA-256"):
        call_command("verify_bundle", str(bundle))


@pytest.mark.parametrize("taken", ["slug", "rows"])
def test_what_is_here_already_is_refused_and_nothing_is_changed(campaign, bundle, taken):
    if taken == "rows":
        Campaign.objects.update(slug="renamed")
    signals = Signal.objects.count()
    with pytest.raises(ValueError, match="exists already|that are not here yet"):
        import_bundle(bundle, actor="bob")
    assert (Campaign.objects.count(), Signal.objects.count()) == (1, signals)


def test_a_bundle_without_sounds_needs_them_here(campaign, settings, tmp_path):
    path = tmp_path / "silent.zip"
    export_bundle(campaign, path, actor="alice", sounds=False)
    elsewhere(settings, tmp_path)
    with pytest.raises(ExchangeError, match="made without sounds"):
        import_bundle(path, actor="bob")
    assert not Campaign.objects.exists()


def forged(path, change):
    """A bundle with rows of somebody's own, and a manifest that fits them."""
    with zipfile.ZipFile(path) as old:
        files = {entry: old.read(entry) for entry in old.namelist()}
    manifest = json.loads(files.pop("manifest.json"))
    change(files)
    manifest["files"] = {
        name: {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
        for name, data in files.items()
    }
    with zipfile.ZipFile(path, "w") as new:
        for name, data in files.items():
            new.writestr(name, data)
        new.writestr("manifest.json", json.dumps(manifest))


@pytest.mark.parametrize(
    "change",
    [
        lambda files: files.update({"rows/Campaign.jsonl": b"[]"}),
        lambda files: files.update({"rows/Campaign.jsonl": b""}),
        lambda files: files.update({"rows/Page.jsonl": b'{"id": 1}'}),
        lambda files: files.update({"rows/Rating.jsonl": b"{"}),
        lambda files: files.pop("rows/Slot.jsonl"),
        lambda files: files.update(
            {name: b"RIFF" for name in files if name.endswith(".wav")},
        ),
    ],
)
def test_forged_rows_leave_nothing_half_made(bundle, settings, tmp_path, change):
    forged(bundle, change)
    elsewhere(settings, tmp_path)
    with pytest.raises(ExchangeError):
        import_bundle(bundle, actor="bob")
    assert not Campaign.objects.exists()
    assert not Signal.objects.exists()
    assert [p for p in (tmp_path / "another").rglob("*") if p.is_file()] == []


def test_whichever_byte_is_changed_there_is_a_sentence_or_nothing_was_lost(bundle, tmp_path):
    """Headers hold dates and the like that carry nothing; every other byte is refused in our words."""
    whole = bundle.read_bytes()
    path, refused = tmp_path / "changed.zip", 0
    places = range(0, len(whole), max(len(whole) // 150, 1))
    for place in places:
        changed = bytearray(whole)
        changed[place] ^= 0x55
        path.write_bytes(changed)
        try:
            verify_bundle(path)
        except ExchangeError:
            refused += 1
    assert refused > 0.8 * len(places)


@pytest.mark.parametrize("name", ["../evil", "/etc/evil", "a\\b", "a//b", "signals/../../x"])
def test_a_path_that_leads_out_is_refused(bundle, name):
    with zipfile.ZipFile(bundle, "a") as archive:
        archive.writestr(name, b"x")
    with pytest.raises(ExchangeError, match="plain file names"):
        verify_bundle(bundle)


def test_strangers_in_the_zip_and_other_files_are_refused(bundle, tmp_path):
    with zipfile.ZipFile(bundle, "a") as archive:
        archive.writestr("more.txt", b"x")
    with pytest.raises(ExchangeError, match="more.txt is not in the manifest"):
        verify_bundle(bundle)
    (tmp_path / "no.zip").write_bytes(b"not a zip")
    with pytest.raises(ExchangeError, match="found no zip"):
        verify_bundle(tmp_path / "no.zip")
    with zipfile.ZipFile(tmp_path / "empty.zip", "w"):
        pass
    with pytest.raises(ExchangeError, match="manifest"):
        verify_bundle(tmp_path / "empty.zip")


def test_a_bomb_is_refused_unread(bundle):
    with zipfile.ZipFile(bundle, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros.wav", bytes(64 * 2**20))
    with pytest.raises(ExchangeError, match=r"zeros.wav: swells"):
        verify_bundle(bundle)
