"""Odd one out: where the odd one is and which of the two, how it is answered, and what comes of it."""

from __future__ import annotations

import uuid
from collections import Counter
from itertools import pairwise

import pytest
from scipy.stats import binomtest, chisquare

from listening import evidence, presenting, sessions
from listening.methods import AnswerError
from listening.models import Condition
from listening.models.campaign import CampaignError
from tests.factories import choice_campaign

pytestmark = pytest.mark.django_db


def sequences(session) -> list[str]:
    """Each page as letters: A for the system, B for the reference."""
    return [
        "".join("AB"[slot.stimulus.condition.name == "reference"] for slot in page.slots.all())
        for page in session.pages.all()
    ]


def odd_place(sequence: str) -> int:
    alone = "A" if sequence.count("A") == 1 else "B"
    return sequence.index(alone)


@pytest.mark.parametrize("sounds", [3, 5])
def test_all_sounds_of_a_page_are_the_same_but_one(sounds):
    campaign = choice_campaign("triangle", repetitions=8, options={"sounds": sounds})
    for sequence in sequences(sessions.start(campaign)):
        assert sorted(Counter(sequence).values()) == [1, sounds - 1]


def test_the_six_sequences_are_equally_likely_and_no_page_tells_of_the_next():
    campaign = choice_campaign("triangle", repetitions=3000)
    found = []
    for _, _, planned in presenting.drawn(campaign, 1):
        found.append("".join("AB"[slot.stimulus.condition.name == "reference"] for slot in planned))
    counts = Counter(found)
    assert set(counts) == {"ABB", "BAB", "BBA", "BAA", "ABA", "AAB"}
    assert chisquare(list(counts.values())).pvalue > 0.01
    places = Counter(odd_place(sequence) for sequence in found)
    assert chisquare([places[place] for place in range(3)]).pvalue > 0.01
    same = sum(odd_place(one) == odd_place(other) for one, other in pairwise(found))
    assert binomtest(same, len(found) - 1, 1 / 3).pvalue > 0.01


def test_naming_the_odd_one_is_right_and_everything_else_wrong():
    session = sessions.start(choice_campaign("triangle", repetitions=9), seed=5)
    answered = []
    for page, sequence in zip(session.pages.all(), sequences(session), strict=True):
        answer = str(page.number % 3 + 1)
        sessions.respond(session, page, uuid.uuid4(), {"answer": answer})
        rating = page.ratings.get()
        assert rating.value == (answer == str(odd_place(sequence) + 1))
        assert rating.stimulus == page.slots.all()[odd_place(sequence)].stimulus
        answered.append(rating.value)
    assert set(answered) == {0, 1}


def test_a_label_that_is_not_on_the_page_is_no_answer():
    session = sessions.start(choice_campaign("triangle"))
    page = session.pages.get()
    for answer in ("4", "A", 1, None, ["1"]):
        with pytest.raises(AnswerError, match="expected one of 1, 2, 3, found"):
            sessions.respond(session, page, uuid.uuid4(), {"answer": answer})
    with pytest.raises(sessions.Unanswered, match="found none to 3, the sound of 1"):
        sessions.finish(session, page)


def test_the_tidy_rows_say_which_pair_which_was_odd_and_what_was_answered():
    campaign = choice_campaign("triangle", items=2, repetitions=2)
    session = sessions.start(campaign, code="alice")
    expected = []
    for page, sequence in zip(session.pages.all(), sequences(session), strict=True):
        sessions.respond(session, page, uuid.uuid4(), {"answer": "2"})
        odd = str(odd_place(sequence) + 1)
        expected.append(("system one", "reference", page.trial.item, 3, odd, "2", odd == "2"))
    frame = evidence.ratings_frame(campaign)
    columns = ["condition", "reference_condition", "item", "alternatives", "x_was", "answer"]
    assert list(frame[[*columns, "rating"]].itertuples(index=False, name=None)) == expected


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"sounds": 2}, "expected 3 to 6 sounds on a page, found 2"),
        ({"sounds": 3.5}, "expected 3 to 6 sounds on a page, found 3.5"),
        ({"sequential": True, "p1": 0.3}, r"expected p1 between chance \(0.333\) and 1, found 0.3"),
        ({"sequential": True, "alpha": 0.7}, "expected alpha and beta between 0 and 0.5"),
    ],
)
def test_options_without_a_test_behind_them_are_refused(options, sentence):
    with pytest.raises(CampaignError, match=sentence):
        choice_campaign("triangle", launched=False).set_options(options, actor="alice")


def test_exactly_two_conditions_can_be_told_apart():
    campaign = choice_campaign("triangle", launched=False)
    Condition.objects.create(campaign=campaign, name="third")
    with pytest.raises(CampaignError, match="expected two conditions to tell apart, found 3"):
        campaign.launch(actor="alice")
