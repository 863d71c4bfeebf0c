"""What makers say of a version: all three parts, numbered, recorded, never changed."""

from __future__ import annotations

import json

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction

from models_registry import statements
from models_registry.models import AudioModel, AuditEvent, ModelStatement, ModelVersion

pytestmark = pytest.mark.django_db
SAID = {
    "intent": "Electric guitar, as an effect.",
    "assumptions": "A dry signal at −18 dBFS.",
    "caveats": "Bass guitars were never heard.",
}


@pytest.fixture
def version(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    model = AudioModel.objects.create(name="overdrive", title="An overdrive")
    return ModelVersion.objects.register(
        model, chain={"blocks": []}, weights=b"none", card={}, reason="more bass was wanted"
    )


def test_a_statement_is_numbered_and_stands_in_the_record(version):
    assert statements.latest(version) is None
    first = statements.write(version, **SAID, actor="alice")
    second = statements.write(version, caveats="Bass guitars lose their attack.", actor="bob")
    assert (first.number, second.number) == (1, 2)
    assert statements.latest(version) == second
    assert statements.parts_of(second) == SAID | {"caveats": "Bass guitars lose their attack."}
    assert statements.parts_of(version.statements.get(number=1)) == SAID
    event = AuditEvent.objects.latest("number")
    assert (event.act, event.actor, event.subject) == ("state", "bob", str(second))
    assert event.content["version"] == version.sha256
    assert event.content["caveats"] == "Bass guitars lose their attack."


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"intent": "Guitar."}, "found no assumptions and no caveats"),
        ({**SAID, "caveats": "  \n "}, "found no caveats"),
        ({**SAID, "intent": "a" * 10_001}, "at most 10000 characters, found 10001 in intent"),
    ],
)
def test_what_says_too_little_or_too_much_is_refused_and_nothing_kept(version, said, words):
    with pytest.raises(statements.StatementError, match=words):
        statements.write(version, **said, actor="alice")
    assert not ModelStatement.objects.exists()
    assert not AuditEvent.objects.exists()


def test_the_same_again_is_refused(version):
    statements.write(version, **SAID, actor="alice")
    with pytest.raises(statements.StatementError, match="found the same"):
        statements.write(version, **SAID, actor="bob")


def test_no_number_is_stored_twice_and_no_part_empty(version):
    statements.write(version, **SAID, actor="alice")
    for broken in ({"number": 1}, {"number": 2, "caveats": ""}):
        with pytest.raises(IntegrityError), transaction.atomic():
            ModelStatement.objects.create(version=version, author="x", **{**SAID, **broken})


def test_the_command_says_and_prints(version, capsys):
    with pytest.raises(CommandError, match="found none: write one with --intent"):
        call_command("statement", "overdrive@1")
    call_command("statement", "overdrive", **SAID)
    assert "statement 1 on overdrive@1" in capsys.readouterr().out
    call_command("statement", "overdrive@1", format="json")
    told = json.loads(capsys.readouterr().out)
    assert told["caveats"] == SAID["caveats"]
    assert (told["version"], told["number"]) == ("overdrive@1", 1)
