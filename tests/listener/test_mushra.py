"""What a MUSHRA campaign must have (ITU-R BS.1534-3), and what it takes for an answer."""

from __future__ import annotations

import uuid

import numpy as np
import pytest

from listening import sessions
from listening.methods import AnswerError, UnknownMethod, method_named, methods
from listening.models import Campaign, Condition, Stimulus
from listening.models.campaign import CampaignError
from models_registry.audio import Audio
from models_registry.models import Signal
from tests.factories import mushra_campaign, stored_tone, tone

pytestmark = pytest.mark.django_db


def problems(campaign: Campaign) -> str:
    with pytest.raises(CampaignError) as refusal:
        campaign.launch(actor="alice")
    return str(refusal.value)


def replace(campaign: Campaign, condition: str, sound: Audio | Signal) -> None:
    signal = sound if isinstance(sound, Signal) else Signal.objects.store(sound, title="other")
    Stimulus.objects.filter(trial__campaign=campaign, condition__name=condition).update(
        signal=signal
    )


def test_a_complete_campaign_is_launched():
    assert mushra_campaign().state == Campaign.State.OPEN


def test_every_method_is_found_by_its_name_and_no_other():
    known = list(methods())
    assert [method_named(name).name for name in known] == known
    assert {"abx", "ccr", "mushra", "preference", "triangle"} <= set(known)
    with pytest.raises(UnknownMethod, match=r"abx, .*mushra.*\), found 'mushroom'"):
        method_named("mushroom")


@pytest.mark.parametrize(
    ("role", "sentence"),
    [
        (Condition.Role.REFERENCE, "expected one hidden reference among the conditions, found 0"),
        (Condition.Role.ANCHOR35, "expected the 3.5 kHz anchor among the conditions, found none"),
        (Condition.Role.ANCHOR70, "expected the 7 kHz anchor among the conditions, found none"),
        (Condition.Role.SYSTEM, "expected at least one system under test, found none"),
    ],
)
def test_without_one_of_its_roles_it_is_not_mushra(role, sentence):
    campaign = mushra_campaign(launched=False)
    campaign.conditions.filter(role=role).delete()
    assert sentence in problems(campaign)


def test_twelve_signals_are_the_most_that_can_be_graded_on_a_page():
    campaign = mushra_campaign(items=1, launched=False)
    trial = campaign.trials.get()
    for number in range(8):
        condition = Condition.objects.create(campaign=campaign, name=f"extra {number}")
        Stimulus.objects.create(trial=trial, condition=condition, signal=stored_tone(1000 + number))
    assert "expected at most 12 signals to grade on a page, found 13" in problems(campaign)
    campaign.conditions.last().delete()
    campaign.launch(actor="alice")
    assert campaign.state == Campaign.State.OPEN


def test_of_very_many_holes_a_sentence_names_the_first():
    campaign = mushra_campaign(items=1, launched=False)
    Condition.objects.bulk_create(
        Condition(campaign=campaign, name=f"c{number}") for number in range(9_000)
    )
    sentence = next(one for one in campaign.problems() if "expected audio" in one)
    assert sentence.endswith("c10, c11 and 8988 more")


def test_every_condition_of_every_item_needs_audio():
    campaign = mushra_campaign(launched=False)
    campaign.trials.last().stimuli.filter(condition__name="system two").delete()
    assert "tone 2: expected audio for every condition, found none for system two" in problems(
        campaign
    )


@pytest.mark.parametrize(
    ("sound", "sentence"),
    [
        (tone(880, duration=1.5), "system one 72000 frames at 48000 Hz in 1 ch"),
        (tone(880, rate=44_100), "system one 44100 frames at 44100 Hz in 1 ch"),
        (tone(880, channels=2), "system one 48000 frames at 48000 Hz in 2 ch"),
        (tone(880, duration=0.4), "expected 0.5 to 60 s of system one, found 0.40 s"),
        (tone(880, level=1.1), r"system one to peak at 0 dBFS at most, found +0.83 dBFS"),
        (tone(880, channels=3), "expected system one in mono or stereo, found 3 channels"),
        (tone(880, rate=192_000), "expected system one at 8000 to 96000 Hz, found 192000 Hz"),
    ],
)
def test_a_sound_unlike_the_others_of_its_trial_is_named(sound, sentence):
    campaign = mushra_campaign(items=1, launched=False)
    replace(campaign, "system one", sound)
    assert sentence in problems(campaign)


def test_the_hidden_reference_must_be_the_open_one():
    campaign = mushra_campaign(items=1, launched=False)
    replace(campaign, "reference", stored_tone(444))
    assert "expected an open reference that is the hidden one, found another signal" in problems(
        campaign
    )


def test_an_item_is_in_one_trial():
    campaign = mushra_campaign(launched=False)
    campaign.trials.update(item="tone")
    assert "expected each item in one trial, found 'tone' in 2" in problems(campaign)


@pytest.mark.parametrize("field", ["title", "instructions"])
def test_what_a_listener_reads_names_no_system(field):
    campaign = mushra_campaign(launched=False)
    setattr(campaign, field, "Does System One sound better?")
    campaign.save()
    assert f"expected no system under test named in the {field}, found 'system one'" in problems(
        campaign
    )
    setattr(campaign, field, "Does one system sound better?")
    campaign.save()
    campaign.launch(actor="alice")


def test_without_trials_there_is_nothing_to_launch():
    campaign = mushra_campaign(items=0, launched=False)
    assert "expected at least one trial, found none" in problems(campaign)


def test_a_rating_is_a_whole_number_on_the_scale():
    session = sessions.start(mushra_campaign(items=1))
    page = session.pages.get()
    slot = str(page.slots.last().token)
    for value in (-1, 101, 50.5, "50", None, True, [50], float("nan")):
        with pytest.raises(AnswerError, match="expected a whole number from 0 to 100, found"):
            sessions.respond(session, page, uuid.uuid4(), {"slot": slot, "value": value})
    for value in (0, 100):
        sessions.respond(session, page, uuid.uuid4(), {"slot": slot, "value": value})
    assert list(page.ratings.values_list("value", flat=True)) == [0, 100]


def test_only_what_is_to_be_graded_on_the_page_can_be_rated():
    session = sessions.start(mushra_campaign(items=2))
    page, other = session.pages.all()
    open_reference = page.slots.get(stimulus=None)
    for slot in (str(open_reference.token), str(other.slots.last().token), "1", 7, ["a"]):
        with pytest.raises(AnswerError, match="expected a stimulus of this page, found"):
            sessions.respond(session, page, uuid.uuid4(), {"slot": slot, "value": 50})
    for body in ({"value": 50}, {}, {"slot": "a", "value": 50, "condition": "b"}):
        with pytest.raises(AnswerError, match="expected an answer with slot and value, found"):
            sessions.respond(session, page, uuid.uuid4(), body)
    assert not np.any([page.ratings.exists(), page.responses.exists()])


def test_an_untouched_slider_is_unrated_and_keeps_the_page_open():
    session = sessions.start(mushra_campaign(items=1))
    page = session.pages.get()
    *rated, untouched = page.slots.exclude(stimulus=None)
    for slot in rated:
        sessions.respond(session, page, uuid.uuid4(), {"slot": str(slot.token), "value": 100})
    with pytest.raises(sessions.Unanswered, match=f"found none to {untouched.label}$"):
        sessions.finish(session, page)
    assert not untouched.stimulus.ratings.exists()
