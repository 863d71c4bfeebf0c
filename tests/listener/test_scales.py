"""The methods whose answers are numbers on scales: what a page presents, which answers it takes, and its rows."""

from __future__ import annotations

import uuid
from collections import Counter

import numpy as np
import pytest

from listening import sessions
from listening.evidence import ratings_frame
from listening.methods import AnswerError, methods
from listening.models import Campaign, Condition, Page, Slot, Stimulus
from listening.models.campaign import CampaignError
from listening.simulation import hearers
from tests.factories import SMALL, WHOLE_PLAN, small_campaign, stored_tone

pytestmark = pytest.mark.django_db

OPINIONS = ("acr", "dcr", "p835")
SCALED = ("mushra", "bs2132", "bs1116", "attributes", *OPINIONS)


def pages_of(method: str, **kinds) -> list[Page]:
    session = sessions.start(small_campaign(method, **kinds), simulated=True)
    return list(session.pages.select_related("session__campaign", "trial"))


def labels(page: Page) -> list[str]:
    return [slot.label for slot in page.slots.all()]


def respond(page: Page, label: str, value: object, **more) -> None:
    slot = page.slots.get(label=label)
    body = {"slot": str(slot.token), "value": value, **more}
    sessions.respond(page.session, page, uuid.uuid4(), body)


def rate_all(page: Page) -> None:
    (hearer,) = hearers(1, seed=1)
    protocol = page.session.campaign.protocol
    for body in protocol.rehearsed(sessions.slots_of(page), hearer, lambda stimulus: 60):
        sessions.respond(page.session, page, uuid.uuid4(), body)


def problems(campaign: Campaign) -> str:
    with pytest.raises(CampaignError) as refusal:
        campaign.launch(actor="alice")
    return str(refusal.value)


def test_these_are_the_methods():
    assert set(SCALED) < set(methods()) == set(SMALL)


@pytest.mark.parametrize(
    ("method", "pages", "shown"),
    [
        ("bs2132", 2, [{"1", "2", "3"}]),
        ("bs1116", 4, [{"A", "B", "C"}]),
        ("acr", 4, [{"Sample"}]),
        ("dcr", 4, [{"Reference", "Sample"}]),
        ("p835", 4, [{"Signal", "Background", "Overall"}]),
        ("attributes", 2, [{"Reference", "1", "2", "3"}]),
    ],
)
def test_a_page_shows_what_the_standard_puts_on_it(method, pages, shown):
    found = pages_of(method)
    assert len(found) == pages
    assert [set(labels(page)) for page in found] == shown * pages


@pytest.mark.parametrize("method", OPINIONS)
def test_every_stimulus_has_a_page_of_its_own_in_every_repetition(method):
    found = pages_of(method, repetitions=2)
    heard = Counter(
        (page.repetition, page.slots.exclude(stimulus=None).first().stimulus_id) for page in found
    )
    assert len(found) == len(heard) == 2 * Stimulus.objects.count()


@pytest.mark.parametrize("method", SCALED)
def test_a_value_that_is_not_on_the_scale_is_refused(method):
    page = pages_of(method, items=1)[0]
    more = {"scale": "Width"} if method == "attributes" else {}
    for value in (-1, 0.95, 101, "3", None, True, [3], float("nan"), 2.55):
        with pytest.raises(AnswerError, match="expected a (whole )?(number|grade)"):
            respond(page, labels(page)[-1], value, **more)
    assert not page.ratings.exists()


@pytest.mark.parametrize("method", SCALED)
def test_only_a_stimulus_of_the_page_can_be_rated(method):
    page, other = pages_of(method)[:2]
    more = {"scale": "Width"} if method == "attributes" else {}
    strange = [str(other.slots.last().token), "1", 7]
    strange += [str(slot.token) for slot in page.slots.filter(stimulus=None)]
    for token in strange:
        body = {"slot": token, "value": 3, **more}
        with pytest.raises(AnswerError, match="expected a stimulus of this page, found"):
            sessions.respond(page.session, page, uuid.uuid4(), body)
    with pytest.raises(AnswerError, match="expected an answer with slot and"):
        sessions.respond(page.session, page, uuid.uuid4(), {"value": 3})


@pytest.mark.parametrize("method", SCALED)
def test_a_page_is_finished_once_everything_is_rated_and_shows_what_was(method):
    page = pages_of(method)[0]
    with pytest.raises(sessions.Unanswered):
        sessions.finish(page.session, page)
    rate_all(page)
    protocol, slots = page.session.campaign.protocol, sessions.slots_of(page)
    answers = protocol.answers(slots, list(page.ratings.current()))
    assert set(answers) == {slot.label for slot in slots if slot.stimulus}
    sessions.finish(page.session, page)


@pytest.mark.parametrize("method", OPINIONS)
def test_a_person_must_hear_the_sample_to_its_end(method):
    session = sessions.start(small_campaign(method))
    page = session.pages.get(number=1)
    rate_all(page)
    with pytest.raises(sessions.Unanswered, match="found none to the end of"):
        sessions.finish(session, page)
    every = labels(page)
    told: dict[str, object] = {
        "open_s": 9,
        "hidden_s": 0,
        "device_rate": 48_000,
        "latency_s": 0,
        "drop_outs": 0,
    }
    told |= {"heard": dict.fromkeys(every, 1), "ended": every[:-1], "volume": []}
    sessions.visit(page, uuid.uuid4(), told)
    with pytest.raises(sessions.Unanswered, match=f"found none to the end of {every[-1]}$"):
        sessions.finish(session, page)
    sessions.visit(page, uuid.uuid4(), told | {"ended": every})
    sessions.finish(session, page)


def test_the_hidden_reference_is_b_or_c_by_a_fair_draw_beside_every_system():
    places: Counter[str] = Counter()
    pairs: Counter[tuple[int | None, str]] = Counter()
    for page in pages_of("bs1116", repetitions=50):
        a, b, c = sessions.slots_of(page)
        assert a.stimulus is None
        hidden = [slot for slot in (b, c) if slot.signal == a.signal]
        assert len(hidden) == 1
        places[hidden[0].label] += 1
        (other,) = {b.stimulus, c.stimulus} - {hidden[0].stimulus}
        pairs[page.trial_id, other.condition.name] += 1
    assert set(pairs.values()) == {50}
    # 200 draws: five standard deviations around one half
    assert abs(places["B"] - 100) < 5 * np.sqrt(50)


def test_an_impairment_is_graded_in_tenths_and_one_of_the_two_as_imperceptible():
    page = pages_of("bs1116")[0]
    with pytest.raises(AnswerError, match="expected a grade in tenths, found 4.95"):
        respond(page, "B", 4.95)
    respond(page, "B", 4.9)
    respond(page, "C", 3)
    with pytest.raises(
        sessions.Unanswered, match="found none to which of B and C is the reference"
    ):
        sessions.finish(page.session, page)
    respond(page, "B", 5.0)
    sessions.finish(page.session, page)


def test_a_campaign_may_do_without_the_5_0():
    page = pages_of("bs1116", options={"one_is_5": False})[0]
    respond(page, "B", 4.9)
    respond(page, "C", 3.0)
    sessions.finish(page.session, page)
    page.refresh_from_db()
    assert page.finished_at


def test_difference_grades_stand_in_the_rows_of_the_systems():
    for page in pages_of("bs1116"):
        b, c = sessions.slots_of(page)[1:]
        hidden, system = (b, c) if b.stimulus.condition.role == "reference" else (c, b)
        respond(page, hidden.label, 4.7 if page.number == 1 else 5.0)
        respond(page, system.label, 5.0 if page.number == 1 else 3.6)
        sessions.finish(page.session, page)
    frame = ratings_frame(Campaign.objects.get())
    systems = frame[frame["role"] == "system"].sort_values("trial")
    assert list(systems["difference_grade"]) == pytest.approx([0.3, -1.4, -1.4, -1.4])
    assert frame.loc[frame["role"] == "reference", "difference_grade"].isna().all()


def test_either_of_speech_and_background_comes_first_equally_often():
    """P.835: balanced within a session over items and over conditions, and over sessions for every stimulus."""
    campaign = small_campaign("p835", items=4)
    firsts: Counter[tuple[str, int]] = Counter()
    for seed in range(40):
        of_session: Counter[tuple[str, int]] = Counter()
        for page in sessions.start(campaign, simulated=True, seed=seed).pages.all():
            slots = sessions.slots_of(page)
            assert slots[2].label == "Overall"
            stimulus = slots[0].stimulus
            of_session[slots[0].label, stimulus.condition_id] += 1
            firsts[slots[0].label, stimulus.pk] += 1
        assert set(of_session.values()) == {2}
    found = [firsts["Signal", stimulus.pk] for stimulus in Stimulus.objects.all()]
    assert np.abs(np.array(found) - 20).max() < 5 * np.sqrt(10)


def test_the_three_answers_about_speech_are_on_three_scales():
    page = pages_of("p835")[0]
    for label, value in (("Signal", 5), ("Background", 2), ("Overall", 3)):
        respond(page, label, value)
    respond(page, "Signal", 4)
    frame = ratings_frame(page.session.campaign).set_index("scale")["rating"]
    assert dict(frame) == {"SIG": 4, "BAK": 2, "OVRL": 3}


def test_each_attribute_is_rated_and_corrected_by_itself():
    page = pages_of("attributes")[0]
    for scale, value in (("Brightness", 10), ("Width", 20), ("Brightness", 30)):
        respond(page, "1", value, scale=scale)
    slots, ratings = sessions.slots_of(page), list(page.ratings.current())
    protocol = page.session.campaign.protocol
    assert protocol.answers(slots, ratings) == {"1": {"Brightness": 30, "Width": 20}}
    assert protocol.unanswered(slots, ratings)[:2] == ["2 on Brightness", "2 on Width"]
    with pytest.raises(AnswerError, match="one of the scales Brightness, Width, found 'width'"):
        respond(page, "1", 10, scale="width")


@pytest.mark.parametrize(
    ("scales", "sentence"),
    [
        ([], "expected 1 to 8 scales, found 0"),
        (["Brightness"], "scale 1: expected a mapping, found 'Brightness'"),
        ([{"name": "Brightness", "low": "dark"}], "scale 1: expected 'high', found none"),
        ([{"name": " ", "low": "a", "high": "b"}], "expected a name of 1 to 40 letters, found 0"),
        ([{"name": "a" * 41, "low": "a", "high": "b"}], "name of 1 to 40 letters, found 41"),
        ([{"name": "n", "low": "a", "high": "b"}] * 2, "a name of its own, found one twice"),
        (
            [{"name": "n", "low": "a", "high": "b", "step": 1}],
            "name, low, high, text, found 'step'",
        ),
    ],
)
def test_scales_that_no_listener_could_read_are_refused(scales, sentence):
    campaign = small_campaign("attributes", launched=False)
    with pytest.raises(CampaignError, match=sentence):
        campaign.set_options({"scales": scales}, actor="alice")


def test_a_scale_names_no_system():
    campaign = small_campaign("attributes", launched=False)
    scales = [{"name": "Likeness", "low": "none", "high": "as System One"}]
    campaign.set_options({"scales": scales}, actor="alice")
    assert "no system under test named in the options, found 'system one'" in problems(campaign)


@pytest.mark.parametrize("method", ["dcr", "attributes", "bs1116"])
def test_what_plays_the_reference_needs_one(method):
    campaign = small_campaign(method, launched=False)
    campaign.trials.update(reference=None)
    assert "tone 1: expected an open reference" in problems(campaign)


def test_without_a_reference_there_is_none_hidden_either():
    campaign = small_campaign("bs2132", launched=False)
    campaign.conditions.filter(name="system one").update(role=Condition.Role.REFERENCE)
    assert "expected no hidden reference among the conditions, found one" in problems(campaign)
    campaign.conditions.exclude(name="system two").delete()
    assert "expected 2 to 12 signals to grade on a page, found 1" in problems(campaign)


def test_a_reference_for_metrics_is_not_played_where_there_is_none_to_hear():
    campaign = small_campaign("bs2132", launched=False)
    campaign.trials.update(reference=stored_tone(500))
    campaign.launch(actor="alice")
    session = sessions.start(campaign)
    assert all(slot.stimulus for slot in Slot.objects.filter(page__session=session))


def test_an_impairment_needs_a_system_and_the_reference_hidden():
    campaign = small_campaign("bs1116", launched=False)
    campaign.conditions.exclude(name="reference").delete()
    assert "expected at least one system under test, found none" in problems(campaign)
    campaign.conditions.all().delete()
    assert "expected one hidden reference among the conditions, found 0" in problems(campaign)


def test_the_volume_is_set_by_a_sound_of_the_test_where_there_is_no_reference():
    session = sessions.start(small_campaign("acr", plan=WHOLE_PLAN))
    slot = session.pages.get(kind=Page.Kind.VOLUME).slots.get()
    assert slot.stimulus is not None
    assert slot.audio() is not None
