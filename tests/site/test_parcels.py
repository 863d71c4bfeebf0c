"""Files sent piece by piece: what is here is said, a piece counts once and in its place, and others' are not there."""

from __future__ import annotations

import json
import os
import time
import uuid

import pytest
from django.urls import reverse

from listening import parcels
from listening.intake import KEPT_S
from listening.unpacking import IntakeError
from tests.site.test_making import folder, send, wav, zipped

JSON = "application/json"


def announce(client, files):
    listed = json.dumps([[name, len(content)] for name, content in files.items()])
    return client.post(reverse("parcels"), listed, content_type=JSON)


def put(client, key, number, offset, content):
    address = reverse("parcel-piece", args=[key, number])
    return client.put(
        f"{address}?offset={offset}", content, content_type="application/octet-stream"
    )


def sent(client, files):
    key = announce(client, files).json()["key"]
    for number, content in enumerate(files.values()):
        assert put(client, key, number, 0, content).json() == {"held": len(content)}
    return key


def test_a_folder_sent_in_pieces_keeps_its_folders_and_leaves_no_parcel(researcher, settings):
    files = {f"my test/{name}": content for name, content in folder().items()}
    answer = send(researcher, parcel=sent(researcher, files))
    assert "3 items by 3 conditions" in researcher.get(answer.url).content.decode()
    assert list((settings.MEDIA_ROOT / "parcels").glob("*/*")) == []


def test_what_was_interrupted_goes_on_where_it_stopped(researcher):
    files = {"sounds.zip": zipped(folder()).read()}
    content = files["sounds.zip"]
    first = announce(researcher, files).json()
    assert first["held"] == [0]
    put(researcher, first["key"], 0, 0, content[:1000])
    again = announce(researcher, files).json()
    assert (again["key"], again["held"]) == (first["key"], [1000])
    put(researcher, again["key"], 0, 1000, content[1000:])
    answer = send(researcher, parcel=again["key"])
    assert "3 items by 3 conditions" in researcher.get(answer.url).content.decode()


def test_a_piece_counts_once_and_where_it_belongs(researcher):
    key = announce(researcher, {"a.wav": wav(220)}).json()["key"]
    content = wav(220)
    assert put(researcher, key, 0, 0, content[:500]).json() == {"held": 500}
    for offset in (0, 600):
        repeated = put(researcher, key, 0, offset, content[offset : offset + 100])
        assert (repeated.status_code, repeated.json()) == (409, {"held": 500})


def test_a_piece_that_breaks_off_is_as_if_it_had_not_come(tmp_path, settings):
    settings.MEDIA_ROOT = tmp_path
    parcel = parcels.announced(1, [["a.wav", 1000]])
    parcel.add(0, 0, _Source(b"x" * 300), 300)
    with pytest.raises(IntakeError, match="a.wav: expected 400 bytes, found 200"):
        parcel.add(0, 300, _Source(b"y" * 200), 400)
    assert parcel.held() == [300]


class _Source:
    def __init__(self, content):
        self.content = content

    def read(self, size):
        piece, self.content = self.content[:size], self.content[size:]
        return piece


def test_what_is_not_whole_is_not_taken(researcher, waiting):
    files = folder()
    key = announce(researcher, files).json()["key"]
    put(researcher, key, 0, 0, next(iter(files.values())))
    refused = send(researcher, parcel=key)
    assert refused.status_code == 422
    assert "is not all here" in refused.content.decode()
    assert waiting() == 0


def test_a_parcel_is_of_its_owner_alone(researcher, bob, client):
    key = announce(researcher, {"a.wav": wav(220)}).json()["key"]
    client.force_login(bob)
    assert put(client, key, 0, 0, b"x").status_code == 422
    assert announce(client, {"a.wav": wav(220)}).json()["key"] != key
    client.logout()
    assert put(client, key, 0, 0, b"x").status_code == 302
    assert announce(client, {"a.wav": b"x"}).status_code == 302


@pytest.mark.parametrize(
    ("listed", "sentence"),
    [
        ("not json", "a list in JSON"),
        ("[]", "found none"),
        ('[["a.wav"]]', "a name and a size"),
        ('[["a.wav", -1]]', "a name and a size"),
        ('[["../a.wav", 10]]', "names within one folder"),
        ('[["a.wav", 0]]', "an empty file"),
        ('[["a.wav", 9000000]]', "at most 5 MB, found 9 MB"),
        (json.dumps([[f"{n}.wav", 1] for n in range(9)]), "at most 8 files, found 9"),
    ],
)
def test_what_is_too_much_is_refused_before_it_is_sent(researcher, settings, listed, sentence):
    settings.CAMPAIGN_MB, settings.CAMPAIGN_FILES = 5, 8
    answer = researcher.post(reverse("parcels"), listed, content_type=JSON)
    assert answer.status_code == 422
    assert sentence in answer.json()["sentence"]
    assert list((settings.MEDIA_ROOT / "parcels").glob("*/*")) == []


def test_more_than_was_announced_is_refused(researcher):
    key = announce(researcher, {"a.wav": b"12345"}).json()["key"]
    assert put(researcher, key, 0, 0, b"123456").status_code == 422
    assert put(researcher, key, 1, 0, b"1").status_code == 422
    assert put(researcher, uuid.uuid4(), 0, 0, b"1").status_code == 422
    assert researcher.put(reverse("parcel-piece", args=[key, 0])).status_code == 400


def test_a_hostile_sound_in_a_parcel_is_refused_as_any_other(researcher, waiting):
    refused = send(researcher, parcel=sent(researcher, {"a.wav": b"RIFF" + bytes(100)}))
    assert refused.status_code == 422
    assert "a.wav" in refused.content.decode()
    assert waiting() == 0


def test_what_nothing_was_added_to_for_a_day_is_gone(researcher, settings):
    key = announce(researcher, {"a.wav": b"12345"}).json()["key"]
    (place,) = (settings.MEDIA_ROOT / "parcels").glob("*/*")
    old = time.time() - KEPT_S - 60
    os.utime(place, (old, old))
    announce(researcher, {"b.wav": b"12345"})
    assert not place.exists()
    assert put(researcher, key, 0, 0, b"12345").status_code == 422
