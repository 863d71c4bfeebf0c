"""The record proves itself, and names the first thing that was tampered with."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from listening.verifying import CHECKS
from models_registry import audit
from models_registry.audio import Audio
from models_registry.models import AudioModel, AuditEvent, ModelVersion, Signal
from models_registry.triggers import GENESIS
from models_registry.verifying import verify
from tests.tampering import rewrite, strike

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


def noise(seed=0):
    samples = np.random.default_rng(seed).normal(0, 0.1, (1, 4_800)).astype(np.float32)
    return Audio(samples, 48_000)


@pytest.fixture
def events():
    return [audit.record("note", f"thing {n}", actor="alice", content={"n": n}) for n in range(5)]


def broken_files():
    return verify(CHECKS).breaks


def broken():
    return [found.where for found in audit.breaks_in_chain()]


def test_an_untouched_record_verifies(events, capsys):
    Signal.objects.store(noise(), title="noise")
    call_command("verify")
    assert "5 events, 1 signals and 0 versions" in capsys.readouterr().out


def test_each_event_names_the_hash_of_the_one_before(events):
    assert events[0].previous_sha256 == GENESIS
    for before, after in zip(events, events[1:], strict=False):
        assert after.previous_sha256 == before.sha256


def test_a_changed_event_is_named(events):
    rewrite(AuditEvent.objects.filter(number=3), reason="nothing to see here")
    assert broken() == ["event 3 (note thing 2)"]


def test_a_removed_event_is_noticed(events):
    strike(AuditEvent.objects.filter(number=3))
    assert broken()[0] == "event 4 (note thing 3)"


def test_a_changed_event_with_its_hash_mended_breaks_the_next(events):
    event = AuditEvent.objects.get(number=3)
    event.actor = "mallory"
    rewrite(AuditEvent.objects.filter(number=3), actor="mallory", sha256=audit.event_hash(event))
    assert broken() == ["event 4 (note thing 3)"]


def test_two_swapped_events_are_noticed(events):
    contents = {n: AuditEvent.objects.get(number=n).content for n in (2, 3)}
    rewrite(AuditEvent.objects.filter(number=2), content=contents[3])
    rewrite(AuditEvent.objects.filter(number=3), content=contents[2])
    assert broken() == ["event 2 (note thing 1)", "event 3 (note thing 2)"]


def test_a_changed_sample_is_named_with_exit_code_1():
    signal = Signal.objects.store(noise(), title="noise")
    with open(signal.file.path, "r+b") as file:
        file.seek(-4, 2)
        file.write(b"\x00\x00\x00\x3e")
    with pytest.raises(CommandError, match="signal noise") as refused:
        call_command("verify")
    assert refused.value.returncode == 1


def test_a_missing_file_is_named():
    signal = Signal.objects.store(noise(), title="noise")
    signal.file.delete(save=False)
    assert "cannot be read" in broken_files()[0].what


def test_changed_weights_are_named():
    model = AudioModel.objects.create(name="drive", title="Drive")
    version = ModelVersion.objects.register(
        model, chain={"blocks": []}, weights=b"weights", card={}, reason="first"
    )
    assert version.weights_sha256 == hashlib.sha256(b"weights").hexdigest()
    assert not broken_files()
    with open(version.weights.path, "wb") as file:
        file.write(b"heavier")
    assert broken_files()[0].where == "version drive@1"


def test_a_changed_chain_is_named():
    model = AudioModel.objects.create(name="drive", title="Drive")
    ModelVersion.objects.register(model, chain={"a": 1}, weights=b"w", card={}, reason="first")
    rewrite(ModelVersion.objects.all(), chain={"a": 2})
    assert "do not give its hash" in broken_files()[0].what


def test_the_same_samples_are_one_signal():
    first = Signal.objects.store(noise(), title="noise")
    again = Signal.objects.store(noise(), title="the same noise")
    other = Signal.objects.store(noise(1), title="other noise")
    assert first.pk == again.pk != other.pk
    assert np.array_equal(first.audio().samples, noise().samples)


def test_versions_are_numbered_and_name_their_parent():
    model = AudioModel.objects.create(name="drive", title="Drive")
    one, two = (
        ModelVersion.objects.register(model, chain={}, weights=bytes([n]), card={}, reason="why")
        for n in range(2)
    )
    assert (str(one), str(two)) == ("drive@1", "drive@2")
    assert two.parent == one
    assert ModelVersion.objects.named("drive") == two
    assert ModelVersion.objects.named("drive@1") == one


@pytest.mark.parametrize("name", ["fuzz", "drive@9", "drive@x", ""])
def test_an_unknown_version_is_refused_with_what_there_is(name):
    model = AudioModel.objects.create(name="drive", title="Drive")
    ModelVersion.objects.register(model, chain={}, weights=b"", card={}, reason="why")
    with pytest.raises(ModelVersion.DoesNotExist, match="registered: drive@1"):
        ModelVersion.objects.named(name)
