"""A plan that no listener could follow is refused, with every reason why."""

from __future__ import annotations

import json

import pytest
from django.core.management import CommandError, call_command

from listening.models import Campaign
from listening.models.campaign import CampaignError
from listening.plan import PlanError, checked_plan, default_plan
from models_registry.models import AuditEvent
from tests.factories import WHOLE_PLAN, mushra_campaign

ITEMS = ["tone 1", "tone 2"]
RATINGS = {"part": "ratings"}
CONSENT = {"part": "consent", "version": "1", "text": "Agree?"}
TRAINING = {"part": "training", "items": ["tone 1"]}


def asking(**question):
    asked = {"name": "age", "ask": "number", "text": "Age?", "least": 1, "most": 9} | question
    return [{"part": "questions", "questions": [asked]}, RATINGS]


def test_the_default_and_a_plan_of_every_part_are_good():
    for plan in (default_plan(), WHOLE_PLAN):
        assert checked_plan(plan, items=ITEMS) is plan


@pytest.mark.parametrize(
    ("plan", "problem"),
    [
        ("ratings", "expected a plan as a list of parts"),
        (["ratings"], "expected a plan as a list of parts"),
        ([], "expected a part of ratings, found none"),
        ([{"part": "rating"}], r"part 1 (rating): expected a part among consent, instructions"),
        ([RATINGS, RATINGS], "expected one part of ratings, found 2"),
        ([RATINGS, TRAINING], "expected training before the ratings, found it after"),
        ([RATINGS, CONSENT], "expected consent before anything is kept, found ratings before it"),
        ([CONSENT, CONSENT, RATINGS], "expected one part of consent, found 2"),
        (
            [{"part": "finish"}, RATINGS],
            "expected finish as the last part, found ratings behind it",
        ),
        ([CONSENT | {"text": " "}, RATINGS], "part 1 (consent): expected a text to be read"),
        ([{"part": "consent", "text": "a"}, RATINGS], "expected 'version', found none"),
        ([CONSENT | {"version": 1}, RATINGS], "expected version to be text, found 1"),
        (
            [RATINGS | {"pause": 3}],
            "gates, exclude, controls, found 'pause'",
        ),
        ([RATINGS | {"break_every": 0}], "expected a break after one page or more, found 0"),
        ([RATINGS | {"break_every": True}], "expected break_every to be a number, found True"),
        ([RATINGS | {"gates": {"lissen": True}}], "found 'lissen'"),
        ([TRAINING | {"items": ["tone 9"]}, RATINGS], "expected items of the campaign, found 'ton"),
        ([TRAINING | {"items": []}, RATINGS], "expected at least one item to practise with"),
        (
            [TRAINING | {"items": ITEMS, "rated": False}, RATINGS],
            "expected an item to be rated, found all of them only trained or asked for control",
        ),
        ([{"part": "volume", "item": "x"}, RATINGS], "expected an item of the campaign, found 'x'"),
        ([{"part": "headphones", "test": "halt"}, RATINGS], "test among woods, huggins, channels"),
        (
            [{"part": "headphones", "test": "woods", "on_fail": "shout"}, RATINGS],
            "expected on_fail to be one of screen out, flag, found 'shout'",
        ),
        (
            [RATINGS, {"part": "finish", "finished": {"url": "javascript:alert(1)"}}],
            "finished: expected an address that begins with https://, found 'javascript:alert(1)'",
        ),
        ([RATINGS, {"part": "finish", "finished": {"cod": "1"}}], "finished: expected only text"),
        ([{"part": "questions", "questions": []}, RATINGS], "expected at least one question"),
        (
            [{"part": "questions", "questions": ["age"]}, RATINGS],
            "expected a question as a mapping",
        ),
        (asking(ask="colour"), "question 1: expected ask to be one of text, number, choice, scale"),
        (asking(name="My age"), "expected a name of small letters, digits and _, found 'My age'"),
        (asking(least=9), "expected least below most, found 9 and 9"),
        (asking(most=float("nan")), "expected least below most"),
        (asking(ask="scale", low="a", high="b", most=12), "at most 11 points on a scale, found 12"),
        (asking(ask="choice"), "expected 'choices', found none"),
        (
            [*asking()[:1], *asking()],
            "expected each question under a name of its own, found 'age' 2 times",
        ),
    ],
)
def test_a_plan_that_cannot_be_followed_is_refused(plan, problem):
    with pytest.raises(PlanError) as error:
        checked_plan(plan, items=ITEMS)
    assert problem in str(error.value)


def test_every_problem_is_said_at_once():
    plan = [CONSENT | {"text": ""}, {"part": "headphones", "test": "x"}, RATINGS]
    with pytest.raises(PlanError) as error:
        checked_plan(plan, items=ITEMS)
    assert len(error.value.problems) == 2


@pytest.mark.django_db
def test_a_drafts_plan_is_laid_out_and_recorded_and_fixed_with_the_launch():
    campaign = mushra_campaign(launched=False)
    assert campaign.plan == [RATINGS]
    campaign.lay_out(WHOLE_PLAN, actor="alice")
    assert campaign.plan == WHOLE_PLAN
    with pytest.raises(CampaignError, match="tones: expected a part of ratings, found none"):
        campaign.lay_out([], actor="alice")
    campaign.launch(actor="alice")
    with pytest.raises(CampaignError, match="expected a draft to lay out, found it open"):
        campaign.lay_out([RATINGS], actor="alice")
    assert AuditEvent.objects.filter(act="plan").count() == 1
    assert campaign.fingerprint()["plan"] == WHOLE_PLAN


@pytest.mark.django_db
def test_a_draft_whose_plan_no_longer_fits_cannot_be_launched():
    campaign = mushra_campaign(launched=False)
    Campaign.objects.update(plan=[{"part": "volume", "item": "gone"}, RATINGS])
    campaign.refresh_from_db()
    with pytest.raises(CampaignError, match="expected an item of the campaign, found 'gone'"):
        campaign.launch(actor="alice")


@pytest.mark.django_db
def test_the_command_prints_a_plan_and_sets_a_checked_one(tmp_path, capsys):
    mushra_campaign(launched=False)
    path = tmp_path / "plan.json"
    path.write_text(json.dumps(WHOLE_PLAN))
    call_command("plan", "tones", "--set", str(path))
    assert json.loads(capsys.readouterr().out) == Campaign.objects.get().plan == WHOLE_PLAN
    for content, sentence in (
        ("[]", "expected a part of ratings"),
        ("{", "plan.json: expected a plan in JSON"),
    ):
        path.write_text(content)
        with pytest.raises(CommandError, match=sentence):
            call_command("plan", "tones", "--set", str(path))
    with pytest.raises(CommandError, match="expected a campaign, found no 'nothing'"):
        call_command("plan", "nothing")
    assert Campaign.objects.get().plan == WHOLE_PLAN
