"""Gold and trapping questions among the ratings: not to be told from them, stored, never counted, evaluated."""

from __future__ import annotations

import uuid

import pytest

from listening import controls, parts, sessions
from listening.analysis.report import analyse
from listening.evidence import left_out, ratings_frame
from listening.models import Campaign, Page, Session, Stimulus
from listening.models.campaign import CampaignError
from listening.plan import PlanError, checked_plan
from tests.factories import account, mushra_campaign

pytestmark = pytest.mark.django_db

GOLD = {"item": "tone 5", "condition": "system one", "answer": 90, "within": 10}
TRAP = {"item": "tone 6", "condition": "system two", "answer": 20}
CONTROLS = {"every": 2, "gold": [GOLD], "trap": [TRAP]}


def controlled(**change) -> Campaign:
    """Four items to rate; two more are asked about."""
    campaign = mushra_campaign(items=6, launched=False)
    campaign.lay_out([{"part": "ratings", "controls": CONTROLS | change}], actor="alice")
    campaign.launch(actor="alice")
    return campaign


def sit_through(session: Session, *, gold: int = 85, trap: int = 20) -> Session:
    """Everything 50, but the sounds that are asked about."""
    asked = {"gold": gold, "trap": trap}
    for page in session.pages.all():
        for slot in page.slots.filter(stimulus__isnull=False):
            named = slot.stimulus.condition.name == page.content.get("condition")
            value = asked[page.content["control"]] if named else 50
            body = {"slot": str(slot.token), "value": value}
            sessions.respond(session, page, uuid.uuid4(), body)
        sessions.finish(session, page)
    return session


def test_every_section_asks_one_question_of_each_kind_at_a_place_of_its_own():
    campaign = controlled()
    places = set()
    for seed in range(12):
        kinds = [page.content.get("control", "") for page in parts.planned_pages(campaign, seed)]
        assert len(kinds) == 8
        for section in (kinds[:4], kinds[4:]):
            assert sorted(section) == ["", "", "gold", "trap"]
            places.add(section.index("gold"))
    assert places == {0, 1, 2, 3}
    rated = {page.trial.item for page in parts.planned_pages(campaign, 1) if not page.content}
    assert rated == {"tone 1", "tone 2", "tone 3", "tone 4"}


def test_all_questions_are_asked_before_one_is_asked_again():
    second = TRAP | {"condition": "system one"}
    campaign = controlled(gold=[], trap=[TRAP, second], every=1)
    for seed in range(6):
        planned = [page.content for page in parts.planned_pages(campaign, seed)]
        asked = [content["condition"] for content in planned if content]
        assert sorted(asked[:2]) == sorted(asked[2:4]) == ["system one", "system two"]


def test_a_question_looks_like_any_rating_page(client):
    session = sessions.start(controlled())
    shapes = set()
    for page in session.pages.all():
        html = client.get(session.get_absolute_url()).content.decode()
        assert "gold" not in html
        assert "trap" not in html
        assert "control" not in html
        for slot in page.slots.all():
            html = html.replace(str(slot.token), "")
        shapes.add(len(html.partition('id="for-player"')[2].split('"ahead"')[0]))
        session.pages.filter(pk=page.pk).update(finished_at=session.created_at)
    assert len(shapes) == 1


def test_answers_are_stored_and_never_counted_and_one_wrong_one_excludes_with_its_reason():
    campaign = controlled()
    good, wrong, trapped = (
        sit_through(sessions.start(campaign)),
        sit_through(sessions.start(campaign), gold=79),
        sit_through(sessions.start(campaign), trap=21),
    )
    ratings = ratings_frame(campaign)
    assert set(ratings["item"]) == {"tone 1", "tone 2", "tone 3", "tone 4"}
    # two sections of two questions with five sounds each, by three listeners
    assert left_out(campaign)["control questions"] == 60
    asked = controls.answers(campaign)
    assert len(asked) == 12
    screening = analyse(ratings, screening="none").screening
    reasons = screening.decisions.set_index("listener")["reason"].to_dict()
    assert reasons == {
        good.listener.code: "",
        wrong.listener.code: "missed the known answer of 2 of 2 gold clip(s)",
        trapped.listener.code: "gave another answer than 2 of 2 trapping question(s) asked for",
    }
    assert (screening.ratings_before, screening.ratings_after) == (60, 20)


def test_where_they_only_flag_nobody_is_excluded(client):
    campaign = controlled(on_fail="flag")
    session = sit_through(sessions.start(campaign), trap=90)
    assert set(ratings_frame(campaign)["excluded_by"]) == {""}
    client.force_login(account("alice"))
    html = client.get(campaign.get_absolute_url()).content.decode()
    assert "nobody is excluded by them" in html
    assert "gave another answer than 2 of 2" in html
    assert session.listener.code in html


def test_a_simulated_listener_is_asked_nothing():
    session = sessions.start(controlled(), simulated=True)
    assert {page.kind for page in session.pages.all()} == {Page.Kind.RATING}


def test_an_item_asked_about_needs_only_its_sound_and_needs_that():
    campaign = mushra_campaign(items=6, launched=False)
    campaign.lay_out([{"part": "ratings", "controls": CONTROLS}], actor="alice")
    of_trap = Stimulus.objects.filter(trial__item="tone 6")
    of_trap.exclude(condition__name__in=["system two", "reference"]).delete()
    assert campaign.problems() == []
    of_trap.filter(condition__name="system two").delete()
    with pytest.raises(CampaignError, match="tone 6: expected audio for the question's condition"):
        campaign.launch(actor="alice")


@pytest.mark.parametrize(
    ("asked", "problem"),
    [
        ({"gold": [GOLD]}, "controls: expected 'every', found none"),
        ({"every": 0, "gold": [GOLD]}, "expected every to be one page or more, found 0"),
        ({"every": 1}, "expected questions under gold or trap, found none"),
        ({"every": 1, "gold": [GOLD | {"item": "x"}]}, "gold 1: expected an item of the campaign"),
        ({"every": 1, "trap": ["2"]}, "trap 1: expected a question as a mapping, found '2'"),
        ({"every": 1, "trap": [{"item": "tone 6"}]}, "trap 1: expected 'answer', found none"),
        ({"every": 1, "gold": [GOLD | {"within": -1}]}, "expected within to be 0 or more"),
        (CONTROLS | {"on_fail": "shout"}, "expected on_fail to be one of exclude, flag"),
    ],
)
def test_questions_that_cannot_be_asked_are_refused(asked, problem):
    with pytest.raises(PlanError) as error:
        checked_plan([{"part": "ratings", "controls": asked}], items=["tone 5", "tone 6", "tone"])
    assert problem in str(error.value)
