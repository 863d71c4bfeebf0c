"""What an ABX campaign must have, how X is drawn, and what is right."""

from __future__ import annotations

import uuid
from itertools import pairwise

import pytest
from scipy.stats import binom, binomtest, hypergeom

from listening import sessions
from listening.methods import AnswerError
from listening.models import Condition, Slot, Stimulus
from listening.models.campaign import CampaignError
from tests.factories import abx_campaign, stored_tone

pytestmark = pytest.mark.django_db


def slots(page) -> dict[str, Slot]:
    return {slot.label: slot for slot in page.slots.select_related("stimulus__condition")}


def answer_pages(session, choose) -> None:
    for page in session.pages.all():
        sessions.respond(session, page, uuid.uuid4(), {"answer": choose(slots(page))})
        sessions.finish(session, page)


def test_each_trial_is_presented_as_often_as_declared():
    session = sessions.start(abx_campaign(items=2, repetitions=3))
    shown = [(page.trial.number, page.repetition) for page in session.pages.all()]
    assert sorted(shown) == [(trial, repetition) for trial in (1, 2) for repetition in (1, 2, 3)]
    assert [repetition for _, repetition in shown] == [1, 1, 2, 2, 3, 3]


def test_a_and_b_are_the_two_conditions_and_x_repeats_one_under_an_address_of_its_own():
    session = sessions.start(abx_campaign(repetitions=8))
    for page in session.pages.all():
        a, b, x = (slots(page)[label] for label in "ABX")
        assert {a.stimulus.condition.name, b.stimulus.condition.name} == {"reference", "system one"}
        assert x.stimulus in (a.stimulus, b.stimulus)
        assert len({a.token, b.token, x.token}) == 3


def test_x_is_a_fair_coin_for_every_presentation_and_independent_of_the_last_and_of_a():
    session = sessions.start(abx_campaign(repetitions=400), seed=7)
    x_is_a, a_is_tested = [], []
    for page in session.pages.all():
        found = slots(page)
        x_is_a.append(found["X"].stimulus == found["A"].stimulus)
        a_is_tested.append(found["A"].stimulus.condition.name == "system one")
    same_as_last = [one == next_one for one, next_one in pairwise(x_is_a)]
    x_is_tested = [x == a for x, a in zip(x_is_a, a_is_tested, strict=True)]
    for coin in (x_is_a, a_is_tested, same_as_last, x_is_tested):
        assert binomtest(sum(coin), len(coin)).pvalue > 0.01


def test_a_balanced_x_would_pass_too_many_who_balance_their_answers():
    """Why X is not balanced: the figures that the method's docstring quotes, from scipy."""
    assert binom.sf(11, 16, 0.5) == pytest.approx(0.038, abs=5e-4)
    # of 8 answers "A", 6 or more fall on the 8 presentations where X is A: 12 or more right
    assert hypergeom.sf(5, 16, 8, 8) == pytest.approx(0.066, abs=5e-4)


def test_an_answer_is_right_or_wrong_and_says_what_x_was():
    campaign = abx_campaign(repetitions=6)
    session = sessions.start(campaign)
    answer_pages(
        session,
        lambda found: "A" if found["X"].stimulus == found["A"].stimulus else "B",
    )
    for page in session.pages.all():
        found = slots(page)
        rating = page.ratings.get()
        assert rating.value == 1
        assert rating.stimulus == found["X"].stimulus == found[rating.detail["x"]].stimulus
        assert rating.detail["answer"] == rating.detail["x"]

    wrong = sessions.start(campaign)
    answer_pages(
        wrong,
        lambda found: "B" if found["X"].stimulus == found["A"].stimulus else "A",
    )
    assert {page.ratings.get().value for page in wrong.pages.all()} == {0}


def test_a_changed_mind_counts_as_it_stands_and_is_remembered():
    session = sessions.start(abx_campaign(repetitions=1))
    page = session.pages.get()
    for answer in "ABA":
        sessions.respond(session, page, uuid.uuid4(), {"answer": answer})
    assert page.ratings.current().get().detail["answer"] == "A"
    assert [rating.detail["answer"] for rating in page.ratings.all()] == ["A", "B", "A"]


def test_anything_but_a_or_b_is_refused():
    session = sessions.start(abx_campaign(repetitions=1))
    page = session.pages.get()
    for answer in ("X", "a", "", None, 1, ["A"]):
        with pytest.raises(AnswerError, match="expected the answer A or B, found"):
            sessions.respond(session, page, uuid.uuid4(), {"answer": answer})
    with pytest.raises(sessions.Unanswered, match="found none to X"):
        sessions.finish(session, page)


def test_a_campaign_needs_exactly_two_conditions_that_differ():
    campaign = abx_campaign(launched=False)
    Stimulus.objects.filter(trial__campaign=campaign).update(signal=stored_tone(440))
    with pytest.raises(
        CampaignError, match="tone 1: expected two different signals, found one twice"
    ):
        campaign.launch(actor="alice")
    Condition.objects.create(campaign=campaign, name="third")
    with pytest.raises(CampaignError, match="expected two conditions to tell apart, found 3"):
        campaign.launch(actor="alice")
