"""Pages beyond the limits that a campaign declared are left out of the evidence, shown with the reason, and kept."""

from __future__ import annotations

import json
import uuid

import pytest

from listening import sessions
from listening.analysis.report import MushraAnalysis, analyse
from listening.evidence import ratings_frame
from listening.models import Rating, Session
from listening.plan import PlanError, checked_plan
from listening.reporting import content
from tests.factories import account, mushra_campaign
from tests.listener.test_telemetry import a_visit

pytestmark = pytest.mark.django_db


def rated(campaign, value: int, *visits: dict) -> Session:
    """A listener who gives `value` to everything on both pages, and was at each as `visits` say."""
    session = sessions.start(campaign)
    for page, visit in zip(session.pages.all(), visits, strict=True):
        sessions.visit(page, uuid.uuid4(), visit)
        for slot in page.slots.filter(stimulus__isnull=False):
            body = {"slot": str(slot.token), "value": value}
            sessions.respond(session, page, uuid.uuid4(), body)
        sessions.finish(session, page)
    return session


@pytest.fixture
def campaign():
    plan = [{"part": "ratings", "exclude": {"hidden_s": 10, "drop_outs": 2}}]
    return mushra_campaign(plan=plan)


def test_a_page_beyond_a_limit_is_left_out_with_and_without_side_by_side(campaign):
    fine = rated(campaign, 60, a_visit(), a_visit(hidden_s=10, drop_outs=2))
    away = rated(campaign, 90, a_visit(hidden_s=12, latency_s=3), a_visit())
    ratings = ratings_frame(campaign)
    out = ratings[ratings["excluded_by"] != ""]
    assert set(out["session"]) == {str(away.token)}
    assert set(out["trial"]) == {1}
    assert set(out["excluded_by"]) == {"out of sight for 12 s"}
    analysis = analyse(ratings, screening="none")
    assert (analysis.screening.ratings_before, analysis.screening.ratings_after) == (20, 15)
    assert isinstance(analysis, MushraAnalysis)
    assert analysis.screening.excluded == ()
    assert len(analysis.screening.keep(ratings)) == 15
    row = analysis.conditions.set_index("condition").loc["system one"]
    # 60, 60, 90, 90 and 60, 60, 90
    assert row["before_mean"] == pytest.approx(75)
    assert row["after_mean"] == pytest.approx(70)
    told = json.loads(analysis.to_json())["screening"]["left_out"]
    assert [(one["listener"], one["trial"], one["ratings"]) for one in told] == [
        (away.listener.code, 1, 5)
    ]
    assert f"{away.listener.code}, page 1" in analysis.to_text()
    assert fine.listener.code not in analysis.to_text()
    assert Rating.objects.count() == 20


def test_who_has_no_page_left_is_excluded_as_a_listener(campaign):
    rated(campaign, 60, a_visit(), a_visit())
    gone = rated(campaign, 90, a_visit(drop_outs=3), a_visit(drop_outs=9))
    screening = analyse(ratings_frame(campaign), screening="none").screening
    assert screening.excluded == (gone.listener.code,)
    decision = screening.decisions.set_index("listener").loc[gone.listener.code]
    assert decision["reason"] == "3 drop-outs; 9 drop-outs"
    assert decision["ratings"] == 10
    assert screening.left_out.empty
    assert (screening.ratings_before, screening.ratings_after) == (20, 10)


def test_where_nobody_has_a_page_left_the_reason_is_said(campaign, client):
    rated(campaign, 90, a_visit(drop_outs=3), a_visit(drop_outs=9))
    client.force_login(account("alice"))
    html = client.get(campaign.get_absolute_url()).content.decode()
    assert "found all left out, the first because 3 drop-outs" in html


def test_what_browsers_did_not_tell_of_is_not_left_out(campaign):
    session = sessions.start(campaign, simulated=True)
    for page in session.pages.all():
        for slot in page.slots.filter(stimulus__isnull=False):
            body = {"slot": str(slot.token), "value": 50}
            sessions.respond(session, page, uuid.uuid4(), body)
    assert set(ratings_frame(campaign)["excluded_by"]) == {""}


def test_the_page_and_the_report_say_what_is_left_out_and_why(campaign, client):
    rated(campaign, 60, a_visit(), a_visit())
    away = rated(campaign, 90, a_visit(hidden_s=12), a_visit())
    client.force_login(account("alice"))
    html = client.get(campaign.get_absolute_url()).content.decode()
    assert "1 page <span" in html
    assert "with the campaign's own limits, declared before launch, keeps" in html
    assert "are left out of the evidence; nothing is deleted" in html
    assert "left out</span>" in html
    report = content(campaign, ".md").decode()
    assert "Pages left out by the limits that the campaign declared." in report
    assert away.listener.code in report


@pytest.mark.parametrize(
    ("limits", "problem"),
    [
        ({"hidden": 1}, "exclude: expected only heard_s, hidden_s, drop_outs"),
        ({"hidden_s": "long"}, "exclude: expected hidden_s to be a number, found 'long'"),
        ({"hidden_s": True}, "exclude: expected hidden_s to be a number, found True"),
        ({"resampled": 1}, "exclude: expected resampled to be true or false, found 1"),
        ({"drop_outs": -1}, "exclude: expected drop_outs to be 0 or more, found -1"),
        ({"latency_s": float("nan")}, "exclude: expected latency_s to be 0 or more, found nan"),
    ],
)
def test_a_limit_that_is_none_is_refused(limits, problem):
    with pytest.raises(PlanError) as error:
        checked_plan([{"part": "ratings", "exclude": limits}], items=["tone"])
    assert problem in str(error.value)
