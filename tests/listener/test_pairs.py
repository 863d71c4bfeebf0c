"""Paired comparison: which pairs, in which order, and ratings that mean the same whichever sound was first."""

from __future__ import annotations

import uuid
from collections import Counter

import pytest
from scipy.stats import binomtest

from listening import evidence, presenting, sessions
from listening.methods import AnswerError
from listening.models.campaign import CampaignError
from tests.factories import choice_campaign

pytestmark = pytest.mark.django_db

SYSTEMS = ("reference", "system one", "system two")


def shown(session) -> list[tuple[str, ...]]:
    return [
        tuple(slot.stimulus.condition.name for slot in page.slots.exclude(stimulus=None))
        for page in session.pages.all()
    ]


def answer(session, choose) -> None:
    for page, pair in zip(session.pages.all(), shown(session), strict=True):
        sessions.respond(session, page, uuid.uuid4(), {"answer": choose(pair)})


def test_a_preference_presents_every_pair_of_every_item():
    session = sessions.start(choice_campaign("preference", conditions=SYSTEMS, items=2))
    pairs = Counter(
        (page.trial.item, *sorted(pair))
        for page, pair in zip(session.pages.all(), shown(session), strict=True)
    )
    assert set(pairs.values()) == {1}
    assert len(pairs) == 2 * 3


def test_ccr_holds_every_condition_against_the_reference_where_there_is_one():
    session = sessions.start(choice_campaign("ccr", conditions=SYSTEMS))
    assert {frozenset(pair) for pair in shown(session)} == {
        frozenset({"reference", "system one"}),
        frozenset({"reference", "system two"}),
    }
    without = choice_campaign(
        "ccr", slug="more", conditions=("anchor 7 kHz", "system one", "system two"), launched=False
    )
    assert len(list(presenting.drawn(without, 1))) == 3


def test_declared_pairs_are_the_ones_presented():
    options = {"pairs": [["system two", "system one"], ["reference", "system one"]]}
    session = sessions.start(choice_campaign("preference", conditions=SYSTEMS, options=options))
    assert {frozenset(pair) for pair in shown(session)} == set(map(frozenset, options["pairs"]))


def test_either_of_a_pair_is_first_equally_often_over_a_session_and_by_chance_on_a_page():
    campaign = choice_campaign("ccr", items=3, repetitions=3, launched=False)
    firsts = []
    for seed in range(200):
        in_session = Counter(
            planned[0].stimulus.condition.name for _, _, planned in presenting.drawn(campaign, seed)
        )
        assert sorted(in_session.values()) == [4, 5]
        *_, (_, _, planned) = presenting.drawn(campaign, seed)
        firsts.append(planned[0].stimulus.condition.name == "reference")
    assert binomtest(sum(firsts), len(firsts)).pvalue > 0.01


def test_a_preference_counts_for_the_one_preferred_whichever_was_first():
    campaign = choice_campaign("preference", conditions=SYSTEMS, items=2, repetitions=2)
    best = {"reference": 2, "system one": 1, "system two": 0}
    session = sessions.start(campaign, code="alice")
    answer(session, lambda pair: "A" if best[pair[0]] > best[pair[1]] else "B")
    frame = evidence.ratings_frame(campaign)
    expected = [
        float(best[a] > best[b])
        for a, b in zip(frame["condition"], frame["reference_condition"], strict=True)
    ]
    assert list(frame["rating"]) == expected
    assert list(frame["presented_first"]) == [first for first, _ in shown(session)]
    assert set(frame["answer"]) == {"reference", "system one"}
    # a system is rated against the reference, and of two systems the later
    pairs = set(zip(frame["condition"], frame["reference_condition"], strict=True))
    assert pairs == {
        ("system one", "reference"),
        ("system two", "reference"),
        ("system two", "system one"),
    }


def test_no_preference_is_half_and_can_be_left_out_of_what_may_be_said():
    campaign = choice_campaign("preference")
    session = sessions.start(campaign)
    answer(session, lambda _: "tie")
    frame = evidence.ratings_frame(campaign)
    assert (frame["rating"].item(), frame["answer"].item()) == (0.5, "tie")
    type(campaign).objects.update(options={"ties": False})
    forced = sessions.start(type(campaign).objects.get())
    with pytest.raises(AnswerError, match="expected one of A, B, found 'tie'"):
        answer(forced, lambda _: "tie")


def test_an_open_reference_stands_before_both_and_is_not_chosen():
    session = sessions.start(choice_campaign("preference", options={"reference": True}))
    page = session.pages.get()
    assert [slot.label for slot in page.slots.all()] == ["Reference", "A", "B"]
    with pytest.raises(AnswerError, match="expected one of A, B, tie, found 'Reference'"):
        sessions.respond(session, page, uuid.uuid4(), {"answer": "Reference"})


def test_a_category_is_stored_with_its_sign_turned_to_the_system():
    campaign = choice_campaign("ccr", items=2, repetitions=2)
    session = sessions.start(campaign, code="alice")
    # the system sounds slightly worse than the reference, wherever it is
    answer(session, lambda pair: -1 if pair[1] == "system one" else 1)
    frame = evidence.ratings_frame(campaign)
    assert set(frame["condition"]) == {"system one"}
    assert set(frame["rating"]) == {-1.0}
    assert Counter(frame["answer"]) == {"-1": 2, "+1": 2}
    assert Counter(frame["presented_first"]) == {"reference": 2, "system one": 2}


def test_a_category_is_a_whole_number_from_minus_three_to_three():
    session = sessions.start(choice_campaign("ccr"))
    page = session.pages.get()
    for value in (-4, 4, 1.5, "1", None, True):
        with pytest.raises(AnswerError, match="expected a whole number from -3 to 3, found"):
            sessions.respond(session, page, uuid.uuid4(), {"answer": value})
    for value in (-3, 0, 3):
        sessions.respond(session, page, uuid.uuid4(), {"answer": value})
    assert page.ratings.current().count() == 1


def test_ccr_is_not_answered_before_both_were_heard_to_their_end():
    session = sessions.start(choice_campaign("ccr"))
    page = session.pages.get()
    sessions.respond(session, page, uuid.uuid4(), {"answer": 0})
    with pytest.raises(sessions.Unanswered, match="the end of First, the end of Second"):
        sessions.finish(session, page)


@pytest.mark.parametrize(
    ("pairs", "sentence"),
    [
        ([["reference"]], r"expected pairs of two conditions' names each, found \['reference'\]"),
        (["reference"], "expected pairs of two conditions' names each, found 'reference'"),
        ([["a", "a"]], "expected pairs of two different conditions, found 'a' twice"),
        ([["a", "b"], ["b", "a"]], "expected each pair once, found a and b more often"),
    ],
)
def test_what_is_no_list_of_pairs_is_refused(pairs, sentence):
    with pytest.raises(CampaignError, match=sentence):
        choice_campaign("ccr", launched=False).set_options({"pairs": pairs}, actor="alice")


def test_pairs_must_be_of_the_campaigns_conditions_and_leave_out_none():
    campaign = choice_campaign("preference", conditions=SYSTEMS, launched=False)
    campaign.set_options({"pairs": [["reference", "system three"]]}, actor="alice")
    with pytest.raises(CampaignError) as refusal:
        campaign.launch(actor="alice")
    assert "expected pairs of the campaign's conditions, found system three" in str(refusal.value)
    assert "expected every condition in a pair, found none with system one, system two" in str(
        refusal.value
    )
