"""A seal shows later what is gone or written anew, and only this installation makes its seals."""

from __future__ import annotations

import hashlib
import json
import stat

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from django.core.management import CommandError, call_command
from django.urls import reverse

from listening import exporting
from models_registry import audit, sealing
from models_registry.models import AuditEvent, Verification
from models_registry.sealing import SealError
from tests.factories import account, mushra_campaign
from tests.tampering import strike

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def home(settings, tmp_path):
    settings.MEDIA_ROOT, settings.SEAL_KEY = tmp_path / "media", tmp_path / "seal_key.pem"


@pytest.fixture
def sealed(tmp_path):
    audit.record("note", "one", actor="alice")
    path = tmp_path / "seal.json"
    call_command("seal", "--output", str(path), "--reason", "the year's end")
    return path


def refused(*arguments):
    with pytest.raises(CommandError) as found:
        call_command("verify", *map(str, arguments))
    return found.value.returncode, str(found.value)


def test_the_key_is_made_once_and_its_owner_s_alone(settings):
    first = sealing.public_pem()
    assert stat.S_IMODE(settings.SEAL_KEY.stat().st_mode) == 0o600
    assert sealing.public_pem() == first
    assert isinstance(load_pem_public_key(first.encode()), Ed25519PublicKey)


def test_what_came_after_a_seal_is_none_of_its_concern(sealed, capsys):
    audit.record("note", "two", actor="alice")
    call_command("verify", "--seal", str(sealed))
    assert "it is what the seal says" in capsys.readouterr().out


def test_a_lost_end_is_noticed_by_the_seal_alone(sealed):
    strike(AuditEvent.objects.filter(pk=AuditEvent.objects.last().pk))
    call_command("verify")
    code, words = refused("--seal", sealed)
    assert code == 1
    assert "the record ends with event 1: what came after is gone" in words


def test_who_has_the_public_key_needs_no_private_one(sealed, settings, tmp_path):
    public = tmp_path / "public.pem"
    public.write_text(sealing.public_pem())
    settings.SEAL_KEY = tmp_path / "another.pem"
    code, words = refused("--seal", sealed)
    assert code == 1
    assert "it is another's" in words
    call_command("verify", "--seal", str(sealed), "--public-key", str(public))


@pytest.mark.parametrize("changed", [{"number": 1}, {"sealed_at": "2000"}, {"signature": "AAAA"}])
def test_a_seal_that_was_changed_is_none(sealed, changed):
    sealed.write_text(json.dumps(json.loads(sealed.read_text()) | changed))
    code, words = refused("--seal", sealed)
    assert code == 1
    assert "it was changed, or is forged" in words


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"seal": 1}', "\x00", "1" * 20_000, "[" * 9_000], ids=range(7)
)
def test_what_is_no_seal_is_refused(sealed, text):
    sealed.write_text(text)
    code, words = refused("--seal", sealed)
    assert code == 2
    assert words.startswith("expected a seal")


def test_a_seal_of_another_shape_is_refused():
    made = sealing.seal(actor="alice")
    for wrong in (made | {"number": True}, made | {"seal": "x"}, made | {"more": 1}):
        with pytest.raises(SealError, match="expected a seal"):
            sealing.read(json.dumps(wrong))


def test_what_is_no_key_is_refused(sealed, settings, tmp_path):
    other = tmp_path / "key.pem"
    other.write_text("no key")
    assert refused("--seal", sealed, "--public-key", other)[0] == 2
    assert refused("--public-key", other)[0] == 2
    settings.SEAL_KEY.write_text("no key")
    with pytest.raises(SealError, match="expected a private key"):
        sealing.seal(actor="alice")
    assert AuditEvent.objects.count() == 2


def test_verify_tells_it_as_json_and_keeps_it(sealed, capsys):
    call_command("verify", "--format", "json", "--seal", str(sealed))
    told = json.loads(capsys.readouterr().out)
    assert told["holds"] is True
    assert told["checked"]["events"] == 2
    assert told["last_event"]["sha256"] == AuditEvent.objects.last().sha256
    kept = Verification.objects.get()
    assert (kept.number_of_breaks, kept.last_number) == (0, 2)


def test_the_record_s_page_shows_the_last_result_and_gives_seals(client, sealed):
    client.force_login(account("alice"))
    page = reverse("record")
    assert "Nobody has yet held" in client.get(page).content.decode()
    call_command("verify")
    assert "Everything holds" in client.get(page).content.decode()
    given = client.post(reverse("record-seal"))
    assert list(sealing.breaks(sealing.read(given.content), sealing.public_key())) == []
    assert AuditEvent.objects.last().actor == "alice"
    answer = client.post(reverse("record-verify"))
    assert answer.status_code == 302


def test_an_export_s_event_names_the_file_that_left(tmp_path):
    campaign = mushra_campaign(items=1)
    path = tmp_path / "sessions.csv"
    exporting.export(campaign, path, actor="alice", rows="sessions")
    said = AuditEvent.objects.get(act="export").content
    assert said["file_sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    sent = b"".join(exporting.csv_ratings(campaign, actor="alice"))
    done = AuditEvent.objects.get(act="export-done").content
    assert done["file_sha256"] == hashlib.sha256(sent).hexdigest()
    assert done["export"] == AuditEvent.objects.filter(act="export").last().number
