"""What reviewers are given to hear and read: the sound after each step, pairs of what-if, and the whole card in plain
words, by a link without an account."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from listening import reviewing, stepping
from listening.cards.plain_words import INTRODUCTIONS, WORDS, words_in
from listening.edge_cases import edge_cases
from models_registry import jobs
from models_registry.models import Job, Rendering, Study
from tests.factories import stored_tone
from tests.site.reviews import a_version, invited


@pytest.fixture
def version(db):
    return a_version()


@pytest.fixture
def review(version):
    return reviewing.open_review(version, actor="alice")


@pytest.fixture
def visitor(review):
    _, secret = invited(review, "")
    client = Client()
    client.post(reverse("review-enter", args=[secret]), {"name": "Ida"})
    return client


def answered(version, kind: str, result: dict[str, Any], *sounds) -> Study:
    """A study that is done, with this result."""
    job = jobs.enqueue("study", {"kind": kind}, project=version.project)
    Job.objects.filter(pk=job.pk).update(state=Job.State.DONE)
    made = Study.objects.create(version=version, kind=kind, settings={}, job=job, result=result)
    made.signals.set(sounds)
    return made


def inspected(version, title="a voice") -> Study:
    into, out, changed = (stored_tone(hz) for hz in (400, 500, 600))
    block = {
        "number": 1, "name": "gain", "kind": "gain", "heard": ["the input"], "gains": None,
        "output": {"sha256": out.sha256, "turned_down": 0.0}, "difference_db": -20.0,
        "difference": {"sha256": changed.sha256, "turned_down": 3.0},
        "response": None, "poles": [], "zeros": [], "curve": None, "bank": None, "decay": [], "learned": [],
    }  # fmt: skip
    result = {
        "title": title, "condition": "", "rate": 48_000, "seconds": 1.0, "moved": [], "blocks": [block],
        "input": {"sha256": into.sha256, "turned_down": 0.0},
    }  # fmt: skip
    return answered(version, "inspection", result, into, out, changed)


CHANGE = {"name": "gain.level", "before": 0.0, "after": 2.0, "unit": "dB"}


def room(client, review, more=""):
    return client.get(reverse("review-room", args=[review.pk]) + more).content.decode()


def test_opening_a_review_has_its_steps_recorded_of_what_is_heard_first(version, visitor, review):
    pytest.importorskip("models_registry.engine")
    study = version.studies.get(kind="inspection")
    first = version.renderings.get()
    assert study.settings["signals"] == [first.input.sha256]
    assert 0 < study.settings["seconds"] <= stepping.SECONDS
    assert stepping.record_steps(review, actor="alice") is None, "it is asked for already"
    assert "It is not there yet" in room(visitor, review)
    Job.objects.filter(pk=study.job.pk).update(state=Job.State.FAILED, message="no weights")
    assert "It could not be recorded what comes out of each step: no weights" in room(
        visitor, review
    )


def test_the_sound_after_each_step_is_heard_and_commented_on_by_a_link(version, review, visitor):
    study = inspected(version)
    text = room(visitor, review)
    for words in ("After step 1 of 1: gain", "It hears the input", "played 3.0 dB softer"):
        assert words in text
    for sha256 in (one.sha256 for one in study.signals.all()):
        address = reverse("review-sound", args=[review.pk, sha256])
        assert address in text
        assert visitor.get(address).status_code == 200
    out = study.result["blocks"][0]["output"]["sha256"]
    said = {"at": "0.5", "text": "it is dull from here on"}
    visitor.post(reverse("review-comment", args=[review.pk, out]), said)
    assert "it is dull from here on" in room(visitor, review)


def test_what_was_commented_on_stays_whatever_is_picked_later(version, review, visitor):
    for hz in (1000, 1100, 1200):
        Rendering.objects.create(version=version, input=stored_tone(hz), output=stored_tone(hz + 1))
    last = version.renderings.latest("pk").output
    assert last not in [case.signal for case in edge_cases(review)]
    said = {"at": "0.2", "text": "a click"}
    visitor.post(reverse("review-comment", args=[review.pk, last.sha256]), said)
    (kept,) = [case for case in edge_cases(review) if case.signal == last]
    assert kept.why == ("A reviewer commented on it.",)


def test_of_several_recorded_sounds_one_is_chosen(version, review, visitor):
    first = inspected(version)
    second = inspected(version, title="a drum")
    assert "for one sound: a drum" in room(visitor, review)
    assert "for one sound: a voice" in room(visitor, review, f"?inspection={first.pk}")
    assert "for one sound: a drum" in room(visitor, review, "?inspection=nonsense")
    assert second.pk != first.pk


def test_each_answer_to_what_if_is_played_beside_the_sound_as_it_is(version, review, visitor):
    is_now, other = stored_tone(700), stored_tone(800)
    result = {
        "sound": is_now.sha256, "before": 8.0, "trust": "",
        "target": {"title": "SI-SDR", "value": 10.0, "above": True, "unit": "dB"},
        "answers": [{"sound": other.sha256, "score": 10.2, "changes": [CHANGE]}],
    }  # fmt: skip
    answered(version, "counterfactual", result, is_now, other)
    text = " ".join(room(visitor, review).split())
    assert "So that SI-SDR is 10 dB or more instead of 8" in text
    assert "gain.level 2 dB instead of 0" in text
    for sound in (is_now, other):
        assert (
            visitor.get(reverse("review-sound", args=[review.pk, sound.sha256])).status_code == 200
        )


def test_the_whole_card_is_read_by_a_link_in_plain_words(version, review, visitor):
    text = visitor.get(reverse("review-card", args=[review.pk])).content.decode()
    for words in ("never sung to", "What the words mean", "no judgement by people"):
        assert words in text
    assert "manage.py" not in text, "a reviewer has no terminal"
    assert reverse("version", args=["plain", 1]) not in text, "nor an account"
    assert visitor.get(reverse("review-card-figure", args=[review.pk, "use", 0])).status_code == 404
    stranger = Client().get(reverse("review-card", args=[review.pk]))
    assert stranger.status_code == 302
    assert "login" in stranger["Location"]


def test_every_part_of_a_card_is_introduced_and_words_are_found_as_they_are_used(version):
    from listening.cards.gathering import card_of

    assert {part.name for part in card_of(version).parts} == set(INTRODUCTIONS)
    assert [word for word, _ in words_in(["Two adapters, at 30 dB; ESR falls."])] == [
        "adapter",
        "dB",
        "ESR",
    ]
    assert all(
        meaning and meaning[0] == meaning[0].lower() or meaning[0].isdigit()
        for meaning in WORDS.values()
    )
